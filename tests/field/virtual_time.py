"""An event loop whose time jumps ahead whenever nothing is left to do: an hour takes no time."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any


class _Jumping(selectors.SelectSelector):
    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        events = super().select(0)
        if not events:
            assert timeout is not None, "nothing will ever happen again"
            self.now += max(0.0, timeout)
        return events


def run(main: Coroutine[Any, Any, Any]) -> Any:
    """Run to the end in virtual time, which begins at 0."""
    selector = _Jumping()
    loop = asyncio.SelectorEventLoop(selector)
    loop.time = lambda: selector.now  # type: ignore[method-assign]
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(main)


class VirtualClock:
    """UTC milliseconds that follow the loop's time."""

    def now_ms(self) -> int:
        """UTC milliseconds."""
        return 1_700_000_000_000 + round(asyncio.get_running_loop().time() * 1000)
