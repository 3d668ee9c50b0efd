"""Registers and bits become engineering values, in every type and order, and back."""

from __future__ import annotations

import math
import struct
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.contract.blocks import Quality
from agent.equipment import KINDS, ORDERS, GaugeSettings, Kind
from agent.gauges import decoder, encode, raw_text, width

BASE = GaugeSettings(1, "well.gauge", "well", "holding", 0, "uint16")

WHOLE: dict[Kind, tuple[int, int]] = {
    "int16": (-(2**15), 2**15 - 1),
    "uint16": (0, 2**16 - 1),
    "int32": (-(2**31), 2**31 - 1),
    "uint32": (0, 2**32 - 1),
    "int64": (-(2**53), 2**53),
    "uint64": (0, 2**53),
}


def gauge(kind: Kind = "uint16", **changes: object) -> GaugeSettings:
    return replace(BASE, kind=kind, **changes)


def read(gauge_: GaugeSettings, data: bytes, offset: int = 0) -> tuple[float | None, int]:
    return decoder(gauge_)(data, offset)


@pytest.mark.parametrize(
    ("byte_order", "word_order", "wire"),
    [
        ("big", "big", "41 C8 00 0A"),  # ABCD
        ("little", "little", "0A 00 C8 41"),  # DCBA
        ("little", "big", "C8 41 0A 00"),  # BADC
        ("big", "little", "00 0A 41 C8"),  # CDAB
    ],
)
def test_the_four_orders_of_a_float32(byte_order: str, word_order: str, wire: str) -> None:
    meant = struct.unpack(">f", bytes.fromhex("41C8000A"))[0]
    its = gauge("float32", byte_order=byte_order, word_order=word_order, decimals=9)
    assert read(its, bytes.fromhex(wire)) == (round(meant, 9), Quality.GOOD)


def test_the_four_words_of_a_64_bit_counter_in_either_order() -> None:
    number = 0x0001_0002_0003_0004
    high_first = bytes.fromhex("0001000200030004")
    low_first = bytes.fromhex("0004000300020001")
    assert read(gauge("uint64"), high_first) == (float(number), Quality.GOOD)
    assert read(gauge("uint64", word_order="little"), low_first) == (float(number), Quality.GOOD)


def test_word_order_means_nothing_in_a_single_register() -> None:
    assert read(gauge("uint16", word_order="little"), b"\x01\x02") == (258.0, Quality.GOOD)
    assert read(gauge("uint16", byte_order="little"), b"\x01\x02") == (513.0, Quality.GOOD)


def test_scale_offset_and_resolution() -> None:
    its = gauge("int16", scale=0.1, offset=-40.0, decimals=1)
    assert read(its, (1234).to_bytes(2, "big")) == (83.4, Quality.GOOD)


def test_one_bit_of_a_register() -> None:
    for bit in range(16):
        word = (1 << bit).to_bytes(2, "big")
        assert read(gauge("bit", bit=bit), word) == (1.0, Quality.GOOD)
        assert read(gauge("bit", bit=bit, byte_order="little"), word[::-1]) == (1.0, Quality.GOOD)
        assert read(gauge("bit", bit=(bit + 1) % 16), word) == (0.0, Quality.GOOD)


def test_a_coil_may_be_turned_round_by_its_scale() -> None:
    its = gauge("bool", table="coil", scale=-1.0, offset=1.0)
    assert [read(its, b"\x00\x01", at) for at in (0, 1)] == [(1.0, 0), (0.0, 0)]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_nan_and_infinity_are_told_apart_from_values(kind: Kind, value: float) -> None:
    its = gauge(kind)
    assert read(its, encode(its, value)) == (None, Quality.NOT_A_NUMBER)


def test_a_scale_that_overflows_is_not_a_number() -> None:
    its = gauge("float64", scale=1e200)
    assert read(its, struct.pack(">d", 1e200)) == (None, Quality.NOT_A_NUMBER)


@pytest.mark.parametrize("kind", KINDS)
def test_data_that_ends_too_early_is_short(kind: Kind) -> None:
    its = gauge(kind, table="coil" if kind == "bool" else "holding")
    assert read(its, bytes(width(its) - 1)) == (None, Quality.SHORT)
    assert read(its, bytes(width(its)), 1) == (None, Quality.SHORT)


def test_a_value_outside_the_range_is_kept_and_marked() -> None:
    its = gauge("uint16", low=10.0, high=20.0)
    seen = [read(its, value.to_bytes(2, "big")) for value in (9, 10, 20, 21)]
    assert [quality for _, quality in seen] == [1, 0, 0, 1]
    assert [value for value, _ in seen] == [9, 10, 20, 21]


def test_registers_are_shown_as_they_stood_on_the_wire() -> None:
    data = bytes.fromhex("0001 42C8 0000")
    assert raw_text(gauge("float32"), data, 1) == "42C8 0000"
    assert raw_text(gauge("bool", table="coil"), b"\x00\x01", 1) == "1"
    assert raw_text(gauge("float32"), None, 0) == ""


orders = st.sampled_from(ORDERS)


@settings(deadline=None)
@given(st.data(), st.sampled_from(sorted(WHOLE)), orders, orders)
def test_whole_numbers_come_back_exactly(
    data: st.DataObject, kind: Kind, byte_order: str, word_order: str
) -> None:
    low, high = WHOLE[kind]
    value = data.draw(st.integers(low, high))
    its = gauge(kind, byte_order=byte_order, word_order=word_order)
    assert read(its, encode(its, value)) == (float(value), Quality.GOOD)


@settings(deadline=None)
@given(st.floats(width=32, allow_nan=False, allow_infinity=False), orders, orders)
def test_floats_come_back_to_their_resolution(
    value: float, byte_order: str, word_order: str
) -> None:
    its = gauge("float32", byte_order=byte_order, word_order=word_order, decimals=9)
    assert read(its, encode(its, value)) == (round(value, 9), Quality.GOOD)


@settings(deadline=None)
@given(
    st.integers(-30_000, 30_000),
    st.sampled_from([0.001, 0.01, 0.1, 1.0, 10.0, -0.5]),
    st.sampled_from([0.0, -40.0, 32.0]),
)
def test_scaled_numbers_come_back(raw: int, scale: float, offset: float) -> None:
    its = gauge("int16", scale=scale, offset=offset, decimals=4)
    value, quality = read(its, raw.to_bytes(2, "big", signed=True))
    assert quality == Quality.GOOD
    assert encode(its, value) == raw.to_bytes(2, "big", signed=True)


@settings(deadline=None)
@given(
    st.sampled_from([k for k in KINDS if k != "bool"]),
    st.binary(min_size=8, max_size=8),
    orders,
    orders,
)
def test_no_bytes_upset_a_decoder(
    kind: Kind, data: bytes, byte_order: str, word_order: str
) -> None:
    its = gauge(kind, byte_order=byte_order, word_order=word_order, scale=1e300)
    value, quality = read(its, data)
    assert (value is None) == (quality == Quality.NOT_A_NUMBER)
    assert value is None or math.isfinite(value)


@settings(deadline=None)
@given(st.sampled_from([k for k in KINDS if k != "bool"]), st.floats())
def test_any_value_can_be_served(kind: Kind, value: float) -> None:
    assert len(encode(gauge(kind), value)) == width(gauge(kind))
