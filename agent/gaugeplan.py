"""The gauges of one device as agent.toml describes them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import TypeVar, cast

from agent.contract.blocks import MAX_EXPONENT
from agent.contract.configfile import Section
from agent.equipment import (
    KINDS,
    ORDERS,
    TABLES,
    DeviceSettings,
    GaugeSettings,
    Kind,
    Order,
    Table,
    is_bits,
)

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_ADDRESSES = 65_536
_FLOAT_DECIMALS = 3

#: Makers' numbering: first digit (of five or six) and the table it means; coils have none.
_MODICON: dict[str, Table] = {"1": "discrete", "3": "input", "4": "holding"}

_Choice = TypeVar("_Choice", bound=str)


def choose(
    section: Section, name: str, choices: Sequence[_Choice], default: _Choice | None = None
) -> _Choice:
    """One of a few words; the first where what is written is none of them."""
    given = (
        section.text(name, choices=choices)
        if default is None
        else section.text(name, default, choices=choices)
    )
    return cast("_Choice", given) if given in choices else choices[0]


def name_of(section: Section, what: str) -> str:
    """Read a name that becomes part of tag names; notes a fault when it cannot."""
    name = section.text("name")
    if name and not _NAME.fullmatch(name):
        section.fault("name", f"{name!r} cannot name a {what}; use a-z, 0-9, '-' and '_'")
    return name


def read(
    device_section: Section, sections: Sequence[Section], device: DeviceSettings, first_number: int
) -> list[GaugeSettings]:
    """Read the gauges of a device, numbered from `first_number`; notes faults and goes on."""
    orders = (
        choose(device_section, "byte_order", ORDERS, "big"),
        choose(device_section, "word_order", ORDERS, "big"),
    )
    gauges = []
    seen: set[str] = set()
    for number, section in enumerate(sections, first_number):
        gauge = _gauge(section, device, number, orders)
        if gauge.name in seen:
            section.fault("name", f"the device has a gauge called {gauge.name!r} already")
        seen.add(gauge.name)
        gauges.append(gauge)
    if not gauges:
        device_section.fault("gauges", "has none; describe each in a [[devices.gauges]] table")
    return gauges


def _gauge(
    section: Section, device: DeviceSettings, number: int, orders: tuple[Order, Order]
) -> GaugeSettings:
    faults_before = len(section.file.faults)
    table, address = _where(section)
    kind = choose(section, "type", KINDS, "bool" if is_bits(table) else None)
    scale = section.number("scale", 1.0)
    offset = section.number("offset", 0.0)
    gauge = GaugeSettings(
        number,
        f"{device.name}.{name_of(section, 'gauge')}",
        device.name,
        table,
        address,
        kind,
        choose(section, "byte_order", ORDERS, orders[0]),
        choose(section, "word_order", ORDERS, orders[1]),
        section.integer("bit", low=0, high=15) if kind == "bit" else 0,
        scale,
        offset,
        section.text("unit", ""),
        section.integer("decimals", _decimals(kind, scale, offset), low=0, high=MAX_EXPONENT),
        _bound(section, "low"),
        _bound(section, "high"),
        section.number("interval_s", device.interval_s, low=0.1, high=86_400),
        section.text("description", ""),
    )
    if len(section.file.faults) == faults_before:  # else these would only repeat the first fault
        _check(section, gauge, device)
    if gauge.low is not None and gauge.high is not None and gauge.low >= gauge.high:
        section.fault("low", f"{gauge.low:g} does not lie below high, {gauge.high:g}")
    section.done()
    return gauge


def _bound(section: Section, name: str) -> float | None:
    return float(section.number(name)) if section.has(name) else None


def _where(section: Section) -> tuple[Table, int]:
    """Table and wire address, from `table` and `address` or from the maker's `register`."""
    if not section.has("register"):
        table = choose(section, "table", TABLES, "holding")
        return table, section.integer("address", low=0, high=_ADDRESSES - 1)
    register = section.integer("register", low=1)
    for other in ("address", "table"):
        if section.has(other):
            section.fault(other, "is already said by register; give one of the two")
            section.optional(other) if other == "table" else section.integer(other)
    table, address = _modicon(str(register))
    if not 0 <= address < _ADDRESSES:
        section.fault("register", f"{register} is not one like 1, 10001, 30001, 40001 or 400001")
        return table, 0
    return table, address


def _modicon(digits: str) -> tuple[Table, int]:
    if len(digits) < 5:
        return "coil", int(digits) - 1
    table = _MODICON.get(digits[0])
    return (table, int(digits[1:]) - 1) if table and len(digits) <= 6 else ("holding", -1)


def _decimals(kind: Kind, scale: float, offset: float) -> int:
    """Resolution of a gauge that does not say: what scale and offset can express."""
    if kind in {"float32", "float64"}:
        return _FLOAT_DECIMALS
    return min(MAX_EXPONENT, max(_places(scale), _places(offset)))


def _places(number: float) -> int:
    exponent = Decimal(repr(float(number))).normalize().as_tuple().exponent
    return max(0, -int(exponent))


def _check(section: Section, gauge: GaugeSettings, device: DeviceSettings) -> None:
    if is_bits(gauge.table) != (gauge.kind == "bool"):
        section.fault(
            "type",
            f"{gauge.kind} cannot stand in table {gauge.table}: coils and discrete inputs hold"
            " bool, registers hold numbers or single bits (type bit)",
        )
    elif gauge.end > _ADDRESSES:
        section.fault(
            "address", f"{gauge.kind} takes {gauge.size} registers; the last address is 65535"
        )
    if gauge.scale == 0:
        section.fault("scale", "0 makes every value the same; leave it out for 1")
    for hole in device.holes:
        if hole.table == gauge.table and hole.first < gauge.end and hole.last >= gauge.address:
            section.fault("address", f"lies in the hole {hole.first}-{hole.last} of its device")
