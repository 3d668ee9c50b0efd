"""Devices are asked on their beat; dead, slow and refusing ones do not disturb the others."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import re
from collections import Counter, defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.contract.blocks import Quality, Sample
from agent.poller import DeviceState, Poller
from agent.settings import AgentSettings
from tests.field.memory_bus import MemoryBus, MemoryUnit, at
from tests.field.settings import device, gauges_at, site, site_of
from tests.field.virtual_time import VirtualClock, run

START_MS = 1_700_000_000_000


class Seen:
    """Everything a run of the poller delivered."""

    def __init__(self) -> None:
        self.samples: list[Sample] = []
        self.states: dict[str, DeviceState] = {}

    def of(self, tag: int) -> list[Sample]:
        return [sample for sample in self.samples if sample.tag == tag]

    def qualities(self, tag: int, after: float = 0.0) -> Counter[int]:
        return Counter(s.quality for s in self.of(tag) if s.at >= START_MS + after * 1000)

    def seconds(self, tag: int) -> list[float]:
        return [(sample.at - START_MS) / 1000 for sample in self.of(tag)]


def poll(config: AgentSettings, bus: MemoryBus, seconds: float, *events: tuple) -> Seen:
    seen = Seen()

    async def main() -> None:
        poller = Poller(config, seen.samples.extend, VirtualClock(), connect=lambda _: bus)
        for moment, do in events:
            at(moment, do)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await poller.run()
        seen.states = {state.name: state for state in poller.states()}

    run(main())
    return seen


def assign(thing: object, **values: object):
    return lambda: [setattr(thing, name, value) for name, value in values.items()]


# ---------------------------------------------------------------------------------------- beats


def test_every_gauge_is_read_on_its_beat_without_drift() -> None:
    bus = MemoryBus(u1=MemoryUnit(delay=0.3))
    seen = poll(site_of(1), bus, 60)
    assert seen.seconds(1) == [pytest.approx(n + 0.3) for n in range(60)]
    assert [(s.value, s.quality) for s in seen.of(3)] == [(2.0, Quality.GOOD)] * 60


def test_gauges_of_one_device_may_have_different_beats() -> None:
    fast = device(1)
    gauges = (
        *gauges_at(fast, [0, 1]),
        *gauges_at(fast, [2], 3, interval_s=5.0),
    )
    seen = poll(site([fast], gauges), MemoryBus(u1=MemoryUnit()), 20)
    assert len(seen.of(1)) == len(seen.of(2)) == 20
    assert len(seen.of(3)) == 4


def test_a_bus_that_cannot_keep_up_skips_beats_and_counts_them() -> None:
    bus = MemoryBus(u1=MemoryUnit(delay=2.5))
    seen = poll(site_of(1, timeout_s=5.0), bus, 60)
    state = seen.states["well-1"]
    assert 18 <= len(seen.of(1)) <= 24
    assert state.missed + state.beats in range(57, 61)
    gaps = [b - a for a, b in itertools.pairwise(a.at for a in bus.asked)]
    assert min(gaps) >= 2.5


def test_a_bus_that_cannot_keep_up_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    bus = MemoryBus(u1=MemoryUnit(delay=2.5))
    poll(site_of(1, timeout_s=5.0), bus, 400, (200, assign(bus.units[1], delay=0.1)))
    told = [record.getMessage() for record in caplog.records]
    assert re.match(r"port pad: it cannot keep up: 3\d of [56]\d beats were missed", told[0])
    assert told[1:] == ["port pad: it keeps up again"]


# ----------------------------------------------------------------------------------- dead units


def dead_among_ten() -> tuple[AgentSettings, MemoryBus]:
    units = {f"u{n}": MemoryUnit(delay=0.02, alive=n != 5) for n in range(1, 11)}
    return site_of(*range(1, 11)), MemoryBus(**units)


def test_one_dead_unit_leaves_the_others_on_their_beat() -> None:
    config, bus = dead_among_ten()
    seen = poll(config, bus, 120)
    for unit in (*range(1, 5), *range(6, 11)):
        tag = 1 + (unit - 1) * 3
        assert len(seen.of(tag)) >= 119  # those behind it wait once, at the very start
        gaps = [b - a for a, b in itertools.pairwise(seen.seconds(tag))]
        assert max(gaps[2:]) < 2.0
        assert sum(gap > 1.5 for gap in gaps) <= 6


def test_a_dead_unit_takes_a_twentieth_of_the_bus_at_most() -> None:
    config, bus = dead_among_ten()
    poll(config, bus, 600)
    spent = sum(asked.took for asked in bus.asked if asked.unit == 5 and asked.at > 10)
    assert 0.02 * 590 < spent <= 0.05 * 590 + 1


def test_all_dead_units_of_a_port_share_one_budget() -> None:
    units = {f"u{n}": MemoryUnit(alive=n > 4) for n in range(1, 7)}
    bus = MemoryBus(**units)
    poll(site_of(*range(1, 7)), bus, 600)
    spent = sum(asked.took for asked in bus.asked if asked.unit <= 4 and asked.at > 30)
    assert spent <= 0.05 * 570 + 1
    probed = Counter(asked.unit for asked in bus.asked if asked.unit <= 4 and asked.at > 30)
    assert max(probed.values()) - min(probed.values()) <= 1


def test_a_probe_asks_for_one_gauge_only() -> None:
    config, bus = dead_among_ten()
    poll(config, bus, 60)
    assert {asked.count for asked in bus.asked if asked.unit == 5 and asked.at > 10} == {1}


def test_silence_is_data() -> None:
    config, bus = dead_among_ten()
    seen = poll(config, bus, 60)
    silent = seen.of(13)
    assert len(silent) >= 58
    assert {sample.value for sample in silent} == {None}
    assert set(seen.qualities(13)) == {Quality.NO_ANSWER, Quality.NOT_READ}
    assert seen.qualities(13, after=10) == {Quality.NOT_READ: len(silent) - 10}


def test_a_unit_that_returns_is_read_again() -> None:
    config, bus = dead_among_ten()
    seen = poll(config, bus, 120, (60, assign(bus.units[5], alive=True)))
    first_good = next(s.at for s in seen.of(13) if s.quality == Quality.GOOD)
    assert 60 <= (first_good - START_MS) / 1000 <= 82
    assert seen.states["well-5"].state == "answering"


def test_a_lone_device_that_returns_is_found_quickly() -> None:
    bus = MemoryBus(u1=MemoryUnit(alive=False))
    seen = poll(site_of(1), bus, 60, (30, assign(bus.units[1], alive=True)))
    first_good = next(s.at for s in seen.of(1) if s.quality == Quality.GOOD)
    assert (first_good - START_MS) / 1000 <= 33


def test_a_single_lost_answer_costs_one_reading() -> None:
    bus = MemoryBus(u1=MemoryUnit(), u2=MemoryUnit())
    gone, back = assign(bus.units[1], alive=False), assign(bus.units[1], alive=True)
    seen = poll(site_of(1, 2), bus, 30, (9.5, gone), (10.5, back))
    assert seen.qualities(1) == {Quality.GOOD: 29, Quality.NO_ANSWER: 1}
    assert seen.qualities(4)[Quality.GOOD] >= 29


# --------------------------------------------------------------------------------- the whole port


def test_an_unreachable_port_is_data_too_and_told_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    bus = MemoryBus(u1=MemoryUnit(), u2=MemoryUnit())
    bus.reachable = False
    seen = poll(site_of(1, 2), bus, 30, (20, assign(bus, reachable=True)))
    assert seen.qualities(1) == {Quality.NO_ANSWER: 20, Quality.GOOD: 10}
    assert [record.getMessage() for record in caplog.records] == [
        "port pad: 127.0.0.1:502 cannot be reached (Connection refused); trying again",
        "port pad: 127.0.0.1:502 is reached again",
    ]


def test_a_dead_unit_is_told_once_and_its_return_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    config, bus = dead_among_ten()
    poll(config, bus, 120, (60, assign(bus.units[5], alive=True)))
    told = [record.getMessage() for record in caplog.records]
    assert told[0] == "well-5: no answer from unit 5 on pad; it is probed until it answers"
    assert told[1].startswith("well-5: answers again, after")
    assert len(told) == 2


def test_a_port_that_comes_and_goes_does_not_fill_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    bus = MemoryBus(u1=MemoryUnit())
    flutter = [(at + 0.5, assign(bus, reachable=at % 2 == 0)) for at in range(100)]
    poll(site_of(1), bus, 100, *flutter)
    assert 2 <= len(caplog.records) <= 11


# ------------------------------------------------------------------------------ refused addresses


def test_an_illegal_address_takes_only_its_own_gauge() -> None:
    bus = MemoryBus(u1=MemoryUnit(illegal={7}))
    seen = poll(site_of(1, addresses=range(20)), bus, 30)
    assert seen.qualities(8) == {Quality.REFUSED: 30}
    for tag in {*range(1, 21)} - {8}:
        assert seen.qualities(tag) == {Quality.GOOD: 30}
    late = [asked for asked in bus.asked if 20 <= asked.at < 25]
    assert len(late) == 2 * 5


def test_a_refused_gauge_is_tried_again_now_and_then() -> None:
    bus = MemoryBus(u1=MemoryUnit(illegal={7}))
    seen = poll(
        site_of(1, addresses=range(20)), bus, 150, (80, assign(bus.units[1], illegal=set()))
    )
    assert seen.qualities(8, after=125) == {Quality.GOOD: 25}
    assert sum(1 for a in bus.asked if a.at >= 140) == 10


def test_an_illegal_gap_between_two_gauges_is_learned() -> None:
    bus = MemoryBus(u1=MemoryUnit(illegal={5}))
    seen = poll(site_of(1, addresses=[0, 1, 2, 10, 11]), bus, 30)
    for tag in range(1, 6):
        assert seen.qualities(tag) == {Quality.GOOD: 30}
    assert Counter((a.address, a.count) for a in bus.asked if a.at >= 20) == {
        (0, 3): 10,
        (10, 2): 10,
    }


@pytest.mark.parametrize("truncates", [False, True])
def test_a_device_that_gives_fewer_registers_than_it_should(*, truncates: bool) -> None:
    bus = MemoryBus(u1=MemoryUnit(limit=8, truncates=truncates))
    seen = poll(site_of(1, addresses=range(40)), bus, 60)
    for tag in range(1, 41):
        assert seen.qualities(tag, after=20) == {Quality.GOOD: 40}


def test_a_device_that_keeps_silent_at_a_wrong_address() -> None:
    bus = MemoryBus(u1=MemoryUnit(mute={33}), u2=MemoryUnit())
    config = site_of(1, 2, addresses=[0, 1, 2, 3, 30, 31, 32, 33, 34])
    seen = poll(config, bus, 120)
    for tag in {*range(1, 10)} - {8}:
        assert seen.qualities(tag, after=60) == {Quality.GOOD: 60}
    assert seen.qualities(8, after=60) == {Quality.NO_ANSWER: 60}
    assert seen.qualities(10)[Quality.GOOD] >= 110


def test_a_wrong_unit_id_that_is_answered_with_refusals_stays_cheap() -> None:
    wrong = MemoryUnit(illegal=set(range(200)), code=10)
    bus = MemoryBus(u1=wrong, u2=MemoryUnit())
    seen = poll(site_of(1, 2, addresses=range(30)), bus, 120)
    assert seen.qualities(1) == {Quality.REFUSED: 120}
    assert seen.qualities(31) == {Quality.GOOD: 120}
    assert len(bus.asked) <= 2 * 120 + 1


def test_one_log_line_for_each_change_of_a_tag(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    bus = MemoryBus(u1=MemoryUnit(illegal={7}))
    its = device(1)
    gauges = (*gauges_at(its, range(8)), *gauges_at(its, [8], 9, high=5.0, unit="psi"))
    poll(site([its], gauges), bus, 200, (100, assign(bus.units[1], illegal=set())))
    assert sorted(record.getMessage() for record in caplog.records) == [
        "well-1.g7: good again (holding 7)",
        "well-1.g7: refused: illegal address (holding 7)",
        "well-1.g8: outside its range 8 psi (holding 8)",
    ]


@settings(deadline=None, max_examples=60)
@given(
    st.sets(st.integers(0, 60), min_size=1, max_size=30),
    st.sets(st.integers(0, 60), max_size=8),
    st.integers(4, 30),
)
def test_whatever_is_illegal_every_other_gauge_is_read(
    addresses: set[int], illegal: set[int], limit: int
) -> None:
    bus = MemoryBus(u1=MemoryUnit(delay=0.001, illegal=illegal, limit=limit))
    order = sorted(addresses)
    seen = poll(site_of(1, addresses=order), bus, 50)
    per_tag = defaultdict(Counter)
    for sample in seen.samples:
        if sample.at >= START_MS + 40_000:
            per_tag[sample.tag][sample.quality] += 1
    for tag, address in enumerate(order, 1):
        expected = Quality.REFUSED if address in illegal else Quality.GOOD
        assert per_tag[tag] == {expected: 10}
