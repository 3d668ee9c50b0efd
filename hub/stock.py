"""What a database holds, in numbers that tell whether a backup came back whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, text

from hub.database import Tier, tier_of
from hub.migrate import revision_of

#: The ledger's own sums, and what the readings themselves add up to.
_SUMS = text(
    """
    SELECT (SELECT coalesce(sum(readings), 0) FROM ingest_batches)::text AS ledger_readings,
           (SELECT coalesce(sum(checksum), 0) FROM ingest_batches)::text AS ledger_checksum,
           (SELECT coalesce(sum(number), 0) FROM streams)::text AS stream_numbers,
           (SELECT coalesce(sum(extract(epoch FROM time)), 0) FROM readings)::text AS times,
           (SELECT coalesce(sum(tag_id), 0) FROM readings)::text AS tags,
           (SELECT count(value) FROM readings)::text AS with_value
    """
)

_VERSIONS = text(
    """
    SELECT current_setting('server_version_num')::int / 10000,
           (SELECT extversion FROM pg_extension WHERE extname = 'timescaledb')
    """
)

#: Tables of ours; partitions and chunks are counted with the table they belong to.
_TABLES = text(
    """
    SELECT c.relname FROM pg_class c
    WHERE c.relnamespace = 'public'::regnamespace
      AND c.relkind IN ('r', 'p') AND NOT c.relispartition
      AND c.relowner = 'wellflow_owner'::regrole
    ORDER BY 1
    """
)


@dataclass(frozen=True, slots=True)
class Stock:
    """Row counts by table, sums over ledger and readings, and what the database is."""

    tier: Tier
    revision: str
    server: int  #: major version of PostgreSQL
    extension: str | None  #: version of TimescaleDB
    tables: Mapping[str, int]
    sums: Mapping[str, str]

    @property
    def summary(self) -> str:
        """One line for people."""
        rows = sum(self.tables.values())
        return f"{rows:,} rows in {len(self.tables)} tables, {self.tables['readings']:,} readings"

    def differences(self, other: Stock) -> list[str]:
        """What another stock has otherwise, one phrase each; empty when it holds the same."""
        found = [
            f"{what} {mine} is {theirs} now"
            for what, mine, theirs in (
                ("storage tier", self.tier.title, other.tier.title),
                ("revision", self.revision, other.revision),
            )
            if mine != theirs
        ]
        for mine, theirs in ((self.tables, other.tables), (self.sums, other.sums)):
            found += [
                f"{key}: {mine.get(key, 0)} before, {theirs.get(key, 0)} now"
                for key in sorted({*mine, *theirs})
                if mine.get(key) != theirs.get(key)
            ]
        return found

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self) | {"tier": self.tier.value}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Stock:
        """Read plain values again; raises `ValueError` or `KeyError` for others."""
        return cls(
            Tier(values["tier"]),
            str(values["revision"]),
            int(values["server"]),
            values["extension"],
            {str(key): int(count) for key, count in values["tables"].items()},
            {str(key): str(total) for key, total in values["sums"].items()},
        )


def take_stock(connection: Connection) -> Stock:
    """Count everything, in the connection's own view of the database."""
    connection.execute(text("SET ROLE wellflow_owner"))  # who sees every row, by policy
    names = connection.scalars(_TABLES).all()
    counts = {
        name: int(connection.scalar(text(f'SELECT count(*) FROM "{name}"')) or 0)  # noqa: S608 - a name from the catalog
        for name in names
        if name != "installation"  # where a restore is noted
    }
    sums = dict(connection.execute(_SUMS).mappings().one())
    connection.execute(text("RESET ROLE"))
    server, extension = connection.execute(_VERSIONS).one()
    revision = revision_of(connection) or ""
    return Stock(tier_of(connection), revision, server, extension, counts, sums)
