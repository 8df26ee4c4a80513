#!/usr/bin/env bash
# The main job in one command: sets up, builds, and annotates a photograph's pan, a video FILE or a camera. Writes out/demo.mp4,
# or OUT.mp4.
# usage: pipelines/demo.sh [FILE|/dev/videoN [OUT.mp4]]
set -euo pipefail
. "$(dirname "$0")/common.sh"
arguments 0 2 "$@"
(($# == 0)) || [[ -e "$1" ]] || fail 1 "$1: no such file or camera"
files=()
for word; do files+=("$(realpath -m -- "$word")"); done
cd "$here"
pipelines/setup.sh
exec meson devenv -C "$build" -w "$here" "$build/pipelines/fmpn-demo" "${files[@]}"
