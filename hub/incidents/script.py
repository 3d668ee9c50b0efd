"""What is read out to an agency, in the order in which it asks, and what its form wants (pure).

Nothing is sent: a person calls, or types it into the agency's own form.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

MISSING: Final = "not known yet"

#: What every answer is called.
LABELS: Final[Mapping[str, str]] = {
    "caller": "Your name and number",
    "operator": "Operator",
    "number": "Our incident number",
    "what": "What happened",
    "when": "When it happened",
    "discovered": "When it was found",
    "place": "Where",
    "position": "Latitude, longitude",
    "state": "State, county",
    "lease": "Lease, well, facility",
    "land": "Land",
    "fluid": "What was released",
    "released": "How much was released",
    "gas": "How much gas was released",
    "h2s": "H2S",
    "recovered": "How much was recovered",
    "containment": "Inside the containment",
    "water": "Reached or threatens water",
    "cause": "Cause",
    "stopped": "When it stopped flowing",
    "fire": "Fire or explosion",
    "people": "People hurt, in hospital, dead",
    "damage": "Damage to property",
    "done": "What was done, and is planned",
    "told": "Other agencies told",
    "commander": "Who leads, for questions",
}

#: Order of each agency's questions.
ORDERS: Final[Mapping[str, tuple[str, ...]]] = {
    "NRC": (
        *("caller", "operator", "what", "when", "discovered", "place", "position", "state"),
        *("fluid", "released", "gas", "h2s", "water", "cause", "stopped", "people", "fire"),
        *("damage", "done", "told", "number"),
    ),
    "C-141": (
        *("operator", "commander", "number", "lease", "land", "position", "state", "what"),
        *("fluid", "released", "recovered", "gas", "cause", "when", "discovered", "water"),
        *("containment", "fire", "people", "done", "told"),
    ),
    "Form 19": (
        *("operator", "commander", "lease", "position", "state", "land", "when", "discovered"),
        *("fluid", "released", "recovered", "containment", "water", "people", "what", "cause"),
        *("stopped", "done", "told", "number"),
    ),
    "H-8": (
        *("operator", "lease", "state", "position", "when", "discovered", "fluid", "released"),
        *("recovered", "what", "cause", "water", "containment", "fire", "done", "commander"),
        "number",
    ),
    "": (
        *("caller", "operator", "number", "what", "when", "discovered", "lease", "place"),
        *("position", "state", "land", "fluid", "released", "gas", "h2s", "recovered"),
        *("containment", "water", "cause", "stopped", "fire", "people", "damage", "done", "told"),
    ),
}

TITLES: Final[Mapping[str, str]] = {
    "NRC": "Script for the National Response Center",
    "C-141": "Worksheet for form C-141",
    "Form 19": "Worksheet for Form 19",
    "H-8": "Worksheet for form H-8",
    "": "Call script",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One question and its answer."""

    label: str
    answer: str
    known: bool


@dataclass(frozen=True, slots=True)
class Sheet:
    """What one agency is told: whom to call, and the answers in the order of its questions."""

    title: str
    agency: str
    contact: str
    citation: str
    lines: tuple[Line, ...]

    @property
    def open_questions(self) -> tuple[str, ...]:
        """Questions that cannot be answered yet."""
        return tuple(line.label for line in self.lines if not line.known)


def sheet(
    agency: str, contact: str, citation: str, form: str | None, answers: Mapping[str, str | None]
) -> Sheet:
    """Put the answers into the order in which an agency asks."""
    kind = kind_of(agency, form)
    lines = tuple(
        Line(LABELS[name], answers.get(name) or MISSING, bool(answers.get(name)))
        for name in ORDERS[kind]
    )
    return Sheet(TITLES[kind], agency, contact, citation, lines)


def kind_of(agency: str, form: str | None) -> str:
    """Which order of questions fits: the agency's form, or the National Response Center's."""
    for kind in ("C-141", "Form 19", "H-8"):
        if form and kind in form:
            return kind
    return "NRC" if "NRC" in agency or "National Response Center" in agency else ""
