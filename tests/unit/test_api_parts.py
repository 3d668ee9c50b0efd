"""The API's pure parts: entity tags, strict JSON, parameters, problems, rates."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from hub.api import strict
from hub.api.arguments import Arguments
from hub.api.bodies import JSON, read_object, write
from hub.api.conditional import (
    body_tag,
    read_tags,
    row_tag,
    shape_of,
    unchanged,
    version_read,
)
from hub.api.limits import Rate
from hub.api.problems import KINDS, Problem, of_status
from hub.cache import Cache
from hub.register.fields import Field

# -------------------------------------------------------------------------------- entity tags


def test_a_rows_tag_tells_its_version_and_its_form() -> None:
    tag = row_tag(7, shape_of(["id", "name"]))
    assert tag != row_tag(8, shape_of(["id", "name"]))
    assert tag != row_tag(7, shape_of(["id", "name", "added"]))
    assert version_read(read_tags(f'"{tag}"')) == 7


@pytest.mark.parametrize(
    ("header", "strong", "weak"),
    [
        ('"a"', ("a",), ()),
        ('W/"a"', (), ("a",)),
        ('"a", W/"b" ,"c"', ("a", "c"), ("b",)),
        ('""', ("",), ()),
    ],
)
def test_entity_tags_are_read(header: str, strong: Any, weak: Any) -> None:
    tags = read_tags(header)
    assert (tags.strong, tags.weak, tags.anything) == (strong, weak, False)


@pytest.mark.parametrize("header", ["", "7", '"7', "W/7", '"a" "b"', "*, *", 'w/"a"', '"a";"b"'])
def test_what_is_no_entity_tag_is_refused(header: str) -> None:
    with pytest.raises(ValueError, match="double quotes"):
        read_tags(header)


def test_a_safe_request_compares_weakly() -> None:
    tag = body_tag(b"page")
    for header in (f'"{tag}"', f'W/"{tag}"', f'"x", W/"{tag}"', "*"):
        assert unchanged(header, tag)
    for header in (None, '"x"', "nonsense"):
        assert not unchanged(header, tag)


@given(st.text())
def test_no_header_breaks_the_reader(header: str) -> None:
    assert unchanged(header, "1-0") in {True, False}


# ---------------------------------------------------------------------------------------- JSON


def refused(body: bytes, media: str = JSON) -> Problem:
    with pytest.raises(Problem) as caught:
        read_object(body, media, JSON)
    return caught.value


def test_numbers_stay_exact() -> None:
    found = read_object(b'{"rate": 0.10000000000000000001, "n": 3}', JSON, JSON)
    assert found == {"rate": Decimal("0.10000000000000000001"), "n": 3}
    assert write({"rate": Decimal("1E+3")}) == b'{"rate":"1000"}'


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff{}",
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"a": 1, "a": 2}',
        b'{"a": ' + b"9" * 5000 + b"}",
        b"[" * 100_000,
        b'{"a": 1e9999999999999999999}',
    ],
)
def test_what_is_no_json_is_400(body: bytes) -> None:
    assert refused(body).kind.status == 400


@pytest.mark.parametrize("body", [b"[]", b"null", b"3", b'"text"'])
def test_json_that_is_no_object_is_422(body: bytes) -> None:
    assert refused(body).kind.status == 422


def test_text_the_database_cannot_keep_is_422_by_field() -> None:
    for body in (b'{"name": "a\\u0000"}', b'{"name": {"x": ["\\ud800"]}}'):
        assert refused(body).faults.keys() == {"name"}
    deep = b'{"name": ' + b"[" * 30 + b"]" * 30 + b"}"
    assert "levels" in refused(deep).faults["name"]


def test_another_media_type_is_415_and_told_which() -> None:
    answer = refused(b"{}", "text/plain")
    assert answer.kind.status == 415
    assert answer.headers["Accept-Post"] == JSON


@given(st.recursive(st.none() | st.integers() | st.text(), st.lists))
def test_no_body_breaks_the_reader(value: Any) -> None:
    try:
        read_object(json.dumps({"a": value}).encode(), JSON, JSON)
    except Problem as refusal:
        assert refusal.kind.status in {400, 422}  # noqa: PT017 - either is right


# -------------------------------------------------------------------------------------- fields

TEXT = Field(
    name="depth",
    label="Depth",
    help="",
    unit=None,
    kind="text",
    required=False,
    choices=(),
    reference=None,
    editable=True,
    settable_on_create=True,
    sealed=False,
    precision=None,
    scale=None,
    max_length=None,
)


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("text", ["x", ""], [1, True, [], {}]),
        ("integer", [1, -3, Decimal("2.0")], ["1", 1.5, Decimal("1.5"), True]),
        ("decimal", ["1.50", "-0.1", 3, Decimal("1.5")], ["1,5", "1e3", "", True, []]),
        ("double", [1, Decimal("1.5")], ["1.5", True]),
        ("boolean", [True, False], ["true", 1, 0]),
        ("date", ["2026-03-31"], ["3/31/2026", "2026-3-1", 20260331]),
        (
            "instant",
            ["2026-03-31T07:00:00Z", "2026-03-31T07:00:00.5-05:00"],
            ["2026-03-31 07:00", "2026-03-31T07:00:00", "2026-03-31"],
        ),
        ("time", ["07:00", "23:59:59"], ["7 am", "24:00", "7:00"]),
        ("uuid", ["01957a7e-9c00-7d3a-8b1e-3f2a6c5d4e01"], ["x", "{01957a7e}", 1]),
        ("json", [{}, [], 1, "x"], []),
    ],
)
def test_json_must_be_of_the_documented_form(kind: Any, good: list[Any], bad: list[Any]) -> None:
    field = replace(TEXT, kind=kind)
    assert [value for value in good if strict.fault(field, value)] == []
    for value in bad:
        assert (strict.fault(field, value) or "").startswith("depth takes ")


def test_null_and_choices() -> None:
    assert strict.fault(TEXT, None) is None
    assert "null" in (strict.fault(replace(TEXT, nullable=False), None) or "")
    choice = replace(TEXT, kind="choice", choices=("oil", "gas"))
    assert strict.fault(choice, "oil") is None
    assert strict.fault(choice, "Oil") == "depth takes one of oil, gas."


# ---------------------------------------------------------------------------------- parameters


def test_parameters_are_read_strictly() -> None:
    given_ = MultiDict([("limit", "0"), ("flag", "yes"), ("tag", "1"), ("tag", "2")])
    arguments = Arguments(given_, ("limit", "flag", "tag"))
    assert arguments.many("tag", 2) == ["1", "2"]
    for ask in (
        lambda: arguments.whole("limit", 50, 1, 200),
        lambda: arguments.flag("flag"),
        lambda: arguments.one("tag"),
        lambda: arguments.many("tag", 1),
        lambda: Arguments(given_, ("limit",)),
    ):
        with pytest.raises(Problem):
            ask()


# ------------------------------------------------------------------------------ problems, rates


def test_every_kind_of_problem_has_a_name_of_its_own() -> None:
    assert len({kind.name for kind in KINDS}) == len({kind.status for kind in KINDS}) == len(KINDS)
    body = Problem(KINDS[0], "No.", {"name": "Name is needed."}, more={"current": {}}).body
    assert list(body) == ["type", "title", "status", "detail", "errors", "current"]
    assert of_status(418).kind.status == 418
    assert of_status(502).kind.status == 502


def test_a_rate_refuses_one_too_many_and_says_when_to_come_back() -> None:
    now = [1000.0]
    cache, rate = Cache(clock=lambda: now[0]), Rate(2, 10)
    rate.spend(cache, "key:a")
    rate.spend(cache, "key:a")
    rate.spend(cache, "key:b")
    with pytest.raises(Problem) as caught:
        rate.spend(cache, "key:a")
    assert caught.value.kind.status == 429
    wait = int(caught.value.headers["Retry-After"])
    now[0] += wait
    rate.spend(cache, "key:a")
