"""The demo's papers and outlook: contracts, documents, state reports, forecasts, benchmarks."""

from __future__ import annotations

import csv
import io
import statistics
import uuid
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import func, select

from hub import documents
from hub.demo.desk import Desk
from hub.demo.seed_field import DECLINES
from hub.schema import (
    Benchmark,
    Completion,
    ComplianceReport,
    Contract,
    ContractLease,
    Document,
    Forecast,
    ForecastPoint,
    ProductionRecord,
    ReportLine,
    Well,
)

MONTHS_AHEAD: Final = 24
#: Low and high case beside the forecast, as shares of it.
LOW, HIGH = 0.86, 1.13


def fill(desk: Desk) -> None:
    """Write the papers, once."""
    desk.sit("manager")
    if not desk.holds(Contract):
        _contracts(desk)
    if not desk.holds(Document):
        _documents(desk)
    if not desk.holds(ComplianceReport):
        _reports(desk)
    if not desk.holds(Forecast):
        _forecasts(desk)
    if not desk.holds(Benchmark):
        _benchmarks(desk)


def _contracts(desk: Desk) -> None:
    """What the operator is bound by, with terms and notice days."""
    year = desk.today.year
    joa = desk.add(
        Contract,
        contract_no="JOA-2016-1",
        title="Joint operating agreement, Matagorda prospect",
        contract_type="joa",
        status="active",
        counterparty="Alamo Minerals LLC; Brazos Bend Partners LP",
        effective=date(2016, 4, 1),
        overhead_drilling=Decimal("9800.00"),
        overhead_producing=Decimal("1025.50"),
        escalation_month=4,
        non_consent_pct=Decimal(300),
        payment_days=30,
        audit_months=24,
    )
    for key in desk.leases.values():
        desk.add(ContractLease, contract_id=joa, lease_id=key)
    desk.add(
        Contract,
        contract_no="GC-4471",
        title="Sale of crude oil",
        contract_type="purchase_oil",
        status="active",
        counterparty="Gulf Coast Crude Marketing LLC",
        effective=date(year - 1, 1, 1),
        ends_on=date(year + 1, 12, 31),
        auto_renew_months=12,
        notice_days=60,
        price_index="Posted price, upper Texas coast",
        price_differential=Decimal("-1.350000"),
    )
    desk.add(
        Contract,
        contract_no="P-17",
        title="Contract pumper, three leases",
        contract_type="pumper",
        status="active",
        counterparty="Bay City Well Service",
        effective=date(year, 1, 1),
        ends_on=desk.today + timedelta(days=75),
        notice_days=30,
        value=Decimal("86400.00"),
    )


# ------------------------------------------------------------------------------------ documents


def pdf(*lines: str) -> bytes:
    """A page of plain text as a PDF: small, complete, readable everywhere."""
    shown = "".join(f"({line}) Tj T*\n" for line in lines)
    text = f"BT /F1 12 Tf 16 TL 72 720 Td\n{shown}ET\n"
    bodies = (
        "<</Type/Catalog/Pages 2 0 R>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources 6 0 R>>",
        f"<</Length {len(text)}>>stream\n{text}endstream",
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        "<</Font<</F1 5 0 R>>>>",
    )
    made, places = "%PDF-1.4\n", []
    for number, body in enumerate(bodies, 1):
        places.append(len(made))
        made += f"{number} 0 obj{body}endobj\n"
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    end = f"trailer<</Size 7/Root 1 0 R>>\nstartxref\n{len(made)}\n%%EOF\n"
    return f"{made}xref\n0 7\n0000000000 65535 f \n{table}{end}".encode("ascii")


def _documents(desk: Desk) -> None:
    """A lease, a gauge sheet and a note, each about what it is about."""
    bravo = desk.leases["Bravo"]
    actor = desk.sit("manager")
    for content, details in (
        (
            pdf("OIL AND GAS LEASE", "Bravo, Matagorda County, Texas", "Primary term: 3 years"),
            documents.Details(
                "Bravo mineral lease",
                "lease",
                "Bravo lease.pdf",
                retention_until=desk.today + timedelta(days=3650),
                about=(("leases", bravo),),
            ),
        ),
        (
            _sheet(desk),
            documents.Details(
                "Gauge sheet of the last two weeks",
                "gauge_sheet",
                "gauges.csv",
                about=(("leases", bravo),),
            ),
        ),
        (
            b"Bravo 2H: safety valve closed by itself twice in 2014.\nCheck the control line.\n",
            documents.Details(
                "Handover note",
                "other",
                "handover.txt",
                about=(("wells", desk.wells["Bravo 2H"]),),
            ),
        ),
    ):
        documents.add_document(desk.session, actor, desk.documents, io.BytesIO(content), details)


def _sheet(desk: Desk) -> bytes:
    """Two weeks of the lease's production as a pumper would hand it in."""
    made = io.StringIO()
    writer = csv.writer(made)
    writer.writerow(["Date", "Well", "Oil bbl", "Gas Mcf", "Water bbl"])
    listed = (
        select(
            ProductionRecord.production_date,
            Well.name,
            ProductionRecord.oil_bbl,
            ProductionRecord.gas_mcf,
            ProductionRecord.water_bbl,
        )
        .join(Well, Well.id == ProductionRecord.well_id)
        .where(
            Well.lease_id == desk.leases["Bravo"],
            ProductionRecord.production_date >= desk.today - timedelta(days=14),
        )
        .order_by(ProductionRecord.production_date, Well.name)
    )
    writer.writerows(tuple(row) for row in desk.session.execute(listed))
    return made.getvalue().encode()


# -------------------------------------------------------------------------------------- reports


def _reports(desk: Desk) -> None:
    """Form PR of each lease: the month before last filed, last month's a draft; with its lines."""
    for lease, key in desk.leases.items():
        for back, status in ((2, "filed"), (1, "draft")):
            month = desk.month(back)
            report = desk.add(
                ComplianceReport,
                authority="TX-RRC",
                form_code="form_pr",
                period=month,
                lease_id=key,
                status="draft",
                due_on=(month + timedelta(days=62)).replace(day=1) - timedelta(days=1),
            )
            _report_lines(desk, report, lease, month)
            if status == "filed":
                desk.change(ComplianceReport, [report], status="filed", confirmation="PR-88120")


def _report_lines(desk: Desk, report: uuid.UUID, lease: str, month: date) -> None:
    """Whole barrels and Mcf, as the form asks: stock, production and disposition foot."""
    oil, gas = _month(desk, lease, month)
    opening, closing = Decimal(310), Decimal(287)
    whole = {"report_id": report, "lease_id": desk.leases[lease]}
    desk.add(
        ReportLine,
        **whole,
        line_no=1,
        product="oil",
        opening_stock=opening,
        produced=oil,
        disposed=opening + oil - closing,
        disposition_code="1",
        closing_stock=closing,
    )
    desk.add(
        ReportLine,
        **whole,
        line_no=2,
        product="casinghead_gas",
        produced=gas,
        disposed=gas,
        disposition_code="2",
    )


def _month(desk: Desk, lease: str, month: date) -> tuple[Decimal, Decimal]:
    after = (month + timedelta(days=31)).replace(day=1)
    oil, gas = desk.session.execute(
        select(func.sum(ProductionRecord.oil_bbl), func.sum(ProductionRecord.gas_mcf))
        .join(Well, Well.id == ProductionRecord.well_id)
        .where(
            Well.lease_id == desk.leases[lease],
            ProductionRecord.production_date >= month,
            ProductionRecord.production_date < after,
        )
    ).one()
    return Decimal(oil or 0).quantize(Decimal(1)), Decimal(gas or 0).quantize(Decimal(1))


# -------------------------------------------------------------------------------------- outlook


def _forecasts(desk: Desk) -> None:
    """The decline of every well, two years ahead by the month, with a low and a high case."""
    completions = dict(desk.session.execute(select(Completion.well_id, Completion.id)).all())
    for name, well in desk.wells.items():
        if (decline := DECLINES.get(name)) is None:
            continue
        age = (desk.today - decline.since).days
        falls = decline.di / (1 + decline.b * decline.di * age)  # nominal, per day, by now
        forecast = desk.add(
            Forecast,
            completion_id=completions[well],
            as_of=desk.today,
            model="modified_hyperbolic",
            qi=_rounded(decline.oil(desk.today)),
            di_eff_secant=_rounded(1 - (1 + decline.b * falls * 365.25) ** (-1 / decline.b), 8),
            b=_rounded(decline.b),
            dterm=Decimal("0.08"),
            t0=desk.today,
            fit_from=desk.today - timedelta(days=90),
            fit_to=desk.today - timedelta(days=1),
            n=90,
            library="demo",
        )
        desk.add_all(ForecastPoint, [_point(desk, name, forecast, n) for n in range(MONTHS_AHEAD)])


def _point(desk: Desk, name: str, forecast: uuid.UUID, ahead: int) -> dict[str, Any]:
    first = desk.today.replace(day=1)
    number = first.month + ahead
    month = date(first.year + number // 12, number % 12 + 1, 1)
    days = ((month + timedelta(days=31)).replace(day=1) - month).days
    mid = DECLINES[name].oil(month + timedelta(days=15)) * days
    cases = {"low": _rounded(mid * LOW), "mid": _rounded(mid), "high": _rounded(mid * HIGH)}
    return {"forecast_id": forecast, "period": month, **cases}


def _rounded(value: float, places: int = 4) -> Decimal:
    return Decimal(str(round(value, places)))


def _benchmarks(desk: Desk) -> None:
    """How the wells compare with each other: uptime and water cut of last month."""
    month = desk.month(1)
    after = desk.month(0)
    oil, water = func.sum(ProductionRecord.oil_bbl), func.sum(ProductionRecord.water_bbl)
    listed = desk.session.execute(
        select(func.avg(ProductionRecord.hours_on) / 24 * 100, water / (oil + water) * 100)
        .where(
            ProductionRecord.production_date >= month,
            ProductionRecord.production_date < after,
            ProductionRecord.record_kind == "measured",
        )
        .group_by(ProductionRecord.well_id)
    ).all()
    for place, metric in enumerate(("uptime_pct", "water_cut")):
        values = [float(row[place] or 0) for row in listed]
        if len(values) < 5:
            continue
        cuts = statistics.quantiles(values, n=20, method="inclusive")
        points = {f"p{share}": _rounded(cuts[share // 5 - 1]) for share in (10, 25, 50, 75, 90)}
        desk.add(
            Benchmark,
            metric=metric,
            cohort="Own wells, Matagorda County, Frio",
            cohort_def={"formation": "Frio", "county": "Matagorda", "wells": "own"},
            period=month,
            unit="%",
            n=len(values),
            value_self=_rounded(statistics.fmean(values)),
            source="Own daily records",
            **points,
        )
