"""A thread with a database connection of its own: messages in, commits, then acknowledgements.

Loop, which must survive everything but its own end:

1. Wait for a message; take with it what else is queued already, never waiting for more.
2. Store them in one transaction.
3. After the commit acknowledge to the broker, then publish one answer per agent.
4. Database away: hold, without acknowledging, and try again; agents keep the data.
5. A message cannot be stored: take all one by one, set that one aside, go on with the next.
"""

from __future__ import annotations

import logging
import queue
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import psycopg

from hub.ingest.arrival import Arrival, Ticket
from hub.ingest.link import Db, Link, Trouble, trouble_of
from hub.ingest.receipts import Epoch, now_ms
from hub.ingest.store import Gather, Store

log = logging.getLogger(__name__)

MOST_MESSAGES = 100  #: in one transaction
MOST_BYTES = 192 * 1024
QUEUE = 2_000  #: messages; beyond, the broker is made to wait
LOOK_S = 0.2
LONGEST_PAUSE_S = 5.0

Step = Callable[[Db], Gather]


class Outlet(Protocol):
    """Where acknowledgements and answers go."""

    def acknowledge(self, tickets: Sequence[Ticket]) -> None: ...  # noqa: D102
    def publish(self, topic: str, payload: bytes) -> None: ...  # noqa: D102


@dataclass
class Count:
    """What a worker has done since it started."""

    messages: int = 0
    readings: int = 0
    gathers: int = 0


class Pause:
    """Growing, random waits between tries."""

    def __init__(self, longest_s: float = LONGEST_PAUSE_S) -> None:
        """Start with the shortest."""
        self._longest, self._step = longest_s, 0.0

    def next(self) -> float:
        """Seconds to wait before the next try."""
        self._step = min(max(0.1, 2 * self._step), self._longest)
        return self._step * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load

    def reset(self) -> None:
        """Start again from the shortest."""
        self._step = 0.0


class Worker(threading.Thread):
    """Stores what is put into its queue, in order."""

    def __init__(self, name: str, link: Link, epoch: Epoch, outlet: Outlet) -> None:
        """Make a worker; `start` lets it run until `finish`."""
        super().__init__(name=name, daemon=True)
        self.queue: queue.Queue[Arrival] = queue.Queue(QUEUE)
        self.count = Count()
        self._link, self._epoch, self._outlet = link, epoch, outlet
        self._store = Store()
        self._end = threading.Event()
        self._pause = Pause()
        self.turned_at = time.monotonic()  #: when its loop last went on
        self._last_commit = 0.0
        self._complaint = ""

    def put(self, arrival: Arrival) -> bool:
        """Queue an arrival; waits while the queue is full, False when the worker has ended."""
        while not self._end.is_set():
            try:
                self.queue.put(arrival, timeout=LOOK_S)
            except queue.Full:
                continue
            return True
        return False

    def finish(self, patience_s: float = 10.0) -> None:
        """Let the transaction at hand end, then the thread."""
        self._end.set()
        if self.is_alive():
            self.join(patience_s)

    # ------------------------------------------------------------------------- the loop

    def run(self) -> None:
        """Store until told to finish."""
        while not self._end.is_set():
            self.turned_at = time.monotonic()
            if arrivals := self._next():
                self._deliver(arrivals)
            else:
                self._rest()
        if self._link.open:
            self._rest()
        self._link.close()

    def _next(self) -> list[Arrival]:
        try:
            arrivals = [self.queue.get(timeout=LOOK_S)]
        except queue.Empty:
            return []
        size = len(arrivals[0].payload)
        while len(arrivals) < MOST_MESSAGES and size < MOST_BYTES:
            try:
                arrivals.append(self.queue.get_nowait())
            except queue.Empty:
                break
            size += len(arrivals[-1].payload)
        return arrivals

    def _rest(self) -> None:
        """Nothing is queued: be connected, and write the newest readings that are waiting."""
        try:
            self._connect()
            if not (self._store.latest.waiting and self._store.latest.due(idle=True)):
                return
            with self._link.transaction() as connection:
                self._store.write_latest(connection)
            self._store.latest.written()
        except psycopg.Error as fault:
            self._fail(fault)

    def _deliver(self, arrivals: Sequence[Arrival]) -> None:
        idle = self.queue.empty()
        outcome = self._persist(lambda db: self._store.take(db, arrivals, idle=idle), arrivals)
        if outcome is not None:
            for arrival in arrivals:
                self._deliver_one(arrival)

    def _deliver_one(self, arrival: Arrival) -> None:
        why = self._persist(lambda db: self._store.take(db, [arrival], idle=False), [arrival])
        if why is None:
            return
        log.error("a message on %s cannot be stored: %s", arrival.topic, why)
        worse = self._persist(lambda db: self._store.set_aside(db, arrival, why), [arrival])
        if worse is not None:
            log.error("nor can it be set aside, and is dropped: %s", worse)
            self._acknowledge([arrival])

    def _persist(self, step: Step, arrivals: Sequence[Arrival]) -> str | None:
        """Run a step until it is committed or the end; answers what is wrong with the messages."""
        while not self._end.is_set():
            try:
                self._connect()
                # Of before the transaction: a later one may belong to a database put in place of
                # this one, about which the receipts of this transaction say nothing.
                epoch = self._epoch.number
                with self._link.transaction() as connection:
                    gather = step(connection)
            except psycopg.Error as fault:
                if self._fail(fault) is Trouble.DATA:
                    return _words(fault)
                continue
            except Exception as fault:  # a message must not end the thread, whatever is in it
                log.exception("storing failed")
                self._store.forget()
                return f"{type(fault).__name__}: {fault}"
            self._conclude(gather, arrivals, epoch)
            return None
        return None

    def _connect(self) -> None:
        if self._link.open:
            return
        with self._link.transaction() as connection:
            self._store.restart(connection)
            self._epoch.after_outage(connection, self._last_commit)

    def _conclude(self, gather: Gather, arrivals: Sequence[Arrival], epoch: int) -> None:
        self._last_commit = time.monotonic()
        self._store.stored(gather)
        self._acknowledge(arrivals)
        for topic, payload in gather.answers.messages(epoch, now_ms()):
            self._outlet.publish(topic, payload)
        self.count.gathers += 1
        self.count.messages += len(arrivals)
        self.count.readings += sum(map(len, gather.readings))
        self._pause.reset()
        if self._complaint:
            log.info("the database is back; going on")
            self._complaint = ""

    def _acknowledge(self, arrivals: Sequence[Arrival]) -> None:
        self._outlet.acknowledge([a.ticket for a in arrivals if a.ticket])

    def _fail(self, fault: psycopg.Error) -> Trouble:
        """Forget what is uncertain, say once what is wrong, and wait where waiting helps."""
        self._store.forget()
        trouble = trouble_of(fault)
        if trouble is Trouble.AWAY or trouble is Trouble.SETUP:
            hint = "run `wellflow-hub check`" if trouble is Trouble.SETUP else "held, nothing lost"
            self._complain(f"{_words(fault)}; {hint}")
            self._link.close()
            self._end.wait(self._pause.next())
        elif trouble is Trouble.AGAIN:
            self._end.wait(random.uniform(0, 0.05))  # noqa: S311 - two must not meet again
        return trouble

    def _complain(self, why: str) -> None:
        if not self._complaint:
            log.warning("the database does not take messages: %s", why)
        self._complaint = why


def _words(fault: psycopg.Error) -> str:
    return " ".join(str(fault).split())[:500] or type(fault).__name__
