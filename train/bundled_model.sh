#!/usr/bin/env bash
# Trains the bundled model from FER2013:
#   train/bundled_model.sh FER2013 MASKS OUT [OPTION…]
# FER2013 holds train/<class>/… and valid/<class>/…, MASKS the published masks of one fold of CK+ (0.png … 6.png). The model is
# OUT/fifth/last.safetensors. Run again it goes on where it was stopped. OPTIONs go to every run of `fmpn-train fit`.
set -euo pipefail
(($# >= 3)) || { sed -n 2,5p "$0" | cut -c 3- >&2; exit 2; }
fer2013=$1 masks=$2 out=$3
shift 3
train=${FMPN_TRAIN:-$(dirname "$0")/../build/train/fmpn-train}

fit() {  # RUN RECIPE OPTION…
  local run=$out/$1 recipe=$2
  shift 2
  [[ ! -f $run/checkpoint.pt ]] || set -- "$@" --resume
  "$train" fit "$out/data" -o "$run" --masks "$masks" --recipe "$recipe" "$@"
}

"$train" prepare folder "$fer2013" -o "$out/data" --crop-size 44
# FMG's own phase. Here, where R² decides whether it was long enough, the pictures that valid/ has too are left out.
fit fmg default --phase 1 --leave-out-duplicates true "$@"
fit first default --phase 2 --fmg-weights "$out/fmg/last.safetensors" "$@"
fit second second-cycle --weights "$out/first/last.safetensors" "$@"
fit third third-cycle --cn-weights "$out/second/last.safetensors" --fmg-weights "$out/fmg/last.safetensors" \
  --teacher "$out/second/last.safetensors" "$@"
fit fourth fourth-cycle --weights "$out/third/last.safetensors" \
  --teacher "$out/third/last.safetensors" --teacher "$out/second/last.safetensors" "$@"
fit fifth fifth-cycle --cn-weights "$out/fourth/last.safetensors" --fmg-weights "$out/fmg/last.safetensors" \
  --teacher "$out/fourth/last.safetensors" --teacher "$out/third/last.safetensors" "$@"
