"""One log line when a tag's readings turn bad or good again, never one per reading."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from agent.contract.blocks import Quality, Sample
from agent.equipment import GaugeSettings
from agent.rounds import Answer

log = logging.getLogger(__name__)

QUIET_S = 60.0  #: a tag that flutters says so at most once in this time

_WORDS = {
    Quality.GOOD: "good again",
    Quality.OUT_OF_RANGE: "outside its range",
    Quality.NO_ANSWER: "no answer, while the device answers for others",
    Quality.REFUSED: "refused",
    Quality.SHORT: "too few bytes",
    Quality.NOT_A_NUMBER: "not a number",
}


class TagStates:
    """What was last said of each tag."""

    def __init__(self, gauges: Iterable[GaugeSettings]) -> None:
        """All tags are good until one is not."""
        self._gauges = {gauge.number: gauge for gauge in gauges}
        self._said = dict.fromkeys(self._gauges, int(Quality.GOOD))
        self._said_at = dict.fromkeys(self._gauges, float("-inf"))

    def note(self, samples: list[Sample], answers: list[Answer], now: float) -> None:
        """Look through a round of a device that answers; `now` is monotonic seconds."""
        said = self._said
        for sample in samples:
            if sample.quality != said[sample.tag] and sample.quality in _WORDS:
                self._say(sample, answers, now)

    def _say(self, sample: Sample, answers: list[Answer], now: float) -> None:
        if now - self._said_at[sample.tag] < QUIET_S:
            return
        self._said[sample.tag] = sample.quality
        self._said_at[sample.tag] = now
        gauge = self._gauges[sample.tag]
        level = logging.INFO if sample.quality == Quality.GOOD else logging.WARNING
        log.log(
            level,
            "%s: %s%s (%s %d)",
            gauge.name,
            _WORDS[Quality(sample.quality)],
            _detail(sample, gauge, answers),
            gauge.table,
            gauge.address,
        )


def _detail(sample: Sample, gauge: GaugeSettings, answers: list[Answer]) -> str:
    if sample.quality == Quality.OUT_OF_RANGE:
        return f" {sample.value:g} {gauge.unit}".rstrip()
    for answer in answers:
        if answer.fault is not None and sample.tag in answer.request.numbers:
            return f": {answer.fault}" if str(answer.fault) else ""
    return ""
