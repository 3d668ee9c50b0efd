"""What an alarm of each kind says, as a person reads it at night."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest

from agent.contract.alarm_rules import parse_rule
from hub.notify.messages import Facts, Standing, compose, headline, rows, sentence
from hub.notify.wording import watched

ALARM = {"alarm": {"priority": 3}}
LOW = {"lo": {"setpoint": -10, "priority": 2}}
LIMITS = {"lo": {"setpoint": -8, "priority": 4}, "hihi": {"setpoint": 8, "priority": 3}}


def said(
    kind: str,
    params: dict[str, Any],
    level: str,
    value: float,
    worst: float | None = None,
    *,
    quantity: str = "Tubing pressure",
    unit: str = "psi",
) -> tuple[Facts, Standing]:
    rule = parse_rule(kind, params, attributes={"tank_height": 20})
    seen = watched(rule, unit)
    facts = Facts(
        *("Bluebonnet", "America/Chicago", "Smith 1", "tp", quantity),
        unit if seen is None else seen.unit,
        "Pump stopped",
        watched=seen,
    )
    found = rule.level(level)
    assert found is not None
    setpoint = found.setpoint if rule.has_setpoints else None
    at = datetime(2026, 11, 28, 3, tzinfo=UTC)
    worst = value if worst is None else worst
    return facts, Standing(uuid.UUID(int=0), found.priority, level, value, setpoint, worst, at)


@pytest.mark.parametrize(
    ("kind", "params", "level", "value", "more", "sentence_"),
    [
        ("limit", {"levels": LOW}, "lo", -12, {}, "Tubing pressure low: -12 psi, limit -10 psi"),
        ("rate", {"levels": LOW}, "lo", -12, {}, "Tubing pressure falling 12 psi/h, limit 10"),
        (
            "rate",
            {"per": "min", "levels": {"hi": {"setpoint": 2.5, "priority": 3}}},
            "hi",
            3.25,
            {"quantity": "Tank temperature", "unit": "degF"},
            "Tank temperature rising 3.25 °F/min, limit 2.5",
        ),
        (
            "rate",
            {
                "to": {"of": "tank_height", "plus": -1},
                "levels": {"lo": {"setpoint": 4, "priority": 2}},
            },
            "lo",
            3.2,
            {"quantity": "Tank level", "unit": "ft"},
            "Tank level reaches 19 ft in 3.2 h, limit 4 h",
        ),
        (
            "rate",
            {"to": 19, "levels": {"lo": {"setpoint": 4, "priority": 2}}},
            "lo",
            0,
            {"quantity": "Tank level", "unit": "ft"},
            "Tank level has reached 19 ft",
        ),
        (
            "flatline",
            {"levels": {"alarm": {"setpoint": 60, "priority": 4}}},
            "alarm",
            60,
            {"worst": 62, "quantity": "Downhole pressure"},
            "Downhole pressure has not moved for 62 min",
        ),
        (
            "flatline",
            {"at": 0, "levels": {"alarm": {"setpoint": 10, "priority": 4}}},
            "alarm",
            150,
            {},
            "Tubing pressure has read exactly 0 psi for 2.5 h",
        ),
        ("bad_value", {"levels": ALARM}, "alarm", 1, {}, "Tubing pressure gives no number"),
        (
            "bad_value",
            {"stuck_at": [0], "levels": ALARM},
            "alarm",
            4,
            {},
            "Tubing pressure reads exactly 0, as a dead input does",
        ),
        (
            "digital",
            {"states": [0], "levels": ALARM},
            "alarm",
            1,
            {"quantity": "Running", "unit": ""},
            "Pump stopped (running is 0)",
        ),
        (
            "digital",
            {"count": "starts", "levels": {"hi": {"setpoint": 6, "priority": 4}}},
            "hi",
            7,
            {"quantity": "Pump", "unit": ""},
            "Pump started 7 times in 60 min, limit 6",
        ),
        (
            "deviation",
            {"levels": LIMITS},
            "lo",
            -9.1,
            {},
            "Tubing pressure lower than usual: 9.1 times its spread, limit 8",
        ),
        (
            "deviation",
            {"in": "unit", "levels": LIMITS},
            "hihi",
            42,
            {},
            "Tubing pressure 42 psi above usual, limit 8",
        ),
        (
            "deviation",
            {"from": "cusum", "levels": LIMITS},
            "lo",
            -42,
            {},
            "Tubing pressure creeps down: lower than usual for some time",
        ),
        (
            "expression",
            {"condition": "running = 0 and tubing_pressure < 50", "levels": ALARM},
            "alarm",
            1,
            {},
            "Pump stopped (running = 0 and tubing_pressure < 50)",
        ),
    ],
)
def test_the_sentence_of_each_kind(
    kind: str,
    params: dict[str, Any],
    level: str,
    value: float,
    more: dict[str, Any],
    sentence_: str,
) -> None:
    facts, standing = said(kind, params, level, value, **more)
    assert sentence(facts, standing) == sentence_
    for told in ("raised", "level", "cleared", "retracted"):
        body = compose(told, facts, standing).body  # type: ignore[arg-type]
        assert headline(body).endswith(".")
        assert all(text for _, text in rows(body))


def test_a_message_of_a_rate_has_its_own_unit_and_one_of_a_condition_no_numbers() -> None:
    body = compose("raised", *said("rate", {"levels": LOW}, "lo", -12)).body
    assert (body["value"], body["unit"]) == (-12, "psi/h")
    assert ("Limit", "-10 psi/h (low)") in rows(body)
    assert headline(body) == "Smith 1: Tubing pressure falling 12 psi/h, limit 10."
    body = compose("raised", *said("bad_value", {"levels": ALARM}, "alarm", 1)).body
    assert (body["value"], body["setpoint"], body["extreme"]) == (None, None, None)
    assert [name for name, _ in rows(body)] == ["Since", "Priority", "Well", "Gauge"]
    over = compose("cleared", *said("bad_value", {"levels": ALARM}, "alarm", 1))
    assert over.subject == "Cleared: Smith 1: Pump stopped is over"
