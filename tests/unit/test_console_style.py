"""The console's look can be read by everyone, and its borrowed code is what was pinned."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from deploy.vendor import TARGET, read_lock, wrong_files
from hub.console.assets import FOLDER, Assets

STYLE = (FOLDER / "console.css").read_text(encoding="utf-8")
SEVERITIES = ("critical", "warning", "caution", "advice")

#: Every text colour on every ground it stands on.
PAIRS = [
    *((ink, ground) for ink in ("text", "muted", "accent") for ground in ("bg", "panel", "sunk")),
    *((tone, ground) for tone in (*SEVERITIES, "shelved", "ok") for ground in ("bg", "panel")),
    *((tone, f"{tone}-soft") for tone in SEVERITIES),
    *(("text", f"{tone}-soft") for tone in SEVERITIES),
    *(("muted", f"{tone}-soft") for tone in SEVERITIES),
    ("warning", "caution-soft"),
    ("accent", "accent-soft"),
    ("text", "accent-soft"),
    ("on-accent", "accent"),
    ("panel", "text"),
    ("panel", "critical"),
    ("panel", "warning"),
    ("text", "map"),
    ("muted", "map"),
]


@cache
def token(name: str, scheme: int) -> tuple[int, int, int]:
    """A colour of the style sheet in the light (0) or dark (1) scheme."""
    found = re.search(rf"--{name}: light-dark\((#\w+), (#\w+)\)", STYLE)
    assert found is not None, name
    digits = found[1 + scheme][1:]
    red, green, blue = (int(digits[place : place + 2], 16) for place in (0, 2, 4))
    return red, green, blue


def luminance(color: tuple[int, int, int]) -> float:
    """Relative luminance as WCAG defines it."""

    def linear(part: int) -> float:
        share = part / 255
        return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4

    red, green, blue = map(linear, color)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: tuple[int, int, int], other: tuple[int, int, int]) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_every_text_can_be_read(scheme: int) -> None:
    faint = {
        (ink, ground): round(ratio, 2)
        for ink, ground in PAIRS
        if (ratio := contrast(token(ink, scheme), token(ground, scheme))) < 4.5
    }
    assert not faint


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_marks_and_edges_can_be_seen(scheme: int) -> None:
    seen = {
        ("edge", "bg"): 3.0,  # fields
        ("mark", "band"): 3.0,
        ("dot", "map"): 3.0,
        ("trend", "panel"): 3.0,
    }
    faint = [
        pair
        for pair, least in seen.items()
        if contrast(token(pair[0], scheme), token(pair[1], scheme)) < least
    ]
    assert not faint


def test_the_style_sheet_stays_small() -> None:
    assert len(STYLE.splitlines()) <= 700


def test_every_class_of_the_pages_is_known_to_the_style_sheet() -> None:
    known = set(re.findall(r"\.([a-z][\w-]*)", STYLE))
    pages = (FOLDER.parent / "templates").glob("*.html")
    used: set[str] = set()
    for page in pages:
        plain = re.sub(r"\{[{%#].*?[%}#]\}", " ", page.read_text(encoding="utf-8"), flags=re.DOTALL)
        for names in re.findall(r'class="([^"]*)"', plain):
            used.update(names.split())
    spoken = {
        "journal",
        "tags",
        "rule",
        "address",
        "state-line",
        "now",
    }  # name a part, style nothing
    numbered = {"c-bar", "c-value"}  # c-bar1, c-bar2 …
    assert used - known - spoken - numbered == set()


def test_motion_is_left_out_for_those_who_ask() -> None:
    moving = [m.start() for m in re.finditer(r"\b(transition|animation)\b", STYLE)]
    block = re.search(
        r"@media \(prefers-reduced-motion: no-preference\) \{.*?\n\}", STYLE, re.DOTALL
    )
    assert block is not None
    assert all(block.start() < place < block.end() for place in moving)


def test_borrowed_code_is_what_was_pinned() -> None:
    assert list(wrong_files(read_lock())) == []


def test_borrowed_code_comes_with_its_licence() -> None:
    for package in read_lock():
        licences = [file.target for file in package.files if file.target.endswith("LICENSE")]
        assert licences, package.name
        assert (TARGET / licences[0]).stat().st_size > 200


def test_a_changed_or_foreign_file_is_noticed(tmp_path: Path) -> None:
    for file in TARGET.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "htmx-4.0.1.min.js").write_text("changed")
    (tmp_path / "uplot-1.6.32.min.css").unlink()
    (tmp_path / "stray.js").write_text("")
    assert sorted(wrong_files(read_lock(), tmp_path)) == [
        "htmx-4.0.1.min.js: differs from deploy/vendor.lock",
        "stray.js: not in deploy/vendor.lock",
        "uplot-1.6.32.min.css: missing; run `make vendor`",
    ]


def test_addresses_of_static_files_change_with_any_of_them(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text("1")
    before = Assets(tmp_path).url("a.js")
    (tmp_path / "b.js").write_text("2")
    assert Assets(tmp_path).url("a.js") != before
