"""Reading the parameters of a rule: every fault becomes a sentence, and reading goes on."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

_REFERENCE: Final = ("of", "times", "plus")
LONGEST_WINDOW_S: Final = 7 * 86_400


@dataclass(frozen=True, slots=True)
class Reference:
    """A number that stands elsewhere: `of` an attribute, `times` so much, `plus` so much."""

    of: str
    times: float = 1.0
    plus: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """As it was written."""
        return {"of": self.of, "times": self.times, "plus": self.plus}


@dataclass(slots=True)
class Given:
    """One table of parameters as somebody wrote it, and what is wrong with it."""

    values: Mapping[str, Any]
    where: str
    faults: list[str]
    #: What references can name; None: they are to be read, not resolved.
    attributes: Mapping[str, float | None] | None = None
    unresolved: list[str] = field(default_factory=list)  #: attributes that were not looked up

    def number(
        self,
        key: str,
        *,
        default: float | None = None,
        low: float = -math.inf,
        high: float = math.inf,
    ) -> float:
        """A finite number; 0 with a fault where there is none."""
        value = self.values.get(key, default)
        if value is None:
            self.fault(f"{key} is missing.")
            return 0.0
        if not _is_number(value):
            self.fault(f"{key} must be a number, not {value!r}.")
            return 0.0
        if not low <= value <= high:
            span = f"at least {low:g}" if high == math.inf else f"between {low:g} and {high:g}"
            self.fault(f"{key} must be {span}, not {value:g}.")
        return float(value)

    def optional(self, key: str) -> float | None:
        """A finite number, or None where nothing stands."""
        return None if self.values.get(key) is None else self.number(key)

    def window(self, key: str, default: float) -> float:
        """A length of time in seconds."""
        return self.number(key, default=default, low=1.0, high=float(LONGEST_WINDOW_S))

    def number_or_reference(self, key: str) -> tuple[float, Reference | None]:
        """A number, or one that an attribute gives: resolved where attributes are known."""
        value = self.values.get(key)
        if not isinstance(value, Mapping):
            return self.number(key), None
        inner = Given(value, f"{self.where}: {key}", self.faults)
        inner.no_others(_REFERENCE)
        reference = Reference(
            inner.text("of"), inner.number("times", default=1.0), inner.number("plus", default=0.0)
        )
        if self.attributes is None or not reference.of:
            self.unresolved.append(reference.of)
            return 0.0, reference
        known = self.attributes.get(reference.of)
        if known is None:
            words = reference.of.replace("_", " ")
            self.fault(f"{key} follows the {words}, which is not known here; enter it first.")
            return 0.0, reference
        return known * reference.times + reference.plus, reference

    def flag(self, key: str, *, default: bool = False) -> bool:
        """True or false."""
        value = self.values.get(key, default)
        if not isinstance(value, bool):
            self.fault(f"{key} must be true or false, not {value!r}.")
            return default
        return value

    def text(self, key: str) -> str:
        """Words; empty with a fault where there are none."""
        value = self.values.get(key)
        if not isinstance(value, str) or not value.strip():
            missing = f"{key} is missing." if value is None else f"{key} must be words."
            self.fault(missing)
            return ""
        return value.strip()

    def choice(self, key: str, choices: Sequence[str], default: str) -> str:
        """One of some words."""
        value = self.values.get(key, default)
        if value not in choices:
            self.fault(f"{key} must be {' or '.join(choices)}, not {value!r}.")
            return default
        return str(value)

    def numbers(self, key: str, default: Sequence[float] = ()) -> tuple[float, ...]:
        """A list of finite numbers."""
        value = self.values.get(key, default)
        if not isinstance(value, Sequence) or isinstance(value, str) or len(value) > 100:
            self.fault(f"{key} must be a list of numbers, not {value!r}.")
            return ()
        for one in value:
            if not _is_number(one):
                self.fault(f"{key} must be a list of numbers, not {list(value)!r}.")
                return ()
        return tuple(float(one) for one in value)

    def no_others(self, known: Collection[str], where: str | None = None) -> None:
        """Every key must be one of these: a misspelt one is not passed over."""
        self.faults.extend(
            f"{key!r} is not known in {where or self.where}; use {', '.join(sorted(known))}."
            for key in self.values
            if key not in known
        )

    def fault(self, sentence: str) -> None:
        """Note what is wrong, and where."""
        self.faults.append(f"{self.where}: {sentence}")


def _is_number(value: object) -> bool:
    is_it = isinstance(value, int | float) and not isinstance(value, bool)
    try:
        return is_it and math.isfinite(value)  # type: ignore[arg-type]
    except OverflowError:
        return False
