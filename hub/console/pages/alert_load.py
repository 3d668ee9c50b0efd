"""How many alarms people get, the rules that raise the most, and a fix for each to accept."""

from __future__ import annotations

import uuid

from flask import Blueprint, abort, flash, redirect, url_for
from flask.typing import ResponseReturnValue

from agent.contract.alarm_rules import RuleError
from hub.alerts import badactors, kpi
from hub.console.context import now, records, visitor
from hub.console.gate import needs
from hub.console.live import still
from hub.permissions import Action
from hub.schema import AlertRule

pages = Blueprint("alert_load", __name__, url_prefix="/alerts/load")


@pages.get("")
@needs(Action.SEE)
def index() -> ResponseReturnValue:
    """The figures of a month, per person, and the worst rules of a week."""
    with records() as session:
        found = kpi.figures(session, now())
        actors = badactors.worst(session, now())
    return still("alert_load.html", figures=found, actors=actors, targets=kpi)


@pages.get("/<uuid:rule_id>")
@needs(Action.EDIT_RULES)
def fix(rule_id: uuid.UUID) -> ResponseReturnValue:
    """The computed fix of one rule, with the figures before and after."""
    with records() as session:
        rule = session.get(AlertRule, rule_id) or abort(404)
        found = badactors.fix(session, rule_id, now())
    return still("alert_fix.html", rule=rule, fix=found)


@pages.post("/<uuid:rule_id>")
@needs(Action.EDIT_RULES)
def accept(rule_id: uuid.UUID) -> ResponseReturnValue:
    """Change the rule to its fix: a new version of it, which can be taken back."""
    with records() as session:
        rule = session.get(AlertRule, rule_id) or abort(404)
        name = rule.name
        try:
            done = badactors.accept(session, rule_id, visitor().user_id, now())
        except RuleError as fault:
            flash(f"“{name}” stays as it is: {fault.faults[0]}")
            return redirect(url_for("alert_load.fix", rule_id=rule_id), 303)
    flash(f"“{name}” judges with the fix from now on." if done else "There is nothing to change.")
    return redirect(url_for("alert_load.index"), 303)
