#!/usr/bin/env bash
# Records a camera or a film with every face made unrecognisable, its expression beside it, and the data as a table.
# Ctrl-C ends a camera's recording.
# usage: pipelines/anonymised_recording.sh /dev/videoN|FILM OUT.mp4 [OUT.csv]
set -euo pipefail
. "$(dirname "$0")/common.sh"
arguments 2 3 "$@"
source_of "$1"
name="${2##*/}" # a dot in the folder's name begins no suffix
table="${3:-${2%"$name"}${name%.*}.csv}"
h264_file "$2"
output "$table"
# Every frame is searched for faces: one that the detector finds late would be seen until then.
record "${source[@]}" ! videoconvert ! fmpnalign detect-interval=1 ! fmpnclassify mode=sync ! \
  fmpnrecord format=csv location="$(as_value "$table.partial")" ! \
  fmpnoverlay anonymize=pixelate ! "${encoded[@]}"
