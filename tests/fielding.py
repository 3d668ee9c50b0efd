"""A route in the hands of a test: two stops, the first with four tanks and three wells."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time
from decimal import Decimal
from typing import Any

from agent.contract import pins
from agent.contract.blocks import ClockState
from agent.contract.records import thaw_record
from agent.contract.stopsheet import SheetMeter, SheetTank, SheetWell, Stop, StopSheet
from agent.form.desk import FormDesk
from agent.form.people import Person, SignIn
from agent.form.server import Server, Site
from agent.outbox import Limits, Outbox

NOW = datetime(2026, 11, 28, 14, 30, tzinfo=UTC)  # 08:30 in Texas: the day before is gauged
DAY = "2026-11-27"
PIN = "482913"
RAMOS, LEE = uuid.UUID(int=0xA1), uuid.UUID(int=0xA2)
#: 14' 3 1/4" holds 287.50 bbl and 10' 2 1/2" holds 205.66: the ticket every book of ours knows.
MEASURED = tuple(
    (Decimal(level), Decimal(volume))
    for level, volume in (("0", "0"), ("122.5", "205.66"), ("171.25", "287.50"), ("180", "302.18"))
)
STRAP = ((Decimal(0), Decimal(0)), (Decimal(180), Decimal(300)))


def key(number: int) -> uuid.UUID:
    return uuid.UUID(f"0198a000-0000-7000-8000-{number:012x}")


def figures(**values: str) -> dict[str, Decimal]:
    return {name: Decimal(value) for name, value in values.items()}


def tank(number: int, last: str, contents: str = "oil", **gauge: str) -> SheetTank:
    known = figures(level_in=last, water_in="3")
    return SheetTank(
        key(number), str(number - 10), contents, Decimal(180), STRAP, known, figures(**gauge)
    )


def well(number: int, name: str, **gauge: str) -> SheetWell:
    last = figures(tubing_psig="409", casing_psig="744", line_psig="96")
    return SheetWell(key(number), name, last, figures(**gauge))


BRAVO = Stop(
    key(1),
    "Bravo",
    (
        tank(11, "88"),
        tank(12, "120"),
        replace(tank(13, "14.25"), strap=MEASURED),
        tank(14, "61", "water"),
    ),
    (well(21, "Bravo 1H", casing_psig="1182"), well(22, "Bravo 2H"), well(23, "Bravo 3H")),
    (SheetMeter(key(31), "Gas sales", "Mcf", figures(reading="123244.3")),),
    31.9,
    -102.1,
)
ECHO = Stop(key(2), "Echo State", (tank(15, "40"),), (well(24, "Echo 4"),), (), 32.0, -102.3)
SHEET = StopSheet(0, "America/Chicago", time(7), 3, "2026-10", (BRAVO, ECHO))


@dataclass
class FixedClock:
    """A clock that stands where it was put."""

    at: datetime = NOW
    boot: str = "boot-a"
    state: ClockState = ClockState.SET

    def now_ms(self) -> int:
        return round(self.at.timestamp() * 1000)

    def mono_ms(self) -> int:
        return 1000


@dataclass
class PumperSite:
    """The pages of a site on loopback, and the outbox behind them."""

    url: str
    port: int
    outbox: Outbox
    desk: FormDesk
    people: SignIn
    clock: FixedClock

    def entries(self) -> list[dict[str, Any]]:
        """What waits in the lane of entries, in order."""
        rows = self.outbox.database.execute(
            "SELECT b.body FROM blocks b JOIN streams s ON s.seq = b.stream"
            " WHERE s.lane = 'e' ORDER BY s.seq, b.first"
        ).fetchall()
        records = [thaw_record(bytes(body)) for (body,) in rows]
        assert all(str(record.id) == record.body["id"] for record in records)
        return [dict(record.body) for record in records]


@contextmanager
def pumper_site(
    outbox: Outbox | None = None, port: int = 0, sheet: StopSheet = SHEET, since: str = ""
) -> Iterator[PumperSite]:
    """Serve the form of a site."""
    if outbox is None:
        outbox = Outbox.in_memory(Limits())
        outbox.begin_life(0)
    clock = FixedClock()
    desk = FormDesk(outbox, clock, 1000, {"bravo-1h.casing": 1}, lambda: None)
    desk.use(sheet)
    people = SignIn(outbox, 10)
    people.use({who.id: who for who in PEOPLE})
    site = Site(desk, people, lambda: since, lambda: clock.at)
    server = Server("127.0.0.1", port, site)
    server.begin(0.01)
    at = int(server.server_address[1])
    try:
        yield PumperSite(f"http://127.0.0.1:{at}", at, outbox, desk, people, clock)
    finally:
        server.shutdown()
        server.server_close()


PEOPLE = (
    Person(RAMOS, "Pilar Ramos", "es", pins.hash_pin(PIN)),
    Person(LEE, "Sam Lee", "en", pins.hash_pin("739155")),
)
