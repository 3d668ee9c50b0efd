"""What can be made to go wrong with a simulated device, while it runs.

Set in the program (`FaultBook.set`), or by a control file that is looked at a few times a second,
a JSON object of devices::

    {"bravo-1h": {"silent": true}, "battery": {"delay_s": 2.0, "nan": ["oil_level"]}}

A device that is not named is sound again.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

EVERY = "*"  #: all gauges of the device


@dataclass(frozen=True, slots=True)
class Faults:
    """All that is wrong with a device at the moment."""

    silent: bool = False
    delay_s: float = 0.0  #: answers late
    answers_as: int | None = None  #: answers under another unit id
    exception: int | None = None  #: answers everything with this exception
    illegal: tuple[int, ...] = ()  #: addresses that it refuses, in all tables
    nan: tuple[str, ...] = ()  #: gauges that hold NaN
    frozen: tuple[str, ...] = ()  #: gauges that keep their last value
    short: int = 0  #: bytes missing at the end of an answer

    def hits(self, names: tuple[str, ...], gauge: str) -> bool:
        """Whether one of these lists means a gauge."""
        return bool(names) and (EVERY in names or gauge in names)


SOUND = Faults()


def parse_faults(body: Mapping[str, Any]) -> Faults:
    """Read the faults of one device; raises ValueError naming what is not known."""
    known = {field.name for field in fields(Faults)}
    if unknown := body.keys() - known:
        raise ValueError(f"{sorted(unknown)[0]!r} is not a fault; there are {sorted(known)}")
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in body.items()}
    return Faults(**values)


class FaultBook:
    """The faults of all devices, from the program and from a control file."""

    def __init__(self, control: Path | None = None) -> None:
        """`control` need not exist yet."""
        self._control = control
        self._seen: tuple[int, int] | None = None
        self._faults: dict[str, Faults] = {}

    def set(self, device: str, faults: Faults = SOUND) -> None:
        """Change what is wrong with a device; without faults it is sound again."""
        self._faults[device] = faults

    def of(self, device: str) -> Faults:
        """What is wrong with a device."""
        return self._faults.get(device, SOUND)

    def look(self) -> None:
        """Read the control file if it changed; one that cannot be read changes nothing."""
        if self._control is None:
            return
        try:
            status = self._control.stat()
        except FileNotFoundError:
            if self._seen is not None:
                self._seen, self._faults = None, {}
            return
        if (mark := (status.st_mtime_ns, status.st_size)) == self._seen:
            return
        self._seen = mark
        try:
            body = json.loads(self._control.read_text(encoding="utf-8"))
            self._faults = {device: parse_faults(faults) for device, faults in body.items()}
        except (OSError, ValueError, TypeError, AttributeError) as fault:
            log.warning("%s: not read: %s", self._control, fault)
