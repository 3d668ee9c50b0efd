"""Runs every measurement of the alarms and prints a table; 1 when a figure is missed.

Every module of this package that has `measure(*, quick: bool) -> Figure` is one.
"""

from __future__ import annotations

import argparse
import importlib
import json
import pkgutil
import sys
from dataclasses import asdict
from types import ModuleType

import bench.alerts
from bench.alerts.figure import CannotMeasureError, Figure

#: In this order; whatever else there is comes after.
FIRST = ("recordings", "speed")
_MARKS = {True: "ok    ", False: "MISSED", None: "      "}


def main() -> int:
    """Measure, print, judge: 1 when a figure is missed, 3 when one cannot be measured here."""
    options = argparse.ArgumentParser(prog="python -m bench.alerts", description=__doc__)
    options.add_argument("figures", nargs="*", metavar="FIGURE", help="only these")
    options.add_argument("--quick", action="store_true", help="smaller, for a first look")
    options.add_argument("--json", action="store_true", help="for programs")
    chosen = options.parse_args()
    modules = measurements()
    unknown = sorted(set(chosen.figures) - set(modules))
    if unknown:
        print(f"there is no figure {unknown[0]}; there are {', '.join(modules)}", file=sys.stderr)
        return 2
    found: dict[str, Figure] = {}
    missing = False
    for name in chosen.figures or modules:
        try:
            found[name] = modules[name].measure(quick=chosen.quick)
        except CannotMeasureError as reason:
            missing = True
            print(f"{name}: {reason}", file=sys.stderr)
            continue
        if not chosen.json:
            print(table(found[name]), flush=True)
    if chosen.json:
        print(json.dumps({n: asdict(f) | {"met": f.met} for n, f in found.items()}, indent=2))
    if not all(figure.met for figure in found.values()):
        return 1
    return 3 if missing else 0


def measurements() -> dict[str, ModuleType]:
    """The modules that measure, by name."""
    names = sorted(
        (module.name for module in pkgutil.iter_modules(bench.alerts.__path__)),
        key=lambda name: (FIRST.index(name) if name in FIRST else len(FIRST), name),
    )
    modules = {n: importlib.import_module(f"bench.alerts.{n}") for n in names if n != "__main__"}
    return {name: module for name, module in modules.items() if hasattr(module, "measure")}


def table(figure: Figure) -> str:
    """A figure for people."""
    wide = max(len(line.what) for line in figure.lines)
    found = max(len(line.found) for line in figure.lines)
    rows = [
        f"  {_MARKS[line.met]} {line.what:<{wide}}  {line.found:>{found}}  {line.target}".rstrip()
        for line in figure.lines
    ]
    note = [f"  {figure.note}"] if figure.note else []
    return "\n".join([figure.title, *rows, *note, ""])


if __name__ == "__main__":
    sys.exit(main())
