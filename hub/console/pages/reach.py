"""Where one is reached: one's own channels, their tests, and this browser's notifications."""

from __future__ import annotations

import uuid

from flask import Blueprint, Response, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from hub.console import assets, channel_form
from hub.console.channel_form import PRIORITIES, SHORT, offered
from hub.console.context import console, now, records, visitor
from hub.console.forms import Form
from hub.console.gate import anyone, needs
from hub.console.live import still
from hub.console.pages.channels import EMPTY, take_away
from hub.notify.channels import TransportError, push
from hub.notify.trying import try_channel
from hub.permissions import Action
from hub.schema import ContactChannel

pages = Blueprint("reach", __name__, url_prefix="/account/reach")


@pages.get("")
@needs(Action.SEE)
def index() -> ResponseReturnValue:
    """One's own channels."""
    return _page(EMPTY, {})


@pages.post("")
@needs(Action.SEE)
def create() -> ResponseReturnValue:
    """Add a channel of one's own."""
    form = Form(request.form)
    channel, _ = channel_form.read(form, own=True)
    if not form.faults:
        _keep(form, channel)
    if form.faults:
        return _page(request.form, form.faults, 422)
    flash(f"{channel.address} is told from now on. Send a test to prove that it arrives.")
    return redirect(url_for("reach.index"), 303)


@pages.post("/browser")
@needs(Action.SEE)
def subscribe() -> ResponseReturnValue:
    """Take this browser's subscription."""
    form = Form(request.form)
    try:
        agent = request.user_agent.string
        channel = channel_form.subscribed(request.form.get("subscription", ""), agent)
    except TransportError as fault:
        abort(400, f"{fault}.")
    _keep(form, channel)
    if not form.faults:
        flash("This browser is told from now on. Send a test to prove that it shows.")
    return redirect(url_for("reach.index"), 303)


@pages.get("/worker.js")
@anyone
def worker() -> ResponseReturnValue:
    """The script that shows what is pushed."""
    return assets.worker("worker.js")


@pages.post("/<uuid:channel_id>")
@needs(Action.SEE)
def change(channel_id: uuid.UUID) -> ResponseReturnValue:
    """Tell one's own channel of more or less, or switch it on or off."""
    form = Form(request.form)
    worst = form.choice("worst_priority", PRIORITIES)
    with records() as session:
        channel = channel_form.own_or_none(session, channel_id) or abort(404)
        if form.faults:
            abort(400, "Choose a priority from 1 to 4.")
        channel.worst_priority = int(worst)
        channel.enabled = form.raw("enabled") == "yes"
        if channel.enabled:
            channel.broken_at = channel.fault = None
    return redirect(url_for("reach.index"), 303)


@pages.post("/<uuid:channel_id>/test")
@needs(Action.SEE)
def test(channel_id: uuid.UUID) -> ResponseReturnValue:
    """Send a test to a channel of one's own."""
    with records() as session:
        channel = channel_form.own_or_none(session, channel_id) or abort(404)
        message = try_channel(session, channel, visitor().name, now())
    return redirect(url_for("log.page", message_id=message), 303)


@pages.post("/<uuid:channel_id>/remove")
@needs(Action.SEE)
def remove(channel_id: uuid.UUID) -> ResponseReturnValue:
    """Take a channel of one's own away."""
    with records() as session:
        channel = channel_form.own_or_none(session, channel_id) or abort(404)
        take_away(channel)
        flash(f"{channel.address} is told no more.")
    return redirect(url_for("reach.index"), 303)


def _keep(form: Form, channel: ContactChannel) -> None:
    try:
        with records() as session:
            if not channel_form.keep(session, channel):
                form.fault("address", "This address is here already.")
    except IntegrityError:
        form.fault("address", "This address is here already.")


def _page(values: object, faults: dict[str, str], status: int = 200) -> Response:
    listed = (
        select(ContactChannel)
        .where(ContactChannel.user_id == visitor().user_id, ContactChannel.removed_at.is_(None))
        .order_by(ContactChannel.created_at)
    )
    with records() as session:
        rows = list(session.scalars(listed))
    return still(
        "reach.html",
        status,
        rows=rows,
        kinds=offered(console().settings, own=True),
        short=SHORT,
        values=values,
        faults=faults,
        push_key=push.public_key(console().settings),
    )
