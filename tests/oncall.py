"""An operator whose people are told by policies: alerts as they are raised, and who was told."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from hub.alerts.lifecycle import acknowledge
from hub.database import tenant_session
from hub.notify import escalation, keeping, routing
from hub.notify.keeping import Scope
from hub.notify.messages import Message
from hub.notify.outbox import Notice
from hub.notify.policies import Policy, Step, Target
from hub.notify.schedules import Layer, Roster
from hub.schema import Alert, ContactChannel, NotifyPreference
from hub.schema.base import uuid7
from tests.alerting import Gauge, watch
from tests.cast import Cast
from tests.servers.postgres import Database

#: A Wednesday, noon in Chicago.
NOON = datetime(2026, 6, 3, 17, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@dataclass
class Office:
    """Bluebonnet Energy: Alice the owner, Bob the manager, Carl the pumper."""

    database: Database
    cast: Cast
    gauge: Gauge

    @property
    def organization(self) -> uuid.UUID:
        """The operator."""
        return self.cast.bluebonnet.id

    @property
    def alice(self) -> uuid.UUID:
        """The owner."""
        return self.cast.bluebonnet.owner

    @property
    def bob(self) -> uuid.UUID:
        """The manager; he has mail."""
        return self.cast.bluebonnet.manager

    @property
    def carl(self) -> uuid.UUID:
        """The pumper."""
        return self.cast.bluebonnet.pumper

    def owner(self) -> Session:
        """A session that may do everything."""
        return Session(self.database.engine("owner"), expire_on_commit=False)

    def channel(self, user: uuid.UUID | None, kind: str = "email", worst: int = 4) -> uuid.UUID:
        """Give somebody a proven channel."""
        key = uuid7()
        with self.owner() as session, session.begin():
            session.add(
                ContactChannel(
                    id=key,
                    organization_id=self.organization,
                    user_id=user,
                    kind=kind,
                    address=f"{kind}-{key}@example.com",
                    worst_priority=worst,
                    proven_at=NOON,
                )
            )
        return key

    def prefer(self, user: uuid.UUID, **values: Any) -> None:
        """Say how somebody wants to be told."""
        with self.owner() as session, session.begin():
            session.add(NotifyPreference(organization_id=self.organization, user_id=user, **values))

    def policy(
        self,
        *steps: Step,
        priorities: Sequence[int] = (1, 2, 3, 4),
        place: dict[str, uuid.UUID] | None = None,
        **more: Any,
    ) -> uuid.UUID:
        """Set up a policy; `place` names what it is for, by column."""
        scope = Scope(tuple(priorities), **(place or {}))
        policy = Policy(**{"name": "test", "steps": steps} | more)
        with self.owner() as session, session.begin():
            return keeping.save_policy(session, self.organization, policy, scope)

    def rotation(self, *people: uuid.UUID) -> uuid.UUID:
        """People who take daily turns at seven, the first one's on the day of `NOON`."""
        layer = Layer(people, date(2026, 6, 3), time(7), 1)
        with self.owner() as session, session.begin():
            roster = Roster("America/Chicago", (layer,))
            return keeping.save_rotation(session, self.organization, "Field", roster)

    def alert(
        self,
        priority: int = 2,
        at: datetime = NOON,
        number: int = 0,
        session: Session | None = None,
    ) -> uuid.UUID:
        """Raise an alert, as the judge does: the row and the page in one transaction."""
        if session is not None:
            return self._raise(session, priority, at, number)
        with Session(self.database.engine("work")) as own, own.begin():
            return self._raise(own, priority, at, number)

    def alerts(
        self, priority: int, moments: Sequence[datetime], first: int, session: Session
    ) -> None:
        """Raise many alerts in one transaction, one page each."""
        made = [self._row(priority, at, number) for number, at in enumerate(moments, first)]
        session.add_all(made)
        session.flush()
        for alert in made:
            notice = self.notice(alert.id, priority, alert.raised_at)
            routing.page(session, notice, alert.raised_at)

    def _raise(self, session: Session, priority: int, at: datetime, number: int) -> uuid.UUID:
        alert = self._row(priority, at, number)
        session.add(alert)
        session.flush()
        routing.page(session, self.notice(alert.id, priority, at), at)
        return alert.id

    def _row(self, priority: int, at: datetime, number: int) -> Alert:
        return Alert(
            id=uuid7(),
            organization_id=self.organization,
            rule_id=self.gauge.rule,
            rule_version=1,
            tag_id=self.gauge.tag,
            well_id=self.cast.bluebonnet.wells[0],
            dedup_key=str(uuid7()),
            level="lo",
            priority=priority,
            setpoint=100.0,
            value=95.0,
            message=f"Tubing pressure low {number}",
            origin="live",
            condition="active",
            raised_at=at,
            detected_at=at,
        )

    def notice(self, alert: uuid.UUID, priority: int, at: datetime, kind: str = "raised") -> Notice:
        """What is told of an alert."""
        body = {"kind": kind, "priority": priority, "organization": "Bluebonnet", "headline": "x"}
        message = Message(f"Tubing pressure low, priority {priority}", body)
        return Notice(self.organization, alert, kind, at.isoformat(), priority, message)

    def take(self, minutes: float) -> int:
        """Take the steps that are due so many minutes after noon."""
        return escalation.take_due(self.database.engine("work"), NOON + minutes * MINUTE)

    def turn(self, minutes: float) -> None:
        """One turn of the work process so many minutes after noon."""
        escalation.turn(self.database.engine("work"), NOON + minutes * MINUTE)

    def acknowledge(self, alert: uuid.UUID, minutes: float) -> None:
        """Bob takes an alert on, in the console."""
        with tenant_session(self.database.engine("app"), self.organization) as session:
            acknowledge(session, alert, self.bob, None, NOON + minutes * MINUTE)

    def told(self) -> list[tuple[float, str, str]]:
        """Minute, first name and channel of every message owed, in order."""
        with self.owner() as session:
            rows = session.execute(
                text(
                    "SELECT n.created_at, coalesce(u.name, 'shared') AS name, c.kind"
                    " FROM notifications n JOIN contact_channels c ON c.id = n.channel_id"
                    " LEFT JOIN users u ON u.id = c.user_id ORDER BY n.created_at, n.id"
                )
            ).all()
        return [((row.created_at - NOON) / MINUTE, row.name.split()[0], row.kind) for row in rows]

    def rows(self, statement: str, **values: Any) -> list[Any]:
        """What a query of the database's owner finds."""
        with self.owner() as session, session.begin():
            return list(session.execute(text(statement), values))


def office(database: Database, cast: Cast) -> Office:
    """The operator, with a watched gauge."""
    return Office(database, cast, watch(database, cast.bluebonnet, NOON))


def to(user: uuid.UUID, channel_class: str = "own", minutes: float = 5, **more: Any) -> Step:
    """A step that tells one person."""
    return Step((Target("user", user),), channel_class, minutes * MINUTE, **more)
