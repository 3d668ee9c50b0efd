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

from agent.contract.blocks import Quality
from agent.contract.entrycheck import LEAST_PSI, SHARE
from hub.database import Actor
from hub.production.clocks import Operator
from hub.production.stocks import STANDS
from hub.register import changes
from hub.register.catalog import RESOURCES
from hub.register.errors import Refused, RegisterError

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
BETWEEN: Final = ";"  #: between the figures that a row is sent back with
MOST: Final = 500  #: wells of one page
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
    ORDER BY l.name NULLS LAST, w.name, w.id LIMIT :most
    """
)
# Gauges of another unit cannot stand beside a field of psig.
_GAUGES: Final = text(
    """
    SELECT t.well_id, t.measure, p.value
    FROM (SELECT DISTINCT ON (t.well_id, t.measure) t.well_id, t.measure, t.id FROM tags t
          WHERE t.well_id = ANY(:wells) AND t.measure = ANY(:measures)
            AND lower(t.unit) IN ('psi', 'psig')
          ORDER BY t.well_id, t.measure, t.id) t
    CROSS JOIN LATERAL (
        SELECT p.value FROM reading_points p
        WHERE p.tag_id = t.id AND p.time > CAST(:at AS timestamptz) - CAST(:stands AS interval)
          AND p.time <= :at AND p.quality = :good AND p.value IS NOT NULL
        ORDER BY p.time DESC LIMIT 1) p
    """
)
_CLOSED: Final = text(
    """
    SELECT state FROM accounting_periods
    WHERE module = 'production' AND month = date_trunc('month', CAST(:day AS date))::date
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
        now, before = _figure(self.value), _figure(self.before)
        if now is None or before is None or before <= 0:
            return False
        return not before / UNUSUAL <= now <= before * UNUSUAL

    @property
    def apart(self) -> bool:
        """Whether the figure is far from what the well's own gauge said at the day's end."""
        now, gauge = _figure(self.value), _figure(self.gauge)
        if now is None or gauge is None:
            return False
        return abs(now - gauge) > max(LEAST_PSI, abs(gauge) * SHARE)


def _figure(words: str) -> Decimal | None:
    """A figure as it was typed; None for anything else."""
    try:
        found = Decimal(words)
    except ArithmeticError:
        return None
    return found if found.is_finite() else None


@dataclass(frozen=True, slots=True)
class GridRow:
    """One well's day."""

    well: uuid.UUID
    name: str
    lease: str
    version: int  #: of its record, 0 where there is none yet
    cells: Sequence[GridCell]
    was: str  #: what stands in its cells, to be sent back with them
    allocated: str = ""
    fault: str = ""


@dataclass
class Saved:
    """What became of a grid that was sent: rows saved, and what was refused where."""

    saved: int = 0
    typed: dict[tuple[uuid.UUID, str], str] = field(default_factory=dict)
    faults: dict[tuple[uuid.UUID, str], str] = field(default_factory=dict)

    @property
    def refused(self) -> int:
        """Rows that were not saved."""
        return len({well for well, _name in self.faults})


def rows_of(
    session: Session, operator: Operator, day: date, sent: Saved | None = None
) -> list[GridRow]:
    """The grid of a day; what was sent and refused is shown as it was typed."""
    kept = sent or Saved()
    found = session.execute(_ROWS, {"day": day, "most": MOST}).all()
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
        BETWEEN.join(_shown(row.now, name) for name in FIELDS),
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
    asked = {
        "wells": wells,
        "measures": list(fields),
        "at": operator.clock.ends(day),
        "stands": STANDS,
        "good": int(Quality.GOOD),
    }
    rows = session.execute(_GAUGES, asked)
    return {(row.well_id, fields[row.measure]): f"{row.value:.1f}" for row in rows}


def why_locked(session: Session, day: date) -> str:
    """Why nobody fills in this day any more; empty while it is open."""
    if session.scalar(_CLOSED, {"day": day}) != "closed":
        return ""
    return f"The month {day:%Y-%m} is closed: open it again before changing it."


# --------------------------------------------------------------------------------------- saving


def save(session: Session, actor: Actor, day: date, form: Mapping[str, str]) -> Saved:
    """Save what was changed, a row at a time: a refused one holds up no other.

    Fields are named ``<well>.<field>``, the version that was seen ``<well>.version``, and what
    stood in the cells then ``<well>.was``: what nobody typed here is not taken for a change.
    """
    sent = Saved()
    for row in session.execute(_ROWS, {"day": day, "most": MOST}).all():
        changed = _changed(row, form)
        if changed:
            _save_row(session, actor, day, row, changed, form, sent)
    return sent


def _changed(row: Any, form: Mapping[str, str]) -> dict[str, str]:
    """What was typed into a row's cells, by field."""
    seen = _seen(row, form)
    typed = {name: form.get(f"{row.id}.{name}", seen[name]).strip() for name in FIELDS}
    return {name: words for name, words in typed.items() if words != seen[name]}


def _seen(row: Any, form: Mapping[str, str]) -> dict[str, str]:
    """What stood in a row's cells when the page was made; what stands now where it does not say."""
    was = form.get(f"{row.id}.was", "").split(BETWEEN)
    if len(was) == len(FIELDS):
        return dict(zip(FIELDS, was, strict=True))
    return {name: _shown(row.now, name) for name in FIELDS}


def _save_row(
    session: Session,
    actor: Actor,
    day: date,
    row: Any,
    changed: Mapping[str, str],
    form: Mapping[str, str],
    sent: Saved,
) -> None:
    if met := _met(row, changed, form):
        sent.faults |= {(row.id, name): sentence for name, sentence in met.items()}
        sent.faults[row.id, ""] = "Look at what was entered meanwhile, then save again."
    else:
        try:
            _write(session, actor, day, row, changed)
            sent.saved += 1
            return
        except Refused as refused:
            for name, sentence in refused.faults.items():
                sent.faults[row.id, name if name in FIELDS else ""] = sentence
        except RegisterError as refused:
            sent.faults[row.id, ""] = str(refused)
    sent.typed |= {(row.id, name): words for name, words in changed.items()}


def _met(row: Any, changed: Mapping[str, str], form: Mapping[str, str]) -> dict[str, str]:
    """The cells into which somebody else entered another figure since the page was made."""
    version = form.get(f"{row.id}.version", "")
    if version == str(row.row_version or 0):
        return {}
    seen, now = _seen(row, form), {name: _shown(row.now, name) for name in FIELDS}
    told = f"{row.id}.was" in form
    return {
        name: f"Somebody else entered {now[name] or 'nothing'} meanwhile."
        for name, words in changed.items()
        if words != now[name] and (not told or now[name] != seen[name])
    }


def _write(session: Session, actor: Actor, day: date, row: Any, changed: Mapping[str, str]) -> None:
    resource = RESOURCES["production_records"]
    if row.row_id is None:
        head = {"well_id": row.id, "production_date": day, "record_kind": KIND}
        changes.create(session, actor, resource, {**head, "source": "office", **changed})
    else:
        changes.update(session, actor, resource, row.row_id, changed, row.row_version)
