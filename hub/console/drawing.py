"""Geometry of the small pictures that templates draw as inline SVG (pure)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

SPARK_WIDTH, SPARK_HEIGHT = 98, 22
BAR_WIDTH = 104
MAP_WIDTH, MAP_HEIGHT, MAP_MARGIN = 350, 250, 36
TOUCHING = 18.0  #: map units under which two wells become one dot
LABEL_WIDTH, LINE = 80.0, 11.0
_LEAST_BAND = 1e-9  # no gauge resolves less; a scale of it would leave what numbers can hold
KM_PER_DEGREE = 111.32


@dataclass(frozen=True, slots=True)
class Spark:
    """A trend line as an SVG path, and where the limit crosses it if it lies within the picture."""

    path: str
    limit: float | None = None


Spot = tuple[float, float | None]  #: when, in any unit from 0 (left) to 1 (right), and the value


def spark(spots: Sequence[Spot], limit: float | None = None, gap: float = 0.06) -> Spark | None:
    """Draw a trend; None without two values. Neighbours farther apart than `gap` are not joined.

    A limit that lies far from the values is left out rather than flatten them.
    """
    known = [value for _, value in spots if value is not None and math.isfinite(value)]
    if len(known) < 2:
        return None
    low, high = min(known), max(known)
    near = limit is not None and _near(limit, low, high)
    if limit is not None and near:
        low, high = min(low, limit), max(high, limit)
    least = abs(high) * 0.02 or 1.0
    if high - low < least:
        low, high = low - least / 2, high + least / 2

    def y(value: float) -> float:
        return round(SPARK_HEIGHT - 2 - (value - low) / (high - low) * (SPARK_HEIGHT - 4), 1)

    path, last = [], -math.inf
    for at, value in spots:
        if value is None or not math.isfinite(value):
            last = -math.inf
            continue
        path.append(f"{'L' if at - last <= gap else 'M'}{at * SPARK_WIDTH:.1f} {y(value)}")
        last = at
    return Spark("".join(path), y(limit) if limit is not None and near else None)


def _near(limit: float, low: float, high: float) -> bool:
    reach = max(high - low, abs(high) * 0.02)
    return low - 2 * reach <= limit <= high + 2 * reach


@dataclass(frozen=True, slots=True)
class Bar:
    """A value on its scale: the shaded normal band and the marker, in picture units."""

    band_x: float
    band_width: float
    mark_x: float
    outside: bool  #: the value lies outside the normal band
    beyond: int  #: -1 or 1 where the marker is held at an end of the scale


def bar(value: float | None, band: tuple[float, float] | None) -> Bar | None:
    """Place a value against its normal band, which takes the middle half of the bar."""
    if value is None or band is None or not math.isfinite(value):
        return None
    low, high = band
    width = high - low if high - low > _LEAST_BAND else abs(high) * 0.1
    width = width if width > _LEAST_BAND else 1.0
    start, scale = low - width / 2, BAR_WIDTH / (2 * width)
    place = (value - start) * scale
    beyond = -1 if place < 1 else 1 if place > BAR_WIDTH - 1 else 0
    return Bar(
        round((low - start) * scale, 1),
        round(width * scale, 1),
        round(min(max(place, 1.0), BAR_WIDTH - 1.0), 1),
        not low <= value <= high,
        beyond,
    )


@dataclass(frozen=True, slots=True)
class Place:
    """Something on the map: latitude, longitude, how bad (0 well, higher is worse), and its key."""

    key: str
    name: str
    lat: float
    lon: float
    weight: int


@dataclass(frozen=True, slots=True)
class Dot:
    """One dot of the map; several wells of a pad share one, which shows the worst of them."""

    x: float
    y: float
    places: tuple[Place, ...]
    label_y: float  #: where its name stands, clear of the names of worse dots

    @property
    def worst(self) -> Place:
        """The place whose state the dot shows."""
        return max(self.places, key=lambda place: place.weight)


@dataclass(frozen=True, slots=True)
class Map:
    """The dots, and a scale bar of a round length."""

    dots: tuple[Dot, ...]
    scale_width: float
    scale_text: str


def draw_map(places: Sequence[Place]) -> Map | None:
    """Lay wells out to scale, north up; None when no well has a position."""
    if not places:
        return None
    mid_lat = (min(p.lat for p in places) + max(p.lat for p in places)) / 2
    shrink = math.cos(math.radians(mid_lat))
    xs = [place.lon * shrink * KM_PER_DEGREE for place in places]
    ys = [-place.lat * KM_PER_DEGREE for place in places]
    wide, tall = max(max(xs) - min(xs), 0.2), max(max(ys) - min(ys), 0.2)
    scale = min((MAP_WIDTH - 2 * MAP_MARGIN) / wide, (MAP_HEIGHT - 2 * MAP_MARGIN) / tall)
    mid_x, mid_y = (min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2
    spots = [
        (MAP_WIDTH / 2 + (x - mid_x) * scale, MAP_HEIGHT / 2 + (y - mid_y) * scale, place)
        for x, y, place in zip(xs, ys, places, strict=True)
    ]
    length, text = _scale_bar(scale)
    return Map(tuple(_merge(spots)), length, text)


def _merge(spots: Iterable[tuple[float, float, Place]]) -> list[Dot]:
    """Put wells whose dots would touch into one; the worst come first and stay where they are."""
    dots: list[tuple[float, float, list[Place]]] = []
    for x, y, place in sorted(spots, key=lambda spot: (-spot[2].weight, spot[2].name)):
        for dot in dots:
            if math.hypot(dot[0] - x, dot[1] - y) < TOUCHING:
                dot[2].append(place)
                break
        else:
            dots.append((x, y, [place]))
    return _labelled(dots)


def _labelled(dots: Iterable[tuple[float, float, list[Place]]]) -> list[Dot]:
    """Give each name a line of its own where dots are close; the worst is drawn last, on top."""
    taken: list[tuple[float, float]] = []
    labelled = []
    for x, y, members in dots:
        line = y + 3.5
        if members[0].weight > 1:
            while any(abs(x - tx) < LABEL_WIDTH and abs(line - ty) < LINE for tx, ty in taken):
                line += LINE
            taken.append((x, line))
        labelled.append(Dot(round(x, 1), round(y, 1), tuple(members), round(line, 1)))
    return labelled[::-1]


def _scale_bar(pixels_per_km: float) -> tuple[float, str]:
    miles = 1.609344
    for length in (0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500):
        width = length * miles * pixels_per_km
        if width >= 40:
            return round(width, 1), f"{length:g} mi"
    return 0.0, ""
