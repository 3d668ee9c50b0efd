"""Fields with a form of their own: API numbers, bank routing numbers, time zones, addresses.

Each reader takes trimmed words and answers the one form that is stored, or raises `ValueError`
with what is allowed; the sentence is completed by the field's label.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Final
from zoneinfo import available_timezones


def api_number(words: str) -> str:
    """Fourteen digits from an API number of 10, 12 or 14, with or without dashes.

    State (2), county (3), well (5), sidetrack (2), event (2); a missing sidetrack or event is 00
    (API Bulletin D12A).
    """
    digits = re.sub(r"[-\s]", "", words)
    if not re.fullmatch(r"[0-9]{10}([0-9]{2}){0,2}", digits):
        raise ValueError("takes 10, 12 or 14 digits, like 42-389-12345-00-00")
    return digits.ljust(14, "0")


def routing_number(words: str) -> str:
    """Nine digits whose weighted sum (3, 7, 1) is a multiple of ten: an ABA routing number."""
    digits = re.sub(r"[-\s]", "", words)
    weights = (3, 7, 1) * 3
    if not re.fullmatch(r"[0-9]{9}", digits):
        raise ValueError("takes the 9 digits of an ABA routing number")
    if sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=True)) % 10:
        raise ValueError("takes an ABA routing number; in this one a digit is wrong")
    return digits


def email(words: str) -> str:
    """An e-mail address."""
    if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s.]+", words):
        raise ValueError("takes an e-mail address, like bob@example.com")
    return words


def zone(words: str) -> str:
    """A time zone of the IANA list, whatever its capitals."""
    known = _zones().get(words.replace(" ", "_").lower())
    if known is None:
        raise ValueError("takes a time zone of the IANA list, like America/Chicago")
    return known


@cache
def _zones() -> dict[str, str]:
    return {name.lower(): name for name in available_timezones()}


def state(words: str) -> str:
    """The two capital letters of a state."""
    if not re.fullmatch(r"[A-Za-z]{2}", words):
        raise ValueError("takes the two letters of a state, like TX")
    return words.upper()


def currency(words: str) -> str:
    """The three capital letters of a currency (ISO 4217)."""
    if not re.fullmatch(r"[A-Za-z]{3}", words):
        raise ValueError("takes the three letters of a currency, like USD")
    return words.upper()


def phone(words: str) -> str:
    """A telephone number with its country code (E.164); ten digits are taken for North America."""
    digits = re.sub(r"[-.()\s]", "", words)
    if re.fullmatch(r"[2-9][0-9]{9}", digits):
        digits = f"+1{digits}"
    if not re.fullmatch(r"\+[1-9][0-9]{6,14}", digits):
        raise ValueError("takes a telephone number with country code, like +1 432 555 0123")
    return digits


def account_number(words: str) -> str:
    """The digits of a bank account's number, 4 to 17 of them (NACHA)."""
    digits = re.sub(r"[-\s]", "", words)
    if not re.fullmatch(r"[0-9]{4,17}", digits):
        raise ValueError("takes the 4 to 17 digits of an account number")
    return digits


def tax_id(words: str) -> str:
    """The nine digits of an EIN or SSN."""
    digits = re.sub(r"[-\s]", "", words)
    if not re.fullmatch(r"[0-9]{9}", digits):
        raise ValueError("takes the 9 digits of an EIN or SSN")
    return digits


def county_code(words: str) -> str:
    """Five digits: state and county (FIPS)."""
    if not re.fullmatch(r"[0-9]{5}", words):
        raise ValueError("takes the 5 digits of a county code, like 48389")
    return words


def web_address(words: str) -> str:
    """An address that a browser may be sent to."""
    if not re.fullmatch(r"https?://[^\s<>\"']+", words):
        raise ValueError("takes an address that begins with https://")
    return words


#: By column name, in whatever table it stands.
READERS: Final[Mapping[str, Callable[[str], str]]] = {
    "api14": api_number,
    "routing": routing_number,
    "account_enc": account_number,
    "tax_id_enc": tax_id,
    "email": email,
    "timezone": zone,
    "state": state,
    "county_fips": county_code,
    "currency": currency,
    "phone": phone,
    "citation_url": web_address,
}
