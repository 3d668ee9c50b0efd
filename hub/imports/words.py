"""What operators and agencies write, in the register's words: API numbers, months, codes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final

COLORADO: Final = "05"  #: its files name a well by county, sequence and sidetrack

_ROUNDED: Final = re.compile(r"[0-9](\.[0-9]+)?[eE]\+?[0-9]+")
_MONTHS: Final = (
    "jan",
    "feb",
    "mar",
    "apr",
    "may",
    "jun",
    "jul",
    "aug",
    "sep",
    "oct",
    "nov",
    "dec",
)
_NAMED_MONTH: Final = re.compile(r"([a-z]{3,9})\.?[\s,/-]*'?([0-9]{4}|[0-9]{2})")
_NUMBERED: Final = (
    re.compile(r"(?P<year>(19|20)[0-9]{2})[-/]?(?P<month>0[1-9]|1[0-2])"),  # 2021-09, 202109
    re.compile(r"(?P<month>0?[1-9]|1[0-2])[-/](?P<year>(19|20)[0-9]{2})"),  # 9/2021
)

_STATUS: Final = {
    "pr": "producing", "prod": "producing", "active": "producing", "on": "producing",
    "si": "shut_in", "shut in": "shut_in", "shutin": "shut_in", "inactive": "shut_in",
    "ta": "temporarily_abandoned", "temp abandoned": "temporarily_abandoned",
    "tempora abandoned": "temporarily_abandoned",
    "pa": "plugged", "p a": "plugged", "plugged and abandoned": "plugged", "abandoned": "plugged",
    "dg": "drilling", "drilled": "completed", "wo": "completed", "duc": "completed",
    "permit": "permitted", "xx": "permitted",
}  # fmt: skip
_TYPE: Final = {
    "o": "oil", "ow": "oil", "oil well": "oil", "g": "gas", "gw": "gas", "gas well": "gas",
    "og": "oil_gas", "oil gas": "oil_gas", "oil and gas": "oil_gas", "inj": "injection",
    "injector": "injection", "swd": "disposal", "dsp": "disposal",
    "salt water disposal": "disposal", "water supply well": "water_supply", "ws": "water_supply",
    "obs": "observation", "monitor": "observation",
}  # fmt: skip
_LIFT: Final = {
    "rod": "rod_pump", "rod pump": "rod_pump", "beam": "rod_pump", "pumping unit": "rod_pump",
    "beam pump": "rod_pump", "pu": "rod_pump", "flow": "flowing", "natural flow": "flowing",
    "gl": "gas_lift", "gas lift": "gas_lift", "plunger lift": "plunger", "sub": "esp",
    "submersible": "esp", "progressing cavity": "pcp", "jet pump": "jet",
}  # fmt: skip
_INTEREST: Final = {
    "working": "WI", "working interest": "WI", "w i": "WI", "royalty": "RI", "r i": "RI",
    "roy": "RI", "ro": "RI", "royalty interest": "RI", "overriding royalty": "ORRI", "orr": "ORRI",
    "override": "ORRI", "or": "ORRI", "orri": "ORRI", "overriding royalty interest": "ORRI",
    "np": "NPRI", "mineral": "MI", "mineral interest": "MI", "unleased": "UMI",
    "production payment": "PP", "net profits": "NPI",
}  # fmt: skip
_PAY: Final = {
    "p": "pay", "active": "pay", "s": "suspend", "suspended": "suspend", "hold": "suspend",
    "min": "minimum", "net": "net_jib", "netted": "net_jib", "kind": "in_kind",
}  # fmt: skip
_KIND: Final = {
    "corp": "company", "corporation": "company", "llc": "company", "inc": "company",
    "partnership": "company", "person": "individual", "ind": "individual", "agency": "government",
    "state": "government",
}  # fmt: skip
_PRODUCT: Final = {"o": "oil", "100": "oil", "g": "gas", "200": "gas", "both": "all", "a": "all"}

#: By field: what else than the register's own words is understood.
SYNONYMS: Final[Mapping[str, Mapping[str, str]]] = {
    "status": _STATUS,
    "well_type": _TYPE,
    "lift_type": _LIFT,
    "interest_type": _INTEREST,
    "pay_status": _PAY,
    "kind": _KIND,
    "product": _PRODUCT,
}


def known_word(field: str, raw: Any) -> Any:
    """A cell in the register's own word, where another is usual; else as it was."""
    if not isinstance(raw, str) or field not in SYNONYMS:
        return raw
    key = " ".join(re.sub(r"[^a-z0-9]+", " ", raw.lower()).split())
    return SYNONYMS[field].get(key, raw)


def api_words(raw: Any) -> str:
    """An API number's digits with the zero that spreadsheets drop before states 01 to 09.

    Raises `ValueError` for a number that a spreadsheet has rounded.
    """
    words = str(raw).strip()
    if isinstance(raw, float) and raw.is_integer():
        words = str(int(raw))
    if words.endswith(".0"):
        words = words.removesuffix(".0")
    if _ROUNDED.fullmatch(words):
        raise ValueError(
            f"API number {words} was rounded by a spreadsheet; make the column text and enter its"
            " digits again"
        )
    digits = re.sub(r"[-\s.]", "", words)
    return f"0{digits}" if len(digits) in {9, 11, 13} and digits.isdigit() else words


def api_of_parts(county: Any, sequence: Any, sidetrack: Any = None) -> str:
    """The API number of a Colorado file, which names county, sequence and sidetrack apart."""
    parts = [_digits(county, 3, "API county"), _digits(sequence, 5, "API sequence")]
    parts.append(_digits(sidetrack or 0, 2, "API sidetrack"))
    return COLORADO + "".join(parts)


def _digits(raw: Any, width: int, name: str) -> str:
    words = str(int(raw)) if isinstance(raw, float) and raw.is_integer() else str(raw).strip()
    words = words.removesuffix(".0")
    if not words.isdigit() or len(words) > width:
        raise ValueError(f"{name} takes at most {width} digits; {words!r} is not that")
    return words.zfill(width)


def month_of(raw: Any) -> date | None:
    """The first day of a month written as one: Sep 2021, Sep-21, 2021-09, 9/2021, 202109."""
    if isinstance(raw, datetime | date) or raw is None:
        return None
    words = str(raw).strip().lower().removesuffix(".0")
    if (named := _NAMED_MONTH.fullmatch(words)) and named[1][:3] in _MONTHS:
        year = int(named[2]) if len(named[2]) == 4 else _century(int(named[2]))
        return date(year, _MONTHS.index(named[1][:3]) + 1, 1)
    for form in _NUMBERED:
        if found := form.fullmatch(words):
            return date(int(found["year"]), int(found["month"]), 1)
    return None


def _century(year: int) -> int:
    """Two digits of a year: up to ten years ahead of us, else of the last century."""
    return 2000 + year if year <= (datetime.now().year + 10) % 100 else 1900 + year  # noqa: DTZ005


def share(raw: Any) -> Any:
    """A share of the whole: 12.5% is 0.125; what is not written as a percentage stays."""
    if isinstance(raw, str) and raw.strip().endswith("%"):
        number = raw.strip().removesuffix("%").strip()
        if re.fullmatch(r"[0-9]+(\.[0-9]*)?|\.[0-9]+", number):
            return _shift(number)
    return raw


def _shift(number: str) -> str:
    """Move the decimal point two places to the left, exactly."""
    whole, _point, decimals = number.partition(".")
    padded = whole.zfill(3)
    return f"{padded[:-2]}.{padded[-2:]}{decimals}"
