"""One transaction per gather: what arrived becomes rows, and answers wait for the commit.

1. Lock the rows of all streams concerned, in the order of the key.
2. Judge each message against its row; decode the blocks to be stored, screen their readings.
3. COPY the readings; look up first those that may be stored already.
4. Write ledger, quarantine, streams, and now and then the newest readings.
5. NOTIFY the evaluator. Whoever called commits, then acknowledges to the broker, then answers.

What is learnt in a transaction that failed is forgotten; the same messages are taken again.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from agent.contract import wire
from agent.contract.control import Birth, Death, Declaration
from agent.contract.errors import WireError
from agent.contract.records import is_record
from agent.contract.wire import Gap, Message
from hub.ingest import copying, ledger, quarantine, registry, siterecords
from hub.ingest.arrival import Arrival, Sender
from hub.ingest.decode import columns_of
from hub.ingest.directory import Directory
from hub.ingest.latest import Latest, repair
from hub.ingest.ledger import Deposit
from hub.ingest.letters import (
    Letter,
    Refusal,
    Unreadable,
    agent_of,
    open_letter,
    undelivered,
)
from hub.ingest.link import Db
from hub.ingest.partitions import Partitions
from hub.ingest.quarantine import Allowance, Item
from hub.ingest.receipts import Answers, Wanted
from hub.ingest.screen import Readings, screen
from hub.ingest.streamrows import StreamRows, lock_all_of
from hub.ingest.streams import Verdict, judge, settle

_MOST_BLOCKS = 2**31 - 1


@dataclass
class Gather:
    """What one transaction does, collected before it is written."""

    connection: Db
    rows: StreamRows
    answers: Answers = field(default_factory=Answers)
    deposits: list[Deposit] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)  #: for quarantine
    heard: list[tuple[Sender, int]] = field(default_factory=list)
    latest_written: bool = False

    @property
    def readings(self) -> list[Readings]:
        """Everything stored."""
        return [part for deposit in self.deposits for part in deposit.readings]


class Store:
    """What one worker needs to turn messages into rows; not shared between threads."""

    def __init__(self) -> None:
        """Start with nothing known."""
        self.directory = Directory()
        self.latest = Latest()
        self._wanted = Wanted()
        self._allowance = Allowance()
        self._partitions = Partitions()

    def forget(self) -> None:
        """Trust nothing that was learnt in a transaction that failed."""
        self.directory.forget()
        self._partitions.forget()

    def restart(self, connection: Db) -> None:
        """Begin on a new connection: the database may be an older copy of itself."""
        self.forget()
        self.latest.forget()
        repair(connection)

    def take(self, connection: Db, arrivals: Sequence[Arrival], *, idle: bool) -> Gather:
        """Do everything for these messages in the current transaction.

        `idle`: nothing more is queued, so that the newest readings should be written soon.
        Raises `psycopg.Error`; call `stored` after the commit.
        """
        names = [agent_of(arrival.topic) for arrival in arrivals]
        senders = self.directory.senders(connection, filter(None, names))
        letters = [
            open_letter(arrival, senders[name] if name else None)
            for arrival, name in zip(arrivals, names, strict=True)
        ]
        return self._take_letters(connection, letters, idle=idle)

    def set_aside(self, connection: Db, arrival: Arrival, words: str) -> Gather:
        """Quarantine whole, and settle, a message that could not be stored; `words` say why."""
        name = agent_of(arrival.topic)
        sender = self.directory.senders(connection, [name])[name] if name else None
        return self._take_letters(connection, [undelivered(arrival, sender, words)], idle=False)

    def write_latest(self, connection: Db) -> None:
        """Write the newest readings that are waiting; call `latest.written` after the commit."""
        self.latest.write(connection, (), ())

    def stored(self, gather: Gather) -> None:
        """The transaction of a gather has committed."""
        if gather.latest_written:
            self.latest.written()
        else:
            self.latest.note(gather.readings, gather.heard)

    def _take_letters(self, connection: Db, letters: list[Letter], *, idle: bool) -> Gather:
        wanted = [(letter.sender, s) for letter in letters if letter.sender for s in letter.streams]
        gather = Gather(connection, StreamRows(connection, wanted))
        for letter in letters:
            if isinstance(letter.content, Refusal) or letter.sender is None:
                self._refuse(gather, letter)
            else:
                self._accept(gather, letter, letter.sender)
        self._write(gather)
        if self.latest.due(idle=idle):
            self.latest.write(connection, gather.readings, gather.heard)
            gather.latest_written = True
        return gather

    def _refuse(self, gather: Gather, letter: Letter) -> None:
        content, sender, arrival = letter.content, letter.sender, letter.arrival
        if not isinstance(content, Refusal) or _is_echo(arrival, content):
            return
        item = Item(
            content.code,
            content.what,
            arrival.topic,
            arrival.payload,
            sender.organization if sender else None,
            sender.id if sender else None,
        )
        if self._allowance.allows(item, time.monotonic()):
            gather.items.append(item)
        if content.answer and sender:
            gather.answers.refused(sender, item.reason)

    def _accept(self, gather: Gather, letter: Letter, sender: Sender) -> None:
        arrival = letter.arrival
        if arrival.fresh or isinstance(letter.content, Message):
            gather.heard.append((sender, arrival.at))
        match letter.content:
            case Message() as message:
                self._take_message(gather, arrival, sender, message)
            case Unreadable() as unreadable:
                self._settle(gather, arrival, sender, unreadable)
            case Birth() as birth:
                registry.born(
                    gather.connection, arrival, sender, birth, gather.rows, gather.answers
                )
            case Death() as death:
                registry.died(gather.connection, arrival, sender, death)
            case Declaration() as declaration:
                item = registry.declared(gather.connection, arrival, sender, declaration)
                if item is not None:
                    gather.items.append(item)
                    gather.answers.refused(sender, item.reason)

    # ------------------------------------------------------------------------ messages

    def _take_message(
        self, gather: Gather, arrival: Arrival, sender: Sender, message: Message
    ) -> None:
        row = gather.rows[sender.id, message.stream]
        parent = gather.rows[sender.id, message.after[0]] if message.after else None
        try:
            verdict = judge(row, message, parent)
        except WireError as fault:
            envelope = wire.Envelope(wire.VERSION, message.stream, message.first, message.last)
            self._settle(
                gather, arrival, sender, Unreadable("broken_message", str(fault), envelope)
            )
            return
        before = row.number
        deposit = Deposit(sender, message.stream, before + 1, 0, 0, arrival.at)
        for number, part in verdict.stored:
            if not self._put(gather, arrival, deposit, number, part):
                short = _until(message, number - 1)
                verdict = judge(row, short) if short.last > before else Verdict(row)
                break
        self._conclude(gather, sender, message.stream, verdict)
        if verdict.stored:
            deposit.last, deposit.checksum = verdict.row.number, verdict.row.checksum
            gather.deposits.append(deposit)

    def _conclude(self, gather: Gather, sender: Sender, stream: str, verdict: Verdict) -> None:
        key = (sender.id, stream)
        gather.rows[key] = verdict.row
        if verdict.want is not None and self._wanted.may_ask(key, verdict.want):
            gather.answers.want(sender, stream, verdict.want)
        if receipt := verdict.receipt(stream):
            gather.answers.receipt(sender, receipt)
        if verdict.fork:
            text = f"Stream {stream} continues another history than the one stored here."
            detail = {"stream": stream, "stored": verdict.row.number}
            registry.note_event(gather.connection, sender, "fork", text, detail)

    def _settle(
        self, gather: Gather, arrival: Arrival, sender: Sender, unreadable: Unreadable
    ) -> None:
        envelope = unreadable.envelope
        row = gather.rows[sender.id, envelope.stream]
        verdict = settle(row, envelope.first, envelope.last)
        if verdict.row.number > row.number:
            item = Item(
                unreadable.code,
                unreadable.what,
                arrival.topic,
                arrival.payload,
                sender.organization,
                sender.id,
                envelope.stream,
            )
            gather.items.append(item)
            deposit = Deposit(
                sender,
                envelope.stream,
                row.number + 1,
                verdict.row.number,
                verdict.row.checksum,
                arrival.at,
                quarantined=min(verdict.row.number - row.number, _MOST_BLOCKS),
            )
            gather.deposits.append(deposit)
        self._conclude(gather, sender, envelope.stream, verdict)

    # -------------------------------------------------------------------------- blocks

    def _put(
        self, gather: Gather, arrival: Arrival, deposit: Deposit, number: int, part: bytes | Gap
    ) -> bool:
        """Take one block or gap; False when its configuration has to be asked for first."""
        sender, stream = deposit.sender, deposit.stream
        if isinstance(part, Gap):
            ledger.write_gap(gather.connection, sender, stream, part)
            return True
        if is_record(part):
            self._take_record(gather, arrival, deposit, number, part)
            return True
        try:
            columns = columns_of(part)
        except WireError as fault:
            gather.items.append(_item(arrival, deposit, number, part, "broken_block", str(fault)))
            deposit.quarantined += 1
            return True
        numbers = self.directory.numbers(gather.connection, sender.id, columns.config)
        if numbers is None:
            gather.answers.config(sender, columns.config)
            return False
        readings, faults = screen(columns, numbers.tags, sender.organization, arrival.at)
        (deposit.maybe if columns.maybe else deposit.readings).append(readings)
        if faults:
            code = "config_gone" if numbers.gone else max(faults, key=lambda f: f.readings).code
            what = f"{len(columns.times)} readings of configuration {columns.config}: "
            what += "; ".join(map(str, faults))
            gather.items.append(_item(arrival, deposit, number, part, code, what))
            deposit.quarantined += 1
        if columns.thinned and len(columns.times):
            times = (int(columns.times.min()), int(columns.times.max()))
            gap = Gap(number, number, "thinned", columns.thinned, *times, 0)
            ledger.write_gap(gather.connection, sender, stream, gap)
        return True

    def _take_record(
        self, gather: Gather, arrival: Arrival, deposit: Deposit, number: int, line: bytes
    ) -> None:
        try:
            taken = siterecords.take(gather.connection, deposit.sender, line, arrival.at)
        except siterecords.RefusedRecordError as fault:
            gather.items.append(_item(arrival, deposit, number, line, fault.code, str(fault)))
            deposit.quarantined += 1
        else:
            deposit.records.append(taken.at)

    # ------------------------------------------------------------------------- writing

    def _write(self, gather: Gather) -> None:
        connection = gather.connection
        self._partitions.ensure(
            connection, [part for d in gather.deposits for part in (*d.readings, *d.maybe)]
        )
        copying.copy_readings(connection, gather.readings)
        _write_maybes(connection, gather.deposits)
        ledger.write(connection, gather.deposits)
        quarantine.keep(connection, gather.items)
        gather.rows.write(connection)
        if gather.deposits:
            connection.execute("NOTIFY wellflow_judge")


def _is_echo(arrival: Arrival, refusal: Refusal) -> bool:
    """Whether the broker only shows a birth it kept of one who has left, or that it was cleared."""
    if not arrival.topic.endswith("/st"):
        return False
    left = refusal.code in {"unknown_agent", "revoked_agent"} and not arrival.fresh
    return left or not arrival.payload


def _write_maybes(connection: Db, deposits: list[Deposit]) -> None:
    """Store what the readings lack of blocks sent again after a fork."""
    agents = {deposit.sender.id for deposit in deposits if deposit.maybe}
    if not agents:
        return
    lock_all_of(connection, agents)
    for deposit in deposits:
        for part in deposit.maybe:
            fresh = copying.missing_of(connection, part)
            copying.copy_readings(connection, [fresh])
            deposit.readings.append(fresh)


def _item(
    arrival: Arrival, deposit: Deposit, number: int, line: bytes, code: str, what: str
) -> Item:
    place = f"block {number} of stream {deposit.stream}: {what}"
    sender = deposit.sender
    return Item(
        code, place, arrival.topic, line, sender.organization, sender.id, deposit.stream, number
    )


def _until(message: Message, last: int) -> Message:
    """The front of a message, up to a number that ends one of its parts."""
    parts = [(number, part) for number, part in message.parts() if number <= last]
    return replace(
        message,
        last=last,
        lines=tuple(part for _, part in parts if not isinstance(part, Gap)),
        gaps=tuple(part for _, part in parts if isinstance(part, Gap)),
        closed=None,
    )
