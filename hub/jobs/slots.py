"""The slot table: of all work processes, the one that writes a job's due time runs it."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Engine, text

from hub.jobs.schedule import Job, latest_due
from hub.settings import HubSettings

LOG = logging.getLogger(__name__)

_TAKE: Final = text(
    """
    INSERT INTO job_runs (job, due_at, worker, started_at)
    VALUES (:job, :due, :worker, :now)
    ON CONFLICT (job, due_at) DO NOTHING
    RETURNING job
    """
)
_END: Final = text(
    """
    UPDATE job_runs SET finished_at = :now, outcome = :outcome, detail = :detail
    WHERE job = :job AND due_at = :due
    """
)


class Slots:
    """The due times that one worker has looked at."""

    def __init__(self, engine: Engine, settings: HubSettings, worker: str) -> None:
        self.engine = engine
        self.settings = settings
        self.worker = worker
        self._looked_at: dict[str, datetime] = {}

    def run_if_due(self, job: Job, now: datetime | None = None) -> bool:
        """Run a job if its newest due time is nobody's yet; gives whether it ran.

        A job that fails is recorded as failed and comes up again at its next due time.
        """
        moment = now or datetime.now(UTC)
        due = latest_due(job, moment)
        if due is None or self._looked_at.get(job.name) == due:
            return False
        mark = {"job": job.name, "due": due, "worker": self.worker}
        with self.engine.begin() as connection:
            ours = connection.scalar(_TAKE, mark | {"now": moment}) is not None
        self._looked_at[job.name] = due
        if ours:
            outcome = self._run(job)
            with self.engine.begin() as connection:
                connection.execute(_END, mark | outcome | {"now": now or datetime.now(UTC)})
        return ours

    def _run(self, job: Job) -> dict[str, str]:
        try:
            detail = str(job.run(self.engine, self.settings))
        except Exception as fault:
            LOG.exception("job %s failed", job.name)
            return {"outcome": "failed", "detail": f"{type(fault).__name__}: {fault}"[:1000]}
        return {"outcome": "done", "detail": detail[:1000]}
