"""The engine, and the one place where a transaction is told whose rows it may see."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from functools import partial
from select import POLLIN, poll
from typing import Any, Final, Literal

import psycopg
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.orm import Session

DatabaseRole = Literal["app", "ingest", "work", "owner"]


class Tier(Enum):
    """What the database offers for readings; everything above the views is the same on all."""

    COMMUNITY = "community"
    APACHE = "apache"
    PLAIN = "plain"

    @property
    def title(self) -> str:
        """Its name for people."""
        return {
            Tier.COMMUNITY: "Timescale (Community)",
            Tier.APACHE: "Timescale (Apache)",
            Tier.PLAIN: "plain PostgreSQL",
        }[self]

    @property
    def rank(self) -> int:
        """How much it offers: a database moves up, never down."""
        return (Tier.PLAIN, Tier.APACHE, Tier.COMMUNITY).index(self)


def tier_of(connection: Connection) -> Tier:
    """What a database offers now: the TimescaleDB extension in it, and that extension's licence."""
    licence = connection.scalar(
        text(
            "SELECT current_setting('timescaledb.license', true) FROM pg_extension"
            " WHERE extname = 'timescaledb'"
        )
    )
    if licence is None:
        return Tier.PLAIN
    return Tier.COMMUNITY if licence == "timescale" else Tier.APACHE


def connect(url: str, role: DatabaseRole, *, pool: int = 8) -> Engine:
    """Make an engine whose every connection acts as ``wellflow_<role>``."""
    engine = create_engine(
        url.replace("postgresql://", "postgresql+psycopg://", 1),
        pool_size=pool,
        max_overflow=pool,
        pool_recycle=1800,
        connect_args={
            "options": f"-c role=wellflow_{role} -c timezone=UTC",
            "application_name": f"wellflow-{role}",
            "connect_timeout": 10,
        },
    )
    event.listen(engine, "checkout", partial(_still_there, engine))
    return engine


def _still_there(engine: Engine, kept: Any, *_: object) -> None:
    """Have the pool open another connection where the server of a kept one has gone.

    A server that ends a connection says so on it, or the machine's kernel does. While nothing has
    come in nobody need be asked, which would cost a way there and back before every transaction.
    """
    try:
        watch = poll()
        watch.register(kept.fileno(), POLLIN)
        if watch.poll(0):
            engine.dialect.do_ping(kept)
    except psycopg.Error as fault:
        raise InvalidatePoolError("the database has closed this connection") from fault


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, in which role, through which door: what policies ask and the audit trail keeps."""

    user_id: uuid.UUID | None = None
    membership_id: uuid.UUID | None = None
    role: str = ""  #: owner, manager, pumper, accountant, viewer; empty for the product itself
    door: str = ""  #: console, api, import, command line, or the name of a job
    address: str = ""  #: network address the request came from


NOBODY = Actor()
ACTOR: Final = "wellflow actor"  #: where a session keeps who acts in it


#: Handed to the driver as it is: it stands before everything that is asked.
_ACT_FOR: Final = "SELECT " + ", ".join(
    f"set_config('app.{name}', %s, true)"
    for name in ("organization_id", "user_id", "membership_id", "role", "door", "address")
)


def act_for(connection: Connection, organization: uuid.UUID | None, actor: Actor = NOBODY) -> None:
    """Tell the current transaction whose rows it may see and who acts; both end with it."""
    told = (organization or "", actor.user_id or "", actor.membership_id or "")
    words = (*map(str, told), actor.role, actor.door, actor.address)
    connection.exec_driver_sql(_ACT_FOR, words)


@contextmanager
def tenant_session(
    engine: Engine, organization: uuid.UUID, actor: Actor = NOBODY
) -> Iterator[Session]:
    """Open a session in which row level security shows one organization's rows to one actor.

    Every transaction of the session is given both as it begins. Commits on leaving, rolls back on
    an error.
    """
    with Session(engine, expire_on_commit=False, info={ACTOR: actor}) as session:
        event.listen(
            session, "after_begin", lambda _session, _tx, conn: act_for(conn, organization, actor)
        )
        with session.begin():
            yield session


@contextmanager
def work_transaction(engine: Engine) -> Iterator[Connection]:
    """Open a transaction outside any organization, for roles whose policies allow it."""
    with engine.begin() as connection:
        yield connection
