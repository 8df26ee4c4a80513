#!/usr/bin/env bash
# A film to an annotated film (mp4, without sound). fmpn-annotate does more: sound, data, report, many films.
# usage: pipelines/file_to_file.sh FILM OUT.mp4
set -euo pipefail
. "$(dirname "$0")/common.sh"
arguments 2 2 "$@"
source_of "$1"
h264_file "$2"
record "${source[@]}" ! videoconvert ! fmpnalign ! fmpnclassify ! fmpnoverlay ! "${encoded[@]}"
