#!/usr/bin/python3
"""Prints what FMPN's elements know of every face, frame by frame, from a pad probe: one JSON object a face.

    read_metadata.py [--messages] 'filesrc location=interview.mp4 ! decodebin ! fmpnalign ! fmpnclassify'

The argument is the pipeline up to the last of our elements; a sink is added. --messages prints onset, change and offset, too. Times are
stream time, in seconds: the place in the film, as in fmpnrecord's files.
Needs python3-gi and gir1.2-gst-plugins-base-1.0.
"""
import argparse
import ctypes
import json
import os
import sys
import threading

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstVideo", "1.0")
from gi.repository import GLib, Gst, GstVideo  # noqa: E402


_printing = threading.Lock()  # faces come in the streaming thread, messages in the main one


def show(record):
    with _printing:
        try:
            print(json.dumps(record), flush=True)
        except BrokenPipeError:  # nobody reads any more; an exception would not leave GStreamer's thread
            os._exit(0)


class _Meta(ctypes.Structure):
    _fields_ = [("flags", ctypes.c_int), ("info", ctypes.c_void_p)]


class _RegionMeta(ctypes.Structure):
    """The head of GstVideoRegionOfInterestMeta."""

    _fields_ = [("meta", _Meta), ("roi_type", ctypes.c_uint32), ("id", ctypes.c_int)]


_gst = ctypes.CDLL("libgstreamer-1.0.so.0")
_gst.gst_buffer_iterate_meta_filtered.restype = ctypes.c_void_p
_gst.gst_buffer_iterate_meta_filtered.argtypes = [ctypes.c_void_p, ctypes.POINTER(ctypes.c_void_p), ctypes.c_size_t]
_video = ctypes.CDLL("libgstvideo-1.0.so.0")
_video.gst_video_region_of_interest_meta_api_get_type.restype = ctypes.c_size_t


def face_regions(buffer):
    """Every region of type `face`. Gst.Buffer.iterate_meta can't be called from Python, so the ids are found by ctypes
    and the rest by GStreamer's own functions."""
    api = _video.gst_video_region_of_interest_meta_api_get_type()
    state = ctypes.c_void_p()
    while True:
        # hash() of a boxed or mini object is its address.
        meta = _gst.gst_buffer_iterate_meta_filtered(hash(buffer), ctypes.byref(state), api)
        if not meta:
            return
        head = ctypes.cast(meta, ctypes.POINTER(_RegionMeta)).contents
        if GLib.quark_to_string(head.roi_type) == "face":
            yield GstVideo.buffer_get_video_region_of_interest_meta_id(buffer, head.id)


def fields_of(structure):
    """A Gst.Structure as a dict; structures inside it too."""
    if structure is None:
        return None
    result = {}
    for i in range(structure.n_fields()):
        name = structure.nth_field_name(i)
        try:
            value = structure.get_value(name)
        except TypeError:  # an array, which gi does not turn into a value
            continue
        if isinstance(value, Gst.Structure):
            result[name] = fields_of(value)
        elif isinstance(value, (str, int, float, bool)):
            result[name] = value
    return result


def points_of(landmarks):
    """Landmarks as [x, y], fractions of the region."""
    numbers = memoryview(bytes(landmarks.get_value("data_buffer").unpack())).cast("f").tolist()
    return list(zip(numbers[::2], numbers[1::2]))


def seconds(nanoseconds):
    return None if nanoseconds == Gst.CLOCK_TIME_NONE else nanoseconds / Gst.SECOND


def describe(region):
    face = {"x": region.x, "y": region.y, "width": region.w, "height": region.h}
    track = region.get_param("object_id")
    if track is not None and track.has_field("id"):
        face["track"] = track.get_int("id")[1]
    detection = fields_of(region.get_param("detection"))
    if detection:
        face["quality"] = detection.get("quality")
        face["score"] = detection.get("confidence")
    landmarks = region.get_param("landmarks")
    if landmarks is not None:
        face["landmarks"] = [[region.x + x * region.w, region.y + y * region.h] for x, y in points_of(landmarks)]
    expression = fields_of(region.get_param("expression"))
    if expression:
        face.update({key: expression[key] for key in ("label", "confidence", "distribution", "entropy", "frames_ago")})
    return face


def on_buffer(pad, info):
    buffer = info.get_buffer()
    segment = pad.get_sticky_event(Gst.EventType.SEGMENT, 0).parse_segment()
    time = seconds(segment.to_stream_time(Gst.Format.TIME, buffer.pts)) if segment.format == Gst.Format.TIME else None
    for region in face_regions(buffer):
        show({"time": time, **describe(region)})
    return Gst.PadProbeReturn.OK


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--messages", action="store_true", help="print onset, change and offset of expressions, too")
    parser.add_argument("pipeline", help="up to the last of our elements")
    arguments = parser.parse_args()
    Gst.init(None)
    try:
        pipeline = Gst.parse_launch(arguments.pipeline + " ! fakesink name=end sync=false")
    except GLib.Error as fault:
        sys.exit(f"read_metadata: {fault.message}")
    pipeline.get_by_name("end").get_static_pad("sink").add_probe(Gst.PadProbeType.BUFFER, on_buffer)
    bus = pipeline.get_bus()
    pipeline.set_state(Gst.State.PLAYING)
    status = 0
    try:
        while True:
            message = bus.timed_pop_filtered(Gst.CLOCK_TIME_NONE, Gst.MessageType.EOS | Gst.MessageType.ERROR | Gst.MessageType.ELEMENT)
            if message.type == Gst.MessageType.EOS:
                break
            if message.type == Gst.MessageType.ERROR:
                error, details = message.parse_error()
                print(f"{message.src.get_name()}: {error.message}\n{details}", file=sys.stderr)
                status = 1
                break
            structure = message.get_structure()
            if arguments.messages and structure.get_name() == "fmpn-expression":
                fields = fields_of(structure)
                show({"message": "fmpn-expression", "time": seconds(fields["stream-time"]), **fields})
    except KeyboardInterrupt:
        pass
    finally:
        pipeline.set_state(Gst.State.NULL)
    return status


if __name__ == "__main__":
    sys.exit(main())
