"""Alert rules: what is watched, at which limits, and what the person woken by it should do."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from agent.contract.alarm_rules import RuleError
from hub.alerts import rules as book
from hub.alerts.fanout import other_units
from hub.alerts.rule_checks import Checked, Place, check, refuse_restored
from hub.console.context import now, records, visitor
from hub.console.forms import Form
from hub.console.gate import needs
from hub.console.gauges import gauges
from hub.console.live import still
from hub.console.pages.fleet import forget_fleet
from hub.console.rule_fields import FORMS, SIDED, RuleForm, form_of_rule
from hub.console.rule_form import blank_values, known_values, place_faults, read_rule
from hub.console.rule_history import history
from hub.console.rule_scope import Offer, offer, read_scope
from hub.console.rule_start import start_with, starts
from hub.permissions import Action
from hub.schema import AlertRule, Tag, Well

pages = Blueprint("rules", __name__, url_prefix="/rules")


@pages.get("")
@needs(Action.SEE)
def index() -> ResponseReturnValue:
    """All rules, by well; a rule that failed comes first, then those that make others."""
    listed = (
        select(AlertRule, Tag, Well.name)
        .outerjoin(Tag, Tag.id == AlertRule.tag_id)
        .outerjoin(Well, Well.id == func.coalesce(AlertRule.well_id, Tag.well_id))
        .order_by(
            AlertRule.faulted_at.is_(None),
            AlertRule.tag_id.is_not(None),
            func.lower(Well.name),
            func.lower(AlertRule.name),
        )
    )
    with records() as session:
        rows = [tuple(row) for row in session.execute(listed)]
        tags = session.scalar(select(func.count()).select_from(Tag)) or 0
    return still("rules.html", rows=rows, levels=SIDED, tags=tags, forms=FORMS)


@pages.get("/new")
@needs(Action.EDIT_RULES)
def add() -> ResponseReturnValue:
    """What to begin with; then a form that is filled in as far as it can be."""
    wanted = request.args.get("sort", "")
    with records() as session:
        offered = offer(session)
        start = start_with(session, request.args)
        if start is None and wanted not in FORMS:
            listed = starts(session, request.args.get("tag", ""))
            return still("rule_start.html", starts=listed, offered=offered, forms=FORMS)
    shape = FORMS[start.sort if start else wanted]
    values = blank_values(shape) | {"tag": request.args.get("tag", "")}
    values |= dict(start.values) if start else {}
    return _form(None, shape, values, {}, offered, start=start)


@pages.post("/new")
@needs(Action.EDIT_RULES)
def create() -> ResponseReturnValue:
    """Make a rule; it judges from now on."""
    form = Form(request.form)
    shape = FORMS.get(form.raw("sort") or "limit") or abort(404)
    values = read_rule(form, shape)
    with records() as session:
        offered = offer(session)
        where = read_scope(form, shape, offered)
        place = Place(visitor().organization_id, **_without_tag(where))
        _refuse(session, form, shape, values, where.get("tag_id"), None, place)
        if not form.faults:
            try:
                rule_id = _made(session, shape, values, where, form.raw("template"))
            except RuleError as fault:
                place_faults(form, shape, fault.faults)
        if form.faults:
            session.rollback()
    if form.faults:
        return _form(None, shape, request.form, form.faults, offered, 422)
    forget_fleet()
    flash(f"{values['name']} watches from now on.")
    return redirect(url_for("rules.page", rule_id=rule_id), 303)


def _made(
    session: Session,
    shape: RuleForm,
    values: dict[str, Any],
    where: dict[str, Any],
    template: str,
) -> uuid.UUID:
    rule = book.create(
        session,
        visitor().organization_id,
        where.get("tag_id"),
        kind=shape.kind,
        by=visitor().user_id,
        template=template[:80] or None,
        **values,
        **_without_tag(where),
    )
    return rule.id


def _without_tag(where: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in where.items() if name != "tag_id"}


@pages.get("/<uuid:rule_id>")
@needs(Action.SEE)
def page(rule_id: uuid.UUID) -> ResponseReturnValue:
    """One rule: as a form for those who may change it, and what it said before."""
    with records() as session:
        rule = session.get(AlertRule, rule_id) or abort(404)
        _, shape = form_of_rule(rule)
        shown = _around(session, rule)
    return _form(rule, shape, known_values(rule), {}, Offer.nothing(), **shown)


@pages.post("/<uuid:rule_id>")
@needs(Action.EDIT_RULES)
def change(rule_id: uuid.UUID) -> ResponseReturnValue:
    """Change a rule; what changes the judgement makes a new version."""
    form = Form(request.form)
    with records() as session:
        rule = session.get(AlertRule, rule_id) or abort(404)
        _, shape = form_of_rule(rule)
        values = read_rule(form, shape)
        if form.raw("row_version") != str(rule.row_version):
            form.fault("name", "Somebody else changed this rule meanwhile. Load the page again.")
        _refuse(session, form, shape, values, rule.tag_id, rule.id, Place.of(rule))
        if form.faults:
            shown = _around(session, rule)
            return _form(rule, shape, request.form, form.faults, Offer.nothing(), 422, **shown)
        book.change(session, rule_id, by=visitor().user_id, **values)
    forget_fleet()
    flash("Saved. It judges so from now on.")
    return redirect(url_for("rules.page", rule_id=rule_id), 303)


@pages.post("/<uuid:rule_id>/restore")
@needs(Action.EDIT_RULES)
def restore(rule_id: uuid.UUID) -> ResponseReturnValue:
    """Bring an earlier version back, as a new one."""
    number = Form(request.form).raw("number")
    wanted = int(number) if number.isdigit() and len(number) < 9 else 0
    try:
        with records() as session:
            remarks = refuse_restored(session, rule_id, wanted, now())
            book.restore(session, rule_id, wanted, by=visitor().user_id)
    except book.UnknownRuleError:
        abort(404)
    except RuleError as fault:
        flash(f"Version {number} cannot be restored: {fault}")
    else:
        flash(" ".join([f"Version {number} holds again, as a new one.", *remarks[:1]]))
    forget_fleet()
    return redirect(url_for("rules.page", rule_id=rule_id), 303)


@pages.post("/<uuid:rule_id>/follow")
@needs(Action.EDIT_RULES)
def follow(rule_id: uuid.UUID) -> ResponseReturnValue:
    """Let a rule that a person changed follow its parent again."""
    try:
        with records() as session:
            book.follow_parent(session, rule_id, by=visitor().user_id)
    except book.UnknownRuleError:
        abort(404)
    forget_fleet()
    flash("It follows the rule that made it again.")
    return redirect(url_for("rules.page", rule_id=rule_id), 303)


def _refuse(
    session: Session,
    form: Form,
    shape: RuleForm,
    values: Mapping[str, Any],
    tag_id: int | None,
    rule_id: uuid.UUID | None,
    place: Place,
) -> None:
    """Bring what stands against saving to the form."""
    if form.faults:
        return
    tag = session.get(Tag, tag_id) if tag_id is not None else None
    found = check(
        session,
        shape.kind,
        values["params"],
        tag,
        now(),
        rule_id=rule_id,
        advisory=True,
        place=place,
    )
    place_faults(form, shape, found.faults)


def _around(session: Session, rule: AlertRule) -> dict[str, Any]:
    """All that stands around the form of a saved rule."""
    tag = session.get(Tag, rule.tag_id) if rule.tag_id is not None else None
    parent = session.get(AlertRule, rule.parent_id) if rule.parent_id is not None else None
    children = select(AlertRule, Tag).join(Tag).where(AlertRule.parent_id == rule.id)
    return {
        "watched": gauges(session, Tag.id == rule.tag_id) if tag is not None else [],
        "well": {row.id: row.name for row in session.execute(select(Well.id, Well.name))},
        "parent": parent,
        "children": [tuple(row) for row in session.execute(children.order_by(Tag.name))],
        "other_units": other_units(session, rule.id) if book.is_parent(rule) else {},
        "past": history(session, rule),
        "checked": check(
            session,
            rule.kind,
            rule.params,
            tag,
            now(),
            rule_id=rule.id,
            advisory=rule.advisory,
            place=Place.of(rule),
        ),
    }


def _form(
    rule: AlertRule | None,
    shape: RuleForm,
    values: Mapping[str, str],
    faults: dict[str, str],
    offered: Offer,
    status: int = 200,
    **shown: Any,
) -> Response:
    named = {"rule": rule, "shape": shape, "values": values, "faults": faults, "offered": offered}
    sort = next(name for name, one in FORMS.items() if one is shape)
    around = {"past": [], "checked": Checked(), "start": None, "sort": sort} | shown
    return still("rule.html", status, levels=shape.levels, **named, **around)
