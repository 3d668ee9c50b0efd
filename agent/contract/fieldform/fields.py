"""What a browser sends of the form, as the body of an entry; and which field a fault is of.

A browser sends every field, most of them empty: an empty line is left out. Names begin with a
letter and the line's place: ``g0_top_ft`` is the first tank's top gauge, ``w2_casing_psig`` the
third well's casing, ``t0_…`` the first ticket.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from urllib.parse import parse_qs

from agent.contract.entry import VERSION
from agent.contract.entrycheck import clock_of
from agent.contract.fieldform.pictures import TOLD, photo_lines
from agent.contract.stopsheet import Stop, StopSheet

MOST_FIELDS: Final = 1_000
TICKETS: Final = 2  #: places for tickets on a page; a third is an entry of its own
WELL_FIELDS: Final = (
    *("tubing_psig", "casing_psig", "line_psig", "hours_down", "down_code", "choke_64ths"),
    *("strokes_per_minute", "oil_bbl", "gas_mcf", "water_bbl", "note"),
)
TICKET_FIELDS: Final = (
    *("kind", "opening_f", "closing_f", "observed_gravity", "observed_gravity_f"),
    *("sediment_water_pct", "gauger", "hauler", "purchaser", "destination"),
)
_FRACTIONS: Final = {"¼": "1", "½": "2", "¾": "3"}
_UNSAID: Final = ("kind", "tank", "well", "closed")  #: chosen beforehand: alone they are no line


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a form, each with what was typed."""

    fields: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def get(self, name: str) -> str:
        """What was typed into a field; empty where nothing was."""
        values = self.fields.get(name) or ("",)
        return values[0].strip()

    def all(self, name: str) -> Sequence[str]:
        """Every value of a field that may come several times."""
        return self.fields.get(name, ())


def parse_form(body: bytes) -> Form:
    """A form as browsers post it (urlencoded); raises ValueError where it is none."""
    text = body.decode("utf-8", "replace")
    return Form(parse_qs(text, keep_blank_values=True, max_num_fields=MOST_FIELDS))


@dataclass(slots=True)
class Made:
    """The body made of a form, and where each of its fields stands on the page."""

    body: dict[str, Any]
    names: dict[str, str]  #: ``gauges.0.level_in`` -> ``g2_top_ft``

    def name(self, path: str) -> str:
        """The field of the page that a fault is of; empty for the form as a whole."""
        return self.names.get(path, path if "." not in path else "")


def body_of(form: Form, sheet: StopSheet, stop: Stop, person: str, now: datetime) -> Made:
    """The body of the entry that a form makes; nothing of it is judged here."""
    saved = form.get("saved")
    at = int(saved) if saved.isdigit() and len(saved) == 13 else round(now.timestamp() * 1000)
    body: dict[str, Any] = {"v": VERSION, "id": form.get("id"), "stop": str(stop.stop)}
    body |= {"day": form.get("day"), "person": person, "saved": at}
    body |= {key: text for key in ("replaces", "note") if (text := form.get(key))}
    made = Made(body, {})
    _fill(made, "gauges", _gauges(form, stop))
    _fill(made, "wells", _wells(form, stop))
    _fill(made, "meters", _meters(form, stop))
    _fill(made, "tickets", _tickets(form, sheet, at))
    _fill(made, "hauls", _simple(form, "h0", ("tank", "bbl", "ticket_no", "hauler", "destination")))
    _fill(made, "chemicals", _simple(form, "c0", ("well", "product", "gallons")))
    _fill(made, "tests", _simple(form, "e0", ("well", "hours", "oil_bbl", "gas_mcf", "water_bbl")))
    _fill(made, "reports", _reports(form))
    _fill(made, "photos", photo_lines(form.all(TOLD)))
    kept = [path for path in form.all("kept") if path]
    if kept:
        body["kept"] = kept
    return made


_Line = tuple[dict[str, Any], dict[str, str]]  #: values by field, and the page's names of them


def _fill(made: Made, part: str, lines: Iterator[_Line]) -> None:
    for number, (values, names) in enumerate(lines):
        made.body.setdefault(part, []).append(values)
        made.names |= {f"{part}.{number}.{key}": name for key, name in names.items()}


def _gauges(form: Form, stop: Stop) -> Iterator[_Line]:
    for number, tank in enumerate(stop.tanks):
        place = f"g{number}"
        values = {
            "level_in": tape(form, f"{place}_top"),
            "water_in": tape(form, f"{place}_bot"),
            "temperature_f": form.get(f"{place}_f"),
        }
        if any(values.values()):
            names = {"tank": f"{place}_top_ft", "level_in": f"{place}_top_ft"}
            names |= {"water_in": f"{place}_bot_ft", "temperature_f": f"{place}_f"}
            yield {"tank": str(tank.tank)} | _given(values), names


def tape(form: Form, name: str) -> str:
    """A tape's reading of three fields; empty where none is filled in, else for `parse_level`."""
    feet, inch, quarters = (form.get(f"{name}_{part}") for part in ("ft", "in", "q"))
    if not (feet or inch or quarters):
        return ""
    if inch and inch[-1] in _FRACTIONS and not quarters:
        inch, quarters = inch[:-1].strip(), _FRACTIONS[inch[-1]]
    if "." in inch and not quarters:
        return f"{feet or 0}' {inch}\""
    return f"{feet or 0}-{inch or 0}-{quarters or 0}"


def _given(values: Mapping[str, str]) -> dict[str, Any]:
    return {name: text for name, text in values.items() if text}


def _wells(form: Form, stop: Stop) -> Iterator[_Line]:
    for number, well in enumerate(stop.wells):
        names = {name: f"w{number}_{name}" for name in WELL_FIELDS}
        values = _given({name: form.get(place) for name, place in names.items()})
        if values:
            names["well"] = f"w{number}_tubing_psig"
            yield {"well": str(well.well)} | values, names


def _meters(form: Form, stop: Stop) -> Iterator[_Line]:
    for number, meter in enumerate(stop.meters):
        name = f"m{number}_reading"
        if text := form.get(name):
            yield {"meter": str(meter.meter), "reading": text}, {"reading": name, "meter": name}


def _tickets(form: Form, sheet: StopSheet, saved: int) -> Iterator[_Line]:
    for number in range(TICKETS):
        place = f"t{number}"
        names = {name: f"{place}_{name}" for name in TICKET_FIELDS}
        names |= {name: f"{place}_{name}" for name in ("tank", "ticket_no", "opened", "closed")}
        names |= {f"{end}_in": f"{place}_{end}_ft" for end in ("opening", "closing")}
        names |= {f"seals_{end}": f"{place}_seals_{end}" for end in ("off", "on")}
        values = _given({name: form.get(place) for name, place in names.items()})
        levels = {f"{end}_in": tape(form, f"{place}_{end}") for end in ("opening", "closing")}
        values = {k: v for k, v in values.items() if k not in levels} | _given(levels)
        if not set(values) - set(_UNSAID):
            continue
        for end in ("off", "on"):
            if text := values.pop(f"seals_{end}", ""):
                values[f"seals_{end}"] = text.replace(",", " ").split()
        yield values | _times(values, sheet, form.get("day"), saved), names


def _times(values: Mapping[str, Any], sheet: StopSheet, day: str, saved: int) -> dict[str, int]:
    """Instants of a run that began and ended at two times of the clock; none for what is no time.

    They are the last such times before the form was saved, or, for a day entered late, those
    within that day.
    """
    clock, found = clock_of(sheet), {}
    end = datetime.fromtimestamp(saved / 1000, UTC)
    try:
        chosen = date.fromisoformat(day)
        if chosen < reported(sheet, end):
            end = clock.ends(chosen)
    except ValueError:
        pass  # the day's own fault
    for name in ("closed", "opened"):
        at = _last_at(values.get(name, ""), end, clock.zone)
        if at is not None:
            found[name], end = round(at.timestamp() * 1000), at
    return found


def _last_at(text: str, before: datetime, zone: Any) -> datetime | None:
    try:
        shown = time.fromisoformat(text)
    except ValueError:
        return None
    local = before.astimezone(zone)
    at = datetime.combine(local.date(), shown.replace(tzinfo=None), zone)
    return (at if at <= local else at - timedelta(days=1)).astimezone(UTC)


def reported(sheet: StopSheet, now: datetime) -> date:
    """The production day that a visit at this instant is for: the one whose end is nearest."""
    clock = clock_of(sheet)
    return clock.day_of(now - timedelta(hours=12))


def days_open(sheet: StopSheet, now: datetime) -> list[date]:
    """The days that may be chosen, newest first."""
    clock = clock_of(sheet)
    today = clock.day_of(now)
    days = [today - timedelta(days=back) for back in range(sheet.entry_days + 1)]
    return [day for day in days if not sheet.locked or f"{day:%Y-%m}" > sheet.locked]


def _simple(form: Form, place: str, fields: Sequence[str]) -> Iterator[_Line]:
    names = {name: f"{place}_{name}" for name in fields}
    values = _given({name: form.get(place) for name, place in names.items()})
    if set(values) - set(_UNSAID):
        yield values, names


def _reports(form: Form) -> Iterator[_Line]:
    if kind := form.get("r0_kind"):
        yield _given({"kind": kind, "note": form.get("r0_note")}), {"kind": "r0_kind"}
