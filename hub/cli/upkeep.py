"""Verbs that keep the installation: key, migrate, backup, restore."""

from __future__ import annotations

import argparse
import base64
import secrets
from pathlib import Path
from urllib.parse import unquote, urlsplit

from hub.backup import backup, restore
from hub.cli.screen import CommandError, Exit, Screen
from hub.database import DatabaseRole, Tier
from hub.migrate import grant_logins, migrate
from hub.notify.channels import push
from hub.settings import DatabaseSettings, load
from hub.tiers import upgrade_tier


def key(asked: argparse.Namespace, screen: Screen) -> int:
    """Make a secret key: 32 random bytes in base64; or one that signs pushes to browsers."""
    if asked.push:
        signing = push.new_private_key()
        screen.answer({"private_key": signing}, signing)
        return Exit.DONE
    made = base64.b64encode(secrets.token_bytes(32)).decode()
    screen.answer({"secret_key": made}, made)
    return Exit.DONE


def bring_tables(asked: argparse.Namespace, screen: Screen) -> int:
    """Bring the database to this version's tables."""
    database = load(asked.settings).database
    logins = _logins(database) if asked.logins else {}
    tier = migrate(database.admin_url, say=screen.say)
    if asked.tier:
        tier = upgrade_tier(database.admin_url, Tier(asked.tier), say=screen.say)
    if logins:
        grant_logins(database.admin_url, logins)
        screen.say(f"Sign-ins: {', '.join(name for name, _ in logins.values())}")
    screen.answer({"tier": tier.value, "title": tier.title}, "Done.")
    return Exit.DONE


def _logins(database: DatabaseSettings) -> dict[DatabaseRole, tuple[str, str]]:
    """The accounts that the settings name for each role, with their passwords."""
    urls: dict[DatabaseRole, str] = {
        "app": database.url,
        "ingest": database.ingest_url,
        "work": database.work_url,
    }
    admin = urlsplit(database.admin_url).username
    logins: dict[DatabaseRole, tuple[str, str]] = {}
    for role, url in urls.items():
        parts = urlsplit(url)
        if not parts.username or not parts.password or parts.username == admin:
            raise CommandError(
                f"--logins needs an account and a password of its own for the role {role}; give "
                f"them in database.url, database.ingest_url and database.work_url"
            )
        logins[role] = unquote(parts.username), unquote(parts.password)
    return logins


def backup_to(asked: argparse.Namespace, screen: Screen) -> int:
    """Write everything into one file, with a count of what is in it."""
    settings, path = load(asked.settings), asked.path
    url = settings.database.admin_url
    unfinished = path.with_name(f".{path.name}.unfinished")
    with screen.busy("Backing up", lambda: _size(unfinished)):
        stock = backup(url, path, documents=settings.documents, say=screen.say)
    screen.answer(stock.to_json(), "Keep it on another machine.")
    return Exit.DONE


def restore_from(asked: argparse.Namespace, screen: Screen) -> int:
    """Bring a backup back and compare what came back with what was counted."""
    settings = load(asked.settings)
    with screen.busy("Restoring"):
        stock = restore(
            settings.database.admin_url,
            asked.path,
            replace=asked.replace,
            documents=settings.documents,
            say=screen.say,
        )
    screen.answer(
        stock.to_json(),
        "Start the hub: agents send again what the backup lacks and they still keep.",
    )
    return Exit.DONE


def _size(path: Path) -> str:
    return f"{path.stat().st_size / 1e6:.1f} MB" if path.exists() else ""
