"""A unit that keeps silent must not cost the others behind its port their beat. Pure."""

from __future__ import annotations

SILENCES = 3  #: in a row, before a unit is only probed
SHARE = 0.05  #: of a port's time that all probes together may take
ALONE_REST_S = 1.0  #: between probes when no unit of the port answers anyway


class Breaker:
    """Counts the silences of one unit: sound, then suspect, then open (only probed)."""

    def __init__(self) -> None:
        """A unit is sound until it is silent."""
        self.silences = 0
        self.open_since: float | None = None
        self.probed_at = 0.0

    @property
    def is_open(self) -> bool:
        """Whether the unit is only probed."""
        return self.open_since is not None

    @property
    def is_suspect(self) -> bool:
        """Whether the unit was silent when last asked, but is still asked on its beat."""
        return self.silences > 0 and not self.is_open

    def silent(self, now: float) -> bool:
        """Note a round without any answer; says whether this opened the breaker."""
        self.silences += 1
        if self.is_open or self.silences < SILENCES:
            return False
        self.open_since = now
        return True

    def heard(self, now: float) -> float | None:
        """Note an answer; returns for how many seconds the unit had only been probed."""
        self.silences = 0
        since, self.open_since = self.open_since, None
        return None if since is None else now - since


class ProbeBudget:
    """Shares out a port's time: probes of dead units may take no more than `SHARE` of it."""

    def __init__(self) -> None:
        """The first probe is free."""
        self.next_at = 0.0

    def spent(self, now: float, seconds: float, *, others_wait: bool) -> None:
        """Note a probe that took `seconds`; `others_wait`: sound units share the port."""
        rest = seconds * (1 - SHARE) / SHARE if others_wait else ALONE_REST_S
        self.next_at = now + rest
