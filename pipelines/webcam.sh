#!/usr/bin/env bash
# A camera on the screen, with the expression of every face.
# usage: pipelines/webcam.sh [/dev/videoN]
set -euo pipefail
. "$(dirname "$0")/common.sh"
arguments 0 1 "$@"
source_of "${1:-/dev/video0}"
screen_to
launch "${source[@]}" ! fmpnalign ! fmpnclassify ! fmpnoverlay ! "${screen[@]}"
