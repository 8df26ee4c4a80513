# Shared by the scripts in this folder: finds the elements of this checkout's build, if there is one, and turns words into
# pieces of a pipeline. FMPN_SOURCE and FMPN_SINK, pieces of a pipeline, stand in for a camera and a screen.
here="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
if [[ -d "$here/build/plugins" && -z "${GST_PLUGIN_PATH:-}" ]]; then
  export GST_PLUGIN_PATH="$here/build/plugins" GST_REGISTRY="$here/build/plugins/registry.bin"
  export FMPN_MODEL="${FMPN_MODEL:-$here/models/fmpn-fer2013.safetensors}"
fi

# help_if_asked "$@": prints the comment at the top of the script, and ends, where that is asked for.
help_if_asked() {
  if [[ "${1:-}" == -h || "${1:-}" == --help ]]; then
    sed -n '2,/^[^#]/{s/^# \{0,1\}//p}' "$0"
    exit 0
  fi
}

# source_of WORD: sets `source` to a camera, a stream or a file, decoded.
source_of() {
  if [[ -n "${FMPN_SOURCE:-}" ]]; then
    read -ra source <<<"$FMPN_SOURCE"
    return
  fi
  case "$1" in
    /dev/video*) source=(v4l2src device="$1") ;;
    rtsp://* | rtsps://*) source=(rtspsrc location="$1" latency=200 ! decodebin) ;;
    *://*) source=(uridecodebin uri="$1") ;;
    *) source=(filesrc location="$1" ! decodebin) ;;
  esac
  case "$1" in
    *://*) ;;
    *) [[ -e "$1" ]] || { echo "${0##*/}: $1: no such file or camera" >&2; exit 1; } ;;
  esac
}

# screen_to: sets `screen` to what shows a video.
screen_to() { read -ra screen <<<"${FMPN_SINK:-videoconvert ! autovideosink}"; }

# launch PIECE...: runs the pipeline. An interruption ends the stream in order, so that files are whole.
launch() { exec gst-launch-1.0 -q -e "$@"; }

h264_file() { encoded=(videoconvert ! video/x-raw,format=I420 ! x264enc tune=zerolatency speed-preset=veryfast ! h264parse ! mp4mux ! filesink location="$1"); }
