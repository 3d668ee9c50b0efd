"""A site's own alarms in the hands of a test: records as an agent would freeze them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field, replace
from typing import Any

from agent.contract.blocks import Stamp
from agent.contract.records import Record, SiteAlarm, alarm_body, freeze_record, new_id

CONFIG = 1_000


@dataclass(frozen=True)
class Alarm:
    """One alarm of a site, from its beginning to its end."""

    rule: uuid.UUID
    raised_at: int  #: UTC milliseconds
    tag: str = "plc.tubing"
    priority: int = 1
    level: str = "hihi"

    spell: uuid.UUID = field(default_factory=new_id)

    def change(self, what: str, seen_at: int, **more: Any) -> SiteAlarm:
        """A change that was certain at an instant."""
        at = more.pop("at", seen_at if what != "raised" else self.raised_at)
        made = SiteAlarm(
            what,
            self.spell,
            self.rule,
            1,
            self.tag,
            self.level,
            self.priority,
            self.raised_at,
            at,
            seen_at,
            900.0,
            905.0,
        )
        return replace(made, **more)

    def line(self, what: str, seen_at: int, **more: Any) -> bytes:
        """The same as a record."""
        alarm = self.change(what, seen_at, **more)
        stamp = Stamp(CONFIG, "boot-a", 1, seen_at, 1000)
        return freeze_record(Record("alarm", new_id(seen_at), stamp, alarm_body(alarm)))


def entry(at: int, body: dict[str, Any], made: uuid.UUID | None = None) -> bytes:
    """A field entry as a record."""
    return freeze_record(
        Record("entry", made or new_id(at), Stamp(CONFIG, "boot-a", 1, at, 1000), body)
    )
