"""What a message about an alert says: what, where, how bad, since when, and what to do (pure)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from hub.notify import wording
from hub.notify.wording import Watched, with_unit

#: `returned`: told of before and kept quiet since, it still stands; `digest`: what was learned of
#: the time in which a link was down.
NoticeKind = Literal["raised", "level", "cleared", "retracted", "returned", "digest"]

LEVEL_WORDS: Final = {
    "lolo": "very low",
    "lo": "low",
    "hi": "high",
    "hihi": "very high",
    "alarm": "in alarm",
}
SEVERITY_WORDS: Final = {1: "Critical", 2: "Warning", 3: "Caution", 4: "Advice"}


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a rule and the tag it watches, whatever happens to them."""

    organization: str
    timezone: str  #: IANA name
    place: str  #: the well, or the agent while nobody has linked the tag
    tag: str
    quantity: str  #: what is measured: "Tubing pressure"
    unit: str
    rule: str
    cause: str = ""
    consequence: str = ""
    action: str = ""
    respond_within_s: int | None = None
    said: str = ""  #: the whole sentence, where an alarm is not about a value and its limit
    watched: Watched | None = None  #: what the rule watches, where that is not the value itself


@dataclass(frozen=True, slots=True)
class Standing:
    """How an alert stands when something is said about it."""

    alert_id: uuid.UUID
    priority: int
    level: str
    value: float | None
    setpoint: float | None
    extreme: float | None
    raised_at: datetime
    cleared_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """One message, as every channel gets it."""

    subject: str
    body: dict[str, Any]


def sentence(facts: Facts, standing: Standing) -> str:
    """What is wrong, with the worst value and the limit: the title of an alert."""
    if facts.said:
        return facts.said
    if facts.watched is not None:
        return wording.sentence(
            facts.watched,
            facts.quantity,
            facts.rule,
            standing.level,
            value=standing.value,
            worst=standing.extreme,
            setpoint=standing.setpoint,
        )
    worst = standing.value if standing.extreme is None else standing.extreme
    return (
        f"{facts.quantity} {LEVEL_WORDS[standing.level]}:"
        f" {with_unit(worst, facts.unit)}"
        f"{_limit(standing.setpoint, facts.unit)}"
    )


def _limit(setpoint: float | None, unit: str) -> str:
    return "" if setpoint is None else f", limit {with_unit(setpoint, unit)}"


def compose(kind: NoticeKind, facts: Facts, standing: Standing) -> Message:
    """Put a message together; times for people are on the operator's clock."""
    what = sentence(facts, standing)
    severity = SEVERITY_WORDS[standing.priority]
    subjects = {
        "raised": f"{severity}: {facts.place}: {what}",
        "level": f"{severity}: {facts.place}: now {what[0].lower()}{what[1:]}",
        "cleared": f"Cleared: {facts.place}: {_over(facts)}",
        "retracted": f"Did not happen: {facts.place}: {what[0].lower()}{what[1:]}",
        "returned": f"Still {severity.lower()}: {facts.place}: {what[0].lower()}{what[1:]}",
        "digest": f"While the link was down: {facts.place}: {what[0].lower()}{what[1:]}",
    }
    body = {
        "kind": kind,
        "alert_id": str(standing.alert_id),
        "organization": facts.organization,
        "priority": standing.priority,
        "severity": severity,
        "level": standing.level,
        "place": facts.place,
        "tag": facts.tag,
        "quantity": facts.quantity,
        "rule": facts.rule,
        "sentence": what,
        "said": bool(facts.said or facts.watched),
        **_numbers(facts, standing),
        "raised_at": _utc(standing.raised_at),
        "cleared_at": _utc(standing.cleared_at),
        "since": local_time(standing.raised_at, facts.timezone),
        "until": local_time(standing.cleared_at, facts.timezone),
        "cause": facts.cause,
        "consequence": facts.consequence,
        "action": facts.action,
        "respond_within_s": facts.respond_within_s,
    }
    return Message(" ".join(subjects[kind].split()), body)


def letter(
    kind: str, organization: str, subject: str, paragraphs: Sequence[str], path: str = "/alerts"
) -> Message:
    """A message in plain words, about no single alert: the first paragraph is its headline.

    `path` is the page of the console where more can be seen.
    """
    body = {
        "kind": kind,
        "organization": organization,
        "headline": paragraphs[0],
        "paragraphs": list(paragraphs[1:]),
        "path": path,
    }
    return Message(" ".join(subject.split()), body)


def plain_text(body: dict[str, Any], link: str, answer: str | None = None) -> str:
    """The message as plain text, with where it is answered and seen in the console."""
    table = "\n".join(f"{name:<11}{value}" for name, value in rows(body))
    parts = [headline(body), *([table] if table else []), *paragraphs(body)]
    parts += [f"{name}\n{text}" for name, text in advice(body)]
    parts += [f"{said}\n{where}" for said, where in ways(body, link, answer)]
    return "\n\n".join(parts) + f"\n\n-- \n{body['organization']}, WellFlow\n"


def headline(body: dict[str, Any]) -> str:
    """The first line: what happened, where."""
    if "headline" in body:
        return str(body["headline"])
    if body.get("said") or body["kind"] in {"returned", "digest"}:
        return _said_headline(body)
    quantity, level = body["quantity"], LEVEL_WORDS[body["level"]]
    return {
        "raised": f"{quantity} {level} at {body['place']}.",
        "level": f"{quantity} now {level} at {body['place']}.",
        "cleared": f"{quantity} at {body['place']} is back to normal.",
        "retracted": f"{quantity} at {body['place']} was not {level}: readings that came late"
        " show that it did not happen.",
    }[body["kind"]]


def paragraphs(body: dict[str, Any]) -> list[str]:
    """What a message of plain words says after its first line."""
    return [str(said) for said in body.get("paragraphs", ())]


def _numbers(facts: Facts, standing: Standing) -> dict[str, Any]:
    """Value, limit, worst and their unit; a signal without a limit is no number for people."""
    told = facts.watched is None or standing.setpoint is not None
    return {
        "value": standing.value if told else None,
        "setpoint": standing.setpoint,
        "extreme": standing.extreme if told else None,
        "unit": facts.unit,
    }


def _over(facts: Facts) -> str:
    told = facts.said or facts.watched
    return f"{facts.rule} is over" if told else f"{facts.quantity} is back to normal"


def _said_headline(body: dict[str, Any]) -> str:
    told = f"{body['place']}: {body['sentence']}"
    return {
        "cleared": f"Over: {told}.",
        "retracted": f"Did not happen: {told}.",
        "returned": f"It still stands. {told}.",
        "digest": f"While the link was down. {told}.",
    }.get(body["kind"], f"{told}.").replace("..", ".")


def rows(body: dict[str, Any]) -> list[tuple[str, str]]:
    """The facts as a small table; none in a message of plain words."""
    if "headline" in body:
        return []
    unit = body["unit"]
    listed = [
        ("Value", with_unit(body["value"], unit)),
        ("Limit", _limit_row(body)),
        ("Worst", with_unit(body["extreme"], unit)),
        ("Since", body["since"]),
        ("Until", body["until"]),
        ("Priority", f"{body['priority']}, {body['severity'].lower()}"),
        ("Well", body["place"]),
        ("Gauge", body["tag"]),
    ]
    left_out = {"raised": "Worst", "level": ""}.get(body["kind"], "Value")
    return [(name, value) for name, value in listed if value and name != left_out]


def _limit_row(body: dict[str, Any]) -> str:
    if body["setpoint"] is None:
        return ""
    return f"{with_unit(body['setpoint'], body['unit'])} ({LEVEL_WORDS[body['level']]})"


def advice(body: dict[str, Any]) -> list[tuple[str, str]]:
    """What to do, and why; nothing once it is over."""
    if "headline" in body or body["kind"] not in {"raised", "level", "returned"}:
        return []
    within = body["respond_within_s"]
    todo = body["action"]
    if within:
        todo = f"{todo} Act within {duration(within)}.".strip()
    listed = [
        ("What to do", todo),
        ("Usual cause", body["cause"]),
        ("If nothing is done", body["consequence"]),
    ]
    return [(name, text) for name, text in listed if text]


def invitation(body: dict[str, Any]) -> str:
    """What the link is for."""
    if "headline" in body:
        return "More in WellFlow:"
    ongoing = body["kind"] in {"raised", "level", "returned"}
    return "Acknowledge, and see the trend:" if ongoing else "See what happened:"


def ways(body: dict[str, Any], link: str, answer: str | None) -> list[tuple[str, str]]:
    """What one can do about a message, and where: answer it without signing in, and see more."""
    if answer is None:
        return [(invitation(body), link)]
    if body["kind"] == "test":
        return [("Tap here to prove that this reached you:", answer)]
    seen = "More in WellFlow:" if "headline" in body else "See the trend:"
    return [("Acknowledge without signing in:", answer), (seen, link)]


def duration(seconds: int) -> str:
    """A time to act in: 90 s, 30 min, 4 h."""
    if seconds < 120:
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < 7200 else f"{seconds / 3600:g} h"


def local_time(instant: datetime | None, timezone: str) -> str:
    """An instant on the operator's clock: 14:02:07 CST, Fri 22 Nov 2024."""
    if instant is None:
        return ""
    local = instant.astimezone(_zone(timezone))
    return f"{local:%H:%M:%S} {local.tzname()}, {local:%a} {local.day} {local:%b %Y}"


def _zone(timezone: str) -> tzinfo:
    """The zone, or UTC where this machine has no data for it: a page must go out in any case."""
    try:
        return ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def _utc(instant: datetime | None) -> str | None:
    if instant is None:
        return None
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
