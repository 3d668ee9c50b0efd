"""The office's daily grid in a real browser: keys, blocks of a spreadsheet, others' changes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from selenium.webdriver.common.keys import Keys
from sqlalchemy import text

from tests.browser.chrome import Browser
from tests.browser.conftest import Site

pytestmark = pytest.mark.browser

HERE = "return document.activeElement.getAttribute('aria-label')"
VALUE = "return document.activeElement.value"


class Grid:
    """The grid of the last day that ended, in front of the manager."""

    def __init__(self, site: Site, tab: Browser) -> None:
        self.site, self.tab = site, tab
        site.sign_in(tab)
        self.open()

    def open(self) -> None:
        """Open the page."""
        self.tab.driver.get(f"{self.site.url}/production/grid")
        self.tab.until(
            "document.querySelector('[data-grid]') && document.readyState === 'complete'"
        )

    def stand(self, label: str) -> None:
        """Click into a cell."""
        self.tab.run(f"document.querySelector('[aria-label=\"{label}\"]').focus()")

    def press(self, *keys: str) -> None:
        """Press keys where one stands."""
        self.tab.driver.switch_to.active_element.send_keys(*keys)

    def paste(self, words: str) -> None:
        """Copy a block elsewhere, and paste it where one stands, as people do: by keys."""
        here = self.tab.run(HERE)
        self.tab.run(
            """const box = document.createElement("textarea");
               document.body.append(box);
               box.value = arguments[0]; box.focus(); box.select();""",
            words,
        )
        self.press(Keys.CONTROL, "c")
        self.tab.run("document.querySelector('body > textarea').remove()")
        self.stand(here)
        self.press(Keys.CONTROL, "v")

    def value(self, label: str) -> str:
        """What stands in a cell."""
        return str(self.tab.run(f"return document.querySelector('[aria-label=\"{label}\"]').value"))

    def said(self) -> str:
        """What the page tells beside its button."""
        return str(self.tab.run("return document.querySelector('[data-grid-said]').textContent"))

    def save(self) -> None:
        """Press the button, and wait for the answer."""
        self.tab.run("document.documentElement.dataset.old = 'yes'")
        self.tab.driver.find_element("css selector", "form .main-act").click()
        self.tab.until(
            "!document.documentElement.dataset.old && document.readyState === 'complete'"
        )

    def rows(self) -> dict[str, tuple[Any, ...]]:
        """What is stored, by well."""
        with self.site.database.engine("owner").connect() as connection:
            found = connection.execute(
                text(
                    "SELECT w.name, r.oil_bbl::float, r.gas_mcf::float, r.tubing_psig::float"
                    " FROM production_records r JOIN wells w ON w.id = r.well_id"
                    " WHERE r.record_kind = 'field_estimate'"
                )
            )
            return {name: tuple(rest) for name, *rest in found}


@pytest.fixture
def grid(site: Site, tab: Browser) -> Iterator[Grid]:
    yield Grid(site, tab)
    tab.run("for (const one of document.querySelectorAll('.typed')) one.classList.remove('typed')")
    assert [word for word in tab.words() if "422" not in word] == []


def test_keys_move_and_a_block_of_a_spreadsheet_is_taken(grid: Grid) -> None:
    keys_move_take_back_and_copy(grid)
    every_bad_cell_of_a_block_is_told(grid)


def keys_move_take_back_and_copy(grid: Grid) -> None:
    grid.stand("Bravo 1H, Oil")
    grid.press("12", Keys.ENTER)
    assert grid.tab.run(HERE) == "Bravo 2H, Oil"
    grid.press("7", Keys.ARROW_UP)
    assert grid.tab.run(HERE) == "Bravo 1H, Oil"
    grid.press(Keys.ARROW_RIGHT)
    assert grid.tab.run(HERE) == "Bravo 1H, Gas"
    grid.press(Keys.TAB, Keys.NULL)
    assert grid.tab.run(HERE) == "Bravo 1H, Water"
    grid.press(Keys.ARROW_LEFT)
    grid.press(Keys.ARROW_DOWN)
    assert grid.tab.run(HERE) == "Bravo 2H, Gas"
    grid.press("5", Keys.ESCAPE)
    assert grid.tab.run(VALUE) == ""
    grid.stand("Bravo 1H, Oil")
    grid.press(Keys.CONTROL, "c")
    grid.stand("Bravo 3H, Oil")
    grid.press(Keys.CONTROL, "v")
    assert grid.value("Bravo 3H, Oil") == "12"
    assert grid.said().startswith("3 cells changed, not saved yet.")


def every_bad_cell_of_a_block_is_told(grid: Grid) -> None:
    grid.stand("Bravo 1H, Oil")
    for _cell in range(3):
        grid.press(Keys.ESCAPE)
        grid.press(Keys.ENTER)
    grid.stand("Bravo 1H, Oil")
    grid.paste('1,234.5\t610\r\n(3)\tabout 5\r\n"7"\t-1\r\n')
    assert grid.value("Bravo 1H, Oil") == "1,234.5"
    assert grid.value("Bravo 3H, Oil") == "7"
    said = grid.said()
    assert "Pasted into 6 cells." in said
    assert "Bravo 2H, Gas: “about 5” is not a number." in said
    assert "Bravo 2H, Oil: (3) is below zero." in said
    assert "Bravo 3H, Gas: -1 is below zero." in said
    grid.save()
    assert grid.rows() == {"Bravo 1H": (1234.5, 610.0, None)}, (
        "a row with a fault is not half saved"
    )
    page = grid.tab.run("return document.body.innerText")
    assert "1 row saved. 2 rows not saved" in page
    assert "Oil takes at least 0" in page
    assert "Gas takes a number like 1234.5" in page
    assert grid.value("Bravo 3H, Gas") == "-1"
    last = grid.tab.run(
        "return [...document.querySelectorAll('[data-grid] input')].at(-1).ariaLabel"
    )
    grid.stand(last)
    grid.paste("1\t2\n3\t4\n")
    assert "Pasted into 1 cell. 3 cells lay beyond the grid and were left out." in grid.said()


def test_what_others_do_meanwhile_is_told_and_a_closed_month_is_only_read(grid: Grid) -> None:
    what_somebody_else_entered_is_not_overwritten(grid)
    a_closed_month_is_read(grid)


def what_somebody_else_entered_is_not_overwritten(grid: Grid) -> None:
    grid.stand("Bravo 1H, Oil")
    grid.press("30")
    grid.stand("Bravo 2H, Oil")
    grid.press("20")
    grid.save()
    with grid.site.database.engine("owner").begin() as connection:
        connection.execute(
            text(
                "UPDATE production_records r SET oil_bbl = 33 FROM wells w"
                " WHERE w.id = r.well_id AND r.record_kind = 'field_estimate'"
            )
        )
    grid.stand("Bravo 1H, Oil")
    grid.tab.run("document.activeElement.select()")
    grid.press("31")
    grid.stand("Bravo 2H, Tubing")
    grid.press("400")
    grid.save()
    assert "Somebody else entered 33 meanwhile." in grid.tab.run("return document.body.innerText")
    assert grid.value("Bravo 1H, Oil") == "31"
    assert grid.rows() == {"Bravo 1H": (33.0, None, None), "Bravo 2H": (33.0, None, 400.0)}
    grid.save()
    assert grid.rows()["Bravo 1H"][0] == 31.0


def a_closed_month_is_read(grid: Grid) -> None:
    day = grid.tab.run("return document.querySelector('[name=day]').value")
    with grid.site.database.engine("owner").begin() as connection:
        connection.execute(
            text(
                "INSERT INTO accounting_periods (organization_id, module, month, state)"
                " VALUES (:o, 'production', :m, 'closed')"
            ),
            {"o": grid.site.scene.organization, "m": f"{day[:8]}01"},
        )
    grid.stand("Bravo 3H, Oil")
    grid.press("30")
    grid.save()
    assert "is closed: open it again" in grid.tab.run("return document.body.innerText")
    assert grid.value("Bravo 3H, Oil") == "30", "what was typed is still there"
    assert "Bravo 3H" not in grid.rows()
    grid.tab.run("for (const one of document.querySelectorAll('.typed')) one.remove()")
    grid.open()
    assert grid.tab.run(
        "return document.querySelector('[data-grid] input:not([type=hidden])').readOnly"
    )
    assert not grid.tab.run("return document.querySelector('form .main-act')")
