#!/usr/bin/env python3
"""Opens reports in a headless Chromium and compares what they show with the summaries beside them: without a network, without a word
in the console, by mouse, finger and keyboard, on a desk and on a phone.

usage: report_in_browser.py OUT embedded|linked [SCREENSHOT_FOLDER]
OUT is what fmpn-annotate makes of the inputs of the test Report.WorksInABrowser; `linked` looks only at what differs then.
Exit status 77: no browser to test with.
"""
import json
import pathlib
import shutil
import sys
import tempfile
import urllib.parse

try:
    from selenium import webdriver
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.actions.action_builder import ActionBuilder
    from selenium.webdriver.common.actions.pointer_input import PointerInput
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.support.ui import WebDriverWait
except ImportError:
    print("skipped: python3-selenium is not installed")
    sys.exit(77)

ODD_NAME = "<!--<script>&lt;"  # as HTML it would be: the start of a comment, of a script, a character reference
MOST_FACES = 40


def open_browser():
    browser, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if browser is None or driver is None:
        print("skipped: chromium and chromium-driver are not installed")
        sys.exit(77)
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1500,1000",
                     "--autoplay-policy=no-user-gesture-required",
                     # No name can be resolved: what works now works without a network.
                     "--host-resolver-rules=MAP * ~NOTFOUND"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(service=webdriver.chrome.service.Service(driver), options=options)


class Check:
    """The browser, and what is asked of the page in it."""

    def __init__(self, browser, screenshots):
        self.browser, self.screenshots, self.failures = browser, screenshots, 0
        # What the charts write is on a canvas: it is noted as it is written, with its colour.
        browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": """window.written = [];
            const fillText = CanvasRenderingContext2D.prototype.fillText;
            CanvasRenderingContext2D.prototype.fillText = function (text, ...at) {
              window.written.push([text, this.fillStyle]);
              return fillText.call(this, text, ...at);
            };"""})

    def that(self, holds, what):
        print(("ok: " if holds else "FAILED: ") + what)
        self.failures += not holds

    def equal(self, found, wanted, what):
        self.that(found == wanted, what if found == wanted else f"{what}: {found!r} instead of {wanted!r}")

    def wait(self, condition, what, seconds=20):
        try:
            WebDriverWait(self.browser, seconds, poll_frequency=0.05).until(lambda _: condition())
            self.that(True, what)
        except Exception as fault:  # the report of what did not come is the point
            self.that(False, f"{what} ({type(fault).__name__})")

    def open(self, page, ready="footer"):
        self.browser.get(page.as_uri())
        self.wait(lambda: self.all(ready), f"{page.parent.name}/{page.name} is built")
        self.settle()

    def console_is_clean(self, page):
        lines = [line["message"] for line in self.browser.get_log("browser") if line["level"] in ("SEVERE", "WARNING")]
        self.equal(lines, [], f"{page}: nothing in the console")

    def screenshot(self, name):
        if self.screenshots:
            self.browser.save_screenshot(str(self.screenshots / f"{name}.png"))

    def js(self, text, *arguments):
        return self.browser.execute_script(text, *arguments)

    def settle(self):
        """Two frames later, whatever was asked for is drawn."""
        self.browser.execute_async_script("const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => done()));")

    def all(self, selector):
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def texts(self, selector):
        return self.js("return [...document.querySelectorAll(arguments[0])].map((one) => one.textContent)", selector)

    def text(self, selector):
        return " | ".join(self.texts(selector))

    def size(self, width, height):
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                                     {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False})

    def scheme(self, name):
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": name}]})

    # ---- of a film's page

    def current_time(self):
        return self.js("return document.querySelector('video').currentTime")

    def playhead(self):
        return self.js("return parseFloat(document.querySelector('.playhead').style.left)")

    def click_at(self, part):
        """Clicks at a part of the first timeline's width."""
        chart = self.all(".chart .u-over")[0]
        offset = round((part - 0.5) * chart.size["width"])
        ActionChains(self.browser).move_to_element_with_offset(chart, offset, 0).click().perform()
        self.settle()

    def touch_at(self, part):
        chart = self.all(".chart .u-over")[0]
        finger = ActionBuilder(self.browser, mouse=PointerInput("touch", "finger"))
        finger.pointer_action.move_to(chart, round((part - 0.5) * chart.size["width"]), 0).pointer_down().pointer_up()
        finger.perform()
        self.settle()

    def colours(self, face, top, bottom):
        """For each of the timeline's columns, the colours between two parts of its height."""
        return self.js("""const [face, from, to] = arguments;
            const [canvas, over] = ['canvas', '.u-over'].map((part) => document.querySelectorAll('.chart ' + part)[face]);
            const frame = canvas.getBoundingClientRect(), area = over.getBoundingClientRect();
            const left = Math.round(area.left - frame.left), top = Math.round(area.top - frame.top + from * area.height);
            const width = Math.floor(area.width), height = Math.round((to - from) * area.height);
            // From a copy: Chromium complains about canvases that are read from often.
            const copy = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
            copy.drawImage(canvas, left, top, width, height, 0, 0, width, height);
            const p = copy.getImageData(0, 0, width, height).data, columns = Array.from({ length: width }, () => new Set());
            for (let i = 0; i < p.length; i += 4)
              if (p[i + 3] === 255) columns[(i / 4) % width].add(p[i] << 16 | p[i + 1] << 8 | p[i + 2]);
            return columns.map((column) => [...column].map((colour) => '#' + colour.toString(16).padStart(6, '0')));""", face, top, bottom)


def summary_of(folder):
    return json.loads((folder / "summary.json").read_text())


def altered(page, change, folder, name):
    """A copy of a page with other data, and without its film: for cases that a real film would make slow to come by."""
    text = page.read_text()
    start = text.index('id="data">') + len('id="data">')
    end = text.index("</script>", start)
    data = json.loads(text[start:end])
    data["media"] = None
    change(data)
    copy = pathlib.Path(folder) / f"{name}.html"
    copy.write_text(text[:start] + json.dumps(data).replace("<", "\\u003c") + text[end:])
    return copy


def crowd_for_a_moment(data):
    """Half a frame a second, four minutes, twelve faces of one frame each: the first from 100 s to 102 s."""
    face, chart, bin_seconds = data["faces"][0], data["charts"][0], 8 / 30
    data.update(seconds=240, frames=120, face_count=12, bin_seconds=bin_seconds, faces=[], charts=[])
    for i in range(12):
        first = (100 + 20 * i) % 240
        episodes = [{"label": "fear", "start": first, "end": first + 1}, {"label": "anger", "start": first + 1, "end": first + 2}]
        data["faces"].append({**face, "id": i + 1, "first": first, "last": first + 2, "seconds": 2, "time_in": {"fear": 1, "anger": 1},
                              "onsets": {"fear": 1, "anger": 1}, "dominant": "fear", "episodes": episodes})
        data["charts"].append({**chart, "id": i + 1, "bins": [int(first / bin_seconds)], "ends": [1000 * (first + 2)],
                               "p": [[row[0]] for row in chart["p"]]})


def one_frame_that_lasts(data):
    """A screen recording of ten seconds: its first frame is there for three of them, and then a hundred for a thirtieth each."""
    face, chart = data["faces"][0], data["charts"][0]
    bins = [0, *range(90, 190)]
    data.update(seconds=10, frames=101, face_count=1, bin_seconds=1 / 30)
    data["faces"] = [{**face, "first": 0, "last": 190 / 30, "episodes": [{"label": "fear", "start": 0, "end": 190 / 30}]}]
    ends = [round(1000 * end / 30) for end in [90, *range(91, 191)]]
    data["charts"] = [{**chart, "bins": bins, "ends": ends, "p": [[500] * len(bins) for _ in chart["p"]]}]


def as_long_as(seconds):
    def change(data):
        data["seconds"] = seconds
    return change


def time_text(seconds):
    return f"{seconds:.1f} s"


def cells_of(row):
    return [cell.get_attribute("textContent") for cell in row.find_elements(By.TAG_NAME, "td")]


def check_figures(check, summary):
    """The title, the facts, the verdicts and the table say what the summary does."""
    labels = summary["classes"] + ["uncertain"]
    check.equal(check.js("return document.title"), summary["name"], "the page's title is the input's name")
    check.equal(check.text("h1"), summary["name"], "its heading too")
    facts = check.text(".facts")
    check.that(f"{summary['frames']} frame" in facts and summary["source"] in facts, "frames and source are told")
    check.equal(check.texts(".watch .legend li"), labels, "the legend has every label")
    check.equal(check.texts("th"), ["Face", "in the picture"] + labels, "the table has a column for every label")
    for face, row, title in zip(summary["faces"], check.all("tbody tr"), check.texts(".track .title")):
        wanted = [f"Face {face['id']}", time_text(face["seconds"])]
        wanted += [f"{time_text(face['time_in'][one])}{face['onsets'][one]}×" if one in face["time_in"] else "–" for one in labels]
        check.equal(cells_of(row), wanted, f"the row of face {face['id']}")
        check.that(("mostly " + face["dominant"] if face["dominant"] else "always uncertain") in title, f"the verdict: {title}")


def check_reading(check, summary):
    """Under the film stands what the first face shows at the playhead."""
    data = check.js("return JSON.parse(document.getElementById('data').textContent)")
    first = [row[0] / 10 for row in data["charts"][0]["p"]]
    most = max(range(len(first)), key=lambda c: first[c])
    check.that(check.text(".now").startswith("At 0:00.0"), "the reading begins with the time")
    check.equal(check.texts(".now .label"), [summary["faces"][0]["episodes"][0]["label"]], "the reading tells the label")
    check.that(f"{summary['classes'][most]} {first[most]:.0f} %" in check.text(".now .value"), "and the most probable class")


def check_film(check, page, scheme):
    summary = summary_of(page.parent)
    check.open(page, ".track")
    check.wait(lambda: check.js("return document.querySelector('video')?.readyState >= 2"), "the video is there")
    source = check.js("return document.querySelector('video').src")
    check.that(source.startswith(scheme), f"the video comes from {source[:30]}")
    length = check.js("return document.querySelector('video').duration")
    check.that(abs(length - summary["seconds"]) < 0.1, f"the video is {length:.2f} s long")
    charts = check.all(".chart .u-over")
    check.equal(len(charts), len(summary["faces"]), "every face has a timeline")
    seen = check.js("return [...document.querySelectorAll('img.thumbnail')].filter((one) => one.naturalWidth > 0).length")
    check.equal(seen, len(summary["faces"]), "and its picture")
    check_figures(check, summary)
    check_reading(check, summary)
    area = check.colours(0, 0.2, 1)
    check.that(all({"#d55e00", "#56b4e9"} <= set(column) for column in area[2:-2]), "the chart has the classes' colours from end to end")
    check.that(all("#8b93a0" in column for column in check.colours(0, 0, 0.05)[2:-2]), "the label's strip is above it")
    check_pointer(check, length)
    check.console_is_clean("the film's report")


def check_pointer(check, length):
    width, start = check.all(".chart .u-over")[0].size["width"], check.playhead()
    check.click_at(0.75)
    check.wait(lambda: abs(check.current_time() - 0.75 * length) < 0.06 * length, "a click at three quarters seeks there")
    check.that(check.playhead() > start + width / 3, "the playhead has moved there")
    check.screenshot("film")

    # The mouse still lies on the chart: it must not hold the reading.
    check.js("const v = document.querySelector('video'); v.muted = true; v.currentTime = 0; v.play();")
    check.wait(lambda: check.current_time() > 0.5 and check.playhead() > 2, "the video plays and the playhead moves with it")
    check.js("document.querySelector('video').pause()")
    check.wait(lambda: abs(check.playhead() / width * length - check.current_time()) < 0.05 * length, "the playhead is where the video is")
    told = "return 'At ' + timeText(document.querySelector('video').currentTime, 1)"
    check.wait(lambda: check.text(".now .time") == check.js(told), "the reading too")

    before, chart = check.current_time(), check.all(".chart .u-over")[-1]
    drag = ActionChains(check.browser).move_to_element_with_offset(chart, -int(width / 4), 0).click_and_hold()
    drag.move_by_offset(int(width / 4), 0).release().perform()
    check.that(abs(check.current_time() - before) < 0.01, "a drag does not seek")
    zoom, show_all = check.all(".toolbar button")
    check.that(show_all.is_enabled(), "a drag zooms")
    show_all.click()
    check.that(not show_all.is_enabled(), "and the button shows all again")
    zoom.click()
    check.that(show_all.is_enabled(), "without a mouse, another button zooms")
    show_all.click()


def check_finger(check, page):
    check.open(page, ".track")
    check.wait(lambda: check.js("return document.querySelector('video')?.readyState >= 2"), "the video is there")
    check.touch_at(0.2)
    check.touch_at(0.6)
    told = lambda: check.text(".now .time") == f"At 0:0{check.current_time():.1f}"
    check.wait(lambda: told() and check.current_time() > 1, "a second tap is read as the first")
    check.js("document.querySelector('video').currentTime = 0")
    check.wait(lambda: check.text(".now .time") == "At 0:00.0", "and the video moves on from it")
    check.equal(check.js("return getComputedStyle(document.querySelector('.by-mouse')).display === 'none'"),
                check.js("return matchMedia('(hover: none)').matches"), "dragging is offered to those with a mouse")


def check_keys(check, page):
    check.open(page, ".track")
    check.js("document.querySelector('.toolbar button').focus()")
    check.all(".toolbar button")[0].send_keys(Keys.TAB)
    focused = "document.activeElement.classList.contains('chart')"
    check.that(check.js(f"return {focused}"), "the tabulator comes to the chart")
    check.equal(check.js("return getComputedStyle(document.activeElement).outlineStyle"), "solid", "which shows it")

    def keys(*pressed):
        ActionChains(check.browser).send_keys(*pressed).perform()
        check.settle()

    keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    check.wait(lambda: abs(check.current_time() - 0.1) < 0.02, "arrows move on")
    check.equal(check.js("return document.activeElement.ariaValueText"), "0:00.1, uncertain", "the chart tells time and label")
    keys(Keys.ARROW_LEFT, Keys.ARROW_LEFT)
    check.wait(lambda: check.current_time() < 0.01, "and back")
    check.all(".toolbar button")[0].click()
    check.js("document.querySelector('.chart').focus()")
    keys(Keys.END)
    check.that(not check.js("return document.querySelector('.playhead').hidden"), "what is shown goes with the playhead")
    keys(Keys.ESCAPE)
    check.that(not check.all(".toolbar button")[1].is_enabled(), "Escape shows all")


def check_low_rates(check, out, folder):
    for name in ("slow", "one"):
        check.open(out / name / "report.html", ".track")
        painted = [len(column) > 1 for column in check.colours(0, 0.2, 1)]
        check.that(all(painted[2:-2]), f"{name}: the chart goes on to the end of the last frame")
    ticks = [text for text, _ in check.js("return window.written")]
    check.that({"0:00.02", "0:00.04"} <= set(ticks), "ticks that are close have their decimals")

    check.size(1500, 1000)
    check.open(altered(out / "film" / "report.html", crowd_for_a_moment, folder, "moments"), ".track")
    painted = [sum("#d55e00" in column for column in check.colours(i, 0.3, 1)) for i in range(12)]
    check.that(min(painted) >= 3, f"a face of one frame is in its chart: {painted}")
    strip = [colour for column in check.colours(0, 0, 0.05) for colour in column]
    labels = [colour for colour in strip if colour in ("#0072b2", "#d55e00")]
    check.that(set(labels) == {"#0072b2", "#d55e00"} and labels[0] == "#0072b2", f"its strip has one label after the other: {labels}")
    for seconds, wanted in ((100.5, ["fear"]), (101.5, ["anger"]), (105, []), (98, [])):
        check.click_at(seconds / 240)
        check.equal(check.texts(".now .label"), wanted, f"what is told at {seconds} s")
    check.that("no face" in check.text(".now"), "nobody is there then")
    check.open(altered(out / "film" / "report.html", one_frame_that_lasts, folder, "lasting"), ".track")
    for seconds, wanted in ((0.5, ["fear"]), (2.5, ["fear"]), (5, ["fear"]), (8, [])):
        check.click_at(seconds / 10)
        check.equal(check.texts(".now .label"), wanted, f"at a varying rate, what is told at {seconds} s")


def check_ticks_and_colours(check, out, folder):
    check.scheme("light")
    check.open(altered(out / "film" / "report.html", as_long_as(3000), folder, "long"), ".track")
    ticks = [text for text, _ in check.js("return window.written") if ":" in text]
    check.that("10:00" in ticks and all(text.endswith(":00") for text in ticks), f"a long film's ticks are whole minutes: {ticks[:6]}")
    check.js("window.written.length = 0")
    check.scheme("dark")
    inks = lambda: {colour for _, colour in check.js("return window.written")}
    check.wait(lambda: inks() == {"#9aa6b4"}, "after a switch to dark the axes are light")
    check.scheme("light")


def check_crowd(check, page):
    summary = summary_of(page.parent)
    check.size(1500, 800)
    check.open(page, ".track")
    check.that(len(summary["faces"]) > MOST_FACES, f"there are {len(summary['faces'])} faces")
    check.equal((len(check.all(".track")), len(check.all("tbody tr"))), (MOST_FACES, MOST_FACES), "that many have a chart and a row")
    check.that(f"{len(summary['faces']) - MOST_FACES} more face" in check.text(".hint"), "the page says that there are more")
    check.that(f"{len(summary['faces'])} faces" in check.text(".facts"), "and how many in all")
    height, content = check.js("const card = document.querySelector('.watch'); return [card.clientHeight, card.scrollHeight]")
    check.that(content == height < 780, f"the card beside them fits the window: {content} of {height} pixels")
    check.screenshot("crowd")
    changes = check.browser.execute_async_script("""const done = arguments[0], over = document.querySelector('.u-over');
        const area = over.getBoundingClientRect();
        let changes = 0;
        new MutationObserver((records) => { changes += records.length; }).observe(document.querySelector('.now'), { childList: true });
        for (let i = 1; i <= 10; ++i)
          for (const [kind, name] of [[PointerEvent, 'pointermove'], [MouseEvent, 'mousemove']])
            over.dispatchEvent(new kind(name, { bubbles: true, pointerType: 'mouse', clientX: area.left + 5 * i, clientY: area.top + 9 }));
        requestAnimationFrame(() => requestAnimationFrame(() => done(changes)));""")
    check.equal(changes, 1, "ten moves of the mouse write the reading once")


def check_picture(check, page, scheme):
    summary = summary_of(page.parent)
    check.open(page)
    check.wait(lambda: check.js("return document.querySelector('img.picture')?.naturalWidth > 0"), "the picture is there")
    check.that(check.js("return document.querySelector('img.picture').src").startswith(scheme), f"it comes from {scheme}")
    check.equal(check.js("return document.title"), summary["name"], "its title")
    faces = len(summary["faces"])
    wanted = f"picture · {summary['width']} × {summary['height']} · {faces} face{'' if faces == 1 else 's'}"
    check.equal(check.texts("header .facts"), [wanted, summary["source"]], "its facts")
    check.equal(check.all("video, canvas, .playhead, .now, table, button, .hint"), [], "nothing on the page has a time")
    if faces == 0:
        check.that("No face was found." in check.text(".card"), "no face: the page says so")
        return
    for face, title in zip(summary["faces"], check.texts(".track .title")):
        check.equal(title, f"Face {face['id']}{next(iter(face['time_in']))}", "the face's label")
    mean = summary["faces"][0]["mean"]
    check.equal(check.texts(".bars dt"), summary["classes"], "every class has its bar")
    check.equal(check.texts(".bars dd"), [f"{100 * mean[one]:.0f} %" for one in summary["classes"]], "with its percentage")
    widths = check.js("return [...document.querySelectorAll('.bar')].map((bar) => bar.firstChild.offsetWidth / bar.offsetWidth)")
    check.that(all(abs(width - mean[one]) < 0.01 for width, one in zip(widths, summary["classes"])), "and its length")
    check.screenshot("picture")


def check_without_a_face(check, page):
    check.open(page)
    check.that("No face was found." in check.text(".placeholder"), "no face: the page says so")
    check.equal(check.all(".toolbar .hint, .toolbar button, .now, table"), [], "and offers no chart's tools")
    check.console_is_clean("the report without a face")


def check_row(check, summary, row):
    """A done input's row in the page over all."""
    cells, faces = cells_of(row), str(len(summary["faces"]))
    if summary["image"]:
        check.equal(cells[:5], [summary["name"], "picture", "–", "–", faces], f"the row of {summary['name']}")
    else:
        share = f"{100 * summary['frames_with_face'] / summary['frames']:.0f} %"
        wanted = [summary["name"], f"0:0{summary['seconds']:.1f}", str(summary["frames"]), share, faces]
        check.equal(cells[:5], wanted, f"the row of {summary['name']}")
        check.equal(cells[5], summary["dominant"] or "–", "its expression")
    amounts = summary["time_in"]
    if summary["image"]:
        labels = [next(iter(face["time_in"])) for face in summary["faces"]]
        amounts = {label: labels.count(label) for label in labels}
    widths = [part.size["width"] for part in row.find_elements(By.CSS_SELECTOR, ".shares span")]
    bar = row.find_element(By.CSS_SELECTOR, ".shares")
    wanted = sorted(bar.size["width"] * amount / sum(amounts.values()) for amount in amounts.values())
    same = len(widths) == len(wanted) and all(abs(a - b) < 1.5 for a, b in zip(sorted(widths), wanted))
    check.that(same, f"its bar: {bar.get_attribute('aria-label')}")


def check_overall(check, out):
    page, overall = out / "report.html", summary_of(out)
    done = [one for one in overall["inputs"] if one["state"] == "done"]
    films, pictures = [one for one in done if not one["image"]], [one for one in done if one["image"]]
    check.open(page)
    check.equal(check.text("h1"), "Annotated recordings and pictures", "the heading over all")
    facts = check.text(".facts")
    check.that(facts.startswith(f"{len(films)} recordings · ") and f" · {len(pictures)} pictures · " in facts, "each kind is counted")
    failed = [one for one in overall["inputs"] if one["state"] == "failed"]
    check.that(len(failed) > 0, "an input has failed")
    check.equal(check.texts(".problem li"), [f"{one['source']}: {one['reason']}" for one in failed], "it is listed with its reason")
    check.equal(check.texts("th"), ["Name", "length", "frames", "with a face", "faces", "mostly", "expressions"], "the table's columns")
    rows = check.all("tbody tr")
    check.equal(len(rows), len(done), "every input that is done has its row")
    for one, row in zip(done, rows):
        check_row(check, summary_of(out / one["name"]), row)
    of_time, of_faces = check.texts(".card.below")[:2]
    for label, seconds in overall["totals"]["time_in"].items():
        check.that(seconds == 0 or f"{label} {time_text(seconds)}" in of_time, f"{label}: {seconds} s over all")
    check.that(of_faces.startswith("Expressions of the faces in pictures") and "1 face" in of_faces, "and the faces of the pictures")
    check.that(all(bar.find_elements(By.TAG_NAME, "span") for bar in check.all(".shares.large")), "as bars")
    check.screenshot("overall")
    check.console_is_clean("the report over all")
    for name in ("film", ODD_NAME):
        check.open(page)
        [link] = [link for link in check.all("td a") if link.text == name]
        link.click()
        check.wait(lambda: check.all(".track") and check.text("h1") == name, f"the link of {name} leads to its report")


def check_overall_of_others(check, out, folder):
    def pictures_only(data):
        data["inputs"] = [one for one in data["inputs"] if one.get("image")]
        data["totals"]["faces"] = sum(one["faces"] for one in data["inputs"])

    def without_a_face(data):
        pictures_only(data)
        data["inputs"] = [one for one in data["inputs"] if one["faces"] == 0]

    def many(data):
        data["inputs"] *= 3

    check.open(altered(out / "report.html", pictures_only, folder, "pictures"))
    check.equal(check.text("h1") + check.text(".facts"), "Annotated pictures2 pictures · 1 face", "pictures only: no length of time")
    check.that("Time in each" not in check.text(".card"), "no bar of times")
    check.equal(check.texts("th"), ["Name", "faces", "mostly", "expressions"], "no column of films")
    check.open(altered(out / "report.html", without_a_face, folder, "faceless"))
    check.equal(check.all(".shares.large"), [], "no bar with nothing in it")
    check.open(altered(out / "report.html", many, folder, "many"))
    check.all(".filter")[0].send_keys("SCRIPT")
    check.equal({row.text.split()[0] for row in check.all("tbody tr") if row.is_displayed()}, {ODD_NAME}, "the filter leaves what it names")


def check_phone(check, out, folder):
    check.size(400, 850)
    for folder_name in (".", "film", "portrait", "empty", "crowd", ODD_NAME):
        check.open(out / folder_name / "report.html")
        fits = check.js("return document.scrollingElement.scrollWidth <= innerWidth")
        check.that(fits, f"phone: {folder_name} is no wider than the screen")
        check.screenshot("phone-" + urllib.parse.quote(folder_name, safe=""))
    check.open(altered(out / "film" / "report.html", crowd_for_a_moment, folder, "phone"), ".track")
    tops = []
    for seconds in (101, 105):
        check.click_at(seconds / 240)
        tops.append(check.js("return document.querySelector('.chart').getBoundingClientRect().top + scrollY"))
    check.equal(tops[0], tops[1], "phone: the charts stay where they are, whoever is there")


def main():
    out, linked = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2] == "linked"
    screenshots = pathlib.Path(sys.argv[3]) if len(sys.argv) > 3 else None
    browser = open_browser()
    try:
        check = Check(browser, screenshots)
        check.size(1500, 1000)
        scheme = "file:" if linked else "blob:"
        for name in ("film", ODD_NAME):
            check_film(check, out / name / "report.html", scheme)
        check_picture(check, out / "portrait" / "report.html", scheme)
        if not linked:
            with tempfile.TemporaryDirectory() as folder:
                check_picture(check, out / "blank" / "report.html", scheme)
                check_finger(check, out / "film" / "report.html")
                check_keys(check, out / "film" / "report.html")
                check_without_a_face(check, out / "empty" / "report.html")
                check_low_rates(check, out, folder)
                check_ticks_and_colours(check, out, folder)
                check_overall(check, out)
                check_overall_of_others(check, out, folder)
                check_crowd(check, out / "crowd" / "report.html")
                check_phone(check, out, folder)
        return 1 if check.failures else 0
    finally:
        browser.quit()


if __name__ == "__main__":
    sys.exit(main())
