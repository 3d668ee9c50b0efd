"""The hub watches itself: every loop of every process says how far it has come.

A loop that stands still is overdue. While judging and delivering really go on, the hub calls an
address outside once a minute (Healthchecks and the like); when that falls silent somebody outside
wakes people, and every agent at a well site, which hears no heartbeat any more, does so there.
"""

from __future__ import annotations

import http.client
import logging
import socket
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Engine, text

from hub.notify.channels import TransportError
from hub.notify.pinned import call
from hub.settings import HubSettings

LOG = logging.getLogger(__name__)

BEAT_EVERY_S: Final = 10.0
OVERDUE_AFTER_S: Final = 120
FORGOTTEN: Final = timedelta(days=1)
#: What has to go on for anybody to be woken at all: without one of each the hub is not well.
NEEDED: Final = ("store", "judge", "deliver-people", "deliver-endpoints", "escalate", "jobs")

_BEAT = text(
    """
    INSERT INTO process_beats (process, loop, at, overdue_after_s)
    VALUES (:process, :loop, :at, :overdue)
    ON CONFLICT (process, loop)
    DO UPDATE SET at = excluded.at, overdue_after_s = excluded.overdue_after_s
    """
)
_BEATS = text("SELECT process, loop, at, overdue_after_s FROM process_beats ORDER BY loop, process")
_GONE = text("DELETE FROM process_beats WHERE process = :process")
_FORGET = text("DELETE FROM process_beats WHERE at < :before")
_WAITING = text(
    """
    SELECT (SELECT count(*) FROM ingest_batches
            WHERE judged_at IS NULL AND received_at < :before) AS unjudged,
           (SELECT count(*) FROM notifications
            WHERE (state = 'queued' AND not_before < :before)
               OR (state = 'leased' AND lease_until < :before)) AS unsent
    """
)


@dataclass(frozen=True, slots=True)
class Beat:
    """One loop of one process, and how it stands at a moment."""

    process: str
    loop: str
    at: datetime
    overdue_after_s: int

    @property
    def kind(self) -> str:
        """What it does, without the number that tells it from others of its kind."""
        return self.loop.rstrip("0123456789").rstrip("-")

    def overdue(self, now: datetime) -> bool:
        """Whether it has stood still for too long."""
        return now - self.at > timedelta(seconds=self.overdue_after_s)


class Progress:
    """How far the loops of one process have come; written down every few seconds by `write`."""

    def __init__(self, process: str) -> None:
        """Name the process: the same name at its next start."""
        self.process = process
        self._at: dict[str, datetime] = {}
        self._lock = threading.Lock()

    def note(self, loop: str) -> None:
        """A loop has gone on."""
        with self._lock:
            self._at[loop] = datetime.now(UTC)

    def write(self, connection: Connection) -> None:
        """Write down how far every loop has come."""
        with self._lock:
            beats = dict(self._at)
        for loop, at in sorted(beats.items()):
            values = {"process": self.process, "loop": loop, "at": at}
            connection.execute(_BEAT, values | {"overdue": OVERDUE_AFTER_S})

    def end(self, connection: Connection) -> None:
        """An orderly end: nobody misses this process."""
        connection.execute(_GONE, {"process": self.process})


def process_name(kind: str) -> str:
    """The name of a process of this machine."""
    return f"{kind}@{socket.gethostname()}"


def beats(connection: Connection) -> list[Beat]:
    """Every loop that has said something within a day."""
    return [Beat(*row) for row in connection.execute(_BEATS)]


@dataclass(frozen=True, slots=True)
class Stopped:
    """Work of the hub that does not go on."""

    key: str  #: the same from look to look
    sentence: str
    since: datetime | None  #: as far as anybody knows
    needed: bool  #: nobody is woken without it


def stopped(connection: Connection, now: datetime) -> list[Stopped]:
    """Loops that stand still, and work that nothing does."""
    found = beats(connection)
    alive = {beat.kind for beat in found if not beat.overdue(now)}
    still = [
        Stopped(
            f"{beat.process}/{beat.loop}",
            f"{beat.loop} of {beat.process} has not gone on since {beat.at:%Y-%m-%d %H:%M:%S} UTC",
            beat.at,
            beat.kind in NEEDED and beat.kind not in alive,
        )
        for beat in found
        if beat.overdue(now)
    ]
    nobody = [kind for kind in NEEDED if kind not in alive]
    said = (f"nothing does the work of {kind!r}" for kind in nobody)
    return [*still, *(Stopped(k, s, None, True) for k, s in zip(nobody, said, strict=True))]


def faults(connection: Connection, now: datetime | None = None) -> list[str]:
    """What is not going on as it should, one sentence each; nothing when all is well."""
    moment = now or datetime.now(UTC)
    said = [one.sentence for one in stopped(connection, moment)]
    before = moment - timedelta(seconds=OVERDUE_AFTER_S)
    waiting = connection.execute(_WAITING, {"before": before}).one()
    if waiting.unjudged:
        said.append(f"{waiting.unjudged} messages have waited for judgement for two minutes")
    if waiting.unsent:
        said.append(f"{waiting.unsent} notifications have been due for two minutes")
    return said


def call_outside(engine: Engine, settings: HubSettings, now: datetime | None = None) -> str:
    """Call the address outside if all is well; gives what was done, for the record of the job."""
    moment = now or datetime.now(UTC)
    with engine.begin() as connection:
        connection.execute(_FORGET, {"before": moment - FORGOTTEN})
        own = any(beat.kind == "jobs" for beat in beats(connection))
        wrong = faults(connection, moment) if own else []
    if not own:
        return "starting"
    for fault in wrong:
        LOG.error("the hub is not well: %s", fault)
    if settings.heartbeat_url is None:
        return "no address" + (f"; not well: {'; '.join(wrong)}" if wrong else "")
    if wrong:
        return f"kept silent: {'; '.join(wrong)}"
    begun = time.monotonic()
    try:
        call(settings.heartbeat_url, allow_private=settings.webhook_allow_private)
    except (TransportError, OSError, http.client.HTTPException) as fault:
        LOG.error("the address that watches the hub cannot be called: %s", fault)
        return f"failed: {fault}"
    return f"called in {time.monotonic() - begun:.1f} s"


def last_call(connection: Connection) -> Any:
    """When the address outside was called last, and what came of it; None before the first."""
    return connection.execute(_LAST_CALL).one_or_none()


_LAST_CALL = text(
    "SELECT finished_at, detail FROM job_runs WHERE job = 'heartbeat' AND finished_at IS NOT NULL"
    " ORDER BY due_at DESC LIMIT 1"
)
