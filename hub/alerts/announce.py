"""Live or history: whether an episode is news to anybody (pure).

Readings come late: after an outage an agent sends hours of them. What they show is recorded, but
nobody is woken by what is over. A backlog that is being drained cannot page either: its newest
judged sample is old until it has caught up, and only then is what still stands announced.
"""

from __future__ import annotations

from hub.alerts.episodes import Episode, Step


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
