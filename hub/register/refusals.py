"""Turns what the database refused into the sentence of the rule it stands for.

Triggers of the product raise their own sentence, with the field as COLUMN and the rule's name as
CONSTRAINT; constraints are told by `hub.register.sentences`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import psycopg
from psycopg.errors import Diagnostic
from sqlalchemy.exc import DBAPIError

from hub.register.errors import Forbidden, Refused, RegisterError
from hub.register.fields import Resource
from hub.register.sentences import Rule, rule

#: Stands for the row as a whole where a refusal is about no single field.
ROW: Final = ""

#: How PostgreSQL's own words for a broken rule begin; anything else was written by the product.
_OWN_WORDS: Final = re.compile(
    r"new row |null value|duplicate key|insert or update on|update or delete on|conflicting key|"
    r"permission denied|numeric field overflow|value too long|invalid input|check constraint"
)


def refusal(
    fault: DBAPIError, resource: Resource, given: Mapping[str, Any]
) -> RegisterError | None:
    """What a database error says about the row, or None when it is about something else."""
    cause = fault.orig
    if not isinstance(cause, psycopg.Error) or cause.sqlstate is None:
        return None
    tell = _TELL.get(cause.sqlstate)
    return tell(cause.diag, resource, given) if tell else None


def _refused(field: str, sentence: str) -> Refused:
    return Refused({field: sentence})


def _raised(diag: Diagnostic, resource: Resource | None = None) -> str:
    """The product's own sentence, if it is one; a column's name in front becomes its label."""
    message = diag.message_primary or ""
    if _OWN_WORDS.match(message):
        return ""
    name, colon, rest = message.partition(": ")
    field = resource.fields.get(name) if resource and colon else None
    return f"{field.label}: {rest}" if field else message


def _by_rule(diag: Diagnostic, resource: Resource, given: Mapping[str, Any]) -> Refused:
    broken = rule(diag.table_name or resource.name, diag.constraint_name or "")
    sentence = _raised(diag, resource) or (broken.sentence if broken else _unknown(diag, resource))
    return _refused(_field(diag, resource, given, broken), sentence)


def _unknown(diag: Diagnostic, resource: Resource) -> str:
    name = (diag.constraint_name or "a rule").replace("_", " ")
    return f"This {resource.singular} breaks the rule “{name}”."


def _field(
    diag: Diagnostic, resource: Resource, given: Mapping[str, Any], broken: Rule | None
) -> str:
    """The field to show a refusal at: the one named; else one of the rule's that was given."""
    if diag.column_name in resource.fields:
        return str(diag.column_name)
    named = [name for name in (broken.fields if broken else ()) if name in resource.fields]
    if not named and diag.constraint_name:
        named = [name for name in resource.fields if name in diag.constraint_name]
    return next((name for name in named if name in given), named[0] if named else ROW)


def _empty(diag: Diagnostic, resource: Resource, _given: Mapping[str, Any]) -> Refused:
    field = resource.fields.get(diag.column_name or "")
    label = field.label if field else (diag.column_name or "A value")
    return _refused(field.name if field else ROW, _raised(diag, resource) or f"{label} is needed.")


def _not_allowed(diag: Diagnostic, resource: Resource, _given: Mapping[str, Any]) -> Forbidden:
    sentence = _raised(diag, resource) or f"You may not do this with this {resource.singular}."
    return Forbidden(sentence)


def _number(diag: Diagnostic, resource: Resource, _given: Mapping[str, Any]) -> Refused:
    return _refused(
        diag.column_name if diag.column_name in resource.fields and diag.column_name else ROW,
        f"A number of this {resource.singular} is larger than can be kept.",
    )


Tell = Callable[[Diagnostic, Resource, Mapping[str, Any]], RegisterError]
#: By SQLSTATE.
_TELL: Final[Mapping[str, Tell]] = {
    "23514": _by_rule,  # check_violation
    "23505": _by_rule,  # unique_violation
    "23503": _by_rule,  # foreign_key_violation
    "23001": _by_rule,  # restrict_violation: ON DELETE RESTRICT, from PostgreSQL 18 on
    "23P01": _by_rule,  # exclusion_violation
    "P0001": _by_rule,  # raise_exception
    "23502": _empty,  # not_null_violation
    "42501": _not_allowed,  # insufficient_privilege: row level security, or a function's own check
    "22003": _number,  # numeric_value_out_of_range
}


def still_used(fault: DBAPIError) -> bool:
    """Whether a deletion failed because other rows refer to the row."""
    cause = fault.orig
    return (
        isinstance(cause, psycopg.Error)
        and cause.sqlstate in {"23503", "23001"}
        and not _raised(cause.diag)
    )
