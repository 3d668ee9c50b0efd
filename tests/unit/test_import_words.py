"""What operators and agencies write, in the register's words; and which column is which field."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from hub.imports.columns import HEADINGS, MappingError, match, plain
from hub.imports.lines import api14, lines
from hub.imports.words import SYNONYMS, api_of_parts, api_words, known_word, month_of, share
from hub.register.catalog import resource


@pytest.mark.parametrize(
    ("raw", "number"),
    [
        ("42-501-20130-03-00", "42501201300300"),
        ("42-501-20130", "42501201300000"),
        ("4250120130", "42501201300000"),
        (4250120130.0, "42501201300000"),
        ("4250120130.0", "42501201300000"),
        (512308053, "05123080530000"),  # a spreadsheet dropped Colorado's zero
        ("51230805300", "05123080530000"),
    ],
)
def test_api_numbers(raw: Any, number: str) -> None:
    assert api14(raw) == number


def test_an_api_number_that_was_rounded_is_refused() -> None:
    """Its last digits are gone: any number we made of it would be another well's."""
    with pytest.raises(ValueError, match="was rounded by a spreadsheet"):
        api_words("4.25012E+13")
    with pytest.raises(ValueError, match="API number takes 10, 12 or 14 digits"):
        api14("42-501")


def test_colorado_names_county_and_sequence() -> None:
    assert api14(api_of_parts(1, 7727, 0)) == "05001077270000"
    assert api14(api_of_parts("123", "08053", "1.0")) == "05123080530100"
    with pytest.raises(ValueError, match="API sequence takes at most 5 digits"):
        api_of_parts("1", "123456")


@pytest.mark.parametrize(
    ("raw", "month"),
    [
        ("Sep 2021", date(2021, 9, 1)),
        ("September 2021", date(2021, 9, 1)),
        ("Sep-21", date(2021, 9, 1)),
        ("dec '99", date(1999, 12, 1)),
        ("2021-09", date(2021, 9, 1)),
        ("202109", date(2021, 9, 1)),
        (202109.0, date(2021, 9, 1)),
        ("9/2021", date(2021, 9, 1)),
        ("2021-09-15", None),
        ("13/2021", None),
        (date(2021, 9, 15), None),
        (None, None),
    ],
)
def test_months(raw: Any, month: date | None) -> None:
    assert month_of(raw) == month


@pytest.mark.parametrize(
    ("raw", "part"),
    [("12.5%", "0.125"), ("75 %", "0.75"), ("100%", "1.00"), (".5%", "0.005"), ("0.125", "0.125"),
     (0.5, 0.5), ("half%", "half%")],
)  # fmt: skip
def test_shares(raw: Any, part: Any) -> None:
    assert share(raw) == part or float(share(raw)) == float(part)


def test_usual_words_are_the_registers() -> None:
    """Every synonym is a value the register takes."""
    for field, table in (("status", "wells"), ("well_type", "wells"), ("lift_type", "wells"),
                         ("interest_type", "lease_partners"), ("pay_status", "lease_partners"),
                         ("kind", "partners"), ("product", "ownership_decks")):  # fmt: skip
        choices = resource(table).fields[field].choices
        assert set(SYNONYMS[field].values()) <= set(choices), field
    assert known_word("status", "P&A") == "plugged"
    assert known_word("status", "of its own") == "of its own"


def test_every_field_a_file_can_tell_has_headings_of_its_own() -> None:
    for kind, fields in HEADINGS.items():
        for field, names in fields.items():
            assert all(name == plain(name) for name in names), (kind, field)


def test_the_first_heading_that_fits_counts() -> None:
    header = ["", "Well Name", "Well", "Date", "Oil (bbl)", "Gas Produced"]
    assert match("production", header) == {"well": 1, "date": 3, "oil_bbl": 4, "gas_mcf": 5}


def test_what_is_needed_is_asked_for() -> None:
    with pytest.raises(MappingError, match=r"No column tells the name or api14.*--map Column=name"):
        match("wells", ["Depth"])
    with pytest.raises(MappingError, match="No column tells the well or api14 or api_sequence"):
        match("production", ["Month", "Calendar Year", "Land Class", "Commodity", "Volume"])


def test_lines_keep_their_numbers() -> None:
    found = list(lines([["a"], [], [None], ["", "b"]], {"name": 0, "site": 1}))
    assert [(line.number, dict(line.cells)) for line in found] == [
        (2, {"name": "a"}),
        (5, {"site": "b"}),
    ]
