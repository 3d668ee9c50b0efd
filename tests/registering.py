"""Two operators with some wells, as tests of the register look at them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from hub.database import Actor, tenant_session
from hub.register import changes, rows
from hub.register.catalog import RESOURCES
from hub.register.query import parse_query
from tests import cast as people
from tests.cast import Cast, Operator
from tests.servers.postgres import Database

SECRET = bytes(range(32))


@dataclass
class Office:
    """A migrated database with the cast in it."""

    database: Database
    cast: Cast

    @property
    def ours(self) -> Operator:
        """The operator the tests work for."""
        return self.cast.bluebonnet

    @property
    def theirs(self) -> Operator:
        """The other one."""
        return self.cast.cimarron

    def actor(self, role: str = "manager") -> Actor:
        """Somebody of ours; the person of that role, where the cast has one."""
        who = {"owner": self.ours.owner, "pumper": self.ours.pumper}
        return Actor(who.get(role, self.ours.manager), None, role, "console", "192.0.2.7")

    @contextmanager
    def session(self, role: str = "manager", actor: Actor | None = None) -> Iterator[Session]:
        """A session of ours whose changes stay."""
        acting = actor or self.actor(role)
        with tenant_session(self.database.engine("app"), self.ours.id, acting) as session:
            yield session

    @contextmanager
    def trial(self, role: str = "manager") -> Iterator[Session]:
        """A session of ours whose changes are taken back."""
        with self.session(role) as session:
            yield session
            session.rollback()


def open_office(database: Database) -> Office:
    """Put the cast into a database."""
    return Office(database, people.engage(database.engine("owner")))


def listed(session: Session, table: str, *pairs: tuple[str, str]) -> rows.Page:
    """A page of a list."""
    resource = RESOURCES[table]
    return rows.find(session, resource, parse_query(resource, pairs))


def names(session: Session, table: str, *pairs: tuple[str, str]) -> list[Any]:
    """The names on a page of a list."""
    return [row["name"] for row in listed(session, table, *pairs).rows]


def number(session: Session, table: str, *pairs: tuple[str, str]) -> str:
    """How many rows a list has, as a person reads it."""
    resource = RESOURCES[table]
    return str(rows.count(session, resource, parse_query(resource, pairs)))


def add(session: Session, office: Office, table: str, role: str = "owner", **values: Any) -> Any:
    """Make a row through the register."""
    resource = RESOURCES[table]
    return changes.create(session, office.actor(role), resource, values, secret_key=SECRET)
