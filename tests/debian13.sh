#!/usr/bin/env bash
# Builds FMPN and runs every test in a Debian 13 root that is made from nothing, by debootstrap and the package mirror that
# this machine uses. Needs root, debootstrap and about 8 GB. A warning of the compiler is a failure. Exits with 77 where such a root
# cannot be made.
#   tests/debian13.sh [ROOT]        ROOT defaults to out/debian13; one that is there is used again
#   tests/debian13.sh ROOT COMMAND  runs COMMAND in the checkout's copy instead of the tests
set -euo pipefail
cd "$(dirname "$0")/.."
((EUID == 0)) || { echo "tests/debian13.sh: a root of another Debian can only be made as root" >&2; exit 77; }
command -v debootstrap > /dev/null || { echo "tests/debian13.sh: debootstrap is not installed (apt-get install debootstrap)" >&2; exit 77; }
# What is mounted below is mounted for this process and its children alone, and gone with them, however they end.
if [[ "${1:-}" != --inside ]]; then
  unshare --mount true 2> /dev/null || { echo "tests/debian13.sh: nothing can be mounted here" >&2; exit 77; }
  exec unshare --mount --propagation private tests/debian13.sh --inside "$@"
fi
shift
root=$(realpath -m "${1:-out/debian13}")
shift || true

if [[ ! -e $root/etc/debian_version ]]; then
  mirror=$(apt-get indextargets --format '$(CODENAME) $(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' | awk '$1 !~ /-/ { print $2; exit }')
  [[ -n $mirror ]] || { echo "tests/debian13.sh: apt knows no Debian mirror (apt-get update)" >&2; exit 1; }
  rm -rf "$root.part"
  debootstrap --variant=minbase trixie "$root.part" "$mirror"
  mv "$root.part" "$root"
fi
cp /etc/resolv.conf "$root/etc/resolv.conf"

# The files that git knows, or would add; the build folder inside stays, so that a second run is quick. What has changed is new from now on:
# with the time of its last change here it could seem older than what a build before made of it.
while IFS= read -rd '' file; do
  [[ -e $file ]] || continue
  cmp -s "$file" "$root/fmpn/$file" || install -D -m "$(stat -c %a "$file")" "$file" "$root/fmpn/$file"
done < <(git ls-files --cached --others --exclude-standard -z)

# The registry and certificates that npm needs are this machine's: where it has an npm, that one fetches the report's chart library.
options=-Dwerror=true
version=$(sed -n "s/^uplot_version = '\(.*\)'/\1/p" pipelines/report/meson.build)
chart=uplot-$version.tgz
if [[ -e $root/$chart ]] || (command -v npm > /dev/null && cd "$root" && npm pack --silent "uplot@$version" > /dev/null); then
  options+=" -Dchart-library=/$chart"
fi

for point in proc dev; do mount --bind "/$point" "$root/$point"; done
# What ccache keeps outlives the root: the next one, made from nothing, compiles only what has changed.
cache=${XDG_CACHE_HOME:-$HOME/.cache}/fmpn-debian13-ccache
mkdir -p "$cache" "$root/root/.cache/ccache"
mount --bind "$cache" "$root/root/.cache/ccache"
inside() { chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root FMPN_MESON_OPTIONS="$options" LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"; }

inside bash -c 'cd /fmpn && pipelines/setup.sh --tests'
echo "Debian $(cat "$root/etc/debian_version"): built without a warning"
if (($#)); then
  inside bash -c 'cd /fmpn && exec "$@"' - "$@"
else
  inside bash -c 'cd /fmpn && exec tests/run.sh'
fi
