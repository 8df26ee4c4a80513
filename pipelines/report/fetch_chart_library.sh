#!/usr/bin/env bash
# Unpacks the report's chart library: from TARBALL where one is given, else from the npm registry. The content is checked, so
# that every build embeds the same bytes.
# usage: fetch_chart_library.sh NAME VERSION SHA512 OUTPUT_FOLDER [TARBALL]
set -euo pipefail
name=$1 version=$2 sha512=$3 output=$4 tarball=${5:-}
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
if [[ -z "$tarball" ]]; then
  if ! (cd "$work" && npm pack --silent "$name@$version" >/dev/null); then
    echo "$name@$version cannot be fetched with npm. Configure with -Dreport=disabled, or with -Dchart-library=FILE.tgz" >&2
    exit 1
  fi
  tarball="$work/$name-$version.tgz"
fi
if ! echo "$sha512  $tarball" | sha512sum --check --status; then
  echo "$tarball is not $name $version as it was when this build was written: its SHA-512 differs" >&2
  exit 1
fi
tar -xmzf "$tarball" -C "$output" --strip-components=1 package/LICENSE
tar -xmzf "$tarball" -C "$output" --strip-components=2 package/dist/uPlot.iife.min.js package/dist/uPlot.min.css
