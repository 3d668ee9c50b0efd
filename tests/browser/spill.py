"""A spill of the scene with its clocks, told as well as people can by now; three more incidents.

Entered through the product's own functions, so that timeline, clocks and notices are what people
would see.
"""

from __future__ import annotations

import io
import struct
import uuid
import zlib
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from hub.database import Actor, tenant_session
from hub.documents import Details, add_document
from hub.incidents import opening
from hub.incidents.opening import Report, Where
from hub.incidents.reckon import reckon
from hub.register import changes
from hub.register.catalog import RESOURCES
from hub.schema import Alert, Incident, IncidentNotice
from hub.settings import HubSettings
from hub.standards import begin_incidents
from tests.browser.scene import Scene
from tests.servers.postgres import Database

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def furnish(database: Database, scene: Scene, settings: HubSettings, now: datetime) -> None:
    """Enter the agencies' rules and all four incidents."""
    with database.engine("owner").begin() as connection:
        begin_incidents(connection, scene.organization)
    spill(database, scene, settings, now)
    _others(database, scene, now)


def acting(
    database: Database, scene: Scene, person: str = "Maria Haas", role: str = "manager"
) -> Any:
    """A transaction of the console in which this person acts."""
    actor = Actor(scene.people[person], None, role, "console", "203.0.113.40")
    return tenant_session(database.engine("app"), scene.organization, actor)


def spill(database: Database, scene: Scene, settings: HubSettings, now: datetime) -> uuid.UUID:
    """A spill in New Mexico three hours ago, told as well as people can by now; its key."""
    with acting(database, scene) as session:
        facts = {
            "fluid": "oil",
            "state": "NM",
            "released_low": Decimal(18),
            "released": Decimal(31),
            "released_high": Decimal(45),
            "inside_containment": False,
        }
        report = Report(
            scene.organization,
            "spill",
            "Flowline leak between Bravo 3H and the battery",
            now - 3 * HOUR,
            Where(well_id=scene.wells["Bravo 3H"]),
            Decimal("31.421310"),
            Decimal("-103.511870"),
            facts,
        )
        made = opening.open_from_report(session, report)
        key = scene.incident = made.id
        alert = session.get_one(Alert, scene.alerts["Bravo 3H tank_level"])
        opening.join(session, made, [alert], "It stands at the same site within the hour.")
    _told(database, scene, settings, key, now)
    _acted(database, scene, key, now)
    return key


def photo() -> bytes:
    """A small picture: a dark stain on sand, as PNG."""
    wide, high = 96, 64
    lines = bytearray()
    for y in range(high):
        lines.append(0)
        for x in range(wide):
            stained = ((x - 52) / 30) ** 2 + ((y - 36) / 15) ** 2 < 1 + 0.2 * ((x * y) % 7) / 7
            lines += bytes((58, 44, 36) if stained else (206 - y // 2, 184 - y // 2, 148 - y // 2))

    def chunk(kind: bytes, body: bytes) -> bytes:
        summed = zlib.crc32(kind + body)
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", summed)

    head = struct.pack(">IIBBBBB", wide, high, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(bytes(lines))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def _told(
    database: Database, scene: Scene, settings: HubSettings, key: uuid.UUID, now: datetime
) -> None:
    """What people wrote, saw and measured."""
    with acting(database, scene) as session:
        actor = Actor(scene.people["Maria Haas"], None, "manager", "console", "203.0.113.40")
        made = session.get_one(Incident, key)
        changes.update(
            session,
            actor,
            RESOURCES["incidents"],
            key,
            {
                "status": "confirmed",
                "commander_id": str(scene.people["Maria Haas"]),
                "scribe_id": str(scene.people["R. Ortiz"]),
                "threatens_water": "yes",
                "description": "Pinhole at a weld of the 3 in flowline, 140 ft from the header.",
                "place": "140 ft north of the header",
                "recovered": "12",
            },
            None,
        )
        kept = add_document(
            session,
            actor,
            settings.documents,
            io.BytesIO(photo()),
            Details(
                title="Stain, seen from the header",
                kind="photo",
                file_name="stain-1.png",
                about=(("incidents", key),),
            ),
        )
        opening.tell(session, made, "comment", "Flow is shut in at the wing valve.",
                     happened_at=now - 2.7 * HOUR)  # fmt: skip
        opening.tell(session, made, "photo", "Stain, seen from the header.", document_id=kept.id,
                     happened_at=now - 2.4 * HOUR)  # fmt: skip
        opening.tell(session, made, "position", "Where the pipe leaks.", lat=Decimal("31.421300"),
                     lon=Decimal("-103.511880"), accuracy_m=Decimal(4),
                     happened_at=now - 2.4 * HOUR)  # fmt: skip
        reckon(session, session.get_one(Incident, key, populate_existing=True))


def _acted(database: Database, scene: Scene, key: uuid.UUID, now: datetime) -> None:
    """One call on record, and what is to be done."""
    actor = Actor(scene.people["Maria Haas"], None, "manager", "console", "203.0.113.40")
    with acting(database, scene) as session:
        for measure, who, days in (
            ("Replace 60 ft of the flowline", "Caddo Well Service", 9),
            ("Pressure test the other two flowlines", "R. Ortiz", 21),
        ):
            changes.create(
                session,
                actor,
                RESOURCES["incident_actions"],
                {
                    "incident_id": str(key),
                    "measure": measure,
                    "assigned_to": who,
                    "due_on": (now + days * DAY).date().isoformat(),
                },
            )
        notices = session.scalars(
            select(IncidentNotice)
            .where(IncidentNotice.incident_id == key)
            .order_by(IncidentNotice.required_by)
        ).all()
        if len(notices) > 1:
            told = {
                "done_at": (now - HOUR).isoformat(),
                "told_to": "Duty officer Lang",
                "method": "phone",
                "reference": "NRC-1418820",
            }
            changes.update(session, actor, RESOURCES["incident_notices"], notices[0].id, told, None)
        reckon(session, session.get_one(Incident, key))


def _others(database: Database, scene: Scene, now: datetime) -> None:
    """Three more on the board: suspected, being reviewed, and over."""
    actor = Actor(scene.people["Maria Haas"], None, "manager", "console", "203.0.113.40")
    with acting(database, scene) as session:
        power = session.get_one(Alert, scene.alerts["Foxtrot 1H power"])
        opening.declare(session, power, scene.people["R. Ortiz"])
        for well, kind, words, ago, course in (
            (
                "Delta 1",
                "fire",
                "Grass fire beside the heater treater",
                6,
                ("confirmed", "resolved"),
            ),
            (
                "Juliet 1H",
                "injury",
                "Hand caught between tongs and collar",
                9,
                ("not_an_incident",),
            ),
        ):
            report = Report(
                scene.organization, kind, words, now - ago * DAY, Where(well_id=scene.wells[well])
            )
            made = opening.open_from_report(session, report)
            for status in course:
                values: dict[str, Any] = {"status": status}
                if status == "not_an_incident":
                    values["not_incident_reason"] = "Bruised glove, no hand in it."
                changes.update(session, actor, RESOURCES["incidents"], made.id, values, None)
