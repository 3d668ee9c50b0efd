"""What people read about more than one alert, in both languages."""

from __future__ import annotations

import string

import pytest

from hub.notify.letters import LONGEST_LIST, WORDS, DigestLines, bundle, digest, note, storm
from hub.notify.messages import plain_text


@pytest.mark.parametrize("language", ["en", "es", "xx"])
def test_a_storm_names_the_first_and_how_many_of_which(language: str) -> None:
    message = storm(
        language,
        organization="Cimarron Oil",
        place="Smith battery",
        counts={2: 3, 1: 1, 3: 33},
        first="Site power failed",
        since="02:14",
        path="/storms/1",
    )
    for words in ("Smith battery", "37", "Site power failed", "02:14", "1 P1, 3 P2, 33 P3"):
        assert words in message.subject
    assert "https://hub/storms/1" in plain_text(message.body, "https://hub/storms/1")


def test_both_languages_say_the_same_things() -> None:
    def blanks(words: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(words) if name}

    assert WORDS["en"].keys() == WORDS["es"].keys()
    for key, english in WORDS["en"].items():
        assert blanks(english) == blanks(WORDS["es"][key]), key


def test_a_long_list_is_cut_and_says_so() -> None:
    lines = [f"line {number}" for number in range(LONGEST_LIST + 5)]
    text = plain_text(bundle("en", organization="x", lines=lines).body, "/")
    assert "line 19" in text
    assert "line 20" not in text
    assert "… and 5 more." in text


def test_a_digest_has_only_the_parts_it_needs() -> None:
    lines = DigestLines(waits=["P3 Smith 2: low"], late=["P2 Smith 3: high"], counts={3: 1})
    text = plain_text(digest("en", organization="x", since="Tue 22:00", lines=lines).body, "/")
    assert "Still open" in text
    assert "Learned late" in text
    assert "Messages that came to nothing" not in text


def test_a_hand_off_tells_what_the_one_before_said() -> None:
    told = note(
        "es",
        "handoff",
        "x",
        "/oncall",
        name="Ana",
        rotation="Night",
        until="Mon 07:00",
        before="Sam",
        note="el separador suena falso",
        total=0,
    )
    text = plain_text(told.body, "/")
    assert "Sam dice: el separador suena falso" in text
    assert "siguen abiertos" not in text
