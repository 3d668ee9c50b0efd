"""What is known of an incident: volumes as intervals, where it went, who was hurt."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, Numeric, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from hub.schema.amounts import Money, Volume
from hub.schema.base import about, one_of

FLUIDS = ("oil", "produced_water", "condensate", "chemical", "gas")
INJURY_CLASSES = ("none", "first_aid", "medical", "restricted", "days_away", "fatality")

Mass = Numeric(12, 3)


def volume(
    words: str, unit: str, kind: Any = Volume, *, label: str | None = None
) -> Mapped[Decimal | None]:
    """Declare one end, or the middle, of an interval that grows narrower as more is known."""
    return mapped_column(kind, info=about(words, unit=unit, label=label), sort_order=10)


def unknown(words: str, label: str | None = None) -> Mapped[bool | None]:
    """Declare a question that has no answer yet: empty counts as possible."""
    return mapped_column(
        info=about(f"{words} Empty while nobody knows.", label=label), sort_order=11
    )


def unless_said(words: str, label: str | None = None) -> Mapped[bool]:
    """Declare a question whose answer is no until somebody says otherwise."""
    told = about(words, label=label)
    return mapped_column(server_default="false", default=False, info=told, sort_order=12)


def count(words: str, label: str | None = None) -> Mapped[int]:
    """Declare a number of people."""
    told = about(words, label=label)
    return mapped_column(SmallInteger, server_default="0", default=0, info=told, sort_order=13)


def interval(name: str, low: str, high: str) -> CheckConstraint:
    """Keep the ends of an interval in order."""
    return CheckConstraint(
        f"{low} >= 0 AND {name} >= {low} AND {high} >= {name} AND {high} >= {low}",
        name=f"{name}_interval",
    )


class IncidentFacts:
    """What rules of agencies are judged by; made milder only by a manager who says why."""

    fluid: Mapped[str | None] = mapped_column(
        info=about("What was released.", choices=FLUIDS), sort_order=9
    )
    released_low: Mapped[Decimal | None] = volume(
        "Liquid that got out, at least.", "bbl", label="Liquid released, at least"
    )
    released: Mapped[Decimal | None] = volume(
        "Liquid that got out, best estimate.", "bbl", label="Liquid released, best estimate"
    )
    released_high: Mapped[Decimal | None] = volume(
        "Liquid that got out, at most.", "bbl", label="Liquid released, at most"
    )
    gas_low: Mapped[Decimal | None] = volume(
        "Gas that got out, at least.", "Mcf", label="Gas released, at least"
    )
    gas: Mapped[Decimal | None] = volume(
        "Gas that got out, best estimate.", "Mcf", label="Gas released, best estimate"
    )
    gas_high: Mapped[Decimal | None] = volume(
        "Gas that got out, at most.", "Mcf", label="Gas released, at most"
    )
    h2s_lb_low: Mapped[Decimal | None] = volume(
        "H2S that got out, at least.", "lb", Mass, label="H2S released, at least"
    )
    h2s_lb: Mapped[Decimal | None] = volume(
        "H2S that got out, best estimate.", "lb", Mass, label="H2S released, best estimate"
    )
    h2s_lb_high: Mapped[Decimal | None] = volume(
        "H2S that got out, at most.", "lb", Mass, label="H2S released, at most"
    )
    h2s_ppm: Mapped[Decimal | None] = volume(
        "Highest H2S that was measured.", "ppm", Mass, label="H2S measured"
    )
    water_tds_ppm: Mapped[Decimal | None] = volume(
        "Dissolved solids of the water.", "ppm", Mass, label="Dissolved solids"
    )
    recovered: Mapped[Decimal | None] = volume(
        "How much was recovered.", "bbl or Mcf", label="Recovered"
    )
    contained: Mapped[Decimal | None] = volume(
        "How much stayed in the containment.", "bbl or Mcf", label="Stayed in the containment"
    )
    property_damage: Mapped[Decimal | None] = volume(
        "Damage to property.", "USD", Money, label="Damage"
    )

    inside_containment: Mapped[bool | None] = unknown(
        "Whether all of it stayed in the containment.", "All in the containment"
    )
    on_site: Mapped[bool | None] = unknown(
        "Whether all of it stayed on our location.", "All on our location"
    )
    reached_water: Mapped[bool | None] = unknown("Whether it reached a watercourse.")
    threatens_water: Mapped[bool | None] = unknown("Whether it may yet reach water.")
    sensitive_area: Mapped[bool | None] = unknown(
        "Whether the area is a sensitive one.", "Sensitive area"
    )
    endangers_health: Mapped[bool | None] = unknown("Whether it endangers people's health.")
    threatens_property: Mapped[bool | None] = unknown(
        "Whether it threatens houses, livestock or a byway."
    )
    h2s_uncontrolled: Mapped[bool | None] = unknown(
        "Whether H2S could not be controlled at once.", "H2S uncontrolled"
    )

    fire: Mapped[bool] = unless_said("There was a fire.")
    explosion: Mapped[bool] = unless_said("There was an explosion.")
    lightning: Mapped[bool] = unless_said("A tank was struck by lightning.", "Struck by lightning")
    blowout: Mapped[bool] = unless_said("A well was out of control.")
    emergency: Mapped[bool] = unless_said("People had to act to save life, health or property.")
    major: Mapped[bool] = unless_said(
        "An accident or fire of major consequence.", "Major consequence"
    )
    significant: Mapped[bool] = unless_said(
        "Significant in the operator's own judgement.", "Significant to us"
    )
    pipeline: Mapped[bool] = unless_said(
        "It came from a pipeline, not from the lease.", "From a pipeline"
    )
    coastal: Mapped[bool] = unless_said("It reached or threatens coastal waters.", "Coastal waters")
    offshore: Mapped[bool] = unless_said("It happened offshore, on the outer continental shelf.")
    h2s_plan: Mapped[bool] = unless_said(
        "The H2S contingency plan was set in motion.", "H2S plan in motion"
    )

    injured: Mapped[int] = count("People hurt.", "People hurt")
    first_aid_cases: Mapped[int] = count("Of them, those who needed first aid only.")
    medical_cases: Mapped[int] = count("Of them, those who needed a doctor.")
    restricted_cases: Mapped[int] = count("Of them, those on restricted work.")
    days_away_cases: Mapped[int] = count("Of them, those away from work.")
    deaths: Mapped[int] = count("People who died.", "People dead")
    hospitalised: Mapped[int] = count("People taken into a hospital overnight.", "In hospital")
    amputations: Mapped[int] = count("People who lost a limb or a part of one.")
    eye_losses: Mapped[int] = count("People who lost an eye.", "Eyes lost")
    injury_class: Mapped[str] = mapped_column(
        server_default="none",
        default="none",
        info=about("The worst of it, as OSHA records it.", choices=INJURY_CLASSES),
        sort_order=14,
    )

    state: Mapped[str | None] = mapped_column(
        info=about("Two-letter state; empty for that of the lease or facility."), sort_order=15
    )
    federal_lease: Mapped[bool | None] = mapped_column(
        info=about("On a federal or Indian lease; empty to go by the lease."), sort_order=15
    )
    built_on: Mapped[date | None] = mapped_column(
        info=about("Day the facility was built; empty to go by the well's spud day."),
        sort_order=15,
    )
    discharge_stopped_at: Mapped[datetime | None] = mapped_column(
        info=about("When it stopped flowing."), sort_order=16
    )
    cleanup_ended_on: Mapped[date | None] = mapped_column(
        info=about("Day the cleanup was done."), sort_order=16
    )


def fact_checks() -> tuple[CheckConstraint, ...]:
    """Refuse facts that cannot be."""
    people = (
        *("injured", "first_aid_cases", "medical_cases", "restricted_cases", "days_away_cases"),
        *("deaths", "hospitalised", "amputations", "eye_losses"),
    )
    return (
        CheckConstraint(one_of("fluid", *FLUIDS), name="fluid"),
        CheckConstraint("released >= 0", name="released"),
        CheckConstraint("gas >= 0", name="gas"),
        CheckConstraint("h2s_lb >= 0", name="h2s_lb"),
        interval("released", "released_low", "released_high"),
        interval("gas", "gas_low", "gas_high"),
        interval("h2s_lb", "h2s_lb_low", "h2s_lb_high"),
        CheckConstraint("h2s_ppm BETWEEN 0 AND 1000000", name="h2s_ppm"),
        CheckConstraint("water_tds_ppm BETWEEN 0 AND 1000000", name="water_tds_ppm"),
        CheckConstraint("property_damage >= 0", name="property_damage"),
        CheckConstraint("recovered BETWEEN 0 AND released", name="recovered"),
        CheckConstraint("contained BETWEEN 0 AND released", name="contained"),
        CheckConstraint(" AND ".join(f"{name} >= 0" for name in people), name="people"),
        CheckConstraint(one_of("injury_class", *INJURY_CLASSES), name="injury_class"),
        CheckConstraint("injured > 0 OR injury_class = 'none'", name="injury"),
        CheckConstraint("state ~ '^[A-Z]{2}$'", name="state"),
    )
