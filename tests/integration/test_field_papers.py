"""Rules of documents, reports, permits, contracts and incidents, each broken once."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from psycopg.errors import ForeignKeyViolation, UniqueViolation
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests import cast as people
from tests.cast import Cast
from tests.fieldwork import Office, at_work
from tests.servers.postgres import Database, Server, migrated


@pytest.fixture(scope="module")
def house(plain_server: Server) -> Iterator[tuple[Database, Cast]]:
    database = plain_server.fresh(migrated)
    yield database, people.engage(database.engine("owner"))
    plain_server.drop(database)


@pytest.fixture
def office(house: tuple[Database, Cast]) -> Iterator[Office]:
    with at_work(*house) as working:
        yield working


# ---------------------------------------------------------------------------------------- papers


def document(office: Office, **values: Any) -> uuid.UUID:
    return office.add(
        "documents",
        title="Lease",
        file_name="lease.pdf",
        media_type="application/pdf",
        size_bytes=3,
        sha256=bytes(32),
        storage_key="00/00",
        **values,
    )


def test_a_held_or_retained_document_is_not_deleted(office: Office) -> None:
    held = document(office, legal_hold=True)
    with office.refused("documents_held", "legal_hold", "lift the hold"):
        office.remove("documents", held)
    office.change("documents", held, legal_hold=False)
    office.remove("documents", held)
    kept = document(office, retention_until="2199-12-31")
    with office.refused("documents_retained", "retention_until", "until 2199-12-31"):
        office.remove("documents", kept)
    for day in ("2199-12-30", None):
        with office.refused("documents_retention_extended", "retention_until", "not shortened"):
            office.change("documents", kept, retention_until=day)
    office.remove("documents", document(office, retention_until="2001-01-01"))


def test_the_content_of_a_document_is_never_exchanged(office: Office) -> None:
    made = document(office)
    for values in ({"sha256": bytes(32)}, {"storage_key": "x"}, {"size_bytes": 4}):
        with pytest.raises(DBAPIError, match="permission denied"), office.connection.begin_nested():
            office.change("documents", made, **values)
    newer = document(office, supersedes_id=made)
    assert office.read("documents", newer).version == 2


def test_a_link_leads_to_a_row_of_the_same_operator_and_goes_with_it(office: Office) -> None:
    paper = document(office)
    for row in (uuid.uuid4(), office.rival):
        with office.refused("document_links_row", "row_id", "no such row", ForeignKeyViolation):
            office.add("document_links", document_id=paper, table_name="wells", row_id=row)
    with office.refused("document_links_table_name_check"):
        office.add("document_links", document_id=paper, table_name="users", row_id=office.well)
    battery = office.add("facilities", name="South battery")
    office.add("document_links", document_id=paper, table_name="facilities", row_id=battery)
    office.remove("facilities", battery)
    assert office.connection.scalar(text("SELECT count(*) FROM document_links")) == 0


def test_a_link_across_operators_cannot_be_made_even_by_the_owner(
    house: tuple[Database, Cast], office: Office
) -> None:
    paper = document(office)
    office.connection.execute(text("RESET ROLE"))
    office.connection.execute(text("SET ROLE wellflow_owner"))
    with office.refused("document_links_row", kind=ForeignKeyViolation):
        office.add("document_links", document_id=paper, table_name="wells", row_id=office.rival)


# ------------------------------------------------------------------------------------- compliance


def test_a_filed_report_stands_with_its_lines(office: Office) -> None:
    form = {"authority": "TX-RRC", "form_code": "form_pr", "period": "2024-05-01"}
    report = office.add("compliance_reports", **form)
    line = office.add(
        "compliance_report_lines", report_id=report, line_no=1, product="oil", produced=100
    )
    office.change("compliance_reports", report, status="filed")
    row = office.read("compliance_reports", report)
    assert row.filed_at is not None
    assert row.filed_by == office.cast.bluebonnet.manager
    assert row.title == "form_pr 2024-05"
    with office.refused("compliance_reports_filed", "status", "amend it"):
        office.change("compliance_reports", report, due_on="2024-07-01")
    with office.refused("compliance_reports_course", "status", "from filed to draft"):
        office.change("compliance_reports", report, status="draft")
    with office.refused("compliance_report_lines_filed", "report_id"):
        office.change("compliance_report_lines", line, produced=101)
    with office.refused("compliance_report_lines_filed", "report_id"):
        office.add("compliance_report_lines", report_id=report, line_no=2, product="gas")
    with office.refused("compliance_reports_filed"):
        office.remove("compliance_reports", report)
    with office.refused("compliance_reports_key", kind=UniqueViolation):
        office.add("compliance_reports", **form)
    office.add("compliance_reports", **form, revision=1, amends_id=report)
    office.change("compliance_reports", report, status="accepted", confirmation="PR-1")


@pytest.mark.parametrize(
    ("table", "constraint", "values"),
    [
        ("permits", "permits_permit_type_check", {"permit_type": "fishing"}),
        (
            "permits",
            "permits_expires_on_check",
            {"granted_on": "2024-02-01", "expires_on": "2024-01-01"},
        ),
        (
            "contracts",
            "contracts_ends_on_check",
            {"effective": "2024-02-01", "ends_on": "2024-01-01"},
        ),
        ("contracts", "contracts_escalation_month_check", {"escalation_month": 13}),
        ("incidents", "incidents_recovered_check", {"released": 5, "recovered": 6}),
        ("incidents", "incidents_injury_check", {"injury_class": "medical"}),
        ("incidents", "incidents_begins", {"status": "closed"}),
        ("incidents", "incidents_released_interval_check", {"released_low": 5, "released": 4}),
        ("incidents", "incidents_clock_reason_check", {"clock_choice": "discovered"}),
        ("maintenance_records", "maintenance_records_done_check", {"status": "done"}),
        ("maintenance_records", "maintenance_records_priority_check", {"priority": 5}),
    ],
)
def test_what_cannot_be_of_a_paper(
    office: Office, table: str, constraint: str, values: dict[str, Any]
) -> None:
    least: dict[str, dict[str, Any]] = {
        "permits": {"permit_no": "P1", "permit_type": "air", "authority": "EPA"},
        "contracts": {
            "contract_no": "C1",
            "title": "JOA",
            "contract_type": "joa",
            "counterparty": "Pecos",
        },
        "incidents": {
            "incident_no": "I1",
            "incident_class": "spill",
            "summary": "Flowline leak",
            "occurred_at": "2024-05-04",
        },
        "maintenance_records": {
            "work_order_no": "W1",
            "summary": "Belt",
            "well_id": office.well,
        },
    }
    office.add(table, **least[table])
    with office.refused(constraint):
        fresh = {"incident_no": "I2"} if table == "incidents" else {}
        office.add(table, **{**least[table], **fresh, **values})


def test_what_is_due_follows_from_end_and_notice(office: Office) -> None:
    permit = office.add(
        "permits",
        permit_no="P2",
        permit_type="injection_uic",
        authority="TX-RRC",
        expires_on="2025-12-31",
        notice_days=90,
    )
    assert str(office.read("permits", permit).renew_by) == "2025-10-02"
