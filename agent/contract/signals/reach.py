"""Whether a condition can hold at all, and whether it can fail, given what its gauges can show.

A condition becomes alternatives of comparisons that hold together; those of one gauge with a number
narrow the span of that gauge, and an alternative whose span is empty cannot hold. Comparisons that
are not of one gauge with a number are taken as free: what is said to be impossible is impossible,
but not everything impossible is found.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from agent.contract.signals.formula import Node

Span = tuple[float, float]
_Literal = tuple[Node, bool]  #: a comparison, and whether it is to hold

MOST: Final = 512  #: alternatives; a condition with more is not looked at
_NOT: Final = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "=": "!=", "!=": "="}
_TURNED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "!=": "!="}


class _TooManyError(Exception):
    """There are too many alternatives to look at."""


def reach(root: Node, spans: Sequence[Span]) -> tuple[bool, bool]:
    """Whether a condition can hold, and whether it can fail; both where that is not found out."""
    try:
        return (
            any(_possible(together, spans) for together in _alternatives(root, holds=True)),
            any(_possible(together, spans) for together in _alternatives(root, holds=False)),
        )
    except _TooManyError:
        return True, True


def _alternatives(node: Node, *, holds: bool) -> list[list[_Literal]]:
    if node.op == "not":
        return _alternatives(node.parts[0], holds=not holds)
    if node.op not in {"and", "or"}:
        return [[(node, holds)]]
    parts = [_alternatives(part, holds=holds) for part in node.parts]
    if (node.op == "or") == holds:
        return _bounded([together for part in parts for together in part])
    joined: list[list[_Literal]] = [[]]
    for part in parts:
        joined = _bounded([[*one, *other] for one in joined for other in part])
    return joined


def _bounded(found: list[list[_Literal]]) -> list[list[_Literal]]:
    if len(found) > MOST:
        raise _TooManyError
    return found


def _possible(together: Sequence[_Literal], spans: Sequence[Span]) -> bool:
    """Whether comparisons can hold together; spans are closed, open ends are one step inside."""
    left = [list(span) for span in spans]
    never: list[set[float]] = [set() for _ in spans]
    for node, holds in together:
        read = _of_one_gauge(node)
        if read is None:
            if not _constant_holds(node, holds=holds):
                return False
            continue
        place, sign, number = read
        sign = sign if holds else _NOT[sign]
        if sign in {">", ">=", "="}:
            low = math.nextafter(number, math.inf) if sign == ">" else number
            left[place][0] = max(left[place][0], low)
        if sign in {"<", "<=", "="}:
            high = math.nextafter(number, -math.inf) if sign == "<" else number
            left[place][1] = min(left[place][1], high)
        if sign == "!=":
            never[place].add(number)
    return all(
        low < high or (low == high and low not in without)
        for (low, high), without in zip(left, never, strict=True)
    )


def _of_one_gauge(node: Node) -> tuple[int, str, float] | None:
    a, b = node.parts
    if a.op == "tag" and b.op == "number":
        return int(a.number), node.op, b.number
    if a.op == "number" and b.op == "tag":
        return int(b.number), _TURNED[node.op], a.number
    return None


def _constant_holds(node: Node, *, holds: bool) -> bool:
    """Of two numbers it is known; of anything else it may."""
    a, b = node.parts
    if a.op != "number" or b.op != "number":
        return True
    sign = node.op if holds else _NOT[node.op]
    x, y = a.number, b.number
    told = {"<": x < y, "<=": x <= y, ">": x > y, ">=": x >= y, "=": x == y, "!=": x != y}
    return told[sign]
