"""Other services (chats, pagers) by way of Apprise, behind a list of those with fixed hosts.

An address of Apprise is a secret and can name any host; only services whose host is their own are
let through, no redirect is followed, and certificates are always verified.
"""

from __future__ import annotations

import hashlib
import uuid
from functools import cache
from typing import Any, Final

from hub import seal
from hub.notify import messages
from hub.notify.channels import Parcel, Taken, TransportError
from hub.settings import HubSettings

TIMEOUT_S: Final = 20.0
#: Services whose host nobody can choose, by the word their address begins with.
FIXED: Final = {
    "slack": "Slack",
    "discord": "Discord",
    "gchat": "Google Chat",
    "webex": "Webex",
    "wxteams": "Webex",
    "tgram": "Telegram",
    "pagerduty": "PagerDuty",
    "opsgenie": "Opsgenie",
    "victorops": "Splunk On-Call",
    "splunk": "Splunk On-Call",
    "pover": "Pushover",
    "pbul": "Pushbullet",
    "ntfy": "ntfy.sh",
    "ntfys": "ntfy.sh",
}
#: What no setting opens: they reach any host, run programs or read files.
NEVER: Final = frozenset(
    (
        *("json", "jsons", "xml", "xmls", "form", "forms", "apprise", "apprises"),
        *("mailto", "mailtos", "syslog", "rsyslog", "dbus", "windows", "macosx", "gnome", "glib"),
        *("file", "http", "https"),
    )
)


def send(parcel: Parcel, settings: HubSettings) -> Taken:
    """Hand one message to a service."""
    address = parcel.unsealed(settings).decode()
    service = opened(address, settings)
    told = _notify(service, parcel)
    word = told.status.name
    if word == "SUCCESS":
        return Taken(parcel.idempotency_key, f"taken by {name_of(address)}")
    if word == "TIMEOUT":
        raise TransportError(f"{name_of(address)} does not answer", error="timeout")
    raise TransportError(f"{name_of(address)} did not take it: {_said(told)}")


def _notify(service: Any, parcel: Parcel) -> Any:
    from apprise import Apprise, NotifyFormat, NotifyType  # noqa: PLC0415 - 14 MB

    crowd = Apprise(asset=_asset())
    crowd.add(service)
    bad = parcel.kind in {"raised", "level"}
    return crowd.notify(
        body=messages.plain_text(dict(parcel.body), parcel.answer or parcel.link),
        title=parcel.subject,
        notify_type=NotifyType.FAILURE if bad else NotifyType.INFO,
        body_format=NotifyFormat.TEXT,
        timeout=TIMEOUT_S,
    )


def _said(told: Any) -> str:
    """What the service logged about its refusal, without the address."""
    lines = [str(entry.message) for one in told for attempt in one for entry in attempt.logs]
    return " ".join(" ".join(lines).split())[:200] or "no reason given"


@cache
def _asset() -> Any:
    from apprise import AppriseAsset  # noqa: PLC0415 - 14 MB

    return AppriseAsset(app_id="WellFlow", app_desc="WellFlow", http_redirects=False)


def opened(address: str, settings: HubSettings) -> Any:
    """The service of an address; raises a permanent `TransportError` for one not let through."""
    from apprise import Apprise  # noqa: PLC0415 - 14 MB

    schema = address.partition(":")[0].strip().lower()
    allowed = set(FIXED) | (settings.service_schemas - NEVER)
    if schema not in allowed or "://" not in address:
        raise TransportError(
            f"{schema or 'this'}:// is not among the services one can choose:"
            f" {', '.join(sorted(allowed))}",
            permanent=True,
            error="not allowed",
        )
    service = Apprise.instantiate(address, asset=_asset(), suppress_exceptions=True)
    if service is None:
        raise TransportError(f"this is not an address of {name_of(address)}", permanent=True)
    own_host = schema in {"ntfy", "ntfys"} and str(getattr(service, "mode", "")) != "cloud"
    if own_host and schema not in settings.service_schemas:
        raise TransportError(
            "only ntfy.sh itself is let through; write ntfy://topic", permanent=True
        )
    service.redirects, service.verify_certificate = False, True
    service.socket_connect_timeout = service.socket_read_timeout = TIMEOUT_S / 2
    return service


def name_of(address: str) -> str:
    """The service's name for people."""
    schema = address.partition(":")[0].strip().lower()
    return FIXED.get(schema, schema)


def shown(address: str, settings: HubSettings) -> str:
    """The address as people may see it: its secrets masked, and still told apart from others."""
    masked = str(opened(address, settings).url(privacy=True)).partition("?")[0]
    return f"{masked} #{hashlib.sha256(address.encode()).hexdigest()[:6]}"


def seal_address(settings: HubSettings, channel_id: uuid.UUID, address: str) -> bytes:
    """The address as it stands in `contact_channels.secret`."""
    return seal.seal(settings.secret_key, address.encode(), "contact_channels", channel_id)
