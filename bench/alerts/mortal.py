"""Deliverers that die, by a kill that nothing can catch, at a chosen step of a delivery."""

from __future__ import annotations

import os
import random
import select
import signal
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from hub.database import connect
from hub.notify import breakers, claims, delivery, pinned
from hub.settings import HubSettings, load

#: Where it can die: before its claim is committed, before the call, in it, before and after the
#: outcome is committed.
STEPS: Final = ("claiming", "claimed", "calling", "answered", "settled")


def main() -> None:
    """Keep so many deliverers; whoever dies is followed by another. Tells at the end how many."""
    size, chance = int(sys.argv[1]), float(sys.argv[2])
    _hasten()
    settings = load(None)
    steps = iter(STEPS * 2)
    children = {_born(settings, next(steps, "any"), chance) for _ in range(size)}
    deaths = 0
    while not _told_to_stop():
        dead, _ = os.waitpid(-1, os.WNOHANG)
        if dead:
            deaths += 1
            children ^= {dead, _born(settings, next(steps, "any"), chance)}
        else:
            time.sleep(0.01)
    for child in children:
        os.kill(child, signal.SIGKILL)
    print(deaths, flush=True)


def _told_to_stop() -> bool:
    return bool(select.select([sys.stdin], [], [], 0)[0])


def _born(settings: HubSettings, step: str, chance: float) -> int:
    """Fork a deliverer that dies at a step, or at any; gives its id."""
    child = os.fork()
    if child:
        return child
    luck = random.Random()

    def maybe(here: str) -> None:
        certain, any_of_them = step == here, step == "any"
        if certain or (any_of_them and luck.random() < chance / len(STEPS)):
            os.kill(os.getpid(), signal.SIGKILL)

    _mine(maybe, 1.0 if step == "calling" else chance if step == "any" else 0.0, luck)
    engine = connect(settings.database.work_url, "work", pool=4)
    while True:
        if not delivery.deliver_due(engine, settings, most=20):
            time.sleep(0.02)


def _hasten() -> None:
    """Short leases and pauses: what takes minutes in production takes seconds here."""
    changed: Any = {"claims": claims, "pinned": pinned, "breakers": breakers}
    changed["claims"].LEASE = timedelta(seconds=1.5)
    changed["pinned"].TIMEOUT_S, changed["pinned"].LONGEST_CALL_S = 0.4, 1.0
    for name in ("FIRST_PAUSE", "LONGEST_PAUSE", "PROBE"):
        setattr(changed["breakers"], name, timedelta(seconds=0.3))
    hurried: Any = delivery
    hurried.retry_delay_s = lambda *_: 0.05


def _mine(maybe: Callable[[str], None], in_call: float, luck: random.Random) -> None:
    """Put a chance to die before and after every step."""
    begin, settle = claims.claim, delivery._deliver  # noqa: SLF001 - what is measured
    send = delivery.SENDERS["webhook"]

    def claim(*given: Any) -> Any:
        found = begin(*given)
        maybe("claiming")
        return found

    def deliver(*given: Any) -> None:
        maybe("claimed")
        settle(*given)
        maybe("settled")

    def call(*given: Any) -> Any:
        if luck.random() < in_call:
            threading.Timer(luck.uniform(0, 0.02), os.kill, (os.getpid(), signal.SIGKILL)).start()
        try:
            return send(*given)
        finally:
            maybe("answered")

    mined: Any = {"claims": claims, "delivery": delivery}
    mined["claims"].claim = claim
    mined["delivery"]._deliver = deliver  # noqa: SLF001 - what is measured
    mined["delivery"].SENDERS["webhook"] = call


if __name__ == "__main__":
    main()
