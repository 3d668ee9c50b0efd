"""Replays a recorded event of a real well (see ``recordings/README.md``)."""

from __future__ import annotations

import csv
import gzip
import math
from array import array
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

from agent.equipment import GaugeSettings
from agent.simulator.sources import short_name

BUNDLED = Path(__file__).parent / "recordings"
_NOT_VALUES = ("timestamp", "class")

#: What the columns of a recording are in, by the first letters of their name.
_COLUMN_UNITS = {"P-": "Pa", "T-": "degC", "QGL": "m3/s"}
_SCF_PER_M3 = 35.314667
_DAY_S = 86_400.0
#: (from, to) -> factor and offset.
_CONVERSIONS: Mapping[tuple[str, str], tuple[float, float]] = {
    ("Pa", "psi"): (1 / 6894.757293168, 0.0),
    ("Pa", "kPa"): (1e-3, 0.0),
    ("Pa", "bar"): (1e-5, 0.0),
    ("Pa", "MPa"): (1e-6, 0.0),
    ("degC", "degF"): (1.8, 32.0),
    ("m3/s", "m3/d"): (_DAY_S, 0.0),
    ("m3/s", "Mcf/d"): (_DAY_S * _SCF_PER_M3 / 1000, 0.0),
}


def names() -> list[str]:
    """The recordings that come with the program."""
    return sorted(path.name.removesuffix(".csv.gz") for path in BUNDLED.glob("*.csv.gz"))


def find(name: str, beside: Path) -> Path | None:
    """A recording by name or by path; None when there is none."""
    candidates = (beside / name, BUNDLED / name, BUNDLED / f"{name}.csv.gz")
    return next((path for path in candidates if path.is_file()), None)


def column_unit(column: str) -> str:
    """Unit of a column: Pa, degC or m3/s; empty for one that is not known."""
    known = (unit for start, unit in _COLUMN_UNITS.items() if column.startswith(start))
    return next(known, "")


def conversion(column: str, unit: str) -> tuple[float, float] | None:
    """Factor and offset from a column's unit to a gauge's; None when there is no way."""
    own = column_unit(column)
    return (1.0, 0.0) if unit in {"", own} else _CONVERSIONS.get((own, unit))


class Recording:
    """The columns of a recording, as they were: a value holds until the next row."""

    def __init__(self, path: Path) -> None:
        """Read a file; raises OSError, or ValueError when it is not a recording."""
        with gzip.open(path, "rt", newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        if len(rows) < 2 or "timestamp" not in rows[0]:
            raise ValueError(f"{path} is not a recording: it needs a timestamp and two rows")
        begin, then = (datetime.fromisoformat(row["timestamp"]) for row in rows[:2])
        self.step_s = (then - begin).total_seconds()
        self.rows = len(rows)
        self.columns = {
            name: array("d", (float(row[name] or math.nan) for row in rows))
            for name in rows[0]
            if name not in _NOT_VALUES
        }

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return self.rows * self.step_s


class Replay:
    """A device that replays a recording."""

    def __init__(
        self, recording: Recording, values: Mapping[str, str], *, start_s: float, loop: bool
    ) -> None:
        """`values` names a column for each gauge; at the end it begins again, or holds."""
        self._recording = recording
        self._values = values
        self._start = start_s
        self._loop = loop

    def value(self, gauge: GaugeSettings, seconds: float) -> float:
        """The recorded value in the gauge's unit; NaN where the recording is blank."""
        column = self._values.get(short_name(gauge))
        if column is None:
            return math.nan
        factor, offset = conversion(column, gauge.unit) or (1.0, 0.0)
        return self._recording.columns[column][self._row(seconds)] * factor + offset

    def _row(self, seconds: float) -> int:
        row = int((seconds + self._start) / self._recording.step_s)
        return row % self._recording.rows if self._loop else min(row, self._recording.rows - 1)


def unfit(
    recording: Recording, gauges: Mapping[str, GaugeSettings], values: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """What is wrong with a mapping of gauges to columns, as (gauge, sentence)."""
    for name, column in values.items():
        if name not in gauges:
            yield name, f"the device has no gauge called {name!r}"
        elif column not in recording.columns:
            yield name, f"{column!r} is not a column; there are {', '.join(recording.columns)}"
        elif conversion(column, gauges[name].unit) is None:
            yield name, f"cannot turn {column_unit(column)} into {gauges[name].unit!r}"
