"""Renew the constraints: every package with its version and hashes, one list per program.

Resolves for all platforms with `uv`, which is put into an environment of its own. The lists name
no package index: that is the machine's business.
"""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
LOCKER = HERE / ".cache" / "constraints"
LISTS = {
    "constraints.txt": ("--all-extras", "--group=dev", "--group=build"),
    "constraints/demo.txt": ("--extra=demo",),
    "constraints/hub.txt": ("--extra=hub", "--extra=s3", "--extra=redis"),
    "constraints/agent.txt": ("--extra=agent",),
    "constraints/build.txt": ("--group=build",),
}
HEADER = """\
# Made by `make constraints`; not edited by hand.
# Install with: pip install --require-hashes -r {name}
"""


def main() -> int:
    """Write every list; the lists of the programs take their versions from the whole."""
    uv = _uv()
    for name, what in LISTS.items():
        print(f"  {name}", flush=True)
        within = [] if name == "constraints.txt" else ["--constraints=constraints.txt"]
        source = [] if what == ("--group=build",) else ["pyproject.toml"]
        command = [str(uv), "pip", "compile", *source, *what, *within]
        command += ["--universal", "--python-version=3.11", "--generate-hashes", "--quiet"]
        command += ["--no-header", "--no-annotate", "--no-emit-index-url", "--upgrade"]
        done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=False)
        if done.returncode:
            print(done.stderr, file=sys.stderr)
            return 1
        (HERE / name).write_text(HEADER.format(name=name) + done.stdout)
    return 0


def _uv() -> Path:
    program = LOCKER / "bin" / "uv"
    if not program.exists():
        venv.create(LOCKER, with_pip=True)
        subprocess.run([str(LOCKER / "bin" / "pip"), "install", "--quiet", "uv"], check=True)
    return program


if __name__ == "__main__":
    sys.exit(main())
