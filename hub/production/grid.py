"""The office's daily grid: every well's day in a row, as entered, with yesterday and its gauges."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from hub.database import Actor
from hub.production.clocks import Operator
from hub.production.stocks import reading_at
from hub.register import changes
from hub.register.catalog import RESOURCES
from hub.register.errors import Conflict, Refused, RegisterError

#: Fields of the grid, and what a gauge of the well measures of them.
FIELDS: Final[Mapping[str, str]] = {
    "oil_bbl": "",
    "gas_mcf": "",
    "water_bbl": "",
    "hours_on": "",
    "tubing_psig": "tubing_pressure",
    "casing_psig": "casing_pressure",
    "line_psig": "line_pressure",
}
KIND: Final = "field_estimate"
#: A figure that is this many times the day before's, or less than its inverse, is asked about.
UNUSUAL: Final = Decimal(2)

_ROWS: Final = text(
    """
    SELECT w.id, w.name, l.name AS lease, r.id AS row_id, r.row_version,
           to_jsonb(r) AS now, to_jsonb(b) AS before, to_jsonb(m) AS own, to_jsonb(a) AS shared
    FROM wells w
    LEFT JOIN leases l ON l.id = w.lease_id
    LEFT JOIN production_records r ON r.well_id = w.id AND r.production_date = :day
        AND r.record_kind = 'field_estimate'
    LEFT JOIN production_records b ON b.well_id = w.id
        AND b.production_date = CAST(:day AS date) - 1 AND b.record_kind = 'field_estimate'
    LEFT JOIN production_records m ON m.well_id = w.id AND m.production_date = :day
        AND m.record_kind = 'measured'
    LEFT JOIN production_records a ON a.well_id = w.id AND a.production_date = :day
        AND a.record_kind = 'allocated'
    WHERE w.status = 'producing' OR r.id IS NOT NULL
    ORDER BY l.name NULLS LAST, w.name, w.id LIMIT 500
    """
)
_TAGS: Final = text(
    """
    SELECT DISTINCT ON (t.well_id, t.measure) t.well_id, t.measure, t.id FROM tags t
    WHERE t.well_id = ANY(:wells) AND t.measure = ANY(:measures)
    ORDER BY t.well_id, t.measure, t.id
    """
)


@dataclass(frozen=True, slots=True)
class GridCell:
    """One figure: as it stands or was typed, the day before's, and by gauge or meter."""

    field: str
    value: str = ""
    before: str = ""
    gauge: str = ""
    measured: str = ""
    fault: str = ""

    @property
    def unusual(self) -> bool:
        """Whether the figure is far from the day before's."""
        try:
            now, before = Decimal(self.value), Decimal(self.before)
        except ArithmeticError:
            return False
        return before > 0 and not before / UNUSUAL <= now <= before * UNUSUAL


@dataclass(frozen=True, slots=True)
class GridRow:
    """One well's day."""

    well: uuid.UUID
    name: str
    lease: str
    version: int  #: of its record, 0 where there is none yet
    cells: Sequence[GridCell]
    allocated: str = ""
    fault: str = ""


@dataclass
class Saved:
    """What became of a grid that was sent: rows saved, and what was refused where."""

    saved: int = 0
    typed: dict[tuple[uuid.UUID, str], str] = field(default_factory=dict)
    faults: dict[tuple[uuid.UUID, str], str] = field(default_factory=dict)


def rows_of(
    session: Session, operator: Operator, day: date, sent: Saved | None = None
) -> list[GridRow]:
    """The grid of a day; what was sent and refused is shown as it was typed."""
    kept = sent or Saved()
    found = session.execute(_ROWS, {"day": day}).all()
    gauges = _gauges(session, [row.id for row in found], operator, day)
    return [_row(row, gauges, kept) for row in found]


def _row(row: Any, gauges: Mapping[tuple[uuid.UUID, str], str], sent: Saved) -> GridRow:
    def cell(name: str) -> GridCell:
        own = gauges.get((row.id, name), "")
        measured = "" if own or name == "hours_on" else _shown(row.own, name)
        stands = sent.typed.get((row.id, name), _shown(row.now, name))
        fault = sent.faults.get((row.id, name), "")
        return GridCell(name, stands, _shown(row.before, name), own, measured, fault)

    return GridRow(
        row.id,
        row.name,
        row.lease or "",
        row.row_version or 0,
        [cell(name) for name in FIELDS],
        _shown(row.shared, "oil_bbl"),
        sent.faults.get((row.id, ""), ""),
    )


def _shown(record: Mapping[str, Any] | None, name: str) -> str:
    value = None if record is None else record.get(name)
    if value is None:
        return ""
    plain = f"{Decimal(str(value)):f}"
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def _gauges(
    session: Session, wells: list[uuid.UUID], operator: Operator, day: date
) -> dict[tuple[uuid.UUID, str], str]:
    """What wells' own gauges said at the day's end, by field."""
    fields = {measure: name for name, measure in FIELDS.items() if measure}
    asked = {"wells": wells, "measures": list(fields)}
    found: dict[tuple[uuid.UUID, str], str] = {}
    for row in session.execute(_TAGS, asked).all():
        value = reading_at(session, row.id, operator.clock.ends(day))
        if value is not None:
            found[row.well_id, fields[row.measure]] = f"{value:.1f}"
    return found


# --------------------------------------------------------------------------------------- saving


def save(session: Session, actor: Actor, day: date, form: Mapping[str, str]) -> Saved:
    """Save what differs, a row at a time: a refused one holds up no other.

    Fields are named ``<well>.<field>``, the version that was seen ``<well>.version``.
    """
    sent = Saved()
    for row in session.execute(_ROWS, {"day": day}).all():
        given = {
            name: form[f"{row.id}.{name}"].strip() for name in FIELDS if f"{row.id}.{name}" in form
        }
        changed = {name: words for name, words in given.items() if words != _shown(row.now, name)}
        if changed:
            _save_row(session, actor, day, row, changed, form.get(f"{row.id}.version", ""), sent)
    return sent


def _save_row(
    session: Session,
    actor: Actor,
    day: date,
    row: Any,
    changed: Mapping[str, str],
    version: str,
    sent: Saved,
) -> None:
    resource = RESOURCES["production_records"]
    seen = int(version) if version.isascii() and version.isdigit() else 0
    try:
        if row.row_id is None:
            head = {"well_id": row.id, "production_date": day, "record_kind": KIND}
            changes.create(session, actor, resource, {**head, "source": "office", **changed})
        else:
            changes.update(session, actor, resource, row.row_id, changed, seen)
        sent.saved += 1
        return
    except Refused as refused:
        for name, sentence in refused.faults.items():
            sent.faults[row.id, name if name in FIELDS else ""] = sentence
    except Conflict as conflict:
        for name in changed:
            theirs = _shown(conflict.current, name) or "nothing"
            sent.faults[row.id, name] = f"Somebody else entered {theirs} meanwhile."
        sent.faults[row.id, ""] = conflict.sentence
    except RegisterError as refused:
        sent.faults[row.id, ""] = str(refused)
    sent.typed |= {(row.id, name): words for name, words in changed.items()}
