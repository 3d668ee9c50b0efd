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
from hub.incidents.logic import LogicError, read
from hub.incidents.promotion import EXPLAINED
from hub.incidents.words import ROLLING, WORDS
from hub.permissions import Action
from hub.register import changes, rows
from hub.register.catalog import RESOURCES
from hub.register.errors import Conflict, Forbidden, Missing, Refused, ValueRefused
from hub.register.values import parse
from hub.schema import AgencyRule, AgencyRuleVersion, PromotionRule

pages = Blueprint("agency_rules", __name__, url_prefix="/incidents/rules")

TABLE = "agency_rules"


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
    faults: Mapping[str, str] = _unreadable(values)
    if not faults:
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


def _unreadable(values: Mapping[str, str]) -> dict[str, str]:
    """What is wrong with a condition, before it is kept."""
    try:
        numbers: Any = parse(RESOURCES[TABLE].fields["params"], values.get("params") or "{}")
        read(values.get("logic", ""), numbers)
    except ValueRefused as refused:
        return {"params": str(refused)}
    except LogicError as fault:
        return {"logic": f"{str(fault)[:1].upper()}{str(fault)[1:]}."}
    return {}


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
    return still(
        "agency_rule.html",
        status,
        rule=rule,
        groups=record_form.entries(fields, shown, {}, faults),
        faults=faults,
        versions=versions,
        words=WORDS,
        rollings=ROLLING,
        can_edit=can(RESOURCES[TABLE], "edit"),
    )
