"""Verb `demo`: the whole product on this machine, to look at or to verify."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import time
from types import FrameType

from sqlalchemy.exc import DBAPIError

from hub.cli.screen import Exit, Screen
from hub.demo import files, operator
from hub.demo.check import Hops
from hub.demo.happenings import Happenings
from hub.demo.stage import Stage
from hub.errors import HubError

SECONDS_TO_ALARM = 120
#: What names a server that is not the demo's own.
SERVERS = ("WELLFLOW_DATABASE_URL", "WELLFLOW_MQTT_URL")


def demo(asked: argparse.Namespace, screen: Screen) -> int:
    """Start everything; then show what happens until Ctrl-C, or verify every hop and end."""
    if asked.check and not screen.as_json:
        screen = Screen(as_json=True)
    passing = _is_passing(asked)
    state = files.new_folder() if passing else files.state_folder(asked.state)
    signal.signal(signal.SIGTERM, _interrupt)
    screen.say(screen.paint("WellFlow demo", "bold") + f"   its data: {state}\n")
    stage = Stage(state, Steps(screen), os.environ)
    sound = not asked.check
    try:
        stage.start()
        if asked.check:
            sound = _verify(stage, screen)
        else:
            _show(stage, screen)
    except HubError as fault:
        sound = False
        screen.say(f"\n{fault}")
        if asked.check:
            screen.answer({"ok": False, "failed": "start", "why": str(fault)}, "")
    except KeyboardInterrupt:
        screen.say()
    finally:
        _stop(stage, screen)
    if passing and sound:  # else its logs tell why
        shutil.rmtree(state, ignore_errors=True)
    return Exit.DONE if sound else Exit.FAILED


def _is_passing(asked: argparse.Namespace) -> bool:
    """Whether a check begins on data of its own: the alarms of many evenings make a storm.

    Servers that were named keep their data, so the keys to it are kept too.
    """
    named = asked.state is not None or any(name in os.environ for name in SERVERS)
    return asked.check and not named


class Steps:
    """Shows each step as it begins and as it is done, with what came of it."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._begun = time.monotonic()

    def __call__(self, name: str, done: str | None) -> None:
        """A step begins (None) or is done."""
        if done is None:
            self._begun = time.monotonic()
            self._screen.hint(f"  … {name}")
            return
        seconds = time.monotonic() - self._begun
        mark = self._screen.paint("✓", "green")
        self._screen.say(f"  {mark} {name:<10} {done}  ({seconds:.1f} s)")


def _verify(stage: Stage, screen: Screen) -> bool:
    screen.say("\nFollowing a reading:")
    hops = Hops(stage, screen.say, alarm_within_s=SECONDS_TO_ALARM)
    with screen.busy("    following", lambda: hops.at):
        sound = hops.follow()
    screen.answer(hops.report, "")
    return sound


def _show(stage: Stage, screen: Screen) -> None:
    """Say where to look, then tell what happens until Ctrl-C."""
    screen.say(_welcome(stage, screen))
    happenings = Happenings(stage.owner, stage.office, stage.children)
    complaint = ""
    while True:
        try:
            for line in happenings.fresh():
                screen.say(f"  {line}")
            complaint = ""
        except DBAPIError as fault:
            if not complaint:
                complaint = " ".join(str(fault.orig).split())
                screen.say(f"  the database does not answer: {complaint}")
        time.sleep(1)


def _welcome(stage: Stage, screen: Screen) -> str:
    first = operator.WELLS[0]
    people = "\n".join(
        f"    {person.role:<9} {person.email:<26} {stage.passwords[person.email]}"
        for person in operator.PEOPLE
    )
    return f"""
  {screen.paint("Console", "bold")}   {stage.console_url}
  {screen.paint("Mailbox", "bold")}   {stage.mailbox.url}

  Sign in as
{people}

  What to look at: the fleet, then {first.name}. In about a minute its downhole safety valve closes
  by itself, as it did to a real well in 2014: the tubing pressure falls, the downhole pressure
  rises, an alarm is raised, a mail arrives. Acknowledge it. Some gauges are dead, as in real
  life; see how that is told. Under Agents stands up to when everything is known to be complete.
  Under Incidents a leak is open: what agencies are owed, and the clock that runs.

  The programs' settings and logs are in {stage.state}. Try
    {sys.executable} -m hub --settings {stage.hub_file} audit

  Ctrl-C stops everything; `make demo` continues with the data.
"""


def _stop(stage: Stage, screen: Screen) -> None:
    """Stop everything, undisturbed by further signals: half a stop leaves processes behind."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    screen.hint("  stopping …")
    stage.stop()
    screen.say("  Stopped.")


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
