"""Calls to addresses that others entered: to public networks only, bounded in time and size.

Whoever enters an address must not be able to reach the hub's own network with it: the name is
resolved once, the connection goes to exactly that address, and no redirect is followed. What looks
up the name again (DNS that answers differently the second time) gains nothing.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urlsplit

from hub.notify.channels import TransportError

TIMEOUT_S: Final = 10.0
LONGEST_CALL_S: Final = 30.0
MOST_READ: Final = 64 * 1024
LONGEST_WAIT_S: Final = 600.0
_TRY_AGAIN: Final = frozenset({408, 421, 425, 429})
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
#: All that IPv6 has of the public internet; beside it lie translators and forms no longer used
#: (site-local, IPv4-compatible, local NAT64), any of which a network may lead inward.
_GLOBAL: Final = ipaddress.ip_network("2000::/3")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said: bounded, and not yet believed."""

    status: int
    reason: str
    retry_after_s: float | None
    text: str
    location: str | None = None

    @property
    def good(self) -> bool:
        """Whether it took what was sent."""
        return 200 <= self.status < 300

    @property
    def words(self) -> str:
        """The beginning of what it said, on one line."""
        return words(self.text)


def post(
    url: SplitResult, payload: bytes, headers: Mapping[str, str], *, allow_private: bool
) -> Answer:
    """Post to an address that `check_url` let through.

    Raises `TransportError`: of class *unknown* when the line broke after all was sent, for then
    nobody knows whether it was taken.
    """
    address = resolve(url, allow_private=allow_private)
    try:
        return _post(url, address, payload, headers)
    except ssl.SSLCertVerificationError as fault:
        raise TransportError(
            f"{url.netloc}: certificate: {fault.verify_message}", error="certificate"
        ) from fault
    except (OSError, http.client.HTTPException, ValueError) as fault:
        raise TransportError(
            f"{url.netloc}: {str(fault) or repr(fault)}", error=_class_of(fault)
        ) from fault


def call(address: str, *, allow_private: bool) -> None:
    """Call an address without a message, to show that we are there; raises `TransportError`."""
    url = check_url(address, allow_private=allow_private)
    answer = post(url, b"", {"User-Agent": "WellFlow"}, allow_private=allow_private)
    if not answer.good:
        raise refusal(url, answer)


def _class_of(fault: Exception) -> str:
    if isinstance(fault, ConnectionRefusedError | socket.gaierror):
        return "unreachable"
    return "timeout" if isinstance(fault, TimeoutError) else "broken off"


def refusal(url: SplitResult, answer: Answer) -> TransportError:
    """What an answer other than 2xx means for the message."""
    said = f"{url.netloc} answers {answer.status} {words(answer.reason)}".strip()
    if 300 <= answer.status < 400:
        said += ", a redirect; enter the final address"
    return TransportError(
        said,
        permanent=300 <= answer.status < 500 and answer.status not in _TRY_AGAIN,
        retry_after_s=answer.retry_after_s,
        error=str(answer.status),
    )


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
        raise TransportError(
            f"{host} has no network address: {fault}", error="unreachable"
        ) from fault
    addresses = [str(entry[4][0]) for entry in found]
    allowed = [address for address in addresses if allow_private or is_public(address)]
    if not allowed:
        raise TransportError(
            f"{host} is {addresses[0]}, an address of a private network; the keeper of this"
            " installation can allow that with webhook_allow_private",
            permanent=True,
            error="private network",
        )
    return allowed[0]


def is_public(address: str) -> bool:
    """Whether an address belongs to the public internet, also in its disguises."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = _inside(ip)
        if inner is not None:
            return is_public(str(inner))
        if ip not in _GLOBAL:
            return False
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
        self.sock = secure = self.trust.wrap_socket(
            plain, server_hostname=self.host, do_handshake_on_connect=False
        )
        with _deadline(secure):
            secure.do_handshake()


def _post(url: SplitResult, address: str, payload: bytes, headers: Mapping[str, str]) -> Answer:
    """Post, and read a bounded answer."""
    connection: http.client.HTTPConnection
    if url.scheme == "https":
        connection = _Pinned(url, address)
    else:
        connection = http.client.HTTPConnection(address, url.port or 80, timeout=TIMEOUT_S)
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    try:
        connection.connect()
        with _deadline(connection.sock):
            connection.request("POST", path, payload, {"Host": url.netloc} | dict(headers))
            answer = connection.getresponse()
            text = answer.read(MOST_READ).decode("utf-8", "replace")
            waits = seconds(answer.headers["Retry-After"])
            return Answer(answer.status, answer.reason, waits, text, answer.headers["Location"])
    finally:
        connection.close()


@contextmanager
def _deadline(sock: socket.socket) -> Iterator[None]:
    """Cut the line after `LONGEST_CALL_S`: a receiver that drips must not hold a worker."""

    def cut_off() -> None:
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)

    cut = threading.Timer(LONGEST_CALL_S, cut_off)
    cut.daemon = True
    cut.start()
    try:
        yield
    finally:
        cut.cancel()


def basic(account: str, token: str) -> str:
    """Value of an Authorization header for a name and a secret."""
    return "Basic " + base64.b64encode(f"{account}:{token}".encode()).decode()


def seconds(retry_after: str | None) -> float | None:
    """Seconds of a Retry-After header; dates are left to our own back-off."""
    said = (retry_after or "").strip()
    if not (said.isascii() and said.isdigit()):
        return None
    return min(float(said), LONGEST_WAIT_S)


def words(text: object) -> str:
    """The beginning of a text, on one line."""
    return " ".join(str(text).split())[:300]
