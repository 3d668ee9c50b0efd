"""Standing in, in a real browser on a phone: two taps from the calendar."""

from __future__ import annotations

import pytest

from tests.browser import chrome, rota
from tests.browser.chrome import Browser
from tests.browser.conftest import Site

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_two_taps_put_somebody_on_call(site: Site, chromium: Browser) -> None:
    rota.furnish(site.database, site.scene)
    chromium.resize(chrome.PHONE, touch=True)
    site.sign_in(chromium)
    chromium.driver.get(f"{site.url}/oncall")
    before = chromium.run("return document.querySelectorAll('.turn .muted.small + *').length")
    assert chromium.run("return document.documentElement.scrollWidth <= innerWidth"), before
    chromium.run("document.querySelector('.turn a').click()")
    chromium.until("document.getElementById('f-person') && document.readyState === 'complete'")
    chromium.run("document.querySelector('button.main-act').click()")
    chromium.until("document.querySelector('.flash')")
    assert "is on call then" in chromium.run("return document.querySelector('.flash').textContent")
