"""Lists taken away as files, files taken in, and views kept under a name."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook

from hub import trail
from hub.database import Actor
from hub.register import export, importing, saved
from hub.register.catalog import RESOURCES
from hub.register.errors import Forbidden, Missing, Refused
from hub.register.query import parse_query
from tests.registering import Office, add, number, open_office
from tests.servers.postgres import Server, migrated

WELLS = RESOURCES["wells"]
HEAD = ["Well Name", "API No.", "Lease", "Status", "Measured depth (ft)", "Spud date", "Colour"]


@pytest.fixture(scope="module")
def office(plain_server: Server) -> Iterator[Office]:
    database = plain_server.fresh(migrated)
    yield open_office(database)
    plain_server.drop(database)


def sheet(*lines: list[Any], head: list[str] = HEAD) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([head, *lines])
    return text.getvalue().encode()


def tried(office: Office, data: bytes, role: str = "manager") -> importing.Report:
    header, lines = importing.read_table(data)
    with office.session(role) as session:
        mapping = importing.guess(WELLS, header)
        return importing.plan(session, office.actor(role), WELLS, lines, mapping)


def stored(office: Office, data: bytes, **how: Any) -> importing.Report:
    header, lines = importing.read_table(data)
    with office.session() as session:
        mapping = importing.guess(WELLS, header)
        return importing.apply(session, office.actor(), WELLS, lines, mapping, **how)


def told(report: importing.Report) -> list[tuple[int, str, str]]:
    return sorted((fault.line, fault.column, fault.sentence) for fault in report.faults)


LEASE = "Bluebonnet Energy Unit 1"
GOOD = ["Alpha 1", "42-389-00001", LEASE, "Shut in", "12,345.5", "3/31/2020", "red"]
CHANGED = ["bluebonnet 1h", "", LEASE, "plugged", "900", "", ""]
SAME = ["Bluebonnet 2H", "", LEASE, "producing", "", "", ""]
BAD = [
    ["Alpha 2", "42-389", "", "", "deep", "", ""],
    ["Alpha 3", "", "Nowhere", "", "", "", ""],
    ["Alpha 4", "42-389-00001", "", "", "70000", "", ""],
]


def test_a_trial_tells_every_bad_line_and_stores_nothing(office: Office) -> None:
    report = tried(office, sheet(GOOD, CHANGED, SAME, ["", ""], *BAD))
    assert (report.lines, report.new, report.changed, report.unchanged) == (6, 1, 1, 1)
    assert (report.bad, report.stored) == (3, False)
    assert told(report) == [
        (6, "api14", "API number takes 10, 12 or 14 digits, like 42-389-12345-00-00."),
        (6, "md_ft", "Measured depth takes a number like 1234.5; “deep” is not one."),
        (7, "lease_id", "Lease: there is no lease called “Nowhere”."),
        (8, "md_ft", "Measured depth takes 0 to 60000 ft."),
    ]
    with office.session() as session:
        assert number(session, "wells") == "2"


def test_one_bad_line_keeps_all_out_unless_it_is_left_out(office: Office) -> None:
    assert not stored(office, sheet(GOOD, BAD[1])).stored
    with office.session() as session:
        assert number(session, "wells") == "2"
    seen: list[tuple[int, int]] = []
    report = stored(
        office,
        sheet(GOOD, BAD[1], CHANGED),
        skip_bad=True,
        progress=lambda done, of: seen.append((done, of)),
    )
    assert (report.stored, report.new, report.changed, report.bad) == (True, 1, 1, 1)
    assert seen[-1] == (3, 3)
    with office.session() as session:
        assert number(session, "wells") == "3"
        noted = trail.recent(session, 5)
        assert "import" in [entry.verb for entry in noted]
    again = tried(office, sheet(GOOD, CHANGED))
    assert (again.new, again.changed, again.unchanged, again.bad) == (0, 0, 2, 0)


def test_only_who_may_add_may_import(office: Office) -> None:
    with pytest.raises(Forbidden):
        tried(office, sheet(GOOD), role="viewer")


def test_a_mapping_must_tell_what_is_needed(office: Office) -> None:
    _header, lines = importing.read_table(sheet(["1", "2"], head=["Site", "Site 2"]))
    with office.session() as session:
        with pytest.raises(Refused) as refused:
            importing.plan(
                session, office.actor(), WELLS, lines, {0: "site", 1: "site", 2: "depth"}
            )
        assert set(refused.value.faults) == {"site", "depth", "name"}


def encoded(kind: str) -> bytes:
    text = "Name;Site\r\nPad Ñ 1;São\r\n"
    marks = {"utf-8-sig": "utf-8-sig", "utf-16": "utf-16", "cp1252": "cp1252", "utf-8": "utf-8"}
    return text.encode(marks[kind])


@pytest.mark.parametrize("kind", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_files_are_read_in_any_usual_writing(kind: str) -> None:
    assert importing.read_table(encoded(kind)) == (["Name", "Site"], [["Pad Ñ 1", "São"]])


def test_a_workbook_is_read_by_what_is_in_it(office: Office) -> None:
    book = Workbook()
    assert book.active is not None
    book.active.append(["Well", "API", "Measured depth"])
    book.active.append(["Sheet 1", 4238900077, 1234.5])
    data = io.BytesIO()
    book.save(data)
    report = tried(office, data.getvalue())
    assert (report.new, report.faults) == (1, [])


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "The first line of the file must hold the names of its columns."),
        (b"\n\na,b", "The first line of the file must hold the names of its columns."),
        (b"PK\x03\x04junk", "The file looks like XLSX but cannot be read; save it again."),
        (b"a\0b", "The file is neither CSV nor XLSX."),
        (b"a" * 30_000, "A cell of the file holds more than 20,000 characters."),
        (b",".join([b"a"] * 300), "The file has more than 200 columns."),
    ],
)
def test_what_is_no_table_is_refused(data: bytes, sentence: str) -> None:
    with pytest.raises(Refused) as refused:
        importing.read_table(data)
    assert refused.value.faults == {"file": sentence}


# -------------------------------------------------------------------------------------- export


def taken(office: Office, kind: Any, *pairs: tuple[str, str], role: str = "manager") -> bytes:
    query = parse_query(WELLS, pairs)
    engine = office.database.engine("app")
    pieces = export.write(engine, office.ours.id, office.actor(role), WELLS, query, kind)
    return b"".join(pieces)


def sly(office: Office) -> None:
    """A well whose name a spreadsheet would calculate."""
    with office.session() as session:
        if number(session, "wells", ("name", "=1+1")) == "0":
            add(session, office, "wells", name="=1+1", site="@home", md_ft="10.25")


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_what_is_taken_away_can_be_taken_in_again(
    office: Office, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "PAGE", 2)  # so that there are several
    sly(office)
    data = taken(office, kind, ("sort", "-name"))
    report = tried(office, data)
    assert (report.new, report.changed, report.bad) == (0, 0, 0)
    with office.session() as session:
        assert report.unchanged == int(number(session, "wells"))


def test_no_cell_is_a_formula(office: Office) -> None:
    sly(office)
    lines = list(csv.reader(io.StringIO(taken(office, "csv").decode("utf-8-sig"))))
    column = lines[0].index("Name")
    assert "'=1+1" in [line[column] for line in lines]
    book = load_workbook(io.BytesIO(taken(office, "xlsx")))
    kinds = {cell.data_type for row in book.worksheets[0].iter_rows() for cell in row}
    assert "f" not in kinds


def test_an_export_is_the_list_as_filtered_and_its_references_are_named(office: Office) -> None:
    text = taken(office, "csv", ("name__contains", "2H")).decode("utf-8-sig")
    lines = list(csv.DictReader(io.StringIO(text)))
    assert [(line["Name"], line["Lease"]) for line in lines] == [("Bluebonnet 2H", LEASE)]
    assert "Organization" not in lines[0]


def test_who_may_not_export_is_refused_and_who_did_is_kept(office: Office) -> None:
    with pytest.raises(Forbidden):
        taken(office, "csv", role="pumper")
    taken(office, "csv")
    with office.session() as session:
        assert trail.recent(session, 1)[0].verb == "export"


# ----------------------------------------------------------------------------------------- views


def test_a_view_is_kept_offered_and_forgotten(office: Office) -> None:
    bob, alice = office.actor(), office.actor("owner")
    with office.session(actor=bob) as session:
        saved.keep(session, bob, WELLS, "Mine", "status=plugged&sort=-name")
        everybodys = saved.keep(session, bob, WELLS, "All", "q=alpha", shared=True)
        with pytest.raises(Refused, match="already a view “Mine”"):
            saved.keep(session, bob, WELLS, "Mine", "")
        with pytest.raises(Refused, match="no field “colour”"):
            saved.keep(session, bob, WELLS, "Red", "colour=red")
    with office.session(actor=alice) as session:
        assert [view.name for view in saved.views(session, alice, WELLS)] == ["All"]
    viewer = Actor(office.ours.pumper, None, "viewer", "console", "")
    with office.session(actor=viewer) as session:
        with pytest.raises(Refused, match="Only an owner or manager"):
            saved.keep(session, viewer, WELLS, "Ours", "", shared=True)
        with pytest.raises(Forbidden):
            saved.forget(session, viewer, everybodys.id)
    with office.session(actor=bob) as session:
        mine = next(v for v in saved.views(session, bob, WELLS) if v.name == "Mine")
        assert saved.forget(session, bob, mine.id) == "wells"
        with pytest.raises(Missing):
            saved.forget(session, bob, mine.id)


def test_a_line_with_an_unknown_reference_tells_its_other_faults(office: Office) -> None:
    head = ["Well Name", "Lease", "Measured depth (ft)", "Latitude", "Spud date"]
    report = tried(office, sheet(["", "Nowhere", "deep", "131.4", "2020-02-30"], head=head))
    columns = {column for _, column, _ in told(report)}
    assert columns == {"name", "lease_id", "md_ft", "lat", "spud_date"}
    known = tried(office, sheet(["Bluebonnet 1H", "Nowhere", "7", "131.4", ""], head=head))
    assert {column for _, column, _ in told(known)} == {"lease_id", "lat"}
