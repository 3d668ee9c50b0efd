"""Columns that the console's database role may not read or write, as the migrations grant it.

A test compares these with the rights in a migrated database, so they cannot go stale.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

#: Columns that never leave the database.
NEVER_SENT: Final[Mapping[str, frozenset[str]]] = {
    "users": frozenset({"password_hash"}),
    "bank_accounts": frozenset({"fingerprint"}),
}

#: Columns given when a row is made, or set by the database's own functions, and not changed after.
NOT_CHANGED: Final[Mapping[str, frozenset[str]]] = {
    "completions": frozenset({"well_id"}),
    "well_status_history": frozenset({"well_id"}),
    "production_records": frozenset({"production_date", "well_id", "completion_id"}),
    "accounting_periods": frozenset({"module", "month"}),
    "meter_readings": frozenset({"equipment_id", "production_date"}),
    "chemical_treatments": frozenset({"lease_id", "production_date"}),
    "lease_assignments": frozenset({"lease_id", "membership_id"}),
    "memberships": frozenset({"user_id"}),
    "organizations": frozenset({"closed_at", "is_demo", "slug"}),
    "alert_priorities": frozenset({"priority"}),
    "incident_events": frozenset(
        {"incident_id", "happened_at", "kind", "note", "before", "after", "document_id"}
        | {"lat", "lon", "accuracy_m"}
    ),
}

#: Columns that no door but the product itself writes.
FILLED_IN: Final[Mapping[str, frozenset[str]]] = {
    "production_records": frozenset({"revision"}),
    "compliance_reports": frozenset({"filed_by", "export_sha256"}),
    "documents": frozenset(
        {"sha256", "size_bytes", "storage_key", "media_type", "version", "supersedes_id"}
    ),
    "organizations": frozenset({"tax_id_last4"}),
}

#: Tables whose rows come another way: documents by upload, people by invitation, operators by
#: command, alerts from the evaluator.
MADE_ELSEWHERE: Final = frozenset({"documents", "users", "memberships", "organizations", "alerts"})
#: Tables of which the register changes nothing.
ONLY_SEEN: Final = frozenset({"users", "alerts"})
