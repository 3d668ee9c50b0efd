"""The steps a row can take: each is a change of its status, asked for once more before it is done.

Which step may follow which is the database's rule; it refuses the others with a sentence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from hub.console.tables import can
from hub.permissions import Verb
from hub.register.changes import APPROVING
from hub.register.fields import Resource

WORDS: Final[Mapping[str, str]] = {
    "approved": "Approve",
    "accepted": "Accept",
    "posted": "Post",
    "filed": "Mark as filed",
    "rejected": "Reject",
    "draft": "Back to draft",
    "submitted": "Submit",
    "sent": "Mark as sent",
    "paid": "Mark as paid",
    "void": "Void",
    "voided": "Void",
    "closed": "Close",
    "open": "Open",
    "done": "Mark as done",
    "completed": "Mark as completed",
    "cancelled": "Cancel",
}


@dataclass(frozen=True, slots=True)
class Step:
    """One status a row can be given."""

    status: str
    words: str
    approves: bool

    @property
    def verb(self) -> Verb:
        """What a person's role must allow."""
        return "approve" if self.approves else "edit"


def step(resource: Resource, status: str) -> Step:
    """The step that gives a row this status."""
    words = WORDS.get(status, f"Set to {status.replace('_', ' ')}")
    counts = status in APPROVING and "approved_by" in resource.fields
    return Step(status, words, counts)


def steps(resource: Resource, row: Mapping[str, Any]) -> list[Step]:
    """The steps from where a row stands that the visitor's role allows, approvals first.

    Only of tables whose rows are approved; in others the status is a field like any other.
    """
    field = resource.fields.get("status")
    if field is None or not field.editable or "approved_by" not in resource.fields:
        return []
    others = [step(resource, status) for status in field.choices if status != row.get("status")]
    return sorted((s for s in others if can(resource, s.verb)), key=lambda s: not s.approves)
