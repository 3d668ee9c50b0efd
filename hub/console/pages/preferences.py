"""How I am told: channels by priority, quiet hours, digest, a stand-in while away; one's own."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time
from typing import Any

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.console.context import now, records, visitor
from hub.console.forms import Form
from hub.console.gate import needs
from hub.console.live import still
from hub.console.oncall_form import wall
from hub.notify import preferences, reach
from hub.notify.people import Crew, crew
from hub.notify.preferences import LADDER, Person
from hub.notify.wallclock import instant, is_zone, zone_of
from hub.permissions import Action
from hub.schema import NotifyPreference, ReachCheck
from hub.schema.base import uuid7
from hub.schema.oncall import LANGUAGES

pages = Blueprint("preferences", __name__, url_prefix="/preferences")

PLACES = 3
KINDS = (("", "-"), ("push", "push"), ("sms", "SMS"), ("voice", "call"), ("email", "e-mail"))


@pages.get("")
@needs(Action.SEE)
def page() -> ResponseReturnValue:
    """What holds for the person who asks."""
    with records() as session:
        row = _row(session)
    return _page(_values(row) if row else {"digest": "07:00", "language": "en"}, {})


@pages.post("")
@needs(Action.SEE)
def save() -> ResponseReturnValue:
    """Keep what the person wants; priority 1 reaches them whatever it is."""
    form = Form(request.form)
    with records() as session:
        found = crew(session, visitor().organization_id)
        values = _read(form, found)
        _check(session, form, found, values)
        if not form.faults:
            row = _row(session)
            if row is None:
                row = NotifyPreference(
                    id=uuid7(),
                    organization_id=visitor().organization_id,
                    user_id=visitor().user_id,
                )
                session.add(row)
            for name, value in values.items():
                setattr(row, name, value)
    if form.faults:
        return _page(request.form, form.faults, 422)
    flash("Saved. Priority 1 still reaches you at any hour.")
    return redirect(url_for("preferences.page"), 303)


def _row(session: Session) -> NotifyPreference | None:
    return session.scalars(
        select(NotifyPreference).where(NotifyPreference.user_id == visitor().user_id)
    ).one_or_none()


def _read(form: Form, found: Crew) -> dict[str, Any]:
    zone = form.raw("timezone")
    if zone and not is_zone(zone):
        form.fault("timezone", "Write a time zone like America/Chicago, or leave it empty.")
    order: dict[str, list[str]] = {}
    for priority in ("1", "2", "3", "4"):
        kinds = [form.raw(f"p{priority}-{n}") for n in range(1, PLACES + 1)]
        chosen = [kind for kind in dict.fromkeys(kinds) if kind in LADDER]
        if chosen:
            order[priority] = chosen
    quiet = wall(form, "quiet_from"), wall(form, "quiet_to")
    if (quiet[0] is None) != (quiet[1] is None):
        form.fault("quiet_to", "Give both hours, or neither.")
    most = form.number("most_sms", low=0, high=1000)
    here = zone_of(zone) if zone else found.zone
    return {
        "language": form.choice("language", LANGUAGES),
        "timezone": zone or None,
        "channels": order,
        "quiet_from": quiet[0],
        "quiet_to": quiet[1],
        "digest_at": wall(form, "digest") or time(7),
        "most_sms_a_day": None if most is None else int(most),
        "away_from": _moment(form, "away_from", here),
        "away_until": _moment(form, "away_until", here),
        "delegate_id": form.identifier("delegate"),
    }


def _check(session: Session, form: Form, found: Crew, values: dict[str, Any]) -> None:
    me = visitor().user_id
    person = found.people.get(me) or Person(me, visitor().name, found.zone, visitor().role)
    on_duty = me in reach.on_duty(session, found, now())
    order = {int(priority): kinds for priority, kinds in values["channels"].items()}
    for sentence in preferences.faults(replace(person, away=None), order, on_duty=on_duty):
        form.fault("channels", sentence)
    away = [values[name] for name in ("away_from", "away_until", "delegate_id")]
    if any(away) and not all(away):
        form.fault("delegate", "For the time you are away, give both ends and who stands in.")
    elif all(away) and away[1] <= away[0]:
        form.fault("away_until", "It has to end after it begins.")
    elif away[2] == me:
        form.fault("delegate", "Choose somebody else.")
    elif away[2] is not None and not (away[2] in found.people and found.people[away[2]].channels):
        form.fault("delegate", "Nothing reaches that person; choose somebody with a channel.")


def _moment(form: Form, name: str, zone: Any) -> datetime | None:
    words = form.raw(name)
    if not words:
        return None
    try:
        local = datetime.fromisoformat(words).replace(tzinfo=None)
    except ValueError:
        form.fault(name, "Write a day and a time, like 2026-03-31T07:00.")
        return None
    return instant(local.date(), local.time(), zone)


def _values(row: NotifyPreference) -> dict[str, str]:
    zone = zone_of(row.timezone) if row.timezone else visitor().zone

    def local(at: datetime | None) -> str:
        return f"{at.astimezone(zone):%Y-%m-%dT%H:%M}" if at else ""

    values = {
        "language": row.language,
        "timezone": row.timezone or "",
        "quiet_from": f"{row.quiet_from:%H:%M}" if row.quiet_from else "",
        "quiet_to": f"{row.quiet_to:%H:%M}" if row.quiet_to else "",
        "digest": f"{row.digest_at:%H:%M}",
        "most_sms": "" if row.most_sms_a_day is None else str(row.most_sms_a_day),
        "away_from": local(row.away_from),
        "away_until": local(row.away_until),
        "delegate": str(row.delegate_id or ""),
    }
    for priority, kinds in row.channels.items():
        values |= {f"p{priority}-{place}": kind for place, kind in enumerate(kinds, 1)}
    return values


def _page(values: Any, faults: dict[str, str], status: int = 200) -> Response:
    with records() as session:
        found = crew(session, visitor().organization_id)
        checks = session.scalars(
            select(ReachCheck)
            .where(ReachCheck.user_id == visitor().user_id)
            .order_by(ReachCheck.asked_at.desc())
            .limit(5)
        ).all()
    me = found.people.get(visitor().user_id)
    return still(
        "preferences.html",
        status,
        values=values,
        faults=faults,
        kinds=KINDS,
        places=range(1, PLACES + 1),
        mine=me.channels if me else (),
        checks=checks,
        people=[
            ("", "-"),
            *((str(p.id), p.name) for p in found.people.values() if p.id != visitor().user_id),
        ],
    )
