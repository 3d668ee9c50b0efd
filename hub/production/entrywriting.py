"""Writes an entry's lines into their tables, through the register: by the rules of every door.

A line whose row the corrected entry made changes that row, so that it keeps its key and its
revisions; a final ticket stands, so it is voided and written anew. What the new entry says nothing
of goes. Every fault is collected at the field it was typed into.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from agent.contract.entry import Entry, Well
from hub.database import Actor
from hub.errors import HubError
from hub.incidents.opening import Report, Where, open_from_report
from hub.production.clocks import Operator
from hub.production.entrylines import Line, ended_as_before, standing_still
from hub.production.refusals import told
from hub.register import changes, rows
from hub.register.catalog import RESOURCES
from hub.register.errors import Forbidden, Missing, Refused, RegisterError
from hub.register.fields import Resource
from hub.schema import DowntimeEvent, EntryRow
from hub.schema import Well as WellRow

#: part, subject, table → the row it made.
Made = dict[tuple[str, str, str], uuid.UUID]


@dataclass
class Writing:
    """One entry on its way into the tables."""

    session: Session
    actor: Actor
    operator: Operator
    entry: Entry
    earlier: Made = field(default_factory=dict)  #: rows of the entry it corrects
    made: Made = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)

    def fault(self, name: str, sentence: str) -> None:
        """Note why a field cannot be taken; the first reason stands."""
        self.faults.setdefault(name, sentence)

    def put(self, line: Line) -> None:
        """Write one line, or note at its fields why not."""
        key = (line.part, line.subject, line.table)
        try:
            self.made[key] = self._write(line, self.earlier.get(key))
        except Refused as refused:
            for column, sentence in refused.faults.items():
                self.fault(line.at(column), sentence)
        except RegisterError as refused:
            self.fault(line.at(""), str(refused))
        except IntegrityError:
            self.fault(line.at(""), told("twice"))

    def _write(self, line: Line, row: uuid.UUID | None) -> uuid.UUID:
        resource = RESOURCES[line.table]
        if row is None:
            return self._create(resource, line.values)
        current = rows.get(self.session, resource, row)
        kept = {name: current[name] for name in line.fixed if name in line.values}
        wanted = {**line.values, **ended_as_before(line, current)}
        wanted = {name: value for name, value in wanted.items() if name not in kept}
        given = changes.read(self.session, resource, wanted, making=False, before=current)
        if not changes.differing(resource, given, current):
            return row
        self._still_mine(resource, current)
        if line.table == "run_tickets" and current["status"] == "final":
            changes.update(self.session, self.actor, resource, row, {"status": "void"}, None)
            return self._create(resource, wanted | kept)
        changes.update(self.session, self.actor, resource, row, wanted, None)
        return row

    def _create(self, resource: Resource, values: Mapping[str, Any]) -> uuid.UUID:
        made = changes.create(self.session, self.actor, resource, values)
        return uuid.UUID(str(made[resource.key]))

    def _still_mine(self, resource: Resource, current: Mapping[str, Any]) -> None:
        """Let no correction of a pumper undo what somebody else made of the row meanwhile."""
        if resource.name == "well_tests" and current["status"] != "draft":
            raise Forbidden("The office has judged this well test already: enter another test.")
        changed_by = current.get("updated_by")
        if self.actor.role == "pumper" and changed_by not in {None, self.actor.user_id}:
            raise Forbidden(
                f"Somebody else changed this {resource.singular} since you entered it: the office"
                " looks at both."
            )

    def remove_rest(self) -> None:
        """Take back what the corrected entry had made and this one says nothing of."""
        for key, row in self.earlier.items():
            part, _subject, table = key
            if key in self.made or part == "reports" or self.faults:
                continue
            try:
                self._remove(table, row)
            except Missing:
                pass  # the office took it back meanwhile
            except RegisterError as refused:
                self.fault(part, str(refused))

    def _remove(self, table: str, row: uuid.UUID) -> None:
        resource = RESOURCES[table]
        current = rows.get(self.session, resource, row)
        self._still_mine(resource, current)
        if table == "run_tickets" and current["status"] == "final":
            changes.update(self.session, self.actor, resource, row, {"status": "void"}, None)
            return
        changes.remove(self.session, self.actor, resource, row, None)

    # ------------------------------------------------------------------------------- downtime

    def stand_still(self, number: int, well: Well) -> None:
        """Write a well's downtime, where the entry tells of some."""
        key = ("wells", f"{well.well}", "downtime_events")
        before = self.session.scalar(
            _ended_before(well, self.operator.clock.begins(self.entry.day))
        )
        stretch = standing_still(well, self.entry, self.operator.clock, before)
        if stretch is None:
            return
        values = {
            "well_id": well.well,
            "started_at": stretch.started_at,
            "ended_at": stretch.ended_at,
            "reason_code": well.down_code,
            "note": "Hours as entered; the time of day follows from the days before and after.",
        }
        fields = {"reason_code": "down_code", "started_at": "hours_down", "well_id": "hours_down"}
        fields |= {"ended_at": "hours_down", "completion_id": "hours_down", "": "hours_down"}
        self.put(Line("wells", number, key[1], key[2], values, fields, ("well_id",)))

    # -------------------------------------------------------------------------------- reports

    def report(self, at: datetime) -> None:
        """Let every spill or injury told of become an incident, once, whatever else is wrong."""
        for number, heard in enumerate(self.entry.reports):
            key = ("reports", f"{number}", "incidents")
            if key in self.earlier:
                self.made[key] = self.earlier[key]
                continue
            words = heard.note or f"A pumper reports a {heard.kind}."
            where = Where(well_id=heard.well, lease_id=self._lease_of(heard.well))
            report = Report(self.operator.id, heard.kind, words[:200], at, where)
            try:
                with self.session.begin_nested():
                    self.made[key] = open_from_report(self.session, report).id
            except HubError as refused:
                self.fault(f"reports.{number}.kind", str(refused))

    def _lease_of(self, well: uuid.UUID | None) -> uuid.UUID | None:
        """The lease of a report: its well's, else the stop."""
        if well is None:
            return self.entry.stop
        return self.session.scalar(select(WellRow.lease_id).where(WellRow.id == well))

    def trace(self, parts: tuple[str, ...] = ()) -> None:
        """Keep which rows the entry made; only those of `parts` where some are named."""
        for (part, subject, table), row in self.made.items():
            if parts and part not in parts:
                continue
            self.session.execute(
                insert(EntryRow).values(
                    organization_id=self.operator.id,
                    entry_id=self.entry.id,
                    part=part,
                    subject=subject,
                    table_name=table,
                    row_id=row,
                )
            )


def _ended_before(well: Well, begins: datetime) -> Any:
    return (
        select(DowntimeEvent.ended_at)
        .where(DowntimeEvent.well_id == well.well, DowntimeEvent.ended_at == begins)
        .where(DowntimeEvent.reason_code == well.down_code)
        .limit(1)
    )


def made_by(session: Session, entry: uuid.UUID) -> Made:
    """The rows that an entry made."""
    found = session.execute(select(EntryRow).where(EntryRow.entry_id == entry)).scalars()
    return {(row.part, row.subject, row.table_name): row.row_id for row in found}


def in_one_sentence(faults: Mapping[str, str]) -> str:
    """One sentence for all faults: the first, and how many more there are."""
    first, *rest = faults.values()
    more = f" ({len(rest)} more to mend.)" if rest else ""
    return f"{first}{more}"
