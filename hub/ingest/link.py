"""A worker's own database connection, and what a database error asks for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import Enum
from typing import Any

import psycopg

Db = psycopg.Connection[Any]

CONNECT_S = 10


class Trouble(Enum):
    """What to do about a database error."""

    AWAY = "hold everything and try again: the database is down or short of something"
    AGAIN = "try again at once: two transactions met"
    SETUP = "hold everything and tell the keeper: tables or rights are missing"
    DATA = "one of the messages cannot be stored: find out which"


_BY_CLASS = {
    "08": Trouble.AWAY,  # connection
    "25": Trouble.AWAY,  # read-only: a standby that is not promoted yet
    "53": Trouble.AWAY,  # out of disk, memory, connections
    "57": Trouble.AWAY,  # shutting down, cancelled
    "58": Trouble.AWAY,  # the machine's own trouble
    "55": Trouble.AWAY,  # closed to us for a moment
    "40": Trouble.AGAIN,
    "28": Trouble.SETUP,  # account
    "3D": Trouble.SETUP,  # no such database
    "42": Trouble.SETUP,  # no such table, no right
}


def trouble_of(fault: psycopg.Error) -> Trouble:
    """Sort a database error by what it asks for."""
    if fault.sqlstate is None:
        outage = isinstance(fault, psycopg.OperationalError | psycopg.InterfaceError)
        return Trouble.AWAY if outage else Trouble.DATA
    return _BY_CLASS.get(fault.sqlstate[:2], Trouble.DATA)


class Link:
    """One connection acting as wellflow_ingest: opened when needed, thrown away when it fails."""

    def __init__(self, url: str, name: str) -> None:
        """Remember how to connect; `name` is what the database shows for the session."""
        self._url, self._name = url, name
        self._connection: Db | None = None

    @property
    def open(self) -> bool:
        """Whether there is a connection that works as far as is known."""
        return self._connection is not None and not self._connection.closed

    def connection(self) -> Db:
        """The connection, opened if need be; raises `psycopg.Error`."""
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(
                self._url,
                options="-c role=wellflow_ingest -c timezone=UTC",
                application_name=self._name,
                connect_timeout=CONNECT_S,
                keepalives_idle=10,
                keepalives_interval=5,
                keepalives_count=3,
                tcp_user_timeout=30_000,
            )
        return self._connection

    @contextmanager
    def transaction(self) -> Iterator[Db]:
        """Run a transaction; commits on leaving, rolls back on any error.

        A connection whose state is not certain is thrown away.
        """
        connection = self.connection()
        try:
            with connection.transaction():
                yield connection
        except BaseException:
            if connection.broken or connection.info.transaction_status:
                self.close()
            raise

    def close(self) -> None:
        """Give the connection back."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(psycopg.Error):
                connection.close()
