"""Forecasts of production, and how the operator compares with others."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, Numeric, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from hub.schema.amounts import (
    ITS_UNIT,
    PRODUCTS,
    RATIO,
    Rate,
    Volume,
    label_of_month,
    month,
    search_text,
    title,
)
from hub.schema.base import Authored, Base, Keyed, Owned, about, of_organization, one_of, within
from hub.schema.courses import Approved

FORECAST_PRODUCTS = (*PRODUCTS, "water")
FORECAST_MODELS = (
    "exponential",
    "harmonic",
    "hyperbolic",
    "modified_hyperbolic",
    "type_curve",
)
FORECAST_STATUSES = ("draft", "approved", "archived")
METRICS = (
    "loe_per_boe",
    "uptime_pct",
    "failures_per_well_year",
    "decline_year_1",
    "water_cut",
    "bbl_per_pumper_hour",
    "days_to_close",
    "netback_per_boe",
    "gas_flared_pct",
)
RATE_UNIT = "bbl/d or Mcf/d"
VOLUME_UNIT = "bbl or Mcf"
Fraction = Numeric(12, 8)


class Forecast(Base, Keyed, Owned, Authored, Approved):
    """An expectation of one product's rate, fitted to the past or set by hand.

    Low, middle and high follow the reserves convention: the low case is the one that is exceeded
    nine times out of ten (P90). What was fitted, with which program and to which data, is kept, so
    that it can be computed again.

    | status | may become | what it means |
    |---|---|---|
    | draft | approved, archived | may change; may be deleted |
    | approved | archived | actual rates are judged against it |
    | archived | none | kept for the record |
    """

    __tablename__ = "forecasts"
    GROUP: ClassVar[str] = "Analysis"
    SORT: ClassVar[str] = "-as_of"
    LISTED: ClassVar[tuple[str, ...]] = (
        "name",
        "lease_id",
        "completion_id",
        "product",
        "model",
        "eur_mid",
        "as_of",
        "status",
    )
    SEARCHED: ClassVar[tuple[str, ...]] = ("scenario", "note")
    FACETS: ClassVar[tuple[str, ...]] = ("status", "product", "model", "scenario")
    MOVES: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "draft": ("approved", "archived"),
        "approved": ("archived",),
    }

    lease_id: Mapped[uuid.UUID | None] = mapped_column(info=about("The property, or"))
    completion_id: Mapped[uuid.UUID | None] = mapped_column(info=about("the one completion."))
    product: Mapped[str] = mapped_column(
        server_default="oil", info=about("What is forecast.", choices=FORECAST_PRODUCTS)
    )
    scenario: Mapped[str] = mapped_column(
        server_default="base", info=about("base, workover, infill …")
    )
    as_of: Mapped[date] = mapped_column(info=about("Day up to which the past was known."))
    model: Mapped[str] = mapped_column(
        server_default="modified_hyperbolic",
        info=about("Shape of the decline.", choices=FORECAST_MODELS),
    )
    qi: Mapped[Decimal | None] = mapped_column(
        Rate, info=about("Rate at the start.", unit=RATE_UNIT, label="Initial rate")
    )
    di_eff_secant: Mapped[Decimal | None] = mapped_column(
        Fraction,
        info=about(
            "Decline of the first year, effective, by the secant: 0.35 for 35 %.", unit="1/yr"
        ),
    )
    b: Mapped[Decimal | None] = mapped_column(
        Fraction, info=about("Hyperbolic exponent: 0 exponential, 1 harmonic.", unit=RATIO)
    )
    dterm: Mapped[Decimal | None] = mapped_column(
        Fraction,
        info=about("Terminal decline a year, at which it turns exponential.", unit="1/yr"),
    )
    t0: Mapped[date | None] = mapped_column(info=about("Day the curve starts."))
    fit_from: Mapped[date | None] = mapped_column(info=about("First day that was fitted."))
    fit_to: Mapped[date | None] = mapped_column(info=about("Last day that was fitted."))
    exclusions: Mapped[dict[str, Any] | None] = mapped_column(
        info=about("Spans left out of the fit: downtime, workovers.")
    )
    n: Mapped[int | None] = mapped_column(info=about("Months that were fitted."))
    rmse_log: Mapped[Decimal | None] = mapped_column(
        Fraction, info=about("Spread of the logarithm of the rate about the curve.", unit=RATIO)
    )
    covariance: Mapped[dict[str, Any] | None] = mapped_column(
        info=about("Covariance of the fitted parameters.")
    )
    q_limit: Mapped[Decimal | None] = mapped_column(
        Rate, info=about("Rate at which it is no longer worth producing.", unit=RATE_UNIT)
    )
    eur_low: Mapped[Decimal | None] = mapped_column(
        Volume, info=about("Ultimate recovery, low case (P90).", unit=VOLUME_UNIT)
    )
    eur_mid: Mapped[Decimal | None] = mapped_column(
        Volume, info=about("Ultimate recovery, middle case (P50).", unit=VOLUME_UNIT)
    )
    eur_high: Mapped[Decimal | None] = mapped_column(
        Volume, info=about("Ultimate recovery, high case (P10).", unit=VOLUME_UNIT)
    )
    library: Mapped[str | None] = mapped_column(info=about("Program that computed it, version."))
    input_sha256: Mapped[str | None] = mapped_column(
        info=about("Digest of the data it was fitted to, 64 hexadecimal digits.")
    )
    status: Mapped[str] = mapped_column(
        server_default="draft", info=about("Where it stands.", choices=FORECAST_STATUSES)
    )
    note: Mapped[str | None] = mapped_column(info=about("Assumptions worth knowing."))
    name: Mapped[str] = title(
        "product || ' '::text || scenario || ' '::text || " + label_of_month("as_of")
    )
    search_text: Mapped[Any] = search_text("scenario", "note")
    __table_args__ = (
        of_organization(),
        within("lease_id", table="leases"),
        within("completion_id", table="completions"),
        UniqueConstraint("organization_id", "id"),
        UniqueConstraint(
            "organization_id",
            "lease_id",
            "completion_id",
            "product",
            "scenario",
            "as_of",
            name="forecasts_as_of_key",
            postgresql_nulls_not_distinct=True,
        ),
        Index("forecasts_as_of_idx", "organization_id", "as_of"),
        Index("forecasts_lease_idx", "organization_id", "lease_id", "as_of"),
        Index("forecasts_completion_idx", "organization_id", "completion_id", "as_of"),
        Index("forecasts_status_idx", "organization_id", "status", "as_of"),
        Index("forecasts_search_text_idx", "search_text", postgresql_using="gin"),
        CheckConstraint("num_nonnulls(lease_id, completion_id) = 1", name="subject"),
        CheckConstraint(one_of("product", *FORECAST_PRODUCTS), name="product"),
        CheckConstraint(one_of("model", *FORECAST_MODELS), name="model"),
        CheckConstraint("qi > 0", name="qi"),
        CheckConstraint("di_eff_secant > 0 AND di_eff_secant < 1", name="di_eff_secant"),
        CheckConstraint("b >= 0 AND b <= 2", name="b"),
        CheckConstraint("dterm > 0 AND dterm < 1", name="dterm"),
        CheckConstraint("b <= 1 OR dterm IS NOT NULL", name="terminal"),
        CheckConstraint("fit_to >= fit_from", name="fit_to"),
        CheckConstraint("n >= 0", name="n"),
        CheckConstraint("eur_low <= eur_mid AND eur_mid <= eur_high", name="eur"),
        CheckConstraint("input_sha256 ~ '^[0-9a-f]{64}$'", name="input_sha256"),
        CheckConstraint(one_of("status", *FORECAST_STATUSES), name="status"),
    )


class ForecastPoint(Base, Keyed, Owned, Authored):
    """The expected volume of one month of a forecast.

    It exists because charts and the alarm on deviation compare months with what came, and a type
    curve or a forecast set by hand has no formula to compute them from.
    """

    __tablename__ = "forecast_points"
    TITLE: ClassVar[str] = "period"
    GROUP: ClassVar[str] = "Analysis"
    SORT: ClassVar[str] = "-period"
    LISTED: ClassVar[tuple[str, ...]] = ("forecast_id", "period", "low", "mid", "high")

    forecast_id: Mapped[uuid.UUID] = mapped_column(info=about("The forecast it is part of."))
    period: Mapped[date] = mapped_column(info=about("The month; its first day."))
    low: Mapped[Decimal | None] = mapped_column(
        Volume, info=about("Low case (P90).", unit=VOLUME_UNIT)
    )
    mid: Mapped[Decimal] = mapped_column(Volume, info=about("Middle case (P50).", unit=VOLUME_UNIT))
    high: Mapped[Decimal | None] = mapped_column(
        Volume, info=about("High case (P10).", unit=VOLUME_UNIT)
    )
    __table_args__ = (
        of_organization(),
        ForeignKeyConstraint(
            ["organization_id", "forecast_id"],
            ["forecasts.organization_id", "forecasts.id"],
            ondelete="CASCADE",
        ),
        UniqueConstraint("organization_id", "id"),
        UniqueConstraint("organization_id", "forecast_id", "period"),
        Index("forecast_points_period_idx", "organization_id", "period"),
        month("period"),
        CheckConstraint("mid >= 0", name="mid"),
        CheckConstraint("low >= 0 AND low <= mid", name="low"),
        CheckConstraint("high >= mid", name="high"),
    )


class Benchmark(Base, Keyed, Owned, Authored):
    """How the operator stands among comparable wells: one figure of one month.

    Percentiles here are those of statistics, by linear interpolation: a tenth of the cohort lies
    below P10. Cohorts of fewer than five are not shown, so that none of them is given away.
    """

    __tablename__ = "benchmarks"
    GROUP: ClassVar[str] = "Analysis"
    SORT: ClassVar[str] = "-period"
    LISTED: ClassVar[tuple[str, ...]] = (
        "name",
        "cohort",
        "value_self",
        "percentile_self",
        "p50",
        "n",
        "source",
    )
    SEARCHED: ClassVar[tuple[str, ...]] = ("cohort", "source")
    FACETS: ClassVar[tuple[str, ...]] = ("metric", "period", "source")

    metric: Mapped[str] = mapped_column(info=about("What is compared.", choices=METRICS))
    cohort: Mapped[str] = mapped_column(info=about("With whom, in words."))
    cohort_def: Mapped[dict[str, Any] | None] = mapped_column(
        info=about("The same as conditions: basin, formation, vintage, lift, rate band.")
    )
    period: Mapped[date] = mapped_column(info=about("Month that is compared; its first day."))
    unit: Mapped[str | None] = mapped_column(info=about("What the figures are in."))
    n: Mapped[int] = mapped_column(info=about("Members of the cohort."))
    p10: Mapped[Decimal | None] = mapped_column(
        Rate, info=about("A tenth lie below.", unit=ITS_UNIT)
    )
    p25: Mapped[Decimal | None] = mapped_column(
        Rate, info=about("A quarter lie below.", unit=ITS_UNIT)
    )
    p50: Mapped[Decimal | None] = mapped_column(
        Rate, info=about("Half lie below.", unit=ITS_UNIT, label="Median")
    )
    p75: Mapped[Decimal | None] = mapped_column(
        Rate, info=about("Three quarters lie below.", unit=ITS_UNIT)
    )
    p90: Mapped[Decimal | None] = mapped_column(
        Rate, info=about("Nine tenths lie below.", unit=ITS_UNIT)
    )
    value_self: Mapped[Decimal | None] = mapped_column(
        Rate, info=about("Our own figure.", unit=ITS_UNIT, label="Ours")
    )
    percentile_self: Mapped[Decimal | None] = mapped_column(
        Numeric(5, 2), info=about("Share of the cohort below ours.", unit="%", label="Percentile")
    )
    source: Mapped[str] = mapped_column(info=about("Where the cohort's figures are from."))
    licence: Mapped[str | None] = mapped_column(info=about("Terms under which they are used."))
    computed_at: Mapped[datetime] = mapped_column(
        server_default=text("now()"), info=about("When it was computed.")
    )
    name: Mapped[str] = title("metric || ' '::text || " + label_of_month("period"))
    search_text: Mapped[Any] = search_text("cohort", "source")
    __table_args__ = (
        of_organization(),
        UniqueConstraint("organization_id", "id"),
        UniqueConstraint("organization_id", "metric", "cohort", "period"),
        Index("benchmarks_period_idx", "organization_id", "period"),
        Index("benchmarks_search_text_idx", "search_text", postgresql_using="gin"),
        CheckConstraint(one_of("metric", *METRICS), name="metric"),
        month("period"),
        CheckConstraint("n >= 0", name="n"),
        CheckConstraint("n >= 5 OR num_nonnulls(p10, p25, p50, p75, p90) = 0", name="cohort_of_5"),
        CheckConstraint("p10 <= p25 AND p25 <= p50 AND p50 <= p75 AND p75 <= p90", name="order"),
        CheckConstraint("percentile_self BETWEEN 0 AND 100", name="percentile_self"),
    )
