"""A broker and a network that lose, repeat, reorder and delay, as often as the plan says."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.protocol.site import Box
    from tests.protocol.world import World


@dataclass(frozen=True, slots=True)
class Letter:
    """A publication; `fresh` unless it was retained by the broker."""

    door: str
    payload: bytes
    fresh: bool = True


@dataclass
class Queue:
    """A way through the network: what is on it, and what turns up once more later."""

    world: World
    items: deque[Letter] = field(default_factory=deque)
    late: list[tuple[int, Letter]] = field(default_factory=list)  #: (step, letter)

    def put(self, letter: Letter) -> None:
        """Send a letter on its way, with luck."""
        world, plan = self.world, self.world.plan
        if world.faulty and world.chance(plan.drop):
            world.trace("network", "drops a message on {}", letter.door)
            return
        self.items.append(letter)
        if not world.faulty or letter.door == "hub":
            return  # heartbeats are sent at most once, and kept by nobody
        if world.chance(plan.repeat):
            self.items.insert(world.rng.randint(0, len(self.items)), letter)
        if len(self.items) > 1 and world.chance(plan.reorder):
            self._move_one()
        if world.chance(plan.stale):
            self.late.append((world.step + world.rng.randint(5, 150), letter))

    def _move_one(self) -> None:
        rng = self.world.rng
        letter = self.items[-1]
        del self.items[-1]
        self.items.insert(rng.randint(max(0, len(self.items) - 6), len(self.items)), letter)

    def turn_up(self) -> None:
        """Deliver what was delayed until now."""
        due = [item for item in self.late if item[0] <= self.world.step]
        self.late = [item for item in self.late if item[0] > self.world.step]
        for _, letter in due:
            self.world.trace("network", "delivers an old message on {}", letter.door)
            self.items.append(letter)


class Broker:
    """One agent's account, and the sessions of the hub's processes."""

    def __init__(self, world: World) -> None:
        """Start empty."""
        self.world = world
        self.up = Queue(world)
        self.down = Queue(world)
        self.sessions: dict[str, deque[Letter]] = {}
        self.retained: Letter | None = None
        self.client: Box | None = None

    def connect(self, box: Box) -> None:
        """Let a box in; another with the same name is thrown out."""
        if self.client is not None and self.client is not box:
            self.client.lost()
        self.client = box
        self.down.items.clear()

    def disconnect(self, box: Box) -> None:
        """A connection ends; part of what was on its way arrives."""
        if self.client is not box:
            return
        self.client = None
        self.down.items.clear()
        for _ in range(self.world.rng.randint(0, len(self.up.items))):
            self.up.items.pop()

    def publish(self, letter: Letter, *, retain: bool) -> None:
        """An agent publishes."""
        self.retained = letter if retain else self.retained
        self.up.put(letter)

    def carry(self) -> None:
        """Move what is on its way up into the sessions of the hub."""
        self.up.turn_up()
        self.down.turn_up()
        while self.up.items:
            letter = self.up.items.popleft()
            names = list(self.sessions)
            if self.world.plan.split and self.world.faulty:
                names = [self.world.rng.choice(names)]
            for name in names:
                self.sessions[name].append(letter)

    def subscribe(self, name: str) -> deque[Letter]:
        """Return a hub process's persistent session; what is retained comes first."""
        session = self.sessions.setdefault(name, deque())
        if self.retained is not None:
            session.appendleft(Letter(self.retained.door, self.retained.payload, fresh=False))
        return session

    def lose_session(self) -> None:
        """Forget what was queued for one process of the hub."""
        name = self.world.rng.choice(list(self.sessions))
        self.world.trace("broker", "loses the session of {}", name)
        self.sessions[name].clear()

    def answer(self, letter: Letter) -> None:
        """A hub process publishes to the agent."""
        if self.client is not None:
            self.down.put(letter)

    def take_answers(self, box: Box) -> list[Letter]:
        """What reaches a box now."""
        if self.client is not box:
            return []
        letters = list(self.down.items)
        self.down.items.clear()
        return letters
