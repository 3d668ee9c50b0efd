"""What sites told of their own alarms: which alert each is, and how long the site's word holds.

A record holds until every reading up to its time has come and been judged; from then on the hub's
own judgement does. Where readings were dropped at the site or lost with its disk, the record is all
there will ever be, and stands. An acknowledgement on site acknowledges the alert, as at any door.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from hub.alerts import lifecycle
from hub.alerts.instants import to_instant, to_ms
from hub.alerts.sitespells import SiteSpell, Told, gather
from hub.readings.completeness import complete_through

KEPT_FOR: Final = timedelta(days=35)  #: as long as late readings are judged
_FOREVER: Final = 2**62

_LOAD = text(
    """
    SELECT id, spell, rule_id, kind, level, value, extreme, raised_at, at, certain_at, settled_at,
           stands, alert_id, said_by, note
    FROM site_alarms
    WHERE agent_id = :agent AND (settled_at IS NULL OR stands) AND certain_at > :since
    ORDER BY certain_at, id
    """
)
_WHOLE = text(
    """
    SELECT id, spell, rule_id, kind, level, value, extreme, raised_at, at, certain_at, settled_at,
           stands, alert_id, said_by, note
    FROM site_alarms WHERE agent_id = :agent AND spell = ANY(:spells) ORDER BY certain_at, id
    """
)
_GONE = text(
    """
    SELECT g.from_time, g.to_time FROM stream_gaps g
    WHERE g.agent_id = :agent AND g.reason IN ('thinned', 'lost', 'released')
      AND g.to_time >= :since AND g.readings > 0
    """
)
_LINK = text(
    "UPDATE site_alarms SET alert_id = :alert WHERE agent_id = :agent AND spell = ANY(:spells)"
)
_SETTLE = text("UPDATE site_alarms SET settled_at = :now, stands = :stands WHERE id = ANY(:ids)")


@dataclass(slots=True)
class SiteView:
    """The records of one agent that its alerts depend on, within one transaction."""

    session: Session
    agent: uuid.UUID
    now: datetime
    rows: list[Any] = field(default_factory=list)
    spells: dict[uuid.UUID, list[SiteSpell]] = field(default_factory=dict)  #: by rule
    reach: int = _FOREVER  #: every reading up to here has come
    judged: dict[uuid.UUID, int] = field(default_factory=dict)  #: by rule, how far
    gone: list[tuple[int, int]] = field(default_factory=list)  #: stretches whose readings are lost

    @classmethod
    def load(cls, session: Session, agent: uuid.UUID, now: datetime) -> SiteView:
        """What is not settled yet; nothing, and nearly for nothing, where a site told nothing."""
        view = cls(session, agent, now)
        values = {"agent": agent, "since": now - KEPT_FOR}
        open_rows = session.execute(_LOAD, values).all()
        if not open_rows:
            return view
        spells = list({row.spell for row in open_rows})
        view.rows = list(session.execute(_WHOLE, {"agent": agent, "spells": spells}))
        oldest = min(row.raised_at for row in view.rows)
        view.gone = [
            (to_ms(start), to_ms(end))
            for start, end in session.execute(_GONE, {"agent": agent, "since": oldest})
        ]
        through = complete_through(session, agent)
        view.reach = _FOREVER if through is None else to_ms(through)
        view.spells = view._by_rule()
        return view

    def _by_rule(self) -> dict[uuid.UUID, list[SiteSpell]]:
        told: defaultdict[uuid.UUID, list[Told]] = defaultdict(list)
        for row in self.rows:
            if row.kind != "acknowledged":
                told[row.rule_id].append(self._told(row))
        return {rule: gather(records) for rule, records in told.items()}

    def _told(self, row: Any) -> Told:
        raised, certain = to_ms(row.raised_at), to_ms(row.certain_at)
        return Told(
            row.spell,
            row.kind,
            row.level,
            row.value,
            row.extreme,
            raised,
            to_ms(row.at),
            certain,
            row.stands or self._is_gone(raised, certain),
        )

    def _is_gone(self, raised: int, certain: int) -> bool:
        return any(start <= certain and end >= raised for start, end in self.gone)

    # ------------------------------------------------------------------------------ judging

    def spans(self) -> list[tuple[datetime, datetime]]:
        """Stretches to be judged anew so that the hub's word covers what is not settled."""
        waiting = {row.spell for row in self.rows if row.settled_at is None}
        return [
            (to_instant(spell.raised_at), to_instant(spell.newest))
            for spells in self.spells.values()
            for spell in spells
            if spell.id in waiting
        ]

    def of(self, rule: uuid.UUID, since: int, until: int | None = None) -> list[SiteSpell]:
        """A rule's alarms of the site that are not over before an instant, nor begin after one."""
        return [
            spell
            for spell in self.spells.get(rule, ())
            if (spell.cleared_at is None or spell.cleared_at > since)
            and (until is None or spell.raised_at < until)
        ]

    def horizon(self, rule: uuid.UUID, newest: int) -> int:
        """Up to where the hub's own judgement of a rule holds."""
        self.judged[rule] = max(self.judged.get(rule, newest), newest)
        return min(self.reach, newest)

    def newest(self, spells: Iterable[SiteSpell], judged: int) -> int:
        """The newest that is known of a gauge, by readings or by the site's word."""
        return max([judged, *(spell.newest for spell in spells)])

    # ----------------------------------------------------------------------------- afterwards

    def link(self, alert: uuid.UUID, spells: Sequence[uuid.UUID]) -> None:
        """Note which alert some of the site's alarms are."""
        values = {"alert": alert, "agent": self.agent, "spells": list(spells)}
        self.session.execute(_LINK, values)

    def conclude(self, failed: set[uuid.UUID], rules: set[uuid.UUID]) -> None:
        """Acknowledge what was acknowledged on site; settle what the hub has judged itself."""
        for row in self.rows:
            if row.kind == "acknowledged" and row.settled_at is None:
                self._acknowledge(row)
        for stands in (False, True):
            ids = [
                row.id
                for row in self.rows
                if row.settled_at is None
                and row.kind != "acknowledged"
                and row.rule_id not in failed
                and self._may_settle(row, rules)
                and self._told(row).stands is stands
            ]
            if ids:
                self.session.execute(_SETTLE, {"now": self.now, "stands": stands, "ids": ids})

    def _may_settle(self, row: Any, rules: set[uuid.UUID]) -> bool:
        if row.rule_id not in rules:  # switched off since, or faulted: nothing judges it
            return True
        certain = to_ms(row.certain_at)
        return certain <= min(self.reach, self.judged.get(row.rule_id, -1))

    def _acknowledge(self, row: Any) -> None:
        alert = self.session.scalar(_ALERT_OF, {"agent": self.agent, "spell": row.spell})
        if alert is not None:
            said = f"{row.said_by or 'somebody'} on site"
            note = f"{said}: {row.note}" if row.note else said
            lifecycle.acknowledge(self.session, alert, None, note, self.now, via="site")
        values = {"now": self.now, "stands": False, "ids": [row.id]}
        self.session.execute(_SETTLE, values)


_ALERT_OF = text(
    """
    SELECT alert_id FROM site_alarms
    WHERE agent_id = :agent AND spell = :spell AND alert_id IS NOT NULL LIMIT 1
    """
)
