"""Judging a condition by what is known: yes, no, or possible, and why (pure).

Facts are intervals and may be unknown; the logic has three values. A condition is *due* where it
holds for the best estimates, *potential* where it may hold within the intervals: an agency that may
have to be told is told in time, not after the volume was measured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, Literal

from hub.incidents.logic import (
    SIGNS,
    AllOf,
    Among,
    AnyOf,
    Compare,
    Fact,
    Node,
    Not,
    Number,
    Over,
)
from hub.incidents.values import (
    ANY,
    Interval,
    Truth,
    Value,
    all_of,
    any_of,
    exactly,
    invert,
)
from hub.incidents.words import WORDS

Verdict = Literal["due", "potential", "not_asked"]


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one incident: by best estimate, and all that may be."""

    at: datetime
    expected: Mapping[str, Value]
    possible: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a rule asks of an incident, and because of what."""

    verdict: Verdict
    because: str
    open_questions: tuple[str, ...] = ()  #: names of facts that would settle it


@dataclass(slots=True)
class _View:
    """One way to look at the facts, and what was met on the way."""

    facts: Mapping[str, Value]
    at: datetime
    others: Sequence[tuple[datetime, Mapping[str, Value]]]
    reasons: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


def judge(node: Node, known: Known, others: Sequence[Known] = ()) -> Judgement:
    """What a condition asks of an incident, given the other incidents of its site."""
    best = _View(known.expected, known.at, [(other.at, other.expected) for other in others])
    if _truth(node, best) is True:
        return Judgement("due", _sentence(best.reasons), tuple(dict.fromkeys(best.unknown)))
    wide = _View(known.possible, known.at, [(other.at, other.possible) for other in others])
    truth = _truth(node, wide)
    if truth is False:
        return Judgement("not_asked", "")
    return Judgement("potential", _sentence(wide.reasons), tuple(dict.fromkeys(wide.unknown)))


def _sentence(reasons: Sequence[str]) -> str:
    return "; ".join(dict.fromkeys(reasons))


def _truth(node: Node, view: _View) -> Truth:
    """Whether a condition holds; what made it hold, or leaves it open, is noted in the view."""
    if isinstance(node, AnyOf | AllOf):
        return _parts(node, view)
    if isinstance(node, Not):
        return _contrary(node, view)
    truth = _atom(node, view)
    if truth is not False:
        view.reasons.append(_said(node, view, truth))
        if truth is None:
            view.unknown += _names(node)
    return truth


def _parts(node: AnyOf | AllOf, view: _View) -> Truth:
    """Judge each part on a page of its own, and keep the pages of those that decide."""
    pages = [_View(view.facts, view.at, view.others) for _part in node.parts]
    truths = [_truth(part, page) for part, page in zip(node.parts, pages, strict=True)]
    truth = any_of(truths) if isinstance(node, AnyOf) else all_of(truths)
    for found, page in zip(truths, pages, strict=True):
        wanted = found is not False if isinstance(node, AllOf) else found is truth
        if truth is not False and wanted:
            view.reasons += page.reasons
            view.unknown += page.unknown
    return truth


def _contrary(node: Not, view: _View) -> Truth:
    """NOT: pushed inwards, so that the reasons are of what is asked for."""
    inner = node.inner
    if isinstance(inner, Not):
        return _truth(inner.inner, view)
    if isinstance(inner, AllOf):
        return _truth(AnyOf(tuple(Not(part) for part in inner.parts)), view)
    if isinstance(inner, AnyOf):
        return _truth(AllOf(tuple(Not(part) for part in inner.parts)), view)
    truth = invert(_atom(inner, view))
    if truth is not False:
        view.reasons.append(_said(inner, view, truth, negated=True))
        if truth is None:
            view.unknown += _names(inner)
    return truth


def _atom(node: Node, view: _View) -> Truth:
    if isinstance(node, Among):
        value = view.facts.get(node.fact.name)
        return None if value is None else value in node.choices
    if isinstance(node, Compare):
        return _compared(node, view)
    if isinstance(node, Fact):
        value = view.facts.get(node.name)
        return value if isinstance(value, bool) else None
    raise TypeError(f"{node!r} is no condition")


def _compared(node: Compare, view: _View) -> Truth:
    if isinstance(node.right, date):
        day = view.facts.get(node.left.name) if isinstance(node.left, Fact) else None
        return SIGNS[node.sign](day, node.right) if isinstance(day, date) else None
    left, right = _number(node.left, view), _number(node.right, view)
    ends = [_at_end(node.sign, left, right, least=least) for least in (True, False)]
    if node.sign == "=" and ends[0] is not ends[1]:
        return None
    return ends[0] if ends[0] is ends[1] else None


def _at_end(sign: str, left: Interval, right: Interval, *, least: bool) -> Truth:
    """The comparison at one end: the left side as small, or as large, as it can be."""
    if sign == "=":
        if left.low == left.high == right.low == right.high:
            return True
        apart = (left.high is not None and left.high < right.low) or (
            right.high is not None and right.high < left.low
        )
        return False if apart else least
    one = left.low if least else left.high
    other = right.high if least else right.low
    if one is None or other is None:  # infinitely much: on the left at its most, else on the right
        return sign in {">", ">="} if one is None else sign in {"<", "<="}
    return SIGNS[sign](one, other)


def _number(node: Any, view: _View) -> Interval:
    if isinstance(node, Number):
        return exactly(node.value)
    if isinstance(node, Over):
        return _rolled(node, view)
    value = view.facts.get(node.name)
    return value if isinstance(value, Interval) else ANY


# ------------------------------------------------------------------------------------ rolling


def _rolled(node: Over, view: _View) -> Interval:
    """The worst stretch of time that this incident lies in: least and most of its sums."""
    each = [(view.at, _share(node, view)), *_shares(node, view)]
    sums = [
        _total([share for at, share in each if start <= at <= end])
        for start in sorted({at for at, _share in each if at <= view.at})
        for end in [_end(start, node.rolling.hours)]
        if view.at <= end
    ]
    high = None if any(s.high is None for s in sums) else max(s.high or Decimal(0) for s in sums)
    return Interval(max(s.low for s in sums), high)


def _shares(node: Over, view: _View) -> list[tuple[datetime, Interval]]:
    return [(at, _share(node, _View(facts, at, ()))) for at, facts in view.others]


def _share(node: Over, view: _View) -> Interval:
    """What one incident adds to a sum or count."""
    if not node.rolling.counts:
        return _number(node.inner, view)
    truth = _truth(node.inner, _View(view.facts, view.at, ()))
    return Interval(Decimal(truth is True), Decimal(truth is not False))


def _total(shares: Sequence[Interval]) -> Interval:
    total = exactly(0)
    for share in shares:
        total += share
    return total


def _end(start: datetime, hours: int | None) -> datetime:
    """Where a stretch ends that begins here; both of its ends belong to it."""
    if hours is not None:
        return start + timedelta(hours=hours)
    try:
        return start.replace(year=start.year + 1)
    except ValueError:  # 29 February
        return start.replace(year=start.year + 1, month=3, day=1)


#: Furthest that any sum looks, to both sides.
LOOKS: Final = timedelta(days=366)


# ------------------------------------------------------------------------------------- words


def _names(node: Any) -> list[str]:
    """Facts that a condition speaks of."""
    if isinstance(node, Fact):
        return [node.name]
    inner: Sequence[Any] = ()
    if isinstance(node, Among):
        inner = [node.fact]
    elif isinstance(node, Compare):
        inner = [node.left, node.right]
    elif isinstance(node, Over | Not):
        inner = [node.inner]
    elif isinstance(node, AllOf | AnyOf):
        inner = node.parts
    return [name for part in inner for name in _names(part)]


def _said(node: Node, view: _View, truth: Truth, *, negated: bool = False) -> str:
    """A condition that was met, or may be, in words."""
    doubt = "perhaps " if truth is None else ""
    if isinstance(node, Compare):
        return _said_compare(node, view, truth, negated=negated)
    if isinstance(node, Among):
        found = view.facts.get(node.fact.name)
        if found is None:
            return f"{WORDS[node.fact.name].said} is not known"
        return f"{WORDS[node.fact.name].said} is {str(found).replace('_', ' ')}"
    name = node.name if isinstance(node, Fact) else ""
    said = WORDS[name].said if name in WORDS else str(node)
    if truth is None:
        return f"nobody knows whether {said}"
    return f"{doubt}it is not so that {said}" if negated else f"{doubt}{said}"


def _said_compare(node: Compare, view: _View, truth: Truth, *, negated: bool) -> str:
    sign = _OPPOSITE[node.sign] if negated else node.sign
    if isinstance(node.right, date):
        day = view.facts.get(node.left.name) if isinstance(node.left, Fact) else None
        said = WORDS[node.left.name].said if isinstance(node.left, Fact) else ""
        return f"{said}: {day or 'not known'}; asked for: {sign} {node.right}"
    left, right = _quantity(node.left, view), _quantity(node.right, view)
    possibly = " is possible" if truth is None else ""
    return f"{left} {_SIGN.get(sign, sign)} {right}{possibly}"


_SIGN: Final = {">=": "≥", "<=": "≤"}
_OPPOSITE: Final = {">=": "<", "<": ">=", ">": "<=", "<=": ">", "=": "other than"}


def _quantity(node: Any, view: _View) -> str:
    if isinstance(node, Number):
        return node.text if node.text[0].isdigit() else f"{node.value} ({node.text})"
    if isinstance(node, Over):
        inner = node.inner
        said = WORDS[inner.name].said if isinstance(inner, Fact) else "incidents of this kind"
        unit = WORDS[inner.name].unit if isinstance(inner, Fact) else ""
        return f"{said} {node.rolling.said} {_number(node, view)} {unit}".strip()
    word = WORDS[node.name]
    return f"{word.said} {_number(node, view)} {word.unit}".strip()
