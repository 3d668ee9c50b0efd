"""A round: everything that is read from one device on one beat, and what was learned about it.

A device that refuses a request because of one address would take all gauges of that request with
it. So a refused request is asked once more, then halved until the cause is known: a gauge alone
that is refused is set aside and asked for now and then; two halves that are fine apart are kept
apart. A device that keeps silent at one request while it answers others is treated likewise, only
slowly, for silence costs the port's time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from agent.breaker import SILENCES
from agent.bus import Bus, BusError, NotAskedError, SilentError, UnreachableError
from agent.contract.blocks import Quality
from agent.equipment import DeviceSettings, GaugeSettings, Hole
from agent.planner import Request, halves, opening, plan

RETRY_S = 60.0  #: between two questions for a gauge that was set aside
QUESTIONS = 24  #: extra ones in a round, to find out what is refused


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one request: its data, or what went wrong."""

    request: Request
    at: int  #: UTC milliseconds when it came
    data: bytes | None
    fault: BusError | None = None

    @property
    def quality(self) -> Quality:
        """What its gauges get when there is no data."""
        return Quality.GOOD if self.fault is None else self.fault.quality


@dataclass(frozen=True, slots=True)
class Outcome:
    """A finished round: an answer for every gauge, and how the device and its port behaved."""

    answers: list[Answer]
    heard: bool = False  #: the unit answered something
    silent: bool = False  #: it was asked and kept silent
    unreachable: str | None = None  #: why the port could not be used


class Round:
    """The requests of one device on one beat."""

    def __init__(
        self, device: DeviceSettings, gauges: Iterable[GaugeSettings], now_ms: Callable[[], int]
    ) -> None:
        """Plan the requests; `now_ms` is UTC milliseconds."""
        self.device = device
        self.gauges = tuple(gauges)
        self.requests = plan(self.gauges, device)
        self._now_ms = now_ms
        self._aside: dict[int, tuple[Answer, float]] = {}  # with the time of the next try
        self._cuts: set[int] = set()
        self._mute: dict[int, int] = {}
        self._first = 0
        self._begin()

    def _begin(self) -> None:
        self._questions = QUESTIONS
        self._heard = self._silences = 0
        self._unreachable: str | None = None

    async def read(self, bus: Bus, now: float) -> Outcome:
        """Ask for everything; `now` is monotonic seconds."""
        self._begin()
        earlier = list(self._aside)
        asked = await self._ask_all(bus)
        learned = self._learn_silence(asked, now)
        answers: list[Answer] = []
        for answer in asked:
            if answer.fault is not None and answer.fault.partial:
                answers += await self._explore(bus, answer.request, now)
                learned = True
            else:
                answers.append(answer)
        if not asked or self._heard:
            learned = await self._try_again(bus, earlier, now) or learned
        answers += [self._of_aside(number) for number in earlier]
        if learned:
            self._replan()
        return Outcome(answers, self._heard > 0, self._silences > 0, self._unreachable)

    def unread(self) -> list[Answer]:
        """An answer for every gauge without asking: the device is only probed."""
        return [Answer(request, self._now_ms(), None, NotAskedError()) for request in self._all()]

    async def probe(self, bus: Bus) -> Outcome:
        """Ask for one gauge, to find out whether the device is there."""
        self._begin()
        answer = await self._ask(bus, opening(next(iter(self._all()))))
        return Outcome([answer], self._heard > 0, self._silences > 0, self._unreachable)

    def _all(self) -> Iterable[Request]:
        return (*self.requests, *(answer.request for answer, _ in self._aside.values()))

    # -------------------------------------------------------------------------------- asking

    async def _ask_all(self, bus: Bus) -> list[Answer]:
        """Ask each request in turn, but do not wait for a unit that is silent from the start.

        The next round begins with another request: some devices are silent at a wrong address.
        """
        answers: list[Answer] = []
        stop: BusError | None = None
        for request in (*self.requests[self._first :], *self.requests[: self._first]):
            if stop is not None:
                answers.append(Answer(request, self._now_ms(), None, stop))
                continue
            answers.append(await self._ask(bus, request))
            if self._unreachable is not None:
                stop = answers[-1].fault
            elif self._silences > bool(self._heard):
                stop = NotAskedError()
        if self._silences and not self._heard:
            self._first = (self._first + 1) % len(self.requests)
        return answers

    async def _ask(self, bus: Bus, request: Request) -> Answer:
        unit, wait = self.device.unit, self.device.timeout_s
        try:
            data = await bus.read(unit, request.table, request.address, request.count, wait)
        except BusError as fault:
            self._note(fault)
            return Answer(request, self._now_ms(), None, fault)
        self._heard += 1
        return Answer(request, self._now_ms(), data)

    def _note(self, fault: BusError) -> None:
        if isinstance(fault, UnreachableError):
            self._unreachable, self._questions = str(fault), 0
        elif isinstance(fault, SilentError):
            self._silences, self._questions = self._silences + 1, 0
        else:
            self._heard += 1

    # ------------------------------------------------------------------------------ learning

    async def _explore(self, bus: Bus, request: Request, now: float) -> list[Answer]:
        """Find out which part of a request is refused; the first refusal may have been chance."""
        answer = await self._ask(bus, request)
        if answer.fault is None or not answer.fault.partial:
            return [answer]
        return await self._halve(bus, answer, now)

    async def _halve(self, bus: Bus, refused: Answer, now: float) -> list[Answer]:
        if len(refused.request.places) == 1:
            self._set_aside(refused, now)
            return [refused]
        if self._questions <= 0:
            return [refused]  # the next round goes on from what is known by then
        self._questions -= 2
        parts = [await self._ask(bus, half) for half in halves(refused.request)]
        if all(part.data is not None for part in parts):
            self._cuts.add(parts[1].request.numbers[0])
        answers: list[Answer] = []
        for part in parts:
            refuses = part.fault is not None and part.fault.partial
            answers += await self._halve(bus, part, now) if refuses else [part]
        return answers

    def _learn_silence(self, asked: list[Answer], now: float) -> bool:
        """Cut down what a device that answers otherwise keeps silent at; says if plans change."""
        learned = False
        for answer in asked if self._heard else ():
            first = answer.request.numbers[0]
            if isinstance(answer.fault, NotAskedError):
                continue
            if not isinstance(answer.fault, SilentError):
                self._mute.pop(first, None)
                continue
            self._mute[first] = self._mute.get(first, 0) + 1
            if self._mute[first] >= SILENCES:
                self._part(answer, now)
                learned = True
        return learned

    def _part(self, silent: Answer, now: float) -> None:
        del self._mute[silent.request.numbers[0]]
        if len(silent.request.places) == 1:
            self._set_aside(silent, now)
        else:
            self._cuts.add(halves(silent.request)[1].numbers[0])

    def _set_aside(self, answer: Answer, now: float) -> None:
        self._aside[answer.request.numbers[0]] = answer, now + RETRY_S

    async def _try_again(self, bus: Bus, earlier: list[int], now: float) -> bool:
        """Ask once more for the gauge that has been set aside longest, if it is time."""
        due = [number for number in earlier if self._aside[number][1] <= now]
        if not due:
            return False
        number = min(due, key=lambda number: self._aside[number][1])
        answer = await self._ask(bus, self._aside[number][0].request)
        self._aside[number] = answer, now + RETRY_S
        return answer.data is not None

    def _of_aside(self, number: int) -> Answer:
        answer, _ = self._aside[number]
        return answer if answer.data is not None else replace(answer, at=self._now_ms())

    def _replan(self) -> None:
        self._aside = {
            number: entry for number, entry in self._aside.items() if entry[0].data is None
        }
        holes = [
            Hole(gauge.table, gauge.address, gauge.end - 1)
            for gauge in self.gauges
            if gauge.number in self._aside
        ]
        rest = (gauge for gauge in self.gauges if gauge.number not in self._aside)
        self.requests = plan(rest, self.device, holes=holes, cuts=self._cuts)
        self._first = 0
