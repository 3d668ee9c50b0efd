"""How often a caller may ask, counted in windows of seconds: per key, and per unknown address."""

from __future__ import annotations

from dataclasses import dataclass

from hub.api.problems import TOO_MANY, Problem
from hub.cache import Cache


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `most` requests in each window of `seconds`."""

    most: int
    seconds: int

    def spend(self, cache: Cache, *who: object) -> None:
        """Count one request; raises `Problem` (429) for one too many."""
        if cache.count(("api", *who), self.seconds) > self.most:
            wait = cache.left(self.seconds)
            sentence = f"At most {self.most} requests in {self.seconds} s; go on in {wait} s."
            raise Problem(TOO_MANY, sentence, headers={"Retry-After": str(wait)})


#: One API key, or one signed-in person.
CALLER = Rate(600, 10)
#: One network address that shows keys nobody has.
STRANGER = Rate(60, 60)
