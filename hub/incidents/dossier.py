"""The incident file: everything that is known of an incident, as one JSON document.

With it goes the head of the operator's audit chain: whoever kept the file can show later that the
records behind it were not changed since (`wellflow-hub audit verify`).
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import inspect, select, text
from sqlalchemy.orm import Session

from hub.incidents.answers import answers
from hub.incidents.candidates import candidates_of
from hub.incidents.clocks import discovery
from hub.incidents.promotion import of_incident
from hub.incidents.script import Sheet, sheet
from hub.incidents.site import Place, place_of
from hub.incidents.timeline import timeline
from hub.schema import (
    AgencyRule,
    AgencyRuleVersion,
    Incident,
    IncidentAction,
    IncidentNotice,
    Organization,
    User,
)
from hub.schema.base import Base

FORMAT: Final = "wellflow-incident-1"
DISCLAIMER: Final = (
    "Obligations are worked out from rules the operator maintains. They are no legal advice:"
    " confirm with counsel."
)
_DOCUMENTS: Final = text(
    """
    SELECT d.id, d.title, d.kind, d.file_name, d.media_type, d.size_bytes,
           encode(d.sha256, 'hex') AS sha256, d.version, d.created_at
    FROM documents d
    WHERE d.organization_id = :organization
      AND (d.id IN (SELECT e.document_id FROM incident_events e WHERE e.incident_id = :incident)
           OR d.id IN (SELECT n.document_id FROM incident_notices n
                       WHERE n.incident_id = :incident)
           OR d.id IN (SELECT k.document_id FROM document_links k
                       WHERE k.table_name = 'incidents' AND k.row_id = :incident))
    ORDER BY d.created_at, d.id
    """
)
_HEAD: Final = text(
    """
    SELECT number, encode(hash, 'hex') AS hash, sealed_at FROM audit_seals
    WHERE organization_id = :organization ORDER BY number DESC LIMIT 1
    """
)
LEFT_OUT: Final = frozenset({"search_text", "organization_id", "correction"})


def dossier(session: Session, incident: Incident, caller: User | None = None) -> dict[str, Any]:
    """Everything of an incident, ready to be written as JSON."""
    place = place_of(session, incident.organization_id, incident.id)
    organization = session.get_one(Organization, incident.organization_id)
    notices = notices_of(session, incident)
    start = discovery(
        candidates := candidates_of(session, incident),
        incident.clock_choice,
        incident.clock_reason,
    )
    told = {
        "format": FORMAT,
        "disclaimer": DISCLAIMER,
        "made_at": datetime.now(UTC),
        "made_by": caller.name if caller else None,
        "operator": organization.name,
        "incident": fields(incident),
        "place": {
            "named": place.named,
            "state": place.state,
            "county": place.county,
            "federal": place.federal,
            "timezone": place.timezone,
        },
        "answers": known_answers(session, incident, caller),
        "clock": {
            "start": start.at,
            "basis": start.basis,
            "warning": start.warning,
            "candidates": [
                {"choice": c.choice, "at": c.at, "a_person_knew": c.human, "said": c.said}
                for c in candidates
            ],
        },
        "timeline": [fields_of_entry(entry) for entry in timeline(session, incident)],
        "alerts": [fields(alert) for alert in of_incident(session, incident)],
        "obligations": [_obligation(session, notice) for notice in notices],
        "actions": [fields(action) for action in actions_of(session, incident)],
        "documents": _rows(session, _DOCUMENTS, incident),
        "audit_chain_head": next(iter(_rows(session, _HEAD, incident)), None),
    }
    plain: dict[str, Any] = json.loads(json.dumps(told, default=as_json))
    return plain | {"sha256": digest(plain)}


def digest(told: dict[str, Any]) -> str:
    """SHA-256 of a file without its own: sorted keys, no spaces, UTF-8."""
    rest = {name: value for name, value in told.items() if name != "sha256"}
    packed = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(packed.encode()).hexdigest()


def notices_of(session: Session, incident: Incident) -> list[IncidentNotice]:
    """What an incident owes, the most urgent first."""
    listed = (
        select(IncidentNotice)
        .where(IncidentNotice.incident_id == incident.id)
        .order_by(IncidentNotice.required_by.asc().nulls_last(), IncidentNotice.id)
    )
    return list(session.scalars(listed))


def actions_of(session: Session, incident: Incident) -> Sequence[IncidentAction]:
    """What is to be done so that it does not happen again."""
    listed = (
        select(IncidentAction)
        .where(IncidentAction.incident_id == incident.id)
        .order_by(IncidentAction.due_on.asc().nulls_last(), IncidentAction.id)
    )
    return session.scalars(listed).all()


def people_of(
    session: Session, incident: Incident, organization: Organization, caller: User | None
) -> dict[str, str | None]:
    """Who calls, for whom, and who leads."""
    leads = session.get(User, incident.commander_id) if incident.commander_id else None
    return {
        "caller": _reached(caller),
        "operator": ", ".join(p for p in (organization.name, organization.phone) if p),
        "commander": _reached(leads),
    }


def _reached(person: User | None) -> str | None:
    if person is None:
        return None
    return ", ".join(part for part in (person.name, person.phone) if part)


def known_answers(
    session: Session, incident: Incident, caller: User | None
) -> dict[str, str | None]:
    """What is known of an incident, in sentences; with every agency that was told."""
    place: Place = place_of(session, incident.organization_id, incident.id)
    organization = session.get_one(Organization, incident.organization_id)
    people = people_of(session, incident, organization, caller)
    notices, actions = notices_of(session, incident), actions_of(session, incident)
    return answers(incident, place, people, notices, actions)


def sheets(
    session: Session, incident: Incident, caller: User | None, notices: Iterable[IncidentNotice]
) -> dict[uuid.UUID, Sheet]:
    """What is read out to the agency of each notice, by the notice's key."""
    known = known_answers(session, incident, caller)
    made = {}
    for notice in notices:
        rule = session.get(AgencyRule, notice.rule_id) if notice.rule_id else None
        contact, form = (rule.contact, rule.form) if rule else ("", None)
        made[notice.id] = sheet(notice.authority, contact, notice.rule, form, known)
    return made


def _obligation(session: Session, notice: IncidentNotice) -> dict[str, Any]:
    """A notice, with its rule as it stood when it was judged."""
    rule = (
        session.get(AgencyRuleVersion, (notice.rule_id, notice.rule_version))
        if notice.rule_id
        else None
    )
    teller = session.get(User, notice.told_by) if notice.told_by else None
    return fields(notice) | {
        "told_by_name": teller.name if teller else None,
        "rule_as_judged": rule.body if rule else None,
    }


def _rows(session: Session, question: Any, incident: Incident) -> list[dict[str, Any]]:
    values = {"organization": incident.organization_id, "incident": incident.id}
    return [dict(row._mapping) for row in session.execute(question, values)]  # noqa: SLF001


def fields(row: Base) -> dict[str, Any]:
    """A row's columns by name."""
    return {
        column.key: getattr(row, column.key)
        for column in inspect(type(row)).column_attrs
        if column.key not in LEFT_OUT
    }


def fields_of_entry(entry: Any) -> dict[str, Any]:
    """An entry of the timeline by name."""
    told = {"title": entry.title, "changes": entry.changes}
    return told | {name: getattr(entry, name) for name in entry.__slots__}


def as_json(value: Any) -> str:
    """What JSON has no kind for, as text that reads the same everywhere."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds")
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if isinstance(value, date):
        return value.isoformat()
    return str(value)
