"""A well made much less, or more, than was expected of it on the last closed production day.

Judged only once the day is closed and no ticket of the lease is open; a well with downtime entered
for that day is not compared. What is expected is the median of the seven days before (at least
four of them known), or the approved forecast of the well's completions for that month.
"""

from __future__ import annotations

import calendar
import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from statistics import median
from typing import Final

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

LOOKED_BACK: Final = 7
LEAST_KNOWN: Final = 4
UNITS: Final = {"oil": "bbl", "gas": "Mcf", "water": "bbl"}

# Of several records of a day the one that the office trusts most counts.
_DAYS: Final = """
    SELECT d.well_id, d.production_date AS day, sum(d.volume) AS volume
    FROM (SELECT DISTINCT ON (r.completion_id, r.production_date)
                 r.well_id, r.production_date,
                 CASE :product WHEN 'oil' THEN r.oil_bbl WHEN 'gas' THEN r.gas_mcf
                               ELSE r.water_bbl END AS volume
          FROM production_records r
          WHERE r.production_date BETWEEN :first AND :day
            AND r.record_kind IN ('adjusted', 'allocated', 'measured', 'field_estimate')
            AND (CAST(:well AS uuid) IS NULL OR r.well_id = :well)
          ORDER BY r.completion_id, r.production_date,
                   array_position(ARRAY['adjusted', 'allocated', 'measured', 'field_estimate'],
                                  r.record_kind)) d
    WHERE d.volume IS NOT NULL
    GROUP BY d.well_id, d.production_date
"""
_WELLS: Final = """
    SELECT w.id, w.name,
           EXISTS (SELECT FROM downtime_events e WHERE e.well_id = w.id
                   AND e.started_at < :until
                   AND coalesce(e.ended_at, 'infinity') > :begins) AS down,
           EXISTS (SELECT FROM run_tickets t WHERE t.lease_id = w.lease_id
                   AND t.status = 'open' AND t.production_date <= :day) AS ticket_open,
           (SELECT s.price FROM sales_statements s
            WHERE s.lease_id = w.lease_id AND s.product = :product AND s.price IS NOT NULL
            ORDER BY s.period DESC LIMIT 1) AS price
    FROM wells w
    WHERE w.organization_id = :organization
      AND (CAST(:well AS uuid) IS NULL OR w.id = :well)
"""
_FORECAST: Final = """
    SELECT DISTINCT ON (f.completion_id) c.well_id, p.mid
    FROM forecasts f
    JOIN completions c ON c.id = f.completion_id
    JOIN forecast_points p ON p.forecast_id = f.id AND p.period = :month
    WHERE f.status = 'approved' AND f.product = :product
    ORDER BY f.completion_id, f.as_of DESC
"""


@dataclass(frozen=True, slots=True)
class WellDay:
    """What is known of one well."""

    well_id: uuid.UUID
    name: str
    made: Mapping[date, Decimal]
    down: bool = False
    ticket_open: bool = False
    price: Decimal | None = None
    forecast: Decimal | None = None  #: a day


def find(scene: Scene, params: Params) -> Found:
    """Compare every well's last closed day."""
    day = scene.closed_day(float(params["after_hours"]))
    wells = _wells(scene, params, day)
    findings = [one for well in wells if (one := judge(well, day, params, scene)) is not None]
    judged = (well for well in wells if is_known(well, day, params))
    product = params["product"]
    return Found(findings, frozenset(key(well.well_id, product) for well in judged))


def _wells(scene: Scene, params: Params, day: date) -> list[WellDay]:
    product = params["product"]
    made: dict[uuid.UUID, dict[date, Decimal]] = defaultdict(dict)
    first = day - timedelta(days=LOOKED_BACK)
    for row in scene.rows(_DAYS, product=product, first=first, day=day):
        made[row.well_id][row.day] = row.volume
    span = {"begins": scene.begins(day), "until": scene.begins(day + timedelta(days=1))}
    rows = scene.rows(_WELLS, product=product, day=day, **span)
    expected = _forecasts(scene, params, day) if params["against"] == "forecast" else {}
    return [
        WellDay(
            row.id,
            row.name,
            made.get(row.id, {}),
            row.down,
            row.ticket_open,
            row.price,
            expected.get(row.id),
        )
        for row in rows
    ]


def _forecasts(scene: Scene, params: Params, day: date) -> dict[uuid.UUID, Decimal]:
    days = Decimal(calendar.monthrange(day.year, day.month)[1])
    found: dict[uuid.UUID, Decimal] = defaultdict(Decimal)
    for row in scene.rows(_FORECAST, product=params["product"], month=day.replace(day=1)):
        found[row.well_id] += row.mid / days
    return found


def is_known(well: WellDay, day: date, params: Params) -> bool:
    """Whether the day can be judged: entered, its tickets in, and something expected (pure)."""
    return day in well.made and not well.ticket_open and expected(well, day, params) is not None


def expected(well: WellDay, day: date, params: Params) -> Decimal | None:
    """What the well should have made that day; None where nobody can tell (pure)."""
    if params["against"] == "forecast":
        return well.forecast
    before: Sequence[Decimal] = [volume for at, volume in well.made.items() if at < day]
    return median(before) if len(before) >= LEAST_KNOWN else None


def judge(well: WellDay, day: date, params: Params, scene: Scene) -> Finding | None:
    """What is to be said of one well, if anything."""
    if well.down or not is_known(well, day, params):
        return None
    wanted, made, product = expected(well, day, params), well.made[day], params["product"]
    assert wanted is not None
    off = wanted - made if params["direction"] == "less" else made - wanted
    price = params.amount("price") or (well.price or Decimal(0))
    if not passes(off, wanted, off * price, params):
        return None
    unit, than = UNITS[product], "forecast" if params["against"] == "forecast" else "usual"
    worth = f", about ${off * price:,.0f}" if price else ""
    return Finding(
        key=key(well.well_id, product),
        sentence=f"{well.name} made {made:,.1f} {unit} of {product} on {day}, {off:,.1f} {unit}"
        f" {params['direction']} than {than} ({wanted:,.1f}){worth}.",
        since=scene.noon(day),
        priority=params.priority,
        subject=well.name,
        value=number(made),
        setpoint=number(wanted),
        well_id=well.well_id,
    )


def passes(off: Decimal, wanted: Decimal, worth: Decimal, params: Params) -> bool:
    """Whether a difference is worth an alert: in share, in volume and in money (pure)."""
    share = off * 100 / wanted if wanted else Decimal(100 if off > 0 else 0)
    return (
        off > 0
        and share >= params.amount("percent")
        and off >= params.amount("volume")
        and worth >= params.amount("value")
    )


KIND: Final = OfficeKind(
    "Production off",
    "A well made much less, or more, than was expected of it on the last closed day.",
    (
        Setting("product", "Product", "", "oil", form="choice", choices=("oil", "gas", "water")),
        Setting("direction", "Made", "", "less", form="choice", choices=("less", "more")),
        Setting("against", "Than", "", "median", form="choice", choices=("median", "forecast")),
        Setting("percent", "By at least", "%", "20"),
        Setting("volume", "and at least", "bbl or Mcf", "5"),
        Setting("value", "and worth at least", "$", "0"),
        Setting("price", "Price", "$", "", "Empty: the last statement's", form="optional"),
        Setting("after_hours", "Judged after the day's end by", "h", "4"),
        PRIORITIES,
    ),
    find,
)
