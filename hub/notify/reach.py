"""Proof of reach: once a week everybody others count on is asked to answer a message.

Only operators who set up policies or rotations are asked for it. Who did not answer within a day is
named to the owners, and stands as a shortcoming until they do.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from hub.notify import coverage, letters, outbox, policies, runs
from hub.notify.outbox import Notice, Terms
from hub.notify.people import Crew, crew
from hub.notify.preferences import Person, pick

EVERY: Final = timedelta(days=7)
ANSWER_WITHIN: Final = timedelta(days=1)
#: Nobody is woken for it: it is asked between these hours on the person's own clock.
FROM_HOUR, TO_HOUR = 9, 18
#: A channel that was not answered on for so long is tried along.
CHANNEL_EVERY: Final = timedelta(days=28)

_OPERATORS: Final = text(
    """
    SELECT organization_id FROM escalation_policies WHERE ended_at IS NULL
    UNION SELECT organization_id FROM rotations WHERE ended_at IS NULL
    """
)
_LAST: Final = text(
    """
    SELECT DISTINCT ON (user_id) id, user_id, asked_at, due_at, answered_at, missed_at
    FROM reach_checks WHERE organization_id = :organization
    ORDER BY user_id, asked_at DESC
    """
)
_ASK: Final = text(
    """
    INSERT INTO reach_checks (organization_id, user_id, asked_at, due_at)
    VALUES (:organization, :user, :now, :due)
    """
)
_LOCK: Final = text(
    "SELECT pg_try_advisory_xact_lock(1245922378, hashtext(CAST(:organization AS text)))"
)
_ANSWERED: Final = text("UPDATE reach_checks SET answered_at = :at WHERE id = :id")
_MISSED: Final = text("UPDATE reach_checks SET missed_at = :now WHERE id = :id")


@dataclass(frozen=True, slots=True)
class Shortcoming:
    """Something an operator's own watch should stand up for, as an alert."""

    key: str  #: the same from round to round
    sentence: str
    since: datetime
    priority: int = 3


def watch(engine: Engine, now: datetime) -> int:
    """Ask who is due, take answers, and name who did not answer; gives how many were asked."""
    with Session(engine) as session:
        operators = list(session.scalars(_OPERATORS))
    asked = 0
    for organization in operators:
        with Session(engine) as session, session.begin():
            if session.scalar(_LOCK, {"organization": organization}):
                asked += _watch(session, crew(session, organization), now)
    return asked


def _watch(session: Session, found: Crew, now: datetime) -> int:
    last = {row.user_id: row for row in session.execute(_LAST, {"organization": found.id})}
    for check in last.values():
        _follow(session, found, check, now)
    asked = 0
    for user in on_duty(session, found, now):
        person, row = found.people[user], last.get(user)
        due = row is None or now - row.asked_at >= EVERY
        if due and person.channels and _is_daytime(person, now):
            asked += _ask(session, found, person, now)
    return asked


def on_duty(session: Session, found: Crew, now: datetime) -> list[uuid.UUID]:
    """Everybody a policy or a rotation of an operator counts on."""
    users: set[uuid.UUID] = set()
    for row in runs.policies_of(session, found.id):
        policy = policies.from_json(row.snapshot)
        users |= coverage.on_duty_of(session, found, policy, row.near_well_id, now)
    for roster in found.rotations.values():
        users |= coverage.members(roster)
    return sorted(users & set(found.people), key=str)


def _is_daytime(person: Person, now: datetime) -> bool:
    return FROM_HOUR <= now.astimezone(person.zone).hour < TO_HOUR


def _ask(session: Session, found: Crew, person: Person, now: datetime) -> int:
    """Write the weekly question to a person's first channel, and to those long not proven."""
    until = now + ANSWER_WITHIN
    session.execute(_ASK, {"organization": found.id, "user": person.id, "now": now, "due": until})
    message = letters.note(
        person.language,
        "proof",
        found.name,
        "/oncall",
        name=person.name,
        until=until.astimezone(person.zone).strftime("%a %H:%M"),
    )
    notice = Notice(found.id, None, "test", f"proof/{now.isoformat()}/{person.id}", 3, message)
    stale = [c for c in person.channels if not _is_recent(c.proven_at, now) and not c.broken]
    channels = {channel.id: None for channel in (*pick(person, "own", 1), *stale)}
    terms = Terms(expires_at=until, is_test=True)
    return int(outbox.owe(session, notice, list(channels), now, terms) > 0)


def _is_recent(proven_at: datetime | None, now: datetime) -> bool:
    return proven_at is not None and now - proven_at < CHANNEL_EVERY


def _follow(session: Session, found: Crew, row: Any, now: datetime) -> None:
    """Take an answer to the last question, or count it as missed."""
    person = found.people.get(row.user_id)
    if row.answered_at is not None or person is None:
        return
    answers = [c.proven_at for c in person.channels if c.proven_at and c.proven_at >= row.asked_at]
    if answers:
        session.execute(_ANSWERED, {"id": row.id, "at": min(answers)})
    elif row.missed_at is None and row.due_at <= now:
        session.execute(_MISSED, {"id": row.id, "now": now})
        _tell_owners(session, found, person, row, now)


def _tell_owners(session: Session, found: Crew, person: Person, row: Any, now: datetime) -> None:
    for user in found.last_resort(None):
        owner = found.people[user]
        message = letters.note(owner.language, "missed", found.name, "/oncall", name=person.name)
        notice = Notice(found.id, None, "missed", f"{row.id}/{user}", 3, message)
        outbox.owe(session, notice, [c.id for c in pick(owner, "own", 3)], now)


def shortcomings(session: Session, organization: uuid.UUID, now: datetime) -> list[Shortcoming]:
    """What is wrong with how an operator's people are reached: for alerts about the hub itself."""
    found = crew(session, organization)
    return [*_unanswered(session, found), *_holes(found, now), *_overdue(session, found, now)]


def _unanswered(session: Session, found: Crew) -> Iterable[Shortcoming]:
    for row in session.execute(_LAST, {"organization": found.id}):
        person = found.people.get(row.user_id)
        if person is not None and row.missed_at is not None and row.answered_at is None:
            yield Shortcoming(
                f"reach/{row.user_id}",
                f"{person.name} did not answer the question of"
                f" {row.asked_at.astimezone(found.zone):%a %d %b} whether they can be reached.",
                row.missed_at,
            )


def _holes(found: Crew, now: datetime) -> Iterable[Shortcoming]:
    for key, roster in found.rotations.items():
        for hole in coverage.gaps(found, roster, now, now + coverage.WARN_AHEAD)[:1]:
            begins = hole.begins.astimezone(roster.zone)
            yield Shortcoming(
                f"gap/{key}",
                f"Nobody who can be reached is on call for {found.rotation_names[key]} from"
                f" {begins:%a %d %b %H:%M}.",
                now,
                2,
            )


_LATE: Final = text(
    """
    SELECT min(due_at) AS since, count(*) AS steps FROM escalation_runs
    WHERE organization_id = :organization AND ended_at IS NULL AND due_at < :before
    """
)


def _overdue(session: Session, found: Crew, now: datetime) -> Iterable[Shortcoming]:
    values = {"organization": found.id, "before": now - timedelta(seconds=60)}
    row = session.execute(_LATE, values).one()
    if row.steps:
        yield Shortcoming(
            "overdue", f"{row.steps} steps of telling people are overdue.", row.since, 1
        )


_PER_PERSON: Final = text(
    """
    SELECT p.user_id, u.name, count(*) AS pages,
           count(*) FILTER (WHERE p.manner = 'told') AS alone,
           count(*) FILTER (WHERE p.manner IN ('storm', 'bundle')) AS merged,
           count(*) FILTER (WHERE p.manner = 'digest') AS later,
           count(*) FILTER (WHERE p.priority = 1) AS critical
    FROM pages p JOIN users u ON u.id = p.user_id
    WHERE p.organization_id = :organization AND p.at >= :since AND p.at < :until
      AND p.manner <> 'nobody'
    GROUP BY 1, 2 ORDER BY 3 DESC, 2
    """
)


def pages_per_person(
    session: Session, organization: uuid.UUID, since: datetime, until: datetime
) -> list[Any]:
    """How often each person was told in a time: pages, and of them alone, merged, later, critical.

    A person on call is ISA-18.2's operating position: at most about 150 a day, 6 an hour.
    """
    values = {"organization": organization, "since": since, "until": until}
    return list(session.execute(_PER_PERSON, values))
