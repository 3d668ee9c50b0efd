"""Kept answers and counters, with a real Redis and without: the same answers, never another's."""

from __future__ import annotations

import logging
import shutil
import socket
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import redis as library
from sqlalchemy import text

from hub.cache import Cache, CacheError, Remote, open_cache
from hub.settings import CacheSettings
from tests.cast import Cast
from tests.console import furnish, open_console, signed_in
from tests.servers.postgres import Database
from tests.servers.redis import Redis, redis_server

SECRET = bytes(range(32))
OURS, THEIRS = (uuid.UUID(int=number) for number in (1, 2))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not on the PATH (apt install redis-server)")
    started = redis_server(tmp_path_factory.mktemp("redis"))
    yield started
    started.stop()


@pytest.fixture
def redis(server: Redis) -> Redis:
    """The server, running and empty."""
    if server.child is None or not server.child.alive:
        server.start()
    library.Redis.from_url(server.url).flushall()
    return server


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["here", "redis"])
def cache(request: pytest.FixtureRequest, clock: Clock) -> Cache:
    """A cache of either kind: both give the same answers."""
    if request.param == "here":
        return Cache(clock=clock)
    server: Redis = request.getfixturevalue("redis")
    return Cache(Remote(server.url, SECRET), clock)


def never(*_asked: object) -> str:
    raise AssertionError("asked again although the answer is kept")


@dataclass(frozen=True, slots=True)
class Answer:
    """What pages keep: plain classes of ours."""

    name: str
    at: uuid.UUID


# ------------------------------------------------------------------------------ either kind


def test_an_answer_is_kept_for_its_time(cache: Cache, clock: Clock) -> None:
    made = Answer("fleet", OURS)
    assert cache.take((OURS, "fleet"), 3, lambda: made) == made
    assert cache.take((OURS, "fleet"), 3, never) == made
    clock.now += 3.1
    assert cache.take((OURS, "fleet"), 3, lambda: Answer("new", OURS)) == Answer("new", OURS)


def test_nothing_is_an_answer_too(cache: Cache) -> None:
    assert cache.take((OURS, "none"), 3, lambda: None) is None
    assert cache.take((OURS, "none"), 3, never) is None


def test_an_error_is_not_kept(cache: Cache) -> None:
    with pytest.raises(ZeroDivisionError):
        cache.take((OURS, "fleet"), 3, lambda: 1 // 0)
    assert cache.take((OURS, "fleet"), 3, lambda: 7) == 7


def test_each_operator_has_answers_of_its_own(cache: Cache) -> None:
    assert cache.take((OURS, "fleet"), 3, lambda: "ours") == "ours"
    assert cache.take((THEIRS, "fleet"), 3, lambda: "theirs") == "theirs"
    cache.drop((OURS,))
    assert cache.take((THEIRS, "fleet"), 3, never) == "theirs"


def test_a_drop_takes_what_begins_so(cache: Cache) -> None:
    cache.take((OURS, "fleet"), 60, lambda: "old")
    cache.take((OURS, "bands", 1), 60, lambda: "old")
    cache.take((OURS, "today"), 60, lambda: "kept")
    cache.drop((OURS, "fleet"))
    cache.drop((OURS, "bands"))
    assert cache.take((OURS, "fleet"), 60, lambda: "new") == "new"
    assert cache.take((OURS, "bands", 1), 60, lambda: "new") == "new"
    assert cache.take((OURS, "today"), 60, never) == "kept"
    cache.drop((OURS,))
    assert cache.take((OURS, "today"), 60, lambda: "new") == "new"


def test_what_was_being_made_when_it_was_dropped_is_not_kept(cache: Cache) -> None:
    """It was read before the change: whoever asks after the change must not see it."""

    def make() -> str:
        cache.drop((OURS, "fleet"))
        return "read before the change"

    cache.take((OURS, "fleet"), 60, make)
    assert cache.take((OURS, "fleet"), 60, lambda: "after") == "after"


def test_many_who_ask_at_once_are_answered_by_one(cache: Cache) -> None:
    begun, asked = threading.Barrier(8), []

    def ask() -> None:
        begun.wait(10)
        cache.take((OURS, "fleet"), 60, lambda: asked.append(1))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(asked) == 1


def test_a_count_begins_again_with_each_window(cache: Cache, clock: Clock) -> None:
    assert [cache.count((OURS, "api"), 60) for _ in range(3)] == [1, 2, 3]
    assert cache.count((THEIRS, "api"), 60) == 1
    assert cache.left(60) == 60 - 1_000_000 % 60
    clock.now += cache.left(60)
    assert cache.count((OURS, "api"), 60) == 1


# ------------------------------------------------------------------------------------- Redis


def remote(server: Redis, secret: bytes = SECRET) -> Cache:
    return Cache(Remote(server.url, secret))


def test_processes_share_answers_drops_and_counts(redis: Redis) -> None:
    one, other = remote(redis), remote(redis)
    one.take((OURS, "fleet"), 60, lambda: "of one")
    assert other.take((OURS, "fleet"), 60, never) == "of one"
    other.drop((OURS, "fleet"))
    assert one.take((OURS, "fleet"), 60, lambda: "new") == "new"
    assert [one.count((OURS, "api"), 600), other.count((OURS, "api"), 600)] == [1, 2]


def test_redis_can_neither_read_nor_change_an_answer(redis: Redis) -> None:
    """A copied or altered field, or one of another installation, is no answer."""
    cache, raw = remote(redis), library.Redis.from_url(redis.url)
    cache.take((OURS, "fleet"), 60, lambda: "Bravo 2H is down")
    cache.take((THEIRS, "fleet"), 60, lambda: "theirs")
    ours, theirs = (f"wellflow:answers:{who}" for who in (OURS, THEIRS))
    (field,) = raw.hkeys(ours)
    kept = raw.hget(ours, field)
    assert kept is not None
    assert b"Bravo" not in kept
    (other,) = raw.hkeys(theirs)
    raw.hset(theirs, other, kept)  # one operator's answer under another's key
    assert cache.take((THEIRS, "fleet"), 60, lambda: "asked again") == "asked again"
    raw.hset(ours, field, kept[:-1] + bytes([kept[-1] ^ 1]))
    assert cache.take((OURS, "fleet"), 60, lambda: "asked again") == "asked again"
    stranger = remote(redis, bytes(32))
    assert stranger.take((OURS, "fleet"), 60, lambda: "own") == "own"


def test_without_redis_each_process_keeps_its_own(
    redis: Redis, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It goes, is said once, is left alone for a while, comes back, is said once."""
    monkeypatch.setattr("hub.cache.PAUSE_S", 0.0)
    cache = remote(redis)
    cache.take((OURS, "fleet"), 60, lambda: "in Redis")
    redis.stop()
    with caplog.at_level(logging.WARNING, "hub.cache"):
        assert cache.take((OURS, "fleet"), 60, lambda: "here") == "here"
        assert cache.take((OURS, "fleet"), 60, never) == "here"
        cache.drop((OURS, "fleet"))
        assert cache.take((OURS, "fleet"), 60, lambda: "new") == "new"
        assert [cache.count((OURS, "api"), 600) for _ in range(2)] == [1, 2]
        redis.start()
        assert cache.take((OURS, "alerts"), 60, lambda: "shared") == "shared"
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 2
    assert "does not answer" in said[0]
    assert said[1] == "Redis answers again"
    assert remote(redis).take((OURS, "alerts"), 60, never) == "shared"


def test_a_redis_that_hangs_costs_little() -> None:
    """It is asked once and then left alone; nobody waits for it again and again."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        cache = Cache(Remote(f"redis://127.0.0.1:{mute.getsockname()[1]}/0", SECRET))
        begun = time.monotonic()
        for number in range(50):
            cache.take((OURS, number), 60, lambda: None)
        assert time.monotonic() - begun < 2


def test_the_settings_choose(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    shared = open_cache(CacheSettings(redis.url), SECRET)
    shared.take((OURS, "fleet"), 60, lambda: 1)
    assert remote(redis).take((OURS, "fleet"), 60, never) == 1
    assert shared.told() == "Redis answers"
    with pytest.raises(CacheError, match="does not answer"):
        open_cache(CacheSettings("redis://127.0.0.1:9/0"), SECRET).told()
    alone = open_cache(CacheSettings(None), SECRET)
    assert alone.take((OURS, "fleet"), 60, lambda: 2) == 2
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(CacheError, match=r"wellflow\[redis\]"):
        open_cache(CacheSettings(redis.url), SECRET)


# ------------------------------------------------------------------------------- the console


def test_pages_are_the_same_through_redis(
    redis: Redis, database: Database, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What pages keep goes to Redis and comes back; another process serves from it."""
    furnish(database, cast.bluebonnet)
    first, second = (open_console(database, WELLFLOW_CACHE_URL=redis.url) for _ in range(2))
    shown = signed_in(first, "bob").get("/").get_data(as_text=True)
    assert library.Redis.from_url(redis.url).hlen(f"wellflow:answers:{cast.bluebonnet.id}") >= 3
    looking = signed_in(second, "bob")
    monkeypatch.setattr("hub.console.fleet_state.look", never)
    again = looking.get("/").get_data(as_text=True)
    assert "Bluebonnet 1H" in shown
    assert "Bluebonnet 1H" in again


def test_another_role_is_not_shown_what_was_kept_for_one(
    redis: Redis, database: Database, cast: Cast
) -> None:
    """A pumper without a route sees no well, although the manager's answer is there."""
    with database.engine("owner").begin() as connection:
        connection.execute(text("DELETE FROM lease_assignments"))
    app = open_console(database, WELLFLOW_CACHE_URL=redis.url)
    assert "Bluebonnet 1H" in signed_in(app, "bob").get("/").get_data(as_text=True)
    assert "Bluebonnet 1H" not in signed_in(app, "carl").get("/").get_data(as_text=True)
    assert "Bluebonnet 1H" not in signed_in(app, "dora").get("/").get_data(as_text=True)
