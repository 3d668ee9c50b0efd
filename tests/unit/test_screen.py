"""What commands show: people get words, programs get one line of JSON."""

from __future__ import annotations

import io
import json
import threading
import uuid
from datetime import UTC, datetime

import pytest

from hub.cli.screen import Screen


class Terminal(io.StringIO):
    """A terminal, as far as a program can tell."""

    def isatty(self) -> bool:
        return True


def test_words_and_answer_go_to_one_place() -> None:
    out = io.StringIO()
    screen = Screen(out=out)
    screen.say("working")
    screen.answer({"n": 1}, "one")
    assert out.getvalue() == "working\none\n"


def test_with_json_the_answer_stands_alone(capsys: pytest.CaptureFixture[str]) -> None:
    screen = Screen(as_json=True)
    screen.say("working")
    key, at = uuid.uuid4(), datetime(2026, 1, 2, tzinfo=UTC)
    screen.answer({"id": key, "at": at}, "words")
    printed = capsys.readouterr()
    assert json.loads(printed.out) == {"id": str(key), "at": "2026-01-02T00:00:00+00:00"}
    assert printed.err == "working\n"


def test_a_table_is_aligned() -> None:
    rows = [{"agent": "bravo", "n": 1234567, "at": None}, {"agent": "c", "n": 5, "at": None}]
    assert Screen(out=io.StringIO()).table(rows) == (
        "agent  n          at\nbravo  1,234,567  —\nc      5          —"
    )
    assert Screen(out=io.StringIO()).table([]) == "(none)"


def test_colours_only_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert Screen(out=io.StringIO()).paint("x", "red") == "x"
    assert Screen(out=Terminal()).paint("x", "red") == "\033[31mx\033[0m"
    monkeypatch.setenv("NO_COLOR", "1")
    assert Screen(out=Terminal()).paint("x", "red") == "x"


def test_a_long_wait_shows_how_long_on_a_terminal() -> None:
    out, looked = Terminal(), threading.Event()

    def note() -> str:
        looked.set()
        return "3.4 MB"

    with Screen(out=out).busy("Backing up", note):
        assert looked.wait(10)
    assert "Backing up … 0 s  3.4 MB" in out.getvalue()
    assert out.getvalue().endswith("\r\033[K")


def test_a_log_is_spared_it() -> None:
    out = io.StringIO()
    with Screen(out=out).busy("Backing up"):
        pass
    assert out.getvalue() == ""
