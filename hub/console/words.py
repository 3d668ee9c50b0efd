"""How numbers, times and conditions are said to people (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from agent.contract.blocks import ClockState, Quality
from hub.notify.messages import SEVERITY_WORDS

MINUS = "\u2212"
NOTHING = "\u2013"


@dataclass(frozen=True, slots=True)
class Severity:
    """A priority as people see it: a word, a shape, and the name of its colour."""

    word: str
    shape: str  #: symbol of the icon sheet
    tone: str  #: class that carries the colour


SEVERITIES = {
    1: Severity(SEVERITY_WORDS[1], "octagon", "critical"),
    2: Severity(SEVERITY_WORDS[2], "triangle", "warning"),
    3: Severity(SEVERITY_WORDS[3], "diamond", "caution"),
    4: Severity(SEVERITY_WORDS[4], "circle", "advice"),
}

QUALITIES = {
    Quality.GOOD: "good",
    Quality.OUT_OF_RANGE: "outside the gauge's range",
    Quality.NO_ANSWER: "device does not answer",
    Quality.REFUSED: "device refuses the request",
    Quality.SHORT: "device answers too few bytes",
    Quality.NOT_A_NUMBER: "register holds no number",
    Quality.NOT_READ: "not asked: device is silent",
}

CLOCKS = {
    ClockState.NEVER: "never set",
    ClockState.SET: "set",
    ClockState.HOLDING: "holding, not yet confirmed",
    ClockState.STEPPED: "corrected by a step",
}


def quality(code: int) -> str:
    """A reading's quality in words."""
    known = {int(key): words for key, words in QUALITIES.items()}
    return known.get(code, f"quality {code}")


def clock(state: int | None) -> str:
    """The state of an agent's clock in words."""
    known = {int(key): words for key, words in CLOCKS.items()}
    return "unknown" if state is None else known.get(state, f"state {state}")


def age(seconds: float) -> str:
    """How long, to the one unit that matters: 8 s, 14 min, 3 h, 2 d."""
    seconds = max(0.0, seconds)
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    if seconds < 36 * 3600:
        return f"{seconds / 3600:.0f} h"
    return f"{seconds / 86400:.0f} d"


def span(milliseconds: int) -> str:
    """An interval as configured: 500 ms, 10 s, 15 min."""
    return f"{milliseconds} ms" if milliseconds < 1000 else age(milliseconds / 1000)


def clock_time(instant: datetime, zone: tzinfo, now: datetime, *, seconds: bool = True) -> str:
    """An instant on the operator's wall clock; the day only where it is not today."""
    local, today = instant.astimezone(zone), now.astimezone(zone)
    time = local.strftime("%H:%M:%S" if seconds else "%H:%M")
    if local.date() == today.date():
        return time
    day = f"{local.day} {local.strftime('%b')}"
    return f"{day} {time}" if local.year == today.year else f"{day} {local.year} {time}"


def utc(instant: datetime) -> str:
    """The exact instant, for those who compare logs."""
    return instant.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def iso(instant: datetime) -> str:
    """The instant for machines, RFC 3339 with milliseconds."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def number(value: float | None, places: int | None = None) -> str:
    """A value with thousands separated and no more digits than a gauge deserves."""
    if value is None:
        return NOTHING
    places = _places(abs(value)) if places is None else places
    text = f"{abs(value):,.{places}f}"
    negative = value < 0 and text.strip("0.,") != ""
    return f"{MINUS if negative else ''}{text}"


def _places(size: float) -> int:
    if size >= 100 or size == 0:
        return 0
    return 1 if size >= 10 else 2


def count(number_of: int, one: str, many: str | None = None) -> str:
    """A number and its noun: 1 gauge, 3 gauges, 12,431 readings."""
    return f"{number_of:,} {one if number_of == 1 else many or one + 's'}"


def grouped(figure: str) -> str:
    """A figure that is written out, its thousands apart: -1500.50 as -1,500.50."""
    sign = figure[:1] if figure.startswith("-") else ""
    whole, point, rest = figure.removeprefix("-").partition(".")
    return f"{sign}{int(whole or 0):,}{point}{rest}"


def article(noun: str) -> str:
    """A noun with a or an: a well, an expense, an API key."""
    return f"{'an' if noun[:1].lower() in 'aeio' else 'a'} {noun}"


def skew(milliseconds: int | None) -> str:
    """How far a clock is off, and which way."""
    if milliseconds is None:
        return "unknown"
    if abs(milliseconds) < 1000:
        return "under 1 s"
    return f"{age(abs(milliseconds) / 1000)} {'ahead' if milliseconds > 0 else 'behind'}"


def size(number_of: int) -> str:
    """Bytes for people."""
    if number_of < 1000:
        return f"{number_of} B"
    if number_of < 1_000_000:
        return f"{number_of / 1000:.1f} kB"
    return f"{number_of / 1_000_000:.1f} MB"


def silent_after(interval_ms: int) -> timedelta:
    """How old a tag's newest reading may be: three missed beats, and never under one minute."""
    return timedelta(milliseconds=max(60_000, 3 * interval_ms))
