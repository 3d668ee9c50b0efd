"""Keeps the rules of single tags in step with the parent rules that make them.

A parent watches a class of equipment, a well or the whole operator; every linked tag with its
measure and unit gets a rule of its own, which is what the evaluator judges. All of it is three
statements over sets, whatever the number of tags, and doing it again changes nothing. A tag that no
longer fits leaves its rule behind, switched off, because alerts refer to it. What a person changed
on a child is that person's: such a child is *detached* and left alone.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Engine, TextClause, text
from sqlalchemy.orm import Session

from hub.schema.alerting import SAMPLE_KINDS


@dataclass(frozen=True, slots=True)
class Kept:
    """What keeping children in step did; numbers of rules."""

    made: int
    changed: int
    switched_off: int


#: Parents with every tag they are for. A limit in psi says nothing to a gauge in bar.
_FITS: Final = """
    SELECT p.id AS parent_id, t.id AS tag_id
    FROM alert_rules p
    JOIN tags t ON t.organization_id = p.organization_id AND t.measure = p.measure
         AND (p.unit IS NULL OR lower(t.unit) = lower(p.unit))
    JOIN agents a ON a.id = t.agent_id AND a.revoked_at IS NULL
    LEFT JOIN equipment e ON e.organization_id = t.organization_id AND e.id = t.equipment_id
    WHERE p.scope <> 'tag' AND p.kind = ANY(:kinds)
      AND (CAST(:parents AS uuid[]) IS NULL OR p.id = ANY(CAST(:parents AS uuid[])))
      AND (t.well_id IS NOT NULL OR t.equipment_id IS NOT NULL)
      AND CASE p.scope WHEN 'well' THEN coalesce(t.well_id, e.well_id) = p.well_id
                       WHEN 'equipment_class' THEN e.kind = p.equipment_class
                       ELSE true END
"""

#: Beside a parent's, what of the child itself would change its judgement.
_DIFFERS: Final = """
    (k.kind, k.params, k.latch, k.capture_fleeting, k.advisory, k.enabled) IS DISTINCT FROM
    (p.kind, p.params, p.latch, p.capture_fleeting, p.advisory, p.enabled)
"""


def _over(statement: str) -> TextClause:
    return text(statement.replace("@fits", f"({_FITS})").replace("@differs", f"({_DIFFERS})"))


_MAKE = _over(
    """
    INSERT INTO alert_rules (organization_id, scope, parent_id, tag_id, enabled, version,
        created_by, updated_by, name, kind, params, latch, capture_fleeting, advisory,
        cause, consequence, action, respond_within_s, template)
    SELECT p.organization_id, 'tag', p.id, f.tag_id, true, 1,
        p.updated_by, p.updated_by, p.name, p.kind, p.params, p.latch, p.capture_fleeting,
        p.advisory, p.cause, p.consequence, p.action, p.respond_within_s, p.template
    FROM @fits f JOIN alert_rules p ON p.id = f.parent_id
    WHERE p.enabled
    ON CONFLICT (organization_id, parent_id, tag_id) WHERE parent_id IS NOT NULL DO NOTHING
    RETURNING id
    """
)

_FOLLOW = _over(
    """
    UPDATE alert_rules c
    SET (name, kind, params, latch, capture_fleeting, advisory, enabled,
         cause, consequence, action, respond_within_s, template)
        = ROW(p.name, p.kind, p.params, p.latch, p.capture_fleeting, p.advisory, p.enabled,
              p.cause, p.consequence, p.action, p.respond_within_s, p.template),
        version = c.version + CASE WHEN w.judged THEN 1 ELSE 0 END,
        faulted_at = CASE WHEN w.judged THEN NULL ELSE c.faulted_at END,
        fault = CASE WHEN w.judged THEN NULL ELSE c.fault END,
        updated_at = now(), updated_by = p.updated_by, row_version = c.row_version + 1
    FROM @fits f
    JOIN alert_rules p ON p.id = f.parent_id
    JOIN alert_rules k ON k.parent_id = p.id AND k.tag_id = f.tag_id
    CROSS JOIN LATERAL (SELECT @differs AS judged) w
    WHERE c.id = k.id AND NOT c.detached
      AND (w.judged OR
           (c.name, c.cause, c.consequence, c.action, c.respond_within_s, c.template)
           IS DISTINCT FROM
           (p.name, p.cause, p.consequence, p.action, p.respond_within_s, p.template))
    RETURNING c.id
    """
)

_LET_GO = _over(
    """
    UPDATE alert_rules c
    SET enabled = false, version = c.version + 1, updated_at = now(),
        row_version = c.row_version + 1
    WHERE c.parent_id IS NOT NULL AND c.enabled AND NOT c.detached
      AND (CAST(:parents AS uuid[]) IS NULL OR c.parent_id = ANY(CAST(:parents AS uuid[])))
      AND NOT EXISTS (SELECT FROM @fits f
                      WHERE f.parent_id = c.parent_id AND f.tag_id = c.tag_id)
    RETURNING c.id
    """
)

_WOULD_FIT = text(
    """
    SELECT t.id
    FROM tags t
    JOIN agents a ON a.id = t.agent_id AND a.revoked_at IS NULL
    LEFT JOIN equipment e ON e.organization_id = t.organization_id AND e.id = t.equipment_id
    WHERE t.measure = :measure
      AND (CAST(:unit AS text) IS NULL OR lower(t.unit) = lower(CAST(:unit AS text)))
      AND (t.well_id IS NOT NULL OR t.equipment_id IS NOT NULL)
      AND CASE :scope WHEN 'well' THEN coalesce(t.well_id, e.well_id) = CAST(:well AS uuid)
                      WHEN 'equipment_class' THEN e.kind = :class
                      ELSE true END
    ORDER BY t.id LIMIT :most
    """
)

_MISFITS = text(
    """
    SELECT t.unit, count(*) AS tags
    FROM alert_rules p
    JOIN tags t ON t.organization_id = p.organization_id AND t.measure = p.measure
         AND lower(t.unit) <> lower(p.unit)
    LEFT JOIN equipment e ON e.organization_id = t.organization_id AND e.id = t.equipment_id
    WHERE p.id = :parent AND (t.well_id IS NOT NULL OR t.equipment_id IS NOT NULL)
      AND CASE p.scope WHEN 'well' THEN coalesce(t.well_id, e.well_id) = p.well_id
                       WHEN 'equipment_class' THEN e.kind = p.equipment_class
                       ELSE true END
    GROUP BY t.unit ORDER BY t.unit
    """
)


def keep_in_step(session: Session, parents: Collection[uuid.UUID] | None = None) -> Kept:
    """Make, change and switch off children so that they are what their parents are now.

    `parents` narrows it to some; None means all that the session sees.
    """
    values = {"kinds": list(SAMPLE_KINDS), "parents": None if parents is None else list(parents)}
    session.flush()
    off = session.execute(_LET_GO, values).all()
    changed = session.execute(_FOLLOW, values).all()
    made = session.execute(_MAKE, values).all()
    return Kept(len(made), len(changed), len(off))


def keep_all(engine: Engine) -> Kept:
    """The periodic job: whatever door a tag or a parent was changed through."""
    with Session(engine) as session, session.begin():
        return keep_in_step(session)


def fitting(
    session: Session,
    scope: str,
    measure: str,
    unit: str | None,
    well_id: uuid.UUID | None,
    equipment_class: str | None,
    most: int,
) -> list[int]:
    """Tags that a parent which is not there yet would make rules for; at most so many."""
    values = {
        "scope": scope,
        "measure": measure,
        "unit": unit or None,
        "well": well_id,
        "class": equipment_class,
        "most": most,
    }
    return list(session.scalars(_WOULD_FIT, values))


def other_units(session: Session, parent: uuid.UUID) -> dict[str, int]:
    """Tags that would fit a parent but for their unit: numbers by unit."""
    return {row.unit: row.tags for row in session.execute(_MISFITS, {"parent": parent})}
