"""What a list is asked for in its address, and what is refused of it."""

from __future__ import annotations

import base64
import json
import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.register.catalog import RESOURCES
from hub.register.errors import Refused
from hub.register.query import Cursor, Filter, parse_query, words_of

WELLS = RESOURCES["wells"]
RECORDS = RESOURCES["production_records"]


def faults(pairs: list[tuple[str, str]]) -> dict[str, str]:
    with pytest.raises(Refused) as refused:
        parse_query(WELLS, pairs)
    return refused.value.faults


def test_an_address_says_filters_words_order_and_length() -> None:
    asked = parse_query(
        WELLS,
        [
            ("status", "producing"),
            ("md_ft__gte", "1,000"),
            ("md_ft__lt", "20000.5"),
            ("name__contains", "unit"),
            ("lease_id__is_null", "true"),
            ("q", " bravo "),
            ("sort", "-md_ft"),
            ("limit", "25"),
            ("site", ""),
        ],
    )
    assert Filter("status", "eq", "producing") in asked.filters
    assert [str(f.value) for f in asked.filters if f.field == "md_ft"] == ["1000", "20000.5"]
    assert Filter("lease_id", "is_null", value=True) in asked.filters
    assert len(asked.filters) == 5
    assert (asked.search, asked.sort, asked.descending, asked.limit) == ("bravo", "md_ft", True, 25)


def test_a_field_given_twice_asks_for_either_value() -> None:
    twice = parse_query(WELLS, [("status", "producing"), ("status", "shut_in")])
    listed = parse_query(WELLS, [("status__in", "producing,shut_in")])
    assert twice.filters == listed.filters == (Filter("status", "in", ["producing", "shut_in"]),)


def test_lists_begin_by_name_or_with_the_newest() -> None:
    assert (parse_query(WELLS, []).sort, parse_query(WELLS, []).descending) == ("name", False)
    newest = parse_query(RECORDS, [])
    assert (newest.sort, newest.descending) == ("production_date", True)


@pytest.mark.parametrize(
    ("pair", "sentence"),
    [
        (("colour", "red"), "Wells have no field “colour”."),
        (("search_text", "x"), "Wells have no field “search_text”."),
        (("status", "broken"), "Status takes one of permitted, drilling"),
        (("status__gt", "a"), "Status can be asked with: eq, ne, in, is_null."),
        (("md_ft__gte", "deep"), "Measured depth takes a number"),
        (("lease_id", "abc"), "Lease takes one of the list."),
        (("lease_id__is_null", "maybe"), "takes true or false"),
        (("sort", "plss"), "Wells cannot be sorted by “plss”."),
        (("sort", "completion_data"), "Wells cannot be sorted by “completion_data”."),
        (("limit", "0"), "The limit is a number from 1 to 500."),
        (("limit", "\u0665"), "The limit is a number from 1 to 500."),
        (("cursor", "abc"), "This cursor is not one of this list"),
        (("q", "x" * 201), "Search for at most 200 characters."),
    ],
)
def test_what_cannot_be_asked_is_refused(pair: tuple[str, str], sentence: str) -> None:
    assert faults([pair])[pair[0]].startswith(sentence) or sentence in faults([pair])[pair[0]]


def test_all_that_is_wrong_is_told_at_once() -> None:
    assert set(faults([("colour", "red"), ("limit", "x"), ("sort", "y")])) == {
        "colour",
        "limit",
        "sort",
    }


KEY = "01957a7e-9c00-7d3a-8b1e-3f2a6c5d4e01"


def written(*parts: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


def test_a_cursor_is_read_as_it_was_written() -> None:
    place = Cursor("md_ft", descending=True, backward=False, value="120.5", key=KEY)
    asked = parse_query(WELLS, [("sort", "-md_ft"), ("cursor", place.written())])
    assert asked.cursor == place


@pytest.mark.parametrize(
    "cursor",
    [
        written("name", 0, 0, "x", "no key"),
        written("name", 1, 0, "x", KEY),  # of the other order
        written("md_ft", 0, 0, "1", KEY),  # of another column
        written("name", 0, 0, "nul\0", KEY),
        written("name", 0, 0, 5, KEY),
        written("name", 0, 0, "x"),
        written(),
        "=",
        "%00",
        "[" * 5000,
    ],
)
def test_a_cursor_that_is_none_is_refused(cursor: str) -> None:
    assert "cursor" in faults([("sort", "name"), ("cursor", cursor)])


def test_a_cursor_whose_value_is_no_number_never_reaches_the_database() -> None:
    assert "cursor" in faults([("sort", "md_ft"), ("cursor", written("md_ft", 0, 0, "deep", KEY))])


@given(st.lists(st.tuples(st.text(max_size=20), st.text(max_size=20)), max_size=5))
def test_any_address_is_read_or_refused(pairs: list[tuple[str, str]]) -> None:
    assert all(_told(pairs))


def _told(pairs: list[tuple[str, str]]) -> list[str]:
    try:
        parse_query(WELLS, pairs)
    except Refused as refused:
        return list(refused.faults.values())
    return []


def test_words_of_a_search() -> None:
    assert words_of("Bravo-2H, 'pad'") == ["bravo", "2h", "pad"]
    assert words_of("42-389-12345") == ["4238912345"]
    assert words_of("!!") == []


# ------------------------------------------------------------------- tables of millions of rows


def refusals_of(pairs: list[tuple[str, str]]) -> dict[str, str]:
    try:
        parse_query(RECORDS, pairs)
    except Refused as refused:
        return refused.faults
    return {}


def test_a_large_table_is_sorted_and_filtered_at_once_by_whatever_its_list_shows() -> None:
    for name in (*RECORDS.listed, *RECORDS.facets):
        for pairs in ([("sort", name)], [("sort", f"-{name}")], [(f"{name}__is_null", "true")]):
            assert refusals_of(pairs) == {}, pairs


WIDE = "are {} by {} within one well, or within at most 92 days; add such a filter."


@pytest.mark.parametrize(
    ("pair", "name", "words"),
    [
        (("sort", "tubing_psig"), "sort", WIDE.format("sorted", "tubing")),
        (("tubing_psig__gte", "900"), "tubing_psig__gte", WIDE.format("filtered", "tubing")),
        (("note__contains", "swab"), "note__contains", WIDE.format("filtered", "note")),
        (("oil_bbl__ne", "5"), "oil_bbl__ne", WIDE.format("filtered", "oil")),
    ],
)
def test_what_no_index_helps_is_asked_of_a_well_or_a_span_of_days(
    pair: tuple[str, str], name: str, words: str
) -> None:
    assert words in refusals_of([pair])[name]
    days = [("production_date__gte", "2026-01-01"), ("production_date__lte", "2026-04-03")]
    assert refusals_of([pair, ("well_id", KEY)]) == {}
    assert refusals_of([pair, *days]) == {}
    assert refusals_of([pair, days[0], ("production_date__lte", "2026-04-04")])
    assert refusals_of([pair, days[0]])


@pytest.mark.parametrize(
    ("pairs", "order"),
    [
        ([("oil_bbl__gte", "40")], "-oil_bbl"),
        ([("quality", "good"), ("hours_on__lt", "12")], "hours_on"),
        ([("gas_mcf__gt", "5"), ("sort", "-production_date")], "-production_date"),
        ([("oil_bbl__gte", "40"), ("well_id", str(uuid.uuid4()))], "-production_date"),
        (
            [
                ("oil_bbl__gte", "40"),
                ("production_date__gte", "2026-01-01"),
                ("production_date__lte", "2026-02-01"),
            ],
            "-production_date",
        ),
        ([("quality", "good")], "-production_date"),
        ([("oil_bbl__is_null", "true")], "-production_date"),
    ],
)
def test_of_millions_of_rows_a_bound_on_a_number_leads_where_no_order_is_asked(
    pairs: list[tuple[str, str]], order: str
) -> None:
    assert parse_query(RECORDS, pairs).order == order


def test_of_other_tables_a_bound_leaves_the_order_as_it_is() -> None:
    assert parse_query(WELLS, [("md_ft__gte", "9000")]).order == "name"


def test_a_cursor_carries_what_stands_beside_the_key() -> None:
    place = Cursor("quality", False, False, "good", KEY, "2026-03-01")
    asked = parse_query(RECORDS, [("sort", "quality"), ("cursor", place.written())])
    assert asked.cursor == place
    wrong = Cursor("quality", False, False, "good", KEY, "March")
    assert "cursor" in refusals_of([("sort", "quality"), ("cursor", wrong.written())])
    beside = Cursor("md_ft", False, False, "1", KEY, "2026-03-01")
    assert "cursor" in faults([("sort", "md_ft"), ("cursor", beside.written())])
