"""What is asked, reckoned and chosen by a form's figures: the cases its script shares."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agent.contract.fieldform.frame import Door, script_words
from agent.contract.fieldform.script import RULES, script_rules
from tests.judged import Case, by_python, golden


@pytest.mark.parametrize(("case", "says"), golden())
def test_python_says_what_the_golden_cases_say(case: Case, says: Any) -> None:
    assert by_python(case) == says


def test_the_script_gets_every_figure_and_every_word_it_needs() -> None:
    rules = json.loads(script_rules())
    assert rules.keys() == RULES.keys()
    assert (rules["least_psi"], rules["share"], rules["water"]) == ("50", "0.3", "999.016")
    words = json.loads(script_words(Door("site")))
    asked = {says[0] for (kind, _), says in golden() if kind in {"pressures", "meters"} if says}
    assert asked <= words.keys()
    assert "{net} bbl net" in words["net"]
