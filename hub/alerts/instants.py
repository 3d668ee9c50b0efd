"""Instants of the database as the evaluator's milliseconds, and back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


def to_ms(instant: datetime) -> int:
    """UTC milliseconds since 1970, rounded down."""
    return (instant - _EPOCH) // _MILLISECOND


def to_instant(ms: int) -> datetime:
    """The instant of so many UTC milliseconds."""
    return _EPOCH + timedelta(milliseconds=ms)
