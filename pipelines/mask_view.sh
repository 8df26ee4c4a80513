#!/usr/bin/env bash
# What the network looks at: the facial-motion mask of every face as a heat map over it, without box and bars.
# usage: pipelines/mask_view.sh [/dev/videoN|FILM]
set -euo pipefail
. "$(dirname "$0")/common.sh"
arguments 0 1 "$@"
source_of "${1:-/dev/video0}"
screen_to
launch "${source[@]}" ! videoconvert ! fmpnalign ! fmpnmask ! fmpnclassify ! \
  fmpnoverlay show-mask=true mask-opacity=0.6 show-box=false show-bars=false ! "${screen[@]}"
