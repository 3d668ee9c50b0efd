"""Alert rules: what is watched, at which limits, and what the person woken by it should do."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from agent.contract.alarm_kinds import SIDED as LEVELS
from agent.contract.alarm_rules import RuleError
from hub.alerts import rules as book
from hub.console.context import records, visitor
from hub.console.forms import Form
from hub.console.gate import needs
from hub.console.gauges import Gauge, gauges
from hub.console.live import still
from hub.console.pages.fleet import forget_fleet
from hub.console.rule_form import blank_values, known_values, place_faults, read_rule
from hub.permissions import Action
from hub.schema import AlertRule, Tag, Well

pages = Blueprint("rules", __name__, url_prefix="/rules")

LARGEST_TAG = 2**31 - 1


@pages.get("")
@needs(Action.SEE)
def index() -> ResponseReturnValue:
    """All rules, by well; a rule that failed comes first."""
    listed = (
        select(AlertRule, Tag, Well.name)
        .join(Tag, Tag.id == AlertRule.tag_id)
        .outerjoin(Well, Well.id == Tag.well_id)
        .order_by(AlertRule.faulted_at.is_(None), func.lower(Well.name), func.lower(AlertRule.name))
    )
    with records() as session:
        rows = [tuple(row) for row in session.execute(listed)]
        tags = session.scalar(select(func.count()).select_from(Tag)) or 0
    return still("rules.html", rows=rows, levels=LEVELS, tags=tags)


@pages.get("/new")
@needs(Action.EDIT_RULES)
def add() -> ResponseReturnValue:
    """An empty form; the address may already name the tag."""
    with records() as session:
        offered = _tags(session)
    wanted = request.args.get("tag", "")
    return _form(None, blank_values() | {"tag": wanted}, {}, offered)


@pages.post("/new")
@needs(Action.EDIT_RULES)
def create() -> ResponseReturnValue:
    """Make a rule; it judges from now on."""
    form = Form(request.form)
    values = read_rule(form)
    with records() as session:
        offered = _tags(session)
        tag = form.choice("tag", [str(gauge.tag_id) for gauge in offered])
        if not form.faults:
            try:
                rule = book.create(
                    session, visitor().organization_id, int(tag), by=visitor().user_id, **values
                )
                rule_id = rule.id
            except RuleError as fault:
                place_faults(form, fault.faults)
    if form.faults:
        return _form(None, request.form, form.faults, offered, 422)
    forget_fleet()
    flash(f"{values['name']} watches from now on.")
    return redirect(url_for("rules.page", rule_id=rule_id), 303)


@pages.get("/<uuid:rule_id>")
@needs(Action.SEE)
def page(rule_id: uuid.UUID) -> ResponseReturnValue:
    """One rule: as a form for those who may change it."""
    with records() as session:
        rule = session.get(AlertRule, rule_id) or abort(404)
        offered = gauges(session, Tag.id == rule.tag_id)
        well = _well_names(session)
    return _form(rule, known_values(rule), {}, offered, well=well)


@pages.post("/<uuid:rule_id>")
@needs(Action.EDIT_RULES)
def change(rule_id: uuid.UUID) -> ResponseReturnValue:
    """Change a rule; what changes the judgement makes a new version."""
    form = Form(request.form)
    values = read_rule(form)
    with records() as session:
        rule = session.get(AlertRule, rule_id) or abort(404)
        offered = gauges(session, Tag.id == rule.tag_id)
        if form.raw("row_version") != str(rule.row_version):
            form.fault("name", "Somebody else changed this rule meanwhile. Load the page again.")
        if form.faults:
            return _form(rule, request.form, form.faults, offered, 422)
        book.change(session, rule_id, by=visitor().user_id, **values)
    forget_fleet()
    flash("Saved. It judges so from now on.")
    return redirect(url_for("rules.page", rule_id=rule_id), 303)


def _tags(session: Session) -> list[Gauge]:
    """Tags a rule can watch, by well."""
    names = _well_names(session)
    return sorted(gauges(session), key=lambda g: (names.get(g.well_id, "~"), g.title, g.name))


def _well_names(session: Session) -> dict[uuid.UUID | None, str]:
    return {row.id: row.name for row in session.execute(select(Well.id, Well.name))}


def _form(
    rule: AlertRule | None,
    values: Mapping[str, str],
    faults: dict[str, str],
    offered: list[Gauge],
    status: int = 200,
    well: Mapping[uuid.UUID | None, str] | None = None,
) -> Response:
    if well is None:
        with records() as session:
            well = _well_names(session)
    named: dict[str, Any] = {"rule": rule, "values": values, "faults": faults, "wells": well}
    return still("rule.html", status, offered=offered, levels=LEVELS, **named)
