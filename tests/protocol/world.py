"""One run: a box, a network and a hub, step by step, with what goes wrong in between."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from unittest.mock import patch

from agent import clock as clock_module
from agent import publisher
from agent.contract.control import parse_answer
from agent.contract.wire import unpack
from agent.outbox import base, space
from tests.protocol.broker import Broker
from tests.protocol.ledger import Ledger
from tests.protocol.office import Office
from tests.protocol.plan import Plan
from tests.protocol.site import Box, Disk, PowerCutError

STEP_MS = 1000
DRAIN_STEPS = 600  #: within these everything must have arrived, once nothing goes wrong any more


class World:
    """Everything in one run."""

    def __init__(self, plan: Plan, *, tracing: bool = False) -> None:
        """Set up a box and a hub that work."""
        self.plan = plan
        self.rng = random.Random(plan.seed)
        self.now = 1_700_000_000_000
        self.step = 0
        self.faulty = self.reading = True
        self.tracing, self.events = tracing, list[str]()
        self.ledger = Ledger()
        self.broker = Broker(self)
        self.office = Office(self)
        self.boxes = [Box(self, "box", Disk(None))]
        self.images: deque[Disk] = deque(maxlen=6)
        self.snapshots: deque[Disk] = deque(maxlen=3)
        self.lies: tuple[int, Disk] | None = None
        self.twin_until = 0
        self.drained_in: int | None = None

    # ------------------------------------------------------------------------- small things

    @property
    def seconds(self) -> float:
        """The clock of everyone's patience."""
        return self.now / 1000

    def chance(self, rate: float) -> bool:
        """Whether something that happens so often happens now."""
        return rate > 0 and self.rng.random() < rate

    def outage(self) -> int:
        """Steps something stays away for."""
        return self.rng.randint(1, self.rng.choice(self.plan.outages))

    def trace(self, who: str, what: str, *details: object) -> None:
        """Write an event down, if anyone is going to read it."""
        if self.tracing:
            self.events.append(f"{self.step:4} {who:8} {what.format(*details)}")

    def trace_answer(self, who: str, payload: bytes) -> None:
        """Write down what the hub answers."""
        if self.tracing:
            answer = parse_answer(payload)
            words = [
                f"{r.stream[:6]}={r.number}{' FORK' if r.fork else ''}" for r in answer.receipts
            ]
            words += [f"{stream[:6]}?{number}" for stream, number in answer.wants]
            words += [f"config {number}?" for number in answer.configs]
            self.trace(who, "answers {}", " ".join(words))

    def note_sent(self, who: str, door: str, payload: bytes) -> None:
        """Count a message, and write it down."""
        if door in {"st", "up/d"}:
            self.trace(who, "sends {}", door)
            return
        message = unpack(payload)
        self.ledger.messages += 1
        self.ledger.blocks_sent += len(message.lines)
        gaps = " ".join(f"{g.reason} {g.first}..{g.last}" for g in message.gaps)
        closed = "" if message.closed is None else f" of {message.closed}"
        self.trace(
            who,
            "sends {}:{}..{}{} {}",
            message.stream[:6],
            message.first,
            message.last,
            closed,
            gaps,
        )

    # ------------------------------------------------------------------------------ the run

    def run(self) -> World:
        """Let everything go wrong for a while, then let it recover."""
        while self.step < self.plan.steps:
            self._step()
            self._mischief()
        self._calm()
        while not self._recovered() and self.step < self.plan.steps + DRAIN_STEPS:
            self._step()
        if self._recovered():
            self.drained_in = self.step - self.plan.steps
        return self

    def _step(self) -> None:
        self.step += 1
        self.now += STEP_MS + self.rng.randint(-50, 50)
        for box in list(self.boxes):
            try:
                box.live_a_little()
            except PowerCutError:
                box.power_cut()
        self.broker.carry()
        self.office.step()

    def _calm(self) -> None:
        """From here on nothing goes wrong, and nothing new is read."""
        self.trace("world", "calms down")
        self.faulty = self.reading = False
        self._end_twin()
        self.broker.up.late.clear()
        self.broker.down.late.clear()

    def _recovered(self) -> bool:
        box = self.boxes[0]
        if self.broker.up.items or any(self.broker.sessions.values()):
            return False
        return box.agrees_with(self.office.database.epoch) and not box.waiting()

    # ----------------------------------------------------------------------- what goes wrong

    def _mischief(self) -> None:
        plan, office = self.plan, self.office
        if self.chance(plan.backup):
            office.back_up()
        if self.chance(plan.restore):
            office.restore()
        if self.chance(plan.session_lost):
            self.broker.lose_session()
        self._disks(self.boxes[0])
        self._twins()

    def _disks(self, box: Box) -> None:
        plan, rng = self.plan, self.rng
        if plan.image and self.chance(0.03):
            self.images.append(box.disk())
        if plan.ram and self.chance(0.05):
            self.snapshots.append(box.with_memory())
        if self.lies and self.step >= self.lies[0]:
            self.trace(box.name, "loses power and what its disk said it had")
            box.power_cut(self.lies[1])
            self.lies = None
        elif self.lies is None and self.chance(plan.lying_disk):
            self.lies = (self.step + rng.randint(1, 4), box.disk())
        if self.images and self.chance(plan.image):
            self.trace(box.name, "is restored from an image")
            box.power_cut(rng.choice(self.images))
        if self.snapshots and self.chance(plan.ram):
            self.trace(box.name, "goes back to a snapshot")
            box.resume(rng.choice(self.snapshots))

    def _twins(self) -> None:
        if len(self.boxes) == 1 and self.chance(self.plan.twin):
            self.trace("world", "copies the box")
            self.boxes.append(Box(self, "twin", self.boxes[0].disk()))
            self.twin_until = self.step + self.rng.randint(5, 80)
        elif self.step >= self.twin_until:
            self._end_twin()

    def _end_twin(self) -> None:
        if len(self.boxes) == 1:
            return
        gone = self.boxes.pop(self.rng.randint(0, 1))
        self.trace(gone.name, "is switched off for good")
        self.ledger.replaced(gone.held, self.boxes[0].held)
        gone.switch_off()
        self.lies = None
        self.images.clear()
        self.snapshots.clear()


@contextmanager
def small_scale(plan: Plan) -> Iterator[None]:
    """Windows, cuts and batches so small that a short run crosses each bound; ids from the seed."""
    ids = random.Random(f"ids of {plan.seed}")
    source = SimpleNamespace(urandom=ids.randbytes)
    with (
        patch.multiple(
            publisher,
            WINDOW=plan.window,
            SEAL_AFTER=plan.seal_after,
            LIVE_CUT=400,
            HISTORY_CUT=900,
            MAX_ANNOUNCED=4,
        ),
        patch.multiple(space, BATCH=3, KEEP_ONE_OF=3),
        patch.object(base, "os", source),
        patch.object(clock_module, "os", source),
    ):
        yield


def play(plan: Plan, *, tracing: bool = False) -> World:
    """Run a plan to its end."""
    with small_scale(plan):
        return World(plan, tracing=tracing).run()
