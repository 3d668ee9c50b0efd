"""The editor of rules in a real browser: sliders, the trial beside them, a suggestion, the past."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from tests.browser.chrome import Browser
from tests.browser.conftest import Site

pytestmark = [pytest.mark.browser, pytest.mark.slow]

VERDICT = "(document.querySelector('#trial .verdict')?.textContent ?? '')"
TIMES = f"Number((/([\\d,]+) times in/.exec({VERDICT})?.[1] ?? '').replace(',', ''))"
SLIDE = """const slider = document.querySelector(`[data-slides="f-${arguments[0]}"]`);
slider.value = arguments[1];
slider.dispatchEvent(new Event('input', {bubbles: true}));"""


def waver(site: Site, tag: int) -> None:
    """Ten days of a gauge that wavers about 900 for an hour each day."""
    now = datetime.now(UTC).replace(microsecond=0)
    with site.database.engine("owner").begin() as connection:
        organization = connection.scalar(
            text("SELECT organization_id FROM tags WHERE id = :t"), {"t": tag}
        )
        connection.execute(text("DELETE FROM readings WHERE tag_id = :t"), {"t": tag})
        minutes = 10 * 1440
        connection.execute(
            text("SELECT ensure_readings_partitions(:first, :last)"),
            {"first": now - timedelta(days=11), "last": now},
        )
        connection.execute(
            text(
                "INSERT INTO readings (organization_id, tag_id, time, value, quality)"
                " SELECT :o, :t, * FROM unnest(CAST(:at AS timestamptz[]),"
                " CAST(:v AS double precision[]), CAST(:q AS smallint[]))"
            ),
            {
                "o": organization,
                "t": tag,
                "at": [now - timedelta(minutes=minutes - n) for n in range(minutes)],
                "v": [
                    900 + 10 * math.sin(n * 1.7) if n % 1440 < 60 else 800 + math.sin(n)
                    for n in range(minutes)
                ],
                "q": [0] * minutes,
            },
        )
        connection.execute(text("UPDATE tags SET interval_ms = 60000 WHERE id = :t"), {"t": tag})


def fired(tab: Browser) -> int:
    """How often it would have fired, as the page says."""
    words = tab.run(f"return {VERDICT}")
    if "would not have fired" in words:
        return 0
    return (
        1 if "fired once" in words else int(words.split(" times")[0].split()[-1].replace(",", ""))
    )


def test_sliders_replay_the_rule_and_a_suggestion_is_taken(site: Site, tab: Browser) -> None:
    place = "Bravo 1H", "casing_pressure"
    waver(site, site.scene.tags[place])
    site.sign_in(tab)
    tab.driver.get(f"{site.url}/rules/new?sort=limit&tag={site.scene.tags[place]}")
    tab.until(f"{VERDICT} === '' && document.querySelector('#trial p')")
    for name, words in {"hi-setpoint": "900", "hi-deadband": "0", "hi-off_delay_s": "0",
                        "hi-on_delay_s": "0"}.items():  # fmt: skip
        field = tab.driver.find_element("name", name)
        field.clear()
        field.send_keys(words)
    tab.until(f"{VERDICT}.includes('times in')")
    assert fired(tab) > 100, "it wavers about its limit"
    tab.run(SLIDE, "hi-off_delay_s", "300")
    assert tab.driver.find_element("name", "hi-off_delay_s").get_property("value") == "300"
    tab.until(f"{VERDICT}.includes('10 times in') || {VERDICT}.includes('11 times in')")
    assert tab.run("return document.querySelectorAll('#trial .days rect').length") >= 10
    tab.run(SLIDE, "hi-setpoint", "1000")
    tab.until(f"{VERDICT}.includes('would not have fired')")

    tab.run(SLIDE, "hi-setpoint", "900")
    tab.run(SLIDE, "hi-off_delay_s", "0")
    tab.until(f"{TIMES} > 100")
    tab.driver.find_element("xpath", "//button[contains(., 'Suggest')]").click()
    tab.until("document.querySelector('#suggestion [data-takes]')")
    tab.driver.find_element("css selector", "[data-takes]").click()
    tab.until(f"{TIMES} < 100")
    assert fired(tab) <= 12
    assert float(tab.driver.find_element("name", "hi-off_delay_s").get_property("value")) > 0


def test_a_rule_is_made_from_a_template_changed_and_restored(site: Site, tab: Browser) -> None:
    place = "Bravo 1H", "casing_pressure"
    waver(site, site.scene.tags[place])
    site.sign_in(tab)
    driver = tab.driver
    driver.get(f"{site.url}/rules/new?tag={site.scene.tags[place]}")
    driver.find_element("link text", "Pressure far from usual").click()
    tab.until("document.getElementById('f-action')?.value.includes('valves and choke')")
    assert float(driver.find_element("name", "hi-setpoint").get_property("value")) > 800
    driver.find_element("css selector", ".rule button.main-act").click()
    tab.until("document.querySelector('.past')")
    field = driver.find_element("name", "hi-setpoint")
    before = field.get_property("value")
    field.clear()
    field.send_keys("990")
    driver.find_element("css selector", ".rule button.main-act").click()
    tab.until("document.querySelector('.past')?.textContent.includes('990')")
    assert "hi setpoint" in driver.find_element("css selector", ".past > li").text
    driver.find_element("xpath", "//button[contains(., 'Restore version 1')]").click()
    tab.until("document.querySelector('.past')?.children.length === 3")
    value = driver.find_element("name", "hi-setpoint").get_property("value")
    assert float(value) == float(before)
