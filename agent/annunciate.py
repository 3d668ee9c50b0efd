"""Tells people at the site: horn and beacon behind a Modbus coil or register, and a command.

What an output shall show follows from what stands, again and again; it is written when it changes,
and once in a while all the same, because a controller that lost power has forgotten it. The horn
stops when somebody acknowledges, here or at the office; the beacon shows until the alarm is over.
"""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import threading
import uuid
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from agent.alarms import Standing
from agent.annunciation import OutputSettings
from agent.bus import BusError

log = logging.getLogger(__name__)

LOOK_S = 0.5
REFRESH_S = 30.0
COMMAND_S = 60.0
TRIES = 3

Write = Callable[[OutputSettings, int], Awaitable[None]]


def wanted(output: OutputSettings, standing: Sequence[Standing], *, alone: bool) -> bool:
    """Whether an output shall be on."""
    if output.when == "alone" and not alone:
        return False
    return any(
        one.priority <= output.priority and not (output.name == "horn" and one.acked)
        for one in standing
    )


class Output:
    """One horn or beacon, and what it shows as far as is known."""

    def __init__(self, settings: OutputSettings, write: Write) -> None:
        """`write` puts a value into it, or raises `BusError`."""
        self.settings, self._write = settings, write
        self.shows: bool | None = None  #: None: not known
        self._written_at = float("-inf")
        self._complaint = ""

    async def follow(self, want: bool, now: float) -> None:  # noqa: FBT001 - on or off
        """Bring it to what it shall show; a fault is said once, and it is tried again."""
        if want == self.shows and now - self._written_at < REFRESH_S:
            return
        try:
            await self._write(self.settings, self.settings.on if want else self.settings.off)
        except BusError as fault:
            self.shows = None
            if str(fault) != self._complaint:
                log.error("the %s cannot be switched: %s", self.settings.name, fault)
            self._complaint = str(fault)
            return
        if self.shows is not want:
            log.warning("%s %s", self.settings.name, "on" if want else "off")
        self.shows, self._written_at, self._complaint = want, now, ""

    @property
    def state(self) -> str:
        """For people: on, off, or why not."""
        if self._complaint:
            return f"cannot be switched: {self._complaint}"
        return {None: "not switched yet", True: "on", False: "off"}[self.shows]


class Annunciator:
    """All that tells people at the site."""

    def __init__(
        self,
        outputs: Sequence[OutputSettings],
        write: Write,
        standing: Callable[[], Sequence[Standing]],
        alone: Callable[[], bool],
        caller: Caller | None = None,
    ) -> None:
        """`standing` tells what stands, `alone` whether nobody else can tell people."""
        self.outputs = [Output(settings, write) for settings in outputs]
        self._standing, self._alone, self._caller = standing, alone, caller

    async def run(self) -> None:
        """Follow what stands until cancelled."""
        while True:
            try:
                await self.look(asyncio.get_running_loop().time())
            except Exception:  # whatever fails, people are to be told at the next look
                log.exception("people at the site could not be told")
            await asyncio.sleep(LOOK_S)

    async def look(self, now: float) -> None:
        """Bring everything to what stands now."""
        standing, alone = self._standing(), self._alone()
        for output in self.outputs:
            await output.follow(wanted(output.settings, standing, alone=alone), now)
        if alone and self._caller is not None:
            for one in standing:
                if one.priority <= 2 and not one.acked:
                    self._caller.call(one)


class Caller:
    """Runs the site's own command, a modem's most often, once for each alarm and level."""

    def __init__(self, command: Path, tell: Callable[[str, str], None]) -> None:
        """`tell` lets the hub know later what was done."""
        self._command, self._tell = command, tell
        self._called: set[tuple[uuid.UUID, str]] = set()

    def call(self, one: Standing) -> None:
        """Run it in a thread of its own, unless it was for this alarm and level."""
        mark = (one.spell, one.level)
        if mark not in self._called:
            self._called.add(mark)
            threading.Thread(target=self._run, args=(words(one),), daemon=True).start()

    def _run(self, said: dict[str, Any]) -> None:
        outcome = ""
        for _ in range(TRIES):
            try:
                subprocess.run(
                    [str(self._command)],
                    input=json.dumps(said).encode(),
                    timeout=COMMAND_S,
                    check=True,
                    capture_output=True,
                )
            except (OSError, subprocess.SubprocessError) as fault:
                outcome = f"{type(fault).__name__}: {fault}"[:200]
                log.error("%s did not tell people of %s: %s", self._command, said["text"], outcome)
            else:
                self._tell("command", f"{self._command.name} told people here: {said['text']}")
                return
        self._tell("command", f"{self._command.name} could not tell people here: {outcome}")


def words(one: Standing) -> dict[str, Any]:
    """An alarm as the command gets it, JSON on its standard input."""
    unit = f" {one.rule.unit}".rstrip()
    place = f"{one.rule.place}: " if one.rule.place else ""
    return {
        "text": f"{place}{one.rule.name} ({one.level}), {one.value:g}{unit}",
        "priority": one.priority,
        "level": one.level,
        "tag": one.rule.tag,
        "value": one.value,
        "since": one.raised_at,
        "action": one.rule.action,
    }
