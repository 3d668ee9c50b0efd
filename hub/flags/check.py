"""Which of an operator's rows break the rules of a feature."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from hub.flags.features import FEATURES, Feature, Rule

#: Rows named for each rule; all are counted.
NAMED: Final = 100


@dataclass(frozen=True, slots=True)
class Finding:
    """The rows that break one rule."""

    feature: str
    rule: str
    table: str
    count: int
    rows: tuple[tuple[uuid.UUID, str], ...]  #: id and name of the first hundred, by name
    says: str
    fix: str


def check(session: Session, features: Iterable[Feature] = FEATURES) -> Iterator[Finding]:
    """Look for rows that break a rule; the session shows one operator's rows only."""
    for feature in features:
        for rule in feature.rules:
            finding = _look(session, feature, rule)
            if finding.count:
                yield finding


def _look(session: Session, feature: Feature, rule: Rule) -> Finding:
    found = session.execute(
        text(
            f"SELECT t.id, {rule.label} AS label, count(*) OVER () AS of"  # noqa: S608 - our table
            f" FROM {rule.table} t WHERE {rule.breaks} ORDER BY 2, 1 LIMIT {NAMED}"
        )
    ).all()
    return Finding(
        feature.name,
        rule.name,
        rule.table,
        found[0].of if found else 0,
        tuple((row.id, str(row.label)) for row in found),
        rule.says,
        rule.fix,
    )
