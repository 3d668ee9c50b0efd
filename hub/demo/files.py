"""The files the demo writes for the real programs: agent.toml, hub.toml, kept secrets."""

from __future__ import annotations

import base64
import json
import os
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hub.demo.children import DemoError
from hub.demo.operator import GAUGES, WELLS, DemoWell, Gauge

ROW_S = 10  #: seconds between two rows of a recording


def state_folder(asked: Path | None) -> Path:
    """Where the demo keeps its data, from one run to the next."""
    folder = asked.absolute() if asked is not None else _usual_place() / "wellflow-demo"
    with _usable(folder):
        folder.mkdir(parents=True, exist_ok=True)
        if folder.stat().st_uid != os.geteuid():
            raise DemoError(f"{folder} belongs to somebody else; name another with --state")
        folder.chmod(0o755)
    return folder


def new_folder() -> Path:
    """A folder for one run, beside the usual one."""
    parent = _usual_place()
    with _usable(parent):
        folder = Path(tempfile.mkdtemp(prefix="wellflow-demo-", dir=parent))
        folder.chmod(0o755)
    return folder


def _usual_place() -> Path:
    """As root a place that the database's account may pass."""
    return Path("/var/tmp") if os.geteuid() == 0 else _home()  # noqa: S108 - its owner is checked


@contextmanager
def _usable(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as fault:
        raise DemoError(
            f"{folder} cannot be used ({fault.strerror}); name another folder with --state"
        ) from fault


def _home() -> Path:
    """The user's folder for state, or one for temporary files where there is no home."""
    named = os.environ.get("XDG_STATE_HOME")
    home = Path(named) if named else Path.home() / ".local" / "state"
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError:
        return Path(tempfile.gettempdir())
    return home if os.access(home, os.W_OK) else Path(tempfile.gettempdir())


def plain_environ() -> dict[str, str]:
    """Our environment without settings of WellFlow: what was given to the demo is for it alone."""
    return {name: text for name, text in os.environ.items() if not name.startswith("WELLFLOW_")}


def secret(folder: Path, name: str, size: int = 24) -> str:
    """A secret of this name, made once and kept."""
    path = folder / name
    if not path.exists():
        write_private(path, secrets.token_urlsafe(size))
    return path.read_text()


def secret_key(folder: Path) -> str:
    """The hub's sealing key, made once and kept."""
    path = folder / "secret-key"
    if not path.exists():
        write_private(path, base64.b64encode(secrets.token_bytes(32)).decode())
    return path.read_text()


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read."""
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(text)


def toml(tables: Mapping[str, Mapping[str, Any]], top: Mapping[str, Any] | None = None) -> str:
    """Plain tables of texts, numbers and flags as TOML; None is left out."""
    parts = [_lines(top or {})]
    parts += [f"[{name}]\n{_lines(table)}" for name, table in tables.items()]
    return "\n".join(parts)


def _lines(table: Mapping[str, Any]) -> str:
    return "".join(
        f"{key} = {json.dumps(value)}\n" for key, value in table.items() if value is not None
    )


def agent_toml(*, name: str, shard: int, mqtt: Mapping[str, Any], outbox: Path, port: int) -> str:
    """Settings of an agent that reads the demo's wells behind one Modbus TCP endpoint."""
    head = toml(
        {
            "agent": {"name": name, "shard": shard},
            "mqtt": mqtt,
            "outbox": {"path": str(outbox), "commit_every_s": 0.5, "cut_every_s": 1.0},
        }
    )
    ports = f'\n[[ports]]\nname = "field"\nhost = "127.0.0.1"\nport = {port}\n'
    return head + ports + "".join(map(_device, WELLS))


def _device(well: DemoWell) -> str:
    head = {"name": well.device, "port": "field", "unit": well.unit_id, "interval_s": 1}
    gauges = [gauge for gauge in GAUGES if gauge.name in well.gauges]
    return f"\n[[devices]]\n{_lines(head)}" + "".join(
        f"\n[[devices.gauges]]\n{_lines(_gauge(gauge, 2 * place))}"
        for place, gauge in enumerate(gauges)
    )


def _gauge(gauge: Gauge, address: int) -> dict[str, Any]:
    return {
        "name": gauge.name,
        "description": gauge.description,
        "address": address,
        "type": "float32",
        "unit": gauge.unit,
        "decimals": gauge.decimals,
        "low": gauge.low,
        "high": gauge.high,
    }


def site_toml(speed: float) -> str:
    """What the simulated site replays for each well, so many times faster than it was recorded."""
    return _lines({"speed": speed, "at_end": "loop"}) + "".join(map(_replay, WELLS))


def _replay(well: DemoWell) -> str:
    head = {
        "name": well.device,
        "source": "recording",
        "recording": well.recording,
        "start_s": well.from_row * ROW_S,
    }
    values = {gauge.name: gauge.column for gauge in GAUGES if gauge.name in well.gauges}
    return f"\n[[devices]]\n{_lines(head)}[devices.values]\n{_lines(values)}"
