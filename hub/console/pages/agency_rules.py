"""Agencies' rules: the list with its yearly reading, one rule as a form; promotion explained."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from hub.console import record_form
from hub.console.context import actor, now, records, visitor
from hub.console.gate import needs
from hub.console.live import still
from hub.console.tables import can, insist
from hub.incidents.clocks import Term
from hub.incidents.promotion import EXPLAINED
from hub.incidents.words import ROLLING, WORDS
from hub.permissions import Action
from hub.register import changes, rows
from hub.register.catalog import RESOURCES
from hub.register.errors import Conflict, Forbidden, Missing, Refused
from hub.schema import AgencyRule, AgencyRuleVersion, PromotionRule

pages = Blueprint("agency_rules", __name__, url_prefix="/incidents/rules")

TABLE = "agency_rules"
#: Headings of a rule's form, and the fields under each.
FORM = (
    (
        "What it asks for",
        (
            *("agency", "jurisdiction", "state", "asks_when", "logic", "params"),
            *("category", "code", "enabled"),
        ),
    ),
    ("The call", ("deadline_kind", "deadline_n", "clock", "contact", "written")),
    (
        "Afterwards",
        ("follow_up", "form", "follow_up_kind", "follow_up_n", "follow_up_clock"),
    ),
    ("Where it is written", ("citation", "verification", "verified_on", "note")),
)
#: Fields of one line in the table, of several in the form.
LONG = frozenset({"asks_when", "logic", "citation"})


@pages.get("")
@needs(Action.SEE)
def index() -> ResponseReturnValue:
    """All rules, by jurisdiction; those whose yearly reading is over stand out."""
    insist(RESOURCES[TABLE], "see")
    chosen = request.args.get("state", "")
    listed = select(AgencyRule).order_by(AgencyRule.state.nulls_first(), AgencyRule.code)
    with records() as session:
        every = session.scalars(listed).all()
        promotions = session.scalars(select(PromotionRule).order_by(PromotionRule.name)).all()
    today = now().astimezone(visitor().zone).date()
    shown = [rule for rule in every if chosen in {"", rule.state or "US"}]
    return still(
        "agency_rules.html",
        rows=shown,
        chosen=chosen,
        states=sorted({rule.state or "US" for rule in every}),
        terms={rule.id: Term(rule.deadline_kind, rule.deadline_n) for rule in shown},
        today=today,
        again=sum(1 for r in every if r.reverify_on is None or r.reverify_on <= today),
        can_edit=can(RESOURCES[TABLE], "edit"),
        can_promote=can(RESOURCES["promotion_rules"], "edit"),
        promotions=promotions,
        explained=EXPLAINED,
        limits={rule.id: limits_of(rule) for rule in promotions},
    )


@pages.get("/<uuid:agency_rule_id>")
@needs(Action.SEE)
def page(agency_rule_id: uuid.UUID) -> ResponseReturnValue:
    """One rule, as a form for those who may change it."""
    insist(RESOURCES[TABLE], "see")
    return _form(agency_rule_id, None, {})


@pages.post("/<uuid:agency_rule_id>")
@needs(Action.SEE)
def save(agency_rule_id: uuid.UUID) -> ResponseReturnValue:
    """Save a rule as its next version; its condition must be readable."""
    insist(RESOURCES[TABLE], "edit")
    values = record_form.given(_fields(), request.form)
    values |= {name: " ".join(values[name].split()) for name in LONG & values.keys()}
    faults: Mapping[str, str]
    try:
        with records() as session:
            version = request.form.get("row_version", "")
            seen = int(version) if version.isascii() and version.isdigit() else 0
            changes.update(session, actor(), RESOURCES[TABLE], agency_rule_id, values, seen)
        flash("Saved. Open incidents are judged by it from now on.")
        return redirect(url_for("agency_rules.page", agency_rule_id=agency_rule_id), 303)
    except Refused as refused:
        faults = refused.faults
    except Conflict:
        faults = {"": "Somebody else changed this rule meanwhile. Load the page again."}
    except Missing:
        abort(404)
    except Forbidden as fault:
        abort(403, str(fault))
    return _form(agency_rule_id, values, faults, 422)


@pages.post("/<uuid:agency_rule_id>/verified")
@needs(Action.SEE)
def verify(agency_rule_id: uuid.UUID) -> ResponseReturnValue:
    """Note that a person read the rule's own text today."""
    insist(RESOURCES[TABLE], "edit")
    day = now().astimezone(visitor().zone).date().isoformat()
    values = {"verification": "verified", "verified_on": day}
    try:
        with records() as session:
            changes.update(session, actor(), RESOURCES[TABLE], agency_rule_id, values, None)
    except Missing:
        abort(404)
    flash("Noted; it is to be read again in a year.")
    return redirect(url_for("agency_rules.page", agency_rule_id=agency_rule_id), 303)


def limits_of(rule: PromotionRule) -> str:
    """The numbers of a promotion rule, in words."""
    amount = f"{rule.amount.normalize():f}" if rule.amount is not None else ""
    urgent = f"priority {amount}" + (" or worse" if amount != "1" else "")
    unit = {"mass_balance": f"{amount} bbl", "site_down": f"{amount} wells"}
    said = unit.get(rule.kind, urgent) if amount else ""
    when = {"site_down": "within", "unanswered": "after"}.get(rule.kind, "for")
    lasting = f"{when} {rule.minutes} min" if rule.minutes is not None else ""
    return ", ".join(part for part in (said, lasting) if part)


def _fields() -> list[Any]:
    return record_form.taken(RESOURCES[TABLE], new=False)


def _form(
    agency_rule_id: uuid.UUID,
    values: Mapping[str, str] | None,
    faults: Mapping[str, str],
    status: int = 200,
) -> Response:
    fields = _fields()
    with records() as session:
        rule = session.get(AgencyRule, agency_rule_id) or abort(404)
        row = rows.get(session, RESOURCES[TABLE], agency_rule_id)
        kept = select(AgencyRuleVersion).where(AgencyRuleVersion.rule_id == agency_rule_id)
        versions = session.scalars(kept.order_by(AgencyRuleVersion.version.desc())).all()
    shown = record_form.stored(fields, row, visitor().zone) if values is None else values
    groups = record_form.entries(fields, shown, {}, faults, own=FORM)
    for one in (one for _heading, those in groups for one in those):
        one.lines = one.field.name in LONG
    return still(
        "agency_rule.html",
        status,
        rule=rule,
        groups=groups,
        faults=faults,
        versions=versions,
        words=WORDS,
        rollings=ROLLING,
        can_edit=can(RESOURCES[TABLE], "edit"),
    )
