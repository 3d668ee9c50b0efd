"""What the hub answers: receipts, wants and questions, each in the epoch of this ingest.

An epoch stands for one life of the database as the agents know it. It is made at every start of an
ingest process, and again when the database was away, because it may have come back as an older
copy. Agents then announce all they keep, and send again what the copy lacks.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import orjson

from agent.contract.control import Answer, Heartbeat, Receipt
from agent.contract.wire import VERSION, Address, encode
from hub.ingest.arrival import Sender
from hub.ingest.link import Db
from hub.ingest.streamrows import Key

MOST_REFUSED = 5
LONGEST_REFUSED = 300
WANT_AGAIN_S = 2.0

_BEGIN = """
    INSERT INTO ingest_epochs (epoch, process, first_shard, last_shard)
    SELECT greatest(coalesce(max(epoch), 0) + 1, %s), %s, %s, %s FROM ingest_epochs
    ON CONFLICT DO NOTHING
    RETURNING epoch
"""
_NEWEST = "SELECT coalesce(max(epoch), 0) FROM ingest_epochs"


def now_ms() -> int:
    """The hub's time in UTC milliseconds."""
    return time.time_ns() // 1_000_000


class Epoch:
    """The epoch of one ingest process, shared by its threads."""

    def __init__(
        self, process: str, shards: tuple[int, int], clock: Callable[[], int] = now_ms
    ) -> None:
        """Name the process and the shards (first, last) it serves; `begin` makes the epoch."""
        self.process, self.shards = process, shards
        self._clock = clock
        self._lock = threading.Lock()
        self.number = 0
        self._made_at = 0.0

    def begin(self, connection: Db) -> int:
        """Make and record a new epoch; connection must autocommit or commit at once after."""
        with self._lock:
            return self._begin(connection)

    def _begin(self, connection: Db) -> int:
        made = None
        while made is None:  # another process took the number first
            values = (max(self._clock(), self.number + 1), self.process, *self.shards)
            made = connection.execute(_BEGIN, values).fetchone()
        self._made_at, self.number = time.monotonic(), int(made[0])
        return self.number

    def after_outage(self, connection: Db, last_commit: float) -> None:
        """Make a new epoch unless one was made since `last_commit` (monotonic seconds).

        What this process said before is then no longer taken for granted by any agent.
        """
        with self._lock:
            if self._made_at <= last_commit:
                self._begin(connection)

    def follow(self, connection: Db) -> None:
        """Take over a higher epoch that another process recorded in the same database.

        Agents ignore answers of a lower one, also after that other process has ended.
        """
        newest = connection.execute(_NEWEST).fetchone()
        with self._lock:
            if newest is not None and newest[0] > self.number:
                self.number = int(newest[0])

    def heartbeat(self) -> Heartbeat:
        """What this process says every ten seconds."""
        return Heartbeat(self.number, self._clock(), self.shards)


@dataclass
class _Reply:
    receipts: dict[str, Receipt] = field(default_factory=dict)
    wants: dict[str, int] = field(default_factory=dict)
    configs: set[int] = field(default_factory=set)
    refused: list[str] = field(default_factory=list)


class Answers:
    """What one gather has to answer, one cumulative message per agent."""

    def __init__(self) -> None:
        """Start with nothing to say."""
        self._replies: dict[Sender, _Reply] = {}

    def _of(self, sender: Sender) -> _Reply:
        return self._replies.setdefault(sender, _Reply())

    def receipt(self, sender: Sender, receipt: Receipt) -> None:
        """Say how far a stream is stored; replaces what was said of it before."""
        reply = self._of(sender)
        earlier = reply.receipts.get(receipt.stream)
        if earlier and earlier.fork and receipt.number <= earlier.number:
            return
        reply.receipts[receipt.stream] = receipt
        if reply.wants.get(receipt.stream, 0) <= receipt.number:
            reply.wants.pop(receipt.stream, None)

    def want(self, sender: Sender, stream: str, number: int) -> None:
        """Ask for a number of a stream."""
        self._of(sender).wants[stream] = number

    def config(self, sender: Sender, epoch: int) -> None:
        """Ask what a configuration means."""
        self._of(sender).configs.add(epoch)

    def refused(self, sender: Sender, sentence: str) -> None:
        """Say why a message could not be taken."""
        reply = self._of(sender)
        if len(reply.refused) < MOST_REFUSED:
            reply.refused.append(sentence[:LONGEST_REFUSED])

    def messages(self, epoch: int, at: int) -> Iterator[tuple[str, bytes]]:
        """Topic and payload of each answer; `at` is the hub's time in UTC milliseconds."""
        for sender, reply in self._replies.items():
            answer = Answer(
                epoch,
                at,
                tuple(reply.receipts.values()),
                tuple(reply.wants.items()),
                tuple(sorted(reply.configs)),
                tuple(reply.refused),
            )
            yield Address(sender.shard, sender.name, "dn/ack").topic, bytes_of(answer)


def bytes_of(answer: Answer) -> bytes:
    """The payload of an answer, as `Answer.to_bytes` gives it, by a faster way."""
    return encode(b'{"v":%d,' % VERSION + orjson.dumps(answer)[1:])


class Wanted:
    """Asks for a missing number once per round trip: the window behind it is on its way too."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Start with nothing asked for."""
        self._clock = clock
        self._asked: dict[Key, tuple[int, float]] = {}

    def may_ask(self, key: Key, number: int) -> bool:
        """Whether to ask for this number now."""
        now = self._clock()
        asked, until = self._asked.get(key, (0, 0.0))
        if asked == number and now < until:
            return False
        if len(self._asked) > 10_000:
            self._asked = {k: entry for k, entry in self._asked.items() if entry[1] > now}
        self._asked[key] = (number, now + WANT_AGAIN_S)
        return True
