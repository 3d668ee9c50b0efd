"""Golden messages as files: their meaning in JSON, the bytes the encoder makes of it.

``python -m tests.contract.golden FOLDER/NAME.json`` writes ``NAME.bin`` beside a new meaning; it
never overwrites one.
"""

from __future__ import annotations

import json
import sys
import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from agent.contract import control, wire
from agent.contract.blocks import Block, Column, Stamp, freeze, thaw
from agent.contract.records import Record, freeze_record, is_record, thaw_record

HERE = Path(__file__).parent
CODECS = {"plain": wire.CODEC_PLAIN, "deflate": wire.CODEC_DEFLATE}

Meaning = dict[str, Any]


def folders() -> list[Path]:
    return sorted(path for path in HERE.iterdir() if path.is_dir() and path.name.startswith("v"))


def meaning_of(path: Path) -> Meaning:
    return json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))


# ----------------------------------------------------------------------------- meaning -> bytes


def block_from(body: Mapping[str, Any]) -> Block:
    columns = tuple(
        Column(item["tag"], tuple(item["times"]), tuple(item["values"]), tuple(item["qualities"]))
        for item in body["columns"]
    )
    return Block(Stamp(**body["stamp"]), columns, body["maybe"], body["thinned"])


def record_from(body: Mapping[str, Any]) -> bytes:
    content = {**body, "id": uuid.UUID(body["id"]), "stamp": Stamp(**body["stamp"])}
    return freeze_record(Record(**content))


def line_from(body: Mapping[str, Any]) -> bytes:
    return freeze(block_from(body)) if "columns" in body else record_from(body)


def line_content(line: bytes) -> Meaning:
    if not is_record(line):
        return asdict(thaw(line))
    record = thaw_record(line)
    return {**asdict(record), "id": str(record.id)}


def message_from(body: Mapping[str, Any]) -> wire.Message:
    return wire.Message(
        body["stream"],
        body["first"],
        body["last"],
        body["before"],
        tuple(line_from(line) for line in body["blocks"]),
        tuple(wire.Gap(**gap) for gap in body["gaps"]),
        body["closed"],
        tuple(body["after"]) if "after" in body else None,
    )


def _birth(body: Mapping[str, Any]) -> control.Birth:
    streams = tuple(control.StreamState(**item) for item in body["streams"])
    return control.Birth(**{**body, "streams": streams})


def _answer(body: Mapping[str, Any]) -> control.Answer:
    return control.Answer(
        body["epoch"],
        body["at"],
        tuple(control.Receipt(**item) for item in body["receipts"]),
        tuple((stream, number) for stream, number in body["wants"]),
        tuple(body["configs"]),
        tuple(body["refused"]),
    )


def _declaration(body: Mapping[str, Any]) -> control.Declaration:
    tags = tuple(control.DeclaredTag(**item) for item in body["tags"])
    return control.Declaration(body["epoch"], tuple(body["devices"]), tags, body["gone"])


_ENCODERS: dict[str, Callable[[Any], bytes]] = {
    "data": lambda body: wire.pack(message_from(body)),
    "birth": lambda body: _birth(body).to_bytes(),
    "death": lambda body: control.Death(**body).to_bytes(),
    "answer": lambda body: _answer(body).to_bytes(),
    "heartbeat": lambda body: control.Heartbeat(**body).to_bytes(),
    "declaration": lambda body: _declaration(body).to_bytes(),
}


def encode(meaning: Meaning) -> bytes:
    return _ENCODERS[meaning["kind"]](meaning["content"])


# ----------------------------------------------------------------------------- bytes -> meaning


def data_content(message: wire.Message) -> Meaning:
    after = {} if message.after is None else {"after": list(message.after)}
    return after | {
        "stream": message.stream,
        "first": message.first,
        "last": message.last,
        "before": message.before,
        "closed": message.closed,
        "gaps": [asdict(gap) for gap in message.gaps],
        "blocks": [line_content(line) for line in message.lines],
    }


def _birth_content(birth: control.Birth | control.Death) -> Meaning:
    """Without what an agent that runs no rules does not say."""
    content = asdict(birth)
    return {k: v for k, v in content.items() if v or k not in {"rules", "unruly"}}


_DECODERS: dict[str, Callable[[bytes], Meaning]] = {
    "data": lambda payload: data_content(wire.unpack(payload)),
    "birth": lambda payload: _birth_content(control.parse_status(payload)),
    "death": lambda payload: asdict(control.parse_status(payload)),
    "answer": lambda payload: asdict(control.parse_answer(payload)),
    "heartbeat": lambda payload: asdict(control.parse_heartbeat(payload)),
    "declaration": lambda payload: asdict(control.parse_declaration(payload)),
}


def decode(kind: str, payload: bytes) -> Meaning:
    """What a payload says, in the plain types of JSON."""
    return json.loads(json.dumps(_DECODERS[kind](payload)))


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        source = Path(argument)
        with source.with_suffix(".bin").open("xb") as target:
            target.write(encode(meaning_of(source)))
