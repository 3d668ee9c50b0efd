"""Reads and writes the values of fields: one rule per kind, for forms, the API and imports alike.

`parse` takes what any door brings: words from a form or a CSV cell, JSON values, cells of a
spreadsheet. What `show` writes, `parse` reads back to the same value.
"""

from __future__ import annotations

import json
import math
import re
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from zoneinfo import ZoneInfo

from hub.register.errors import ValueRefused
from hub.register.fields import Field, Kind
from hub.register.normal import READERS

YES: Final = frozenset({"true", "yes", "y", "1", "on", "t", "x"})
NO: Final = frozenset({"false", "no", "n", "0", "off", "f"})
#: What PostgreSQL's integer and bigint hold.
LARGEST: Final = 2**63 - 1
#: Years that mean something here; a typed 0206 or 20260 is a slip.
YEARS: Final = range(1850, 2200)
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_GROUPED: Final = re.compile(r"[-+]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]*)?")
_NUMBER: Final = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]{1,3})?")
_US_DATE: Final = re.compile(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})")


def parse(field: Field, raw: Any, zone: ZoneInfo | None = None) -> Any:
    """The value of a field; nothing, or only blanks, is None.

    `zone` is the clock of a time that names no offset. Raises `ValueRefused` with one sentence.
    """
    trimmed = raw.strip() if isinstance(raw, str) else raw
    if trimmed is None or trimmed == "":
        if field.required:
            raise ValueRefused(f"{field.label} is needed.")
        return None
    try:
        return _reader(field)(field, trimmed, zone)
    except ValueError as fault:
        raise ValueRefused(f"{field.label} {fault}.") from None


Reader = Callable[[Field, Any, ZoneInfo | None], Any]


def _reader(field: Field) -> Reader:
    kind = field.kind
    if kind == "reference":
        kind = "integer" if field.holds is int else "uuid"
    return READ[kind]


def _quote(raw: Any) -> str:
    """What was given, shortened for a sentence."""
    words = str(raw).replace("\n", " ")
    return f"“{words[:40]}…”" if len(words) > 40 else f"“{words}”"


# --------------------------------------------------------------------------------------- words


def _text(field: Field, raw: Any, _zone: ZoneInfo | None) -> str:
    if isinstance(raw, float) and raw.is_integer():
        raw = int(raw)  # a spreadsheet's 4238912345.0 is a number somebody typed as 4238912345
    if isinstance(raw, bool | dict | list):
        raise ValueError("takes text")
    words = str(raw).replace("\r\n", "\n")
    if _CONTROL.search(words):
        raise ValueError("takes text without control characters")
    if field.kind == "text" and "\n" in words:
        raise ValueError("takes one line of text")
    longest = field.max_length
    if longest is not None and len(words) > longest:
        raise ValueError(f"takes at most {longest:,} characters; these are {len(words):,}")
    own = READERS.get(field.name)
    return own(words) if own else words


def _choice(field: Field, raw: Any, _zone: ZoneInfo | None) -> str:
    words = str(raw)
    if words in field.choices:
        return words
    plain = re.sub(r"[\s-]+", "_", words.lower())
    for choice in field.choices:
        if plain in {choice.lower(), re.sub(r"[\s-]+", "_", choice.lower())}:
            return choice
    raise ValueError(f"takes one of {', '.join(field.choices)}")


def _uuid(field: Field, raw: Any, _zone: ZoneInfo | None) -> uuid.UUID:
    if isinstance(raw, uuid.UUID):
        return raw
    wanted = "takes one of the list" if field.kind == "reference" else "takes an id"
    if not isinstance(raw, str) or len(raw) > 40:
        raise ValueError(wanted)
    try:
        return uuid.UUID(raw)
    except ValueError:
        raise ValueError(wanted) from None


def _boolean(_field: Field, raw: Any, _zone: ZoneInfo | None) -> bool:
    if isinstance(raw, bool):
        return raw
    words = str(raw).lower()
    if words in YES or words in NO:
        return words in YES
    raise ValueError("takes yes or no")


# ------------------------------------------------------------------------------------- numbers


def plain_number(raw: Any) -> str:
    """A number's digits as Python reads them: commas only between groups of three.

    “1,234.5” is read; “1,5” is not, because it may be a decimal comma. A dollar sign is dropped,
    and accountants' parentheses are a minus. Raises `ValueError`.
    """
    words = str(raw).replace("\u2212", "-").replace("$", "", 1).strip()
    if words.startswith("(") and words.endswith(")"):
        words = f"-{words[1:-1].strip()}"
    if _GROUPED.fullmatch(words):
        words = words.replace(",", "")
    if len(words) > 60 or not _NUMBER.fullmatch(words):
        raise ValueError(f"takes a number like 1234.5; {_quote(raw)} is not one")
    return words


def _integer(_field: Field, raw: Any, _zone: ZoneInfo | None) -> int:
    if isinstance(raw, bool):
        raise ValueError("takes a whole number")
    value = Decimal(plain_number(raw))
    if value != value.to_integral_value() or abs(value) > LARGEST:
        raise ValueError(f"takes a whole number; {_quote(raw)} is not one")
    return int(value)


def _decimal(field: Field, raw: Any, _zone: ZoneInfo | None) -> Decimal:
    if isinstance(raw, bool):
        raise ValueError("takes a number")
    try:
        value = Decimal(plain_number(repr(raw) if isinstance(raw, float) else raw))
    except InvalidOperation:
        raise ValueError("takes a number like 1234.5") from None
    if field.scale is None or field.precision is None:
        return value
    return _fitting(field, value, drawn=isinstance(raw, float))


def _fitting(field: Field, value: Decimal, *, drawn: bool) -> Decimal:
    """The value if its digits fit the column; never rounded, but for a float's own noise."""
    precision, scale = field.precision or 0, field.scale or 0
    step = Decimal(1).scaleb(-scale)
    if abs(value) >= Decimal(1).scaleb(precision - scale):
        most = Decimal(1).scaleb(precision - scale) - step
        raise ValueError(f"takes a number of at most {most:,f}")
    exact = value.quantize(step)
    if exact == value or (drawn and math.isclose(exact, value, rel_tol=1e-12, abs_tol=1e-12)):
        return exact
    plural = "decimal" if scale == 1 else "decimals"
    raise ValueError(f"takes a number with at most {scale} {plural}")


def _double(_field: Field, raw: Any, _zone: ZoneInfo | None) -> float:
    if isinstance(raw, bool):
        raise ValueError("takes a number")
    value = float(plain_number(repr(raw) if isinstance(raw, float) else raw))
    if not math.isfinite(value):
        raise ValueError("takes a number that is not infinite")
    return value


# ---------------------------------------------------------------------------------------- time


def _date(_field: Field, raw: Any, _zone: ZoneInfo | None) -> date:
    if isinstance(raw, datetime):
        if raw.time() != time():
            raise ValueError("takes a day without a time")
        raw = raw.date()
    value = raw if isinstance(raw, date) else _written_date(str(raw))
    if value.year not in YEARS:
        raise ValueError(f"takes a day between {YEARS.start} and {YEARS.stop - 1}")
    return value


def _written_date(words: str) -> date:
    """A day written 2026-03-31 or 3/31/2026."""
    american = _US_DATE.fullmatch(words)
    try:
        if american:
            month, day, year = map(int, american.groups())
            return date(year, month, day)
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ]00:00(:00)?)?", words):
            return date.fromisoformat(words[:10])
    except ValueError:
        raise ValueError(f"takes a day of the calendar; {_quote(words)} is none") from None
    raise ValueError(f"takes a day like 2026-03-31 or 3/31/2026; {_quote(words)} is none")


def _instant(_field: Field, raw: Any, zone: ZoneInfo | None) -> datetime:
    value = raw if isinstance(raw, datetime) else _written_instant(str(raw))
    if value.tzinfo is None:
        if zone is None:
            raise ValueError("takes a time with its offset, like 2026-03-31T07:00:00-05:00")
        value = value.replace(tzinfo=zone)
    if value.year not in YEARS:
        raise ValueError(f"takes a time between the years {YEARS.start} and {YEARS.stop - 1}")
    return value.astimezone(UTC)


def _written_instant(words: str) -> datetime:
    american = re.match(r"([0-9]{1,2}/[0-9]{1,2}/[0-9]{4})[ T]+(.+)", words)
    try:
        if american:
            return datetime.combine(_written_date(american[1]), _clock(american[2]))
        if re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", words):
            return datetime.fromisoformat(words)
    except ValueError:
        pass
    raise ValueError(f"takes a day and time like 2026-03-31 07:00; {_quote(words)} is none")


def _time(_field: Field, raw: Any, _zone: ZoneInfo | None) -> time:
    value = raw if isinstance(raw, time) else _clock(str(raw))
    if value.tzinfo is not None:
        raise ValueError("takes a time of day like 07:00, without an offset")
    return value


def _clock(words: str) -> time:
    """A time of day written 07:00, 07:00:30 or 7:00 am."""
    american = re.fullmatch(r"([0-9]{1,2}):([0-9]{2})\s*([ap])\.?m\.?", words.lower())
    try:
        if american:
            hour, minute = int(american[1]), int(american[2])
            if hour not in range(1, 13):
                raise ValueError
            return time(hour % 12 + 12 * (american[3] == "p"), minute)
        padded = f"0{words}" if re.match(r"[0-9]:", words) else words
        if re.match(r"[0-9]{2}:[0-9]{2}", padded):
            return time.fromisoformat(padded)
    except ValueError:
        pass
    raise ValueError(f"takes a time of day like 07:00; {_quote(words)} is none")


# --------------------------------------------------------------------------- lists and objects


def _json(_field: Field, raw: Any, _zone: ZoneInfo | None) -> Any:
    if not isinstance(raw, str):
        return _clean(raw)
    try:
        return _clean(json.loads(raw, parse_constant=_no_constant))
    except (ValueError, RecursionError):
        raise ValueError('takes JSON, like {"radius_ft": 30}') from None


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")


def _clean(value: Any, depth: int = 0) -> Any:
    """JSON without what the database cannot keep; raises `ValueError`."""
    if depth > 20:
        raise ValueError("takes JSON of at most 20 levels")
    if isinstance(value, str) and ("\0" in value or _CONTROL.search(value)):
        raise ValueError("takes JSON without control characters")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("takes JSON without NaN and infinity")
    if isinstance(value, list):
        return [_clean(item, depth + 1) for item in value]
    if isinstance(value, dict):
        return {_clean(str(k)): _clean(item, depth + 1) for k, item in value.items()}
    return value


def _array(field: Field, raw: Any, zone: ZoneInfo | None) -> list[Any]:
    items = raw if isinstance(raw, list | tuple) else _split(str(raw))
    read = READ["choice" if field.choices else field.item or "text"]
    if len(items) > 200:
        raise ValueError("takes at most 200 entries")
    found = []
    for item in items:
        trimmed = item.strip() if isinstance(item, str) else item
        if trimmed in {None, ""} if not isinstance(trimmed, dict | list) else True:
            raise ValueError("takes a list without empty entries")
        found.append(read(field, trimmed, zone))
    return found


def _split(words: str) -> list[Any]:
    """The entries of a list written as JSON, or with commas or semicolons between them."""
    if words.startswith("["):
        try:
            found = json.loads(words)
        except (ValueError, RecursionError):
            raise ValueError('takes a list, like a, b, c or ["a", "b"]') from None
        return list(found)
    return [item for item in re.split(r"[;,]", words) if item.strip()]


def _binary(_field: Field, raw: Any, _zone: ZoneInfo | None) -> bytes:
    if isinstance(raw, bytes):
        return raw
    try:
        return bytes.fromhex(str(raw))
    except ValueError:
        raise ValueError("takes bytes written in hexadecimal") from None


READ: Final[Mapping[Kind, Reader]] = {
    "text": _text,
    "long_text": _text,
    "integer": _integer,
    "decimal": _decimal,
    "double": _double,
    "boolean": _boolean,
    "date": _date,
    "instant": _instant,
    "time": _time,
    "choice": _choice,
    "json": _json,
    "uuid": _uuid,
    "binary": _binary,
    "array": _array,
}


# ------------------------------------------------------------------------------------- writing


def show(field: Field, value: Any, zone: ZoneInfo | None = None) -> str:
    """A value as words that `parse` reads back; instants with their offset, on the clock `zone`."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(zone or UTC).isoformat(sep=" ")
    if field.kind == "json" or isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return _show_list(value)
    return next((write(value) for kind, write in _WRITE if isinstance(value, kind)), str(value))


def _show_time(value: time) -> str:
    return value.isoformat("auto" if value.second or value.microsecond else "minutes")


def _show_decimal(value: Decimal) -> str:
    """All digits that say something, and two decimals where the column has them."""
    words = f"{value:f}"
    whole, _point, decimals = words.partition(".")
    kept = decimals[:2] + decimals[2:].rstrip("0")
    return f"{whole}.{kept}" if kept else whole


def _show_list(value: list[Any]) -> str:
    words = [str(item) for item in value]
    plain = all(re.fullmatch(r"[^\s,;\[][^,;]*", word) and word == word.strip() for word in words)
    return ", ".join(words) if plain else json.dumps(value, ensure_ascii=False, default=str)


_WRITE: Final[tuple[tuple[type, Callable[[Any], str]], ...]] = (
    (bool, lambda value: "yes" if value else "no"),
    (Decimal, _show_decimal),
    (time, _show_time),
    (bytes, bytes.hex),
    (float, repr),
)


def to_json(field: Field, value: Any) -> Any:
    """A value as JSON says it: decimals as text, so that no digit is lost; instants in UTC."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date | time | uuid.UUID):
        return value.isoformat() if not isinstance(value, uuid.UUID) else str(value)
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list) and field.kind == "array":
        return [to_json(field, item) for item in value]
    return value
