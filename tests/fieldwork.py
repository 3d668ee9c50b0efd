"""An office at work in a test's database, and the rules it is refused by."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from psycopg import IntegrityError
from psycopg.errors import CheckViolation
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from hub.database import Actor, act_for
from tests.cast import Cast
from tests.servers.postgres import Database


@dataclass
class Office:
    """Bluebonnet's manager at work; nothing of it stays."""

    connection: Connection
    cast: Cast
    rival: uuid.UUID  #: one of Cimarron's wells

    @property
    def well(self) -> uuid.UUID:
        return self.cast.bluebonnet.wells[0]

    def add(self, table: str, **values: Any) -> uuid.UUID:
        """Make a row; answers its key."""
        values = {"organization_id": self.cast.bluebonnet.id, **values}
        columns, places = ", ".join(values), ", ".join(f":{name}" for name in values)
        key = self.connection.scalar(
            text(f"INSERT INTO {table} ({columns}) VALUES ({places}) RETURNING id"), values
        )
        assert isinstance(key, uuid.UUID)
        return key

    def change(self, table: str, key: uuid.UUID, **values: Any) -> None:
        """Change a row."""
        sets = ", ".join(f"{name} = :{name}" for name in values)
        done = self.connection.execute(
            text(f"UPDATE {table} SET {sets} WHERE id = :key"), values | {"key": key}
        )
        assert done.rowcount == 1

    def remove(self, table: str, key: uuid.UUID) -> None:
        """Delete a row."""
        done = self.connection.execute(text(f"DELETE FROM {table} WHERE id = :key"), {"key": key})
        assert done.rowcount == 1

    def read(self, table: str, key: uuid.UUID) -> Any:
        """A row as it stands."""
        return self.connection.execute(
            text(f"SELECT * FROM {table} WHERE id = :key"), {"key": key}
        ).one()

    @contextmanager
    def refused(
        self,
        constraint: str,
        column: str | None = None,
        sentence: str = "",
        kind: type[IntegrityError] = CheckViolation,
    ) -> Iterator[None]:
        """The database refuses by this rule; work goes on as before."""
        with pytest.raises(DBAPIError) as caught, self.connection.begin_nested():
            yield
        fault = caught.value.orig
        assert isinstance(fault, kind), fault
        assert fault.diag.constraint_name == constraint
        if column:
            assert fault.diag.column_name == column
        assert sentence in (fault.diag.message_primary or "")


@contextmanager
def at_work(database: Database, cast: Cast) -> Iterator[Office]:
    """Bluebonnet's manager for one test; all is undone at its end."""
    with database.engine("app").connect() as connection:
        act_for(connection, cast.bluebonnet.id, Actor(cast.bluebonnet.manager, role="manager"))
        yield Office(connection, cast, cast.cimarron.wells[0])
        connection.rollback()
