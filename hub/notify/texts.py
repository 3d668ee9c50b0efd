"""Messages in few characters: what an SMS, a call and a browser's notification say (pure).

An SMS of more than 160 characters of the GSM alphabet (3GPP TS 23.038) is billed as several, and a
single character outside that alphabet makes it one of UCS-2, at less than half the length.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any, Final

from hub.notify import messages

SMS_LENGTH: Final = 160
#: Characters that fit into two messages sent as one.
TWO_SMS: Final = 306
_BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED: Final = frozenset("^{}\\[~]|€")
_PLAIN: Final = {
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"),
    **dict.fromkeys("\u2018\u2019\u201a\u2032`\u00b4", "'"),
    **dict.fromkeys("\u201c\u201d\u201e\u2033\u00ab\u00bb", '"'),
    "°": "deg",
    "³": "3",
    "²": "2",
    "…": "...",
    "µ": "u",
    "·": "-",
    "•": "-",
    "\u00d7": "x",
    "≥": ">=",
    "≤": "<=",
    "½": "1/2",
    "¼": "1/4",
    "¾": "3/4",
    "\t": " ",
}


def sms(body: Mapping[str, Any], code: str | None, answer: str | None) -> str:
    """What an SMS says: what, where, since when, and how to answer; it fits into two messages."""
    how = _how(code, answer)
    said = gsm(_said(body))
    room = TWO_SMS - septets(how)
    return shorten(said, room) + how


def _said(body: Mapping[str, Any]) -> str:
    kind = str(body["kind"])
    if "headline" in body:
        return str(body["headline"])
    if kind in {"cleared", "retracted"}:
        return f"WellFlow: {messages.headline(dict(body))}"
    since = str(body.get("since", "")).partition(",")[0]
    return f"WellFlow P{body['priority']}: {body['place']}: {body['sentence']}, since {since}."


def _how(code: str | None, answer: str | None) -> str:
    if code and answer:
        return gsm(f" Reply A {code} or {answer}")
    return gsm(f" {answer}") if answer else ""


def spoken(body: Mapping[str, Any]) -> str:
    """What a call says: as the SMS, in words that can be heard."""
    if "headline" in body:
        return str(body["headline"])
    said = messages.headline(dict(body))
    if body["kind"] in {"raised", "level"}:
        severity = messages.SEVERITY_WORDS[int(body["priority"])]
        action = str(body.get("action") or "")
        return f"{severity} alarm. {said} {body['sentence']}. {action}".strip()
    return said


def gsm(text: str) -> str:
    """The same in the GSM alphabet: accents and signs it lacks are replaced, never lost."""
    return "".join(_letter(sign) for sign in text)


def _letter(sign: str) -> str:
    if sign in _BASIC or sign in _EXTENDED:
        return sign
    if sign in _PLAIN:
        return _PLAIN[sign]
    bare = unicodedata.normalize("NFKD", sign)
    kept = "".join(part for part in bare if part in _BASIC)
    if kept:
        return kept
    return " " if sign.isspace() else "?"


def septets(text: str) -> int:
    """How much of an SMS a text takes: signs of the extension table count twice."""
    return sum(2 if sign in _EXTENDED else 1 for sign in text)


def shorten(text: str, room: int) -> str:
    """As much of a text as fits into so many septets, with dots where it is cut."""
    if septets(text) <= room:
        return text
    kept, left = [], max(room - 3, 0)
    for sign in text:
        left -= septets(sign)
        if left < 0:
            break
        kept.append(sign)
    return "".join(kept).rstrip() + "..."
