#!/usr/bin/env bash
# Sets up, builds and runs every test. Quick when nothing is to be done.
set -euo pipefail
cd "$(dirname "$0")/.."
pipelines/setup.sh --tests
exec meson test -C build --no-rebuild --print-errorlogs "$@"
