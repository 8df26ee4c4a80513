#!/usr/bin/env bash
# A network camera on the screen, with the expression of every face.
# usage: pipelines/rtsp_to_screen.sh rtsp://CAMERA/STREAM
set -euo pipefail
. "$(dirname "$0")/common.sh"
arguments 1 1 "$@"
source_of "$1"
screen_to
# The queue decouples the network: when the elements fall behind, old frames are dropped, not new ones delayed.
launch "${source[@]}" ! queue leaky=downstream max-size-buffers=2 ! videoconvert ! fmpnalign ! fmpnclassify ! fmpnoverlay ! "${screen[@]}"
