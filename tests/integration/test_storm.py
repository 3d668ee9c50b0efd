"""A flood of alerts: few messages, nothing lost, critical ones still told, in bounded time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from hub.notify import reach
from tests.cast import Cast, engage
from tests.oncall import MINUTE, NOON, Office, office
from tests.servers.postgres import Database, Server, migrated

ALARMS = 10_000
TOGETHER = 1_000
SECONDS = 600  #: on a machine that does much else; alone it takes a fraction


pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def flooded(plain_server: Server) -> Iterator[tuple[Office, float]]:
    """Ten thousand alarms of priority 3 within two minutes, in transactions of a thousand."""
    database = plain_server.fresh(migrated)
    house = office(database, engage(database.engine("owner")))
    begun = time.monotonic()
    for start in range(0, ALARMS, TOGETHER):
        with Session(database.engine("work")) as session, session.begin():
            moments = [
                NOON + timedelta(milliseconds=12 * n) for n in range(start, start + TOGETHER)
            ]
            house.alerts(3, moments, start, session)
    yield house, time.monotonic() - begun
    plain_server.drop(database)


def messages(house: Office, kind: str) -> int:
    (row,) = house.rows("SELECT count(*) FROM notifications WHERE kind = :kind", kind=kind)
    return int(row[0])


def test_ten_are_told_one_by_one_and_the_rest_in_one_message(
    flooded: tuple[Office, float],
) -> None:
    house, took = flooded
    assert took < SECONDS
    assert messages(house, "raised") == 10
    house.turn(2)
    (told,) = house.rows("SELECT subject, body FROM notifications WHERE kind = 'storm'")
    assert "10000 alarms" in told.subject
    assert "Tubing pressure low 0 " in told.subject + " "
    assert "Bluebonnet 1H" in told.subject
    storm = house.rows("SELECT id, pages, messages, ended_at FROM storms")[0]
    assert (storm.pages, storm.messages, storm.ended_at) == (ALARMS - 10, 1, None)
    assert told.body["path"] == f"/storms/{storm.id}"
    left = house.rows("SELECT count(*) FROM pages WHERE done_at IS NULL")
    assert left[0][0] == 0


def test_the_message_is_renewed_every_ten_minutes_only_if_there_is_news_and_ends(
    flooded: tuple[Office, float],
) -> None:
    house, _ = flooded
    house.turn(5)
    assert messages(house, "storm") == 1
    house.alert(3, NOON + 6 * MINUTE, 1)
    house.turn(7)
    assert messages(house, "storm") == 1, "not before ten minutes are over"
    house.turn(12)
    assert messages(house, "storm") == 2
    assert house.rows("SELECT ended_at FROM storms")[0][0] == NOON + 12 * MINUTE
    house.alert(3, NOON + 13 * MINUTE, 2)
    assert messages(house, "raised") == 11, "it is over: the next one is told by itself"


def test_critical_ones_are_told_by_themselves_at_most_one_a_minute_a_well(
    database: Database, cast: Cast
) -> None:
    house = office(database, cast)
    for number in range(12):
        house.alert(2, NOON + number * timedelta(seconds=1), number)
    for seconds in (20, 30, 81):
        house.alert(1, NOON + timedelta(seconds=seconds), 100 + seconds)
    critical = [minute for minute, *_ in house.told() if minute > 0.3]
    assert critical == [20 / 60, 81 / 60]
    house.turn(2)
    (told,) = house.rows("SELECT subject FROM notifications WHERE kind = 'storm'")
    assert told.subject.endswith("3 P1, 12 P2")


def test_a_mailbox_several_read_is_spared_and_a_program_is_not(
    database: Database, cast: Cast
) -> None:
    house = office(database, cast)
    house.rows("UPDATE contact_channels SET enabled = false RETURNING 1")
    house.channel(None, "email")
    house.channel(None, "webhook")
    for number in range(15):
        house.alert(2, NOON + number * timedelta(seconds=1), number)
    house.turn(1)
    kinds = [kind for *_, kind in house.told()]
    assert kinds.count("webhook") == 15
    assert kinds.count("email") == 11


def test_the_storm_of_one_operator_is_none_for_another(database: Database, cast: Cast) -> None:
    house = office(database, cast)
    for number in range(15):
        house.alert(2, NOON, number)
    with house.owner() as session:
        session.execute(text("SELECT 1"))
        figures = reach.pages_per_person(
            session, house.organization, NOON, NOON + timedelta(days=1)
        )
        others = reach.pages_per_person(session, cast.cimarron.id, NOON, NOON + timedelta(days=1))
    assert [(row.name, row.pages, row.alone, row.merged) for row in figures] == [("Bob", 15, 10, 5)]
    assert others == []
