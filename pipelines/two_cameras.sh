#!/usr/bin/env bash
# Two cameras side by side, each with its own faces; the model is loaded once.
# usage: pipelines/two_cameras.sh [/dev/videoN [/dev/videoM]]
set -euo pipefail
. "$(dirname "$0")/common.sh"
arguments 0 2 "$@"
screen_to
source_of "${1:-/dev/video0}"
left=("${source[@]}")
source_of "${2:-/dev/video2}"
right=("${source[@]}")
faces=(videoconvert ! videoscale ! "video/x-raw,width=640,height=480,pixel-aspect-ratio=1/1" !
  fmpnalign ! fmpnclassify ! fmpnoverlay ! queue ! sides.)
launch compositor name=sides sink_1::xpos=640 ! "${screen[@]}" \
  "${left[@]}" ! queue ! "${faces[@]}" "${right[@]}" ! queue ! "${faces[@]}"
