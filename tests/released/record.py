"""Records what a release asks of the database, while its own tests run.

``python -m tests.released.record COPY REVISION [TESTS …]``: COPY is a folder with the release's
files (``git archive RELEASE | tar -x -C COPY``; files are added there), REVISION the revision of
its tables. Writes ``tests/released/REVISION/statements.json`` (every distinct statement, one to a
line) and ``columns.json`` (the columns its classes read and write).
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
TESTS = ("tests/integration", "tests/journey", "tests/protocol")
NUMBER = re.compile(r"\$\d+")
SEVERAL = re.compile(r"(\([^()]*\$[^()]*\))(?:,\s*\([^()]*\$[^()]*\))+")
LISTED = re.compile(r"IN \(\$[^()]*\)")
HOOK = "from hub import _spy as _spy  # noqa: E402\n"

COLUMNS = """
import json
from hub.schema import Base
print(json.dumps({
    table.name: {column.name: str(column.type.compile()) for column in table.c}
    for table in Base.metadata.sorted_tables
}))
"""

Told = dict[str, Any]


def shape_of(sql: str) -> str:
    """What is the same in two statements that differ only in how many values they carry."""
    shape = " ".join(NUMBER.sub("$", sql).split())
    return SEVERAL.sub(r"\1", LISTED.sub("IN ($)", shape))


def gather(folder: Path) -> Iterator[Told]:
    """Everything the programs wrote down."""
    for file in sorted(folder.glob("*.jsonl")):
        for line in file.read_text(encoding="utf-8").splitlines():
            yield json.loads(line)


def distinct(statements: Iterable[Told]) -> list[Told]:
    """One of each shape and role: the shortest, with the most of its values given."""
    found: dict[tuple[str, str], Told] = {}
    for told in statements:
        key = (told["role"], shape_of(told["sql"]))
        if key not in found or _rank(told) < _rank(found[key]):
            found[key] = told
    return sorted(found.values(), key=lambda told: (told["from"], told["role"], told["sql"]))


def _rank(told: Told) -> tuple[int, int]:
    return len(told["sql"]), sum(value is None for value in told["values"])


def run_tests(copy: Path, tests: Iterable[str]) -> None:
    """Run the release's tests with the spy in its package; what they say goes to the screen."""
    shutil.copy(HERE / "spy.py", copy / "hub" / "_spy.py")
    start = copy / "hub" / "__init__.py"
    text = start.read_text(encoding="utf-8")
    if HOOK not in text:
        start.write_text(f"{text}\n{HOOK}", encoding="utf-8")
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--no-header", *tests], cwd=copy, check=False
    )


def columns_of(copy: Path) -> dict[str, dict[str, str]]:
    """Tables and columns of the release's classes, with their types."""
    done = subprocess.run(
        [sys.executable, "-c", COLUMNS], cwd=copy, check=True, capture_output=True, text=True
    )
    columns: dict[str, dict[str, str]] = json.loads(done.stdout)
    return columns


def write(folder: Path, statements: list[Told], columns: dict[str, dict[str, str]]) -> None:
    """Keep a recording: one statement, and one table, to a line."""
    folder.mkdir(exist_ok=True)
    lines = ",\n".join(json.dumps(told, ensure_ascii=False) for told in statements)
    (folder / "statements.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    tables = ",\n".join(f'"{name}": {json.dumps(found)}' for name, found in columns.items())
    (folder / "columns.json").write_text(f"{{\n{tables}\n}}\n", encoding="utf-8")


def main(words: list[str]) -> int:
    """Record a release; answers the exit code."""
    if len(words) < 2:
        print(__doc__)
        return 2
    copy, revision, tests = Path(words[0]).resolve(), words[1], words[2:] or TESTS
    run_tests(copy, tests)
    statements = distinct(gather(copy / "recorded"))
    write(HERE / revision, statements, columns_of(copy))
    print(f"{len(statements)} distinct statements of revision {revision}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
