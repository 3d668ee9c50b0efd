"""Lease production from stocks, and its wells' shares: golden values and published balances."""

from __future__ import annotations

import csv
import uuid
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.production.allocation import AllocationError, Producer, allocate
from hub.production.balance import Movements, TankDay, missing

COLORADO = Path(__file__).parents[1] / "data" / "colorado"
WELLS = [uuid.UUID(int=number) for number in range(1, 8)]


def producers(*tests: tuple[str, str]) -> list[Producer]:
    return [
        Producer(well, Decimal(rate), Decimal(hours))
        for well, (rate, hours) in zip(WELLS, tests, strict=False)
    ]


def shares(measured: str, *tests: tuple[str, str]) -> list[Decimal]:
    return list(allocate(Decimal(measured), producers(*tests)).allocated.values())


def test_allocation_by_its_published_example() -> None:
    assert shares("10000", ("200", "24"), ("100", "24")) == [
        Decimal("6666.67"),
        Decimal("3333.33"),
    ]


def test_allocation_with_downtime() -> None:
    made = allocate(Decimal("61.37"), producers(("42.0", "24"), ("31.5", "18.5"), ("6.0", "0")))
    assert made.factor == Decimal("0.925903")
    assert list(made.allocated.values()) == [Decimal("38.89"), Decimal("22.48"), Decimal("0.00")]
    assert not made.unusual
    assert allocate(Decimal(50), producers(("42", "24"))).unusual


def test_something_measured_needs_a_well_that_made_it() -> None:
    with pytest.raises(AllocationError, match="no well produced"):
        allocate(Decimal(5), producers(("42", "0"), ("0", "24")))
    assert shares("0", ("42", "0")) == [Decimal(0)]


@given(
    st.decimals("0", "5000", places=2),
    st.lists(
        st.tuples(st.decimals("0.1", "900", places=1), st.decimals("0", "25", places=2)),
        min_size=1,
        max_size=7,
    ),
)
def test_allocation_conserves_every_barrel(
    measured: Decimal, tests: list[tuple[Decimal, Decimal]]
) -> None:
    wells = [Producer(well, rate, hours) for well, (rate, hours) in zip(WELLS, tests, strict=False)]
    if not any(hours for _, hours in tests):
        return
    made = allocate(measured, wells)
    assert sum(made.allocated.values(), Decimal(0)) == measured
    assert all(made.allocated[p.well_id] == 0 for p in wells if not p.hours_on)


def test_lease_production_and_its_whole_barrels() -> None:
    day = Movements(Decimal("388.40"), Decimal("412.18"), runs=Decimal("184.22"))
    assert day.produced == Decimal("208.00")
    whole = day.in_whole_barrels()
    assert (whole.opening, whole.closing, whole.runs, whole.produced) == (388, 412, 184, 208)


def months() -> list[dict[str, str]]:
    return [
        row
        for file in sorted(COLORADO.glob("*.csv"))
        for row in csv.DictReader(file.open(encoding="utf-8"))
    ]


def test_every_published_inventory_balance_of_colorado_is_reproduced() -> None:
    """BOM + produced - sold + adjustment = EOM, so production follows from the other four."""
    checked = 0
    for row in months():
        figures = [row[name] for name in ("BOM Inventory", "EOM Inventory")]
        if not all(figures):
            continue
        bom, eom = (Decimal(figure) for figure in figures)
        sold, adjusted = (Decimal(row[n] or 0) for n in ("Oil Sold", "Oil Adjustment"))
        made = Movements(bom, eom, runs=sold, other=-adjusted)
        assert made.produced == Decimal(row["Oil Produced"] or 0), row["First of Month"]
        checked += 1
    assert checked > 400


def test_a_tank_tells_where_people_and_gauge_disagree() -> None:
    day = TankDay(*(Decimal(n) for n in ("100", "160", "84", "101", "155")))
    assert day.keyed_change == 60
    assert day.telemetry_change == 54
    assert day.unexplained == 6
    assert day.made == 144
    assert TankDay(Decimal(1), None).made is None
    assert missing({"T2": None, "T1": Decimal(1), "T3": None}) == ["T2", "T3"]
