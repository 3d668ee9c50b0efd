"""Who enters at the site: PINs against the signed list, tries counted, sessions of some hours."""

from __future__ import annotations

import json
import secrets
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from agent.contract import pins

TRIES: Final = 5
LOCKED_S: Final = 900
MOST_SESSIONS: Final = 100
KEPT: Final = "form tries"


class Keeper(Protocol):
    """What keeps the tries over a restart."""

    def kept(self, key: str) -> bytes | None: ...  # noqa: D102
    def keep(self, what: Mapping[str, bytes]) -> None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Person:
    """One person of the signed list."""

    id: uuid.UUID
    name: str
    language: str
    pin: str
    route: tuple[uuid.UUID, ...] = ()  #: the stops in the order they are driven, as set at the hub


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why somebody is not let in: a key of the form's words and what fills its blanks."""

    key: str
    values: Mapping[str, str]


def people_of(items: Sequence[Mapping[str, Any]]) -> dict[uuid.UUID, Person]:
    """The list as it was signed; what cannot be read of it is left out."""
    found = {}
    for item in items:
        try:
            person = Person(
                uuid.UUID(str(item["id"])),
                str(item["name"])[:200],
                str(item.get("language", "en")),
                str(item["pin"]),
                tuple(uuid.UUID(str(stop)) for stop in item.get("route", ())),
            )
        except (KeyError, TypeError, ValueError):
            continue
        found[person.id] = person
    return found


class SignIn:
    """Lets people in and knows who is in; by wall clock, which a restart does not begin anew."""

    def __init__(
        self, keeper: Keeper, hours: float, clock: Callable[[], float] = time.time
    ) -> None:
        """Take up the tries that were kept."""
        self._keeper, self._seconds, self._clock = keeper, hours * 3600, clock
        self._lock = threading.Lock()
        self._people: dict[uuid.UUID, Person] = {}
        self._sessions: dict[str, tuple[uuid.UUID, str, float]] = {}
        kept = keeper.kept(KEPT)
        self._tries: dict[str, list[float]] = json.loads(kept) if kept else {}

    def use(self, people: dict[uuid.UUID, Person]) -> None:
        """Take a new list; whoever is not in it, or has another PIN, is out."""
        with self._lock:
            self._people = people

    @property
    def names(self) -> dict[str, str]:
        """Who may come, by id, in order of their names."""
        ordered = sorted(self._people.values(), key=lambda person: person.name.casefold())
        return {str(person.id): person.name for person in ordered}

    def enter(self, who: str, pin: str) -> str | Refusal:
        """Let somebody in: a session's token, or why not."""
        try:
            person = self._people.get(uuid.UUID(who))
        except ValueError:
            person = None
        if person is None:
            return Refusal("pin_wrong", {"left": str(TRIES)})
        with self._lock:  # one try at a time: neither memory nor tries are to be had in parallel
            key, now = str(person.id), self._clock()
            recent = [at for at in self._tries.get(key, []) if 0 <= now - at < LOCKED_S]
            if len(recent) >= TRIES:
                minutes = int((recent[-TRIES] + LOCKED_S - now) // 60) + 1
                return Refusal("pin_locked", {"minutes": str(minutes)})
            self._count(key, [*recent, now])  # on disk before the PIN is looked at
            if not pins.fits(pin, person.pin):
                return Refusal("pin_wrong", {"left": str(TRIES - len(recent) - 1)})
            self._count(key, [])
            return self._begin(person, now)

    def _count(self, key: str, tries: list[float]) -> None:
        self._tries[key] = tries
        self._tries = {who: times for who, times in self._tries.items() if times}
        self._keeper.keep({KEPT: json.dumps(self._tries).encode()})

    def _begin(self, person: Person, now: float) -> str:
        self._sessions = {
            token: session for token, session in self._sessions.items() if session[2] > now
        }
        while len(self._sessions) >= MOST_SESSIONS:
            del self._sessions[next(iter(self._sessions))]
        token = secrets.token_urlsafe(32)
        self._sessions[token] = (person.id, person.pin, now + self._seconds)
        return token

    def who(self, token: str) -> Person | None:
        """Who a session belongs to, while it lasts and the person stands in the list unchanged."""
        with self._lock:
            known, pin, until = self._sessions.get(token, (None, "", 0.0))
            person = None if known is None else self._people.get(known)
            if person is None or person.pin != pin or self._clock() >= until:
                self._sessions.pop(token, None)
                return None
            return person

    def leave(self, token: str) -> None:
        """End a session."""
        with self._lock:
            self._sessions.pop(token, None)
