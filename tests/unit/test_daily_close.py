"""A lease's day from gauges, tickets and tests: golden values, and every published month."""

from __future__ import annotations

import calendar
import csv
import uuid
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from hub.production import daily
from hub.production.balance import TankDay
from hub.production.daily import LeaseDay, Tank, Ticket, Well
from hub.production.meters import MeterDay
from hub.shares import split

COLORADO = Path(__file__).parents[1] / "data" / "colorado"
DAY = date(2024, 6, 10)
TANK = uuid.UUID(int=1)


def tank(opening: str | None, closing: str | None, *own: str, contents: str = "oil") -> Tank:
    keyed = [None if level is None else Decimal(level) for level in (opening, closing)]
    gauge = [Decimal(level) for level in own] or [None, None]
    return Tank(TANK, "T1", contents, TankDay(*keyed, Decimal(0), *gauge))


def sold(volume: str | None, kind: str = "oil_sale") -> Ticket:
    return Ticket("77123", kind, TANK, None if volume is None else Decimal(volume))


def well(number: int, rate: str | None, hours: str = "24", *, entered: bool = True) -> Well:
    key = uuid.UUID(int=10 + number)
    return Well(key, f"{number}H", Decimal(hours), entered, None if rate is None else Decimal(rate))


def test_a_day_is_made_from_stocks_and_runs_and_shared_out_by_tests() -> None:
    wells = [well(1, "42.0"), well(2, "31.5", "18.5"), well(3, "6.0", "0")]
    closed = daily.close(LeaseDay(DAY, [tank("300", "279.53")], [sold("81.84")], wells))
    assert (closed.oil, closed.runs, closed.complete) == (Decimal("61.37"), Decimal("81.84"), True)
    assert [*daily.shares(closed.allocation).values()] == [
        Decimal("38.89"),
        Decimal("22.48"),
        Decimal("0.00"),
    ]
    assert closed.allocation is not None
    assert closed.allocation.factor == Decimal("0.925903")


def test_what_is_not_known_is_not_zero() -> None:
    closed = daily.close(LeaseDay(DAY, [tank(None, "10"), tank("5", None)], [], [well(1, "9")]))
    assert (closed.oil, closed.allocation) == (None, None)
    assert [finding.sentence for finding in closed.findings] == [
        "Tank T1 was not gauged the day before.",
        "Tank T1 was not gauged on this day.",
    ]


@pytest.mark.parametrize(
    ("day", "kind", "words"),
    [
        (LeaseDay(DAY, [tank("50", "20")]), "suspect", "made -30.00 bbl"),
        (LeaseDay(DAY, [], [sold(None)]), "unreconciled", "Ticket 77123 has no volume"),
        (LeaseDay(DAY, [tank("10", "40", "10", "33")]), "unreconciled", "7.0 bbl unexplained"),
        (LeaseDay(DAY, [], [], [well(1, "9", entered=False)]), "missing", "entered for 1H"),
        (LeaseDay(DAY, waiting=[("conflict", "")]), "suspect", "choose"),
        (LeaseDay(DAY, waiting=[("refused", "No.")]), "missing", "mended: No."),
        (
            LeaseDay(DAY, [tank("0", "50")], [], [well(1, "20"), well(2, "20")]),
            "suspect",
            "1.250 times",
        ),
        (
            LeaseDay(DAY, [tank("0", "40")], [], [well(1, "40"), well(2, None)]),
            "suspect",
            "No accepted test tells how much oil 2H makes",
        ),
    ],
    ids=["negative", "no volume", "gauge", "no entry", "conflict", "refused", "factor", "untested"],
)
def test_what_a_person_should_look_at(day: LeaseDay, kind: str, words: str) -> None:
    found = daily.close(day).findings
    assert [finding.kind for finding in found] == [kind]
    assert words in found[0].sentence


def test_water_is_made_from_its_tanks_and_hauls() -> None:
    water = [tank("100", "40", contents="water")]
    closed = daily.close(LeaseDay(DAY, water, [sold("120", "water_haul")]))
    assert (closed.water, closed.oil, closed.runs) == (Decimal("60.00"), None, 0)


def test_a_meter_is_held_against_its_own_counter() -> None:
    figures = [Decimal(n) for n in ("1000", "1500", "1000.2", "1470")]
    meter = MeterDay(TANK, "Gas sales", "Mcf", *figures)
    assert meter.unexplained == Decimal("30.2")
    assert "30.2 unexplained" in meter.findings()[0].sentence
    back = MeterDay(TANK, "Gas sales", "Mcf", Decimal(10), Decimal(4), None, None)
    assert "went back by 6.0" in back.findings()[0].sentence


def published() -> list[dict[str, str]]:
    return [
        row
        for file in sorted(COLORADO.glob("*.csv"))
        for row in csv.DictReader(file.open(encoding="utf-8"))
        if row["BOM Inventory"] and row["EOM Inventory"]
    ]


def month_of_days(row: dict[str, str]) -> list[LeaseDay]:
    """A published month day by day: production even over its days, sold on every tenth.

    What the state lists as an adjustment is a bottom drawn off, or, put back, drawn with a minus.
    """
    first = date.fromisoformat(row["First of Month"])
    days = range(1, calendar.monthrange(first.year, first.month)[1] + 1)
    made = split(Decimal(row["Oil Produced"] or 0), dict.fromkeys(days, Decimal(1)))
    runs = split(Decimal(row["Oil Sold"] or 0), dict.fromkeys((10, 20, 28), Decimal(1)))
    stock, found = Decimal(row["BOM Inventory"]), []
    for number in days:
        tickets = [sold(str(runs[number]))] if runs.get(number) else []
        if number == days[-1] and (drawn := -Decimal(row["Oil Adjustment"] or 0)):
            tickets.append(sold(str(drawn), "tank_bottoms"))
        opening = stock
        stock += made[number] - sum((ticket.moved or 0 for ticket in tickets), Decimal(0))
        day = first.replace(day=number)
        found.append(LeaseDay(day, [tank(str(opening), str(stock))], tickets, [well(1, None)]))
    return found


def test_every_published_month_closed_day_by_day_gives_its_balance() -> None:
    months = published()
    for row in months:
        closed = [daily.close(day) for day in month_of_days(row)]
        produced = sum((day.oil or Decimal(0) for day in closed), Decimal(0))
        shared = sum((sum(daily.shares(day.allocation).values()) for day in closed), Decimal(0))
        assert closed[0].opening == Decimal(row["BOM Inventory"])
        assert closed[-1].closing == Decimal(row["EOM Inventory"]), row["First of Month"]
        assert produced == shared == Decimal(row["Oil Produced"] or 0), row["First of Month"]
        assert sum(day.runs for day in closed) == Decimal(row["Oil Sold"] or 0)
        assert all(day.complete for day in closed)
    assert len(months) == 541
