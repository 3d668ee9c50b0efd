"""What can go wrong in the office; each text is one sentence for the person who can act on it."""

from __future__ import annotations


class HubError(Exception):
    """Something a person must know; the text says what, where, and what to do."""


class DatabaseError(HubError):
    """The database cannot be used as it is."""
