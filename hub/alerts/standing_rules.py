"""Rules that every operator has without making them: about sites, devices, safety, service, the
people who are told, and the hub.

They stand in the table of rules like any other, so that a manager can word them, change their
priority or switch them off; a program finds them by their template's name.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from hub.schema import AlertRule

_LOCK = text("SELECT pg_advisory_xact_lock(1245922377, hashtext(CAST(:organization AS text)))")

_INSERT = text(
    """
    INSERT INTO alert_rules (organization_id, scope, kind, template, name, params, cause,
                             consequence, action, respond_within_s)
    VALUES (:organization, 'organization', :kind, :template, :name, CAST(:params AS jsonb), :cause,
            :consequence, :action, :within)
    """
)


@dataclass(frozen=True, slots=True)
class Built:
    """One rule as it begins."""

    name: str
    priority: int
    cause: str
    consequence: str
    action: str
    respond_within_s: int
    about: str = ""  #: of the rules about the alarm system itself: what of it

    @property
    def kind(self) -> str:
        """The kind of rule it is."""
        return "meta" if self.about else "stale"

    @property
    def params(self) -> dict[str, Any]:
        """Its parameters as they are stored."""
        if self.about:
            return {"of": self.about, "priority": self.priority}
        return {"levels": {"alarm": {"priority": self.priority}}}


BUILT: Final[Mapping[str, Built]] = {
    "site_offline": Built(
        "Site offline",
        3,
        "Radio or cellular link, power at the site, or the box itself.",
        "Nobody sees the site: alarms there are frozen as they were.",
        "Look at the agent's page; ask a neighbour site; send somebody if it does not come back.",
        4 * 3600,
    ),
    "device_silent": Built(
        "Device does not answer",
        3,
        "The controller is off, its cable is loose, or its address was changed.",
        "None of its gauges is read.",
        "Check power and wiring of the device; the site's box itself is well.",
        4 * 3600,
    ),
    "safety_lost": Built(
        "Safety monitoring lost",
        1,
        "The link is down, or the detector or its device does not answer.",
        "Gas, fire or a tank running over would not be noticed from here.",
        "Treat the place as unwatched: call whoever is near, go with a personal gas monitor.",
        1800,
    ),
    "forgot_to_restore": Built(
        "Not put back in service",
        3,
        "Work took longer, or nobody said that it is done.",
        "People rely on alarms that somebody may still have bridged at the site.",
        "Ask whoever has the permit; put it back in service, or say for how much longer.",
        8 * 3600,
    ),
    "people_reached": Built(
        "People cannot be reached",
        1,
        "A telephone is off or was changed, a turn on call has no person, a worker is stuck.",
        "An alarm at night might reach nobody.",
        "Call the person; put somebody else on call; send a test from their page.",
        4 * 3600,
        "reach",
    ),
    "hub_unwell": Built(
        "The hub is not well",
        2,
        "A process has stopped, a disk is filling, or a certificate is about to end.",
        "Alarms come late or not at all, and sites may no longer connect.",
        "Tell whoever keeps this installation; `wellflow-hub status` says what stands still.",
        4 * 3600,
        "hub",
    ),
}


def ensure(session: Session, organization_id: uuid.UUID) -> dict[str, AlertRule]:
    """The operator's built-in rules by template, made where they are missing; also those off."""
    found = _listed(session, organization_id)
    if BUILT.keys() <= found.keys():
        return found
    session.execute(_LOCK, {"organization": organization_id})
    found = _listed(session, organization_id)
    for template, built in BUILT.items():
        if template not in found:
            _make(session, organization_id, template, built)
    return _listed(session, organization_id)


def _listed(session: Session, organization_id: uuid.UUID) -> dict[str, AlertRule]:
    listed = (
        select(AlertRule)
        .where(
            AlertRule.organization_id == organization_id,
            AlertRule.scope == "organization",
            AlertRule.kind.in_(("stale", "meta")),
            AlertRule.template.in_(BUILT),
        )
        .order_by(AlertRule.created_at.desc())
    )
    return {str(rule.template): rule for rule in session.scalars(listed)}


def _make(session: Session, organization_id: uuid.UUID, template: str, built: Built) -> None:
    session.execute(
        _INSERT,
        {
            "organization": organization_id,
            "template": template,
            "name": built.name,
            "kind": built.kind,
            "params": json.dumps(built.params),
            "cause": built.cause,
            "consequence": built.consequence,
            "action": built.action,
            "within": built.respond_within_s,
        },
    )
