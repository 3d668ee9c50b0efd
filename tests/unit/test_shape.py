"""The code keeps its shape: short files, short functions, one sentence on everything public."""

from __future__ import annotations

import ast
import re
import statistics
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import agent
import hub

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("agent", "hub", "bench", "deploy", "migrations")
FILE_LINES, FUNCTION_LINES, MEDIAN_LINES, P95_LINES = 450, 50, 6, 30

Function = ast.FunctionDef | ast.AsyncFunctionDef


def sources(*rooms: str) -> list[Path]:
    return sorted(path for room in rooms for path in (ROOT / room).rglob("*.py"))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def where(path: Path, node: ast.AST | None = None) -> str:
    line = f":{node.lineno}" if isinstance(node, Function | ast.ClassDef) else ""
    return f"{path.relative_to(ROOT)}{line}"


def functions(path: Path) -> Iterator[Function]:
    return (node for node in ast.walk(tree(path)) if isinstance(node, Function))


def length(function: Function) -> int:
    """Lines of the body; what explains it does not count."""
    body = function.body
    if ast.get_docstring(function, clean=False) is not None:
        body = body[1:]
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def test_no_file_is_long() -> None:
    too_long = {
        where(path): lines
        for path in sources(*ROOMS, "tests")
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > FILE_LINES
    }
    assert not too_long


def test_no_function_is_long() -> None:
    too_long = {
        f"{where(path, function)} {function.name}": lines
        for path in sources(*ROOMS, "tests")
        for function in functions(path)
        if (lines := length(function)) > FUNCTION_LINES
    }
    assert not too_long


def test_most_functions_are_short() -> None:
    lengths = sorted(
        length(function) for path in sources("agent", "hub") for function in functions(path)
    )
    assert statistics.median(lengths) <= MEDIAN_LINES
    assert lengths[len(lengths) * 95 // 100] <= P95_LINES


def public(path: Path) -> Iterator[Function | ast.ClassDef]:
    """What a reader meets first: classes and functions of a module, and their public methods."""
    for node in tree(path).body:
        if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_"):
            yield node
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            members = (item for item in node.body if isinstance(item, Function))
            yield from (item for item in members if not item.name.startswith("_"))


def speaks_for_itself(node: ast.AST) -> bool:
    """Setters (their property is explained), overloads, and the bare members of a protocol."""
    if not isinstance(node, Function):
        return False
    decorators = [ast.unparse(item) for item in node.decorator_list]
    accessor = any(name.endswith((".setter", ".deleter", "overload")) for name in decorators)
    return accessor or [ast.unparse(item) for item in node.body] == ["..."]


def test_everything_public_says_what_it_is() -> None:
    silent = [
        f"{where(path, node)} {getattr(node, 'name', '')}"
        for path in sources("agent", "hub", "bench", "deploy")
        for node in (tree(path), *public(path))
        if not speaks_for_itself(node) and not ast.get_docstring(node)
    ]
    assert not silent


def test_docstrings_begin_with_a_sentence() -> None:
    lame = [
        f"{where(path, node)} {getattr(node, 'name', '')}: {first}"
        for path in sources("agent", "hub")
        for node in (tree(path), *public(path))
        if (words := ast.get_docstring(node))
        and not (first := words.split("\n\n")[0].strip()).endswith((".", "?", "!", ":", "::"))
    ]
    assert not lame


def test_everything_is_typed() -> None:
    untyped = [
        f"{where(path, function)} {function.name}"
        for path in sources("agent", "hub", "bench")
        for function in functions(path)
        if function.returns is None
    ]
    assert not untyped


def committed() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("this is not a git checkout: there is no list of committed files")
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


#: Put together here so that this file does not find itself.
UNFINISHED = re.compile("|".join([r"\bTO" + "DO", r"\bFIX" + "ME", r"\bXX" + r"X\b", "HA" + "CK"]))
HOSTS = re.compile(
    "|".join(("pypi" + r"\.org", "python" + "hosted", r"deb\.deb" + "ian", r"registry\.npm" + "js"))
)
MACHINE = re.compile("|".join(("/wo" + "rk/", "/home/[a-z]", "/ro" + "ot/")))


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        (UNFINISHED, "what is committed is finished"),
        (HOSTS, "where packages come from is the machine's business"),
        (MACHINE, "no path of anyone's machine belongs here"),
    ],
    ids=["unfinished", "hosts", "machine"],
)
def test_no_committed_text_holds(pattern: re.Pattern[str], why: str) -> None:
    found = []
    for path in committed():
        if "vendor" in path.parts or path.name == "LICENSE":
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{path.relative_to(ROOT)}: {hit}" for hit in pattern.findall(text)]
    assert not found, why


def test_the_packages_imported_are_the_ones_in_this_tree() -> None:
    """`agent` and `hub` are common names: another distribution must not stand in for them."""
    assert Path(agent.__file__).parent == ROOT / "agent"
    assert Path(hub.__file__).parent == ROOT / "hub"
