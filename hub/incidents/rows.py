"""Writing a row with the columns that are given, and no others: the rest is the database's."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, TypeVar

from sqlalchemy import insert
from sqlalchemy.orm import Session

from hub.schema.base import Base, uuid7

Row = TypeVar("Row", bound=Base)


def write(
    session: Session, model: type[Row], organization: uuid.UUID, values: Mapping[str, Any]
) -> Row:
    """Insert one row; answers it as the database made it."""
    key = uuid7()
    row = {"id": key, "organization_id": organization, **values}
    session.execute(insert(model).values(row))
    return session.get_one(model, key)
