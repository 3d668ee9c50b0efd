"""The hub's rules run at the site, and what they raise comes back: real broker, both programs."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Thread

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from agent.annunciation import AlarmSettings
from agent.contract.blocks import Sample
from agent.contract.rulebundle import read_key
from agent.runtime import Runtime
from agent.settings import (
    AgentIdentity,
    AgentSettings,
    GaugeSettings,
    MqttSettings,
    OutboxSettings,
)
from hub import agents
from hub.alerts import rules, sitebundles
from hub.schema import SiteRules
from tests.cast import Cast
from tests.ingest.hub import Rows, Running, running, settings_for, wait_until
from tests.servers.mosquitto import Mosquitto
from tests.servers.postgres import Database

pytestmark = pytest.mark.mosquitto

NAME, SHARD, TAG = "bluebonnet-pad-2", 2, "plc.separator_pressure"
HIGH = {"levels": {"hihi": {"setpoint": 800, "priority": 1}}}


@dataclass
class House:
    """Hub and site, and the hands of a test on both."""

    database: Database
    broker: Mosquitto
    cast: Cast
    folder: Path
    rows: Rows
    key: bytes

    def settings(self, key: bytes | None) -> AgentSettings:
        outbox = OutboxSettings(self.folder / "outbox.db", commit_every_s=0.1, cut_every_s=0.2)
        mqtt = MqttSettings(self.broker.url().split("@")[-1], NAME, f"{NAME}-secret")
        mqtt = replace(mqtt, url=f"mqtt://{mqtt.url}")
        gauge = GaugeSettings(1, TAG, "plc", "holding", 0, "uint16", unit="psi", interval_s=1)
        return AgentSettings(
            AgentIdentity(NAME, SHARD), mqtt, outbox, gauges=(gauge,), alarms=AlarmSettings(key)
        )

    @contextmanager
    def site(self, key: bytes | None) -> Iterator[Runtime]:
        agent = Runtime(self.settings(key))
        loops = [Thread(target=loop) for loop in (agent._keep, agent._publish)]
        for loop in loops:
            loop.start()
        try:
            yield agent
        finally:
            agent.stop.set()
            for loop in loops:
                loop.join(20)
            agent.outbox.close()

    def make_rule(self, **words: str) -> uuid.UUID:
        find = f"SELECT id FROM tags WHERE name = '{TAG}'"
        wait_until(lambda: self.rows.one(find) is not None, "the tag is declared")
        with Session(self.database.engine("owner")) as session, session.begin():
            tag = self.rows.one(find)
            return rules.create(session, self.cast.bluebonnet.id, tag, "High", HIGH, **words).id

    def renew(self) -> int:
        settings = settings_for(self.database.url, self.broker.url())
        return sitebundles.renew(self.database.engine("work"), settings)


@pytest.fixture
def house(database: Database, broker: Mosquitto, cast: Cast, tmp_path: Path) -> Iterator[House]:
    rows = Rows(database)
    secret = settings_for(database.url, broker.url()).secret_key
    with Session(database.engine("owner")) as session, session.begin():
        key = agents.renew_key(session, NAME, secret)
    yield House(database, broker, cast, tmp_path, rows, read_key(key))
    rows.close()


@pytest.fixture
def hub(house: House) -> Iterator[Running]:
    with running(house.database, house.broker) as started:
        yield started


def high(agent: Runtime, value: float) -> None:
    agent._take_in([Sample(1, agent.clock.now_ms(), value, 0)])


def test_rules_go_out_alarms_come_back_and_the_office_silences_the_horn(
    house: House, hub: Running
) -> None:
    rows = house.rows
    with house.site(house.key) as agent:
        rule = house.make_rule(action="Close the inlet.")
        assert house.renew() == 1
        assert house.renew() == 0  # nothing has changed
        wait_until(lambda: len(agent.onsite.alarms) == 1, "the site runs the rule")
        running_now = "SELECT running = epoch AND epoch > 0 FROM site_rules"
        wait_until(lambda: rows.one(running_now), "the hub knows what the site runs")

        high(agent, 900)
        wait_until(lambda: rows.one("SELECT count(*) FROM site_alarms") == 1, "the alarm")
        found = rows.all("SELECT kind, rule_id, level, priority FROM site_alarms")
        assert found == [("raised", rule, "hihi", 1)]
        assert agent.onsite.status()["standing"][0].startswith("P1 High (hihi) 900 psi")

        # Somebody takes it on at the office: the site is told with its next rules.
        rows.run(
            "WITH made AS (INSERT INTO alerts (organization_id, rule_id, rule_version, tag_id,"
            " dedup_key, level, priority, message, origin, setpoint, condition, raised_at,"
            " detected_at, ack) SELECT organization_id, rule_id, 1, tag_id, 'k', level, priority,"
            " 'high', 'live', 800, 'active', raised_at, now(), 'acked' FROM site_alarms"
            " RETURNING id) UPDATE site_alarms SET alert_id = (SELECT id FROM made)"
        )
        assert house.renew() == 1
        wait_until(
            lambda: all(one.acked for one in agent.onsite.alarms.standing()), "it is acknowledged"
        )


def test_a_site_keeps_its_rules_without_a_hub_and_refuses_older_ones(
    house: House, hub: Running
) -> None:
    with house.site(house.key) as agent:
        house.make_rule()
        house.renew()
        wait_until(lambda: len(agent.onsite.alarms) == 1, "the site runs the rule")
        epoch = agent.onsite.alarms.epoch
        old = bytes(house.rows.one("SELECT bundle FROM site_rules"))
    hub.stop()
    with house.site(house.key) as agent:
        assert (len(agent.onsite.alarms), agent.onsite.alarms.epoch) == (1, epoch)
        high(agent, 900)
        assert len(agent.onsite.alarms.standing()) == 1
        agent.onsite.alarms.epoch += 1
        agent.onsite.configured(old)
        assert "older than those that run" in agent.onsite.words


def test_a_site_with_another_key_says_in_one_sentence_what_to_do(
    house: House, hub: Running
) -> None:
    with house.site(bytes(32)) as agent:
        house.make_rule()
        house.renew()
        refusal = "SELECT refusal FROM site_rules"
        wait_until(lambda: house.rows.one(refusal) is not None, "the hub knows")
        assert "WELLFLOW_ALARMS_KEY" in house.rows.one(refusal)
        assert len(agent.onsite.alarms) == 0
    with house.site(None):
        wait_until(lambda: "alarms.key" in (house.rows.one(refusal) or ""), "the hub knows")


def test_bundles_are_made_anew_when_anything_in_them_changes(house: House, hub: Running) -> None:
    with house.site(house.key):
        rule = house.make_rule()
        assert house.renew() == 1
    first = house.rows.one("SELECT epoch FROM site_rules")
    with Session(house.database.engine("owner")) as session, session.begin():
        rules.change(session, rule, params={"levels": {"hihi": {"setpoint": 850, "priority": 1}}})
    assert house.renew() == 1
    second = house.rows.one("SELECT epoch FROM site_rules")
    assert second > first
    with Session(house.database.engine("owner")) as session, session.begin():
        rules.change(session, rule, enabled=False)
    assert house.renew() == 1
    assert house.rows.one("SELECT rules FROM site_rules") == 0
    with house.database.engine("owner").begin() as connection:  # a backup comes back
        connection.execute(text("UPDATE site_rules SET epoch = :e, fingerprint = ''"), {"e": first})
    time.sleep(0.002)
    assert house.renew() == 1
    with Session(house.database.engine("owner")) as session:
        assert session.query(SiteRules).one().epoch > second
