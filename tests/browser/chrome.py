"""A headless Chromium, in either colour scheme, at any size; it asks nobody but the console."""

from __future__ import annotations

import os
import shutil
import tempfile
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.support.ui import WebDriverWait

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
)
DESKTOP, PHONE = (1440, 900), (390, 844)
PATIENCE_S = 20


def missing() -> str | None:
    """Why no browser test can run here; None when both programs are at hand."""
    if not any(map(shutil.which, CHROMIUM)):
        return "Chromium is not installed (apt install chromium)"
    if shutil.which("chromedriver") is None:
        return "ChromeDriver is not installed (apt install chromium-driver)"
    return None


@contextmanager
def browser() -> Iterator[Browser]:
    """Start a browser with a profile of its own, and end it."""
    with tempfile.TemporaryDirectory(prefix="wellflow-chrome-") as profile:
        options = webdriver.ChromeOptions()
        options.binary_location = next(filter(None, map(shutil.which, CHROMIUM)))
        for flag in (*FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        service = Service(shutil.which("chromedriver"), log_output=os.devnull)
        driver = webdriver.Chrome(options=options, service=service)
        try:
            yield Browser(driver)
        finally:
            driver.quit()


class Browser:
    """A tab, with the few things tests do in it."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver
        self.resize(DESKTOP)

    def resize(self, size: tuple[int, int], *, touch: bool = False, sharp: float = 1) -> None:
        """Take the size of a screen."""
        metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": sharp, "mobile": touch}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def scheme(self, name: str) -> None:
        """Prefer "light" or "dark"."""
        features = [{"name": "prefers-color-scheme", "value": name}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def run(self, script: str, *arguments: Any) -> Any:
        """Run a line of JavaScript and answer what it returns."""
        return self.driver.execute_script(script, *arguments)

    def until(self, ready: str | Callable[[], Any]) -> Any:
        """Wait until an expression of JavaScript, or a function, is true; answers its value."""
        ask = ready if callable(ready) else lambda: self.run(f"return {ready}")
        return WebDriverWait(self.driver, PATIENCE_S, 0.05).until(lambda _driver: ask())

    def come_back(self) -> None:
        """Look at the tab again after a while: a living page then refreshes at once."""
        self.run("document.dispatchEvent(new Event('visibilitychange'))")

    def words(self) -> list[str]:
        """What the browser complained about since it was last asked."""
        noticed: list[dict[str, Any]] = self.driver.get_log("browser")  # type: ignore[no-untyped-call]
        return [entry["message"] for entry in noticed]

    def portrait(self, path: Path, size: tuple[int, int]) -> None:
        """Write a picture of the whole page at this width, as if the screen were as long as it."""
        mobile = size[0] < 500
        self.resize(size, touch=mobile)
        metrics = self.driver.execute_cdp_cmd("Page.getLayoutMetrics", {})
        height = max(size[1], int(metrics["cssContentSize"]["height"]))
        self.resize((size[0], height), touch=mobile)
        shot = self.driver.execute_cdp_cmd("Page.captureScreenshot", {})
        path.write_bytes(b64decode(shot["data"]))
        self.resize(size, touch=mobile)
