"""The verbs of `wellflow-agent`, a module each with a `main(args)` that returns the exit code.

A module is imported when its verb is called, so `check` starts at once and needs no Modbus.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from argparse import Namespace as Args
from collections.abc import Callable, Coroutine
from enum import IntEnum
from typing import Any

__all__ = ["Args", "Exit", "complain", "log_to_stderr", "until_interrupted"]


class Exit(IntEnum):
    """What an exit code means."""

    DONE = 0  #: done, and nothing is wrong
    FAILED = 1  #: could not be done, or what was looked at is not in order
    MISCONFIGURED = 2  #: the file or the command line is wrong; nothing was started


def complain(sentence: object) -> int:
    """Say on standard error what is wrong; returns the exit code for it."""
    print(f"wellflow-agent: {sentence}", file=sys.stderr)
    return Exit.FAILED


def log_to_stderr(level: str) -> None:
    """Send the log to standard error, which systemd keeps."""
    logging.basicConfig(
        level=level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )


def until_interrupted(main: Callable[[], Coroutine[Any, Any, int]]) -> int:
    """Run to the end, or until Ctrl-C."""
    try:
        return asyncio.run(main())
    except KeyboardInterrupt:
        return Exit.FAILED
    except OSError as fault:
        return complain(fault)
