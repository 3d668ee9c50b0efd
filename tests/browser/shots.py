"""Takes the console's portraits: each page, light and dark, on a desk and in a hand.

    python -m tests.browser.shots FOLDER [PAGE …]

Builds the scene in a database of its own, serves it on loopback, and ends both.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from waitress.server import create_server

from hub.console import create_app
from tests.browser import chrome, scene
from tests.browser.conftest import Site
from tests.console import settings_for
from tests.servers import postgres

SIZES = {"desktop": chrome.DESKTOP, "phone": chrome.PHONE}


def pages(site: Site) -> dict[str, str]:
    """The pages and where they are."""
    own = site.scene
    rule = own.rules["Bravo 1H", "casing_pressure"]
    return {
        "fleet": "/",
        "well": f"/wells/{own.wells['Bravo 1H']}",
        "silent-well": f"/wells/{own.wells['Echo 4']}",
        "alerts": "/alerts",
        "journal": "/alerts/journal",
        "alert": f"/alerts/{own.alerts['Bravo 1H casing_pressure']}",
        "agents": "/agents",
        "agent": f"/agents/{own.agents['north-road']}",
        "quarantine": "/quarantine",
        "rules": "/rules",
        "rule": f"/rules/{rule}",
        "channels": "/channels",
    }


@contextmanager
def served() -> Iterator[Site]:
    """The scene behind a web server, until the block ends."""
    with tempfile.TemporaryDirectory(prefix="wellflow-shots-", dir="/var/tmp") as folder:
        Path(folder).chmod(0o755)
        server = postgres.embedded(Path(folder) / "server")
        database = server.fresh(postgres.migrated)
        built = scene.build(database.engine("owner"), datetime.now(UTC))
        app = create_app(settings_for(database), database.engine("app"))
        web = create_server(app, host="127.0.0.1", port=0, threads=6)
        threading.Thread(target=web.run, daemon=True).start()
        try:
            yield Site(f"http://127.0.0.1:{web.effective_port}", database, built)
        finally:
            web.close()
            database.close()
            server.stop()


def take(site: Site, tab: chrome.Browser, folder: Path, chosen: list[str]) -> None:
    """Take every picture; pages with charts once these are drawn."""
    site.sign_in(tab)
    for name, place in pages(site).items():
        for look, size in SIZES.items() if not chosen or name in chosen else ():
            for scheme in ("light", "dark"):
                site.freshen()
                tab.scheme(scheme)
                tab.resize(size, touch=look == "phone")
                tab.driver.get(f"{site.url}{place}")
                if tab.run("return document.querySelector('[data-charts]') !== null"):
                    tab.until("document.querySelector('[data-charts]').dataset.drawn")
                tab.portrait(folder / f"{name}-{look}-{scheme}.png", size)


def main() -> int:
    """Take them; exit 1 where no browser is at hand."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("page", nargs="*")
    asked = parser.parse_args()
    if reason := chrome.missing():
        sys.stderr.write(f"{reason}\n")
        return 1
    asked.folder.mkdir(parents=True, exist_ok=True)
    with served() as site, chrome.browser() as tab:
        take(site, tab, asked.folder, asked.page)
    return 0


if __name__ == "__main__":
    sys.exit(main())
