"""Sends requests made from the API's own document, right and wrong ones, and counts what is broken.

Run as a program (`make fuzz`) it takes every table, on a database of its own, and prints a summary.
"""

from __future__ import annotations

import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import schemathesis
from flask import Flask
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema
from schemathesis.transport.wsgi import WSGITransport

from hub.api import ROOT
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


def settings(key: str, examples: int, seed_: int) -> SchemathesisConfig:
    """How the document is tried: every phase but chains of calls, and both kinds of data."""
    config = SchemathesisConfig.from_dict(
        {
            "seed": seed_,
            "headers": {"Authorization": f"Bearer {key}"},
            "generation": {"max-examples": examples, "no-shrink": True, "database": "none"},
            "phases": {"stateful": {"enabled": False}},
            "checks": {
                "positive_data_acceptance": {"expected-statuses": RULES},
                "missing_required_header": {"expected-statuses": [400, 401, 403, 404, 422, 428]},
            },
            "continue-on-failure": True,
        }
    )
    config.output.sanitization.update(enabled=False)
    return config


def fuzz(app: Flask, key: str, paths: str, *, examples: int, seconds: float, seed_: int) -> Summary:
    """Try the operations whose path matches, for at most so many seconds."""
    schema = schemathesis.openapi.from_wsgi(
        f"{ROOT}/openapi.json", app, config=settings(key, examples, seed_)
    ).include(path_regex=paths)
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


def main() -> int:
    """Try every table and print what came of it."""
    folder = Path(tempfile.mkdtemp(prefix="wellflow-fuzz-", dir="/var/tmp"))
    folder.chmod(0o755)
    server = postgres.embedded(folder / "server")
    broken = 0
    try:
        database = server.fresh(postgres.migrated)
        cast = people.engage(database.engine("owner"))
        furnish(database, cast.bluebonnet)
        app = open_console(database)
        key = make_key(database, cast.bluebonnet).presented
        total = Summary()
        names = ["readings", "latest", *(table.name for table in served())]
        for name in names:
            one = fuzz(app, key, of_tables([name]), examples=100, seconds=120, seed_=1)
            print(f"{name}: {one}", flush=True)
            total.operations += one.operations
            total.requests += one.requests
            total.statuses += one.statuses
            total.failures |= one.failures
            total.seconds += one.seconds
        print(f"\nAll {len(names)}: {total}")
        broken = len(total.failures)
    finally:
        server.stop()
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
