"""Files on their way into a table: kept for an hour in the database, tried and stored by a thread.

Whichever web process is asked knows them; the one that was told to try or store does the work and
says every second how far it is. Where that one ends, nothing of the file is stored, and the others
say so once nothing was heard for a while. What is stored is noted in the same transaction.
"""

from __future__ import annotations

import json
import logging
import threading
import uuid
import zlib
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Engine, delete, func, insert, select, update
from sqlalchemy.orm import Session

from hub.database import tenant_session
from hub.errors import HubError
from hub.register.importing import Fault, Report
from hub.schema import ImportFile
from hub.seal import seal, unseal

log = logging.getLogger(__name__)

KEPT: Final = timedelta(hours=1)
MOST: Final = 20  #: files of an operator at once; the oldest makes room
THREADS: Final = 2
BEAT_S: Final = 1.0  #: between two notes of how far a file is
SILENT_AFTER: Final = timedelta(seconds=30)
RUNNING: Final = ("trying", "storing")
LOST: Final = (
    "The hub was stopped while it worked on this file. Nothing of it is stored; try it again."
)


@dataclass(frozen=True, slots=True)
class Job:
    """One file as it stands: what its columns are, and how far it is."""

    id: uuid.UUID
    organization_id: uuid.UUID
    table: str
    name: str
    header: list[str]
    mapping: dict[int, str]
    lines: int  #: below the head
    state: str
    done: int
    report: Report | None
    fault: str

    @property
    def running(self) -> bool:
        """Whether something is being done with it."""
        return self.state in RUNNING

    @property
    def storing(self) -> bool:
        """Whether it is being stored, or was."""
        return self.state in {"storing", "stored"}


#: Takes a function that is told how many lines are done, and answers what came of them.
Work = Callable[[Callable[[int, int], None]], Report]


class Intake:
    """The files of everybody; each is found only by the person who sent it."""

    def __init__(self, engine: Engine, secret_key: bytes) -> None:
        self._engine, self._secret_key = engine, secret_key
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="import")

    def add(
        self,
        organization: uuid.UUID,
        person: uuid.UUID,
        table: str,
        name: str,
        read: tuple[list[str], list[list[Any]]],
        mapping: dict[int, str],
    ) -> uuid.UUID:
        """Keep a file's head and lines, sealed; what is too old, or too many, goes."""
        header, rows = read
        key = uuid.uuid4()
        packed = zlib.compress(json.dumps(rows, default=_plain).encode())
        with tenant_session(self._engine, organization) as session:
            _make_room(session)
            session.execute(
                insert(ImportFile).values(
                    id=key,
                    organization_id=organization,
                    user_id=person,
                    table_name=table,
                    name=name,
                    header=header,
                    content=seal(self._secret_key, packed, "import_files", key),
                    lines=len(rows),
                    mapping={str(place): field for place, field in mapping.items()},
                )
            )
        return key

    def find(self, job_id: uuid.UUID, organization: uuid.UUID, person: uuid.UUID) -> Job | None:
        """The file of this id, if this person sent it for this operator."""
        columns = [c for c in ImportFile.__table__.c if c.name != "content"]
        asked = select(*columns, (func.now() - ImportFile.seen_at).label("silent")).where(
            ImportFile.id == job_id, ImportFile.user_id == person
        )
        with tenant_session(self._engine, organization) as session:
            row = session.execute(asked).mappings().one_or_none()
        return _job(dict(row)) if row else None

    def rows(self, job: Job) -> list[list[Any]]:
        """The lines of a file."""
        asked = select(ImportFile.content).where(ImportFile.id == job.id)
        with tenant_session(self._engine, job.organization_id) as session:
            sealed = session.scalars(asked).one()
        packed = unseal(self._secret_key, sealed, "import_files", job.id)
        found: list[list[Any]] = json.loads(zlib.decompress(packed))
        return found

    def forget_result(self, job: Job, mapping: dict[int, str] | None = None) -> None:
        """Go back to the columns, or take others; nothing where the file is being worked on."""
        told = job.mapping if mapping is None else mapping
        self._change(
            job.id,
            job.organization_id,
            idle=True,
            state="read",
            done=0,
            report=None,
            fault="",
            mapping={str(place): field for place, field in told.items()},
        )

    def start(self, job: Job, work: Work, *, storing: bool) -> bool:
        """Do the work in a thread; False where something is being done with the file already."""
        began = self._change(
            job.id,
            job.organization_id,
            idle=True,
            state="storing" if storing else "trying",
            done=0,
            report=None,
            fault="",
        )
        if not began:
            return False
        beat = _Beat(lambda done: self._change(job.id, job.organization_id, done=done))
        future = self._threads.submit(work, beat.note)
        future.add_done_callback(lambda ended: self._finish(job, beat, ended))
        return True

    def settle(self, session: Session, job: Job, report: Report) -> None:
        """Note in the transaction that stores the lines that they are stored."""
        changed = update(ImportFile).where(ImportFile.id == job.id)
        session.execute(changed.values(state="stored", done=job.lines, report=asdict(report)))

    def _finish(self, job: Job, beat: _Beat, ended: Future[Report]) -> None:
        """Keep what came of the work; what nobody expected is logged and said without its words."""
        beat.end()
        fault = ended.exception()
        if fault is None:
            report = ended.result()
            state = "stored" if report.stored else "tried"
            told: dict[str, Any] = {"state": state, "report": asdict(report), "done": job.lines}
        else:
            told = {"state": "failed", "fault": _words(job, fault)}
        try:
            self._change(job.id, job.organization_id, **told)
        except Exception:
            log.exception("what came of importing %s could not be kept", job.table)

    def _change(
        self, key: uuid.UUID, organization: uuid.UUID, *, idle: bool = False, **values: Any
    ) -> bool:
        """Write down how a file stands; with `idle`, only where nobody works on it."""
        changed = update(ImportFile).where(ImportFile.id == key)
        if idle:
            silent = ImportFile.seen_at < func.now() - SILENT_AFTER
            changed = changed.where(ImportFile.state.not_in(RUNNING) | silent)
        with tenant_session(self._engine, organization) as session:
            done = session.execute(
                changed.values(seen_at=func.now(), **values).returning(ImportFile.id)
            )
            return done.one_or_none() is not None


class _Beat:
    """Says every second how far a file is, also while it waits for its turn."""

    def __init__(self, tell: Callable[[int], object]) -> None:
        self._tell, self._done, self._over = tell, 0, threading.Event()
        self._thread = threading.Thread(target=self._run, name="import-beat", daemon=True)
        self._thread.start()

    def note(self, done: int, _of: int) -> None:
        """So many lines are done."""
        self._done = done

    def end(self) -> None:
        """Say no more; what is being said is over when this returns."""
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(BEAT_S):
            try:
                self._tell(self._done)
            except Exception:
                log.warning("progress of an import could not be noted", exc_info=True)


def _make_room(session: Session) -> None:
    """Remove an operator's files that are too old, and the oldest of too many."""
    idle = ImportFile.state.not_in(RUNNING) | (ImportFile.seen_at < func.now() - SILENT_AFTER)
    newest = select(ImportFile.id).order_by(ImportFile.created_at.desc()).limit(MOST - 1)
    old = ImportFile.created_at < datetime.now(UTC) - KEPT
    session.execute(delete(ImportFile).where(idle, old | ImportFile.id.not_in(newest)))


def _job(row: dict[str, Any]) -> Job:
    lost = row["state"] in RUNNING and row["silent"] > SILENT_AFTER
    report = row["report"]
    if report is not None:
        faults = [Fault(**one) for one in report["faults"]]
        report = Report(**report | {"faults": faults})
    return Job(
        row["id"],
        row["organization_id"],
        row["table_name"],
        row["name"],
        row["header"],
        {int(place): field for place, field in row["mapping"].items()},
        row["lines"],
        "failed" if lost else row["state"],
        row["done"],
        report,
        LOST if lost else row["fault"],
    )


def _words(job: Job, fault: BaseException) -> str:
    if isinstance(fault, HubError):
        faults: dict[str, str] = getattr(fault, "faults", {})
        return " ".join(faults.values()) or str(fault)
    log.error("import of %s failed", job.table, exc_info=fault)
    return "The hub failed on this file; it is in its log. Nothing was stored."


def _plain(cell: Any) -> str:
    """A cell of a spreadsheet that JSON does not know, as `hub.register.values` reads it."""
    return str(cell)
