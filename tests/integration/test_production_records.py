"""Daily volumes on every tier: filled in, guarded, closed by month, never quietly corrected."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest
from psycopg.errors import CheckViolation, InsufficientPrivilege
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from hub.database import Actor, Tier, act_for
from tests import cast as people
from tests.cast import Cast
from tests.conftest import TIERS
from tests.servers.postgres import Database, Server, migrated

DAY = date(2024, 5, 4)


@dataclass
class Field:
    """A database of one tier with two operators in it."""

    database: Database
    cast: Cast

    @contextmanager
    def acting(self, role: str = "manager", *, keep: bool = False) -> Iterator[Connection]:
        """A transaction of Bluebonnet's console; undone at its end unless it is to be kept."""
        operator = self.cast.bluebonnet
        user = operator.pumper if role == "pumper" else operator.manager
        with self.database.engine("owner").connect() as connection:
            membership = connection.scalar(
                text("SELECT id FROM memberships WHERE user_id = :u AND organization_id = :o"),
                {"u": user, "o": operator.id},
            )
        with self.database.engine("app").connect() as connection:
            act_for(connection, operator.id, Actor(user, membership, role, "test"))
            yield connection
            connection.commit() if keep else connection.rollback()

    @property
    def well(self) -> uuid.UUID:
        return self.cast.bluebonnet.wells[0]


@pytest.fixture(scope="module", params=TIERS)
def field(request: pytest.FixtureRequest) -> Iterator[Field]:
    server: Server = request.getfixturevalue(f"{request.param}_server")
    database = server.fresh(migrated)
    yield Field(database, people.engage(database.engine("owner")))
    server.drop(database)


def record(connection: Connection, field: Field, day: date = DAY, **given: Any) -> uuid.UUID:
    """Enter a day of the first well; answers the record's key."""
    values = {
        "organization_id": field.cast.bluebonnet.id,
        "well_id": field.well,
        "production_date": day,
        "oil_bbl": 12,
        **given,
    }
    columns, places = ", ".join(values), ", ".join(f":{name}" for name in values)
    made = connection.scalar(
        text(f"INSERT INTO production_records ({columns}) VALUES ({places}) RETURNING id"), values
    )
    assert isinstance(made, uuid.UUID)
    return made


@contextmanager
def refused(constraint: str, column: str | None, sentence: str) -> Iterator[None]:
    """The database refuses by this rule, about this column, in this sentence."""
    with pytest.raises(DBAPIError) as caught:
        yield
    fault = caught.value.orig
    assert isinstance(fault, CheckViolation), fault
    assert (fault.diag.constraint_name, fault.diag.column_name) == (constraint, column)
    assert sentence in (fault.diag.message_primary or "")


def read(connection: Connection, key: uuid.UUID) -> Any:
    return connection.execute(
        text("SELECT * FROM production_records WHERE id = :id"), {"id": key}
    ).one()


def test_records_are_a_hypertable_where_there_is_timescale(field: Field) -> None:
    with field.acting() as connection:
        for year in (1995, 2010, 2024):
            record(connection, field, date(year, 5, 4))
        assert connection.scalar(text("SELECT count(*) FROM production_records")) == 3
        if field.database.tier is not Tier.PLAIN:
            chunks = connection.scalar(
                text(
                    "SELECT count(*) FROM timescaledb_information.chunks"
                    " WHERE hypertable_name = 'production_records'"
                )
            )
            assert chunks == 3


def test_the_only_completion_of_a_well_need_not_be_named(field: Field) -> None:
    with field.acting() as connection:
        key = record(connection, field)
        assert read(connection, key).completion_id == field.well  # the first one bears its key
        connection.execute(
            text(
                "INSERT INTO completions (organization_id, well_id, name)"
                " VALUES (:o, :w, 'Wolfcamp')"
            ),
            {"o": field.cast.bluebonnet.id, "w": field.well},
        )
        with refused("completions_named", "completion_id", "This well has several completions"):
            record(connection, field, DAY + timedelta(days=1))


def test_one_record_a_day_and_kind(field: Field) -> None:
    with field.acting() as connection:
        record(connection, field)
        record(connection, field, record_kind="allocated")
        with pytest.raises(DBAPIError, match="production_records_day_key"):
            record(connection, field)


def test_nothing_reported_is_not_zero_and_only_adjustments_take_back(field: Field) -> None:
    with field.acting() as connection:
        row = read(connection, record(connection, field, oil_bbl=None, water_bbl=0))
        assert (row.oil_bbl, row.water_bbl) == (None, 0)
        record(connection, field, record_kind="adjusted", oil_bbl=None, water_bbl=-3)
        with pytest.raises(DBAPIError, match="production_records_water_bbl_check"):
            record(connection, field, DAY + timedelta(days=1), water_bbl=-3)


def test_a_correction_keeps_what_was_there_before(field: Field) -> None:
    with field.acting() as connection:
        key = record(connection, field)
        change = text("UPDATE production_records SET oil_bbl = :oil, note = :note WHERE id = :id")
        connection.execute(change, {"oil": 12, "note": "gauged twice", "id": key})
        assert read(connection, key).revision == 0  # no figure was changed
        connection.execute(change, {"oil": 14, "note": "gauged twice", "id": key})
        assert read(connection, key).revision == 1
        connection.execute(text("DELETE FROM production_records WHERE id = :id"), {"id": key})
        before = connection.execute(
            text(
                "SELECT revision, oil_bbl::int, deleted, replaced_by FROM production_revisions"
                " WHERE record_id = :id ORDER BY revision"
            ),
            {"id": key},
        ).fetchall()
        manager = field.cast.bluebonnet.manager
        assert [tuple(row) for row in before] == [(0, 12, False, manager), (1, 14, True, manager)]


def test_the_trail_names_the_table_and_not_a_piece_of_it(field: Field) -> None:
    with field.acting() as connection:
        key = record(connection, field)
        connection.execute(
            text("UPDATE production_records SET oil_bbl = 13 WHERE id = :id"), {"id": key}
        )
        entries = connection.execute(
            text("SELECT table_name, verb FROM audit_log WHERE row_id = :id ORDER BY id"),
            {"id": key},
        ).fetchall()
    assert [tuple(row) for row in entries] == [
        ("production_records", "insert"),
        ("production_records", "update"),
    ]


def close(connection: Connection, field: Field, state: str) -> None:
    connection.execute(
        text(
            "INSERT INTO accounting_periods (organization_id, module, month, state)"
            " VALUES (:o, 'production', '2024-05-01', :state)"
            " ON CONFLICT (organization_id, module, month) DO UPDATE SET state = excluded.state"
        ),
        {"o": field.cast.bluebonnet.id, "state": state},
    )


def test_a_closed_month_is_left_as_it_is_and_can_be_opened_again(field: Field) -> None:
    with field.acting() as connection:
        key = record(connection, field)
        close(connection, field, "closed")
        for statement in (
            "UPDATE production_records SET oil_bbl = 1 WHERE id = :id",
            "DELETE FROM production_records WHERE id = :id",
        ):
            with (
                refused("accounting_periods_closed", "production_date", "month 2024-05 is closed"),
                connection.begin_nested(),
            ):
                connection.execute(text(statement), {"id": key})
        with (
            refused("accounting_periods_closed", "production_date", "open it again"),
            connection.begin_nested(),
        ):
            record(connection, field, DAY + timedelta(days=1))
        record(connection, field, date(2024, 6, 1))
        close(connection, field, "open")
        record(connection, field, DAY + timedelta(days=1))


def test_a_month_being_closed_is_left_to_the_office(field: Field) -> None:
    today = _today(field)
    with field.acting() as connection:
        connection.execute(
            text(
                "INSERT INTO accounting_periods (organization_id, module, month, state)"
                " VALUES (:o, 'production', date_trunc('month', CAST(:d AS date)), 'soft_closed')"
            ),
            {"o": field.cast.bluebonnet.id, "d": today},
        )
        record(connection, field, today)
        connection.execute(text("SELECT set_config('app.role', 'pumper', true)"))
        with refused("accounting_periods_soft_closed", "production_date", "only the office"):
            record(connection, field, today, record_kind="field_estimate")


def test_closing_a_month_waits_for_entries_on_their_way(field: Field) -> None:
    """Whichever comes first, nobody ends up with an entry in a month closed before it."""
    began, closed = threading.Event(), threading.Event()

    def shut() -> None:
        began.wait(10)
        with field.acting() as connection:
            close(connection, field, "closed")
            closed.set()

    closer = threading.Thread(target=shut)
    closer.start()
    with field.acting() as connection:
        record(connection, field)
        began.set()
        assert not closed.wait(0.4)
    assert closed.wait(10)
    closer.join()


def _today(field: Field) -> date:
    with field.acting() as connection:
        found = connection.scalar(
            text("SELECT production_day(:o, now())"), {"o": field.cast.bluebonnet.id}
        )
    assert isinstance(found, date)
    return found


@pytest.fixture
def routed(field: Field) -> Iterator[None]:
    """The pumper looks after the lease."""
    operator = field.cast.bluebonnet
    with field.database.engine("owner").begin() as connection:
        connection.execute(
            text(
                "INSERT INTO lease_assignments (organization_id, membership_id, lease_id, from_day)"
                " SELECT :o, id, :l, '2020-01-01' FROM memberships"
                " WHERE user_id = :u AND organization_id = :o ON CONFLICT DO NOTHING"
            ),
            {"o": operator.id, "l": operator.lease, "u": operator.pumper},
        )
    yield
    with field.database.engine("owner").begin() as connection:
        connection.execute(text("DELETE FROM lease_assignments WHERE from_day = '2020-01-01'"))


@pytest.mark.usefixtures("routed")
def test_a_pumper_changes_only_his_own_entries_of_open_days(field: Field) -> None:
    today = _today(field)
    with field.acting("manager") as connection:
        office = record(connection, field, today)
        connection.execute(
            text(
                "SELECT set_config('app.role', 'pumper', true), set_config('app.user_id', :u, true)"
            ),
            {"u": str(field.cast.bluebonnet.pumper)},
        )
        connection.execute(
            text(
                "SELECT set_config('app.membership_id', id::text, true) FROM memberships"
                " WHERE user_id = :u"
            ),
            {"u": field.cast.bluebonnet.pumper},
        )
        own = record(connection, field, today, record_kind="field_estimate")
        changed = {
            key: connection.execute(
                text("UPDATE production_records SET note = 'mine' WHERE id = :id"), {"id": key}
            ).rowcount
            for key in (office, own)
        }
        assert changed == {office: 0, own: 1}
        deleted = connection.execute(text("DELETE FROM production_records")).rowcount
        assert deleted == 1
        with refused("production_records_entry_days", "production_date", "ask the office"):
            record(connection, field, today - timedelta(days=3))


@pytest.mark.usefixtures("routed")
def test_a_pumper_does_not_enter_days_that_have_not_come(field: Field) -> None:
    tomorrow = _today(field) + timedelta(days=1)
    with (
        field.acting("pumper") as connection,
        refused("production_records_future", "production_date", "not come yet"),
    ):
        record(connection, field, tomorrow)


def test_a_pumper_without_a_route_sees_and_enters_nothing(field: Field) -> None:
    with field.database.engine("owner").begin() as connection:
        connection.execute(text("DELETE FROM lease_assignments"))
    with field.acting("pumper") as connection:
        assert connection.scalar(text("SELECT count(*) FROM wells")) == 0
        with pytest.raises(DBAPIError) as caught:
            record(connection, field, _today(field), completion_id=field.well)
    assert isinstance(caught.value.orig, InsufficientPrivilege)


def test_a_piece_of_the_table_is_no_way_around_the_rules(field: Field) -> None:
    """TimescaleDB's chunks have neither the policies of their table nor its column grants."""
    if field.database.tier is Tier.PLAIN:
        return
    with field.database.engine("owner").begin() as connection:
        key = record(connection, field, date(2003, 1, 2))
    with field.database.engine("owner").connect() as connection:
        chunk = connection.scalar(
            text(
                "SELECT format('%I.%I', chunk_schema, chunk_name)"
                " FROM timescaledb_information.chunks"
                " WHERE hypertable_name = 'production_records' AND range_start <= '2003-01-02'"
                " AND range_end > '2003-01-02'"
            )
        )
    for statement in (
        f"SELECT count(*) FROM {chunk}",
        f"UPDATE {chunk} SET oil_bbl = 0",
        f"INSERT INTO {chunk} (production_date) VALUES ('2003-01-02')",
        f"TRUNCATE {chunk}",
    ):
        with (
            _as_cimarron(field) as connection,
            pytest.raises(DBAPIError, match="permission denied"),
        ):
            connection.execute(text(statement))
    with _as_cimarron(field) as connection:
        assert connection.execute(text(f"DELETE FROM {chunk}")).rowcount == 0
    with field.database.engine("owner").begin() as connection:
        assert read(connection, key).oil_bbl == 12
        connection.execute(text("DELETE FROM production_records WHERE id = :id"), {"id": key})


@contextmanager
def _as_cimarron(field: Field) -> Iterator[Connection]:
    with field.database.engine("app").connect() as connection:
        act_for(connection, field.cast.cimarron.id)
        yield connection
        connection.rollback()


def test_another_operators_well_or_completion_cannot_be_meant(field: Field) -> None:
    """Not even by the owner of the tables."""
    other = field.cast.cimarron.wells[0]
    with field.database.engine("owner").connect() as connection:
        with pytest.raises(DBAPIError, match="violates foreign key"), connection.begin_nested():
            record(connection, field, well_id=other, completion_id=other)
        with pytest.raises(DBAPIError, match="violates foreign key"), connection.begin_nested():
            record(connection, field, completion_id=other)
        second = field.cast.bluebonnet.wells[1]
        with pytest.raises(DBAPIError, match="violates foreign key"), connection.begin_nested():
            record(connection, field, completion_id=second)
