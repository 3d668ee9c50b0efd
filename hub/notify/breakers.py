"""Circuit breakers: a provider that fails again and again is left alone for a while.

They stand in the database, so that every process knows what one of them found out. When the while
is over, one message tries; the others wait for what comes of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

OPENS_AT: Final = 3  #: failures in a row
FIRST_PAUSE: Final = timedelta(seconds=30)
LONGEST_PAUSE: Final = timedelta(minutes=5)
PROBE: Final = timedelta(seconds=30)

_PAUSES = text(
    "SELECT provider, open_until FROM provider_breakers"
    " WHERE provider = ANY(:providers) AND open_until IS NOT NULL"
)
_PROBE = text(
    """
    UPDATE provider_breakers SET open_until = :probe
    WHERE provider = :provider AND open_until <= :now
    """
)
_FAILED = text(
    """
    INSERT INTO provider_breakers AS b (provider, failures, fault, changed_at)
    VALUES (:provider, 1, :fault, :now)
    ON CONFLICT (provider) DO UPDATE
    SET failures = b.failures + 1, fault = excluded.fault, changed_at = excluded.changed_at
    RETURNING failures
    """
)
_PAUSE = text("UPDATE provider_breakers SET open_until = :until WHERE provider = :provider")
_WORKED = text(
    """
    UPDATE provider_breakers
    SET failures = 0, open_until = NULL, fault = NULL, changed_at = :now
    WHERE provider = :provider AND (failures > 0 OR open_until IS NOT NULL)
    """
)


def pauses(session: Session, providers: Sequence[str]) -> dict[str, datetime]:
    """Those of these providers that are, or were, left alone, and until when."""
    rows = session.execute(_PAUSES, {"providers": list(providers)})
    return {row.provider: row.open_until for row in rows}


def begin(session: Session, provider: str, now: datetime) -> None:
    """A call to a provider begins; the first after a pause keeps the others away meanwhile."""
    session.execute(_PROBE, {"provider": provider, "now": now, "probe": now + PROBE})


def failed(session: Session, provider: str, fault: str, now: datetime) -> None:
    """Count a failure; from the third in a row on the provider is left alone, longer each time."""
    mark = {"provider": provider, "fault": fault, "now": now}
    failures = int(session.scalar(_FAILED, mark) or 0)
    if failures >= OPENS_AT:
        pause = min(FIRST_PAUSE * 2.0 ** min(failures - OPENS_AT, 10), LONGEST_PAUSE)
        session.execute(_PAUSE, mark | {"until": now + pause})


def worked(session: Session, provider: str, now: datetime) -> None:
    """A provider took a message, or refused it for what was in it: it is well."""
    session.execute(_WORKED, {"provider": provider, "now": now})
