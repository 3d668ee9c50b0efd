"""Photos of entries made at the site: into the outbox in parts, behind everything else, each once.

They are the first to be refused when space is short: no reading and no entry goes for a picture.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, Protocol

from agent.alarms import AlarmClock
from agent.contract.blocks import Stamp
from agent.contract.photos import cut, digest, part_body
from agent.contract.records import Record, freeze_record, new_id

KEPT: Final = "form photos"
MOST_NAMES: Final = 500
LANE: Final = "b"


class Store(Protocol):
    """What the desk needs of the outbox."""

    def record(  # noqa: D102
        self, lane: str, lines: Iterable[bytes], at: int, keep: Mapping[str, bytes] | None = None
    ) -> None: ...
    def kept(self, key: str) -> bytes | None: ...  # noqa: D102
    def has_room(self, size: int) -> bool: ...  # noqa: D102
    def photos_waiting(self) -> int: ...  # noqa: D102


class PhotoDesk:
    """Takes photos while there is room for them."""

    def __init__(
        self, outbox: Store, clock: AlarmClock, config: int, news: Callable[[], None]
    ) -> None:
        """Take up what was taken before."""
        self._outbox, self._clock, self._config, self._news = outbox, clock, config, news
        self._lock = threading.Lock()
        self._names: list[str] = json.loads(outbox.kept(KEPT) or b"[]")  #: entry/sha256

    def has_room(self, files: Sequence[bytes]) -> bool:
        """Whether these can be taken now; raises `sqlite3.Error`."""
        return not files or self._outbox.has_room(sum(map(len, files)))

    def take(self, entry: uuid.UUID, content: bytes) -> bool:
        """Put a photo into the outbox, on disk when this returns; False where there is no room.

        One that came before is taken already. Raises `sqlite3.Error`, and nothing of it is kept.
        """
        name = f"{entry}/{digest(content)}"
        with self._lock:
            if name in self._names:
                return True
            if not self._outbox.has_room(len(content)):
                return False
            names = [*self._names, name][-MOST_NAMES:]
            now = self._clock.now_ms()
            kept = {KEPT: json.dumps(names).encode()}
            self._outbox.record(LANE, self._lines(entry, content, now), now, kept)
            self._names = names
        self._news()
        return True

    def _lines(self, entry: uuid.UUID, content: bytes, now: int) -> Iterator[bytes]:
        """The parts as records, one at a time: a photo is not held twice in memory."""
        lag = now - self._clock.mono_ms()
        stamp = Stamp(self._config, self._clock.boot, int(self._clock.state), now, now - lag)
        for part in cut(entry, content):
            yield freeze_record(Record("photo", new_id(), stamp, part_body(part)))

    @property
    def waiting(self) -> int:
        """How many photos the hub does not have yet."""
        return self._outbox.photos_waiting()
