"""The round that looks for silence: every operator's sites, devices, gauges and safety points.

For each operator, in one transaction, parents first: sites that are silent, devices that do not
answer, then gauges; then safety points that nobody can see, and what was not put back in service.
The alerts of each rule are brought to what was found (`hub.alerts.conditions`), and what follows
from the parents is suppressed before anybody is told (`hub.alerts.inhibition`).
"""

from __future__ import annotations

import logging
import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from agent.contract.alarm_rules import RuleError
from hub.alerts import inhibition, planned, silence, standing_rules
from hub.alerts.conditions import Finding, reconcile
from hub.alerts.silence import Point, Seen, Site
from hub.database import tenant_session
from hub.schema import AlertRule

LOG = logging.getLogger(__name__)

_ORGANIZATIONS = text("SELECT id, timezone FROM organizations WHERE closed_at IS NULL ORDER BY id")

_SITES = text(
    """
    SELECT a.id, a.name, a.well_id, coalesce(w.name, a.name) AS place, a.heard_at
    FROM agents a LEFT JOIN wells w ON w.id = a.well_id
    WHERE a.organization_id = :organization AND a.revoked_at IS NULL AND a.heard_at IS NOT NULL
    """
)

# Readings carry the site's clock; what it was off when it last said so brings them to the hub's.
_POINTS = text(
    """
    SELECT t.id, t.name, t.agent_id, t.device, t.well_id, t.interval_ms, t.measure, t.description,
           coalesce(w.name, a.name) AS place, l.quality,
           l.time - coalesce(a.clock_skew_ms, 0) * interval '1 millisecond' AS last,
           (SELECT min(CAST(level.value ->> 'priority' AS integer))
            FROM alert_rules r, jsonb_each(r.params -> 'levels') level
            WHERE r.tag_id = t.id AND r.enabled AND r.kind <> 'stale'
              AND jsonb_typeof(r.params -> 'levels') = 'object') AS worst
    FROM tags t
    JOIN agents a ON a.id = t.agent_id AND a.revoked_at IS NULL
    JOIN readings_latest l ON l.tag_id = t.id
    LEFT JOIN wells w ON w.id = t.well_id
    WHERE t.organization_id = :organization
    """
)

_RULES = text(
    """
    SELECT id, tag_id, params FROM alert_rules
    WHERE organization_id = :organization AND kind = 'stale' AND scope = 'tag' AND enabled
      AND faulted_at IS NULL
    """
)

_OVERDUE = text(
    """
    SELECT h.id, h.until, h.reason, h.permit, h.tag_id, h.equipment_id, h.well_id, h.facility_id,
           h.agent_id, coalesce(t.name, e.name, w.name, f.name, a.name) AS subject
    FROM alert_holds h
    LEFT JOIN tags t ON t.id = h.tag_id
    LEFT JOIN equipment e ON e.id = h.equipment_id
    LEFT JOIN wells w ON w.id = h.well_id
    LEFT JOIN facilities f ON f.id = h.facility_id
    LEFT JOIN agents a ON a.id = h.agent_id
    WHERE h.organization_id = :organization AND h.kind = 'service' AND h.ended_at IS NULL
      AND h.until <= :now
    """
)

_STARTED = text("SELECT max(started_at) FROM ingest_epochs")

#: Measures that are about people's lives whatever rules they have.
_LIVES = frozenset({"h2s", "lel", "fire", "esd"})
_NO_ANSWER = 16  #: qualities from here on carry no value


@dataclass(frozen=True, slots=True)
class _Round:
    """One operator's round."""

    session: Session
    organization: uuid.UUID
    now: datetime
    zone: ZoneInfo
    rules: Mapping[str, AlertRule]

    def reconcile(self, template: str, findings: Sequence[Finding]) -> None:
        rule = self.rules[template]
        if rule.enabled:
            reconcile(self.session, rule, findings, self.now)

    def priority(self, template: str) -> int:
        """What the operator made of a built-in rule's priority."""
        try:
            return silence.read(self.rules[template].params).priority
        except RuleError:
            return standing_rules.BUILT[template].priority


def keep_watch(engine: Engine, now: datetime | None = None) -> int:
    """Look for silence everywhere; gives how many operators' rounds were done."""
    moment = now or datetime.now(UTC)
    with Session(engine) as session:
        organizations = session.execute(_ORGANIZATIONS).all()
        started = session.scalar(_STARTED)
    done = 0
    for organization, timezone in organizations:
        try:
            watch_operator(engine, organization, timezone, moment, started)
            done += 1
        except Exception:
            LOG.exception("the round of operator %s failed; the others go on", organization)
    return done


def watch_operator(
    engine: Engine,
    organization: uuid.UUID,
    timezone: str,
    now: datetime,
    started: datetime | None = None,
) -> None:
    """One operator's round, in one transaction.

    `started` is when the hub last began to listen: for as long after as a site may be silent,
    silence says nothing, for sites need a moment to come back.
    """
    with tenant_session(engine, organization) as session:
        rules = standing_rules.ensure(session, organization)
        turn = _Round(session, organization, now, ZoneInfo(timezone), rules)
        planned.follow(session, organization, now)
        turn.reconcile("forgot_to_restore", _overdue(turn))
        sites = [Site(*row) for row in session.execute(_SITES, {"organization": organization})]
        waking = started is not None and now - started < silence.SITE_AFTER
        if not waking and not silence.is_hubs_own(sites, now):
            _settle(turn, sites)
        inhibition.settle(session, organization, now)


def _settle(turn: _Round, sites: Sequence[Site]) -> None:
    seen = silence.look(sites, _points(turn), turn.now, turn.zone)
    turn.reconcile("site_offline", [_offline(turn, site) for site in seen.sites])
    names = {site.id: site.name for site in sites}
    turn.reconcile("device_silent", _devices(turn, seen, names))
    inhibition.settle(turn.session, turn.organization, turn.now)
    turn.reconcile("safety_lost", _blind(turn, seen))
    _gauges(turn, seen)


def _points(turn: _Round) -> list[Point]:
    asked: dict[int, list[tuple[uuid.UUID, silence.Silence]]] = defaultdict(list)
    for row in turn.session.execute(_RULES, {"organization": turn.organization}):
        try:
            asked[row.tag_id].append((row.id, silence.read(row.params)))
        except RuleError as fault:
            LOG.warning("rule %s of silence cannot be read: %s", row.id, fault)
    rows = turn.session.execute(_POINTS, {"organization": turn.organization})
    return [_point(row, tuple(asked.get(row.id, ()))) for row in rows]


def _point(row: Any, rules: tuple[tuple[uuid.UUID, silence.Silence], ...]) -> Point:
    lives = row.measure in _LIVES
    spills = row.worst == 1
    return Point(
        tag_id=row.id,
        name=row.name,
        site_id=row.agent_id,
        device=row.device,
        well_id=row.well_id,
        place=row.place,
        interval=timedelta(milliseconds=row.interval_ms),
        last=row.last,
        good=row.quality < _NO_ANSWER,
        dumb=row.quality >= _NO_ANSWER,
        quantity=row.description or (row.measure or row.name).replace("_", " "),
        rules=rules,
        safety=1 if lives else 2 if spills else None,
    )


def _offline(turn: _Round, site: Site) -> Finding:
    return Finding(
        key=str(site.id),
        sentence=f"Site offline: {site.name} was last heard {_clock(turn, site.heard_at)}",
        since=site.heard_at,
        priority=turn.priority("site_offline"),
        subject=site.name,
        agent_id=site.id,
        well_id=site.well_id,
    )


def _devices(turn: _Round, seen: Seen, names: Mapping[uuid.UUID, str]) -> list[Finding]:
    return [
        Finding(
            key=f"{site}|{device}",
            sentence=f"Device {device} of {names[site]} does not answer: {len(points)} gauges",
            since=min(max(point.last for point in points), turn.now),
            priority=turn.priority("device_silent"),
            subject=f"{device} of {names[site]}",
            agent_id=site,
            well_id=_common(points),
        )
        for (site, device), points in seen.devices.items()
    ]


def _blind(turn: _Round, seen: Seen) -> list[Finding]:
    """One alarm per place, naming every point that nobody sees there."""
    usual = turn.priority("safety_lost")
    return [
        Finding(
            key=f"{site}|{well}",
            sentence=f"Safety monitoring lost at {points[0].place}: "
            + ", ".join(sorted({point.quantity for point in points})),
            since=min(max(point.last for point in points), turn.now),
            priority=max(usual, min(point.safety or 2 for point in points)),
            subject=points[0].place,
            agent_id=site,
            well_id=well,
        )
        for (site, well), points in seen.blind.items()
    ]


def _gauges(turn: _Round, seen: Seen) -> None:
    """Each rule's own gauge; what was not looked at stays as it was."""
    found = {rule: (point, since, asked) for rule, point, since, asked in seen.gauges}
    for rule_id, tag_id in seen.judged:
        rule = turn.session.get(AlertRule, rule_id)
        silent = found.get(rule_id)
        if rule is None or (silent is None and not _has_open(turn.session, rule_id)):
            continue
        findings = [] if silent is None else [_silent(turn, *silent)]
        reconcile(turn.session, rule, findings, turn.now, only=[str(tag_id)])


_OPEN = text("SELECT EXISTS (SELECT FROM alerts WHERE rule_id = :rule AND closed_at IS NULL)")


def _has_open(session: Session, rule_id: uuid.UUID) -> bool:
    return bool(session.scalar(_OPEN, {"rule": rule_id}))


def _silent(turn: _Round, point: Point, since: datetime, asked: silence.Silence) -> Finding:
    return Finding(
        key=str(point.tag_id),
        sentence=f"{point.quantity.capitalize()} silent: no reading since {_clock(turn, since)}",
        since=since,
        priority=asked.priority,
        subject=point.place,
        tag_id=point.tag_id,
        well_id=point.well_id,
        agent_id=point.site_id,
    )


def _overdue(turn: _Round) -> list[Finding]:
    values = {"organization": turn.organization, "now": turn.now}
    return [
        Finding(
            key=str(row.id),
            sentence=f"{row.subject} was to be back in service {_clock(turn, row.until)}"
            + (f" (permit {row.permit})" if row.permit else ""),
            since=row.until,
            priority=turn.priority("forgot_to_restore"),
            subject=row.subject,
            tag_id=row.tag_id,
            equipment_id=row.equipment_id,
            well_id=row.well_id,
            facility_id=row.facility_id,
            agent_id=row.agent_id,
        )
        for row in turn.session.execute(_OVERDUE, values)
    ]


def _common(points: Sequence[Point]) -> uuid.UUID | None:
    wells = {point.well_id for point in points}
    return next(iter(wells)) if len(wells) == 1 else None


def _clock(turn: _Round, instant: datetime) -> str:
    local = instant.astimezone(turn.zone)
    today = turn.now.astimezone(turn.zone).date()
    return f"{local:%H:%M}" if local.date() == today else f"{local:%H:%M} on {local:%-d %b}"
