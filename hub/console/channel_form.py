"""A channel as a person enters it: what may be chosen here, what is wrong with an address."""

from __future__ import annotations

import hashlib
import re
import uuid
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from hub import seal
from hub.console.context import console, visitor
from hub.console.forms import Form
from hub.notify import pinned
from hub.notify.channels import TransportError, push, services, webhook
from hub.schema import ContactChannel
from hub.schema.base import uuid7
from hub.settings import HubSettings

LONGEST_ADDRESS: Final = 500
PRIORITIES: Final = ("1", "2", "3", "4")
KINDS: Final = {
    "email": "E-mail",
    "sms": "SMS",
    "voice": "Call",
    "push": "This browser",
    "webhook": "Webhook, signed",
    "apprise": "Another service (Slack, Teams, Telegram, …)",
}
SHORT: Final = KINDS | {"push": "browser", "webhook": "webhook", "apprise": "service"}
_NUMBER: Final = re.compile(r"^\+[1-9]\d{7,14}$")


def offered(settings: HubSettings, *, own: bool) -> list[tuple[str, str]]:
    """The kinds that can be entered here; browsers subscribe themselves."""
    kinds = ["email"]
    kinds += ["sms"] if any(one.sms_from for one in settings.carriers) else []
    kinds += ["voice"] if any(one.voice_from for one in settings.carriers) else []
    kinds += ["apprise"] if own else ["webhook", "apprise"]
    return [(kind, KINDS[kind]) for kind in kinds]


def read(form: Form, *, own: bool) -> tuple[ContactChannel, bytes | None]:
    """The channel a form describes, and its key if it is a webhook; faults stand in the form."""
    settings = console().settings
    kind = form.choice("kind", [key for key, _ in offered(settings, own=own)])
    channel = ContactChannel(
        id=uuid7(),
        organization_id=visitor().organization_id,
        user_id=visitor().user_id if own else form.identifier("person"),
        kind=kind,
        address=form.text("address", required=True, longest=LONGEST_ADDRESS),
        label=form.text("label", longest=60) or None,
        worst_priority=int(form.choice("worst_priority", PRIORITIES) or 3),
        created_by=visitor().user_id,
    )
    key = None if "address" in form.faults else _check(form, channel, settings)
    return channel, key


def _check(form: Form, channel: ContactChannel, settings: HubSettings) -> bytes | None:
    """Look at the address; what is secret of it is sealed, and shown masked."""
    if channel.kind == "email" and not is_email(channel.address):
        form.fault("address", "Write an e-mail address, like name@example.com.")
    elif channel.kind in {"sms", "voice"}:
        channel.address = number(channel.address)
        if not _NUMBER.match(channel.address):
            form.fault("address", "Write a number with country code, like +1 432 555 0100.")
        if channel.user_id is None:
            form.fault("person", "A telephone is somebody's: choose whose.")
    elif channel.kind == "webhook":
        return _webhook(form, channel, settings)
    elif channel.kind == "apprise":
        _service(form, channel, settings)
    return None


def _webhook(form: Form, channel: ContactChannel, settings: HubSettings) -> bytes:
    private = settings.webhook_allow_private
    try:
        url = pinned.check_url(channel.address, allow_private=private)
        pinned.resolve(url, allow_private=private)
    except TransportError as fault:
        if fault.permanent:
            form.fault("address", f"{fault}.")
    key = webhook.new_key()
    channel.secret = webhook.seal_key(settings, channel.id, key)
    return key


def _service(form: Form, channel: ContactChannel, settings: HubSettings) -> None:
    given = channel.address
    try:
        channel.address = services.shown(given, settings)
    except TransportError as fault:
        form.fault("address", f"{fault}.")
        return
    channel.secret = services.seal_address(settings, channel.id, given)


def number(text: str) -> str:
    """A telephone number as carriers take it; ten digits are one of North America."""
    digits = re.sub(r"[\s().\-/]", "", text)
    return f"+1{digits}" if re.fullmatch(r"[2-9]\d{9}", digits) else digits


def is_email(address: str) -> bool:
    """Whether a text can be an e-mail address."""
    name, _, domain = address.rpartition("@")
    return bool(name and domain) and not any(sign.isspace() or sign in "<>,;" for sign in address)


def keep(session: Session, channel: ContactChannel) -> bool:
    """Add a channel, or bring back one that was taken away; False where it is here already."""
    same = session.scalars(
        select(ContactChannel)
        .where(
            ContactChannel.organization_id == channel.organization_id,
            ContactChannel.kind == channel.kind,
            ContactChannel.address == channel.address,
        )
        .with_for_update()
    ).one_or_none()
    if same is None:
        session.add(channel)
        return True
    if same.removed_at is None:
        return False
    _revive(same, channel)
    return True


def _revive(same: ContactChannel, channel: ContactChannel) -> None:
    """What was sealed for the new row is sealed for the old one; who it was is proven anew."""
    if channel.secret is not None:
        key = console().settings.secret_key
        secret = seal.unseal(key, channel.secret, "contact_channels", channel.id)
        same.secret = seal.seal(key, secret, "contact_channels", same.id)
    same.user_id, same.label, same.worst_priority = (
        channel.user_id,
        channel.label,
        channel.worst_priority,
    )
    same.removed_at = same.broken_at = same.fault = None
    same.verified_at = same.proven_at = None
    same.enabled = True


def browser(subscription: dict[str, object], agent: str) -> tuple[str, str]:
    """What a subscribed browser is called: for people, and told apart from their others."""
    known = {"Edg/": "Edge", "Firefox/": "Firefox", "Chrome/": "Chrome", "Safari/": "Safari"}
    places = {"Android": "Android", "iPhone": "iPhone", "Windows": "Windows", "Mac OS": "Mac"}
    name = next((word for sign, word in known.items() if sign in agent), "Browser")
    place = next((word for sign, word in places.items() if sign in agent), "Linux")
    mark = hashlib.sha256(str(subscription["endpoint"]).encode()).hexdigest()[:6]
    return f"{name} on {place}", f"{name} on {place} #{mark}"


def subscribed(text: str, agent: str) -> ContactChannel:
    """The channel of a browser that subscribed; raises `TransportError`."""
    settings = console().settings
    found = push.read_subscription(text, allow_private=settings.webhook_allow_private)
    label, address = browser(found, agent)
    channel = ContactChannel(
        id=uuid7(),
        organization_id=visitor().organization_id,
        user_id=visitor().user_id,
        kind="push",
        address=address,
        label=label,
        worst_priority=3,
        created_by=visitor().user_id,
    )
    channel.secret = push.seal_subscription(settings, channel.id, found)
    return channel


def own_or_none(session: Session, channel_id: uuid.UUID) -> ContactChannel | None:
    """A channel of the visitor's own, locked."""
    return session.scalars(
        select(ContactChannel)
        .where(
            ContactChannel.id == channel_id,
            ContactChannel.user_id == visitor().user_id,
            ContactChannel.removed_at.is_(None),
        )
        .with_for_update()
    ).one_or_none()
