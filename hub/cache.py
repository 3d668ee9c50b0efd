"""Answers kept for a few seconds, and counters of a window: in Redis where one is set, else here.

Everything is correct without it: what is kept can be asked again, and lives for seconds. A key is a
tuple that begins with the organization. In Redis an answer is sealed for the very key it is kept
under, so that whoever reaches that server can neither read it nor put another in its place. While
Redis does not answer, each process keeps its own.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
import pickle
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hub.errors import HubError
from hub.settings import CacheSettings

if TYPE_CHECKING:
    from redis.client import Pipeline

LOG = logging.getLogger(__name__)

T = TypeVar("T")
Key = tuple[object, ...]

MAX_ENTRIES: Final = 2000  #: answers a process keeps, and those of one organization in Redis
PATIENCE_S: Final = 0.25  #: how long Redis may take to answer
PAUSE_S: Final = 5.0  #: how long it is left alone after it did not
_LIFE_S: Final = 3600  #: what nobody has renewed for so long leaves Redis
_NONCE: Final = 12


class CacheError(HubError):
    """The cache cannot be used as it is set."""


class Cache:
    """Answers kept per key for a few seconds; several who ask at once are answered by one."""

    def __init__(
        self, remote: Remote | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self._remote, self._clock = remote, clock
        self._entries: dict[Key, _Entry] = {}
        self._counts: dict[tuple[Key, int], int] = {}
        self._lock = Lock()

    def take(self, key: Key, seconds: float, make: Callable[[], T]) -> T:
        """The kept answer, or a new one when it is older than `seconds`; an error is not kept."""
        entry = self._entry(key)
        with entry.lock:
            found = self._remote.read(key, self._clock()) if self._remote else None
            if self._remote is None or found is None:
                return cast(T, entry.take(self._clock, seconds, make))
            if found.hit:
                return cast(T, found.value)
            made = make()
            self._remote.write(key, _Sealed(self._clock() + seconds, found.ages, made))
            return made

    def drop(self, prefix: Key) -> None:
        """Drop the answers whose keys begin so: a change has made them old.

        In Redis everything that shares the first two parts of the key goes.
        """
        with self._lock:
            for key in [key for key in self._entries if key[: len(prefix)] == prefix]:
                del self._entries[key]
        if self._remote is not None:
            self._remote.drop(prefix)

    def count(self, key: Key, window: int) -> int:
        """How often this was asked in the current window of so many seconds, this time included.

        Windows begin at multiples of their length since 1970, the same in every process.
        """
        place = int(self._clock()) // window
        counted = self._remote.count((*key, place), window) if self._remote else None
        if counted is not None:
            return counted
        with self._lock:
            if len(self._counts) >= MAX_ENTRIES:
                self._counts = {k: n for k, n in self._counts.items() if k[1] == place}
            self._counts[key, place] = self._counts.get((key, place), 0) + 1
            return self._counts[key, place]

    def left(self, window: int) -> int:
        """Seconds until the current window of that length ends; at least one."""
        return window - int(self._clock()) % window

    def told(self) -> str:
        """Where answers are kept, for people; raises `CacheError` when Redis does not answer."""
        if self._remote is None:
            return "kept by each process"
        if self._remote.read((None, "probe"), 0.0) is None:
            raise CacheError("Redis does not answer; until it does, every process keeps its own")
        return "Redis answers"

    def clear(self) -> None:
        """Forget what this process keeps."""
        with self._lock:
            self._entries.clear()
            self._counts.clear()

    def _entry(self, key: Key) -> _Entry:
        with self._lock:
            if len(self._entries) >= MAX_ENTRIES:
                now = self._clock()
                self._entries = {k: e for k, e in self._entries.items() if e.until > now}
            return self._entries.setdefault(key, _Entry())


class _Entry:
    """A kept answer; its lock makes the others wait for the first one who asks."""

    __slots__ = ("lock", "until", "value")

    def __init__(self) -> None:
        self.lock = Lock()
        self.until = 0.0
        self.value: Any = None

    def take(self, clock: Callable[[], float], seconds: float, make: Callable[[], Any]) -> Any:
        """The answer, made anew when its time is over."""
        if clock() >= self.until:
            self.value = make()
            self.until = clock() + seconds
        return self.value


@dataclass(frozen=True, slots=True)
class _Sealed:
    """An answer as it lies in Redis: until when it counts, what it came after, and itself."""

    until: float
    ages: tuple[bytes | None, ...]  #: counters of drops when it was begun; another drop outdates it
    value: Any


@dataclass(frozen=True, slots=True)
class _Found:
    """What Redis holds under a key at present."""

    hit: bool
    value: Any
    ages: tuple[bytes | None, ...]


class Remote:
    """Answers and counters in Redis: one hash per organization, every field sealed for its key.

    Sealing (AES-256-GCM, the key as associated data) also makes it safe to unpickle what comes
    back: nobody without the installation's secret key can have written it.
    """

    def __init__(self, url: str, secret_key: bytes) -> None:
        import redis  # noqa: PLC0415 - an extra: only who sets a Redis has its library
        from redis.backoff import NoBackoff  # noqa: PLC0415
        from redis.retry import Retry  # noqa: PLC0415

        self._redis = redis.Redis.from_url(
            url,
            socket_timeout=PATIENCE_S,
            socket_connect_timeout=PATIENCE_S,
            retry=Retry(NoBackoff(), 0),
        )
        self._faults = (redis.RedisError, OSError)
        self._cipher = AESGCM(hmac.digest(secret_key, b"wellflow cache", "sha256"))
        self._release = version("wellflow")
        self._down_until = 0.0
        self._lock = Lock()

    def read(self, key: Key, now: float) -> _Found | None:
        """What is kept under a key; None when Redis does not answer."""
        fields = [self._field(key), *_ages_of(key)]
        got: list[bytes | None] | None = self._ask(lambda: self._redis.hmget(_hash_of(key), fields))
        if got is None:
            return None
        kept, ages = self._open(key, got[0]), tuple(got[1:])
        if kept is None or kept.until <= now or kept.ages != ages:
            return _Found(False, None, ages)
        return _Found(True, kept.value, ages)

    def write(self, key: Key, answer: _Sealed) -> None:
        """Keep an answer; where an organization has too many, all of them go first."""
        nonce = os.urandom(_NONCE)
        plain = pickle.dumps(answer)
        sealed = nonce + self._cipher.encrypt(nonce, plain, self._bound_to(key))
        name, field = _hash_of(key), self._field(key)

        def put(pipe: Pipeline) -> None:
            pipe.hlen(name)
            pipe.hset(name, field, sealed)
            pipe.expire(name, _LIFE_S)

        told = self._ask(lambda: self._at_once(put))
        if told is not None and told[0] >= MAX_ENTRIES:
            self._ask(lambda: self._redis.delete(name))

    def drop(self, prefix: Key) -> None:
        """Outdate what is kept under a prefix, and what is being made for it just now."""
        name, age = _hash_of(prefix), _ages_of(prefix)[-1]

        def outdate(pipe: Pipeline) -> None:
            pipe.hincrby(name, age)
            pipe.expire(name, _LIFE_S)

        self._ask(lambda: self._at_once(outdate))

    def count(self, key: Key, window: int) -> int | None:
        """Count once more under a key that lives for a window; None when Redis does not answer."""
        name = f"wellflow:count:{self._field(key)}"

        def one_more(pipe: Pipeline) -> None:
            pipe.incr(name)
            pipe.expire(name, window)

        told = self._ask(lambda: self._at_once(one_more))
        return None if told is None else int(told[0])

    def _at_once(self, say: Callable[[Pipeline], None]) -> list[Any]:
        """Send several commands as one transaction."""
        pipe = self._redis.pipeline()
        say(pipe)
        return pipe.execute()

    def _ask(self, question: Callable[[], Any]) -> Any:
        """Redis's answer; None while it is left alone. One log line says that it went, or came."""
        if time.monotonic() < self._down_until:
            return None
        try:
            answer = question()
        except self._faults as fault:
            self._went(fault)
            return None
        if self._down_until:
            self._came()
        return answer

    def _went(self, fault: Exception) -> None:
        with self._lock:
            if not self._down_until:
                LOG.warning("Redis does not answer (%s); every process keeps its own", fault)
            self._down_until = time.monotonic() + PAUSE_S

    def _came(self) -> None:
        with self._lock:
            if self._down_until:
                LOG.warning("Redis answers again")
            self._down_until = 0.0

    def _field(self, key: Key) -> str:
        return hashlib.sha256(self._bound_to(key)).hexdigest()[:32]

    def _bound_to(self, key: Key) -> bytes:
        return f"{self._release} {key!r}".encode()

    def _open(self, key: Key, sealed: bytes | None) -> _Sealed | None:
        if sealed is None:
            return None
        try:
            plain = self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], self._bound_to(key))
            return cast(_Sealed, pickle.loads(plain))  # noqa: S301 - authenticated just above
        except (InvalidTag, ValueError):
            return None


def _hash_of(key: Key) -> str:
    return f"wellflow:answers:{key[0]}"


def _ages_of(key: Key) -> tuple[str, ...]:
    """The counters of drops that outdate a key: of its organization, and of its kind."""
    return (":all",) if len(key) == 1 else (":all", f":{key[1]}")


def open_cache(settings: CacheSettings, secret_key: bytes) -> Cache:
    """Make the cache that the settings ask for; raises `CacheError` without Redis's library."""
    if settings.url is None:
        return Cache()
    try:
        return Cache(Remote(settings.url, secret_key))
    except ImportError as fault:
        raise CacheError(
            "cache.url names a Redis, but its library is not installed: pip install wellflow[redis]"
        ) from fault
