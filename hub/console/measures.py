"""What a tag can measure, in the trade's words and in the order pages list them."""

from __future__ import annotations

MEASURES = {
    "tubing_pressure": "Tubing pressure",
    "casing_pressure": "Casing pressure",
    "line_pressure": "Line pressure",
    "separator_pressure": "Separator pressure",
    "downhole_pressure": "Downhole pressure",
    "differential_pressure": "Differential pressure",
    "static_pressure": "Static pressure",
    "tubing_temperature": "Tubing temperature",
    "line_temperature": "Line temperature",
    "downhole_temperature": "Downhole temperature",
    "choke_position": "Choke position",
    "gas_lift_rate": "Gas lift rate",
    "gas_lift_pressure": "Gas lift pressure",
    "oil_rate": "Oil rate",
    "gas_rate": "Gas rate",
    "water_rate": "Water rate",
    "oil_total": "Oil total",
    "gas_total": "Gas total",
    "water_total": "Water total",
    "tank_level": "Tank level",
    "water_tank_level": "Water tank level",
    "interface_level": "Interface level",
    "motor_current": "Motor current",
    "motor_frequency": "Motor frequency",
    "motor_temperature": "Motor temperature",
    "pump_intake_pressure": "Pump intake pressure",
    "strokes_per_minute": "Strokes per minute",
    "run_state": "Running",
    "h2s": "H2S",
    "battery_voltage": "Battery voltage",
    "other": "Other",
}

UNITS = {"degF": "°F", "degC": "°C", "m3": "m³", "ft3": "ft³", "m3/h": "m³/h", "1": "", "": ""}

_ORDER = {measure: place for place, measure in enumerate(MEASURES)}


def measure_word(measure: str | None, fallback: str = "") -> str:
    """What a measure is called on pages; a name not in the list is shown with its words apart."""
    if measure is None:
        return fallback
    return MEASURES.get(measure, measure.replace("_", " ").capitalize())


def measure_order(measure: str | None) -> int:
    """Where a measure stands in lists."""
    return _ORDER.get(measure or "", len(_ORDER))


def unit_word(unit: str) -> str:
    """A unit as people write it."""
    return UNITS.get(unit, unit)
