"""Delivery by webhook: signed, tried again, and never into our own network."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import http.client
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.notify import pinned
from hub.notify.channels import Parcel, TransportError, webhook
from hub.schema.base import uuid7
from hub.settings import HubSettings
from tests.alerting import Gauge, settings
from tests.cast import Cast
from tests.notifying import add_webhook, attempts, channel, deliver, watched
from tests.servers.certificates import Authority
from tests.servers.mail import Mailbox
from tests.servers.postgres import Database
from tests.tlsport import TlsPort
from tests.webhooks import Answer, Hook, Receiver


@pytest.fixture
def gauge(database: Database, cast: Cast) -> Gauge:
    """Tubing pressure of Bluebonnet 1H, low below 100 psi; Bob is told by mail."""
    return watched(database, cast.bluebonnet)


@pytest.fixture
def told(database: Database, mailbox: Mailbox) -> HubSettings:
    return settings(database, mail_port=mailbox.port)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.stop()


def test_a_webhook_is_signed(gauge: Gauge, told: HubSettings, receiver: Receiver) -> None:
    key = add_webhook(gauge, told, receiver.url)
    gauge.run((1, 95))
    deliver(gauge, told, 2)
    (hook,) = receiver.got
    stamp, _, signed = hook.headers["WellFlow-Signature"].partition(",v1=")
    seconds = stamp.removeprefix("t=")
    expected = hmac.new(key, f"{seconds}.".encode() + hook.payload, hashlib.sha256).hexdigest()
    assert signed == expected
    assert hook.headers["Idempotency-Key"] == gauge.notifications()[0].idempotency_key
    alert = gauge.alert()
    assert hook.body | {"since": None, "subject": None} == {
        "kind": "raised",
        "said": False,
        "alert_id": str(alert.id),
        "organization": "Bluebonnet Energy",
        "priority": 2,
        "severity": "Warning",
        "level": "lo",
        "place": "Bluebonnet 1H",
        "tag": "plc.tubing_pressure",
        "quantity": "Tubing pressure",
        "rule": "Tubing pressure low",
        "sentence": "Tubing pressure low: 95 psi, limit 100 psi",
        "value": 95.0,
        "setpoint": 100.0,
        "extreme": 95.0,
        "unit": "psi",
        "raised_at": "2024-06-01T12:00:01.000Z",
        "cleared_at": None,
        "since": None,
        "until": "",
        "cause": "A closed valve.",
        "consequence": "",
        "action": "Check the choke.",
        "respond_within_s": 1800,
        "link": f"https://hub.example/alerts/{alert.id}",
        "subject": None,
    }


def test_both_channels_are_told(
    gauge: Gauge, told: HubSettings, receiver: Receiver, mailbox: Mailbox
) -> None:
    add_webhook(gauge, told, receiver.url, only=False)
    gauge.run((1, 95))
    assert deliver(gauge, told, 2) == 2
    mailbox.wait_for(1)
    assert len(receiver.got) == 1


def test_a_webhook_that_fails_is_tried_again_with_the_same_key(
    gauge: Gauge, told: HubSettings, receiver: Receiver
) -> None:
    add_webhook(gauge, told, receiver.url)
    gauge.run((1, 95))
    receiver.answer = lambda _hook: Answer(500)
    deliver(gauge, told, 2)
    receiver.answer = lambda _hook: Answer(200, body=b"thank you")
    deliver(gauge, told, 10)
    keys = {hook.headers["Idempotency-Key"] for hook in receiver.got}
    assert (len(receiver.got), len(keys)) == (2, 1)
    assert [outcome for _, outcome, _ in attempts(gauge)] == ["transient", "sent"]
    assert attempts(gauge)[1][2] == "200 thank you"


def test_a_receiver_says_when_to_come_back(
    gauge: Gauge, told: HubSettings, receiver: Receiver
) -> None:
    add_webhook(gauge, told, receiver.url)
    gauge.run((1, 95))
    receiver.answer = lambda _hook: Answer(429, {"Retry-After": "120"})
    deliver(gauge, told, 2)
    (row,) = gauge.notifications()
    assert row.not_before == gauge.at(122)


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (Answer(404), "answers 404 Not Found"),
        (Answer(401), "answers 401 Unauthorized"),
        (
            Answer(302, {"Location": "http://127.0.0.1:1/inside"}),
            "answers 302 Found, a redirect; enter the final address",
        ),
    ],
    ids=["gone", "unauthorized", "redirect"],
)
def test_what_trying_again_cannot_help_marks_the_webhook_broken(
    gauge: Gauge, told: HubSettings, receiver: Receiver, answer: Answer, fault: str
) -> None:
    add_webhook(gauge, told, receiver.url)
    gauge.run((1, 95))
    receiver.answer = lambda _hook: answer
    deliver(gauge, told, 2)
    assert (channel(gauge, "webhook").fault or "").endswith(fault)
    assert len(receiver.got) == 1
    assert gauge.told() == [("raised", "failed")]


def test_a_receiver_that_never_stops_talking_is_cut_short(
    gauge: Gauge, told: HubSettings, receiver: Receiver
) -> None:
    add_webhook(gauge, told, receiver.url)
    gauge.run((1, 95))
    receiver.answer = lambda _hook: Answer(200, body=b"word " * 1_000_000)
    deliver(gauge, told, 2)
    ((_, outcome, detail),) = attempts(gauge)
    assert outcome == "sent"
    assert len(detail or "") <= 310


@pytest.mark.parametrize("status", [200, 503])
def test_what_no_database_can_hold_is_recorded_without_it(
    gauge: Gauge, told: HubSettings, receiver: Receiver, status: int
) -> None:
    """Else the message counts as not sent, and is sent again for ever."""
    add_webhook(gauge, told, receiver.url)
    gauge.run((1, 95))
    receiver.answer = lambda _hook: Answer(status, {"Retry-After": "²"}, b"fi\0ne \xff")
    deliver(gauge, told, 2)
    ((_, outcome, detail),) = attempts(gauge)
    assert outcome == ("sent" if status == 200 else "transient")
    assert "\0" not in (detail or "")
    assert status != 200 or detail == "200 fine \ufffd"


def test_an_address_inside_our_own_network_is_refused(
    gauge: Gauge, database: Database, receiver: Receiver
) -> None:
    strict = settings(database, WELLFLOW_WEBHOOK_ALLOW_PRIVATE="false")
    add_webhook(gauge, strict, receiver.url.replace("http://", "https://"))
    gauge.run((1, 95))
    deliver(gauge, strict, 2)
    assert receiver.got == []
    assert "an address of a private network" in (channel(gauge, "webhook").fault or "")


def parcel_to(url: str, told: HubSettings) -> Parcel:
    row = uuid7()
    secret = webhook.seal_key(told, row, b"key")
    return Parcel(row, url, secret, row, "raised", "idempotency-1", "subject", {}, "https://link")


def answer_http(secure: socket.socket) -> None:
    with secure.makefile("rb") as heard:  # to its end: closing on what is unread loses the answer
        heard.readline()
        heard.read(int(http.client.parse_headers(heard)["Content-Length"]))
    secure.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfine!")


def test_a_receiver_with_a_certificate_we_trust_is_posted_to(
    told: HubSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = TlsPort(tmp_path, answer_http, Authority.new())
    monkeypatch.setenv("SSL_CERT_FILE", str(port.ca_file))
    taken = webhook.send(parcel_to(f"https://localhost:{port.port}/x", told), told)
    port.stop()
    assert taken.detail == "200 fine!"


def test_a_receiver_with_another_certificate_is_sent_nothing(
    told: HubSettings, tmp_path: Path
) -> None:
    port = TlsPort(tmp_path, answer_http, Authority.new())
    with pytest.raises(TransportError, match=r"localhost:\d+: certificate: ") as caught:
        webhook.send(parcel_to(f"https://localhost:{port.port}/x", told), told)
    assert port.refused.wait(10)
    port.stop()
    assert not caught.value.permanent


def test_a_receiver_that_drips_is_cut_off(
    told: HubSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = threading.Event()

    def drip(secure: socket.socket) -> None:
        secure.recv(65536)
        while not stop.wait(0.05):
            secure.sendall(b"H")

    port = TlsPort(tmp_path, drip, Authority.new())
    monkeypatch.setenv("SSL_CERT_FILE", str(port.ca_file))
    monkeypatch.setattr(pinned, "LONGEST_CALL_S", 0.5)
    with pytest.raises(TransportError) as caught:
        webhook.send(parcel_to(f"https://localhost:{port.port}/x", told), told)
    stop.set()
    port.stop()
    assert not caught.value.permanent


def test_a_receiver_that_drips_before_it_is_known_is_cut_off(
    told: HubSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The handshake counts, too: its beginning, and then a byte now and again."""
    stop, listening = threading.Event(), socket.create_server(("127.0.0.1", 0))

    def drip() -> None:
        line, _ = listening.accept()
        with line, contextlib.suppress(OSError):
            line.sendall(b"\x16\x03\x03\x40\x00")
            while not stop.wait(0.05):
                line.sendall(b"\x02")

    thread = threading.Thread(target=drip)
    thread.start()
    monkeypatch.setattr(pinned, "LONGEST_CALL_S", 0.3)
    monkeypatch.setattr(pinned, "TIMEOUT_S", 5.0)
    began = time.monotonic()
    url = f"https://localhost:{listening.getsockname()[1]}/x"
    with pytest.raises(TransportError) as caught:
        webhook.send(parcel_to(url, told), told)
    took = time.monotonic() - began
    stop.set()
    thread.join()
    listening.close()
    assert took < 4
    assert not caught.value.permanent


def test_what_a_worker_that_lost_its_lease_hears_late_breaks_no_channel(
    gauge: Gauge, told: HubSettings, receiver: Receiver
) -> None:
    """The first call hangs past its lease; another worker delivers; then the first hears "gone"."""
    add_webhook(gauge, told, receiver.url)

    def answer(_hook: Hook) -> Answer:
        if len(receiver.got) == 1:
            deliver(gauge, told, 70)
            return Answer(410)
        return Answer(204)

    receiver.answer = answer
    gauge.run((1, 95))
    deliver(gauge, told, 2)
    assert len(receiver.got) == 2
    assert len({hook.headers["Idempotency-Key"] for hook in receiver.got}) == 1
    assert gauge.told() == [("raised", "sent")]
    assert channel(gauge, "webhook").broken_at is None
    assert [outcome for _, outcome, _ in attempts(gauge)] == ["permanent", "sent"]
