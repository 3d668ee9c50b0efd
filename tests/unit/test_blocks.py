"""A block says exactly what was measured, and nothing that is no block gets past its reader."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.contract.blocks import (
    Block,
    ClockState,
    Column,
    Quality,
    Sample,
    Stamp,
    freeze,
    mark_maybe,
    parse,
    retime,
    thaw,
    thin,
    to_columns,
)
from agent.contract.errors import WireError

START = 1_700_000_000_000
STAMP = Stamp(3, "a1b2", int(ClockState.SET), START, 1234)

numbers = st.floats(allow_nan=False, allow_infinity=False)
decimals = st.decimals(-(10**6), 10**6, places=3).map(float)


@st.composite
def readings(draw: st.DrawFn, tag: int, values: st.SearchStrategy[float]) -> list[Sample]:
    times = draw(st.lists(st.integers(START, START + 10**7), min_size=1, max_size=20))
    out = []
    for at in times:
        quality = draw(st.sampled_from([*[Quality.GOOD] * 4, *Quality]))
        value = draw(values) if quality.has_value else None
        out.append(Sample(tag, at, value, int(quality)))
    return out


@st.composite
def blocks(draw: st.DrawFn, values: st.SearchStrategy[float] = numbers) -> Block:
    tags = draw(st.lists(st.integers(1, 600), min_size=1, max_size=5, unique=True))
    columns = to_columns([sample for tag in tags for sample in draw(readings(tag, values))])
    start = min(column.times[0] for column in columns)
    clock = int(draw(st.sampled_from(ClockState)))
    stamp = Stamp(draw(st.integers(0, 2**31)), "b00t", clock, start, draw(st.integers(0, 2**40)))
    return Block(stamp, columns, draw(st.booleans()), draw(st.integers(0, 10**6)))


def block_of(*values: float | None, tag: int = 7, quality: int = 0) -> Block:
    times = tuple(START + 1000 * index for index in range(len(values)))
    qualities = tuple(quality for _ in values)
    return Block(STAMP, (Column(tag, times, tuple(values), qualities),))


def edited(**keys: object) -> bytes:
    body = json.loads(freeze(block_of(412.3, 412.5, 412.4)))
    return json.dumps(body | keys).encode()


@given(st.one_of(blocks(), blocks(decimals)))
def test_what_was_frozen_thaws_the_same(block: Block) -> None:
    line = freeze(block)
    assert thaw(line) == block
    assert b"\n" not in line


@given(blocks())
def test_frozen_again_it_is_the_same_bytes(block: Block) -> None:
    line = freeze(block)
    assert freeze(thaw(line)) == line


@given(st.lists(st.decimals(-(10**6), 10**6, places=4), min_size=1, max_size=30))
def test_decimals_travel_as_whole_numbers_and_arrive_exact(written: list[Decimal]) -> None:
    line = freeze(block_of(*map(float, written)))
    assert isinstance(parse(line)["g"][0][2], int)
    assert thaw(line).columns[0].values == tuple(map(float, written))


def test_a_steady_value_is_written_once() -> None:
    line = freeze(block_of(*[186.25] * 500))
    assert parse(line)["g"] == [[7, 0, 2, 18625]]
    assert parse(line)["t"] == [[0, 1000, 499]]
    assert thaw(line).readings == 500


def test_tags_read_together_share_their_times() -> None:
    samples = [Sample(tag, START + step, 1.0) for tag in (1, 2, 3) for step in (0, 500, 1000)]
    assert parse(freeze(Block(STAMP, to_columns(samples))))["t"] == [[0, 500, 2]]


def test_values_that_are_no_decimals_stay_what_they_are() -> None:
    line = freeze(block_of(0.1 + 0.2, 1 / 3, 1e300))
    assert parse(line)["g"][0][2] is None
    assert thaw(line).columns[0].values == (0.1 + 0.2, 1 / 3, 1e300)


def test_samples_become_columns_in_order_of_tag_and_time() -> None:
    columns = to_columns([Sample(2, 30, 1.0), Sample(1, 20, 2.0), Sample(2, 10, None, 16)])
    assert columns == (Column(1, (20,), (2.0,), (0,)), Column(2, (10, 30), (None, 1.0), (16, 0)))
    assert list(columns[1].samples()) == [Sample(2, 10, None, 16), Sample(2, 30, 1.0)]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_not_sent(value: float) -> None:
    with pytest.raises(WireError, match="tag 7: NaN and infinity"):
        freeze(block_of(1.0, value))


def test_a_missing_value_that_calls_itself_good_is_not_sent() -> None:
    with pytest.raises(WireError, match="tag 7: a reading without a value"):
        freeze(block_of(1.0, None))


def test_an_empty_block_is_not_sent() -> None:
    with pytest.raises(WireError, match="at least one reading"):
        freeze(Block(STAMP, ()))


@pytest.mark.parametrize("quality", [quality for quality in Quality if not quality.has_value])
def test_a_quality_without_value_takes_any_value_away(quality: Quality) -> None:
    line = edited(q={"7": [1, 1, int(quality)]})
    assert thaw(line).columns[0].values == (412.3, None, 412.4)


@pytest.mark.parametrize("runs", [[3, 1, 16], [0, 4, 16], [2, 2, 1], [-1, 1, 16], [0, 0, 16]])
def test_a_quality_run_outside_its_column_is_refused(runs: list[int]) -> None:
    with pytest.raises(WireError, match="tag 7: a quality run lies outside its column"):
        thaw(edited(q={"7": runs}))


@pytest.mark.parametrize("count", [0, -1, 1_000_000, 10**18])
def test_an_absurd_run_of_times_is_refused_before_it_is_expanded(count: int) -> None:
    with pytest.raises(WireError, match="not believable"):
        thaw(edited(t=[[0, 1000, count]]))


def test_runs_that_add_up_to_the_absurd_are_refused() -> None:
    with pytest.raises(WireError, match="not believable"):
        thaw(edited(t=[[0, 1000, 999_000, 1000, 1000]]))


@pytest.mark.parametrize("exponent", [-1, -400, 23, 10**9])
def test_an_absurd_exponent_is_refused_before_it_is_raised_to(exponent: int) -> None:
    with pytest.raises(WireError, match=r"exponent of .* is not believable"):
        thaw(edited(g=[[7, 0, exponent, 1]]))


@pytest.mark.parametrize(
    "keys",
    [
        {"t": []},
        {"t": [[]]},
        {"t": [[0, 1000]]},
        {"t": [[0, 1000, 5]]},
        {"t0": None},
        {"g": [[7, 0, 1]]},
        {"g": [[7, 5, 1, 0]]},
        {"g": [[7, 0, None, [1.0]]]},
        {"g": [[7, 0, 1, [1, "2", 3]]]},
        {"g": [[7, 0, "one", 1]]},
        {"g": 7},
        {"q": [1, 2]},
        {"q": {"seven": [0, 1, 16]}},
        {"q": {"7": [0, 1]}},
        {"c": "three"},
    ],
    ids=str,
)
def test_what_does_not_fit_together_is_no_block(keys: dict[str, object]) -> None:
    with pytest.raises(WireError):
        thaw(edited(**keys))


@pytest.mark.parametrize("name", ["c", "b", "k", "t0", "t", "g"])
def test_every_part_of_a_block_is_needed(name: str) -> None:
    body = json.loads(freeze(block_of(1.0)))
    del body[name]
    with pytest.raises(WireError, match=f"KeyError '{name}'"):
        thaw(json.dumps(body).encode())


@pytest.mark.parametrize(
    "line", [b"", b"{", b"[]", b"7", b"null", b"\xff", b'{"t0":NaN}', b"[" * 100_000], ids=repr
)
def test_what_is_no_json_object_is_refused(line: bytes) -> None:
    with pytest.raises(WireError, match=r"not JSON|not a JSON object"):
        parse(line)


@given(st.binary(max_size=200))
def test_noise_is_refused_in_words(noise: bytes) -> None:
    with pytest.raises(WireError):
        thaw(noise)


@given(blocks(), st.integers(-(10**12), 10**12))
def test_a_corrected_clock_moves_every_reading_alike(block: Block, offset: int) -> None:
    moved = thaw(retime(freeze(block), offset, ClockState.STEPPED))
    assert moved.stamp == replace(
        block.stamp, start=block.stamp.start + offset, clock=int(ClockState.STEPPED)
    )
    for before, after in zip(block.columns, moved.columns, strict=True):
        assert after.times == tuple(at + offset for at in before.times)
        assert (after.values, after.qualities) == (before.values, before.qualities)


@given(blocks())
def test_marking_a_block_changes_nothing_else(block: Block) -> None:
    marked = mark_maybe(freeze(block))
    assert thaw(marked) == replace(block, maybe=True)
    assert mark_maybe(marked) == marked


@given(blocks(), st.integers(1, 12))
def test_thinning_keeps_the_first_of_each_and_counts_the_rest(block: Block, keep: int) -> None:
    thinned = thin(block, keep)
    assert thinned.readings + thinned.thinned == block.readings + block.thinned
    for before, after in zip(block.columns, thinned.columns, strict=True):
        assert list(after.samples()) == list(before.samples())[::keep]


def test_thinning_twice_counts_both() -> None:
    once = thin(block_of(*map(float, range(20))), 2)
    assert (once.readings, once.thinned) == (10, 10)
    twice = thin(once, 5)
    assert (twice.readings, twice.thinned) == (2, 18)
