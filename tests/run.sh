#!/usr/bin/env bash
# Sets up, builds and runs every test. Quick when nothing is to be done. FMPN_BUILD names another build folder than build/.
#   tests/run.sh [MESON TEST ARGUMENTS]
#   tests/run.sh --sanitize    builds library and elements once more, into build-sanitize/ with the address and the
#                              undefined-behaviour sanitizer, and runs their tests; leaks are looked for by tests/leaks.sh
set -euo pipefail
cd "$(dirname "$0")/.."
if [[ "${1:-}" == --sanitize ]]; then
  shift
  export FMPN_BUILD=build-sanitize
  export FMPN_MESON_OPTIONS="-Db_sanitize=address,undefined -Db_lundef=false -Dbuildtype=debugoptimized -Dtrain=disabled"
  export ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
  # GStreamer's scanner is not built with the sanitizer and could not load the plugins.
  export GST_REGISTRY_FORK=no
  pipelines/setup.sh --tests
  # Programs of others that load our plugins (gst-launch-1.0, python3): the sanitizer has to be there first, and what it looks up in libstdc++.
  preload=$(c++ -print-file-name=libasan.so):$(c++ -print-file-name=libstdc++.so)
  exec meson test -C "$FMPN_BUILD" --print-errorlogs --timeout-multiplier 4 --wrapper "env LD_PRELOAD=$preload" --suite lib --suite plugins "$@"
fi
pipelines/setup.sh --tests
exec meson test -C "${FMPN_BUILD:-build}" --print-errorlogs "$@"
