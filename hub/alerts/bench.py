"""Judges the rules of one agent over a stretch of time, within one transaction."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Final

from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session

from agent.contract.alarms import Rows, Samples, State, merge
from hub.alerts import checkpoints, outcome, rules
from hub.alerts.checkpoints import Replaced, Start
from hub.alerts.episodes import Episode, Known, fold, match
from hub.alerts.instants import to_instant, to_ms
from hub.alerts.samples import Window, read
from hub.alerts.sitealarms import SiteView
from hub.alerts.sitespells import SiteSpell, join
from hub.alerts.trail import Checkpoint, Trail
from hub.alerts.warmup import Warmup, farthest_ms
from hub.alerts.watches import Watch
from hub.readings.completeness import complete_through
from hub.schema import Alert

LOG = logging.getLogger(__name__)

SLICE_MS: Final = 2 * 3_600_000  #: how much is read at once
LOOK_AHEAD: Final = 24  #: checkpoints compared before reading further
#: Readings that rules which begin may read in one transaction, those that begin anew because of
#: late readings, and what a rule costs beside them.
MOST_WARMED: Final = 200_000
MOST_RENEWED: Final = 1_000_000
READINGS_A_RULE: Final = 1_000


@dataclass(frozen=True, slots=True)
class Range:
    """A stretch of event time in which new readings lie."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Judged:
    """What judging one rule over a range gave."""

    start: Start
    trail: Trail
    same: Checkpoint | None  #: from here on nothing differs from what was judged before
    until: int  #: how far it was judged, UTC milliseconds

    @property
    def watch(self) -> Watch:
        """The rule."""
        return self.start.watch

    @property
    def newest(self) -> int:
        """The newest sample that this rule has judged, now or before."""
        return max(self.trail.state.at, self.start.head or 0)

    @property
    def touches_alerts(self) -> bool:
        """Whether there can be an alert to make or to change."""
        start = self.start
        again = start.renewed or (start.head is not None and start.head > start.checkpoint.at)
        return bool(self.trail.changes) or start.checkpoint.state.spell is not None or again

    @property
    def since(self) -> int:
        """What ended before is not touched, UTC milliseconds."""
        start = self.start
        reach = farthest_ms(start.watch.rule) if start.renewed else 0
        return min(start.checkpoint.state.since, start.checkpoint.at - reach)

    def concerns(self, alert: Alert) -> bool:
        """Whether an alert can be one that this version judges; what ended before it is another's.

        Only a version that begins anew looks back beyond its own beginning.
        """
        if not self.start.renewed or alert.rule_version >= self.watch.version:
            return True
        return alert.cleared_at is None or to_ms(alert.cleared_at) > self.start.checkpoint.at

    @property
    def replaced(self) -> Replaced:
        """The checkpoints that hold from now on."""
        until = self.until if self.same is None else self.same.at - 1
        left = {at: found for at, found in self.trail.left.items() if at <= until}
        if self.start.head is None or self.start.renewed:
            left[self.start.checkpoint.at] = self.start.checkpoint
        at = self.start.checkpoint.at
        return Replaced(self.watch, at, until, list(left.values()), self.start.head == at)


class Bench:
    """One agent's rules, one transaction."""

    def __init__(
        self,
        session: Session,
        now: datetime,
        live_window_ms: int,
        site: SiteView,
        *,
        more: bool = False,
    ) -> None:
        """`more`: of this agent's ledger more waits to be judged than now is."""
        self.site = site
        self.session = session
        self.now = now
        self.live_window_ms = live_window_ms
        self.failed: set[uuid.UUID] = set()
        self.owes = True if more else None
        self.warmed = 0  #: readings that were read for rules that begin

    def judge(self, watches: Sequence[Watch], span: Range) -> list[Watch]:
        """Judge a range for all rules; gives the rules that did not fail."""
        if not watches:
            return []
        results = self._walk(watches, span)
        touching = [r for r in results if r.touches_alerts or r.watch.id in self.site.spells]
        alerts = self._alerts(touching)
        for result in touching:
            with self._guard(result.watch, undo=True):
                self._settle(result, alerts)
        sound = [result for result in results if result.watch.id not in self.failed]
        news = [
            r.replaced for r in sound if r.trail.left or r.start.head is None or r.start.renewed
        ]
        if news:
            checkpoints.replace(self.session, news)
        return [watch for watch in watches if watch.id not in self.failed]

    # ------------------------------------------------------------------------------ readings

    def _walk(self, watches: Sequence[Watch], span: Range) -> list[Judged]:
        until = to_ms(span.end) + 1  # a reading within the last millisecond counts
        started = self._warmed(checkpoints.starts(self.session, watches, span.start), span)
        soonest = until - SLICE_MS
        asked = [(start.watch, max(start.checkpoint.at, soonest), until) for start in started]
        results: list[Judged] = []
        for start, samples in zip(started, self._read(asked), strict=True):
            with self._guard(start.watch):
                results.append(self._walk_one(start, samples, until))
        return results

    def _warmed(self, started: Sequence[Start], span: Range) -> list[Start]:
        """What is to be judged, each from a state that knows the readings before it.

        Of the rules that begin only so many are taken that the others do not wait: the rest follow
        with the next readings, and miss nothing by it.
        """
        found: list[Start] = []
        for start in started:
            if start.warms == "first" and self.warmed > MOST_WARMED:
                continue
            with self._guard(start.watch):
                found.append(self._warm(start) if self._is_cold(start, span) else start)
        return found

    def _is_cold(self, start: Start, span: Range) -> bool:
        """Whether readings before its beginning may have a say that was not heard yet."""
        if start.warms != "again":
            return start.warms == "first"
        reach = farthest_ms(start.watch.rule)
        return to_ms(span.end) > start.checkpoint.at - reach and self.warmed <= MOST_RENEWED

    def _warm(self, start: Start) -> Start:
        at, again = start.checkpoint.at, start.warms == "again"
        base = State(at=at) if again else start.checkpoint.state
        warmup = Warmup(start.watch.rule, at, partial(self._slices, start.watch))
        state = warmup.state(base, min(start.floor, at))
        self.warmed += warmup.readings + READINGS_A_RULE
        checkpoint = Checkpoint(at, state, kept=True)
        return replace(
            start, checkpoint=checkpoint, renewed=again and state != start.checkpoint.state
        )

    def _slices(self, watch: Watch, after: int, until: int) -> Iterator[Samples | Rows]:
        """Readings of a stretch, a bounded time of them at once."""
        for begin in range(after, until, SLICE_MS):
            yield from self._read([(watch, begin, min(begin + SLICE_MS, until))])

    def _read(self, asked: Sequence[tuple[Watch, int, int]]) -> list[Samples | Rows]:
        """What each rule judges in a stretch: its tag's readings, or rows of those it names."""
        windows = [Window(tag, after, until) for watch, after, until in asked for tag in watch.tags]
        found = iter(read(self.session, windows))
        return [
            merge(list(islice(found, len(watch.tags)))) if watch.operands else next(found)
            for watch, _, _ in asked
        ]

    def _walk_one(self, start: Start, samples: Samples | Rows, until: int) -> Judged:
        trail = Trail(start.watch.rule, start.checkpoint)
        self._catch_up(start, trail, until - SLICE_MS)
        if start.head is None or start.head <= until:
            trail.walk(samples, until)
            return Judged(start, trail, None, until)
        trail.walk(samples, until, keep_last=True)
        return Judged(start, trail, self._until_same(start.watch, trail, until), start.head)

    def _catch_up(self, start: Start, trail: Trail, until: int) -> None:
        """Judge what lies far back in slices: a rule may not have judged for weeks."""
        for samples in self._slices(start.watch, start.checkpoint.at, until):
            trail.walk(samples, until)

    def _until_same(self, watch: Watch, trail: Trail, until: int) -> Checkpoint | None:
        """Judge later readings again until the state is one that was reached before."""
        while marks := checkpoints.ahead(self.session, watch, until + 1, LOOK_AHEAD):
            until = marks[-1].at
            (samples,) = self._read([(watch, trail.state.at, until)])
            for mark in marks:
                trail.walk(samples, mark.at)
                if trail.state == mark.state:
                    return mark
        return None

    # -------------------------------------------------------------------------------- alerts

    def _alerts(self, results: Sequence[Judged]) -> dict[uuid.UUID, list[Alert]]:
        """The alerts that can be affected, by rule; locked."""
        if not results:
            return {}
        values = {
            "rules": [result.watch.id for result in results],
            "since": [to_instant(result.since) for result in results],
        }
        found = self.session.scalars(
            select(Alert).from_statement(_AFFECTED),
            values,
            execution_options={"populate_existing": True},
        )
        by_rule: dict[uuid.UUID, list[Alert]] = {}
        for alert in found:
            by_rule.setdefault(alert.rule_id, []).append(alert)
        return by_rule

    def _settle(self, result: Judged, alerts: Mapping[uuid.UUID, Sequence[Alert]]) -> None:
        """Bring a rule's alerts to what its episodes are now."""
        found_there = alerts.get(result.watch.id, ())
        standing = {alert.id: alert for alert in found_there if result.concerns(alert)}
        known = [
            Known(a.id, to_ms(a.raised_at), None if a.cleared_at is None else to_ms(a.cleared_at))
            for a in standing.values()
        ]
        trail = result.trail
        episodes = fold(result.start.checkpoint.state, trail.changes, trail.state)
        if result.same is not None:
            # What goes on past this checkpoint was judged before, and stands.
            known = [alert for alert in known if alert.raised_at < trail.state.since]
            episodes = [episode for episode in episodes if not episode.open]
        told = self._told(result)
        episodes, places = join(
            episodes, told, self.site.horizon(result.watch.id, result.newest), _tolerance(result)
        )
        if not known and not episodes:
            return
        newest = self.site.newest(told, result.newest)
        scene = outcome.Scene(
            self.session, result.watch, self.now, newest, self.live_window_ms, self._owes
        )
        found = _apply(scene, standing, known, episodes)
        for alert, episode in found:
            if ids := places.get(episode.raised_at):
                if alert.id not in standing:
                    alert.detected_by = "site"
                self.site.link(alert.id, ids)

    def _told(self, result: Judged) -> list[SiteSpell]:
        """What the site told of the stretch that was judged."""
        since = result.start.checkpoint.state.since
        until = None if result.same is None else result.trail.state.since
        return self.site.of(result.watch.id, since, until)

    def _owes(self) -> bool:
        """Whether there is more to come, or to be judged; asked for only where it matters."""
        if self.owes is None:
            self.owes = complete_through(self.session, self.site.agent) is not None
        return self.owes

    # -------------------------------------------------------------------------------- faults

    @contextmanager
    def _guard(self, watch: Watch, *, undo: bool = False) -> Iterator[None]:
        """Set a rule aside if its work fails, with nothing of it done.

        A database that is away, or a deadlock, is no fault of a rule.
        """
        try:
            with self.session.begin_nested() if undo else nullcontext():
                yield
        except Exception as fault:
            if isinstance(fault, OperationalError) or (isinstance(fault, DBAPIError) and not undo):
                raise
            LOG.exception("rule %s failed and is set aside", watch.id)
            rules.mark_faulted(self.session, watch.id, f"{type(fault).__name__}: {fault}", self.now)
            self.failed.add(watch.id)


_AFFECTED = text(
    """
    SELECT a.*
    FROM unnest(CAST(:rules AS uuid[]), CAST(:since AS timestamptz[])) AS w(rule_id, since)
    JOIN alerts a ON a.rule_id = w.rule_id AND (a.cleared_at IS NULL OR a.cleared_at > w.since)
    WHERE a.retracted_at IS NULL
    ORDER BY a.raised_at
    FOR UPDATE OF a
    """
)


def _apply(
    scene: outcome.Scene,
    standing: Mapping[uuid.UUID, Alert],
    known: Sequence[Known],
    episodes: Sequence[Episode],
) -> list[tuple[Alert, Episode]]:
    """Bring alerts to their episodes; gives each with the alert it is."""
    tolerance = round(scene.watch.rule.longest_off_delay_s * 1000)
    matching = match(known, episodes, tolerance)
    for gone in matching.gone:
        outcome.retract(scene, standing[gone.id], _joined(gone, episodes))
    # First what is known: a new episode must find the alerts beside it where they are now.
    found = []
    for known_alert, episode in matching.pairs:
        outcome.follow(scene, standing[known_alert.id], episode)
        found.append((standing[known_alert.id], episode))
    return [*found, *((outcome.begin(scene, episode), episode) for episode in matching.new)]


def _tolerance(result: Judged) -> int:
    """How far apart two spells may lie and still be one, milliseconds."""
    return round(result.watch.rule.longest_off_delay_s * 1000)


def _joined(alert: Known, episodes: Sequence[Episode]) -> Episode | None:
    """The episode that an alert has become a part of, if any."""
    for episode in episodes:
        ends = alert.raised_at if episode.cleared_at is None else episode.cleared_at
        if episode.raised_at <= alert.raised_at <= ends:
            return episode
    return None
