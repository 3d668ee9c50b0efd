"""The incident board in a real browser: clocks that run, on a desk and in a hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text

from hub.database import Actor, tenant_session
from hub.incidents.opening import Report, Where, open_from_report
from hub.standards import begin_incidents
from tests.browser import chrome
from tests.browser.chrome import Browser
from tests.browser.conftest import Site

pytestmark = pytest.mark.browser


def spill(site: Site) -> str:
    """Report a spill in New Mexico; answers the address of its page."""
    with site.database.engine("owner").begin() as connection:
        organization = connection.scalar(text("SELECT organization_id FROM wells LIMIT 1"))
        well = connection.scalar(text("SELECT id FROM wells WHERE lease_id IS NOT NULL LIMIT 1"))
        begin_incidents(connection, organization)
    facts = {"fluid": "oil", "released": Decimal(30), "state": "NM", "reached_water": False}
    seen = datetime.now(UTC) - timedelta(hours=2)
    with tenant_session(
        site.database.engine("app"), organization, Actor(role="manager")
    ) as session:
        report = Report(
            organization, "spill", "Flowline leak", seen, Where(well_id=well), facts=facts
        )
        return f"/incidents/{open_from_report(session, report).id}"


def test_the_boards_clock_runs_and_its_page_fits_a_phone(site: Site, chromium: Browser) -> None:
    page = spill(site)
    site.sign_in(chromium)
    chromium.driver.get(f"{site.url}/incidents")
    chromium.until("document.querySelector('time[data-until]')")
    clock = "document.querySelector('time[data-until]').textContent"
    chromium.until(f"/^21 h 59 min left$/.test({clock})")
    chromium.run(
        "document.querySelector('time[data-until]').dateTime ="
        " new Date(Date.now() - 61000).toISOString()"
    )
    chromium.until(f"/^over by 1 min 0[1-9] s$/.test({clock})")  # counted on by the browser
    chromium.resize(chrome.PHONE, touch=True)
    for place in ("/incidents", page, f"{page}/facts"):
        chromium.driver.get(f"{site.url}{place}")
        chromium.until("document.readyState === 'complete'")
        wide = chromium.run("return document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0, place
