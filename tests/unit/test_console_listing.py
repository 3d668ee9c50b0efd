"""The filters of a list as a person reads them."""

from __future__ import annotations

import pytest

from hub.console import listing
from hub.register.catalog import RESOURCES

WELLS = RESOURCES["wells"]


@pytest.mark.parametrize(
    ("pair", "said"),
    [
        (("md_ft__gte", "15000"), "Measured depth: at least 15,000 ft"),
        (("md_ft__lt", "-1500.50"), "Measured depth: under -1,500.50 ft"),
        (("md_ft__lt", "-0.5"), "Measured depth: under -0.5 ft"),
        (("md_ft__gte", "15,000"), "Measured depth: at least 15,000 ft"),
        (("md_ft__is_null", "true"), "Measured depth: empty"),
        (("status", "shut_in"), "Status: shut in"),
        (("name__contains", "15000"), "Name: has “15000”"),
    ],
)
def test_a_filter_reads_as_the_cells_below_it(pair: tuple[str, str], said: str) -> None:
    (chip,) = listing.chips(WELLS, "/register/wells", (pair,), lambda _field, key: key)
    assert chip.text == said
    assert chip.url == "/register/wells"
