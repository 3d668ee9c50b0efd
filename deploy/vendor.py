"""Fetch the pinned browser code: `npm pack`, verify, copy into hub/console/static/vendor.

Run as ``python deploy/vendor.py`` (``make vendor``). Needs npm, which asks the package registry the
machine is set up for. With ``--check`` nothing is fetched: the files at hand are hashed again.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "deploy" / "vendor.lock"
TARGET = ROOT / "hub" / "console" / "static" / "vendor"


class VendorError(Exception):
    """A package or file is not the one that was pinned."""


@dataclass(frozen=True, slots=True)
class Pinned:
    """One file of one package: where it stands in the tarball, here, and what it hashes to."""

    source: str
    target: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Package:
    """One pinned package."""

    name: str
    version: str
    integrity: str  #: "sha512-" and base64, as npm writes it
    files: tuple[Pinned, ...]


def read_lock(path: Path = LOCK) -> tuple[Package, ...]:
    """Read what is pinned."""
    lock = tomllib.loads(path.read_text())
    return tuple(
        Package(
            item["name"],
            item["version"],
            item["integrity"],
            tuple(Pinned(**file) for file in item["file"]),
        )
        for item in lock["package"]
    )


def wrong_files(packages: tuple[Package, ...], folder: Path = TARGET) -> Iterator[str]:
    """Name every file at hand that is missing, differs from its pin, or is pinned by nobody."""
    pinned = {file.target: file.sha256 for package in packages for file in package.files}
    for name, sha256 in pinned.items():
        path = folder / name
        if not path.is_file():
            yield f"{name}: missing; run `make vendor`"
        elif hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
            yield f"{name}: differs from deploy/vendor.lock"
    for path in sorted(folder.iterdir()):
        if path.name not in pinned:
            yield f"{path.name}: not in deploy/vendor.lock"


def fetch(package: Package, folder: Path) -> Path:
    """Have npm bring the tarball and hold it against the pin; raises `VendorError`."""
    subprocess.run(
        ["npm", "pack", f"{package.name}@{package.version}", "--silent"],
        cwd=folder,
        check=True,
        timeout=120,
        stdout=subprocess.DEVNULL,
    )
    tarball = folder / f"{package.name}-{package.version}.tgz"
    digest = base64.b64encode(hashlib.sha512(tarball.read_bytes()).digest()).decode()
    if f"sha512-{digest}" != package.integrity:
        raise VendorError(f"{package.name} {package.version}: the tarball is not the pinned one")
    return tarball


def unpack(package: Package, tarball: Path) -> None:
    """Copy the pinned files out of a verified tarball; raises `VendorError`."""
    with tarfile.open(tarball) as archive:
        for file in package.files:
            member = archive.extractfile(f"package/{file.source}")
            body = member.read() if member else b""
            if hashlib.sha256(body).hexdigest() != file.sha256:
                raise VendorError(f"{package.name}: {file.source} is not the pinned one")
            (TARGET / file.target).write_bytes(body)


def main() -> int:
    """Fetch or check; exit 1 with one line per fault."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only hash what is at hand")
    packages = read_lock()
    if not parser.parse_args().check:
        TARGET.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as folder:
            for package in packages:
                unpack(package, fetch(package, Path(folder)))
    faults = list(wrong_files(packages))
    sys.stdout.writelines(f"{fault}\n" for fault in faults)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
