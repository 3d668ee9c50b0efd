"""What is held for each owner, and why: the suspense ledger, read from the distributions."""

from __future__ import annotations

from decimal import Decimal

from flask import Blueprint
from flask.typing import ResponseReturnValue

from hub.console.context import records
from hub.console.gate import needs
from hub.console.live import still
from hub.console.tables import insist
from hub.permissions import Action
from hub.register.catalog import RESOURCES
from hub.register.suspense import held

pages = Blueprint("suspense", __name__, url_prefix="/suspense")


@pages.get("")
@needs(Action.SEE)
def index() -> ResponseReturnValue:
    """Owners with money held, one line per reason, and the sum of all."""
    insist(RESOURCES["revenue_distributions"], "see")
    with records() as session:
        found = held(session)
    total = sum((one.net for one in found), Decimal(0))
    owners = len({one.partner_id for one in found})
    return still("suspense.html", held=found, total=total, owners=owners)
