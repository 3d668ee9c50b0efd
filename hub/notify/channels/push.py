"""Web push (RFC 8030, 8291, 8292): a browser's push service is told, encrypted for that browser.

The libraries encrypt and sign; the call goes out through our own sender, for a subscription's
address is entered by whoever subscribes.
"""

from __future__ import annotations

import base64
import binascii
import json
import time
import uuid
from collections.abc import Mapping
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from hub import seal
from hub.notify import messages, pinned, texts
from hub.notify.channels import GoneError, Parcel, Taken, TransportError
from hub.settings import HubSettings

#: How long a push service keeps a message for a browser that is away, in seconds.
KEPT_S: Final = 4 * 3600
SIGNED_FOR_S: Final = 12 * 3600
MOST_BYTES: Final = 3000
LONGEST: Final = 2000


def send(parcel: Parcel, settings: HubSettings) -> Taken:
    """Hand one message to the push service of a browser."""
    subscription = json.loads(parcel.unsealed(settings))
    private = settings.webhook_allow_private
    url = pinned.check_url(str(subscription["endpoint"]), allow_private=private)
    payload = _encrypted(subscription, shown(parcel, settings))
    origin = f"{url.scheme}://{url.netloc}"
    urgent = parcel.kind in {"raised", "level"} or parcel.is_test
    headers = {
        "Content-Encoding": "aes128gcm",
        "Content-Type": "application/octet-stream",
        "TTL": str(KEPT_S),
        "Urgency": "high" if urgent else "normal",
        "Topic": parcel.idempotency_key[:32],
        "Authorization": _signed(settings, origin),
    }
    answer = pinned.post(url, payload, headers, allow_private=private)
    if answer.good:
        return Taken(answer.location or parcel.idempotency_key, f"taken by {url.hostname}")
    if answer.status in {404, 410}:
        raise GoneError(f"{url.hostname} answers {answer.status}: the browser unsubscribed")
    raise pinned.refusal(url, answer)


def shown(parcel: Parcel, settings: HubSettings) -> bytes:
    """What the browser shows; a repeat replaces what it shows already."""
    said = {
        "title": texts.shorten(parcel.subject, 120),
        "body": texts.shorten(messages.headline(dict(parcel.body)), 400),
        "tag": parcel.idempotency_key,
        "url": parcel.answer or parcel.link,
        "shown": f"{settings.web.public_url}/m/{parcel.token}/shown/{parcel.attempt}",
        "urgent": parcel.body.get("priority") in {1, 2},
    }
    return json.dumps(said, separators=(",", ":")).encode()[:MOST_BYTES]


def _encrypted(subscription: Mapping[str, Any], payload: bytes) -> bytes:
    from pywebpush import WebPusher, WebPushException  # noqa: PLC0415 - brings aiohttp along

    try:
        return bytes(WebPusher(subscription).encode(payload)["body"])
    except (WebPushException, ValueError, TypeError, KeyError) as fault:
        raise TransportError(f"the subscription is damaged: {fault}", permanent=True) from fault


def _signed(settings: HubSettings, origin: str) -> str:
    from py_vapid import Vapid02  # noqa: PLC0415 - only where something is pushed

    if settings.push.private_key is None:
        raise TransportError(
            "web push is not set up here; it needs push.private_key", error="no key"
        )
    vapid = Vapid02.from_raw(settings.push.private_key.encode())
    claims = {
        "aud": origin,
        "sub": settings.push.contact,
        "exp": int(time.time()) + SIGNED_FOR_S,
    }
    return str(vapid.sign(claims)["Authorization"])


def public_key(settings: HubSettings) -> str | None:
    """What browsers subscribe with; None where web push is not set up."""
    if settings.push.private_key is None:
        return None
    text = settings.push.private_key.rstrip("=")
    number = int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    point = ec.derive_private_key(number, ec.SECP256R1()).public_key()
    raw = point.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def new_private_key() -> str:
    """A key to sign pushes with, for `push.private_key`."""
    number = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
    return base64.urlsafe_b64encode(number.to_bytes(32)).decode().rstrip("=")


def read_subscription(text: str, *, allow_private: bool) -> dict[str, Any]:
    """The subscription a browser made; raises `TransportError` with what is wrong with it."""
    try:
        found = json.loads(text[:LONGEST])
        endpoint, keys = str(found["endpoint"]), found["keys"]
        sizes = [len(_decoded(str(keys[name]))) for name in ("p256dh", "auth")]
    except (ValueError, KeyError, TypeError, binascii.Error) as fault:
        raise TransportError("this is not a subscription of a browser", permanent=True) from fault
    if sizes != [65, 16]:
        raise TransportError("this is not a subscription of a browser", permanent=True)
    pinned.check_url(endpoint, allow_private=allow_private)
    return {"endpoint": endpoint, "keys": {name: str(keys[name]) for name in ("p256dh", "auth")}}


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def seal_subscription(
    settings: HubSettings, channel_id: uuid.UUID, subscription: Mapping[str, Any]
) -> bytes:
    """The subscription as it stands in `contact_channels.secret`."""
    text = json.dumps(subscription, separators=(",", ":")).encode()
    return seal.seal(settings.secret_key, text, "contact_channels", channel_id)
