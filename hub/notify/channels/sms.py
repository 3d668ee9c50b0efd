"""SMS by way of a carrier; its receipt says whether the telephone got it."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from hub.notify import carriers, texts
from hub.notify.channels import Parcel, Taken
from hub.settings import HubSettings

RECEIPT_WITHIN: Final = timedelta(seconds=90)


def send(parcel: Parcel, settings: HubSettings) -> Taken:
    """Hand one SMS to the carrier."""
    carrier = carriers.named(settings, parcel.provider)
    fields = {
        "To": parcel.address,
        "From": carrier.sms_from or "",
        "Body": texts.sms(parcel.body, parcel.code, parcel.answer or parcel.link),
        "StatusCallback": carriers.receipt_address(settings, parcel, carrier),
    }
    sid = carriers.order(carrier, "Messages", fields, parcel)
    return Taken(sid, f"taken by {carrier.name}", RECEIPT_WITHIN)
