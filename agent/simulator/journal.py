"""Writes down every value that was served over the wire, one JSON line each."""

from __future__ import annotations

import json
import time
from pathlib import Path

from agent.equipment import DeviceSettings, GaugeSettings


class Journal:
    """A file of what was served: device, unit, tag, register, value, wall milliseconds."""

    def __init__(self, path: Path) -> None:
        """Append to a file; makes its folder."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("a", encoding="utf-8")

    def note(
        self, device: DeviceSettings, served: list[tuple[GaugeSettings, float | None]]
    ) -> None:
        """Write down one answer, as it goes out; a value of None was not a number."""
        ms = time.time_ns() // 1_000_000
        for gauge, value in served:
            line = {
                "device": device.name,
                "unit": device.unit,
                "tag": gauge.name,
                "register": gauge.address,
                "value": value,
                "ms": ms,
            }
            self._file.write(json.dumps(line, separators=(",", ":")) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()
