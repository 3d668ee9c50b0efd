"""Conditions over several gauges, as people write them: `casing_pressure > 300 and not running`.

Words: `and`, `or`, `not`; `<`, `<=`, `>`, `>=`, `=` (also `==`), `!=`; `+`, `-`, `*`, `/`;
`abs(…)`, `min(…, …)`, `max(…, …)`; numbers; names of gauges, in double quotes where they hold
other signs than letters, digits, `_`, `.`. A gauge alone is a condition: it is not 0. Nothing else
can be written, and nothing is executed: the text becomes a tree, and the tree is walked.

What is not known stays unknown, as in Kleene's logic: `false and unknown` is false, `true and
unknown` is unknown.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

LONGEST: Final = 2000  #: signs
MOST_TAGS: Final = 16
DEEPEST: Final = 40

_TOKEN: Final = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<name>[A-Za-z_][\w.]*)"
    r'|"(?P<quoted>[^"]+)"|(?P<sign><=|>=|==|!=|<>|[<>=()+\-*/,]))'
)
_FUNCTIONS: Final[dict[str, Callable[..., float]]] = {"abs": abs, "min": min, "max": max}
_COMPARISONS: Final[dict[str, Callable[[float, float], bool]]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
}
_ARITHMETIC: Final[dict[str, Callable[[float, float], float]]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
}


class FormulaError(ValueError):
    """A condition cannot be read; the sentence says where and what to do."""


@dataclass(frozen=True, slots=True)
class Node:
    """A part of a condition: `op` over `parts`; a number or a tag's place for the leaves."""

    op: str  #: number, tag, and, or, not, comparison, arithmetic, abs, min, max
    parts: tuple[Node, ...] = ()
    number: float = 0.0

    @property
    def is_condition(self) -> bool:
        """Whether it is true or false, not a number."""
        return self.op in _COMPARISONS or self.op in {"and", "or", "not"}


@dataclass(frozen=True, slots=True)
class Formula:
    """A condition that was read."""

    text: str
    tags: tuple[str, ...]  #: names, in the order in which they first appear
    root: Node

    def holds(self, values: Sequence[float | None]) -> bool | None:
        """Whether it holds for one value of each tag; None where that is unknown."""
        return _truth(self.root, values)


def read(text: str) -> Formula:
    """Read a condition; raises `FormulaError`."""
    if len(text) > LONGEST:
        raise FormulaError(f"A condition has at most {LONGEST} signs, this one {len(text)}.")
    reader = _Reader(text)
    root = _as_condition(reader.alternatives())
    reader.end()
    if not reader.tags:
        raise FormulaError("A condition needs at least one gauge.")
    if len(reader.tags) > MOST_TAGS:
        raise FormulaError(f"A condition has at most {MOST_TAGS} gauges, not {len(reader.tags)}.")
    return Formula(text, tuple(reader.tags), root)


def _as_condition(node: Node) -> Node:
    if node.is_condition:
        return node
    if node.op == "number":
        raise FormulaError(f"{node.number:g} alone is no condition; compare it with a gauge.")
    return Node("!=", (node, Node("number")))


class _Reader:
    """Reads from left to right, the loosest binding first."""

    def __init__(self, text: str) -> None:
        self.tokens = _tokens(text)
        self.place = 0
        self.depth = 0
        self.tags: list[str] = []

    def alternatives(self) -> Node:
        """Conditions joined by `or`."""
        return self._joined("or", lambda: self._joined("and", self._negation))

    def end(self) -> None:
        """There must be nothing left."""
        if self.place < len(self.tokens):
            kind, word = self.tokens[self.place]
            raise FormulaError(f"{_shown(kind, word)} is not expected there; join with and, or.")

    def _joined(self, word: str, part: Callable[[], Node]) -> Node:
        parts = [part()]
        while self._take_word(word):
            parts.append(part())
        if len(parts) == 1:
            return parts[0]
        return Node(word, tuple(map(_as_condition, parts)))

    def _negation(self) -> Node:
        if self._take_word("not"):
            with_depth = self._deeper(self._negation)
            return Node("not", (_as_condition(with_depth),))
        return self._comparison()

    def _comparison(self) -> Node:
        left = self._sum()
        sign = self._take_sign("<", "<=", ">", ">=", "=", "==", "!=", "<>")
        if sign is None:
            return left
        right = self._sum()
        for side in (left, right):
            if side.is_condition:
                raise FormulaError(f"{sign} compares numbers, not conditions; use and, or.")
        if self._take_sign("<", "<=", ">", ">=", "=", "==", "!=", "<>"):
            raise FormulaError("Two comparisons in a row; write a < b and b < c.")
        return Node({"==": "=", "<>": "!="}.get(sign, sign), (left, right))

    def _sum(self) -> Node:
        return self._chain(("+", "-"), lambda: self._chain(("*", "/"), self._factor))

    def _chain(self, signs: tuple[str, ...], part: Callable[[], Node]) -> Node:
        node = part()
        while sign := self._take_sign(*signs):
            node = Node(sign, (_numeric(node, sign), _numeric(part(), sign)))
        return node

    def _factor(self) -> Node:
        if self._take_sign("-"):
            inner = _numeric(self._deeper(self._factor), "-")
            if inner.op == "number":
                return Node("number", number=-inner.number)
            return Node("-", (Node("number"), inner))
        if self._take_sign("("):
            node = self._deeper(self.alternatives)
            self._close()
            return node
        return self._leaf()

    def _leaf(self) -> Node:
        if self.place >= len(self.tokens):
            raise FormulaError("The condition ends too early; a gauge or a number is missing.")
        kind, word = self.tokens[self.place]
        self.place += 1
        if kind == "number":
            return _number(word)
        if (kind == "name" and word in {"and", "or", "not"}) or kind == "sign":
            raise FormulaError(f"{word} stands where a gauge or a number should be.")
        if kind == "name" and word in _FUNCTIONS and self._take_sign("("):
            return self._call(word)
        if word not in self.tags:
            self.tags.append(word)
        return Node("tag", number=self.tags.index(word))

    def _call(self, name: str) -> Node:
        parts = [_numeric(self._deeper(self._sum), name)]
        while self._take_sign(","):
            parts.append(_numeric(self._deeper(self._sum), name))
        self._close()
        if (name == "abs") != (len(parts) == 1):
            many = "one number" if name == "abs" else "two numbers or more"
            raise FormulaError(f"{name} takes {many}, not {len(parts)}.")
        return Node(name, tuple(parts))

    def _deeper(self, part: Callable[[], Node]) -> Node:
        self.depth += 1
        if self.depth > DEEPEST:
            raise FormulaError(f"More than {DEEPEST} brackets within each other.")
        node = part()
        self.depth -= 1
        return node

    def _close(self) -> None:
        if not self._take_sign(")"):
            raise FormulaError("A closing bracket ) is missing.")

    def _take_sign(self, *signs: str) -> str | None:
        return self._take("sign", *signs)

    def _take_word(self, word: str) -> str | None:
        return self._take("name", word)

    def _take(self, kind: str, *words: str) -> str | None:
        if self.place < len(self.tokens) and self.tokens[self.place][0] == kind:
            word = self.tokens[self.place][1]
            if word in words:
                self.place += 1
                return word
        return None


def _tokens(text: str) -> list[tuple[str, str]]:
    found, place, end = [], 0, len(text.rstrip())
    while place < end:
        match = _TOKEN.match(text, place)
        if match is None:
            word = text[place:].split(maxsplit=1)[0][:20]
            raise FormulaError(f"{word!r} cannot be read in a condition.")
        kind = match.lastgroup or ""
        word = match[kind]
        if kind == "name" and word.lower() in {"and", "or", "not"}:
            word = word.lower()
        found.append((kind, word))
        place = match.end()
    return found


def _number(word: str) -> Node:
    value = float(word)
    if not math.isfinite(value):
        raise FormulaError(f"{word} is too large a number.")
    return Node("number", number=value)


def _numeric(node: Node, sign: str) -> Node:
    if node.is_condition:
        raise FormulaError(f"{sign} works on numbers, not on conditions.")
    return node


def _shown(kind: str, word: str) -> str:
    return f'"{word}"' if kind == "quoted" else word


def _truth(node: Node, values: Sequence[float | None]) -> bool | None:
    if node.op == "not":
        held = _truth(node.parts[0], values)
        return None if held is None else not held
    if node.op in {"and", "or"}:
        decides = node.op == "or"
        unknown = False
        for part in node.parts:
            held = _truth(part, values)
            if held is decides:
                return decides
            unknown |= held is None
        return None if unknown else not decides
    left, right = (_value(part, values) for part in node.parts)
    if left is None or right is None:
        return None
    return _COMPARISONS[node.op](left, right)


def _value(node: Node, values: Sequence[float | None]) -> float | None:
    if node.op == "number":
        return node.number
    if node.op == "tag":
        return values[int(node.number)]
    parts = [_value(part, values) for part in node.parts]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    if node.op == "/" and not known[1]:
        return None
    result = (_ARITHMETIC.get(node.op) or _FUNCTIONS[node.op])(*known)
    return result if math.isfinite(result) else None
