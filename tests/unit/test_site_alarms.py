"""The alarms of a site: judged as they are read, on disk at once, through restarts and clocks."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field, replace

import pytest

from agent.alarms import SiteAlarms
from agent.contract.blocks import ClockState, Sample
from agent.contract.errors import WireError
from agent.contract.records import Record, SiteAlarm, alarm_of, is_record, thaw_record
from agent.contract.rulebundle import (
    Bundle,
    SiteRule,
    open_bundle,
    read_key,
    seal_bundle,
    write_key,
)
from agent.hubwatch import HubWatch
from agent.outbox import Outbox
from tests.outboxes import ROOMY, T0, fresh, lines

KEY, RULE = bytes(range(32)), uuid.UUID(int=7)
TAGS = {"plc.tubing": 1, "plc.casing": 2}
HIGH = {"levels": {"hihi": {"setpoint": 800, "priority": 1, "on_delay_s": 5, "off_delay_s": 10}}}


@dataclass
class Clock:
    now: int = T0
    boot: str = "boot-a"
    state: ClockState = ClockState.SET

    def now_ms(self) -> int:
        return self.now

    def mono_ms(self) -> int:
        return self.now - T0 + 1000


def rule(**more: object) -> SiteRule:
    made = SiteRule(RULE, 1, "plc.tubing", "limit", HIGH, 60.0, "Tubing high", "Bravo 1H", "psi")
    return replace(made, **more)


def bundle(*rules: SiteRule, epoch: int = 100, **more: object) -> Bundle:
    return replace(Bundle("pad", epoch, T0, {}, rules or (rule(),)), **more)


@dataclass
class Site:
    """A site whose gauge says what the test tells it."""

    outbox: Outbox = field(default_factory=fresh)
    clock: Clock = field(default_factory=Clock)
    sent: int = 0

    def __post_init__(self) -> None:
        self.alarms = SiteAlarms(self.outbox, self.clock, TAGS, 9, self._news)
        self.alarms.use(bundle())

    def _news(self) -> None:
        self.sent += 1

    def read(self, value: float | None, seconds: int = 1) -> None:
        for _ in range(seconds):
            self.clock.now += 1000
            quality = 0 if value is not None else 16
            self.alarms.feed([Sample(1, self.clock.now, value, quality)])

    def told(self) -> list[SiteAlarm]:
        """Every record of an alarm on disk, in order."""
        found = [
            line
            for info in self.outbox.streams()
            if info.lane == "a"
            for line in lines(self.outbox, info.id, info.floor + 1).values()
        ]
        assert all(map(is_record, found))
        return [alarm_of(thaw_record(line)) for line in found]

    def restarted(self, outbox: Outbox | None = None) -> Site:
        """The same disk in a program that starts anew, after power was cut."""
        disk = Outbox.in_memory(ROOMY, (outbox or self.outbox).image())
        disk.begin_life(self.clock.now)
        return Site(disk, Clock(self.clock.now, "boot-b"))


def test_an_alarm_is_on_disk_and_on_its_way_when_it_is_certain() -> None:
    site = Site()
    site.read(500, 3)
    site.read(900, 5)
    assert (site.told(), site.sent) == ([], 0)
    site.read(900)
    (raised,) = site.told()
    assert (raised.what, raised.level, raised.priority, raised.value) == ("raised", "hihi", 1, 900)
    assert (raised.raised_at, raised.seen_at) == (T0 + 4000, T0 + 9000)
    assert site.sent == 1
    (standing,) = site.alarms.standing()
    assert (standing.spell, standing.acked) == (raised.spell, "")

    site.read(500, 11)
    assert [alarm.what for alarm in site.told()] == ["raised", "cleared"]
    assert site.told()[1].spell == raised.spell
    assert site.alarms.standing() == []


@pytest.mark.parametrize("cut_after", range(1, 24))
def test_power_cut_in_the_middle_gives_the_same_alarm(cut_after: int) -> None:
    site, values = Site(), [500] * 3 + [900] * 10 + [500] * 12
    for second, value in enumerate(values, 1):
        site.read(value)
        site.alarms.checkpoint()
        if second == cut_after:
            site = site.restarted()
    told = site.told()
    assert [alarm.what for alarm in told] == ["raised", "cleared"]
    assert len({alarm.spell for alarm in told}) == 1
    assert {alarm.raised_at for alarm in told} == {T0 + 4000}


def test_a_clock_that_is_corrected_neither_hides_nor_cuts_short_an_alarm() -> None:
    site = Site()
    site.clock.state = ClockState.HOLDING
    site.read(900, 4)
    step = -3_600_000  # it ran an hour ahead
    site.outbox.retime("boot-a", step, ClockState.STEPPED)
    site.clock.now += step
    site.clock.state = ClockState.STEPPED
    site.alarms.clock_stepped(step)
    site.read(900, 4)
    (raised,) = site.told()
    assert raised.raised_at == T0 + 1000 + step

    far = Site()
    far.read(900, 8)
    back = far.restarted()
    back.clock.now -= 40 * 365 * 86_400_000  # a box whose battery is dead
    back.clock.state = ClockState.NEVER
    back.read(500, 12)
    assert [alarm.what for alarm in back.told()] == ["raised", "cleared"]


def test_acknowledged_on_site_or_at_the_office_a_worse_level_asks_again() -> None:
    levels = {"hi": {"setpoint": 700, "priority": 2}, "hihi": {"setpoint": 800, "priority": 1}}
    site = Site()
    site.alarms.use(bundle(rule(version=2, params={"levels": levels}), epoch=101))
    site.read(750)
    (taken,) = site.alarms.acknowledge("Carl", "on it")
    assert site.alarms.acknowledge("Carl") == []
    assert [(a.what, a.by, a.note) for a in site.told()[1:]] == [("acknowledged", "Carl", "on it")]
    site.read(900)
    assert site.alarms.standing()[0].acked == ""
    site.alarms.use(
        bundle(rule(version=2, params={"levels": levels}), epoch=102, acknowledged=(taken.spell,))
    )
    assert site.alarms.standing()[0].acked == "the office"
    assert len(site.told()) == 3  # the hub knows


def test_rules_that_cannot_be_run_here_are_named_and_the_others_run() -> None:
    site = Site()
    odd = [
        rule(id=uuid.UUID(int=8), tag="plc.gone", name="Gone"),
        rule(id=uuid.UUID(int=9), kind="prophecy", name="Tomorrow"),
    ]
    site.alarms.use(bundle(*odd, rule(), epoch=101))
    assert len(site.alarms.faults) == 2
    site.read(900, 6)
    assert len(site.told()) == 1


def test_alarms_are_never_thinned_and_leave_last() -> None:
    site = Site()
    site.read(900, 6)
    before = site.told()
    site.outbox.limits = replace(ROOMY, max_bytes=1)
    site.outbox.keep_bound(site.clock.now)
    assert site.told() == before


def test_rules_are_taken_only_from_who_has_the_key() -> None:
    made = bundle()
    payload = seal_bundle(made, KEY)
    assert open_bundle(payload, KEY, "pad") == made
    for key, agent, what in (
        (bytes(32), "pad", "not signed with this agent's key"),
        (KEY, "other", "not for 'other'"),
    ):
        with pytest.raises(WireError, match=what):
            open_bundle(payload, key, agent)
    forged = payload[:1] + payload[1:].replace(b'"setpoint":800', b'"setpoint":999')
    if forged != payload:
        with pytest.raises(WireError):
            open_bundle(forged, KEY, "pad")
    assert read_key(write_key(KEY)) == KEY
    for text in ("", "short", "!!"):
        with pytest.raises(ValueError, match=r"key|bytes"):
            read_key(text)


def test_a_site_is_alone_when_no_hub_was_heard_for_too_long() -> None:
    now = [100.0]
    watch = HubWatch(60, lambda: now[0])
    now[0] += 59
    assert not watch.alone
    assert watch.heard() is None
    now[0] += 61
    assert watch.alone
    assert [watch.turned(), watch.turned()] == [True, False]
    now[0] += 30
    assert watch.heard() == 91
    assert not watch.alone
    assert not watch.turned()


def test_what_a_state_on_disk_cannot_tell_begins_anew(caplog: pytest.LogCaptureFixture) -> None:
    site = Site()
    site.read(900, 6)
    site.outbox.keep({f"alarm:{RULE}": json.dumps({"version": 1}).encode()})
    again = site.restarted()
    assert "begins anew" in caplog.text
    again.read(900, 6)
    assert [alarm.what for alarm in again.told()] == ["raised", "raised"]


# -------------------------------------------------------------------------------------- chatter

BARE = {
    "levels": {
        "hi": {"setpoint": 700, "priority": 2},
        "hihi": {"setpoint": 800, "priority": 1},
    }
}


def records(site: Site) -> list[Record]:
    return [
        thaw_record(line)
        for info in site.outbox.streams()
        if info.lane == "a"
        for line in lines(site.outbox, info.id, info.floor + 1).values()
    ]


def bare() -> Site:
    """A site with one rule that has no delays at all."""
    site = Site()
    site.alarms.use(bundle(rule(params=BARE, version=2), epoch=200))
    return site


@pytest.mark.parametrize(
    "values",
    [(750.0, 850.0), (850.0, None), (500.0, 850.0, None, 750.0)],
    ids=["changes its level", "goes blind", "all of it"],
)
def test_a_rule_without_delays_fills_no_disk(values: tuple[float | None, ...]) -> None:
    """Swinging every second for an hour and a half: few records, and it is said why."""
    site = bare()
    for n in range(5400):
        site.read(values[n % len(values)])
    found = records(site)
    assert len(found) <= 2 * 40
    said = [record.body["said"] for record in found if record.kind == "site"]
    assert 1 <= len(said) <= 2 * 2
    assert all(words.startswith("Rule “Tubing high” ") for words in said)


def test_an_alarm_that_keeps_coming_back_is_one_that_stands_and_ends() -> None:
    site = bare()
    for n in range(600):
        site.read(750.0 if n % 2 else 500.0)
    alarms = [alarm_of(r) for r in records(site) if r.kind == "alarm"]
    assert [a.what for a in alarms] == ["raised", "cleared"] * 5 + ["raised"]
    assert len(site.alarms.standing()) == 1
    site.read(500.0, 3600)
    alarms = [alarm_of(r) for r in records(site) if r.kind == "alarm"]
    assert alarms[-1].what == "cleared"
    assert site.alarms.standing() == []


def test_what_becomes_worse_is_told_however_often_it_has_changed() -> None:
    site = bare()
    site.alarms.use(
        bundle(
            rule(
                params={
                    "levels": {
                        "lolo": {"setpoint": 100, "priority": 1},
                        "lo": {"setpoint": 300, "priority": 2},
                        "hi": {"setpoint": 700, "priority": 3},
                        "hihi": {"setpoint": 800, "priority": 2},
                    }
                },
                version=3,
            ),
            epoch=300,
        )
    )
    for n in range(200):
        site.read(750.0 if n % 2 else 850.0)
    told = len(records(site))
    site.read(50.0)
    assert len(records(site)) == told + 1
    (last,) = [alarm_of(r) for r in records(site) if r.kind == "alarm"][-1:]
    assert (last.what, last.level, last.priority) == ("level", "lolo", 1)


def test_a_rule_that_limits_itself_needs_no_word_about_it() -> None:
    site = Site()
    site.alarms.use(bundle(rule(params=BARE | {"most_per_hour": 2}, version=2), epoch=200))
    for n in range(600):
        site.read(750.0 if n % 2 else 500.0)
    assert [r.kind for r in records(site)] == ["alarm"] * 3
