"""Everything the hub does every so often, in one table.

APScheduler's triggers only say when a job is due. Who runs it is decided by the table `job_runs`:
every work process computes the same due times, and whoever writes the row runs the job.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger
from sqlalchemy import Engine, text

from hub import deadman
from hub.alerts import (
    afterwards,
    fanout,
    obligations,
    office,
    sitebundles,
    upkeep,
    watchkeeping,
    weekly,
)
from hub.documents.sweep import sweep
from hub.incidents.rounds import go_round
from hub.jobs import health
from hub.notify import digests, escalation, links, reach, rosters
from hub.production import close, siteforms, uptake
from hub.readings import retention, rollups
from hub.settings import HubSettings
from hub.trail import seal_due

LOG = logging.getLogger(__name__)

#: Interval jobs count from here, so that every process computes the same due times.
_ANCHOR: Final = datetime(2024, 1, 1, tzinfo=UTC)
_JOB_RUNS_KEPT: Final = timedelta(days=30)
_OFTEN: Final = timedelta(minutes=1)
_OFTEN_KEPT: Final = timedelta(days=1)  # of jobs that run every few seconds
_ANSWERS_KEPT: Final = timedelta(days=1)
_IMPORTS_KEPT: Final = timedelta(hours=2)  # beyond the hour they are offered: some still run
_OVERDUE: Final = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Job:
    """One job: its name in `job_runs`, when it is due, what it does (for people), and how."""

    name: str
    trigger: Any  #: an APScheduler trigger
    does: str
    run: Callable[[Engine, HubSettings], object]
    looks_back: timedelta  #: a due time missed by more than this is left to the next


def latest_due(job: Job, now: datetime) -> datetime | None:
    """The newest time at or before `now` at which a job was due, if it is not too long ago."""
    due: datetime | None = None
    following = job.trigger.get_next_fire_time(None, now - job.looks_back)
    while following is not None and following <= now:
        due = following
        following = job.trigger.get_next_fire_time(due, due + timedelta(microseconds=1))
    return due


def _every(**interval: float) -> tuple[Any, timedelta]:
    period = timedelta(**interval)
    trigger = IntervalTrigger(seconds=int(period.total_seconds()), start_date=_ANCHOR, timezone=UTC)
    return trigger, period


def _daily(hour: int, minute: int) -> tuple[Any, timedelta]:
    return CronTrigger(hour=hour, minute=minute, timezone=UTC), timedelta(days=1)


def _job(
    name: str, due: tuple[Any, timedelta], does: str, run: Callable[[Engine, HubSettings], object]
) -> Job:
    return Job(name, due[0], does, run, due[1])


def forget_sign_ins(engine: Engine, _settings: HubSettings) -> int:
    """Remove sessions that have ended and failed sign-ins of the past; gives how many sessions."""
    with engine.begin() as connection:
        return int(connection.scalar(text("SELECT sweep_sign_ins()")) or 0)


def forget_job_runs(engine: Engine, _settings: HubSettings) -> int:
    """Remove the records of jobs that ran long ago; gives how many."""
    now = datetime.now(UTC)
    statement = """DELETE FROM job_runs
        WHERE due_at < :before OR (job = ANY(:often) AND due_at < :lately) RETURNING 1"""
    often = [job.name for job in SCHEDULE if job.looks_back < _OFTEN]
    values = {"before": now - _JOB_RUNS_KEPT, "often": often, "lately": now - _OFTEN_KEPT}
    with engine.begin() as connection:
        return len(connection.execute(text(statement), values).all())


def forget_answers(engine: Engine, _settings: HubSettings) -> int:
    """Remove answers kept for programs that repeat a request; gives how many."""
    with engine.begin() as connection:
        gone = connection.execute(
            text("DELETE FROM idempotency_keys WHERE created_at < :before RETURNING 1"),
            {"before": datetime.now(UTC) - _ANSWERS_KEPT},
        )
        return len(gone.all())


def forget_imports(engine: Engine, _settings: HubSettings) -> int:
    """Remove spreadsheets that were sent an hour ago or earlier; gives how many."""
    with engine.begin() as connection:
        gone = connection.execute(
            text("DELETE FROM import_files WHERE created_at < :before RETURNING 1"),
            {"before": datetime.now(UTC) - _IMPORTS_KEPT},
        )
        return len(gone.all())


def watch_backlog(engine: Engine, _settings: HubSettings) -> tuple[int, int]:
    """Say in the log when readings wait to be judged, or messages to be sent, for too long."""
    before = datetime.now(UTC) - _OVERDUE
    with engine.begin() as connection:
        unjudged, unsent = connection.execute(_WAITING, {"before": before}).one()
    if unjudged:
        LOG.error("%d ledger rows have waited for judgement since before %s", unjudged, before)
    if unsent:
        LOG.error("%d messages have been due since before %s", unsent, before)
    return int(unjudged), int(unsent)


def watch_itself(engine: Engine, settings: HubSettings) -> int:
    """Look at the alarm system, its people and the hub, for the rules about them."""
    return office.look(engine, office.OF_ITSELF, of_hub=health.look(engine, settings))


_WAITING = text(
    """
    SELECT (SELECT count(*) FROM ingest_batches
            WHERE judged_at IS NULL AND received_at < :before),
           (SELECT count(*) FROM notifications
            WHERE (state = 'queued' AND not_before < :before)
               OR (state = 'leased' AND lease_until < :before))
    """
)

SCHEDULE: Final[tuple[Job, ...]] = (
    _job(
        "roll_up",
        _every(minutes=1),
        "brings the hourly and daily rollups up to what has arrived",
        lambda engine, _settings: rollups.roll_up(engine),
    ),
    _job(
        "make_room",
        _every(hours=1),
        "makes the partitions of the coming weeks",
        lambda engine, _settings: retention.make_room(engine),
    ),
    _job(
        "retention",
        _daily(3, 20),
        "drops readings older than retention_days, once their rollups hold them",
        lambda engine, settings: retention.enforce(engine, settings.retention_days),
    ),
    _job(
        "rules_off",
        _every(minutes=1),
        "closes the alerts of rules that were switched off",
        lambda engine, _settings: upkeep.settle_rules_off(engine),
    ),
    _job(
        "silence",
        _every(seconds=15),
        "looks for sites, devices, gauges and safety points that nobody can see",
        lambda engine, _settings: watchkeeping.keep_watch(engine),
    ),
    _job(
        "afterwards",
        _every(minutes=1),
        "tells once per site what was learned of the time in which its link was down",
        lambda engine, _settings: afterwards.digest_outages(engine),
    ),
    _job(
        "rule_children",
        _every(minutes=1),
        "keeps the rules of single tags in step with the rules of classes, wells and operators",
        lambda engine, _settings: fanout.keep_all(engine),
    ),
    _job(
        "office_day",
        _every(minutes=15),
        "looks at production, tanks, tickets and entries for the rules about them",
        lambda engine, _settings: office.look(engine, office.OF_A_DAY),
    ),
    _job(
        "office_dates",
        _every(hours=1),
        "looks at due dates and money for the rules about them",
        lambda engine, _settings: office.look(engine, office.OF_DATES),
    ),
    _job(
        "alarm_system",
        _every(minutes=1),
        "looks at the alarm system itself for the rules about it",
        watch_itself,
    ),
    _job(
        "checkpoints",
        _daily(3, 40),
        "forgets evaluator checkpoints older than 35 days",
        lambda engine, _settings: upkeep.prune_checkpoints(engine),
    ),
    _job(
        "incidents",
        _every(seconds=30),
        "lets alerts become incidents, and reckons what agencies are owed about them",
        lambda engine, _settings: go_round(engine),
    ),
    _job(
        "agency_notices",
        _every(seconds=30),
        "reminds of notices that agencies are owed, and of those that were missed",
        lambda engine, _settings: obligations.watch(engine),
    ),
    _job(
        "seal_trail",
        _every(seconds=5),
        "chains the audit trail's entries whose transactions have ended",
        lambda engine, _settings: seal_due(engine),
    ),
    _job(
        "heartbeat",
        _every(minutes=1),
        "calls the address outside that watches the hub, while judging and delivering go on",
        deadman.call_outside,
    ),
    _job(
        "site_rules",
        _every(seconds=5),
        "signs the rules that agents shall run, where anything in them has changed",
        sitebundles.renew,
    ),
    _job(
        "site_forms",
        _every(minutes=1),
        "makes the form that each site shows to pumpers, where anything in it has changed",
        siteforms.renew,
    ),
    _job(
        "field_entries",
        _every(seconds=5),
        "takes up what was entered at sites, as the person who signed it",
        uptake.take_up,
    ),
    _job(
        "daily_close",
        _every(minutes=15),
        "closes every lease's last seven days: production, wells' shares, what is open",
        close.close_all,
    ),
    _job(
        "answers",
        _every(hours=1),
        "removes answers kept a day for programs that repeat a request",
        forget_answers,
    ),
    _job(
        "imports",
        _every(hours=1),
        "removes spreadsheets that were sent to be imported hours ago",
        forget_imports,
    ),
    _job(
        "sign_ins",
        _every(hours=1),
        "removes ended sessions and old failed sign-ins",
        forget_sign_ins,
    ),
    _job(
        "message_links",
        _daily(3, 45),
        "removes the secrets of messages a week after they ended",
        lambda engine, _settings: links.forget_expired(engine, datetime.now(UTC)),
    ),
    _job(
        "job_runs",
        _daily(3, 50),
        "removes records of jobs older than 30 days",
        forget_job_runs,
    ),
    _job(
        "documents",
        _daily(4, 0),
        "removes content of documents that no row speaks of any more",
        sweep,
    ),
    _job(
        "overdue_steps",
        _every(minutes=1),
        "tells the owner of steps of an escalation that are due for more than a minute",
        lambda engine, _settings: escalation.overdue(engine),
    ),
    _job(
        "rosters",
        _every(minutes=1),
        "tells who comes on call, and warns of hours in which nobody is, two days ahead",
        lambda engine, _settings: rosters.watch(engine, datetime.now(UTC)),
    ),
    _job(
        "digests",
        _every(minutes=1),
        "sends each person their digest at their hour, and at the end of their quiet hours",
        lambda engine, _settings: digests.send_due(engine, datetime.now(UTC)),
    ),
    _job(
        "reach",
        _every(minutes=10),
        "asks everybody on duty once a week to answer a message, and names who did not",
        lambda engine, _settings: reach.watch(engine, datetime.now(UTC)),
    ),
    _job(
        "worst_rules",
        _every(minutes=1),
        "writes on Monday at eight, operator by operator, of the week's worst rules and their fix",
        lambda engine, _settings: weekly.send_due(engine, datetime.now(UTC)),
    ),
    _job(
        "backlog",
        _every(minutes=1),
        "says in the log when readings wait for judgement or messages for delivery",
        watch_backlog,
    ),
)
