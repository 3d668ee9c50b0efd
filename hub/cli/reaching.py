"""Verbs about channels: channel list, channel test."""

from __future__ import annotations

import argparse
import time
import uuid
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from hub.cli.register import command_line, keeper_session, organization_named
from hub.cli.screen import CommandError, Exit, Screen
from hub.notify.trying import try_channel
from hub.schema import ContactChannel, Notification, NotificationAttempt, User
from hub.settings import HubSettings, load

PATIENCE_S: Final = 60.0
LOOK_S: Final = 0.5
WAITING: Final = frozenset({"queued", "leased"})
TAKEN: Final = frozenset({"sent", "delivered"})


def channel_list(asked: argparse.Namespace, screen: Screen) -> int:
    """Show where an operator's people are reached."""
    with keeper_session(load(asked.settings)) as session:
        organization = organization_named(session, asked.organization)
        listed = (
            select(ContactChannel, User.name)
            .outerjoin(User, User.id == ContactChannel.user_id)
            .where(
                ContactChannel.organization_id == organization.id,
                ContactChannel.removed_at.is_(None),
            )
            .order_by(User.name, ContactChannel.created_at)
        )
        rows = [_told(channel, person) for channel, person in session.execute(listed)]
    lines = [" ".join(f"{value!s:<24}" for value in row.values()).rstrip() for row in rows]
    screen.answer(rows, "\n".join(lines) or "Nobody is told of anything.")
    return Exit.DONE


def _told(channel: ContactChannel, person: str | None) -> dict[str, Any]:
    state = "broken" if channel.broken_at else "on" if channel.enabled else "off"
    proven = f"{channel.proven_at:%Y-%m-%d}" if channel.proven_at else "never proven"
    return {
        "kind": channel.kind,
        "address": channel.address,
        "person": person or "",
        "state": state,
        "proven": proven,
    }


def channel_test(asked: argparse.Namespace, screen: Screen) -> int:
    """Try a channel over the real path; 1 when no provider took the message."""
    settings = load(asked.settings)
    message = _owe(settings, asked)
    until = time.monotonic() + PATIENCE_S
    state, tries = _look(settings, message)
    while state in WAITING and time.monotonic() < until:
        screen.hint(f"{state}, {len(tries)} tries")
        time.sleep(LOOK_S)
        state, tries = _look(settings, message)
    taken = state in TAKEN
    end = "Taken; it is proven when somebody answers it." if taken else f"Not taken: {state}."
    screen.answer({"message": message, "state": state, "tries": tries}, "\n".join([*tries, end]))
    return Exit.DONE if taken else Exit.FAILED


def _owe(settings: HubSettings, asked: argparse.Namespace) -> uuid.UUID:
    with keeper_session(settings) as session:
        organization = organization_named(session, asked.organization)
        channel = session.scalars(
            select(ContactChannel).where(
                ContactChannel.organization_id == organization.id,
                ContactChannel.removed_at.is_(None),
                or_(
                    ContactChannel.address == asked.address,
                    ContactChannel.label == asked.address,
                ),
            )
        ).first()
        if channel is None:
            raise CommandError(
                f"{asked.organization} has no channel {asked.address!r};"
                " `wellflow-hub channel list` shows them"
            )
        return try_channel(session, channel, command_line().address, datetime.now(UTC))


def _look(settings: HubSettings, message: uuid.UUID) -> tuple[str, list[str]]:
    with keeper_session(settings) as session:
        state = session.scalars(select(Notification.state).where(Notification.id == message)).one()
        return state, _tries(session, message)


def _tries(session: Session, message: uuid.UUID) -> list[str]:
    listed = (
        select(NotificationAttempt)
        .where(NotificationAttempt.notification_id == message)
        .order_by(NotificationAttempt.number)
    )
    return [
        f"{one.number}. {one.started_at:%H:%M:%S} {one.provider}: {one.outcome} {one.detail or ''}"
        for one in session.scalars(listed)
    ]
