"""Which alarm explains which, and which of several began first (pure).

| cause | explains | where |
|---|---|---|
| site offline | silence, doubt and dumb devices | of the same agent |
| device does not answer | silence, doubt, stillness | of the same device |
| power failed | stopped machines, silence, too little flow | same site, well or facility |
| a machine stopped | too little flow, pressure, current | same well, or downstream |
| facility shut down (ESD) | stopped machines, too little flow or pressure | of the facility |

An alarm of priority 1 is never suppressed: where connectivity fails it is unknown, and the loss of
sight is an alarm of its own.
"""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

LOW: Final = frozenset({"lo", "lolo"})
POWER: Final = frozenset({"power", "power_fail", "mains", "site_power"})
SHUTDOWN: Final = frozenset({"esd"})
MACHINES: Final = frozenset({"run_state"})
FLOW: Final = frozenset(
    {
        *("oil_rate", "gas_rate", "water_rate", "gas_lift_rate", "tubing_pressure"),
        *("line_pressure", "separator_pressure", "motor_current", "motor_frequency"),
        *("strokes_per_minute", "differential_pressure", "gas_lift_pressure"),
    }
)
UNSEEN: Final = frozenset({"stale", "bad_value"})

Place = tuple[str, uuid.UUID]  #: ("well" or "equipment", its id)


@dataclass(frozen=True, slots=True)
class Standing:
    """One open alert, as far as explaining goes."""

    id: uuid.UUID
    kind: str
    template: str
    priority: int
    level: str
    message: str
    raised_at: datetime
    stands: bool  #: whether its condition is not normal
    measure: str = ""
    agent_id: uuid.UUID | None = None
    device: str = ""
    well_id: uuid.UUID | None = None
    equipment_id: uuid.UUID | None = None
    facility_id: uuid.UUID | None = None

    @property
    def places(self) -> tuple[Place, ...]:
        """Where it is along the flow."""
        named = (("equipment", self.equipment_id), ("well", self.well_id))
        return tuple((kind, key) for kind, key in named if key is not None)


Downstream = Mapping[Place, Sequence[Place]]  #: where fluid and power go next


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the table above."""

    name: str
    is_cause: Callable[[Standing], bool]
    explains: Callable[[Standing], bool]
    near: Callable[[Standing, Standing, Downstream], bool]


def _same_agent(cause: Standing, other: Standing, _flow: Downstream) -> bool:
    return cause.agent_id is not None and cause.agent_id == other.agent_id


def _same_device(cause: Standing, other: Standing, flow: Downstream) -> bool:
    return _same_agent(cause, other, flow) and cause.device == other.device


def _same_place(cause: Standing, other: Standing, flow: Downstream) -> bool:
    return (
        _same_agent(cause, other, flow)
        or (cause.well_id is not None and cause.well_id == other.well_id)
        or _same_facility(cause, other, flow)
    )


def _same_facility(cause: Standing, other: Standing, _flow: Downstream) -> bool:
    return cause.facility_id is not None and cause.facility_id == other.facility_id


def _fed_by(cause: Standing, other: Standing, flow: Downstream) -> bool:
    if cause.well_id is not None and cause.well_id == other.well_id:
        return True
    reached = reach(cause.places, flow)
    return any(place in reached for place in other.places)


def _is_dumb(alarm: Standing) -> bool:
    return alarm.kind in UNSEEN or alarm.kind == "flatline"


def _is_starved(alarm: Standing) -> bool:
    return alarm.measure in FLOW and (alarm.level in LOW or alarm.kind in {"flatline", "deviation"})


def _has_stopped(alarm: Standing) -> bool:
    return alarm.kind == "digital" and alarm.measure in MACHINES


RULES: Final = (
    Rule(
        "power failed",
        lambda a: a.measure in POWER,
        lambda a: _has_stopped(a) or _is_dumb(a) or _is_starved(a),
        _same_place,
    ),
    Rule(
        "shut down",
        lambda a: a.measure in SHUTDOWN,
        lambda a: _has_stopped(a) or _is_starved(a),
        lambda c, o, f: _same_facility(c, o, f) or _same_agent(c, o, f),
    ),
    Rule(
        "site offline",
        lambda a: a.template == "site_offline",
        lambda a: a.kind in UNSEEN and a.template not in {"site_offline", "safety_lost"},
        _same_agent,
    ),
    Rule(
        "device does not answer",
        lambda a: a.template == "device_silent",
        lambda a: _is_dumb(a) and not a.template,
        _same_device,
    ),
    Rule("machine stopped", _has_stopped, _is_starved, _fed_by),
)


def explanations(alarms: Sequence[Standing], flow: Downstream) -> dict[uuid.UUID, Standing]:
    """For each alarm that another explains, that other one: by the first rule, then the earliest.

    A cause that is itself explained passes on what explains it, so that one alarm is left to tell.
    """
    found: dict[uuid.UUID, Standing] = {}
    for rule in RULES:
        causes = sorted(
            (a for a in alarms if a.stands and rule.is_cause(a)), key=lambda a: (a.raised_at, a.id)
        )
        for alarm in alarms if causes else ():
            if alarm.id in found or alarm.priority == 1 or not rule.explains(alarm):
                continue
            for cause in causes:
                if cause.id != alarm.id and rule.near(cause, alarm, flow):
                    found[alarm.id] = cause
                    break
    return {key: _root(cause, found) for key, cause in found.items()}


def _root(cause: Standing, found: Mapping[uuid.UUID, Standing]) -> Standing:
    seen = set()
    while cause.id in found and cause.id not in seen:
        seen.add(cause.id)
        cause = found[cause.id]
    return cause


def reach(starts: Iterable[Place], flow: Downstream) -> set[Place]:
    """Every place downstream of some places, themselves included."""
    reached = set(starts)
    queue = deque(reached)
    while queue:
        for following in flow.get(queue.popleft(), ()):
            if following not in reached:
                reached.add(following)
                queue.append(following)
    return reached


def first_outs(alarms: Sequence[Standing], flow: Downstream) -> dict[uuid.UUID, uuid.UUID]:
    """For each alarm the one that began first among those connected with it.

    Alarms are connected that share a site, a well, a facility or a piece of equipment, or lie along
    one line of flow. An alarm alone is its own first.
    """
    groups = _components(alarms, flow)
    first: dict[uuid.UUID, uuid.UUID] = {}
    for group in groups:
        earliest = min(group, key=lambda a: (a.raised_at, a.id))
        first.update({alarm.id: earliest.id for alarm in group})
    return first


def _components(alarms: Sequence[Standing], flow: Downstream) -> list[list[Standing]]:
    parent: dict[object, object] = {}

    def root(key: object) -> object:
        while parent.setdefault(key, key) != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    def join(one: object, other: object) -> None:
        parent[root(one)] = root(other)

    for place, following in flow.items():
        for after in following:
            join(place, after)
    for alarm in alarms:
        for key in _keys(alarm):
            join(alarm.id, key)
    groups: dict[object, list[Standing]] = {}
    for alarm in alarms:
        groups.setdefault(root(alarm.id), []).append(alarm)
    return list(groups.values())


def _keys(alarm: Standing) -> list[Place]:
    named = (("agent", alarm.agent_id), ("facility", alarm.facility_id))
    return [*alarm.places, *((kind, key) for kind, key in named if key is not None)]
