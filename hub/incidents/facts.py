"""The facts of an incident as rules ask for them (pure).

What nobody answered stays unknown where the answer matters, and is no where something else shows
that it cannot be: where nothing was released, no volume is missing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from hub.incidents.judge import Known
from hub.incidents.values import ZERO, Interval, Value, exactly, expected, possible

GALLONS: Final = Decimal(42)  #: in an oil barrel
#: Classes in which something got out, until somebody says that nothing did.
RELEASING: Final = frozenset({"spill", "release_gas", "well_control", "h2s"})
GASEOUS: Final = frozenset({"release_gas", "well_control", "h2s"})

#: Columns of an incident that rules are judged by.
VOLUMES: Final = ("released", "gas", "h2s_lb")
MEASURED: Final = ("h2s_ppm", "water_tds_ppm", "property_damage")
UNKNOWN: Final = (
    *("inside_containment", "on_site", "reached_water", "threatens_water", "sensitive_area"),
    *("endangers_health", "threatens_property", "h2s_uncontrolled"),
)
SAID: Final = (
    *("fire", "explosion", "lightning", "blowout", "emergency", "major", "significant"),
    *("pipeline", "coastal", "offshore", "h2s_plan"),
)
PEOPLE: Final = ("injured", "deaths", "hospitalised", "amputations", "eye_losses")
COLUMNS: Final = (
    *("incident_class", "occurred_at", "fluid", "state", "federal_lease", "built_on"),
    *(f"{name}{end}" for name in VOLUMES for end in ("_low", "", "_high")),
    *MEASURED,
    *UNKNOWN,
    *SAID,
    *PEOPLE,
)


@dataclass(frozen=True, slots=True)
class Site:
    """What the register says of the place, where the incident itself says nothing."""

    state: str | None = None
    federal: bool | None = None
    built_on: date | None = None


def known(row: Mapping[str, Any], site: Site) -> Known:
    """An incident's columns as facts: what is expected, and all that may be."""
    released = _releases(row)
    both: dict[str, Value] = {**_certain(row, site), "release": released}
    wide = {name: _volume(row, name, possible, released=released) for name in VOLUMES}
    best = {name: _volume(row, name, expected, released=released) for name in VOLUMES}
    both |= {name: _measured(row, name, released=released) for name in MEASURED}
    both |= {name: _question(row, name, released=released) for name in UNKNOWN}
    return Known(row["occurred_at"], both | _gallons(best), both | _gallons(wide))


def facts_hash(row: Mapping[str, Any], site: Site) -> str:
    """SHA-256 of all that rules are judged by: the same for the same facts."""
    told = {name: _json(row.get(name)) for name in COLUMNS}
    told |= {
        f"site_{name}": _json(getattr(site, name)) for name in ("state", "federal", "built_on")
    }
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def _releases(row: Mapping[str, Any]) -> bool:
    told = [row.get(f"{name}{end}") for name in VOLUMES for end in ("_low", "", "_high")]
    volumes = [volume for volume in told if volume is not None]
    if any(volume > 0 for volume in volumes):
        return True
    if volumes:
        return False
    return row.get("fluid") is not None or row["incident_class"] in RELEASING


def _certain(row: Mapping[str, Any], site: Site) -> dict[str, Value]:
    """What is taken as it was said, with the register's word where nobody said anything."""
    federal = row.get("federal_lease")
    fluid = row.get("fluid")
    return {
        "fluid": fluid if fluid or _releases(row) else "none",
        "class": row["incident_class"],
        "federal_lease": site.federal if federal is None else federal,
        "built_on": row.get("built_on") or site.built_on,
        **{name: bool(row.get(name)) for name in SAID},
        **{name: exactly(int(row.get(name) or 0)) for name in PEOPLE},
    }


def _volume(row: Mapping[str, Any], name: str, read: Any, *, released: bool) -> Interval:
    low, best, high = (row.get(f"{name}{end}") for end in ("_low", "", "_high"))
    told = any(end is not None for end in (low, best, high))
    if not told and not (released and _concerns(row, name)):
        return ZERO
    found: Interval = read(low, best, high)
    return found


def _concerns(row: Mapping[str, Any], name: str) -> bool:
    """Whether a volume nobody told is to be asked for at all."""
    fluid = row.get("fluid")
    liquid = any(row.get(f"released{end}") is not None for end in ("_low", "", "_high"))
    gaseous = fluid == "gas" or (fluid is None and row["incident_class"] in GASEOUS)
    spilling: bool = row["incident_class"] in {"spill", "well_control"}
    asked: dict[str, bool] = {
        "released": fluid != "gas" and (fluid is not None or spilling),
        "h2s_lb": row["incident_class"] == "h2s",
        "gas": gaseous and not liquid,
    }
    return asked[name]


def _measured(row: Mapping[str, Any], name: str, *, released: bool) -> Interval:
    """A measured number: unknown where it matters, none where it cannot."""
    value = row.get(name)
    if value is not None:
        return exactly(value)
    asked = {
        "h2s_ppm": released and row["incident_class"] in GASEOUS,
        "water_tds_ppm": released and row.get("fluid") == "produced_water",
        "property_damage": bool(row.get("pipeline")),
    }
    return possible(None, None, None) if asked[name] else ZERO


def _question(row: Mapping[str, Any], name: str, *, released: bool) -> bool | None:
    """A question nobody answered is open, unless nothing was released."""
    answer: bool | None = row.get(name)
    if answer is not None or released:
        return answer
    return name in {"inside_containment", "on_site"}


def _gallons(volumes: Mapping[str, Interval]) -> dict[str, Value]:
    return {**volumes, "released_gal": volumes["released"].times(GALLONS)}


def _json(value: Any) -> Any:
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if isinstance(value, date | datetime):
        return value.isoformat()
    return value
