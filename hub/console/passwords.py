"""Passwords are kept as Argon2id hashes and checked so that an unknown account costs the same."""

from __future__ import annotations

from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MIN_LENGTH = 10
MAX_LENGTH = 1024

# OWASP's first choice for Argon2id: 46 MiB, one pass, one lane. At most two run at once, so that
# a burst of sign-ins takes turns instead of taking the machine's memory.
_HASHER = PasswordHasher(time_cost=1, memory_cost=47104, parallelism=1)
_TURNS = BoundedSemaphore(2)
_NOBODY = _HASHER.hash("nobody signs in with this")


def hash_password(password: str) -> str:
    """Hash a new password; raises `ValueError` when it is too short or too long to keep."""
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise ValueError(f"A password has {MIN_LENGTH} to {MAX_LENGTH} characters.")
    with _TURNS:
        return _HASHER.hash(password)


def verify_password(stored: str | None, password: str) -> bool:
    """Check a password; without an account the same work is done, so its time tells nothing."""
    if len(password) > MAX_LENGTH:
        return False
    with _TURNS:
        try:
            _HASHER.verify(stored or _NOBODY, password)
        except (VerificationError, InvalidHashError):
            return False
    return stored is not None
