"""The distribution as a stranger gets it: the wheel holds all, and the agent comes alone."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import venv
import zipfile
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from agent import __version__

ROOT = Path(__file__).resolve().parents[2]
LISTS = ["constraints.txt", *(f"constraints/{n}.txt" for n in ("agent", "hub", "demo", "build"))]
OFFICE = {"sqlalchemy", "flask", "psycopg", "numpy", "alembic", "orjson", "waitress", "requests"}


def pinned(name: str) -> dict[str, str]:
    """Package -> version and hashes, as one list says."""
    text = (ROOT / name).read_text()
    entries = re.split(r"\n(?=\S)", text.partition("\n")[2].partition("\n")[2])
    return {
        canonicalize_name(entry.partition("==")[0]): " ".join(entry.replace("\\", "").split())
        for entry in entries
        if "==" in entry
    }


@pytest.mark.parametrize("name", LISTS)
def test_every_package_has_a_version_and_a_hash(name: str) -> None:
    text = (ROOT / name).read_text()
    assert not re.search(r"--(extra-)?index|--find-links|https?:", text)
    for package, entry in pinned(name).items():
        assert re.match(r"\S+==\S+", entry), package
        assert "--hash=sha256:" in entry, package


@pytest.mark.parametrize("name", LISTS[1:])
def test_the_lists_agree(name: str) -> None:
    whole, part = pinned("constraints.txt"), pinned(name)
    assert part
    assert {package: whole.get(package) for package in part} == part


def test_the_lists_satisfy_what_is_asked_for() -> None:
    """A requirement that was changed without `make constraints` is noticed here."""
    for text in requires("wellflow") or ():
        requirement = Requirement(text)
        if requirement.name == "wellflow":
            continue
        version = pinned("constraints.txt")[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version.split()[0].partition("==")[2]), text


@pytest.mark.parametrize("extra", ["hub", "s3", "redis"])
def test_the_hub_s_list_holds_whatever_its_settings_may_name(extra: str) -> None:
    """The container has no other list: a store or cache it cannot load is one it does not have."""
    needed = {
        canonicalize_name(found.name)
        for found in map(Requirement, requires("wellflow") or ())
        if found.marker and found.marker.evaluate({"extra": extra})
    }
    assert needed
    assert needed <= set(pinned("constraints/hub.txt"))


def test_the_agent_s_list_is_short() -> None:
    assert set(pinned("constraints/agent.txt")) == {"paho-mqtt", "pymodbus", "pyserial"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


def test_the_wheel_holds_all(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    for room in ("agent", "hub"):
        for path in (ROOT / room).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                assert str(path.relative_to(ROOT)) in names
    for path in (ROOT / "migrations").rglob("*.sql"):
        assert f"hub/_migrations/{path.relative_to(ROOT / 'migrations')}" in names
    for path in (ROOT / "config" / "profiles").glob("*.toml"):
        assert f"agent/_profiles/{path.name}" in names
    for path in (ROOT / "config" / "alarm_templates").glob("*.toml"):
        assert f"hub/_config/alarm_templates/{path.name}" in names
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {"agent", "hub"}


@pytest.fixture(scope="module")
def alone(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with nothing but the agent."""
    folder = tmp_path_factory.mktemp("agent") / "env"
    try:
        venv.create(folder, with_pip=True)
    except subprocess.CalledProcessError:
        pytest.skip("this Python cannot make environments (apt install python3-venv)")
    command = [sys.executable, str(ROOT / "deploy" / "install.py"), "agent", "--into", str(folder)]
    done = subprocess.run(
        [*command, "--wheel", str(wheel)], capture_output=True, text=True, check=False
    )
    if done.returncode and "No matching distribution" in done.stdout + done.stderr:
        pytest.skip("the package index cannot be reached, so nothing can be installed")
    assert done.returncode == 0, done.stderr
    return folder


def run(environment: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a program of the environment, far from this tree."""
    environ = {name: text for name, text in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(
        [str(environment / "bin" / words[0]), *words[1:]],
        cwd=environment,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_the_agent_comes_alone(alone: Path) -> None:
    listed = run(alone, "python", "-m", "pip", "list", "--format=freeze").stdout
    found = {canonicalize_name(line.partition("==")[0]) for line in listed.splitlines()}
    assert found - {"pip", "setuptools"} == {"wellflow", *pinned("constraints/agent.txt")}
    for name in OFFICE:
        assert run(alone, "python", "-c", f"import {name}").returncode == 1


@pytest.mark.slow
def test_the_agent_checks_the_example(alone: Path) -> None:
    done = run(alone, "wellflow-agent", "check", str(ROOT / "config" / "agent.example.toml"))
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
def test_the_agent_finds_its_profiles_in_the_wheel(alone: Path) -> None:
    """The example names profiles; copied elsewhere it must find those that came along."""
    copy = alone / "agent.toml"
    copy.write_text((ROOT / "config" / "agent.example.toml").read_text())
    assert run(alone, "wellflow-agent", "check", str(copy)).returncode == 0


@pytest.mark.slow
def test_a_package_with_another_hash_is_refused(tmp_path: Path) -> None:
    altered = (ROOT / "constraints" / "agent.txt").read_text()
    altered = re.sub(r"sha256:[0-9a-f]{8}", "sha256:00000000", altered)
    (tmp_path / "agent.txt").write_text(altered)
    pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-cache-dir"]
    which = ["--require-hashes", "-r", str(tmp_path / "agent.txt"), "-d", str(tmp_path)]
    done = subprocess.run([*pip, *which], capture_output=True, text=True, check=False)
    if "No matching distribution" in done.stderr:
        pytest.skip("the package index cannot be reached, so nothing can be refused")
    assert done.returncode != 0
    assert "DO NOT MATCH THE HASHES" in done.stderr


def test_the_changelog_begins_with_this_version() -> None:
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), flags=re.M)
    assert newest is not None
    assert newest[1] == __version__
