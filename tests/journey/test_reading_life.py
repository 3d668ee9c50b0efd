"""One reading's whole life, through the real programs: from a register to a manager's mailbox."""

from __future__ import annotations

import queue
import sqlite3
import ssl
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from sqlalchemy import Row, text

from agent.contract.blocks import Sample, thaw
from agent.contract.wire import parse_topic, unpack
from tests.cast import Cast
from tests.journey.programs import Browser, Programs, until
from tests.servers.mail import Mailbox
from tests.servers.mosquitto import HUB, Mosquitto
from tests.servers.postgres import Database

AGENT = "journey-pad"
AHEAD = 25  #: readings from now until the one that is followed


@pytest.fixture
def programs(
    tmp_path: Path, database: Database, tls_broker: Mosquitto, mailbox: Mailbox
) -> Iterator[Programs]:
    made = Programs(tmp_path, database, tls_broker, mailbox)
    yield made
    made.stop()


class Listener:
    """Hears what passes the broker, as the hub would."""

    def __init__(self, broker: Mosquitto) -> None:
        self.heard: queue.SimpleQueue[tuple[str, bytes]] = queue.SimpleQueue()
        self.kept: list[tuple[str, bytes]] = []
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id="listener", protocol=MQTTProtocolVersion.MQTTv5
        )
        self._client.username_pw_set(HUB, broker.accounts[HUB])
        self._client.tls_set_context(ssl.create_default_context(cafile=broker.ca_file))
        self._client.on_connect = lambda client, *_: client.subscribe("wf/1/+/+/up/+", 1)
        self._client.on_message = lambda _c, _u, got: self.heard.put(
            (got.topic, bytes(got.payload))
        )
        self._client.connect("localhost", broker.port)
        self._client.loop_start()

    def block_with(self, line: bytes) -> str | None:
        """The topic under which a block passed, once it has."""
        while not self.heard.empty():
            self.kept.append(self.heard.get())
        for topic, payload in self.kept:
            if parse_topic(topic).door in {"up/t", "up/h"} and line in unpack(payload).lines:
                return topic
        return None

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture
def listener(tls_broker: Mosquitto) -> Iterator[Listener]:
    made = Listener(tls_broker)
    yield made
    made.close()


def in_outbox(path: Path, value: float) -> tuple[str, int, bytes, Sample] | None:
    """Stream, number, line and reading of the block that holds a value; None until it is frozen."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as outbox:
        rows = outbox.execute(
            "SELECT s.id, b.first, b.body FROM blocks b JOIN streams s ON s.seq = b.stream"
            " WHERE b.gap IS NULL"
        ).fetchall()
    for stream, number, line in rows:
        for column in thaw(line).columns:
            for sample in column.samples():
                if sample.value == value:
                    return stream, number, line, sample
    return None


def row(database: Database, query: str, **values: Any) -> Row[Any] | None:
    with database.engine("owner").connect() as connection:
        return connection.execute(text(query), values).first()


def follow_to_alert(
    programs: Programs, database: Database, listener: Listener, tag: Any, value: int
) -> Any:
    """Follow one value from the register to its alert; every hop must hold."""
    # register
    served = until(lambda: programs.served(value), "the register is read")

    # outbox
    found = until(lambda: in_outbox(programs.folder / "outbox.db", value), "it is frozen")
    stream, number, line, sample = found
    assert abs(sample.at - served["ms"]) < 2000

    # broker
    topic = until(lambda: listener.block_with(line), "its block passes the broker")
    assert parse_topic(topic).agent == AGENT

    # stream row, ledger, reading: exactly once
    until(lambda: row(database, STREAM, stream=stream, number=number), "the stream's row")
    assert row(database, LEDGER, stream=stream, number=number) is not None
    stored = row(database, READING, tag=tag.id, value=value)
    assert stored is not None
    assert (stored.n, stored.ms, stored.quality) == (1, sample.at, 0)

    # receipt: the agent may let go of it
    until(lambda: receipted(programs.folder / "outbox.db", stream, number), "the receipt")

    # alert, in event time
    alert = until(lambda: row(database, ALERT, tag=tag.id), "the alert")
    assert (alert.value, alert.ms, alert.origin) == (value, sample.at, "live")
    return alert


def reaches_the_manager(bob: Browser, mailbox: Mailbox, alert: Any, value: int) -> None:
    """The alert is in the manager's mailbox once, and on every page where it belongs."""
    # mailbox: the manager's, once
    letter = mailbox.wait_for(1)[0]
    assert letter.message["To"] == "bob@example.com"
    assert "Bluebonnet 2H" in letter.subject
    assert f"{value} psi" in letter.text
    assert "Open the choke." in letter.text

    # console, and the end of the story
    assert "Bluebonnet 2H" in bob.see("/")
    page = bob.see(f"/alerts/{alert.id}")
    assert "Tubing pressure high" in page
    assert "bob@example.com" in page
    bob.send(f"/alerts/{alert.id}/acknowledge", note="on my way")
    assert "on my way" in bob.see(f"/alerts/{alert.id}")
    assert bob.see("/agents").count(AGENT) >= 1
    bob.close()


@pytest.mark.mosquitto
@pytest.mark.slow
def test_a_reading_s_whole_life(
    programs: Programs, database: Database, listener: Listener, mailbox: Mailbox, cast: Cast
) -> None:
    programs.enrol(AGENT, "bluebonnet", "Bluebonnet 2H")
    programs.start_site()
    assert programs.agent("read")[0]["value"] == 1
    programs.start_hub()
    programs.start_agent()
    tag = until(lambda: row(database, TAG, agent=AGENT), "the agent declares its tag")
    bob = Browser(programs.console_url)
    bob.send("/sign-in", email="bob@example.com", password=cast.password)
    value = watch(bob, programs, tag)

    at = from_register_to_row(programs, database, listener, tag, value)
    from_row_to_mailbox(database, mailbox, bob, tag, value, at)

    report = programs.hub("audit", "--agent", AGENT)
    assert report["ok"], report["faults"]
    assert report["readings"]["stored"] == report["readings"]["ledgered"] >= value
    assert len(mailbox.letters()) == 1
    bob.close()


def watch(bob: Browser, programs: Programs, tag: Row[Any]) -> int:
    """Link the tag and make a rule, in the console; gives the value that will trip it."""
    bob.send(
        f"/agents/{tag.agent_id}/tags",
        **{f"place-{tag.id}": "Bluebonnet 2H", f"measure-{tag.id}": "Tubing pressure"},
    )
    value = int(programs.agent("read")[0]["value"]) + AHEAD
    assert "Tubing too high" in bob.send("/rules/new", **rule(tag.id, value))
    return value


def from_register_to_row(
    programs: Programs, database: Database, listener: Listener, tag: Row[Any], value: int
) -> int:
    """Register, outbox, broker, stream row, ledger, reading, receipt; gives its time in ms."""
    served = until(lambda: programs.served(value), "the register is read")
    outbox = programs.folder / "outbox.db"
    stream, number, line, sample = until(lambda: in_outbox(outbox, value), "it is frozen")
    assert abs(sample.at - served["ms"]) < 2000

    topic = until(lambda: listener.block_with(line), "its block passes the broker")
    assert parse_topic(topic).agent == AGENT

    until(lambda: row(database, STREAM, stream=stream, number=number), "the stream's row")
    assert row(database, LEDGER, stream=stream, number=number) is not None
    stored = row(database, READING, tag=tag.id, value=value)
    assert stored is not None
    assert (stored.n, stored.ms, stored.quality) == (1, sample.at, 0)

    until(lambda: receipted(outbox, stream, number), "the receipt")
    return sample.at


def from_row_to_mailbox(
    database: Database, mailbox: Mailbox, bob: Browser, tag: Row[Any], value: int, at: int
) -> None:
    """Alert, letter, console, acknowledge."""
    alert = until(lambda: row(database, ALERT, tag=tag.id), "the alert")
    assert (alert.value, alert.ms, alert.origin) == (value, at, "live")

    letter = mailbox.wait_for(1)[0]
    assert letter.message["To"] == "bob@example.com"
    assert "Bluebonnet 2H" in letter.subject
    assert f"{value} psi" in letter.text
    assert "Open the choke." in letter.text

    assert "Bluebonnet 2H" in bob.see("/")
    assert AGENT in bob.see("/agents")
    page = bob.see(f"/alerts/{alert.id}")
    assert "Tubing pressure high" in page
    assert "bob@example.com" in page
    bob.send(f"/alerts/{alert.id}/acknowledge", note="on my way")
    assert "on my way" in bob.see(f"/alerts/{alert.id}")


def rule(tag: int, setpoint: int) -> dict[str, str]:
    return {
        "name": "Tubing too high",
        "tag": str(tag),
        "hi-setpoint": str(setpoint),
        "hi-priority": "2",
        "hi-on_delay_s": "0",
        "hi-off_delay_s": "300",
        "cause": "A choke that ices up.",
        "consequence": "The relief valve opens.",
        "action": "Open the choke.",
        "respond_within": "30",
        "enabled": "yes",
    }


def receipted(path: Path, stream: str, number: int) -> bool | None:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as outbox:
        query = "SELECT receipted FROM streams WHERE id = ?"
        return True if outbox.execute(query, [stream]).fetchone()[0] >= number else None


TAG = """
    SELECT t.id, t.agent_id FROM tags t JOIN agents a ON a.id = t.agent_id WHERE a.name = :agent
"""
STREAM = "SELECT number FROM streams WHERE stream = :stream AND number >= :number"
LEDGER = """
    SELECT id FROM ingest_batches
     WHERE stream = :stream AND first <= :number AND last >= :number
"""
READING = """
    SELECT count(*) OVER () AS n, round(extract(epoch FROM time) * 1000)::bigint AS ms, quality
      FROM readings WHERE tag_id = :tag AND value = :value
"""
ALERT = """
    SELECT id, value, origin, round(extract(epoch FROM raised_at) * 1000)::bigint AS ms
      FROM alerts WHERE tag_id = :tag
"""
