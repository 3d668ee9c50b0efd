"""A pumper's entry becomes rows: once, as the person who made it, or not at all and told why.

An entry is taken up in the transaction that stores it. One that cannot be is kept as `refused`,
each fault at its field, for somebody to mend; one that meets another person's entry of the same
stop and day is kept as `conflict` beside it, and neither overwrites the other. A correction names
the entry it replaces and changes the rows that one made. A spill or injury told of becomes an
incident in any case: nobody waits for a barrel to be corrected.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from agent.contract.entry import Entry
from agent.contract.tanks import LevelError, StrapTable
from hub.database import Actor
from hub.production import photos
from hub.production.clocks import Operator, acting, operator_of
from hub.production.entrylines import (
    MEASURED,
    Line,
    Scene,
    Unfit,
    above_tank,
    gauged_at,
    lines_of,
)
from hub.production.entrywriting import Made, Writing, in_one_sentence, made_by
from hub.production.refusals import told
from hub.schema import EntryRow, FieldEntry

OFFICE: Final = ("owner", "manager")
OFF_ROUTE: Final = told("stop")
_TANKS: Final = text(
    """
    SELECT t.id, t.height_in FROM tanks t
    WHERE t.lease_id = :stop
       OR t.facility_id = (SELECT l.facility_id FROM leases l WHERE l.id = :stop)
    """
)
_WELLS: Final = text("SELECT w.id FROM wells w WHERE w.lease_id = :stop")
_METERS: Final = text(
    """
    SELECT e.id FROM equipment e
    WHERE e.well_id IN (SELECT w.id FROM wells w WHERE w.lease_id = :stop)
       OR e.facility_id = (SELECT l.facility_id FROM leases l WHERE l.id = :stop)
    """
)
_STRAPS: Final = text(
    """
    SELECT s.tank_id, p.level_in, p.volume_bbl
    FROM tank_strap_tables s JOIN tank_strap_points p ON p.strap_table_id = s.id
    WHERE s.tank_id = ANY(:tanks)
      AND :day BETWEEN s.valid_from AND coalesce(s.valid_to, 'infinity')
    """
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an entry: its state, and why where it was not taken up."""

    state: str  #: taken, refused, conflict, replaced or set_aside
    reason: str = ""
    faults: Mapping[str, str] = field(default_factory=dict)  #: by field of the form


def take(session: Session, entry: Entry) -> Outcome:
    """Take up an entry whose `field_entries` row is stored; the same id a second time changes
    nothing.

    The session acts as the person who made it. Raises `LookupError` where no such row is stored.
    """
    row = session.scalars(
        select(FieldEntry).where(FieldEntry.entry_id == entry.id).with_for_update()
    ).one_or_none()
    if row is None:
        raise LookupError(f"no entry {entry.id} is stored")
    if row.state != "new":
        return Outcome(row.state, row.reason or "", row.faults or {})
    outcome = Taking(session, acting(session), operator_of(session), entry, row).go()
    row.state, row.reason = outcome.state, outcome.reason or None
    row.faults = dict(outcome.faults) or None
    row.taken_at = datetime.now(UTC)
    session.flush()
    if entry.photos and outcome.state == "taken":
        photos.attach(session, entry)
    return outcome


def refuse(session: Session, row: FieldEntry, faults: Mapping[str, str]) -> Outcome:
    """Keep an entry that cannot be read, or not be taken from who made it, for somebody to mend.

    The session sees all of the operator: the entry is put where it says it belongs.
    """
    body = row.body
    stop, person = _key(body.get("stop")), _key(body.get("person"))
    known = text("SELECT id FROM leases WHERE id = :stop")
    row.lease_id = session.scalar(known, {"stop": stop}) or row.lease_id
    row.person_id = person or row.person_id
    with suppress(ValueError):
        row.production_date = date.fromisoformat(str(body.get("day")))
    row.state, row.reason, row.faults = "refused", in_one_sentence(faults), dict(faults)
    row.taken_at = datetime.now(UTC)
    session.flush()
    return Outcome("refused", row.reason, faults)


def _key(words: object) -> uuid.UUID | None:
    """A key as a body has it; None for anything else."""
    try:
        return uuid.UUID(str(words))
    except ValueError:
        return None


@dataclass
class Taking:
    """One entry being taken up."""

    session: Session
    actor: Actor
    operator: Operator
    entry: Entry
    row: FieldEntry
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def go(self) -> Outcome:
        """Look at the entry, then write it; what is refused leaves nothing behind."""
        entry, row = self.entry, self.row
        if faults := self._stranger():
            self._put_where_it_belongs()
            return _refused(faults)
        row.lease_id, row.production_date = entry.stop, entry.day
        row.person_id, row.replaces = entry.person, entry.replaces
        self._hold_the_day()
        replaced = self._replaced()
        if self._corrected_already():
            return Outcome("replaced", "A correction of this entry was taken up before it.")
        writing = self._writing(replaced)
        writing.report(gauged_at(entry, self._scene({})))
        if faults := self._faults():
            writing.trace(("reports",))
            return _refused({**faults, **writing.faults})
        if other := self._in_conflict(replaced):
            writing.trace(("reports",))
            return self._conflict(other)
        return self._store(writing, replaced)

    # ------------------------------------------------------------------------------- who and where

    def _stranger(self) -> dict[str, str]:
        """Why the person may not enter here at all, if so."""
        entry, actor = self.entry, self.actor
        if actor.role not in {"owner", "manager", "pumper"}:
            return {"person": told("role")}
        if actor.user_id != entry.person:
            return {"person": told("signed")}
        stop = text("SELECT true FROM leases WHERE id = :stop")
        if self.session.scalar(stop, {"stop": entry.stop}) is None:
            return {"stop": OFF_ROUTE}
        return {}

    def _put_where_it_belongs(self) -> None:
        """Note stop, day and person of what is refused, so that the office finds it.

        Who has lost the route does not see the lease; whether it is there its key says.
        """
        self.row.person_id, self.row.production_date = self.actor.user_id, self.entry.day
        self.row.replaces = self.entry.replaces
        self.session.flush()
        with suppress(IntegrityError), self.session.begin_nested():
            self.row.lease_id = self.entry.stop
            self.session.flush()

    def _hold_the_day(self) -> None:
        """Let entries of one stop and day come one after the other."""
        name = f"{self.operator.id}{self.entry.stop}{self.entry.day}"
        self.session.execute(
            text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 1))"), {"name": name}
        )

    # ------------------------------------------------------------------------------- what is there

    def _replaced(self) -> FieldEntry | None:
        if self.entry.replaces is None:
            return None
        named = select(FieldEntry).where(FieldEntry.entry_id == self.entry.replaces)
        return self.session.scalars(named.with_for_update()).one_or_none()

    def _corrected_already(self) -> bool:
        """Whether a correction of this entry came by another door before it."""
        later = select(FieldEntry.id).where(
            FieldEntry.replaces == self.entry.id, FieldEntry.state == "taken"
        )
        return self.session.scalars(later.limit(1)).one_or_none() is not None

    def _writing(self, replaced: FieldEntry | None) -> Writing:
        writing = Writing(self.session, self.actor, self.operator, self.entry)
        if replaced is not None:
            writing.earlier = made_by(self.session, replaced.entry_id)
        return writing

    def _in_conflict(self, replaced: FieldEntry | None) -> FieldEntry | None:
        """The entry that stands where this one would: another person's, or the same lines."""
        if replaced is not None and replaced.state == "replaced":
            return self._standing(FieldEntry.replaces == replaced.entry_id)
        mine = {
            (line.table, line.subject)
            for line in lines_of(self.entry, self._scene({}), [])
            if line.part in MEASURED
        }
        if not mine:
            return None
        for other in self._others(replaced):
            if other.person_id != self.entry.person or mine & self._subjects(other):
                return other
        return None

    def _others(self, replaced: FieldEntry | None) -> list[FieldEntry]:
        """Entries taken up of the same stop and day that measured something."""
        chosen = (
            select(FieldEntry)
            .where(FieldEntry.lease_id == self.entry.stop, FieldEntry.state == "taken")
            .where(FieldEntry.production_date == self.entry.day)
            .where(FieldEntry.entry_id != self.entry.id)
            .order_by(FieldEntry.received_at)
        )
        past = replaced.entry_id if replaced is not None else None
        return [
            other
            for other in self.session.scalars(chosen)
            if other.entry_id != past and self._subjects(other)
        ]

    def _subjects(self, other: FieldEntry) -> set[tuple[str, str]]:
        made = select(EntryRow.table_name, EntryRow.subject).where(
            EntryRow.entry_id == other.entry_id, EntryRow.part.in_(MEASURED)
        )
        return {(row.table_name, row.subject) for row in self.session.execute(made)}

    def _standing(self, condition: Any) -> FieldEntry | None:
        chosen = select(FieldEntry).where(condition, FieldEntry.state == "taken").limit(1)
        return self.session.scalars(chosen).one_or_none()

    def _conflict(self, other: FieldEntry) -> Outcome:
        self.row.conflicts_with = other.entry_id
        whose = "You" if other.person_id == self.entry.person else "Somebody else"
        return Outcome(
            "conflict",
            f"{whose} entered this stop for {self.entry.day} before: look at both and choose.",
        )

    # ------------------------------------------------------------------------------------- faults

    def _faults(self) -> dict[str, str]:
        """What can be told before anything is written."""
        faults: dict[str, str] = {}
        current = self.operator.clock.day_of(self.now)
        if self.entry.day > current:
            faults["day"] = told("future")
        elif self.actor.role == "pumper" and self.entry.day < self.operator.first_day(current):
            first = self.operator.first_day(current)
            faults["day"] = told("early", first=f"{first}")
        elif sentence := self._locked(self.entry.day):
            faults["day"] = sentence
        return faults | self._elsewhere() | self._replacing()

    def _locked(self, day: date) -> str | None:
        """Why the day's month takes no entry any more, if so."""
        asked = text("SELECT require_open_period(:organization, 'production', :day, 'day')")
        try:
            with self.session.begin_nested():
                self.session.execute(asked, {"organization": self.operator.id, "day": day})
        except DBAPIError as fault:
            said = getattr(getattr(fault.orig, "diag", None), "message_primary", None)
            if said is None or getattr(fault.orig, "sqlstate", "") != "23514":
                raise
            return str(said)
        return None

    def _replacing(self) -> dict[str, str]:
        if self.entry.replaces is None or self.actor.role in OFFICE:
            return {}
        other = self._replaced()
        if other is not None and other.person_id not in {None, self.entry.person}:
            return {"replaces": told("corrects")}
        return {}

    def _elsewhere(self) -> dict[str, str]:
        """Lines about what does not belong to the stop, and gauges above their tank."""
        entry, faults = self.entry, {}
        stop = {"stop": entry.stop}
        tanks = {row.id: row.height_in for row in self.session.execute(_TANKS, stop)}
        wells = set(self.session.scalars(_WELLS, stop))
        meters = set(self.session.scalars(_METERS, stop)) if entry.meters else set()
        for part, name, known, what in (
            ("gauges", "tank", set(tanks), "tank"),
            ("tickets", "tank", set(tanks), "tank"),
            ("hauls", "tank", set(tanks), "tank"),
            ("wells", "well", wells, "well"),
            ("chemicals", "well", wells, "well"),
            ("tests", "well", wells, "well"),
            ("meters", "meter", meters, "meter"),
        ):
            for number, item in enumerate(getattr(entry, part)):
                key = getattr(item, name)
                if key is not None and key not in known:
                    faults[f"{part}.{number}.{name}"] = told(what)
        for number, gauge in enumerate(entry.gauges):
            height: Decimal | None = tanks.get(gauge.tank)
            if height is not None and (sentence := above_tank(gauge.level_in, height)):
                faults[f"gauges.{number}.level_in"] = sentence
        return faults

    # ------------------------------------------------------------------------------------ storing

    def _store(self, writing: Writing, replaced: FieldEntry | None) -> Outcome:
        reported: Made = {key: row for key, row in writing.made.items() if key[0] == "reports"}
        step = self.session.begin_nested()
        self._write(writing, replaced)
        if writing.faults:
            step.rollback()
            writing.made = reported
            writing.trace(("reports",))
            return _refused(writing.faults)
        step.commit()
        if replaced is not None:
            replaced.state = "replaced"
        writing.trace()
        return Outcome("taken")

    def _write(self, writing: Writing, replaced: FieldEntry | None) -> None:
        if replaced is not None and (replaced.lease_id, replaced.production_date) != (
            self.entry.stop,
            self.entry.day,
        ):
            writing.remove_rest()
            writing.earlier = {}
        unfit: list[Unfit] = []
        lines: list[Line] = list(lines_of(self.entry, self._scene(self._straps()), unfit))
        for fault in unfit:
            writing.fault(fault.field, fault.sentence)
        for line in lines:
            writing.put(line)
        for number, well in enumerate(self.entry.wells):
            writing.stand_still(number, well)
        writing.remove_rest()

    def _scene(self, tables: Mapping[uuid.UUID, StrapTable]) -> Scene:
        return Scene(self.operator.clock, self.now, tables)

    def _straps(self) -> dict[uuid.UUID, StrapTable]:
        """Strapping tables of the tanks that tickets name; one that cannot be used is left out."""
        tanks = [ticket.tank for ticket in self.entry.tickets]
        if not tanks:
            return {}
        points: dict[uuid.UUID, list[tuple[Decimal, Decimal]]] = {}
        for row in self.session.execute(_STRAPS, {"tanks": tanks, "day": self.entry.day}):
            points.setdefault(row.tank_id, []).append((row.level_in, row.volume_bbl))
        found: dict[uuid.UUID, StrapTable] = {}
        for tank, lines in points.items():
            try:
                found[tank] = StrapTable.of(lines)
            except LevelError:
                continue  # the ticket stays open, and the day's close says why
        return found


def _refused(faults: Mapping[str, str]) -> Outcome:
    return Outcome("refused", in_one_sentence(faults), faults)
