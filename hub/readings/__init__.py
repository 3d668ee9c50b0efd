"""Questions about time: what is newest, how did it run, is anything missing; and the upkeep."""

from hub.readings.completeness import AgentCompleteness, Gap, completeness
from hub.readings.latest import Latest, latest
from hub.readings.resolution import Resolution, choose
from hub.readings.series import Series, series

__all__ = [
    "AgentCompleteness",
    "Gap",
    "Latest",
    "Resolution",
    "Series",
    "choose",
    "completeness",
    "latest",
    "series",
]
