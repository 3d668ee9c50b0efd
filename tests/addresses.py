"""The console's addresses, compiled once: every test that opens a console has the same ones.

Werkzeug writes and compiles a small program for each of some 700 addresses, every time an
application is made. What comes out depends on the address and its defaults alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from werkzeug.routing import Rule

Builder = Callable[..., tuple[str, str]]


def compile_once() -> None:
    """Let each address of this process be compiled only for the first application that has it."""
    known: dict[Any, Builder] = {}
    compiled: Callable[[Rule, bool], Builder] = Rule._compile_builder

    def builder(rule: Rule, append_unknown: bool = True) -> Builder:
        defaults = repr(sorted((rule.defaults or {}).items()))
        key = (rule.rule, tuple(rule._trace), defaults, append_unknown)
        if key not in known:
            known[key] = compiled(rule, append_unknown)
        return known[key]

    Rule._compile_builder = builder  # type: ignore[assignment,method-assign]
