"""No operator waits for another's storm, and none for another's slow address."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy import text

from hub.notify import delivery, turns
from hub.notify.channels import Parcel, Taken
from hub.settings import HubSettings
from tests.alerting import Gauge, settings, watch
from tests.cast import Cast, Operator
from tests.notifying import START, deliver, watched
from tests.servers.postgres import Database

STORM = text(
    """
    INSERT INTO notifications (organization_id, alert_id, channel_id, kind, idempotency_key,
                               subject, body, priority, not_before, created_at, lane)
    SELECT n.organization_id, n.alert_id, n.channel_id, 'raised', 'storm-' || s, n.subject, n.body,
           1, n.not_before, n.created_at, :lane
    FROM (SELECT * FROM notifications WHERE organization_id = :operator LIMIT 1) n,
         generate_series(1, :size) s
    """
)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The operators whose messages were sent, in order."""
    order: list[str] = []

    def note(parcel: Parcel, _settings: HubSettings) -> Taken:
        order.append(str(parcel.body["organization"]))
        return Taken("1", "taken")

    monkeypatch.setattr(delivery, "SENDERS", {"email": note, "webhook": note})
    return order


@pytest.fixture
def gauge(database: Database, cast: Cast) -> Gauge:
    return watched(database, cast.bluebonnet)


def storm(gauge: Gauge, operator: Operator, size: int, lane: str = "people") -> None:
    with gauge.database.engine("owner").begin() as connection:
        values = {"operator": operator.id, "size": size, "lane": lane}
        connection.execute(STORM, values)
        connection.execute(text("ANALYZE notifications"))


def test_a_storm_of_ten_thousand_delays_no_page_of_another_operator(
    gauge: Gauge, cast: Cast, sent: list[str]
) -> None:
    told = settings(gauge.database)
    gauge.run((1, 95))
    storm(gauge, cast.bluebonnet, 10_000)
    delivery.deliver_due(gauge.database.engine("work"), told, gauge.at(2), most=20)
    other = watch(gauge.database, cast.cimarron, START)
    other.run((3, 95))
    delivery.deliver_due(gauge.database.engine("work"), told, gauge.at(4), most=2)
    assert sent[:20] == 20 * ["Bluebonnet Energy"]
    assert "Cimarron Oil" in sent[20:], "it goes next, or the one after"


def test_an_urgent_message_goes_before_ones_own_lesser_ones(
    gauge: Gauge, cast: Cast, sent: list[str]
) -> None:
    gauge.run((1, 95))
    storm(gauge, cast.bluebonnet, 3)
    with gauge.database.engine("owner").begin() as connection:
        connection.execute(text("UPDATE notifications SET priority = 4 WHERE priority = 1"))
    deliver(gauge, settings(gauge.database), 2)
    with gauge.database.engine("owner").connect() as connection:
        order = connection.scalars(
            text(
                "SELECT n.priority FROM notifications n ORDER BY (SELECT min(a.started_at)"
                " FROM notification_attempts a WHERE a.notification_id = n.id), n.priority"
            )
        ).all()
    assert order == sorted(order)
    assert len(sent) == 4


def test_lesser_messages_of_a_quiet_operator_are_not_starved(
    gauge: Gauge, cast: Cast, sent: list[str]
) -> None:
    """Others' criticals come first for some seconds, not for ever."""
    told = settings(gauge.database)
    gauge.run((1, 95))
    other = watch(
        gauge.database, cast.cimarron, START, {"levels": {"lo": {"setpoint": 100, "priority": 3}}}
    )
    other.run((1, 95), (30, 150))
    work = gauge.database.engine("work")
    delivery.deliver_due(work, told, gauge.at(2), most=2)
    storm(gauge, cast.bluebonnet, 500)
    sent.clear()
    for second in range(60):
        delivery.deliver_due(work, told, gauge.at(40 + second), most=3)
    assert "Cimarron Oil" in sent[:90]


def test_an_address_that_hangs_holds_up_neither_the_other_lane_nor_every_thread(
    gauge: Gauge, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = settings(gauge.database)
    hanging, go_on = threading.Semaphore(0), threading.Event()
    mailed: list[str] = []

    def hang(_parcel: Parcel, _settings: HubSettings) -> Taken:
        hanging.release()
        go_on.wait(20)
        return Taken("1", "late")

    def mail(parcel: Parcel, _settings: HubSettings) -> Taken:
        mailed.append(parcel.address)
        return Taken("1", "taken")

    monkeypatch.setattr(delivery, "SENDERS", {"webhook": hang, "email": mail})
    with gauge.database.engine("owner").begin() as connection:
        connection.execute(
            text(
                "INSERT INTO contact_channels (organization_id, kind, address)"
                " SELECT :o, 'webhook', 'https://slow.example/' || n FROM generate_series(1, 8) n"
            ),
            {"o": cast.bluebonnet.id},
        )
    gauge.run((1, 95))
    crew, work = turns.Crew(4), gauge.database.engine("work")
    threads = [
        threading.Thread(
            target=delivery.deliver_due,
            args=(work, told, gauge.at(2)),
            kwargs={"lane": "endpoints", "crew": crew, "most": 1},
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for _ in range(3):
        assert hanging.acquire(timeout=20)
    assert delivery.deliver_due(work, told, gauge.at(2), lane="people") == 1
    assert mailed == ["bob@example.com"]
    assert cast.bluebonnet.id in crew.busy(), "one of the four is kept for others"
    go_on.set()
    for thread in threads:
        thread.join(20)
    assert delivery.deliver_due(work, told, gauge.at(2) + timedelta(seconds=1)) == 5
