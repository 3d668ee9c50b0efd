"""The agent's edge to the broker: it keeps collecting whatever is wrong, and says what it is."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from agent.contract.blocks import Sample
from agent.outbox import Outbox
from agent.runtime import Runtime
from agent.settings import AgentIdentity, AgentSettings, MqttSettings, OutboxSettings
from tests.servers.certificates import Authority
from tests.servers.mosquitto import Mosquitto
from tests.servers.receipting import ReceiptingHub

AGENT, PASSWORD = "bluebonnet-pad-1", "pad-secret"

pytestmark = pytest.mark.mosquitto


def settings(broker: Mosquitto, folder: Path) -> AgentSettings:
    ca_file = Path(broker.ca_file) if broker.ca_file else None
    mqtt = MqttSettings(f"mqtts://localhost:{broker.port}", AGENT, PASSWORD, ca_file)
    outbox = OutboxSettings(folder / "outbox.db", commit_every_s=0.1, cut_every_s=0.2)
    return AgentSettings(AgentIdentity(AGENT, 5), mqtt, outbox)


@contextmanager
def running(config: AgentSettings) -> Iterator[Runtime]:
    """The agent's keeper and publisher, without a gauge."""
    agent = Runtime(config)
    loops = [threading.Thread(target=loop) for loop in (agent._keep, agent._publish)]
    for loop in loops:
        loop.start()
    try:
        yield agent
    finally:
        agent.stop.set()
        for loop in loops:
            loop.join(20)
        agent.outbox.close()


def read(agent: Runtime, count: int) -> None:
    now = agent.clock.now_ms()
    agent.outbox.stage(Sample(1, now - index, float(index)) for index in range(count))


def eventually(holds: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "did not come true in time"
        time.sleep(0.05)


def test_readings_reach_the_hub_over_tls(tls_broker: Mosquitto, tmp_path: Path) -> None:
    with ReceiptingHub(tls_broker) as hub, running(settings(tls_broker, tmp_path)) as agent:
        read(agent, 30)
        eventually(lambda: hub.readings == 30)
        eventually(lambda: agent.outbox.status().readings_waiting == 0)


def test_wrong_password_is_said_once_and_nothing_is_lost(
    tls_broker: Mosquitto, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = settings(tls_broker, tmp_path)
    wrong = replace(config, mqtt=replace(config.mqtt, password="guess"))
    with running(wrong) as agent, caplog.at_level(logging.WARNING):
        read(agent, 10)
        eventually(lambda: "name and password" in caplog.text)
        time.sleep(3)  # a second try has the same outcome and says nothing new
        assert caplog.text.count("name and password") == 1
        assert agent.outbox.status().readings_waiting == 10
    with ReceiptingHub(tls_broker) as hub, running(config):
        eventually(lambda: hub.readings == 10)


def test_certificate_of_another_authority_is_refused_with_a_reason(
    tls_broker: Mosquitto, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    other = tmp_path / "other-ca.pem"
    other.write_text(Authority.new("somebody else").server_files()["ca.crt"])
    config = settings(tls_broker, tmp_path)
    wrong = replace(config, mqtt=replace(config.mqtt, ca_file=str(other)))
    with running(wrong) as agent, caplog.at_level(logging.WARNING):
        read(agent, 10)
        eventually(lambda: "TLS failed" in caplog.text and "ca_file" in caplog.text)
        assert agent.outbox.status().readings_waiting == 10


def test_broker_away_and_back_delivers_everything_once(
    tls_broker: Mosquitto, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with ReceiptingHub(tls_broker) as hub, running(settings(tls_broker, tmp_path)) as agent:
        read(agent, 10)
        eventually(lambda: hub.readings == 10)
        tls_broker.kill()
        read(agent, 20)
        eventually(lambda: "readings are kept here" in caplog.text)
        tls_broker.start()
        eventually(lambda: hub.readings == 30, 40)
        assert hub.doubled == 0


def test_killed_without_warning_resumes_where_the_hub_is(
    tls_broker: Mosquitto, tmp_path: Path
) -> None:
    config = settings(tls_broker, tmp_path)
    with running(config) as agent:
        read(agent, 25)
        eventually(lambda: agent.outbox.status().blocks_waiting > 0)
    assert Outbox.open(config.outbox.path).status().readings_waiting == 25
    with ReceiptingHub(tls_broker) as hub, running(config):
        eventually(lambda: hub.readings == 25)
        assert hub.doubled == 0
