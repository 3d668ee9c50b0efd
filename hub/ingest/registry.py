"""Who is there and what their numbers mean: births, deaths and configurations of agents."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from psycopg.types.json import Jsonb

from agent.contract.blocks import ClockState
from agent.contract.control import Birth, Death, Declaration, DeclaredTag, StreamState
from hub.ingest import ledger
from hub.ingest.arrival import Arrival, Sender, instant
from hub.ingest.directory import GONE
from hub.ingest.link import Db
from hub.ingest.quarantine import Item
from hub.ingest.receipts import Answers
from hub.ingest.streamrows import StreamRows
from hub.ingest.streams import Announcement, announce

_SKEW_LIMIT = 2**31 - 1
_BEHIND_MS = 5_000

_BORN = """
    UPDATE agents
       SET online = true, boot = %(boot)s, software = %(software)s, clock = %(clock)s,
           config_epoch = %(config)s, backlog = %(backlog)s,
           clock_skew_ms = coalesce(%(skew)s, clock_skew_ms),
           status_at = CASE WHEN %(fresh)s OR NOT online OR boot IS DISTINCT FROM %(boot)s
                            THEN %(at)s ELSE status_at END,
           heard_at = CASE WHEN %(fresh)s THEN greatest(heard_at, %(at)s) ELSE heard_at END
     WHERE id = %(id)s
"""
# An agent that runs another number than the newest gets that once more.
_RUNS = """
    UPDATE site_rules
       SET running = %(rules)s, refusal = %(unruly)s,
           running_at = CASE WHEN running = %(rules)s THEN running_at ELSE %(at)s END,
           published = CASE WHEN %(rules)s = epoch OR %(unruly)s::text IS NOT NULL
                            THEN published ELSE 0 END
     WHERE agent_id = %(id)s
       AND (running, refusal) IS DISTINCT FROM (%(rules)s, %(unruly)s::text)
"""
# The will of an earlier program start must not mark the present one as gone.
_DIED = """
    UPDATE agents SET online = false, status_at = %(at)s
     WHERE id = %(id)s AND online AND (boot = %(boot)s OR boot IS NULL)
"""
_EVENT = """
    INSERT INTO agent_events (organization_id, agent_id, kind, text, detail)
    SELECT %(organization)s::uuid, %(agent)s::uuid, %(kind)s::text, %(text)s::text,
           %(detail)s::jsonb
     WHERE NOT EXISTS (SELECT FROM agent_events WHERE agent_id = %(agent)s
                          AND kind = %(kind)s AND detail = %(detail)s::jsonb)
"""
_DECLARE = """
    INSERT INTO config_epochs (organization_id, agent_id, epoch, digest, declaration)
    VALUES (%s, %s, %s, %s, %s) ON CONFLICT (agent_id, epoch) DO NOTHING RETURNING digest
"""
_DIGEST = "SELECT digest FROM config_epochs WHERE agent_id = %s AND epoch = %s"
_FOUND_AGAIN = """
    UPDATE config_epochs SET digest = %s, declaration = %s, declared_at = now()
     WHERE agent_id = %s AND epoch = %s
"""
_TAGS = """
    unnest(%(names)s::text[], %(devices)s::text[], %(units)s::text[], %(descriptions)s::text[],
           %(intervals)s::int[], %(lows)s::float8[], %(highs)s::float8[], %(numbers)s::int[])
        AS k (name, device, unit, description, interval_ms, low, high, number)
"""
_ADD_TAGS = f"""
    INSERT INTO tags (organization_id, agent_id, name, device, unit, description, interval_ms,
                      low, high)
    SELECT %(organization)s, %(agent)s, k.name, k.device, k.unit, k.description, k.interval_ms,
           k.low, k.high
      FROM {_TAGS}
     WHERE NOT EXISTS (SELECT FROM tags t WHERE t.agent_id = %(agent)s AND t.name = k.name)
     ORDER BY k.number
    ON CONFLICT (agent_id, name) DO NOTHING
"""  # noqa: S608 - column lists of this module
_CHANGED_UNITS = f"""
    SELECT t.name, t.unit, k.unit FROM {_TAGS}
      JOIN tags t ON t.agent_id = %(agent)s AND t.name = k.name
     WHERE t.unit <> k.unit ORDER BY k.number
"""  # noqa: S608
# A configuration that comes late must not undo what a newer one says.
_NEWEST = """
    SELECT NOT EXISTS (SELECT FROM config_epochs
                        WHERE agent_id = %(agent)s AND epoch > %(epoch)s AND digest <> %(gone)s)
"""
_UPDATE_TAGS = f"""
    UPDATE tags t
       SET device = k.device, unit = k.unit, interval_ms = k.interval_ms, low = k.low,
           high = k.high,
           description = CASE WHEN t.description = '' THEN k.description ELSE t.description END
      FROM {_TAGS}
     WHERE t.agent_id = %(agent)s AND t.name = k.name
       AND (t.device, t.unit, t.interval_ms, t.low, t.high)
           IS DISTINCT FROM (k.device, k.unit, k.interval_ms, k.low, k.high)
"""  # noqa: S608
_NUMBER_TAGS = f"""
    INSERT INTO config_epoch_tags (organization_id, agent_id, epoch, number, tag_id)
    SELECT %(organization)s, %(agent)s, %(epoch)s, k.number, t.id
      FROM {_TAGS} JOIN tags t ON t.agent_id = %(agent)s AND t.name = k.name
"""  # noqa: S608


def born(
    connection: Db,
    arrival: Arrival,
    sender: Sender,
    birth: Birth,
    rows: StreamRows,
    answers: Answers,
) -> None:
    """Take note of an agent and answer every stream it announces."""
    skew = max(-_SKEW_LIMIT, min(_SKEW_LIMIT, birth.at - arrival.at)) if arrival.fresh else None
    values = {
        "id": sender.id,
        "boot": birth.boot,
        "software": birth.software,
        "clock": birth.clock,
        "config": birth.config,
        "backlog": Jsonb(dict(birth.backlog)),
        "skew": skew,
        "fresh": arrival.fresh,
        "at": instant(arrival.at),
    }
    connection.execute(_BORN, values)
    if arrival.fresh:
        connection.execute(_RUNS, values | {"rules": birth.rules, "unruly": birth.unruly or None})
    for state in birth.streams:
        key = (sender.id, state.stream)
        told = announce(rows[key], state)
        rows[key] = told.row
        answers.receipt(sender, told.receipt(state.stream))
        if told.lost is not None:
            _note_loss(connection, sender, state.stream, told.lost)
            # What has a name now is no longer waited for.
            rows[key] = replace(told.row, announced=told.lost[0] - 1)
        if told.went_back and _is_current(arrival, birth, rows.changed_at[key].timestamp()):
            _note_went_back(connection, sender, state, told)


def _is_current(arrival: Arrival, birth: Birth, changed_at: float) -> bool:
    """Whether a birth tells of now; an old one, delivered late, knows of fewer numbers."""
    if not arrival.fresh:
        return False
    return birth.clock == ClockState.NEVER or birth.at >= changed_at * 1000 - _BEHIND_MS


def _note_loss(connection: Db, sender: Sender, stream: str, lost: tuple[int, int]) -> None:
    first, last = lost
    if ledger.write_lost_with_disk(connection, sender, stream, first, last):
        text = (
            f"Blocks {first} to {last} of stream {stream} were announced and will never come: "
            "the disk that held them was replaced."
        )
        detail = {"stream": stream, "first": first, "last": last}
        note_event(connection, sender, "lost_with_disk", text, detail)


def _note_went_back(connection: Db, sender: Sender, state: StreamState, told: Announcement) -> None:
    issued = state.next - 1 if state.closed is None else state.closed
    text = (
        f"The box says it issued {issued} blocks of stream {state.stream}, but "
        f"{told.row.number} are stored: its disk went back in time, or the box was cloned."
    )
    detail = {"stream": state.stream, "issued": issued, "stored": told.row.number}
    note_event(connection, sender, "outbox_went_back", text, detail)


def note_event(
    connection: Db, sender: Sender, kind: str, text: str, detail: dict[str, Any]
) -> None:
    """Write down something a person should know of an agent, once."""
    values = {
        "organization": sender.organization,
        "agent": sender.id,
        "kind": kind,
        "text": text,
        "detail": Jsonb(detail),
    }
    connection.execute(_EVENT, values)


def died(connection: Db, arrival: Arrival, sender: Sender, death: Death) -> None:
    """Take note that an agent has gone."""
    values = {"id": sender.id, "boot": death.boot, "at": instant(arrival.at)}
    connection.execute(_DIED, values)


def declared(
    connection: Db, arrival: Arrival, sender: Sender, declaration: Declaration
) -> Item | None:
    """Register a configuration and its tags.

    Answers what to set aside when its number already means something else.
    """
    digest = GONE if declaration.gone else declaration.digest
    body = Jsonb(asdict(declaration))
    key = (sender.id, declaration.epoch)
    values = (sender.organization, *key, digest, body)
    if connection.execute(_DECLARE, values).fetchone() is None:
        row = connection.execute(_DIGEST, key).fetchone()
        known = row[0] if row else GONE
        if known == digest or declaration.gone:
            return None
        if known != GONE:
            return _conflict(arrival, sender, declaration)
        connection.execute(_FOUND_AGAIN, (digest, body, *key))
    if declaration.tags:
        _register(connection, sender, declaration)
    return None


def _conflict(arrival: Arrival, sender: Sender, declaration: Declaration) -> Item:
    what = f"agent {sender.name!r} declared configuration {declaration.epoch} a second time"
    return Item(
        "config_conflict", what, arrival.topic, arrival.payload, sender.organization, sender.id
    )


def _register(connection: Db, sender: Sender, declaration: Declaration) -> None:
    values = {
        "organization": sender.organization,
        "agent": sender.id,
        "epoch": declaration.epoch,
        "gone": GONE,
        **_tag_columns(declaration.tags),
    }
    connection.execute(_ADD_TAGS, values)
    newest = connection.execute(_NEWEST, values).fetchone()
    if newest and newest[0]:
        for name, old, new in connection.execute(_CHANGED_UNITS, values).fetchall():
            text = f"Tag {name} is in {new or 'no unit'} from now on; it was in {old or 'none'}."
            detail = {"tag": name, "epoch": declaration.epoch, "was": old, "is": new}
            note_event(connection, sender, "unit_changed", text, detail)
        connection.execute(_UPDATE_TAGS, values)
    connection.execute(_NUMBER_TAGS, values)


def _tag_columns(tags: tuple[DeclaredTag, ...]) -> dict[str, list[Any]]:
    return {
        "names": [tag.name for tag in tags],
        "devices": [tag.device for tag in tags],
        "units": [tag.unit for tag in tags],
        "descriptions": [tag.description for tag in tags],
        "intervals": [tag.interval_ms for tag in tags],
        "lows": [tag.low for tag in tags],
        "highs": [tag.high for tag in tags],
        "numbers": [tag.number for tag in tags],
    }
