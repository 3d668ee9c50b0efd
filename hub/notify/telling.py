"""Telling people of one step of a policy: to each now, in a merged message, or in a digest.

Every recipient is settled by itself, and each decision leaves a row in `pages`: so it can be said
later why somebody was told, or was not.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import insert, text
from sqlalchemy.orm import Session

from hub.notify import outbox, storm
from hub.notify.messages import Message
from hub.notify.outbox import Notice, Terms
from hub.notify.people import Crew, Recipient, as_recipients, crew, recipients, sms_left
from hub.notify.policies import Place, Step
from hub.notify.preferences import Person, Reach, pick, when
from hub.notify.runs import Chosen
from hub.schema import AlertEvent, Page

#: Kinds of shared channels behind which a program listens; it takes every alert as it comes.
PROGRAMS: Final = frozenset({"webhook", "apprise"})

_BUNDLE: Final = text(
    """
    SELECT min(due_at) FROM pages
    WHERE organization_id = :organization AND user_id = :user AND manner = 'bundle'
      AND done_at IS NULL AND due_at > :now
    """
)


@dataclass(slots=True)
class _Round:
    """What one step comes to, before it is written."""

    session: Session
    notice: Notice
    chosen: Chosen
    place: Place
    now: datetime
    again: bool = False  #: a repetition: worded so
    channels: list[uuid.UUID] = field(default_factory=list)
    pages: list[dict[str, Any]] = field(default_factory=list)

    @property
    def crew(self) -> Crew:
        """The operator's people."""
        return crew(self.session, self.notice.organization_id)

    def note(
        self, manner: str, reason: str = "", later: datetime | None = None, **who: Any
    ) -> None:
        """Keep what was decided about a recipient."""
        written = manner in {"told", "nobody"}
        self.pages.append(
            {
                "organization_id": self.notice.organization_id,
                "alert_id": self.notice.alert_id,
                "user_id": who.get("user"),
                "channel_id": who.get("channel"),
                "for_id": who.get("stands_in_for"),
                "priority": self.notice.priority,
                "kind": "reminder" if self.again else self.notice.kind,
                "step_no": self.place.step,
                "manner": manner,
                "reason": reason,
                "at": self.now,
                "due_at": later,
                "done_at": self.now if written else None,
            }
        )

    def write(self) -> int:
        """Write pages, and what is owed now; gives how many messages."""
        if self.pages:
            self.session.execute(insert(Page), self.pages)
        if not self.channels:
            return 0
        terms = Terms(step=min(self.place.step, 32_000))
        channels = list(dict.fromkeys(self.channels))
        whose = self.crew.addressed
        return outbox.owe(self.session, self._worded(), channels, self.now, terms, whose)

    def _worded(self) -> Notice:
        """The notice as it is at this step; a repetition tells that it is one."""
        if not self.again:
            return self.notice
        place = self.place
        occasion = f"{self.notice.occasion}/{place.round}.{place.step}.{place.turn}"
        message = self.notice.message
        return replace(
            self.notice,
            occasion=occasion,
            message=Message(f"Still open: {message.subject}", message.body | {"again": True}),
        )


def step(
    session: Session,
    notice: Notice,
    chosen: Chosen,
    place: Place,
    now: datetime,
    *,
    begins: bool = False,
) -> int:
    """Take one step of a policy, with which it `begins` or not; gives how many messages are owed.

    The place after the last step stands for the reminder of everybody, and of whoever is told in
    the last resort.
    """
    round_ = _Round(session, notice, chosen, place, now, again=not begins)
    if chosen.is_built_in:
        return _by_channel(round_)
    if begins:
        _shared(round_)
    steps = chosen.policy.steps
    if place.step < len(steps):
        reached = _step(round_, steps[place.step])
    else:
        fitting = [s for s in steps if s.fits(notice.priority, active=True)]
        reached = [_step(round_, s) for s in fitting].count(True) > 0
    if not reached or place.step >= len(steps):
        _last_resort(round_)
    return round_.write()


def shared(session: Session, notice: Notice, now: datetime) -> int:
    """Tell the channels that are nobody's own; gives how many."""
    round_ = _Round(session, notice, Chosen.none(), Place(), now)
    _shared(round_)
    return round_.write()


# ---------------------------------------------------------------------------------------- whom


def _step(round_: _Round, step: Step) -> bool:
    """Settle everybody a step means; gives whether one of them can be reached at all."""
    named = recipients(round_.session, round_.crew, step, round_.chosen.well_id, round_.now)
    reached = False
    for recipient in named:
        if recipient.person.channels:
            _settle(round_, recipient, step.channel_class)
            reached = True
        else:
            round_.note("nobody", "has no channel", user=recipient.person.id)
    return reached


def _last_resort(round_: _Round) -> None:
    already = {page["user_id"] for page in round_.pages if page["manner"] != "nobody"}
    users = round_.crew.last_resort(round_.chosen.policy.fallback)
    told = as_recipients(round_.crew, users, round_.now)
    if not told:
        round_.note("nobody", "nobody works here who can be reached")
        _say_nobody(round_, "Nobody who could be told has a telephone number or an address.")
    for recipient in told:
        if recipient.person.id not in already:
            _settle(round_, recipient, "all", reason="the last resort")


def _shared(round_: _Round) -> None:
    """Channels that are nobody's own are told when it begins, whatever the policy."""
    meant = [c for c in round_.crew.shared if c.worst_priority >= round_.notice.priority]
    for channel in [c for c in meant if not c.broken]:
        _settle_shared(round_, channel)


def _by_channel(round_: _Round) -> int:
    """Without a policy: every channel that is for this priority; broken ones if there is no other.

    A page that may fail is better than none. When nobody at all would be told, the alert's events
    say so.
    """
    priority = round_.notice.priority
    people = round_.crew.people.values()
    owners = [p.id for p in people if any(c.worst_priority >= priority for c in p.channels)]
    told = as_recipients(round_.crew, owners, round_.now)
    shared = [c for c in round_.crew.shared if c.worst_priority >= priority]
    everyone = [c for r in told for c in _meant(r.person, priority)] + shared
    sound = {c.id for c in everyone if not c.broken} or {c.id for c in everyone}
    for recipient in told:
        channels = [c for c in _meant(recipient.person, priority) if c.id in sound]
        if channels:
            _settle(round_, recipient, "all", channels=channels)
    for channel in shared:
        if channel.id in sound and not (round_.again and channel.kind in PROGRAMS):
            _settle_shared(round_, channel)
    if not sound:
        round_.note("nobody", "no channel is for this priority")
        _say_nobody(round_, f"No enabled channel is to be told of priority {priority}.")
    return round_.write()


def _meant(person: Person, priority: int) -> list[Reach]:
    meant = [c for c in person.channels if c.worst_priority >= priority]
    return meant or list(person.channels)


def _say_nobody(round_: _Round, note: str) -> None:
    notice = round_.notice
    if notice.alert_id is not None and not round_.again:
        round_.session.add(
            AlertEvent(
                organization_id=notice.organization_id,
                alert_id=notice.alert_id,
                kind="nobody_to_tell",
                note=note,
            )
        )


# ------------------------------------------------------------------------------------------ how


def _settle(
    round_: _Round,
    recipient: Recipient,
    channel_class: str,
    *,
    channels: Sequence[Reach] | None = None,
    reason: str = "",
) -> None:
    """Decide for one person: later in a digest, merged with others, or now."""
    person, notice = recipient.person, round_.notice
    who: dict[str, Any] = {"user": person.id, "stands_in_for": recipient.stands_in_for}
    later = when(person, notice.priority, round_.now)
    if later.later is not None:
        round_.note("digest", later.reason, later.later, **who)
    elif _is_gathered(round_, {"user": person.id, "channel": None}):
        round_.note("storm", "more than 10 pages in 10 minutes", round_.now, **who)
    elif (bundled := _bundled(round_, person)) is not None:
        round_.note("bundle", "gathered", bundled, **who)
    else:
        picked = _picked(round_, person, channel_class) if channels is None else channels
        round_.channels += [channel.id for channel in picked]
        round_.note("told", reason, **who)


def _settle_shared(round_: _Round, channel: Reach) -> None:
    if channel.kind not in PROGRAMS:
        if _is_gathered(round_, {"user": None, "channel": channel.id}):
            round_.note("storm", "more than 10 pages in 10 minutes", round_.now, channel=channel.id)
            return
        round_.note("told", channel=channel.id)
    round_.channels.append(channel.id)


def _is_gathered(round_: _Round, who: dict[str, Any]) -> bool:
    """Whether a page goes into a storm's message instead of out on its own."""
    recipient = who | {"organization": round_.notice.organization_id}
    if not storm.is_flooded(round_.session, recipient, round_.now):
        return False
    if round_.notice.priority > 1:
        return True
    return storm.too_soon(round_.session, recipient, round_.chosen.well_id, round_.now)


def _bundled(round_: _Round, person: Person) -> datetime | None:
    """When what is gathered for a person goes out; None where nothing is gathered."""
    bundle = round_.chosen.policy.bundle
    if not bundle or round_.notice.priority == 1 or round_.again:
        return None
    values = {
        "organization": round_.notice.organization_id,
        "user": person.id,
        "now": round_.now,
    }
    begun: datetime | None = round_.session.scalar(_BUNDLE, values)
    return begun or round_.now + bundle


def _picked(round_: _Round, person: Person, channel_class: str) -> Iterable[Reach]:
    priority = round_.notice.priority
    left = sms_left(round_.session, round_.notice.organization_id, person, round_.now)
    return pick(person, channel_class, priority, sms_left=left)
