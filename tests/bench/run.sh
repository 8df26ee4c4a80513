#!/usr/bin/env bash
# Measures speed, memory, start-up and agreement, and prints one table.
#   tests/bench/run.sh [--json FILE] [--quick] [--only engine,memory,agreement,speed,growth,start,annotate] [--threads 1,2] [--data PREPARED_FER2013]
# --quick runs everything once on small models and pictures: that it works, not how fast. FMPN_BUILD names the build folder. Set up with
# pipelines/setup.sh --tests. Nothing else should run meanwhile; root lets it empty the page cache for the cold starts.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${FMPN_BUILD:-build}
needed=(plugins/align/libgstfmpnalign.so plugins/inference/libgstfmpninference.so plugins/overlay/libgstfmpnoverlay.so plugins/record/libgstfmpnrecord.so
  pipelines/annotate/fmpn-annotate tests/bench/make_model tests/bench/engine-bench tests/bench/pipeline-bench tests/support/tiny.safetensors)
ninja -C "$build" --quiet "${needed[@]}"
exec meson devenv -C "$build" -w "$PWD" /usr/bin/python3 tests/bench/run.py --build "$build" "$@"
