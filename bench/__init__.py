"""Measurements side by side, and faults: figures that do not belong into tests."""
