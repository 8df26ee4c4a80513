#!/usr/bin/env bash
# A film's or a camera's faces as JSON lines on standard output, without a screen, for other programs to read.
# usage: pipelines/json_to_stdout.sh FILM | jq -c 'select(.label == "happiness")'
set -euo pipefail
. "$(dirname "$0")/common.sh"
arguments 1 1 "$@"
source_of "$1"
launch "${source[@]}" ! videoconvert ! fmpnalign ! fmpnclassify ! fmpnrecord location=- format=jsonl ! fakesink
