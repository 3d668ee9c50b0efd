"""What is wrong with the hub itself, for the operators' rules about it: work that stands still,
disks that fill, certificates that end.

It names no operator and no count of anybody's: every operator's rule shows the same.
"""

from __future__ import annotations

import shutil
import socket
import ssl
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from cryptography import x509
from sqlalchemy import Engine

from hub import deadman
from hub.alerts.conditions import Finding
from hub.settings import HubSettings

#: Free share of a disk, percent, from which on it is told, and from which on it is urgent.
LOW_PERCENT, VERY_LOW_PERCENT = 10.0, 4.0
SOON, VERY_SOON = timedelta(days=21), timedelta(days=4)
CONNECT_S: Final = 5.0
#: Certificates change seldom, and asking costs the broker a connection.
ASKED_EVERY_S: Final = 3600.0
WAKES_S: Final = 180.0
_BORN: Final = time.monotonic()
_PORTS: Final = {"https": 443, "mqtts": 8883}
_kept: dict[str, tuple[float, datetime]] = {}


def look(
    engine: Engine,
    settings: HubSettings,
    now: datetime | None = None,
    *,
    age_s: float | None = None,
) -> list[Finding] | None:
    """Everything that is wrong with the hub, as this process sees it.

    None while the process is younger than `WAKES_S` (`age_s`: how old it is said to be): the others
    begin beside it, and what they did before is of the past.
    """
    if (time.monotonic() - _BORN if age_s is None else age_s) < WAKES_S:
        return None
    moment = now or datetime.now(UTC)
    folders = [Path(tempfile.gettempdir()), settings.documents.path]
    addresses = [settings.web.public_url, settings.mqtt.url]
    with engine.connect() as connection:
        found = list(still(deadman.stopped(connection, moment), moment))
    found += disks(folders, moment)
    return [*found, *certificates(addresses, moment)]


def still(stopped: list[deadman.Stopped], now: datetime) -> Iterator[Finding]:
    """Work that does not go on."""
    for one in stopped:
        began = one.since or now
        yield Finding(f"loop/{one.key}", _said(one.sentence), began, 1 if one.needed else 2)


def _said(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."


def disks(
    folders: list[Path],
    now: datetime,
    measure: Callable[[Path], tuple[int, int, int]] = shutil.disk_usage,
) -> Iterator[Finding]:
    """Disks of this machine that are nearly full, each once."""
    seen = set()
    for folder in folders:
        place = next((path for path in (folder, *folder.parents) if path.exists()), None)
        if place is None or place.stat().st_dev in seen:
            continue
        seen.add(place.stat().st_dev)
        total, _, free = measure(place)
        percent = 100 * free / total if total else 100.0
        if percent < LOW_PERCENT:
            host = socket.gethostname()
            yield Finding(
                f"disk/{host}/{place}",
                f"The disk of {host} that holds {place} has {percent:.0f} % free"
                f" ({free / 2**30:,.1f} GiB).",
                now,
                2 if percent < VERY_LOW_PERCENT else 3,
                value=round(percent, 1),
                setpoint=LOW_PERCENT,
            )


def certificates(
    addresses: list[str], now: datetime, ends: Callable[[str], datetime | None] | None = None
) -> Iterator[Finding]:
    """Certificates of the hub's own addresses that end soon, or have ended."""
    for address in addresses:
        until = (ends or ends_at)(address)
        if until is None or until - now > SOON:
            continue
        place = urlsplit(address).hostname
        words = "has ended on" if until <= now else "ends on"
        yield Finding(
            f"certificate/{place}",
            f"The certificate of {place} {words} {until:%Y-%m-%d %H:%M} UTC.",
            min(until - SOON, now),
            2 if until - now < VERY_SOON else 3,
            value=round((until - now) / timedelta(days=1), 1),
            setpoint=SOON / timedelta(days=1),
        )


def ends_at(address: str) -> datetime | None:
    """When the certificate shown at an address ends; None where there is none, or nobody answers.

    Asked for at most once an hour, and without believing it: an ended one is what is looked for.
    """
    parts = urlsplit(address)
    if parts.scheme not in _PORTS or parts.hostname is None:
        return None
    asked_at, until = _kept.get(address, (float("-inf"), None))
    if until is not None and time.monotonic() - asked_at < ASKED_EVERY_S:
        return until
    try:
        shown = _shown(parts.hostname, parts.port or _PORTS[parts.scheme])
    except (OSError, ValueError):
        return until
    _kept[address] = (time.monotonic(), shown)
    return shown


def _shown(host: str, port: int) -> datetime:
    unbelieving = ssl.create_default_context()
    unbelieving.check_hostname = False
    unbelieving.verify_mode = ssl.CERT_NONE
    with (
        socket.create_connection((host, port), timeout=CONNECT_S) as line,
        unbelieving.wrap_socket(line, server_hostname=host) as secured,
    ):
        shown = secured.getpeercert(binary_form=True) or b""
    return x509.load_der_x509_certificate(shown).not_valid_after_utc
