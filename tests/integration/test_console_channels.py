"""Channels in the console: entered, tried over the real path, proven by a tap, taken away."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import text

from hub.console import create_app
from hub.notify import delivery
from hub.notify.channels import push
from hub.settings import HubSettings
from tests.alerting import settings
from tests.carrier import Carrier
from tests.cast import Cast
from tests.console import Visitor, read
from tests.notifying import link_in
from tests.servers.mail import Mailbox
from tests.servers.postgres import Database

HOME = "https://hub.example"


@pytest.fixture
def carrier() -> Iterator[Carrier]:
    made = Carrier()
    yield made
    made.stop()


@pytest.fixture
def told(database: Database, cast: Cast, carrier: Carrier, mailbox: Mailbox) -> HubSettings:
    assert cast
    return settings(
        database,
        mail_port=mailbox.port,
        WELLFLOW_PUSH_PRIVATE_KEY=push.new_private_key(),
        **carrier.environ(),
    )


@pytest.fixture
def app(database: Database, told: HubSettings) -> Flask:
    return create_app(told, database.engine("app"))


def sign_in(app: Flask, person: str) -> Visitor:
    visitor = Visitor(app, HOME)
    assert visitor.sign_in(f"{person}@example.com").status_code == 303
    return visitor


def column(database: Database, name: str, kind: str) -> object:
    with database.engine("owner").connect() as connection:
        statement = text(
            f"SELECT {name} FROM contact_channels WHERE kind = :kind AND address <> :emil"
        )
        return connection.execute(statement, {"kind": kind, "emil": "emil@example.com"}).first()[0]  # type: ignore[index]


def test_a_test_goes_over_the_real_path_and_is_proven_by_a_tap(
    database: Database, told: HubSettings, app: Flask, mailbox: Mailbox
) -> None:
    bob = sign_in(app, "bob")
    with database.engine("owner").connect() as connection:
        channel = connection.scalar(
            text("SELECT id FROM contact_channels WHERE address = 'bob@example.com'")
        )
    asked = bob.post(f"/channels/{channel}/test")
    page = asked.headers["Location"]
    assert "Waiting to be sent" in read(bob.get(page))
    delivery.deliver_due(database.engine("work"), told)
    shown = read(bob.get(page))
    assert "On its way. Tap the link in it to prove that it reached Bob." in shown
    assert "taken by the mail server" in shown
    letter = mailbox.wait_for(1)[0]
    assert letter.message["Subject"] == "Bluebonnet Energy: a test of WellFlow's messages"
    done = Visitor(app, HOME).post(link_in(letter.text).removeprefix(HOME))
    assert "Proven: messages of Bluebonnet Energy reach you." in read(done)
    assert "Proven" in read(bob.get(page))
    assert column(database, "verified_at IS NOT NULL AND proven_at IS NOT NULL", "email")


def test_a_telephone_of_ones_own_is_verified_by_answering_its_test(
    database: Database, told: HubSettings, app: Flask, carrier: Carrier
) -> None:
    carl = sign_in(app, "carl")
    fields = {"kind": "sms", "address": "(432) 555-0177", "worst_priority": "2"}
    assert carl.post("/account/reach", fields).status_code == 303
    assert column(database, "address", "sms") == "+14325550177"
    channel = column(database, "id", "sms")
    page = carl.post(f"/account/reach/{channel}/test").headers["Location"]
    delivery.deliver_due(database.engine("work"), told)
    assert "Reply A " in carrier.texts[0]
    assert "Answer it, or tap its link" in read(carl.get(page))
    Visitor(app, HOME).post(link_in(carrier.texts[0]).removeprefix(HOME))
    assert "Proven" in read(carl.get(page))


@pytest.mark.parametrize(
    ("kind", "address", "says"),
    [
        ("email", "nobody", "Write an e-mail address"),
        ("sms", "12", "Write a number with country code"),
        ("apprise", "json://127.0.0.1/", "is not among the services one can choose"),
        ("apprise", "mailto://a:b@example.com", "is not among the services one can choose"),
        ("apprise", "slack://short", "this is not an address of Slack"),
        ("webhook", "https://example.com", "Choose one of the list"),
        ("pigeon", "loft", "Choose one of the list"),
    ],
)
def test_an_address_that_cannot_be_taken_is_refused_in_a_sentence(
    app: Flask, kind: str, address: str, says: str
) -> None:
    answer = sign_in(app, "carl").post(
        "/account/reach", {"kind": kind, "address": address, "worst_priority": "3"}
    )
    assert answer.status_code == 422
    assert says in read(answer)


def test_nobody_changes_or_tries_another_persons_own_channel(
    database: Database, app: Flask
) -> None:
    carl = sign_in(app, "carl")
    channel = column(database, "id", "email")
    for act in ("", "/test", "/remove"):
        answer = carl.post(f"/account/reach/{channel}{act}", {"worst_priority": "1"})
        assert answer.status_code == 404
    assert carl.get("/messages").status_code == 403


def test_a_channel_taken_away_keeps_its_record_and_can_come_back_unproven(
    database: Database, app: Flask
) -> None:
    alice = sign_in(app, "alice")
    channel = column(database, "id", "email")
    alice.post(f"/channels/{channel}/test")
    assert alice.post(f"/channels/{channel}/remove").status_code == 303
    assert "bob@example.com is told no more." in read(alice.get("/channels"))
    assert "bob@example.com" not in read(alice.get("/channels"))
    assert "bob@example.com" in read(alice.get("/messages")), "what was sent stays on record"
    again = {"kind": "email", "address": "bob@example.com", "worst_priority": "3"}
    assert alice.post("/channels", again).status_code == 303
    assert column(database, "id", "email") == channel
    assert column(database, "verified_at", "email") is None


def test_a_browser_subscribes_and_its_worker_is_served(database: Database, app: Flask) -> None:
    carl = sign_in(app, "carl")
    assert "Show alerts here" in read(carl.get("/account/reach"))
    worker = carl.get("/account/reach/worker.js")
    assert worker.content_type.startswith("text/javascript")
    bad = carl.post("/account/reach/browser", {"subscription": "{}"})
    assert bad.status_code == 400
    keys = {"p256dh": "B" + 86 * "A", "auth": 22 * "A"}
    subscription = {"endpoint": "https://push.example/abc", "keys": keys}
    fields = {"subscription": json.dumps(subscription)}
    assert carl.post("/account/reach/browser", fields).status_code == 303
    assert str(column(database, "address", "push")).startswith("Browser on Linux #")
    assert b"push.example" not in bytes(column(database, "secret", "push"))  # type: ignore[arg-type]
