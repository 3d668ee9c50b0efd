"""Addresses of the pages of rows, quick enough for a list of hundreds."""

from __future__ import annotations

import uuid
from typing import Any
from urllib.parse import quote

from flask import g, url_for

NIL = str(uuid.UUID(int=0))


def record_page(table: str, key: object) -> str:
    """Address of a row's page in the register."""
    return _before("record.page", table=table, key=NIL) + quote(str(key), safe="")


def well_page(key: uuid.UUID) -> str:
    """Address of a well's page."""
    return f"{_before('wells.page', well_id=NIL)}{key}"


def _before(endpoint: str, **values: Any) -> str:
    """What stands before the key: the router is asked once per answer, not for hundreds of rows."""
    known: dict[tuple[str, ...], str] = g.setdefault("before_keys", {})
    which = (endpoint, *values.values())
    if which not in known:
        known[which] = url_for(endpoint, **values).removesuffix(NIL)
    return known[which]
