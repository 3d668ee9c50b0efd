"""Live or history: whether an episode is news to anybody (pure).

Readings come late: after an outage an agent sends hours of them. What they show is recorded, but
nobody is woken by what is over. A backlog that is being drained cannot page either: its newest
judged sample is old until it has caught up, and only then is what still stands announced.

In the last minutes of a backlog the newest sample is recent enough to page for, and yet the next
block may clear what it shows. So what stands there waits until the site has sent everything it
announced, or its readings are those of now, but no longer than `HELD_FOR`: a link that stalls, or
that never quite catches up, must not keep an alarm to itself.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from hub.alerts.episodes import Episode, Step

HELD_FOR: Final = timedelta(minutes=2)
#: A sample younger than this is one of now, whatever the gauge's beat.
OF_NOW_MS: Final = 60_000


def is_live(episode: Episode, newest: int, now: int, live_window_ms: int) -> bool:
    """Whether an episode is to be announced.

    It is when it still goes on at the newest sample and that sample is no older than the live
    window, or when it began no longer ago than that. All times are UTC milliseconds.
    """
    goes_on = episode.open and now - newest <= live_window_ms
    return goes_on or now - episode.raised_at <= live_window_ms


def is_live_step(step: Step, now: int, live_window_ms: int) -> bool:
    """Whether a change of level is news: certain no longer ago than the live window."""
    return now - step.seen_at <= live_window_ms


def is_of_now(newest: int, now: int, silent_after_ms: int) -> bool:
    """Whether the newest sample is at most a beat of its gauge old: nothing can lie behind it.

    A gauge counts as silent after three beats.
    """
    return now - newest <= max(OF_NOW_MS, silent_after_ms // 3)
