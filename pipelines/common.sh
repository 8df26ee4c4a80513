# shellcheck shell=bash disable=SC2034 # what is set here is used by those who read this file
# Shared by the scripts in this folder: finds the elements of this checkout's build, if there is one, and turns words into
# pieces of a pipeline. FMPN_BUILD names another build folder than build/. FMPN_SOURCE and FMPN_SINK, pieces of a pipeline,
# stand in for a camera and a screen.
here="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
build="$(cd "$here" && realpath -m -- "${FMPN_BUILD:-build}")"
if [[ -d "$build/plugins" ]]; then
  [[ ":${GST_PLUGIN_PATH:-}:" == *":$build/plugins"[:/]* ]] || GST_PLUGIN_PATH="$build/plugins${GST_PLUGIN_PATH:+:$GST_PLUGIN_PATH}"
  export GST_PLUGIN_PATH GST_REGISTRY="${GST_REGISTRY:-$build/plugins/registry.bin}"
  export FMPN_MODEL="${FMPN_MODEL:-$here/models/fmpn-fer2013.safetensors}"
fi

# fail STATUS TEXT: says what is wrong, and ends.
fail() {
  echo "${0##*/}: $2" >&2
  exit "$1"
}

# arguments LEAST MOST "$@": prints the comment at the top of the script, and ends, where that is asked for, or where there are
# fewer or more words than that.
arguments() {
  local least=$1 most=$2 word help
  shift 2
  help="$(sed -n '2,/^[^#]/{s/^# \{0,1\}//p}' "$0")"
  for word; do
    [[ "$word" != -h && "$word" != --help ]] || { echo "$help"; exit 0; }
  done
  (($# >= least && $# <= most)) || { echo "$help" >&2; exit 2; }
}

# as_value TEXT: prints TEXT as gst-launch-1.0 reads it back unchanged. It would take backslashes and quotes away: in their
# stead, and so in everything's, stands the byte's number.
as_value() { printf '"\\"%s\\""' "$(printf %s "$1" | od -An -v -to1 | tr -d '\n' | sed 's/ /\\\\/g')"; }

# source_of WORD: sets `source` to a camera, a stream or a film, decoded; of a film, `film` to the file.
source_of() {
  film=
  if [[ -n "${FMPN_SOURCE:-}" ]]; then
    read -ra source <<<"$FMPN_SOURCE"
    return
  fi
  case "$1" in
    rtsp://* | rtsps://*) source=(rtspsrc location="$(as_value "$1")" latency=200 ! decodebin) ;;
    *://*)
      source=(uridecodebin uri="$(as_value "$1")") film="$1"
      [[ "$1" != file://* ]] || film="$(printf %b "${1//%/\\x}")" film="${film#file://}" film="${film#localhost}"
      ;;
    *)
      [[ -e "$1" ]] || fail 1 "$1: no such file or camera"
      if [[ "$1" == /dev/video* ]]; then
        source=(v4l2src device="$(as_value "$1")")
      else
        film="$1" source=(filesrc location="$(as_value "$1")" ! decodebin)
      fi
      ;;
  esac
}

# screen_to: sets `screen` to what shows a video.
screen_to() { read -ra screen <<<"${FMPN_SINK:-videoconvert ! autovideosink}"; }

# launch PIECE...: runs the pipeline.
launch() { exec gst-launch-1.0 -q -e "$@"; }

# output FILE: has `record` give FILE its name; the pipeline is to write FILE.partial. Refuses to write over the film or another output.
outputs=()
output() {
  local name other
  [[ ! -e "$1" || -f "$1" ]] || fail 2 "$1: is there, and no file"
  for name in "$1" "$1.partial"; do
    for other in ${film:+"$film"} "${outputs[@]}" "${outputs[@]/%/.partial}"; do
      [[ ! "$name" -ef "$other" && "$(realpath -m -- "$name")" != "$(realpath -m -- "$other")" ]] ||
        fail 2 "$1: would be written over $other; name another file"
    done
  done
  outputs+=("$1")
}

# h264_file FILE: sets `encoded` to what writes an mp4 file, one of the outputs. Its tones lie in 16…235: x264enc does not say so where they
# are the 0…255 of a camera's JPEGs, which come to BT.709, the first in the list; what has one of the others stays as it is.
h264_file() {
  output "$1"
  local tones='{bt709,bt601,smpte240m,bt2020,2:3:0:0,2:4:0:0,2:4:5:1,2:4:7:1}'
  encoded=(videoconvert ! "video/x-raw,format=I420,colorimetry=(string)$tones" ! x264enc tune=zerolatency speed-preset=veryfast !
    h264parse ! mp4mux ! filesink location="$(as_value "$1.partial")")
}

# record PIECE...: runs the pipeline; the outputs have their names when they are whole, and until then what has that name stays.
# An interruption (Ctrl-C, SIGTERM) ends the stream in order: that is how a camera's recording comes to be whole. A film has its
# own end, and what was interrupted before it stays FILE.partial, to be played as far as it goes. A second one ends at once.
record() {
  local status=0 interrupted='' pipeline='' file
  trap 'interrupted=yes; [[ -z "$pipeline" ]] || kill -INT "$pipeline" 2>/dev/null || true' INT TERM HUP
  set -m # a process group of its own: else Ctrl-C would reach the pipeline twice, from the terminal and from here
  gst-launch-1.0 -q -e "$@" &
  pipeline=$!
  set +m
  [[ -z "$interrupted" ]] || kill -INT "$pipeline" 2>/dev/null || true # a signal that came before there was a pipeline
  while kill -0 "$pipeline" 2>/dev/null; do wait "$pipeline" || true; done # a signal ends the wait, not the pipeline
  wait "$pipeline" || status=$?
  [[ "$status" != 0 || -z "$interrupted" || -z "$film" ]] || status=130
  for file in "${outputs[@]}"; do
    if ((status == 0)); then
      mv -f -- "$file.partial" "$file"
    elif [[ -s "$file.partial" ]]; then
      echo "${0##*/}: $file.partial has what there was until then" >&2
    else
      rm -f -- "$file.partial"
    fi
  done
  exit "$status"
}
