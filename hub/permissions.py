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
    ACKNOWLEDGE = "acknowledge alerts"
    LINK_TAGS = "link tags to wells"
    EDIT_WELLS = "add or change wells"
    SEE_QUARANTINE = "see the quarantine"
    SETTLE_QUARANTINE = "replay or discard what is in quarantine"
    EDIT_RULES = "change alert rules"
    SEE_CHANNELS = "see where notifications go"
    EDIT_CHANNELS = "change where notifications go"
    SEE_PEOPLE = "see who works here"
    EDIT_PEOPLE = "say who works here"
    ASSIGN_LEASES = "assign leases to pumpers"
    EDIT_KEYS = "make or revoke API keys"
    SEE_TRAIL = "see the audit trail"
    SEE_FEATURES = "see which features are on"
    SWITCH_FEATURES = "switch features on or off"


MAY: dict[Action, frozenset[str]] = {
    Action.SEE: frozenset(ROLES),
    Action.ACKNOWLEDGE: frozenset({"owner", "manager", "pumper"}),
    Action.LINK_TAGS: frozenset({"owner", "manager"}),
    Action.EDIT_WELLS: frozenset({"owner", "manager"}),
    Action.SEE_QUARANTINE: frozenset({"owner", "manager"}),
    Action.SETTLE_QUARANTINE: frozenset({"owner", "manager"}),
    Action.EDIT_RULES: frozenset({"owner", "manager"}),
    Action.SEE_CHANNELS: frozenset({"owner", "manager"}),
    Action.EDIT_CHANNELS: frozenset({"owner", "manager"}),
    Action.SEE_PEOPLE: frozenset({"owner", "manager", "accountant", "viewer"}),
    Action.EDIT_PEOPLE: frozenset({"owner"}),
    Action.ASSIGN_LEASES: frozenset({"owner", "manager"}),
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
    table                 owner    manager  pumper  accountant  viewer

    leases                saerx    saerx    s       sx          sx
    wells                 saerx    saerx    s       sx          sx
    equipment             saerx    saerx    s       sx          sx
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
