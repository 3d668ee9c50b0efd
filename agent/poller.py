"""Asks each device on its beat; a dead device never slows the others.

Every port has one owner, so that only one question is under way on it. Its owner takes, of all
rounds that are due, the most urgent: a unit that was silent last time counts as due one beat
later than it is, and so waits until the sound ones are served. A unit silent three times in a row
is only probed, in the port's idle time and within its share; on its beat its gauges still get a
reading without a value, so that silence is data.

Beats come from the monotonic clock. A beat that cannot be kept is skipped and counted.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from agent.annunciation import OutputSettings
from agent.breaker import Breaker, ProbeBudget
from agent.bus import Bus, BusError, NotAskedError
from agent.contract.blocks import Sample
from agent.equipment import DeviceSettings, GaugeSettings, PortSettings
from agent.gauges import Decode, decoder
from agent.modbus import ModbusBus
from agent.pace import Pace
from agent.rounds import Answer, Outcome, Round
from agent.settings import AgentSettings
from agent.tagstates import TagStates

log = logging.getLogger(__name__)

STARVED_S = 10.0  #: a probe waits no longer than this for an idle moment
WRITE_WITHIN_S = 1.0
FLUTTER_S = 10.0  #: a port that comes and goes says so at most once in this time


class Clock(Protocol):
    """Where the time of a reading comes from."""

    def now_ms(self) -> int:
        """UTC milliseconds."""
        ...


Sink = Callable[[list[Sample]], None]


@dataclass(slots=True)
class DeviceState:
    """How a device has been doing since the start."""

    name: str
    state: str = "not asked yet"  #: answering, silent, unreachable
    beats: int = 0  #: rounds that were read
    missed: int = 0  #: beats skipped because the port was busy
    silences: int = 0  #: rounds without any answer


class _Unit:
    """A device with its breaker, as its rounds share it."""

    def __init__(self, device: DeviceSettings) -> None:
        self.device = device
        self.breaker = Breaker()
        self.state = DeviceState(device.name)


class _Beat:
    """A round and when it is due."""

    def __init__(self, unit: _Unit, round_: Round, interval: float, start: float) -> None:
        self.unit = unit
        self.round = round_
        self.interval = interval
        self.due = start

    @property
    def urgency(self) -> float:
        """The lower, the sooner: a suspect unit gives way for one beat."""
        return self.due + (self.interval if self.unit.breaker.is_suspect else 0.0)

    def advance(self, now: float) -> int:
        """Go on to the next beat that lies ahead; returns how many in between are missed."""
        missed = int((now - self.due) / self.interval)
        self.unit.state.missed += missed
        self.due += (missed + 1) * self.interval
        return missed


@dataclass(slots=True)
class _Order:
    """A value to write, and who waits until it is."""

    output: OutputSettings
    value: int
    done: asyncio.Future[None]


class _Owner:
    """Owns one port: serves the beats of the devices behind it, one question at a time.

    What is to be written goes before any beat: a horn does not wait.
    """

    def __init__(self, port: PortSettings, bus: Bus, beats: list[_Beat], deliver: _Deliver) -> None:
        self.port = port
        self.bus = bus
        self.beats = beats
        self.deliver = deliver
        self.budget = ProbeBudget()
        self.pace = Pace(port.name)
        self.orders: deque[_Order] = deque()
        self._called = asyncio.Event()
        self._reachable: bool | None = None
        self._told_at = float("-inf")

    async def run(self) -> None:
        """Serve beats until cancelled."""
        while True:
            while self.orders:
                await self._obey(self.orders.popleft())
            now = _now()
            beat = min(
                (beat for beat in self.beats if beat.due <= now),
                key=lambda beat: beat.urgency,
                default=None,
            )
            probe = self._to_probe(now)
            if probe is not None and (beat is None or now >= self.budget.next_at + STARVED_S):
                await self._probe(probe)
            elif beat is not None:
                self.pace.note(now, beat.advance(now))
                await self._serve(beat, now)
            else:
                await self._idle(max(0.0, self._next_event() - _now()))

    def order(self, order: _Order) -> None:
        """Write something as soon as the question under way has its answer."""
        self.orders.append(order)
        self._called.set()

    async def _obey(self, order: _Order) -> None:
        output = order.output
        try:
            await self.bus.write(
                output.unit, output.table, output.address, order.value, WRITE_WITHIN_S
            )
        except BusError as fault:
            if not order.done.done():
                order.done.set_exception(fault)
        else:
            if not order.done.done():
                order.done.set_result(None)

    async def _idle(self, seconds: float) -> None:
        self._called.clear()
        if self.orders:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._called.wait()

    def _to_probe(self, now: float) -> _Beat | None:
        """The unit that has waited longest for its probe, if the budget allows one."""
        if now < self.budget.next_at:
            return None
        return min(
            (beat for beat in self.beats if beat.unit.breaker.is_open),
            key=lambda beat: beat.unit.breaker.probed_at,
            default=None,
        )

    def _next_event(self) -> float:
        due = min((beat.due for beat in self.beats), default=_now() + STARVED_S)
        if any(beat.unit.breaker.is_open for beat in self.beats):
            return min(due, self.budget.next_at)
        return due

    async def _serve(self, beat: _Beat, now: float) -> None:
        if beat.unit.breaker.is_open:
            self.deliver(beat.round.unread(), speaks=False)
            return
        outcome = await beat.round.read(self.bus, now)
        beat.unit.state.beats += 1
        self._judge(beat.unit, outcome)
        self.deliver(outcome.answers, speaks=outcome.heard)

    async def _probe(self, beat: _Beat) -> None:
        start = _now()
        beat.unit.breaker.probed_at = start
        outcome = await beat.round.probe(self.bus)
        self._judge(beat.unit, outcome)
        if outcome.heard:  # what was read is never thrown away
            self.deliver(outcome.answers, speaks=False)
        sound = any(not other.unit.breaker.is_open for other in self.beats)
        self.budget.spent(_now(), _now() - start, others_wait=sound)

    # ------------------------------------------------------------------ one line per change

    def _judge(self, unit: _Unit, outcome: Outcome) -> None:
        self._judge_port(outcome)
        name, now = unit.device.name, _now()
        if outcome.unreachable is not None:
            unit.state.state = "unreachable"
        elif outcome.heard:
            unit.state.state = "answering"
            if (away := unit.breaker.heard(now)) is not None:
                log.info("%s: answers again, after %.0f s", name, away)
        elif outcome.silent:
            unit.state.state = "silent"
            unit.state.silences += 1
            if unit.breaker.silent(now):
                log.warning(
                    "%s: no answer from unit %d on %s; it is probed until it answers",
                    name,
                    unit.device.unit,
                    self.port.name,
                )

    def _judge_port(self, outcome: Outcome) -> None:
        reachable, now = outcome.unreachable is None, _now()
        if reachable == self._reachable or now - self._told_at < FLUTTER_S:
            return
        name, endpoint = self.port.name, self.port.endpoint
        if not reachable:
            why = outcome.unreachable
            log.warning("port %s: %s cannot be reached (%s); trying again", name, endpoint, why)
            self._told_at = now
        elif self._reachable is not None:
            log.info("port %s: %s is reached again", name, endpoint)
            self._told_at = now
        self._reachable = reachable


class _Deliver:
    """Turns answers into samples and hands them to the sink."""

    def __init__(self, gauges: Iterable[GaugeSettings], sink: Sink) -> None:
        gauges = tuple(gauges)
        self._decoders: dict[int, Decode] = {gauge.number: decoder(gauge) for gauge in gauges}
        self._states = TagStates(gauges)
        self._sink = sink

    def __call__(self, answers: list[Answer], *, speaks: bool) -> None:
        """Deliver a round; `speaks`: the device answered, so its tags speak for themselves."""
        samples: list[Sample] = []
        for answer in answers:
            samples += self._samples(answer)
        if speaks:
            self._states.note(samples, answers, _now())
        self._sink(samples)

    def _samples(self, answer: Answer) -> list[Sample]:
        at, data, decoders = answer.at, answer.data, self._decoders
        if data is None:
            quality = int(answer.quality)
            return [Sample(number, at, None, quality) for number in answer.request.numbers]
        samples = []
        for place in answer.request.places:
            number = place.gauge.number
            value, quality = decoders[number](data, place.offset)
            samples.append(Sample(number, at, value, quality))
        return samples


class Poller:
    """Reads every gauge of the settings on its beat, until cancelled."""

    def __init__(
        self,
        settings: AgentSettings,
        sink: Sink,
        clock: Clock,
        *,
        connect: Callable[[PortSettings], Bus] = ModbusBus,
    ) -> None:
        """Prepare; `sink` takes the samples of each round, in the event loop's thread."""
        self._settings = settings
        self._clock = clock
        self._connect = connect
        self._deliver = _Deliver(settings.gauges, sink)
        self._owners: dict[str, _Owner] = {}
        self._units = [_Unit(device) for device in settings.devices]

    def states(self) -> list[DeviceState]:
        """How each device has been doing since the start."""
        return [unit.state for unit in self._units]

    async def write(self, output: OutputSettings, value: int) -> None:
        """Write a value into an output, in the event loop's thread; raises `BusError`."""
        owner = self._owners.get(output.port)
        if owner is None:
            raise NotAskedError("its port is not in use yet")
        done = asyncio.get_running_loop().create_future()
        owner.order(_Order(output, value, done))
        await done

    async def run(self) -> None:
        """Poll until cancelled."""
        owners = [owner for port in self._settings.ports if (owner := self._owner(port))]
        self._owners = {owner.port.name: owner for owner in owners}
        try:
            async with asyncio.TaskGroup() as tasks:
                for owner in owners:
                    tasks.create_task(owner.run(), name=f"port {owner.port.name}")
        finally:
            for owner in owners:
                owner.bus.close()

    def _owner(self, port: PortSettings) -> _Owner | None:
        start = _now()
        beats = [
            _Beat(unit, Round(unit.device, gauges, self._clock.now_ms), interval, start)
            for unit in self._units
            if unit.device.port == port.name
            for interval, gauges in self._by_interval(unit.device.name)
        ]
        wanted = beats or any(o.port == port.name for o in self._settings.alarms.outputs)
        return _Owner(port, self._connect(port), beats, self._deliver) if wanted else None

    def _by_interval(self, device: str) -> list[tuple[float, list[GaugeSettings]]]:
        groups: dict[float, list[GaugeSettings]] = {}
        for gauge in self._settings.gauges_of(device):
            groups.setdefault(gauge.interval_s, []).append(gauge)
        return sorted(groups.items())


def _now() -> float:
    return asyncio.get_running_loop().time()
