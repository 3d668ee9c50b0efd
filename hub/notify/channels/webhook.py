"""Signed webhooks: JSON by POST, to public addresses only.

The receiver checks ``WellFlow-Signature: t=<seconds>,v1=<hex>``, where the hex is HMAC-SHA256 of
``<seconds>.<body>`` under the channel's key, and tells a repeat by ``Idempotency-Key``.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
import uuid

from hub import seal
from hub.notify import pinned
from hub.notify.channels import Parcel, Taken, TransportError
from hub.settings import HubSettings


def send(parcel: Parcel, settings: HubSettings) -> Taken:
    """Post one notification."""
    key = _key(parcel, settings)
    said = {**parcel.body, "link": parcel.link, "subject": parcel.subject}
    if parcel.is_test:
        said["is_test"] = True
    payload = json.dumps(said, separators=(",", ":")).encode()
    private = settings.webhook_allow_private
    url = pinned.check_url(parcel.address, allow_private=private)
    answer = pinned.post(url, payload, _headers(parcel, key, payload), allow_private=private)
    if answer.good:
        return Taken(parcel.idempotency_key, f"{answer.status} {answer.words}".strip())
    raise pinned.refusal(url, answer)


def new_key() -> bytes:
    """A key to sign with; the receiver is told it once, the database keeps it sealed."""
    return secrets.token_urlsafe(32).encode()


def seal_key(settings: HubSettings, channel_id: uuid.UUID, key: bytes) -> bytes:
    """The key as it stands in `contact_channels.secret`."""
    return seal.seal(settings.secret_key, key, "contact_channels", channel_id)


def signature(key: bytes, timestamp: int, payload: bytes) -> str:
    """Value of the signature header."""
    signed = hmac.new(key, f"{timestamp}.".encode() + payload, hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={signed}"


def _headers(parcel: Parcel, key: bytes, payload: bytes) -> dict[str, str]:
    return {
        "Content-Type": "application/json",
        "User-Agent": "WellFlow",
        "Idempotency-Key": parcel.idempotency_key,
        "WellFlow-Signature": signature(key, int(time.time()), payload),
    }


def _key(parcel: Parcel, settings: HubSettings) -> bytes:
    if parcel.secret is None:
        raise TransportError("the webhook has no key to sign with; make one", permanent=True)
    return parcel.unsealed(settings)
