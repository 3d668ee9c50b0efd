"""A Modbus well site to try things on: replays recordings or a physical model, with faults.

It serves the ports, devices and gauges of an agent's own settings, so that one file drives both.
"""

from __future__ import annotations

from agent.simulator.faults import FaultBook, Faults
from agent.simulator.plan import SimulatedDevice, SitePlan, default_plan, read_plan
from agent.simulator.site import Site

__all__ = [
    "FaultBook",
    "Faults",
    "SimulatedDevice",
    "Site",
    "SitePlan",
    "default_plan",
    "read_plan",
]
