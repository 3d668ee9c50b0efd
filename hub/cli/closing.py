"""Verb `close`: closes leases' days as the job does, and tells what is open of them."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, select

from hub.cli.register import keeper_session, organization_named
from hub.cli.screen import CommandError, Exit, Screen
from hub.database import connect, tenant_session
from hub.production.clocks import operator_of
from hub.production.close import CLOSER, LOOKS_BACK, close_day
from hub.schema import DailyClose, Lease
from hub.settings import load


def close(asked: argparse.Namespace, screen: Screen) -> int:
    """Close one day, or the last seven, of one lease or of all; 1 where something is open."""
    settings = load(asked.settings)
    with keeper_session(settings) as session:
        operator = organization_named(session, asked.organization).id
    engine = connect(settings.database.url, "app", pool=1)
    try:
        rows = _close(engine, operator, asked.lease, asked.day)
    finally:
        engine.dispose()
    lines = [line for row in rows for line in _lines(row)]
    screen.answer(rows, screen.table(lines))
    return Exit.FAILED if any(row["open"] for row in rows) else Exit.DONE


def _close(engine: Engine, operator: Any, name: str | None, day: date | None) -> list[Any]:
    with tenant_session(engine, operator, CLOSER) as session:
        last = operator_of(session).clock.closed(datetime.now(UTC))
        leases = session.execute(select(Lease.id, Lease.name).order_by(Lease.name)).all()
    chosen = [lease for lease in leases if name is None or lease.name == name]
    if not chosen:
        known = ", ".join(lease.name for lease in leases)
        raise CommandError(f"there is no lease {name!r}; there are: {known or 'none yet'}")
    if day is not None and day > last:
        raise CommandError(f"{day} has not ended yet; the last ended day is {last}")
    days = [day] if day else [last - timedelta(days=back) for back in reversed(range(LOOKS_BACK))]
    return [_one(engine, operator, lease, one) for lease in chosen for one in days]


def _one(engine: Engine, operator: Any, lease: Any, day: date) -> dict[str, Any]:
    with tenant_session(engine, operator, CLOSER) as session:
        locked = close_day(session, lease.id, day) is None
        kept = session.scalars(
            select(DailyClose).where(
                DailyClose.lease_id == lease.id, DailyClose.production_date == day
            )
        ).one_or_none()
        row: dict[str, Any] = {"day": day, "lease": lease.name, "locked": locked, "open": []}
        if kept is not None:
            row |= {"oil": kept.oil_bbl, "runs": kept.runs_bbl, "factor": kept.factor}
            row["open"] = kept.findings
        return row


def _lines(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A line per thing that is open, so that none hides behind another."""
    head = {"day": row["day"], "lease": row["lease"]}
    figures = {"oil": row.get("oil"), "runs": row.get("runs"), "factor": row.get("factor")}
    said = [finding["sentence"] for finding in row["open"]]
    nothing = "locked, left as it is" if row["locked"] else "complete"
    first, *rest = said or [nothing]
    blank = dict.fromkeys((*head, *figures), "")
    return [{**head, **figures, "": first}, *({**blank, "": sentence} for sentence in rest)]
