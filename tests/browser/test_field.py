"""The pumper's form in a real browser, at both doors: without signal, killed and opened again."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import request
from PIL import Image
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.keys import Keys
from sqlalchemy import text

from hub.console import create_app
from hub.demo.postgres import free_port
from tests.browser import chrome, scene
from tests.browser.chrome import Browser
from tests.console import DOCUMENTS, settings_for
from tests.fielding import BRAVO, ECHO, PIN, SHEET, pumper_site, well
from tests.picturing import jpeg
from tests.servers import postgres
from tests.serving import served

pytestmark = pytest.mark.browser


@contextmanager
def phone(profile: Path, *, killed: bool = True) -> Iterator[Browser]:
    """A phone's browser on a profile that outlives it; it is killed, unless it may close."""
    options = webdriver.ChromeOptions()
    options.binary_location = next(filter(None, map(shutil.which, chrome.CHROMIUM)))
    for flag in (*chrome.FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    service = Service(shutil.which("chromedriver"), log_output=os.devnull)
    driver = webdriver.Chrome(options=options, service=service)
    tab = Browser(driver)
    tab.resize(chrome.PHONE, touch=True)
    try:
        yield tab
    finally:
        if killed:
            pid = int(str((profile / "SingletonLock").readlink()).rpartition("-")[2])
            os.kill(pid, signal.SIGKILL)
        else:
            driver.quit()
        service.stop()


@pytest.fixture
def profile() -> Iterator[Path]:
    reason = chrome.missing()
    if reason:
        pytest.skip(reason)
    folder = tempfile.mkdtemp(prefix="wellflow-phone-")
    yield Path(folder)
    shutil.rmtree(folder, ignore_errors=True)


def ready(tab: Browser) -> None:
    tab.until("document.body.dataset.ready && document.readyState === 'complete'")


def sign_in_at_site(tab: Browser, url: str) -> None:
    tab.driver.get(f"{url}/?lang=en")
    tab.driver.find_element("id", "pin").send_keys(PIN)
    tab.driver.find_element("css selector", "button.go").click()
    tab.until("document.querySelector('.route') && document.readyState === 'complete'")


def eventually(holds: Callable[[], bool], seconds: float = 240) -> None:
    """Wait for something that takes a busy machine longer than a page does."""
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.2)


def kept_draft(tab: Browser) -> str:
    """What lies in the phone of the form that is open."""
    asked = "store.draft(about.stop).then((draft) => arguments[0](draft?.fields || ''))"
    return str(tab.driver.execute_async_script(asked))


FULL = (
    ("8", "2", "1"),
    ("9", "11", "0"),
    ("1", Keys.ENTER, "6", "2"),
    ("5", "7", "3"),
)


def test_a_full_entry_takes_sixty_keys_and_taps_at_most(profile: Path) -> None:
    with pumper_site() as site, phone(profile) as tab:
        sign_in_at_site(tab, site.url)
        tab.driver.get(f"{site.url}/stop/{BRAVO.stop}")
        ready(tab)
        strokes = 0

        def press(*keys: str) -> None:
            nonlocal strokes
            for key in keys:
                tab.driver.switch_to.active_element.send_keys(key)
                strokes += 1

        def tap(selector: str) -> None:
            nonlocal strokes
            tab.run("document.querySelector(arguments[0]).click()", selector)
            strokes += 1

        for number, keys in enumerate(FULL):
            assert tab.run("return document.activeElement.id") == f"g{number}_top_ft"
            press(*keys)
            tab.run(f"document.getElementById('g{number + 1}_top_ft')?.focus()")
            strokes += 1  # a tap past the bottom gauge, which stays as it was
        strokes -= 1
        tab.run("document.getElementById('w0_tubing_psig').focus()")
        strokes += 1
        for number in range(3):
            press(*"411", Keys.ENTER, *"752")
            if number < 2:
                tab.run(f"document.getElementById('w{number + 1}_tubing_psig').focus()")
                strokes += 1
        tap("#rest")
        tap("footer .go")
        tab.until("!document.getElementById('notice').hidden || location.pathname.endsWith('2')")
        tap("footer .go")
        tab.until(f"location.pathname === '/stop/{ECHO.stop}'")
        (entry,) = site.entries()
        assert strokes <= 60
        assert [gauge["level_in"] for gauge in entry["gauges"]] == ["98.25", "119", "18.5", "67.75"]
        assert [gauge["water_in"] for gauge in entry["gauges"]] == ["3"] * 4
        wells = [(w["tubing_psig"], w["casing_psig"], w["line_psig"]) for w in entry["wells"]]
        assert wells == [("411", "752", "96")] * 3
        print(f"{strokes} keys and taps")


def test_a_draft_outlives_the_browser_and_the_box_its_absence(profile: Path) -> None:
    port = free_port()
    with pumper_site(port=port) as site, phone(profile) as tab:
        sign_in_at_site(tab, site.url)
        outbox, people = site.outbox, site.people
        tab.driver.get(f"{site.url}/stop/{ECHO.stop}")
        ready(tab)
        tab.driver.find_element("id", "w0_tubing_psig").send_keys("377")
        tab.until("!document.getElementById('kept').hidden")
        eventually(lambda: "tubing_psig=377" in kept_draft(tab))  # of the last key, too
    grown = replace(ECHO, wells=(well(29, "Echo 1"), *ECHO.wells))
    sheet = replace(SHEET, stops=(BRAVO, grown))  # a well that comes before was named meanwhile
    with pumper_site(outbox, port, sheet) as site, phone(profile) as tab:
        sign_in_at_site(tab, site.url)
        tab.driver.get(f"{site.url}/stop/{ECHO.stop}")
        ready(tab)
        assert tab.run("return document.getElementById('w1_tubing_psig').value") == "377"
        assert tab.run("return document.getElementById('w0_tubing_psig').value") == ""
        site_people = site.people
        assert people is not site_people
        tab.run("Object.defineProperty(crypto, 'subtle', {value: undefined})")  # as on plain http
        camera = profile / "camera.jpg"
        camera.write_bytes(jpeg(400))
        tab.driver.find_element("id", "photos").send_keys(str(camera))
        tab.until("document.querySelectorAll('.pictures img').length === 1")
        tab.run("window.fetch = () => Promise.reject(new Error('out of reach'))")
        tab.driver.find_element("css selector", "footer .go").click()
        tab.until("document.getElementById('waits').textContent.startsWith('1 entry and 1 photo')")
        assert "no signal since" in tab.run("return document.getElementById('waits').textContent")
        assert not site.entries()
        tab.driver.get(site.url)
        tab.until("document.getElementById('waits').textContent.includes('all sent')")
        (entry,) = site.entries()
        assert entry["wells"] == [{"well": str(ECHO.wells[0].well), "tubing_psig": "377"}]
        assert site.desk.photos.waiting == len(entry["photos"]) == 1


@dataclass
class Hub:
    """A hub that can be out of reach."""

    database: postgres.Database
    scene: scene.Scene
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @contextmanager
    def reached(self, wait: Callable[[str], None] = lambda _path: None) -> Iterator[None]:
        """Serve the console; `wait` is called with the path of each request before its answer."""
        settings = settings_for(self.database, WELLFLOW_WEB_PUBLIC_URL=self.url)
        app = create_app(settings, self.database.engine("app"))
        app.before_request(lambda: wait(request.path))
        with served(app, port=self.port, threads=4):
            yield

    def entries(self) -> list[dict[str, Any]]:
        with self.database.engine("owner").connect() as connection:
            rows = connection.execute(
                text("SELECT body, state FROM field_entries ORDER BY received_at")
            ).all()
        return [{**row.body, "state": row.state} for row in rows]


@pytest.fixture
def hub(plain_server: postgres.Server) -> Iterator[Hub]:
    database = plain_server.fresh(postgres.migrated)
    built = scene.build(database.engine("owner"), datetime.now(UTC))
    yield Hub(database, built, free_port())
    plain_server.drop(database)


def sign_in_at_hub(tab: Browser, hub: Hub, to: str = "/field/", email: str = "") -> None:
    tab.driver.get(f"{hub.url}/sign-in?next={to}")
    tab.driver.find_element("id", "email").send_keys(email or hub.scene.email)
    tab.driver.find_element("id", "password").send_keys(hub.scene.password)
    tab.driver.find_element("css selector", "button.main-act").click()
    tab.until(f"location.pathname === '{to}' && document.readyState === 'complete'")
    if to == "/field/":
        tab.until("document.body.dataset.kept > 3")


SAVE = """
const [from, count, day, done] = arguments;
(async () => {
  Date.now = () => day;
  for (let number = from; number < from + count; number += 1) {
    document.getElementById("note").value = `number ${number}`;
    if (!(await save(entry, fresh(), false))) return done(number);
  }
  done("saved");
})();
"""
DAY_MS = 86_400_000


@pytest.mark.slow
def test_five_hundred_entries_of_three_days_arrive_once_and_in_order(
    hub: Hub, profile: Path
) -> None:
    with hub.reached(), phone(profile, killed=False) as tab:  # its cookie is on disk
        sign_in_at_hub(tab, hub)
        stop = tab.run("return document.querySelector('.route a').href")
    today = round(datetime.now(UTC).timestamp() * 1000)
    for day, (start, count) in enumerate(((0, 170), (170, 170), (340, 160))):
        with phone(profile) as tab:  # without signal from the first byte on
            tab.driver.get(stop)
            ready(tab)
            tab.driver.set_script_timeout(60)
            at = today - (2 - day) * DAY_MS
            assert tab.driver.execute_async_script(SAVE, start, count, at) == "saved"
            waits = f"document.getElementById('waits').textContent.startsWith('{start + count} w')"
            tab.run("sender.show()")
            tab.until(waits)
    assert not hub.entries()
    with phone(profile) as tab:
        tab.driver.get(f"{hub.url}/field/")
        tab.until("document.getElementById('waits').textContent.startsWith('500 waiting')")
        assert "no signal since" in tab.until("document.getElementById('waits').textContent")
        with hub.reached():
            tab.run("sender.flush()")
            eventually(lambda: len(hub.entries()) > 20)
        arrived = len(hub.entries())
        assert arrived < 500, "the link was lost on the way"
    with hub.reached(), phone(profile) as tab:
        tab.driver.get(f"{hub.url}/field/")
        eventually(lambda: len(hub.entries()) >= 500)
        tab.until("document.getElementById('waits').textContent.startsWith('all sent')")
    assert [entry["note"] for entry in hub.entries()] == [f"number {n}" for n in range(500)]
    assert {entry["state"] for entry in hub.entries()} == {"taken"}


def test_private_windows_and_full_phones_are_told_plainly(hub: Hub, profile: Path) -> None:
    broken = "Object.defineProperty(window, 'indexedDB', {value: undefined});"
    full = """
        const add = IDBObjectStore.prototype.add;
        IDBObjectStore.prototype.add = function () {
            throw new DOMException("full", "QuotaExceededError");
        };
    """
    with hub.reached(), phone(profile) as tab:
        sign_in_at_hub(tab, hub)
        stop = tab.run("return document.querySelector('.route a').href")
        for spoilt, said in ((broken, "This browser keeps nothing"), (full, "")):
            command = "Page.addScriptToEvaluateOnNewDocument"
            added = tab.driver.execute_cdp_cmd(command, {"source": spoilt})
            tab.driver.get(stop)
            ready(tab)
            assert tab.run("return document.getElementById('waits').textContent").startswith(said)
            tab.run("window.fetch = () => Promise.reject(new Error('no signal'))")
            tab.driver.find_element("css selector", "[id$=_tubing_psig]").clear()
            tab.driver.find_element("css selector", "[id$=_tubing_psig]").send_keys("400")
            tab.driver.find_element("css selector", "footer .go").click()
            tab.until("!document.getElementById('notice').hidden")
            told = tab.run("return document.getElementById('notice').textContent")
            assert told.startswith("Not saved") or "full: not saved" in told
            assert tab.run("return document.querySelector('[id$=_tubing_psig]').value") == "400"
            remove = "Page.removeScriptToEvaluateOnNewDocument"
            tab.driver.execute_cdp_cmd(remove, {"identifier": added["identifier"]})
    assert not hub.entries()


def footer(tab: Browser) -> str:
    tab.run("sender.show()")
    return str(tab.until("document.getElementById('waits').textContent"))


def test_a_photo_taken_without_signal_outlives_the_browser_and_arrives_once_after_the_entries(
    hub: Hub, profile: Path
) -> None:
    camera = profile / "camera.jpg"
    camera.write_bytes(jpeg(2400, exif=True))
    with hub.reached(), phone(profile, killed=False) as tab:
        sign_in_at_hub(tab, hub)
        stop = tab.run("return document.querySelector('.route a').href")
    with phone(profile) as tab:  # without signal
        tab.driver.get(stop)
        ready(tab)
        tab.driver.find_element("id", "photos").send_keys(str(camera))
        tab.until("document.querySelectorAll('.pictures img').length === 1")
    with phone(profile) as tab:  # killed before it was saved
        tab.driver.get(stop)
        ready(tab)
        tab.until("document.querySelectorAll('.pictures img').length === 1")
        tab.driver.find_element("css selector", ".pictures input").send_keys("Stuffing box")
        tab.driver.find_element("css selector", "footer .go").click()
        tab.until(f"location.href !== '{stop}' && document.readyState === 'complete'")
        tab.until("document.getElementById('waits').textContent.startsWith('1 entry and 1 photo')")
        tab.driver.get(stop)
        ready(tab)
        tab.driver.set_script_timeout(60)
        now = round(time.time() * 1000)
        assert tab.driver.execute_async_script(SAVE, 1, 1, now) == "saved"
        assert footer(tab).startswith("2 entries and 1 photo wait")
    with hub.reached(), phone(profile) as tab:
        tab.driver.get(f"{hub.url}/field/")
        tab.until("document.getElementById('waits').textContent.startsWith('all sent')")
        tab.driver.execute_async_script("sender.flush().then(arguments[0])")
    with hub.database.engine("owner").connect() as connection:
        ((title, size, after, sha256),) = connection.execute(
            text(
                "SELECT title, size_bytes, created_at > (SELECT max(received_at) FROM field_entries"
                "), encode(sha256, 'hex') FROM documents WHERE kind = 'photo'"
                " AND created_at > now() - interval '5 minutes'"
            )
        ).all()
    assert (title, after, size <= 300 * 1024) == ("Stuffing box", True, True)
    (kept,) = Path(DOCUMENTS.name).rglob(sha256)
    picture = Image.open(kept)
    assert (max(picture.size), dict(picture.getexif())) == (1600, {})
    assert len(hub.entries()) == 2
