"""Entries made at the site: into the outbox before they are answered, each id once.

What was entered here last stands beside the fields even when the hub's sheet is older.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, Protocol

from agent.alarms import AlarmClock
from agent.contract.blocks import Quality, Sample, Stamp
from agent.contract.entry import Entry, entry_body
from agent.contract.fieldform.fields import reported
from agent.contract.records import Record, freeze_record
from agent.contract.stopsheet import Stop, StopSheet, Tags
from agent.form import photodesk
from agent.form.people import Person
from agent.form.photodesk import PhotoDesk
from agent.form.routes import Routes
from agent.outbox import StreamInfo

KEPT: Final = "form entries"
MOST_IDS: Final = 500
_TENTH: Final = Decimal("0.1")


class Store(photodesk.Store, Protocol):
    """What the desk needs of the outbox, beside what its photos do."""

    def keep(self, what: Mapping[str, bytes]) -> None: ...  # noqa: D102
    def streams(self) -> list[StreamInfo]: ...  # noqa: D102


class FormDesk:
    """Takes entries and knows what is shown beside the fields."""

    def __init__(
        self,
        outbox: Store,
        clock: AlarmClock,
        config: int,
        tags: Mapping[str, int],
        news: Callable[[], None],
    ) -> None:
        """Take up what was kept; `tags` are the numbers of the agent's tags by name."""
        self._outbox, self._clock, self._config = outbox, clock, config
        self._tags, self._news = tags, news
        self.photos = PhotoDesk(outbox, clock, config, news)
        self._lock = threading.Lock()
        self.routes = Routes(outbox)
        self._sheet = StopSheet()
        self._latest: dict[int, float] = {}
        kept = json.loads(outbox.kept(KEPT) or b"{}")
        self._ids: dict[str, list[Any]] = kept.get("ids", {})  #: id -> stop, day, person
        self._last: dict[str, dict[str, Any]] = kept.get("last", {})  #: key -> figures, saved

    # -------------------------------------------------------------------------- what is shown

    def use(self, sheet: StopSheet) -> None:
        """Take the hub's newest sheet."""
        self._sheet = sheet

    @property
    def hub_sheet(self) -> StopSheet:
        """The sheet as the hub sent it."""
        return self._sheet

    def feed(self, samples: Iterable[Sample]) -> None:
        """Remember what the gauges read."""
        for sample in samples:
            if sample.quality == Quality.GOOD and sample.value is not None:
                self._latest[sample.tag] = float(sample.value)

    def sheet(self, now: datetime, person: Person | None = None) -> StopSheet:
        """The hub's sheet in a person's order, with what was entered here since and is read now."""
        day = reported(self._sheet, now).isoformat()
        stops = tuple(self._stop(stop, day) for stop in self._sheet.stops)
        sheet = replace(self._sheet, stops=stops)
        return sheet if person is None else self.routes.sheet(sheet, person)

    def _stop(self, stop: Stop, day: str) -> Stop:
        return replace(
            stop,
            tanks=tuple(self._fresh(tank, tank.tank, day) for tank in stop.tanks),
            wells=tuple(self._fresh(well, well.well, day) for well in stop.wells),
            meters=tuple(self._fresh(meter, meter.meter, day) for meter in stop.meters),
        )

    def _fresh(self, thing: Any, key: uuid.UUID, day: str) -> Any:
        known, last = self._last.get(str(key)), dict(thing.last)
        if known is not None and known["saved"] > self._sheet.made and known["day"] < day:
            last |= {name: Decimal(value) for name, value in known["figures"].items()}
        return replace(thing, last=last, gauge={**thing.gauge, **self._reads(thing.tags)})

    def _reads(self, tags: Tags) -> dict[str, Decimal]:
        found = {}
        for name, (tag, factor) in tags.items():
            value = self._latest.get(self._tags.get(tag, -1))
            if value is not None:
                found[name] = (Decimal(repr(value)) * factor).quantize(_TENTH)
        return found

    # -------------------------------------------------------------------------- what is saved

    def knows(self, entry: uuid.UUID) -> bool:
        """Whether an entry of this id was saved here already."""
        return str(entry) in self._ids

    def made_by(self, entry: uuid.UUID, person: uuid.UUID) -> bool:
        """Whether an entry was saved here by this person."""
        return str(person) in self._ids.get(str(entry), ())[2:]

    def save(self, entry: Entry) -> None:
        """Put an entry into the outbox, on disk when this returns; raises `sqlite3.Error`."""
        with self._lock:
            if self.knows(entry.id):
                return
            now = self._clock.now_ms()
            lag = now - self._clock.mono_ms()
            stamp = Stamp(self._config, self._clock.boot, int(self._clock.state), now, now - lag)
            line = freeze_record(Record("entry", entry.id, stamp, entry_body(entry)))
            mine = [str(entry.stop), entry.day.isoformat(), str(entry.person)]
            ids = dict([*self._ids.items(), (str(entry.id), mine)][-MOST_IDS:])
            last = self._last | _figures(entry, now)
            kept = json.dumps({"ids": ids, "last": last}).encode()
            self._outbox.record("e", [line], now, {KEPT: kept})
            self._ids, self._last = ids, last
        self._news()

    @property
    def waiting(self) -> int:
        """How many entries the hub does not have yet."""
        return sum(stream.waiting for stream in self._outbox.streams() if stream.lane == "e")

    def done(self, day: str) -> set[uuid.UUID]:
        """The stops for which an entry of a day was made here."""
        return {uuid.UUID(stop) for stop, its_day, _ in self._ids.values() if its_day == day}

    def before(self, stop: uuid.UUID, day: str, person: uuid.UUID) -> uuid.UUID | None:
        """The person's last entry for a stop and day, which another would correct."""
        mine = [str(stop), day, str(person)]
        found = [entry for entry, whose in self._ids.items() if whose == mine]
        return uuid.UUID(found[-1]) if found else None


def _figures(entry: Entry, saved: int) -> dict[str, dict[str, Any]]:
    """What stands beside the fields the next time, by tank, well and meter."""
    found = {}
    lines: tuple[tuple[uuid.UUID, Any, tuple[str, ...]], ...] = (
        *((one.tank, one, ("level_in", "water_in")) for one in entry.gauges),
        *(
            (one.well, one, ("tubing_psig", "casing_psig", "line_psig", "choke_64ths"))
            for one in entry.wells
        ),
        *((one.meter, one, ("reading",)) for one in entry.meters),
    )
    for key, line, names in lines:
        figures = {name: getattr(line, name) for name in names}
        told = {name: f"{value:f}" for name, value in figures.items() if value is not None}
        if told:
            found[str(key)] = {"saved": saved, "day": entry.day.isoformat(), "figures": told}
    return found
