"""Calls by way of a carrier: the alarm is read out, and a key takes it on.

The carrier asks us what to say when somebody answers, and tells us the key that was pressed.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from hub.notify import carriers
from hub.notify.channels import Parcel, Taken
from hub.settings import HubSettings

RING_S: Final = 30
RECEIPT_WITHIN: Final = timedelta(seconds=90)
_HEAD: Final = '<?xml version="1.0" encoding="UTF-8"?>'


def send(parcel: Parcel, settings: HubSettings) -> Taken:
    """Order one call."""
    carrier = carriers.named(settings, parcel.provider)
    number = settings.carriers.index(carrier)
    fields = {
        "To": parcel.address,
        "From": carrier.voice_from or "",
        "Url": f"{settings.web.public_url}/in/carrier/{number}/voice/{parcel.token}",
        "StatusCallback": carriers.receipt_address(settings, parcel, carrier),
        "Timeout": str(RING_S),
        "MachineDetection": "Enable",
    }
    sid = carriers.order(carrier, "Calls", fields, parcel)
    return Taken(sid, f"call ordered from {carrier.name}", RECEIPT_WITHIN)


def script(said: str, action: str, *, again: int = 2) -> str:
    """TwiML that reads a message out and waits for the key 1, `again` times; hangs up then."""
    ask = f"{escape(said)} Press 1 to take this on."
    one = (
        f"<Gather numDigits={quoteattr('1')} timeout={quoteattr('6')} action={quoteattr(action)}>"
        f"<Say>{ask}</Say></Gather>"
    )
    return f"{_HEAD}<Response>{one * again}<Say>Goodbye.</Say><Hangup/></Response>"


def farewell(said: str) -> str:
    """TwiML that says one sentence and hangs up."""
    return f"{_HEAD}<Response><Say>{escape(said)}</Say><Hangup/></Response>"
