"""The hub's edge to the broker: what it says when it cannot sign in, and which brokers it knows."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.demo import broker as demo_broker
from hub.demo.postgres import free_port
from tests.cast import Cast
from tests.ingest.box import Box, tags
from tests.ingest.hub import Rows, Running, running, settings_for, wait_until
from tests.servers.certificates import Authority
from tests.servers.mosquitto import HUB, Mosquitto
from tests.servers.postgres import Database

NAME = "bluebonnet-pad-2"
SHARD = 2


@pytest.fixture
def rows(database: Database, cast: Cast) -> Iterator[Rows]:
    made = Rows(database)
    yield made
    made.close()


def complaint_of(
    database: Database, url: str, caplog: pytest.LogCaptureFixture, **environ: str
) -> str:
    """What the hub says, once, about a broker it cannot use."""
    caplog.set_level(logging.WARNING, "hub.ingest.subscriber")
    hub = Running(settings_for(database.url, url, **environ))
    wait_until(lambda: bool(caplog.records), "a complaint")
    assert not hub.ingest.ready.wait(1.5)
    hub.stop()
    said = {record.getMessage() for record in caplog.records}
    assert len(said) == len(caplog.records) == 1
    return said.pop()


@pytest.mark.mosquitto
def test_a_wrong_password_is_said_in_one_sentence(
    database: Database, broker: Mosquitto, cast: Cast, caplog: pytest.LogCaptureFixture
) -> None:
    url = broker.url().replace("hub-secret", "guess")
    said = complaint_of(database, url, caplog)
    assert "refuses the account 'hub'" in said
    assert "mqtt.url" in said
    assert "guess" not in said


@pytest.mark.mosquitto
def test_a_certificate_of_another_authority_is_said_in_one_sentence(
    database: Database,
    tls_broker: Mosquitto,
    cast: Cast,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    other = tmp_path / "other.crt"
    other.write_text(Authority.new("Somebody else").server_files()["ca.crt"])
    said = complaint_of(database, tls_broker.url(), caplog, WELLFLOW_MQTT_CA_FILE=str(other))
    assert "TLS failed" in said
    assert "mqtt.ca_file" in said


def test_a_broker_that_is_not_there_is_said_in_one_sentence(
    database: Database, cast: Cast, caplog: pytest.LogCaptureFixture
) -> None:
    said = complaint_of(database, f"mqtt://hub:x@127.0.0.1:{free_port()}", caplog)
    assert "cannot be reached" in said


@pytest.mark.mosquitto
def test_an_account_that_may_not_listen_hears_nothing_of_others(
    database: Database, broker: Mosquitto, cast: Cast, rows: Rows
) -> None:
    """Mosquitto grants a subscription and filters what is delivered."""
    hub = Running(settings_for(database.url, broker.url(NAME))).ready()
    box = Box(broker.url("cimarron-pad-1"), "cimarron-pad-1", 1)
    box.declare(tags("plc.tubing"))
    hub.stop()
    box.close()
    assert hub.ingest.count.messages == 0


@pytest.mark.mosquitto
def test_an_encrypted_connection_works_with_the_right_authority(
    database: Database, tls_broker: Mosquitto, cast: Cast
) -> None:
    environ = {"WELLFLOW_MQTT_CA_FILE": tls_broker.ca_file or ""}
    hub = Running(settings_for(database.url, tls_broker.url(), **environ)).ready()
    hub.stop()


@pytest.mark.mosquitto
def test_heartbeats_carry_epoch_time_and_shards(
    database: Database, broker: Mosquitto, cast: Cast
) -> None:
    with running(database, broker) as hub:
        box = Box(broker.url(NAME), NAME, SHARD)
        with running(database, broker, client_id="second"):
            box.wait(lambda: bool(box.heartbeats))
            beat = box.heartbeats[-1]
            assert beat.shards == (0, 63)
            assert beat.epoch >= hub.ingest.epoch.number
        box.close()


@pytest.mark.mosquitto
def test_newest_readings_are_never_replaced_by_older_ones(
    database: Database, broker: Mosquitto, cast: Cast, rows: Rows
) -> None:
    with running(database, broker):
        box = Box(broker.url(NAME), NAME, SHARD)
        box.declare(tags("plc.tubing"))
        box.freeze([(1, 50.0)])
        box.at -= 3_600_000
        box.freeze([(1, 10.0)], count=5)
        box.send(1)
        box.wait_receipt(1)
        box.send(2, lane="h")
        box.wait_receipt(2)
        box.close()
    assert rows.all("SELECT value FROM readings_latest") == [(50.0,)]
    assert len(rows.readings()) == 6


@pytest.mark.mosquitto
def test_late_readings_find_a_partition(
    database: Database, broker: Mosquitto, cast: Cast, rows: Rows
) -> None:
    """Months late, and over the edge of a week: plain PostgreSQL has no partition for them yet."""
    with running(database, broker):
        box = Box(broker.url(NAME), NAME, SHARD)
        box.declare(tags("plc.tubing"))
        for late in (200, 190, 400):
            box.at -= late * 86_400_000
            box.freeze([(1, 1.0)], count=20, step_ms=3_600_000)
            box.at += late * 86_400_000
        box.send(1, 3)
        box.wait_receipt(3)
        box.close()
    assert len(rows.readings()) == 60
    days = rows.one("SELECT count(*) FROM ingest_batches")
    assert days == rows.one("SELECT count(DISTINCT time::date) FROM readings")


def amqtt(
    folder: Path, monkeypatch: pytest.MonkeyPatch, accounts: dict[str, str]
) -> demo_broker.Broker:
    """The broker that comes as a wheel, as on a machine without Mosquitto."""
    monkeypatch.setattr(demo_broker.shutil, "which", lambda *_, **__: None)
    return demo_broker.start_broker(folder, accounts)


def test_a_broker_of_mqtt_3_1_1_that_wants_each_acknowledgement_is_served_too(
    database: Database,
    broker_folder: Path,
    cast: Cast,
    rows: Rows,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    accounts = {HUB: "hub-secret", NAME: "pad-secret"}
    started = amqtt(broker_folder, monkeypatch, accounts)
    hub = Running(settings_for(database.url, started.url(HUB, "hub-secret"))).ready(40)
    box = Box(started.url(NAME, "pad-secret"), NAME, SHARD, newest=False)
    box.declare(tags("plc.tubing", "plc.casing"))
    box.birth()
    for _ in range(30):
        box.freeze()
        box.send(box.stream.last)
    box.wait_receipt(30)
    assert len(rows.readings()) == 60
    assert rows.doubles() == 0
    box.close()
    hub.stop()
    started.child.stop()
