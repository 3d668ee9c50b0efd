"""Chains what was committed: one hash per entry, without gaps, one chain per organization.

An entry is sealed once its transaction has ended for everybody (PostgreSQL's snapshot horizon), so
nothing can appear later in front of what is sealed. Entries keep no mark of their own, they are
never written again: `audit_progress` remembers the horizon of the last pass, below which all is
sealed. A restored database counts its transactions anew: a horizon from another life is told by
lying in the future, and the pass then looks at everything once.
"""

from __future__ import annotations

import uuid
from typing import Final

from sqlalchemy import Connection, Engine, text

from hub.trail.canonical import GENESIS, Entry, chained

#: Entries chained in one transaction.
BATCH: Final = 10_000
LOCK: Final = 0x53454C  # "SEAL": two sealers would give one number twice

COLUMNS: Final = (
    "e.id, e.organization_id, e.table_name, e.row_id, e.verb, e.before::text, e.after::text,"
    " e.at, e.user_id, e.door, e.address, e.xid"
)
_HORIZON: Final = text(
    """
    SELECT pg_snapshot_xmin(now)::text::bigint AS settled,
           pg_snapshot_xmax(now)::text::bigint AS begun,
           coalesce((SELECT xid FROM audit_progress), 0) AS sealed
    FROM pg_current_snapshot() AS now
    """
)
# What was written in another life of the database has a number that has not come yet here.
_DUE: Final = text(
    f"SELECT {COLUMNS}"  # noqa: S608 - our own words
    """
    FROM audit_log e
    WHERE e.xid >= :sealed AND (e.xid < :settled OR e.xid >= :begun)
      AND NOT EXISTS (SELECT FROM audit_seals s WHERE s.entry_id = e.id)
    ORDER BY e.id
    LIMIT :batch
    """
)
_HEADS: Final = text(
    """
    SELECT o.organization_id, s.number, s.hash
    FROM unnest(CAST(:organizations AS uuid[])) AS o (organization_id)
    CROSS JOIN LATERAL (
        SELECT a.number, a.hash FROM audit_seals a
        WHERE a.organization_id IS NOT DISTINCT FROM o.organization_id
        ORDER BY a.number DESC LIMIT 1) AS s
    """
)


def seal_due(engine: Engine, *, batch: int = BATCH) -> int:
    """Chain every entry whose transaction has ended; answers how many, 0 if another does it."""
    total = 0
    while True:
        with engine.begin() as connection:
            sealed = _pass(connection, batch)
        total += sealed
        if sealed < batch:
            return total


def _pass(connection: Connection, batch: int) -> int:
    """Seal one batch; only the last one of a run moves the horizon, the others leave some below."""
    if not connection.scalar(text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": LOCK}):
        return 0
    settled, begun, sealed = connection.execute(_HORIZON).one()
    since = 0 if sealed > begun else sealed
    due = connection.execute(
        _DUE, {"sealed": since, "settled": settled, "begun": begun, "batch": batch}
    )
    entries = [Entry(*row) for row in due]
    _chain(connection, entries)
    if len(entries) < batch and settled != sealed:
        connection.execute(_REMEMBER, {"xid": settled})
    return len(entries)


_REMEMBER: Final = text(
    "INSERT INTO audit_progress (xid) VALUES (:xid) ON CONFLICT (one) DO UPDATE SET xid = :xid"
)


def _chain(connection: Connection, entries: list[Entry]) -> None:
    """Give each entry the next number of its organization's chain."""
    if not entries:
        return
    heads = _heads(connection, {entry.organization_id for entry in entries})
    rows = []
    for entry in entries:
        number, previous = heads.get(entry.organization_id, (0, GENESIS))
        heads[entry.organization_id] = number + 1, chained(previous, entry)
        rows.append((entry.id, entry.organization_id, *heads[entry.organization_id]))
    ids, organizations, numbers, hashes = (list(column) for column in zip(*rows, strict=True))
    connection.execute(_SEAL, {"i": ids, "o": organizations, "n": numbers, "h": hashes})


_SEAL: Final = text(
    "INSERT INTO audit_seals (entry_id, organization_id, number, hash) SELECT * FROM"
    " unnest(CAST(:i AS bigint[]), CAST(:o AS uuid[]), CAST(:n AS bigint[]), CAST(:h AS bytea[]))"
)


def _heads(
    connection: Connection, organizations: set[uuid.UUID | None]
) -> dict[uuid.UUID | None, tuple[int, bytes]]:
    found = connection.execute(_HEADS, {"organizations": list(organizations)})
    return {row.organization_id: (row.number, bytes(row.hash)) for row in found}
