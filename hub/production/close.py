"""The daily close: every lease's ended days, reckoned anew until nothing about them changes.

A round may be missed, repeated or run twice at once: it writes what follows from the tables, and
nothing where that stands already. A month that is being closed or is closed is left as it is.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Engine, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from hub.database import Actor, connect, tenant_session
from hub.errors import HubError
from hub.production import daily
from hub.production.clocks import operator_of
from hub.production.meters import MeterDay, counted, meters_of
from hub.production.stocks import Gathered, TankSeen, gather
from hub.register import changes
from hub.register.catalog import RESOURCES
from hub.register.errors import RegisterError
from hub.schema import AccountingPeriod, DailyClose, ProductionRecord, Reconciliation, TankGauge
from hub.schema.base import uuid7
from hub.settings import HubSettings

LOG = logging.getLogger(__name__)
DOOR: Final = "daily_close"
#: The close writes what the office would; rows it makes bear no person.
CLOSER: Final = Actor(role="manager", door=DOOR)
LOOKS_BACK: Final = 7  #: ended days that are reckoned anew in every round
#: A tank's own gauge stands in for a tape that nobody read, this long after the day's end.
WAITS_FOR_TAPE: Final = timedelta(hours=5)
#: Kinds of records that the close itself writes, with their source.
ALLOCATED: Final = ("allocated", "allocation")
COUNTED: Final = ("measured", "telemetry")

_LEASES: Final = text(
    """
    SELECT l.id FROM leases l
    WHERE EXISTS (SELECT FROM wells w WHERE w.lease_id = l.id AND w.status = 'producing')
    ORDER BY l.id
    """
)


def close_all(engine: Engine, settings: HubSettings) -> int:
    """Close the last days of every operator; gives how many leases' days were reckoned.

    `engine` acts as wellflow_work, which names the operators; each is closed as one of its own.
    """
    with engine.connect() as connection:
        listed = text("SELECT id FROM organizations WHERE closed_at IS NULL ORDER BY id")
        operators = list(connection.scalars(listed))
    writer = connect(settings.database.url, "app", pool=1)
    try:
        return sum(close_operator(writer, operator) for operator in operators)
    finally:
        writer.dispose()


def close_operator(engine: Engine, operator: uuid.UUID, days: int = LOOKS_BACK) -> int:
    """Close the last days of one operator; a lease that fails is logged and stops no other."""
    now = datetime.now(UTC)
    with tenant_session(engine, operator, CLOSER) as session:
        last = operator_of(session).clock.closed(now)
        leases = list(session.scalars(_LEASES))
    done = 0
    for lease in leases:
        for back in reversed(range(days)):
            try:
                with tenant_session(engine, operator, CLOSER) as session:
                    done += close_day(session, lease, last - timedelta(days=back), now) is not None
            except (SQLAlchemyError, HubError):
                LOG.exception("lease %s could not be closed for a day", lease)
    return done


def close_day(
    session: Session, lease: uuid.UUID, day: date, now: datetime | None = None
) -> daily.Closed | None:
    """Close one lease's day and answer what it came to; None where its month is locked."""
    moment = now or datetime.now(UTC)
    operator = operator_of(session)
    if _locked(session, day):
        return None
    name = f"close{lease}{day}"
    session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:n, 1))"), {"n": name})
    seen = gather(session, lease, day, operator.clock)
    if moment >= operator.clock.ends(day) + WAITS_FOR_TAPE and _gauge(session, seen, operator):
        seen = gather(session, lease, day, operator.clock)
    volumes, told = counted(session, lease, day, operator.clock)
    _record(session, day, COUNTED, volumes)
    if volumes:
        seen = gather(session, lease, day, operator.clock)
    meters = meters_of(session, lease, day)
    closed = daily.close(seen.day)
    findings = [*closed.findings, *told, *(f for meter in meters for f in meter.findings())]
    shared = _shared(closed)
    _record(session, day, ALLOCATED, shared)
    _retract(session, day, [well.id for well in seen.day.wells if well.id not in shared])
    _keep(session, operator.id, lease, day, closed, findings)
    for tank in seen.tanks:
        _compare_tank(session, operator.id, lease, day, tank)
    for meter in meters:
        _compare_meter(session, operator.id, lease, day, meter)
    return closed


def _locked(session: Session, day: date) -> bool:
    state = session.scalar(
        select(AccountingPeriod.state).where(
            AccountingPeriod.module == "production", AccountingPeriod.month == day.replace(day=1)
        )
    )
    return state not in {None, "open"}


# ------------------------------------------------------------------------------------- records


def _shared(closed: daily.Closed) -> dict[uuid.UUID, dict[str, Decimal]]:
    """What each well is given, by column of the record."""
    oil, water = daily.shares(closed.allocation), daily.shares(closed.water_allocation)
    found: dict[uuid.UUID, dict[str, Decimal]] = {}
    for column, given in (("oil_bbl", oil), ("water_bbl", water)):
        for well, volume in given.items():
            found.setdefault(well, {})[column] = volume
    return found


def _record(
    session: Session,
    day: date,
    kind: tuple[str, str],
    volumes: Mapping[uuid.UUID, Mapping[str, Decimal]],
) -> None:
    """Write a day's records of one kind; what somebody else wrote of that kind stands."""
    resource = RESOURCES["production_records"]
    for well, figures in volumes.items():
        there = session.execute(
            select(ProductionRecord.id, ProductionRecord.source)
            .where(ProductionRecord.well_id == well, ProductionRecord.production_date == day)
            .where(ProductionRecord.record_kind == kind[0])
        ).all()
        if any(row.source != kind[1] for row in there):
            continue
        try:
            if there:
                changes.update(session, CLOSER, resource, there[0].id, figures, None)
            else:
                head = {"well_id": well, "production_date": day, "record_kind": kind[0]}
                changes.create(session, CLOSER, resource, {**head, "source": kind[1], **figures})
        except RegisterError as refused:
            LOG.warning("the close of %s could not write %s: %s", day, well, refused)


def _retract(session: Session, day: date, wells: list[uuid.UUID]) -> None:
    """Take back what was shared out while more was known: what it said stays with its revisions."""
    stale = session.scalars(
        select(ProductionRecord.id)
        .where(ProductionRecord.well_id.in_(wells), ProductionRecord.production_date == day)
        .where(ProductionRecord.record_kind == ALLOCATED[0])
        .where(ProductionRecord.source == ALLOCATED[1])
    ).all()
    for row in stale:
        changes.remove(session, CLOSER, RESOURCES["production_records"], row, None)


def _gauge(session: Session, seen: Gathered, operator: Any) -> int:
    """Let a tank's own gauge stand in where nobody gauged it; gives how many did."""
    made = 0
    for one in seen.tanks:
        if one.keyed or one.own_closing_in is None:
            continue
        values = {
            "tank_id": one.tank.id,
            "gauged_at": operator.clock.gauged(seen.day.day),
            "production_date": seen.day.day,
            "level_in": one.own_closing_in,
            "source": "telemetry",
        }
        try:
            changes.create(session, CLOSER, RESOURCES[TankGauge.__tablename__], values)
            made += 1
        except RegisterError as refused:
            LOG.warning("the gauge of tank %s does not stand in: %s", one.tank.name, refused)
    return made


# --------------------------------------------------------------------------------- what is kept


def _keep(
    session: Session,
    organization: uuid.UUID,
    lease: uuid.UUID,
    day: date,
    closed: daily.Closed,
    findings: list[daily.Finding],
) -> None:
    factor = closed.allocation.factor if closed.allocation and closed.oil else None
    values = {
        "state": "incomplete" if findings else "complete",
        "opening_bbl": closed.opening,
        "closing_bbl": closed.closing,
        "runs_bbl": closed.runs,
        "drawn_bbl": closed.drawn,
        "oil_bbl": closed.oil,
        "water_bbl": closed.water,
        "factor": factor,
        "findings": [finding.to_json() for finding in findings],
    }
    keys = {"organization_id": organization, "lease_id": lease, "production_date": day}
    _upsert(session, DailyClose, keys, values, "closed_at", ("lease_id", "production_date"))


def _compare_tank(
    session: Session, organization: uuid.UUID, lease: uuid.UUID, day: date, seen: TankSeen
) -> None:
    known = seen.tank.day
    values = {
        "kind": "tank",
        "lease_id": lease,
        "unit": "bbl",
        "opening": known.opening,
        "closing": known.closing,
        "ticketed": known.ticketed,
        "gauge_opening": known.telemetry_opening,
        "gauge_closing": known.telemetry_closing,
        "unexplained": known.unexplained,
    }
    keys = {"organization_id": organization, "tank_id": seen.tank.id, "production_date": day}
    _upsert(session, Reconciliation, keys, values, "reckoned_at", ("tank_id", "production_date"))


def _compare_meter(
    session: Session, organization: uuid.UUID, lease: uuid.UUID, day: date, meter: MeterDay
) -> None:
    values = {
        "kind": "meter",
        "lease_id": lease,
        "unit": meter.unit,
        "opening": meter.opening,
        "closing": meter.closing,
        "gauge_opening": meter.own_opening,
        "gauge_closing": meter.own_closing,
        "unexplained": meter.unexplained,
    }
    keys = {"organization_id": organization, "equipment_id": meter.id, "production_date": day}
    key = ("equipment_id", "production_date")
    _upsert(session, Reconciliation, keys, values, "reckoned_at", key)


def _upsert(
    session: Session,
    model: Any,
    keys: Mapping[str, Any],
    values: Mapping[str, Any],
    stamp: str,
    unique: tuple[str, ...],
) -> None:
    """Write a row of what was reckoned; one that says the same already is left alone."""
    table = model.__table__
    made = insert(table).values(id=uuid7(), **keys, **values)
    changed = {name: made.excluded[name] for name in values if name != "kind"}
    differs = text(
        " OR ".join(f"{table.name}.{name} IS DISTINCT FROM excluded.{name}" for name in changed)
    )
    session.execute(
        made.on_conflict_do_update(
            index_elements=list(unique),
            set_={**changed, stamp: text("now()")},
            where=differs,
        )
    )
