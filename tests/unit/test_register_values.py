"""One parser per kind of field: what it takes, what it refuses, and that it reads what it shows."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.register.errors import ValueRefused
from hub.register.fields import Field, Kind
from hub.register.values import parse, show, to_json

CHICAGO = ZoneInfo("America/Chicago")
PRINTABLE = st.characters(blacklist_categories=("Cc", "Cs"), blacklist_characters="\u2028\u2029")


def field(kind: Kind, name: str = "depth", **more: Any) -> Field:
    plain = Field(
        name, "Depth", "How deep.", None, kind, False, (), None, True, True, False, None, None, None
    )
    return replace(plain, **more)


EARLIEST, LATEST = datetime(1850, 1, 2), datetime(2199, 12, 30)  # noqa: DTZ001
MIDNIGHT = datetime(2026, 3, 31)  # noqa: DTZ001 - as a spreadsheet has it
MONEY = field("decimal", precision=16, scale=2)
SHARE = field("decimal", precision=12, scale=10)

#: By kind: the field, and values it holds.
HELD: dict[str, tuple[Field, st.SearchStrategy[Any]]] = {
    "text": (field("text"), st.text(PRINTABLE, min_size=1, max_size=50)),
    "long_text": (field("long_text"), st.text(PRINTABLE, min_size=1, max_size=500)),
    "integer": (field("integer"), st.integers(-(2**63) + 1, 2**63 - 1)),
    "money": (MONEY, st.decimals(-(10**13), 10**13, places=2)),
    "share": (SHARE, st.decimals(0, 1, places=10)),
    "double": (field("double"), st.floats(allow_nan=False, allow_infinity=False)),
    "boolean": (field("boolean"), st.booleans()),
    "date": (field("date"), st.dates(date(1850, 1, 1), date(2199, 12, 31))),
    "instant": (
        field("instant"),
        st.datetimes(EARLIEST, LATEST, timezones=st.just(UTC)),
    ),
    "time": (field("time"), st.times()),
    "uuid": (field("uuid"), st.uuids()),
    "choice": (field("choice", choices=("shut_in", "CO2")), st.sampled_from(["shut_in", "CO2"])),
    "array": (
        field("array", item="text"),
        st.lists(st.text(PRINTABLE, min_size=1, max_size=20).map(str.strip).filter(bool)),
    ),
    "json": (
        field("json"),
        st.dictionaries(st.text(PRINTABLE, max_size=5), st.integers() | st.none() | st.booleans()),
    ),
    "binary": (field("binary"), st.binary(min_size=1, max_size=40)),
}


@pytest.mark.parametrize("kind", HELD)
@given(data=st.data())
def test_what_is_shown_is_read_back(kind: str, data: st.DataObject) -> None:
    wanted, values = HELD[kind]
    value = data.draw(values)
    if isinstance(value, str):
        value = value.strip()
    shown = show(wanted, value)
    assert parse(wanted, shown) == (value if shown else None)


@pytest.mark.parametrize("kind", HELD)
@given(data=st.data())
def test_what_json_says_is_read_back(kind: str, data: st.DataObject) -> None:
    wanted, values = HELD[kind]
    value = data.draw(values)
    if isinstance(value, str):
        value = value.strip() or None
    assert parse(wanted, to_json(wanted, value)) == value


@given(kind=st.sampled_from(sorted(HELD)), raw=st.text() | st.integers() | st.floats() | st.none())
def test_anything_else_is_a_sentence_that_names_the_field(kind: str, raw: Any) -> None:
    told = _told(HELD[kind][0], raw)
    assert told is None or (told.startswith("Depth ") and told.endswith("."))


def _told(asked: Field, raw: Any) -> str | None:
    try:
        parse(asked, raw)
    except ValueRefused as refused:
        return str(refused)
    return None


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("1,234.50", "1234.50"),
        ("1234.5", "1234.50"),
        ("$1,234,567.89", "1234567.89"),
        ("(12.00)", "-12.00"),
        ("\u221212", "-12.00"),
        (".5", "0.50"),
        (1234.1, "1234.10"),
        (0.1 + 0.2, "0.30"),
        (7, "7.00"),
    ],
)
def test_numbers_as_people_and_sheets_write_them(typed: Any, value: str) -> None:
    assert str(parse(MONEY, typed)) == value


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("1,5", "Depth takes a number like 1234.5; “1,5” is not one."),
        ("12.345", "Depth takes a number with at most 2 decimals."),
        ("1e20", "Depth takes a number of at most 99,999,999,999,999.99."),
        ("nan", "Depth takes a number like 1234.5; “nan” is not one."),
        (math.inf, "Depth takes a number like 1234.5; “inf” is not one."),
        (True, "Depth takes a number."),
    ],
)
def test_numbers_that_are_refused(typed: Any, sentence: str) -> None:
    with pytest.raises(ValueRefused) as refused:
        parse(MONEY, typed)
    assert str(refused.value) == sentence


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("2026-03-31", date(2026, 3, 31)),
        ("3/31/2026", date(2026, 3, 31)),
        (MIDNIGHT, date(2026, 3, 31)),
        ("2026-03-31 00:00:00", date(2026, 3, 31)),
    ],
)
def test_days_are_read_as_iso_and_as_in_the_united_states(typed: Any, value: date) -> None:
    assert parse(field("date"), typed) == value


@pytest.mark.parametrize("typed", ["31/3/2026", "2026-02-30", "3/31/26", "yesterday", "20260331"])
def test_days_that_are_none(typed: str) -> None:
    with pytest.raises(ValueRefused, match=r"^Depth takes a day .*“.*” is none\.$"):
        parse(field("date"), typed)


def test_a_time_without_offset_is_on_the_operators_clock() -> None:
    summer = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
    assert parse(field("instant"), "2026-07-01T07:00", CHICAGO) == summer
    assert parse(field("instant"), "7/1/2026 7:00 am", CHICAGO) == summer
    assert parse(field("instant"), "2026-07-01T12:00:00Z", CHICAGO) == summer
    shown = show(field("instant"), summer, CHICAGO)
    assert shown == "2026-07-01 07:00:00-05:00"
    assert parse(field("instant"), shown) - summer == timedelta(0)
    with pytest.raises(ValueRefused, match="with its offset"):
        parse(field("instant"), "2026-07-01T07:00")


@pytest.mark.parametrize(
    ("name", "typed", "stored"),
    [
        ("api14", "42-389-12345", "42389123450000"),
        ("api14", "42-389-12345-00", "42389123450000"),
        ("api14", "42389123450102", "42389123450102"),
        ("api14", 4238912345.0, "42389123450000"),
        ("routing", "0210-0002-1", "021000021"),
        ("timezone", "america/chicago", "America/Chicago"),
        ("state", "tx", "TX"),
        ("phone", "(432) 555-0123", "+14325550123"),
        ("account_enc", "1234 5678", "12345678"),
        ("tax_id_enc", "12-3456789", "123456789"),
    ],
)
def test_fields_with_a_form_of_their_own(name: str, typed: Any, stored: str) -> None:
    assert parse(field("text", name), typed) == stored


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("api14", "42-389-1234"),
        ("routing", "021000022"),
        ("timezone", "Texas"),
        ("state", "Texas"),
        ("email", "bob at example.com"),
        ("phone", "555"),
        ("currency", "$"),
        ("citation_url", "javascript:alert(1)"),
    ],
)
def test_forms_that_are_refused(name: str, typed: str) -> None:
    with pytest.raises(ValueRefused, match=r"^Depth takes .*\.$"):
        parse(field("text", name), typed)


@pytest.mark.parametrize(
    ("asked", "raw", "sentence"),
    [
        (field("text", max_length=5), "too long", "at most 5 characters; these are 8."),
        (field("text"), "two\nlines", "takes one line of text."),
        (field("text"), "nul\0", "without control characters."),
        (field("text"), ["a"], "takes text."),
        (field("choice", choices=("oil", "gas")), "coal", "takes one of oil, gas."),
        (field("boolean"), "perhaps", "takes yes or no."),
        (field("integer"), "1.5", "takes a whole number; “1.5” is not one."),
        (field("uuid"), "abc", "takes an id."),
        (field("reference"), "abc", "takes one of the list."),
        (field("json"), "{", 'takes JSON, like {"radius_ft": 30}.'),
        (field("json"), "[" * 5000, 'takes JSON, like {"radius_ft": 30}.'),
        (field("time"), "25:00", "takes a time of day like 07:00; “25:00” is none."),
        (field("text", required=True), "  ", "Depth is needed."),
    ],
)
def test_refusals_say_what_is_allowed(asked: Field, raw: Any, sentence: str) -> None:
    with pytest.raises(ValueRefused) as refused:
        parse(asked, raw)
    assert str(refused.value).endswith(sentence)


def test_a_choice_is_read_as_people_write_it() -> None:
    asked = field("choice", choices=("shut_in", "producing"))
    assert [parse(asked, typed) for typed in ("Shut in", "SHUT-IN", "shut_in")] == ["shut_in"] * 3


def test_decimals_keep_what_they_say_and_two_places() -> None:
    assert show(SHARE, Decimal("0.1250000000")) == "0.125"
    assert show(SHARE, Decimal("1.0000000000")) == "1.00"
    assert show(MONEY, Decimal("783.50")) == "783.50"
    assert to_json(SHARE, Decimal("0.1250000000")) == "0.1250000000"


def test_a_time_of_day_is_short_where_it_can_be() -> None:
    assert show(field("time"), time(7)) == "07:00"
    assert show(field("time"), time(7, 0, 30)) == "07:00:30"
