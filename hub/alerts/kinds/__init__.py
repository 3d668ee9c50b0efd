"""Kinds of rules that look at the office's rows: what they ask for and what they find."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hub.alerts.kinds import (
    due_date,
    entries,
    financial,
    mass_balance,
    meta,
    production_variance,
)
from hub.alerts.kinds.office import OfficeKind

OFFICE: Final[Mapping[str, OfficeKind]] = {
    "production_variance": production_variance.KIND,
    "mass_balance": mass_balance.KIND,
    "missing_entry": entries.MISSING,
    "ticket_mismatch": entries.MISMATCH,
    "due_date": due_date.KIND,
    "financial": financial.KIND,
    "meta": meta.KIND,
}
