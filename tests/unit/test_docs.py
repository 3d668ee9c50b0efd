"""What the programs can be told, and what they say, is documented."""

from __future__ import annotations

import argparse
import base64
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import agent.__main__
import agent.settings
import hub.__main__
import hub.settings
from agent.contract.configfile import Section
from agent.contract.wire import LANES
from hub.jobs.schedule import SCHEDULE
from hub.schema import Base

ROOT = Path(__file__).resolve().parents[2]
SETTINGS, CLI, ARCHITECTURE, OPERATIONS = (
    (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")
    for name in ("settings", "cli", "architecture", "operations")
)

SITE = """
[agent]
name = "demo-pad"
shard = 1
[mqtt]
url = "mqtts://hub.example.com"
[[ports]]
name = "a"
host = "10.0.0.5"
[[ports]]
name = "b"
type = "rtu"
serial = "/dev/ttyUSB0"
[[devices]]
name = "one"
port = "a"
unit = 1
[[devices.holes]]
first = 50
last = 60
[[devices.gauges]]
name = "p"
register = 40001
type = "float32"
[[devices.gauges]]
name = "b"
address = 7
type = "bit"
bit = 3
"""


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, set[str]]:
    """Table of a settings file -> the keys that were asked for in it."""
    found: dict[str, set[str]] = {}
    done = Section.done

    def record(section: Section) -> None:
        table = re.sub(r"\[\d+\]", "[]", section.path)
        found.setdefault(table, set()).update(section._asked)
        done(section)

    monkeypatch.setattr(Section, "done", record)
    return found


def undocumented(asked: dict[str, set[str]], part: str) -> list[str]:
    text = re.split(rf"^## {part}$", SETTINGS, flags=re.M)[1].split("\n## ")[0]
    sections = dict(re.findall(r"^### (.+?)\n(.*?)(?=^### |\Z)", text, flags=re.M | re.S))
    tables = {re.split(r"[.\[]", table)[0] for table in asked}
    missing = []
    for table, keys in asked.items():
        brackets = f"[[{table.replace('[]', '')}]]" if table.endswith("[]") else f"[{table}]"
        heading = f"`{brackets}`" if table else "Top of the file"
        written = sections.get(heading, "")
        single = {key for key in keys if table or key not in tables}
        missing += [f"{heading} {key}" for key in sorted(single) if f"`{key}`" not in written]
    return missing


def test_every_setting_of_the_agent(asked: dict[str, set[str]], tmp_path: Path) -> None:
    path = tmp_path / "agent.toml"
    path.write_text(SITE)
    agent.settings.load(path, {})
    assert {"agent", "mqtt", "outbox", "ports[]", "devices[]", "devices[].gauges[]"} <= set(asked)
    assert not undocumented(asked, "Agent")


def test_every_setting_of_the_hub(asked: dict[str, set[str]]) -> None:
    environ = {
        "WELLFLOW_DATABASE_URL": "postgresql://localhost/x",
        "WELLFLOW_MQTT_URL": "mqtts://localhost",
        "WELLFLOW_SECRET_KEY": base64.b64encode(bytes(32)).decode(),
    }
    hub.settings.load(None, environ)
    assert {"", "database", "mqtt", "mail", "web", "documents", "cache"} <= set(asked)
    assert not undocumented(asked, "Hub")


def variables() -> set[str]:
    """Environment variables named in the code that are not settings of a file."""
    found = set()
    for room in ("agent", "hub", "tests", "bench"):
        for path in (ROOT / room).rglob("*.py"):
            if path.name == "test_configfile.py":
                continue  # it tries settings of its own making
            found |= set(re.findall(r"\bWELLFLOW_[A-Z_]+[A-Z]\b", path.read_text("utf-8")))
    sections = r"WELLFLOW_(MQTT|DATABASE|MAIL|WEB|DOCUMENTS|CACHE|CARRIER|SECOND_CARRIER|PUSH)_"
    return {name for name in found if not re.match(sections, name)}


def test_every_other_variable() -> None:
    ours = {"WELLFLOW_SUPERVISED"}  # between our own processes
    keys = {f"WELLFLOW_{key.upper()}" for key in re.findall(r"^\| `(\w+)`", SETTINGS, flags=re.M)}
    assert not {name for name in variables() - ours - keys if f"`{name}`" not in SETTINGS}


def verbs(parser: argparse.ArgumentParser, before: str = "") -> Iterator[tuple[str, list[str]]]:
    """Every verb of a command line with its own options."""
    groups = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    if not groups:
        names = [option for action in parser._actions for option in action.option_strings]
        yield before.strip(), [name for name in names if name.startswith("--")]
    for group in groups:
        for word, child in group.choices.items():
            yield from verbs(child, f"{before} {word}")


@pytest.mark.parametrize("program", ["wellflow-agent", "wellflow-hub"])
def test_every_verb_and_option(program: str) -> None:
    parser = {"wellflow-agent": agent.__main__, "wellflow-hub": hub.__main__}[program].parser()
    missing = []
    for verb, options in verbs(parser):
        if f"### `{program} {verb}" not in CLI:
            missing.append(f"{program} {verb}")
            continue
        written = CLI.split(f"### `{program} {verb}")[1].split("\n### ")[0].split("\n## ")[0]
        common = {"--help", "--json", "--log-level"}
        missing += [
            f"{program} {verb} {option}"
            for option in options
            if option not in common and f"`{option}" not in written
        ]
    assert not missing


def test_every_lane_of_the_wire() -> None:
    wire = ARCHITECTURE.split("## On the wire")[1].split("\n## ")[0]
    assert not [lane for lane in LANES if not re.search(rf"\b{lane} [a-z]+", wire)]


def test_every_table() -> None:
    assert not [name for name in Base.metadata.tables if f"`{name}`" not in ARCHITECTURE]


def test_every_job() -> None:
    assert not [job.name for job in SCHEDULE if f"| `{job.name}` |" not in OPERATIONS]


def test_every_file_of_a_migration() -> None:
    told = (ROOT / "migrations" / "README.md").read_text("utf-8").split("| file of revision ")
    files = {part[:4]: part for part in told[1:]}
    assert not [
        f"{file.parent.name}/{file.stem}"
        for file in sorted((ROOT / "migrations" / "sql").glob("*/*.sql"))
        if f"`{file.stem}`" not in files.get(file.parent.name, "")
    ]


def test_links_between_documents_lead_somewhere() -> None:
    documents = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "deploy" / "README.md"]
    assert not [
        f"{document.name}: {link}"
        for document in documents
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text("utf-8"))
        if not (document.parent / link).exists()
    ]
