"""Which line of a stop a field is of: a page may be older than the stop, on a phone by days.

Fields are named by their line's place (``w2_casing_psig``). A well that is named or plugged since
the page was made moves those after it, so a page also says what each place is.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from agent.contract.fieldform.fields import Form
from agent.contract.stopsheet import Stop


@dataclass(frozen=True, slots=True)
class Placed:
    """A form with each line where the stop has it now."""

    form: Form
    #: what was typed for what the stop no longer has, by the name of its field
    gone: Mapping[str, str] = field(default_factory=dict)


def lines(stop: Stop) -> dict[str, uuid.UUID]:
    """The key behind each place: ``g0`` the first tank, ``w0`` the first well, ``m0`` a meter."""
    return {
        **_numbered("g", (tank.tank for tank in stop.tanks)),
        **_numbered("w", (well.well for well in stop.wells)),
        **_numbered("m", (meter.meter for meter in stop.meters)),
    }


def _numbered(letter: str, keys: Iterable[uuid.UUID]) -> dict[str, uuid.UUID]:
    return {f"{letter}{number}": key for number, key in enumerate(keys)}


def placed(form: Form, stop: Stop) -> Placed:
    """The form as a page of now would send it; one that names no lines is of now."""
    now = {f"{place[0]}{key}": place for place, key in lines(stop).items()}
    moves = {place: now.get(f"{place[0]}{key}", "") for place, key in _said(form)}
    if all(place == target for place, target in moves.items()):
        return Placed(form)
    fields, gone = {}, {}
    for name, values in form.fields.items():
        place, line, what = name.partition("_")
        target = moves.get(place, place)
        if target:
            fields[f"{target}{line}{what}"] = values
        elif line and (typed := " ".join(values).strip()):
            gone[name] = typed
    return Placed(Form(fields | {place: (f"{key}",) for place, key in lines(stop).items()}), gone)


def _said(form: Form) -> Iterator[tuple[str, str]]:
    for letter in "gwm":
        number = 0
        while key := form.get(f"{letter}{number}"):
            yield f"{letter}{number}", key
            number += 1
