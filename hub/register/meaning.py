"""What a row must mean beyond the type of each field: conditions that are judged can be read.

Asked on every way into the register (forms, REST, spreadsheets), by the reader that will judge.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from hub.incidents.logic import LogicError, numbers, read

Faults = dict[str, str]


def meaning_faults(
    table: str, given: Mapping[str, Any], before: Mapping[str, Any] | None
) -> Faults:
    """Fields whose new values cannot be followed, with a sentence each; `before` is the row as it
    is. What nobody touches is left as it stands.
    """
    asked = _ASKED.get(table)
    return asked(given, {**(before or {}), **given}) if asked else {}


def _agency_rule(given: Mapping[str, Any], whole: Mapping[str, Any]) -> Faults:
    faults: Faults = {}
    if "params" in given and (fault := _fault(lambda: numbers(given["params"]))):
        return {"params": fault}
    touched = [name for name in ("logic", "params") if name in given]
    if touched and (fault := _fault(lambda: read(whole.get("logic") or "", whole.get("params")))):
        faults[touched[0]] = fault
    timed = whole.get("follow_up_n") is not None and not whole.get("follow_up")
    if timed and {"follow_up", "follow_up_n"} & given.keys():
        faults["follow_up"] = "Say what is owed in writing, or take its time away."
    return faults


def _fault(reading: Callable[[], object]) -> str:
    """The sentence of what cannot be read, or nothing."""
    try:
        reading()
    except LogicError as fault:
        return f"{str(fault)[:1].upper()}{str(fault)[1:]}."
    return ""


_ASKED: Final[Mapping[str, Callable[[Mapping[str, Any], Mapping[str, Any]], Faults]]] = {
    "agency_rules": _agency_rule,
}
