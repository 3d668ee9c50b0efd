"""Refusals as RFC 9457 problems: kinds with stable names, a sentence, the fields at fault (pure).

A kind's `type` is a URN that never changes; `docs/api.md` explains each of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

MEDIA_TYPE = "application/problem+json"
PREFIX = "urn:wellflow:problem:"


@dataclass(frozen=True, slots=True)
class Kind:
    """A sort of refusal: its name in the URN, its status, and its title."""

    name: str
    status: int
    title: str
    #: Sentence where nothing more is known.
    sentence: str

    @property
    def type(self) -> str:
        """The URN that names it."""
        return PREFIX + self.name


MALFORMED = Kind("malformed", 400, "Not understood", "The request could not be understood.")
UNKNOWN_CALLER = Kind(
    "unknown-caller",
    401,
    "Not signed in",
    "Send an API key as “Authorization: Bearer wf_…”; this request carries none that is valid.",
)
FORBIDDEN = Kind("forbidden", 403, "Not allowed", "You may not do this.")
MISSING = Kind(
    "missing", 404, "Not found", "There is no such address here, or it is another operator's."
)
METHOD = Kind(
    "method",
    405,
    "Not possible",
    "This address does not take that method; Allow names those it does.",
)
CONFLICT = Kind("conflict", 409, "In the way", "Something else stands against this change.")
STALE = Kind("stale", 412, "Changed meanwhile", "The row was changed since you read it.")
TOO_LARGE = Kind("too-large", 413, "Too large", "What was sent is larger than this address takes.")
MEDIA = Kind(
    "media-type",
    415,
    "Not this kind of content",
    "This address does not take that kind of content.",
)
REFUSED = Kind("refused", 422, "Refused", "Some values cannot be taken.")
UNCONDITIONAL = Kind(
    "unconditional",
    428,
    "Say which version",
    "Send If-Match with the ETag of the row as you read it, so that nobody's change is lost.",
)
TOO_MANY = Kind(
    "too-many", 429, "Too many requests", "Too many requests; wait as long as Retry-After says."
)
FAULT = Kind("fault", 500, "Something broke", "The hub failed on this request.")
AWAY = Kind(
    "away", 503, "Not available", "The hub cannot reach its database; try again in a minute."
)

KINDS = (
    MALFORMED,
    UNKNOWN_CALLER,
    FORBIDDEN,
    MISSING,
    METHOD,
    CONFLICT,
    STALE,
    TOO_LARGE,
    MEDIA,
    REFUSED,
    UNCONDITIONAL,
    TOO_MANY,
    FAULT,
    AWAY,
)
BY_STATUS = {kind.status: kind for kind in KINDS}


@dataclass
class Problem(Exception):  # noqa: N818 - the word of RFC 9457
    """A refusal on its way to the caller."""

    kind: Kind
    detail: str = ""
    #: Field -> what is wrong with it, in one sentence.
    faults: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    #: Members of this kind's own, such as what changed meanwhile.
    more: Mapping[str, Any] = field(default_factory=dict)

    @property
    def body(self) -> dict[str, Any]:
        """The problem as RFC 9457 writes it."""
        written: dict[str, Any] = {
            "type": self.kind.type,
            "title": self.kind.title,
            "status": self.kind.status,
            "detail": self.detail or self.kind.sentence,
        }
        if self.faults:
            written["errors"] = [
                {"field": name, "detail": sentence} for name, sentence in self.faults.items()
            ]
        return written | dict(self.more)


def refuse(faults: Mapping[str, str], detail: str = "") -> NoReturn:
    """Refuse values: 422 with each field at fault; the first sentence stands for all."""
    raise Problem(REFUSED, detail or next(iter(faults.values()), ""), faults)


def of_status(status: int, detail: str = "") -> Problem:
    """The problem behind a bare HTTP status; an unlisted one keeps its number."""
    kind = BY_STATUS.get(status)
    if kind is None:
        family = FAULT if status >= 500 else MALFORMED
        kind = Kind(family.name, status, family.title, family.sentence)
    return Problem(kind, detail)
