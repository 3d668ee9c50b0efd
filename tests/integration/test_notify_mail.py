"""Delivery by mail: what is written, what is tried again, what is given up."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from hub.schema import ContactChannel
from hub.settings import HubSettings
from tests.alerting import Gauge, settings
from tests.cast import Cast
from tests.notifying import START, attempts, channel, deliver, link_in, watched
from tests.servers.certificates import Authority
from tests.servers.mail import Mailbox
from tests.servers.postgres import Database
from tests.tlsport import TlsPort


@pytest.fixture
def gauge(database: Database, cast: Cast) -> Gauge:
    """Tubing pressure of Bluebonnet 1H, low below 100 psi; Bob is told by mail."""
    return watched(database, cast.bluebonnet)


@pytest.fixture
def told(database: Database, mailbox: Mailbox) -> HubSettings:
    return settings(database, mail_port=mailbox.port)


def test_a_manager_gets_mail_he_can_use_at_night(
    gauge: Gauge, told: HubSettings, mailbox: Mailbox
) -> None:
    gauge.run((1, 95))
    assert deliver(gauge, told, 2) == 1
    (letter,) = mailbox.wait_for(1)
    assert letter.message["To"] == "bob@example.com"
    assert letter.message["Subject"] == (
        "Warning: Bluebonnet 1H: Tubing pressure low: 95 psi, limit 100 psi"
    )
    assert letter.message["Auto-Submitted"] == "auto-generated"
    alert = gauge.alert()
    assert letter.text.replace("\r\n", "\n") == (
        "Tubing pressure low at Bluebonnet 1H.\n\n"
        "Value      95 psi\n"
        "Limit      100 psi (low)\n"
        "Since      07:00:01 CDT, Sat 1 Jun 2024\n"
        "Priority   2, warning\n"
        "Well       Bluebonnet 1H\n"
        "Gauge      plc.tubing_pressure\n\n"
        "What to do\nCheck the choke. Act within 30 min.\n\n"
        "Usual cause\nA closed valve.\n\n"
        f"Acknowledge without signing in:\n{link_in(letter.text)}\n\n"
        f"See the trend:\nhttps://hub.example/alerts/{alert.id}\n\n"
        "-- \nBluebonnet Energy, WellFlow\n"
    )
    page = letter.message.get_body(("html",))
    assert page is not None
    assert f'<a href="https://hub.example/alerts/{alert.id}">' in page.get_content()
    assert gauge.told() == [("raised", "sent")]
    assert attempts(gauge) == [(1, "sent", "taken by the mail server")]


def test_messages_about_one_alert_make_one_thread(
    gauge: Gauge, told: HubSettings, mailbox: Mailbox
) -> None:
    gauge.run((1, 95))
    deliver(gauge, told, 2)
    gauge.run((3, 150))
    deliver(gauge, told, 4)
    first, second = (letter.message for letter in mailbox.wait_for(2))
    assert first["References"] == second["References"] == first["In-Reply-To"]
    assert first["Message-ID"] != second["Message-ID"]
    assert second["Subject"] == "Cleared: Bluebonnet 1H: Tubing pressure is back to normal"


def test_a_busy_mail_server_is_tried_again_with_the_same_message_id(
    gauge: Gauge, told: HubSettings, mailbox: Mailbox
) -> None:
    gauge.run((1, 95))
    mailbox.refusal = (451, "greylisted, come back later")
    deliver(gauge, told, 2)
    assert deliver(gauge, told, 3) == 0, "it comes back after a while, not at once"
    mailbox.refusal = None
    deliver(gauge, told, 2 + 6.1)
    (letter,) = mailbox.wait_for(1)
    key = gauge.notifications()[0].idempotency_key
    assert letter.message["Message-ID"] == f"<{key}@hub.example>"
    assert attempts(gauge) == [
        (1, "transient", "mail server refuses the message: 451 greylisted, come back later"),
        (2, "sent", "taken by the mail server"),
    ]


def test_an_address_that_does_not_exist_marks_the_channel_broken(
    gauge: Gauge, told: HubSettings, mailbox: Mailbox
) -> None:
    gauge.run((1, 95))
    mailbox.refusal = (550, "no such user")
    deliver(gauge, told, 2)
    broken = channel(gauge)
    assert (broken.broken_at, broken.fault) == (
        gauge.at(2),
        "mail server refuses the message: 550 no such user",
    )
    assert gauge.told() == [("raised", "failed")]
    assert gauge.events() == ["raised", "undelivered"]


def test_a_channel_marked_broken_is_used_when_there_is_no_other(
    gauge: Gauge, told: HubSettings, mailbox: Mailbox
) -> None:
    with Session(gauge.database.engine("owner")) as session, session.begin():
        session.execute(update(ContactChannel).values(broken_at=START, fault="no such user"))
    gauge.run((1, 95))
    deliver(gauge, told, 2)
    mailbox.wait_for(1)
    assert channel(gauge).broken_at is None, "it works: nobody needs to mend it"


def test_a_mail_server_that_is_away_harms_no_channel(gauge: Gauge, database: Database) -> None:
    gauge.run((1, 95))
    deliver(gauge, settings(database, mail_port=1), 2)
    assert channel(gauge).broken_at is None
    assert gauge.told() == [("raised", "queued")]
    ((_, outcome, detail),) = attempts(gauge)
    assert (outcome, detail) == (
        "transient",
        "mail server 127.0.0.1:1: [Errno 111] Connection refused",
    )


def test_a_message_that_nobody_takes_for_a_day_is_given_up(
    gauge: Gauge, database: Database
) -> None:
    gauge.run((1, 95))
    away = settings(database, mail_port=1)
    for hour in range(24):
        deliver(gauge, away, 2 + hour * 3600)
    assert gauge.told() == [("raised", "queued")]
    deliver(gauge, away, 86_405)
    assert gauge.told() == [("raised", "dead")]
    assert gauge.events() == ["raised", "undelivered"]


@pytest.mark.parametrize("trusted", [True, False])
def test_mail_goes_only_to_a_server_whose_certificate_we_trust(
    gauge: Gauge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, trusted: bool
) -> None:
    said: list[bytes] = []

    def talk(secure: socket.socket) -> None:
        lines = secure.makefile("rwb", buffering=0)
        lines.write(b"220 secure\r\n")
        while line := lines.readline():
            said.append(line)
            answer = {b"DATA": b"354 go on\r\n", b"QUIT": b"221 bye\r\n"}
            in_letter = b"DATA\r\n" in [part.upper() for part in said] and line != b".\r\n"
            if line.strip().upper() == b"DATA" or not in_letter or line.startswith(b"QUIT"):
                lines.write(answer.get(line.strip().upper(), b"250 ok\r\n"))

    port = TlsPort(tmp_path, talk, Authority.new())
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(port.ca_file))
    secure = settings(
        gauge.database,
        mail_port=port.port,
        WELLFLOW_MAIL_HOST="localhost",
        WELLFLOW_MAIL_SECURITY="tls",
    )
    gauge.run((1, 95))
    deliver(gauge, secure, 2)
    port.stop()
    ((_, outcome, detail),) = attempts(gauge)
    assert outcome == ("sent" if trusted else "transient")
    assert trusted or "CERTIFICATE_VERIFY_FAILED" in (detail or "")
    assert any(b"Subject:" in line for line in said) is trusted
