"""The demo's operator: its people, leases and wells, what each gauge measures, and the rules.

Each well lives through one recorded event of a real well (3W dataset, Petrobras, CC BY 4.0), its
dead gauges included.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

NAME, SLUG, TIMEZONE = "Pecan Bayou Energy LLC", "pecan-bayou", "America/Chicago"
AGENT = "pecan-field"
LEASES = ("Bravo", "Charlie", "Delta")


@dataclass(frozen=True, slots=True)
class Person:
    """Someone who works for the operator, and which alerts are mailed to them."""

    name: str
    email: str
    role: str
    told_of: int | None  #: alerts of priority 1 (worst) to this one; None: of none


PEOPLE = (
    Person("Sam Whitaker", "sam@pecanbayou.example", "manager", 3),
    Person("Luis Ortega", "luis@pecanbayou.example", "pumper", 2),
    Person("Ruth Delgado", "ruth@pecanbayou.example", "owner", 1),
    Person("Nell Pruitt", "nell@pecanbayou.example", "accountant", None),
)
MANAGER = PEOPLE[0]


@dataclass(frozen=True, slots=True)
class Gauge:
    """One gauge of every well: its name, what it measures, and the recording's column behind it."""

    column: str
    name: str
    measure: str
    unit: str
    decimals: int
    low: float
    high: float
    description: str


GAUGES = (
    Gauge("P-PDG", "downhole_pressure", "downhole_pressure", "psi", 1, 100, 10000,
          "Downhole pressure"),
    Gauge("P-TPT", "tubing_pressure", "tubing_pressure", "psi", 1, 0, 7500,
          "Tubing pressure"),
    Gauge("T-TPT", "tubing_temperature", "tubing_temperature", "degF", 1, 0, 300,
          "Tubing temperature"),
    Gauge("P-MON-CKP", "choke_pressure", "line_pressure", "psi", 1, 0, 5000,
          "Choke pressure"),
    Gauge("T-JUS-CKP", "choke_temperature", "line_temperature", "degF", 1, 0, 300,
          "Choke temperature"),
    Gauge("P-JUS-CKGL", "gas_lift_pressure", "gas_lift_pressure", "psi", 1, 0, 5000,
          "Gas lift pressure"),
    Gauge("QGL", "gas_lift_rate", "gas_lift_rate", "Mcf/d", 0, 0, 20000,
          "Gas lift rate"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rule:
    """A limit on one gauge, and what the person woken by it should know."""

    gauge: str
    name: str
    levels: Mapping[str, Mapping[str, Any]]
    cause: str
    consequence: str
    action: str
    respond_within_s: int


@dataclass(frozen=True, slots=True)
class DemoWell:
    """One well, the recording it replays, its dead gauges included, and its rules."""

    name: str
    lease: str
    recording: str
    from_row: int  #: where the replay begins, so that something happens while one looks
    unit_id: int
    api14: str
    place: tuple[str, str]  #: latitude, longitude
    gauges: tuple[str, ...]
    rules: tuple[Rule, ...] = ()

    @property
    def device(self) -> str:
        """The device's name in the agent's file."""
        return self.name.lower().replace(" ", "-")


def _closing(lo: float, lolo: float) -> Rule:
    return Rule(
        "tubing_pressure",
        "Tubing pressure low: downhole safety valve may have closed",
        {
            "lo": {"setpoint": lo, "deadband": 40, "on_delay_s": 5, "priority": 2},
            "lolo": {"setpoint": lolo, "deadband": 40, "on_delay_s": 5, "priority": 1},
        },
        "Spurious closure of the downhole safety valve; hydraulic control line leaking.",
        "The well is shut in. Reopening against a cold tubing risks hydrates.",
        "Compare with the downhole gauge: if it rises, the valve is shut. Check the control line's "
        "pressure, equalize, reopen by the procedure.",
        900,
    )


_BUILDING = Rule(
    "downhole_pressure",
    "Downhole pressure building up",
    {"hi": {"setpoint": 5580, "deadband": 15, "on_delay_s": 5, "priority": 3}},
    "The well does not flow: valve, choke or line closed.",
    "Lost production for as long as it stands.",
    "See which pressure falls above the gauge: that is where it is closed.",
    1800,
)
_RESTRICTED = Rule(
    "choke_pressure",
    "Choke pressure high: choke restricted",
    {"hi": {"setpoint": 790, "deadband": 10, "on_delay_s": 10, "priority": 2}},
    "Scale or debris in the production choke.",
    "Lost rate now; a cut-out choke later.",
    "Open and close the choke one turn to clear it; if the pressure stays, inspect it.",
    3600,
)
_SLUGGING = Rule(
    "choke_pressure",
    "Severe slugging",
    {"hi": {"setpoint": 900, "deadband": 200, "on_delay_s": 3, "priority": 4}},
    "Gas lift rate too low for the riser.",
    "Separator upsets, fatigue.",
    "Raise the lift gas in steps, or choke back.",
    14400,
)

_ALL = ("downhole_pressure", "tubing_pressure", "tubing_temperature", "choke_pressure")
WELLS = (
    DemoWell("Bravo 2H", "Bravo", "class2_WELL-00011_20140530100015", 15, 2, "42321900020000",
             ("28.612400", "-95.964100"), _ALL, (_closing(3000, 2600), _BUILDING)),
    DemoWell("Bravo 1H", "Bravo", "class2_WELL-00003_20180206182917", 0, 1, "42321900010000",
             ("28.612900", "-95.964700"), _ALL, (_closing(2200, 1500),)),
    DemoWell("Bravo 3H", "Bravo", "class2_WELL-00012_20170320033022", 0, 3, "42321900030000",
             ("28.611800", "-95.963500"), _ALL, (_closing(2700, 2200),)),
    DemoWell("Charlie 1", "Charlie", "class6_WELL-00004_20171031181509", 150, 4, "42321900040000",
             ("28.640200", "-95.921300"), (*_ALL, "choke_temperature"), (_RESTRICTED,)),
    DemoWell("Charlie 2", "Charlie", "class4_WELL-00004_20140805120107", 0, 5, "42321900050000",
             ("28.640900", "-95.920500"), (*_ALL, "choke_temperature")),
    DemoWell("Delta 4", "Delta", "class3_WELL-00014_20170919210016", 0, 6, "42321900060000",
             ("28.588700", "-96.011200"),
             (*_ALL, "choke_temperature", "gas_lift_pressure", "gas_lift_rate"), (_SLUGGING,)),
)  # fmt: skip
