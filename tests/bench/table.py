#!/usr/bin/python3
"""table.py FILE.json [PAGE.md]: the rows that run.sh has written as tables for reading, the engine's side by side.

With a page, they take the place of what stands there between <!-- measured --> and <!-- end -->."""
import json
import pathlib
import re
import sys

from rows import HEAD, line, met, number

TITLES = {"memory": "Loading and memory", "agreement": "bf16 against fp32 on pictures", "speed": "Pipeline", "growth": "Growth", "start": "Start-up", "annotate": "fmpn-annotate"}
TIMED = re.compile(r"(?P<model>.+), batch (?P<batch>\d+), (?P<precision>\w+), (?P<threads>\d) threads?: (?P<what>.+)")


def engine_grid(rows):
    cells = {}
    for one in rows:
        if found := TIMED.fullmatch(one["name"]):
            key = (found["model"], int(found["threads"]), found["precision"], int(found["batch"]))
            cells.setdefault(key, {})[found["what"]] = one
    yield "| model | threads | precision | faces | ours ms | floor ms | ours / floor | eager fp32 ms | eager fp32 / ours | eager bf16 / ours |"
    yield "|---|---|---|---|---|---|---|---|---|---|"
    for (model, threads, precision, batch), found in sorted(cells.items(), key=lambda item: (item[0][0] != "paper", -item[0][1], item[0][2] != "fp32", item[0][3])):
        floor = found["ours / floor"]
        eager = found["eager fp32 / ours"]
        eager_bf16 = number(found["eager bf16 / ours"]["value"]) if "eager bf16 / ours" in found else ""
        mark = lambda one: f"{number(one['value'])}{'' if met(one) is None else ' ✓' if met(one) else ' ✗'}"
        yield (f"| {model} | {threads} | {precision} | {batch} | {number(floor['parts'][0])} | {number(floor['parts'][1])} | {mark(floor)} | {number(eager['parts'][0])} | "
               f"{mark(eager)} | {eager_bf16} |")


def page(rows):
    parts = {}
    for one in rows:
        parts.setdefault(one["part"], []).append(one)
    if "engine" in parts:
        yield "### Engine\n"
        yield from engine_grid(parts["engine"])
        rest = [one for one in parts["engine"] if not TIMED.fullmatch(one["name"])]
        yield "\n" + HEAD
        yield from map(line, rest)
    for part, title in TITLES.items():
        if part in parts:
            yield f"\n### {title}\n\n{HEAD}"
            yield from map(line, parts[part])


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    text = "\n".join(page(json.loads(pathlib.Path(sys.argv[1]).read_text())))
    if len(sys.argv) == 2:
        print(text)
        return
    path = pathlib.Path(sys.argv[2])
    before, rest = path.read_text().split("<!-- measured -->", 1)
    after = rest.split("<!-- end -->", 1)[1]
    path.write_text(f"{before}<!-- measured -->\n{text}\n<!-- end -->{after}")


if __name__ == "__main__":
    main()
