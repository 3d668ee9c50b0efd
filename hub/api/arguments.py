"""Query parameters: each read strictly, every fault a sentence naming the parameter (pure)."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import UTC, datetime

from werkzeug.datastructures import MultiDict

from hub.api.problems import refuse

WHOLE = re.compile(r"\d{1,9}")
INSTANT = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", flags=re.ASCII
)
#: Readings begin with the trade's digital age; further off is a slip of the hand.
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


class Arguments:
    """A request's query parameters."""

    def __init__(self, given: MultiDict[str, str], known: Collection[str]) -> None:
        """Take the parameters of a request; raises `Problem` (422) for one that is not known."""
        self._given = given
        unknown = {
            name: f"There is no parameter “{name}” here." for name in given.keys() - {*known}
        }
        if unknown:
            refuse(unknown)

    def one(self, name: str) -> str | None:
        """The text of a parameter that stands there once at most."""
        found = self._given.getlist(name)
        if len(found) > 1:
            refuse({name: f"{name} may be given once."})
        return found[0] if found else None

    def many(self, name: str, most: int) -> list[str]:
        """The texts of a parameter that may be repeated."""
        found = list(dict.fromkeys(self._given.getlist(name)))
        if len(found) > most:
            refuse({name: f"{name} may be given {most} times at most."})
        return found

    def whole(self, name: str, default: int, low: int, high: int) -> int:
        """A whole number between two bounds."""
        text = self.one(name)
        if text is None:
            return default
        if not WHOLE.fullmatch(text) or not low <= int(text) <= high:
            refuse({name: f"{name} must be a whole number from {low} to {high}."})
        return int(text)

    def flag(self, name: str) -> bool:
        """Whether a switch is on; it is off when left out."""
        text = self.one(name)
        if text not in {None, "true", "false"}:
            refuse({name: f"{name} must be true or false."})
        return text == "true"

    def instant(self, name: str, default: datetime) -> datetime:
        """An instant as RFC 3339 writes it."""
        text = self.one(name)
        found = default if text is None else _instant(text)
        if found is None or not EARLIEST <= found <= LATEST:
            example = f"{name} must be an instant such as 2026-03-31T14:00:00Z"
            refuse({name: f"{example}, from {EARLIEST.year} to {LATEST.year}."})
        return found


def _instant(text: str) -> datetime | None:
    """A "+" that came unescaped is a space by now: taken back."""
    try:
        text = text.replace(" ", "+")
        return datetime.fromisoformat(text.upper()) if INSTANT.fullmatch(text) else None
    except (ValueError, OverflowError):
        return None
