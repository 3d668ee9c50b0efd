"""Signed-in browsers, through the database's one-row functions: no page reads these tables itself.

The cookie holds 256 random bits; the database holds their SHA-256, so that a copy of the database
signs nobody in. A session ends at a fixed hour after sign-in, and earlier when nobody has used it
for `IDLE`: pages that refresh themselves do not count as use.
"""

from __future__ import annotations

import hashlib
import secrets
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import Engine, Row, text

from hub.console.passwords import hash_password, verify_password
from hub.console.who import Employer, Visitor

IDLE = timedelta(hours=4)
LONGEST_NOTE = 300


def new_token() -> str:
    """Make the secret a cookie carries."""
    return secrets.token_urlsafe(32)


def hashed(token: str) -> bytes:
    """What the database keeps of it."""
    return hashlib.sha256(token.encode()).digest()


def _one(engine: Engine, statement: str, **values: Any) -> Row[Any] | None:
    with engine.begin() as connection:
        return connection.execute(text(statement), values).first()


def check_password(engine: Engine, email: str, password: str) -> uuid.UUID | None:
    """The person behind an address and a password; as slow for an address nobody has."""
    found = _one(engine, "SELECT * FROM sign_in_lookup(:email)", email=email)
    stored = None if found is None else str(found.password_hash)
    if not verify_password(stored, password) or found is None:
        return None
    return uuid.UUID(str(found.user_id))


def allowed(engine: Engine, *keys: str) -> bool:
    """Whether none of these accounts and addresses has failed too often of late."""
    return all(_scalar(engine, "SELECT sign_in_allowed(:key)", key=key) for key in keys)


def failed(engine: Engine, *keys: str) -> None:
    """Count a failed sign-in."""
    for key in keys:
        _scalar(engine, "SELECT sign_in_failed(:key)", key=key)


def succeeded(engine: Engine, key: str) -> None:
    """Forget an account's failures once its password was right."""
    _scalar(engine, "SELECT sign_in_succeeded(:key)", key=key)


def open_session(
    engine: Engine, user_id: uuid.UUID, hours: int, address: str, browser: str
) -> str | None:
    """Open a session and answer its token; None for someone who works for no operator."""
    token = new_token()
    organization = _scalar(
        engine,
        "SELECT session_open(:hash, :user, :until, :address, :browser)",
        hash=hashed(token),
        user=user_id,
        until=datetime.now(UTC) + timedelta(hours=hours),
        address=address,
        browser=browser.replace("\0", "")[:LONGEST_NOTE],
    )
    if organization is None:
        close_session(engine, token)
        return None
    return token


def close_session(engine: Engine, token: str) -> None:
    """End one session."""
    _scalar(engine, "SELECT session_close(:hash)", hash=hashed(token))


def close_all_sessions(engine: Engine, token: str) -> None:
    """End every session of the person behind a token."""
    _scalar(engine, "SELECT session_close_all(:hash)", hash=hashed(token))


def change_password(engine: Engine, token: str, password: str) -> int:
    """Give the person behind a token a new password; answers how many other sessions it ended.

    Raises `ValueError` for a password that is too short or too long.
    """
    statement = "SELECT password_change(:hash, :password)"
    return int(
        _scalar(engine, statement, hash=hashed(token), password=hash_password(password)) or 0
    )


def switch(engine: Engine, token: str, organization_id: uuid.UUID) -> bool:
    """Turn a session to another operator the person works for."""
    statement = "SELECT session_switch(:hash, :organization)"
    return bool(_scalar(engine, statement, hash=hashed(token), organization=organization_id))


#: The person behind a cookie and whom they work for, in one question: it stands before every page.
_VISITOR: Final = """
SELECT v.*, (SELECT jsonb_agg(jsonb_build_array(o.organization_id, o.name, o.role) ORDER BY o.name)
             FROM session_organizations(%(hash)s) o) AS employers
FROM session_visitor(%(hash)s, %(idle)s, %(used)s) v
"""


def lookup(engine: Engine, token: str, *, used: bool) -> Visitor | None:
    """Who is behind a token; `used` is false for pages that refresh themselves."""
    asked = {"hash": hashed(token), "idle": IDLE, "used": used}
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        found = connection.exec_driver_sql(_VISITOR, asked).first()
    if found is None:
        return None
    employers = tuple(Employer(uuid.UUID(key), *words) for key, *words in found.employers or ())
    return Visitor(
        found.user_id,
        found.membership_id,
        found.user_name,
        found.email,
        found.organization_id,
        found.organization,
        found.role,
        zone_of(found.timezone),
        employers,
    )


def zone_of(name: str) -> ZoneInfo:
    """The operator's time zone; UTC when the machine does not know the name."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def _scalar(engine: Engine, statement: str, **values: Any) -> Any:
    found = _one(engine, statement, **values)
    return None if found is None else found[0]
