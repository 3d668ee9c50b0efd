"""SMS and calls: what they say, a second carrier, receipts that do not come, the next channel."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import text

from hub.console import create_app
from hub.notify import pinned, texts
from hub.settings import HubSettings
from tests.alerting import Gauge, settings
from tests.carrier import Carrier, call_in, refusing
from tests.cast import Cast
from tests.notifying import (
    add_channel,
    attempts,
    channel,
    deliver,
    link_in,
    messages_by_kind,
    only,
    take_on,
    watched,
)
from tests.servers.mail import Mailbox
from tests.servers.postgres import Database
from tests.webhooks import Answer

NUMBER = "+14325550100"


@pytest.fixture
def gauge(database: Database, cast: Cast) -> Gauge:
    return watched(database, cast.bluebonnet)


@pytest.fixture
def carrier() -> Iterator[Carrier]:
    made = Carrier()
    yield made
    made.stop()


@pytest.fixture
def second() -> Iterator[Carrier]:
    made = Carrier()
    yield made
    made.stop()


@pytest.fixture
def told(database: Database, carrier: Carrier, second: Carrier, mailbox: Mailbox) -> HubSettings:
    return settings(
        database,
        mail_port=mailbox.port,
        **(carrier.environ() | second.environ("SECOND_CARRIER")),
    )


def test_an_sms_is_short_and_plain_and_says_how_to_answer(
    gauge: Gauge, told: HubSettings, carrier: Carrier
) -> None:
    only(gauge, "none")
    add_channel(gauge, "sms", NUMBER)
    gauge.run((1, 95))
    deliver(gauge, told, 2)
    (order,) = carrier.orders
    assert (order["To"], order["From"]) == (NUMBER, "+15550000001")
    assert order["Body"].startswith(
        "WellFlow P2: Bluebonnet 1H: Tubing pressure low: 95 psi, limit 100 psi,"
        " since 07:00:01 CDT."
    )
    assert " Reply A " in order["Body"]
    assert link_in(order["Body"]).startswith("https://hub.example/m/")
    assert texts.septets(order["Body"]) <= 2 * texts.SMS_LENGTH
    assert order["Body"] == texts.gsm(order["Body"])
    assert order["StatusCallback"].startswith("https://hub.example/in/carrier/0/receipt/")
    assert messages_by_kind(gauge) == {"sms": ["sent"]}


@pytest.mark.parametrize(
    "lie",
    [
        pytest.param(refusing(500), id="breaks down"),
        pytest.param(refusing(401, 20003), id="does not know us"),
        pytest.param(Answer(200, body=b"<html>Welcome to the hotel</html>"), id="garbage"),
        pytest.param(Answer(201, body=b"{}"), id="says nothing"),
        pytest.param(Answer(302, {"Location": "http://127.0.0.1:1/"}), id="sends elsewhere"),
    ],
)
def test_the_second_carrier_is_asked_at_once(
    gauge: Gauge, told: HubSettings, carrier: Carrier, second: Carrier, lie: Answer
) -> None:
    carrier.says = lambda _fields: lie
    only(gauge, "none")
    add_channel(gauge, "sms", NUMBER)
    gauge.run((1, 95))
    deliver(gauge, told, 2)
    assert (len(carrier.orders), len(second.orders)) == (1, 1)
    assert carrier.orders[0]["key"] == second.orders[0]["key"], "one message, recognizably"
    assert carrier.texts == second.texts
    assert [outcome for _, outcome, _ in attempts(gauge)] == ["transient", "sent"]


def test_a_carrier_that_hangs_is_left_alone_for_a_while(
    gauge: Gauge,
    told: HubSettings,
    carrier: Carrier,
    second: Carrier,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pinned, "TIMEOUT_S", 0.2)
    silence = threading.Event()
    carrier.says = lambda _fields: silence.wait(20) and None
    only(gauge, "none")
    for number in range(5):
        add_channel(gauge, "sms", f"+1432555010{number}")
    gauge.run((1, 95))
    deliver(gauge, told, 2)
    silence.set()
    assert len(second.orders) == 5
    assert len(carrier.orders) == 3, "after three failures it is not asked any more"
    gauge.run((3, 150))
    take_on(gauge, 4)
    gauge.run((40, 95))
    deliver(gauge, told, 41)
    assert len(carrier.orders) >= 4, "half a minute later one message tries again"
    assert messages_by_kind(gauge)["sms"] == 15 * ["sent"], "it began, was over, began again"


def test_a_wrong_number_is_broken_and_the_next_channel_rings_at_once(
    gauge: Gauge, told: HubSettings, carrier: Carrier, second: Carrier, mailbox: Mailbox
) -> None:
    carrier.says = lambda fields: refusing(400, 21614) if "Body" in fields else None
    only(gauge, "none")
    add_channel(gauge, "sms", NUMBER)
    gauge.run((1, 95))
    add_channel(gauge, "voice", NUMBER)
    only(gauge, "sms", "voice", "email")
    deliver(gauge, told, 2)
    broken = channel(gauge, "sms")
    assert broken.fault == f"{NUMBER} is not a mobile number (carrier: 21614)"
    assert second.orders == [], "no other carrier can do better"
    assert messages_by_kind(gauge)["voice"] == ["sent"]
    (letter,) = mailbox.wait_for(1)
    assert letter.message["Subject"] == f"Messages to {NUMBER} cannot be delivered"
    assert "undelivered" in gauge.events()


def test_an_sms_without_a_receipt_counts_as_failed_and_the_mail_goes_out(
    gauge: Gauge, told: HubSettings, mailbox: Mailbox
) -> None:
    only(gauge, "none")
    add_channel(gauge, "sms", NUMBER)
    gauge.run((1, 95))
    deliver(gauge, told, 2)
    only(gauge, "sms", "email")
    deliver(gauge, told, 60)
    assert messages_by_kind(gauge) == {"sms": ["sent"]}
    deliver(gauge, told, 93)
    deliver(gauge, told, 93)
    assert messages_by_kind(gauge) == {"sms": ["failed"], "email": ["sent"]}
    assert len(mailbox.wait_for(1)) == 1


def test_nobody_is_rung_for_a_missing_receipt_once_it_is_acknowledged(
    gauge: Gauge, told: HubSettings, mailbox: Mailbox
) -> None:
    only(gauge, "none")
    add_channel(gauge, "sms", NUMBER)
    gauge.run((1, 95))
    deliver(gauge, told, 2)
    only(gauge, "sms", "email")
    take_on(gauge, 10)
    deliver(gauge, told, 200)
    assert messages_by_kind(gauge) == {"sms": ["failed"]}
    assert mailbox.letters() == []


def test_a_receipt_ends_the_wait_and_one_that_tells_of_failure_too(
    gauge: Gauge, told: HubSettings, carrier: Carrier
) -> None:
    app = create_app(told, gauge.database.engine("app"))
    only(gauge, "none")
    add_channel(gauge, "sms", NUMBER)
    add_channel(gauge, "sms", "+14325550199")
    gauge.run((1, 95))
    deliver(gauge, told, 2)
    good, bad = carrier.orders
    answer = call_in(
        app, good["StatusCallback"], {"MessageSid": "SM1", "MessageStatus": "delivered"}
    )
    assert answer.status_code == 204
    call_in(
        app,
        bad["StatusCallback"],
        {"MessageSid": "SM2", "MessageStatus": "undelivered", "ErrorCode": "30006"},
    )
    assert messages_by_kind(gauge)["sms"] == ["delivered", "sent"]
    with gauge.database.engine("owner").begin() as connection:
        connection.execute(
            text("UPDATE notifications SET receipt_due_at = :at"), {"at": gauge.at(3)}
        )
    deliver(gauge, told, 200)
    assert sorted(messages_by_kind(gauge)["sms"])[:2] == ["delivered", "failed"]
    with gauge.database.engine("owner").connect() as connection:
        faults = connection.execute(
            text("SELECT address, fault FROM contact_channels WHERE broken_at IS NOT NULL")
        ).all()
    assert [tuple(row) for row in faults] == [
        (bad["To"], f"{bad['To']} is a landline, or cannot be reached")
    ]


def test_a_receipt_somebody_made_up_is_refused(
    gauge: Gauge, told: HubSettings, carrier: Carrier
) -> None:
    app = create_app(told, gauge.database.engine("app"))
    only(gauge, "none")
    add_channel(gauge, "sms", NUMBER)
    gauge.run((1, 95))
    deliver(gauge, told, 2)
    said = {"MessageSid": "SM1", "MessageStatus": "delivered"}
    url = carrier.orders[0]["StatusCallback"]
    assert call_in(app, url, said, token="another").status_code == 403
    other = {"MessageSid": "SM999", "MessageStatus": "delivered"}
    assert call_in(app, url, other).status_code == 204
    assert messages_by_kind(gauge) == {"sms": ["sent"]}, "the id is another message's"


def test_a_call_reads_the_alarm_out_and_a_key_takes_it_on(
    gauge: Gauge, told: HubSettings, carrier: Carrier
) -> None:
    app = create_app(told, gauge.database.engine("app"))
    only(gauge, "none")
    add_channel(gauge, "voice", NUMBER)
    gauge.run((1, 95))
    deliver(gauge, told, 2)
    (order,) = carrier.orders
    assert order["path"].endswith("/Calls.json")
    heard = call_in(app, order["Url"], {"CallSid": "CA1"}).get_data(as_text=True)
    assert "Warning alarm. Tubing pressure low at Bluebonnet 1H." in heard
    assert "Press 1" in heard
    wrong = call_in(app, f"{order['Url']}/key", {"CallSid": "CA1", "Digits": "5"})
    assert "Nothing was changed" in wrong.get_data(as_text=True)
    assert gauge.alert().ack == "unacked"
    right = call_in(app, f"{order['Url']}/key", {"CallSid": "CA1", "Digits": "1", "To": NUMBER})
    assert "Acknowledged" in right.get_data(as_text=True)
    alert = gauge.alert()
    assert (alert.ack, alert.acked_by, alert.ack_via) == ("acked", gauge.operator.manager, "voice")
    assert messages_by_kind(gauge) == {"voice": ["delivered"]}


def test_a_page_of_priority_three_that_comes_too_late_is_left_to_the_digest(
    gauge: Gauge, told: HubSettings, carrier: Carrier, second: Carrier
) -> None:
    carrier.says = second.says = lambda _fields: refusing(500)
    with gauge.database.engine("owner").begin() as connection:
        quiet = '{"levels": {"lo": {"setpoint": 100, "priority": 3}}}'
        connection.execute(text("UPDATE alert_rules SET params = :p"), {"p": quiet})
    only(gauge, "none")
    add_channel(gauge, "sms", NUMBER)
    gauge.run((1, 95))
    deliver(gauge, told, 2)
    deliver(gauge, told, timedelta(hours=2).total_seconds() + 2)
    assert messages_by_kind(gauge) == {"sms": ["expired"]}
    assert "undelivered" not in gauge.events()
