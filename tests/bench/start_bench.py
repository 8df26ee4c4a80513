"""Start-up as a user meets it: whole processes, from the shell's fork to their end, cold and warm."""
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

from rows import row

PHOTOGRAPH = "/usr/share/matplotlib/mpl-data/sample_data/grace_hopper.jpg"
COMMANDS = {
    "gst-inspect-1.0 fmpnoverlay": "gst-inspect-1.0 fmpnoverlay",
    "one frame of fmpnalign ! fmpnclassify ! fmpnoverlay": f"gst-launch-1.0 -q filesrc location={PHOTOGRAPH} ! jpegdec ! videoconvert ! fmpnalign ! fmpnclassify ! fmpnoverlay ! fakesink",
}


def seconds_of(command, environment):
    begun = time.monotonic()
    subprocess.run(command.split(), env=environment, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - begun


def forget_files():
    """Empties the page cache; False where that takes root."""
    try:
        os.sync()
        pathlib.Path("/proc/sys/vm/drop_caches").write_text("3")
        return True
    except OSError:
        return False


def measure(options):
    with tempfile.TemporaryDirectory() as folder:
        registry = pathlib.Path(folder) / "registry.bin"
        environment = {**os.environ, "GST_REGISTRY": str(registry)}
        for name, command in COMMANDS.items():
            cold, scanned, warm = [], [], []
            emptied = not options.quick
            for _ in range(1 if options.quick else 3):
                if not options.quick:
                    registry.unlink(missing_ok=True)
                    emptied = forget_files() and emptied
                    cold.append(seconds_of(command, environment))
                    emptied = forget_files() and emptied
                    scanned.append(seconds_of(command, environment))
                else:
                    seconds_of(command, environment)
                warm += [seconds_of(command, environment) for _ in range(1 if options.quick else 3)]
            if emptied:
                yield row(f"{name}: cold, every plugin of the system scanned", statistics.median(cold), "s")
                yield row(f"{name}: cold, registry there", statistics.median(scanned), "s")
            elif cold:
                print("the page cache can't be emptied without root: cold starts have warm files", file=sys.stderr)
                yield row(f"{name}: files warm, every plugin of the system scanned", statistics.median(cold), "s")
            yield row(f"{name}: warm", statistics.median(warm), "s")
