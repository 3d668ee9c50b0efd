"""What the pumper's form says, in English and Spanish: one list of words for both doors."""

from __future__ import annotations

from typing import Final

from agent.contract.formwords import CODES
from agent.contract.formwords import WORDS as FORM_WORDS
from agent.contract.photowords import PHOTO_WORDS

__all__ = ["FAULTS", "LANGUAGES", "WORDS", "code", "say"]

LANGUAGES: Final = ("en", "es")
WORDS: Final = FORM_WORDS | PHOTO_WORDS

#: key: (English, Spanish); what stands in braces is filled in.
FAULTS: Final[dict[str, tuple[str, str]]] = {
    "version": (
        "This form is of another version; load the page again.",
        "Este formulario es de otra versión; vuelva a cargar la página.",
    ),
    "empty": (
        "Nothing was entered; fill in at least one field.",
        "No se anotó nada; llene al menos un campo.",
    ),
    "missing": ("Fill this in.", "Llene este campo."),
    "key": (
        "This names nothing we know; load the page again.",
        "Esto no nombra nada conocido; vuelva a cargar la página.",
    ),
    "line_gone": (
        "Not saved: a tank, well or meter of that page is not at this stop now; see what is left.",
        "No se guardó: un tanque, pozo o medidor de esa página ya no está aquí; vea lo que queda.",
    ),
    "twice": ("This was entered twice; keep one.", "Esto se anotó dos veces; deje uno."),
    "number": (
        "{value} is not a number; write digits and one point.",
        "{value} no es un número; escriba cifras y un punto.",
    ),
    "negative": ("This cannot be below zero.", "No puede ser menor que cero."),
    "range": (
        "{value} is not possible here; enter {low} to {high}.",
        "{value} no es posible aquí; anote de {low} a {high}.",
    ),
    "places": (
        "That is finer than is kept; enter {value}.",
        "Es más fino de lo que se guarda; anote {value}.",
    ),
    "level": (
        "{value} is not a level; enter feet, inches below 12 and quarters 0 to 3.",
        "{value} no es un nivel; anote pies, pulgadas menores de 12 y cuartos de 0 a 3.",
    ),
    "day": (
        "This is not a day; choose one from the list.",
        "Esto no es un día; elija uno de la lista.",
    ),
    "time": (
        "This is not a time; write hours and minutes, 06:45.",
        "Esto no es una hora; escriba horas y minutos, 06:45.",
    ),
    "word": (
        "{value} is not in the list; choose one from it.",
        "{value} no está en la lista; elija de ella.",
    ),
    "text": (
        "This holds a character that cannot be kept; type it again.",
        "Contiene un carácter que no se puede guardar; escríbalo otra vez.",
    ),
    "long": (
        "This is too long; at most {longest} characters are kept.",
        "Es demasiado largo; se guardan {longest} caracteres como máximo.",
    ),
    "list": (
        "Write at most {most} numbers of at most {longest} characters.",
        "Escriba como máximo {most} números de {longest} caracteres.",
    ),
    "lines": (
        "At most {most} lines fit one stop; split it into two entries.",
        "Caben {most} líneas por parada; repártalas en dos registros.",
    ),
    "digest": (
        "The picture was not kept whole; take it again.",
        "La foto no se guardó completa; tómela otra vez.",
    ),
    "water_above_oil": (
        "The bottom lies above the top gauge; read the tape again.",
        "El fondo queda arriba del nivel; lea la cinta otra vez.",
    ),
    "code_missing": (
        "Choose why the well was down.",
        "Elija por qué estuvo parado el pozo.",
    ),
    "closing_above_opening": (
        "The closing gauge is above the opening one: oil does not run back.",
        "La medida final es mayor que la inicial: el aceite no regresa.",
    ),
    "closed_before_opened": (
        "The run ends before it began; check both times.",
        "La entrega termina antes de empezar; revise las dos horas.",
    ),
    "test_without_volume": (
        "A test needs at least one volume.",
        "Una prueba necesita al menos un volumen.",
    ),
    "unknown_stop": (
        "This stop is not on your route; ask the office to assign the lease.",
        "Esta parada no está en su ruta; pida a la oficina que le asigne el lote.",
    ),
    "unknown_tank": (
        "This tank is not at this stop.",
        "Este tanque no está en esta parada.",
    ),
    "unknown_well": ("This well is not at this stop.", "Este pozo no está en esta parada."),
    "unknown_meter": (
        "This meter is not at this stop.",
        "Este medidor no está en esta parada.",
    ),
    "above_tank": (
        "{level} is above the top of the tank, {height}; read the tape again.",
        "{level} queda arriba del tanque, {height}; lea la cinta otra vez.",
    ),
    "beyond_table": (
        "The strapping table of this tank does not reach {level}; ask the office to complete it.",
        "La tabla de aforo de este tanque no llega a {level}; pida a la oficina completarla.",
    ),
    "no_table": (
        "This tank has no sound strapping table, so no ticket can be computed; tell the office.",
        "Este tanque no tiene tabla de aforo válida y no se calcula el boleto; avise a la oficina.",
    ),
    "oil": (
        "Gravity or temperature is not possible for crude oil; read both again.",
        "La gravedad o la temperatura no son posibles; léalas otra vez.",
    ),
    "future": (
        "{day} has not begun; choose a day that has.",
        "{day} no ha empezado; elija un día que sí.",
    ),
    "late": (
        "{day} is too long ago to enter here; ask the office.",
        "{day} ya pasó hace mucho; pida a la oficina que lo anote.",
    ),
    "locked": (
        "The month of {day} is closed; ask the office to reopen it.",
        "El mes de {day} está cerrado; pida a la oficina que lo reabra.",
    ),
    "day_hours": (
        "That production day had {hours} hours; enter no more.",
        "Ese día de producción tuvo {hours} horas; no anote más.",
    ),
}


def say(language: str, key: str, **values: str) -> str:
    """A sentence or label; English where the language is not ours. Raises KeyError."""
    kind, _, rest = key.partition("_")
    words = FAULTS[rest] if kind == "fault" else WORDS[key]
    return words[1 if language == "es" else 0].format(**values)


def code(language: str, name: str) -> str:
    """Why a well stood still, in words; raises KeyError."""
    return CODES[name][1 if language == "es" else 0]
