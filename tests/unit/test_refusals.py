"""Refusals of entries in both languages: every sentence is known again whatever was filled in."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.contract.fieldwords import FAULTS
from agent.contract.oil import OilError, gravity_60f
from agent.contract.tanks import LevelError, StrapTable
from hub.production.refusals import OTHERS, WORDS, in_spanish, spoken, told

FILLED = {"level": "20' 0 1/4\"", "height": "20' 0\"", "first": "2026-11-25"}


@pytest.mark.parametrize("key", sorted(WORDS))
def test_a_refusal_is_said_in_spanish(key: str) -> None:
    assert in_spanish(told(key, **FILLED)) == WORDS[key][1].format(**FILLED)


def test_what_the_contract_itself_says_is_known_again() -> None:
    table = StrapTable.of(((Decimal(2), Decimal(3)), (Decimal(180), Decimal(300))))
    for level, begins in (("1", "La tabla de aforo empieza"), ("181", "La tabla de aforo de este")):
        with pytest.raises(LevelError) as beyond:
            table.volume(Decimal(level))
        assert in_spanish(str(beyond.value)).startswith(begins)
    for gravity, degrees in (("101", "60"), ("40", "400")):
        with pytest.raises(OilError) as impossible:
            gravity_60f(Decimal(gravity), Decimal(degrees))
        assert "no es posible" in in_spanish(str(impossible.value))


def test_both_languages_fill_in_the_same() -> None:
    for english, spanish in (*WORDS.values(), *OTHERS, *FAULTS.values()):
        blanks = {part.partition("}")[0] for part in english.split("{")[1:]}
        assert {part.partition("}")[0] for part in spanish.split("{")[1:]} <= blanks


def test_what_nobody_foresaw_is_quoted_and_english_stays_english() -> None:
    odd = "This pump is broken."
    assert in_spanish(odd) == "La oficina no lo acepta: «This pump is broken.»"
    assert spoken({"day": odd}, "en") == {"day": odd}


@given(st.text(max_size=80))
def test_no_sentence_breaks_it(sentence: str) -> None:
    assert in_spanish(sentence)
