"""A sound outbox that cannot be opened just now is left alone, and the reason is said."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from agent.clock import Clock
from agent.contract.blocks import ClockState
from agent.outbox import Outbox, OutboxError
from agent.outbox import file as outbox_file


def test_a_full_disk_at_the_start_does_not_set_a_sound_outbox_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "outbox.db"
    Outbox.open(path).close()

    def full(_connection: sqlite3.Connection) -> sqlite3.Connection:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(outbox_file, "prepare", full)
    with pytest.raises(OutboxError, match="disk is full"):
        Outbox.open(path)
    assert not list(tmp_path.glob("*.damaged-*"))


def test_a_clock_behind_its_disciplined_system_catches_up() -> None:
    system, disciplined = [1_000_000_000_000], [False]
    clock = Clock(wall=lambda: system[0], mono=lambda: 0, synchronised=lambda: disciplined[0])
    system[0] += 60_000  # the time service steps the system's clock,
    assert clock.tick() == 0  # which nobody vouches for yet
    disciplined[0] = True
    step = clock.heard_hub(system[0])
    assert step == 60_000
    clock.settled(step)
    assert clock.now_ms() == system[0]
    assert clock.state is ClockState.STEPPED
