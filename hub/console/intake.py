"""Files on their way into a table: kept for an hour, tried and stored by a thread of their own.

They live in this process only: whoever comes back after the hub was started anew chooses the file
again. Nothing is lost by that, for nothing is stored before the last step, and that is one
transaction.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Lock
from time import monotonic
from typing import Any, Final

from hub.errors import HubError
from hub.register.importing import Report

log = logging.getLogger(__name__)

KEPT_S: Final = 3600.0
MOST: Final = 20  #: files at once; the oldest makes room
THREADS: Final = 2


@dataclass(slots=True)
class Job:
    """One file: what was read of it, what its columns are, and how far it is."""

    organization_id: uuid.UUID
    user_id: uuid.UUID
    table: str
    name: str
    header: list[str]
    rows: list[list[Any]]
    mapping: dict[int, str]
    id: uuid.UUID = field(default_factory=uuid.uuid4)
    since: float = field(default_factory=monotonic)
    running: bool = False
    storing: bool = False
    done: int = 0
    report: Report | None = None
    fault: str = ""

    @property
    def lines(self) -> int:
        """Lines below the head."""
        return len(self.rows)

    def forget_result(self) -> None:
        """Go back to the columns."""
        self.report, self.fault, self.done = None, "", 0


#: Takes a function that is told how many lines are done, and answers what came of them.
Work = Callable[[Callable[[int, int], None]], Report]


class Intake:
    """The files of everybody; each is found only by the person who sent it."""

    def __init__(self) -> None:
        self._jobs: dict[uuid.UUID, Job] = {}
        self._lock = Lock()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="import")

    def add(self, job: Job) -> None:
        """Keep a file; what is too old goes."""
        with self._lock:
            young = monotonic() - KEPT_S
            kept = [one for one in self._jobs.values() if one.since > young or one.running]
            kept = sorted(kept, key=lambda one: one.since)[-MOST + 1 :]
            self._jobs = {one.id: one for one in (*kept, job)}

    def find(self, job_id: uuid.UUID, organization: uuid.UUID, person: uuid.UUID) -> Job | None:
        """The file of this id, if this person sent it for this operator."""
        with self._lock:
            job = self._jobs.get(job_id)
        mine = job is not None and (job.organization_id, job.user_id) == (organization, person)
        return job if mine else None

    def start(self, job: Job, work: Work, *, storing: bool) -> bool:
        """Do the work in a thread; False where something is being done with the file already."""
        with self._lock:
            if job.running:
                return False
            job.running, job.storing = True, storing
            job.forget_result()
        future = self._threads.submit(work, lambda done, _of: _note(job, done))
        future.add_done_callback(lambda ended: _finish(job, ended))
        return True


def _note(job: Job, done: int) -> None:
    job.done = done


def _finish(job: Job, ended: Future[Report]) -> None:
    """Keep what came of the work; what nobody expected is logged and said without its words."""
    fault = ended.exception()
    if fault is None:
        job.report = ended.result()
    elif isinstance(fault, HubError):
        faults: dict[str, str] = getattr(fault, "faults", {})
        job.fault = " ".join(faults.values()) or str(fault)
    else:
        log.error("import of %s failed", job.table, exc_info=fault)
        job.fault = "The hub failed on this file; it is in its log. Nothing was stored."
    job.running = False
