"""The ISA-18.2 state follows from the axes."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.alerts.lifecycle import dedup_key, isa_state
from hub.schema import Alert
from hub.schema.alerting import CONDITIONS

NOW = datetime(2024, 6, 1, 12, 0, tzinfo=UTC)
LATER, EARLIER = NOW + timedelta(hours=1), NOW - timedelta(hours=1)


def alert(**axes: Any) -> Alert:
    return Alert(**({"condition": "active", "ack": "unacked", "latched": False} | axes))


@pytest.mark.parametrize(
    ("axes", "state"),
    [
        ({}, "B"),
        ({"condition": "pending_off"}, "B"),
        ({"condition": "unknown"}, "B"),
        ({"ack": "acked"}, "C"),
        ({"ack": "none"}, "C"),
        ({"condition": "normal"}, "D"),
        ({"condition": "normal", "closed_at": NOW}, "A"),
        ({"condition": "normal", "ack": "acked", "closed_at": NOW}, "A"),
        ({"condition": "normal", "latched": True}, "B"),
        ({"shelved_until": LATER}, "E"),
        ({"shelved_until": EARLIER}, "B"),
        ({"suppressed_by": "site power fail", "shelved_until": LATER}, "F"),
        ({"out_of_service_until": LATER, "suppressed_by": "site power fail"}, "G"),
    ],
)
def test_the_state_in_letters(axes: dict[str, Any], state: str) -> None:
    assert isa_state(alert(**axes), NOW) == state


@given(st.sampled_from(CONDITIONS), st.booleans())
def test_acknowledging_turns_b_to_c_and_d_to_nothing_left_to_do(
    condition: str, latched: bool
) -> None:
    before = isa_state(alert(condition=condition, latched=latched), NOW)
    after = isa_state(alert(condition=condition, latched=latched, ack="acked"), NOW)
    assert (before, after) in {("B", "C"), ("D", "A")}


def test_the_key_is_that_of_the_rule_and_tag_and_not_of_the_level() -> None:
    organization, rule = uuid.UUID(int=1), uuid.UUID(int=2)
    keys = {
        dedup_key(organization, rule, 3),
        dedup_key(organization, rule, 4),
        dedup_key(rule, organization, 3),
    }
    assert len(keys) == 3
