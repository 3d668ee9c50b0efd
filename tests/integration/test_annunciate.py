"""People at the site are told: real Modbus outputs, a real command, beside polling that goes on."""

from __future__ import annotations

import asyncio
import json
import logging
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from agent.alarms import Standing
from agent.annunciate import Annunciator, Caller, wanted
from agent.annunciation import AlarmSettings, OutputSettings
from agent.contract.blocks import Sample
from agent.contract.rulebundle import SiteRule
from agent.equipment import TcpPort
from agent.poller import Poller
from agent.settings import AgentSettings
from tests.field.peers import scripted_tcp
from tests.field.settings import device, gauges_at, site

RULE = SiteRule(uuid.UUID(int=7), 1, "well-1.p", "limit", {}, 60.0, "Pressure high", "Bravo 1H")
HORN = OutputSettings("horn", "pad", 9, "coil", 3)
BEACON = OutputSettings("beacon", "pad", 9, "holding", 40, on=0x55, off=0xAA, priority=3)


def standing(priority: int = 1, acked: str = "") -> Standing:
    return Standing(uuid.UUID(int=1), RULE, "hihi", priority, 0, 900.0, 900.0, acked)


class Panel:
    """A controller with outputs at unit 9 and a gauge at unit 1, frame by frame."""

    def __init__(self) -> None:
        self.writes: list[tuple[int, int, int]] = []
        self.refuses = False

    def answer(self, unit: int, pdu: bytes) -> bytes:
        head = bytes([0, 0])
        if pdu[0] in {5, 6}:
            if self.refuses:
                body = bytes([unit, pdu[0] | 0x80, 4])
            else:
                address, value = int.from_bytes(pdu[1:3], "big"), int.from_bytes(pdu[3:5], "big")
                self.writes.append((pdu[0], address, value))
                body = bytes([unit]) + pdu
        else:
            count = int.from_bytes(pdu[3:5], "big")
            body = bytes([unit, pdu[0], 2 * count]) + bytes(2 * count)
        return head + len(body).to_bytes(2, "big") + body


def run(
    panel: Panel, outputs: tuple[OutputSettings, ...], now: list[Standing], *steps: Callable
) -> list[Sample]:
    """Poll and annunciate; each step is done once the one before shows."""
    seen: list[Sample] = []

    async def until(holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not holds():
                await asyncio.sleep(0.01)

    async def main() -> None:
        async with scripted_tcp(panel.answer) as port:
            config: AgentSettings = site([device(1)], gauges_at(device(1), [0]))
            config = replace(
                config,
                ports=(TcpPort("pad", "127.0.0.1", port),),
                alarms=AlarmSettings(outputs=outputs),
            )
            poller = Poller(config, seen.extend, _Clock())
            teller = Annunciator(outputs, poller.write, lambda: now, lambda: False)
            tasks = [asyncio.create_task(poller.run()), asyncio.create_task(teller.run())]
            for step in steps:
                await until(step)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(main())
    return seen


class _Clock:
    def now_ms(self) -> int:
        return 1_700_000_000_000


def test_horn_and_beacon_follow_what_stands_and_polling_goes_on() -> None:
    panel, now = Panel(), list[Standing]()

    def begins() -> bool:
        if (5, 3, 0) in panel.writes and (6, 40, 0xAA) in panel.writes:
            now.append(standing())
            return True
        return False

    def acknowledged() -> bool:
        if (5, 3, 0xFF00) in panel.writes and (6, 40, 0x55) in panel.writes:
            now[0] = standing(acked="Carl")
            return True
        return False

    def silent() -> bool:
        if panel.writes.count((5, 3, 0)) == 2:
            now.clear()
            return True
        return False

    seen = run(
        panel,
        (HORN, BEACON),
        now,
        begins,
        acknowledged,
        silent,
        lambda: panel.writes.count((6, 40, 0xAA)) == 2,
    )
    assert all(sample.quality == 0 for sample in seen)
    assert seen


def test_an_output_that_refuses_is_said_once_and_tried_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    panel, now = Panel(), [standing()]
    panel.refuses = True

    def heals() -> bool:
        if "cannot be switched" in caplog.text:
            panel.refuses = False
            return True
        return False

    with caplog.at_level(logging.ERROR):
        run(panel, (HORN,), now, heals, lambda: (5, 3, 0xFF00) in panel.writes)
    assert caplog.text.count("cannot be switched") == 1


@pytest.mark.parametrize(
    ("output", "priority", "acked", "alone", "on"),
    [
        (HORN, 2, "", False, True),
        (HORN, 3, "", False, False),
        (HORN, 1, "Carl", False, False),
        (BEACON, 1, "Carl", False, True),
        (replace(HORN, when="alone"), 1, "", False, False),
        (replace(HORN, when="alone"), 1, "", True, True),
    ],
)
def test_when_an_output_is_on(
    output: OutputSettings, priority: int, acked: str, alone: bool, on: bool
) -> None:
    assert wanted(output, [standing(priority, acked)], alone=alone) is on
    assert not wanted(output, [], alone=alone)


def test_a_site_that_is_alone_runs_its_command_once_for_each_alarm(tmp_path: Path) -> None:
    heard, told = tmp_path / "heard", list[tuple[str, str]]()
    command = tmp_path / "text-the-pumper"
    command.write_text(f"#!/bin/sh\ncat >> {heard}\necho >> {heard}\n")
    command.chmod(0o755)
    caller = Caller(command, lambda *words: told.append(words))
    alone = [False]
    one, mild = standing(), replace(standing(3), spell=uuid.UUID(int=2))

    async def main() -> None:
        teller = Annunciator((), _nothing, lambda: [one, mild], lambda: alone[0], caller)
        await teller.look(0.0)
        assert not heard.exists()
        alone[0] = True
        for _ in range(3):
            await teller.look(0.0)
        async with asyncio.timeout(20):
            while not told:
                await asyncio.sleep(0.01)

    asyncio.run(main())
    (line,) = heard.read_text().splitlines()
    assert json.loads(line)["text"] == "Bravo 1H: Pressure high (hihi), 900"
    assert told[0][0] == "command"


async def _nothing(_output: OutputSettings, _value: int) -> None:
    return None
