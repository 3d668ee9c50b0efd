"""Features: what the operator uses already, and a switch for its owner."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from hub import flags
from hub.console.context import records, visitor
from hub.console.gate import needs
from hub.console.live import still
from hub.permissions import Action

pages = Blueprint("features", __name__, url_prefix="/features")


@pages.get("")
@needs(Action.SEE_FEATURES)
def index() -> ResponseReturnValue:
    """Every feature, and whether it is on."""
    with records() as session:
        listed = flags.listed(session, visitor().organization_id)
    return still("features.html", listed=listed)


@pages.post("/<name>")
@needs(Action.SWITCH_FEATURES)
def switch(name: str) -> ResponseReturnValue:
    """Switch a feature on or off; rows that break its rules are told, and hold nothing up."""
    turns_on = request.form.get("on") == "yes"
    organization = visitor().organization_id
    try:
        with records() as session:
            flags.switch(session, organization, name, on=turns_on)
    except flags.UnknownFeatureError:
        abort(404)
    flash(f"{flags.feature_named(name).title} is {'on' if turns_on else 'off'} now.")
    return redirect(url_for("features.index"), 303)
