#!/usr/bin/env bash
# Installs what is missing (Debian packages), configures and builds into build/. No prompt; quick when nothing is to be
# done. --tests adds what only the tests need. FMPN_BUILD names another build folder, FMPN_MESON_OPTIONS its options.
# usage: pipelines/setup.sh [--tests]
set -euo pipefail
. "$(dirname "$0")/common.sh"
arguments 0 1 "$@"
(($# == 0)) || [[ "$1" == --tests ]] || fail 2 "$1: no such option; there is --tests"
cd "$here"

packages=(g++ pkg-config cmake meson ninja-build ccache
  libtorch-dev libopenblas0-pthread libopenblas-pthread-dev libdnnl-dev libopencv-dev libdlib-dev
  libgstreamer1.0-dev libgstreamer-plugins-base1.0-dev libgstreamer-plugins-bad1.0-dev gstreamer1.0-tools gstreamer1.0-plugins-base
  gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly gstreamer1.0-libav
  libcli11-dev nlohmann-json3-dev libzip-dev libpugixml-dev libpango1.0-dev libcairo2-dev fonts-dejavu-core python-matplotlib-data)
if [[ "${1:-}" == --tests ]]; then
  packages+=(locales libgtest-dev python3-torch python3-torchvision python3-gi gir1.2-gst-plugins-base-1.0 gstreamer1.0-opencv opencv-data
    chromium chromium-driver python3-selenium slurm-wlm munge)
fi
# The report of fmpn-annotate embeds a chart library from npm, whichever npm there is, or from a file that an option names.
[[ "${FMPN_MESON_OPTIONS:-}" == *-Dchart-library=* ]] || command -v npm >/dev/null || packages+=(npm)
missing=()
for package in "${packages[@]}"; do
  [[ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)" == installed ]] || missing+=("$package")
done
if ((${#missing[@]})); then
  as_root=()
  ((EUID == 0)) || as_root=(sudo)
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
fi

read -rd '' -a options <<<"${FMPN_MESON_OPTIONS:-}" || true
if [[ ! -f "$build/build.ninja" ]]; then
  tests=disabled
  [[ "${1:-}" != --tests ]] || tests=enabled
  meson setup "$build" -Dtests=$tests "${options[@]}"
else # a build that was there before, without tests perhaps, or with other options; what is no -D is for a first set-up only
  changes=()
  for option in "${options[@]}"; do [[ "$option" != -D* ]] || changes+=("$option"); done
  [[ "${1:-}" != --tests ]] || changes+=(-Dtests=enabled)
  ((${#changes[@]} == 0)) || meson configure "$build" "${changes[@]}"
fi
# Else ccache leaves out what has a precompiled header, which is what takes longest.
export CCACHE_SLOPPINESS=${CCACHE_SLOPPINESS:-pch_defines,time_macros}
ninja -C "$build"
