"""Replays a rule over the stored readings of a tag; writes nothing.

Readings come through the operator's own view of them, a slice of days at a time, so that a backtest
sees what its person may see, and never holds months of a fast gauge at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any, Final, cast
from zoneinfo import ZoneInfo

import psycopg
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from agent.contract.alarm_rules import Rule
from agent.contract.alarms import Rows, Samples, merge
from hub.alerts.instants import to_instant, to_ms
from hub.alerts.replay import Figures, Replay
from hub.alerts.suggest import History, Suggestion, suggest
from hub.schema import Organization, ReadingsState, Tag

DAYS: Final = 90
#: Readings that are held at once.
SLICE_READINGS: Final = 100_000
#: More than this keeps a person at a slider waiting: the stretch is shortened, and said so.
MOST_AT_ONCE: Final = 1_000_000
#: A signal that has to be made first (a slope, what is usual, a condition) takes longer.
MOST_OF_SIGNAL: Final = 200_000
#: A suggestion tries a dozen rules over it.
MOST_FOR_SUGGESTION: Final = 200_000
MOST_OF_SIGNAL_FOR_SUGGESTION: Final = 20_000

#: Operators read through a view of their own rows; the workers have the readings themselves, and
#: name a tag of one operator.
_THROUGH_VIEW: Final = text("SELECT has_table_privilege('reading_points', 'SELECT')")
_READ: Final = """
    SELECT array_agg(p.at) AS times, array_agg(p.value) AS points, array_agg(p.quality) AS qualities
    FROM (SELECT floor(extract(epoch FROM r.time) * 1000)::bigint AS at, r.value, r.quality
          FROM {readings} r
          WHERE r.tag_id = %(tag)s AND r.time > %(after)s AND r.time <= %(until)s
          ORDER BY r.time) p
"""


@dataclass(frozen=True, slots=True)
class Stretch:
    """What is replayed: one tag between two instants, UTC milliseconds."""

    tag_id: int
    start: int
    end: int
    interval_ms: int
    zone: tzinfo
    shortened: str = ""  #: why it is shorter than was asked for, in a sentence
    tags: tuple[int, ...] = ()  #: of a condition over several gauges, in the order of its rows

    @property
    def slice_ms(self) -> int:
        """How much time is read at once."""
        return max(SLICE_READINGS * max(self.interval_ms, 1), 3_600_000)

    @property
    def readings(self) -> float:
        """About how many readings it holds."""
        return (self.end - self.start) / max(self.interval_ms, 1)


def most_to_try(rule: Rule) -> int:
    """How many readings a rule is replayed over while somebody waits."""
    return MOST_OF_SIGNAL if rule.stages else MOST_AT_ONCE


def most_to_suggest(rule: Rule) -> int:
    """How many readings delays are computed from."""
    return MOST_OF_SIGNAL_FOR_SUGGESTION if rule.stages else MOST_FOR_SUGGESTION


def stretch(
    session: Session,
    tag: Tag,
    now: datetime,
    days: float = DAYS,
    *,
    most: float = float("inf"),
    tags: Sequence[int] = (),
) -> Stretch:
    """The last `days` of a tag's readings, as far as they are kept and not more than `most`.

    `tags` are those of a condition over several gauges: their readings count together.
    """
    end, start = to_ms(now), to_ms(now - timedelta(days=days))
    later = ReadingsState.kept_from > to_instant(start)  # "-infinity" where nothing was dropped
    kept = session.scalar(select(ReadingsState.kept_from).where(later))
    beat, why = _beat(session, tag, tags), ""
    if kept is not None:
        start = min(to_ms(kept), end)
        why = f"Readings are kept since {kept:%Y-%m-%d}."
    if (end - start) / max(beat, 1) > most:
        start = end - round(most * beat)
        read = "These gauges are together" if tags else "This gauge is"
        why = (
            f"{read} read every {beat / 1000:.3g} s: the last {(end - start) / 86_400_000:.1f} days"
            " are replayed here, all of them by wellflow-hub backtest."
        )
    return Stretch(tag.id, start, end, beat, _zone(session, tag), why, tuple(tags))


def _beat(session: Session, tag: Tag, tags: Sequence[int]) -> int:
    """Milliseconds from one reading to the next, of all the gauges together."""
    if not tags:
        return tag.interval_ms
    beats = session.scalars(select(Tag.interval_ms).where(Tag.id.in_(tags)))
    return max(round(1 / sum(1 / max(beat, 1) for beat in beats)), 1)


def slices(session: Session, span: Stretch) -> Iterator[Samples]:
    """Its readings in order of time, a bounded number at once."""
    yield from _slices(session, span, span.tag_id)


def judged(session: Session, span: Stretch) -> Iterator[Samples | Rows]:
    """What a rule judges: the readings of its tag, or rows of all that its condition names."""
    if not span.tags:
        yield from slices(session, span)
        return
    parts = [_slices(session, span, tag) for tag in span.tags]
    yield from (merge(at_once) for at_once in zip(*parts, strict=True))


def _slices(session: Session, span: Stretch, tag: int) -> Iterator[Samples]:
    source = "reading_points" if session.scalar(_THROUGH_VIEW) else "readings"
    statement = _READ.format(readings=source)
    for after in range(span.start, span.end, span.slice_ms):
        until = min(after + span.slice_ms, span.end)
        values = {"tag": tag, "after": to_instant(after), "until": to_instant(until)}
        row = _driver(session).execute(statement, values, binary=True).fetchone()
        times, points, qualities = row or (None, None, None)
        yield Samples(times or [], points or [], qualities or [])


def backtest(
    session: Session,
    rule: Rule,
    span: Stretch,
    tell: Callable[[int, int], None] = lambda _done, _of: None,
) -> Figures:
    """What the rule would have done over the stretch; `tell` hears how far it is."""
    run = Replay(rule, span.start, span.end, span.zone)
    whole = -(-(span.end - span.start) // span.slice_ms)
    for number, samples in enumerate(judged(session, span)):
        tell(number, whole)
        run.take(samples)
    tell(whole, whole)
    return run.finish()


def suggestion(
    session: Session, rule: Rule, span: Stretch, respond_within_s: int | None = None
) -> Suggestion:
    """Delays and a deadband for the rule; the stretch is one that fits into memory."""
    history = History(list(judged(session, span)), span.start, span.end)
    return suggest(rule, history, respond_within_s)


def _zone(session: Session, tag: Tag) -> tzinfo:
    name = session.scalar(
        select(Organization.timezone).where(Organization.id == tag.organization_id)
    )
    return ZoneInfo(name or "UTC")


def _driver(session: Session) -> psycopg.Connection[Any]:
    """The driver's connection: arrays of floats come through it as lists, without a detour."""
    return cast("psycopg.Connection[Any]", session.connection().connection.driver_connection)
