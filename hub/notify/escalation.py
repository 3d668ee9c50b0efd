"""Takes the steps that are due: every one is a row with an instant, done by whichever worker is
first.

For each run that is due:

1. Lock the run and its alert, passing over those that somebody else holds: whoever acknowledges
   holds the alert, and then ends the run. Nobody waits here for anybody.
2. If the alert was taken on, is over, or is kept quiet, end the run or put the step off.
3. Write what the step tells people and when the next one is due, and commit both together.

A worker that dies anywhere leaves the row as it was, due. What is due for more than a minute is
found by `overdue`, which runs apart from this and tells the owner.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from hub.notify import digests, letters, outbox, policies, runs, storm, telling
from hub.notify.outbox import Notice
from hub.notify.people import crew
from hub.notify.policies import BUILT_IN, Place, Policy
from hub.notify.runs import Chosen

LOG = logging.getLogger(__name__)

OVERDUE: Final = timedelta(seconds=60)
#: An alert somebody keeps quiet is looked at again after so long.
LOOK_AGAIN: Final = timedelta(seconds=60)

_DUE: Final = text(
    """
    SELECT r.id, r.organization_id, r.alert_id, r.priority, r.kind, r.occasion, r.subject, r.body,
           r.round, r.step_no, r.turn, v.snapshot, r.policy_version_id, a.well_id, a.ack,
           a.closed_at, a.condition <> 'normal' OR a.latched AS stands,
           a.suppressed_by IS NOT NULL OR a.shelved_until > :now
               OR a.out_of_service_until > :now AS muted
    FROM escalation_runs r
    JOIN alerts a ON a.id = r.alert_id
    LEFT JOIN policy_versions v ON v.id = r.policy_version_id
    WHERE r.ended_at IS NULL AND r.due_at <= :now
    ORDER BY r.priority, r.due_at
    LIMIT 1
    FOR UPDATE OF r SKIP LOCKED
    FOR SHARE OF a SKIP LOCKED
    """
)
_PUT_OFF: Final = text("UPDATE escalation_runs SET due_at = :due WHERE id = :id")

_OVERDUE: Final = text(
    """
    SELECT id, organization_id, alert_id, priority, subject, due_at
    FROM escalation_runs
    WHERE ended_at IS NULL AND due_at < :before
      AND (audited_at IS NULL OR audited_at < due_at)
    ORDER BY priority, due_at
    LIMIT 100
    """
)
_AUDITED: Final = text("UPDATE escalation_runs SET audited_at = :now WHERE id = :id")


def take_due(engine: Engine, now: datetime | None = None, *, most: int = 50) -> int:
    """Take the steps that are due, one after the other; gives how many were looked at.

    `engine` acts as the work role. Any number of workers may do this at once. A step that fails is
    put off by a minute, so that it does not hold up the others.
    """
    for done in range(most):
        moment = now or datetime.now(UTC)
        with Session(engine) as session, session.begin():
            run = session.execute(_DUE, {"now": moment}).one_or_none()
            if run is None:
                return done
            try:
                with session.begin_nested():
                    _take(session, run, moment)
            except Exception:
                LOG.exception("a step of telling people of alert %s failed", run.alert_id)
                session.execute(_PUT_OFF, {"id": run.id, "due": moment + LOOK_AGAIN})
    return most


def turn(engine: Engine, now: datetime | None = None) -> bool:
    """One turn of the work process: steps, storms, bundles; whether there may be more at once."""
    moment = now or datetime.now(UTC)
    parts: tuple[Callable[[], int], ...] = (
        lambda: take_due(engine, now),
        lambda: storm.renew_due(engine, moment),
        lambda: digests.send_bundles(engine, moment),
    )
    return sum(part() for part in parts) > 0


def _take(session: Session, run: Any, now: datetime) -> None:
    if run.ack != "unacked" or run.closed_at is not None:
        runs.end(session, run.id, "stopped", now)
        return
    if run.muted:
        session.execute(_PUT_OFF, {"id": run.id, "due": now + LOOK_AGAIN})
        return
    chosen = Chosen(policy_of(run), run.policy_version_id, run.well_id)
    place = Place(run.round, run.step_no, run.turn)
    zone = crew(session, run.organization_id).zone
    told = 0
    if _fits(chosen.policy, place, run):
        told = telling.step(session, runs.notice_of(run), chosen, place, now)
    after = policies.following(
        chosen.policy, place, run.priority, now, zone, active=bool(run.stands)
    )
    runs.advance(session, run.id, after, now, told)


def policy_of(run: Any) -> Policy:
    """The policy as it stood when a run began."""
    return policies.from_json(run.snapshot) if run.snapshot else BUILT_IN


def _fits(policy: Policy, place: Place, run: Any) -> bool:
    """Whether a step is still meant: a reminder, and some steps, only while it stands."""
    if place.step >= len(policy.steps):
        return bool(run.stands)
    return policy.steps[place.step].fits(run.priority, active=bool(run.stands))


def overdue(engine: Engine, now: datetime | None = None) -> int:
    """Tell the owner of each step that is due for more than a minute; gives how many.

    It runs apart from what takes the steps, and writes its message past policies, storms and
    digests: where those are stuck, this still goes out.
    """
    moment = now or datetime.now(UTC)
    with Session(engine) as session, session.begin():
        late = session.execute(_OVERDUE, {"before": moment - OVERDUE}).all()
        for run in late:
            LOG.error(
                "a step of telling people of alert %s is due since %s", run.alert_id, run.due_at
            )
            _tell_owner(session, run, moment)
            session.execute(_AUDITED, {"id": run.id, "now": moment})
    return len(late)


def _tell_owner(session: Session, run: Any, now: datetime) -> None:
    found = crew(session, run.organization_id)
    for user in found.last_resort(None):
        person = found.people[user]
        message = letters.note(
            person.language,
            "overdue",
            found.name,
            f"/alerts/{run.alert_id}",
            what=run.subject,
            since=run.due_at.astimezone(person.zone).strftime("%H:%M:%S"),
        )
        occasion = f"{run.due_at.isoformat()}/{user}"
        notice = Notice(run.organization_id, run.alert_id, "overdue", occasion, 1, message)
        channels = [channel.id for channel in person.channels]
        outbox.owe(session, notice, channels, now)
