"""What the register refuses; each text is one sentence for the person who asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hub.errors import HubError


class RegisterError(HubError):
    """The register did not do what was asked; nothing of it was stored."""


class ValueRefused(RegisterError):
    """A value that a field cannot take; the sentence names the field and what is allowed."""


class Refused(RegisterError):
    """Fields, filters or values that cannot be taken: one sentence each, all of them at once."""

    def __init__(self, faults: Mapping[str, str]) -> None:
        super().__init__(" ".join(faults.values()))
        self.faults = dict(faults)


class Conflict(RegisterError):
    """Somebody else changed the row meanwhile; tells what differs and the row as it now is."""

    def __init__(
        self, sentence: str, changed: Mapping[str, tuple[Any, Any]], current: Mapping[str, Any]
    ) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.changed = dict(changed)  #: by field: what was sent, what the row holds now
        self.current = dict(current)


class Forbidden(RegisterError):
    """The person's role does not allow this."""


class Missing(RegisterError):
    """There is no such table or row, as far as this person can see."""


class InUse(RegisterError):
    """The row cannot be deleted because others refer to it."""
