"""In which order a person drives the stops of a site: as the office was told, until moved here.

What is moved here stays in the box, beside the office's order it was moved from: once that is
another, it holds again.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Mapping
from typing import Final, Protocol

from agent.contract.stopsheet import StopSheet
from agent.form.people import Person

KEPT: Final = "form routes"
MOST: Final = 200  #: people whose order is kept; the one who moved a stop longest ago goes first


class Keeper(Protocol):
    """What keeps the orders over a restart."""

    def kept(self, key: str) -> bytes | None: ...  # noqa: D102
    def keep(self, what: Mapping[str, bytes]) -> None: ...  # noqa: D102


class Routes:
    """The orders of people who enter at this site."""

    def __init__(self, keeper: Keeper) -> None:
        """Take up what was kept."""
        self._keeper, self._lock = keeper, threading.Lock()
        kept = keeper.kept(KEPT)
        #: person -> their order here, and the office's that it was made from
        self._own: dict[str, dict[str, list[str]]] = json.loads(kept) if kept else {}

    def sheet(self, sheet: StopSheet, person: Person) -> StopSheet:
        """A sheet in a person's order."""
        own = self._own.get(str(person.id))
        if own is None or own["of"] != _texts(person):
            return sheet.ordered(person.route)
        return sheet.ordered([uuid.UUID(stop) for stop in own["stops"]])

    def move(self, sheet: StopSheet, person: Person, stop: str, to: str) -> None:
        """Move a stop a place up or down, on disk when this returns; raises `sqlite3.Error`.

        Raises ValueError for what names no stop.
        """
        with self._lock:
            order = self.sheet(sheet, person).moved(uuid.UUID(stop), to)
            made = {"stops": [str(one) for one in order], "of": _texts(person)}
            others = {who: own for who, own in self._own.items() if who != str(person.id)}
            kept = dict([*others.items(), (str(person.id), made)][-MOST:])
            self._keeper.keep({KEPT: json.dumps(kept).encode()})
            self._own = kept


def _texts(person: Person) -> list[str]:
    return [str(stop) for stop in person.route]
