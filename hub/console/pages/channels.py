"""Channels: who is told of alerts, and where; each can be tried, and tells when it was proven."""

from __future__ import annotations

import uuid

from flask import Blueprint, Response, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from hub.console import channel_form
from hub.console.channel_form import PRIORITIES, SHORT, offered
from hub.console.context import console, now, records, visitor
from hub.console.forms import Form
from hub.console.gate import needs
from hub.console.live import still
from hub.notify.trying import try_channel
from hub.permissions import Action
from hub.schema import ContactChannel, Membership, User

pages = Blueprint("channels", __name__, url_prefix="/channels")

EMPTY = {"kind": "email", "worst_priority": "3"}


@pages.get("")
@needs(Action.SEE_CHANNELS)
def index() -> ResponseReturnValue:
    """Where notifications go, and the form for one more."""
    return _page(EMPTY, {})


@pages.post("")
@needs(Action.EDIT_CHANNELS)
def create() -> ResponseReturnValue:
    """Add a channel; a webhook's key is shown this once."""
    form = Form(request.form)
    channel, key = channel_form.read(form, own=False)
    if not form.faults:
        try:
            with records() as session:
                if not channel_form.keep(session, channel):
                    form.fault("address", "This address is here already.")
        except IntegrityError:
            form.fault("address", "This address is here already, or the person left.")
    if form.faults:
        return _page(request.form, form.faults, 422)
    if key:
        return _page(EMPTY, {}, key=key.decode())
    flash(f"{channel.address} is told from now on. Send a test to prove that it arrives.")
    return redirect(url_for("channels.index"), 303)


@pages.post("/<uuid:channel_id>")
@needs(Action.EDIT_CHANNELS)
def change(channel_id: uuid.UUID) -> ResponseReturnValue:
    """Switch a channel on or off, or tell it of more or less; on again forgets that it broke."""
    form = Form(request.form)
    with records() as session:
        channel = _standing(session, channel_id)
        worst = form.choice("worst_priority", PRIORITIES)
        if form.faults:
            abort(400, "Choose a priority from 1 to 4.")
        channel.worst_priority = int(worst)
        channel.enabled = form.raw("enabled") == "yes"
        if channel.enabled:
            channel.broken_at = channel.fault = None
        channel.updated_by, channel.row_version = visitor().user_id, channel.row_version + 1
    return redirect(url_for("channels.index"), 303)


@pages.post("/<uuid:channel_id>/test")
@needs(Action.EDIT_CHANNELS)
def test(channel_id: uuid.UUID) -> ResponseReturnValue:
    """Send a test over the real path, and show what becomes of it."""
    with records() as session:
        message = try_channel(session, _standing(session, channel_id), visitor().name, now())
    return redirect(url_for("log.page", message_id=message), 303)


@pages.post("/<uuid:channel_id>/remove")
@needs(Action.EDIT_CHANNELS)
def remove(channel_id: uuid.UUID) -> ResponseReturnValue:
    """Take a channel away; what was sent to it stays on record, its secret does not."""
    with records() as session:
        channel = _standing(session, channel_id)
        take_away(channel)
        flash(f"{channel.address} is told no more.")
    return redirect(url_for("channels.index"), 303)


def take_away(channel: ContactChannel) -> None:
    """Let a channel end."""
    channel.removed_at, channel.enabled, channel.secret = now(), False, None


def _standing(session: Session, channel_id: uuid.UUID) -> ContactChannel:
    channel = session.get(ContactChannel, channel_id, with_for_update=True)
    if channel is None or channel.removed_at is not None:
        abort(404)
    return channel


def _page(
    values: object, faults: dict[str, str], status: int = 200, key: str | None = None
) -> Response:
    with records() as session:
        rows, people = _listed(session), _people(session)
    return still(
        "channels.html",
        status,
        rows=rows,
        people=people,
        kinds=offered(console().settings, own=False),
        short=SHORT,
        values=values,
        faults=faults,
        key=key,
    )


def _listed(session: Session) -> list[tuple[ContactChannel, str | None]]:
    listed = (
        select(ContactChannel, User.name)
        .outerjoin(User, User.id == ContactChannel.user_id)
        .where(ContactChannel.removed_at.is_(None))
        .order_by(ContactChannel.enabled.desc(), func.lower(User.name), ContactChannel.created_at)
    )
    return [(channel, person) for channel, person in session.execute(listed)]


def _people(session: Session) -> list[tuple[str, str]]:
    listed = (
        select(User.id, User.name)
        .join(Membership, Membership.user_id == User.id)
        .where(Membership.ended_at.is_(None), User.disabled_at.is_(None))
        .order_by(func.lower(User.name))
    )
    return [(str(person), name) for person, name in session.execute(listed)]
