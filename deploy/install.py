"""Make an environment and install WellFlow into it: ``deploy/install.py agent|hub|demo|dev``.

Standard library only, for it runs before anything is installed. Every package is checked against
the version and the hashes written down in ``constraints/``; one that differs is refused. The
project itself is installed from this folder, editable, or from a wheel named with ``--wheel``.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import os
import re
import subprocess
import sys
import venv
from collections.abc import Iterable
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
BUILD = HERE / "constraints" / "build.txt"
LISTS = {
    "agent": HERE / "constraints" / "agent.txt",
    "hub": HERE / "constraints" / "hub.txt",
    "demo": HERE / "constraints" / "demo.txt",
    "dev": HERE / "constraints.txt",
}
#: What an environment with the first also serves.
INCLUDES = {"dev": ("demo", "hub", "agent"), "demo": ("hub", "agent"), "hub": (), "agent": ()}
BAR = 24


def main() -> int:
    """Read the command line, install, say what went wrong in one sentence."""
    words = argparse.ArgumentParser(description="Install WellFlow with checked packages.")
    words.add_argument("what", choices=LISTS, help="which program, or everything to develop")
    words.add_argument("--into", type=Path, default=HERE / ".venv", help="environment to make")
    words.add_argument("--wheel", type=Path, help="install this wheel instead of the folder")
    asked = words.parse_args()
    try:
        install(asked.what, asked.into.absolute(), asked.wheel)
    except InstallError as fault:
        print(f"\n{fault}", file=sys.stderr)
        return 1
    return 0


class InstallError(Exception):
    """The environment cannot be made; the text says why and what to do."""


def install(what: str, into: Path, wheel: Path | None) -> None:
    """Make the environment if it is not there, and install what is missing or has changed."""
    serving = [name for name in LISTS if what in (name, *INCLUDES[name])]
    if any(_is_installed(into, name, wheel) for name in serving):
        return
    python = _make_environment(into)
    _install_packages(python, LISTS[what])
    if not wheel and what != "dev":  # dev's list holds them already
        _install_packages(python, BUILD)
    _install_project(python, wheel)
    (into / f".wellflow-{what}").write_text(_fingerprint(what, wheel))


def _is_installed(into: Path, what: str, wheel: Path | None) -> bool:
    stamp = into / f".wellflow-{what}"
    return stamp.exists() and stamp.read_text() == _fingerprint(what, wheel)


def _fingerprint(what: str, wheel: Path | None) -> str:
    """Digest of everything that decides what is installed."""
    digest = hashlib.sha256(str(HERE).encode())
    for path in (LISTS[what], HERE / "pyproject.toml", *([wheel] if wheel else [])):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _make_environment(into: Path) -> Path:
    python = into / "bin" / "python"
    if python.exists() and _works(python):
        return python
    if sys.version_info < (3, 11):  # noqa: UP036 - this file is run by whatever Python there is
        have = ".".join(map(str, sys.version_info[:2]))
        raise InstallError(
            f"WellFlow needs Python 3.11 or newer and this is {have}; "
            f"name a newer one: make PYTHON=python3.11 …"
        )
    if importlib.util.find_spec("ensurepip") is None:
        raise InstallError(
            "This Python cannot make environments because it came without ensurepip; on Debian "
            "and Ubuntu install it with: sudo apt-get install python3-venv"
        )
    if into.exists() and any(into.iterdir()) and not (into / "pyvenv.cfg").exists():
        raise InstallError(f"{into} is not an environment; name another folder with --into")
    print(f"  environment  {_short(into)}", flush=True)
    try:
        venv.create(into, with_pip=True, symlinks=True, clear=True)
    except (OSError, subprocess.CalledProcessError) as fault:
        raise InstallError(f"The environment {into} cannot be made: {fault}") from fault
    return python


def _works(python: Path) -> bool:
    """Whether an environment still belongs to a Python that exists, and holds pip."""
    check = [str(python), "-c", "import pip"]
    return subprocess.run(check, capture_output=True, check=False).returncode == 0


def _install_packages(python: Path, listed: Path) -> None:
    names = re.findall(r"^([A-Za-z0-9._-]+)==", listed.read_text(), re.MULTILINE)
    command = [*_pip(python), "--require-hashes", "-r", str(listed)]
    print(f"  packages     {len(names)} listed in {_short(listed)}", flush=True)
    _run(command, names)


def _install_project(python: Path, wheel: Path | None) -> None:
    source = [str(wheel)] if wheel else ["--no-build-isolation", "--editable", str(HERE)]
    print(f"  wellflow     from {_short(wheel or HERE)}", flush=True)
    _run([*_pip(python), "--no-deps", *source], [])


def _pip(python: Path) -> list[str]:
    options = ["--disable-pip-version-check", "--no-input", "--progress-bar", "off"]
    return [str(python), "-m", "pip", "install", *options]


def _run(command: list[str], names: list[str]) -> None:
    """Run pip, turn its lines into one line of progress, and keep its words for a fault."""
    environ = os.environ | {"PIP_ROOT_USER_ACTION": "ignore", "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout is not None
    said = _follow(process.stdout, len(names))
    if process.wait():
        words = "\n".join(f"    {line}" for line in said[-20:])
        raise InstallError(
            f"pip could not install the packages; it said:\n{words}\n"
            "Without network, name a folder of downloaded wheels in PIP_FIND_LINKS."
        )


def _follow(lines: Iterable[str], total: int) -> list[str]:
    said: list[str] = []
    seen: set[str] = set()
    live = sys.stdout.isatty()
    for line in lines:
        said.append(line.rstrip())
        found = re.match(r"(?:Collecting|Requirement already satisfied:) ([A-Za-z0-9._-]+)", line)
        if found and total:
            seen.add(found[1].lower())
            _show(len(seen), total, found[1], live=live)
        elif line.startswith("Installing collected") and total:
            _show(total, total, "unpacking", live=live)
    if total and live:
        print("\r\033[K", end="", flush=True)
    return said


def _show(done: int, total: int, name: str, *, live: bool) -> None:
    filled = BAR * min(done, total) // total
    bar = "█" * filled + "░" * (BAR - filled)
    if live:
        print(f"\r\033[K               {bar} {done}/{total} {name}", end="", flush=True)
    elif done % 20 == 0 or name == "unpacking":
        print(f"               {min(done, total)}/{total} {name}", flush=True)


def _short(path: Path) -> str:
    """A path as seen from where we are."""
    try:
        return str(path.relative_to(Path.cwd())) or "."
    except ValueError:
        return str(path)


if __name__ == "__main__":
    sys.exit(main())
