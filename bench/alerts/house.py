"""A hub to measure deliveries with: a PostgreSQL that keeps its word, and work processes."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.orm import Session

from bench.alerts.figure import CannotMeasureError
from hub.demo.postgres import start_server
from hub.errors import HubError
from hub.notify.channels import webhook
from hub.schema import Agent, ContactChannel
from hub.settings import HubSettings, load
from tests import cast as people
from tests.cast import Cast, Operator
from tests.servers.postgres import Database, Server, migrated


@dataclass
class House:
    """The parts of one hub."""

    database: Database
    operator: Operator
    other: Operator
    environ: dict[str, str]

    @classmethod
    def on(cls, database: Database, cast: Cast, **more: str) -> House:
        """A hub on a database that is there."""
        return cls(database, cast.bluebonnet, cast.cimarron, _environ(database) | more)

    @property
    def settings(self) -> HubSettings:
        """What its processes are told."""
        return load(None, self.environ)

    def start_worker(self) -> subprocess.Popen[bytes]:
        """Start a work process, as `wellflow-hub work` is."""
        command = [sys.executable, "-m", "hub", "work", "--log-level", "error"]
        return subprocess.Popen(command, env=os.environ | self.environ)

    def wake(self, channel: str) -> None:
        """Let the work processes know, as ingest does in its transaction."""
        with self.database.engine("ingest").begin() as connection:
            connection.execute(text("SELECT pg_notify(:channel, '')"), {"channel": channel})

    def add_agents(self, session: Session, count: int) -> list[uuid.UUID]:
        """Give the operator more agents."""
        made = [
            Agent(organization_id=self.operator.id, name=f"site-{number}", shard=number % 64)
            for number in range(count)
        ]
        session.add_all(made)
        session.flush()
        return [agent.id for agent in made]

    def add_gauges(
        self, session: Session, count: int, *, watched: int, agent: uuid.UUID | None = None
    ) -> list[int]:
        """Give an agent (the operator's first) so many gauges; the first `watched` have a limit."""
        operator = self.operator
        values = {"o": operator.id, "a": agent or operator.agents[0], "n": count}
        tags = list(session.scalars(_TAGS, values))
        levels = json.dumps({"levels": {"lo": {"setpoint": 100, "priority": 2}}})
        session.execute(_RULES, {"o": operator.id, "tags": tags[:watched], "params": levels})
        return tags

    def add_webhook(self, session: Session, url: str, key: uuid.UUID, **more: object) -> None:
        """Give the operator a webhook."""
        secret = webhook.seal_key(self.settings, key, b"key")
        values = {"organization_id": self.operator.id, "kind": "webhook", "address": url} | more
        session.add(ContactChannel(id=key, secret=secret, **values))


@contextmanager
def open_house(**more: str) -> Iterator[House]:
    """A hub on a database of its own, gone afterwards; commits reach the disk as in production."""
    with tempfile.TemporaryDirectory(prefix="wellflow-bench-", dir="/var/tmp") as folder:
        Path(folder).chmod(0o755)
        server = _server(Path(folder))
        try:
            database = server.fresh(migrated)
            cast = people.engage(database.engine("owner"))
            yield House.on(database, cast, **more)
            server.drop(database)
        finally:
            server.stop()


def _server(folder: Path) -> Server:
    try:
        started = start_server(folder / "server")
    except (HubError, OSError, ImportError) as fault:
        raise CannotMeasureError(f"no PostgreSQL can be started: {fault}") from fault
    maintenance = f"{started.url.rpartition('/')[0]}/postgres"
    return Server(maintenance, started.programs, started.child)


def _environ(database: Database) -> dict[str, str]:
    return {
        "WELLFLOW_DATABASE_URL": database.url,
        "WELLFLOW_MQTT_URL": "mqtt://hub:secret@127.0.0.1:1",
        "WELLFLOW_SECRET_KEY": base64.b64encode(bytes(range(32))).decode(),
        "WELLFLOW_WEB_PUBLIC_URL": "https://hub.example",
        "WELLFLOW_WEBHOOK_ALLOW_PRIVATE": "true",
    }


_TAGS = text(
    """
    INSERT INTO tags (organization_id, agent_id, device, name, unit, interval_ms)
    SELECT :o, :a, 'plc', 'gauge_' || n, 'psi', 10000 FROM generate_series(1, :n) n
    RETURNING id
    """
)
_RULES = text(
    """
    INSERT INTO alert_rules (organization_id, name, kind, scope, tag_id, params, created_at,
                             updated_at)
    SELECT :o, 'Low', 'limit', 'tag', tag, CAST(:params AS jsonb), now() - interval '1 hour',
           now() - interval '1 hour'
    FROM unnest(CAST(:tags AS integer[])) tag
    """
)
