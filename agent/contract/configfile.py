"""How both programs read a configuration file: every fault at once, with file, line and key.

A setting comes from the environment (``WELLFLOW_`` and the key's path in capitals, or the same
with ``_FILE`` naming a file that holds it, as container secrets do), else from the TOML file, else
from its default. Lists of tables come from the file only.
"""

from __future__ import annotations

import math
import os
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

PREFIX = "WELLFLOW"


class _Required:
    """Marks a setting that has no default."""


REQUIRED: Any = _Required()
_HEADER = re.compile(r"\s*(\[\[?)\s*([^\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"""\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*[A-Za-z0-9_-]+)*)\s*=""")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: where, and what to do about it."""

    file: str
    line: int | None
    key: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.key}: {self.message}" if self.key else f"{place}: {self.message}"


class ConfigError(Exception):
    """A configuration cannot be used; `faults` lists everything that is wrong with it."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = tuple(faults)


@dataclass
class ConfigFile:
    """A parsed file, the lines of its keys, and the faults found so far."""

    name: str
    content: Mapping[str, Any]
    lines: Mapping[str, int]
    environ: Mapping[str, str]
    faults: list[Fault] = field(default_factory=list)

    @classmethod
    def load(cls, path: Path | None, environ: Mapping[str, str] | None = None) -> ConfigFile:
        """Read a file; without one, settings come from the environment and defaults alone.

        Raises `ConfigError` when the file cannot be read or is not TOML.
        """
        env = os.environ if environ is None else environ
        if path is None:
            return cls("environment", {}, {}, env)
        try:
            text = path.read_text(encoding="utf-8")
            return cls(str(path), tomllib.loads(text), _key_lines(text), env)
        except OSError as fault:
            raise ConfigError([Fault(str(path), None, "", f"{fault.strerror}")]) from fault
        except UnicodeDecodeError as fault:
            raise ConfigError([Fault(str(path), None, "", f"not UTF-8: {fault}")]) from fault
        except tomllib.TOMLDecodeError as fault:
            line = re.search(r"at line (\d+)", str(fault))
            where = int(line[1]) if line else None
            raise ConfigError([Fault(str(path), where, "", f"not TOML: {fault}")]) from fault

    def root(self) -> Section:
        """The whole file as a section."""
        return Section(self, "", self.content)

    def fault(self, key: str, message: str) -> None:
        """Note that something is wrong at a key (or at the nearest table above it)."""
        self.faults.append(Fault(self.name, self._line(key), key, message))

    def _line(self, key: str) -> int | None:
        while key and key not in self.lines:
            key = key.rpartition(".")[0] if not key.endswith("]") else key.rpartition("[")[0]
        return self.lines.get(key)

    def finish(self) -> None:
        """Raise `ConfigError` with all faults, in the order of the file, if there are any."""
        if self.faults:
            once = dict.fromkeys(self.faults)
            raise ConfigError(sorted(once, key=lambda fault: fault.line or 0))


def _key_lines(text: str) -> dict[str, int]:
    """Find the line of every key and table header, by dotted path with list positions."""
    lines: dict[str, int] = {}
    counts: dict[str, int] = {}
    table = ""
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            table = _table_path(header[2], counts, is_list=header[1] == "[[")
            lines.setdefault(table, number)
        elif key := _KEY.match(line):
            name = key[1].strip("\"'").replace(" ", "")
            lines.setdefault(f"{table}.{name}" if table else name, number)
    return lines


def _table_path(name: str, counts: dict[str, int], *, is_list: bool) -> str:
    path = ""
    parts = [part.strip().strip("\"'") for part in name.split(".")]
    for depth, part in enumerate(parts):
        path = f"{path}.{part}" if path else part
        if is_list and depth == len(parts) - 1:
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path = f"{path}[{counts[path]}]"
    return path


class Section:
    """One table of a configuration: typed getters that note a fault and go on."""

    def __init__(self, file: ConfigFile, path: str, content: Mapping[str, Any]) -> None:
        self.file = file
        self.path = path
        self._content = content
        self._asked: set[str] = set()

    def key(self, name: str) -> str:
        """Full path of a key, as faults name it."""
        return f"{self.path}.{name}" if self.path else name

    def fault(self, name: str, message: str) -> None:
        """Note that a key of this section is wrong."""
        self.file.fault(self.key(name), message)

    def has(self, name: str) -> bool:
        """Whether a key is set, in the file or the environment."""
        return name in self._content or self._from_environment(name) is not None

    def text(
        self, name: str, default: Any = REQUIRED, *, choices: Sequence[str] | None = None
    ) -> str:
        """A text, one of `choices` where given."""
        value = self._get(name, default)
        if value is default or value is None:
            return value if isinstance(value, str) else ""
        if not isinstance(value, str):
            self._wrong(name, "a text in quotes", value)
            return ""
        if choices and value not in choices:
            self.fault(name, f"{value!r} is not one of {', '.join(choices)}")
            return choices[0]
        return value

    def optional(self, name: str) -> str | None:
        """A text, or None when it is not set."""
        self._asked.add(name)
        return self.text(name) if self.has(name) else None

    def integer(
        self, name: str, default: Any = REQUIRED, *, low: int | None = None, high: int | None = None
    ) -> int:
        """A whole number between `low` and `high`."""
        value = self.number(name, default, low=low, high=high)
        if value != int(value):
            self._wrong(name, "a whole number", value)
        return int(value)

    def number(
        self,
        name: str,
        default: Any = REQUIRED,
        *,
        low: float | None = None,
        high: float | None = None,
    ) -> float:
        """A number between `low` and `high`."""
        value = self._get(name, default)
        if isinstance(value, str) and self._from_environment(name) is not None:
            value = _as_number(value)
        if isinstance(value, bool) or not isinstance(value, int | float):
            if value is not None:
                self._wrong(name, "a number", value)
            return low or 0
        if not math.isfinite(value):
            self._wrong(name, "a finite number", value)
            return low or 0
        if (low is not None and value < low) or (high is not None and value > high):
            self.fault(name, f"{value} is not {_range(low, high)}")
        return value

    def flag(self, name: str, default: Any = REQUIRED) -> bool:
        """True or false."""
        value = self._get(name, default)
        if isinstance(value, str) and value.lower() in {"true", "1", "yes", "false", "0", "no"}:
            return value.lower() in {"true", "1", "yes"}
        if not isinstance(value, bool):
            if value is not None:
                self._wrong(name, "true or false", value)
            return False
        return value

    def names(self) -> list[str]:
        """The keys that are set in the file, for a table whose keys are free."""
        return list(self._content)

    def section(self, name: str) -> Section:
        """A table below this one; empty when it is not there."""
        self._asked.add(name)
        value = self._content.get(name, {})
        if not isinstance(value, Mapping):
            self._wrong(name, f"a table, [{self.key(name)}]", value)
            value = {}
        return Section(self.file, self.key(name), value)

    def sections(self, name: str) -> Iterator[Section]:
        """The tables of a list, ``[[name]]``."""
        self._asked.add(name)
        value = self._content.get(name, [])
        if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
            self._wrong(name, f"a list of tables, [[{self.key(name)}]]", value)
            return
        for index, item in enumerate(value):
            yield Section(self.file, f"{self.key(name)}[{index}]", item)

    def over(self, below: Mapping[str, Any]) -> Section:
        """The same section with further settings beneath, used where it does not set them."""
        section = Section(self.file, self.path, {**below, **self._content})
        section._asked = self._asked  # one section, asked through two views
        return section

    def done(self) -> None:
        """Note every key of this section that nobody asked for: most likely a slip of the pen."""
        for name in self._content:
            if name not in self._asked:
                known = ", ".join(sorted(self._asked))
                self.fault(name, f"is not a setting; the settings here are {known}")

    def _get(self, name: str, default: Any) -> Any:
        self._asked.add(name)
        value = self._from_environment(name)
        if value is None:
            value = self._content.get(name, default)
        if value is REQUIRED:
            self.fault(name, "is missing; it has no default")
            return None
        return value

    def _from_environment(self, name: str) -> str | None:
        if "[" in self.path:
            return None
        variable = "_".join([PREFIX, *self.key(name).upper().replace("-", "_").split(".")])
        if (value := self.file.environ.get(variable)) is not None:
            return value
        if (path := self.file.environ.get(f"{variable}_FILE")) is None:
            return None
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as fault:
            self.fault(name, f"{variable}_FILE names {path}, which cannot be read: {fault}")
            return None

    def _wrong(self, name: str, expected: str, value: object) -> None:
        self.fault(name, f"must be {expected}, not {value!r}")


def _as_number(value: str) -> float | str:
    try:
        return float(value)
    except ValueError:
        return value


def _range(low: float | None, high: float | None) -> str:
    if low is None:
        return f"at most {high}"
    return f"at least {low}" if high is None else f"between {low} and {high}"


def fail(file: str, message: str) -> NoReturn:
    """Raise a `ConfigError` with a single fault."""
    raise ConfigError([Fault(file, None, "", message)])
