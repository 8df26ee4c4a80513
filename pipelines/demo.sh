#!/usr/bin/env bash
# The main job in one command: sets up, builds, and annotates a photograph's pan, a video FILE or a camera.
set -euo pipefail
here="$(cd "$(dirname "$0")/.." && pwd)"
input=()
if (($#)); then
  case "$1" in
    -h | --help) echo "usage: pipelines/demo.sh [FILE | /dev/videoN]   writes out/demo.mp4"; exit 0 ;;
    *) input=("$(realpath -m -- "$1")") ;;
  esac
fi
cd "$here"
pipelines/setup.sh
exec meson devenv -C build -w "$here" "$here/build/pipelines/fmpn-demo" "${input[@]}"
