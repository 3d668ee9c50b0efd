"""What is found wrong with a rule: a sentence, and whether the rule is of any use with it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing about a rule, for whoever writes it."""

    sentence: str
    useless: bool  #: the rule can do no good like this; False: it should be known


def useless(sentence: str) -> Finding:
    """What stands against saving."""
    return Finding(sentence, useless=True)


def look(sentence: str) -> Finding:
    """What should be known."""
    return Finding(sentence, useless=False)
