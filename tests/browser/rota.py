"""Who the scene's operator wakes: a rotation of two, somebody standing in, a policy."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from sqlalchemy.orm import Session

from hub.notify import keeping
from hub.notify.keeping import Scope
from hub.notify.policies import Policy, Step, Target
from hub.notify.schedules import Layer, Roster
from hub.schema import ContactChannel
from tests.browser.scene import Scene
from tests.servers.postgres import Database

MINUTE = timedelta(minutes=1)


def furnish(database: Database, scene: Scene) -> None:
    """Enter it, as a manager did last week."""
    now = datetime.now(UTC)
    people = list(scene.people.values())
    with Session(database.engine("owner")) as session, session.begin():
        for number, (name, user) in enumerate(list(scene.people.items())[:3]):
            mail = f"{name.split()[-1].lower()}@home.example"
            for kind, address in (("sms", f"+1432555017{number}"), ("email", mail)):
                session.add(
                    ContactChannel(
                        organization_id=scene.organization,
                        user_id=user,
                        kind=kind,
                        address=address,
                        proven_at=now - timedelta(days=3),
                    )
                )
        session.flush()
        monday = now.date() - timedelta(days=now.isoweekday() - 1 + 14)
        layer = Layer(tuple(people[:2]), monday, time(7), 2)
        field = keeping.save_rotation(
            session, scene.organization, "Field on call", Roster("America/Chicago", (layer,))
        )
        keeping.stand_in(
            session,
            scene.organization,
            rotation_id=field,
            user_id=people[1],
            starts_at=now + timedelta(hours=20),
            ends_at=now + timedelta(hours=30),
            reason="Dentist",
        )
        steps = (
            Step((Target("rotation", field),), "sms", 5 * MINUTE),
            Step((Target("user", people[1]),), "sms", 10 * MINUTE, times=2),
            Step((Target("role", role="manager"),), "all", 15 * MINUTE),
        )
        policy = Policy("Day and night", steps, rounds=2)
        keeping.save_policy(session, scene.organization, policy, Scope((1, 2)))
