"""What messages say, and how numbers and times are said in them."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from hub.notify import messages, wording
from hub.notify.messages import Facts, NoticeKind, Standing, compose

FACTS = Facts(
    "Bluebonnet Energy",
    "America/Chicago",
    "Bravo 1H",
    "plc.tubing_pressure",
    "Tubing pressure",
    "psi",
    "Tubing pressure limits",
    cause="A closed valve.",
    consequence="The well loads up.",
    action="Check the choke.",
    respond_within_s=1800,
)
RAISED = datetime(2024, 1, 5, 20, 2, 7, tzinfo=UTC)
STANDING = Standing(uuid.UUID(int=7), 2, "lo", 142.3, 150.0, 141.9, RAISED)


@pytest.mark.parametrize(
    ("kind", "subject"),
    [
        ("raised", "Warning: Bravo 1H: Tubing pressure low: 141.9 psi, limit 150 psi"),
        ("level", "Warning: Bravo 1H: now tubing pressure low: 141.9 psi, limit 150 psi"),
        ("cleared", "Cleared: Bravo 1H: Tubing pressure is back to normal"),
        (
            "retracted",
            "Did not happen: Bravo 1H: tubing pressure low: 141.9 psi, limit 150 psi",
        ),
    ],
)
def test_a_subject_says_how_bad_where_and_what(kind: NoticeKind, subject: str) -> None:
    assert compose(kind, FACTS, STANDING).subject == subject


def test_a_page_says_what_to_do_first() -> None:
    text = messages.plain_text(compose("raised", FACTS, STANDING).body, "https://x")
    assert "Value      142.3 psi\nLimit      150 psi (low)\n" in text
    assert "Since      14:02:07 CST, Fri 5 Jan 2024\n" in text
    assert "What to do\nCheck the choke. Act within 30 min.\n" in text
    assert "If nothing is done\nThe well loads up.\n" in text
    assert text.index("What to do") < text.index("Usual cause")


def test_a_message_that_it_is_over_says_since_and_until_and_gives_no_advice() -> None:
    over = replace(STANDING, cleared_at=datetime(2024, 1, 5, 20, 30, tzinfo=UTC))
    text = messages.plain_text(compose("cleared", FACTS, over).body, "https://x")
    assert text.startswith("Tubing pressure at Bravo 1H is back to normal.\n")
    assert "Worst      141.9 psi\n" in text
    assert "Until      14:30:00 CST, Fri 5 Jan 2024\n" in text
    assert "What to do" not in text


def test_without_words_of_the_rule_nothing_is_left_empty() -> None:
    bare = replace(FACTS, cause="", consequence="", action="", respond_within_s=None)
    text = messages.plain_text(compose("raised", bare, STANDING).body, "https://x")
    assert "What to do" not in text
    assert "\n\n\n" not in text


def test_a_line_break_in_a_name_cannot_break_a_header() -> None:
    odd = replace(FACTS, place="Bravo\r\nBcc: all@example.com")
    assert "\n" not in compose("raised", odd, STANDING).subject


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.0, "0"),
        (-0.0001, "0"),
        (0.125, "0.125"),
        (3.14159, "3.14"),
        (142.34, "142.3"),
        (2500.0, "2,500"),
        (16_809_450.4, "16,809,450"),
        (-12.5, "-12.5"),
    ],
)
def test_numbers_have_no_more_digits_than_needed(value: float, said: str) -> None:
    assert wording.number(value) == said


@pytest.mark.parametrize(
    ("seconds", "said"), [(90, "90 s"), (1800, "30 min"), (7200, "2 h"), (9000, "2.5 h")]
)
def test_durations(seconds: int, said: str) -> None:
    assert messages.duration(seconds) == said


def test_units_as_people_write_them() -> None:
    assert wording.with_unit(180.0, "degF") == "180 °F"
    assert wording.with_unit(3.0, "1") == "3"


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../etc/passwd", ""])
def test_an_unknown_time_zone_is_said_in_utc(zone: str) -> None:
    assert messages.local_time(RAISED, zone) == "20:02:07 UTC, Fri 5 Jan 2024"


def test_summer_time() -> None:
    summer = datetime(2024, 7, 1, 12, 0, tzinfo=UTC)
    assert messages.local_time(summer, "America/Denver") == "06:00:00 MDT, Mon 1 Jul 2024"
