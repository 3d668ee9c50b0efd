"""The API's files: lists taken away and taken in; and every command of docs/api.md, run."""

from __future__ import annotations

import csv
import io
import itertools
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from openpyxl import Workbook, load_workbook
from werkzeug.test import TestResponse

from hub.api.tables import CSV, XLSX
from tests.api import HOME, Office, Program, faults, open_office, problem
from tests.servers import postgres

DOCS = (Path(__file__).resolve().parents[2] / "docs" / "api.md").read_text("utf-8")
NAMES = (f"Filed {number}" for number in itertools.count(1))


@pytest.fixture(scope="module")
def office(plain_server: postgres.Server) -> Iterator[Office]:
    yield from open_office(plain_server)


@pytest.fixture(scope="module")
def owner(office: Office) -> Program:
    return office.program()


def lines_of(answer: TestResponse) -> list[dict[str, str]]:
    """The lines of a CSV file by their headings."""
    return list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))


def take_in(
    program: Program, lines: list[list[str]], asked: str = "", **headers: str
) -> TestResponse:
    """Send a CSV file of wells."""
    text = io.StringIO()
    csv.writer(text).writerows(lines)
    body = text.getvalue().encode()
    return program.ask("POST", f"/wells/import{asked}", body, Content_Type=CSV, **headers)


def test_a_list_leaves_as_csv_with_its_filters(office: Office, owner: Program) -> None:
    name = next(NAMES)
    office.new_well(owner, name, site='=HYPERLINK("x")')
    answer = owner.get(f"/wells.csv?name={name.replace(' ', '%20')}")
    assert answer.mimetype == CSV
    assert answer.headers["Content-Disposition"] == 'attachment; filename="wells.csv"'
    (line,) = lines_of(answer)
    assert line["Name"] == name
    assert not line["Site"].startswith("=")
    assert "name_" in faults(owner.get("/wells.csv?name_=x"))
    assert owner.get("/wells/history").status_code == 404


def test_a_list_leaves_as_a_workbook(office: Office, owner: Program) -> None:
    answer = owner.get("/wells.xlsx?sort=name&limit=1")
    assert answer.mimetype == XLSX
    sheet = load_workbook(io.BytesIO(answer.data)).worksheets[0]
    heads = [cell.value for cell in sheet[1]]
    names = [row[heads.index("Name")] for row in sheet.iter_rows(min_row=2, values_only=True)]
    assert {"Bluebonnet 1H", "Bluebonnet 2H"} <= set(names)
    assert "Cimarron 1H" not in names


def test_what_left_can_come_back_and_changes_nothing(office: Office, owner: Program) -> None:
    file = owner.get("/wells.csv").data
    report = owner.ask("POST", "/wells/import", file, Content_Type=CSV).get_json()
    assert (report["bad"], report["new"], report["changed"]) == (0, 0, 0), report
    assert report["unchanged"] == report["lines"] >= 2


def test_an_import_is_tried_first_and_tells_every_bad_line(office: Office, owner: Program) -> None:
    good, bad = next(NAMES), next(NAMES)
    lines = [
        ["name", "lease", "status"],
        [good, office.lease, "producing"],
        [bad, "nobody", "gone"],
    ]
    report = take_in(owner, lines).get_json()
    assert (report["stored"], report["new"], report["bad"]) == (False, 1, 1)
    assert {fault["line"] for fault in report["faults"]} == {3}
    stored = take_in(owner, lines, "?dry_run=false").get_json()
    assert (stored["stored"], stored["bad"]) == (False, 1)
    assert owner.get("/wells?q=filed&name=" + good.replace(" ", "%20")).get_json()["rows"] == []


def test_an_import_is_stored_once_for_a_key(office: Office, owner: Program) -> None:
    name = next(NAMES)
    lines = [["name", "lease_id"], [name, office.lease]]
    first = take_in(owner, lines, "?dry_run=false", Idempotency_Key="file")
    again = take_in(owner, lines, "?dry_run=false", Idempotency_Key="file")
    assert first.get_json()["stored"] is True
    assert again.data == first.data
    assert again.headers["Idempotency-Replayed"] == "true"
    found = owner.get(f"/wells?name={name.replace(' ', '%20')}").get_json()["rows"]
    assert [row["name"] for row in found] == [name]


def test_a_workbook_comes_in(office: Office, owner: Program) -> None:
    book, name = Workbook(), next(NAMES)
    sheet = book.active
    assert sheet is not None
    sheet.append(["Name", "Lease"])
    sheet.append([name, "Bluebonnet Energy Unit 1"])
    file = io.BytesIO()
    book.save(file)
    answer = owner.ask("POST", "/wells/import?dry_run=false", file.getvalue(), Content_Type=XLSX)
    assert answer.get_json()["new"] == 1


def test_what_is_no_table_is_refused(office: Office, owner: Program) -> None:
    post = "/wells/import"
    problem(owner.ask("POST", post, b"{}", Content_Type="application/json"), 415)
    for body in (b"", b"\x00\x01", b"PK\x03\x04nonsense"):
        problem(owner.ask("POST", post, body, Content_Type=CSV), 422)
    problem(owner.ask("POST", post, b"nothing\n1\n", Content_Type=CSV), 422)
    problem(owner.ask("POST", f"{post}?dry_run=0", b"name\nx\n", Content_Type=CSV), 422)
    problem(owner.ask("POST", post, bytes(33 * 2**20), Content_Type=CSV), 413)


# ------------------------------------------------------------------------------ docs/api.md, run


def commands() -> list[tuple[str, int]]:
    """Every curl command of the document with the status that stands beside it."""
    blocks = "\n".join(re.findall(r"^```sh\n(.*?)^```", DOCS, flags=re.S | re.M))
    return [
        (command.strip(), int(status))
        for command, status in re.findall(r"(curl .*?)\s+# (\d{3})$", blocks, flags=re.S | re.M)
    ]


def run(command: str, known: dict[str, str], program: Program) -> TestResponse:
    """Do what curl would."""
    filled = re.sub(r"\$(\w+)", lambda found: known[found[1]].replace('"', '\\"'), command)
    words = shlex.split(filled.replace("\\\n", " "))[1:]
    method, headers, body, url = "", {}, None, ""
    queue = iter(words)
    for word in queue:
        if word == "-X":
            method = next(queue)
        elif word == "-H":
            name, _, value = next(queue).partition(": ")
            headers[name] = value
        elif word in {"-d", "--data-binary"}:
            body = next(queue).encode()
        else:
            url = word
    return program.client.open(
        url.removeprefix(HOME), method=method or "GET", headers=headers, data=body, base_url=HOME
    )


def test_every_command_of_the_document_answers_as_it_says(office: Office) -> None:
    owner = office.program()
    known = {
        "HUB": HOME,
        "KEY": owner.headers["Authorization"].removeprefix("Bearer "),
        "WELL": str(office.cast.bluebonnet.wells[0]),
        "LEASE": office.lease,
        "TAG": str(office.cast.bluebonnet.tags[0]),
        "ETAG": owner.get(office.well).headers["ETag"],
    }
    assert len(commands()) >= 15
    for command, status in commands():
        answer = run(command, known, owner)
        told = (command, answer.data[:300])
        assert answer.status_code == status, told
