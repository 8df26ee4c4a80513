#!/usr/bin/env bash
# Records a camera or a film with every face made unrecognisable, its expression beside it, and the data as a table.
# usage: pipelines/anonymised_recording.sh /dev/videoN|FILM OUT.mp4 [OUT.csv]
set -euo pipefail
. "$(dirname "$0")/common.sh"
help_if_asked "${2:---help}"
source_of "$1"
name="${2##*/}" # a dot in the folder's name begins no suffix
h264_file "$2"
# Every frame is searched for faces: one that the detector finds late would be seen until then.
launch "${source[@]}" ! videoconvert ! fmpnalign detect-interval=1 ! fmpnclassify mode=sync ! \
  fmpnrecord format=csv location="${3:-${2%"$name"}${name%.*}.csv}" ! \
  fmpnoverlay anonymize=pixelate ! "${encoded[@]}"
