"""An operator's incidents: alerts as they stand, people who act, and what came of it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from hub.database import Actor, tenant_session
from hub.incidents import opening
from hub.incidents.opening import Report, Where
from hub.incidents.reckon import reckon
from hub.incidents.rounds import go_round
from hub.schema import Alert, AlertRule, Incident, IncidentEvent, IncidentNotice
from hub.schema.base import uuid7
from hub.standards import begin_incidents
from tests.cast import Cast, Operator
from tests.servers.postgres import Database

NOW = datetime.now(UTC).replace(microsecond=0)


@dataclass
class Desk:
    """One operator's incidents, as its people and the work process see them."""

    database: Database
    cast: Cast
    operator: Operator

    @contextmanager
    def acting(self, role: str = "manager") -> Iterator[Session]:
        """A session of a person of this role."""
        user: uuid.UUID = getattr(self.operator, role)
        with self.database.engine("owner").begin() as connection:
            member = connection.scalar(
                text("SELECT id FROM memberships WHERE organization_id = :o AND user_id = :u"),
                {"o": self.operator.id, "u": user},
            )
        actor = Actor(user, member, role, "console")
        with tenant_session(self.database.engine("app"), self.operator.id, actor) as session:
            yield session

    def round(self, now: datetime | None = None) -> int:
        """What the work process does every half minute."""
        return go_round(self.database.engine("work"), now)

    def alert(
        self,
        *,
        at: datetime = NOW,
        well: int = 0,
        message: str = "Tubing pressure low",
        kind: str = "limit",
        **values: Any,
    ) -> uuid.UUID:
        """An alert as the judge would have written it."""
        with Session(self.database.engine("owner")) as session, session.begin():
            rule = AlertRule(
                id=uuid7(),
                organization_id=self.operator.id,
                name=message,
                kind=kind,
                tag_id=self.operator.tags[0],
                params={"levels": {}},
            )
            session.add(rule)
            session.flush()
            row = {
                "rule_version": 1,
                "level": "hi",
                "priority": 3,
                "origin": "live",
                "setpoint": 1.0,
                "value": 2.0,
                "condition": "active",
                "detected_at": at,
                "ack": "unacked",
            } | values
            alert = Alert(
                id=uuid7(),
                organization_id=self.operator.id,
                rule_id=rule.id,
                tag_id=self.operator.tags[0],
                well_id=self.operator.wells[well],
                dedup_key=str(uuid7()),
                message=message,
                raised_at=at,
                **row,
            )
            session.add(alert)
            return alert.id

    def incidents(self) -> list[Incident]:
        """All incidents, in the order in which they were made."""
        with Session(self.database.engine("owner")) as session:
            listed = select(Incident).where(Incident.organization_id == self.operator.id)
            return list(session.scalars(listed.order_by(Incident.id)))

    def notices(self, incident: uuid.UUID) -> dict[str, IncidentNotice]:
        """What an incident owes, by the code of the rule."""
        with Session(self.database.engine("owner")) as session:
            rows = session.execute(
                text(
                    "SELECT n.id, r.code FROM incident_notices n"
                    " JOIN agency_rules r ON r.id = n.rule_id WHERE n.incident_id = :i"
                ),
                {"i": incident},
            ).all()
            return {row.code: session.get_one(IncidentNotice, row.id) for row in rows}

    def events(self, incident: uuid.UUID) -> list[IncidentEvent]:
        """The timeline, in the order in which it was written."""
        with Session(self.database.engine("owner")) as session:
            listed = select(IncidentEvent).where(IncidentEvent.incident_id == incident)
            return list(
                session.scalars(listed.order_by(IncidentEvent.created_at, IncidentEvent.id))
            )

    def sql(self, statement: str, **values: Any) -> Any:
        """Run a statement as the owner of the tables; answers the first value."""
        with self.database.engine("owner").begin() as connection:
            answer = connection.execute(text(statement), values)
            return answer.scalar() if answer.returns_rows else None


def desk_of(database: Database, cast: Cast) -> Desk:
    """Bluebonnet's incidents, with the shipped rules."""
    with database.engine("owner").begin() as connection:
        begin_incidents(connection, cast.bluebonnet.id)
    return Desk(database, cast, cast.bluebonnet)


def ago(**span: float) -> datetime:
    """So long before now."""
    return NOW - timedelta(**span)


#: Tables that a test leaves empty.
USED = (
    *("incident_events", "incident_alerts", "incident_notices", "incident_actions", "incidents"),
    *("alert_events", "alerts", "alert_rule_versions", "alert_rules"),
)


def clear(desk: Desk) -> None:
    """Take away all incidents and alerts, past every trigger."""
    with desk.database.admin() as admin:
        admin.execute("SET session_replication_role = replica")
        for table in USED:
            admin.execute(f"DELETE FROM {table}")


def report(desk: Desk, role: str = "pumper", **values: object) -> uuid.UUID:
    """Report a spill on the operator's lease, an hour ago; answers the incident."""
    told = {
        "kind": "spill",
        "summary": "Flowline leak",
        "at": ago(hours=1),
        "where": Where(lease_id=desk.operator.lease),
    } | values
    with desk.acting(role) as session:
        return opening.open_from_report(session, Report(desk.operator.id, **told)).id  # type: ignore[arg-type]


def move(desk: Desk, incident: uuid.UUID, role: str = "manager", **values: object) -> None:
    """Change an incident as a person of this role, and reckon anew."""
    with desk.acting(role) as session:
        row = session.get_one(Incident, incident)
        for name, value in values.items():
            setattr(row, name, value)
        session.flush()
        reckon(session, row)
