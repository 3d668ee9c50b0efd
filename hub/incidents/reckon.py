"""What an incident owes to agencies now: from its facts to rows with a deadline.

Level-triggered: whoever changed something, and every minute a job, has it reckoned anew; the same
facts give the same rows. What was told stands. What the facts no longer ask for lapses, what they
ask for again is owed again, and what a person decided not to tell is owed anew only when the facts
have changed for the worse since.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any, Final

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from hub.incidents.candidates import candidates_of
from hub.incidents.clocks import Start, Term, discovery, due_at, zone_of
from hub.incidents.facts import facts_hash, known
from hub.incidents.judge import Judgement, Known, judge
from hub.incidents.logic import LogicError, read
from hub.incidents.rows import write
from hub.incidents.site import Place, facts_of, others_at, place_of
from hub.schema import AgencyRule, Incident, IncidentNotice

OVER: Final = ("closed", "not_an_incident")
_LOCK: Final = text("SELECT pg_advisory_xact_lock(1229867332, hashtext(CAST(:incident AS text)))")
_CLOSES: Final = time(17)


@dataclass(frozen=True, slots=True)
class Scene:
    """An incident being reckoned: its facts, where it is, and what its clocks count from."""

    incident: Incident
    place: Place
    facts: Known
    others: Sequence[Known]
    hash: str
    discovery: Start


def reckon(session: Session, incident: Incident) -> list[IncidentNotice]:
    """Bring what an incident owes up to what is known of it; answers all its notices."""
    session.execute(_LOCK, {"incident": incident.id})
    notices = list(
        session.scalars(select(IncidentNotice).where(IncidentNotice.incident_id == incident.id))
    )
    if incident.status == "closed":
        return notices
    scene = scene_of(session, incident)
    by_rule = {notice.rule_id: notice for notice in notices}
    for rule in rules_for(session, scene):
        found = judgement_of(rule, scene)
        notice = by_rule.get(rule.id)
        if notice is not None:
            _follow(notice, rule, scene, found)
        elif found.verdict != "not_asked":
            notices.append(_owe(session, rule, scene, found))
    session.flush()
    return notices


def scene_of(session: Session, incident: Incident) -> Scene:
    """Everything that rules ask about an incident."""
    place = place_of(session, incident.organization_id, incident.id)
    columns = facts_of(incident)
    others = [known(facts, place.facts) for _at, facts in others_at(session, incident, place)]
    start = discovery(
        candidates_of(session, incident), incident.clock_choice, incident.clock_reason
    )
    return Scene(
        incident,
        place,
        known(columns, place.facts),
        others,
        facts_hash(columns, place.facts),
        start,
    )


def rules_for(session: Session, scene: Scene) -> Iterable[AgencyRule]:
    """The operator's rules that are in force where the incident is."""
    return session.scalars(
        select(AgencyRule)
        .where(
            AgencyRule.organization_id == scene.incident.organization_id,
            AgencyRule.enabled,
            (AgencyRule.state.is_(None)) | (AgencyRule.state == scene.place.state),
        )
        .order_by(AgencyRule.code)
    )


def judgement_of(rule: AgencyRule, scene: Scene) -> Judgement:
    """What a rule asks; one that cannot be read may ask for anything, and says so."""
    if scene.incident.status == "not_an_incident":
        return Judgement("not_asked", "")
    try:
        node = read(rule.logic, rule.params)
    except LogicError as fault:
        return Judgement("potential", f"the rule's condition cannot be read: {fault}")
    return judge(node, scene.facts, scene.others)


def _owe(session: Session, rule: AgencyRule, scene: Scene, found: Judgement) -> IncidentNotice:
    incident = scene.incident
    notice = IncidentNotice(status=found.verdict)
    _describe(notice, rule, scene, found)
    values = {name: getattr(notice, name) for name in (*DESCRIBED, "status", "written_required_by")}
    given = {"incident_id": incident.id, "rule_id": rule.id, **values}
    return write(session, IncidentNotice, incident.organization_id, given)


#: What a notice says of its rule, its facts and its clock.
DESCRIBED: Final = (
    *("authority", "rule", "rule_version", "facts_hash", "because", "written", "follow_up"),
    *("clock_start", "clock_basis", "required_by"),
)


def _follow(notice: IncidentNotice, rule: AgencyRule, scene: Scene, found: Judgement) -> None:
    """Bring a notice to what its rule asks now, as far as people have not settled it."""
    if notice.status in {"notified", "written_due", "filed"}:
        _set(notice, written_required_by=_written_by(rule, scene, notice))
        return
    asked = found.verdict != "not_asked"
    if notice.status == "waived" and not (
        found.verdict == "due" and notice.facts_hash != scene.hash
    ):
        return
    if not asked:
        if notice.status != "waived":
            _set(notice, status="lapsed", because="The facts do not ask for it any more.")
        return
    if notice.status == "lapsed":
        _set(notice, reminded=0, missed_at=None)
    _set(notice, status=found.verdict)
    _describe(notice, rule, scene, found)


def _describe(notice: IncidentNotice, rule: AgencyRule, scene: Scene, found: Judgement) -> None:
    start = start_of(rule.clock, scene)
    _set(
        notice,
        authority=rule.agency,
        rule=rule.citation,
        rule_version=rule.version,
        facts_hash=scene.hash,
        because=found.because,
        written=rule.written,
        follow_up=rule.follow_up,
        clock_start=start.at if start else None,
        clock_basis=start.basis if start else WAITS[rule.clock],
        required_by=_due(start, Term(rule.deadline_kind, rule.deadline_n), scene),
    )
    _set(notice, written_required_by=_written_by(rule, scene, notice))


#: What is said while that which starts a clock has not happened.
WAITS: Final = {
    "cleanup": "counts from the end of the cleanup, which is not entered yet",
    "discharge_stopped": "counts from when it stopped flowing, which is not entered yet",
    "told": "counts from the call, which is not recorded yet",
}


def start_of(clock: str, scene: Scene, notice: IncidentNotice | None = None) -> Start | None:
    """What a clock counts from; None while that has not happened."""
    incident = scene.incident
    if clock == "discovery":
        return scene.discovery
    at: datetime | None = {
        "occurrence": incident.occurred_at,
        "discharge_stopped": incident.discharge_stopped_at,
        "cleanup": _evening(scene),
        "deadline": notice.required_by if notice else None,
        "told": notice.done_at if notice else None,
    }[clock]
    return Start(at, BASES[clock]) if at is not None else None


BASES: Final = {
    "occurrence": "when it happened",
    "discharge_stopped": "when it stopped flowing",
    "cleanup": "the day the cleanup was done",
    "deadline": "the time by which the agency had to be told",
    "told": "when the agency was told",
}


def _evening(scene: Scene) -> datetime | None:
    """The day of the cleanup's end, at the hour offices close."""
    day = scene.incident.cleanup_ended_on
    if day is None:
        return None
    zone = zone_of(scene.place.state, scene.place.timezone)
    return datetime.combine(day, _CLOSES, zone).astimezone(UTC)


def _due(start: Start | None, term: Term, scene: Scene) -> datetime | None:
    if start is None:
        return None
    zone = zone_of(scene.place.state, scene.place.timezone)
    return due_at(start.at, term, scene.place.state, zone)


def _written_by(rule: AgencyRule, scene: Scene, notice: IncidentNotice) -> datetime | None:
    if rule.follow_up_kind is None:
        return None
    start = start_of(rule.follow_up_clock, scene, notice)
    return _due(start, Term(rule.follow_up_kind, rule.follow_up_n), scene)


def _set(notice: IncidentNotice, **values: Any) -> None:
    """Change what differs, so that a row that stays as it is is not written again."""
    for name, value in values.items():
        if getattr(notice, name) != value:
            setattr(notice, name, value)


def reckon_open(session: Session, organization: uuid.UUID) -> int:
    """Reckon every incident of an operator that is not over; answers how many."""
    open_ones = session.scalars(
        select(Incident)
        .where(Incident.organization_id == organization, Incident.status.not_in(OVER))
        .order_by(Incident.occurred_at)
    ).all()
    for incident in open_ones:
        reckon(session, incident)
    return len(open_ones)
