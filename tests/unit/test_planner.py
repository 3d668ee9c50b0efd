"""Gauges are grouped into few requests, none forgotten, none over a limit."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.equipment import (
    BITS_PER_REGISTER,
    MAX_BITS,
    MAX_REGISTERS,
    TABLES,
    DeviceSettings,
    GaugeSettings,
    Hole,
    Kind,
    Table,
    is_bits,
)
from agent.planner import Request, halves, opening, plan

DEVICE = DeviceSettings("well", "pad", 1)


def gauge(number: int, address: int, kind: Kind = "uint16", table: Table = "holding"):
    return GaugeSettings(number, f"well.g{number}", "well", table, address, kind)


def spans(requests: tuple[Request, ...]) -> list[tuple[int, int]]:
    return [(request.address, request.count) for request in requests]


def test_neighbours_share_a_request_across_a_small_gap() -> None:
    gauges = [gauge(1, 0, "float32"), gauge(2, 10), gauge(3, 100)]
    assert spans(plan(gauges, DEVICE)) == [(0, 11), (100, 1)]


def test_a_table_of_bits_is_never_read_with_registers() -> None:
    gauges = [gauge(1, 0), gauge(2, 1, "bool", "coil"), gauge(3, 1, "bool", "discrete")]
    assert [request.table for request in plan(gauges, DEVICE)] == ["holding", "coil", "discrete"]


def test_no_request_asks_for_more_than_a_device_allows() -> None:
    device = DeviceSettings("well", "pad", 1, max_registers=10)
    requests = plan([gauge(n, n * 2, "float32") for n in range(20)], device)
    assert spans(requests) == [(at, 10) for at in (0, 10, 20, 30)]


def test_a_hole_between_two_gauges_is_not_read() -> None:
    gauges = [gauge(1, 0), gauge(2, 4)]
    assert spans(plan(gauges, DEVICE)) == [(0, 5)]
    assert spans(plan(gauges, DEVICE, holes=[Hole("holding", 2, 2)])) == [(0, 1), (4, 1)]
    assert spans(plan(gauges, DEVICE, holes=[Hole("input", 2, 2)])) == [(0, 5)]


def test_a_cut_starts_a_request() -> None:
    gauges = [gauge(1, 0), gauge(2, 1), gauge(3, 2)]
    assert spans(plan(gauges, DEVICE, cuts={2})) == [(0, 1), (1, 2)]


def test_gauges_that_overlap_are_read_together() -> None:
    gauges = [gauge(1, 0, "uint32"), gauge(2, 0, "bit"), gauge(3, 1, "bit")]
    assert spans(plan(gauges, DEVICE)) == [(0, 2)]


def test_a_refused_request_is_halved_between_gauges() -> None:
    (whole,) = plan([gauge(1, 0), gauge(2, 5), gauge(3, 6, "float32")], DEVICE)
    assert spans(halves(whole)) == [(0, 1), (5, 3)]
    assert spans((opening(whole),)) == [(0, 1)]


gauges_of_a_device = st.lists(
    st.tuples(
        st.sampled_from(TABLES),
        st.integers(0, 400),
        st.sampled_from(["bit", "int16", "float32", "uint64"]),
    ),
    max_size=60,
).map(
    lambda rows: [
        gauge(number, address, "bool" if is_bits(table) else kind, table)
        for number, (table, address, kind) in enumerate(rows, 1)
    ]
)
devices = st.builds(
    DeviceSettings,
    st.just("well"),
    st.just("pad"),
    st.just(1),
    max_registers=st.integers(4, MAX_REGISTERS),
    max_bits=st.integers(1, MAX_BITS),
    max_gap=st.integers(0, 40),
)
hole_lists = st.lists(
    st.builds(
        lambda t, a, n: Hole(t, a, a + n),
        st.sampled_from(TABLES),
        st.integers(0, 400),
        st.integers(0, 20),
    ),
    max_size=5,
)


@settings(deadline=None)
@given(gauges_of_a_device, devices, hole_lists, st.sets(st.integers(1, 60)))
def test_every_gauge_is_read_exactly_once_and_no_rule_is_broken(gauges, device, holes, cuts):
    requests = plan(gauges, device, holes=holes, cuts=cuts)
    read = Counter(number for request in requests for number in request.numbers)
    assert read == Counter(g.number for g in gauges)
    for request in requests:
        check(request, device, holes, cuts)


def check(request: Request, device: DeviceSettings, holes: list[Hole], cuts: set[int]) -> None:
    bits = is_bits(request.table)
    assert 1 <= request.count <= (device.max_bits if bits else device.max_registers)
    needed: set[int] = set()
    for place in request.places:
        assert place.gauge.table == request.table
        assert request.address + place.offset == place.gauge.address
        assert place.offset + place.gauge.size <= request.count
        needed.update(range(place.gauge.address, place.gauge.end))
    assert not cuts.intersection(request.numbers[1:])
    unwanted = set(range(request.address, request.address + request.count)) - needed
    for hole in holes:
        if hole.table == request.table:
            assert not unwanted.intersection(range(hole.first, hole.last + 1))
    max_gap = device.max_gap * (BITS_PER_REGISTER if bits else 1)
    longest = 0
    for address in range(request.address, request.address + request.count):
        longest = longest + 1 if address in unwanted else 0
        assert longest <= max_gap
