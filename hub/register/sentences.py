"""What a broken constraint means, in one sentence: made from the constraint itself.

A condition that reads badly from its parts has its sentence in `SAID`. A test goes over every
constraint of every table and finds a sentence for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, cast

from sqlalchemy import (
    CheckConstraint,
    Constraint,
    ForeignKeyConstraint,
    Index,
    Table,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.sql.compiler import IdentifierPreparer

from hub.register.catalog import RESOURCES, label_of
from hub.register.said import SAID
from hub.schema import Base
from hub.schema.amounts import ITS_UNIT, OF_ONE, RATIO

#: Columns that every rule may name and nobody types.
SILENT: Final = frozenset({"organization_id", "id"})


@dataclass(frozen=True, slots=True)
class Rule:
    """A named constraint: the fields it is about, and what it allows."""

    name: str
    fields: tuple[str, ...]
    sentence: str


@cache
def rules(table: str) -> Mapping[str, Rule]:
    """Every constraint and unique index of a table, by the name the database reports."""
    declared = Base.metadata.tables[table]
    named = {rule_name(one): _rule(declared, one) for one in declared.constraints}
    named |= {rule_name(one): _unique(declared, one) for one in declared.indexes if one.unique}
    return {name: rule for name, rule in named.items() if rule is not None}


def rule_name(constraint: Constraint | Index) -> str:
    """A name as the database has it: a long one ends in a digest, as SQLAlchemy writes it."""
    if constraint.name is None:
        return ""
    preparer: IdentifierPreparer = cast(Any, PGDialect)().identifier_preparer
    formed = preparer.format_index if isinstance(constraint, Index) else preparer.format_constraint
    return str(cast(Any, formed)(constraint)).strip('"')


def rule(table: str, name: str) -> Rule | None:
    """The rule the database names, or None for one that the schema does not declare."""
    return rules(table).get(name) if table in Base.metadata.tables else None


def _rule(table: Table, constraint: object) -> Rule | None:
    if isinstance(constraint, CheckConstraint):
        return _check(table, constraint)
    if isinstance(constraint, UniqueConstraint):
        return _unique(table, constraint)
    if isinstance(constraint, ForeignKeyConstraint):
        return _reference(table, constraint)
    if isinstance(constraint, ExcludeConstraint):
        return _overlap(table, constraint)
    return None


# -------------------------------------------------------------------------------------- checks


def _check(table: Table, constraint: CheckConstraint) -> Rule:
    name, condition = str(constraint.name), _plain(str(constraint.sqltext))
    fields = _columns(table, condition)
    sentence = SAID.get(name) or told(table, condition)
    return Rule(name, fields, sentence or f"{_join(_labels(table, fields))}: {_all_of(fields)}.")


def _all_of(fields: Sequence[str]) -> str:
    return "these do not go together" if len(fields) > 1 else "this is not allowed"


def spoken(table: str) -> dict[str, bool]:
    """By check of a table: whether its sentence says what is allowed, not just that this is not."""
    declared = Base.metadata.tables[table]
    return {
        str(one.name): str(one.name) in SAID or bool(told(declared, _plain(str(one.sqltext))))
        for one in declared.constraints
        if isinstance(one, CheckConstraint)
    }


def _plain(condition: str) -> str:
    return " ".join(condition.split())


def _columns(table: Table, condition: str) -> tuple[str, ...]:
    """Columns a condition names, in its order; words in quotes are no columns."""
    words = re.findall(r"[a-z_0-9]+", re.sub(r"'[^']*'", " ", condition))
    return tuple(dict.fromkeys(w for w in words if w in table.columns and w not in SILENT))


def _labels(table: Table, names: Sequence[str]) -> list[str]:
    return [label_of(table.columns[name]) for name in names]


def _low(label: str) -> str:
    """A label inside a sentence; acronyms keep their capitals."""
    return label if label[1:2].isupper() else label[:1].lower() + label[1:]


def _join(words: Sequence[str], last: str = "and") -> str:
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


_COLUMN = r"(?P<a>[a-z_0-9]+)"
_NUMBER = r"-?[0-9.]+"


def told(table: Table, condition: str) -> str:
    """The sentence for a condition of a known form, or nothing."""
    parts = [part for part in re.split(r" AND (?![^(]*\))", _between(condition)) if part]
    if " OR " in condition:
        parts = [condition]
    found = [_told(table, part.replace("\x00", " AND ")) for part in parts]
    return " ".join(found) if all(found) else ""


def _between(condition: str) -> str:
    """The condition with each BETWEEN's own AND hidden from what splits at ANDs."""
    return re.sub(r"(BETWEEN \S+) AND ", "\\1\x00", condition)


def _told(table: Table, condition: str) -> str:
    for form, tell in _FORMS:
        match = form.fullmatch(condition)
        if match and all(
            name in table.columns for group, name in match.groupdict().items() if len(group) == 1
        ):
            return tell(table, match)
    return ""


def _label(table: Table, match: re.Match[str], group: str = "a") -> str:
    return label_of(table.columns[match[group]])


def _unit(table: Table, match: re.Match[str]) -> str:
    unit = table.columns[match["a"]].info.get("unit")
    return f" {unit}" if unit and unit not in (OF_ONE, RATIO, ITS_UNIT) else ""


def _one_of(table: Table, match: re.Match[str]) -> str:
    choices = re.findall(r"'([^']*)'", match["choices"])
    return f"{_label(table, match)} takes one of {', '.join(choices)}."


def _span(table: Table, match: re.Match[str]) -> str:
    return f"{_label(table, match)} takes {match['low']} to {match['high']}{_unit(table, match)}."


_BOUNDS: Final = {">=": "at least", ">": "more than", "<=": "at most", "<": "less than"}
_DATES: Final = {
    ">=": "must not be before",
    ">": "must be after",
    "<=": "must not be after",
    "<": "must be before",
}
_AMOUNTS: Final = {
    ">=": "must not be less than",
    ">": "must be more than",
    "<=": "must not be more than",
    "<": "must be less than",
    "<>": "must not be the same as",
}


def _bound(table: Table, match: re.Match[str]) -> str:
    bound = f"{_BOUNDS[match['op']]} {match['low']}"
    return f"{_label(table, match)} takes {bound}{_unit(table, match)}."


def _compared(table: Table, match: re.Match[str]) -> str:
    kind = table.columns[match["a"]].type.python_type.__name__
    if match["b"] == "id":
        return f"{_label(table, match)} names another row than this one."
    words = _DATES if kind in {"date", "datetime", "time"} else _AMOUNTS
    said = words.get(match["op"], _AMOUNTS[match["op"]])
    return f"{_label(table, match)} {said} {_low(_label(table, match, 'b'))}."


def _pattern(table: Table, match: re.Match[str]) -> str:
    help_text = table.columns[match["a"]].info.get("help", "")
    return f"{_label(table, match)} is not written as it must be: {help_text}"


def _length(table: Table, match: re.Match[str]) -> str:
    return f"{_label(table, match)} takes {match['low']} to {match['high']} characters."


def _month(table: Table, match: re.Match[str]) -> str:
    return f"{_label(table, match)} is a month: give its first day."


def _exactly_one(table: Table, match: re.Match[str]) -> str:
    names = [name.strip() for name in match["names"].split(",")]
    many = {"= 1": "Give exactly one of", "<= 1": "Give at most one of"}
    many |= {">= 1": "Give at least one of", "> 0": "Give at least one of"}
    lead = many.get(match["op"])
    return f"{lead} {_join(_labels(table, names), 'or')}." if lead else ""


def _filled(table: Table, match: re.Match[str]) -> str:
    return f"{_label(table, match)} must not be empty."


def _up_to(table: Table, match: re.Match[str]) -> str:
    return f"{_label(table, match)} must not be more than {_low(_label(table, match, 'b'))}."


def _unless(table: Table, match: re.Match[str]) -> str:
    other = _low(_label(table, match, "b"))
    return f"{_label(table, match)} takes at least 0, unless {other} is {match['but']}."


def _needed_when(table: Table, match: re.Match[str]) -> str:
    when = f"{_low(_label(table, match, 'b'))} is {match['when'].replace('_', ' ')}"
    return f"{_label(table, match)} is needed when {when}."


def _sum(table: Table, match: re.Match[str]) -> str:
    """A figure that others add up to."""
    parts = [
        _low(label_of(table.columns[word])) if word in table.columns else _SIGNS[word]
        for word in match["sum"].split()
    ]
    return f"{_label(table, match)} must be {' '.join(parts)}."


_SIGNS: Final = {"+": "plus", "-": "less"}


def _untrimmed(table: Table, match: re.Match[str]) -> str:
    return f"{_label(table, match)} takes no blanks before or after it."


def _bytes(table: Table, match: re.Match[str]) -> str:
    return f"{_label(table, match)} has {match['low']} bytes."


def _four_eyes(table: Table, _match: re.Match[str]) -> str:
    return f"Who made {_a(table)} does not approve it; ask another person."


Told = Callable[[Table, "re.Match[str]"], str]
_FORMS: Final[tuple[tuple[re.Pattern[str], Told], ...]] = tuple(
    (re.compile(form), tell)
    for form, tell in (
        (rf"{_COLUMN} IN \((?P<choices>[^()]*)\)", _one_of),
        (rf"{_COLUMN} BETWEEN (?P<low>{_NUMBER}) AND (?P<high>{_NUMBER})", _span),
        (rf"{_COLUMN} (?P<op>[<>]=?) (?P<low>{_NUMBER})", _bound),
        (rf"{_COLUMN} (?P<op>[<>]=?|<>) (?P<b>[a-z_0-9]+)", _compared),
        (rf"{_COLUMN} ~ '.*'", _pattern),
        (
            r"(char_)?length\((?P<a>\w+)\) BETWEEN (?P<low>[0-9]+) AND (?P<high>[0-9]+)",
            _length,
        ),
        (r"extract\(day FROM (?P<a>\w+)\) = 1", _month),
        (r"num_nonnulls\((?P<names>[^()]+)\) (?P<op>[<>]?= 1|> 0)", _exactly_one),
        (rf"{_COLUMN} BETWEEN (?P<low>[0-9]+) AND (?P<b>[a-z_0-9]+)", _up_to),
        (rf"coalesce\({_COLUMN}, 0\) (?P<op>[<>]=?) (?P<low>{_NUMBER})", _bound),
        (rf"(?P<b>[a-z_]+) = '(?P<but>\w+)' OR {_COLUMN} >= 0", _unless),
        (rf"(?P<b>[a-z_]+) <> '(?P<when>\w+)' OR {_COLUMN} IS NOT NULL", _needed_when),
        (rf"{_COLUMN} = (?P<sum>[a-z_]+( [-+] [a-z_]+)+)", _sum),
        (rf"{_COLUMN} = btrim\((?P=a)\)", _untrimmed),
        (rf"octet_length\({_COLUMN}\) = (?P<low>[0-9]+)", _bytes),
        (r"status IN \([^()]*\) OR created_by .*approved_by <> created_by", _four_eyes),
        (rf"{_COLUMN} <> ''", _filled),
        (rf"btrim\({_COLUMN}\) <> ''", _filled),
    )
)


# ------------------------------------------------------------------------- keys and references


def unique_columns(table: Table, constraint: UniqueConstraint | Index) -> tuple[str, ...]:
    """The columns that must be unique together, those inside expressions too."""
    return _columns(table, " ".join(_expressions(constraint)))


def _unique(table: Table, constraint: UniqueConstraint | Index) -> Rule:
    names = unique_columns(table, constraint)
    sentence = SAID.get(str(constraint.name)) or (
        f"There is already {_a(table)} with {_this(_labels(table, names))}."
    )
    return Rule(str(constraint.name), names, sentence)


def _expressions(constraint: UniqueConstraint | Index) -> list[str]:
    """What must be unique, as text; an expression's columns count too."""
    parts = constraint.expressions if isinstance(constraint, Index) else constraint.columns
    return [str(part) for part in parts]


def _this(labels: Sequence[str]) -> str:
    return f"this {_join([_low(label).rstrip('.') for label in labels])}" if labels else "this key"


def _a(table: Table) -> str:
    served = RESOURCES.get(table.name)
    name = served.singular if served else table.name.replace("_", " ").removesuffix("s")
    vowel = name[0].lower() in "aeiou" and not name.startswith("user")
    return f"{'an' if vowel else 'a'} {name}"


def _reference(table: Table, constraint: ForeignKeyConstraint) -> Rule:
    names = tuple(n for n in constraint.column_keys if n not in SILENT) or ("organization_id",)
    labels = _join(_labels(table, names[-1:]))
    sentence = f"{labels}: there is no such {_thing(constraint.referred_table)}."
    return Rule(str(constraint.name), names[-1:], SAID.get(str(constraint.name)) or sentence)


def _thing(table: Table) -> str:
    return _a(table).split(" ", 1)[1]


def _overlap(table: Table, constraint: ExcludeConstraint) -> Rule:
    names = _columns(table, " ".join(column.name for column in constraint.columns))
    same = _join([_low(label) for label in _labels(table, names)])
    sentence = f"This overlaps another {_thing(table)} of the same {same}."
    return Rule(str(constraint.name), names, SAID.get(str(constraint.name)) or sentence)
