"""Outbox -> hub: decides what to send next and what every answer means. No input or output here.

The rules, each of which closes a hole that a randomized simulation found:

1. Announce every stream kept, on connect and in each new epoch of the hub, until each is answered.
   Nothing of a stream is sent before the hub has said where it stands.
2. A lower epoch than the highest heard is ignored: it is a ghost. The first answer about a stream
   in an epoch sets its watermark, also downwards (the hub was restored); later ones only raise it.
3. Alarms go first, then field entries; then the live stream of readings, then older ones, oldest
   first. A live stream with a backlog is sealed, so that new readings need not wait behind it; ids
   and numbers stay as they are.
4. At most a window of messages per stream is on its way without a receipt; when none comes in
   time, sending goes back to the last receipt.
5. A want is obeyed once per round trip, and never holds up another stream.
6. A receipt beyond what was issued, or with another checksum, means that the hub knows another
   history of this stream: the outbox went back in time. What was not receipted moves to a new
   stream.
"""

from __future__ import annotations

import logging
import random
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from agent.contract.control import Answer, Birth, Heartbeat, Receipt
from agent.contract.wire import HISTORY_CUT, LANES, LIVE_CUT, Lane, pack
from agent.outbox import Outbox, StreamInfo

log = logging.getLogger(__name__)

WINDOW = 16  #: messages of one stream on their way without a receipt
SEAL_AFTER = 24  #: blocks the live stream may lag behind before it is sealed
MAX_ANNOUNCED = 500
_LANES: dict[str, Lane] = {"a": "a", "e": "e", "b": "b"}  #: of streams that hold records


class TimeKeeper(Protocol):
    """What the sender needs of the clock."""

    @property
    def confirmed(self) -> bool: ...  # noqa: D102
    def now_ms(self) -> int: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One publication: the door below the agent's topic, the payload, whether it is retained."""

    door: str
    payload: bytes
    retain: bool = False


@dataclass(slots=True)
class Flight:
    """A message on its way: its last number, and when it left."""

    last: int
    at: float


@dataclass(slots=True)
class Cursor:
    """Where sending of one stream stands, in this program's memory."""

    answered: int = 0  #: epoch in which the hub last answered for it
    sent: int = 0  #: highest number sent since the watermark was last set
    flights: list[Flight] = field(default_factory=list)
    rewound_to: int = 0  #: number of the last want obeyed, until a receipt comes
    agreed_in: int = 0  #: epoch of the last receipt whose checksum was ours
    agreed: int = 0  #: its number
    told_end: bool = False  #: its end was announced, and not answered yet

    def agree(self, epoch: int, number: int) -> None:
        """The hub has what we have, up to a number."""
        self.agreed = max(number, self.agreed) if self.agreed_in == epoch else number
        self.agreed_in = epoch


@dataclass(frozen=True, slots=True)
class Pace:
    """Times in seconds: patience for a receipt (doubling), announcing again, and spreading."""

    patience: float = 15.0
    most_patience: float = 60.0
    announce_again: float = 5.0
    announce_slowest: float = 30.0
    spread: float = 30.0


class Sender:
    """The agent's side of the stream protocol."""

    def __init__(
        self,
        outbox: Outbox,
        clock: TimeKeeper,
        birth: Callable[[tuple[StreamInfo, ...]], Birth],
        *,
        pace: Pace | None = None,
        chance: random.Random | None = None,
    ) -> None:
        """Use an outbox whose life has begun; `birth` fills in who is there."""
        self._outbox, self._clock, self._birth = outbox, clock, birth
        self._pace = pace or Pace()
        self._chance = chance or random.Random()  # noqa: S311 (spreads load, hides nothing)
        self.epoch = 0
        self.connected = False
        self._cursors: defaultdict[str, Cursor] = defaultdict(Cursor)
        self._announce_at: float | None = None
        self._announce_step = self._pace.announce_again
        self._patience = self._pace.patience
        self._declare: list[int] = []
        self._silent_since: float | None = None

    # -------------------------------------------------------------------------- events

    def on_connect(self, now: float, config: int) -> None:
        """The broker is there: declare the configuration, announce all streams."""
        self.connected = True
        self._declare = [config]
        self._announce_at = now
        self._announce_step = self._pace.announce_again
        self._patience = self._pace.patience
        for stream in self._outbox.streams():
            self._rewind(stream, self._cursors[stream.id])

    def on_disconnect(self) -> None:
        """The broker is gone; what was on its way is sent again later."""
        self.connected = False

    def on_heartbeat(self, beat: Heartbeat, now: float) -> None:
        """An ingest process lives; a new epoch makes everything be announced again."""
        if beat.epoch > self.epoch:
            self._new_epoch(beat.epoch, now)
        self._silent_since = None

    def on_answer(self, answer: Answer, now: float) -> None:
        """Take the hub's receipts, wants and questions."""
        if answer.epoch < self.epoch:
            return
        if answer.epoch > self.epoch:
            self._new_epoch(answer.epoch, now)
        self._silent_since = None
        for receipt in answer.receipts:
            self._on_receipt(receipt)
        for stream, number in answer.wants:
            self._on_want(stream, number)
        for config in answer.configs:
            self._on_unknown_config(config)
        for text in answer.refused:
            log.warning("the hub refused a message: %s", text)

    def _new_epoch(self, epoch: int, now: float) -> None:
        """Announce in the new epoch; after a long silence at a random moment, not all at once."""
        outage = 0.0 if self._silent_since is None else now - self._silent_since
        first = self.epoch == 0
        self.epoch = epoch
        self._outbox.confirmed.clear()
        spread = 0.0 if first else min(self._pace.spread, outage / 4)
        self._announce_at = now + self._chance.uniform(0, spread)
        self._announce_step = self._pace.announce_again

    def _on_receipt(self, receipt: Receipt) -> None:
        info = self._outbox.stream(receipt.stream)
        if info is None:
            return
        cursor = self._cursors[info.id]
        mine = self._outbox.checksum_at(info.id, receipt.number)
        if _is_fork(info, receipt, mine):
            self._fork(info, cursor, receipt, mine)
            return
        if mine is not None:
            cursor.agree(self.epoch, receipt.number)
        if cursor.told_end:
            self._outbox.ended(info.id)
            cursor.told_end = False
        first_in_epoch = cursor.answered != self.epoch
        cursor.answered = self.epoch
        if first_in_epoch and receipt.number != info.receipted:
            self._set_watermark(info, cursor, receipt.number)
        elif receipt.number > info.receipted:
            self._raise_watermark(info, cursor, receipt.number)
        elif first_in_epoch:
            self._rewind(info, cursor)

    def _fork(self, info: StreamInfo, cursor: Cursor, receipt: Receipt, mine: int | None) -> None:
        """Move what the hub may lack; what stays behind is a gap in its place.

        Where both histories part is certain only if the hub agreed to a number in this epoch. One
        agreed in an earlier epoch may have gone with a restored database. A program that has just
        started trusts its file: a copy of a disk has no history of its own. Unless the hub knows
        another history below what the file calls receipted: that went with a restored database.
        """
        above = max(info.receipted, info.floor)
        if mine is not None and receipt.number <= above and mine != receipt.checksum >= 0:
            above = info.floor
        if cursor.agreed_in:
            above = cursor.agreed if cursor.agreed_in == self.epoch else info.floor
        moved = self._outbox.fork(info.id, above, receipt.number, self._clock.now_ms())
        if moved or info.live:
            log.warning(
                "the hub knows another history of stream %s: the outbox went back in time; "
                "%d blocks move to a new stream",
                info.id,
                moved,
            )
            self._announce_at = 0.0
        cursor.answered = self.epoch
        self._set_watermark(info, cursor, min(receipt.number, info.issued))

    def _set_watermark(self, info: StreamInfo, cursor: Cursor, number: int) -> None:
        self._outbox.receipted(info.id, number)
        cursor.sent, cursor.flights, cursor.rewound_to = number, [], 0

    def _raise_watermark(self, info: StreamInfo, cursor: Cursor, number: int) -> None:
        self._outbox.receipted(info.id, number)
        cursor.sent = max(cursor.sent, number)
        cursor.flights = [flight for flight in cursor.flights if flight.last > number]
        cursor.rewound_to = 0
        self._patience = self._pace.patience

    def _on_want(self, stream: str, number: int) -> None:
        """Go back; only a receipt, which carries a checksum, can tell what the hub has."""
        info = self._outbox.stream(stream)
        cursor = self._cursors[stream]
        if info is None or cursor.answered != self.epoch or number == cursor.rewound_to:
            return
        if info.receipted < number <= cursor.sent:
            cursor.sent, cursor.flights, cursor.rewound_to = number - 1, [], number

    def _on_unknown_config(self, config: int) -> None:
        if config not in self._declare:
            self._declare.append(config)
            for stream in self._outbox.streams():
                self._rewind(stream, self._cursors[stream.id])

    def _rewind(self, info: StreamInfo, cursor: Cursor) -> None:
        cursor.sent, cursor.flights, cursor.rewound_to = info.receipted, [], 0

    # ------------------------------------------------------------------------ decisions

    def next(self, now: float) -> Outgoing | None:
        """What to publish now, or None; call it again until it returns None."""
        if not self.connected:
            return None
        if self._declare:
            return Outgoing("up/d", self._outbox.declaration(self._declare.pop(0)))
        streams = self._outbox.streams()
        self._meet(streams)
        self._check_patience(streams, now)
        if self._announce_at is not None and now >= self._announce_at:
            return self._announcement(streams, now)
        if not self._clock.confirmed:
            return None
        return self._data(streams, now)

    def _meet(self, streams: list[StreamInfo]) -> None:
        """A stream of records opens with its first record; nobody has to be asked about it."""
        for info in streams:
            if info.live and not info.readings and info.id not in self._cursors and self.epoch:
                self._cursors[info.id].answered = self.epoch  # the hub cannot know it yet
                self.announce(0.0)

    def _announcement(self, streams: list[StreamInfo], now: float) -> Outgoing:
        pending = [s for s in streams[:-1] if self._cursors[s.id].answered != self.epoch]
        shown = [*(pending or streams[:-1])[:MAX_ANNOUNCED], *streams[-1:]]
        if self.epoch and not pending and self._cursors[shown[-1].id].answered == self.epoch:
            self._announce_at = None
        else:
            self._announce_at = now + self._announce_step
            self._announce_step = min(2 * self._announce_step, self._pace.announce_slowest)
        for info in shown:
            self._cursors[info.id].told_end = info.closed is not None
        return Outgoing("st", self._birth(tuple(shown)).to_bytes(), retain=True)

    def announce(self, now: float) -> None:
        """Publish the birth again soon: something in it changed."""
        if self._announce_at is None or self._announce_at > now:
            self._announce_at = now

    def _check_patience(self, streams: list[StreamInfo], now: float) -> None:
        for info in streams:
            cursor = self._cursors[info.id]
            if cursor.flights and now - cursor.flights[0].at > self._patience:
                self._silent_since = self._silent_since or cursor.flights[0].at
                self._rewind(info, cursor)
                cursor.answered = 0  # ask again where the hub stands before sending it all again
                self._patience = min(2 * self._patience, self._pace.most_patience)
                self.announce(now)
            if cursor.answered != self.epoch and self._announce_at is None:
                self._announce_at = now  # nothing is sent of a stream that nobody asks about

    def _data(self, streams: list[StreamInfo], now: float) -> Outgoing | None:
        for info in sorted(streams, key=_urgency):
            cursor = self._cursors[info.id]
            if cursor.answered != self.epoch or not self.epoch or cursor.sent >= info.issued:
                continue
            if info.after and not self._is_settled(info.after, streams):
                continue
            behind = info.issued - info.receipted > SEAL_AFTER and not cursor.flights
            if info.live and info.readings and behind:
                self._seal()
                return self.next(now)
            if len(cursor.flights) < WINDOW:
                return self._message(info, cursor, now)
        return None

    def _is_settled(self, seq: int, streams: list[StreamInfo]) -> bool:
        """Whether the hub has a stream, and those it forked from, to their ends.

        Until then something with the old numbers may still be on its way and be stored after what
        was looked up before.
        """
        for info in streams:
            if info.seq == seq:
                done = self._cursors[info.id].answered == self.epoch
                done = done and info.receipted >= info.issued
                return done and (not info.after or self._is_settled(info.after, streams))
        return True

    def _seal(self) -> None:
        opened = self._outbox.seal(self._clock.now_ms())
        self._cursors[opened].answered = self.epoch  # the hub cannot know it yet
        self.announce(0.0)

    def _message(self, info: StreamInfo, cursor: Cursor, now: float) -> Outgoing | None:
        lane: Lane = _LANES.get(info.lane) or ("t" if info.live else "h")
        message = self._outbox.take(
            info.id, cursor.sent + 1, LIVE_CUT if info.live else HISTORY_CUT
        )
        if message is None:
            return None
        cursor.sent = message.last
        cursor.flights.append(Flight(message.last, now))
        return Outgoing(f"up/{lane}", pack(message))


def _urgency(info: StreamInfo) -> int:
    """Sorts what goes first: alarms, entries, live readings, history, photos."""
    return LANES.index(_LANES.get(info.lane) or ("t" if info.live else "h"))


def _is_fork(info: StreamInfo, receipt: Receipt, mine: int | None) -> bool:
    """Whether a receipt tells of another history of a stream; `mine` is our checksum there."""
    if receipt.number > info.issued:
        return info.live or info.waiting > 0
    if mine is None:
        return receipt.fork or receipt.number > max(info.sent, info.receipted)
    return receipt.fork or (receipt.checksum >= 0 and mine != receipt.checksum)
