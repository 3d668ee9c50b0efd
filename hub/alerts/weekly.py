"""The week's worst rules, written once a week to everybody who may change rules.

On Monday at eight, by the operator's clock, owners and managers with a channel get the rules that
raised the most, what of it came and went, and the fixes that wait to be accepted. An operator
without alarms in that week gets nothing. One operator is written to at a time, so that no other job
waits for long.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo
from typing import Final

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from hub.alerts import badactors
from hub.alerts.badactors import WEEK, BadActor
from hub.alerts.suggest import Suggestion
from hub.database import Actor, tenant_session
from hub.notify import outbox
from hub.notify.letters import say
from hub.notify.messages import Message, letter
from hub.notify.outbox import Notice
from hub.notify.people import Crew, crew
from hub.notify.preferences import Person, pick
from hub.notify.wallclock import zone_of
from hub.permissions import Action, may

KIND: Final = "report"
HOUR: Final = time(8)
LATE: Final = timedelta(days=3)  #: a hub that was down for longer tells with the next one
PRIORITY: Final = 4
MOST_FIXES: Final = 3  #: computed for a report; the page computes any
_ACTOR: Final = Actor(door="weekly report")

_OPERATORS: Final = text("SELECT id, timezone FROM organizations ORDER BY id")
_WANTED: Final = text(
    """
    SELECT EXISTS (SELECT FROM alerts
                   WHERE organization_id = :organization AND retracted_at IS NULL
                     AND raised_at > :since AND raised_at <= :until)
       AND NOT EXISTS (SELECT FROM notifications
                       WHERE organization_id = :organization AND kind = :kind
                         AND created_at >= :until)
    """
)
_LOCK: Final = text(
    "SELECT pg_try_advisory_xact_lock(1245922379, hashtext(CAST(:organization AS text)))"
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One rule of the report."""

    actor: BadActor
    fix: Suggestion | None


def due(now: datetime, zone: tzinfo) -> datetime | None:
    """The hour the report of this week is from, if it is time for it (pure)."""
    local = now.astimezone(zone)
    monday = datetime.combine(local.date() - timedelta(days=local.weekday()), HOUR, zone)
    return monday if monday <= now < monday + LATE else None


def send_due(engine: Engine, now: datetime) -> int:
    """Write the report of one operator whose hour has come; gives how many messages are owed."""
    with Session(engine) as session:
        operators = session.execute(_OPERATORS).all()
    for row in operators:
        until = due(now, zone_of(row.timezone))
        if until is not None:
            sent = _send(engine, row.id, until, now)
            if sent:
                return sent
    return 0


def _send(engine: Engine, organization: uuid.UUID, until: datetime, now: datetime) -> int:
    with tenant_session(engine, organization, _ACTOR) as session:
        values = {"organization": organization, "since": until - WEEK, "until": until}
        if not session.scalar(_WANTED, values | {"kind": KIND}):
            return 0
        found = crew(session, organization)
        readers = [person for person in found.people.values() if _reads(person)]
        if not readers or not session.scalar(_LOCK, {"organization": organization}):
            return 0
        entries = report(session, organization, until)
        return sum(_owe(session, found, person, entries, until, now) for person in readers)


def _reads(person: Person) -> bool:
    return may(person.role, Action.EDIT_RULES) and bool(pick(person, "own", PRIORITY))


def report(session: Session, organization: uuid.UUID, until: datetime) -> list[Entry]:
    """The worst rules of the week before, the first few with their computed fix."""
    entries, left = [], MOST_FIXES
    for actor in badactors.worst(session, until, organization=organization):
        fixed = badactors.fix(session, actor.rule_id, until) if actor.fixable and left else None
        left -= actor.fixable and left > 0
        entries.append(Entry(actor, fixed if fixed is not None and fixed.helps else None))
    return entries


def _owe(
    session: Session,
    found: Crew,
    person: Person,
    entries: Sequence[Entry],
    until: datetime,
    now: datetime,
) -> int:
    message = written(found, person, entries, until)
    notice = Notice(found.id, None, KIND, f"{until.isoformat()}/{person.id}", PRIORITY, message)
    return outbox.owe(session, notice, [c.id for c in pick(person, "own", PRIORITY)], now)


def written(found: Crew, person: Person, entries: Sequence[Entry], until: datetime) -> Message:
    """The report in a person's language and on their clock."""
    language = person.language
    share = sum(entry.actor.share_percent for entry in entries)
    alarms = sum(entry.actor.alarms for entry in entries)
    values = {
        "alarms": round(alarms * 100 / share) if share else 0,
        "share": f"{share:.0f} %",
        "rules": len(entries),
        "until": until.astimezone(person.zone).strftime("%d %b %H:%M"),
    }
    lines = [say(language, "report_head", **values)]
    lines += [_line(language, entry, person.zone) for entry in entries]
    subject = say(language, "report", **values)
    return letter(KIND, found.name, subject, lines, "/alerts/load")


def _line(language: str, entry: Entry, zone: tzinfo) -> str:
    actor, fix = entry.actor, entry.fix
    said = say(
        language,
        "report_rule",
        rule=actor.rule,
        place=actor.place,
        alarms=actor.alarms,
        chattering=actor.chattering,
        fleeting=actor.fleeting,
    )
    if actor.dead_since is not None:
        since = actor.dead_since.astimezone(zone).strftime("%d %b %H:%M")
        return f"{said} {say(language, 'report_dead', since=since)}"
    if fix is None:
        return said
    numbers = {"after": fix.after.alarms, "before": fix.before.alarms}
    return f"{said} {say(language, 'report_fix', **numbers)}"
