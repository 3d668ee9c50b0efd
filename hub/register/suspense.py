"""What is held for each owner: suspended shares, and those a pay code holds back.

A ledger read from the distributions themselves (the view `suspense`), so that it cannot disagree
with them; it is a debt to the owners, never netted into income.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import text
from sqlalchemy.orm import Session

#: Owners whose money is told at once; an operator has some thousands.
MOST = 10_000


@dataclass(frozen=True, slots=True)
class Held:
    """What is held for one owner for one reason."""

    partner_id: uuid.UUID
    partner: str
    reason: str  #: a hold code, below_minimum, or unstated
    shares: int  #: distributions
    net: Decimal  #: USD
    since: date  #: first month of production
    until: date  #: last month of production


_HELD = text(
    """
    SELECT s.partner_id, p.name AS partner, s.reason, s.shares, s.net, s.since, s.until
    FROM suspense s
    JOIN partners p ON p.organization_id = s.organization_id AND p.id = s.partner_id
    ORDER BY p.name, s.reason, s.partner_id LIMIT :most
    """
)


def held(session: Session) -> list[Held]:
    """Every owner and reason, by name, as the session's operator has them."""
    return [Held(**row) for row in session.execute(_HELD, {"most": MOST}).mappings()]
