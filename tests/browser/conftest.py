"""The console of the scene behind a real web server, and a tab of a real browser in front of it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from hub.console import create_app
from hub.database import Tier
from tests.browser import chrome, scene
from tests.browser.chrome import Browser
from tests.console import settings_for
from tests.servers import postgres
from tests.serving import served


@dataclass
class Site:
    """A running console."""

    url: str
    database: postgres.Database
    scene: scene.Scene
    keys: dict[str, uuid.UUID] = field(default_factory=dict)  #: of what else was put there

    def freshen(self) -> None:
        """Let every agent but the silent one have just been heard."""
        scene.refresh(self.database.engine("owner"), self.scene, datetime.now(UTC))

    def sign_in(self, tab: Browser, email: str = "") -> None:
        """Sign in, as the manager unless said otherwise, and arrive at the fleet."""
        tab.driver.get(f"{self.url}/sign-in")
        tab.driver.find_element("id", "email").send_keys(email or self.scene.email)
        tab.driver.find_element("id", "password").send_keys(self.scene.password)
        tab.driver.find_element("css selector", "button.main-act").click()
        tab.until("location.pathname === '/' && document.readyState === 'complete'")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One browser for all tests."""
    reason = chrome.missing()
    if reason:
        pytest.skip(reason)
    with chrome.browser() as started:
        yield started


BUILT: list[scene.Scene] = []


def with_scene(address: str) -> Tier:
    """Prepare a template: migrated, with the scene in it."""
    database = postgres.Database(address, postgres.migrated(address))
    BUILT.append(scene.build(database.engine("owner"), datetime.now(UTC)))
    database.close()
    return database.tier


@pytest.fixture
def site(plain_server: postgres.Server) -> Iterator[Site]:
    """The scene, served on loopback."""
    database = plain_server.fresh(with_scene)
    built = deepcopy(BUILT[-1])
    scene.refresh(database.engine("owner"), built, datetime.now(UTC))
    settings = settings_for(database)
    with served(create_app(settings, database.engine("app"))) as port:
        yield Site(f"http://127.0.0.1:{port}", database, built)
    plain_server.drop(database)


@pytest.fixture
def tab(chromium: Browser) -> Iterator[Browser]:
    """A tab without cookies, at desktop size, that must not complain about anything."""
    chromium.driver.execute_cdp_cmd("Network.clearBrowserCookies", {})
    chromium.scheme("light")
    chromium.resize(chrome.DESKTOP)
    chromium.words()
    yield chromium
    assert [word for word in chromium.words() if "favicon" not in word] == []
    chromium.driver.get("about:blank")
