"""What keeps operators apart: policies, rights, functions, and the views in front of telemetry.

Every table is tried as another operator in `test_isolation_sql` and `test_isolation_web`.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from hub.database import act_for
from hub.schema import Base
from hub.schema.scope import OUTSIDE_ORGANIZATIONS, WITHOUT_ROW_SECURITY
from tests.cast import Cast
from tests.intruder import House, open_house
from tests.servers.postgres import Database, Server, migrated
from tests.telemetry import settle, store, wave


@pytest.fixture(scope="module")
def house(plain_server: Server) -> Iterator[House]:
    database = plain_server.fresh(migrated)
    yield open_house(database)
    plain_server.drop(database)


def may(connection: Connection, table: str, right: str) -> bool:
    """Whether the role may do this to a table, or to any column of it."""
    kind = "has_table_privilege" if right == "DELETE" else "has_any_column_privilege"
    return bool(
        connection.scalar(text(f"SELECT {kind}(CAST(:t AS text), :r)"), {"t": table, "r": right})
    )


@pytest.mark.parametrize("name", [table.name for table in Base.metadata.sorted_tables])
def test_without_an_organization_nothing_is_seen(house: House, name: str) -> None:
    if name in {"installation", "readings_state"}:  # facts about the database, of no tenant
        return
    with house.database.engine("app").connect() as connection:
        if may(connection, name, "SELECT"):
            assert connection.scalar(text(f"SELECT count(*) FROM {name}")) == 0


def test_people_are_seen_only_by_operators_they_work_for(house: House) -> None:
    with house.as_cimarron() as connection:
        seen = set(connection.scalars(text("SELECT id FROM users")))
    cast = house.cast
    assert {cast.cimarron.owner, cast.cimarron.manager, cast.cimarron.pumper, cast.both} <= seen
    assert not seen & {cast.bluebonnet.owner, cast.bluebonnet.pumper, cast.nobody}


def test_the_console_cannot_read_a_password(house: House) -> None:
    with house.as_cimarron() as connection, pytest.raises(DBAPIError, match="permission denied"):
        connection.execute(text("SELECT password_hash FROM users"))


@pytest.mark.parametrize("name", sorted(OUTSIDE_ORGANIZATIONS))
def test_tables_outside_organizations_are_closed_or_filtered(house: House, name: str) -> None:
    filtered = {"organizations", "users", "quarantine", "audit_log", "audit_seals"}
    with house.as_cimarron() as connection:
        open_to_console = may(connection, name, "SELECT")
    assert open_to_console == (name in filtered | {"installation", "readings_state"})
    with house.as_cimarron() as connection:
        assert not may(connection, name, "DELETE")
        assert not may(connection, name, "INSERT")


def test_every_table_names_its_organization_or_a_reason_why_not() -> None:
    outside = {
        table.name
        for table in Base.metadata.sorted_tables
        if "organization_id" not in table.c or table.c.organization_id.nullable
    }
    assert outside == set(OUTSIDE_ORGANIZATIONS)


def test_every_table_has_forced_row_security_or_a_reason_why_not(house: House) -> None:
    with house.database.admin() as connection:
        rows = connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            " AND relkind IN ('r', 'p') AND NOT relispartition"
            " AND NOT (relrowsecurity AND relforcerowsecurity)"
        ).fetchall()
    assert {row[0] for row in rows} == set(WITHOUT_ROW_SECURITY)


def test_policies_are_few_and_each_names_its_role(house: House) -> None:
    with house.database.admin() as connection:
        rows = connection.execute(
            "SELECT tablename, policyname, roles::text[], qual FROM pg_policies"
            " WHERE schemaname = 'public' AND permissive = 'PERMISSIVE'"
        ).fetchall()
        narrower = connection.execute(
            "SELECT DISTINCT roles::text[] FROM pg_policies WHERE permissive = 'RESTRICTIVE'"
        ).fetchall()
    assert narrower == [(["wellflow_app"],)], "only what the console sees is narrowed further"
    for table, name, roles, condition in rows:
        assert "public" not in roles, table
        if name == "tenant":
            assert "app.organization_id" in condition, table
        elif name == "facts":
            assert table in {"installation", "readings_state"}
        else:
            assert roles == [f"wellflow_{name}"], table
    across = {(table, roles[0]) for table, name, roles, _ in rows if name in {"ingest", "work"}}
    closed = {"sessions", "sign_in_failures", "installation"}
    assert not {table for table, _ in across} & closed
    assert {table for table, role in across if role == "wellflow_ingest"} == INGEST
    assert {table for table, role in across if role == "wellflow_work"} == WORK


#: What the two workers reach across operators. A longer list needs a reason.
INGEST = {
    *("organizations", "agents", "agent_events", "config_epochs", "config_epoch_tags", "tags"),
    *("readings_latest", "streams", "stream_gaps", "ingest_batches", "quarantine"),
    "ingest_epochs",
    "alert_rules",  # whether an agent's alarm names a rule of its own tags: three columns
    *("site_alarms", "field_entries", "entry_photo_parts", "site_rules", "process_beats"),
}
WORK = {
    *("organizations", "users", "memberships", "leases", "wells", "equipment", "agents"),
    *("agent_events", "tags", "readings_state", "readings_latest", "streams", "stream_gaps"),
    *(
        "ingest_batches",
        "alert_rules",
        "alert_checkpoints",
        "alerts",
        "alert_holds",
        "alert_priorities",
        "flow_links",
        "alert_events",
    ),
    *("contact_channels", "notifications", "notification_attempts", "job_runs"),
    *("message_links", "delivery_turns", "provider_breakers"),  # what the deliverers keep
    *("rolled_hours", "rolled_days"),
    "documents",  # the sweep of content no row speaks of: two columns
    *("audit_log", "audit_seals", "audit_progress"),  # chained for all
    *("idempotency_keys", "feature_flags", "lease_assignments", "import_files"),
    *("rotations", "rotation_layers", "rotation_members", "rotation_overrides"),
    *("rotation_handoffs", "escalation_policies", "escalation_steps", "escalation_targets"),
    *("policy_versions", "notify_preferences", "escalation_runs", "pages", "storms", "digests"),
    "reach_checks",
    *("site_alarms", "field_entries", "field_pins", "site_rules", "process_beats"),
    *("entry_photo_parts", "quarantine"),  # photos put together, and what is no photo set aside
    "route_orders",  # part of what a site is signed
}


def test_nobody_but_the_owner_changes_what_proves_delivery(house: House) -> None:
    fixed = {
        "readings": {"wellflow_ingest": "INSERT"},
        "ingest_batches": {"wellflow_ingest": "INSERT"},
        "alert_events": {"wellflow_app": "INSERT", "wellflow_work": "INSERT"},
        "readings_aside": {},
        "config_epochs": {"wellflow_ingest": "INSERT"},
        "audit_log": {},
        "audit_seals": {"wellflow_work": "INSERT"},
    }
    with house.database.admin() as connection:
        for table, allowed in fixed.items():
            rows = connection.execute(
                "SELECT grantee, privilege_type FROM information_schema.table_privileges"
                " WHERE table_name = %s AND privilege_type <> 'SELECT'"
                " AND grantee <> 'wellflow_owner'",
                [table],
            ).fetchall()
            assert dict(rows) == allowed, table


def test_definer_functions_are_pinned_and_closed_to_the_public(house: House) -> None:
    with house.database.admin() as connection:
        rows = connection.execute(
            "SELECT p.proname, p.proowner::regrole::text, p.proconfig,"
            " has_function_privilege('public', p.oid, 'EXECUTE')"
            " FROM pg_proc p WHERE p.prosecdef AND p.pronamespace = 'public'::regnamespace"
        ).fetchall()
    assert len(rows) >= 12
    for name, owner, config, public in rows:
        assert owner == "wellflow_owner", name
        assert config == ["search_path=pg_catalog, public, pg_temp"], name
        assert not public, name


def test_nothing_is_open_to_the_public(house: House) -> None:
    with house.database.admin() as connection:
        rows = connection.execute(
            "SELECT relname FROM pg_class c, aclexplode(c.relacl) a"
            " WHERE c.relowner = 'wellflow_owner'::regrole AND a.grantee = 0"
        ).fetchall()
        owned = connection.execute(
            "SELECT count(*) FROM pg_class WHERE relowner IN ('wellflow_app'::regrole,"
            " 'wellflow_ingest'::regrole, 'wellflow_work'::regrole)"
        ).fetchone()
    assert rows == []
    assert owned == (0,)


# ------------------------------------------------------------------------ functions


def test_a_session_works_only_for_operators_of_its_person(house: House) -> None:
    app, cast = house.database.engine("app"), house.cast
    token = uuid.uuid4().bytes
    with app.begin() as connection:
        opened = connection.scalar(
            text("SELECT session_open(:t, :u, :until, '10.0.0.1', 'test')"),
            {
                "t": token,
                "u": cast.cimarron.pumper,
                "until": datetime.now(UTC) + timedelta(hours=1),
            },
        )
        assert opened == cast.cimarron.id
        foreign = {"t": token, "o": cast.bluebonnet.id}
        assert connection.scalar(text("SELECT session_switch(:t, :o)"), foreign) is False
        listed = connection.execute(text("SELECT name FROM session_organizations(:t)"), foreign)
        assert [row.name for row in listed] == ["Cimarron Oil"]
        found = connection.execute(
            text("SELECT * FROM session_lookup(:t, '1 hour', true)"), foreign
        ).one()
        assert (found.organization_id, found.role) == (cast.cimarron.id, "pumper")


def test_a_person_of_two_operators_can_turn_to_the_other(house: House) -> None:
    app, cast = house.database.engine("app"), house.cast
    values: dict[str, Any] = {"t": uuid.uuid4().bytes, "u": cast.both}
    with app.begin() as connection:
        first = connection.scalar(
            text("SELECT session_open(:t, :u, now() + '1 hour', null, null)"), values
        )
        other = next(operator for operator in cast.operators if operator.id != first)
        switched = connection.scalar(
            text("SELECT session_switch(:t, :o)"), values | {"o": other.id}
        )
        now_at = connection.execute(
            text("SELECT * FROM session_lookup(:t, '1 hour', true)"), values
        ).one()
    assert switched
    assert now_at.organization_id == other.id


def test_a_session_ends_with_the_work_with_the_person_and_with_disuse(house: House) -> None:
    app, cast = house.database.engine("app"), house.cast
    values = {"t": uuid.uuid4().bytes, "u": cast.cimarron.manager}
    with app.begin() as connection:
        connection.execute(
            text("SELECT session_open(:t, :u, now() + '1 hour', null, null)"), values
        )

    def alive() -> bool:
        with app.begin() as connection:
            return bool(
                connection.execute(
                    text("SELECT FROM session_lookup(:t, '4 hours', true)"), values
                ).all()
            )

    def change(statement: str) -> None:
        with house.database.engine("owner").begin() as connection:
            connection.execute(text(statement), values)

    assert alive()
    change("UPDATE memberships SET ended_at = now() WHERE user_id = :u")
    assert not alive()
    change("UPDATE memberships SET ended_at = NULL WHERE user_id = :u")
    change("UPDATE users SET disabled_at = now() WHERE id = :u")
    assert not alive()
    change("UPDATE users SET disabled_at = NULL WHERE id = :u")
    change("UPDATE sessions SET last_seen_at = now() - interval '5 hours' WHERE user_id = :u")
    assert not alive()


def test_someone_who_works_for_nobody_is_let_in_nowhere(house: House) -> None:
    values = {"t": uuid.uuid4().bytes, "u": house.cast.nobody}
    with house.database.engine("app").begin() as connection:
        opened = connection.scalar(
            text("SELECT session_open(:t, :u, now() + '1 hour', null, null)"), values
        )
        found = connection.execute(text("SELECT FROM session_lookup(:t, '1 hour', true)"), values)
        assert opened is None
        assert found.all() == []


def test_guessing_is_slowed_down_and_forgiven(house: House) -> None:
    with house.database.engine("app").begin() as connection:
        key = {"k": "account:alice@example.com"}
        for _ in range(10):
            assert connection.scalar(text("SELECT sign_in_allowed(:k)"), key)
            connection.execute(text("SELECT sign_in_failed(:k)"), key)
        assert not connection.scalar(text("SELECT sign_in_allowed(:k)"), key)
        connection.execute(text("SELECT sign_in_succeeded(:k)"), key)
        assert connection.scalar(text("SELECT sign_in_allowed(:k)"), key)


def test_sign_in_finds_one_person_by_address_only(house: House) -> None:
    with house.database.engine("app").begin() as connection:
        for asked, expected in [("ALICE@example.com", 1), ("%", 0), ("zoe@elsewhere.com", 0)]:
            rows = connection.execute(text("SELECT * FROM sign_in_lookup(:e)"), {"e": asked})
            assert len(rows.all()) == expected


# ---------------------------------------------------------------------------- telemetry


def test_telemetry_of_another_operator_leaks_through_no_view_and_no_function(
    tiered: Database, tiered_cast: Cast
) -> None:
    """A function that reports what it is given sees only rows the view lets through."""
    start = datetime.now(UTC) - timedelta(days=2)
    for operator in tiered_cast.operators:
        store(tiered, operator, wave(operator.tags[0], start, 200))
    settle(tiered)
    heard: list[str] = []
    with tiered.engine("app").connect() as connection:
        act_for(connection, tiered_cast.cimarron.id)
        raw: Any = connection.connection.driver_connection
        raw.add_notice_handler(lambda notice: heard.append(notice.message_primary))
        connection.execute(
            text(
                "CREATE FUNCTION pg_temp.tell(tag integer) RETURNS boolean LANGUAGE plpgsql"
                " COST 0.0000001 AS $$ BEGIN RAISE NOTICE 'tag %', tag; RETURN true; END $$"
            )
        )
        for view in ("reading_points", "reading_hours", "reading_days"):
            tags = connection.scalars(
                text(f"SELECT DISTINCT tag_id FROM {view} WHERE pg_temp.tell(tag_id)")
            ).all()
            assert tags == [tiered_cast.cimarron.tags[0]]
    assert set(heard) == {f"tag {tiered_cast.cimarron.tags[0]}"}


def test_the_console_has_no_right_on_anything_behind_the_views(
    tiered: Database, tiered_cast: Cast
) -> None:
    """Neither on chunks and aggregates that exist, nor on those made later."""
    start = datetime.now(UTC) - timedelta(days=10)
    store(tiered, tiered_cast.bluebonnet, wave(tiered_cast.bluebonnet.tags[0], start, 1400))
    settle(tiered)
    with tiered.admin() as connection:
        rows = connection.execute(
            "SELECT c.oid::regclass::text FROM pg_class c"
            " WHERE c.relowner = 'wellflow_owner'::regrole"
            " AND c.relkind IN ('r', 'p', 'v', 'm', 'f')"
            " AND (has_table_privilege('wellflow_app', c.oid, 'SELECT')"
            "      OR has_any_column_privilege('wellflow_app', c.oid, 'SELECT'))"
        ).fetchall()
    allowed = {table.name for table in Base.metadata.sorted_tables} - {"readings"}
    allowed |= {"reading_points", "reading_hours", "reading_days", "alembic_version", "suspense"}
    assert {row[0] for row in rows} <= allowed
