"""API keys: how a program shows who it is.

A key reads ``wf_<prefix>_<secret>``. The database holds its SHA-256 only; a secret of 256 random
bits needs no slow hash. A key acts for one organization with one role, as far as its scopes reach;
what it changes stands in the audit trail under the person who made it, with the key's prefix.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import string
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

from sqlalchemy import Engine, text, update
from sqlalchemy.orm import Session

from hub.database import Actor
from hub.errors import HubError
from hub.schema.platform import SCOPES, ApiKey
from hub.schema.tenancy import ROLES

Right = Literal["read", "write"]

LONGEST_NAME: Final = 80
_PREFIX: Final = 8
_KEY: Final = re.compile(r"wf_([a-z0-9]{8})_[A-Za-z0-9_-]{43}")
_SCOPE: Final = re.compile(rf"({'|'.join(SCOPES)})(:[a-z_]+)?")


class KeyRefused(HubError):  # noqa: N818 - named as what happened, not as what broke
    """A key cannot be made; `field` names what is wrong."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


@dataclass(frozen=True, slots=True)
class MadeKey:
    """A new key; `presented` is shown once and kept nowhere."""

    id: uuid.UUID
    prefix: str
    presented: str


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """The program behind a key."""

    key_id: uuid.UUID
    name: str
    prefix: str
    organization_id: uuid.UUID
    organization: str
    timezone: str
    role: str
    scopes: frozenset[str]
    created_by: uuid.UUID | None
    membership_id: uuid.UUID | None  #: of the person who made it, while that person works there

    def may(self, right: Right, table: str) -> bool:
        """Whether its scopes reach a table; writing includes reading what is written."""
        wanted = {right, f"{right}:{table}"}
        if right == "read":
            wanted |= {"write", f"write:{table}"}
        return not wanted.isdisjoint(self.scopes)

    def actor(self, address: str) -> Actor:
        """Who acts when this program does: its maker, with the key's role."""
        return Actor(
            self.created_by,
            self.membership_id,
            self.role,
            "api",
            f"{address} (key {self.prefix})".strip(),
        )


def make(
    session: Session,
    organization_id: uuid.UUID,
    *,
    name: str,
    role: str,
    scopes: Iterable[str],
    expires_at: datetime | None = None,
) -> MadeKey:
    """Make a key; raises `KeyRefused` with the field and one sentence. The database lets owners."""
    wanted = sorted(set(scopes))
    check(name, role, wanted, expires_at)
    prefix = "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(_PREFIX))
    presented = f"wf_{prefix}_{secrets.token_urlsafe(32)}"
    key = ApiKey(
        organization_id=organization_id,
        name=name.strip(),
        prefix=prefix,
        secret_hash=hashed(presented),
        scopes=wanted,
        role=role,
        expires_at=expires_at,
    )
    session.add(key)
    session.flush()
    return MadeKey(key.id, prefix, presented)


def check(name: str, role: str, scopes: list[str], expires_at: datetime | None) -> None:
    """Raise `KeyRefused` for what no key may be."""
    if not 0 < len(name.strip()) <= LONGEST_NAME or not name.isprintable():
        raise KeyRefused(
            "name", f"Name must say what uses the key, in 1 to {LONGEST_NAME} letters."
        )
    if role not in ROLES:
        raise KeyRefused("role", f"Role must be one of {', '.join(ROLES)}.")
    if not scopes or not all(_SCOPE.fullmatch(scope) for scope in scopes):
        raise KeyRefused("scopes", "Scopes must be read, write, or like read:wells for one table.")
    if expires_at is not None and expires_at <= datetime.now(UTC):
        raise KeyRefused("expires_at", "Expires at must lie in the future, or be left empty.")


def verify(engine: Engine, presented: str) -> KeyHolder | None:
    """The program behind a key; None when there is no such key, or it has ended."""
    form = _KEY.fullmatch(presented)
    if form is None:
        return None
    with engine.begin() as connection:
        found = connection.execute(
            text("SELECT * FROM api_key_lookup(:prefix, :hash)"),
            {"prefix": form[1], "hash": hashed(presented)},
        ).first()
    if found is None:
        return None
    return KeyHolder(
        found.key_id,
        found.name,
        form[1],
        found.organization_id,
        found.organization,
        found.timezone,
        found.role,
        frozenset(found.scopes),
        found.created_by,
        found.membership_id,
    )


def revoke(session: Session, key_id: uuid.UUID) -> bool:
    """End a key at once; False when this organization has none such, or it has ended already."""
    ended = session.execute(
        update(ApiKey)
        .where(ApiKey.id == key_id, ApiKey.revoked_at.is_(None))
        .values(revoked_at=datetime.now(UTC))
        .returning(ApiKey.id)
    )
    return ended.first() is not None


def hashed(presented: str) -> bytes:
    """What the database keeps of a key."""
    return hashlib.sha256(presented.encode()).digest()
