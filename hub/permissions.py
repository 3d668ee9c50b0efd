"""Who may do what: pages by `Action`, tables by one matrix; read by every door and by the tests.

A person has one role per operator: *owner*, *manager*, *pumper*, *accountant*, *viewer*. The role
decides what kind of thing a person may do; which rows a pumper sees (the leases assigned to them)
is the database's own rule, and so is that nobody approves what they made.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Final, Literal, get_args

Role = Literal["owner", "manager", "pumper", "accountant", "viewer"]
Verb = Literal["see", "add", "edit", "remove", "approve", "reveal", "export"]

ROLES: Final[tuple[Role, ...]] = get_args(Role)


class Action(Enum):
    """Something a person does in the console; the value completes "You may not …"."""

    SEE = "see this page"
    ENTER = "enter a day"
    ACKNOWLEDGE = "acknowledge alerts"
    LINK_TAGS = "link tags to wells"
    EDIT_WELLS = "add or change wells"
    SEE_QUARANTINE = "see the quarantine"
    SETTLE_QUARANTINE = "replay or discard what is in quarantine"
    EDIT_RULES = "change alert rules"
    SEE_CHANNELS = "see where notifications go"
    EDIT_CHANNELS = "change where notifications go"
    EDIT_ONCALL = "change who is told of alerts, and in which order"
    TAKE_OUT = "take something out of service"
    HAND_OVER = "hand a turn on call to somebody"
    SEE_PEOPLE = "see who works here"
    EDIT_PEOPLE = "say who works here"
    ASSIGN_LEASES = "assign leases to pumpers"
    EDIT_PINS = "set PINs for the sites"
    EDIT_KEYS = "make or revoke API keys"
    SEE_TRAIL = "see the audit trail"
    SEE_FEATURES = "see which features are on"
    SWITCH_FEATURES = "switch features on or off"


MAY: dict[Action, frozenset[str]] = {
    Action.SEE: frozenset(ROLES),
    Action.ENTER: frozenset({"owner", "manager", "pumper"}),
    Action.ACKNOWLEDGE: frozenset({"owner", "manager", "pumper"}),
    Action.LINK_TAGS: frozenset({"owner", "manager"}),
    Action.EDIT_WELLS: frozenset({"owner", "manager"}),
    Action.SEE_QUARANTINE: frozenset({"owner", "manager"}),
    Action.SETTLE_QUARANTINE: frozenset({"owner", "manager"}),
    Action.EDIT_RULES: frozenset({"owner", "manager"}),
    Action.SEE_CHANNELS: frozenset({"owner", "manager"}),
    Action.EDIT_CHANNELS: frozenset({"owner", "manager"}),
    Action.EDIT_ONCALL: frozenset({"owner", "manager"}),
    Action.TAKE_OUT: frozenset({"owner", "manager"}),
    Action.HAND_OVER: frozenset({"owner", "manager", "pumper"}),
    Action.SEE_PEOPLE: frozenset({"owner", "manager", "accountant", "viewer"}),
    Action.EDIT_PEOPLE: frozenset({"owner"}),
    Action.ASSIGN_LEASES: frozenset({"owner", "manager"}),
    Action.EDIT_PINS: frozenset({"owner", "manager"}),
    Action.EDIT_KEYS: frozenset({"owner"}),
    Action.SEE_TRAIL: frozenset({"owner", "manager", "accountant"}),
    Action.SEE_FEATURES: frozenset({"owner", "manager"}),
    Action.SWITCH_FEATURES: frozenset({"owner"}),
}


def may(role: str, action: Action) -> bool:
    """Whether a person of this role may do this; an unknown role may do nothing."""
    return role in MAY[action]


#: What each letter of the matrix stands for.
LETTERS: Final[Mapping[str, Verb]] = {
    "s": "see",  # read rows, their history, and their titles where others refer to them
    "a": "add",  # make a row
    "e": "edit",  # change a row
    "r": "remove",  # delete a row; refused by the database where something refers to it
    "p": "approve",  # the step that makes a row count: approve, accept, post, file
    "v": "reveal",  # see one sealed value (bank account, tax id) in the clear; audited
    "x": "export",  # take a list away as CSV or XLSX
}

#: Who may do what with each table the register serves. A dot is nothing.
#: An approval's second condition, another person than the one who made the row, is the database's.
_MATRIX: Final = """
    table                   owner    manager  pumper  accountant  viewer

    leases                  saerx    saerx    s       sx          sx
    wells                   saerx    saerx    s       sx          sx
    well_status_history     saerx    saerx    s       sx          sx
    completions             saerx    saerx    s       sx          sx
    equipment               saerx    saerx    s       sx          sx
    facilities              saerx    saerx    s       sx          sx
    flow_links              saerx    saerx    s       sx          sx
    tanks                   saerx    saerx    s       sx          sx
    tank_strap_tables       saerx    saerx    s       sx          sx
    tank_strap_points       saerx    saerx    s       sx          sx

    production_records      saerx    saerx    saer    sx          sx
    tank_gauges             saerx    saerx    saer    sx          sx
    run_tickets             saerx    saerx    saer    sx          sx
    downtime_events         saerx    saerx    saer    sx          sx
    well_tests              saerpx   saerpx   saer    sx          sx
    meter_readings          saerx    saerx    saer    sx          sx
    chemical_treatments     saerx    saerx    saer    sx          sx

    alerts                  sx       sx       s       sx          sx
    alert_priorities        saerx    saerx    s       s           s
    maintenance_records     saerx    saerx    sae     sx          sx
    incidents               saex     saex     sae     sx          sx
    incident_events         sax      sax      sa      sx          sx
    incident_notices        saex     saex     s       sx          sx
    incident_actions        saerx    saerx    sae     sx          sx
    promotion_rules         saerx    saerx    s       sx          sx
    agency_rules            saex     saex     s       sx          sx

    permits                 saerx    saerx    s       sx          sx
    permit_limits           saerx    saerx    s       sx          sx
    permit_conditions       saerx    saerx    s       sx          sx
    compliance_reports      saerpx   saerpx   s       saerpx      sx
    compliance_report_lines saerx    saerx    s       saerx       sx
    regulatory_ids          saerx    saerx    s       saerx       sx
    documents               saerx    saerx    sa      saex        sx
    document_links          saerx    saerx    sa      saerx       sx

    contracts               saerx    saerx    s       saerx       sx
    contract_leases         saerx    saerx    s       saerx       sx
    partners                saervx   sx       .       saervx      s
    ownership_decks         saerpx   sx       .       saerpx      s
    lease_partners          saerx    sx       .       saerx       s
    accounts                saerx    sx       .       saerx       s
    afes                    saerpx   saerpx   .       saerpx      s
    expenses                saerpx   saerpx   .       saerpx      s
    expense_allocations     saerx    saerx    .       saerx       s
    jib_statements          saerpx   sx       .       saerpx      s
    jib_statement_lines     saerx    sx       .       saerx       s
    sales_statements        saerx    sx       .       saerx       s
    revenue_runs            saerpx   sx       .       saerpx      s
    revenue_distributions   saerpx   sx       .       saerpx      s
    revenue_deductions      saerx    sx       .       saerx       s
    owner_payments          saerpx   .        .       saerpx      .
    bank_accounts           saerpvx  .        .       saerpvx     .
    tax_rates               saerx    sx       .       saerx       s
    tax_records             saerpx   sx       .       saerpx      s

    forecasts               saerpx   saerpx   .       sx          sx
    forecast_points         saerx    saerx    .       sx          sx
    benchmarks              saerx    saerx    .       sx          sx

    organizations           sev      s        s       sv          s
    users                   sx       sx       s       s           s
    memberships             sex      sx       s       s           s
    lease_assignments       saerx    saerx    s       s           s
    accounting_periods      saerx    sx       s       saerx       sx
"""


def _read(text: str) -> dict[str, dict[str, str]]:
    """The matrix from its written form: one line per table, letters per role."""
    head, *lines = (line.split() for line in text.splitlines() if line.strip())
    roles = head[1:]
    letters = {table: [cell.strip(".") for cell in cells] for table, *cells in lines}
    return {table: dict(zip(roles, cells, strict=True)) for table, cells in letters.items()}


#: By table, then role: the letters of what that role may do.
MATRIX: Final[Mapping[str, Mapping[str, str]]] = _read(_MATRIX)


def allowed(role: str, table: str, verb: Verb) -> bool:
    """Whether a role may do this with a table; an unknown role or table allows nothing."""
    letters = MATRIX.get(table, {}).get(role, "")
    return any(LETTERS[letter] == verb for letter in letters)


def verbs(role: str, table: str) -> frozenset[Verb]:
    """All that a role may do with a table."""
    return frozenset(LETTERS[letter] for letter in MATRIX.get(table, {}).get(role, ""))
