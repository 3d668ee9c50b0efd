"""Addresses of tables: one rule for each table and each thing that somebody may do with it.

So the URL map itself knows which methods an address takes: 405, Allow and OPTIONS tell the truth.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from flask import Blueprint, Flask
from werkzeug.routing import BaseConverter

from hub.api.tables import possible, served
from hub.permissions import Verb
from hub.register.fields import Resource

#: What stands where a key could: addresses of their own.
IMPORT: Final = "import"
CONTENT: Final = "content"


class Key(BaseConverter):
    """The key of a row; what is no key at all is told apart by the register."""

    regex = rf"(?!(?:{IMPORT}|{CONTENT})(?:/|$))[^/]{{1,100}}"


def teach(app: Flask) -> None:
    """Let rules of the application hold keys."""
    app.url_map.converters["key"] = Key


def add(
    blueprint: Blueprint,
    rule: str,
    view: Callable[..., Any],
    *verbs: Verb,
    method: str = "GET",
    where: Callable[[Resource], bool] = lambda _table: True,
) -> None:
    """Add an address of each table with which somebody may do one of these things."""
    for table in served():
        if where(table) and any(possible(table.name, verb) for verb in verbs):
            blueprint.add_url_rule(
                f"/{table.name}{rule}",
                f"{view.__name__}-{table.name}",
                partial(view, table.name),
                methods=[method],
                merge_slashes=False,
            )
