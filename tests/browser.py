"""A real browser; `python tests/browser.py` takes the pictures of the page that are in docs/."""

from __future__ import annotations

import base64
import shutil
import tempfile
from pathlib import Path

from conftest import ROOT
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

LACK = "no browser: `apt-get install chromium chromium-driver` installs one"
# By name: the width in pixels, and the height that shows an overview and the first model.
DOCS = {"page": (1440, 1560), "page-phone": (390, 1800)}


def started() -> webdriver.Chrome | None:
    """A headless Chromium that finds no other machine and keeps a log of what it asks for.

    None where there is no Chromium or no driver of it.
    """
    programs = [shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome")]
    program, driver = next(filter(None, programs), None), shutil.which("chromedriver")
    if not program or not driver:
        return None
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for argument in (
        *("--headless=new", "--hide-scrollbars", "--disable-dev-shm-usage"),
        "--no-sandbox",  # which root cannot have; the pages are our own
        "--host-resolver-rules=MAP * ~NOTFOUND",
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    return webdriver.Chrome(options=options, service=Service(driver))


def show(
    browser: webdriver.Chrome, page: Path, width: int, scheme: str, media: str = "screen"
) -> None:
    """Open a page, and wait until its charts are drawn."""
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": features})
    for log in ("browser", "performance"):
        browser.get_log(log)
    browser.get(page.as_uri())
    browser.execute_async_script("window.ready.then(arguments[0])")


def photograph(browser: webdriver.Chrome, path: Path, width: int, height: int) -> None:
    """Write what the browser shows as PNG."""
    clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
    shot = browser.execute_cdp_cmd(
        "Page.captureScreenshot", {"clip": clip, "captureBeyondViewport": True}
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(base64.b64decode(shot["data"]))


def main() -> None:
    import pages

    if not (chromium := started()):
        raise SystemExit(f"error: {LACK}")
    try:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            pages.git(folder, "clone", "-q", str(ROOT), ".")
            pages.set_up(folder)
            page = pages.plots(folder, "show", "show")
            for picture, (width, height) in DOCS.items():
                show(chromium, page, width, "light")
                photograph(chromium, ROOT / f"docs/{picture}.png", width, height)
    finally:
        chromium.quit()


if __name__ == "__main__":
    main()
