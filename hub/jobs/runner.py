"""The work process: judges what arrives, delivers what is owed, and runs what is due.

Each of these goes on in threads of its own, so that a slow mail server delays no judgement and a
long rollup no delivery. Whatever fails is logged and tried again; only `stop` ends a loop. The
database wakes the loops when there is something to do, and they look for themselves every second.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Protocol

import psycopg
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, OperationalError

from hub.alerts import engine as alerts
from hub.alerts import upkeep
from hub.database import connect
from hub.deadman import BEAT_EVERY_S, Progress, process_name
from hub.jobs.schedule import SCHEDULE
from hub.jobs.slots import Slots
from hub.notify import delivery, escalation, outbox, turns
from hub.settings import HubSettings

LOG = logging.getLogger(__name__)

#: Ingest notifies this in the transaction that stores readings.
JUDGE_CHANNEL: Final = "wellflow_judge"
#: Per lane: one for providers of our own, one for addresses that operators enter.
DELIVERERS: Final = 4
POLL_S: Final = 1.0
FREEZE_EVERY_S: Final = 5.0
LONGEST_PAUSE_S: Final = 10.0


@dataclass
class Loop:
    """Something done again and again: at once while there is more, else when woken or polled."""

    name: str
    turn: Callable[[], bool]  #: does one turn; tells whether there may be more to do at once
    stop: threading.Event
    wake: threading.Event = field(default_factory=threading.Event)
    went_on: Callable[[str], None] = lambda _loop: None
    rests: bool = False  #: it waits to be woken

    def run(self) -> None:
        """Go on until told to stop; a failure makes the next turn come later, up to 10 s."""
        pause = POLL_S
        while not self.stop.is_set():
            self.wake.clear()
            try:
                more = self.turn()
                self.went_on(self.name)
                pause = POLL_S
            except Exception as fault:  # noqa: BLE001 - a loop outlives whatever a turn does
                self._note(fault, pause)
                self.stop.wait(pause)
                pause = min(2 * pause, LONGEST_PAUSE_S)
                continue
            if not more:
                self.rests = True
                self.wake.wait(POLL_S)
                self.rests = False

    def _note(self, fault: Exception, pause: float) -> None:
        """A database that is away is one line; anything else shows where it came from."""
        if isinstance(fault, OperationalError):
            LOG.warning(
                "%s: the database is away (%s); it goes on in %.0f s", self.name, fault.orig, pause
            )
        else:
            LOG.error("%s failed; it goes on in %.0f s", self.name, pause, exc_info=fault)


@dataclass
class Gang:
    """Loops that do the same work: a call wakes one of them, and whoever finds work calls the next.

    Eight that wake for one message are seven that keep the processor from it.
    """

    loops: list[Loop] = field(default_factory=list)

    def set(self) -> None:
        """Wake one that rests; where all are busy, each looks again before it rests."""
        for loop in self.loops:
            if loop.rests and not loop.wake.is_set():
                loop.wake.set()
                return
        for loop in self.loops:
            loop.wake.set()


class Wakes(Protocol):
    """What a notification of the database wakes."""

    def set(self) -> None:
        """Let it look what there is to do."""


def run(settings: HubSettings, stop: threading.Event) -> None:
    """Be the work process until `stop` is set; then finish what was begun."""
    engine = connect(settings.database.work_url, "work", pool=2 * DELIVERERS + 6)
    progress = Progress(process_name("work"))
    gangs = [_deliverers(engine, settings, stop, lane) for lane in turns.LANES]
    loops = [*_loops(engine, settings, stop), *(loop for gang in gangs for loop in gang.loops)]
    loops.append(Loop("beat", lambda: _beat(engine, progress), stop))
    for loop in loops:
        loop.went_on = progress.note
    threads = [threading.Thread(target=loop.run, name=loop.name) for loop in loops]
    for thread in threads:
        thread.start()
    wakers: dict[str, Sequence[Wakes]] = {
        JUDGE_CHANNEL: [loop.wake for loop in loops if loop.name == "judge"],
        outbox.WAKE_CHANNEL: gangs,
    }
    _listen(settings, stop, wakers)
    for loop in loops:
        loop.wake.set()
    for thread in threads:
        thread.join()
    with suppress(DBAPIError), engine.begin() as connection:
        progress.end(connection)
    engine.dispose()


_BEAT_AT: dict[str, float] = {}


def _beat(engine: Engine, progress: Progress) -> bool:
    """Write down, every few seconds, how far the loops have come."""
    if time.monotonic() - _BEAT_AT.get(progress.process, float("-inf")) >= BEAT_EVERY_S:
        with engine.begin() as connection:
            progress.write(connection)
        _BEAT_AT[progress.process] = time.monotonic()
    return False


def _loops(engine: Engine, settings: HubSettings, stop: threading.Event) -> list[Loop]:
    judge = _Judge(engine, settings)
    slots = Slots(engine, settings, delivery.worker_name())

    def watch_clocks() -> bool:
        return upkeep.watch_clocks(engine) > 0

    def run_jobs() -> bool:
        for job in SCHEDULE:
            if not stop.is_set():
                slots.run_if_due(job)
        return False

    return [
        Loop("judge", judge.turn, stop),
        Loop("escalate", lambda: escalation.turn(engine), stop),
        Loop("clocks", watch_clocks, stop),
        Loop("jobs", run_jobs, stop),
    ]


def _deliverers(
    engine: Engine, settings: HubSettings, stop: threading.Event, lane: turns.Lane
) -> Gang:
    """Each lane has threads of its own: a slow webhook never holds up a call."""
    gang, crew = Gang(), turns.Crew(DELIVERERS)
    for number in range(1, DELIVERERS + 1):
        turn = partial(_deliver, engine, settings, lane, crew, gang)
        gang.loops.append(Loop(f"deliver-{lane}-{number}", turn, stop))
    return gang


def _deliver(
    engine: Engine, settings: HubSettings, lane: turns.Lane, crew: turns.Crew, gang: Gang
) -> bool:
    done = delivery.deliver_due(engine, settings, most=10, lane=lane, crew=crew, begun=gang.set)
    return done > 0


class _Judge:
    """One turn of judging; every few seconds also a look at what has gone silent."""

    def __init__(self, engine: Engine, settings: HubSettings) -> None:
        self.engine = engine
        self.live_window_s = settings.live_window_s
        self.froze_at = 0.0

    def turn(self) -> bool:
        """Judge what is pending."""
        if time.monotonic() - self.froze_at >= FREEZE_EVERY_S:
            self.froze_at = time.monotonic()
            upkeep.freeze_silent(self.engine)
        return alerts.judge_pending(self.engine, live_window_s=self.live_window_s) > 0


def _listen(
    settings: HubSettings, stop: threading.Event, wakers: Mapping[str, Sequence[Wakes]]
) -> None:
    """Pass the database's notifications on; without them the loops still look every second."""
    while not stop.is_set():
        try:
            _listen_once(settings.database.work_url, stop, wakers)
        except psycopg.Error as fault:
            LOG.warning("the database cannot be listened to: %s", fault)
            stop.wait(POLL_S)


def _listen_once(url: str, stop: threading.Event, wakers: Mapping[str, Sequence[Wakes]]) -> None:
    with psycopg.connect(
        url,
        autocommit=True,
        connect_timeout=10,
        options="-c role=wellflow_work",
        application_name="wellflow-work-listen",
    ) as connection:
        for channel in wakers:
            connection.execute(f"LISTEN {channel}")
        while not stop.is_set():
            for heard in connection.notifies(timeout=POLL_S, stop_after=1):
                for wake in wakers.get(heard.channel, ()):
                    wake.set()
