#!/usr/bin/env python3
"""Opens reports in a headless Chromium: they load without an error in the console and without a network, a click on a
timeline seeks the video, the playhead moves with it.

usage: report_in_browser.py OUT NAME [SCREENSHOT_FOLDER]   where OUT/NAME/report.html and OUT/report.html are
Exit status 77: no browser to test with.
"""
import pathlib
import shutil
import sys
import time

try:
    from selenium import webdriver
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import WebDriverWait
except ImportError:
    print("skipped: python3-selenium is not installed")
    sys.exit(77)


def open_browser():
    browser, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if browser is None or driver is None:
        print("skipped: chromium and chromium-driver are not installed")
        sys.exit(77)
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1500,1000", "--autoplay-policy=no-user-gesture-required",
                     # No name can be resolved: what works now works without a network.
                     "--host-resolver-rules=MAP * ~NOTFOUND"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(service=webdriver.chrome.service.Service(driver), options=options)


class Check:
    def __init__(self, browser, screenshots):
        self.browser, self.screenshots, self.failures = browser, screenshots, 0

    def that(self, holds, what):
        print(("ok: " if holds else "FAILED: ") + what)
        self.failures += not holds

    def wait(self, condition, what, seconds=20):
        try:
            WebDriverWait(self.browser, seconds, poll_frequency=0.05).until(lambda _: condition())
            self.that(True, what)
        except Exception as fault:  # the report of what did not come is the point
            self.that(False, f"{what} ({type(fault).__name__})")

    def console_is_clean(self, page):
        lines = [line["message"] for line in self.browser.get_log("browser") if line["level"] in ("SEVERE", "WARNING")]
        self.that(not lines, f"{page}: nothing in the console {lines if lines else ''}")

    def screenshot(self, name):
        if self.screenshots:
            self.browser.save_screenshot(str(self.screenshots / f"{name}.png"))

    def js(self, text, *arguments):
        return self.browser.execute_script(text, *arguments)


def current_time(check):
    return check.js("return document.querySelector('video').currentTime")


def playhead(check):
    return check.js("return parseFloat(document.querySelector('.playhead').style.left)")


def check_input(check, page):
    check.browser.get(page.as_uri())
    check.wait(lambda: check.js("return document.querySelector('video')?.readyState >= 2"), "the video is there")
    length = check.js("return document.querySelector('video').duration")
    check.that(length > 1, f"the video is {length:.2f} s long")
    charts = check.browser.find_elements(By.CSS_SELECTOR, ".chart .u-over")
    faces = check.js("return JSON.parse(document.getElementById('data').textContent).faces.length")
    check.that(0 < len(charts) == faces, f"{faces} faces have {len(charts)} timelines")
    check.that(check.js("return [...document.querySelectorAll('img.thumbnail')].every((image) => image.naturalWidth > 0)"), "every face has its picture")
    painted = check.js("""const canvas = document.querySelector('.chart canvas'), c = canvas.getContext('2d');
        const p = c.getImageData(0, 0, canvas.width, canvas.height).data; const colours = new Set();
        for (let i = 0; i < p.length; i += 4) if (p[i + 3] === 255) colours.add(p[i] << 16 | p[i + 1] << 8 | p[i + 2]);
        return [0xd55e00, 0x0072b2, 0x009e73].filter((colour) => colours.has(colour)).length;""")
    check.that(painted >= 2, "the chart shows the classes' colours")

    # A click at three quarters of the first timeline.
    width, start = charts[0].size["width"], playhead(check)
    ActionChains(check.browser).move_to_element_with_offset(charts[0], int(width / 4), 0).click().perform()
    check.wait(lambda: abs(current_time(check) - 0.75 * length) < 0.06 * length, f"a click at three quarters seeks to about {0.75 * length:.2f} s")
    check.that(playhead(check) > start + width / 3, "the playhead has moved there")
    check.screenshot("input")

    # Playing moves the playhead.
    check.js("const v = document.querySelector('video'); v.muted = true; v.currentTime = 0; v.play();")
    check.wait(lambda: current_time(check) > 0.5 and playhead(check) > 2, "the video plays and the playhead moves with it")
    check.js("document.querySelector('video').pause()")
    time.sleep(0.3)
    shown = playhead(check) / width * length
    check.that(abs(shown - current_time(check)) < 0.05 * length, "the playhead is where the video is")

    # A drag zooms, and does not seek.
    before = current_time(check)
    ActionChains(check.browser).move_to_element_with_offset(charts[-1], -int(width / 4), 0).click_and_hold().move_by_offset(int(width / 4), 0).release().perform()
    check.that(abs(current_time(check) - before) < 0.01, "a drag does not seek")
    check.that(check.js("return !document.querySelector('.toolbar button').hidden"), "a drag zooms")
    check.browser.find_element(By.CSS_SELECTOR, ".toolbar button").click()
    check.that(check.js("return document.querySelector('.toolbar button').hidden"), "and the button shows all again")
    check.console_is_clean("the recording's report")


def check_overall(check, page, name):
    check.browser.get(page.as_uri())
    links = check.browser.find_elements(By.CSS_SELECTOR, "td a")
    check.that(any(link.text == name for link in links), "the recording is listed")
    check.screenshot("overall")
    check.console_is_clean("the report over all")
    [link for link in links if link.text == name][0].click()
    check.wait(lambda: check.browser.find_elements(By.CSS_SELECTOR, ".track"), "its link leads to its report")


def main():
    out, name = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2]
    screenshots = pathlib.Path(sys.argv[3]) if len(sys.argv) > 3 else None
    browser = open_browser()
    try:
        check = Check(browser, screenshots)
        check_input(check, out / name / "report.html")
        check_overall(check, out / "report.html", name)
        if screenshots:
            browser.set_window_size(460, 900)
            browser.get((out / name / "report.html").as_uri())
            time.sleep(1)
            check.screenshot("narrow")
        return 1 if check.failures else 0
    finally:
        browser.quit()


if __name__ == "__main__":
    sys.exit(main())
