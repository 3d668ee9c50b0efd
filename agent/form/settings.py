"""``[form]`` of agent.toml: whether and where the pumper's pages are served."""

from __future__ import annotations

from dataclasses import dataclass

from agent.contract.configfile import Section

EVERYWHERE = "0.0.0.0"  # noqa: S104 - every network of the box, until one is named
SESSION_HOURS = 10.0


@dataclass(frozen=True, slots=True)
class FormSettings:
    """The pumper's pages; without a port there are none."""

    port: int | None = None
    host: str = EVERYWHERE
    session_hours: float = SESSION_HOURS


def read(section: Section, *, signed: bool) -> FormSettings:
    """Read ``[form]``; notes faults and goes on. `signed` says whether there is a key."""
    port = section.integer("port", 0, low=0, high=65_535) if section.has("port") else 0
    settings = FormSettings(
        port or None,
        section.text("host", EVERYWHERE),
        section.number("session_hours", SESSION_HOURS, low=0.5, high=24),
    )
    if settings.port is not None and not signed:
        section.fault(
            "port", "needs alarms.key: who may enter here comes signed from the hub under it"
        )
    section.done()
    return settings
