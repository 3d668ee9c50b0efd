"""What the hub could not accept: the reasons, one readable table, and the rows that keep it.

Nothing is thrown away: the raw bytes stay beside the reason until a person has dealt with them.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from psycopg import Connection, sql

#: Why a message or block stands in quarantine, and what a person can do about it.
CODES: Mapping[str, str] = {
    "not_ours": "Not a WellFlow message: find the program that publishes it with this account.",
    "too_large": "Larger than any agent sends: find out what wrote it.",
    "unknown_version": "Written by a newer agent than this hub can read: upgrade the hub, replay.",
    "broken_message": "Its first line can be read, the rest cannot: check the agent's disk.",
    "unknown_lane": "This hub takes no such lane: upgrade the hub, then replay.",
    "unknown_agent": "No such agent is enrolled: add it with `wellflow-hub agent add`.",
    "revoked_agent": "The agent's account has ended: enrol the box again under a new name.",
    "wrong_shard": "The agent is enrolled on another shard: correct `shard` in its file.",
    "broken_status": "A birth or death that cannot be read: check the agent's version.",
    "broken_declaration": "A configuration that cannot be read: check the agent's file.",
    "config_conflict": "This configuration number means something else already: "
    "restart the agent, so that it takes a new number.",
    "broken_block": "A block that cannot be read: check the agent's disk.",
    "broken_record": "An alarm or entry that cannot be read: check the agent's version and disk.",
    "unknown_record": "A record this hub does not know: upgrade the hub, then replay.",
    "unknown_rule": "An alarm of a rule this hub has not for that tag: it was restored from an "
    "older backup, or the rule was removed; make the rule anew.",
    "config_gone": "The agent no longer knows this configuration: link its tags by hand.",
    "unknown_tag": "The configuration has no such tag number: declare it, then replay.",
    "not_a_number": "A value beyond every number: check the gauge's type and byte order.",
    "no_value": "A good reading without a value: check the agent's version.",
    "photo_refused": "A photo without its entry, or not whole: look at its bytes, discard them.",
    "ahead": "More than two minutes ahead of the hub: set the clock of the box.",
    "absurd_time": "From before the year 2000: set the clock of the box.",
    "refused_by_database": "The database would not store it: see the words it used.",
}


@dataclass(frozen=True, slots=True)
class Item:
    """One message or block to set aside."""

    code: str
    what: str  #: what is wrong and where, without a full stop
    topic: str
    payload: bytes
    organization: uuid.UUID | None = None
    agent: uuid.UUID | None = None
    stream: str | None = None
    number: int | None = None  #: the block, where one is meant

    @property
    def reason(self) -> str:
        """One sentence for a person: what, where, what to do."""
        return f"{self.what}. {CODES[self.code]}"


_COLUMNS = """organization_id, agent_id, topic, code, reason, stream, number, payload"""
_VALUES = """%(organization_id)s::uuid, %(agent_id)s::uuid, %(topic)s::text, %(code)s::text,
    %(reason)s::text, %(stream)s::text, %(number)s::bigint, %(payload)s::bytea"""
_INSERT = sql.SQL(f"INSERT INTO quarantine ({_COLUMNS}) VALUES ({_VALUES})")  # noqa: S608
# A whole message that nobody dealt with yet is kept once, however often it is delivered.
_INSERT_ONCE = f"""
    INSERT INTO quarantine ({_COLUMNS}) SELECT {_VALUES} WHERE NOT EXISTS (
        SELECT FROM quarantine
         WHERE {{owner}} AND received_at > now() - interval '1 day' AND settled_at IS NULL
           AND topic = %(topic)s AND code = %(code)s AND payload = %(payload)s)
"""  # noqa: S608 - column lists of this module
_ONCE_OWNED = sql.SQL(_INSERT_ONCE.format(owner="organization_id = %(organization_id)s"))
_ONCE_NOBODYS = sql.SQL(_INSERT_ONCE.format(owner="organization_id IS NULL"))


def keep(connection: Connection[Any], items: Iterable[Item]) -> None:
    """Write quarantine rows in the current transaction."""
    for item in items:
        once = _ONCE_NOBODYS if item.organization is None else _ONCE_OWNED
        connection.execute(once if item.number is None else _INSERT, _row(item))


def _row(item: Item) -> dict[str, Any]:
    return {
        "organization_id": item.organization,
        "agent_id": item.agent,
        "topic": plain(item.topic),
        "code": item.code,
        "reason": plain(item.reason),
        "stream": item.stream,
        "number": item.number,
        "payload": item.payload,
    }


def plain(text: str, limit: int = 1000) -> str:
    """Bring any text into a form the database can hold."""
    return text.replace("\0", "�").encode("utf-8", "replace").decode()[:limit]


class Allowance:
    """How much of what cannot be settled is kept: it may be sent again for ever."""

    def __init__(self, most: int = 20, per_s: float = 3600.0) -> None:
        """Allow `most` rows per topic and reason in each period."""
        self._most, self._per_s = most, per_s
        self._until, self._used = 0.0, dict[tuple[str, str], int]()

    def allows(self, item: Item, now: float) -> bool:
        """Whether one more row of this kind may be written; `now` in monotonic seconds."""
        if now >= self._until:
            self._until, self._used = now + self._per_s, {}
        key = (item.topic, item.code)
        self._used[key] = self._used.get(key, 0) + 1
        return self._used[key] <= self._most
