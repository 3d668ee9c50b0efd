"""Reading the condition of an agency's rule, in a small language that can do nothing else (pure).

``released >= 25 OR fire`` · ``fluid IN (oil, condensate) AND reached_water`` ·
``5 < released <= 25`` · ``NOT (bbl_15d(released) < 10 AND built_on > 2000-09-01)``

Names are facts (`hub.incidents.words`) or the rule's own numbers; ``mass_24h``, ``bbl_15d`` and
``count_12mo`` look at all incidents of the site. AND binds closer than OR, NOT closer than AND.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from hub.errors import HubError
from hub.incidents.words import ROLLING, WORDS, Rolling

LONGEST: Final = 2000  #: characters of a condition
DEEPEST: Final = 24  #: parentheses within each other


class LogicError(HubError):
    """A condition cannot be read; says where and why."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number as it stands, or one of the rule's own."""

    value: Decimal
    text: str


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact by its name."""

    name: str


@dataclass(frozen=True, slots=True)
class Over:
    """A sum or count over the incidents of a site."""

    function: str
    inner: Node

    @property
    def rolling(self) -> Rolling:
        """Over which time, and how."""
        return ROLLING[self.function]


@dataclass(frozen=True, slots=True)
class Compare:
    """One number or day beside another."""

    left: Number | Fact | Over
    sign: str
    right: Number | Fact | Over | date


@dataclass(frozen=True, slots=True)
class Among:
    """Whether a word is one of these."""

    fact: Fact
    choices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The contrary."""

    inner: Node


@dataclass(frozen=True, slots=True)
class AllOf:
    """All of these."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """One of these at least."""

    parts: tuple[Node, ...]


Node = Number | Fact | Over | Compare | Among | Not | AllOf | AnyOf

SIGNS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "=": operator.eq,
}
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,39}")
_TOKEN: Final = re.compile(
    r"\s*(?:(?P<day>\d{4}-\d\d-\d\d)|(?P<number>\d+(?:\.\d+)?)|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<sign>>=|<=|=|<|>|\(|\)|,))"
)


def read(text: str, params: Mapping[str, Any] | None = None) -> Node:
    """The condition as a tree; raises `LogicError` with the place where it cannot be read."""
    if len(text) > LONGEST:
        raise LogicError(f"the condition is longer than {LONGEST} characters: make it shorter")
    reader = _Reader(_tokens(text), params or {})
    node = reader.any_of()
    if reader.kind != "end":
        raise reader.fault("AND, OR or the end")
    return node


def numbers(params: object) -> None:
    """Raise `LogicError` unless these are a rule's own numbers: a name and a number each."""
    if params is None:
        return
    if not isinstance(params, Mapping):
        raise LogicError('the numbers of a rule are written by name: {"damage_threshold": 1000000}')
    for name, number in params.items():
        if name in WORDS or name in ROLLING or not _NAME.fullmatch(name):
            raise LogicError(
                f"{name[:40]!r} cannot be the name of a number: use letters, digits and _, and no"
                " name of a fact"
            )
        if isinstance(number, bool) or not isinstance(number, int | float | Decimal):
            raise LogicError(f"{name} of the rule's numbers is not a number")


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    at = 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None:
            place = at + len(text[at:]) - len(text[at:].lstrip())
            raise LogicError(
                f"character {place + 1} of the condition, {text[place]!r}, means nothing"
            )
        kind = str(match.lastgroup)
        tokens.append(_Token(kind, match.group(kind), match.start(kind)))
        at = match.end()
    return [*tokens, _Token("end", "", len(text))]


class _Reader:
    """Walks over the words of one condition."""

    def __init__(self, tokens: list[_Token], params: Mapping[str, Any]) -> None:
        self.tokens = tokens
        self.params = params
        self.place = 0
        self.depth = 0

    @property
    def now(self) -> _Token:
        return self.tokens[self.place]

    @property
    def kind(self) -> str:
        return self.now.kind

    def fault(self, wanted: str) -> LogicError:
        found = f"{self.now.text!r}" if self.now.text else "the end"
        return LogicError(
            f"at character {self.now.at + 1} of the condition stands {found}, where {wanted}"
            " was expected"
        )

    def take(self, *texts: str) -> str | None:
        """Go on if one of these words is next, in capitals or not."""
        if self.kind in {"name", "sign"} and self.now.text.upper() in texts:
            self.place += 1
            return self.tokens[self.place - 1].text.upper()
        return None

    def need(self, text: str) -> None:
        if not self.take(text):
            raise self.fault(f"{text!r}")

    def any_of(self) -> Node:
        parts = [self.all_of()]
        while self.take("OR"):
            parts.append(self.all_of())
        return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))

    def all_of(self) -> Node:
        parts = [self.term()]
        while self.take("AND"):
            parts.append(self.term())
        return parts[0] if len(parts) == 1 else AllOf(tuple(parts))

    def term(self) -> Node:
        self.depth += 1
        if self.depth > DEEPEST:
            raise LogicError(f"the condition is nested more than {DEEPEST} deep: make it simpler")
        try:
            if self.take("NOT"):
                return Not(self.term())
            if self.take("("):
                node = self.any_of()
                self.need(")")
                return node
            return self.comparison()
        finally:
            self.depth -= 1

    def comparison(self) -> Node:
        left = self.operand()
        if isinstance(left, Fact) and WORDS[left.name].kind == "word":
            return self.word(left)
        compared: list[Node] = []
        while sign := self.take(*SIGNS):
            right = self.operand(after=left)
            compared.append(_compare(left, sign, right))
            left = right
        if compared:
            return compared[0] if len(compared) == 1 else AllOf(tuple(compared))
        if isinstance(left, Fact) and WORDS[left.name].kind == "yes_no":
            return left
        raise self.fault(f"a comparison ({', '.join(SIGNS)})")

    def word(self, fact: Fact) -> Among:
        if self.take("="):
            return Among(fact, (self.choice(fact),))
        self.need("IN")
        self.need("(")
        choices = [self.choice(fact)]
        while self.take(","):
            choices.append(self.choice(fact))
        self.need(")")
        return Among(fact, tuple(choices))

    def choice(self, fact: Fact) -> str:
        allowed = WORDS[fact.name].choices
        if self.kind != "name" or (allowed and self.now.text not in allowed):
            raise self.fault(f"one of {', '.join(allowed)}" if allowed else "a word")
        self.place += 1
        return self.tokens[self.place - 1].text

    def operand(self, after: Node | None = None) -> Any:
        token = self.now
        if token.kind == "number":
            self.place += 1
            return Number(Decimal(token.text), token.text)
        if token.kind == "day" and isinstance(after, Fact) and WORDS[after.name].kind == "day":
            self.place += 1
            return self._day(token)
        if token.kind != "name" or token.text.upper() in {"AND", "OR", "NOT", "IN"}:
            raise self.fault("a fact or a number")
        self.place += 1
        if token.text in ROLLING:
            return self._over(token.text)
        if token.text in WORDS:
            return Fact(token.text)
        if token.text in self.params:
            return self._param(token)
        self.place -= 1
        raise self.fault("the name of a fact or of one of the rule's numbers")

    def _over(self, function: str) -> Over:
        self.need("(")
        inner = self.any_of() if ROLLING[function].counts else self.operand()
        if not ROLLING[function].counts and not _is_number(inner):
            raise self.fault("the name of a volume")
        self.need(")")
        return Over(function, inner)

    def _param(self, token: _Token) -> Number:
        try:
            return Number(Decimal(str(self.params[token.text])), token.text)
        except ArithmeticError as fault:
            raise LogicError(f"{token.text} of the rule's numbers is not a number") from fault

    def _day(self, token: _Token) -> date:
        try:
            return date.fromisoformat(token.text)
        except ValueError as fault:
            raise LogicError(f"{token.text} is no day of the calendar") from fault


def _is_number(node: Any) -> bool:
    return isinstance(node, Fact) and WORDS[node.name].kind == "number"


def _compare(left: Any, sign: str, right: Any) -> Compare:
    """Refuse to compare what cannot be: a yes or no with a number, a day with a volume."""
    if isinstance(left, Fact) and WORDS[left.name].kind == "day":
        if not isinstance(right, date):
            raise LogicError(f"{left.name} is compared with a day like 2000-09-01")
        return Compare(left, sign, right)
    for side in (left, right):
        if isinstance(side, Fact) and WORDS[side.name].kind != "number":
            raise LogicError(f"{side.name} is no number and cannot be compared with {sign}")
    return Compare(left, sign, right)
