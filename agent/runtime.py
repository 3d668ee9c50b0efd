"""Starts the agent's loops, watches them, and stops them cleanly.

Three loops: the poller (asyncio, in the main thread) reads gauges; the keeper commits what was
read about once a second, cuts blocks and keeps the outbox within its bound; the publisher talks
to the broker. They meet only in the outbox, so none waits for another.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import logging
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from agent import __version__
from agent.clock import Clock
from agent.contract.blocks import ClockState, Sample, Stamp
from agent.contract.control import Birth, Death, parse_answer, parse_heartbeat
from agent.contract.errors import WireError
from agent.mqtt import Backoff, Link
from agent.onsite import STATUS, OnSite
from agent.outbox import Limits, Outbox, OutboxError, StreamInfo
from agent.poller import Poller
from agent.publisher import Sender
from agent.settings import AgentSettings, declared_tags

log = logging.getLogger(__name__)

BOUND_EVERY = 5.0  #: seconds between looks at the outbox's size


class Runtime:
    """One run of the agent."""

    def __init__(self, settings: AgentSettings) -> None:
        """Open the outbox and begin a new life in it; raises `OutboxError`."""
        self.settings = settings
        self.outbox = Outbox.open(settings.outbox.path, _limits(settings))
        self.clock = Clock(self.outbox.last_known_ms())
        now = self.clock.now_ms()
        self.outbox.begin_life(now)
        devices = tuple(device.name for device in settings.devices)
        self.config = self.outbox.declare(devices, declared_tags(settings), now).epoch
        self.sender = Sender(self.outbox, self.clock, self._birth)
        name, shard = settings.agent.name, settings.agent.shard
        self.link = Link(settings.mqtt, shard, name, Death(self.clock.boot).to_bytes())
        self.onsite = OnSite(settings, self.outbox, self.clock, self.config, self.link)
        self.stop = threading.Event()
        self.failed = False
        self._one_look = threading.Lock()

    # ------------------------------------------------------------------------- the loops

    def run(self) -> int:
        """Run until told to stop (SIGTERM, SIGINT); returns the exit code."""
        threads = [
            threading.Thread(target=self._guard, args=(loop,), name=name, daemon=True)
            for name, loop in (("keeper", self._keep), ("publisher", self._publish))
        ]
        for thread in threads:
            thread.start()
        try:
            asyncio.run(self._poll())
        finally:
            self.stop.set()
            for thread in threads:
                thread.join(10)
            self._last_commit()
        return 1 if self.failed else 0

    def _guard(self, loop: Callable[[], None]) -> None:
        """A loop that ends by itself ends the program: the supervisor starts a sound one."""
        try:
            loop()
        except Exception:
            log.exception("the agent stops after a fault of its own")
            self.failed = True
            self.stop.set()

    async def _poll(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            with contextlib.suppress(NotImplementedError, RuntimeError):
                loop.add_signal_handler(number, self.stop.set)
        poller = Poller(self.settings, self._take_in, self.clock)
        polling = asyncio.create_task(poller.run())
        telling = asyncio.create_task(self.onsite.annunciator(poller).run())
        while not self.stop.is_set() and not polling.done():
            await asyncio.sleep(0.2)
        self.failed = self.failed or (polling.done() and polling.exception() is not None)
        for task in (telling, polling):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def _take_in(self, samples: list[Sample]) -> None:
        """Readings on their way to the outbox: judged at once."""
        self.outbox.stage(samples)
        self.onsite.feed(samples)

    # ------------------------------------------------------------------------ the keeper

    def _keep(self) -> None:
        looked = 0.0
        while not self.stop.wait(self.settings.outbox.commit_every_s):
            self._follow_clock(self.clock.tick)
            self._commit(cut=False)
            with self._kept_for_later():
                self.onsite.tick()
            if time.monotonic() - looked >= BOUND_EVERY:
                looked = time.monotonic()
                self._keep_bound()

    def _commit(self, *, cut: bool) -> None:
        now, mono = self.clock.now_ms(), self.clock.mono_ms()
        stamp = Stamp(self.config, self.clock.boot, self.clock.state, now, mono)
        try:
            if self.outbox.commit(stamp, now, cut=cut):
                self.link.events.put(("cut", b""))
        except sqlite3.Error as fault:
            log.error("the outbox cannot be written (%s); readings wait in memory", fault)
            self._keep_bound()

    @contextlib.contextmanager
    def _kept_for_later(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as fault:
            log.error("the outbox cannot be read or written (%s); it is tried again", fault)

    def _keep_bound(self) -> None:
        try:
            now = self.clock.now_ms() if self.clock.confirmed else None
            freed = self.outbox.keep_bound(now, self.outbox.free_space())
        except sqlite3.Error as fault:
            log.error("the outbox cannot be thinned: %s", fault)
            return
        if freed.thinned or freed.dropped:
            log.warning(
                "the outbox is full: %d readings thinned away, %d dropped; both are reported",
                freed.thinned,
                freed.dropped,
            )
        if freed.photo_parts:
            log.warning("the outbox is full: %d parts of photos dropped", freed.photo_parts)

    def _last_commit(self) -> None:
        with self._kept_for_later():
            self.onsite.alarms.checkpoint()
        self._commit(cut=True)
        self.outbox.close()

    def _follow_clock(self, look: Callable[[], int]) -> None:
        """Look at the clock; before it makes a step, what it stamped unconfirmed follows it.

        Both the keeper and the publisher look; a step must be followed only once.
        """
        with self._one_look:
            step_ms, moved = look(), 0
            if not step_ms:
                return
            try:
                if not self.clock.is_set:
                    moved = self.outbox.retime(self.clock.boot, step_ms, ClockState.STEPPED)
            except sqlite3.Error as fault:
                log.error("readings cannot be re-timed yet, nothing is sent: %s", fault)
                return
            self.clock.settled(step_ms)
            self.onsite.alarms.clock_stepped(step_ms)
        log.warning("the clock was off by %+.1f s; %d blocks re-timed", step_ms / 1000, moved)

    # --------------------------------------------------------------------- the publisher

    def _publish(self) -> None:
        backoff, retry_at = Backoff(), 0.0
        connected = pending = False
        while not self.stop.is_set():
            for kind in self._events(0.25):
                if kind == "connected":
                    connected, pending = True, False
                    backoff.reset()
                    self.sender.on_connect(time.monotonic(), self.config)
                elif kind == "lost":
                    connected = pending = False
                    retry_at = self._away(backoff)
            if pending and self.link.overdue():
                pending, retry_at = False, self._away(backoff)
            if not connected and not pending and time.monotonic() >= retry_at:
                pending = self.link.connect()
                retry_at = retry_at if pending else self._away(backoff)
            self._send_due()
        self._farewell(connected=connected)

    def _away(self, backoff: Backoff) -> float:
        self.sender.on_disconnect()
        return time.monotonic() + backoff.next()

    def _events(self, timeout: float) -> Iterator[str]:
        """What happened on the link; answers and heartbeats are handed on as they come."""
        kind, payload = "", b""
        with contextlib.suppress(Exception):
            kind, payload = self.link.events.get(timeout=timeout)
        while kind:
            if kind in {"connected", "lost", "cut"}:
                yield kind
            else:
                self._hear(kind, payload)
            if self.link.events.empty():
                return
            kind, payload = self.link.events.get()

    def _hear(self, topic: str, payload: bytes) -> None:
        now = time.monotonic()
        try:
            if topic == self.link.topic("dn/ack"):
                answer = parse_answer(payload)
                self._follow_clock(lambda: self.clock.heard_hub(answer.at, may_be_old=True))
                self.sender.on_answer(answer, now)
                self.onsite.heard_hub()
            elif topic == self.link.topic("dn/cfg"):
                if self.onsite.configured(payload):
                    self.sender.announce(now)
            else:
                beat = parse_heartbeat(payload)
                if beat.shards[0] <= self.settings.agent.shard <= beat.shards[1]:
                    self._follow_clock(lambda: self.clock.heard_hub(beat.at))
                    self.sender.on_heartbeat(beat, now)
                    self.onsite.heard_hub()
        except WireError as fault:
            log.warning("ignored a message on %s: %s", topic, fault)
        except sqlite3.Error as fault:
            log.error("the outbox cannot note an answer of the hub (%s); it will come again", fault)

    def _send_due(self) -> None:
        try:
            while (out := self.sender.next(time.monotonic())) is not None:
                if not self.link.publish(out.door, out.payload, retain=out.retain):
                    return
        except sqlite3.Error as fault:
            log.error("the outbox cannot be read or written (%s); nothing is sent meanwhile", fault)
            self.stop.wait(1)

    def _farewell(self, *, connected: bool) -> None:
        if connected:
            self.link.publish("st", Death(self.clock.boot).to_bytes(), retain=True)
        self.link.close()

    def _birth(self, streams: tuple[StreamInfo, ...]) -> Birth:
        status = self.outbox.status()
        backlog = {
            "blocks": status.blocks_waiting,
            "readings": status.readings_waiting,
            "bytes": status.bytes,
            "thinned": status.thinned,
            "dropped": status.dropped,
        }
        if status.oldest_waiting_ms:
            backlog["oldest"] = status.oldest_waiting_ms
        return Birth(
            self.clock.boot,
            __version__,
            self.clock.now_ms(),
            int(self.clock.state),
            self.config,
            tuple(stream.state() for stream in streams),
            backlog,
            self.onsite.alarms.epoch,
            self.onsite.words,
        )


def run(settings: AgentSettings) -> int:
    """Run the agent until it is told to stop; returns the exit code.

    A second agent on the same outbox is refused: two writers would number blocks twice.
    """
    try:
        with _alone(settings.outbox.path):
            return Runtime(settings).run()
    except OutboxError as fault:
        log.error("%s", fault)
        return 1


def status(settings: AgentSettings) -> dict[str, Any]:
    """Figures of the outbox, read beside a running agent."""
    path = settings.outbox.path
    if not path.exists():
        raise OutboxError(f"{path}: there is no outbox yet; has the agent ever run?")
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, check_same_thread=False)
    try:
        outbox = Outbox(connection, _limits(settings))
    except sqlite3.OperationalError as fault:
        connection.close()
        raise OutboxError(f"{path}: {fault}; start this agent once") from fault
    try:
        site = json.loads(outbox.kept(STATUS) or b"{}")
        return asdict(outbox.status()) | {"limit": settings.outbox.max_bytes, "on_site": site}
    finally:
        outbox.close()


@contextlib.contextmanager
def _alone(outbox: Path) -> Iterator[None]:
    lock = outbox.with_name(outbox.name + ".lock")
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        with lock.open("w") as held:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
    except BlockingIOError as fault:
        raise OutboxError(f"{outbox}: another agent is running on this outbox") from fault
    except PermissionError as fault:
        raise OutboxError(f"{lock}: {fault.strerror}; may this account write there?") from fault


def _limits(settings: AgentSettings) -> Limits:
    outbox = settings.outbox
    return Limits(
        max_bytes=outbox.max_bytes,
        keep_receipted_ms=int(outbox.keep_receipted_days * 86_400_000),
        cut_ms=int(outbox.cut_every_s * 1000),
        cut_points=outbox.cut_points,
    )
