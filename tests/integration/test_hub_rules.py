"""The rules about the hub and its people: what stands still or reaches nobody opens an alert."""

from __future__ import annotations

import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from hub.alerts import afterwards, office, standing_rules
from hub.alerts.conditions import Finding
from hub.console import create_app
from hub.database import tenant_session
from hub.deadman import Progress
from hub.jobs import health
from hub.notify import delivery, failover, links
from hub.settings import HubSettings
from tests.alerting import Gauge, settings, steady, watch
from tests.cast import Cast
from tests.console import Visitor, read
from tests.oncall import MINUTE, NOON, Office, to
from tests.oncall import office as open_office
from tests.servers.certificates import Authority
from tests.servers.mail import Mailbox
from tests.servers.postgres import Database
from tests.tlsport import TlsPort

LOOPS = ("store-0", "judge", "deliver-people-1", "deliver-endpoints-1", "escalate", "jobs")


@pytest.fixture
def house(database: Database, cast: Cast) -> Office:
    made = open_office(database, cast)
    with tenant_session(database.engine("work"), made.organization) as session:
        standing_rules.ensure(session, made.organization)
    return made


def standing(house: Office, template: str) -> list[tuple[str, int]]:
    """Sentence and priority of what stands of a built-in rule."""
    rows = house.rows(
        "SELECT a.message, a.priority FROM alerts a JOIN alert_rules r ON r.id = a.rule_id"
        " WHERE r.template = :template AND a.condition <> 'normal' ORDER BY a.priority, a.message",
        template=template,
    )
    return [(row.message, row.priority) for row in rows]


def look(house: Office, at: datetime, of_hub: list[Finding] | None = None) -> None:
    office.look(house.database.engine("work"), office.OF_ITSELF, at, of_hub)


def test_work_that_stands_still_is_an_alert_until_it_goes_on(house: Office) -> None:
    told, work = settings(house.database), house.database.engine("work")
    now = datetime.now(UTC)

    def go_on(*loops: str) -> None:
        progress = Progress("hub@test")
        for loop in loops:
            progress.note(loop)
        with work.begin() as connection:
            progress.write(connection)

    look(house, now, health.look(work, told, now, age_s=60))
    assert standing(house, "hub_unwell") == [], "the hub has only just begun"
    go_on(*LOOPS)
    later = now + timedelta(minutes=5)
    look(house, later, health.look(work, told, later, age_s=999))
    assert ("Nothing does the work of 'judge'.", 2) in standing(house, "hub_unwell")
    look(house, later)  # a round that did not look at the hub says nothing of it
    assert standing(house, "hub_unwell")
    go_on(*LOOPS)
    now = datetime.now(UTC)
    look(house, now, health.look(work, told, now, age_s=999))
    assert standing(house, "hub_unwell") == []
    assert house.rows("SELECT FROM notifications"), "people were told"


def test_who_cannot_be_reached_is_an_alert_until_they_answer(house: Office) -> None:
    house.channel(house.carl)
    mark = {"o": house.organization, "u": house.carl, "at": NOON}
    house.rows(
        "INSERT INTO reach_checks (organization_id, user_id, asked_at, due_at, missed_at)"
        " VALUES (:o, :u, :at, :at, :at) RETURNING id",
        **mark,
    )
    look(house, NOON + MINUTE)
    ((sentence, priority),) = standing(house, "people_reached")
    assert sentence.startswith("Carl"), sentence
    assert ("did not answer" in sentence, priority) == (True, 3)
    house.rows("UPDATE reach_checks SET answered_at = :at RETURNING id", at=NOON + MINUTE)
    look(house, NOON + 2 * MINUTE)
    assert standing(house, "people_reached") == []


@pytest.mark.parametrize(("free", "priority"), [(50, None), (9, 3), (3, 2)])
def test_a_disk_that_fills_is_told_before_it_is_full(
    tmp_path: Path, free: int, priority: int | None
) -> None:
    folders = [tmp_path / "not" / "yet" / "there", tmp_path]
    found = list(health.disks(folders, NOON, lambda _path: (100, 100 - free, free)))
    assert [one.priority for one in found] == ([] if priority is None else [priority])
    if found:
        assert f"{free} % free" in found[0].sentence
        assert socket.gethostname() in found[0].sentence


@pytest.mark.parametrize(("days", "priority"), [(60, None), (20, 3), (3, 2), (-1, 2)])
def test_a_certificate_is_told_before_it_ends(days: int, priority: int | None) -> None:
    ends = NOON + timedelta(days=days)
    found = list(health.certificates(["https://hub.example"], NOON, lambda _address: ends))
    assert [one.priority for one in found] == ([] if priority is None else [priority])


def test_the_certificate_that_is_shown_is_the_one_that_is_read(tmp_path: Path) -> None:
    port = TlsPort(tmp_path, lambda _line: None, Authority.new())
    try:
        ends = health.ends_at(f"mqtts://127.0.0.1:{port.port}")
    finally:
        port.stop()
    assert ends is not None
    assert ends > datetime.now(UTC)
    assert health.ends_at("mqtt://127.0.0.1:1") is None


# ------------------------------------------------------------------------------------- a flood


@pytest.fixture
def told(database: Database, mailbox: Mailbox) -> HubSettings:
    return settings(database, mail_port=mailbox.port)


def test_a_floods_message_takes_on_what_it_told_of_and_no_more(
    house: Office, told: HubSettings
) -> None:
    house.policy(to(house.bob))
    first = [house.alert(3, NOON + number * timedelta(seconds=1), number) for number in range(14)]
    house.turn(1)
    later = house.alert(3, NOON + 3 * MINUTE, 99)  # the message was written before
    (sent,) = house.rows("SELECT id FROM notifications WHERE kind = 'storm'")
    delivery.deliver_due(house.database.engine("work"), told, NOON + 4 * MINUTE)
    path = f"/m/{links.token_of(told.secret_key, sent.id)}"
    stranger = Visitor(create_app(told, house.database.engine("app")), "https://hub.example")
    assert "Acknowledge" in read(stranger.get(path))
    assert "14 alerts are yours now" in read(stranger.post(path, {"choice": "coming"}))
    waits = house.rows(
        "SELECT id FROM alerts WHERE ack = 'unacked' AND rule_id = :r", r=house.gauge.rule
    )
    assert [row.id for row in waits] == [later]
    assert len(house.rows("SELECT FROM alerts WHERE acked_by = :bob", bob=house.bob)) == len(first)
    assert stranger.post(path).status_code == 409, "once"


# -------------------------------------------------------------------------- when one way fails


@pytest.mark.parametrize(
    ("wants", "most_sms", "taken"),
    [({}, None, "sms"), ({"2": ["email", "push"]}, None, "push"), ({}, 0, "push")],
)
def test_the_next_way_is_the_one_that_person_wants(
    house: Office, wants: dict[str, list[str]], most_sms: int | None, taken: str
) -> None:
    for kind in ("push", "sms"):
        house.channel(house.bob, kind)
    house.prefer(house.bob, channels=wants, most_sms_a_day=most_sms)
    house.policy(to(house.bob, "email"))
    alert = house.alert(2)
    with house.owner() as session, session.begin():
        due = session.execute(
            text("SELECT * FROM notifications WHERE alert_id = :a"), {"a": alert}
        ).one()
        assert failover.another_way(session, due, NOON)
    assert [kind for _, _, kind in house.told()] == ["email", taken]


def test_secrets_of_messages_are_forgotten_a_week_after_their_end(
    house: Office, told: HubSettings
) -> None:
    house.policy(to(house.bob))
    house.alert(2)
    work = house.database.engine("work")
    delivery.deliver_due(work, told, NOON)
    ended = datetime.now(UTC) + links.LIVES
    assert links.forget_expired(work, ended + timedelta(days=6)) == 0
    assert links.forget_expired(work, ended + timedelta(days=8)) == 1


# ------------------------------------------------------------------------------------ afterwards


def test_what_happened_while_the_link_was_down_is_told_once_and_only_what_is_over(
    database: Database, cast: Cast
) -> None:
    start = datetime(2024, 6, 1, 12, 0, tzinfo=UTC)
    gauge: Gauge = watch(database, cast.bluebonnet, start)
    work = database.engine("work")
    gauge.arrive(*steady(150, [10]), *steady(95, [60, 70]), *steady(150, [80, 200]))
    gauge.arrive(*steady(95, [300, 310]))  # still stands where the backlog has come to
    gauge.judge(7200)
    assert afterwards.digest_outages(work, gauge.at(7200 + 60)) == 0, "more may be on its way"
    assert afterwards.digest_outages(work, gauge.at(7200 + 180)) == 1
    over, standing_one = gauge.alerts()
    assert (over.digested_at is not None, standing_one.digested_at) == (True, None)
    assert gauge.events(over).count("digest") == 1
    assert afterwards.digest_outages(work, gauge.at(7200 + 240)) == 0, "once"
