"""TimescaleDB's Apache edition from Debian's own packages, unpacked into a private folder.

Nothing of the machine changes and no account is needed: the packages of a newer Debian are
downloaded with an apt that has folders of its own, unpacked, and their programs told to use the
loader and libraries unpacked beside them. The mirror is the one this machine already uses.
"""

from __future__ import annotations

import fcntl
import os
import platform
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SUITE = "trixie"
VERSION = 17
PACKAGE = f"postgresql-{VERSION}-timescaledb"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
TOOLS = ("apt-get", "apt-config", "dpkg-deb", "patchelf")
PROGRAMS = f"usr/lib/postgresql/{VERSION}/bin"

APT_CONFIG = """\
Dir "{folder}";
Dir::Etc "etc";
Dir::Etc::sourcelist "sources.list";
Dir::Etc::sourceparts "none";
Dir::Etc::parts "none";
Dir::Etc::preferencesparts "none";
Dir::State "state";
Dir::State::status "{folder}/state/status";
Dir::Cache "cache";
Dir::Log "log";
APT::Sandbox::User "{user}";
APT::Install-Recommends "false";
Acquire::Retries "2";
"""


class UnavailableError(Exception):
    """This machine cannot offer the server; the text is why a test is skipped."""


def programs() -> Path | str:
    """Folder of the server's programs, made on first use; or one line that says why not."""
    try:
        _check_machine()
        prefix = cache_folder() / f"timescale-apache-{VERSION}"
        with _alone(prefix):
            if not (prefix / "complete").exists():
                _make(prefix)
        return prefix / PROGRAMS
    except UnavailableError as reason:
        return f"TimescaleDB (Apache) is not at hand: {reason}"


def cache_folder() -> Path:
    """The project's own, or one that the server's account can reach when it cannot reach that."""
    project = Path(__file__).parents[2] / ".cache"
    reachable = all(folder.stat().st_mode & 0o001 for folder in project.parent.parents)
    if os.geteuid() or (reachable and project.parent.stat().st_mode & 0o001):
        return project
    return Path("/var/tmp/wellflow-cache")


def _check_machine() -> None:
    release = platform.freedesktop_os_release() if Path("/etc/os-release").exists() else {}
    if release.get("ID") != "debian":
        raise UnavailableError("this machine is not Debian")
    for tool in TOOLS:
        if shutil.which(tool) is None:
            raise UnavailableError(f"{tool} is not installed (apt install patchelf dpkg apt)")
    if not KEYRING.exists():
        raise UnavailableError("Debian's archive keyring is missing")


@contextmanager
def _alone(prefix: Path) -> Iterator[None]:
    """Let no other run of the tests make the same folder at the same time."""
    prefix.parent.mkdir(parents=True, exist_ok=True)
    with prefix.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _make(prefix: Path) -> None:
    shutil.rmtree(prefix, ignore_errors=True)
    prefix.mkdir()
    downloads = prefix.with_suffix(".apt")
    try:
        for package in _download(downloads):
            _run(["dpkg-deb", "-x", str(package), str(prefix)], 60)
    finally:
        shutil.rmtree(downloads, ignore_errors=True)
    _use_own_libraries(prefix)
    (prefix / "complete").touch()


def _download(folder: Path) -> list[Path]:
    """Fetch the package and all it needs, with an apt whose every folder is `folder`."""
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("etc/none", "state/lists/partial", "cache/archives/partial", "log"):
        (folder / name).mkdir(parents=True)
    (folder / "state/status").touch()
    (folder / "etc/sources.list").write_text(
        f"deb [signed-by={KEYRING}] {_mirror()} {SUITE} main\n"
    )
    user = "root" if os.geteuid() == 0 else os.environ.get("USER", "")
    config = folder / "apt.conf"
    acquire = _run(["apt-config", "dump", "Acquire"], 20)  # the machine's proxies and the like
    config.write_text(acquire + APT_CONFIG.format(folder=folder, user=user))
    _run(["apt-get", "update", "-qq"], 120, config)
    _run(["apt-get", "install", "-y", "-qq", "--download-only", PACKAGE], 300, config)
    return sorted((folder / "cache/archives").glob("*.deb"))


def _mirror() -> str:
    """The mirror this machine gets its own release from."""
    release = platform.freedesktop_os_release().get("VERSION_CODENAME", "")
    targets = _run(["apt-get", "indextargets", "--format", "$(SITE) $(RELEASE) $(COMPONENT)"], 20)
    for line in targets.splitlines():
        site, *rest = line.split()
        if rest == [release, "main"]:
            return site
    raise UnavailableError("apt knows no Debian mirror on this machine")


def _use_own_libraries(prefix: Path) -> None:
    """Point every program at the loader and libraries beside it.

    LD_LIBRARY_PATH would not do: the server starts shells of this machine, which must not get them.
    """
    loaders = sorted(prefix.glob("usr/lib/*-linux-gnu*/ld-linux-*.so.*"))
    if not loaders:
        raise UnavailableError(f"the packages of {SUITE} brought no loader")
    libraries = str(loaders[0].parent)
    for program in (prefix / PROGRAMS).iterdir():
        if program.read_bytes()[:4] == b"\x7fELF":
            patch = [
                "--set-interpreter",
                str(loaders[0]),
                "--force-rpath",
                "--set-rpath",
                libraries,
            ]
            _run(["patchelf", *patch, str(program)], 60)


def _run(command: list[str], patience_s: float, apt_config: Path | None = None) -> str:
    environ = os.environ | {"LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
    if apt_config:
        environ["APT_CONFIG"] = str(apt_config)
    try:
        done = subprocess.run(
            command,
            env=environ,
            capture_output=True,
            text=True,
            timeout=patience_s,
            check=True,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired as fault:
        raise UnavailableError(f"{command[0]} took longer than {patience_s:.0f} s") from fault
    except subprocess.CalledProcessError as fault:
        words = (fault.stderr or fault.stdout).strip().splitlines() or ["no reason given"]
        raise UnavailableError(f"{' '.join(command[:2])} failed: {words[-1]}") from fault
    return done.stdout
