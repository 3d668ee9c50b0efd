"""Sentences for constraints whose condition does not tell by itself what is allowed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SAID: Final[Mapping[str, str]] = {
    "wells_name_key": "There is already a well with this name.",
    "wells_place_check": (
        "Latitude takes -90 to 90 and longitude -180 to 180 degrees; give both, or neither."
    ),
}
