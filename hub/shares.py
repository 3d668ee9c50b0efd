"""The one way in which a total is shared out: by largest remainder, so that the shares sum to it.

Rounding each share for itself loses or makes cents and barrels. Here every share is rounded down,
and what is left goes, a step each, to the largest remainders (Hamilton's method).
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from decimal import ROUND_DOWN, Decimal
from typing import Final, TypeVar

from hub.errors import HubError

CENT: Final = Decimal("0.01")
Key = TypeVar("Key", bound=Hashable)


class SharingError(HubError):
    """A total cannot be shared out by these parts; the text is one sentence."""


def split(total: Decimal, parts: Mapping[Key, Decimal], step: Decimal = CENT) -> dict[Key, Decimal]:
    """Share `total` in proportion to `parts`; every share is a multiple of `step`.

    Of equal remainders the larger part, then the one named first, gets the step. A negative total
    is shared as its amount is. Raises `SharingError` where a part is negative, where all are zero
    but the total is not, or where the total is no multiple of the step.
    """
    if any(part < 0 for part in parts.values()):
        raise SharingError("A share of less than nothing is not possible.")
    whole = sum(parts.values(), Decimal(0))
    if whole == 0:
        if total:
            raise SharingError(f"{total:f} cannot be shared out: every part is zero.")
        return dict.fromkeys(parts, Decimal(0) * step)
    if total < 0:
        return {key: -share for key, share in split(-total, parts, step).items()}
    return _by_remainder(total, whole, parts, step)


def _by_remainder(
    total: Decimal, whole: Decimal, parts: Mapping[Key, Decimal], step: Decimal
) -> dict[Key, Decimal]:
    steps = total / step
    if steps != steps.to_integral_value():
        raise SharingError(f"{total:f} is no multiple of {step:f}.")
    exact = {key: steps * part / whole for key, part in parts.items()}
    counts = {key: value.to_integral_value(ROUND_DOWN) for key, value in exact.items()}
    left = int(steps - sum(counts.values(), Decimal(0)))
    order = sorted(parts, key=lambda key: (counts[key] - exact[key], -parts[key]))
    for key in order[:left]:
        counts[key] += 1
    return {key: count * step for key, count in counts.items()}
