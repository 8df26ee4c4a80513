#!/usr/bin/env bash
# A pipeline of 100 frames through all elements under valgrind: fails where a definite leak has a function of ours in its trace.
#   tests/leaks.sh [BUILD]
set -euo pipefail
cd "$(dirname "$0")/.."
build=$(realpath "${1:-build}")
command -v valgrind > /dev/null || { echo "tests/leaks.sh: valgrind is not installed (apt-get install valgrind)" >&2; exit 77; }
photograph=/usr/share/matplotlib/mpl-data/sample_data/grace_hopper.jpg
[[ -e $photograph ]] || { echo "tests/leaks.sh: $photograph is not installed" >&2; exit 77; }
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# Valgrind knows no AVX-512; the registry is read beforehand, and not in a child.
export GST_PLUGIN_PATH="$build/plugins" GST_REGISTRY="$build/leaks-registry.bin" FMPN_MODEL="$build/tests/support/tiny.safetensors"
export OPENBLAS_CORETYPE=Haswell OMP_NUM_THREADS=1 G_SLICE=always-malloc GST_REGISTRY_FORK=no
gst-inspect-1.0 fmpnclassify > /dev/null
valgrind --leak-check=full --show-leak-kinds=definite --num-callers=40 --log-file="$log" \
  gst-launch-1.0 -q filesrc location=$photograph ! jpegdec ! videoscale ! video/x-raw,width=256,height=300 ! imagefreeze num-buffers=100 \
  ! fmpnalign ! fmpnmask ! fmpnclassify ! fmpnrecord location=/dev/null ! fmpnoverlay show-mask=true anonymize=blur ! fakesink
grep 'definitely lost:' "$log" || grep 'no leaks are possible' "$log" || { tail -n 30 "$log"; exit 1; }
# Records are separated by lines without text after the process's number.
if awk -v RS='==[0-9]+== *\n' '/definitely lost in loss record/ && /fmpn/ { print; found = 1 } END { exit !found }' "$log"; then
  echo "tests/leaks.sh: the leaks above are ours" >&2
  exit 1
fi
echo "no definite leak of ours in 100 frames"
