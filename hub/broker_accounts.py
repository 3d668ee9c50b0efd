"""The broker's accounts: Mosquitto's password file, one line per agent.

Passwords are kept as Mosquitto reads them: PBKDF2 with SHA-512 over a salt of its own. They are
made by chance and never chosen by people, so few rounds are enough, and signing in stays cheap
when a thousand agents come back at once.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import os
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hub.errors import HubError

ROUNDS = 101
_SALT_BYTES = 12
_PASSWORD_BYTES = 24
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")


class AccountsError(HubError):
    """The broker's password file cannot be read or written."""


def new_password() -> str:
    """Make a password that nobody has to remember."""
    return secrets.token_urlsafe(_PASSWORD_BYTES)


def hashed(password: str, salt: bytes | None = None) -> str:
    """A password as Mosquitto's password file keeps it."""
    salt = secrets.token_bytes(_SALT_BYTES) if salt is None else salt
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, ROUNDS)
    return f"$7${ROUNDS}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def set_password(path: Path, name: str, password: str) -> None:
    """Write an account into a password file, replacing what it said of that name.

    Raises `AccountsError` when the file cannot be written.
    """
    if _NAME.fullmatch(name) is None:
        raise AccountsError(f"{name!r} cannot be an account at the broker")
    line = f"{name}:{hashed(password)}"
    _change(path, lambda lines: [*_without(lines, name), line])


def remove(path: Path, name: str) -> bool:
    """Take an account out of a password file; whether it was there. Raises `AccountsError`."""
    found = name in names(path)
    if found:
        _change(path, lambda lines: _without(lines, name))
    return found


def names(path: Path) -> list[str]:
    """The accounts a password file knows; none when there is no file yet."""
    return [line.partition(":")[0] for line in _lines(path)]


def _without(lines: list[str], name: str) -> list[str]:
    return [line for line in lines if line.partition(":")[0] != name]


def _lines(path: Path) -> list[str]:
    try:
        return [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as fault:
        raise AccountsError(f"the broker's accounts in {path} cannot be read: {fault}") from fault


def _change(path: Path, change: Callable[[list[str]], list[str]]) -> None:
    """Replace the file as a whole, so that the broker never reads half of it."""
    try:
        with _alone(path):
            text = "".join(f"{line}\n" for line in change(_lines(path)))
            fresh = path.with_name(f".{path.name}.new")
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            _like_before(path, fresh)
            fresh.replace(path)
    except OSError as fault:
        raise AccountsError(
            f"the broker's accounts in {path} cannot be written ({fault.strerror}); "
            "may this account write to that folder?"
        ) from fault


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Let two that add agents at the same moment go one after the other."""
    with path.with_name(f".{path.name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _like_before(path: Path, fresh: Path) -> None:
    """Keep owner and rights of the file, so that the broker can still read it."""
    with suppress(FileNotFoundError):
        before = path.stat()
        fresh.chmod(before.st_mode & 0o777)
        with suppress(PermissionError):
            os.chown(fresh, before.st_uid, before.st_gid)
