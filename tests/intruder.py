"""An intruder: one operator's account tries everything on another's rows, and is counted.

A leak is a row of the other that was seen, counted, changed, deleted or referred to, or a word of
it in an answer, where the intruder had not said that word before.
"""

from __future__ import annotations

import re
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from hub.database import Actor, act_for
from tests import cast as people
from tests.cast import Cast, Operator
from tests.everything import add_everything
from tests.servers.postgres import Database

WORD = re.compile(r"[A-Za-z0-9_@.-]*[0-9@][A-Za-z0-9_@.-]*")
#: What stands in every operator's rows and so tells nothing: short words, days, numbers.
PLAIN = re.compile(r"^[0-9.:+T-]*$|^.{0,5}$")


@dataclass
class Tally:
    """What was tried in this run of the tests, by door, and what came through."""

    attempts: Counter[str] = field(default_factory=Counter)
    leaks: list[str] = field(default_factory=list)

    def note(self, door: str, what: str, *, leaked: bool) -> None:
        """Count one attempt."""
        self.attempts[door] += 1
        if leaked:
            self.leaks.append(f"{door}: {what}")

    def to_json(self) -> dict[str, Any]:
        """What `add` reads in another process."""
        return {"attempts": dict(self.attempts), "leaks": self.leaks}

    def add(self, counted: Mapping[str, Any]) -> None:
        """Add what another process counted."""
        self.attempts.update(counted.get("attempts", {}))
        self.leaks.extend(counted.get("leaks", []))

    def __str__(self) -> str:
        doors = ", ".join(f"{number:,} by {door}" for door, number in self.attempts.items())
        return f"isolation: {self.attempts.total():,} attempts ({doors}), {len(self.leaks)} leaks"


TALLY = Tally()


def words(thing: Any) -> set[str]:
    """Everything in a value that could tell whose it is: keys, addresses, numbered names."""
    if isinstance(thing, Mapping):
        return words(list(thing.values()))
    if isinstance(thing, list | tuple | set):
        return set().union(*map(words, thing))
    if isinstance(thing, uuid.UUID):
        return {str(thing), thing.hex}
    if isinstance(thing, bytes):
        return set() if len(set(thing)) < 4 else {thing.hex()}
    return {w for w in WORD.findall(str(thing)) if not PLAIN.match(w)} if thing else set()


@dataclass
class House:
    """A database with one row of every table for each of two operators."""

    database: Database
    cast: Cast
    theirs: dict[str, dict[str, Any]]  #: Bluebonnet's rows
    ours: dict[str, dict[str, Any]]  #: Cimarron's rows
    secrets: frozenset[str]  #: words that occur in Bluebonnet's rows only

    def actors(self) -> Iterator[tuple[str, Actor]]:
        """In which shapes Cimarron comes: the product itself, its owner, its pumper."""
        cimarron = self.cast.cimarron
        yield "the product", Actor(door="test")
        for role in ("owner", "pumper"):
            yield role, self.actor(cimarron, role)

    def actor(self, operator: Operator, role: str) -> Actor:
        """Somebody of an operator."""
        user = {"owner": operator.owner, "manager": operator.manager}.get(role, operator.pumper)
        with self.database.admin() as connection:
            row = connection.execute(
                "SELECT id FROM memberships WHERE organization_id = %s AND user_id = %s",
                [operator.id, user],
            ).fetchone()
        assert row is not None
        return Actor(user_id=user, membership_id=row[0], role=role, door="test")

    @contextmanager
    def as_cimarron(self, actor: Actor | None = None) -> Iterator[Connection]:
        """A transaction of Cimarron's console, undone at its end."""
        with self.database.engine("app").connect() as connection:
            act_for(connection, self.cast.cimarron.id, actor or Actor())
            yield connection
            connection.rollback()

    def told(self, answer: str, said: Iterable[str] = ()) -> set[str]:
        """Words of Bluebonnet's in an answer that the intruder had not said."""
        return (words(answer) & self.secrets) - set().union(*map(words, said))


def open_house(database: Database) -> House:
    """Give two operators a row of everything."""
    cast = people.engage(database.engine("owner"))
    with database.engine("owner").begin() as connection:
        theirs = add_everything(connection, cast.bluebonnet)
        ours = add_everything(connection, cast.cimarron)
    own = words(list(ours.values())) | words(vars(cast.cimarron)) | {str(cast.both)}
    secret = (words(list(theirs.values())) | words(vars(cast.bluebonnet))) - own
    return House(database, cast, theirs, ours, frozenset(secret))


@dataclass
class Tried:
    """What came of one statement: rows touched or returned, or the refusal."""

    rows: list[Any] = field(default_factory=list)
    touched: int = 0
    refusal: str = ""
    state: str = ""


def attempt(connection: Connection, statement: Any, values: Any = None) -> Tried:
    """Run a statement in a savepoint that is always undone."""
    nested = connection.begin_nested()
    try:
        answer = connection.execute(statement, values)
        rows = [tuple(row) for row in answer] if answer.returns_rows else []
        return Tried(rows, max(answer.rowcount, 0))
    except DBAPIError as fault:
        return Tried(
            refusal=str(fault.orig), state=str(getattr(fault.orig, "sqlstate", "") or "unknown")
        )
    finally:
        nested.rollback()
