#!/usr/bin/env bash
# The documentation's examples, as their users would run them:  examples_test.sh read_metadata.py read_metadata.c still
set -euo pipefail
script=$1 source=$2 still=$3
python=/usr/bin/python3  # Debian's, which has its gi
photograph=/usr/share/matplotlib/mpl-data/sample_data/grace_hopper.jpg
$python -c 'import gi; gi.require_version("GstVideo", "1.0")' 2> /dev/null ||
  { echo "python3-gi or GStreamer's introspection data is not installed"; exit 77; }
[[ -e $photograph ]] || { echo "$photograph is not installed"; exit 77; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# With B-frames the first PTS of an mp4 is not 0, its place in the film is.
film=$folder/film.mp4
gst-launch-1.0 -q filesrc location=$photograph ! jpegdec ! imagefreeze num-buffers=5 ! video/x-raw,framerate=25/1 ! videoconvert ! \
  x264enc bframes=2 b-adapt=false ! mp4mux ! filesink location="$film"
elements='fmpnalign ! fmpnclassify min-confidence=0'

$python "$script" --messages "filesrc location=$film ! decodebin ! videoconvert ! $elements" > "$folder/python"
$python - "$folder/python" << 'END'
import json, sys
lines = [json.loads(line) for line in open(sys.argv[1])]
faces = [line for line in lines if "message" not in line]
messages = [line for line in lines if "message" in line]
assert len(faces) == 5, faces
assert [round(face["time"], 3) for face in faces] == [0, 0.04, 0.08, 0.12, 0.16], faces
for face in faces:
    assert face["track"] == faces[0]["track"] != 0, face
    assert face["frames_ago"] == 0, face
    assert abs(sum(face["distribution"].values()) - 1) < 1e-5, face
    assert face["label"] in face["distribution"], face
    assert face["width"] > 100, face
    left_eye, right_eye, nose, left_corner, right_corner = face["landmarks"]
    assert face["x"] < left_eye[0] < nose[0] < right_eye[0] < face["x"] + face["width"], face
    assert face["y"] < left_eye[1] < nose[1] < left_corner[1] < face["y"] + face["height"], face
assert [message["event"] for message in messages] == ["onset", "offset"], messages
assert messages[0]["time"] == 0, messages
END
# Who has read enough closes the pipe.
$python "$script" "filesrc location=$photograph ! jpegdec ! imagefreeze num-buffers=40 ! $elements" 2> "$folder/closed" |
  head -1 > /dev/null
[[ ! -s $folder/closed ]] || { cat "$folder/closed"; exit 1; }

program=$folder/read_metadata
read -ra flags <<< "$(pkg-config --cflags --libs gstreamer-video-1.0)"
cc -Wall -Wextra -Werror "$source" "${flags[@]}" -o "$program"
"$program" "filesrc location=$film ! decodebin ! videoconvert ! $elements" > "$folder/c"
$python - "$folder/python" "$folder/c" << 'END'
import json, re, sys
faces = [face for face in map(json.loads, open(sys.argv[1])) if "message" not in face]
lines = open(sys.argv[2]).read().splitlines()
wanted = ["%.3f face %d at %d,%d %dx%d: %s %.3f" % (face["time"], face["track"], face["x"], face["y"], face["width"], face["height"],
                                                    face["label"], face["confidence"]) for face in faces]
assert lines == wanted, (lines, wanted)
END

"$still" $photograph > "$folder/still"
grep -Eqx '[0-9]+,[0-9]+ [0-9]+x[0-9]+ [a-z]+ 0\.[0-9]{3}' "$folder/still" || { cat "$folder/still"; exit 1; }

fails() {  # WORDS COMMAND…: it ends with a status other than 0, says WORDS, and has no Python traceback
  local words=$1
  shift
  if "$@" > /dev/null 2> "$folder/fault"; then echo "it has to fail: $*"; exit 1; fi
  grep -q "$words" "$folder/fault" && ! grep -q Traceback "$folder/fault" || { cat "$folder/fault"; exit 1; }
}
fails /no/such.safetensors $python "$script" 'fakesrc ! fmpnclassify model=/no/such.safetensors'
fails fmpnclasify $python "$script" 'fakesrc ! fmpnclasify'
fails /no/such.mp4 $python "$script" 'filesrc location=/no/such.mp4 ! decodebin ! fmpnalign'
fails fmpnclasify "$program" 'fakesrc ! fmpnclasify'
fails /no/such.mp4 "$program" 'filesrc location=/no/such.mp4 ! decodebin ! fmpnalign'
fails /no/such.jpg "$still" /no/such.jpg
