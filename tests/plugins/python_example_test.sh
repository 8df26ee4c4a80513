#!/usr/bin/env bash
# docs/examples/read_metadata.py on a photograph: a face with a whole distribution on every frame, and the messages.
set -euo pipefail
script=$1
python=/usr/bin/python3  # Debian's, which has its gi
photograph=/usr/share/matplotlib/mpl-data/sample_data/grace_hopper.jpg
$python -c 'import gi; gi.require_version("GstVideo", "1.0")' 2> /dev/null || { echo "python3-gi or GStreamer's introspection data is not installed"; exit 77; }
[[ -e $photograph ]] || { echo "$photograph is not installed"; exit 77; }
out=$($python "$script" --messages "filesrc location=$photograph ! jpegdec ! imagefreeze num-buffers=3 ! fmpnalign ! fmpnclassify min-confidence=0")
$python - "$out" << 'END'
import json, sys
lines = [json.loads(line) for line in sys.argv[1].splitlines()]
faces = [line for line in lines if "message" not in line]
messages = [line for line in lines if "message" in line]
assert len(faces) == 3, faces
for face in faces:
    assert face["track"] == faces[0]["track"] != 0, face
    assert face["frames_ago"] == 0, face
    assert abs(sum(face["distribution"].values()) - 1) < 1e-5, face
    assert face["label"] in face["distribution"], face
    assert face["width"] > 100, face
assert [message["event"] for message in messages] == ["onset", "offset"], messages
END
if $python "$script" "fakesrc ! fmpnclassify model=/no/such.safetensors" 2> /dev/null; then
  echo "a pipeline that fails has to end with a status other than 0"
  exit 1
fi
