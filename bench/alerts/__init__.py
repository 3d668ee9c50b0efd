"""Measures the alarms: what they find, what they spare people, how fast, and what survives."""
