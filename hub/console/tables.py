"""Pages of a table: who may open them is the matrix's answer for the table in the address."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, Final, ParamSpec, TypeVar, cast

from flask import abort, g

from hub.console.context import visitor
from hub.console.gate import to_the_door
from hub.permissions import Verb, allowed
from hub.register.catalog import RESOURCES
from hub.register.fields import Resource

P = ParamSpec("P")
R = TypeVar("R")

#: Completes "As viewer you may not … wells."
SAID: Final[dict[Verb, str]] = {
    "see": "see",
    "add": "add",
    "edit": "change",
    "remove": "remove",
    "approve": "approve",
    "reveal": "see the sealed values of",
    "export": "export",
}


def on_table(verb: Verb) -> Callable[[Callable[Concatenate[Resource, P], R]], Callable[..., R]]:
    """Open to signed-in people whose role may do this with the table that the address names.

    The view gets the table's `Resource` instead of its name. Unknown tables are 404.
    """

    def guard(view: Callable[Concatenate[Resource, P], R]) -> Callable[..., R]:
        @wraps(view)
        def guarded(table: str, *args: P.args, **kwargs: P.kwargs) -> R:
            if g.visitor is None:
                return cast(R, to_the_door())
            resource = RESOURCES.get(table) or abort(404)
            insist(resource, verb)
            return view(resource, *args, **kwargs)

        cast(Any, guarded).needs = verb
        return guarded

    return guard


def can(resource: Resource, verb: Verb) -> bool:
    """Whether the visitor's role may do this with the table."""
    return allowed(visitor().role, resource.name, verb)


def insist(resource: Resource, verb: Verb) -> None:
    """Refuse with one sentence what the visitor's role may not do with the table."""
    if not can(resource, verb):
        abort(403, f"As {visitor().role} you may not {SAID[verb]} {resource.plural.lower()}.")


def can_on(resource: Resource) -> Callable[[Verb], bool]:
    """What templates ask: `can("edit")`."""
    return lambda verb: can(resource, verb)
