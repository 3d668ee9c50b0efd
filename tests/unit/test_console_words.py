"""How the console says numbers and times, and draws its small pictures."""

from __future__ import annotations

import zlib
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agent.contract.blocks import ClockState, Quality
from hub.console import drawing, payloads, words
from hub.console.bands import band, worst_beyond
from hub.console.drawing import Place, bar, draw_map, spark
from hub.console.forms import Form
from hub.console.spans import read_span

CHICAGO = ZoneInfo("America/Chicago")
NOON = datetime(2026, 11, 22, 18, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-3, "0 s"),
        (8.4, "8 s"),
        (89, "89 s"),
        (90, "2 min"),
        (52 * 60, "52 min"),
        (3 * 3600, "3 h"),
        (35.4 * 3600, "35 h"),
        (48 * 3600, "2 d"),
    ],
)
def test_ages(seconds: float, said: str) -> None:
    assert words.age(seconds) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, words.NOTHING),
        (0, "0"),
        (1182.4, "1,182"),
        (96.94, "96.9"),
        (9.614, "9.61"),
        (-12.25, "\u221212.2"),
        (-0.001, "0.00"),
    ],
)
def test_numbers(value: float | None, said: str) -> None:
    assert words.number(value) == said


@pytest.mark.parametrize(
    ("at", "said"),
    [
        (NOON - timedelta(hours=2), "10:00:00"),
        (NOON - timedelta(days=1), "21 Nov 12:00:00"),
        (NOON - timedelta(days=366), "21 Nov 2025 12:00:00"),
        (datetime(2026, 7, 1, 17, 0, tzinfo=UTC), "1 Jul 12:00:00"),  # summer time
    ],
)
def test_times_are_the_operators(at: datetime, said: str) -> None:
    assert words.clock_time(at, CHICAGO, NOON) == said


def test_every_quality_and_clock_has_words() -> None:
    assert all(not words.quality(code).startswith("quality") for code in Quality)
    assert all(not words.clock(state).startswith("state") for state in ClockState)
    assert words.quality(99) == "quality 99"
    assert words.clock(None) == "unknown"


@pytest.mark.parametrize(
    ("skew", "said"),
    [(None, "unknown"), (-400, "under 1 s"), (5000, "5 s ahead"), (-7_200_000, "2 h behind")],
)
def test_skews(skew: int | None, said: str) -> None:
    assert words.skew(skew) == said


def test_a_tag_is_silent_after_three_beats_and_never_under_a_minute() -> None:
    assert words.silent_after(1000) == timedelta(minutes=1)
    assert words.silent_after(900_000) == timedelta(minutes=45)


# -------------------------------------------------------------------------------------- pictures


def test_a_trend_leaves_gaps_open() -> None:
    line = spark([(0.0, 1.0), (0.02, 2.0), (0.5, 2.0), (0.52, None), (0.54, 3.0)])
    assert line is not None
    assert line.path.count("M") == 3
    assert line.path.count("L") == 1


def test_a_trend_needs_two_values() -> None:
    assert spark([]) is None
    assert spark([(0.0, 1.0), (0.1, None), (0.2, float("nan"))]) is None


def test_a_far_limit_does_not_flatten_a_trend() -> None:
    near, far = spark([(0, 10.0), (1, 12.0)], 13.0), spark([(0, 10.0), (1, 12.0)], 1000.0)
    assert near is not None
    assert near.limit is not None
    assert far is not None
    assert far.limit is None


@given(
    st.lists(st.floats(-1e6, 1e6, allow_nan=False), min_size=2, max_size=60),
    st.floats(-1e6, 1e6, allow_nan=False),
)
def test_a_trend_stays_in_its_picture(values: list[float], limit: float) -> None:
    line = spark([(place / len(values), value) for place, value in enumerate(values)], limit)
    assert line is not None
    ys = [float(spot.split()[1]) for spot in line.path.replace("L", "M").split("M")[1:]]
    assert all(0 <= y <= drawing.SPARK_HEIGHT for y in ys)


@example(5e-324, (5e-324, 5e-324))
@given(
    st.floats(-1e6, 1e6, allow_nan=False),
    st.tuples(st.floats(-1e5, 1e5, allow_nan=False), st.floats(0, 1e5, allow_nan=False)),
)
def test_a_marker_stays_on_its_scale(value: float, given_band: tuple[float, float]) -> None:
    low, width = given_band
    place = bar(value, (low, low + width))
    assert place is not None
    assert 0 <= place.mark_x <= drawing.BAR_WIDTH
    assert place.outside == (not low <= value <= low + width)


def test_the_normal_band_takes_the_middle_half() -> None:
    place = bar(50.0, (0.0, 100.0))
    assert place == drawing.Bar(26.0, 52.0, 52.0, outside=False, beyond=0)
    assert bar(None, (0, 1)) is None
    assert bar(1.0, None) is None


def test_wells_of_a_pad_share_a_dot_that_shows_the_worst() -> None:
    pad = [Place(str(n), f"Pad {n}", 31.4, -103.5 + n * 0.0001, n) for n in range(3)]
    drawn = draw_map([*pad, Place("far", "Far", 31.6, -103.9, 0)])
    assert drawn is not None
    together = max(drawn.dots, key=lambda dot: len(dot.places))
    assert len(together.places) == 3
    assert together.worst.name == "Pad 2"
    assert drawn.scale_text.endswith(" mi")
    assert drawn.scale_width >= 40
    assert draw_map([]) is None


@given(
    st.lists(
        st.tuples(st.floats(-60, 60), st.floats(-170, 170), st.integers(0, 9)),
        min_size=1,
        max_size=30,
    )
)
def test_every_dot_is_on_the_map(spots: list[tuple[float, float, int]]) -> None:
    places = [Place(str(n), str(n), lat, lon, w) for n, (lat, lon, w) in enumerate(spots)]
    drawn = draw_map(places)
    assert drawn is not None
    assert sum(len(dot.places) for dot in drawn.dots) == len(places)
    assert all(0 <= dot.x <= drawing.MAP_WIDTH for dot in drawn.dots)
    assert all(0 <= dot.y <= drawing.MAP_HEIGHT for dot in drawn.dots)


def test_the_band_is_the_limits_and_what_is_missing_of_them_what_was_seen() -> None:
    assert band(None, None) is None
    assert band(None, (2.0, 8.0)) == (2.0, 8.0)
    assert worst_beyond(None, 5.0) is None


# ---------------------------------------------------------------------------------- forms, bytes


def test_a_field_that_cannot_be_taken_says_why() -> None:
    form = Form({"a": "1,234.5", "b": "\u22127", "c": "many", "d": "", "e": "inf", "f": "x\0y"})
    assert form.number("a") == 1234.5
    assert form.number("b") == -7
    assert form.number("d") is None
    form.number("c")
    form.number("e")
    assert form.text("f") == "xy"
    form.text("d", required=True)
    assert form.faults == {
        "c": "“many” is not a number.",
        "e": "“inf” is not a number.",
        "d": "This is needed.",
    }


def test_bytes_are_shown_as_hex_and_what_is_inside_as_text() -> None:
    plain = payloads.show(b'\x00{"v":1}')
    assert plain.hexdump == '000000  00 7b 22 76 22 3a 31 7d                           .{"v":1}'
    assert plain.text == '{"v":1}'
    packed = payloads.show(b"\x01" + zlib.compress(b'{"v":1}' * 100))
    assert packed.text == '{"v":1}' * 100
    assert payloads.show(b"\xff\xfe\x00\x9f").text is None
    bomb = payloads.show(b"\x01" + zlib.compress(b"0" * 10_000_000))
    assert bomb.text is not None
    assert len(bomb.text) == payloads.MOST_SHOWN
    assert payloads.show(bytes(20_000)).cut


@given(st.binary(max_size=300))
def test_any_bytes_can_be_shown(payload: bytes) -> None:
    shown = payloads.show(payload)
    assert len(shown.hexdump.splitlines()) == -(-len(payload) // 16)
    assert shown.text is None or "\0" not in shown.text


@given(st.dictionaries(st.sampled_from(["from", "to", "range"]), st.text(max_size=30)))
def test_any_address_has_a_span(args: dict[str, str]) -> None:
    span = read_span(args, CHICAGO, NOON)
    assert timedelta(minutes=1) <= span.end - span.start <= timedelta(days=3660)
