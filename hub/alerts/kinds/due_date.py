"""What falls due: permits, bonds, filings, conditions, contracts, leases, integrity tests, upkeep.

Told in rungs: 90, 60, 30, 7 and 1 days before. At each rung people are told once more, and the
nearer it is the worse it counts; what is overdue stands until it is done. Days are those of the
calendar, or business days: without weekends and the holidays of the operator's state.
"""

from __future__ import annotations

import uuid
from collections.abc import Container, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

import holidays

from hub.alerts.conditions import Finding
from hub.alerts.kinds.office import Found, OfficeKind, Params, Scene, Setting, key
from hub.schema import Organization

SUBJECTS: Final = (
    *("permits", "conditions", "filings", "contracts", "leases", "integrity_tests"),
    *("maintenance", "run_hours"),
)
USUAL_RUNGS: Final = "90, 60, 30, 7, 1"
#: How bad a rung counts: the first of these whose days it does not exceed.
_WORSE: Final = ((1, 2), (30, 3), (10_000, 4))

_DUE: Final = """
    SELECT 'permits' AS subject, p.id, p.permit_no AS number, p.permit_type AS what,
           least(p.expires_on, coalesce(p.renew_by, p.expires_on)) AS due,
           p.well_id, p.facility_id, CAST(NULL AS uuid) AS equipment_id
    FROM permits p
    WHERE p.status IN ('approved', 'active', 'renewal_due') AND p.expires_on IS NOT NULL
    UNION ALL
    SELECT 'conditions', c.id, p.permit_no, c.condition, c.due_on, p.well_id, p.facility_id, NULL
    FROM permit_conditions c JOIN permits p ON p.id = c.permit_id
    WHERE c.status = 'open' AND c.due_on IS NOT NULL
    UNION ALL
    SELECT 'filings', r.id, r.form_code, to_char(r.period, 'YYYY-MM'), r.due_on, r.well_id,
           r.facility_id, NULL
    FROM compliance_reports r
    WHERE r.status IN ('not_due', 'draft', 'ready', 'exported', 'rejected') AND r.due_on IS NOT NULL
    UNION ALL
    SELECT 'contracts', c.id, c.contract_no, c.title, coalesce(c.notice_on, c.ends_on), NULL, NULL,
           NULL
    FROM contracts c WHERE c.status = 'active' AND coalesce(c.notice_on, c.ends_on) IS NOT NULL
    UNION ALL
    SELECT 'leases', l.id, l.name, 'primary term', l.primary_term_end, NULL, l.facility_id, NULL
    FROM leases l WHERE l.organization_id = :organization AND l.primary_term_end IS NOT NULL
      AND NOT EXISTS (SELECT FROM wells w WHERE w.lease_id = l.id AND w.status = 'producing')
    UNION ALL
    SELECT 'integrity_tests', t.well_id, w.name, 'mechanical integrity test',
           (max(t.started_at) + make_interval(months => :test_months))::date, t.well_id, NULL, NULL
    FROM well_tests t JOIN wells w ON w.id = t.well_id
    WHERE t.test_kind = 'injection_mit' AND t.status = 'accepted' AND w.plug_date IS NULL
    GROUP BY t.well_id, w.name
    UNION ALL
    SELECT 'maintenance', e.id, e.name, 'service',
           coalesce(m.next_due_on,
                    coalesce(m.done::date, e.installed_on) + e.service_interval_days),
           e.well_id, e.facility_id, e.id
    FROM equipment e
    LEFT JOIN LATERAL (
        SELECT r.next_due_on, r.completed_at AS done FROM maintenance_records r
        WHERE r.equipment_id = e.id AND r.completed_at IS NOT NULL
        ORDER BY r.completed_at DESC LIMIT 1) m ON true
    WHERE e.organization_id = :organization
      AND coalesce(m.next_due_on, coalesce(m.done::date, e.installed_on) + e.service_interval_days)
          IS NOT NULL
"""
_HOURS: Final = """
    SELECT e.id, e.name, e.run_hours, m.next_due_hours, e.well_id, e.facility_id
    FROM equipment e
    JOIN LATERAL (
        SELECT r.next_due_hours FROM maintenance_records r
        WHERE r.equipment_id = e.id AND r.completed_at IS NOT NULL
        ORDER BY r.completed_at DESC LIMIT 1) m ON true
    WHERE e.organization_id = :organization
      AND e.run_hours IS NOT NULL AND m.next_due_hours IS NOT NULL
      AND e.run_hours >= m.next_due_hours - :hours
      AND (CAST(:well AS uuid) IS NULL OR e.well_id = :well)
"""
WORDS: Final = {
    "permits": "Permit",
    "conditions": "Condition of permit",
    "filings": "Filing",
    "contracts": "Contract",
    "leases": "Lease",
    "integrity_tests": "Well",
    "maintenance": "Equipment",
}


@dataclass(frozen=True, slots=True)
class Due:
    """One thing that falls due."""

    subject: str
    id: uuid.UUID
    number: str
    what: str
    due: date
    well_id: uuid.UUID | None = None
    facility_id: uuid.UUID | None = None
    equipment_id: uuid.UUID | None = None


def find(scene: Scene, params: Params) -> Found:
    """Everything that stands on a rung of the ladder today."""
    rows = [Due(*row) for row in scene.rows(_DUE, test_months=int(params["test_months"]))]
    wanted, well = params["of"], scene.rule.well_id
    free = _free_days(scene) if params["days"] == "business" else frozenset()
    listed = [row for row in rows if wanted in {"all", row.subject}]
    found = [
        finding
        for row in listed
        if (well is None or row.well_id == well)
        and (finding := judge(row, scene, params["rungs"], free)) is not None
    ]
    return Found(found + _hours(scene, params))


def judge(
    row: Due, scene: Scene, rungs: Sequence[float], free: Container[date] | None = None
) -> Finding | None:
    """What is to be said of one thing that falls due, if anything."""
    left = days_left(scene.today, row.due, free)
    rung = on_rung(left, rungs)
    if rung is None:
        return None
    what = f"{WORDS[row.subject]} {row.number}: {row.what.replace('_', ' ')[:120]}"
    since = row.due - timedelta(days=int(rung)) if not free else scene.today
    return Finding(
        key=key(row.subject, row.id),
        sentence=f"{what} {in_words(left, row.due)}.",
        since=scene.noon(min(since, scene.today)),
        priority=priority_of(left, rung),
        subject=f"{WORDS[row.subject]} {row.number}",
        value=float(left),
        setpoint=float(rung),
        well_id=row.well_id,
        facility_id=row.facility_id,
        equipment_id=row.equipment_id,
    )


def days_left(today: date, due: date, free: Container[date] | None = None) -> int:
    """Days until a day, negative once past; business days where free ones are given (pure)."""
    if not free:
        return (due - today).days
    step = 1 if due >= today else -1
    days = (today + timedelta(days=step * n) for n in range(1, abs((due - today).days) + 1))
    return step * sum(1 for day in days if day.weekday() < 5 and day not in free)


def on_rung(left: int, rungs: Sequence[float]) -> float | None:
    """The rung that a number of days has reached, the nearest to the day itself (pure)."""
    return min((rung for rung in rungs if left <= rung), default=None)


def priority_of(left: int, rung: float) -> int:
    """1 worst … 4 advice: overdue counts as the last rung (pure)."""
    days = min(float(left), rung)
    return next(priority for most, priority in _WORSE if days <= most)


def in_words(left: int, due: date) -> str:
    """When it is due, as people say it (pure)."""
    if left < 0:
        return f"was due on {due}, {-left} {'day' if left == -1 else 'days'} ago"
    if left == 0:
        return "is due today"
    return f"is due on {due}, in {left} {'day' if left == 1 else 'days'}"


def _free_days(scene: Scene) -> Any:
    """Holidays of the operator's state over the years in question."""
    state = scene.session.get_one(Organization, scene.rule.organization_id).state
    years = range(scene.today.year - 1, scene.today.year + 2)
    try:
        return holidays.country_holidays("US", subdiv=state, years=years)
    except NotImplementedError:  # a state the calendar does not know keeps the federal days
        return holidays.country_holidays("US", years=years)


def _hours(scene: Scene, params: Params) -> list[Finding]:
    """Equipment whose service is due by its running hours."""
    if params["of"] not in {"all", "run_hours"}:
        return []
    ahead = params.amount("hours")
    return [
        Finding(
            key=key("run_hours", row.id),
            sentence=_service(row.name, row.next_due_hours - row.run_hours, row.next_due_hours),
            since=scene.now,
            priority=2 if row.run_hours >= row.next_due_hours else 3,
            subject=row.name,
            value=float(row.run_hours),
            setpoint=float(row.next_due_hours),
            well_id=row.well_id,
            facility_id=row.facility_id,
            equipment_id=row.id,
        )
        for row in scene.rows(_HOURS, hours=ahead)
    ]


def _service(name: str, left: Decimal, due: Decimal) -> str:
    if left <= 0:
        return f"Service of {name} was due at {due:,.0f} running hours, {-left:,.0f} ago."
    return f"Service of {name} is due at {due:,.0f} running hours, in {left:,.0f}."


KIND: Final = OfficeKind(
    "Due dates",
    "A permit, bond, filing, contract, lease, integrity test or service falls due.",
    (
        Setting("of", "What", "", "all", form="choice", choices=("all", *SUBJECTS)),
        Setting("rungs", "Told before by", "days", USUAL_RUNGS, form="list"),
        Setting(
            "days", "Days are", "", "calendar", form="choice", choices=("calendar", "business")
        ),
        Setting("test_months", "Integrity tests every", "months", "60"),
        Setting("hours", "Running hours told ahead", "h", "100"),
    ),
    find,
)
