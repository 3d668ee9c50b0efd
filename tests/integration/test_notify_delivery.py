"""Delivery: who is told, never after an acknowledgement, and at least once."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text, update
from sqlalchemy.orm import Session

from hub.demo.smtp import PostOffice
from hub.notify import delivery
from hub.notify.channels import Parcel, Taken, TransportError
from hub.schema import ContactChannel, Membership
from hub.settings import HubSettings
from tests.alerting import Gauge, settings, watch
from tests.cast import Cast
from tests.notifying import START, add_webhook, attempts, deliver, take_on, watched
from tests.servers.mail import Mailbox
from tests.servers.postgres import Database
from tests.webhooks import Receiver

ROOT = Path(__file__).resolve().parents[2]


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


def test_who_has_left_or_asked_for_less_is_not_told(
    gauge: Gauge, told: HubSettings, mailbox: Mailbox
) -> None:
    operator = gauge.operator
    with Session(gauge.database.engine("owner")) as session, session.begin():
        session.add_all(
            ContactChannel(
                organization_id=operator.id, user_id=user, kind="email", address=f"{name}@x.example"
            )
            for user, name in ((operator.owner, "alice"), (operator.pumper, "carl"))
        )
        session.flush()
        session.execute(
            update(ContactChannel)
            .where(ContactChannel.address == "alice@x.example")
            .values(worst_priority=1)
        )
        session.execute(
            update(Membership).where(Membership.user_id == operator.pumper).values(ended_at=START)
        )
    gauge.run((1, 95))
    deliver(gauge, told, 2)
    assert [letter.message["To"] for letter in mailbox.wait_for(1)] == ["bob@example.com"]


def test_the_other_operator_is_never_told(
    gauge: Gauge, cast: Cast, told: HubSettings, mailbox: Mailbox
) -> None:
    other = watch(gauge.database, cast.cimarron, START)
    other.run((1, 95))
    deliver(gauge, told, 2)
    assert [letter.message["To"] for letter in mailbox.wait_for(1)] == ["emil@example.com"]


def test_who_never_heard_of_an_alert_is_not_told_that_it_is_over(
    gauge: Gauge, told: HubSettings, mailbox: Mailbox
) -> None:
    gauge.run((1, 95))
    take_on(gauge, 2)
    gauge.run((3, 150))
    deliver(gauge, told, 4)
    assert mailbox.letters() == []
    assert gauge.told() == [("raised", "cancelled")]


def test_that_it_is_over_comes_after_that_it_began(
    gauge: Gauge, told: HubSettings, mailbox: Mailbox
) -> None:
    gauge.run((1, 95))
    mailbox.refusal = (451, "busy")
    deliver(gauge, told, 2)
    gauge.run((3, 150))
    mailbox.refusal = None
    deliver(gauge, told, 4)
    assert mailbox.letters() == []
    deliver(gauge, told, 10)
    deliver(gauge, told, 16)
    subjects = [letter.message["Subject"] for letter in mailbox.wait_for(2)]
    assert [subject.split(":")[0] for subject in subjects] == ["Warning", "Cleared"]


# ------------------------------------------------------------------------------ acknowledging


def test_acknowledging_cancels_what_waits_for_another_try(
    gauge: Gauge, told: HubSettings, mailbox: Mailbox
) -> None:
    gauge.run((1, 95))
    mailbox.refusal = (451, "busy")
    deliver(gauge, told, 2)
    assert take_on(gauge, 3) == 1
    mailbox.refusal = None
    assert deliver(gauge, told, 3600) == 0
    assert mailbox.letters() == []


def test_no_call_begins_after_the_acknowledgement(
    gauge: Gauge, told: HubSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Acknowledging races many deliverers; whoever calls had begun before it was committed."""
    work = gauge.database.engine("work")
    begun: list[str] = []

    def note(parcel: Parcel, _settings: HubSettings) -> Taken:
        begun.append(str(parcel.alert_id))
        raise TransportError("busy")

    monkeypatch.setattr(delivery, "SENDERS", {"email": note})
    monkeypatch.setattr(delivery, "retry_delay_s", lambda *_args: 0.0)
    for round_number in range(12):
        gauge.run((10 * round_number + 1, 95))
        stop = threading.Event()
        threads = [
            threading.Thread(target=_deliver_until, args=(stop, gauge, told)) for _ in range(3)
        ]
        for thread in threads:
            thread.start()
        take_on(gauge, 10 * round_number + 2)
        with work.connect() as connection:
            started = connection.scalar(text("SELECT count(*) FROM notification_attempts"))
        stop.set()
        for thread in threads:
            thread.join(20)
        assert len(begun) == started, "a call whose beginning was not committed before"
        with work.connect() as connection:
            assert connection.scalar(text("SELECT count(*) FROM notification_attempts")) == started
        gauge.run((10 * round_number + 5, 150))


def _deliver_until(stop: threading.Event, gauge: Gauge, told: HubSettings) -> None:
    while not stop.is_set():
        delivery.deliver_due(
            gauge.database.engine("work"), told, START + timedelta(hours=1), most=1
        )


# ------------------------------------------------------------------------------------ crashes

DELIVER = """
import base64, sys
from datetime import datetime
from hub.database import connect
from hub.notify.delivery import deliver_due
from tests.alerting import settings
from tests.servers.postgres import Database
from hub.database import Tier
database = Database(sys.argv[1], Tier.PLAIN)
deliver_due(connect(sys.argv[1], "work"), settings(database, mail_port=int(sys.argv[2])),
            datetime.fromisoformat(sys.argv[3]))
"""


def test_a_worker_killed_while_sending_is_followed_by_another(gauge: Gauge, tmp_path: Path) -> None:
    """The server has the letter, the worker dies before it knows: it comes again, recognizably."""
    arrived, go_on = threading.Event(), threading.Event()

    def hold(_recipients: list[str]) -> None:
        arrived.set()
        go_on.wait(30)

    office = PostOffice(tmp_path, judge=hold)
    office.start()
    gauge.run((1, 95))
    worker = subprocess.Popen(
        [
            *(sys.executable, "-c", DELIVER),
            *(gauge.database.url, str(office.port), gauge.at(2).isoformat()),
        ],
        cwd=ROOT,
    )
    assert arrived.wait(30)
    worker.send_signal(signal.SIGKILL)
    worker.wait(10)
    go_on.set()
    told = settings(gauge.database, mail_port=office.port)
    assert gauge.told() == [("raised", "leased")]
    assert deliver(gauge, told, 30) == 0, "the lease still holds"
    assert deliver(gauge, told, 63) == 1
    letters = office.letters()
    office.stop()
    assert len(letters) == 2
    assert len({letter.message["Message-ID"] for letter in letters}) == 1
    assert gauge.told() == [("raised", "sent")]
    assert [(number, outcome) for number, outcome, _ in attempts(gauge)] == [
        (1, "unknown"),
        (2, "sent"),
    ]


def test_a_dead_workers_message_is_not_sent_again_once_acknowledged(
    gauge: Gauge, told: HubSettings, mailbox: Mailbox
) -> None:
    gauge.run((1, 95))
    with gauge.database.engine("work").begin() as connection:
        connection.execute(
            text(
                "UPDATE notifications SET state = 'leased', attempts = 1, lease_owner = 'gone',"
                " lease_until = :until"
            ),
            {"until": gauge.at(60)},
        )
    take_on(gauge, 10)
    deliver(gauge, told, 61)
    assert (gauge.told(), mailbox.letters()) == ([("raised", "cancelled")], [])


def test_many_deliverers_send_each_message_once(
    gauge: Gauge, told: HubSettings, receiver: Receiver
) -> None:
    for number in range(12):
        add_webhook(gauge, told, f"{receiver.url}/{number}")
    with Session(gauge.database.engine("owner")) as session, session.begin():
        session.execute(update(ContactChannel).values(enabled=True))
    gauge.run((1, 95))
    with ThreadPoolExecutor() as pool:
        sent = [pool.submit(deliver, gauge, told, 2) for _ in range(4)]
    assert sum(future.result() for future in sent) == 13
    assert sorted(hook.path for hook in receiver.got) == sorted(
        f"/hook/{number}" for number in range(12)
    )
