"""What is done with a form that comes in: an entry to be saved, or the page again with reasons."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from agent.contract import entrycheck
from agent.contract.entry import SOLD, Entry, EntryError, Fault, read_entry
from agent.contract.fieldform.fields import Form, Made, body_of, days_open, reported
from agent.contract.fieldform.frame import Door
from agent.contract.fieldform.page import View
from agent.contract.fieldform.pages import miles_to_go
from agent.contract.fieldform.pictures import TOLD
from agent.contract.fieldform.places import placed
from agent.contract.fieldwords import say
from agent.contract.records import new_id
from agent.contract.stopsheet import Stop, StopSheet


@dataclass(frozen=True, slots=True)
class Visit:
    """One person at one stop."""

    door: Door
    sheet: StopSheet
    stop: Stop
    person: uuid.UUID
    now: datetime


@dataclass(frozen=True, slots=True)
class Outcome:
    """Either an entry to be stored, or a page to be shown again and why."""

    entry: Entry | None = None
    view: View | None = None
    faults: Mapping[str, str] = field(default_factory=dict)  #: sentence by field of the page


def blank(visit: Visit, *, replaces: uuid.UUID | None = None) -> View:
    """The page of a stop before anything is entered; `replaces` is the day's entry, if any."""
    sheet, now = visit.sheet, visit.now
    day, days = reported(sheet, now), tuple(days_open(sheet, now))
    results = {}
    places = [one.stop for one in sheet.stops].index(visit.stop.stop) + 1
    if (miles := miles_to_go(sheet.stops, places)) is not None:
        results["miles"] = f"{miles:.0f}"
    notice = "" if replaces is None else say(visit.door.language, "correct")
    return View(
        *(visit.door, sheet, visit.stop, days, day, new_id(), new_id()),
        results=results,
        notice=notice,
        replaces="" if replaces is None else str(replaces),
    )


def receive(visit: Visit, form: Form) -> Outcome:
    """Judge a form: give its entry, or the page again with every fault, question and result."""
    now = placed(form, visit.stop)
    form, made = now.form, body_of(now.form, visit.sheet, visit.stop, str(visit.person), visit.now)
    try:
        entry = read_entry(made.body)
        faults = entrycheck.check(entry, visit.sheet, visit.now)
    except EntryError as refusal:
        return _again(visit, form, made, None, refusal.faults)
    if now.gone:
        faults = (Fault("", "line_gone"), *faults)
    asked = entrycheck.questions(entry, visit.sheet)
    if form.get("asked"):  # the script asked them already, without signal
        entry = replace(entry, kept=(*entry.kept, *(question.field for question in asked)))
        asked = ()
    if faults or asked or form.get("do") == "compute":
        return _again(visit, form, made, entry, faults)
    return Outcome(entry)


def returned(visit: Visit, form: Form, entry: Entry, faults: Mapping[str, str]) -> Outcome:
    """The page again for an entry that the office keeps but did not take up: the next mends it.

    `faults` are sentences by the field of the entry.
    """
    form = placed(form, visit.stop).form
    made = body_of(form, visit.sheet, visit.stop, str(visit.person), visit.now)
    said = {made.name(path): sentence for path, sentence in faults.items()}
    view = replace(
        blank(visit, replaces=entry.id),
        form=form,
        faults=said,
        notice=say(visit.door.language, "marked"),
    )
    return Outcome(view=view, faults=said)


def _again(
    visit: Visit, form: Form, made: Made, entry: Entry | None, faults: tuple[Fault, ...]
) -> Outcome:
    language = visit.door.language
    said = {made.name(fault.field): fault.say(language) for fault in reversed(faults)}
    asked: dict[str, tuple[str, str]] = {}
    results = dict(blank(visit).results)
    if entry is not None:
        found = entrycheck.questions(entry, visit.sheet)
        asked = {made.name(one.field): (one.say(language), one.field) for one in found}
        results |= _results(visit, entry)
    keys = ["marked"] if faults else (["asked"] if asked else [])
    keys += ["photo_again"] if form.all(TOLD) else []  # no browser keeps files in a form
    view = View(
        *(visit.door, visit.sheet, visit.stop),
        tuple(days_open(visit.sheet, visit.now)),
        reported(visit.sheet, visit.now),
        entry.id if entry is not None else _id(form),
        new_id(),
        form,
        said,
        asked,
        results,
        () if entry is None else entry.kept,
        " ".join(say(language, key) for key in keys),
        form.get("replaces"),
    )
    return Outcome(view=view, faults=said)


def _id(form: Form) -> uuid.UUID:
    try:
        return uuid.UUID(form.get("id"))
    except ValueError:
        return new_id()


def _results(visit: Visit, entry: Entry) -> dict[str, str]:
    """Barrels made of every tank, and net barrels of every ticket, by their place on the page."""
    language, results = visit.door.language, {}
    tanks = {tank.tank: (number, tank) for number, tank in enumerate(visit.stop.tanks)}
    for gauge in entry.gauges:
        number, tank = tanks.get(gauge.tank, (0, None))
        bbl = None if tank is None else entrycheck.made(gauge, tank, entry)
        holds = None if tank is None else tank.volume(gauge.level_in)
        if bbl is not None:
            results[f"g{number}"] = say(language, "made", bbl=f"{bbl:,f}")
        elif holds is not None:
            results[f"g{number}"] = say(language, "holds", bbl=f"{holds:,.1f}")
    for number, ticket in enumerate(entry.tickets):
        _, tank = tanks.get(ticket.tank, (0, None))
        run = None if tank is None else entrycheck.net_of(ticket, tank)
        if run is not None:
            figures = (run.gross_observed_bbl, run.gross_standard_bbl, run.net_standard_bbl)
            told = (f"{entrycheck.cents(bbl):,f}" for bbl in figures)
            words = dict(zip(("moved", "gross", "net"), told, strict=True))
            results[f"t{number}"] = say(
                language, "net" if ticket.kind in SOLD else "moved", **words
            )
    return results
