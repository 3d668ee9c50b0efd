"""Requests made from the API's own document, right and wrong: no fault, nothing undocumented.

A sample of tables in bounded time; `make fuzz` takes them all.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.api import Office, open_office
from tests.console import furnish
from tests.fuzzing import fuzz, of_tables, unhurried
from tests.servers import postgres

#: Tables of every kind of field: texts, numbers, lists, JSON, days, instants, sealed values.
SAMPLE = (
    "wells",
    "lease_assignments",
    "expenses",
    "production_records",
    "bank_accounts",
    "readings",
    "alert_holds|on_call|rotations|escalation_policies|notifications",
)
SECONDS = 20.0


@pytest.fixture(scope="module")
def office(plain_server: postgres.Server) -> Iterator[Office]:
    for made in open_office(plain_server):
        furnish(made.database, made.cast.bluebonnet)
        yield made


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_the_document_is_kept(office: Office) -> None:
    key = office.program().headers["Authorization"].removeprefix("Bearer ")
    began, requests = time.monotonic(), 0
    unhurried(office.app)
    for table in SAMPLE:
        left = SECONDS - (time.monotonic() - began)
        paths = of_tables([table])
        told = fuzz(
            office.app, key, paths, examples=5, seconds=max(left / 2, 10), seed_=7, coverage=False
        )
        assert not told.failures, str(told)
        assert not told.errors, str(told)
        requests += told.requests
    assert requests >= 5 * len(SAMPLE)
