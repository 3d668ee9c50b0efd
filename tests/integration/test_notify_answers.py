"""Taking an alert on from its message: once, in time, by whoever was told, and no other way."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from hub.alerts import answers
from hub.console import create_app
from hub.notify import links
from hub.schema import MessageReply
from hub.settings import HubSettings
from tests.alerting import Gauge, settings, watch
from tests.carrier import Carrier, call_in
from tests.cast import Cast
from tests.console import Visitor, read
from tests.notifying import (
    START,
    add_channel,
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

HOME = "https://hub.example"
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
def told(database: Database, carrier: Carrier, mailbox: Mailbox) -> HubSettings:
    return settings(database, mail_port=mailbox.port, **carrier.environ())


@pytest.fixture
def app(gauge: Gauge, told: HubSettings) -> Flask:
    return create_app(told, gauge.database.engine("app"))


def path_of(link: str) -> str:
    return link.removeprefix(HOME)


def replies(gauge: Gauge) -> list[tuple[str, str, str]]:
    """Way, outcome and sentence of every reply, oldest first."""
    listed = select(MessageReply).order_by(MessageReply.at, MessageReply.id)
    with Session(gauge.database.engine("owner")) as session:
        return [(row.via, row.outcome, row.sentence) for row in session.scalars(listed)]


def mailed(gauge: Gauge, told: HubSettings, mailbox: Mailbox) -> str:
    """The path of the link in the mail that Bob got."""
    gauge.run((1, 95))
    deliver(gauge, told, 2)
    return path_of(link_in(mailbox.wait_for(1)[0].text))


# ----------------------------------------------------------------------------------------- links


def test_opening_the_link_changes_nothing_and_the_button_takes_the_alert_on(
    gauge: Gauge, told: HubSettings, mailbox: Mailbox, app: Flask
) -> None:
    path = mailed(gauge, told, mailbox)
    stranger = Visitor(app, HOME)
    for _ in range(2):
        page = stranger.get(path)
        assert page.status_code == 200
        assert "Tubing pressure low at Bluebonnet 1H." in read(page)
    assert gauge.alert().ack == "unacked", "programs that look at mail open every link"
    assert gauge.events().count("opened") == 1, "kept once, beside who saw it in the console"
    assert gauge.alert().seen_at is None, "an opened link is no proof that a person saw it"
    done = stranger.post(path, {"choice": "coming", "eta": "30", "note": "from Midland"})
    assert "Acknowledged: On my way, there in 30 min: from Midland. It is yours now." in read(done)
    alert = gauge.alert()
    assert (alert.ack, alert.acked_by, alert.ack_via) == ("acked", gauge.operator.manager, "link")
    assert alert.ack_note == "On my way, there in 30 min: from Midland"
    assert alert.eta is not None
    assert timedelta(minutes=29) < alert.eta - datetime.now(UTC) < timedelta(minutes=31)
    assert channel(gauge).proven_at is not None, "an answer proves the way"
    assert messages_by_kind(gauge) == {"email": ["delivered"]}
    with gauge.database.engine("owner").connect() as connection:
        trail = connection.execute(
            text(
                "SELECT user_id, door FROM audit_log WHERE table_name = 'alerts' AND after ? 'ack'"
            )
        ).all()
    assert [tuple(row) for row in trail] == [(gauge.operator.manager, "link")]


def test_a_link_works_once(gauge: Gauge, told: HubSettings, mailbox: Mailbox, app: Flask) -> None:
    path = mailed(gauge, told, mailbox)
    stranger = Visitor(app, HOME)
    assert stranger.post(path).status_code == 200
    again = stranger.post(path)
    assert (again.status_code, answers.USED in read(again)) == (409, True)
    assert "What will you do?" not in read(stranger.get(path))
    assert [outcome for _, outcome, _ in replies(gauge)] == ["taken", "refused"]


@pytest.mark.parametrize("token", ["nothing", "A" * 22, "../../etc/passwd", "%00", "x" * 4000])
def test_a_link_nobody_sent_is_refused(app: Flask, gauge: Gauge, token: str) -> None:
    gauge.run((1, 95))
    stranger = Visitor(app, HOME)
    for answer in (stranger.get(f"/m/{token}"), stranger.post(f"/m/{token}")):
        assert answer.status_code in {404, 409}
    assert gauge.alert().ack == "unacked"


def test_a_link_forged_with_another_key_is_refused(
    gauge: Gauge, told: HubSettings, mailbox: Mailbox, app: Flask
) -> None:
    mailed(gauge, told, mailbox)
    forged = links.token_of(b"another key of this length here!", gauge.notifications()[0].id)
    answer = Visitor(app, HOME).post(f"/m/{forged}")
    assert answers.FORGED in read(answer)
    assert gauge.alert().ack == "unacked"


def test_a_link_ends_after_a_day_and_with_the_persons_work(
    gauge: Gauge, told: HubSettings, mailbox: Mailbox, app: Flask
) -> None:
    path = mailed(gauge, told, mailbox)
    owner, stranger = gauge.database.engine("owner"), Visitor(app, HOME)
    with owner.begin() as connection:
        connection.execute(text("UPDATE memberships SET role = 'viewer' WHERE role = 'manager'"))
    assert answers.LEFT in read(stranger.post(path))
    with owner.begin() as connection:
        connection.execute(text("UPDATE memberships SET role = 'manager' WHERE role = 'viewer'"))
        connection.execute(text("UPDATE message_links SET expires_at = now() - interval '1 s'"))
    assert answers.EXPIRED in read(stranger.post(path))
    assert gauge.alert().ack == "unacked"
    assert [outcome for _, outcome, _ in replies(gauge)] == ["refused", "refused"]


def test_who_comes_second_hears_who_was_first(
    gauge: Gauge, told: HubSettings, mailbox: Mailbox, app: Flask
) -> None:
    path = mailed(gauge, told, mailbox)
    take_on(gauge, 3)
    answer = Visitor(app, HOME).post(path)
    assert "Bob" in read(answer)
    assert "took it up before you" in read(answer)


def test_another_site_cannot_press_the_button(
    gauge: Gauge, told: HubSettings, mailbox: Mailbox, app: Flask
) -> None:
    path = mailed(gauge, told, mailbox)
    answer = Visitor(app, HOME).post(path, {}, Origin="https://evil.example")
    assert answer.status_code == 403
    assert gauge.alert().ack == "unacked"


# ------------------------------------------------------------------------------------------- SMS


def texted(gauge: Gauge, told: HubSettings, carrier: Carrier, *, verified: bool = True) -> str:
    """Bob has a telephone and got an SMS; answers its code."""
    only(gauge, "none")
    add_channel(gauge, "sms", NUMBER, verified_at=START if verified else None)
    gauge.run((1, 95))
    deliver(gauge, told, 2)
    return carrier.texts[-1].partition("Reply A ")[2][:4]


def sms(app: Flask, number: str, words: str) -> str:
    """Send an SMS to the hub's number; what comes back."""
    fields = {"From": number, "Body": words, "MessageSid": "SM9"}
    answer = call_in(app, f"{HOME}/in/carrier/0/sms", fields)
    assert answer.status_code == 200
    return answer.get_data(as_text=True).partition("<Message>")[2].partition("</Message>")[0]


def test_a_reply_by_sms_takes_the_alert_on(
    gauge: Gauge, told: HubSettings, carrier: Carrier, app: Flask
) -> None:
    code = texted(gauge, told, carrier)
    assert "Acknowledged" in sms(app, NUMBER, f"A {code} eta 40")
    alert = gauge.alert()
    assert (alert.ack, alert.acked_by, alert.ack_via) == ("acked", gauge.operator.manager, "sms")
    assert alert.eta is not None
    assert sms(app, NUMBER, f"a{code}") == answers._HINDRANCES["used"]


@pytest.mark.parametrize("words", ["{code}", "a {code}", "A{code} on my way", " ack #{code}."])
def test_people_write_it_in_many_ways(
    gauge: Gauge, told: HubSettings, carrier: Carrier, app: Flask, words: str
) -> None:
    code = texted(gauge, told, carrier)
    assert "Acknowledged" in sms(app, NUMBER, words.format(code=code))


def test_sms_that_are_refused_say_why_and_change_nothing(
    gauge: Gauge, told: HubSettings, carrier: Carrier, app: Flask
) -> None:
    code = texted(gauge, told, carrier)
    wrong = f"{(int(code) + 1 - 1000) % 9000 + 1000}"
    assert sms(app, "+14325559999", f"A {code}") == answers.UNKNOWN_NUMBER
    assert sms(app, NUMBER, "what is this?") == answers.NOT_UNDERSTOOD
    assert sms(app, NUMBER, f"A {wrong}") == answers._HINDRANCES["code"]
    fields = {"From": NUMBER, "Body": f"A {code}"}
    forged = call_in(app, f"{HOME}/in/carrier/0/sms", fields, token="guess")
    assert forged.status_code == 403
    assert gauge.alert().ack == "unacked"
    assert {outcome for _, outcome, _ in replies(gauge)} == {"refused"}


def test_a_number_nobody_verified_acknowledges_nothing(
    gauge: Gauge, told: HubSettings, carrier: Carrier, app: Flask
) -> None:
    code = texted(gauge, told, carrier, verified=False)
    assert sms(app, NUMBER, f"A {code}") == answers._HINDRANCES["unverified"]
    assert gauge.alert().ack == "unacked"


def test_codes_cannot_be_guessed_through(
    gauge: Gauge, told: HubSettings, carrier: Carrier, app: Flask
) -> None:
    code = texted(gauge, told, carrier)
    for number in range(10):
        sms(app, NUMBER, f"A {(int(code) + 7 + number - 1000) % 9000 + 1000}")
    assert sms(app, NUMBER, f"A {code}") == answers.TOO_MANY
    assert gauge.alert().ack == "unacked"


def test_one_operators_number_and_code_reach_no_alert_of_another(
    gauge: Gauge, cast: Cast, told: HubSettings, carrier: Carrier, app: Flask
) -> None:
    code = texted(gauge, told, carrier)
    other = watch(gauge.database, cast.cimarron, START)
    add_channel(other, "sms", "+14325550111", verified_at=START)
    other.run((1, 95))
    deliver(other, told, 2)
    assert sms(app, "+14325550111", f"A {code}") == answers._HINDRANCES["code"]
    with Session(gauge.database.engine("owner")) as session:
        acks = session.scalars(text("SELECT DISTINCT ack FROM alerts")).all()
        whose = session.scalars(select(MessageReply.organization_id)).all()
    assert acks == ["unacked"]
    assert set(whose) == {cast.cimarron.id}
