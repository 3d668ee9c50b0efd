"""Who may do what in the console: one table, read by every page and by the tests."""

from __future__ import annotations

from enum import Enum


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


MAY: dict[Action, frozenset[str]] = {
    Action.SEE: frozenset({"owner", "manager", "pumper", "accountant", "viewer"}),
    Action.ACKNOWLEDGE: frozenset({"owner", "manager", "pumper"}),
    Action.LINK_TAGS: frozenset({"owner", "manager"}),
    Action.EDIT_WELLS: frozenset({"owner", "manager"}),
    Action.SEE_QUARANTINE: frozenset({"owner", "manager"}),
    Action.SETTLE_QUARANTINE: frozenset({"owner", "manager"}),
    Action.EDIT_RULES: frozenset({"owner", "manager"}),
    Action.SEE_CHANNELS: frozenset({"owner", "manager"}),
    Action.EDIT_CHANNELS: frozenset({"owner", "manager"}),
}


def may(role: str, action: Action) -> bool:
    """Whether a person of this role may do this; an unknown role may do nothing."""
    return role in MAY[action]
