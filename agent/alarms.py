"""The alarms of the site: the hub's rules judged here, over every reading, whoever can be reached.

Readings are judged as they are polled; what changes is on disk, with the state it came from, before
the poller goes on, and leaves before any reading. A restart goes on in the middle of an alarm.

The evaluator's own time never steps: when the clock is corrected, the difference between the two is
carried along, so that a delay is neither cut short nor begun anew.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from agent.chatter import Pace, calmed
from agent.contract.alarm_rules import Rule, RuleError, parse_rule
from agent.contract.alarms import Change, Samples, State, carry, evaluate
from agent.contract.blocks import ClockState, Sample, Stamp
from agent.contract.records import Record, SiteAlarm, alarm_body, freeze_record, new_id
from agent.contract.rulebundle import Bundle, SiteRule
from agent.outbox import Outbox

log = logging.getLogger(__name__)

MOST_UNSAVED = 1_000  #: records held in memory while the disk takes none


class AlarmClock(Protocol):
    """What judging needs of the clock."""

    boot: str
    state: ClockState

    def now_ms(self) -> int: ...  # noqa: D102
    def mono_ms(self) -> int: ...  # noqa: D102


@dataclass(slots=True)
class Standing:
    """An alarm that was raised and is not over."""

    spell: uuid.UUID
    rule: SiteRule
    level: str
    priority: int
    raised_at: int  #: UTC milliseconds
    value: float
    extreme: float
    acked: str = ""  #: by whom; empty until somebody has
    frozen: bool = False  #: no good readings: nobody can see how it stands


@dataclass(slots=True, eq=False)
class _Watched:
    """One rule at work."""

    told: SiteRule
    rule: Rule
    state: State = field(default_factory=State)
    spell: uuid.UUID | None = None
    acked: str = ""
    saved: str = ""  #: what was kept of it last
    pace: Pace = field(default_factory=Pace)
    worst: int = 4  #: priority of the worst that was told of its alarm
    own: int = 0  #: how often an hour the rule itself wants to be raised; 0: as often as it comes

    @property
    def key(self) -> str:
        return f"alarm:{self.told.id}"

    @property
    def is_at_rest(self) -> bool:
        state = self.state
        return not state.phases and state.spell is None and state.frozen_since is None

    def to_json(self, shift: int) -> str:
        """What a restart needs; empty at rest."""
        if self.is_at_rest:
            return ""
        return json.dumps(
            {
                "version": self.told.version,
                "state": self.state.to_json(),
                "spell": str(self.spell) if self.spell else None,
                "acked": self.acked,
                "shift": shift,
            }
        )


class SiteAlarms:
    """Judges what is polled by the rules of the newest bundle."""

    def __init__(
        self,
        outbox: Outbox,
        clock: AlarmClock,
        tags: Mapping[str, int],
        config: int,
        news: Callable[[], None] = lambda: None,
    ) -> None:
        """`tags` gives the number of each tag of configuration `config`; `news` is called when
        something is to be sent at once.
        """
        self._outbox, self._clock, self._tags, self._config = outbox, clock, tags, config
        self._news = news
        self._lock = threading.RLock()
        self._watched: dict[uuid.UUID, _Watched] = {}
        self._by_tag: dict[int, list[_Watched]] = {}
        self._shift = 0  # UTC less the evaluator's time, milliseconds
        self._unsaved: list[bytes] = []
        self.faults: list[str] = []  #: rules that cannot be run here, one sentence each
        self.epoch = 0

    # -------------------------------------------------------------------------------- rules

    def use(self, bundle: Bundle) -> None:
        """Run the rules of a bundle; those that were running go on where they stand."""
        with self._lock:
            before, self.faults = self._watched, []
            self._watched = {}
            for told in bundle.rules:
                if (made := self._take_up(told, before.get(told.id))) is not None:
                    self._watched[told.id] = made
            self._by_tag = {}
            self._guard()
            for watched in self._watched.values():
                self._by_tag.setdefault(self._tags[watched.told.tag], []).append(watched)
            self.epoch = bundle.epoch
            self._heed(set(bundle.acknowledged))
            gone = {f"alarm:{rule}": b"" for rule in before if rule not in self._watched}
            self._save(more=gone)
        for fault in self.faults:
            log.warning("%s", fault)

    def _take_up(self, told: SiteRule, running: _Watched | None) -> _Watched | None:
        if told.tag not in self._tags:
            self.faults.append(f"rule {told.name!r}: this agent has no tag {told.tag!r}")
            return None
        try:
            rule = parse_rule(told.kind, told.params, blind_after_s=told.blind_after_s)
        except RuleError as fault:
            self.faults.append(f"rule {told.name!r} cannot be run here: {fault}")
            return None
        if rule.tags:
            self.faults.append(f"rule {told.name!r} looks at several tags; only the hub runs it")
            return None
        own, rule = rule.most_per_hour, calmed(rule)
        if running is None:
            return self._from_disk(_Watched(told, rule, own=own))
        if running.told.version != told.version:
            running.state = carry(rule, running.state)
        running.told, running.rule, running.own = told, rule, own
        return running

    def _guard(self) -> None:
        """Rules of one gauge keep from each other what is no evidence, as they do at the hub."""
        on_tag: dict[str, list[_Watched]] = {}
        for watched in self._watched.values():
            on_tag.setdefault(watched.told.tag, []).append(watched)
        for group in on_tag.values():
            plain = [watched.rule for watched in group]
            for watched in group if len(group) > 1 else ():
                watched.rule = watched.rule.guarded(r for r in plain if r is not watched.rule)

    def _from_disk(self, watched: _Watched) -> _Watched:
        kept = self._outbox.kept(watched.key)
        if not kept:
            return watched
        try:
            body = json.loads(kept)
            state = State.from_json(body["state"])
            watched.spell = uuid.UUID(body["spell"]) if body["spell"] else None
            watched.state = carry(watched.rule, state)
            watched.pace.frozen = watched.state.frozen_since is not None
            if watched.state.spell is not None:
                watched.worst = _level(watched, watched.state.spell.level)
            watched.acked, watched.saved = str(body["acked"]), kept.decode()
            self._shift = int(body["shift"])
        except (KeyError, TypeError, ValueError) as fault:
            log.warning("rule %r begins anew: %s", watched.told.name, fault)
            return _Watched(watched.told, watched.rule, own=watched.own)
        return watched

    def _heed(self, acknowledged: set[uuid.UUID]) -> None:
        """Somebody at the office has taken these on; the hub knows, so nothing is told."""
        for watched in self._watched.values():
            if watched.spell in acknowledged and not watched.acked:
                watched.acked = "the office"

    # ----------------------------------------------------------------------------- readings

    def feed(self, samples: Iterable[Sample]) -> None:
        """Judge readings as they come; a rule that fails is left out, the others go on."""
        by_tag = self._by_tag
        if not by_tag:
            return
        with self._lock:
            told: list[tuple[_Watched, Change]] = []
            for sample in samples:
                for watched in by_tag.get(sample.tag, ()):
                    told += [(watched, change) for change in self._judge(watched, sample)]
            if told:
                self._tell(told)

    def _judge(self, watched: _Watched, sample: Sample) -> list[Change]:
        at = sample.at - self._shift
        if at <= watched.state.at:
            if sample.at > self._clock.now_ms() - 60_000 and watched.state.at - at > 60_000:
                self._shift -= watched.state.at + 1 - at  # the box came back with an older time
                at = watched.state.at + 1
            else:
                return []
        one = Samples((at,), (sample.value,), (sample.quality,))
        try:
            watched.state, changes = evaluate(watched.rule, watched.state, one)
        except Exception:
            log.exception("rule %r failed and is left out", watched.told.name)
            self.faults.append(f"rule {watched.told.name!r} failed here; the log says why")
            self._by_tag[sample.tag] = [w for w in self._by_tag[sample.tag] if w is not watched]
            return []
        return changes

    def clock_stepped(self, step_ms: int) -> None:
        """The clock was corrected; the evaluator's own time goes on."""
        with self._lock:
            self._shift += step_ms

    # -------------------------------------------------------------------------------- telling

    def _tell(self, told: list[tuple[_Watched, Change]]) -> None:
        lines = []
        for watched, change in told:
            if change.kind == "raised":
                watched.spell, watched.acked = new_id(), ""
            elif change.worse:
                watched.acked = ""
            lines += self._lines(watched, change)
            if change.kind == "cleared":
                watched.spell, watched.acked = None, ""
        self._save(lines)
        self._news()

    def _lines(self, watched: _Watched, change: Change) -> list[bytes]:
        """The record of a change while the rule may still speak, and a word when it may not."""
        priority = _level(watched, change.level)
        lines = []
        if watched.pace.allows(change, priority, watched.worst):
            lines.append(self._line(watched, change))
            watched.worst = priority if change.kind == "raised" else min(watched.worst, priority)
        said = watched.pace.note(watched.rule, watched.own, change.seen_at)
        if said:
            said = f"Rule “{watched.told.name or watched.told.tag}” {said}. Give it an off-delay."
            log.warning("%s", said)
            lines.append(self._site("chatter", said))
        return lines

    def _line(self, watched: _Watched, change: Change) -> bytes:
        shift, spell = self._shift, watched.spell or new_id()
        level = _level(watched, change.level)
        alarm = SiteAlarm(
            change.kind,
            spell,
            watched.told.id,
            watched.told.version,
            watched.told.tag,
            change.level,
            level,
            min(change.raised_at, change.at) + shift,
            change.at + shift,
            change.seen_at + shift,
            change.value,
            change.extreme,
        )
        return self._record("alarm", alarm.seen_at, alarm_body(alarm))

    def _record(self, kind: str, at: int, body: Mapping[str, Any]) -> bytes:
        lag = self._clock.now_ms() - self._clock.mono_ms()
        stamp = Stamp(self._config, self._clock.boot, int(self._clock.state), at, at - lag)
        return freeze_record(Record(kind, new_id(), stamp, body))

    def note(self, what: str, said: str) -> None:
        """Let the hub know something about the site, when it can be told."""
        with self._lock:
            self._save([self._site(what, said)])
        self._news()

    def _site(self, what: str, said: str) -> bytes:
        return self._record("site", self._clock.now_ms(), {"what": what, "said": said})

    def acknowledge(self, by: str, note: str = "") -> list[Standing]:
        """Somebody at the site takes on what stands; gives what nobody had taken on before."""
        with self._lock:
            now = self._clock.now_ms()
            fresh = [w for w in self._watched.values() if w.spell and not w.acked]
            lines = [self._ack_line(watched, now, by, note) for watched in fresh]
            for watched in fresh:
                watched.acked = by or "somebody on site"
            if lines:
                self._save(lines)
            taken = [one for w in fresh if (one := self._standing(w)) is not None]
        if lines:
            self._news()
        return taken

    def _ack_line(self, watched: _Watched, now: int, by: str, note: str) -> bytes:
        standing = self._standing(watched)
        assert standing is not None
        alarm = SiteAlarm(
            "acknowledged",
            standing.spell,
            watched.told.id,
            watched.told.version,
            watched.told.tag,
            standing.level,
            standing.priority,
            min(standing.raised_at, now),
            now,
            now,
            standing.value,
            standing.extreme,
            by[:200],
            note[:400],
        )
        return self._record("alarm", now, alarm_body(alarm))

    # -------------------------------------------------------------------------------- keeping

    def checkpoint(self) -> None:
        """Keep what has changed since, and what the disk would not take before."""
        with self._lock:
            self._save()

    def _save(self, lines: Iterable[bytes] = (), more: Mapping[str, bytes] | None = None) -> None:
        self._unsaved += lines
        keep = {
            watched: text
            for watched in self._watched.values()
            if (text := watched.to_json(self._shift)) != watched.saved
        }
        if not (self._unsaved or keep or more):
            return
        kept = {watched.key: text.encode() for watched, text in keep.items()} | dict(more or {})
        try:
            if self._unsaved:
                self._outbox.record("a", self._unsaved, self._clock.now_ms(), kept)
            else:
                self._outbox.keep(kept)
        except sqlite3.Error as fault:
            log.error("an alarm cannot be written to disk (%s); it is tried again", fault)
            del self._unsaved[MOST_UNSAVED:]
            return
        self._unsaved = []
        for watched, text in keep.items():
            watched.saved = text

    # -------------------------------------------------------------------------------- asking

    def standing(self) -> list[Standing]:
        """What stands now, worst first."""
        with self._lock:
            found = [self._standing(watched) for watched in self._watched.values()]
        return sorted(
            (one for one in found if one is not None), key=lambda one: (one.priority, one.raised_at)
        )

    def __len__(self) -> int:
        return len(self._watched)

    def _standing(self, watched: _Watched) -> Standing | None:
        spell = watched.state.spell
        if spell is None or watched.spell is None:
            return None
        worst = watched.state.low if spell.level in {"lolo", "lo"} else watched.state.high
        return Standing(
            watched.spell,
            watched.told,
            spell.level,
            _level(watched, spell.level),
            spell.raised_at + self._shift,
            spell.value,
            spell.value if worst is None else worst,
            watched.acked,
            watched.state.frozen_since is not None,
        )


def _level(watched: _Watched, name: str) -> int:
    """The priority of a level; of a level that went with an older version, the worst there is."""
    level = watched.rule.level(name)
    priorities = [int(one.priority) for one in watched.rule.levels]
    return int(level.priority) if level is not None else min(priorities, default=2)
