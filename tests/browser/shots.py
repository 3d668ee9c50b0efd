"""Takes the console's portraits: each page, light and dark, on a desk and in a hand.

    python -m tests.browser.shots FOLDER [PAGE …]

Builds the scene in a database of its own, serves it on loopback, and ends both.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from base64 import b64decode
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from hub.console import create_app
from hub.notify.channels import push
from tests.browser import chrome, desk, fieldday, night, rota, scene, story
from tests.browser.conftest import Site
from tests.console import settings_for
from tests.servers import postgres
from tests.serving import served

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
        "shelved": "/alerts/shelved",
        "cleared": "/alerts/cleared",
        "out-of-service": "/alerts/out-of-service",
        "load": "/alerts/load",
        "journal": "/alerts/journal",
        "alert": f"/alerts/{own.alerts['Bravo 1H casing_pressure']}",
        "agents": "/agents",
        "agent": f"/agents/{own.agents['north-road']}",
        "quarantine": "/quarantine",
        "rules": "/rules",
        "rule": f"/rules/{rule}",
        "rule-start": f"/rules/new?tag={own.tags['Bravo 1H', 'casing_pressure']}",
        **night_pages(site),
        "production": "/production",
        "production-reconciliation": "/production/reconciliation",
        "production-grid": "/production/grid",
        "production-entries": "/production/entries",
        **{f"production-{name}": f"/production/entries/{key}" for name, key in site.keys.items()},
        "register": "/register",
        "register-wells": "/register/wells?well_type=oil&md_ft__gte=15000&sort=-md_ft",
        "register-expenses": "/register/expenses?status=draft",
        "register-production": "/register/production_records",
        "record": f"/register/wells/{own.wells['Bravo 1H']}",
        "record-form": f"/register/wells/{own.wells['Bravo 1H']}/edit",
        "record-history": f"/register/wells/{own.wells['Bravo 1H']}/history",
        "bank-account": "/register/bank_accounts",
        "import": "/register/wells/import",
        "people": "/people",
        "trail": "/trail?table=wells",
        "keys": "/keys",
        "account": "/account",
    }


def night_pages(site: Site) -> dict[str, str]:
    """Those of being told, of who is on call, and of incidents."""
    own = site.scene
    return {
        "channels": "/channels",
        "oncall": "/oncall",
        "policies": "/escalation",
        "policy": "/escalation/new",
        "rotation": "/rotations/new",
        "rotation-edit": f"/rotations/{_key(site, 'rotations')}",
        "cover": f"/oncall/{_key(site, 'rotations')}/cover",
        "policy-edit": f"/escalation/{_key(site, 'escalation_policies')}",
        "fix": f"/alerts/load/{own.rules['Juliet 2H', 'tubing_pressure']}",
        "latched": f"/alerts/{own.alerts['Delta 1 tank_level']}",
        "storm": f"/storms/{own.storm}",
        "incidents": "/incidents",
        "incident": f"/incidents/{own.incident}",
        "incident-facts": f"/incidents/{own.incident}/facts",
        "incident-new": "/incidents/new",
        "call": f"/incidents/{own.incident}/notices/{_notice(site, 'due')}",
        "call-told": f"/incidents/{own.incident}/notices/{_notice(site, 'notified')}",
        "agency-rules": "/incidents/rules",
        "agency-rule": f"/incidents/rules/{_key(site, 'agency_rules')}",
        "suspense": "/suspense",
        "preferences": "/preferences",
        "delivery-log": "/messages",
        "message": f"/messages/{own.message}",
        "answer": f"/m/{own.link}",
        "reach": "/account/reach",
    }


def papers(site: Site) -> dict[str, str]:
    """What is printed, and where it is."""
    own = f"/incidents/{site.scene.incident}"
    return {
        "incident": f"{own}/file.pdf",
        "call": f"{own}/notices/{_notice(site, 'due')}/script.pdf",
    }


def _key(site: Site, table: str) -> Any:
    with site.database.engine("owner").connect() as connection:
        return connection.scalar(text(f"SELECT id FROM {table} ORDER BY created_at, id LIMIT 1"))


def _notice(site: Site, status: str) -> Any:
    """The first notice of the incident that stands so, or any."""
    wanted = text(
        "SELECT id FROM incident_notices WHERE incident_id = :incident"
        " ORDER BY status LIKE :status DESC, required_by LIMIT 1"
    )
    values = {"incident": site.scene.incident, "status": status}
    with site.database.engine("owner").connect() as connection:
        return connection.scalar(wanted, values)


FETCH = """const done = arguments[1];
fetch(arguments[0]).then(answer => answer.arrayBuffer()).then(body => {
  done(btoa(Array.from(new Uint8Array(body), byte => String.fromCharCode(byte)).join("")));
});"""


SHEET = """Well Name,Lease,Status,Measured depth,First Production,Latitude,Longitude
Bravo 4H,Bravo Unit,drilling,21350,,31.4211,-103.5120
Bravo 5H,Bravo Unit,drilling,about 21350,,31.4213,-103.5118
Delta 9,Delta Ranche,producing,17800,2024-02-31,31.3890,-103.5770
Bravo 1H,Bravo Unit,producing,19000,2019-04-15,31.4210,-103.5120
,Echo State 12,producing,16900,2018-06-01,31.3560,-103.4690
Kilo 2,Juliet Fee,flowing,18100,6/1/2021,131.4620,-103.6020
"""


def refuse(tab: chrome.Browser) -> None:
    """Send the form of a well with what it cannot take."""
    tab.run(
        """const say = (name, words) => { document.getElementsByName(name)[0].value = words; };
           say('name', ''); say('md_ft', '19,4OO'); say('lat', '131.42'); say('lease_id', '');
           say('lease_id-title', 'unit');
           document.querySelector('.save-bar button').click()"""
    )
    tab.until("document.getElementById('faults') && document.readyState === 'complete'")


def try_import(tab: chrome.Browser) -> None:
    """Send a spreadsheet with mistakes, take the columns as guessed, and try it."""
    tab.run(
        """const form = new FormData();
           form.append('file', new File([arguments[0]], 'new wells.csv'));
           fetch(location.pathname, {method: 'POST', body: form})
             .then(answer => { location = answer.url; })""",
        SHEET,
    )
    tab.until("document.querySelector('form[action$=try] button')")
    tab.run("document.querySelector('form[action$=try] button').click()")
    tab.until("document.getElementById('bad')")


#: Pages that are reached by doing something on another one.
DONE: dict[str, tuple[str, Callable[[chrome.Browser], None]]] = {
    "record-refused": ("record-form", refuse),
    "import-tried": ("import", try_import),
}


@contextmanager
def staged() -> Iterator[Site]:
    """The scene behind a web server, until the block ends."""
    with tempfile.TemporaryDirectory(prefix="wellflow-shots-", dir="/var/tmp") as folder:
        Path(folder).chmod(0o755)
        server = postgres.embedded(Path(folder) / "server")
        database = server.fresh(postgres.migrated)
        built = scene.build(database.engine("owner"), datetime.now(UTC))
        morning = fieldday.furnish(desk.furnish(database, built))
        rota.furnish(database, built)
        told = settings_for(database, WELLFLOW_PUSH_PRIVATE_KEY=push.new_private_key())
        with Session(database.engine("owner")) as session, session.begin():
            alert = built.alerts["Bravo 1H casing_pressure"]
            story.failed_over(session, built, alert, told.secret_key)
        night.furnish(database, built, told)
        app = create_app(told, database.engine("app"))
        try:
            waits = {name: morning.keys[name] for name in ("conflict", "refused")}
            with served(app) as port:
                yield Site(f"http://127.0.0.1:{port}", database, built, waits)
        finally:
            database.close()
            server.stop()


def take(
    site: Site,
    tab: chrome.Browser,
    folder: Path,
    chosen: list[str],
    schemes: Sequence[str] = ("light", "dark"),
) -> None:
    """Take every picture; pages with charts once these are drawn."""
    site.sign_in(tab, desk.OWNER)
    places: dict[str, tuple[str, Callable[[chrome.Browser], None] | None]]
    places = {name: (place, None) for name, place in pages(site).items()}
    places |= {name: (places[page][0], act) for name, (page, act) in DONE.items()}
    for name, (place, act) in places.items():
        for look, size in SIZES.items() if not chosen or name in chosen else ():
            for scheme in schemes:
                site.freshen()
                tab.scheme(scheme)
                tab.resize(size, touch=look == "phone")
                tab.driver.get(f"{site.url}{place}")
                if act is not None:
                    act(tab)
                tab.until(SETTLED)
                tab.portrait(folder / f"{name}-{look}-{scheme}.png", size)
    for name, place in papers(site).items() if not chosen or "papers" in chosen else ():
        body = tab.driver.execute_async_script(FETCH, place)
        (folder / f"{name}.pdf").write_bytes(b64decode(body))


#: Charts are drawn, and what a page loads beside itself is there.
SETTLED = """[...document.images].every(picture => picture.complete)
    && (!document.querySelector('[data-charts]')
    || document.querySelector('[data-charts]').dataset.drawn)
    && !(document.querySelector('[data-trial]')
         && document.querySelector('[data-trial]').textContent.includes('Replaying'))
    && !document.querySelector('[hx-trigger=load]:has(> :only-child > a.link, > a.link)')"""


def main() -> int:
    """Take them; exit 1 where no browser is at hand."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("page", nargs="*")
    parser.add_argument("--light", action="store_true", help="only the light ones")
    asked = parser.parse_intermixed_args()
    if reason := chrome.missing():
        sys.stderr.write(f"{reason}\n")
        return 1
    asked.folder.mkdir(parents=True, exist_ok=True)
    with staged() as site, chrome.browser() as tab:
        take(
            site,
            tab,
            asked.folder,
            asked.page,
            ("light",) if asked.light else ("light", "dark"),
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
