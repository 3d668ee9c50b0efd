"""What a rule's condition can speak of: every fact's name, kind, unit and words (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["number", "yes_no", "word", "day"]

FLUID_WORDS: Final = ("oil", "produced_water", "condensate", "chemical", "gas", "none")


@dataclass(frozen=True, slots=True)
class Word:
    """A fact a condition can name."""

    kind: Kind
    said: str  #: how it reads in a sentence
    unit: str = ""
    choices: tuple[str, ...] = ()


def _yes_no(**told: str) -> dict[str, Word]:
    return {name: Word("yes_no", said) for name, said in told.items()}


def _people(**told: str) -> dict[str, Word]:
    return {name: Word("number", said) for name, said in told.items()}


WORDS: Final[Mapping[str, Word]] = {
    "released": Word("number", "volume released", "bbl"),
    "released_gal": Word("number", "volume released", "gal"),
    "gas": Word("number", "gas released", "Mcf"),
    "h2s_lb": Word("number", "H2S released", "lb"),
    "h2s_ppm": Word("number", "H2S measured", "ppm"),
    "water_tds_ppm": Word("number", "dissolved solids of the water", "ppm"),
    "property_damage": Word("number", "damage to property", "USD"),
    "fluid": Word("word", "fluid", choices=FLUID_WORDS),
    "class": Word("word", "class of the incident"),
    "built_on": Word("day", "day the facility was built"),
    **_yes_no(
        release="something was released",
        inside_containment="all of it stayed in the containment",
        on_site="all of it stayed on location",
        reached_water="it reached water",
        threatens_water="it threatens water",
        sensitive_area="the area is sensitive",
        endangers_health="it endangers people's health",
        threatens_property="it threatens houses, livestock or a byway",
        h2s_uncontrolled="H2S was not controlled at once",
        fire="there was a fire",
        explosion="there was an explosion",
        lightning="a tank was struck by lightning",
        blowout="a well was out of control",
        emergency="it is an emergency",
        major="it is of major consequence",
        significant="it is significant in our judgement",
        pipeline="it came from a pipeline",
        coastal="coastal waters are concerned",
        offshore="it happened offshore",
        h2s_plan="the H2S contingency plan was set in motion",
        federal_lease="the lease is federal or Indian",
    ),
    **_people(
        injured="people hurt",
        deaths="people who died",
        hospitalised="people in hospital",
        amputations="people who lost a limb",
        eye_losses="people who lost an eye",
    ),
}


#: How a notice stands, as people say it of the agency.
OWED: Final[Mapping[str, str]] = {
    "potential": "may have to be told",
    "due": "has to be told",
    "notified": "was told",
    "written_due": "was told, a report in writing is owed",
    "filed": "was told, and it is filed",
    "waived": "is not told, as a manager decided",
    "lapsed": "is not asked for any more",
}


@dataclass(frozen=True, slots=True)
class Rolling:
    """A sum or count over all incidents of one site within any stretch of so much time."""

    counts: bool  #: counts incidents for which a condition holds; otherwise sums a number
    hours: int | None  #: length of the stretch; None for twelve months
    said: str


ROLLING: Final[Mapping[str, Rolling]] = {
    "mass_24h": Rolling(counts=False, hours=24, said="within any 24 hours at this site"),
    "bbl_15d": Rolling(counts=False, hours=15 * 24, said="within any 15 days at this site"),
    "count_12mo": Rolling(counts=True, hours=None, said="within any 12 months at this site"),
}
