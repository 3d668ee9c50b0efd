"""What happens while the demo runs, one line each: alarms, mail, and parts that ended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy import Engine, text

from hub.demo.children import Child
from hub.demo.smtp import PostOffice

_EVENTS = text(
    """
    SELECT e.id, e.at, e.event_time, e.kind, a.message, a.level, coalesce(w.name, '') AS well
      FROM alert_events e
      JOIN alerts a ON a.id = e.alert_id
      LEFT JOIN wells w ON w.id = a.well_id
     WHERE e.id > :last
     ORDER BY e.id
    """
)
_LAST = text("SELECT coalesce(max(id), 0) FROM alert_events")


class Happenings:
    """Remembers what was told; `fresh` tells the rest."""

    def __init__(self, owner: Engine, office: PostOffice, children: Sequence[Child]) -> None:
        self._owner, self._office, self._children = owner, office, children
        self._ended: set[str] = set()
        self._letters = len(office.letters())
        with owner.connect() as connection:
            self._last = int(connection.scalar(_LAST) or 0)

    def fresh(self) -> Iterator[str]:
        """Everything new since the last look, in words."""
        yield from self._alarms()
        yield from self._mail()
        for child in self._children:
            if not child.alive and child.name not in self._ended:
                self._ended.add(child.name)
                yield f"{child.name} has ended; its last words:\n{child.tail(8)}"

    def _alarms(self) -> Iterator[str]:
        with self._owner.connect() as connection:
            rows = connection.execute(_EVENTS, {"last": self._last}).all()
        for row in rows:
            self._last = row.id
            yield f"{_clock(row.event_time or row.at)}  {row.kind:<12} {row.well}: {row.message}"

    def _mail(self) -> Iterator[str]:
        letters = self._office.letters()
        for letter in letters[self._letters :]:
            at = datetime.fromtimestamp(letter.at).astimezone()
            yield f"{_clock(at)}  mail to {letter.message['To']}: {letter.subject}"
        self._letters = len(letters)


def _clock(at: datetime) -> str:
    return at.astimezone().strftime("%H:%M:%S")
