"""A watched gauge: its rule, its readings as they arrive, and what became of them."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from hub.alerts import engine, rules
from hub.schema import Alert, AlertEvent, AlertRule, Notification
from hub.settings import HubSettings, load
from tests.cast import Operator
from tests.servers.postgres import Database
from tests.telemetry import Point, store

LOW = {"levels": {"lo": {"setpoint": 100, "priority": 2}}}
SECOND = timedelta(seconds=1)


@dataclass
class Gauge:
    """One tag of an operator's first agent, watched by one rule made at `start`."""

    database: Database
    operator: Operator
    start: datetime
    tag: int
    rule: uuid.UUID

    def at(self, seconds: float) -> datetime:
        """So many seconds after the start."""
        return self.start + timedelta(seconds=seconds)

    def points(self, values: Iterable[tuple[float, float | None]]) -> list[Point]:
        """Readings at (second, value); None stands for no answer."""
        return [Point(self.tag, self.at(s), v, 16 if v is None else 0) for s, v in values]

    def arrive(self, *values: tuple[float, float | None], stream: str = "s1") -> None:
        """Commit readings as one message."""
        store(self.database, self.operator, self.points(values), stream=stream)

    def judge(self, seconds: float, **options: Any) -> int:
        """Judge everything pending, as the hub does at that second."""
        work, judged = self.database.engine("work"), 0
        while found := engine.judge_pending(work, self.at(seconds), **options):
            judged += found
        return judged

    def run(self, *values: tuple[float, float | None]) -> None:
        """Readings arrive and are judged one by one, as they happen."""
        for value in values:
            self.arrive(value)
            self.judge(value[0] + 0.5)

    # --------------------------------------------------------------------------- what came of it

    def alerts(self) -> list[Alert]:
        """All alerts, in the order in which they began."""
        with Session(self.database.engine("owner")) as session:
            return list(session.scalars(select(Alert).order_by(Alert.raised_at, Alert.id)))

    def alert(self) -> Alert:
        """The one alert."""
        (found,) = self.alerts()
        return found

    def events(self, alert: Alert | None = None) -> list[str]:
        """Kinds of events, in order."""
        listed = select(AlertEvent.kind).order_by(AlertEvent.id)
        if alert is not None:
            listed = listed.where(AlertEvent.alert_id == alert.id)
        with Session(self.database.engine("owner")) as session:
            return list(session.scalars(listed))

    def notifications(self) -> list[Notification]:
        """All notifications, oldest first."""
        with Session(self.database.engine("owner")) as session:
            listed = select(Notification).order_by(Notification.created_at, Notification.id)
            return list(session.scalars(listed))

    def told(self) -> list[tuple[str, str]]:
        """Kind and state of every notification."""
        return [(row.kind, row.state) for row in self.notifications()]

    def spans(self) -> list[tuple[float, float | None, str]]:
        """Begin, end and level of every alert that was not taken back, in seconds."""
        return [
            (self._seconds(a.raised_at), a.cleared_at and self._seconds(a.cleared_at), a.level)
            for a in self.alerts()
            if a.retracted_at is None
        ]

    def _seconds(self, instant: datetime) -> float:
        return (instant - self.start).total_seconds()

    def unjudged(self) -> int:
        """Ledger rows that wait."""
        with self.database.admin() as admin:
            row = admin.execute(
                "SELECT count(*) FROM ingest_batches WHERE judged_at IS NULL"
            ).fetchone()
            return int(row[0]) if row else 0


def watch(
    database: Database,
    operator: Operator,
    start: datetime,
    params: dict[str, Any] | None = None,
    *,
    tag: int | None = None,
    **words: Any,
) -> Gauge:
    """Make a rule on an operator's tag, as if it had been made at `start`."""
    tag_id = operator.tags[0] if tag is None else tag
    with Session(database.engine("owner")) as session, session.begin():
        made = rules.create(
            session, operator.id, tag_id, "Tubing pressure low", params or LOW, **words
        )
        rule = made.id
    touch(database, rule, start)
    return Gauge(database, operator, start, tag_id, rule)


def touch(database: Database, rule: uuid.UUID, at: datetime) -> None:
    """Let a rule have been made, or changed, at an instant."""
    with database.engine("owner").begin() as connection:
        connection.execute(
            text(
                "UPDATE alert_rules SET updated_at = :at,"
                " created_at = CASE WHEN version = 1 THEN :at ELSE created_at END WHERE id = :id"
            ),
            {"at": at, "id": rule},
        )


def steady(value: float | None, seconds: Sequence[float]) -> list[tuple[float, float | None]]:
    """The same value at each of these seconds."""
    return [(second, value) for second in seconds]


def settings(database: Database, *, mail_port: int = 1, **more: str) -> HubSettings:
    """What the work process is told: a mail server on loopback, and webhooks may go there too."""
    return load(
        None,
        {
            "WELLFLOW_DATABASE_URL": database.url,
            "WELLFLOW_MQTT_URL": "mqtt://hub:secret@127.0.0.1:1",
            "WELLFLOW_SECRET_KEY": base64.b64encode(bytes(range(32))).decode(),
            "WELLFLOW_MAIL_HOST": "127.0.0.1",
            "WELLFLOW_MAIL_PORT": str(mail_port),
            "WELLFLOW_MAIL_SECURITY": "none",
            "WELLFLOW_MAIL_SENDER": "WellFlow <alerts@hub.example>",
            "WELLFLOW_WEB_PUBLIC_URL": "https://hub.example",
            "WELLFLOW_WEBHOOK_ALLOW_PRIVATE": "true",
        }
        | more,
    )


def rule_of(gauge: Gauge) -> AlertRule:
    """The rule as it stands."""
    with Session(gauge.database.engine("owner")) as session:
        return session.get_one(AlertRule, gauge.rule)
