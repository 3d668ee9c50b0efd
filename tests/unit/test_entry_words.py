"""An entry as the office reads it: names, units, levels in feet and inches, times on its clock."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from hub.production import entrywords
from hub.production.desk import Stop, cells, of_no_field, pairs

TEXAS = ZoneInfo("America/Chicago")
STOP = Stop({"t1": "Tank 1", "w1": "Bravo 1H"}, {"t1": "tank", "w1": "well"}, TEXAS)
BODY = {
    "v": 1,
    "day": "2026-11-27",
    "gauges": [{"tank": "t1", "level_in": "98.25"}],
    "tickets": [
        {"tank": "t1", "ticket_no": "77123", "closing_in": "60", "opened": 1795741200000},
        {"tank": "t1", "ticket_no": "77124", "closing_in": "50"},
    ],
    "wells": [{"well": "w1", "tubing_psig": "412", "down_code": "UNP-BELT"}],
}


def test_every_field_has_a_name_of_its_own_a_unit_and_a_reading() -> None:
    shown = {cell.label: cell.shown for cell in cells(BODY, STOP)}
    assert shown == {
        "Production day": "2026-11-27",
        "Tank 1: Top gauge": "8' 2 1/4\" (98.25 in)",
        "Tank 1, ticket 77123: Ticket no.": "77123",
        "Tank 1, ticket 77123: Closing gauge": "5' 0\" (60 in)",
        "Tank 1, ticket 77123: Opened": "2026-11-26 19:00",
        "Tank 1, ticket 77124: Ticket no.": "77124",
        "Tank 1, ticket 77124: Closing gauge": "4' 2\" (50 in)",
        "Bravo 1H: Tubing pressure": "412 psig",
        "Bravo 1H: Why down": "UNP-BELT (Belt)",
    }


def test_a_fault_stands_at_its_field_or_is_told_for_the_whole() -> None:
    faults = {"tickets.0.closing_in": "No.", "gauges.0.tank": "Not here.", "person": "Who?"}
    found = cells(BODY, STOP, faults)
    assert {cell.path: cell.fault for cell in found if cell.fault} == {
        "tickets.0.closing_in": "No.",
        "gauges.0.tank": "Not here.",
    }
    (tank,) = [cell for cell in found if cell.path == "gauges.0.tank"]
    assert list(tank.choices) == [("", "Leave this line out"), ("t1", "Tank 1")]
    assert of_no_field(found, faults) == ["Who?"]


def test_two_entries_are_compared_by_what_their_lines_are_about() -> None:
    other = {**BODY, "tickets": list(reversed(BODY["tickets"])), "note": "Gate was open."}
    differing = [pair for pair in pairs(BODY, other, STOP) if pair.differs]
    assert [(pair.label, pair.first, pair.second) for pair in differing] == [
        ("Note", None, "Gate was open.")
    ]


@pytest.mark.parametrize(
    "words", ["2026-11-26 19:00", "2026-11-26T19:00", "2026-11-27 01:00+00:00"]
)
def test_a_time_is_typed_on_the_operators_clock(words: str) -> None:
    assert entrywords.instant(words, TEXAS) == 1795741200000


@pytest.mark.parametrize("words", ["", "yesterday", "25:00"])
def test_what_is_no_time_is_none(words: str) -> None:
    assert entrywords.instant(words, TEXAS) is None
