"""What the page's script judges by: limits and coefficients, named once in Python, sent with it."""

from __future__ import annotations

import json
from typing import Final

from agent.contract import entrycheck, oil, tanks

#: Every figure that ``static/reckon.js`` judges or reckons with, as text: no digit is lost.
RULES: Final = {
    "least_psi": entrycheck.LEAST_PSI,
    "share": entrycheck.SHARE,
    "gauge_off_in": entrycheck.GAUGE_OFF_IN,
    "gauge_off": entrycheck.GAUGE_OFF,
    "gauge_off_psi": entrycheck.GAUGE_OFF_PSI,
    "fell_in": entrycheck.FELL_IN,
    "highest_in": tanks.HIGHEST_IN,
    "base_f": oil.BASE_F,
    "water": oil.WATER,
    "crude": oil.CRUDE,
    "bend": oil.BEND,
    "glass": oil.GLASS,
    "glass_bend": oil.GLASS_BEND,
}


def script_rules() -> str:
    """The figures as JSON, for the page."""
    return json.dumps({name: f"{value:f}" for name, value in RULES.items()})
