"""A position as any door brings it: both its figures, by the rule of the table they go into."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hub.register.catalog import RESOURCES
from hub.register.errors import ValueRefused
from hub.register.said import POSITION
from hub.register.values import parse

Position = tuple[Decimal | None, Decimal | None]


def read_position(lat: Any, lon: Any) -> tuple[Position, dict[str, str]]:
    """Latitude and longitude in degrees, and a sentence at each figure that cannot be taken.

    Both, or neither; six decimals at most, as the columns keep them.
    """
    figures: dict[str, Decimal | None] = {}
    faults: dict[str, str] = {}
    for name, raw in (("lat", lat), ("lon", lon)):
        try:
            figures[name] = parse(RESOURCES["wells"].fields[name], raw)
        except ValueRefused as fault:
            faults[name] = str(fault)
    if not faults:
        faults = dict.fromkeys(_wrong(figures["lat"], figures["lon"])[:1], POSITION)
    return (None, None) if faults else (figures["lat"], figures["lon"]), faults


def _wrong(lat: Decimal | None, lon: Decimal | None) -> list[str]:
    """The figures that are off the globe, or missing beside the other."""
    off = [
        name
        for name, value, most in (("lat", lat, 90), ("lon", lon, 180))
        if value is not None and abs(value) > most
    ]
    missing = [
        name
        for name, value, other in (("lat", lat, lon), ("lon", lon, lat))
        if value is None and other is not None
    ]
    return off + missing
