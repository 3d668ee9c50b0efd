"""Every golden message is still written, and still read, as on the day it was put here."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from agent.contract import wire
from agent.contract.blocks import thaw
from agent.contract.records import is_record
from hub.ingest import decode as hub_decode
from tests.contract import golden

NEWEST = golden.HERE / f"v{wire.VERSION}"
EVERY = sorted({path.with_suffix("") for folder in golden.folders() for path in folder.iterdir()})
TODAYS = [path for path in EVERY if path.parent == NEWEST]
DATA = [path for path in EVERY if path.name.startswith("data_")]

#: What version 1 began with; more may be added, none may go.
KEPT = {
    "answer",
    "answer_fork",
    "answer_settled",
    "birth",
    "data_after_fork",
    "data_alarms",
    "data_closed",
    "data_entry",
    "data_floats",
    "data_history_gaps",
    "data_live",
    "data_maybe",
    "data_qualities",
    "data_small_plain",
    "data_thinned",
    "death",
    "declaration",
    "declaration_gone",
    "heartbeat",
}


def named(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def payload_of(path: Path) -> bytes:
    return path.with_suffix(".bin").read_bytes()


def test_there_is_a_folder_for_every_version() -> None:
    assert [folder.name for folder in golden.folders()] == [
        f"v{version}" for version in range(1, wire.VERSION + 1)
    ]


def test_none_has_gone() -> None:
    assert {path.name for path in EVERY if path.parent.name == "v1"} >= KEPT


@pytest.mark.parametrize("path", EVERY, ids=named)
def test_each_has_its_bytes_and_its_meaning_and_nothing_else(path: Path) -> None:
    files = {file.suffix for file in path.parent.iterdir() if file.with_suffix("") == path}
    assert files == {".bin", ".json"}
    kind = golden.meaning_of(path)["kind"]
    assert path.name == kind or path.name.startswith(f"{kind}_")


@pytest.mark.parametrize("path", TODAYS, ids=named)
def test_the_encoder_writes_exactly_these_bytes(path: Path) -> None:
    """Deflated bytes may differ between builds of zlib; what they inflate to may not."""
    meaning = golden.meaning_of(path)
    written, kept = golden.encode(meaning), payload_of(path)
    assert written[0] == kept[0] == golden.CODECS[meaning["codec"]]
    assert wire.decode(written) == wire.decode(kept)


@pytest.mark.parametrize("path", TODAYS, ids=named)
def test_the_contract_reads_its_meaning(path: Path) -> None:
    meaning = golden.meaning_of(path)
    assert golden.decode(meaning["kind"], payload_of(path)) == meaning["content"]


@pytest.mark.parametrize("path", DATA, ids=named)
def test_the_hub_reads_every_version(path: Path) -> None:
    content = golden.meaning_of(path)["content"]
    payload = payload_of(path)
    message = hub_decode.read(payload)
    assert golden.decode("data", wire.pack(message)) == content
    envelope = wire.unpack_envelope(payload)
    found = (envelope.stream, envelope.first, envelope.last)
    assert found == (content["stream"], content["first"], content["last"])
    assert len(message.parts()) == len(content["blocks"]) + len(content["gaps"])


@pytest.mark.parametrize("path", DATA, ids=named)
def test_the_hubs_columns_are_those_of_the_contract(path: Path) -> None:
    for line in hub_decode.read(payload_of(path)).lines:
        if is_record(line):
            continue
        block, columns = thaw(line), hub_decode.columns_of(line)
        assert (columns.config, columns.maybe, columns.thinned) == (
            block.stamp.config,
            block.maybe,
            block.thinned,
        )
        assert list(columns.tags) == [column.tag for column in block.columns]
        assert columns.lengths.tolist() == [len(column.times) for column in block.columns]
        values = [None if math.isnan(value) else value for value in columns.values.tolist()]
        assert list(
            zip(columns.times.tolist(), values, columns.qualities.tolist(), strict=True)
        ) == [(s.at, s.value, s.quality) for column in block.columns for s in column.samples()]
