"""Money: lifting cost a barrel, unpaid bills, deferred production, statements unlike the tickets.

Months are judged for what is booked so far: the month before last where nothing else is said, since
invoices of the last one are still coming.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from hub.alerts.conditions import Finding
from hub.alerts.kinds.office import (
    PRIORITIES,
    Found,
    OfficeKind,
    Params,
    Scene,
    Setting,
    key,
    number,
)

_LIFTING: Final = """
    WITH cost AS (
        SELECT coalesce(a.lease_id, e.lease_id) AS lease_id,
               sum(coalesce(a.amount, e.gross)) AS cost
        FROM expenses e
        JOIN accounts c ON c.id = e.account_id AND c.kind IN ('operating', 'overhead')
        LEFT JOIN expense_allocations a ON a.expense_id = e.id
        WHERE e.service_period = :month AND e.status IN ('approved', 'posted')
        GROUP BY 1),
    made AS (
        SELECT w.lease_id, sum(d.oil_bbl) AS oil
        FROM (SELECT DISTINCT ON (r.completion_id, r.production_date) r.well_id, r.oil_bbl
              FROM production_records r
              WHERE r.production_date >= :month
                AND r.production_date < (CAST(:month AS date) + interval '1 month')
                AND r.record_kind IN ('adjusted', 'allocated', 'measured', 'field_estimate')
              ORDER BY r.completion_id, r.production_date,
                       array_position(ARRAY['adjusted', 'allocated', 'measured', 'field_estimate'],
                                      r.record_kind)) d
        JOIN wells w ON w.id = d.well_id
        GROUP BY w.lease_id)
    SELECT l.id, l.name, l.facility_id, c.cost, m.oil
    FROM cost c JOIN leases l ON l.id = c.lease_id JOIN made m ON m.lease_id = l.id
    WHERE m.oil > 0
"""
_UNPAID: Final = """
    SELECT j.id, p.name, j.number, j.due_date, j.closing_balance - j.paid_amount AS owed
    FROM jib_statements j JOIN partners p ON p.id = j.partner_id
    WHERE j.status IN ('sent', 'partially_paid') AND j.due_date < :before
"""
_DEFERRED: Final = """
    SELECT w.id, w.name, min(e.started_at) AS since, sum(e.deferred_oil_bbl) AS oil,
           (SELECT s.price FROM sales_statements s
            WHERE s.lease_id = w.lease_id AND s.product = 'oil' AND s.price IS NOT NULL
            ORDER BY s.period DESC LIMIT 1) AS price
    FROM downtime_events e JOIN wells w ON w.id = e.well_id
    WHERE e.ended_at IS NULL AND e.deferred_oil_bbl > 0
      AND (CAST(:well AS uuid) IS NULL OR w.id = :well)
    GROUP BY w.id, w.name, w.lease_id
"""
_SOLD: Final = """
    SELECT s.id, s.statement_no, l.name, s.period, s.volume, t.hauled
    FROM sales_statements s
    JOIN leases l ON l.id = s.lease_id
    CROSS JOIN LATERAL (
        SELECT sum(coalesce(r.net_standard_bbl, r.gross_standard_bbl)) AS hauled FROM run_tickets r
        WHERE r.lease_id = s.lease_id AND r.status = 'final' AND r.kind = 'oil_sale'
          AND r.production_date >= s.period
          AND r.production_date < (s.period + interval '1 month')) t
    WHERE s.product = 'oil' AND s.period >= :since AND t.hauled > 0
"""


def lifting(scene: Scene, params: Params) -> Iterator[Finding]:
    """Leases whose operating cost a barrel lies above the limit."""
    month = months_before(scene.today, int(params["months_back"]))
    limit = params.amount("limit")
    for row in scene.rows(_LIFTING, month=month):
        each = row.cost / row.oil
        if each >= limit:
            yield Finding(
                key=key("loe", row.id, month),
                sentence=f"{row.name} cost ${each:,.2f} a barrel in {month:%Y-%m}, more than"
                f" ${limit:,.2f}: ${row.cost:,.0f} for {row.oil:,.0f} bbl.",
                since=scene.noon(month),
                priority=params.priority,
                subject=row.name,
                value=number(each),
                setpoint=number(limit),
                facility_id=row.facility_id,
            )


def unpaid(scene: Scene, params: Params) -> Iterator[Finding]:
    """Bills that partners have not paid so many days after they were due."""
    limit = params.amount("limit")
    before = scene.today - timedelta(days=int(params["days"]))
    for row in scene.rows(_UNPAID, before=before):
        if row.owed >= max(limit, Decimal("0.01")):
            late = (scene.today - row.due_date).days
            yield Finding(
                key=key("unpaid", row.id),
                sentence=f"{row.name} owes ${row.owed:,.2f} of bill {row.number}, due on"
                f" {row.due_date}, {late} days ago.",
                since=scene.noon(row.due_date),
                priority=params.priority,
                subject=row.name,
                value=number(row.owed),
                setpoint=number(limit),
            )


def deferred(scene: Scene, params: Params) -> Iterator[Finding]:
    """Wells that are down and have deferred more money than the limit."""
    limit, given = params.amount("limit"), params.amount("price")
    for row in scene.rows(_DEFERRED):
        price = given or row.price
        if price and row.oil * price >= limit:
            yield Finding(
                key=key("deferred", row.id),
                sentence=f"{row.name} is down and has deferred {row.oil:,.0f} bbl,"
                f" about ${row.oil * price:,.0f}.",
                since=min(row.since, scene.now),
                priority=params.priority,
                subject=row.name,
                value=number(row.oil * price),
                setpoint=number(limit),
                well_id=row.id,
            )


def statements(scene: Scene, params: Params) -> Iterator[Finding]:
    """Statements whose volume differs from the tickets' by more than so many percent."""
    since = months_before(scene.today, 12)
    limit = params.amount("limit")
    for row in scene.rows(_SOLD, since=since):
        off = difference_percent(row.volume, row.hauled)
        if off >= limit:
            yield Finding(
                key=key("statement", row.id),
                sentence=f"Statement {row.statement_no} pays {row.volume:,.1f} bbl of {row.name}"
                f" for {row.period:%Y-%m}; its tickets say {row.hauled:,.1f}, {off:.1f} % apart.",
                since=scene.noon(row.period),
                priority=params.priority,
                subject=row.name,
                value=number(row.volume),
                setpoint=number(row.hauled),
            )


def months_before(day: date, months: int) -> date:
    """First day of the month so many months before a day's (pure)."""
    count = day.year * 12 + day.month - 1 - months
    return date(count // 12, count % 12 + 1, 1)


def difference_percent(one: Decimal, other: Decimal) -> Decimal:
    """How far apart two volumes are, in percent of the second (pure)."""
    return abs(one - other) * 100 / other if other else Decimal(0)


FIGURES: Final[Mapping[str, Callable[[Scene, Params], Iterator[Finding]]]] = {
    "lifting_cost": lifting,
    "unpaid": unpaid,
    "deferred": deferred,
    "statements": statements,
}


def find(scene: Scene, params: Params) -> Found:
    """What the chosen figure shows."""
    return Found(list(FIGURES[params["of"]](scene, params)))


def _setting(name: str, label: str, unit: str, usual: str, **more: Any) -> Setting:
    return Setting(name, label, unit, usual, **more)


KIND: Final = OfficeKind(
    "Money",
    "Lifting cost a barrel, unpaid bills, deferred production, or a statement that does not fit.",
    (
        _setting("of", "What", "", "lifting_cost", form="choice", choices=tuple(FIGURES)),
        _setting("limit", "Limit", "$, $/bbl or %", "25"),
        _setting("months_back", "Lifting cost of the month before by", "months", "2"),
        _setting("days", "Unpaid for", "days", "30"),
        _setting("price", "Price", "$/bbl", "", help="Empty: the last one paid", form="optional"),
        PRIORITIES,
    ),
    find,
)
