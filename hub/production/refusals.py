"""Why an entry is refused: in English for the office, and in the language of who entered it.

What is stored with an entry is English, whoever looks at it later. On the way back to the person
each sentence is known again by its form, those of the database and of the contract's own errors
too, which are English; one that nobody foresaw is quoted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Final

from agent.contract.fieldwords import FAULTS

#: What the taking up of an entry refuses by: (English, Spanish) by key.
WORDS: Final[dict[str, tuple[str, str]]] = {
    "role": (
        "Only pumpers and the office enter a day; ask the office.",
        "Solo los bombeadores y la oficina anotan un día; pregunte a la oficina.",
    ),
    "signed": (
        "This entry was signed by another person than the one who sent it.",
        "Esta anotación la firmó otra persona, no quien la envió.",
    ),
    "gone": (
        "Whoever signed this does not work here any more: ask the office to enter it.",
        "Quien firmó esto ya no trabaja aquí: pida a la oficina que lo anote.",
    ),
    "stop": (
        (
            "This stop was not on the route of who entered it any more: the office takes it up,"
            " or sets it aside."
        ),
        "Esta parada ya no estaba en su ruta: la oficina la toma o la aparta.",
    ),
    "future": (
        "This day has not come yet: choose the day that was gauged.",
        "Este día aún no llega: elija el día que se midió.",
    ),
    "early": (
        "Pumpers enter days from {first} on: ask the office to enter this one.",
        "Usted puede anotar días desde el {first}: pida a la oficina que anote este.",
    ),
    "corrects": (
        "Only who made an entry, or the office, corrects it.",
        "Solo quien hizo la anotación, o la oficina, la corrige.",
    ),
    "tank": ("This tank is not of this stop.", "Este tanque no es de esta parada."),
    "well": ("This well is not of this stop.", "Este pozo no es de esta parada."),
    "meter": ("This meter is not of this stop.", "Este medidor no es de esta parada."),
    "above": (
        "{level} is above this tank, which is {height} high: read the tape again.",
        "{level} queda arriba de este tanque, que mide {height}: lea la cinta otra vez.",
    ),
    "to_come": (
        "This run is still to come: check it.",
        "Esta entrega aún no ocurre: revísela.",
    ),
    "twice": (
        "This was entered for the day already: correct it there.",
        "Esto ya se anotó para ese día: corríjalo ahí.",
    ),
}
#: What the database and the contract's errors say, as they say it.
OTHERS: Final[tuple[tuple[str, str], ...]] = (
    (
        "This day has not come yet: enter the day that was gauged.",
        "Este día aún no llega: anote el día que se midió.",
    ),
    (
        "The production month {month} is closed: open it again before changing it.",
        "El mes {month} está cerrado: pida a la oficina que lo reabra.",
    ),
    (
        "The production month {month} is being closed: only the office may change it.",
        "El mes {month} se está cerrando: solo la oficina puede cambiarlo.",
    ),
    (
        "The strapping table begins at {begin}; {level} lies below it.",
        "La tabla de aforo empieza en {begin}; {level} queda abajo.",
    ),
    (
        "The strapping table of this tank ends at {end}, and {level} lies above it: {rest}",
        "La tabla de aforo de este tanque termina en {end}, y {level} queda arriba: mida otra vez.",
    ),
    (
        "The strapping table of this tank ends at {end} in: check the gauge.",
        "La tabla de aforo de este tanque termina en {end} pulg: revise la medida.",
    ),
    (
        "A gravity of {gravity} °API is not possible; enter 0 to 100.",
        "Una gravedad de {gravity} °API no es posible; anote de 0 a 100.",
    ),
    (
        "{degrees} °F is not possible in a tank; enter -58 to 302.",
        "{degrees} °F no es posible en un tanque; anote de -58 a 302.",
    ),
    (
        "The closing gauge is above the opening one: oil does not run back.",
        "La medida final es mayor que la inicial: el aceite no regresa.",
    ),
    (
        "BS&W of {water} % is not possible; enter 0 to 100.",
        "Un BS&W de {water} % no es posible; anote de 0 a 100.",
    ),
    (
        "A final ticket stands as it is: void it and write another.",
        "Un boleto final queda como está: pida a la oficina que lo anule y haga otro.",
    ),
    (
        "There is already a run ticket with this {fields}.",
        "Ya hay un boleto con este número: revíselo.",
    ),
    (
        "The office has judged this well test already: enter another test.",
        "La oficina ya revisó esta prueba: anote otra.",
    ),
    (
        "Somebody else changed this {what} since you entered it: the office looks at both.",
        "Otra persona cambió esto después de que usted lo anotó: la oficina revisa los dos.",
    ),
    ("A void ticket stays void: write another.", "Un boleto anulado queda anulado: haga otro."),
    (
        "This well has several completions: name the one that is meant.",
        "Este pozo tiene varias terminaciones: pida a la oficina que anote cuál es.",
    ),
)
UNKNOWN: Final = "La oficina no lo acepta: «{sentence}»"
_BLANK: Final = re.compile(r"\\\{(\w+)\\\}")


def told(key: str, **values: str) -> str:
    """One of `WORDS` in English, as it is stored; raises KeyError."""
    return WORDS[key][0].format(**values)


def spoken(faults: Mapping[str, str], language: str) -> dict[str, str]:
    """Sentences by field, in the language of who entered it."""
    if language != "es":
        return dict(faults)
    return {field: in_spanish(sentence) for field, sentence in faults.items()}


def in_spanish(sentence: str) -> str:
    """A sentence that was stored, in Spanish."""
    for form, spanish in _forms():
        if found := form.fullmatch(sentence):
            return spanish.format(**found.groupdict())
    return UNKNOWN.format(sentence=sentence)


@cache
def _forms() -> tuple[tuple[re.Pattern[str], str], ...]:
    pairs = (*WORDS.values(), *OTHERS, *FAULTS.values())
    return tuple((re.compile(_form(english)), spanish) for english, spanish in pairs)


def _form(english: str) -> str:
    """What fits a sentence whatever was filled in."""
    seen: set[str] = set()

    def blank(found: re.Match[str]) -> str:
        name = found[1]
        if name in seen:
            return f"(?P={name})"
        seen.add(name)
        return f"(?P<{name}>.+?)"

    return _BLANK.sub(blank, re.escape(english))
