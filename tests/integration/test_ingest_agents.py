"""An agent joins and leaves: account, access, row, and the broker's own configuration."""

from __future__ import annotations

import secrets
import ssl
import threading
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from sqlalchemy.orm import Session

from agent.settings import load as load_agent
from hub import agents, broker_accounts
from hub.agents import AgentError, Enrolment
from hub.broker_accounts import AccountsError
from tests.cast import Cast
from tests.ingest.deployed import DeployedBroker, deployed_broker
from tests.ingest.hub import Rows, Running, settings_for, wait_until
from tests.servers.postgres import Database

PATIENCE_S = 10.0


@pytest.fixture
def broker(broker_folder: Path, request: pytest.FixtureRequest) -> Iterator[DeployedBroker]:
    started = deployed_broker(broker_folder)
    yield started
    started.child.stop()


def enrol(database: Database, broker: DeployedBroker, name: str, **more: Any) -> Enrolment:
    with Session(database.engine("owner")) as session, session.begin():
        return agents.add(
            session,
            name,
            "bluebonnet",
            accounts_file=broker.accounts,
            broker_url=f"mqtts://localhost:{broker.port}",
            reload_pid=broker.child.process.pid,
            **more,
        )


class Visitor:
    """A client that signs in and remembers what it hears."""

    def __init__(
        self,
        broker: DeployedBroker,
        name: str,
        password: str,
        *,
        tls: bool = True,
        patience_s: float = PATIENCE_S,
    ):
        self.heard: list[str] = []
        self.reason: str | None = None
        self.lost = threading.Event()
        self._greeted, self._subscribed = threading.Event(), threading.Event()
        self.client = paho.Client(
            CallbackAPIVersion.VERSION2,
            f"visitor-{secrets.token_hex(4)}",
            protocol=MQTTProtocolVersion.MQTTv5,
            reconnect_on_failure=False,
        )
        self.client.username_pw_set(name, password)
        if tls:
            self.client.tls_set_context(ssl.create_default_context(cafile=broker.ca_file))
        self.client.on_connect = self._on_connect
        self.client.on_disconnect = lambda *_: self.lost.set()
        self.client.on_subscribe = lambda *_: self._subscribed.set()
        self.client.on_message = lambda _c, _u, message: self.heard.append(message.topic)
        self.client.connect("localhost", broker.port)
        self.client.loop_start()
        self._greeted.wait(patience_s)

    def _on_connect(self, client: paho.Client, *rest: Any) -> None:
        self.reason = str(rest[2])
        self._greeted.set()

    def listen(self, *topics: str) -> None:
        self.client.subscribe([(topic, 1) for topic in topics])
        assert self._subscribed.wait(PATIENCE_S)

    def say(self, topic: str) -> None:
        self.client.publish(topic, b"x", qos=1)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.mark.mosquitto
def test_an_added_agent_signs_in_and_its_first_reading_arrives(
    database: Database, broker: DeployedBroker, cast: Cast, tmp_path: Path
) -> None:
    made = enrol(database, broker, "bravo-pad", well="Bluebonnet 1H")
    assert made.shard == agents.shard_of("bravo-pad")
    file = tmp_path / "agent.toml"
    example = (Path(__file__).parents[2] / "config" / "agent.example.toml").read_text()
    site = example[example.index("\n[[ports]]") :]
    rest = f'\n[outbox]\npath = "{tmp_path}/outbox.db"\n{site}'
    file.write_text(made.toml.replace("[mqtt]", f'[mqtt]\nca_file = "{broker.ca_file}"') + rest)
    known = load_agent(file, {"WELLFLOW_MQTT_PASSWORD": made.password})
    assert (known.agent.name, known.agent.shard) == ("bravo-pad", made.shard)
    assert known.agent.well == "Bluebonnet 1H"
    assert known.mqtt.password == made.password
    assert "password" not in tomllib.loads(made.toml)["mqtt"]
    hub = Running(
        settings_for(
            database.url,
            broker.url("hub", broker.hub_password),
            WELLFLOW_MQTT_CA_FILE=broker.ca_file,
        )
    ).ready()
    visitor = Visitor(broker, made.name, made.password)
    visitor.listen(f"wf/1/{made.shard}/{made.name}/dn/+", "wf/1/hub/+")
    rows = Rows(database)
    visitor.say(f"wf/1/{made.shard}/{made.name}/up/t")
    wait_until(lambda: bool(rows.quarantine()), "it arrived, if only as noise")
    wait_until(lambda: bool(visitor.heard), "it is answered")
    visitor.close()
    hub.stop()
    rows.close()


@pytest.mark.mosquitto
def test_an_agent_has_its_own_topics_and_no_others(
    database: Database, broker: DeployedBroker, cast: Cast
) -> None:
    one, other = (enrol(database, broker, name) for name in ("pad-one", "pad-two"))
    hub = Visitor(broker, "hub", broker.hub_password)
    hub.listen("wf/1/+/+/st", "wf/1/+/+/up/+")
    first, second = (Visitor(broker, m.name, m.password) for m in (one, other))
    second.listen("#")
    own = f"wf/1/{one.shard}/{one.name}"
    forbidden = [
        f"wf/1/{other.shard}/{other.name}/up/t",
        f"wf/1/{other.shard}/{other.name}/dn/ack",
        f"{own}/dn/cmd",
        "wf/1/hub/fake",
        "elsewhere",
    ]
    for topic in forbidden:
        visitor = Visitor(broker, one.name, one.password)
        visitor.say(topic)
        visitor.lost.wait(0.3)
        visitor.close()
    first.say(f"{own}/up/t")
    first.say(f"{own}/st")
    wait_until(lambda: len(hub.heard) == 2, "the hub hears what is allowed")
    hub.say(f"wf/1/{other.shard}/{other.name}/dn/ack")
    hub.say("wf/1/hub/one")
    wait_until(lambda: len(second.heard) == 2, "the other hears what is for it")
    assert hub.heard == [f"{own}/up/t", f"{own}/st"]
    assert second.heard == [f"wf/1/{other.shard}/{other.name}/dn/ack", "wf/1/hub/one"]
    for visitor in (hub, first, second):
        visitor.close()


@pytest.mark.mosquitto
def test_a_revoked_agent_is_shown_the_door(
    database: Database, broker: DeployedBroker, cast: Cast
) -> None:
    made = enrol(database, broker, "bravo-pad")
    visitor = Visitor(broker, made.name, made.password)
    assert visitor.reason == "Success"
    with Session(database.engine("owner")) as session, session.begin():
        agents.revoke(
            session,
            made.name,
            accounts_file=broker.accounts,
            reload_pid=broker.child.process.pid,
        )
    assert visitor.lost.wait(PATIENCE_S)
    visitor.close()
    again = Visitor(broker, made.name, made.password)
    assert again.reason == "Not authorized"
    again.close()
    assert broker_accounts.names(broker.accounts) == ["hub"]
    rows = Rows(database)
    assert rows.one("SELECT revoked_at IS NOT NULL FROM agents WHERE name = 'bravo-pad'")
    rows.close()
    with pytest.raises(AgentError, match="names are never used again"):
        enrol(database, broker, "bravo-pad")


@pytest.mark.mosquitto
def test_the_broker_takes_nobody_without_an_account_or_encryption(broker: DeployedBroker) -> None:
    stranger = Visitor(broker, "stranger", "guess")
    assert stranger.reason == "Not authorized"
    stranger.close()
    bare = Visitor(broker, "hub", broker.hub_password, tls=False, patience_s=1.0)
    assert bare.reason is None
    bare.close()


# ------------------------------------------------------------------------- without a broker


def add(database: Database, file: Path | None, name: str, slug: str, **more: Any) -> Enrolment:
    with Session(database.engine("owner")) as session, session.begin():
        return agents.add(
            session, name, slug, accounts_file=file, broker_url="mqtts://hub.example.com", **more
        )


@pytest.mark.parametrize(
    ("name", "slug", "more", "words"),
    [
        ("Bravo Pad", "bluebonnet", {}, "cannot be an agent's name"),
        ("hub", "bluebonnet", {}, "the hub's own account"),
        ("bluebonnet-pad-1", "cimarron", {}, "exists already"),
        ("bravo", "nobody", {}, "there are: bluebonnet, cimarron"),
        ("bravo", "bluebonnet", {"well": "Nine 9H"}, "has no well 'Nine 9H'"),
        ("bravo", "bluebonnet", {"well": "Cimarron 1H"}, "has no well 'Cimarron 1H'"),
        ("bravo", "bluebonnet", {"reload_pid": 2**22 + 1}, "does not take a signal"),
    ],
)
def test_what_cannot_be_added_says_why_and_leaves_no_row(
    database: Database,
    cast: Cast,
    tmp_path: Path,
    name: str,
    slug: str,
    more: dict[str, Any],
    words: str,
) -> None:
    with pytest.raises(AgentError, match=words):
        add(database, tmp_path / "accounts", name, slug, **more)
    rows = Rows(database)
    assert rows.one("SELECT count(*) FROM agents") == 4
    rows.close()


def test_without_a_writable_account_file_nothing_is_added(
    database: Database, cast: Cast, tmp_path: Path
) -> None:
    with pytest.raises(AgentError, match="WELLFLOW_MQTT_ACCOUNTS_FILE"):
        add(database, None, "bravo", "bluebonnet")
    with pytest.raises(AccountsError, match="cannot be written"):
        add(database, tmp_path / "no" / "such" / "folder", "bravo", "bluebonnet")
    rows = Rows(database)
    assert rows.one("SELECT count(*) FROM agents") == 4
    rows.close()


def test_revoking_what_is_not_there_says_so(database: Database, cast: Cast) -> None:
    for words in ("no agent 'nobody'",):
        with (
            pytest.raises(AgentError, match=words),
            Session(database.engine("owner")) as session,
            session.begin(),
        ):
            agents.revoke(session, "nobody", accounts_file=None)


def test_shards_spread_evenly_and_stay() -> None:
    assert agents.shard_of("bravo-pad") == 36
    counts = [0] * 64
    for number in range(6400):
        counts[agents.shard_of(f"site-{number}")] += 1
    assert min(counts) > 50
    assert max(counts) < 160
