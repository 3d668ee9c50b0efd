"""The rules each agent shall run, signed for it: made anew whenever anything in them changes.

What is wanted is compared with what was made last, every few seconds: whatever the cause of a
change (a rule, a tag's range, a well's name, somebody who acknowledged, a database that came back
from a backup), the agent gets it. A bundle is a state, not a message: nothing of it can be missed.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from agent.contract.errors import WireError
from agent.contract.rulebundle import Bundle, SiteRule, seal_bundle
from agent.contract.wire import dump
from hub.alerts import watches
from hub.alerts.watches import Watch
from hub.seal import SealError, unseal
from hub.settings import HubSettings

LOG = logging.getLogger(__name__)

#: Once an hour everything is looked at whole; where a rule follows a tank, which only its own
#: operator sees, once a minute.
_CHANGED: Final = text(
    """
    SELECT s.id, s.agent_id, s.alarm_key, s.epoch, s.form,
           split_part(s.fingerprint, ':', 2) AS content, a.name, o.name AS organization, f.seen
    FROM site_rules s
    JOIN agents a ON a.id = s.agent_id AND a.revoked_at IS NULL
    JOIN organizations o ON o.id = s.organization_id
    CROSS JOIN LATERAL (
        SELECT md5(concat_ws('|', o.name, md5(s.form::text),
            date_trunc('hour', CAST(:now AS timestamptz)),
            (SELECT date_trunc('minute', CAST(:now AS timestamptz)) WHERE EXISTS (
                SELECT FROM alert_rules r JOIN tags t ON t.id = r.tag_id
                WHERE t.agent_id = a.id AND r.enabled AND r.params::text LIKE '%"tank_height"%')),
            (SELECT string_agg(concat_ws(':', r.id, r.version, r.name, r.action, t.name, t.unit,
                                         t.interval_ms, t.low, t.high, w.name), ',' ORDER BY r.id)
             FROM alert_rules r
             JOIN tags t ON t.id = r.tag_id
             LEFT JOIN wells w ON w.id = t.well_id
             WHERE t.agent_id = a.id AND r.enabled AND r.faulted_at IS NULL),
            (SELECT string_agg(k.spell::text, ',' ORDER BY k.spell) FROM (
                SELECT DISTINCT m.spell FROM site_alarms m JOIN alerts l ON l.id = m.alert_id
                WHERE m.agent_id = a.id AND l.ack = 'acked' AND l.closed_at IS NULL) k)
        )) AS seen) f
    WHERE s.alarm_key IS NOT NULL AND split_part(s.fingerprint, ':', 1) <> f.seen
    ORDER BY s.id
    FOR UPDATE OF s SKIP LOCKED
    """
)
_ACKNOWLEDGED: Final = text(
    """
    SELECT DISTINCT m.spell FROM site_alarms m JOIN alerts l ON l.id = m.alert_id
    WHERE m.agent_id = :agent AND l.ack = 'acked' AND l.closed_at IS NULL ORDER BY m.spell
    """
)
_SEEN: Final = text("UPDATE site_rules SET fingerprint = :fingerprint WHERE id = :id")
_MADE: Final = text(
    """
    UPDATE site_rules SET fingerprint = :fingerprint, epoch = :epoch, bundle = :bundle,
           rules = :rules, made_at = :now
    WHERE id = :id
    """
)


def renew(engine: Engine, settings: HubSettings, now: datetime | None = None) -> int:
    """Make the bundles of agents for which anything has changed; gives how many."""
    moment, made = now or datetime.now(UTC), 0
    with Session(engine) as session, session.begin():
        for row in session.execute(_CHANGED, {"now": moment}).all():
            made += _renew(session, settings, row, moment)
    return made


def _renew(session: Session, settings: HubSettings, row: Any, now: datetime) -> bool:
    wanted = _wanted(session, settings, row)
    content = _digest(wanted)
    values = {"id": row.id, "fingerprint": f"{row.seen}:{content}"}
    if content == row.content:
        session.execute(_SEEN, values)
        return False
    epoch = max(row.epoch + 1, round(now.timestamp() * 1000))
    bundle = replace(wanted, epoch=epoch, made=round(now.timestamp() * 1000))
    try:
        key = unseal(settings.secret_key, bytes(row.alarm_key), "site_rules", row.id)
        payload = _sealed(bundle, key)
    except (SealError, WireError) as fault:
        LOG.error("the rules of agent %s cannot be made: %s", row.name, fault)
        return False
    values |= {"epoch": epoch, "bundle": payload, "rules": len(bundle.rules), "now": now}
    session.execute(_MADE, values)
    return True


def _sealed(bundle: Bundle, key: bytes) -> bytes:
    """The message; without the stops of the form where both do not fit: alarms go first."""
    try:
        return seal_bundle(bundle, key)
    except WireError:
        if not bundle.sheet:
            raise
        LOG.error("the form of agent %s is too large to send; its rules are sent", bundle.agent)
        return seal_bundle(replace(bundle, sheet={}), key)


def _wanted(session: Session, settings: HubSettings, row: Any) -> Bundle:
    found = watches.of_agent(session, row.agent_id).watches
    acknowledged = tuple(session.scalars(_ACKNOWLEDGED, {"agent": row.agent_id}))
    facts = {"organization": row.organization, "console": settings.web.public_url}
    form = row.form or {}
    people, sheet = tuple(form.get("people", ())), form.get("sheet", {})
    return Bundle(row.name, 0, 0, facts, tuple(_told(found)), acknowledged, people, sheet)


def _told(found: Iterable[Watch]) -> Iterable[SiteRule]:
    for watch in found:
        rule, facts = watch.rule, watch.facts
        if rule.tags or watch.advisory:
            continue  # what looks at several gauges, and what only advises, is the hub's
        yield SiteRule(
            watch.id,
            watch.version,
            facts.tag,
            rule.kind,
            rule.written_out(),  # an agent knows no figures of the office
            rule.blind_after_s,
            facts.rule,
            facts.place,
            facts.unit,
            facts.action or "",
        )


def _digest(bundle: Bundle) -> str:
    """What changes whenever the agent would notice a difference."""
    told = [
        [
            str(rule.id),
            rule.version,
            rule.tag,
            rule.kind,
            dict(rule.params),
            rule.blind_after_s,
            rule.name,
            rule.place,
            rule.unit,
            rule.action,
        ]
        for rule in bundle.rules
    ]
    body: dict[str, Any] = {"hub": dict(bundle.hub), "rules": told}
    body |= {"ack": [str(spell) for spell in bundle.acknowledged]}
    if bundle.people or bundle.sheet:
        body |= {"people": [dict(one) for one in bundle.people], "sheet": dict(bundle.sheet)}
    return hashlib.sha256(dump(body)).hexdigest()[:32]
