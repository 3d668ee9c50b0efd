"""A believable operator: fourteen wells on five sites, a week of readings, alerts in every state.

Used by the browser tests, and by `python -m tests.browser.shots` to take the console's portraits.
"""

from __future__ import annotations

import math
import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, text, update
from sqlalchemy.orm import Session

from agent.contract.blocks import Quality
from hub.schema import (
    Agent,
    AgentEvent,
    AlertRule,
    ConfigEpoch,
    ConfigEpochTag,
    Equipment,
    IngestBatch,
    LatestReading,
    Lease,
    Membership,
    Organization,
    Quarantine,
    Stream,
    StreamGap,
    Tag,
    User,
    Well,
)
from tests.browser.story import tell
from tests.cast import HASH, PASSWORD, assign

INTERVAL_MS = 10_000
SITES = {
    "Pad 7": ("pad-7", 31.4210, -103.5120, ("Bravo 1H", "Bravo 2H", "Bravo 3H")),
    "Battery D": ("battery-d", 31.3890, -103.5770, ("Delta 1", "Delta 2", "Delta 3H")),
    "Echo": ("echo", 31.3560, -103.4690, ("Echo 3", "Echo 4")),
    "Fox pad": ("fox-pad", 31.4470, -103.4380, ("Foxtrot 1H", "Foxtrot 2H", "Foxtrot 3H")),
    "North road": ("north-road", 31.4620, -103.6020, ("Juliet 1H", "Juliet 2H", "Kilo 1")),
}
SILENT_SITE = "Echo"
SILENT_FOR = timedelta(hours=4, minutes=28)

#: measure, unit, usual value, wander, gauge range
GAUGES = (
    ("tubing_pressure", "psi", 405, 26, (0, 3000)),
    ("casing_pressure", "psi", 735, 38, (0, 3000)),
    ("line_pressure", "psi", 96, 5, (0, 500)),
    ("tubing_temperature", "degF", 118, 4, (0, 300)),
    ("gas_rate", "mcf/d", 540, 60, (0, 2000)),
)
TANK = ("tank_level", "ft", 9.4, 2.2, (0, 20))


@dataclass
class Scene:
    """What was put there, by the names tests use."""

    organization: uuid.UUID
    lease: uuid.UUID | None = None
    people: dict[str, uuid.UUID] = field(default_factory=dict)
    wells: dict[str, uuid.UUID] = field(default_factory=dict)
    agents: dict[str, uuid.UUID] = field(default_factory=dict)
    tags: dict[tuple[str, str], int] = field(default_factory=dict)  #: (well, measure) -> tag
    rules: dict[tuple[str, str], uuid.UUID] = field(default_factory=dict)
    alerts: dict[str, uuid.UUID] = field(default_factory=dict)
    message: uuid.UUID | None = None  #: one that failed over SMS and went by mail
    link: str = ""  #: the secret of its link
    storm: uuid.UUID | None = None
    incident: uuid.UUID | None = None
    email: str = "m.haas@permianwest.example"
    password: str = PASSWORD


def build(owner: Engine, now: datetime) -> Scene:
    """Put the scene into an empty migrated database."""
    chance = random.Random(7)
    with Session(owner, expire_on_commit=False) as session, session.begin():
        scene = _operator(session)
        for number, site in enumerate(SITES):
            _site(session, scene, site, number, now, chance)
        _rules(session, scene)
        session.flush()
        _readings(session, scene, now, chance)
        _health(session, scene, now)
        tell(session, scene, now)
    return scene


def refresh(owner: Engine, scene: Scene, now: datetime) -> None:
    """Let every agent but the silent one have just been heard."""
    silent = SITES[SILENT_SITE][0]
    with Session(owner) as session, session.begin():
        heard = [agent for name, agent in scene.agents.items() if name != silent]
        session.execute(update(Agent).where(Agent.id.in_(heard)).values(heard_at=now))
        tags = [tag for (well, _), tag in scene.tags.items() if not well.startswith("Echo")]
        fresh = update(LatestReading).where(LatestReading.tag_id.in_(tags))
        session.execute(fresh.values(time=now - timedelta(seconds=6), received_at=now))


def _operator(session: Session) -> Scene:
    organization = Organization(name="Permian West Operating", slug="permian-west")
    session.add(organization)
    session.flush()
    scene = Scene(organization.id)
    people = (
        ("m.haas@permianwest.example", "Maria Haas", "manager"),
        ("r.ortiz@permianwest.example", "R. Ortiz", "pumper"),
        ("j.reed@permianwest.example", "Jolene Reed", "viewer"),
    )
    for email, name, role in people:
        person = User(email=email, name=name, password_hash=HASH)
        session.add(person)
        session.flush()
        scene.people[name] = person.id
        member = Membership(organization_id=scene.organization, user_id=person.id, role=role)
        session.add(member)
        session.flush()
        if role == "pumper":
            _route(session, scene, member)
    return scene


def _route(session: Session, scene: Scene, member: Membership) -> None:
    """Put the one lease of all wells on the pumper's route."""
    lease = Lease(organization_id=scene.organization, name="Permian Unit", state="TX")
    session.add(lease)
    session.flush()
    scene.lease = lease.id
    assign(session, member, lease.id)


def _site(
    session: Session, scene: Scene, site: str, number: int, now: datetime, chance: random.Random
) -> None:
    name, lat, lon, wells = SITES[site]
    silent = site == SILENT_SITE
    heard = now - SILENT_FOR if silent else now - timedelta(seconds=chance.uniform(1, 9))
    agent = Agent(
        organization_id=scene.organization,
        name=name,
        shard=number,
        online=not silent,
        heard_at=heard,
        status_at=heard,
        software="0.1.0",
        boot=f"{number}f3a9c2e",
        clock=1,
        clock_skew_ms=chance.randrange(-400, 700),
        config_epoch=3,
        backlog={"blocks": 0, "bytes": 0, "readings": 0},
    )
    session.add(agent)
    session.flush()
    scene.agents[name] = agent.id
    epoch = ConfigEpoch(
        organization_id=scene.organization,
        agent_id=agent.id,
        epoch=3,
        digest="5d1e9c40",
        declaration={},
        declared_at=now - timedelta(days=12),
    )
    session.add(epoch)
    session.flush()
    apart = 0.0002 if "pad" in name else 0.006  # wells of a pad stand side by side
    for place, well in enumerate(wells):
        _well(session, scene, agent, site, well, (lat + apart * place, lon + 1.7 * apart * place))
    _number(session, scene, agent)


def _well(
    session: Session,
    scene: Scene,
    agent: Agent,
    site: str,
    name: str,
    place: tuple[float, float],
) -> None:
    status = "shut_in" if name in {"Delta 3H", "Kilo 1"} else "producing"
    well = Well(
        organization_id=scene.organization,
        lease_id=scene.lease,
        name=name,
        site=site,
        status=status,
        well_type="gas" if name.startswith("Juliet") else "oil",
        lat=round(place[0], 6),
        lon=round(place[1], 6),
        api14="42389345120000" if name == "Bravo 1H" else None,
    )
    session.add(well)
    session.flush()
    scene.wells[name] = well.id
    tank = name in {"Bravo 3H", "Delta 1"}
    for gauge in (*GAUGES, *((TANK,) if tank else ())):
        equipment = _tank(session, scene, well) if gauge is TANK else None
        _tag(session, scene, agent, (name, well, equipment), gauge)


def _tank(session: Session, scene: Scene, well: Well) -> Equipment:
    tank = Equipment(
        organization_id=scene.organization, well_id=well.id, name="Tank 2", kind="tank_oil"
    )
    session.add(tank)
    session.flush()
    return tank


def _tag(
    session: Session,
    scene: Scene,
    agent: Agent,
    owner: tuple[str, Well, Equipment | None],
    gauge: tuple[str, str, float, float, tuple[float, float]],
) -> None:
    name, well, equipment = owner
    measure, unit, _, _, (low, high) = gauge
    tag = Tag(
        organization_id=scene.organization,
        agent_id=agent.id,
        name=f"{name.lower().replace(' ', '-')}.{measure}",
        device=f"plc-{name.split()[0].lower()}",
        unit=unit,
        interval_ms=INTERVAL_MS,
        low=low,
        high=high,
        measure=measure,
        linked_at=agent.heard_at,
        linked_by=scene.people["Maria Haas"],
        well_id=well.id,
        equipment_id=equipment.id if equipment else None,
    )
    session.add(tag)
    session.flush()
    scene.tags[name, measure] = tag.id


def _number(session: Session, scene: Scene, agent: Agent) -> None:
    owned = list(session.query(Tag).filter_by(agent_id=agent.id).order_by(Tag.id))
    for number, tag in enumerate(owned, 1):
        session.add(
            ConfigEpochTag(
                organization_id=scene.organization,
                agent_id=agent.id,
                epoch=3,
                number=number,
                tag_id=tag.id,
            )
        )
    session.flush()


def _rules(session: Session, scene: Scene) -> None:
    def level(setpoint: float, priority: int, deadband: float = 0.0) -> dict[str, float]:
        return {
            "setpoint": setpoint,
            "priority": priority,
            "deadband": deadband,
            "on_delay_s": 30,
            "off_delay_s": 300,
        }

    casing = {"hi": level(950, 2, 20), "hihi": level(1100, 1, 20)}
    tubing = {"lolo": level(150, 2, 10), "lo": level(250, 3, 10), "hi": level(560, 3, 10)}
    tank = {"hi": level(15.5, 2, 0.3), "hihi": level(18.5, 1, 0.3)}
    cold = {"lo": level(105, 4, 1)}
    for (well, measure), tag_id in scene.tags.items():
        params = {"casing_pressure": casing, "tubing_pressure": tubing, "tank_level": tank}.get(
            measure
        ) or (cold if measure == "tubing_temperature" else None)
        if params is None:
            continue
        rule = AlertRule(
            organization_id=scene.organization,
            name=f"{well} {measure.replace('_', ' ')}",
            tag_id=tag_id,
            params={"levels": params, "blind_after_s": 60},
            cause="Casing valve shut, or a packer leak." if measure == "casing_pressure" else "",
            consequence="The casing may burst." if measure == "casing_pressure" else "",
            action="Open the casing to the flare, then call the foreman."
            if measure == "casing_pressure"
            else "Look at the site.",
            respond_within_s=1800,
        )
        session.add(rule)
        session.flush()
        scene.rules[well, measure] = rule.id


# ------------------------------------------------------------------------------------- readings


def _readings(session: Session, scene: Scene, now: datetime, chance: random.Random) -> None:
    session.execute(
        text("SELECT ensure_readings_partitions(:first, :last)"),
        {"first": now - timedelta(days=8), "last": now},
    )
    connection: Any = session.connection().connection.dbapi_connection
    with (
        connection.cursor() as cursor,
        cursor.copy(
            "COPY readings (time, value, organization_id, tag_id, quality) FROM STDIN"
        ) as copy,
    ):
        for (well, measure), tag_id in scene.tags.items():
            newest = None
            for at, value, quality in _line(well, measure, now, random.Random(tag_id)):
                copy.write_row((at, value, scene.organization, tag_id, quality))
                newest = (at, value, quality)
            if newest is not None:
                session.info.setdefault("latest", []).append((tag_id, *newest))
    for tag_id, at, value, quality in session.info.pop("latest"):
        session.add(
            LatestReading(
                organization_id=scene.organization,
                tag_id=tag_id,
                time=at,
                value=value,
                quality=quality,
            )
        )
    session.flush()


def _line(
    well: str, measure: str, now: datetime, chance: random.Random
) -> Iterator[tuple[datetime, float | None, int]]:
    """One gauge's week: ten minutes apart, one minute in the last day, to the newest reading."""
    _, _, usual, wander, _ = next(g for g in (*GAUGES, TANK) if g[0] == measure)
    base = usual + wander * chance.uniform(-1.2, 1.2) * (0.4 if measure == "tank_level" else 1)
    phase, drift = chance.uniform(0, 6.28), 0.0
    at, end = now - timedelta(days=7), now - timedelta(seconds=chance.uniform(3, 9))
    if well.startswith("Echo"):
        end = now - SILENT_FOR
    while at < end:
        hours = (now - at).total_seconds() / 3600
        drift = 0.96 * drift + chance.gauss(0, wander * 0.07)
        value = base + drift + wander * 0.45 * math.sin(hours / 3.8 + phase)
        yield _told(well, measure, at, value, hours)
        at += timedelta(minutes=1 if hours < 24.2 else 10)
    yield _told(well, measure, end, value, (now - end).total_seconds() / 3600)


def _told(
    well: str, measure: str, at: datetime, value: float, hours: float
) -> tuple[datetime, float | None, int]:
    """Bend a line to the story, and lose the readings that the story lost."""
    if (well, measure) == ("Bravo 1H", "casing_pressure") and hours < 2.2:
        value += 406 * (1 - hours / 2.2) ** 1.6
    if (well, measure) == ("Bravo 3H", "tank_level"):
        value = 16.2 - min(hours, 40) * 0.21 + 0.02 * math.sin(hours * 9)
    if (well, measure) == ("Delta 2", "tubing_temperature"):
        value -= 15 * max(0.0, 1 - hours / 9)
    if (well, measure) == ("Echo 4", "tubing_pressure"):
        value = 246 + (value - 400) * 0.3 if hours < 5.2 else value - 90
    if well in {"Delta 3H", "Kilo 1"} and measure == "gas_rate":
        value = 0.0
    if (well, measure) == ("Juliet 2H", "line_pressure") and hours < 0.4:
        return at, None, Quality.NO_ANSWER
    return at, round(max(value, 0.0), 2 if measure == "tank_level" else 1), Quality.GOOD


def _ledger(session: Session, keys: dict[str, Any], end: datetime) -> None:
    """One row for each fifteen seconds of the last hour, and one for the hours before."""
    beat = timedelta(seconds=15)
    for place in range(241):
        last = end - beat * (240 - place)
        first = last - beat if place else last - timedelta(hours=2)
        session.add(
            IngestBatch(
                **keys,
                first=47970 + place + 1 if place else 1,
                last=47971 + place,
                checksum=7,
                readings=24 if place else 14_400,
                day=first.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0),
                from_time=first,
                to_time=last,
                received_at=last + timedelta(seconds=2),
            )
        )


def _health(session: Session, scene: Scene, now: datetime) -> None:
    """Streams, the ledger's last rows, a gap, events, and what stands in quarantine."""
    for name, agent_id in scene.agents.items():
        end = now - SILENT_FOR if name == SITES[SILENT_SITE][0] else now - timedelta(seconds=4)
        stream = f"{name}-{agent_id.hex[:8]}"
        keys = {"organization_id": scene.organization, "agent_id": agent_id, "stream": stream}
        session.add(Stream(**keys, number=48211, announced=48211, updated_at=end))
        _ledger(session, keys, end)
        if name == "north-road":
            session.add(
                StreamGap(
                    **keys,
                    first=40100,
                    last=40112,
                    reason="thinned",
                    readings=1560,
                    from_time=now - timedelta(days=2, hours=3),
                    to_time=now - timedelta(days=2, hours=2),
                )
            )
            session.add(
                AgentEvent(
                    organization_id=scene.organization,
                    agent_id=agent_id,
                    at=now - timedelta(days=2, hours=2),
                    kind="thinned",
                    text="The outbox was full: 1,560 readings were thinned before they were sent.",
                )
            )
    session.add(
        Quarantine(
            organization_id=scene.organization,
            agent_id=scene.agents["battery-d"],
            received_at=now - timedelta(hours=7),
            topic="wf/1/1/battery-d/up/t",
            code="ahead",
            reason="3 readings of delta-1.tank_level are more than two minutes ahead of the hub: "
            "set the clock of the box.",
            stream=f"battery-d-{scene.agents['battery-d'].hex[:8]}",
            number=46120,
            payload=b'\x00{"c":3,"b":"1f3a","k":0,"t0":1794700000000,"t":[[0,1000,3]],'
            b'"g":[[6,0,2,[912,3,1]]]}',
        )
    )
    session.flush()
