"""What a new rule can watch: one gauge, a class of equipment, a well, or the whole operator."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hub.console.forms import Form
from hub.console.gauges import Gauge, gauges
from hub.console.rule_fields import RuleForm
from hub.schema import Equipment, Tag, Well
from hub.schema.alerting import SCOPES


@dataclass(frozen=True, slots=True)
class Offer:
    """What the form of a new rule lets people choose from."""

    gauges: list[Gauge]
    wells: dict[uuid.UUID | None, str]
    classes: list[str]
    measures: list[str]
    units: list[str]

    @classmethod
    def nothing(cls) -> Offer:
        """For a rule whose place is settled."""
        return cls([], {}, [], [], [])


def offer(session: Session) -> Offer:
    """Everything of the operator that a rule can watch."""
    names: dict[uuid.UUID | None, str] = {
        row.id: row.name
        for row in session.execute(select(Well.id, Well.name).order_by(func.lower(Well.name)))
    }
    listed = sorted(gauges(session), key=lambda g: (names.get(g.well_id, "~"), g.title, g.name))
    return Offer(
        listed,
        names,
        list(session.scalars(select(Equipment.kind).distinct().order_by(Equipment.kind))),
        list(session.scalars(_distinct(Tag.measure))),
        list(session.scalars(_distinct(Tag.unit))),
    )


def _distinct(column: Any) -> Any:
    return select(column).where(column.is_not(None)).distinct().order_by(column)


def read_scope(form: Form, shape: RuleForm, offered: Offer) -> dict[str, Any]:
    """Where the form says the rule stands; faults stand in the form."""
    usual = "organization" if shape.of_office else "tag"
    scope = form.raw("scope") or usual
    if scope not in SCOPES or (shape.of_office and scope not in {"organization", "well"}):
        form.fault("scope", "Choose one of the list.")
        return {}
    if scope == "tag":
        tag = form.choice("tag", [str(gauge.tag_id) for gauge in offered.gauges])
        return {"tag_id": int(tag) if "tag" not in form.faults else None}
    found: dict[str, Any] = {"scope": scope}
    if scope == "well":
        well = form.choice("well", [str(key) for key in offered.wells])
        found["well_id"] = uuid.UUID(well) if "well" not in form.faults else None
    if scope == "equipment_class":
        found["equipment_class"] = form.choice("equipment_class", offered.classes)
    if not shape.of_office:
        found["measure"] = form.choice("measure", offered.measures)
        found["unit"] = form.raw("unit") or None
    return found
