"""What every kind of rule that looks at the office's rows has: settings, and a scene to look at."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.orm import Session

from agent.contract.alarm_rules import RuleError
from agent.contract.production_day import ProductionClock
from agent.contract.rule_params import Given
from hub.alerts.conditions import Finding
from hub.schema import AlertRule, Organization

SettingForm = Literal["number", "optional", "choice", "flag", "list", "text", "clock"]
PRIORITY: Final = "priority"


@dataclass(frozen=True, slots=True)
class Setting:
    """One parameter of a kind, as the form asks for it."""

    name: str
    label: str
    unit: str = ""
    usual: str = ""  #: as typed
    help: str = ""
    form: SettingForm = "number"
    choices: tuple[str, ...] = ()


#: By unit, what no calendar reaches back to, and no operator counts.
MOST: Final[Mapping[str, float]] = {"h": 8784.0, "days": 3660.0, "months": 1200.0}
LARGEST: Final = 1e9
PRIORITIES: Final = Setting(PRIORITY, "Priority", "", "3", "1 worst … 4 advice")


@dataclass(frozen=True, slots=True)
class Scene:
    """One rule, the operator's rows at an instant, and what day it is there."""

    session: Session
    rule: AlertRule
    now: datetime
    zone: ZoneInfo
    day_start: time
    of_hub: Sequence[Finding] = ()  #: what is wrong with the hub, whoever's rule it is
    hub_seen: bool = False  #: whether somebody looked

    @property
    def clock(self) -> ProductionClock:
        """The operator's production days."""
        return ProductionClock(self.zone, self.day_start)

    @property
    def local(self) -> datetime:
        """The operator's clock."""
        return self.now.astimezone(self.zone)

    @property
    def today(self) -> date:
        """The operator's calendar day."""
        return self.local.date()

    @property
    def production_day(self) -> date:
        """The production day that goes on now: it begins at the operator's own hour."""
        return self.clock.day_of(self.now)

    def closed_day(self, hours: float) -> date:
        """The last production day that ended at least so many hours ago."""
        return self.clock.closed(self.now, timedelta(hours=hours))

    def begins(self, day: date) -> datetime:
        """The instant at which a production day begins."""
        return self.clock.begins(day)

    def noon(self, day: date) -> datetime:
        """An instant within a calendar day, never later than now: a date has no hour of its own."""
        return min(datetime.combine(day, time(12), self.zone), self.now)

    def rows(self, statement: str, **values: Any) -> Sequence[Any]:
        """Rows of the operator; `:well` narrows to the rule's well where it has one.

        Wells, leases, equipment, agents and alerts are open to the workers across operators: a
        statement that begins with one of them narrows it to `:organization` itself.
        """
        values |= {"well": self.rule.well_id, "organization": self.rule.organization_id}
        return self.session.execute(text(statement), values).all()


def scene(
    session: Session, rule: AlertRule, now: datetime, of_hub: Sequence[Finding] | None = None
) -> Scene:
    """The scene of a rule; `of_hub` is what was found wrong with the hub, if anybody looked."""
    operator = session.get_one(Organization, rule.organization_id)
    zone = ZoneInfo(operator.timezone)
    seen = of_hub is not None
    return Scene(session, rule, now, zone, operator.production_day_start, of_hub or (), seen)


@dataclass(frozen=True, slots=True)
class Found:
    """What a round found, and what it looked at: what it could not judge stays as it is."""

    findings: list[Finding]
    looked_at: frozenset[str] | None = None  #: keys; None: everything there is


@dataclass(frozen=True, slots=True)
class OfficeKind:
    """One kind of rule: how its parameters are read, and what it finds."""

    title: str
    does: str  #: one sentence for the person who chooses
    settings: tuple[Setting, ...]
    find: Callable[[Scene, Params], Found]

    def read(self, params: Mapping[str, Any]) -> Params:
        """Checked parameters with every default; raises `RuleError` with every fault."""
        given = Given(params, "The rule", [])
        given.no_others({setting.name for setting in self.settings}, "this rule")
        found = {setting.name: _read(given, setting) for setting in self.settings}
        if given.faults:
            raise RuleError(given.faults)
        return Params(found)


@dataclass(frozen=True, slots=True)
class Params:
    """Parameters by name; those that may be empty are None."""

    values: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    def amount(self, name: str) -> Decimal:
        """A number as it is held against volumes and money."""
        return Decimal(str(self.values[name] or 0))

    @property
    def priority(self) -> int:
        """1 worst … 4 advice."""
        return int(self.values[PRIORITY])

    def to_json(self) -> dict[str, Any]:
        """As they are stored."""
        return {name: value for name, value in self.values.items() if value is not None}


def _read(given: Given, setting: Setting) -> Any:
    name, usual = setting.name, setting.usual
    if setting.form == "optional" and given.values.get(name) is None:
        return None
    if name == PRIORITY:
        return int(given.number(name, default=float(usual), low=1, high=4))
    most = MOST.get(setting.unit, LARGEST)
    readers: Mapping[SettingForm, Callable[[], Any]] = {
        "flag": lambda: given.flag(name),
        "choice": lambda: given.choice(name, setting.choices, usual),
        "list": lambda: _numbers(given, setting, most),
        "text": lambda: given.text(name),
    }
    plain = readers.get(setting.form)
    if plain is not None:
        return plain()
    return given.number(name, default=float(usual) if usual else None, low=0, high=most)


def _numbers(given: Given, setting: Setting, most: float) -> list[float]:
    listed = list(given.numbers(setting.name, _listed(setting.usual)))
    if any(not 0 <= one <= most for one in listed):
        given.fault(f"{setting.name} must be numbers from 0 to {most:g}.")
    return listed


def _listed(usual: str) -> list[float]:
    return [float(word) for word in usual.split(",") if word.strip()]


def number(value: Decimal | float | None) -> float | None:
    """A stored amount as an alert keeps it."""
    return None if value is None else float(value)


def key(*parts: str | uuid.UUID | date) -> str:
    """Tells the findings of one rule apart."""
    return ":".join(str(part) for part in parts)
