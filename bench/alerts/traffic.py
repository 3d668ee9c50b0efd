"""What goes over the wire from the first page to the acknowledgement, to be read by people.

One alarm of one gauge: an SMS whose carrier is down, the second one, no receipt, a webhook, mail,
and the answer by the mail's link. All of it is written to a file as it was said.
"""

from __future__ import annotations

import re
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from flask import Flask
from sqlalchemy import text
from sqlalchemy.orm import Session

from bench.alerts.figure import Figure, Line
from bench.alerts.house import House, open_house
from hub.alerts import engine
from hub.console import create_app
from hub.notify import delivery
from hub.schema import ContactChannel
from hub.schema.base import uuid7
from tests.carrier import Carrier, refusing
from tests.servers.mail import Mailbox
from tests.telemetry import Point, store
from tests.webhooks import Receiver

FOLDER: Final = Path(__file__).resolve().parents[2] / ".cache" / "bench"
FILE: Final = FOLDER / "escalation.txt"
NUMBER: Final = "+14325550100"
HOME: Final = "https://hub.example"


def measure(*, quick: bool) -> Figure:
    """Let it happen once, and write down what was said."""
    del quick
    carrier, second, receiver = Carrier(lambda _order: refusing(503)), Carrier(), Receiver()
    with tempfile.TemporaryDirectory() as folder:
        mailbox = Mailbox(Path(folder))
        environ = carrier.environ() | second.environ("SECOND_CARRIER")
        environ |= {
            "WELLFLOW_MAIL_HOST": "127.0.0.1",
            "WELLFLOW_MAIL_PORT": str(mailbox.port),
            "WELLFLOW_MAIL_SECURITY": "none",
            "WELLFLOW_MAIL_SENDER": "WellFlow <alerts@hub.example>",
        }
        try:
            with open_house(**environ) as house:
                said = _happen(house, carrier, second, receiver, mailbox)
        finally:
            for one in (carrier, second, receiver, mailbox):
                one.stop()
    FOLDER.mkdir(parents=True, exist_ok=True)
    FILE.write_text("\n".join(said), encoding="utf-8")
    calls = len(carrier.orders) + len(second.orders) + len(receiver.got)
    taken = any("Acknowledged" in line for line in said)
    lines = (
        Line("messages on the wire", f"{calls + 1}", value=calls + 1),
        Line("ends with an answer that was taken", "yes" if taken else "no", "yes", taken),
    )
    place = FILE.relative_to(FOLDER.parents[1])
    return Figure("One escalation, as it was said", lines, f"In {place}.")


def _happen(
    house: House, carrier: Carrier, second: Carrier, receiver: Receiver, mailbox: Mailbox
) -> list[str]:
    tag = _furnish(house, receiver.url)
    began = datetime.now(UTC)
    store(house.database, house.operator, [Point(tag, began, 90.0)])
    engine.judge_pending(house.database.engine("work"))
    work = house.database.engine("work")
    delivery.deliver_due(work, house.settings)
    with house.database.engine("owner").begin() as connection:
        connection.execute(text("UPDATE contact_channels SET enabled = true WHERE kind = 'email'"))
    late = datetime.now(UTC) + timedelta(seconds=95)
    delivery.deliver_due(work, house.settings, late)
    delivery.deliver_due(work, house.settings, late)
    letter = mailbox.wait_for(1)[0]
    app = create_app(house.settings, house.database.engine("app"))
    answer = _tap(app, letter.text)
    return [
        *_told("The first carrier, which is down", [str(order) for order in carrier.orders]),
        *_told("The second carrier", [str(order) for order in second.orders]),
        *_told("The webhook", [_hook(hook.headers, hook.payload) for hook in receiver.got]),
        *_told("No receipt within 90 s: the mail", [letter.message.as_string()]),
        *_told("The mail's link, opened and its button pressed", answer),
        *_told("The log", _log(house)),
    ]


def _told(title: str, said: list[str]) -> list[str]:
    return [f"== {title}", *said, ""]


def _hook(headers: dict[str, str], payload: bytes) -> str:
    head = "\n".join(f"{name}: {value}" for name, value in headers.items())
    return f"POST\n{head}\n\n{payload.decode()}"


def _tap(app: Flask, letter: str) -> list[str]:
    link = re.search(r"https://hub\.example(/m/[\w-]+)", letter)
    path = link[1] if link else "/m/none"
    seen = app.test_client().get(path, base_url=HOME)
    fields = {"choice": "coming", "eta": "30"}
    done = app.test_client().post(path, data=fields, headers={"Origin": HOME}, base_url=HOME)
    page = re.sub(r"<[^>]+>", " ", done.get_data(as_text=True))
    told = re.search(r"Acknowledged:[^\n]*", page)
    return [
        f"GET {path} -> {seen.status}",
        f"POST {path} {fields} -> {done.status}",
        told[0].strip() if told else "nothing was taken",
    ]


def _log(house: House) -> list[str]:
    statement = text(
        "SELECT n.created_at, c.kind, n.state, a.number, a.provider, a.outcome, a.detail"
        " FROM notifications n JOIN contact_channels c ON c.id = n.channel_id"
        " LEFT JOIN notification_attempts a ON a.notification_id = n.id"
        " ORDER BY n.created_at, n.id, a.number"
    )
    with house.database.engine("owner").connect() as connection:
        return [" | ".join(str(value) for value in row) for row in connection.execute(statement)]


def _furnish(house: House, url: str) -> int:
    """One watched gauge; the manager's telephone and a webhook."""
    with Session(house.database.engine("owner")) as session, session.begin():
        (tag,) = house.add_gauges(session, 1, watched=1)
        session.execute(text("UPDATE contact_channels SET enabled = false"))
        session.add(
            ContactChannel(
                organization_id=house.operator.id,
                user_id=house.operator.manager,
                kind="sms",
                address=NUMBER,
            )
        )
        house.add_webhook(session, url, uuid7())
    return tag
