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
NOT_CHANGED: Final[Mapping[str, frozenset[str]]] = {}
