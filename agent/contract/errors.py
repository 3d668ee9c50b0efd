"""What can be wrong with something that arrived."""

from __future__ import annotations


class WireError(ValueError):
    """A message, or a part of one, that does not follow the contract; the text says how."""


class UnknownVersionError(WireError):
    """A message of a version this program does not know; its envelope could be read."""


class ContractError(ValueError):
    """A figure that cannot be right; the text is one sentence for the person who entered it."""
