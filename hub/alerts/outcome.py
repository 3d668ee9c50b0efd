"""What the evaluator found becomes rows: alerts begin, follow their episode, or are taken back.

Every change writes its event, and what is news to anybody the notifications with it; all of it is
committed together with the evaluator's checkpoint.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from agent.contract.alarm_rules import Level
from hub.alerts import axes, catchup, holds, inhibition
from hub.alerts.announce import is_live, is_live_step, is_of_now
from hub.alerts.axes import Axes
from hub.alerts.episodes import Episode
from hub.alerts.instants import to_instant, to_ms
from hub.alerts.lifecycle import close, dedup_key, put, terms, write
from hub.alerts.watches import Watch
from hub.notify import routing
from hub.notify.messages import NoticeKind, Standing, compose, sentence
from hub.notify.outbox import Notice
from hub.schema import Alert, AlertEvent
from hub.schema.base import uuid7

_BESIDE = text(
    """
    SELECT id, raised_at FROM alerts
    WHERE organization_id = :organization AND dedup_key = :key AND closed_at IS NULL AND id <> :id
    """
)


@dataclass(frozen=True, slots=True)
class Scene:
    """One rule being judged: what every change of its alerts needs to know."""

    session: Session
    watch: Watch
    now: datetime
    newest: int  #: newest judged sample, UTC milliseconds
    live_window_ms: int
    #: whether the site still has to send what it announced
    owes: Callable[[], bool] = lambda: False

    @property
    def site_now(self) -> int:
        """What the agent's clock says now, in UTC milliseconds.

        A clock that runs twenty minutes behind must not make every reading look late.
        """
        return to_ms(self.now) + self.watch.skew_ms

    @property
    def is_present(self) -> bool:
        """Whether the newest sample tells how things stand now."""
        return self.site_now - self.newest <= self.watch.silent_after_ms

    @property
    def is_fresh(self) -> bool:
        """Whether the newest sample is recent enough to page for what it shows."""
        return self.site_now - self.newest <= self.live_window_ms

    def is_live(self, episode: Episode) -> bool:
        """Whether an episode is to be announced, now or once the site has caught up."""
        return is_live(episode, self.newest, self.site_now, self.live_window_ms)

    @property
    def catches_up(self) -> bool:
        """Whether the next block may show that what stands here is over."""
        of_now = is_of_now(self.newest, self.site_now, self.watch.silent_after_ms)
        return not of_now and not self.watch.advisory and self.owes()


def begin(scene: Scene, episode: Episode) -> Alert:
    """Record an episode that is no alert yet: as live, and told; or as history."""
    news = scene.is_live(episode)
    live = news and not scene.catches_up
    alert = _row(scene, episode, live=live)
    if alert.closed_at is None and not _make_room(scene, alert):
        alert.closed_at = scene.now
    scene.session.add(alert)
    scene.session.flush()
    after = {"level": alert.level, "value": alert.value, "setpoint": alert.setpoint}
    write(scene.session, alert, "raised", alert.raised_at, after=after | {"origin": alert.origin})
    _record_steps(scene, alert, episode, set())
    if not episode.open:
        write(scene.session, alert, "cleared", alert.cleared_at)
    if live:
        _tell_first(scene, alert, episode)
    elif news and episode.open:
        catchup.hold(scene.session, alert, scene.now)
    else:
        _ask_to_review(scene, alert)
    return alert


def _ask_to_review(scene: Scene, alert: Alert) -> None:
    """What was critical and is known only afterwards somebody has to look into."""
    known_late = alert.origin == "historical" and not alert.to_review
    if known_late and alert.priority == axes.CRITICAL:
        alert.to_review = True
        write(scene.session, alert, "to_review", None)


def _tell_first(scene: Scene, alert: Alert, episode: Episode) -> None:
    """Tell a new alert, unless a person or another alarm keeps it quiet."""
    holds.project(scene.session, alert, scene.now)
    scene.session.flush()
    if inhibition.consider(scene.session, alert, scene.now) or _is_muted(alert, scene.now):
        return
    first = _worst([episode.first, *_news(scene, alert, episode)], scene)
    _announce(scene, alert, "raised", first)
    if not episode.open:
        _follow_up(scene, alert, "cleared")


def follow(scene: Scene, alert: Alert, episode: Episode) -> None:
    """Bring an alert to what its episode is now."""
    # Half of its times would not do for the database: they are written when all of them stand.
    with scene.session.no_autoflush:
        recorded = _recorded_steps(scene, alert) if episode.steps else set()
        _record_steps(scene, alert, episode, recorded)
        _adjust(scene, alert, episode)
        _set_level(scene, alert, episode)
        if episode.open:
            if alert.cleared_at is not None:
                _reopen(scene, alert, episode)
            _set_condition(scene, alert, episode)
        elif alert.cleared_at is None:
            _clear(scene, alert, episode)
    if alert.closed_at is None:
        _tell_what_is_news(scene, alert, episode)
    if scene.session.is_modified(alert):
        alert.row_version += 1
    scene.session.flush()


def retract(scene: Scene, alert: Alert, joined: Episode | None) -> None:
    """Take back an alert that late data shows to be none, or a part of another."""
    alert.condition = "normal"
    alert.cleared_at = alert.cleared_at or alert.raised_at
    alert.frozen_since = None
    alert.retracted_at = scene.now
    alert.closed_at = alert.closed_at or scene.now
    alert.row_version += 1
    note = None
    if joined is not None:
        since = to_instant(joined.raised_at).isoformat(timespec="milliseconds")
        note = f"It is part of the alert that began {since}."
    write(scene.session, alert, "retracted", None, note=note)
    routing.stop(scene.session, alert.id, scene.now)
    if joined is None:
        _follow_up(scene, alert, "retracted")
    scene.session.flush()


# -------------------------------------------------------------------------------------- inside


def _row(scene: Scene, episode: Episode, *, live: bool) -> Alert:
    watch = scene.watch
    level = watch.rule.level(episode.level) or watch.rule.levels[0]
    alert = Alert(
        id=uuid7(),
        organization_id=watch.organization_id,
        rule_id=watch.id,
        rule_version=watch.version,
        tag_id=watch.tag_id,
        well_id=watch.well_id,
        dedup_key=dedup_key(watch.organization_id, watch.id, watch.tag_id),
        level=level.name,
        priority=level.priority,
        setpoint=_setpoint(scene, level),
        value=episode.value,
        extreme=episode.extreme,
        origin="live" if live else "historical",
        condition="normal",
        raised_at=to_instant(episode.raised_at),
        detected_at=scene.now,
        ack="unacked" if live and not watch.advisory else "none",
        kind=watch.rule.kind,
        subject=watch.facts.quantity,
        latched=watch.rule.latch and live,
        row_version=1,
    )
    if episode.open:
        alert.condition = episode.condition
        alert.frozen_since = _instant(episode.frozen_since)
    else:
        alert.cleared_at = _instant(episode.cleared_at)
        alert.closed_at = None if live else scene.now
    alert.message = sentence(watch.facts, _standing(alert))
    return alert


def _make_room(scene: Scene, alert: Alert) -> bool:
    """Close an older open alert of the same key; False when the open one is the newer."""
    values = {"organization": alert.organization_id, "key": alert.dedup_key, "id": alert.id}
    other = scene.session.execute(_BESIDE, values).one_or_none()
    if other is None:
        return True
    if other.raised_at > alert.raised_at:
        return False
    close(scene.session, scene.session.get_one(Alert, other.id), "superseded", scene.now)
    return True


def _adjust(scene: Scene, alert: Alert, episode: Episode) -> None:
    """Correct what is no change of state: when it began, when it ended, its values."""
    cleared = _instant(episode.cleared_at)
    corrected: dict[str, datetime] = {}
    if alert.raised_at != to_instant(episode.raised_at):
        corrected["raised_at"] = to_instant(episode.raised_at)
    if alert.cleared_at is not None and cleared is not None and alert.cleared_at != cleared:
        corrected["cleared_at"] = cleared
    if corrected:
        before = {name: _json(getattr(alert, name)) for name in corrected}
        after = {name: _json(value) for name, value in corrected.items()}
        write(scene.session, alert, "adjusted", None, before=before, after=after)
        for name, value in corrected.items():
            setattr(alert, name, value)
    _set(alert, value=episode.value, extreme=episode.extreme)


def _set_level(scene: Scene, alert: Alert, episode: Episode) -> None:
    level = scene.watch.rule.level(episode.level)
    if level is not None:
        _set(alert, level=level.name, priority=level.priority, setpoint=_setpoint(scene, level))
    _set(alert, message=sentence(scene.watch.facts, _standing(alert)))


def _set_condition(scene: Scene, alert: Alert, episode: Episode) -> None:
    frozen = _instant(episode.frozen_since)
    if frozen is not None and alert.frozen_since is None:
        _set(alert, frozen_since=frozen)
        write(scene.session, alert, "frozen", frozen)
    elif frozen is None and alert.frozen_since is not None and scene.is_present:
        _set(alert, frozen_since=None)
        write(scene.session, alert, "unfrozen", to_instant(scene.newest))
    _set(alert, condition="unknown" if alert.frozen_since else episode.condition)


def _clear(scene: Scene, alert: Alert, episode: Episode) -> None:
    alert.cleared_at = _instant(episode.cleared_at)
    alert.condition, alert.frozen_since = "normal", None
    write(scene.session, alert, "cleared", alert.cleared_at)
    move = axes.observe(Axes.of(alert), "normal", terms(scene.session, alert))
    put(scene.session, alert, replace(move, stop=False), scene.now)
    _ask_to_review(scene, alert)
    _follow_up(scene, alert, "cleared")


def _reopen(scene: Scene, alert: Alert, episode: Episode) -> None:
    """Late data shows that it goes on: open again, as a page nobody has answered."""
    alert.cleared_at = None
    alert.condition = episode.condition
    if alert.closed_at is not None:
        _make_room(scene, alert)
    alert.closed_at = None
    alert.announced_level = None
    write(scene.session, alert, "reopened", None)


def _record_steps(
    scene: Scene, alert: Alert, episode: Episode, recorded: set[tuple[datetime | None, str]]
) -> None:
    for step in episode.steps:
        at = to_instant(step.at)
        if (at, step.level) not in recorded:
            write(scene.session, alert, "level", at, after={"level": step.level})


def _recorded_steps(scene: Scene, alert: Alert) -> set[tuple[datetime | None, str]]:
    events = select(AlertEvent).where(AlertEvent.alert_id == alert.id, AlertEvent.kind == "level")
    return {
        (event.event_time, (event.after or {}).get("level", ""))
        for event in scene.session.scalars(events)
    }


def _tell_what_is_news(scene: Scene, alert: Alert, episode: Episode) -> None:
    """Page for an alert nobody was told of yet, or for a worse level than was told."""
    if alert.announced_level is None and alert.origin == "historical":
        _tell_late(scene, alert, episode)
        return
    if _is_muted(alert, scene.now) and not _passes_shelf(scene, alert):
        return
    if alert.announced_level is None:
        if episode.open and scene.is_live(episode):
            _announce(scene, alert, "raised", _worst([alert.level], scene))
        return
    told = scene.watch.rule.level(alert.announced_level)
    worst = _worst(_news(scene, alert, episode), scene)
    if worst and (told is None or told.side != worst.side or worst.severity < told.severity):
        _announce(scene, alert, "level", worst)
    elif scene.is_fresh and episode.open:
        _set(alert, announced_level=alert.level)


def _tell_late(scene: Scene, alert: Alert, episode: Episode) -> None:
    """Page for what stood in a backlog and still stands, once nothing behind it can clear it."""
    if not (episode.open and scene.is_live(episode)):
        return
    if scene.catches_up and (alert.tell_at is None or alert.tell_at > scene.now):
        catchup.hold(scene.session, alert, scene.now)
        return
    alert.tell_at = None
    if _is_muted(alert, scene.now) and not _passes_shelf(scene, alert):
        return
    catchup.release(scene.session, alert, latched=scene.watch.rule.latch)
    _announce(scene, alert, "raised", _worst([alert.level], scene))


def _is_muted(alert: Alert, now: datetime) -> bool:
    """Whether a person, or another alert, has said that this one is not to be told for now."""
    return Axes.of(alert).muted(now)


def _passes_shelf(scene: Scene, alert: Alert) -> bool:
    """Take off the shelf what got worse than what was shelved; gives whether it is to be told."""
    if not Axes.of(alert).shelved(scene.now) or not holds.is_past_shelf(scene.session, alert):
        return False
    write(scene.session, alert, "shelf_passed", None)
    holds.end_shelves(scene.session, alert, None, scene.now)
    put(scene.session, alert, axes.worsen(Axes.of(alert), scene.now, past_shelf=True), scene.now)
    return not _is_muted(alert, scene.now)


def _news(scene: Scene, alert: Alert, episode: Episode) -> list[str]:
    """The level in force now, and the worse ones reached within the live window."""
    reached = [
        step.level
        for step in episode.steps
        if step.worse and is_live_step(step, scene.site_now, scene.live_window_ms)
    ]
    return [*reached, alert.level] if scene.is_fresh and episode.open else reached


def _worst(names: list[str], scene: Scene) -> Level | None:
    levels = [level for level in scene.watch.rule.levels if level.name in names]
    return min(levels, key=lambda level: level.severity, default=None)


def _announce(scene: Scene, alert: Alert, kind: NoticeKind, level: Level | None) -> None:
    """Owe a page, worded for a level, and ask for an acknowledgement."""
    standing = _standing(alert)
    if level is not None:
        standing = replace(
            standing,
            level=level.name,
            priority=level.priority,
            setpoint=_setpoint(scene, level),
        )
    alert.announced_level = alert.level
    if scene.watch.advisory:  # shown to whoever looks; nobody is called, nobody has to answer
        return
    alert.ack, alert.ack_until = "unacked", None
    scene.session.flush()
    routing.page(scene.session, _notice(scene, alert, kind, standing), scene.now)


def _follow_up(scene: Scene, alert: Alert, kind: NoticeKind) -> None:
    scene.session.flush()
    routing.follow_up(scene.session, _notice(scene, alert, kind, _standing(alert)), scene.now)


def _notice(scene: Scene, alert: Alert, kind: NoticeKind, standing: Standing) -> Notice:
    return Notice(
        alert.organization_id,
        alert.id,
        kind,
        _json(scene.now),
        standing.priority,
        compose(kind, scene.watch.facts, standing),
    )


def _setpoint(scene: Scene, level: Level) -> float | None:
    """The limit of a level, where it means anything to people."""
    return level.setpoint if scene.watch.rule.has_setpoints else None


def _standing(alert: Alert) -> Standing:
    return Standing(
        alert.id,
        alert.priority,
        alert.level,
        alert.value,
        alert.setpoint,
        alert.extreme,
        alert.raised_at,
        alert.cleared_at,
    )


def _set(alert: Alert, **values: object) -> None:
    for name, value in values.items():
        if getattr(alert, name) != value:
            setattr(alert, name, value)


def _instant(ms: int | None) -> datetime | None:
    return None if ms is None else to_instant(ms)


def _json(value: datetime) -> str:
    return value.isoformat(timespec="milliseconds")
