"""Each rule of the streams switched off in turn: a simulation must notice that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from agent import publisher
from agent.outbox.intake import Intake
from hub.ingest import streams
from tests.protocol.simulate import outcome

SEEDS = range(40)
Break = Callable[[pytest.MonkeyPatch], None]


def overlaps_are_stored_again(patch: pytest.MonkeyPatch) -> None:
    real = streams.judge

    def judge(row: streams.StreamRow, message: Any, parent: Any = None) -> streams.Verdict:
        verdict = real(row, message, parent)
        fresh = verdict.want is None and not verdict.fork
        return replace(verdict, stored=tuple(message.parts())) if fresh else verdict

    patch.setattr(streams, "judge", judge)


def a_hole_is_passed_over(patch: pytest.MonkeyPatch) -> None:
    real = streams.judge

    def judge(row: streams.StreamRow, message: Any, parent: Any = None) -> streams.Verdict:
        if message.first > row.number + 1:
            row = replace(row, number=message.first - 1, checksum=streams.UNKNOWN)
        return real(row, message, parent)

    patch.setattr(streams, "judge", judge)


def another_history_is_taken_for_this_one(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(streams, "_forked", lambda *_: False)
    patch.setattr(publisher, "_is_fork", lambda *_: False)


def a_program_start_continues_its_stream(patch: pytest.MonkeyPatch) -> None:
    real = Intake.begin_life

    def begin(self: Intake, now_ms: int) -> str:
        if (live := self._live()) is None:
            return real(self, now_ms)
        self._life = live
        return next(info.id for info in self.streams() if info.live)

    patch.setattr(Intake, "begin_life", begin)


def what_moved_is_not_looked_up(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("agent.outbox.outgoing.mark_maybe", lambda body: body)


@pytest.mark.parametrize(
    "broken",
    [
        overlaps_are_stored_again,
        a_hole_is_passed_over,
        another_history_is_taken_for_this_one,
        a_program_start_continues_its_stream,
        what_moved_is_not_looked_up,
    ],
)
def test_a_rule_switched_off_is_noticed(broken: Break, monkeypatch: pytest.MonkeyPatch) -> None:
    broken(monkeypatch)
    for seed in SEEDS:
        try:
            if outcome(seed).faults:
                return
        except Exception:  # noqa: BLE001 - a broken rule may also break the run
            return
    pytest.fail(f"{len(SEEDS)} seeds ran well without the rule")
