"""Register maps that a device can name: ``profile = "tank-radar"``.

A profile is a TOML file with the settings of a device and its ``[[gauges]]``. It is looked for in
``profiles/`` beside agent.toml first, then among those that come with the program. What the device
sets itself goes before the profile; a gauge of the same name changes only the keys it gives.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from agent.contract.configfile import ConfigError, ConfigFile, Section

#: Settings of a device that a profile may give.
INHERITED = (
    "interval_s",
    "timeout_s",
    "max_registers",
    "max_bits",
    "max_gap",
    "byte_order",
    "word_order",
    "holes",
)
_HERE = Path(__file__).parent


def folders(beside: Path) -> Iterator[Path]:
    """Where profiles are looked for, in order."""
    yield beside / "profiles"
    yield _HERE / "_profiles"  # in an installed program
    yield _HERE.parent / "config" / "profiles"  # in the source tree


def names(beside: Path) -> list[str]:
    """All profiles there are."""
    return sorted({path.stem for folder in folders(beside) for path in folder.glob("*.toml")})


def unfold(device: Section, beside: Path) -> tuple[Section, list[Section]]:
    """A device's settings and gauges, with those of its profile beneath; notes faults."""
    own = list(device.sections("gauges"))
    name = device.optional("profile")
    profile = _open(device, name, beside) if name else None
    if profile is None:
        return device, own
    content = dict(profile.content)
    theirs = {item.get("name"): (index, item) for index, item in enumerate(content["gauges"])}
    merged = []
    for gauge in own:
        _, beneath = theirs.pop(gauge.optional("name"), (0, {}))
        merged.append(gauge.over(beneath))
    rest = [Section(profile, f"gauges[{index}]", item) for index, item in theirs.values()]
    settings = {key: content[key] for key in INHERITED if key in content}
    return device.over(settings), [*merged, *rest]


def _open(device: Section, name: str, beside: Path) -> ConfigFile | None:
    path = next((p for p in _candidates(name, beside) if p.is_file()), None)
    if path is None:
        known = ", ".join(names(beside)) or "none"
        device.fault("profile", f"there is no profile called {name!r}; there are: {known}")
        return None
    try:
        profile = ConfigFile.load(path, {})
    except ConfigError as fault:
        device.file.faults.extend(fault.faults)
        return None
    profile.faults = device.file.faults  # what is wrong with its gauges is told with the rest
    return profile if _is_sound(profile) else None


def _candidates(name: str, beside: Path) -> Iterator[Path]:
    if Path(name).name == name:
        yield from (folder / f"{name}.toml" for folder in folders(beside))


def _is_sound(profile: ConfigFile) -> bool:
    before = len(profile.faults)
    root = profile.root()
    if not list(root.sections("gauges")):
        root.fault("gauges", "a profile needs at least one [[gauges]] table")
    root.optional("description")
    for key in profile.content.keys() - {"gauges", "description", *INHERITED}:
        root.fault(key, f"is not a setting of a profile; it may give {', '.join(INHERITED)}")
    return len(profile.faults) == before
