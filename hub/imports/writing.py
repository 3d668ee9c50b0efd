"""Rows of an import into their table: what is new, what differs, and what stays as it is."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Final, cast

from sqlalchemy import Table, insert, update
from sqlalchemy.orm import Session

from hub.imports.report import Bad, Report
from hub.register.catalog import resource
from hub.register.changes import refusing, settle
from hub.register.errors import Refused, RegisterError
from hub.register.together import more_faults
from hub.schema import Base
from hub.schema.base import uuid7
from hub.seal import seal

BATCH: Final = 500

#: Told how many lines are settled, so that somebody can be shown how far it has come.
Step = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Item:
    """A row to be: the line it comes from, what it is found by, and its values."""

    line: int
    key: Hashable
    values: Mapping[str, Any]
    #: Secrets by column, sealed as they are written; whether they differ, their last four tell.
    secrets: Mapping[str, str] = field(default_factory=dict)


class Writer:
    """Writes into one table in the caller's transaction, each batch in a savepoint of its own.

    A batch that the database refuses is written row by row, so that every line it refuses is named.
    `fixed` are values that every new row has; `secret_key` seals what is kept encrypted.
    """

    def __init__(
        self,
        session: Session,
        model: type[Base],
        fixed: Mapping[str, Any],
        report: Report,
        step: Step,
        *,
        secret_key: bytes = b"",
    ) -> None:
        self._secret_key = secret_key
        self._session, self._report, self._step = session, report, step
        self._table, self._fixed = cast(Table, model.__table__), fixed
        self._resource = resource(model.__tablename__)
        self.keys: dict[Hashable, uuid.UUID] = {}  #: of every row that was written or was there

    def write(self, items: Iterable[Item], known: Mapping[Any, Mapping[str, Any]]) -> None:
        """Insert what is new, update what differs; `known` holds the rows there are, by key."""
        fresh: list[Item] = []
        other: list[tuple[Item, uuid.UUID]] = []
        for item in self._once(items):
            row = known.get(item.key)
            self.keys[item.key] = row["id"] if row else uuid7()
            if row is None:
                fresh.append(item)
            elif differing := {n: v for n, v in item.values.items() if row[n] != v}:
                other.append((Item(item.line, item.key, differing, item.secrets), row["id"]))
            else:
                self._report.unchanged += 1
                self._step(1)
        self._report.added += self._each_batch(fresh)
        self._report.changed += sum(self._change(item, key) for item, key in other)

    def _once(self, items: Iterable[Item]) -> Iterator[Item]:
        """Every row once: a line that repeats another is passed over, one that differs is bad."""
        seen: dict[Hashable, Item] = {}
        for item in items:
            first = seen.setdefault(item.key, item)
            if first is item:
                yield item
                continue
            self._step(1)
            if first.values == item.values:
                self._report.unchanged += 1
            else:
                sentence = f"Line {first.line} tells the same row otherwise; keep one of them."
                self._report.bad.append(Bad(item.line, sentence))

    def _each_batch(self, items: Sequence[Item]) -> int:
        """Insert rows that have the same columns together; returns how many."""

        def columns(item: Item) -> tuple[str, ...]:
            return tuple(sorted(item.values))

        done = 0
        for _columns, alike in groupby(sorted(items, key=columns), key=columns):
            listed = list(alike)
            for start in range(0, len(listed), BATCH):
                done += self._insert(listed[start : start + BATCH])
        return done

    def _insert(self, items: Sequence[Item]) -> int:
        rows = [self._row(item) for item in items]
        try:
            with refusing(self._session, self._resource, rows[0]):
                self._session.execute(insert(self._table), rows)
                settle(self._session)
        except RegisterError as fault:
            if len(items) > 1:
                return sum(self._insert([item]) for item in items)
            return self._refuse(items[0], fault)
        self._step(len(items))
        return len(items)

    def _change(self, item: Item, key: uuid.UUID) -> int:
        values = {**item.values, **self._sealed(item, key)}
        statement = update(self._table).where(self._table.c.id == key).values(values)
        try:
            with refusing(self._session, self._resource, item.values):
                self._session.execute(statement)
                settle(self._session)
        except RegisterError as fault:
            return self._refuse(item, fault)
        self._step(1)
        return 1

    def _row(self, item: Item) -> dict[str, Any]:
        key = self.keys[item.key]
        return {"id": key, **self._fixed, **item.values, **self._sealed(item, key)}

    def _sealed(self, item: Item, key: uuid.UUID) -> dict[str, bytes]:
        return {
            column: seal(self._secret_key, secret.encode(), self._table.name, key)
            for column, secret in item.secrets.items()
        }

    def _refuse(self, item: Item, fault: RegisterError) -> int:
        if isinstance(fault, Refused):  # the database names the first rule that is broken, only
            told = {**self._fixed, **item.values}
            fault = Refused(more_faults(self._session, self._resource, told, None, fault.faults))
        self._report.bad.append(Bad(item.line, str(fault)))
        self._step(1)
        return 0
