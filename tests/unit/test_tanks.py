"""Levels as people write them, strapping tables, net oil of a run: golden values."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.contract.oil import (
    OilError,
    Run,
    at_pressure_base,
    correction,
    gravity_60f,
    net_oil,
)
from agent.contract.tanks import (
    LevelError,
    StrapTable,
    inches,
    parse_level,
    show_level,
    strap_faults,
)

LINES = [(0, "0"), (120, "201.46"), (144, "241.75"), (168, "282.04"), (192, "322.33")]
TABLE = StrapTable.of((Decimal(level), Decimal(volume)) for level, volume in LINES)
RUN = Run(
    opening_in=Decimal("171.25"),
    closing_in=Decimal("122.5"),
    opening_f=Decimal(88),
    closing_f=Decimal(86),
    observed_gravity=Decimal("40.7"),
    observed_gravity_f=Decimal(86),
    sediment_water_pct=Decimal("0.3"),
)


@pytest.mark.parametrize(
    ("words", "level"),
    [
        ("14' 3 1/4\"", "171.25"),
        ("14'3.25", "171.25"),
        ("14ft 3 1/4 in", "171.25"),
        ("14-3-1", "171.25"),
        ("14-3", "171"),
        ("10'", "120"),
        ("171 1/4", "171.25"),
        ("171.25", "171.25"),
        ("0' 0\"", "0"),
    ],
)
def test_a_level_is_read_as_people_write_it(words: str, level: str) -> None:
    assert parse_level(words) == Decimal(level)


@pytest.mark.parametrize("words", ["", "14'13", "-3", "14-12", "3 5/4", "3 1/3", "99' 0", "x"])
def test_what_no_tape_shows_is_refused(words: str) -> None:
    with pytest.raises(LevelError):
        parse_level(words)


@given(st.integers(0, 79), st.integers(0, 11), st.integers(0, 3))
def test_a_level_survives_being_shown(feet: int, inch: int, quarters: int) -> None:
    level = inches(feet, inch, quarters)
    assert parse_level(show_level(level)) == level


def test_volumes_are_interpolated_and_never_guessed() -> None:
    assert TABLE.volume(Decimal("171.25")).quantize(Decimal("0.01")) == Decimal("287.50")
    assert TABLE.volume(Decimal("122.5")).quantize(Decimal("0.01")) == Decimal("205.66")
    assert TABLE.volume(Decimal(144)) == Decimal("241.75")
    with pytest.raises(LevelError, match=r"ends at 16' 0\".* 16' 0 1/4\" lies above it"):
        TABLE.volume(Decimal("192.25"))
    short = StrapTable.of([(Decimal(6), Decimal(10)), (Decimal(12), Decimal(20))])
    with pytest.raises(LevelError, match="begins at 0' 6\""):
        short.volume(Decimal(5))


@given(st.decimals("0", "192", places=2), st.decimals("0", "192", places=2))
def test_a_higher_level_never_holds_less(one: Decimal, other: Decimal) -> None:
    low, high = sorted((one, other))
    assert TABLE.volume(low) <= TABLE.volume(high)


def test_every_fault_of_a_table_is_told() -> None:
    down = [(Decimal(0), Decimal(0)), (Decimal(12), Decimal(20)), (Decimal(24), Decimal(19))]
    assert strap_faults(down) == [
        "The strapping table must rise: 2' 0\" holds 19 bbl and 1' 0\" already 20 bbl."
    ]
    twice = [(Decimal(0), Decimal(0)), (Decimal(12), Decimal(20)), (Decimal(12), Decimal(21))]
    assert strap_faults(twice) == ["1' 0\" stands in the strapping table twice."]
    assert strap_faults([(Decimal(0), Decimal(0))]) == [
        "A strapping table needs at least two lines, the bottom and the top."
    ]


@pytest.mark.parametrize(
    ("gravity", "temperature", "factor"),
    [
        ("40", 80, "0.98993"),
        ("35", 95, "0.98336"),
        ("30", 100, "0.98210"),
        ("42", 45, "1.00769"),
        ("40", 60, "1.00000"),
    ],
)
def test_volume_correction(gravity: str, temperature: int, factor: str) -> None:
    """Golden values computed by the forms of 1980 and 2004 side by side: within 0.00001."""
    found = correction(Decimal(gravity), Decimal(temperature))
    assert abs(found - Decimal(factor)) <= Decimal("0.00001")


def test_gravity_at_60f_from_a_warm_hydrometer() -> None:
    """Crude read as 40.5 at 83 °F (the product table of the same example says 38.7)."""
    assert gravity_60f(Decimal("40.5"), Decimal(83)) == Decimal("38.6")
    assert gravity_60f(Decimal("38.5"), Decimal(60)) == Decimal("38.5")


def test_a_ticket_by_its_golden_values() -> None:
    """14' 3 1/4" to 10' 2 1/2", 38.5 °API, 88/86 °F, BS&W 0.3 %: 80.50 gross, 80.26 net."""
    made = net_oil(RUN, TABLE)
    assert made.gravity_60f == Decimal("38.5")
    assert abs(made.gross_standard_bbl - Decimal("80.50")) <= Decimal("0.01")
    assert abs(made.net_standard_bbl - Decimal("80.26")) <= Decimal("0.01")
    assert made.gross_observed_bbl.quantize(Decimal("0.01")) == Decimal("81.84")


def test_what_a_ticket_cannot_say() -> None:
    with pytest.raises(OilError, match="closing gauge is above the opening"):
        net_oil(Run(*(Decimal(n) for n in (120, 121, 60, 60, 40, 60, 0))), TABLE)
    with pytest.raises(OilError, match="BS&W of 101 %"):
        net_oil(Run(*(Decimal(n) for n in (121, 120, 60, 60, 40, 60, 101))), TABLE)
    with pytest.raises(OilError, match="150 °API"):
        correction(Decimal(150), Decimal(60))


def test_gas_at_another_pressure_base() -> None:
    gas = Decimal(1000)
    assert at_pressure_base(gas, Decimal("14.65"), Decimal("14.73")) == Decimal("994.569")
    assert at_pressure_base(gas, Decimal("14.65"), Decimal("15.025")) == Decimal("975.042")
