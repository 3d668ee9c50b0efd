"""An ingest process in a thread of the test, and questions to what it stored."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from hub.ingest import Ingest
from hub.settings import HubSettings, load
from tests.servers.mosquitto import Mosquitto
from tests.servers.postgres import Database

KEY = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="


def settings_for(
    database_url: str, broker_url: str, *, client_id: str = "wellflow-hub", **environ: str
) -> HubSettings:
    """Settings that name a test's servers."""
    return load(
        None,
        {
            "WELLFLOW_DATABASE_URL": database_url,
            "WELLFLOW_MQTT_URL": broker_url,
            "WELLFLOW_MQTT_CLIENT_ID": client_id,
            "WELLFLOW_SECRET_KEY": KEY,
        }
        | environ,
    )


class Running:
    """An ingest process that runs until stopped."""

    def __init__(self, settings: HubSettings) -> None:
        """Start it; `ready` says when it is subscribed."""
        self.ingest = Ingest(settings)
        self.stop_asked = threading.Event()
        self.fault: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.ingest.run(self.stop_asked)
        except BaseException as fault:  # noqa: BLE001 - shown when the test ends
            self.fault = fault

    def ready(self, patience_s: float = 20.0) -> Running:
        """Wait until messages can arrive."""
        assert self.ingest.ready.wait(patience_s), "the ingest process does not get ready"
        return self

    def stop(self) -> None:
        """Stop it in order; raises what it died of."""
        self.stop_asked.set()
        self._thread.join(30)
        assert not self._thread.is_alive()
        if self.fault:
            raise self.fault


@contextmanager
def running(database: Database, broker: Mosquitto, **more: str) -> Iterator[Running]:
    """An ingest process that is ready."""
    hub = Running(settings_for(database.url, broker.url(), **more))
    try:
        yield hub.ready()
    finally:
        hub.stop()


def wait_until(condition: Callable[[], bool], what: str, patience_s: float = 15.0) -> None:
    """Wait until something in the database holds."""
    until = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < until, f"not within {patience_s} s: {what}"
        time.sleep(0.02)


class Rows:
    """Questions to a database, as its owner."""

    def __init__(self, database: Database) -> None:
        """Ask this database."""
        self._connection = database.admin()

    def all(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        return self._connection.execute(query.encode(), values).fetchall()

    def one(self, query: str, *values: Any) -> Any:
        """The first column of the first row."""
        row = self._connection.execute(query.encode(), values).fetchone()
        return row[0] if row else None

    def run(self, statement: str, *values: Any) -> None:
        """Run a statement."""
        self._connection.execute(statement.encode(), values)

    def close(self) -> None:
        """Give the connection back."""
        self._connection.close()

    def readings(self) -> list[tuple[Any, ...]]:
        """Every reading: tag's name, value, quality, in order of time."""
        return self.all(
            "SELECT t.name, r.value, r.quality FROM readings r JOIN tags t ON t.id = r.tag_id"
            " ORDER BY r.time, t.name"
        )

    def doubles(self) -> int:
        """How many readings are stored more than once."""
        return int(
            self.one(
                "SELECT count(*) FROM (SELECT tag_id, time FROM readings"
                " GROUP BY 1, 2 HAVING count(*) > 1) d"
            )
        )

    def quarantine(self) -> list[tuple[Any, ...]]:
        """Codes and numbers in quarantine, in order of arrival."""
        return self.all("SELECT code, number FROM quarantine ORDER BY received_at, number")
