"""Migrations build exactly the schema, on every server the product runs on."""

from __future__ import annotations

from tests.servers.postgres import Database


def test_a_fresh_database_is_migrated_on_every_tier(tiered: Database) -> None:
    with tiered.admin() as connection:
        row = connection.execute("SELECT value->>'tier' FROM installation WHERE key='tier'")
        assert row.fetchone() == (tiered.tier.value,)
