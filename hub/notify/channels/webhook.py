"""Signed webhooks: JSON by POST, to public addresses only.

The receiver checks ``WellFlow-Signature: t=<seconds>,v1=<hex>``, where the hex is HMAC-SHA256 of
``<seconds>.<body>`` under the channel's key, and tells a repeat by ``Idempotency-Key``.

Whoever enters an address must not be able to reach the hub's own network with it: the name is
resolved once, the connection goes to exactly that address, and no redirect is followed.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import ipaddress
import json
import secrets
import socket
import ssl
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from hub import seal
from hub.notify.channels import Parcel, Taken, TransportError
from hub.settings import HubSettings

TIMEOUT_S: Final = 10.0
LONGEST_CALL_S: Final = 30.0
MOST_READ: Final = 16 * 1024
LONGEST_WAIT_S: Final = 600.0
_TRY_AGAIN: Final = frozenset({408, 421, 425, 429})
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")


def send(parcel: Parcel, settings: HubSettings) -> Taken:
    """Post one notification."""
    key = _key(parcel, settings)
    payload = json.dumps(
        {**parcel.body, "link": parcel.link, "subject": parcel.subject}, separators=(",", ":")
    ).encode()
    url = check_url(parcel.address, allow_private=settings.webhook_allow_private)
    address = resolve(url, allow_private=settings.webhook_allow_private)
    try:
        status, reason, retry_after, answer = _post(
            url, address, payload, _headers(parcel, key, payload)
        )
    except ssl.SSLCertVerificationError as fault:
        raise TransportError(f"{url.netloc}: certificate: {fault.verify_message}") from fault
    except (OSError, http.client.HTTPException) as fault:
        raise TransportError(f"{url.netloc}: {str(fault) or repr(fault)}") from fault
    if 200 <= status < 300:
        return Taken(parcel.idempotency_key, f"{status} {answer}".strip())
    raise _refusal(url, status, reason, retry_after)


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


def check_url(address: str, *, allow_private: bool) -> SplitResult:
    """Take an address apart; raises a permanent `TransportError` for one we do not post to."""
    try:
        url = urlsplit(address)
        port = url.port
    except ValueError as fault:
        raise TransportError(f"{address!r} is not an address: {fault}", permanent=True) from fault
    schemes = {"https", "http"} if allow_private else {"https"}
    if url.scheme not in schemes or not url.hostname or port == 0:
        raise TransportError(f"{address!r} is not an https:// address", permanent=True)
    if url.username or url.password:
        raise TransportError("the address must not hold a user or password", permanent=True)
    return url


def resolve(url: SplitResult, *, allow_private: bool) -> str:
    """The one network address to connect to; refuses those of private networks."""
    host = url.hostname or ""
    try:
        found = socket.getaddrinfo(host, url.port or 443, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as fault:
        raise TransportError(f"{host} has no network address: {fault}") from fault
    addresses = [str(entry[4][0]) for entry in found]
    allowed = [address for address in addresses if allow_private or is_public(address)]
    if not allowed:
        raise TransportError(
            f"{host} is {addresses[0]}, an address of a private network; the keeper of this"
            " installation can allow that with webhook_allow_private",
            permanent=True,
        )
    return allowed[0]


def is_public(address: str) -> bool:
    """Whether an address belongs to the public internet, also in its disguises."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    inner = _inside(ip) if isinstance(ip, ipaddress.IPv6Address) else None
    if inner is not None:
        return is_public(str(inner))
    return ip.is_global and not ip.is_multicast


def _inside(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 address leads to, if it is such a one."""
    if ip in _NAT64:
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour


class _Pinned(http.client.HTTPSConnection):
    """A connection to a given address that checks the certificate of a given name."""

    def __init__(self, url: SplitResult, address: str) -> None:
        self.trust = ssl.create_default_context()
        super().__init__(url.hostname or "", url.port or 443, timeout=TIMEOUT_S, context=self.trust)
        self.address = address

    def connect(self) -> None:
        """Connect to the address, then speak TLS with the name."""
        plain = socket.create_connection((self.address, self.port), TIMEOUT_S)
        self.sock = self.trust.wrap_socket(plain, server_hostname=self.host)


def _post(
    url: SplitResult, address: str, payload: bytes, headers: dict[str, str]
) -> tuple[int, str, str | None, str]:
    """Post, and read a bounded answer: status, reason, Retry-After, beginning of the text."""
    connection: http.client.HTTPConnection
    if url.scheme == "https":
        connection = _Pinned(url, address)
    else:
        connection = http.client.HTTPConnection(address, url.port or 80, timeout=TIMEOUT_S)
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    try:
        connection.connect()
        with _deadline(connection.sock):
            connection.request("POST", path, payload, headers | {"Host": url.netloc})
            answer = connection.getresponse()
            text = answer.read(MOST_READ).decode("utf-8", "replace")
            return answer.status, answer.reason, answer.headers["Retry-After"], _words(text)
    finally:
        connection.close()


def call(address: str, *, allow_private: bool) -> None:
    """Call an address without a message, to show that we are there; raises `TransportError`.

    The same care as for a webhook: a pinned public address, no redirects, a bounded answer.
    """
    url = check_url(address, allow_private=allow_private)
    host = resolve(url, allow_private=allow_private)
    try:
        status, reason, retry_after, _ = _post(url, host, b"", {"User-Agent": "WellFlow"})
    except (OSError, http.client.HTTPException) as fault:
        raise TransportError(f"{url.netloc}: {_words(fault) or type(fault).__name__}") from fault
    if not 200 <= status < 300:
        raise _refusal(url, status, reason, retry_after)


@contextmanager
def _deadline(sock: socket.socket) -> Iterator[None]:
    """Cut the line after `LONGEST_CALL_S`: a receiver that drips must not hold a worker."""
    cut = threading.Timer(LONGEST_CALL_S, socket.socket.shutdown, (sock, socket.SHUT_RDWR))
    cut.daemon = True
    cut.start()
    try:
        yield
    finally:
        cut.cancel()


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
    try:
        return seal.unseal(
            settings.secret_key, parcel.secret, "contact_channels", parcel.channel_id
        )
    except seal.SealError as fault:
        raise TransportError(str(fault)) from fault


def _refusal(url: SplitResult, status: int, reason: str, retry_after: str | None) -> TransportError:
    answer = f"{url.netloc} answers {status} {_words(reason)}".strip()
    if 300 <= status < 400:
        answer += ", a redirect; enter the final address"
    return TransportError(
        answer,
        permanent=300 <= status < 500 and status not in _TRY_AGAIN,
        retry_after_s=_seconds(retry_after),
    )


def _seconds(retry_after: str | None) -> float | None:
    """Seconds of a Retry-After header; dates are left to our own back-off."""
    if retry_after is None or not retry_after.strip().isdigit():
        return None
    return min(float(retry_after), LONGEST_WAIT_S)


def _words(text: Any) -> str:
    return " ".join(str(text).split())[:300]
