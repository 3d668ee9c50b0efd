"""A flood of alerts as one page: what is in it, and one button that takes all of it on."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from hub.alerts.lifecycle import acknowledge
from hub.console.context import now, records, visitor
from hub.console.forms import Form
from hub.console.gate import needs
from hub.console.live import still
from hub.console.words import SEVERITIES
from hub.permissions import Action
from hub.schema import Storm, User

pages = Blueprint("storms", __name__, url_prefix="/storms")

SHOWN = 200
_WAITING = text(
    """
    SELECT a.id, a.priority, a.message, a.raised_at, w.name AS well
    FROM alerts a LEFT JOIN wells w ON w.id = a.well_id
    WHERE a.closed_at IS NULL AND a.ack = 'unacked'
      AND a.id IN (SELECT p.alert_id FROM pages p
                   WHERE p.organization_id = :organization AND p.at >= :began
                     AND p.user_id IS NOT DISTINCT FROM CAST(:user AS uuid)
                     AND p.channel_id IS NOT DISTINCT FROM CAST(:channel AS uuid))
    ORDER BY a.raised_at, a.id
    """
)


@pages.get("/<uuid:storm_id>")
@needs(Action.SEE)
def page(storm_id: uuid.UUID) -> ResponseReturnValue:
    """What of a flood still waits for somebody, the first one first."""
    with records() as session:
        storm, waiting = _waiting(session, storm_id)
        whose = session.scalar(select(User.name).where(User.id == storm.user_id))
    return still(
        "storm.html",
        storm=storm,
        whose=whose,
        waiting=waiting[:SHOWN],
        total=len(waiting),
        severities=SEVERITIES,
    )


@pages.post("/<uuid:storm_id>")
@needs(Action.ACKNOWLEDGE)
def take_on(storm_id: uuid.UUID) -> ResponseReturnValue:
    """Acknowledge everything of a flood that still waits, with one note."""
    note = Form(request.form).text("note") or None
    with records() as session:
        _, waiting = _waiting(session, storm_id)
        keys = sorted(alert.id for alert in waiting)  # in one order: nobody waits in a circle
        done = sum(
            acknowledge(session, key, visitor().user_id, note, now()).changed for key in keys
        )
    flash(f"{done} alerts are yours now.")
    return redirect(url_for("alerts.index"), 303)


def _waiting(session: Session, storm_id: uuid.UUID) -> tuple[Storm, Sequence[Any]]:
    storm = session.get(Storm, storm_id) or abort(404)
    values = {
        "organization": storm.organization_id,
        "began": storm.began_at,
        "user": storm.user_id,
        "channel": storm.channel_id,
    }
    return storm, session.execute(_WAITING, values).all()
