"""Takes the rows of a file into a table: tried first, then all of it or nothing.

A line is a change where its id, or the columns that are unique in the table, name a row that is
here; else it is a new row. An empty cell leaves a row as it is. Trying a file does everything and
takes it back, so that the database itself has judged every line.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy.orm import Session

from hub import trail
from hub.database import Actor
from hub.register import changes, rows
from hub.register.changes import Row
from hub.register.errors import Missing, Refused, RegisterError, ValueRefused
from hub.register.export import unguarded
from hub.register.fields import Field, Resource
from hub.register.headings import guess, lacking
from hub.register.lookup import Lookup, matching
from hub.register.sheets import read_table
from hub.register.values import parse

__all__ = ["Fault", "Report", "apply", "guess", "plan", "read_table"]

#: Faults that are told one by one; past them only their number.
MOST_FAULTS: Final = 1_000
STEP: Final = 50  #: lines between two reports of progress
#: Told how many lines are done, and of how many.
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a line: 1 is the head of the file, 0 all lines together."""

    line: int
    column: str  #: the field; empty where it is about the whole line
    label: str
    sentence: str


@dataclass(slots=True)
class Report:
    """What a file's lines would do, or did."""

    lines: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    bad: int = 0  #: lines that cannot be taken
    faults: list[Fault] = field(default_factory=list)
    stored: bool = False

    @property
    def good(self) -> int:
        """Lines that can be taken."""
        return self.new + self.changed + self.unchanged


class _TakeBackError(Exception):
    """Leaves the savepoint so that nothing of it stays."""


def plan(
    session: Session,
    actor: Actor,
    resource: Resource,
    lines: Sequence[Sequence[Any]],
    mapping: Mapping[int, str],
    *,
    secret_key: bytes | None = None,
    progress: Progress = lambda _done, _of: None,
) -> Report:
    """Try every line and take all of it back; raises `Forbidden`, or `Refused` for the mapping."""
    work = _Work(session, actor, resource, mapping, secret_key)
    work.check_mapping()
    try:
        with session.begin_nested():
            work.take(lines, progress)
            raise _TakeBackError
    except _TakeBackError:
        return work.report


def apply(
    session: Session,
    actor: Actor,
    resource: Resource,
    lines: Sequence[Sequence[Any]],
    mapping: Mapping[int, str],
    *,
    skip_bad: bool = False,
    secret_key: bytes | None = None,
    progress: Progress = lambda _done, _of: None,
) -> Report:
    """Store every line, or nothing where one is bad; with `skip_bad`, all but the bad ones."""
    work = _Work(session, actor, resource, mapping, secret_key)
    work.check_mapping()
    try:
        with session.begin_nested():
            work.take(lines, progress)
            if work.all_together_wrong or (work.report.bad and not skip_bad):
                raise _TakeBackError
            work.report.stored = True
            told = {"lines": work.report.lines, "new": work.report.new}
            trail.note(
                session, resource.name, None, "import", told | {"changed": work.report.changed}
            )
    except _TakeBackError:
        pass
    return work.report


@dataclass(slots=True)
class _Work:
    """One file on its way in."""

    session: Session
    actor: Actor
    resource: Resource
    mapping: Mapping[int, str]
    secret_key: bytes | None
    report: Report = field(default_factory=Report)
    lookup: Lookup = field(init=False)
    all_together_wrong: bool = False

    def __post_init__(self) -> None:
        self.lookup = Lookup(self.session)

    def check_mapping(self) -> None:
        """Refuse columns that are no fields, a field told twice, and a lack of what is needed."""
        changes.permit(self.actor, self.resource, "add")
        told = list(self.mapping.values())
        faults = {
            name: f"{self.resource.plural} have no field “{name[:60]}”."
            for name in told
            if name not in self.resource.fields
        }
        faults |= {n: f"Two columns are said to be “{n}”." for n in told if told.count(n) > 1}
        for needed in lacking(self.resource, self.mapping):
            faults[needed.name] = f"{needed.label} is needed, and no column has it."
        if faults:
            raise Refused(faults)

    def take(self, lines: Sequence[Sequence[Any]], progress: Progress) -> None:
        """Every line in turn, each in a savepoint of its own; then what is checked at the end."""
        for number, cells in enumerate(lines, 2):
            given = self._cells(cells)
            if given:
                self.report.lines += 1
                self._line(number, given)
            if number % STEP == 0:
                progress(number - 1, len(lines))
        try:
            with changes.refusing(self.session, self.resource, {}):
                changes.settle(self.session)
        except RegisterError as fault:
            self.all_together_wrong = True
            self._note(0, fault)
        progress(len(lines), len(lines))

    def _cells(self, cells: Sequence[Any]) -> Row:
        """What a line tells, by field, empty cells too; nothing for an empty line."""
        given = {
            name: unguarded(cells[place]) if isinstance(cells[place], str) else cells[place]
            for place, name in self.mapping.items()
            if place < len(cells)
        }
        told = any(value is not None and str(value).strip() for value in given.values())
        return given if told else {}

    def _line(self, number: int, given: Row) -> None:
        try:
            key = given.pop(self.resource.key, None)
            open_ = self._resolve(given)
            before = self._known(key, given)
            if open_:
                raise Refused(self._faults(given, before) | open_)
            if before is None:
                self._add(given)
            else:
                self._change(before, given)
        except (RegisterError, ValueRefused) as fault:
            self.report.bad += 1
            self._note(number, fault)

    def _note(self, number: int, fault: RegisterError) -> None:
        faults = fault.faults if isinstance(fault, Refused) else {"": str(fault)}
        for name, sentence in faults.items():
            if len(self.report.faults) < MOST_FAULTS:
                shown = self.resource.fields.get(name)
                label = shown.label if shown else ""
                self.report.faults.append(Fault(number, name, label, sentence))

    def _known(self, key: Any, given: Row) -> Row | None:
        """The row a line is about, if it is here; raises `Refused` for an id that is not."""
        if key is not None and str(key).strip():
            try:
                return rows.get(self.session, self.resource, str(key).strip())
            except Missing as fault:
                raise Refused({self.resource.key: str(fault)}) from fault
        return matching(self.session, self.resource, given)

    def _faults(self, given: Row, before: Row | None) -> dict[str, str]:
        """What else is wrong with a line of which a reference stays open."""
        told = {name: raw for name, raw in given.items() if _is_told(raw)}
        if before is not None:
            told = {n: raw for n, raw in told.items() if self.resource.fields[n].editable}
        making = before is None
        return changes.faults_of(self.session, self.resource, told, making=making, before=before)

    def _resolve(self, given: Row) -> dict[str, str]:
        """Put keys in place of the titles by which a line names other rows; take out, and answer
        the sentences of, those that name none.
        """
        faults: dict[str, str] = {}
        for name, raw in given.items():
            try:
                given[name] = self._meant(self.resource.fields[name], raw)
            except ValueRefused as fault:
                faults[name] = str(fault)
        for name in faults:
            del given[name]
        return faults

    def _meant(self, asked: Field, raw: Any) -> Any:
        if asked.reference is None or raw is None or not str(raw).strip():
            return raw
        return self.lookup.key(asked, str(raw).strip())

    def _add(self, given: Row) -> None:
        told = {name: raw for name, raw in given.items() if _is_told(raw)}
        values = changes.read(self.session, self.resource, told, making=True)
        changes.permit_status(self.actor, self.resource, values, None)
        known = changes.whole(self.session, self.resource, values)
        with known, changes.refusing(self.session, self.resource, values):
            changes.insert(self.session, self.resource, dict(values), self.secret_key)
        self.report.new += 1

    def _change(self, before: Row, given: Row) -> None:
        """Change what a line tells of a row; what stays from its making must agree."""
        resource = self.resource
        told = {name: raw for name, raw in given.items() if _is_told(raw)}
        fixed = _fixed(resource, told, before)
        free = {n: told[n] for n in told if n not in fixed}
        values = changes.read(self.session, resource, free, making=False, before=before)
        changed = changes.differing(resource, values, before)
        if not changed:
            self.report.unchanged += 1
            return
        changes.permit_change(self.actor, resource, values, before)
        held = changes.lock(self.session, resource, before[resource.key])
        known = changes.whole(self.session, resource, values, before)
        with known, changes.refusing(self.session, resource, changed):
            changes.write(self.session, resource, held, changed, self.secret_key)
        self.report.changed += 1


def _is_told(raw: Any) -> bool:
    return raw is not None and bool(str(raw).strip())


def _fixed(resource: Resource, told: Mapping[str, Any], before: Row) -> set[str]:
    """Fields that stay as they were made and that the line tells as they are."""
    found = set()
    for name, raw in told.items():
        known = resource.fields[name]
        if known.editable:
            continue
        try:
            same = parse(known, raw) == before.get(name)
        except ValueRefused:
            same = False
        if same:
            found.add(name)
    return found
