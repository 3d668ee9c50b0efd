"""The frame of every page of the form, and the small parts that pages are put together from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from html import escape
from pathlib import Path
from typing import Final

from agent.contract.fieldwords import say
from agent.contract.photowords import PHOTOS_SPOKEN, waiting_photos

STATIC: Final = Path(__file__).parent / "static"
FILES: Final = {
    "form.css": "text/css; charset=utf-8",
    "form.js": "text/javascript; charset=utf-8",
    "photos.js": "text/javascript; charset=utf-8",
    "reckon.js": "text/javascript; charset=utf-8",
    "store.js": "text/javascript; charset=utf-8",
}
#: No inline script or style is run; the door adds nothing to it.
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; manifest-src 'self'; worker-src 'self'; form-action 'self';"
    " frame-ancestors 'none'; base-uri 'none'"
)


@dataclass(frozen=True, slots=True)
class Door:
    """Where a page is served, and what its footer has to tell."""

    kind: str  #: ``site`` or ``hub``
    base: str = "/"  #: address of the route, ending in a slash
    language: str = "en"
    person: str = ""  #: name of who enters
    waiting: int = 0  #: entries that wait at this door to reach the office
    photos: int = 0  #: and photos, which go after everything else
    since: str = ""  #: since when the office is not heard, HH:MM; empty when it is
    head: str = ""  #: what the door adds to the head: its manifest
    owner: str = ""  #: whose entries a phone keeps apart: person and operator

    def say(self, key: str, **values: str) -> str:
        """A label in this door's language, ready for a page."""
        return escape(say(self.language, key, **values))


@cache
def static(name: str) -> bytes:
    """One of `FILES`; raises KeyError for any other name."""
    FILES[name]
    return (STATIC / name).read_bytes()


@cache
def mark(name: str) -> str:
    """A few letters that change with a file, so that it may be cached for ever."""
    return hashlib.sha256(static(name)).hexdigest()[:10]


def link(door: Door, name: str) -> str:
    """The address of a static file."""
    return f"{door.base}{name}?{mark(name)}"


WITH_FILES: Final = 'enctype="multipart/form-data"'  #: how a form goes that may carry photos

SPOKEN: Final = (
    *("made", "ask_above", "ask_below", "ask_above_too", "ask_below_too", "ask_gauge", "ask_fell"),
    *("ask_meter", "keep_save", "waiting_none", "waiting_send", "waiting_site", "no_signal"),
    *("saved_here", "store_none", "store_full", "store_dead", "not_saved", "refused", "sent_at"),
    *("day_three", "sign_in_again", "fault_negative", "fault_range", "fault_number", "fault_level"),
    *("fault_closing_above_opening", "fault_above_tank", "fault_code_missing", "fault_empty"),
    *("marked", "asked", "holds", "moved", "net", "fault_beyond_table", "fault_missing"),
    *("fault_water_above_oil", "fault_oil", "fault_no_table", "not_moved", "fault_line_gone"),
    *PHOTOS_SPOKEN,
)
_BLANKS: Final = (
    *("bbl", "value", "gauge", "count", "time", "low", "high", "level", "height"),
    *("moved", "gross", "net", "why", "entries", "photos"),
)


def script_words(door: Door) -> str:
    """What the script says, as JSON, with its blanks left open."""
    blanks = {name: f"{{{name}}}" for name in _BLANKS}
    spoken = {key: say(door.language, key, **blanks) for key in SPOKEN}
    return json.dumps(spoken, ensure_ascii=False, separators=(",", ":"))


def attributes(values: Mapping[str, object]) -> str:
    """Attributes of an element; what is None or False is left out, True has no value."""
    parts = []
    for name, value in values.items():
        if value is True:
            parts.append(f" {name}")
        elif value is not None and value is not False:
            parts.append(f' {name}="{escape(str(value))}"')
    return "".join(parts)


def document(door: Door, title: str, body: str, data: Mapping[str, object] | None = None) -> str:
    """A whole page."""
    about = {"data-kind": door.kind, "data-base": door.base, "data-owner": door.owner}
    about |= {"data-waiting": str(door.waiting), "data-since": door.since}
    about |= {"data-photos": str(door.photos or "")}
    return (
        f'<!doctype html><html lang="{escape(door.language)}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{escape(title)}</title>"
        f'<link rel="icon" href="data:,">{door.head}'
        f'<link rel="stylesheet" href="{link(door, "form.css")}">'
        f'<script src="{link(door, "photos.js")}" defer></script>'
        f'<script src="{link(door, "store.js")}" defer></script>'
        f'<script src="{link(door, "reckon.js")}" defer></script>'
        f'<script src="{link(door, "form.js")}" defer></script></head>'
        f"<body{attributes(about | dict(data or {}))}>{body}</body></html>"
    )


@dataclass(frozen=True, slots=True)
class Box:
    """One field: what stands in it and what is said beside it."""

    label: str
    name: str
    value: str = ""
    hint: str = ""
    fault: str = ""
    question: str = ""
    attributes: Mapping[str, object] = field(default_factory=dict)


DECIMAL: Final = {"inputmode": "decimal", "autocomplete": "off", "enterkeyhint": "next"}


def number(box: Box) -> str:
    """A labelled field for a figure, big, with its hint below the label."""
    given: dict[str, object] = {"id": box.name, "name": box.name, "value": box.value or None}
    given |= DECIMAL
    if box.fault:
        given |= {"aria-invalid": "true", "aria-describedby": f"{box.name}-says"}
    return _row(box, f"<input{attributes(given | dict(box.attributes))}>")


def words(box: Box, rows: int = 0) -> str:
    """A labelled field for text."""
    given: dict[str, object] = {
        "id": box.name,
        "name": box.name,
        "autocomplete": "off",
        "enterkeyhint": "next",
    }
    given |= {"aria-invalid": "true" if box.fault else None} | dict(box.attributes)
    if rows:
        inner = f"<textarea{attributes(given | {'rows': rows})}>{escape(box.value)}</textarea>"
    else:
        inner = f"<input{attributes(given | {'value': box.value or None})}>"
    return _row(box, inner, wide=True)


def choice(box: Box, options: Mapping[str, str], *, wide: bool = False) -> str:
    """A labelled list to choose from."""
    given = {"id": box.name, "name": box.name, "aria-invalid": "true" if box.fault else None}
    inner = "".join(
        f"<option{attributes({'value': key, 'selected': key == box.value})}>{escape(text)}</option>"
        for key, text in options.items()
    )
    return _row(
        box, f"<select{attributes(given | dict(box.attributes))}>{inner}</select>", wide=wide
    )


def tape(box: Box, door: Door, parts: tuple[str, str, str]) -> str:
    """A labelled reading of a tape: feet, inches and quarters."""
    inner = ""
    for part, value, longest in zip(("ft", "in", "q"), parts, (2, 5, 1), strict=True):
        given: dict[str, object] = {
            "id": f"{box.name}_{part}",
            "name": f"{box.name}_{part}",
            "value": value or None,
            "placeholder": say(door.language, part),
            "aria-label": f"{box.label} {say(door.language, part)}",
            "maxlength": longest,
            "class": f"tape {part}",
            **DECIMAL,
        }
        given |= {"aria-invalid": "true" if box.fault else None} | dict(box.attributes)
        inner += f"<input{attributes(given)}>"
    return _row(box, f'<span class="three">{inner}</span>', target=f"{box.name}_ft")


def _row(box: Box, inner: str, *, wide: bool = False, target: str = "") -> str:
    hint = f'<small id="{box.name}-hint">{escape(box.hint)}</small>' if box.hint else ""
    return (
        f'<div class="{"row wide" if wide else "row"}">'
        f'<label for="{target or box.name}">{escape(box.label)}{hint}</label>{inner}'
        f"{_says(box)}</div>"
    )


def _says(box: Box) -> str:
    """The sentence of a fault or question; an empty place where the script may put one."""
    if box.fault:
        return f'<p class="fault" id="{box.name}-says" role="alert">{escape(box.fault)}</p>'
    return f'<p class="ask" id="{box.name}-says" role="status">{escape(box.question)}</p>'


def footer(door: Door, button: str = "") -> str:
    """What waits, and the way on."""
    if door.waiting:
        key = "waiting_site" if door.kind == "site" else "waiting_send"
        told = f"<b>{door.say(key, count=str(door.waiting))}</b>"
    else:
        told = door.say("waiting_none")
    if door.photos:
        photos = door.say(waiting_photos(door.photos), count=str(door.photos))
        shown = f"<b>{door.say('wait_site', photos=photos)}</b>"
        told = f"{told}<br>{shown}" if door.waiting else shown
    if door.since:
        told += f"<br>{door.say('no_signal', time=door.since)}"
    return f'<footer><p id="waits" role="status">{told}</p>{button}</footer>'
