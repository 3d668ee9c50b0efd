"""An incident's facts in sentences: what scripts, worksheets and the incident file say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from hub.incidents.clocks import zone_of
from hub.incidents.site import Place
from hub.incidents.values import plain
from hub.schema import Incident, IncidentAction, IncidentNotice


def answers(
    incident: Incident,
    place: Place,
    people: Mapping[str, str | None],
    notices: Iterable[IncidentNotice] = (),
    actions: Iterable[IncidentAction] = (),
) -> dict[str, str | None]:
    """Every answer that is known; `people` names caller, operator and commander."""
    zone = zone_of(place.state, place.timezone)
    lat, lon = incident.lat or place.lat, incident.lon or place.lon
    told = [
        f"{notice.authority} ({moment(notice.done_at, zone)}, {notice.reference})"
        for notice in notices
        if notice.done_at is not None
    ]
    return {
        **people,
        "number": incident.incident_no,
        "what": ". ".join(part for part in (incident.summary, incident.description) if part),
        "when": moment(incident.occurred_at, zone),
        "discovered": moment(incident.discovered_at, zone),
        "place": incident.place or place.named or None,
        "position": f"{lat}, {lon}" if lat is not None and lon is not None else None,
        "state": ", ".join(part for part in (place.state, place.county) if part) or None,
        "lease": ", ".join(p for p in (place.lease, place.well, place.facility) if p) or None,
        "land": _land(incident, place),
        "stopped": moment(incident.discharge_stopped_at, zone),
        "told": "; ".join(told) or None,
        "done": "; ".join([*map(_action, actions), *filter(None, [incident.review])]) or None,
        "cause": incident.root_cause,
        **_released(incident),
        **_harm(incident),
    }


def _action(action: IncidentAction) -> str:
    """One thing that was done, or is planned: by whom, and when."""
    who = f", {action.assigned_to}" if action.assigned_to else ""
    if action.done_on:
        return f"{action.measure}{who}, done {action.done_on:{DAY}}"
    return f"{action.measure}{who}, planned" + (
        f" by {action.due_on:{DAY}}" if action.due_on else ""
    )


def _land(incident: Incident, place: Place) -> str | None:
    federal = place.federal if incident.federal_lease is None else incident.federal_lease
    return None if federal is None else "federal or Indian lease" if federal else "not federal"


def _released(incident: Incident) -> dict[str, str | None]:
    fluid = incident.fluid.replace("_", " ") if incident.fluid else None
    h2s = [
        volume(incident.h2s_lb_low, incident.h2s_lb, incident.h2s_lb_high, "lb"),
        f"{plain(incident.h2s_ppm)} ppm at most" if incident.h2s_ppm is not None else None,
    ]
    low, best, high = incident.released_low, incident.released, incident.released_high
    return {
        "fluid": fluid,
        "released": volume(low, best, high, "bbl"),
        "gas": volume(incident.gas_low, incident.gas, incident.gas_high, "Mcf"),
        "h2s": ", ".join(part for part in h2s if part) or None,
        "recovered": volume(
            None, incident.recovered, None, "Mcf" if incident.fluid == "gas" else "bbl"
        ),
        "containment": yes_no(incident.inside_containment),
        "water": _water(incident),
    }


def _water(incident: Incident) -> str | None:
    if incident.reached_water:
        return "it reached water"
    if incident.threatens_water:
        return "it threatens water"
    known = incident.reached_water is False and incident.threatens_water is False
    return "no" if known else None


def _harm(incident: Incident) -> dict[str, str | None]:
    burning = [
        word for word in ("fire", "explosion", "lightning", "blowout") if getattr(incident, word)
    ]
    people = f"{incident.injured} hurt, {incident.hospitalised} in hospital, {incident.deaths} dead"
    damage = incident.property_damage
    return {
        "fire": ", ".join(burning) or "no",
        "people": people,
        "damage": f"{damage:,.0f} USD" if damage is not None else None,
    }


def volume(
    low: Decimal | None, best: Decimal | None, high: Decimal | None, unit: str
) -> str | None:
    """A volume with its best estimate and what it may be: "6 bbl (3 to 9)"."""
    if low is None and best is None and high is None:
        return None
    ends = f"{plain(low) if low is not None else '0'} to {plain(high) if high is not None else '?'}"
    if best is None:
        return f"{ends} {unit}"
    beside = f" ({ends})" if low is not None or high is not None else ""
    return f"{plain(best)} {unit}{beside}"


def yes_no(answer: bool | None, /) -> str | None:  # noqa: FBT001 - it is what is told
    """Yes, no, or nothing while nobody knows."""
    return None if answer is None else "yes" if answer else "no"


def moment(at: datetime | None, zone: ZoneInfo) -> str | None:
    """An instant on the clock of the place: "Sat 28 Nov 2026 02:14 CST"."""
    return at.astimezone(zone).strftime(CLOCK) if at is not None else None


DAY: Final = "%d %b %Y"
CLOCK: Final = "%a %d %b %Y %H:%M %Z"
