"""What the console's bench tells: lines for people, one JSON object for programs."""

from __future__ import annotations

import json

from psycopg import sql

from bench.console_data import Size
from bench.console_words import PUMPER, Answer, Question, as_json, words

SIZE = Size(wells=5, years=30, reading_days=1)
BARE = sql.SQL("SELECT {}").format(sql.Literal(1))
ANSWERS = [
    Answer(Question("wells", "console", "first page", "/register/wells", BARE), 20, 30, 1, 2, 200),
    Answer(
        Question("wells", "pumper", "facets", "/register/wells/facets", person=PUMPER),
        *(40, 130, None, None, 200),
    ),
]


def test_a_program_reads_every_answer() -> None:
    told = json.loads(as_json("plain", SIZE, ANSWERS))
    assert [one["question"]["url"] for one in told["answers"]] == [
        "/register/wells",
        "/register/wells/facets",
    ]
    assert told["answers"][1]["p95"] == 130


def test_a_person_reads_what_is_beyond_its_limit() -> None:
    told = list(words("plain", SIZE, ANSWERS))
    assert "2 lists and pages, 1 beyond the limit" in told[-2]
    assert told[-1].split() == ["200", "130", "ms", "/register/wells/facets"]
