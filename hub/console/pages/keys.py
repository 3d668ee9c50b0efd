"""API keys: made by the owner, shown once, revoked at once."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from hub import keys
from hub.console.context import now, records, visitor
from hub.console.forms import Form
from hub.console.gate import needs
from hub.console.live import still
from hub.permissions import ROLES, Action
from hub.schema import ApiKey, User

pages = Blueprint("keys", __name__, url_prefix="/keys")

MAYS = (("read", "read only"), ("write", "read and write"))
LONGEST_LIFE_DAYS = 3650


@pages.get("")
@needs(Action.EDIT_KEYS)
def index() -> ResponseReturnValue:
    """The keys there are, and the form for one more."""
    return _page({}, {})


@pages.post("")
@needs(Action.EDIT_KEYS)
def make() -> ResponseReturnValue:
    """Make a key; it is shown this once."""
    form = Form(request.form)
    name, role = form.text("name", required=True), form.choice("role", ROLES)
    scope = form.choice("scope", [word for word, _ in MAYS])
    days = form.number("days", low=1, high=LONGEST_LIFE_DAYS)
    ends = None if days is None else now() + timedelta(days=days)
    made = None
    if not form.faults:
        try:
            with records() as session:
                made = keys.make(
                    session,
                    visitor().organization_id,
                    name=name,
                    role=role,
                    scopes=[scope],
                    expires_at=ends,
                )
        except keys.KeyRefused as refused:
            form.fault(
                {"scopes": "scope", "expires_at": "days"}.get(refused.field, refused.field),
                str(refused),
            )
    if made is None:
        return _page(request.form, form.faults, 422)
    return _page({}, {}, secret=made.presented)


@pages.post("/<uuid:key_id>/revoke")
@needs(Action.EDIT_KEYS)
def revoke(key_id: uuid.UUID) -> ResponseReturnValue:
    """End a key at once."""
    with records() as session:
        if not keys.revoke(session, key_id):
            abort(404)
    flash("The key opens nothing any more.")
    return redirect(url_for("keys.index"), 303)


def _page(
    values: Mapping[str, str],
    faults: Mapping[str, str],
    status: int = 200,
    secret: str | None = None,
) -> ResponseReturnValue:
    with records() as session:
        listed = _listed(session)
    named = {"values": values, "faults": faults, "secret": secret}
    return still("keys.html", status, keys=listed, roles=ROLES, mays=MAYS, **named)


def _listed(session: Session) -> list[dict[str, Any]]:
    query = (
        select(ApiKey, User.name)
        .outerjoin(User, User.id == ApiKey.created_by)
        .order_by(ApiKey.revoked_at.is_not(None), ApiKey.created_at.desc())
    )
    return [
        {
            "id": key.id,
            "name": key.name,
            "prefix": key.prefix,
            "may": f"{', '.join(key.scopes)} as {key.role}",
            "created_at": key.created_at,
            "maker": maker,
            "used_at": key.last_used_at,
            "revoked_at": key.revoked_at,
            "expires_at": key.expires_at,
            "over": bool(key.revoked_at or (key.expires_at and key.expires_at <= now())),
        }
        for key, maker in session.execute(query)
    ]
