"""One entry of the trail as bytes, and the hash that chains it: pure."""

from __future__ import annotations

import hashlib
import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

#: What the first entry of a chain is sealed after.
GENESIS: Final = bytes(32)


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the trail as it is sealed; JSON as PostgreSQL writes `jsonb`, which is canonical:
    keys in one order, numbers exact.
    """

    id: int
    organization_id: uuid.UUID | None
    table_name: str
    row_id: uuid.UUID | None
    verb: str
    before: str | None
    after: str | None
    at: datetime
    user_id: uuid.UUID | None
    door: str
    address: str
    xid: int


def canonical(entry: Entry) -> bytes:
    """An entry as JSON that is the same for ever: keys sorted, no spaces, UTF-8, time in UTC."""
    told = {
        "address": entry.address,
        "after": entry.after,
        "at": entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "before": entry.before,
        "door": entry.door,
        "id": entry.id,
        "organization_id": _word(entry.organization_id),
        "row_id": _word(entry.row_id),
        "table_name": entry.table_name,
        "user_id": _word(entry.user_id),
        "verb": entry.verb,
        "xid": entry.xid,
    }
    return json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def chained(previous: bytes, entry: Entry) -> bytes:
    """SHA-256 of the hash before it and the entry: changing either changes all that follow."""
    return hashlib.sha256(previous + canonical(entry)).digest()


def _word(key: uuid.UUID | None) -> str | None:
    return None if key is None else str(key)
