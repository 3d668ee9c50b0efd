"""What Python and the form's script say of the same figures: the cases, and both ways to ask."""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from agent.contract.entry import Entry, Gauge, Haul, Meter, Ticket, Well
from agent.contract.entrycheck import bounds, made, questions, thousands
from agent.contract.fieldform.fields import Form, days_open, reported, tape
from agent.contract.oil import CENT_BBL, OilError, Run, net_oil
from agent.contract.stopsheet import SheetMeter, SheetTank, SheetWell, Stop, StopSheet
from agent.contract.tanks import LevelError, StrapTable, parse_level, show_level

GOLDEN = Path(__file__).parent / "contract" / "entry" / "judged.json"
KEY = uuid.UUID(int=7)
MS_1 = 1795766400000

Case = tuple[str, Any]  #: kind, what is typed and known
STRAPS = (
    [[0, 0], [180, 300]],
    [[0, 0], [122.5, 205.66], [171.25, 287.5], [180, 302.18]],
    [[2, 3.3333], [60.5, 101.0101], [121, 201.7], [240, 402.9]],
)


def golden() -> list[tuple[Case, Any]]:
    """Every golden case with what is said of it."""
    kept = json.loads(GOLDEN.read_text(encoding="utf-8"))
    return [((kind, case), says) for kind, pairs in kept.items() for case, says in pairs]


def drawn(count: int) -> Iterator[Case]:
    """Cases by chance, the same ones every time."""
    chance = random.Random(20_261_128)

    def figure(low: int, high: int, places: int) -> str:
        return f"{chance.randint(low * 10**places, high * 10**places) / 10**places:.{places}f}"

    def level(low: int, high: int) -> str:
        return f"{chance.randint(low * 4, high * 4) / 4}"

    for _ in range(count):
        known = {"last": figure(-14, 900, 1), "gauge": figure(0, 900, 1)}
        near = chance.choice((known["last"], known["gauge"], figure(-14, 1500, 2)))
        yield (
            "pressures",
            {name: chance.choice((text, None)) for name, text in known.items()} | {"value": near},
        )
        yield "meters", {"value": figure(0, 9, 2), "last": figure(0, 9, 2)}
        strap = chance.choice(STRAPS)
        low, high = 3, int(strap[-1][0])
        runs = [sorted((level(low, high), level(low, high)), key=float, reverse=True)]
        yield (
            "tanks",
            {
                "level": level(low, high),
                "last": chance.choice((level(low, high), None)),
                "gauge": chance.choice((level(low, high), None)),
                "strap": strap,
                "runs": chance.choice((runs, [], [])),
                "hauls": chance.choice(([figure(0, 200, 2)], [], [])),
            },
        )
        opening, closing = sorted((level(low, high), level(low, high)), key=float, reverse=True)
        yield (
            "runs",
            {
                "strap": strap,
                "opening_in": opening,
                "closing_in": closing,
                "opening_f": figure(20, 140, 1),
                "closing_f": figure(20, 140, 1),
                "observed_gravity": figure(20, 55, 1),
                "observed_gravity_f": figure(30, 120, 1),
                "sediment_water_pct": figure(0, 3, chance.choice((1, 2, 3))),
            },
        )
    yield from _drawn_days(chance, count // 4)


def _drawn_days(chance: random.Random, count: int) -> Iterator[Case]:
    for _ in range(count):
        at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=chance.randint(0, 525_000))
        zone = chance.choice(("America/Chicago", "America/Denver", "Australia/Adelaide"))
        about = {"zone": zone, "start": chance.choice(("07:00", "00:00", "18:30"))}
        locked = chance.choice(("", f"{at:%Y-%m}", "2026-10"))
        about |= {"most": chance.randint(0, 5), "locked": locked}
        yield "days", {"at": round(at.timestamp() * 1000), **about}


def by_python(case: Case) -> Any:
    """What Python says of a case."""
    return _KINDS[case[0]](case[1])


def _number(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _known(**texts: str | None) -> dict[str, Decimal]:
    return {name: Decimal(text) for name, text in texts.items() if text is not None}


def _entry(**parts: Any) -> Entry:
    return Entry(KEY, KEY, date(2026, 11, 27), KEY, MS_1, **parts)


def _asked(entry: Entry, **stop: Any) -> Any:
    found = questions(entry, StopSheet(stops=(Stop(KEY, "Bravo", **stop),)))
    return [f"ask_{found[0].key}", dict(found[0].values)] if found else None


def _pressure(case: Any) -> Any:
    last, gauge = _known(casing_psig=case["last"]), _known(casing_psig=case["gauge"])
    entry = _entry(wells=(Well(KEY, casing_psig=Decimal(case["value"])),))
    return _asked(entry, wells=(SheetWell(KEY, "1H", last, gauge),))


def _meter(case: Any) -> Any:
    entry = _entry(meters=(Meter(KEY, Decimal(case["value"])),))
    return _asked(entry, meters=(SheetMeter(KEY, "Gas", "Mcf", _known(reading=case["last"])),))


def _strap(case: Any) -> tuple[tuple[Decimal, Decimal], ...]:
    return tuple((Decimal(str(level)), Decimal(str(bbl))) for level, bbl in case["strap"])


def _tank(case: Any) -> Any:
    last, gauge = _known(level_in=case["last"]), _known(level_in=case["gauge"])
    tank = SheetTank(KEY, "1", strap=_strap(case), last=last, gauge=gauge)
    rest = tuple(map(Decimal, ("60", "60", "38.5", "60", "0")))
    entry = _entry(
        gauges=(Gauge(KEY, Decimal(case["level"])),),
        tickets=tuple(
            Ticket(KEY, "1", MS_1, MS_1, Decimal(opening), Decimal(closing), *rest)
            for opening, closing in case["runs"]
        ),
        hauls=tuple(Haul(Decimal(bbl), KEY) for bbl in case["hauls"]),
    )
    bbl = made(entry.gauges[0], tank, entry)
    return {"made": None if bbl is None else f"{bbl:,f}", "asks": _asked(entry, tanks=(tank,))}


def _run(case: Any) -> Any:
    table = StrapTable.of(_strap(case))
    run = Run(**{name: Decimal(text) for name, text in case.items() if name != "strap"})
    try:
        net = net_oil(run, table)
    except LevelError:
        return [None, None, None]
    except OilError:
        moved = table.volume(run.opening_in) - table.volume(run.closing_in)
        return [f"{moved.quantize(CENT_BBL):,f}" if moved >= 0 else None, None, None]
    told = (net.gross_observed_bbl, net.gross_standard_bbl, net.net_standard_bbl)
    return [f"{_cents(bbl):,f}" for bbl in told]


def _cents(bbl: Decimal) -> Decimal:
    return bbl.quantize(CENT_BBL, "ROUND_HALF_UP")


def _tape(case: Sequence[str]) -> Any:
    parts = zip(("ft", "in", "q"), case, strict=True)
    words = tape(Form({f"t_{part}": [text] for part, text in parts}), "t")
    try:
        return thousands(parse_level(words)) if words else None
    except LevelError:
        return "no level"


def _days(case: Any) -> Any:
    start = time.fromisoformat(case["start"])
    sheet = StopSheet(0, case["zone"], start, case["most"], case["locked"])
    at = datetime.fromtimestamp(case["at"] / 1000, UTC)
    days = [day.isoformat() for day in days_open(sheet, at)]
    return {"open": days, "reported": reported(sheet, at).isoformat()}


_KINDS = {
    "pressures": _pressure,
    "meters": _meter,
    "tanks": _tank,
    "runs": _run,
    "tapes": _tape,
    "levels": lambda text: show_level(Decimal(text)),
    "days": _days,
}


def for_script(case: Case) -> Case:
    """A case as the page has it: a pressure with the bounds that stand in its field."""
    kind, what = case
    if kind != "pressures":
        return case
    room = bounds("casing_psig", _known(casing_psig=what["last"]))
    low, high = (None, None) if room is None else (f"{room[0]:f}", f"{room[1]:f}")
    return kind, what | {"low": low, "high": high}


#: Asks the script of a stop's page; `arguments[0]` are the cases.
SCRIPT = """
const d = (text) => (text == null ? null : reckon.decimal(text));
const shown = (bbl) => (bbl === null ? null : reckon.shown(bbl, 2));
const KINDS = {
  pressures: ({ value, low, high, gauge }) =>
    reckon.askPressure({ value: d(value), low: d(low), high: d(high), gauge: d(gauge) }),
  meters: ({ value, last }) => reckon.askMeter({ value: d(value), last: d(last) }),
  tanks: (one) => {
    const points = reckon.table(one.strap);
    const [now, last, gauge] = [d(one.level), d(one.last), d(one.gauge)];
    let out = one.hauls.reduce((sum, bbl) => sum + d(bbl), 0n);
    for (const [opening, closing] of one.runs) {
      out += reckon.volume(points, d(opening)) - reckon.volume(points, d(closing));
    }
    const bbl = reckon.made(points, last, now, out);
    const hauled = one.runs.length + one.hauls.length > 0;
    return {
      made: bbl === null ? null : reckon.shown(bbl, 1),
      asks: reckon.askTank({ points, last, gauge, now, out, hauled }),
    };
  },
  runs: (one) => {
    const { moved, gross, net } = reckon.run(reckon.table(one.strap), {
      opening: d(one.opening_in), closing: d(one.closing_in),
      openingF: d(one.opening_f), closingF: d(one.closing_f),
      gravity: d(one.observed_gravity), gravityF: d(one.observed_gravity_f),
      water: d(one.sediment_water_pct),
    });
    return [moved, gross, net].map(shown);
  },
  tapes: (parts) => {
    const level = reckon.tape(...parts);
    return level === undefined ? "no level" : level === null ? null : reckon.shown(level);
  },
  levels: (text) => reckon.level(d(text)),
  days: ({ at, ...about }) => reckon.days(at, about),
};
return arguments[0].map(([kind, one]) => KINDS[kind](one));
"""
