"""Fields of an entry, read one by one: every fault is collected, none ends the reading."""

from __future__ import annotations

import dataclasses
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Final, TypeVar

from agent.contract.fieldwords import say
from agent.contract.tanks import HIGHEST_IN, LevelError, parse_level

_NOWHERE: Final = uuid.UUID(int=0)
_FIRST_MS: Final = 946_684_800_000  #: 2000-01-01
_LAST_MS: Final = 4_102_444_800_000  #: 2100-01-01
_NUMBER: Final = re.compile(r"[+-]?(\d{1,15}(\.\d{0,10})?|\.\d{1,10})")
_THOUSANDS: Final = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?")

_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong: the field, and the sentence by its key in `fieldwords`."""

    field: str  #: as it is addressed in the body: ``gauges.0.level_in``
    key: str
    values: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def say(self, language: str = "en") -> str:
        """The sentence for the person who entered it."""
        return say(language, f"fault_{self.key}", **self.values)


class Line:
    """One object of the body; what cannot be read is a fault and a value that is never used."""

    def __init__(self, item: Mapping[str, Any], path: str, faults: list[Fault]) -> None:
        self.item, self.path, self.faults = item, path, faults

    def fault(self, name: str, key: str, **values: str) -> None:
        """Note a fault of one field."""
        self.faults.append(Fault(f"{self.path}{name}", key, values))

    def missing(self, name: str) -> None:
        """Note that a field must be filled in."""
        self.fault(name, "missing")

    def _given(self, name: str) -> Any:
        value = self.item.get(name)
        if isinstance(value, str):
            value = value.strip()
        return None if value in (None, "") else value

    def key(self, name: str) -> uuid.UUID:
        """The key of a row or of an entry, which must be there."""
        found = self.optional_key(name)
        if found is None:
            if self._given(name) is None:
                self.missing(name)
            return _NOWHERE
        return found

    def optional_key(self, name: str) -> uuid.UUID | None:
        """The key of a row or of an entry, where one is given."""
        value = self._given(name)
        if value is None:
            return None
        try:
            return uuid.UUID(value)
        except (ValueError, AttributeError, TypeError):
            self.fault(name, "key")
            return None

    def number(self, name: str, low: Decimal, high: Decimal, places: int) -> Decimal | None:
        """A figure within its bounds and with no more places than are kept; None if not given."""
        value = self._given(name)
        if value is None:
            return None
        figure = _figure(value)
        if figure is None:
            self.fault(name, "number", value=str(value)[:40])
        elif figure < 0 <= low:
            self.fault(name, "negative")
        elif not low <= figure <= high:
            self.fault(name, "range", low=f"{low:f}", high=f"{high:f}", value=f"{figure:f}")
        elif (kept := figure.quantize(Decimal(1).scaleb(-places))) != figure:
            self.fault(name, "places", value=f"{kept:f}")
        else:
            return figure
        return None

    def needed(self, name: str, low: Decimal, high: Decimal, places: int) -> Decimal:
        """A figure that must be there."""
        if self._given(name) is None:
            self.missing(name)
        found = self.number(name, low, high, places)
        return Decimal(0) if found is None else found

    def whole(self, name: str, low: int, high: int) -> int:
        """A whole number that must be there."""
        return int(self.needed(name, Decimal(low), Decimal(high), 0))

    def level(self, name: str) -> Decimal:
        """A level in inches that must be there."""
        if self._given(name) is None:
            self.missing(name)
        found = self.optional_level(name)
        return Decimal(0) if found is None else found

    def optional_level(self, name: str) -> Decimal | None:
        """A level in inches, or as a tape is read."""
        value = self._given(name)
        if value is None:
            return None
        if isinstance(value, int | float) and not isinstance(value, bool):
            value = str(value)
        if isinstance(value, str) and value.startswith("-"):
            self.fault(name, "negative")
            return None
        try:
            return parse_level(value if isinstance(value, str) else "")
        except LevelError:
            self.fault(name, "level", value=str(value)[:40], high=str(HIGHEST_IN))
            return None

    def day(self, name: str) -> date:
        """A day that must be there."""
        try:
            return date.fromisoformat(str(self._given(name) or ""))
        except ValueError:
            self.fault(name, "day")
            return date.min

    def instant(self, name: str) -> int:
        """UTC milliseconds that must be there."""
        value = self.item.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and _FIRST_MS < value < _LAST_MS:
            return value
        self.fault(name, "time")
        return 0

    def optional_instant(self, name: str) -> int | None:
        """UTC milliseconds, where they are given."""
        return None if self._given(name) is None else self.instant(name) or None

    def word(self, name: str, words: Sequence[str]) -> str | None:
        """One of a few words, where one is given."""
        value = self._given(name)
        if value is None or (isinstance(value, str) and value in words):
            return value
        self.fault(name, "word", value=str(value)[:40])
        return None

    def text(self, name: str, longest: int) -> str | None:
        """A text that can be stored, where one is given."""
        value = self._given(name)
        if value is None:
            return None
        if not isinstance(value, str) or not _storable(value):
            self.fault(name, "text")
        elif len(value) > longest:
            self.fault(name, "long", longest=str(longest))
        else:
            return value
        return None

    def needed_text(self, name: str, longest: int) -> str:
        """A text that must be there."""
        if self._given(name) is None:
            self.missing(name)
        return self.text(name, longest) or ""

    def texts(self, name: str, longest: int, most: int) -> list[str]:
        """A list of texts; none where none is given."""
        value = self._given(name) or []
        fine = isinstance(value, list) and len(value) <= most
        if fine and all(isinstance(one, str) and _storable(one) for one in value):
            found = [one.strip() for one in value if one.strip()]
            if all(len(one) <= longest for one in found):
                return found
        self.fault(name, "list", longest=str(longest), most=str(most))
        return []

    def digest(self, name: str) -> str:
        """A SHA-256 in lower-case hexadecimal."""
        value = self._given(name)
        if isinstance(value, str) and re.fullmatch(r"[0-9a-f]{64}", value):
            return value
        self.fault(name, "digest")
        return ""


class Lines:
    """Lists of lines in the head of an entry."""

    def __init__(self, head: Line, most: int) -> None:
        self.head, self.most = head, most

    def read(self, name: str, read: Callable[[Line], _Item]) -> tuple[_Item, ...]:
        """Every line of one list."""
        items = self.head.item.get(name)
        if items is None:
            return ()
        if not isinstance(items, list) or len(items) > self.most:
            self.head.fault(name, "lines", most=str(self.most))
            return ()
        return tuple(
            read(Line(item if isinstance(item, Mapping) else {}, f"{name}.{number}.", self._faults))
            for number, item in enumerate(items)
        )

    @property
    def _faults(self) -> list[Fault]:
        return self.head.faults


def _figure(value: object) -> Decimal | None:
    """A number as people and programs write it; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    text = str(value).strip()
    if _THOUSANDS.fullmatch(text):
        text = text.replace(",", "")
    if not _NUMBER.fullmatch(text):
        return None
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def _storable(text: str) -> bool:
    return "\0" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)
