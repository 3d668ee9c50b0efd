"""What the pages of production show: a day's closes with what to do about what is open."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from flask import url_for
from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.schema import AccountingPeriod, DailyClose, Lease

SUMMED: Final = ("opening_bbl", "closing_bbl", "runs_bbl", "oil_bbl", "water_bbl")
#: What is not reconciled may be money lost; what is missing is work.
TONES: Final[Mapping[str, str]] = {"unreconciled": "critical"}


@dataclass(frozen=True, slots=True)
class Open:
    """One thing about a lease's day that somebody should look at, and where."""

    kind: str
    sentence: str
    tone: str
    act: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One lease's day."""

    lease: str
    close: DailyClose
    open: Sequence[Open]


def lines_of(session: Session, day: date) -> list[Line]:
    """Every lease that was closed for a day: those with something open first."""
    found = session.execute(
        select(DailyClose, Lease.name)
        .join(Lease, Lease.id == DailyClose.lease_id)
        .where(DailyClose.production_date == day)
        .order_by(DailyClose.state.desc(), Lease.name)
    ).all()
    return [Line(name, close, [_open(one, day) for one in close.findings]) for close, name in found]


def sums_of(lines: Sequence[Line]) -> dict[str, Any]:
    """The figures of all leases; `unknown` says of how many the oil is not known."""
    sums: dict[str, Any] = {name: _sum(lines, name) for name in SUMMED}
    return sums | {"unknown": sum(line.close.oil_bbl is None for line in lines)}


def _sum(lines: Sequence[Line], name: str) -> Decimal | None:
    known = [value for line in lines if (value := getattr(line.close, name)) is not None]
    return sum(known, Decimal(0)) if known else None


def month_state(session: Session, day: date) -> str:
    """Whether the day's month is open, soft_closed or closed."""
    chosen = select(AccountingPeriod.state).where(
        AccountingPeriod.module == "production", AccountingPeriod.month == day.replace(day=1)
    )
    return session.scalar(chosen) or "open"


# ------------------------------------------------------------------------------------ what to do


def _open(finding: Mapping[str, str], day: date) -> Open:
    kind, table = finding.get("kind", ""), finding.get("table", "")
    tone = TONES.get(kind, "warning")
    act, place = _ACTS.get(table, ("", None))
    row = finding.get("row", "")
    missed = finding.get("day", day.isoformat())
    url = place(row, missed) if place is not None else ""
    return Open(kind, finding.get("sentence", ""), tone, act if url else "", url)


def _new(table: str, column: str) -> Callable[[str, str], str]:
    def place(row: str, day: str) -> str:
        given: dict[str, Any] = {column: row, "production_date": day}
        return url_for("record.add", table=table, **given) if row else ""

    return place


def _listed(table: str, column: str, dated: str = "") -> Callable[[str, str], str]:
    def place(row: str, day: str) -> str:
        asked: dict[str, Any] = {column: row} | ({dated: day} if dated else {})
        return url_for("register.index_of", table=table, **asked) if row else ""

    return place


def _ticket(row: str, _day: str) -> str:
    return url_for("record.page", table="run_tickets", key=row) if row else ""


#: What can be done, by the table that a finding names.
_ACTS: Final[Mapping[str, tuple[str, Callable[[str, str], str]]]] = {
    "tank_gauges": ("Add its gauge", _new("tank_gauges", "tank_id")),
    "tank_strap_tables": ("Add its table", _new("tank_strap_tables", "tank_id")),
    "wells": ("Fill in the grid", lambda _row, day: url_for("production.daily_grid", day=day)),
    "production_records": (
        "Look at its records",
        _listed("production_records", "well_id", "production_date"),
    ),
    "well_tests": ("Look at its tests", _listed("well_tests", "well_id")),
    "run_tickets": ("Open the ticket", _ticket),
    "field_entries": ("Decide", lambda _row, _day: url_for("production.entries")),
    "reconciliations": (
        "Compare",
        lambda _row, day: url_for("production.reconciliation", day=day),
    ),
}
