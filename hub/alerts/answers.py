"""Taking an alert on from the message that told of it: by link, by SMS, by a key on the telephone.

Whoever answers has not signed in: the message's secret, or the number it came from and its code,
say who it is. Each answer is taken once, in time, for the alert it was sent about; everything else
is refused in one sentence and kept in the record of replies.
"""

from __future__ import annotations

import logging
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from hub.alerts.lifecycle import UnknownAlertError, acknowledge
from hub.database import Actor, act_for
from hub.notify import links
from hub.permissions import Action, may
from hub.schema import Alert, MessageReply, User

LOG = logging.getLogger(__name__)

Via = Literal["link", "sms", "voice"]

#: What a person can say about an alert that they take on.
CHOICES: Final[Mapping[str, str]] = {
    "coming": "On my way",
    "remote": "Working on it from here",
    "seen": "I have it",
    "false": "False alarm",
}
ETAS_MIN: Final = (15, 30, 60, 120, 240)
LONGEST_NOTE: Final = 300

FORGED: Final = "This link is not one of ours; sign in to see the alert."
USED: Final = "This link was used before; sign in to do more."
EXPIRED: Final = "This link is no longer good; sign in to answer."
LEFT: Final = "You no longer work for this operator, or may not acknowledge its alerts."
_HINDRANCES: Final = {
    "code": "There is no message with this code for your number; answer the newest one.",
    "used": "The message with this code was answered before.",
    "expired": "The message with this code is too old; sign in to answer.",
    "ambiguous": "Two messages have this code; use the link in the message.",
    "unverified": "This number is not verified; answer a test of the channel first.",
}
UNKNOWN_NUMBER: Final = "This number is not known here."
NOT_UNDERSTOOD: Final = "Answer with A and the four digits of the message, like A 4821."
TOO_MANY: Final = "Too many wrong codes; wait 15 minutes, or use the link in the message."
_SMS: Final = re.compile(r"^\W*(?:a|ack|ok|yes)?\W*(?P<code>\d{4})\b(?P<rest>.*)$", re.I | re.S)
_ETA: Final = re.compile(r"\beta\W*(?P<number>\d{1,3})\s*(?P<unit>h|m)?", re.I)


@dataclass(frozen=True, slots=True)
class Said:
    """What a person answers: how it came, what they chose, when they will be there."""

    via: Via
    choice: str = "seen"
    eta_min: int | None = None
    note: str = ""
    address: str = ""  #: the number, or the network address

    @property
    def words(self) -> str:
        """All of it in a few words, as the alert's note."""
        eta = f", there in {self.eta_min} min" if self.eta_min else ""
        note = f": {self.note}" if self.note else ""
        return f"{CHOICES[self.choice]}{eta}{note}"[:LONGEST_NOTE]


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of an answer, in one sentence."""

    taken: bool
    sentence: str


def opened(engine: Engine, token: str) -> Any:
    """What a link leads to, as `message_link_open` says; None for one that was never made."""
    with engine.begin() as connection:
        statement = text("SELECT * FROM message_link_open(:hash)")
        return connection.execute(statement, {"hash": links.hashed(token)}).one_or_none()


def note_opened(engine: Engine, message: Any, address: str) -> None:
    """Keep, once per person and alert, that a message's link was opened.

    It is no proof that a person saw it: programs that look at mail open links, too. Whoever answers
    has seen it; whoever signs in and looks at the alert has, too.
    """
    if message is None or message.alert_id is None:
        return
    with Session(engine) as session, session.begin():
        _act(session, message, Said("link", address=address))
        values = {
            "organization": message.organization_id,
            "alert": message.alert_id,
            "user": message.user_id,
            "note": f"by {message.channel_kind}, from {address}",
        }
        session.execute(_OPENED, values)


_OPENED: Final = text(
    """
    INSERT INTO alert_events (organization_id, alert_id, kind, actor, note)
    SELECT :organization, :alert, 'opened', CAST(:user AS uuid), :note
    WHERE NOT EXISTS (SELECT FROM alert_events e
                      WHERE e.alert_id = :alert AND e.kind = 'opened'
                        AND e.actor IS NOT DISTINCT FROM CAST(:user AS uuid))
    """
)


def hindrance(message: Any, now: datetime) -> str | None:
    """Why a message cannot be answered with its link, in one sentence; None when it can."""
    if message is None:
        return FORGED
    if message.used_at is not None:
        return USED
    if message.expires_at <= now:
        return EXPIRED
    if not message.is_test and not may(message.role or "", Action.ACKNOWLEDGE):
        return LEFT
    return None


def take(engine: Engine, token: str, said: Said, now: datetime | None = None) -> Answered:
    """Take the alert of a message on, once; a test's answer proves its channel."""
    return _take(engine, links.hashed(token), said, now or datetime.now(UTC))


def _take(engine: Engine, token_hash: bytes, said: Said, now: datetime) -> Answered:
    with Session(engine) as session, session.begin():
        statement = text("SELECT * FROM message_link_open(:hash)")
        message = session.execute(statement, {"hash": token_hash}).one_or_none()
        refusal = hindrance(message, now)
        if message is None:
            LOG.warning("an answer by %s from %s: %s", said.via, said.address, refusal)
            return Answered(taken=False, sentence=FORGED)
        _act(session, message, said)
        if refusal is None and not session.scalar(
            text("SELECT message_link_use(:hash)"), {"hash": token_hash}
        ):
            refusal = USED
        answered = Answered(taken=refusal is None, sentence=refusal or "")
        if refusal is None:
            answered = (
                _proven(message) if message.is_test else _take_on(session, message, said, now)
            )
        _keep(session, message, said, answered)
    if not answered.taken:
        LOG.warning("an answer by %s from %s: %s", said.via, said.address, answered.sentence)
    return answered


def _act(session: Session, message: Any, said: Said) -> None:
    """Act as the person who was told, within their operator.

    Without a role, for whoever is told of a well may answer for it, on their route or not.
    """
    actor = Actor(user_id=message.user_id, door=said.via, address=said.address)
    act_for(session.connection(), message.organization_id, actor)


def _proven(message: Any) -> Answered:
    return Answered(taken=True, sentence=f"Proven: messages of {message.organization} reach you.")


def _take_on(session: Session, message: Any, said: Said, now: datetime) -> Answered:
    alerts = [message.alert_id] if message.alert_id else _of_storm(session, message)
    changed = 0
    for alert_id in alerts:
        try:
            changed += acknowledge(
                session,
                alert_id,
                message.user_id,
                said.words,
                now,
                via=said.via,
                eta=arrives_at(said, now),
            ).changed
        except UnknownAlertError:
            LOG.warning("message %s names an alert that is not there", message.notification_id)
    if changed:
        which = "It is" if len(alerts) == 1 else f"{changed} alerts are"
        return Answered(taken=True, sentence=f"Acknowledged: {said.words}. {which} yours now.")
    return Answered(taken=True, sentence=_before(session, alerts))


#: What a flood's message told of and nobody has taken up yet: gathered for its recipient before it
#: was written. In one order: two who answer at once do not wait for each other in a circle.
_OF_STORM: Final = text(
    """
    SELECT a.id FROM alerts a
    WHERE a.closed_at IS NULL AND a.ack = 'unacked'
      AND a.id IN (
          SELECT p.alert_id
          FROM storms s
          JOIN notifications n ON n.id = :notification AND n.organization_id = s.organization_id
          JOIN pages p ON p.organization_id = s.organization_id
              AND p.at >= s.began_at AND p.at <= n.created_at
              AND p.user_id IS NOT DISTINCT FROM s.user_id
              AND p.channel_id IS NOT DISTINCT FROM s.channel_id
          WHERE s.id = CAST(:storm AS uuid))
    ORDER BY a.id
    """
)


def _of_storm(session: Session, message: Any) -> list[uuid.UUID]:
    values = {"storm": message.body.get("storm_id"), "notification": message.notification_id}
    return list(session.scalars(_OF_STORM, values))


def _before(session: Session, alerts: list[uuid.UUID]) -> str:
    """Who was quicker, or that it is over."""
    alert = session.get(Alert, alerts[0]) if alerts else None
    person = session.get(User, alert.acked_by) if alert and alert.acked_by else None
    if person is not None:
        return f"{person.name} took it up before you; nothing more is sent to you about it."
    return "It is over already; nothing more is sent to you about it."


def take_sms(engine: Engine, number: str, words: str, now: datetime | None = None) -> Answered:
    """Take an SMS as the answer to the message whose code it holds; the number must be verified."""
    said = Said("sms", note=words[:LONGEST_NOTE], address=number)
    found = _SMS.match(words)
    key = f"sms:{number}"
    with engine.begin() as connection:
        if not connection.scalar(text("SELECT sign_in_allowed(:key)"), {"key": key}):
            return _refused(engine, None, said, TOO_MANY)
        code = found["code"] if found else ""
        statement = text("SELECT * FROM message_code_open(:number, :code)")
        meant = connection.execute(statement, {"number": number, "code": code}).one_or_none()
        wrong = found is not None and (meant is None or meant.hindrance == "code")
        if wrong:
            connection.execute(text("SELECT sign_in_failed(:key)"), {"key": key})
    if meant is None:
        return _refused(engine, None, said, UNKNOWN_NUMBER)
    if found is None:
        return _refused(engine, meant, said, NOT_UNDERSTOOD)
    if meant.hindrance is not None:
        return _refused(engine, meant, said, _HINDRANCES[meant.hindrance])
    spoken = replace(said, note=found["rest"].strip(" ,.:;-"), eta_min=_eta(found["rest"]))
    return _take(engine, bytes(meant.token_hash), spoken, now or datetime.now(UTC))


def _eta(words: str) -> int | None:
    found = _ETA.search(words)
    if found is None:
        return None
    return int(found["number"]) * (60 if (found["unit"] or "m").lower() == "h" else 1)


def _refused(engine: Engine, meant: Any, said: Said, sentence: str) -> Answered:
    """Refuse an SMS; kept in the record of the operator whose number it is, if any."""
    LOG.warning("an answer by %s from %s: %s", said.via, said.address, sentence)
    answered = Answered(taken=False, sentence=sentence)
    if meant is not None:
        with Session(engine) as session, session.begin():
            actor = Actor(user_id=meant.user_id, door=said.via, address=said.address)
            act_for(session.connection(), meant.organization_id, actor)
            session.add(_reply(meant, said, answered))
    return answered


def _keep(session: Session, message: Any, said: Said, answered: Answered) -> None:
    reply = _reply(message, said, answered)
    reply.notification_id = message.notification_id
    session.add(reply)


def _reply(whose: Any, said: Said, answered: Answered) -> MessageReply:
    return MessageReply(
        organization_id=whose.organization_id,
        via=said.via,
        channel_id=whose.channel_id,
        user_id=whose.user_id,
        said=said.note if said.via == "sms" else said.words,
        outcome="taken" if answered.taken else "refused",
        sentence=answered.sentence,
        address=said.address or None,
    )


def arrives_at(said: Said, now: datetime) -> datetime | None:
    """When a person said they would be there."""
    return now + timedelta(minutes=said.eta_min) if said.eta_min else None
