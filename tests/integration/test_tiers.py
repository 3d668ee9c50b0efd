"""The same questions get the same answers on every storage tier."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from hub.database import Tier, tenant_session
from hub.readings import latest, series
from hub.readings.retention import Dropped, enforce, make_room
from hub.readings.rollups import roll_up
from tests import cast as people
from tests.cast import Cast
from tests.servers.postgres import Database, Server, migrated
from tests.telemetry import WEEK, Point, settle, store, stored, wave, week_start

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NOW = datetime.now(UTC).replace(microsecond=0)
LAST_WEEK = week_start(NOW) - WEEK


Buckets = dict[tuple[int, datetime], tuple[object, ...]]


def hours_of(points: list[Point]) -> Buckets:
    """What the rollups must say, worked out from the readings themselves."""
    return _buckets(points, lambda at: at.replace(minute=0, second=0))


def days_of(points: list[Point]) -> Buckets:
    return _buckets(points, lambda at: at.replace(hour=0, minute=0, second=0))


def _buckets(points: list[Point], start_of: Callable[[datetime], datetime]) -> Buckets:
    found: dict[tuple[int, datetime], list[float | None]] = defaultdict(list)
    for point in sorted(points, key=lambda point: point.at):
        found[point.tag, start_of(point.at)].append(point.value)
    return {key: _summary(values) for key, values in found.items()}


def _summary(values: list[float | None]) -> tuple[object, ...]:
    good = [value for value in values if value is not None]
    if not good:
        return (len(values), 0, None, None, None, None)
    average = pytest.approx(sum(good) / len(good))
    return (len(values), len(good), average, min(good), max(good), good[-1])


def rollup(session: Session, view: str) -> Buckets:
    rows = session.execute(
        text(f"SELECT tag_id, bucket, n, n_good, average, minimum, maximum, last_value FROM {view}")
    )
    return {(row[0], row[1]): tuple(row[2:]) for row in rows}


def check(database: Database, cast: Cast, points: list[Point]) -> None:
    """Compare all three views with the readings they must show."""
    with tenant_session(database.engine("app"), cast.bluebonnet.id) as session:
        shown = session.execute(text("SELECT tag_id, time, value, quality FROM reading_points"))
        assert sorted(map(tuple, shown), key=lambda row: row[:2]) == sorted(
            ((p.tag, p.at, p.value, p.quality) for p in points), key=lambda row: row[:2]
        )
        assert rollup(session, "reading_hours") == hours_of(points)
        assert rollup(session, "reading_days") == days_of(points)


def test_hours_and_days_equal_the_readings_before_and_after_rolling_up(
    tiered: Database, tiered_cast: Cast
) -> None:
    tags = tiered_cast.bluebonnet.tags
    points = wave(tags[0], NOW - 3 * DAY, 430) + wave(tags[1], NOW - 2 * DAY, 288)
    store(tiered, tiered_cast.bluebonnet, points)
    store(tiered, tiered_cast.cimarron, wave(tiered_cast.cimarron.tags[0], NOW - DAY, 100))
    check(tiered, tiered_cast, points)
    settle(tiered)
    check(tiered, tiered_cast, points)


def test_new_readings_show_in_the_rollups_at_once(tiered: Database, tiered_cast: Cast) -> None:
    tag = tiered_cast.bluebonnet.tags[0]
    points = wave(tag, NOW - 2 * DAY, 280)
    store(tiered, tiered_cast.bluebonnet, points)
    settle(tiered)
    fresh = [Point(tag, NOW - timedelta(seconds=s), 7000.0 + s) for s in (40, 30, 20)]
    store(tiered, tiered_cast.bluebonnet, fresh)
    check(tiered, tiered_cast, points + fresh)


def test_late_readings_enter_exactly_their_hours(tiered: Database, tiered_cast: Cast) -> None:
    tag = tiered_cast.bluebonnet.tags[0]
    points = wave(tag, NOW - 9 * DAY, 1200)
    store(tiered, tiered_cast.bluebonnet, points)
    settle(tiered)
    late = [Point(tag, NOW - 8 * DAY + timedelta(seconds=i), 9000.0) for i in range(50)]
    store(tiered, tiered_cast.bluebonnet, late)
    settle(tiered)
    check(tiered, tiered_cast, points + late)


def test_rolling_up_is_repeatable_and_marks_the_ledger(tiered: Database, tiered_cast: Cast) -> None:
    store(tiered, tiered_cast.bluebonnet, wave(tiered_cast.bluebonnet.tags[0], NOW - 2 * DAY, 200))
    settle(tiered)
    with tiered.engine("work").connect() as connection:
        left = connection.scalar(
            text("SELECT count(*) FROM ingest_batches WHERE rolled_at IS NULL AND to_time < :h"),
            {"h": NOW - 2 * HOUR},
        )
    assert left == 0
    again = roll_up(tiered.engine("work"))
    assert again.hours == 0


def test_readings_are_dropped_week_by_week_and_rollups_stay(
    tiered: Database, tiered_cast: Cast
) -> None:
    tag = tiered_cast.bluebonnet.tags[0]
    old, recent = LAST_WEEK - 4 * WEEK, NOW - DAY
    gone, kept = wave(tag, old, 2 * 1008), wave(tag, recent, 100)
    store(tiered, tiered_cast.bluebonnet, gone)
    store(tiered, tiered_cast.bluebonnet, kept)
    settle(tiered)
    done = enforce(tiered.engine("work"), (NOW - old).days - 14)
    assert done == [
        Dropped(old, old + WEEK, 1008, "dropped"),
        Dropped(old + WEEK, old + 2 * WEEK, 1008, "dropped"),
    ]
    assert stored(tiered) == len(kept)
    settle(tiered)
    with tenant_session(tiered.engine("app"), tiered_cast.bluebonnet.id) as session:
        assert rollup(session, "reading_hours") == hours_of(gone + kept)
        assert rollup(session, "reading_days") == days_of(gone + kept)
        course = series(session, [tag], old, old + DAY, points=288)[tag]
        assert course.resolution.source == "hours"
        assert len(course.times) == 24
    assert enforce(tiered.engine("work"), (NOW - old).days - 14) == []


def test_readings_that_come_after_their_time_was_dropped_are_set_aside(
    tiered: Database, tiered_cast: Cast
) -> None:
    tag = tiered_cast.bluebonnet.tags[0]
    old = LAST_WEEK - 4 * WEEK
    gone = wave(tag, old, 1008)
    days = (NOW - old).days - 7
    store(tiered, tiered_cast.bluebonnet, gone)
    settle(tiered)
    assert [piece.outcome for piece in enforce(tiered.engine("work"), days)] == ["dropped"]
    late = [Point(tag, old + HOUR + timedelta(seconds=i), 5.0) for i in range(10)]
    store(tiered, tiered_cast.bluebonnet, late)
    settle(tiered)
    assert [piece.outcome for piece in enforce(tiered.engine("work"), days)] == ["set aside"]
    with tenant_session(tiered.engine("app"), tiered_cast.bluebonnet.id) as session:
        assert rollup(session, "reading_hours") == hours_of(gone)
        shown = session.execute(text("SELECT time, value FROM reading_points ORDER BY time"))
        assert [tuple(row) for row in shown] == [(p.at, p.value) for p in late]


def test_readings_that_the_rollups_lack_are_not_dropped(
    tiered: Database, tiered_cast: Cast
) -> None:
    tag = tiered_cast.bluebonnet.tags[0]
    old = LAST_WEEK - 4 * WEEK
    store(tiered, tiered_cast.bluebonnet, wave(tag, old, 1008))
    settle(tiered)
    with tiered.engine("ingest").begin() as connection:  # without the ledger: no one rolls it up
        connection.execute(
            text("INSERT INTO readings VALUES (:at, 1, :org, :tag, 0)"),
            {"at": old + timedelta(seconds=1), "org": tiered_cast.bluebonnet.id, "tag": tag},
        )
    done = enforce(tiered.engine("work"), (NOW - old).days - 7)
    assert done == [Dropped(old, old + WEEK, 1009, "kept")]
    assert stored(tiered) == 1009


def test_recent_readings_cannot_be_dropped(tiered: Database) -> None:
    with pytest.raises(DBAPIError, match="last seven days cannot be dropped"):
        enforce(tiered.engine("work"), 6)


def test_there_is_always_room_for_readings(tiered: Database) -> None:
    work = tiered.engine("work")
    make_room(work)
    assert make_room(work) == 0
    made = make_room(work, NOW + 10 * WEEK)
    assert (made > 0) is (tiered.tier is Tier.PLAIN)


def test_the_console_cannot_read_the_readings_behind_the_views(
    tiered: Database, tiered_cast: Cast
) -> None:
    store(tiered, tiered_cast.bluebonnet, wave(tiered_cast.bluebonnet.tags[0], NOW - 3 * DAY, 400))
    settle(tiered)
    with tiered.engine("owner").connect() as connection:
        chunks = connection.scalars(text("SELECT stretch::text FROM readings_stretches()")).all()
        assert chunks
        rollups = connection.scalars(
            text(
                "SELECT oid::regclass::text FROM pg_class"
                " WHERE relkind IN ('r', 'v') AND (relname ~ '^_materialized_hypertable'"
                " OR relname ~ '^_(direct|partial)_view' OR relname ~ 'compress'"
                " OR relname IN ('rolled_hours', 'rolled_days', 'readings_hourly',"
                " 'readings_daily', 'readings_by_hour', 'readings_by_day', 'readings_aside'))"
                " AND relowner = 'wellflow_owner'::regrole"
            )
        ).all()
    for table in ("readings", *chunks, *rollups):
        with (
            tenant_session(tiered.engine("app"), tiered_cast.bluebonnet.id) as session,
            pytest.raises(DBAPIError, match="permission denied"),
        ):
            session.execute(text(f"SELECT * FROM {table} LIMIT 1"))


def test_latest_and_series(tiered: Database, tiered_cast: Cast) -> None:
    operator = tiered_cast.bluebonnet
    first, second, silent = operator.tags
    points = wave(first, NOW - 2 * DAY, 288) + wave(second, NOW - 2 * DAY, 288)
    store(tiered, operator, points)
    with tenant_session(tiered.engine("app"), operator.id) as session:
        newest = latest(session, well=operator.wells[0])
        assert {tag: (value.time, value.value) for tag, value in newest.items()} == {
            tag: (wave(tag, NOW - 2 * DAY, 288)[-1].at, wave(tag, NOW - 2 * DAY, 288)[-1].value)
            for tag in (first, second)
        }
        assert latest(session, [silent]) == {}
        courses = series(session, [first, silent], NOW - 2 * DAY, NOW, points=300)
    course = courses[first]
    assert course.resolution.step == timedelta(minutes=10)
    assert [at / 1000 for at in course.times] == sorted(at / 1000 for at in course.times)
    assert len(course.times) in {288, 289}
    assert course.average.count(None) == sum(p.value is None for p in points if p.tag == first)
    assert courses[silent].times == []
    with tenant_session(tiered.engine("app"), tiered_cast.cimarron.id) as session:
        assert series(session, [first], NOW - 2 * DAY, NOW)[first].times == []
        assert latest(session, [first]) == {}


@pytest.mark.timescale_community
def test_timescale_refreshes_late_readings_by_itself(community_server: Server) -> None:
    """Its own scheduler, running the policy as an owner that nobody can sign in as."""
    database = community_server.fresh(migrated)
    try:
        operator = people.engage(database.engine("owner")).bluebonnet
        store(database, operator, wave(operator.tags[0], NOW - 9 * DAY, 1000))
        roll_up(database.engine("work"))
        with database.admin() as connection:  # else the new database is noticed within a minute
            connection.execute("SELECT _timescaledb_functions.start_background_workers()")
        until = time.monotonic() + 90
        accounted = text("SELECT readings_accounted('-infinity', 'infinity')")
        with database.engine("owner").connect() as owner:
            while (found := owner.scalar(accounted)) != 1000:
                assert time.monotonic() < until, f"{found} of 1000 readings are rolled up"
                owner.rollback()
                time.sleep(0.2)
    finally:
        community_server.drop(database)
