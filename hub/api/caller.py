"""Who calls: an API key, or a person signed in to the console; and what they may do."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Final, Protocol

from hub.api.problems import FORBIDDEN, Problem
from hub.database import Actor
from hub.keys import KeyHolder, Right
from hub.permissions import Action, Verb, allowed, may

VERBS: Final = {
    "see": "read",
    "add": "add to",
    "edit": "change",
    "remove": "delete from",
    "approve": "approve",
    "reveal": "reveal what is sealed in",
    "export": "export",
}
#: What the scope “read” is enough for.
READING: Final = frozenset({"see", "export"})


class SignedIn(Protocol):
    """A person signed in to the console, as far as the API is concerned."""

    @property
    def user_id(self) -> uuid.UUID:
        """The person."""
        ...

    @property
    def organization_id(self) -> uuid.UUID:
        """The operator they work for now."""
        ...

    @property
    def membership_id(self) -> uuid.UUID:
        """Their place there."""
        ...

    @property
    def role(self) -> str:
        """What they are there."""
        ...


@dataclass(frozen=True, slots=True)
class Caller:
    """Who makes a request, for which operator, and what bounds it."""

    organization_id: uuid.UUID
    actor: Actor
    identity: str  #: one key or one person: whose rate it is, and whose idempotency keys
    key: KeyHolder | None = None  #: what bounds it beside its role; a person has no more bounds

    def sees(self, table: str) -> bool:
        """Whether anything of a table may be read."""
        return self._reaches("read", table) and allowed(self.actor.role, table, "see")

    def must(self, verb: Verb, table: str) -> None:
        """Pass who may do this with a table's rows; raises `Problem` (403) for others."""
        self._must_reach("read" if verb in READING else "write", table)
        if not allowed(self.actor.role, table, verb):
            sentence = f"As {self.actor.role} you may not {VERBS[verb]} {table}."
            raise Problem(FORBIDDEN, sentence)

    def must_any(self, verbs: tuple[Verb, ...], table: str) -> None:
        """Pass who may do one of these; which one a change is, the register judges."""
        verb = next((verb for verb in verbs if allowed(self.actor.role, table, verb)), verbs[0])
        self.must(verb, table)

    def must_read(self, name: str, *, like: str) -> None:
        """Pass who may read something that is no table, when their role sees one that is."""
        self._must_reach("read", name)
        if not allowed(self.actor.role, like, "see"):
            raise Problem(FORBIDDEN, f"As {self.actor.role} you may not read {name}.")

    def must_see(self, action: Action, name: str) -> None:
        """Pass who may see what a page of the console shows; raises `Problem` (403) for others."""
        self._must_reach("read", name)
        if not may(self.actor.role, action):
            raise Problem(FORBIDDEN, f"As {self.actor.role} you may not {action.value}.")

    def must_act(self, action: Action, table: str) -> None:
        """Pass who may do something to a table's rows that is more than changing their fields."""
        self._must_reach("write", table)
        if not may(self.actor.role, action):
            raise Problem(FORBIDDEN, f"As {self.actor.role} you may not {action.value}.")

    def _must_reach(self, scope: Right, table: str) -> None:
        if not self._reaches(scope, table):
            raise Problem(FORBIDDEN, f"This API key's scopes do not reach “{scope}:{table}”.")

    def _reaches(self, scope: Right, table: str) -> bool:
        return self.key is None or self.key.may(scope, table)
