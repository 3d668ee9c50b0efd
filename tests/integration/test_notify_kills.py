"""Deliverers killed at every step: nothing lost, repeats known, nothing begun after an answer."""

from __future__ import annotations

import random

import pytest

from bench.alerts import kills
from bench.alerts.house import House
from tests.cast import Cast
from tests.servers.postgres import Database
from tests.webhooks import Receiver


@pytest.mark.slow
def test_what_is_killed_at_any_step_is_delivered_all_the_same(
    database: Database, cast: Cast
) -> None:
    house = House.on(database, cast)
    provider = kills.Provider(random.Random(3))
    receiver = Receiver(provider.answer)
    try:
        found = kills.run(house, receiver, provider, 12)
    finally:
        receiver.stop()
    assert found.kills >= 5
    assert found.delivered == found.owed
    assert (found.strays, found.late) == (0, 0)
