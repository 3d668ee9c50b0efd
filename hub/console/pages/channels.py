"""Channels: who is told of alerts, and where; e-mail addresses and signed webhooks."""

from __future__ import annotations

import uuid

from flask import Blueprint, Response, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from hub.console.context import console, records, visitor
from hub.console.forms import Form
from hub.console.gate import needs
from hub.console.live import still
from hub.notify.channels import TransportError, webhook
from hub.permissions import Action
from hub.schema import ContactChannel, Membership, User
from hub.schema.base import uuid7

pages = Blueprint("channels", __name__, url_prefix="/channels")

PRIORITIES = ("1", "2", "3", "4")
LONGEST_ADDRESS = 320


@pages.get("")
@needs(Action.SEE_CHANNELS)
def index() -> ResponseReturnValue:
    """Where notifications go, and the form for one more."""
    return _page({"kind": "email", "worst_priority": "3"}, {})


@pages.post("")
@needs(Action.EDIT_CHANNELS)
def create() -> ResponseReturnValue:
    """Add a channel; a webhook's key is shown this once."""
    form = Form(request.form)
    channel, key = _read(form)
    if not form.faults:
        try:
            with records() as session:
                session.add(channel)
        except IntegrityError:
            form.fault("address", "This address is here already, or the person left.")
    if form.faults:
        return _page(request.form, form.faults, 422)
    if key:
        return _page({"kind": "email", "worst_priority": "3"}, {}, key=key.decode())
    flash(f"{channel.address} is told from now on.")
    return redirect(url_for("channels.index"), 303)


@pages.post("/<uuid:channel_id>")
@needs(Action.EDIT_CHANNELS)
def change(channel_id: uuid.UUID) -> ResponseReturnValue:
    """Switch a channel on or off, or tell it of more or less; on again forgets that it broke."""
    form = Form(request.form)
    with records() as session:
        channel = session.get(ContactChannel, channel_id, with_for_update=True) or abort(404)
        worst = form.choice("worst_priority", PRIORITIES)
        if form.faults:
            abort(400, "Choose a priority from 1 to 4.")
        channel.worst_priority = int(worst)
        channel.enabled = form.raw("enabled") == "yes"
        if channel.enabled:
            channel.broken_at = channel.fault = None
        channel.updated_by, channel.row_version = visitor().user_id, channel.row_version + 1
    return redirect(url_for("channels.index"), 303)


def _read(form: Form) -> tuple[ContactChannel, bytes | None]:
    """The channel a form describes, and its key if it is a webhook."""
    kind = form.choice("kind", ("email", "webhook"))
    channel = ContactChannel(
        id=uuid7(),
        organization_id=visitor().organization_id,
        user_id=form.identifier("person"),
        kind=kind,
        address=form.text("address", required=True, longest=LONGEST_ADDRESS),
        worst_priority=int(form.choice("worst_priority", PRIORITIES) or 3),
        created_by=visitor().user_id,
    )
    if kind == "email" and not _is_email(channel.address):
        form.fault("address", "Write an e-mail address, like name@example.com.")
    if kind != "webhook":
        return channel, None
    _check_webhook(form, channel.address)
    key = webhook.new_key()
    channel.secret = webhook.seal_key(console().settings, channel.id, key)
    return channel, key


def _is_email(address: str) -> bool:
    name, _, domain = address.rpartition("@")
    return bool(name and domain) and not any(sign.isspace() or sign in "<>,;" for sign in address)


def _check_webhook(form: Form, address: str) -> None:
    private = console().settings.webhook_allow_private
    try:
        webhook.check_url(address, allow_private=private)
    except TransportError as fault:
        form.fault("address", f"{fault}.")


def _page(
    values: object, faults: dict[str, str], status: int = 200, key: str | None = None
) -> Response:
    with records() as session:
        rows, people = _listed(session), _people(session)
    named = {"values": values, "faults": faults, "key": key}
    return still("channels.html", status, rows=rows, people=people, **named)


def _listed(session: Session) -> list[tuple[ContactChannel, str | None]]:
    listed = (
        select(ContactChannel, User.name)
        .outerjoin(User, User.id == ContactChannel.user_id)
        .order_by(ContactChannel.enabled.desc(), func.lower(ContactChannel.address))
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
