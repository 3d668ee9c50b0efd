"""Lists of a part of the daily records, one well, some days or past a volume, in any order."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from hub.database import ACTOR
from tests.registering import Office, listed, open_office
from tests.servers.postgres import Server, migrated

RECORDS = "production_records"
WELLS, DAYS = 20, 2_500
#: Rows that a list of a small part may look at, counting it and reading it; the table has 50,000.
FEW = 6_000

#: In passing, by a bitmap, and by each index.
LOOKED_AT = f"""
    SELECT pg_stat_get_xact_tuples_returned(oid) + pg_stat_get_xact_tuples_fetched(oid)
        + (SELECT sum(pg_stat_get_xact_tuples_fetched(indexrelid)) FROM pg_index
           WHERE indrelid = oid)
    FROM pg_class WHERE oid = '{RECORDS}'::regclass
"""
MADE = """
    INSERT INTO production_records (organization_id, production_date, well_id, completion_id,
        oil_bbl, gas_mcf, water_bbl, hours_on, tubing_psig, quality, source)
    SELECT %(organization)s, date '2019-01-01' + d, w.id, w.id,
        (CASE w.n WHEN 1 THEN 1 ELSE 500 END) - d * 0.0002 * w.n, CASE WHEN d %% 7 > 0 THEN d END,
        d %% 50, 24 - d %% 3, d %% 11, (ARRAY['good', 'good', 'bad'])[d %% 3 + 1], 'office'
    FROM (SELECT n, md5('well ' || n)::uuid AS id FROM generate_series(1, %(wells)s) n) w,
        generate_series(0, %(days)s - 1) d
"""


@dataclass
class Field:
    """Twenty wells, one of them weak; all make less oil from day to day."""

    office: Office
    weak: uuid.UUID

    def keys(self, where: str, order: str) -> list[uuid.UUID]:
        """Keys of the records that meet a condition, in an order."""
        with self.office.database.admin() as admin:
            found = admin.execute(f"SELECT id FROM {RECORDS} WHERE {where} ORDER BY {order}")
            return [key for (key,) in found]


@pytest.fixture(scope="module")
def field(plain_server: Server) -> Iterator[Field]:
    database = plain_server.fresh(migrated)
    office = open_office(database)
    with database.admin() as admin:
        admin.execute("SET session_replication_role = replica")
        told = {"organization": office.ours.id, "wells": WELLS, "days": DAYS}
        admin.execute(MADE, told)
        admin.execute(f"ANALYZE {RECORDS}")
        ((weak,),) = admin.execute("SELECT md5('well 1')::uuid").fetchall()
    yield Field(office, weak)
    plain_server.drop(database)


def pairs_of(field: Field, asked: str) -> list[tuple[str, str]]:
    """A list's parameters, written as in an address; `weak` is the weak well."""
    pairs = (one.partition("=") for one in asked.split("&"))
    return [(name, str(field.weak) if value == "weak" else value) for name, _, value in pairs]


def walked(session: Session, pairs: list[tuple[str, str]]) -> Iterator[list[Any]]:
    """Keys of the pages of a list, to its end and then back."""
    page = listed(session, RECORDS, *pairs)
    yield [row["id"] for row in page.rows]
    while page.next_cursor:
        page = listed(session, RECORDS, *pairs, ("cursor", page.next_cursor))
        yield [row["id"] for row in page.rows]
    while page.previous_cursor:
        page = listed(session, RECORDS, *pairs, ("cursor", page.previous_cursor))
        yield [row["id"] for row in page.rows]


@pytest.mark.parametrize("role", ["manager", "pumper"])
@pytest.mark.parametrize(
    ("asked", "where", "order"),
    [
        ("well_id=weak&sort=-oil_bbl", "well_id = :weak", "oil_bbl DESC, id DESC"),
        ("well_id=weak&sort=gas_mcf", "well_id = :weak", "gas_mcf ASC NULLS LAST, id"),
        (
            "well_id=weak&quality=bad&sort=-gas_mcf",
            "well_id = :weak AND quality = 'bad'",
            "gas_mcf DESC NULLS LAST, id DESC",
        ),
        ("well_id=weak&sort=-tubing_psig", "well_id = :weak", "tubing_psig DESC, id DESC"),
        (
            "production_date__gte=2020-03-01&production_date__lt=2020-04-01&sort=-water_bbl",
            "production_date >= '2020-03-01' AND production_date < '2020-04-01'",
            "water_bbl DESC, id DESC",
        ),
        (
            "production_date=2020-03-01&sort=oil_bbl",
            "production_date = '2020-03-01'",
            "oil_bbl, id",
        ),
        (
            "well_id=weak&production_date__gte=2020-03-01&oil_bbl__lt=0.92&sort=-oil_bbl",
            "well_id = :weak AND production_date >= '2020-03-01' AND oil_bbl < 0.92",
            "oil_bbl DESC, id DESC",
        ),
        (
            "oil_bbl__lte=0.52&sort=-production_date",
            "oil_bbl <= 0.52",
            "production_date DESC, id DESC",
        ),
    ],
)
def test_a_part_in_any_order_is_all_there_once(
    field: Field, role: str, asked: str, where: str, order: str
) -> None:
    wanted = field.keys(where.replace(":weak", f"'{field.weak}'"), order)
    assert len(wanted) > 10
    size = max(len(wanted) // 5, 2)
    with field.office.trial() as session:
        if role == "pumper":  # the same statements, under the policies
            session.info[ACTOR] = replace(field.office.actor(), role="pumper")
        pages = list(walked(session, [*pairs_of(field, asked), ("limit", str(min(size, 500)))]))
    forward = [key for page in pages[: len(pages) // 2 + 1] for key in page]
    assert forward == wanted
    assert pages == pages[::-1]  # back over the same pages


@pytest.mark.parametrize(
    "asked",
    [
        "well_id=weak&sort=-oil_bbl",
        "well_id=weak&quality=good&sort=-oil_bbl",
        "well_id=weak&oil_bbl__lte=0.9&sort=-water_bbl",
        "production_date__gte=2025-09-01&production_date__lte=2025-10-31&sort=-oil_bbl",
        "production_date=2025-10-01&sort=-oil_bbl",
    ],
)
def test_what_lies_at_the_end_of_an_order_is_not_looked_for_from_its_beginning(
    field: Field, asked: str
) -> None:
    with field.office.trial() as session:
        before = int(session.scalar(text(LOOKED_AT)) or 0)
        assert listed(session, RECORDS, *pairs_of(field, asked)).rows
        assert int(session.scalar(text(LOOKED_AT)) or 0) - before < FEW
