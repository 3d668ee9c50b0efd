"""A stop's entry: read from JSON nobody vouches for, whole or with every fault named."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import fields
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.contract import entry as contract
from agent.contract.entry import Entry, EntryError, Fault, entry_body, read_entry
from agent.contract.fieldwords import FAULTS, WORDS
from agent.contract.records import LARGEST_RECORD
from agent.contract.stopsheet import read_sheet, sheet_body
from hub.schema.tanks import GAUGE_KINDS, TICKET_KINDS
from hub.schema.welltests import DOWNTIME_REASONS

GOLDEN = Path(__file__).resolve().parents[1] / "contract" / "entry"


def golden(name: str) -> dict[str, Any]:
    return json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))


def attempt(body: object) -> tuple[Entry | None, tuple[Fault, ...]]:
    try:
        return read_entry(body), ()
    except EntryError as refusal:
        return None, refusal.faults


def faults(body: object) -> dict[str, str]:
    entry, found = attempt(body)
    assert entry is None
    return {fault.field: fault.say() for fault in found}


def changed(line: str | None = None, **values: Any) -> dict[str, Any]:
    """The golden entry with other values in its head, or in the first line of a list."""
    body = golden("full")
    if line is None:
        return body | values
    return body | {line: [{**body[line][0], **values}, *body[line][1:]]}


def test_the_golden_entry_is_read_whole() -> None:
    entry = read_entry(golden("full"))
    assert entry.day == date(2026, 11, 27)
    assert [gauge.level_in for gauge in entry.gauges] == [Decimal("98.25"), Decimal("122.5")]
    assert entry.wells[0].casing_psig == Decimal(1182)
    assert entry.wells[1].down_code == "UNP-BELT"
    assert entry.tickets[0].seals_on == ("A-77125",)
    assert entry.tickets[0].opening_in == Decimal("171.25")
    assert entry.replaces == uuid.UUID("0198a000-0000-7000-8000-0000000000ff")
    assert {field.name for field in fields(Entry) if not getattr(entry, field.name)} == set()
    assert entry_body(entry) == golden("full_written")


def test_an_entry_names_photos_with_all_or_little_told_of_them() -> None:
    entry = read_entry(golden("photos"))
    assert entry_body(entry) == golden("photos")
    whole, little = entry.photos
    assert (whole.lat, whole.lon) == (Decimal("31.912345"), Decimal("-102.1"))
    assert (little.media, little.taken, little.caption) == (None, None, None)
    assert faults(golden("photos") | {"photos": [{"sha256": "9f" * 32, "bytes": 0}]}) == {
        "photos.0.bytes": "0 is not possible here; enter 1 to 20000000."
    }


def test_the_golden_sheet_is_read_and_written_again() -> None:
    body = golden("sheet")
    sheet = read_sheet(body)
    assert sheet_body(sheet) == body
    tank = sheet.stops[0].tanks[0]
    assert tank.volume(Decimal("98.25")) == Decimal("163.75")
    assert tank.volume(Decimal(999)) is None


def test_lists_of_words_are_those_of_the_tables() -> None:
    assert contract.DOWNTIME_CODES == DOWNTIME_REASONS
    assert contract.TICKET_KINDS == TICKET_KINDS
    assert set(contract.GAUGE_KINDS) <= set(GAUGE_KINDS)


@pytest.mark.parametrize(
    ("line", "name", "value", "says"),
    [
        ("wells", "water_bbl", "-4", "This cannot be below zero."),
        ("hauls", "bbl", -1, "This cannot be below zero."),
        ("gauges", "level_in", "-2", "This cannot be below zero."),
        ("gauges", "level_in", "8' 14\"", "8' 14\" is not a level; enter feet, inches below 12"),
        ("gauges", "level_in", None, "Fill this in."),
        ("gauges", "water_in", "99", "The bottom lies above the top gauge"),
        ("gauges", "tank", "the big one", "This names nothing we know"),
        ("tickets", "sediment_water_pct", "101", "101 is not possible here; enter 0 to 100."),
        ("tickets", "closing_in", "172", "The closing gauge is above the opening one"),
        ("tickets", "opened", 1795768400001, ""),
        ("tickets", "ticket_no", " ", "Fill this in."),
        ("wells", "tubing_psig", "4l2", "4l2 is not a number; write digits and one point."),
        ("wells", "choke_64ths", "12.5", "That is finer than is kept; enter 12."),
        ("wells", "hours_down", "26", "26 is not possible here; enter 0 to 25."),
        ("wells", "down_code", "BROKE", "BROKE is not in the list; choose one from it."),
        ("wells", "note", "a\0b", "This holds a character that cannot be kept"),
        ("photos", "media", "image/svg+xml", "image/svg+xml is not in the list"),
        ("photos", "lat", "91", "91 is not possible here; enter -90 to 90."),
        ("photos", "sha256", "9f", "The picture was not kept whole; take it again."),
        ("reports", "kind", None, "Fill this in."),
    ],
    ids=lambda value: str(value).replace("\0", "NUL")[:16],
)
def test_what_cannot_be_right_is_one_sentence_beside_its_field(
    line: str, name: str, value: Any, says: str
) -> None:
    found = faults(changed(line, **{name: value}))
    field = "closed" if name == "opened" else name
    assert set(found) == {f"{line}.0.{field}"}
    assert found[f"{line}.0.{field}"].startswith(says)


def test_every_fault_is_told_at_once() -> None:
    body = changed("wells", tubing_psig="?", casing_psig="-99") | {"day": "yesterday", "saved": "x"}
    assert set(faults(body)) == {"day", "saved", "wells.0.tubing_psig", "wells.0.casing_psig"}


def test_hours_down_need_a_reason_and_none_need_none() -> None:
    assert "wells.0.down_code" in faults(changed("wells", hours_down="3", down_code=None))
    assert read_entry(changed("wells", hours_down="0", down_code=None)).wells[0].hours_down == 0


def test_a_tank_entered_twice_is_refused() -> None:
    body = golden("full")
    body["gauges"].append(body["gauges"][0])
    assert faults(body) == {"gauges.2.tank": "This was entered twice; keep one."}


def test_an_entry_of_nothing_is_refused() -> None:
    head = {key: golden("full")[key] for key in ("v", "id", "stop", "day", "person", "saved")}
    assert faults(head) == {"": "Nothing was entered; fill in at least one field."}


def test_another_version_is_not_guessed_at() -> None:
    for body in ({"v": 2}, [], None, "x"):
        assert "another version" in " ".join(faults(body).values())


def test_thousands_and_tape_marks_are_understood() -> None:
    assert read_entry(changed("wells", gas_mcf="1,182.5")).wells[0].gas_mcf == Decimal("1182.5")
    assert read_entry(changed("gauges", level_in="8-2-1")).gauges[0].level_in == Decimal("98.25")


def test_every_sentence_is_there_in_both_languages() -> None:
    for key, (english, spanish) in (FAULTS | WORDS).items():
        assert english, key
        assert spanish, key
        assert english.count("{") == spanish.count("{"), key


words = st.text("a0.-/'\0 é\ud800{}", max_size=12)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(sorted(golden("full"))), json_values))
def test_no_body_does_more_than_be_refused(spoilt: Mapping[str, Any]) -> None:
    entry, found = attempt({**golden("full"), **spoilt})
    assert (entry is None) == bool(found)
    assert all(fault.say("en") and fault.say("es") for fault in found)
    assert entry is None or read_entry(entry_body(entry)) == entry


@given(
    st.sampled_from(["gauges", "wells", "tickets", "hauls", "tests", "photos"]),
    st.data(),
)
def test_no_line_does_more_than_be_refused(line: str, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(golden("full")[line][0])))
    body = changed(line, **{name: data.draw(json_values)})
    entry, found = attempt(body)
    assert all(fault.field.startswith(f"{line}.0") for fault in found)
    assert entry is None or read_entry(json.loads(json.dumps(entry_body(entry)))) == entry


psi = st.none() | st.decimals("0", "20000", places=2)


@given(psi, psi, st.decimals("0", "960", places=2), st.text("a é\n.7", max_size=500))
def test_what_is_written_is_read_again(
    tubing: Decimal | None, casing: Decimal | None, level: Decimal, note: str
) -> None:
    key = uuid.UUID(int=7)
    entry = Entry(
        *(key, key, date(2026, 3, 8), key, 1795766400000),
        gauges=(contract.Gauge(key, level),),
        wells=(contract.Well(key, tubing, casing, note=note.strip() or None),),
    )
    assert read_entry(entry_body(entry)) == entry


def test_the_largest_entry_fits_a_record() -> None:
    assert contract.LARGEST_ENTRY + 4096 <= LARGEST_RECORD
