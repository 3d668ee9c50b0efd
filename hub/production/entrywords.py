"""What a field of an entry is called at the desk, its unit, and how its value is read (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from zoneinfo import ZoneInfo

from agent.contract.entry import (
    DOWNTIME_CODES,
    TICKET_KINDS,
    Chemical,
    Entry,
    Gauge,
    Haul,
    Meter,
    Report,
    Test,
    Ticket,
    Well,
)
from agent.contract.fieldwords import WORDS, code
from agent.contract.tanks import show_level

LEVELS: Final = ("level_in", "water_in", "opening_in", "closing_in")
INSTANTS: Final = ("opened", "closed")
#: Unit by field of an entry; what has none is a word or a number of its own.
UNITS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("tubing_psig", "casing_psig", "line_psig"), "psig"),
    **dict.fromkeys(("temperature_f", "opening_f", "closing_f", "observed_gravity_f"), "°F"),
    **dict.fromkeys(("oil_bbl", "water_bbl", "bbl"), "bbl"),
    **dict.fromkeys(("hours_down", "hours"), "h"),
    **dict.fromkeys(LEVELS, "in"),
    "gas_mcf": "Mcf",
    "choke_64ths": "1/64 in",
    "strokes_per_minute": "1/min",
    "gallons": "gal",
    "observed_gravity": "°API",
    "sediment_water_pct": "%",
}
#: Words of the form that read badly away from it.
_SAID: Final[Mapping[str, str]] = {
    "level_in": "Top gauge",
    "water_in": "Water at the bottom",
    "temperature_f": "Temperature",
    "kind": "Kind",
    "reading": "Counter",
    "tubing_psig": "Tubing pressure",
    "casing_psig": "Casing pressure",
    "line_psig": "Line pressure",
    "strokes_per_minute": "Strokes",
    "bbl": "Volume",
    "gallons": "Volume",
    "day": "Production day",
    "note": "Note",
}
_PARTS: Final[Mapping[str, type[Any]]] = {
    "": Entry,
    "gauges": Gauge,
    "wells": Well,
    "meters": Meter,
    "tickets": Ticket,
    "hauls": Haul,
    "chemicals": Chemical,
    "tests": Test,
    "reports": Report,
}
#: What a line is, where its subject does not tell: two tickets of one tank are two things.
_LINES: Final[Mapping[str, str]] = {
    "tickets": "ticket",
    "hauls": "water haul",
    "chemicals": "chemical",
    "tests": "test",
    "reports": "report",
}


def in_order(found: Mapping[str, Any], part: str) -> list[tuple[str, Any]]:
    """The fields of an entry, or of a line of one of its parts, as the form asks for them."""
    asked = [one.name for one in fields(_PARTS[part])] if part in _PARTS else []
    place = {name: number for number, name in enumerate(asked)}
    return sorted(found.items(), key=lambda item: place.get(item[0], len(asked)))


def word(name: str) -> str:
    """What a field is called."""
    known = _SAID.get(name) or (WORDS[name][0] if name in WORDS else "")
    return known or name.replace("_", " ").capitalize()


def label(path: str, subject: str = "", number_of: str = "") -> str:
    """Where a field stands, in words: "Tank 1, ticket 77123: Closing gauge"."""
    part, _, rest = path.partition(".")
    number, _, name = rest.partition(".")
    if not number.isdigit():
        return word(part)
    line = _LINES.get(part, "" if subject else part.removesuffix("s"))
    which = f"{line} {number_of or int(number) + 1}" if line else ""
    where = ", ".join(words for words in (subject, which) if words)
    return f"{where[:1].upper()}{where[1:]}: {word(name)}"


def choices(path: str) -> list[tuple[str, str]]:
    """What may be chosen for a field, with its words; nothing where it is typed."""
    part, name = path.partition(".")[0], path.rpartition(".")[2]
    if name == "down_code":
        known = [(one, f"{one} ({code('en', one)})") for one in DOWNTIME_CODES]
        return [("", "Not down"), *known]
    if part == "tickets" and name == "kind":
        return [(one, WORDS[f"kind_{one}"][0]) for one in TICKET_KINDS]
    return []


def unit_of(path: str) -> str:
    """The unit of a field; empty where it has none."""
    return UNITS.get(path.rpartition(".")[2], "")


def typed(path: str, value: Any, zone: ZoneInfo) -> str:
    """A value as somebody types it: instants on the operator's clock, lists with commas."""
    name = path.rpartition(".")[2]
    if name in INSTANTS and isinstance(value, int):
        return datetime.fromtimestamp(value / 1000, zone).strftime("%Y-%m-%d %H:%M")
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def shown(path: str, value: Any, zone: ZoneInfo) -> str:
    """A value as somebody reads it: levels in feet and inches too, codes in words, units behind."""
    name, words = path.rpartition(".")[2], typed(path, value, zone)
    if name in LEVELS and (level := _number(words)) is not None:
        return f"{show_level(level)} ({words} in)"
    if name == "down_code" and words in DOWNTIME_CODES:
        return f"{words} ({code('en', words)})"
    unit = unit_of(path)
    return f"{words} {unit}" if unit and _number(words) is not None else words


def instant(words: str, zone: ZoneInfo) -> int | None:
    """An instant as somebody typed it, on the operator's clock, in milliseconds; None if none."""
    try:
        at = datetime.fromisoformat(words.strip())
    except ValueError:
        return None
    aware = at if at.tzinfo is not None else at.replace(tzinfo=zone)
    return round(aware.astimezone(UTC).timestamp() * 1000)


def _number(words: str) -> Decimal | None:
    try:
        found = Decimal(words)
    except InvalidOperation:
        return None
    return found if found.is_finite() and found >= 0 else None
