"""The pages people see: fleet, wells, alerts, agents, quarantine, rules, channels."""

from hub.console.app import create_app

__all__ = ["create_app"]
