"""The hub's fast reader gives the same readings as the contract's own, and refuses the same."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.contract import wire
from agent.contract.blocks import (
    Block,
    Quality,
    Sample,
    Stamp,
    freeze,
    mark_maybe,
    thaw,
    to_columns,
)
from agent.contract.errors import UnknownVersionError, WireError
from hub.ingest import decode
from hub.ingest.decode import Columns, columns_of

START = 1_700_000_000_000


def as_rows(columns: Columns) -> list[tuple[int, int, float | None, int]]:
    tags = [
        tag for tag, n in zip(columns.tags, columns.lengths.tolist(), strict=True) for _ in range(n)
    ]
    values = [None if math.isnan(v) else v for v in columns.values.tolist()]
    return list(zip(tags, columns.times.tolist(), values, columns.qualities.tolist(), strict=True))


def thawed_rows(line: bytes) -> list[tuple[int, int, float | None, int]]:
    return [(s.tag, s.at, s.value, s.quality) for c in thaw(line).columns for s in c.samples()]


values = st.one_of(
    st.integers(-(10**6), 10**6).map(lambda n: n / 100),
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-(2**60), 2**60).map(float),
    st.just(42.0),
)
qualities = st.sampled_from([0, 0, 0, 1, *[q for q in Quality if q >= Quality.NO_ANSWER]])


@st.composite
def blocks(draw: st.DrawFn) -> bytes:
    tags = draw(st.lists(st.integers(1, 600), min_size=1, max_size=8, unique=True))
    samples = []
    for tag in tags:
        at = START + draw(st.integers(0, 5000))
        for _ in range(draw(st.integers(1, 12))):
            quality = draw(qualities)
            value = draw(values) if quality < Quality.NO_ANSWER else None
            samples.append(Sample(tag, at, value, quality))
            at += draw(st.sampled_from([0, 1000, 1000, 1000, 37]))
    stamp = Stamp(draw(st.integers(0, 9)), "ab12", 1)
    line = freeze(Block(stamp, to_columns(samples), thinned=draw(st.integers(0, 3))))
    return mark_maybe(line) if draw(st.booleans()) else line


@settings(max_examples=400, deadline=None)
@given(blocks())
def test_reads_what_the_contract_reads(line: bytes) -> None:
    columns, block = columns_of(line), thaw(line)
    assert as_rows(columns) == thawed_rows(line)
    assert (columns.config, columns.maybe, columns.thinned) == (
        block.stamp.config,
        block.maybe,
        block.thinned,
    )


junk = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=4,
)


@settings(max_examples=600, deadline=None)
@given(blocks(), st.data())
def test_agrees_with_the_contract_about_mangled_blocks(line: bytes, data: st.DataObject) -> None:
    body = json.loads(line)
    key = data.draw(st.sampled_from(sorted(body)))
    if isinstance(body[key], list) and body[key] and data.draw(st.booleans()):
        row = body[key][data.draw(st.integers(0, len(body[key]) - 1))]
        row[data.draw(st.integers(0, len(row) - 1))] = data.draw(junk)
    else:
        body[key] = data.draw(junk)
    mangled = json.dumps(body).encode()
    try:
        columns = columns_of(mangled)
    except WireError:
        return  # it may refuse more than the contract does: fractions of a millisecond, for one
    expected = thawed_rows(mangled)
    rows = as_rows(columns)
    assert [row[0] for row in rows] == [row[0] for row in expected]
    assert [row[3] for row in rows] == [row[3] for row in expected]
    for (_, at, value, _), (_, at_expected, value_expected, _) in zip(rows, expected, strict=True):
        assert at == max(-decode.FARTHEST, min(decode.FARTHEST, at_expected))
        if value_expected is None or math.isfinite(value_expected):
            assert value == value_expected
        else:
            assert value == math.inf


def body(**changes: Any) -> bytes:
    plain = {
        "c": 1, "b": "ab", "k": 1, "t0": START, "m": 5,
        "t": [[0, 1000, 2]], "g": [[7, 0, 1, [4123, 2, -1]], [8, 0, 0, 5]],
    }  # fmt: skip
    return json.dumps(plain | changes).encode()


def test_reads_differences_and_constants() -> None:
    rows = as_rows(columns_of(body()))
    assert rows[:3] == [
        (7, START, 412.3, 0),
        (7, START + 1000, 412.5, 0),
        (7, START + 2000, 412.4, 0),
    ]
    assert [row[2] for row in rows[3:]] == [5.0, 5.0, 5.0]


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"[]",
        b"{not json",
        body(g=None),
        body(t=[[0, 1000, -2]]),
        body(g=[[7, 3, 1, 5]]),
        body(g=[[7, 0, 1, [1, 2]]]),
        body(q={"7": [0, 9, 16]}),
        body(q={"7": [0, 1, 4000]}),
        body(t0=START + 0.5),
        body(c=-1),
        body(thin=-1),
    ],
)
def test_refuses_what_is_no_block(line: bytes) -> None:
    with pytest.raises(WireError):
        columns_of(line)


@pytest.mark.parametrize(
    "bomb",
    [
        body(t=[[0, 1, 900_000]]),
        body(t=[[0, 1, 40_000]] * 30),
        body(t=[[0, 1, 40_000]], g=[[tag, 0, 0, 5] for tag in range(1000)]),
        body(t=[[0, 1, 40_000]], g=[[tag, 0, 0, 5.0] for tag in range(1000)] + [["x"]]),
        body(t=[[0, 1.0, 999_999]] * 30),
    ],
)
def test_a_block_cannot_claim_more_readings_than_are_believable(bomb: bytes) -> None:
    with pytest.raises(WireError, match="claims"):
        columns_of(bomb)


def test_a_value_beyond_every_float_is_marked_as_no_number() -> None:
    line = body(g=[[7, 0, None, [1.5, 2.5, 3.5]]]).replace(b"2.5", b"1e999")
    assert columns_of(line).values.tolist() == [1.5, math.inf, 3.5]


def test_a_column_out_of_order_is_known_as_such() -> None:
    assert columns_of(body()).ordered
    assert not columns_of(body(t=[[0, -1000, 2]])).ordered


def test_reads_messages_and_refuses_later_versions() -> None:
    message = wire.Message("ab", 1, 1, 0, (body(),))
    assert decode.read(wire.pack(message)) == message
    later = wire.encode(b'{"v":2,"s":"ab","n":[1,1],"p":0}\n{}')
    with pytest.raises(UnknownVersionError):
        decode.read(later)


@pytest.mark.parametrize(
    "message",
    [
        wire.Message("a\0b", 1, 1, 0, (body(),)),
        wire.Message("ab", 1, 1, 0, (body(),), closed=2**60),
        wire.Message("ab", 1, 1, 0, gaps=(wire.Gap(1, 1, "lost", -1, 0, 0, 0),)),
        wire.Message("ab", 1, 1, 0, gaps=(wire.Gap(1, 1, "lost", 1, 0, 0, 2**40),)),
    ],
)
def test_refuses_numbers_and_names_no_column_can_hold(message: wire.Message) -> None:
    with pytest.raises(WireError):
        decode.read(wire.pack(message))


def test_inflates_no_further_than_allowed() -> None:
    with pytest.raises(WireError, match="more than"):
        decode.read(wire.encode(b"0" * (wire.MAX_PLAIN + 10)))
