"""Topics, envelopes and control messages: what is ours is read, what is not is refused in words."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.contract import control, wire
from agent.contract.errors import UnknownVersionError, WireError
from agent.contract.wire import Gap, Message

NOW = 1_700_000_000_000

names = st.from_regex(r"[a-z0-9][a-z0-9_.-]{1,62}", fullmatch=True)
counts = st.integers(0, 2**53 - 1)
lines = st.binary(min_size=1, max_size=40).map(lambda raw: raw.hex().encode())
streams = st.text("0123456789abcdef", min_size=1, max_size=32)


def gap(first: int, last: int, after: int = 0, reason: str = "released") -> Gap:
    return Gap(first, last, reason, 10, NOW, NOW + 1000, after)


@st.composite
def messages(draw: st.DrawFn) -> Message:
    first = number = draw(st.integers(1, 2**40))
    kept: list[bytes] = []
    gaps: list[Gap] = []
    for part in draw(st.lists(st.one_of(lines, st.integers(1, 5)), min_size=1, max_size=8)):
        if isinstance(part, bytes):
            kept.append(part)
            number += 1
        else:
            gaps.append(gap(number, number + part - 1, draw(st.integers(0, 2**32 - 1))))
            number += part
    closed = draw(st.one_of(st.none(), st.just(number - 1)))
    before = draw(st.integers(0, 2**32 - 1))
    return Message(draw(streams), first, number - 1, before, tuple(kept), tuple(gaps), closed)


# ---------------------------------------------------------------------------------- topics


@given(
    st.integers(0, wire.SHARDS - 1),
    names,
    st.sampled_from(["st", "dn/ack", "dn/cfg", *[f"up/{lane}" for lane in wire.LANES]]),
)
def test_a_topic_is_taken_apart_as_it_was_put_together(shard: int, agent: str, door: str) -> None:
    address = wire.Address(shard, agent, door)
    assert wire.parse_topic(address.topic) == address


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "wf/1/7",
        "wf/1/7/alpha",
        "wf/1/64/alpha/st",
        "wf/1/x/alpha/st",
        "wf/1/-1/alpha/st",
        "wf/1/7/Alpha/st",
        "wf/1/7/a/st",
        "wf/1/7/+/st",
        "wf/1/7/alpha bravo/st",
        "wf/1/7/alpha/st/",
        "wf/1/7/alpha/up",
        "wf/1/7/alpha/up/tt",
        "wf/1/7/alpha/st\n",
        "/wf/1/7/alpha/st",
        "wf/1/hub/ingest-0",
        f"wf/1/7/{'a' * 64}/st",
    ],
)
def test_any_other_topic_is_refused(topic: str) -> None:
    with pytest.raises(WireError, match="not a WellFlow topic"):
        wire.parse_topic(topic)


def test_a_topic_of_a_later_version_is_known_as_such() -> None:
    with pytest.raises(UnknownVersionError, match="topic version 2"):
        wire.parse_topic("wf/2/7/alpha/st")


def test_no_agent_can_pose_as_a_hub() -> None:
    assert wire.hub_topic("ingest-0") == "wf/1/hub/ingest-0"
    with pytest.raises(WireError):
        wire.parse_topic(wire.hub_topic("ingest-0"))


# -------------------------------------------------------------------------------- messages


@given(messages())
def test_a_message_is_read_as_it_was_packed(message: Message) -> None:
    payload = wire.pack(message)
    assert wire.unpack(payload) == message
    envelope = wire.unpack_envelope(payload)
    assert envelope == wire.Envelope(wire.VERSION, message.stream, message.first, message.last)


@given(messages())
def test_its_parts_cover_every_number_once(message: Message) -> None:
    expected = message.first
    for number, part in message.parts():
        assert number == expected
        expected = part.last + 1 if isinstance(part, Gap) else number + 1
    assert expected == message.last + 1


@pytest.mark.parametrize(
    "message",
    [
        Message("s", 1, 3, 0, (b"{}", b"{}")),
        Message("s", 1, 2, 0, (b"{}", b"{}", b"{}")),
        Message("s", 1, 2, 0),
        Message("s", 1, 2, 0, (b"{}", b"{}"), (gap(2, 2),)),
        Message("s", 1, 3, 0, (b"{}",), (gap(2, 4),)),
        Message("s", 1, 2, 0, (b"{}", b"{}"), (gap(5, 6),)),
        Message("s", 3, 4, 0, (b"{}",), (gap(1, 3),)),
        Message("s", 1, 4, 0, (b"{}",), (gap(1, 2), gap(2, 3))),
    ],
    ids=["few", "many", "none", "gap over a line", "gap beyond", "gap apart", "before", "overlap"],
)
def test_lines_and_gaps_that_do_not_make_up_the_numbers_are_refused(message: Message) -> None:
    with pytest.raises(WireError, match="lines"):
        message.parts()


def test_the_checksum_runs_over_lines_and_takes_that_of_a_gap() -> None:
    first = wire.checksum(b'{"a":1}', 0)
    assert first == zlib.crc32(b'{"a":1}')
    assert wire.checksum(b'{"b":2}', first) == zlib.crc32(b'{"a":1}{"b":2}')
    assert wire.checksum(gap(3, 9, after=77), first) == 77
    assert wire.checksum(b'{"c":3}', 77) != wire.checksum(b'{"c":3}', first)


def test_a_gap_that_runs_backwards_is_refused() -> None:
    message = Message("s", 1, 5, 0, (b"{}",) * 3, (gap(4, 3),))
    with pytest.raises(WireError, match="a gap from 4 to 3"):
        wire.unpack(wire.pack(message))


def test_a_later_version_still_says_which_numbers_it_holds() -> None:
    head = {"v": 2, "s": "9f3c", "n": [41, 44], "new": {"of": "tomorrow"}}
    payload = wire.encode(wire.dump(head) + b"\n" + b"\x00\x01 not JSON at all" * 50)
    with pytest.raises(UnknownVersionError, match="version 2; this program reads 1"):
        wire.unpack(payload)
    assert wire.unpack_envelope(payload) == wire.Envelope(2, "9f3c", 41, 44)


@pytest.mark.parametrize(
    "keys",
    [
        {"n": [0, 1]},
        {"n": [5, 4]},
        {"n": [1, 2**53]},
        {"n": [1]},
        {"n": 1},
        {"n": ["one", 2]},
        {"n": [1, 10**400]},
        {"s": ""},
        {"s": "x" * 65},
        {"v": "one"},
        {"v": None},
        {"p": None},
        {"gaps": [[1, 1]]},
        {"gaps": 7},
        {"closed": "never"},
    ],
    ids=str,
)
def test_what_is_no_envelope_is_refused(keys: dict[str, object]) -> None:
    head = {"v": 1, "s": "9f3c", "n": [1, 1], "p": 0} | keys
    with pytest.raises(WireError, match="not an envelope"):
        wire.unpack(wire.encode(wire.dump(head) + b"\n{}"))


# ----------------------------------------------------------------------------------- bytes


@given(st.binary(max_size=2000))
def test_bytes_come_back_and_only_what_is_worth_it_is_deflated(plain: bytes) -> None:
    payload = wire.encode(plain)
    assert wire.decode(payload) == plain
    small = len(plain) < wire.DEFLATE_FROM
    assert payload[0] == (wire.CODEC_PLAIN if small else wire.CODEC_DEFLATE)


@pytest.mark.parametrize("codec", [2, 3, 123, 255])
def test_an_unknown_codec_is_refused(codec: int) -> None:
    for read in (wire.decode, wire.unpack, wire.unpack_envelope):
        with pytest.raises(WireError, match=f"codec {codec} is not known"):
            read(bytes([codec]) + b'{"v":1}')


def test_an_empty_message_is_refused() -> None:
    with pytest.raises(WireError, match="an empty message"):
        wire.decode(b"")


def test_bytes_that_do_not_inflate_are_refused() -> None:
    with pytest.raises(WireError, match="does not inflate"):
        wire.decode(bytes([wire.CODEC_DEFLATE]) + b"no deflate at all")


def test_a_bomb_is_inflated_no_further_than_the_limit() -> None:
    bomb = bytes([wire.CODEC_DEFLATE]) + zlib.compress(bytes(200 * 1024 * 1024), 9)
    assert len(bomb) < 250_000
    with pytest.raises(WireError, match=f"more than {wire.MAX_PLAIN} bytes"):
        wire.decode(bomb)


def test_what_is_at_the_limit_is_read() -> None:
    for payload in (bytes(wire.MAX_PLAIN + 1), wire.encode(bytes(wire.MAX_PLAIN))):
        assert len(wire.decode(payload)) == wire.MAX_PLAIN
    with pytest.raises(WireError, match="more than"):
        wire.decode(bytes(wire.MAX_PLAIN + 2))


def test_nan_is_never_written() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        wire.dump({"v": float("nan")})


# --------------------------------------------------------------------------------- control

stream_states = st.builds(
    control.StreamState, streams, counts, counts, st.one_of(st.none(), counts)
)
births = st.builds(
    control.Birth,
    st.text(max_size=20),
    st.text(max_size=20),
    counts,
    st.integers(0, 3),
    counts,
    st.lists(stream_states, max_size=4).map(tuple),
    st.dictionaries(st.sampled_from(["blocks", "bytes", "readings", "oldest"]), counts),
)
answers = st.builds(
    control.Answer,
    counts,
    counts,
    st.lists(st.builds(control.Receipt, streams, counts, counts, st.booleans())).map(tuple),
    st.lists(st.tuples(streams, counts)).map(tuple),
    st.lists(counts).map(tuple),
    st.lists(st.text()).map(tuple),
)
declared = st.builds(
    control.DeclaredTag,
    counts,
    names,
    names,
    st.text(max_size=8),
    counts,
    st.text(max_size=8),
    st.one_of(st.none(), st.floats(-1e6, 1e6)),
    st.one_of(st.none(), st.floats(-1e6, 1e6)),
)
declarations = st.builds(
    control.Declaration,
    counts,
    st.lists(names).map(tuple),
    st.lists(declared, unique_by=(lambda tag: tag.number, lambda tag: tag.name)).map(tuple),
    st.booleans(),
)


@given(st.one_of(births, st.builds(control.Death, st.text(max_size=20))))
def test_a_status_is_read_as_written(status: control.Birth | control.Death) -> None:
    assert control.parse_status(status.to_bytes()) == status


@given(answers)
def test_an_answer_is_read_as_written(answer: control.Answer) -> None:
    assert control.parse_answer(answer.to_bytes()) == answer


@given(st.builds(control.Heartbeat, counts, counts, st.tuples(counts, counts)))
def test_a_heartbeat_is_read_as_written(heartbeat: control.Heartbeat) -> None:
    assert control.parse_heartbeat(heartbeat.to_bytes()) == heartbeat


@given(declarations)
def test_a_declaration_is_read_as_written(declaration: control.Declaration) -> None:
    read = control.parse_declaration(declaration.to_bytes())
    assert read == declaration
    assert read.digest == declaration.digest


def tag(number: int, name: str, unit: str = "psi") -> control.DeclaredTag:
    return control.DeclaredTag(number, name, "pump", unit, 1000)


def test_the_digest_changes_with_devices_and_tags_only() -> None:
    one = control.Declaration(1, ("pump",), (tag(1, "pump.a"),))
    assert control.Declaration(2, ("pump",), (tag(1, "pump.a"),)).digest == one.digest
    assert control.Declaration(1, ("pump",), (tag(1, "pump.a", "bar"),)).digest != one.digest
    assert control.Declaration(1, ("other",), (tag(1, "pump.a"),)).digest != one.digest


@pytest.mark.parametrize(
    ("second", "twice"), [(tag(1, "pump.b"), "number"), (tag(2, "pump.a"), "name")]
)
def test_a_declaration_names_each_tag_once(second: control.DeclaredTag, twice: str) -> None:
    payload = control.Declaration(1, ("pump",), (tag(1, "pump.a"), second)).to_bytes()
    with pytest.raises(WireError, match=f"uses a tag {twice} twice"):
        control.parse_declaration(payload)


@pytest.mark.parametrize(
    ("key", "value"),
    [("unit", 7), ("interval_ms", "1000"), ("interval_ms", True), ("low", "0"), ("name", None)],
)
def test_a_declaration_with_a_field_of_another_type_is_refused(key: str, value: object) -> None:
    good = {"number": 1, "name": "pump.a", "device": "pump", "unit": "psi", "interval_ms": 1000}
    payload = wire.encode(json.dumps({"v": 1, "epoch": 1, "tags": [good | {key: value}]}).encode())
    with pytest.raises(WireError, match=f"a tag's {key} is"):
        control.parse_declaration(payload)


def test_a_declaration_of_a_later_version_keeps_what_is_known() -> None:
    later = {"number": 1, "name": "a", "device": "d", "unit": "psi", "interval_ms": 5, "colour": 3}
    payload = wire.encode(json.dumps({"v": 1, "epoch": 1, "tags": [later]}).encode())
    assert control.parse_declaration(payload).tags == (control.DeclaredTag(1, "a", "d", "psi", 5),)


READERS = [
    control.parse_status,
    control.parse_answer,
    control.parse_heartbeat,
    control.parse_declaration,
]
GARBAGE: list[object] = [
    {},
    {"on": 1},
    {"on": 1, "boot": "b", "software": "s", "at": 1, "clock": 1, "config": 1, "streams": 7},
    {"on": 1, "boot": "b", "software": "s", "at": 1, "clock": 1, "config": 1, "streams": [7]},
    {"epoch": "x", "at": 1, "shards": [0, 1], "tags": []},
    {"epoch": 1, "at": None, "shards": [0], "tags": [{"number": 1}], "receipts": [7]},
    {"epoch": [], "at": 1, "receipts": 7, "wants": [["s"]], "shards": 7, "tags": [7]},
]


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("body", GARBAGE, ids=range(len(GARBAGE)))
def test_garbage_is_refused_in_words(read: Callable[[bytes], object], body: object) -> None:
    with pytest.raises(WireError, match=r"not an? \w+: \w+"):
        read(wire.encode(json.dumps({"v": 1} | body).encode()))


@pytest.mark.parametrize("read", READERS)
def test_infinite_numbers_are_refused_in_words(read: Callable[[bytes], object]) -> None:
    body = b'{"v":1,"on":1,"boot":"b","software":"s","at":1e999,"epoch":1e999}'
    with pytest.raises(WireError, match=r"not an? \w+: "):
        read(wire.encode(body))


@pytest.mark.parametrize("keys", ['"n":[1,1e999],"p":0', '"n":[1,1],"p":1e999'])
def test_an_infinite_number_is_no_envelope(keys: str) -> None:
    with pytest.raises(WireError, match="not an envelope: OverflowError"):
        wire.unpack(wire.encode(f'{{"v":1,"s":"9f3c",{keys}}}'.encode()))


@pytest.mark.parametrize(
    ("number", "name"), [([], "a"), ("1", "a"), (1, 7), (1, ["a"]), (1.5, "a")]
)
def test_a_tag_has_a_number_and_a_name(number: object, name: object) -> None:
    item = {"number": number, "name": name, "device": "d", "unit": "psi", "interval_ms": 1000}
    body = {"v": 1, "epoch": 1, "devices": ["d"], "tags": [item]}
    with pytest.raises(WireError, match=r"a tag's (number|name) is"):
        control.parse_declaration(wire.encode(json.dumps(body).encode()))


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("body", [b"[]", b"", b"null", b"{"])
def test_what_is_no_object_is_refused(read: Callable[[bytes], object], body: bytes) -> None:
    with pytest.raises(WireError, match=r"not JSON|not a JSON object"):
        read(wire.encode(body))


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("version", [2, None, "1"])
def test_another_version_is_known_as_such(read: Callable[[bytes], object], version: object) -> None:
    with pytest.raises(UnknownVersionError, match="this program reads 1"):
        read(wire.encode(json.dumps({"v": version, "on": 0, "boot": "b"}).encode()))
