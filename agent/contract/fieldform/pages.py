"""The pages around a stop's: the route, signing in at the site, a sentence by itself."""

from __future__ import annotations

import math
import uuid
from collections.abc import Collection, Mapping, Sequence
from html import escape
from itertools import pairwise
from typing import Final

from agent.contract.fieldform import frame
from agent.contract.fieldform.frame import Box, Door
from agent.contract.fieldwords import say
from agent.contract.stopsheet import Stop, StopSheet

EARTH_MI: Final = 3958.8


def route_page(door: Door, sheet: StopSheet, done: Collection[uuid.UUID], notice: str = "") -> str:
    """Every stop in the order it is driven, and whether it is done."""
    rows = "".join(_stop(door, number, stop, done) for number, stop in enumerate(sheet.stops, 1))
    if not rows:
        rows = f'<li class="none">{door.say("no_stops")}</li>'
    other = "es" if door.language == "en" else "en"
    out = ""
    if door.kind == "site":
        out = (
            f'<form method="post" action="{door.base}out"><button class="plain">'
            f"{door.say('sign_out')}</button></form>"
        )
    miles = miles_to_go(sheet.stops, 1)
    far = "" if miles is None else f"<p>{door.say('whole_route', miles=f'{miles:.0f}')}</p>"
    change = ""
    if len(sheet.stops) > 1:
        change = f'<a href="{door.base}order">{door.say("order")}</a>'
    body = (
        f'<header><div><h1>{door.say("route")}</h1>{far}<p class="who">'
        f"{door.say('entering_as', name=door.person)}</p></div><nav>{change}"
        f'<a href="?lang={other}" hreflang="{other}">{door.say("other_language")}</a>{out}'
        f'</nav></header>{_notice(notice)}<main><ol class="route">{rows}</ol>'
        f'<ul id="back" class="route"></ul></main>' + frame.footer(door)
    )
    return frame.document(
        door, say(door.language, "route"), body, {"data-words": frame.script_words(door)}
    )


def _stop(door: Door, number: int, stop: Stop, done: Collection[uuid.UUID]) -> str:
    key = "done" if stop.stop in done else "not_done"
    name = escape(stop.name)
    return (
        f'<li><a href="{door.base}stop/{stop.stop}"><b>{number}</b> {name}'
        f'<span class="{key}">{door.say(key)}</span></a></li>'
    )


def order_page(door: Door, sheet: StopSheet) -> str:
    """The stops with two buttons each, which move one up or down."""
    rows = "".join(_placed(door, sheet.stops, number) for number in range(len(sheet.stops)))
    miles = miles_to_go(sheet.stops, 1)
    far = "" if miles is None else door.say("whole_route", miles=f"{miles:.0f}")
    body = (
        f'<header><div><h1>{door.say("order")}</h1><p id="far">{far}</p></div>'
        f'<nav><a href="{door.base}">{door.say("order_done")}</a></nav></header>{_notice("")}'
        f'<main><ol id="order" class="route">{rows}</ol></main>' + frame.footer(door)
    )
    words = {"data-words": frame.script_words(door)}
    return frame.document(door, say(door.language, "order"), body, words)


def _placed(door: Door, stops: Sequence[Stop], number: int) -> str:
    stop, name = stops[number], escape(stops[number].name)
    leg = None if number == 0 else miles_to_go(stops[number - 1 : number + 1], 1)
    far = "" if leg is None else f"<small>{door.say('leg', miles=f'{leg:.1f}')}</small>"
    buttons = "".join(
        f'<button name="to" value="{to}"{frame.attributes({"disabled": number == end})}'
        f' aria-label="{door.say(f"move_{to}", name=stop.name)}">{arrow}</button>'
        for to, arrow, end in (("up", "▲", 0), ("down", "▼", len(stops) - 1))
    )
    return (
        f'<li><form method="post" action="{door.base}order"><b>{number + 1}</b>'
        f"<span>{name}{far}</span>"
        f'<input type="hidden" name="stop" value="{stop.stop}">'
        f'<input type="hidden" name="owner" value="{escape(door.owner)}">{buttons}</form></li>'
    )


def _notice(text: str, kind: str = "ask") -> str:
    hidden = "" if text else " hidden"
    return f'<p id="notice" class="notice {kind}" role="alert"{hidden}>{escape(text)}</p>'


def sign_in_page(door: Door, people: Mapping[str, str], chosen: str = "", fault: str = "") -> str:
    """Who are you, and your PIN; people by id."""
    if not people:
        return message_page(door, say(door.language, "nobody"))
    hidden = f'<input type="hidden" name="lang" value="{escape(door.language)}">'
    pin = {"type": "password", "inputmode": "numeric", "maxlength": 12}
    other = "es" if door.language == "en" else "en"
    body = (
        f"<header><div><h1>{door.say('sign_in')}</h1></div><nav>"
        f'<a href="?lang={other}">{door.say("other_language")}</a></nav></header>'
        f'<main><form method="post" action="{door.base}in">{hidden}<fieldset>'
        + frame.choice(Box(say(door.language, "who"), "person", chosen), people, wide=True)
        + frame.number(Box(say(door.language, "pin"), "pin", fault=fault, attributes=pin))
        + f'</fieldset><p><button class="go">{door.say("sign_in")}</button></p></form></main>'
    )
    return frame.document(door, say(door.language, "sign_in"), body)


def message_page(door: Door, text: str, kind: str = "ask") -> str:
    """One sentence by itself, with the way back."""
    back = f'<nav><a href="{door.base}">{door.say("route")}</a></nav>'
    body = f"<header><div><h1>WellFlow</h1></div>{back}</header>{_notice(text, kind)}"
    return frame.document(door, "WellFlow", body)


def miles_to_go(stops: Sequence[Stop], number: int) -> float | None:
    """Miles as the crow flies from a stop (from 1) over those that follow; None without places."""
    places = [(one.lat, one.lon) for one in stops[number - 1 :]]
    known = [(lat, lon) for lat, lon in places if lat is not None and lon is not None]
    if len(known) < 2:
        return None
    return sum(_miles(*one, *two) for one, two in pairwise(known))


def _miles(lat: float, lon: float, to_lat: float, to_lon: float) -> float:
    """Great-circle distance (haversine)."""
    a, b = math.radians(lat), math.radians(to_lat)
    up, along = math.sin((b - a) / 2), math.sin(math.radians(to_lon - lon) / 2)
    return 2 * EARTH_MI * math.asin(math.sqrt(up * up + math.cos(a) * math.cos(b) * along * along))
