"""The parts of ingest that need no server: screening, the ledger's days, answers, arrays."""

from __future__ import annotations

import struct
import uuid
from collections.abc import Callable
from typing import Any

import numpy as np
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.contract.blocks import Block, Sample, Stamp, freeze, to_columns
from agent.contract.control import Answer, Receipt, parse_answer
from hub.ingest import arrays
from hub.ingest.arrival import DAY_MS, EARLIEST, Arrival, Sender
from hub.ingest.copying import rows_of
from hub.ingest.decode import columns_of
from hub.ingest.ledger import Deposit
from hub.ingest.letters import Letter, Refusal, Unreadable, open_letter, undelivered
from hub.ingest.link import Trouble, trouble_of
from hub.ingest.quarantine import CODES, Allowance, Item, plain
from hub.ingest.receipts import Answers, Wanted, bytes_of
from hub.ingest.screen import Readings, screen
from hub.ingest.subscriber import Acknowledgements

ORGANIZATION = uuid.UUID(int=7)
SENDER = Sender(uuid.UUID(int=1), ORGANIZATION, "pad-1", 5)
NOW = 1_700_000_000_000


def screened(samples: list[Sample], known: dict[int, int], now: int = NOW) -> tuple[Any, ...]:
    line = freeze(Block(Stamp(1, "ab", 1), to_columns(samples)))
    return screen(columns_of(line), known, ORGANIZATION, now)


def readings(times: list[int], values: list[float] | None = None) -> Readings:
    n = len(times)
    return Readings(
        ORGANIZATION,
        np.arange(1, n + 1, dtype=np.int64),
        np.array(times, np.int64),
        np.array(values or [1.5] * n, np.float64),
        np.zeros(n, np.int16),
        np.arange(n),
    )


# ----------------------------------------------------------------------------------- screening


def test_numbers_become_tags_and_the_newest_of_each_is_known() -> None:
    samples = [Sample(tag, NOW + i, tag + i, 0) for tag in (1, 2) for i in range(3)]
    kept, faults = screened(samples, {1: 41, 2: 42})
    assert faults == ()
    assert kept.tags.tolist() == [41] * 3 + [42] * 3
    front = kept.at(kept.newest)
    assert (front.tags.tolist(), front.values.tolist()) == ([41, 42], [3.0, 4.0])


def test_each_bad_reading_is_counted_once_and_named() -> None:
    samples = [
        Sample(1, NOW, 1.0),
        Sample(9, NOW + 500_000, 2.0),
        Sample(1, NOW + 120_001, 3.0),
        Sample(1, NOW + 120_000, 4.0),
        Sample(2, EARLIEST - 1, 5.0),
    ]
    kept, faults = screened(samples, {1: 41, 2: 42})
    assert kept.values.tolist() == [1.0, 4.0]
    assert {(fault.code, fault.readings) for fault in faults} == {
        ("unknown_tag", 1),
        ("ahead", 1),
        ("absurd_time", 1),
    }
    assert all(fault.code in CODES for fault in faults)
    assert "tag number 9" in str(next(f for f in faults if f.code == "unknown_tag"))


def test_a_reading_without_a_value_is_no_fault_when_its_quality_says_so() -> None:
    kept, faults = screened([Sample(1, NOW, None, 16), Sample(1, NOW + 1, 2.0)], {1: 41})
    assert faults == ()
    assert np.isnan(kept.values[0])


# ------------------------------------------------------------------------------------- copying


def parsed_rows(data: bytes) -> list[tuple[bytes, int, int, int, float | None]]:
    rows, at = [], 0
    while at < len(data):
        (fields,) = struct.unpack_from(">h", data, at)
        at += 2
        found: list[bytes | None] = []
        for _ in range(fields):
            (length,) = struct.unpack_from(">i", data, at)
            at += 4
            found.append(None if length < 0 else data[at : at + length])
            at += max(length, 0)
        organization, time, tag, quality, value = found
        assert organization is not None
        assert time is not None
        assert tag is not None
        assert quality is not None
        rows.append(
            (
                organization,
                *struct.unpack(">q", time),
                *struct.unpack(">i", tag),
                *struct.unpack(">h", quality),
                None if value is None else struct.unpack(">d", value)[0],
            )
        )
    return rows


@given(
    st.lists(
        st.tuples(
            st.integers(EARLIEST, NOW),
            st.one_of(st.just(float("nan")), st.floats(allow_nan=False, allow_infinity=False)),
        ),
        min_size=1,
        max_size=30,
    )
)
def test_rows_are_laid_out_as_a_binary_copy_wants_them(pairs: list[tuple[int, float]]) -> None:
    part = readings([at for at, _ in pairs], [value for _, value in pairs])
    found = parsed_rows(rows_of([part]))
    expected = [
        (ORGANIZATION.bytes, (at - EARLIEST) * 1000, tag, 0, None if np.isnan(value) else value)
        for tag, (at, value) in enumerate(pairs, 1)
    ]
    assert sorted(found, key=lambda row: row[2]) == expected


def test_rows_of_several_operators_keep_theirs() -> None:
    other = uuid.UUID(int=8)
    first, second = readings([NOW] * 2), readings([NOW] * 3)
    second = Readings(
        other, second.tags, second.times, second.values, second.qualities, second.newest
    )
    owners = [row[0] for row in parsed_rows(rows_of([first, second]))]
    assert owners == [ORGANIZATION.bytes] * 2 + [other.bytes] * 3


# -------------------------------------------------------------------------------------- ledger


def test_a_message_over_midnight_has_a_row_for_each_day() -> None:
    midnight = NOW - NOW % DAY_MS
    deposit = Deposit(SENDER, "s", 3, 5, 99, NOW, quarantined=2)
    deposit.readings = [readings([midnight - 2, midnight - 1]), readings([midnight, midnight + 9])]
    rows = list(deposit.rows())
    assert [(row[6], row[7], row[8], row[9], row[10]) for row in rows] == [
        (2, 2, midnight - DAY_MS, midnight - 2, midnight - 1),
        (2, 0, midnight, midnight, midnight + 9),
    ]
    assert {row[3:6] for row in rows} == {(3, 5, 99)}


def test_a_message_without_readings_still_has_a_row() -> None:
    (row,) = Deposit(SENDER, "s", 3, 5, 99, NOW).rows()
    assert row[6:] == (0, 0, NOW - NOW % DAY_MS, NOW, NOW)


# ------------------------------------------------------------------------------------- answers


def told(answers: Answers) -> Answer:
    ((topic, payload),) = answers.messages(7, NOW)
    assert topic == "wf/1/5/pad-1/dn/ack"
    return parse_answer(payload)


def test_answers_are_the_bytes_of_the_contract() -> None:
    answer = Answer(
        7, NOW, (Receipt("a", 3, 4), Receipt("b", 1, -1, True)), (("c", 9),), (1,), ("no — ½",)
    )
    assert parse_answer(bytes_of(answer)) == answer == parse_answer(answer.to_bytes())


def test_the_last_receipt_of_a_stream_counts_and_ends_its_want() -> None:
    answers = Answers()
    answers.want(SENDER, "s", 3)
    answers.want(SENDER, "other", 8)
    answers.receipt(SENDER, Receipt("s", 2, 20))
    answers.receipt(SENDER, Receipt("s", 5, 50))
    assert told(answers).receipts == (Receipt("s", 5, 50),)
    assert told(answers).wants == (("other", 8),)


def test_a_fork_is_not_covered_by_a_later_repeat() -> None:
    answers = Answers()
    answers.receipt(SENDER, Receipt("s", 5, 50, fork=True))
    answers.receipt(SENDER, Receipt("s", 5, 50))
    assert told(answers).receipts == (Receipt("s", 5, 50, fork=True),)


def test_a_number_is_asked_for_once_per_round_trip() -> None:
    now = [0.0]
    wanted = Wanted(lambda: now[0])
    key = (SENDER.id, "s")
    assert wanted.may_ask(key, 4)
    assert not wanted.may_ask(key, 4)
    assert wanted.may_ask((SENDER.id, "other"), 4)
    assert wanted.may_ask(key, 9)
    now[0] = 2.5
    assert wanted.may_ask(key, 9)


class FakeClient:
    def __init__(self) -> None:
        self.acked: list[int] = []

    def ack(self, mid: int, qos: int) -> None:
        self.acked.append(mid)


def test_acknowledgements_go_out_in_the_order_of_arrival() -> None:
    client = FakeClient()
    acknowledgements = Acknowledgements(client)  # type: ignore[arg-type]
    first, second, third = (acknowledgements.arrived(mid) for mid in (11, 12, 13))
    acknowledgements.done([second])
    assert client.acked == []
    acknowledgements.done([first])
    assert client.acked == [11, 12]
    acknowledgements.done([third])
    assert client.acked == [11, 12, 13]


# -------------------------------------------------------------------------------------- letters


def opened(topic: str, payload: bytes = b"", sender: Sender | None = SENDER) -> Letter:
    return open_letter(Arrival(topic, payload, NOW), sender)


REFUSED: dict[str, tuple[Callable[[], Letter], str]] = {
    "no topic of ours": (lambda: opened("spBv1.0/x"), "not_ours"),
    "a number too long to read": (lambda: opened(f"wf/1/{'9' * 5000}/pad-1/st"), "not_ours"),
    "a name nobody can have": (lambda: opened("wf/1/5/PAD/st"), "not_ours"),
    "nobody's": (lambda: opened("wf/1/5/pad-1/st", sender=None), "unknown_agent"),
    "another shard": (lambda: opened("wf/1/6/pad-1/st"), "wrong_shard"),
    "a later topic": (lambda: opened("wf/2/5/pad-1/st"), "not_ours"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_who_may_send_what_where(name: str) -> None:
    make, code = REFUSED[name]
    content = make().content
    assert isinstance(content, Refusal)
    assert content.code == code
    assert code in CODES


@given(st.binary(max_size=200), st.sampled_from(["st", "up/t", "up/h", "up/d", "up/a", "up/z"]))
def test_noise_never_raises(payload: bytes, door: str) -> None:
    topic = f"wf/1/5/pad-1/{door}"
    assert opened(topic, payload).content is not None
    assert undelivered(Arrival(topic, payload, NOW), SENDER, "words").content is not None


def test_a_message_the_database_refused_is_settled_by_its_envelope() -> None:
    payload = b'\0{"v":1,"s":"x","n":[4,6],"p":0}\n{}\n{}\n{}'
    content = undelivered(Arrival("wf/1/5/pad-1/up/t", payload, NOW), SENDER, "too odd").content
    assert isinstance(content, Unreadable)
    assert (content.envelope.first, content.envelope.last) == (4, 6)
    assert "too odd" in content.what


# ----------------------------------------------------------------------------------- the rest


def test_of_what_cannot_be_settled_only_so_much_is_kept() -> None:
    allowance, item = Allowance(most=2, per_s=10), Item("not_ours", "x", "t", b"")
    other = Item("not_ours", "x", "another topic", b"")
    assert [allowance.allows(item, 0.0) for _ in range(3)] == [True, True, False]
    assert allowance.allows(other, 0.0)
    assert allowance.allows(item, 10.0)


@given(st.text())
def test_any_text_becomes_one_the_database_holds(text: str) -> None:
    cleaned = plain(text)
    assert "\0" not in cleaned
    cleaned.encode()


def test_arrays_are_written_as_postgresql_reads_them() -> None:
    assert arrays.plain([1, None, 2.5]) == "{1,NULL,2.5}"
    assert arrays.texts(['a"b', "c\\d", "NULL", "e,f"]) == '{"a\\"b","c\\\\d","NULL","e,f"}'


@pytest.mark.parametrize(
    ("fault", "trouble"),
    [
        (psycopg.OperationalError("gone"), Trouble.AWAY),
        (psycopg.DataError("NUL in a text"), Trouble.DATA),
        (psycopg.errors.AdminShutdown("57P01"), Trouble.AWAY),
        (psycopg.errors.DiskFull("53100"), Trouble.AWAY),
        (psycopg.errors.ReadOnlySqlTransaction("25006"), Trouble.AWAY),
        (psycopg.errors.DeadlockDetected("40P01"), Trouble.AGAIN),
        (psycopg.errors.UndefinedTable("42P01"), Trouble.SETUP),
        (psycopg.errors.NumericValueOutOfRange("22003"), Trouble.DATA),
        (psycopg.errors.ForeignKeyViolation("23503"), Trouble.DATA),
        (psycopg.errors.InternalError_("XX000"), Trouble.DATA),
    ],
)
def test_errors_are_sorted_by_what_they_ask_for(fault: psycopg.Error, trouble: Trouble) -> None:
    assert trouble_of(fault) is trouble
