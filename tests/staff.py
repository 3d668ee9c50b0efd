"""A database in which a pumper has one of an operator's two leases on his route."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from hub.console.passwords import hash_password
from hub.database import Actor, tenant_session
from hub.schema import Lease, Membership, Well
from tests import cast as people
from tests.cast import Cast, Operator
from tests.everything import add_everything
from tests.servers.postgres import Database, Server, migrated


@dataclass
class House:
    """A database in which Carl has one of Bluebonnet's two leases on his route."""

    database: Database
    cast: Cast
    far: dict[str, Any] = field(default_factory=dict)  #: what stands on the other lease

    def member(self, user: uuid.UUID, operator: Operator | None = None) -> uuid.UUID:
        with Session(self.database.engine("owner")) as session:
            found = session.scalar(
                select(Membership.id).where(
                    Membership.user_id == user,
                    Membership.organization_id == (operator or self.cast.bluebonnet).id,
                )
            )
        assert found
        return found

    def session(self, role: str, user: uuid.UUID | None = None) -> Any:
        person = user or self.cast.bluebonnet.pumper
        who = Actor(person, self.member(person), role, "console", "10.1.2.3")
        return tenant_session(self.database.engine("app"), self.cast.bluebonnet.id, who)

    def sql(self, statement: str, **values: Any) -> None:
        with self.database.engine("owner").begin() as connection:
            connection.execute(text(statement), values)


@contextmanager
def open_house(server: Server) -> Iterator[House]:
    database = server.fresh(migrated)
    cast = people.engage(database.engine("owner"))
    house = House(database, cast)
    house.far = _far_lease(house)
    yield house
    server.drop(database)


def _far_lease(house: House) -> dict[str, Any]:
    """A second lease with a well, and on it a pump, a box, a gauge, a rule and an alert."""
    own = house.cast.bluebonnet
    with house.database.engine("owner").begin() as connection:
        rows = add_everything(connection, own)
    with Session(house.database.engine("owner"), expire_on_commit=False) as session:
        lease = Lease(organization_id=own.id, name="Far Lease")
        session.add(lease)
        session.flush()
        well = Well(organization_id=own.id, lease_id=lease.id, name="Far 1")
        session.add(well)
        session.flush()
        for table in ("equipment", "agents", "tags", "alerts"):
            statement = text(f"UPDATE {table} SET well_id = :well WHERE id = :id")
            session.execute(statement, {"well": well.id, "id": rows[table]["id"]})
        session.commit()
    return rows | {"lease": lease.id, "well": well.id}


def add(house: House, email: str, role: str = "viewer", by: str = "owner") -> Any:
    with house.session(by, house.cast.bluebonnet.owner) as session:
        return session.execute(
            text("SELECT * FROM member_add(:email, 'New Hand', :role, :hash)"),
            {"email": email, "role": role, "hash": hash_password("walking-beam-7")},
        ).one()
