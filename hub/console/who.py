"""The person behind a request: read from the session cookie, with role, operator and time zone."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from hub.permissions import Action, may


@dataclass(frozen=True, slots=True)
class Employer:
    """An operator the person works for, and as what."""

    organization_id: uuid.UUID
    name: str
    role: str


@dataclass(frozen=True, slots=True)
class Visitor:
    """A signed-in person, working for one operator at a time."""

    user_id: uuid.UUID
    membership_id: uuid.UUID
    name: str
    email: str
    organization_id: uuid.UUID
    organization: str
    role: str
    zone: ZoneInfo
    employers: tuple[Employer, ...]

    @property
    def route(self) -> uuid.UUID | None:
        """Whose route this person sees; None for one who sees all of the operator."""
        return self.membership_id if self.role == "pumper" else None

    def may(self, action: Action) -> bool:
        """Whether this person's role allows an action."""
        return may(self.role, action)
