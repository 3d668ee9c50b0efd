"""Providers of SMS and calls, spoken to over HTTP as Twilio's REST is: send, and believe receipts.

Many carriers speak this dialect, or a small gateway in front of them does; which one is a matter of
an address, an account and a token. Two of them make one that can fail.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import urlencode

from hub.notify import pinned
from hub.notify.channels import Parcel, TransportError
from hub.settings import CarrierSettings, HubSettings

#: Error codes that concern the number and not us: no other carrier will reach it either.
OF_THE_NUMBER: Final[Mapping[int, str]] = {
    21211: "is not a telephone number",
    21214: "cannot be reached",
    21217: "is not a telephone number",
    21610: "has answered STOP and takes no messages",
    21612: "cannot be reached from our number",
    21614: "is not a mobile number",
    30005: "does not exist",
    30006: "is a landline, or cannot be reached",
    13224: "is not a telephone number",
}
#: What becomes of a message or call in the end, and whether it reached the person.
ENDS: Final[Mapping[str, bool]] = {
    **dict.fromkeys(("delivered", "read"), True),
    **dict.fromkeys(("undelivered", "failed", "canceled", "busy", "no-answer"), False),
}


def named(settings: HubSettings, name: str) -> CarrierSettings:
    """The carrier that attempts call by this name; raises `TransportError`."""
    for carrier in settings.carriers:
        if carrier.name == name:
            return carrier
    raise TransportError(
        "no carrier is set up; SMS and calls need the settings of [carrier]",
        error="no carrier",
        at_provider=True,
    )


def order(carrier: CarrierSettings, what: str, fields: Mapping[str, str], parcel: Parcel) -> str:
    """Order a message or call; gives the carrier's id for it. Raises `TransportError`."""
    url = pinned.check_url(
        f"{carrier.base_url}/2010-04-01/Accounts/{carrier.account}/{what}.json", allow_private=True
    )
    headers = {
        "Authorization": pinned.basic(carrier.account, carrier.token),
        "Content-Type": "application/x-www-form-urlencoded",
        "Idempotency-Key": parcel.idempotency_key,
        "I-Twilio-Idempotency-Token": parcel.idempotency_key,
    }
    try:
        answer = pinned.post(url, urlencode(fields).encode(), headers, allow_private=True)
    except TransportError as fault:
        fault.at_provider = True
        raise
    said = _read(answer.text)
    if answer.good:
        return _sid(carrier, answer, said)
    raise _refusal(carrier, answer, said, fields["To"])


def _sid(carrier: CarrierSettings, answer: pinned.Answer, said: Mapping[str, Any]) -> str:
    """The id in a good answer; one without says nothing, whatever its status."""
    if not isinstance(said.get("sid"), str) or not said["sid"]:
        raise TransportError(
            f"{carrier.name} answers {answer.status}, but does not say what it took",
            error="no id",
            at_provider=True,
        )
    return str(said["sid"])


def _refusal(
    carrier: CarrierSettings, answer: pinned.Answer, said: Mapping[str, Any], number: str
) -> TransportError:
    code = said.get("code")
    if answer.status == 400 and isinstance(code, int) and code in OF_THE_NUMBER:
        return TransportError(
            f"{number} {OF_THE_NUMBER[code]} ({carrier.name}: {code})",
            permanent=True,
            error=str(code),
        )
    told = pinned.words(said.get("message", answer.reason))
    return TransportError(
        f"{carrier.name} answers {answer.status} {told}".strip(),
        retry_after_s=answer.retry_after_s,
        error=str(code or answer.status),
        at_provider=True,
    )


def _read(text: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def signature(token: str, url: str, fields: Iterable[tuple[str, str]]) -> str:
    """What a carrier signs its calls to us with: HMAC-SHA1 of the address and the sorted fields."""
    signed = url + "".join(name + value for name, value in sorted(fields))
    return base64.b64encode(hmac.digest(token.encode(), signed.encode(), hashlib.sha1)).decode()


def is_signed(
    carrier: CarrierSettings, url: str, fields: Iterable[tuple[str, str]], shown: str
) -> bool:
    """Whether a call to us comes from the carrier, as the signature it shows proves."""
    return hmac.compare_digest(signature(carrier.token, url, fields).encode(), shown.encode())


def receipt_address(settings: HubSettings, parcel: Parcel, carrier: CarrierSettings) -> str:
    """Where the carrier tells what became of a message."""
    number = settings.carriers.index(carrier)
    return f"{settings.web.public_url}/in/carrier/{number}/receipt/{parcel.token}/{parcel.attempt}"
