"""The outbox's file after power cuts, copied in the middle of writing, and damaged."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from agent.outbox import Limits, Outbox, OutboxError
from tests.outboxes import ROOMY, T0, all_values, fill, gaps, lines, live, put, values

ROOT = Path(__file__).parents[2]

WRITER = """
import sys
from pathlib import Path
from tests.outboxes import ROOMY, T0, put
from agent.outbox import Outbox

outbox = Outbox.open(Path(sys.argv[1]), ROOMY)
outbox.begin_life(T0)
number = int(sys.argv[2])
while True:
    put(outbox, [number], cut=number % 4 == 0)
    print(number, flush=True)
    number += 1
"""


def commit_until_killed(path: Path, first: int, count: int) -> int:
    """Let a program commit one reading after another, kill it; returns the last it told of."""
    command = [sys.executable, "-c", WRITER, str(path), str(first)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        for _ in range(count):
            last = int(writer.stdout.readline())
        writer.kill()
        told = [int(line) for line in writer.stdout.read().splitlines()]
    return told[-1] if told else last


def reopened(path: Path) -> Outbox:
    """Open the file and begin a life, so that what was staged is frozen."""
    outbox = Outbox.open(path, ROOMY)
    outbox.begin_life(T0)
    return outbox


def test_committed_readings_survive_kills_and_are_there_once(tmp_path: Path) -> None:
    path, chance, first = tmp_path / "outbox.db", random.Random(7), 0
    for _ in range(5):
        told = commit_until_killed(path, first, chance.randint(1, 120))
        outbox = reopened(path)
        found = all_values(outbox)
        outbox.close()
        assert sorted(found) == [*range(len(found))]
        assert told + 1 <= len(found) <= told + 2  # the one at work when the power went
        first = len(found)
    assert not list(tmp_path.glob("*damaged*"))


def test_a_copy_of_file_and_log_opens_wherever_the_log_ends(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    outbox = reopened(path)
    for number in range(40):
        put(outbox, [number], cut=number % 4 == 0)
    log = path.with_name("outbox.db-wal").read_bytes()
    counts = []
    for step, end in enumerate(range(0, len(log) + 1, len(log) // 60)):
        copy = tmp_path / str(step) / "outbox.db"
        copy.parent.mkdir()
        shutil.copy(path, copy)
        copy.with_name("outbox.db-wal").write_bytes(log[:end])
        twin = reopened(copy)
        found = all_values(twin)
        twin.close()
        assert found == [*range(len(found))]
        assert not list(copy.parent.glob("*damaged*"))
        counts.append(len(found))
    outbox.close()
    assert counts == sorted(counts)
    assert (counts[0], len(set(counts)) > 20, counts[-1] >= 38) == (0, True, True)


def test_a_copy_taken_between_commits_holds_all_of_them(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    outbox = reopened(path)
    for number in range(20):
        put(outbox, [number], cut=number % 4 == 0)
        copy = tmp_path / str(number) / "outbox.db"
        copy.parent.mkdir()
        for suffix in ("", "-wal"):
            shutil.copy(f"{path}{suffix}", f"{copy}{suffix}")
        twin = reopened(copy)
        assert all_values(twin) == [*range(number + 1)]
        twin.close()
    outbox.close()


def damaged(path: Path, blocks: int) -> tuple[str, dict[int, bytes]]:
    """Make a file of one stream and scribble over its middle; returns stream and blocks."""
    outbox = reopened(path)
    fill(outbox, blocks, per_block=40)
    stream = live(outbox).id
    held = lines(outbox, stream)
    outbox.close()
    content = bytearray(path.read_bytes())
    middle = len(content) // 2 // 4096 * 4096
    content[middle : middle + 3 * 4096] = random.Random(1).randbytes(3 * 4096)
    path.write_bytes(content)
    return stream, held


def test_a_damaged_file_is_kept_its_blocks_rescued_and_the_holes_named(tmp_path: Path) -> None:
    path, blocks = tmp_path / "outbox.db", 400
    stream, held = damaged(path, blocks)
    broken = path.read_bytes()
    outbox = reopened(path)
    (aside,) = tmp_path.glob("outbox.db.damaged-*")
    assert aside.read_bytes() == broken
    rescued, lost = lines(outbox, stream), gaps(outbox, stream)
    assert 0 < len(rescued) < blocks
    assert rescued.items() <= held.items()
    assert {gap.reason for gap in lost} == {"lost"}
    named = {n for gap in lost for n in range(gap.first, gap.last + 1)}
    assert sorted([*rescued, *named]) == [*range(1, blocks + 1)]
    put(outbox, [1])
    assert values(outbox, live(outbox).id) == [1]
    outbox.close()
    again = reopened(path)
    assert lines(again, stream) == rescued
    again.close()


def test_a_file_that_is_no_outbox_at_all_is_kept_and_a_new_one_begun(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    path.write_bytes(b"\xff" * 10_000)
    outbox = reopened(path)
    put(outbox, [0, 1])
    assert all_values(outbox) == [0, 1]
    outbox.close()
    (aside,) = tmp_path.glob("outbox.db.damaged-*")
    assert aside.read_bytes() == b"\xff" * 10_000


def test_a_file_of_a_later_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    outbox = reopened(path)
    outbox.database.execute("PRAGMA user_version = 99")
    outbox.close()
    with pytest.raises(OutboxError, match="format 99"):
        Outbox.open(path, ROOMY)
    assert [entry.name for entry in tmp_path.glob("*damaged*")] == []


def test_a_folder_that_cannot_be_made_is_said_plainly(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(OutboxError, match="taken"):
        Outbox.open(tmp_path / "taken" / "outbox.db", Limits())
