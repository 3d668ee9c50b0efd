"""Entries that wait for a person: two of one stop and day side by side, and refused ones to mend.

Whatever is decided becomes an entry of its own, made by who decided: what was saved in the field
stays as it was saved.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import insert, select, text
from sqlalchemy.orm import Session

from agent.contract.entry import EntryError, read_entry
from hub.errors import HubError
from hub.production import entrywords
from hub.production.clocks import acting, operator_of
from hub.production.entries import OFFICE, Outcome, take
from hub.schema import FieldEntry

WAITS: Final = ("refused", "conflict")
MOST: Final = 200
#: Parts of a body that say whose it is and when: not shown as what was entered.
_HEAD: Final = frozenset({"v", "id", "person", "saved", "replaces", "stop", "kept", "photos"})
#: Fields of a line that hold a key: what the line is about.
_SUBJECTS: Final = ("tank", "well", "meter")


class DeskError(HubError):
    """What was asked cannot be done with this entry; the text is one sentence."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One field of an entry."""

    path: str  #: as it is addressed in the body: ``gauges.0.level_in``
    label: str
    value: str  #: as it is typed
    fault: str = ""
    unit: str = ""
    shown: str = ""  #: as it is read
    choices: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class Pair:
    """One field in two entries; None where one says nothing of it."""

    label: str
    first: str | None
    second: str | None

    @property
    def differs(self) -> bool:
        """Whether they disagree."""
        return self.first != self.second


@dataclass(frozen=True, slots=True)
class Stop:
    """What is needed to read an entry's body: names of what it speaks of, the operator's clock."""

    names: Mapping[str, str]
    kinds: Mapping[str, str]  #: tank, well or meter, by key
    zone: ZoneInfo

    def choices(self, path: str) -> Sequence[tuple[str, str]]:
        """What may be chosen for a field; nothing where it is typed."""
        name = path.rpartition(".")[2]
        if name in _SUBJECTS:
            own = [(key, self.names[key]) for key, kind in self.kinds.items() if kind == name]
            return [("", "Leave this line out"), *own]
        return entrywords.choices(path)


def waiting(session: Session) -> list[Any]:
    """Entries that somebody should look at, oldest first, with lease and person."""
    return list(session.execute(_WAITING, {"most": MOST}))


_WAITING: Final = text(
    """
    SELECT e.id, e.state, e.reason, e.production_date, e.saved_at, e.received_at, e.door,
           l.name AS lease, u.name AS person, o.name AS other_person
    FROM field_entries e
    LEFT JOIN leases l ON l.id = e.lease_id
    LEFT JOIN users u ON u.id = e.person_id
    LEFT JOIN field_entries f ON f.entry_id = e.conflicts_with
    LEFT JOIN users o ON o.id = f.person_id
    WHERE e.state IN ('refused', 'conflict')
    ORDER BY e.received_at, e.id LIMIT :most
    """
)
_NAMES: Final = text(
    """
    SELECT 'well' AS kind, w.id, w.name FROM wells w WHERE w.lease_id = :lease
    UNION ALL SELECT 'tank', t.id, 'Tank ' || t.name FROM tanks t
        WHERE t.lease_id = :lease OR t.facility_id =
              (SELECT l.facility_id FROM leases l WHERE l.id = :lease)
    UNION ALL SELECT 'meter', e.id, e.name FROM equipment e
        WHERE e.well_id IN (SELECT w.id FROM wells w WHERE w.lease_id = :lease)
           OR e.facility_id = (SELECT l.facility_id FROM leases l WHERE l.id = :lease)
    ORDER BY 1, 3
    """
)


def stop_of(session: Session, lease: uuid.UUID | None) -> Stop:
    """What tanks, wells and meters of a stop are called, by their keys, and its clock."""
    rows = session.execute(_NAMES, {"lease": lease}).all()
    names = {str(row.id): row.name for row in rows}
    kinds = {str(row.id): row.kind for row in rows}
    return Stop(names, kinds, operator_of(session).clock.zone)


def cells(
    body: Mapping[str, Any], stop: Stop, faults: Mapping[str, str] | None = None
) -> list[Cell]:
    """What was entered, field by field, with what is wrong with each."""
    told = faults or {}
    found = list(_walk(body, stop, told))
    known = {cell.path for cell in found}
    missing = [path for path in told if path not in known and path.count(".") == 2]
    return found + [
        Cell(
            *(path, entrywords.label(path), "", told[path]),
            entrywords.unit_of(path),
            choices=stop.choices(path),
        )
        for path in sorted(missing)
    ]


def of_no_field(found: Iterable[Cell], faults: Mapping[str, str]) -> list[str]:
    """Sentences that belong to no field which is shown: about a line, the person, or the stop."""
    shown = {cell.path for cell in found}
    return [sentence for path, sentence in faults.items() if path not in shown]


def _walk(body: Mapping[str, Any], stop: Stop, told: Mapping[str, str]) -> Iterator[Cell]:
    """Every field of a body, but for the keys of what its lines are about."""

    def cell(path: str, value: Any, subject: str = "", number: str = "") -> Cell:
        words = entrywords.typed(path, value, stop.zone)
        shown = entrywords.shown(path, value, stop.zone)
        label = entrywords.label(path, subject, number)
        unit, choices = entrywords.unit_of(path), stop.choices(path)
        return Cell(path, label, words, told.get(path, ""), unit, shown, choices)

    for name, value in entrywords.in_order(body, ""):
        if name in _HEAD:
            continue
        if not isinstance(value, list):
            yield cell(name, value)
            continue
        for place, line in enumerate(value):
            if isinstance(line, Mapping):
                subject = _subject(line, stop)
                number = str(line.get("ticket_no") or "")
                for key, item in entrywords.in_order(line, name):
                    path = f"{name}.{place}.{key}"
                    if key not in _SUBJECTS or path in told:
                        yield cell(path, item, subject, number)


def _subject(line: Mapping[str, Any], stop: Stop) -> str:
    known = (stop.names.get(str(line.get(key))) for key in _SUBJECTS)
    return next((name for name in known if name), "")


def pairs(first: Mapping[str, Any], second: Mapping[str, Any], stop: Stop) -> list[Pair]:
    """Two entries side by side, by what their lines are about and not by their order."""
    mine, theirs = (
        {cell.label: cell.shown for cell in cells(body, stop)} for body in (first, second)
    )
    labels = list(mine)
    for before, label in pairwise(["", *theirs]):
        if label not in mine:  # beside what it stood beside
            labels.insert(labels.index(before) + 1 if before else 0, label)
    return [Pair(label, mine.get(label), theirs.get(label)) for label in labels]


# ------------------------------------------------------------------------------------- deciding


def choose(session: Session, entry: FieldEntry, *, keep_first: bool) -> Outcome:
    """Decide between an entry in conflict and the one that stands.

    Raises `DeskError` where it waits no more, or the person may not decide.
    """
    actor = acting(session)
    if actor.role not in OFFICE:
        raise DeskError("The office decides between two entries: ask a manager.")
    if entry.state != "conflict" or entry.conflicts_with is None:
        raise DeskError("Somebody has decided about this entry already.")
    if keep_first:
        entry.state, entry.reason = "set_aside", "The entry that was there first was kept."
        session.flush()
        return Outcome("set_aside", entry.reason)
    outcome = _enter(session, entry.body, {}, entry.conflicts_with)
    if outcome.state == "taken":
        entry.state, entry.reason = "replaced", "It was kept, in place of the one before."
        session.flush()
    return outcome


def set_aside(session: Session, entry: FieldEntry, why: str) -> Outcome:
    """Let a refused entry wait no more, for a reason; all that was entered is kept with it.

    Raises `DeskError` where it waits no more, the person may not decide, or no reason is given.
    """
    actor = acting(session)
    if actor.role not in OFFICE:
        raise DeskError("The office sets entries aside: ask a manager.")
    if entry.state != "refused":
        raise DeskError("Somebody has decided about this entry already.")
    if not why.strip():
        raise DeskError("Say why this entry is set aside: the reason is kept with it.")
    entry.state, entry.reason = "set_aside", f"Set aside: {why.strip()[:500]}"
    session.flush()
    return Outcome("set_aside", entry.reason)


def mend(session: Session, entry: FieldEntry, given: Mapping[str, str]) -> Outcome:
    """Enter a refused entry anew with these fields as given; an empty one is left out.

    Where it then meets another entry both wait side by side. What is still wrong is answered and
    stores nothing. Raises `DeskError` where it waits no more.
    """
    if entry.state != "refused":
        raise DeskError("Somebody has mended this entry already.")
    outcome = _enter(session, entry.body, given, entry.entry_id, ("taken", "conflict"))
    if outcome.state == "conflict":
        entry.state, entry.reason = "replaced", "It was mended; it waits beside another entry."
        session.flush()
    return outcome


def _enter(
    session: Session,
    body: Mapping[str, Any],
    given: Mapping[str, str],
    replaces: uuid.UUID,
    kept: Sequence[str] = ("taken",),
) -> Outcome:
    person, now = acting(session).user_id, datetime.now(UTC)
    # A spill told of is an incident since: it is not told again.
    made = {name: item for name, item in deepcopy(dict(body)).items() if name != "reports"}
    zone = operator_of(session).clock.zone
    for path, value in given.items():
        _put(made, path, value.strip(), zone)
    _leave_out(made, given)
    made |= {"id": str(uuid.uuid4()), "person": str(person), "replaces": str(replaces)}
    try:
        entry = read_entry(made)
    except EntryError as fault:
        faults = {one.field: one.say() for one in fault.faults}
        return Outcome("refused", str(fault), faults)
    step = session.begin_nested()
    session.execute(
        insert(FieldEntry).values(
            organization_id=operator_of(session).id,
            entry_id=entry.id,
            door="console",
            body=made,
            saved_at=now,
        )
    )
    outcome = take(session, entry)
    if outcome.state in kept:
        step.commit()
    else:
        step.rollback()
    return outcome


def _leave_out(body: dict[str, Any], given: Mapping[str, str]) -> None:
    """Take the lines away of which somebody says that they are about nothing here."""
    gone: dict[str, set[int]] = {}
    for path, value in given.items():
        part, number, name = (*path.split("."), "", "")[:3]
        if name in _SUBJECTS and not value.strip() and number.isdigit():
            gone.setdefault(part, set()).add(int(number))
    for part, numbers in gone.items():
        if isinstance(body.get(part), list):
            body[part] = [line for place, line in enumerate(body[part]) if place not in numbers]


def _put(body: dict[str, Any], path: str, value: str, zone: ZoneInfo) -> None:
    """Set a field of a body; one that it does not have is left alone."""
    part, _, rest = path.partition(".")
    number, _, name = rest.partition(".")
    if part in _HEAD:
        return
    target: Any = body
    if rest:
        lines = body.get(part)
        if not isinstance(lines, list) or not number.isdigit() or int(number) >= len(lines):
            return
        target, part = lines[int(number)], name
    if not isinstance(target, dict) or not part:
        return
    before = target.get(part)
    if before is not None and value == entrywords.typed(path, before, zone):
        return  # as it was: no second of a time is lost
    if value == "":
        target.pop(part, None)
    elif part in entrywords.INSTANTS and (at := entrywords.instant(value, zone)) is not None:
        target[part] = at
    elif isinstance(before, list):
        target[part] = [one.strip() for one in value.split(",")]
    elif isinstance(before, int) and not isinstance(before, bool) and value.isdigit():
        target[part] = int(value)
    else:
        target[part] = value


def entry_of(session: Session, key: uuid.UUID) -> FieldEntry | None:
    """An entry by the key of its row, held until it is decided."""
    return session.scalars(
        select(FieldEntry).where(FieldEntry.id == key).with_for_update()
    ).one_or_none()


def other_of(session: Session, entry: FieldEntry) -> FieldEntry | None:
    """The entry that stands where one in conflict would."""
    chosen = select(FieldEntry).where(FieldEntry.entry_id == entry.conflicts_with)
    return session.scalars(chosen).one_or_none()


def people_of(session: Session, *found: FieldEntry | None) -> dict[uuid.UUID, str]:
    """Names of who made these entries."""
    keys = [entry.person_id for entry in found if entry is not None and entry.person_id]
    rows = session.execute(text("SELECT id, name FROM users WHERE id = ANY(:k)"), {"k": keys})
    return {row.id: row.name for row in rows}
