"""A row as a form: its fields in groups, what was typed, what of it differs from what was shown."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from hub.console import cells
from hub.register import rows
from hub.register.catalog import AUTOMATIC, RESOURCES
from hub.register.errors import ValueRefused
from hub.register.fields import Field, Resource
from hub.register.query import NUMBERS
from hub.register.values import parse, show

#: Headings, and the kinds of field that stand under each; the first one takes what is left.
GROUPS = (
    ("What it is", frozenset({"text", "choice", "boolean", "uuid", "array", "binary"})),
    ("Belongs to", frozenset({"reference"})),
    ("Days and times", frozenset({"date", "instant", "time"})),
    ("Figures", NUMBERS),
    ("In words", frozenset({"long_text", "json"})),
)
FEW = 9  #: so many fields need no headings
INPUTS = {"date": "date", "time": "time", "instant": "datetime-local"}
MODES = {"integer": "numeric", "decimal": "decimal", "double": "decimal"}
TITLE, CHOICE = "-title", "-choice"

#: A form's own headings, and the names of the fields under each.
Headings = Sequence[tuple[str, Sequence[str]]]


@dataclass(slots=True)
class Entry:
    """One field of the form with what stands in it."""

    field: Field
    value: str
    fault: str = ""
    title: str = ""  #: name of the row a reference points to, or the words typed for it
    options: Collection[tuple[str, str]] = ()  #: rows that fit the words typed, to choose from
    masked: str = ""  #: what a sealed field shows of its value
    first: bool = False
    lines: bool = False  #: whether it takes several lines though its kind does not say so

    @property
    def input(self) -> str:
        """Type of the input."""
        return INPUTS.get(self.field.kind, "text")

    @property
    def mode(self) -> str:
        """Which keys a phone shows for it."""
        return MODES.get(self.field.kind, "")


def grouped(fields: Iterable[Field], own: Headings | None = None) -> list[tuple[str, list[Field]]]:
    """Fields under headings, each in its table's order; few of them under one.

    A form with headings of its `own` names its fields; what it does not name stands last.
    """
    if own is not None:
        return _arranged({field.name: field for field in fields}, own)
    listed = [field for field in fields if field.name not in AUTOMATIC]
    if len(listed) <= FEW:
        return [(GROUPS[0][0], listed)]
    found = [(heading, [f for f in listed if f.kind in kinds]) for heading, kinds in GROUPS]
    return [(heading, those) for heading, those in found if those]


def _arranged(known: dict[str, Field], own: Headings) -> list[tuple[str, list[Field]]]:
    those = [(heading, [known.pop(n) for n in names if n in known]) for heading, names in own]
    return [(heading, found) for heading, found in [*those, ("Else", [*known.values()])] if found]


def taken(resource: Resource, *, new: bool) -> list[Field]:
    """The fields a form may set."""
    return [
        field
        for field in resource.fields.values()
        if (field.settable_on_create if new else field.editable) and field.kind != "binary"
    ]


def typed(field: Field, value: Any, zone: ZoneInfo) -> str:
    """A stored value as it stands in an input, instants on the operator's clock."""
    if value is None or field.sealed:
        return ""
    if field.kind == "instant":
        local = value.astimezone(zone).replace(tzinfo=None)
        return str(local.isoformat(timespec="seconds"))
    if field.kind == "boolean":
        return "true" if value else "false"
    if field.kind == "json":
        return json.dumps(value, ensure_ascii=False, indent=2)
    return show(field, value)


def stored(fields: Iterable[Field], row: Mapping[str, Any], zone: ZoneInfo) -> dict[str, str]:
    """A row as it stands in the inputs of its form."""
    return {field.name: typed(field, row.get(field.name), zone) for field in fields}


def given(fields: Iterable[Field], form: Mapping[str, str]) -> dict[str, str]:
    """What was typed into each field that the form had, trimmed."""
    return {
        field.name: form[field.name].replace("\0", "").replace("\r\n", "\n").strip()
        for field in fields
        if field.name in form
    }


def was(form: Mapping[str, str]) -> dict[str, str]:
    """What the form showed when it was opened; what is not understood counts as nothing."""
    try:
        found = json.loads(form.get("was", "{}"))
    except ValueError:
        return {}
    if not isinstance(found, dict):
        return {}
    return {str(name): str(value) for name, value in found.items()}


def changed(now: Mapping[str, str], before: Mapping[str, str]) -> dict[str, str]:
    """What the person changed, so that an untouched field never overwrites anybody's change."""
    return {name: value for name, value in now.items() if value != before.get(name, "").strip()}


# ------------------------------------------------------------------------------------ references


@dataclass(slots=True)
class Found:
    """References read from a form: their keys, and for those that stay open what fits the words."""

    keys: dict[str, str]
    faults: dict[str, str]
    options: dict[str, list[tuple[str, str]]]


def look_up(session: Session, fields: Iterable[Field], form: Mapping[str, str]) -> Found:
    """The rows that the words typed into reference fields name.

    A key chosen from the list stands with the words it was chosen by; words alone (a browser
    without scripts, or a person too quick) are looked up, and must fit one row.
    """
    found = Found({}, {}, {})
    for field in fields:
        if field.reference and field.name + TITLE in form:
            _one(session, field, form, found)
    return found


def _one(session: Session, field: Field, form: Mapping[str, str], found: Found) -> None:
    name = field.name
    words = form[name + TITLE].replace("\0", "").strip()
    if not words:
        found.keys[name] = ""
    elif choice := form.get(name + CHOICE):
        found.keys[name] = choice
    elif (key := form.get(name, "")) and _title(session, field, key).lower() == words.lower():
        found.keys[name] = key
    else:
        _by_words(session, field, words, found)


def _title(session: Session, field: Field, key: str) -> str:
    """The name of the row that a key stands for; empty for a key that is none."""
    try:
        wanted = parse(field, key)
    except ValueRefused:
        return ""
    return rows.titles(session, RESOURCES[str(field.reference)], [wanted]).get(wanted, "").strip()


def _by_words(session: Session, field: Field, words: str, found: Found) -> None:
    target = RESOURCES[str(field.reference)]
    fitting = [(str(key), title) for key, title in rows.suggest(session, target, words)]
    same = [pair for pair in fitting if pair[1].strip().lower() == words.lower()] or fitting
    if len(same) == 1:
        found.keys[field.name] = same[0][0]
        return
    found.options[field.name] = fitting
    many = target.plural.lower()
    found.faults[field.name] = (
        f"{field.label}: several {many} have “{words}”; choose one."
        if fitting
        else f"{field.label} takes one of the {many}; none has “{words}”."
    )


def entries(
    fields: Iterable[Field],
    values: Mapping[str, str],
    titles: cells.Titles,
    faults: Mapping[str, str],
    form: Mapping[str, str] | None = None,
    options: Mapping[str, list[tuple[str, str]]] | None = None,
    own: Headings | None = None,
) -> list[tuple[str, list[Entry]]]:
    """The form's groups, filled in: with a row's values, or again with what was typed."""
    made = []
    for heading, those in grouped(fields, own):
        made.append((heading, [_entry(field, values, titles, faults) for field in those]))
    for _, group in made:
        for one in group:
            one.options = (options or {}).get(one.field.name, ())
            one.title = (form or {}).get(one.field.name + TITLE, one.title)
    _focus(made)
    return made


def _entry(
    field: Field, values: Mapping[str, str], titles: cells.Titles, faults: Mapping[str, str]
) -> Entry:
    value = values.get(field.name, "")
    title = titles.get((field.reference, value), "") if field.reference else ""
    return Entry(field, value, faults.get(field.name, ""), title)


def _focus(made: list[tuple[str, list[Entry]]]) -> None:
    """Let the cursor stand in the first field at fault, else in the first of all."""
    flat = [one for _, group in made for one in group]
    chosen = next((one for one in flat if one.fault), flat[0] if flat else None)
    if chosen is not None:
        chosen.first = True
