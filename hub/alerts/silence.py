"""What silence means: which gauges, devices, sites and safety points nobody can see (pure).

Silence is judged by the clock, not by readings. Three things keep it from crying wolf: a hub that
was just started waits one round of reports before it judges; while nothing at all arrives the fault
is the hub's own; and a gauge is not said to be silent while its whole site, or its device, is.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from agent.contract.alarm_rules import RuleError
from agent.contract.rule_params import Given

SITE_AFTER: Final = timedelta(minutes=5)  #: an agent says something every minute
BLIND_AFTER: Final = timedelta(minutes=2)  #: a safety point at least so long without a good reading
DEVICE_GAUGES: Final = 2  #: so many gauges of a device must be dumb before it is the device
LONGEST_S: Final = 90 * 86_400


@dataclass(frozen=True, slots=True)
class Silence:
    """How long a gauge may be silent, and how bad that is."""

    priority: int = 3
    after_s: float | None = None  #: None: three beats of the gauge, at least a minute
    by: time | None = (
        None  #: of what people enter: expected each day by then, on the operator's clock
    )

    def to_json(self) -> dict[str, Any]:
        """What `read` reads."""
        written: dict[str, Any] = {"levels": {"alarm": {"priority": self.priority}}}
        if self.after_s is not None:
            written["after_s"] = self.after_s
        if self.by is not None:
            written["by"] = f"{self.by:%H:%M}"
        return written


def read(params: Mapping[str, Any]) -> Silence:
    """Read a rule of kind stale: `{"levels": {"alarm": {"priority": 3}}, "after_s": 900}`.

    `by` in place of `after_s` expects a reading each day by a time on the operator's clock. Raises
    `RuleError` with every fault.
    """
    faults: list[str] = []
    given = Given(params, "A stale rule", faults)
    given.no_others(frozenset({"levels", "after_s", "by", "blind_after_s"}))
    levels = params.get("levels")
    alarm = levels.get("alarm") if isinstance(levels, Mapping) else None
    if not isinstance(alarm, Mapping) or set(levels or ()) != {"alarm"}:
        faults.append("A stale rule has one level, alarm, with its priority.")
        alarm = {"priority": 3}
    priority = Given(alarm, "alarm", faults).number("priority", low=1, high=4)
    after = None
    if params.get("after_s") is not None:
        after = given.number("after_s", low=10.0, high=LONGEST_S)
    by = _clock(params.get("by"), faults)
    if after is not None and by is not None:
        faults.append("A stale rule says after_s or by, not both.")
    if faults:
        raise RuleError(faults)
    return Silence(int(priority), after, by)


def _clock(given: object, faults: list[str]) -> time | None:
    if given is None:
        return None
    try:
        return time.fromisoformat(str(given))
    except ValueError:
        faults.append(f"by must be a time of day like 10:00, not {given!r}.")
        return None


@dataclass(frozen=True, slots=True)
class Site:
    """An agent, and when it was last heard."""

    id: uuid.UUID
    name: str
    well_id: uuid.UUID | None
    place: str
    heard_at: datetime


@dataclass(frozen=True, slots=True)
class Point:
    """A gauge: its newest reading, by the hub's clock, and what is asked of it."""

    tag_id: int
    name: str
    site_id: uuid.UUID
    device: str
    well_id: uuid.UUID | None
    place: str
    interval: timedelta
    last: datetime  #: of its newest reading, good or not
    good: bool  #: whether that one is good
    dumb: bool  #: whether that one says that nothing answered
    quantity: str = ""
    rules: tuple[tuple[uuid.UUID, Silence], ...] = ()  #: rules of kind stale
    safety: int | None = None  #: 1: people's lives; 2: a spill; None: no safety point

    def silent_since(self, now: datetime, asked: Silence, zone: ZoneInfo) -> datetime | None:
        """When its silence began, if it is longer than was asked."""
        if asked.by is not None:
            local = now.astimezone(zone)
            due = datetime.combine(local.date(), asked.by, zone)
            due = due if due <= local else due - timedelta(days=1)
            return self.last if self.last < due - timedelta(days=1) + timedelta(hours=1) else None
        after = self._beats if asked.after_s is None else timedelta(seconds=asked.after_s)
        return self.last if now - self.last > after else None

    @property
    def _beats(self) -> timedelta:
        return max(3 * self.interval, timedelta(minutes=1))

    def is_blind(self, now: datetime) -> bool:
        """Whether nobody can see a safety point."""
        return now - self.last > max(3 * self.interval, BLIND_AFTER) or not self.good


@dataclass(slots=True)
class Seen:
    """What of an operator is silent now."""

    sites: list[Site] = field(default_factory=list)
    devices: dict[tuple[uuid.UUID, str], list[Point]] = field(default_factory=dict)
    gauges: list[tuple[uuid.UUID, Point, datetime, Silence]] = field(default_factory=list)
    judged: list[tuple[uuid.UUID, int]] = field(default_factory=list)  #: rule and tag looked at
    blind: dict[tuple[uuid.UUID, uuid.UUID | None], list[Point]] = field(default_factory=dict)


def look(
    sites: Sequence[Site],
    points: Iterable[Point],
    now: datetime,
    zone: ZoneInfo,
    site_after: timedelta = SITE_AFTER,
) -> Seen:
    """See what is silent: sites first, then devices of sites that speak, then their gauges."""
    seen = Seen(sites=[site for site in sites if now - site.heard_at > site_after])
    offline = {site.id for site in seen.sites}
    doubtful = {site.id for site in sites if now - site.heard_at > site_after / 3}
    listed = list(points)
    seen.devices = _dumb_devices(listed, offline)
    for point in listed:
        if point.safety is not None and point.is_blind(now):
            seen.blind.setdefault((point.site_id, point.well_id), []).append(point)
        if point.site_id in doubtful or (point.site_id, point.device) in seen.devices:
            continue  # its site or its device is, or may soon be, the reason
        for rule, asked in point.rules:
            seen.judged.append((rule, point.tag_id))
            since = point.silent_since(now, asked, zone)
            if since is not None:
                seen.gauges.append((rule, point, since, asked))
    return seen


def _dumb_devices(
    points: Iterable[Point], offline: set[uuid.UUID]
) -> dict[tuple[uuid.UUID, str], list[Point]]:
    """Devices of sites that speak none of whose gauges answers."""
    of_device: dict[tuple[uuid.UUID, str], list[Point]] = defaultdict(list)
    for point in points:
        if point.site_id not in offline:
            of_device[point.site_id, point.device].append(point)
    return {
        key: listed
        for key, listed in of_device.items()
        if len(listed) >= DEVICE_GAUGES and all(point.dumb for point in listed)
    }


def is_hubs_own(sites: Sequence[Site], now: datetime, site_after: timedelta = SITE_AFTER) -> bool:
    """Whether it is likelier that the hub hears nothing than that every site fell silent at once.

    It is when three sites or more, all of them, were last heard within one minute of each other.
    """
    if len(sites) < 3:
        return False
    heard = sorted(site.heard_at for site in sites)
    return now - heard[-1] > site_after and heard[-1] - heard[0] <= timedelta(minutes=1)
