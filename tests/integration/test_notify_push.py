"""Browsers and other services: encrypted, signed, sent to nobody's inner network."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from typing import Any

import http_ece
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid import Vapid02

from hub import seal
from hub.notify import pinned
from hub.notify.channels import TransportError, push, services
from hub.settings import HubSettings
from tests.alerting import Gauge, settings
from tests.cast import Cast
from tests.notifying import add_channel, attempts, deliver, messages_by_kind, only, watched
from tests.servers.mail import Mailbox
from tests.servers.postgres import Database
from tests.webhooks import Answer, Receiver

KEY = push.new_private_key()


def text_of(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


class Browser:
    """A browser's side: keys to decrypt with, and its push service."""

    def __init__(self) -> None:
        self.service = Receiver(lambda _hook: Answer(201, {"Location": "/message/1"}))
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.auth = os.urandom(16)

    @property
    def subscription(self) -> dict[str, Any]:
        point = self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        keys = {"p256dh": text_of(point), "auth": text_of(self.auth)}
        return {"endpoint": self.service.url, "keys": keys}

    def shown(self) -> dict[str, Any]:
        """What its newest message says."""
        body = http_ece.decrypt(
            self.service.got[-1].payload, private_key=self.key, auth_secret=self.auth
        )
        found: dict[str, Any] = json.loads(body)
        return found


@pytest.fixture
def browser() -> Iterator[Browser]:
    made = Browser()
    yield made
    made.service.stop()


@pytest.fixture
def told(database: Database, mailbox: Mailbox) -> HubSettings:
    return settings(database, mail_port=mailbox.port, WELLFLOW_PUSH_PRIVATE_KEY=KEY)


@pytest.fixture
def gauge(database: Database, cast: Cast, told: HubSettings, browser: Browser) -> Gauge:
    made = watched(database, cast.bluebonnet)
    only(made, "none")
    channel = add_channel(made, "push", "Firefox on Linux #abc123")
    sealed = seal.seal(
        told.secret_key,
        json.dumps(browser.subscription).encode(),
        "contact_channels",
        channel.id,
    )
    with database.admin() as admin:
        admin.execute("UPDATE contact_channels SET secret = %s WHERE id = %s", [sealed, channel.id])
    return made


def test_a_browser_shows_the_alert_that_only_it_can_read(
    gauge: Gauge, told: HubSettings, browser: Browser
) -> None:
    gauge.run((1, 95))
    deliver(gauge, told, 2)
    shown = browser.shown()
    assert shown["title"] == "Warning: Bluebonnet 1H: Tubing pressure low: 95 psi, limit 100 psi"
    assert shown["url"].startswith("https://hub.example/m/")
    headers = browser.service.got[0].headers
    assert (headers["Content-Encoding"], headers["Urgency"]) == ("aes128gcm", "high")
    assert b"Bluebonnet" not in browser.service.got[0].payload
    assert Vapid02.verify(headers["Authorization"])
    assert f"k={push.public_key(told)}" in headers["Authorization"]
    assert messages_by_kind(gauge) == {"push": ["sent"]}


@pytest.mark.parametrize("status", [404, 410])
def test_a_browser_that_unsubscribed_is_taken_away(
    gauge: Gauge, told: HubSettings, browser: Browser, mailbox: Mailbox, status: int
) -> None:
    browser.service.answer = lambda _hook: Answer(status)
    gauge.run((1, 95))
    only(gauge, "push", "email")
    deliver(gauge, told, 2)
    deliver(gauge, told, 3)
    with gauge.database.admin() as admin:
        row = admin.execute(
            "SELECT enabled, removed_at IS NOT NULL, secret FROM contact_channels"
            " WHERE kind = 'push'"
        ).fetchone()
    assert row == (False, True, None)
    assert len(mailbox.wait_for(2)) == 2, "the page by mail instead, and a word about it"


def test_a_push_service_that_sends_elsewhere_is_not_followed(
    gauge: Gauge, told: HubSettings, browser: Browser
) -> None:
    inner = Receiver()
    browser.service.answer = lambda _hook: Answer(302, {"Location": inner.url})
    gauge.run((1, 95))
    deliver(gauge, told, 2)
    inner.stop()
    assert inner.got == []
    ((_, outcome, detail),) = attempts(gauge)
    assert outcome == "permanent"
    assert detail is not None
    assert "a redirect" in detail


@pytest.mark.parametrize(
    "text",
    [
        *("", "nothing", "[]", "{}", '{"endpoint": "https://p.example/x"}'),
        '{"endpoint": "http://127.0.0.1/x", "keys": {"p256dh": "AAAA", "auth": "AAAA"}}',
        '{"endpoint": 5, "keys": {"p256dh": 5, "auth": null}}',
    ],
)
def test_what_is_no_subscription_is_refused(text: str) -> None:
    with pytest.raises(TransportError):
        push.read_subscription(text, allow_private=False)


# --------------------------------------------------------------------------------- other services


@pytest.mark.parametrize(
    "address",
    [
        *("json://127.0.0.1/", "xml://10.0.0.1", "form://localhost/x", "apprise://host/token"),
        *("mailto://user:pass@example.com", "syslog://", "file:///etc/passwd", "ntfy://10.0.0.1/t"),
        *("gotify://host/token", "matrix://host/", "slack", "http://example.com", ""),
    ],
)
def test_a_service_with_a_host_of_ones_choice_is_refused(database: Database, address: str) -> None:
    with pytest.raises(TransportError) as refused:
        services.opened(address, settings(database))
    assert refused.value.permanent


def test_no_setting_opens_what_reaches_any_host(database: Database) -> None:
    told = settings(database, WELLFLOW_SERVICE_SCHEMAS="json gotify mailto")
    assert services.opened("gotify://gotify.example/AbCdEfGhIjKlMno", told) is not None
    for address in ("json://127.0.0.1/", "mailto://a:b@example.com"):
        with pytest.raises(TransportError):
            services.opened(address, told)


def test_a_services_secrets_are_masked_and_redirects_never_followed(database: Database) -> None:
    address = "pover://user1234567890123456789012@token123456789012345678901234?redirect=yes"
    told = settings(database)
    shown = services.shown(address, told)
    assert "token123456789012345678901234" not in shown
    assert "user1234567890123456789012" not in shown
    assert services.shown(address + "&x=1", told) != shown, "told apart all the same"
    assert services.opened(address, told).redirects is False


def test_a_name_that_answers_differently_the_second_time_gains_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The name is looked up once; the connection goes to the address that was judged."""
    asked: list[str] = []

    def look_up(host: str, port: int, **_more: Any) -> list[Any]:
        asked.append(host)
        address = "203.0.113.7" if len(asked) == 1 else "127.0.0.1"
        return [(2, 1, 6, "", (address, port))]

    def connect(where: tuple[str, int], *_given: Any, **_more: Any) -> Any:
        raise ConnectionRefusedError(f"connected to {where[0]}")

    monkeypatch.setattr(pinned.socket, "getaddrinfo", look_up)
    monkeypatch.setattr(pinned.socket, "create_connection", connect)
    monkeypatch.setattr(pinned, "is_public", lambda address: address == "203.0.113.7")
    url = pinned.check_url("https://rebind.example/hook", allow_private=False)
    with pytest.raises(TransportError, match=r"connected to 203\.0\.113\.7"):
        pinned.post(url, b"{}", {}, allow_private=False)
    assert asked == ["rebind.example"]
