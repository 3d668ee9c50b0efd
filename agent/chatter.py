"""How often one rule of the site may speak: an alarm that keeps coming back is one that stands.

Records of alarms are never dropped from the outbox, so they are bounded where they are made. A rule
without delays whose gauge swings around a limit raises at most six alarms an hour; the last of them
stays for an hour, as one alarm. Its other changes (of level, of whether anybody can see) are told
twenty times an hour; beyond that only what has become worse than all that was told, so that nothing
bad is hidden. With two notes an hour that is less than 40 records of one rule and hour, some 13 kB.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

from agent.contract.alarm_rules import Rule
from agent.contract.alarms import Change

MOST_RAISED: Final = 6
MOST_OTHERS: Final = 20
_HOUR_MS: Final = 3_600_000


def calmed(rule: Rule) -> Rule:
    """The rule as a site runs it: raised no more often than `MOST_RAISED` an hour."""
    most = min(rule.most_per_hour or MOST_RAISED, MOST_RAISED)
    return replace(rule, most_per_hour=most)


@dataclass(slots=True)
class Pace:
    """What one rule has said within the last hour; times are milliseconds of the evaluator."""

    raised: list[int] = field(default_factory=list)
    others: list[int] = field(default_factory=list)
    noted: dict[str, int] = field(default_factory=dict)  #: what was said about it, and when
    frozen: bool = False  #: the last that was told

    def allows(self, change: Change, priority: int, told: int) -> bool:
        """Whether a change is told; `told` is the worst priority told of this alarm so far."""
        at = change.seen_at
        if change.kind in {"raised", "cleared"}:
            self.frozen = False
            self.raised = _lately(self.raised, at) + ([at] if change.kind == "raised" else [])
            return True
        self.others = _lately(self.others, at)
        ends = change.kind == "unfrozen" and self.frozen
        worse = change.kind == "level" and priority < told
        if len(self.others) >= MOST_OTHERS and not ends and not worse:
            return False
        if change.kind == "unfrozen" and not self.frozen:
            return False
        self.others.append(at)
        if change.kind in {"frozen", "unfrozen"}:
            self.frozen = change.kind == "frozen"
        return True

    def note(self, rule: Rule, own: int, at: int) -> str:
        """What is to be said about the rule now, once an hour; `own` is its own `most_per_hour`."""
        if len(self.raised) >= rule.most_per_hour and not 0 < own <= MOST_RAISED:
            said = f"raised {len(self.raised)} alarms within an hour: the last stays for an hour"
            return self._once("raised", said, at)
        if len(self.others) >= MOST_OTHERS:
            said = "changes too often: only what becomes worse is told for an hour"
            return self._once("others", said, at)
        return ""

    def _once(self, what: str, said: str, at: int) -> str:
        if at - self.noted.get(what, -_HOUR_MS) < _HOUR_MS:
            return ""
        self.noted[what] = at
        return said


def _lately(moments: list[int], at: int) -> list[int]:
    return [moment for moment in moments if at - moment < _HOUR_MS]
