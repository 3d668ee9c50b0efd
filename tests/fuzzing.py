"""Sends requests made from the API's own document, right and wrong ones, and counts what is broken.

Run as a program (`make fuzz`) it takes every table, on a database of its own, and prints a summary.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import schemathesis
from flask import Flask
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema
from schemathesis.transport.wsgi import WSGITransport

from hub.api import ROOT
from hub.api.limits import Rate
from hub.api.parts import EXTENSION, Api
from hub.api.tables import served
from tests import cast as people
from tests.api import make_key
from tests.console import furnish, open_console
from tests.servers import postgres

#: Every status here may answer right data: the document cannot say all the rules of the trade.
RULES = ["2xx", "304", "403", "404", "409", "412", "422", "428"]


@dataclass
class Summary:
    """What was sent, how it was answered, and what was wrong with it."""

    operations: int = 0
    requests: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    failures: dict[str, int] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def add(self, other: Summary) -> None:
        """Count another one in."""
        self.operations += other.operations
        self.requests += other.requests
        self.statuses += other.statuses
        self.failures |= other.failures
        self.errors += other.errors
        self.seconds += other.seconds

    def __str__(self) -> str:
        answered = ", ".join(f"{n:,} x {status}" for status, n in sorted(self.statuses.items()))
        lines = [
            f"{self.operations:,} operations, {self.requests:,} requests in {self.seconds:.0f} s",
            f"answers: {answered}",
            f"broken promises: {len(self.failures)}",
            *(f"  {times:,} x {told}" for told, times in self.failures.items()),
            *(f"  error: {told}" for told in self.errors),
        ]
        return "\n".join(lines)


READING, CHANGING = ("GET",), ("POST", "PATCH", "DELETE")
#: Settings of sockets, which a call inside the process has no use for.
SOCKETS = ("max_redirects", "verify", "cert", "proxies")


@contextmanager
def without_sockets() -> Iterator[None]:
    """Keep talk of sockets from the WSGI client, which takes it for the request's own."""
    send = WSGITransport.send

    def sent(self: WSGITransport, case: Any, **told: Any) -> Any:
        return send(self, case, **{k: v for k, v in told.items() if k not in SOCKETS})

    with patch.object(WSGITransport, "send", sent):
        yield


def unhurried(app: Flask) -> None:
    """Let one key ask as often as it likes."""
    was: Api = app.extensions[EXTENSION]
    app.extensions[EXTENSION] = replace(was, rate=Rate(10**9, 10))


def settings(key: str, examples: int, seed_: int, *, coverage: bool) -> SchemathesisConfig:
    """How the document is tried: every phase but chains of calls, and both kinds of data."""
    config = SchemathesisConfig.from_dict(
        {
            "seed": seed_,
            "headers": {"Authorization": f"Bearer {key}"},
            "generation": {"max-examples": examples, "no-shrink": True, "database": "none"},
            "phases": {"stateful": {"enabled": False}, "coverage": {"enabled": coverage}},
            "checks": {
                "positive_data_acceptance": {"expected-statuses": RULES},
                "missing_required_header": {"expected-statuses": [400, 401, 403, 404, 422, 428]},
            },
            "continue-on-failure": True,
        }
    )
    config.output.sanitization.update(enabled=False)
    return config


def fuzz(
    app: Flask,
    key: str,
    paths: str,
    *,
    examples: int,
    seconds: float,
    seed_: int,
    coverage: bool = True,
    methods: Sequence[str] = (*READING, *CHANGING),
) -> Summary:
    """Try the operations whose path and method match, for at most so many seconds."""
    schema = schemathesis.openapi.from_wsgi(
        f"{ROOT}/openapi.json", app, config=settings(key, examples, seed_, coverage=coverage)
    ).include(path_regex=paths, method=list(methods))
    summary, began = Summary(), time.monotonic()
    with without_sockets():
        stream = from_schema(schema).execute()
        for event in stream:
            _take(summary, event)
            if time.monotonic() - began > seconds:
                stream.stop()
    summary.seconds = time.monotonic() - began
    return summary


def _take(summary: Summary, event: Any) -> None:
    if isinstance(event, events.NonFatalError):
        summary.errors.append(f"{event.label}: {event.value}")
    elif isinstance(event, events.FatalError):
        raise event.exception
    elif isinstance(event, events.ScenarioFinished):
        recorder = event.recorder
        summary.operations += 1
        for interaction in recorder.interactions.values():
            summary.requests += 1
            if interaction.response is not None:
                summary.statuses[interaction.response.status_code] += 1
        for case, checks in recorder.checks.items():
            for check in checks:
                if check.failure_info is not None:
                    _fail(summary, recorder, case, check)


def _fail(summary: Summary, recorder: Any, case: str, check: Any) -> None:
    failure = check.failure_info.failure
    answer = recorder.interactions[case].response
    status = "no answer" if answer is None else answer.status_code
    asked = recorder.interactions[case].request
    words = re.sub(r"\s+", " ", f"{failure.title}: {failure.message}")[:300]
    told = f"{recorder.label} → {status}: {words}"
    if told not in summary.failures:
        summary.failures[told] = 0
        body = asked.body and asked.body[:300]
        reply = answer.content[:300] if answer is not None else b""
        print(f"  {asked.method} {asked.uri[:400]} {body!r} → {reply!r}", file=sys.stderr)
    summary.failures[told] += 1


def of_tables(names: Iterable[str]) -> str:
    """Pattern of the paths of some tables."""
    return rf"^/({'|'.join(names)})(/|\.|$)"


def told() -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(description="Try the API against its own document.")
    parser.add_argument("tables", nargs="*", help="only these; all unless told")
    parser.add_argument("--examples", type=int, default=50, help="per operation")
    parser.add_argument("--seconds", type=float, default=60.0, help="at most, per table")
    parser.add_argument(
        "--thorough", action="store_true", help="also every one of the thousand filters of lists"
    )
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def main() -> int:
    """Try every table and print what came of it; 1 where a promise was broken."""
    asked, total = told(), Summary()
    folder = Path(tempfile.mkdtemp(prefix="wellflow-fuzz-", dir="/var/tmp"))
    folder.chmod(0o755)
    server = postgres.embedded(folder / "server")
    try:
        database = server.fresh(postgres.migrated)
        cast = people.engage(database.engine("owner"))
        furnish(database, cast.bluebonnet)
        app = open_console(database)
        unhurried(app)
        names = asked.tables or [
            "readings",
            "latest",
            "suspense",
            *("alert_holds", "on_call", "rotations", "escalation_policies", "notifications"),
            "alert_rules",
            *(table.name for table in served()),
        ]
        for name in names:
            key = make_key(database, cast.bluebonnet).presented
            one = Summary()
            for methods in (CHANGING, READING):
                one.add(
                    fuzz(
                        app,
                        key,
                        of_tables([name]),
                        examples=asked.examples,
                        seconds=asked.seconds / 2,
                        seed_=asked.seed,
                        methods=methods,
                        coverage=methods is CHANGING or asked.thorough,
                    )
                )
            print(f"{name}: {one}", flush=True)
            total.add(one)
        print(f"\nAll {len(names)}: {total}")
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if total.failures or total.errors else 0


if __name__ == "__main__":
    sys.exit(main())
