"""The page of one stop: its day, tanks, wells and meters, and what is entered only at times."""

from __future__ import annotations

import dataclasses
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from html import escape
from typing import Any, Final

from agent.contract.entry import DOWNTIME_CODES, TICKET_KINDS
from agent.contract.entrycheck import PRESSURES, bounds, clock_of, thousands
from agent.contract.fieldform import frame
from agent.contract.fieldform.fields import TICKETS, Form
from agent.contract.fieldform.frame import Box, Door
from agent.contract.fieldform.pictures import FILES, photo_fields
from agent.contract.fieldform.places import lines
from agent.contract.fieldform.script import script_rules
from agent.contract.fieldwords import code, say
from agent.contract.stopsheet import Figures, SheetTank, SheetWell, Stop, StopSheet
from agent.contract.tanks import show_level

UNITS: Final = {
    **dict.fromkeys(PRESSURES, "psi"),
    "hours_down": "h",
    "choke_64ths": "1/64 in",
    "strokes_per_minute": "1/min",
    "oil_bbl": "bbl",
    "gas_mcf": "Mcf",
    "water_bbl": "bbl",
    "bbl": "bbl",
    "gallons": "gal",
    "opening_f": "°F",
    "closing_f": "°F",
    "observed_gravity": "°API",
    "observed_gravity_f": "°F",
    "sediment_water_pct": "%",
    "hours": "h",
}
MORE: Final = ("choke_64ths", "strokes_per_minute", "oil_bbl", "gas_mcf", "water_bbl")
_LIMITS: Final = {"sediment_water_pct": "100", "observed_gravity": "100", "hours_down": "25"}


@dataclass(frozen=True, slots=True)
class View:
    """What a stop's page shows; faults, questions and results go by the page's field names."""

    door: Door
    sheet: StopSheet
    stop: Stop
    days: tuple[date, ...]
    day: date
    entry: uuid.UUID  #: the id this entry will have
    report: uuid.UUID  #: and a report by itself
    form: Form = field(default_factory=Form)
    faults: Mapping[str, str] = field(default_factory=dict)
    questions: Mapping[str, tuple[str, str]] = field(default_factory=dict)  #: sentence, path
    results: Mapping[str, str] = field(default_factory=dict)  #: ``g0`` -> "= 16.4 bbl made …"
    kept: tuple[str, ...] = ()
    notice: str = ""  #: said at the top
    replaces: str = ""

    @property
    def place(self) -> int:
        """Which stop of the route it is, from 1."""
        return [one.stop for one in self.sheet.stops].index(self.stop.stop) + 1

    def say(self, key: str, **values: str) -> str:
        """A label in the page's language, not yet escaped."""
        return say(self.door.language, key, **values)

    def box(self, name: str, label: str, hint: str = "", **more: object) -> Box:
        """One field with what was typed into it and what is said about it."""
        question = self.questions.get(name, ("", ""))[0]
        fault, value = self.faults.get(name, ""), self.form.get(name)
        return Box(label, name, value, hint, fault, question, more)


def stop_page(view: View) -> str:
    """The whole page of a stop."""
    door = view.door
    inner = (
        _day(view)
        + "".join(_tank(view, number, tank) for number, tank in enumerate(view.stop.tanks))
        + "".join(_well(view, number, well) for number, well in enumerate(view.stop.wells))
        + _meters(view)
        + photo_fields(door, "entry", view.faults.get(FILES, ""))
        + _extras(view)
    )
    hidden = _hidden({"id": view.entry, "lang": door.language, "owner": door.owner})
    hidden += _hidden(lines(view.stop))
    hidden += f"<input{frame.attributes({'type': 'hidden', 'name': 'replaces'} | _replaces(view))}>"
    asked = {path for _, path in view.questions.values()} | set(view.kept)
    hidden += "".join(_hidden({"kept": path}) for path in sorted(asked))
    address = f"{door.base}stop/{view.stop.stop}"
    last = view.place == len(view.sheet.stops)
    key = "keep_save" if view.questions else ("save_last" if last else "next_stop")
    buttons = f'<button form="entry" class="go" name="do" value="save">{door.say(key)}</button>'
    body = (
        _header(view)
        + _notice(view)
        + f'<main>{_report(view, address)}<form id="entry" method="post" action="{address}"'
        f" {frame.WITH_FILES} novalidate>{hidden}{inner}"
        f'<p class="calc"><button name="do" value="compute">{door.say("compute")}</button>'
        f'<button type="button" id="rest" hidden>{door.say("rest_as_yesterday")}</button></p>'
        f"</form></main>" + frame.footer(door, buttons)
    )
    return frame.document(door, view.stop.name, body, _data(view))


def _data(view: View) -> Mapping[str, object]:
    """What the script says in the page's language, and where it goes next."""
    stops = [one.stop for one in view.sheet.stops]
    following = stops[view.place] if view.place < len(stops) else None
    base = view.door.base
    return {
        "data-words": frame.script_words(view.door),
        "data-rules": script_rules(),
        "data-days": json.dumps(_days(view.sheet)),
        "data-stop": view.stop.stop,
        "data-next": base if following is None else f"{base}stop/{following}",
        "data-again": bool(view.form.fields),
    }


def _days(sheet: StopSheet) -> Mapping[str, object]:
    """What the days of a page that was kept are chosen by."""
    start = sheet.day_start.isoformat("minutes")
    zone = clock_of(sheet).zone.key
    return {"zone": zone, "start": start, "most": sheet.entry_days, "locked": sheet.locked}


def _header(view: View) -> str:
    door = view.door
    where = door.say("stop_of", number=str(view.place), total=str(len(view.sheet.stops)))
    if miles := view.results.get("miles"):
        where += f" · {door.say('to_go', miles=miles)}"
    name = escape(view.stop.name)
    other = "es" if door.language == "en" else "en"
    who = door.say("entering_as", name=door.person)
    return (
        f'<header><div><h1>{name}</h1><p>{where}</p><p class="who">{who}</p></div>'
        f'<nav><a href="{door.base}">{door.say("route")}</a>'
        f'<a href="?lang={other}" hreflang="{other}">{door.say("other_language")}</a></nav>'
        f'<span id="kept" class="kept" hidden>{door.say("saved_here")}</span></header>'
    )


def _notice(view: View) -> str:
    kind = "fault" if view.faults else "ask"
    general = view.faults.get("", "")
    text = " ".join(part for part in (view.notice, general) if part)
    hidden = "" if text else " hidden"
    return f'<p id="notice" class="notice {kind}" role="alert"{hidden}>{escape(text)}</p>'


def _replaces(view: View) -> dict[str, object]:
    return {"value": view.replaces or None}


def _hidden(values: Mapping[str, object]) -> str:
    return "".join(
        f"<input{frame.attributes({'type': 'hidden', 'name': name, 'value': value})}>"
        for name, value in values.items()
        if str(value or "")
    )


def _day(view: View) -> str:
    options = {day.isoformat(): f"{day.isoformat()}" for day in view.days}
    box = view.box("day", view.say("day"))
    chosen = box.value or view.day.isoformat()
    return '<div class="day">' + frame.choice(_with(box, value=chosen), options) + "</div>"


def _with(box: Box, **changes: Any) -> Box:
    return dataclasses.replace(box, **changes)


def _tank(view: View, number: int, tank: SheetTank) -> str:
    name, place = tank.name, f"g{number}"
    contents = view.say(f"contents_{tank.contents}")
    top = view.box(f"{place}_top", view.say("top_gauge"), _hint(view, tank, "level_in"))
    bottom = view.box(f"{place}_bot", view.say("bottom"), _hint(view, tank, "water_in"))
    top = _with(top, **_said(view, f"{place}_top_ft"))
    bottom = _with(bottom, **_said(view, f"{place}_bot_ft"))
    about = {
        "class": "tank",
        "data-tank": tank.tank,
        "data-strap": json.dumps([[float(a), float(b)] for a, b in tank.strap]),
        "data-last": tank.last.get("level_in"),
        "data-gauge": tank.gauge.get("level_in"),
        "data-height": tank.height_in,
        "data-bottom": tank.last.get("water_in"),
    }
    made = escape(view.results.get(place, ""))
    return (
        f"<fieldset{frame.attributes(about)}>"
        f"<legend>{escape(view.say('tank', name=name, contents=contents))}</legend>"
        + frame.tape(top, view.door, _parts(view.form, f"{place}_top"))
        + frame.tape(bottom, view.door, _parts(view.form, f"{place}_bot"))
        + f'<output id="{place}_made" class="made">{made}</output></fieldset>'
    )


def _said(view: View, name: str) -> dict[str, str]:
    question = view.questions.get(name, ("", ""))[0]
    return {"fault": view.faults.get(name, ""), "question": question}


def _parts(form: Form, name: str) -> tuple[str, str, str]:
    return form.get(f"{name}_ft"), form.get(f"{name}_in"), form.get(f"{name}_q")


def _hint(view: View, tank: SheetTank, name: str) -> str:
    parts = []
    if (last := tank.last.get(name)) is not None:
        parts.append(view.say("yesterday", value=show_level(last)))
    if (gauge := tank.gauge.get(name)) is not None:
        parts.append(view.say("gauge_reads", value=show_level(gauge)))
    return " · ".join(parts)


def _beside(view: View, name: str, last: Figures, gauge: Figures, unit: str = "") -> str:
    parts = [unit or UNITS.get(name, "")]
    if name == "hours_down":
        parts.append(view.say("ran_all_day"))
    if (before := last.get(name)) is not None:
        parts.append(view.say("yesterday", value=thousands(before)))
    if (reads := gauge.get(name)) is not None:
        parts.append(view.say("gauge_reads", value=thousands(reads)))
    return " · ".join(part for part in parts if part)


def _figure(view: View, place: str, name: str, last: Figures, gauge: Figures) -> str:
    room = bounds(name, last)
    more: dict[str, object] = {
        "data-last": _text(last.get(name)),
        "data-gauge": _text(gauge.get(name)),
        "data-low": None if room is None else _text(room[0]),
        "data-high": None if room is None else _text(room[1]),
        "data-asks": "pressure" if name in PRESSURES else None,
        "data-signed": name in PRESSURES or name.endswith("_f"),
        "data-most": _LIMITS.get(name),
        "placeholder": " ",
    }
    box = view.box(f"{place}_{name}", view.say(name), _beside(view, name, last, gauge), **more)
    return frame.number(box)


def _text(value: Decimal | None) -> str | None:
    return None if value is None else f"{value:f}"


def _well(view: View, number: int, well: SheetWell) -> str:
    place = f"w{number}"
    reasons = {"": "—"} | {name: code(view.door.language, name) for name in DOWNTIME_CODES}
    hours = _figure(view, place, "hours_down", {}, {})
    why = frame.choice(view.box(f"{place}_down_code", view.say("down_code")), reasons, wide=True)
    more = "".join(_figure(view, place, name, well.last, well.gauge) for name in MORE)
    more += frame.words(view.box(f"{place}_note", view.say("note")))
    opened = _used(view, *(f"{place}_{name}" for name in (*MORE, "note")))
    title = view.door.say("more_of_well", name=well.name)
    return (
        f'<fieldset class="well"><legend>{escape(well.name)}</legend>'
        + "".join(_figure(view, place, name, well.last, well.gauge) for name in PRESSURES)
        + f'{hours}<div class="why">{why}</div>'
        + f"<details{opened}><summary>{title}</summary>{more}</details></fieldset>"
    )


def _used(view: View, *names: str) -> str:
    """Open what holds something, or is asked or marked."""
    used = any(view.form.get(n) or n in view.faults or n in view.questions for n in names)
    return " open" if used else ""


def _meters(view: View) -> str:
    if not view.stop.meters:
        return ""
    rows = ""
    for number, meter in enumerate(view.stop.meters):
        hint = _beside(view, "reading", meter.last, meter.gauge, meter.unit)
        last = _text(meter.last.get("reading"))
        more: dict[str, object] = {"data-last": last, "data-asks": "meter"}
        rows += frame.number(view.box(f"m{number}_reading", meter.name, hint, **more))
    return f"<fieldset><legend>{view.door.say('meters')}</legend>{rows}</fieldset>"


def _extras(view: View) -> str:
    tickets = "".join(_ticket(view, number) for number in range(TICKETS))
    tanks = {"": "—"} | {str(tank.tank): tank.name for tank in view.stop.tanks}
    wells = {"": "—"} | {str(well.well): well.name for well in view.stop.wells}
    haul = _small(view, "h0", "haul", tanks, ("bbl",), ("ticket_no", "hauler", "destination"))
    chemical = _small(view, "c0", "chemical", wells, ("gallons",), ("product",))
    volumes = ("hours", "oil_bbl", "gas_mcf", "water_bbl")
    test = _small(view, "e0", "test", wells, volumes, ())
    note = frame.words(view.box("note", view.say("note")), rows=3)
    opened = _used(view, "note")
    note = f"<details{opened}><summary>{view.door.say('note')}</summary>{note}</details>"
    return tickets + haul + chemical + test + note


def _small(
    view: View,
    place: str,
    title: str,
    choices: Mapping[str, str],
    figures: tuple[str, ...],
    texts: tuple[str, ...],
) -> str:
    at = "tank" if place == "h0" else "well"
    inner = frame.choice(view.box(f"{place}_{at}", _label(view, at)), choices)
    inner += "".join(_figure(view, place, name, {}, {}) for name in figures)
    inner += "".join(frame.words(view.box(f"{place}_{name}", view.say(name))) for name in texts)
    opened = _used(view, *(f"{place}_{name}" for name in (*figures, *texts)))
    return f"<details{opened}><summary>{view.door.say(title)}</summary>{inner}</details>"


def _label(view: View, at: str) -> str:
    return view.say("ticket_tank" if at == "tank" else "well")


def _ticket(view: View, number: int) -> str:
    place = f"t{number}"
    tanks = {str(tank.tank): tank.name for tank in view.stop.tanks}
    kinds = {kind: view.say(f"kind_{kind}") for kind in TICKET_KINDS}
    clock: dict[str, object] = {"type": "time", "inputmode": None}
    inner = frame.choice(view.box(f"{place}_tank", view.say("ticket_tank")), tanks)
    inner += frame.choice(view.box(f"{place}_kind", view.say("ticket_kind")), kinds)
    inner += frame.words(view.box(f"{place}_ticket_no", view.say("ticket_no")))
    for end in ("opening", "closing"):
        when = "opened" if end == "opening" else "closed"
        inner += frame.number(view.box(f"{place}_{when}", view.say(when), "", **clock))
        box = view.box(f"{place}_{end}", view.say(f"{end}_in"))
        box = _with(box, **_said(view, f"{place}_{end}_ft"))
        inner += frame.tape(box, view.door, _parts(view.form, f"{place}_{end}"))
        inner += _figure(view, place, f"{end}_f", {}, {})
    for name in ("observed_gravity", "observed_gravity_f", "sediment_water_pct"):
        inner += _figure(view, place, name, {}, {})
    for name in ("seals_off", "seals_on", "gauger", "hauler", "purchaser", "destination"):
        inner += frame.words(view.box(f"{place}_{name}", view.say(name)))
    net = escape(view.results.get(place, ""))
    names = ("ticket_no", "opening_ft", "closing_ft", "sediment_water_pct", "observed_gravity")
    opened = _used(view, *(f"{place}_{name}" for name in names))
    title = view.door.say("ticket") + (f" {number + 1}" if number else "")
    return (
        f'<details class="ticket"{opened}><summary>{title}</summary>{inner}'
        f'<output id="{place}_net" class="made">{net}</output></details>'
    )


def _report(view: View, address: str) -> str:
    """Two taps: open, and say what it is; words may be added before the second."""
    door = view.door
    own = {"id": view.report, "day": view.day, "lang": door.language, "owner": door.owner}
    hidden = _hidden(own)
    note = frame.words(Box(view.say("report_note"), "r0_note"), rows=2)
    buttons = "".join(
        f'<button class="alarm" name="r0_kind" value="{kind}">{door.say(f"report_{kind}")}</button>'
        for kind in ("spill", "injury")
    )
    return (
        f'<form id="report" method="post" action="{address}" {frame.WITH_FILES}>{hidden}'
        f'<details class="report"><summary>{door.say("report")}</summary>{note}'
        f'{photo_fields(door, "report")}<p class="kinds">{buttons}</p></details></form>'
    )
