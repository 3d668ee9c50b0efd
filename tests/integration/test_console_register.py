"""The register over HTTP: lists, forms with faults, conflicts, history, files, import, roles."""

from __future__ import annotations

import html
import io
import json
import re
import time
import zlib
from collections.abc import Iterator

import pytest

from hub.jobs.schedule import forget_imports
from hub.permissions import allowed
from hub.register.catalog import RESOURCES
from tests.console import open_console, read, set_role, settings_for, signed_in
from tests.frontdesk import Office, fault_at, form_of, opened
from tests.servers import postgres

BANK = {
    "name": "Operating",
    "bank_name": "First National",
    "routing": "111000025",
    "account_enc": "000448817731",
}


@pytest.fixture(scope="module")
def office(
    plain_server: postgres.Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Office]:
    with opened(plain_server, tmp_path_factory.mktemp("documents")) as made:
        yield made


# ------------------------------------------------------------------------------------------ lists


def test_every_table_is_listed_for_who_may_see_it(office: Office) -> None:
    index = office.alice.get("/register").get_data(as_text=True)
    for name in RESOURCES:
        seen = allowed("owner", name, "see")
        assert (f'href="/register/{name}"' in index) == seen, name
        assert office.alice.get(f"/register/{name}").status_code == (200 if seen else 403), name
    assert office.alice.get("/register/no_such_table").status_code == 404


def test_a_list_filters_searches_sorts_and_says_so(office: Office) -> None:
    answer = office.alice.get("/register/wells?status=producing&q=bluebonnet&sort=-name")
    page = answer.get_data(as_text=True)
    names = re.findall(r'<th scope="row"[^>]*><a[^>]*>([^<]+)<', page)
    assert names[:2] == ["Bluebonnet 2H", "Bluebonnet 1H"]
    assert 'aria-sort="descending"' in page
    assert "Status: producing" in read(answer)
    assert "Nothing matches" in read(office.alice.get("/register/wells?name__contains=zzz"))


def test_empty_filter_fields_leave_the_address(office: Office) -> None:
    answer = office.alice.get("/register/wells?status=producing&md_ft__gte=&lease_id-title=")
    assert answer.status_code == 303
    assert answer.location == "/register/wells?status=producing"


def test_a_filter_that_makes_no_sense_is_said(office: Office) -> None:
    answer = office.alice.get("/register/wells?md_ft__gte=deep")
    assert answer.status_code == 422
    assert "Measured depth takes a number" in read(answer)


def test_facets_count_what_the_list_would_show(office: Office) -> None:
    words = read(office.alice.get("/register/equipment/facets"))
    assert re.search(r"2 .*pump jack 2", words)


def test_pages_go_forward_and_back(office: Office) -> None:
    page = office.alice.get("/register/wells?limit=1").get_data(as_text=True)
    following = html.unescape(re.search(r'rel="next" href="([^"]+)"', page)[1])  # type: ignore[index]
    second = office.alice.get(following).get_data(as_text=True)
    before = html.unescape(re.search(r'rel="prev" href="([^"]+)"', second)[1])  # type: ignore[index]
    name = re.compile(r'<th scope="row"[^>]*><a[^>]*>([^<]+)<')
    assert name.findall(page) != name.findall(second)
    assert name.findall(office.alice.get(before).get_data(as_text=True)) == name.findall(page)


def test_what_is_seen_is_exported(office: Office) -> None:
    answer = office.alice.get("/register/wells/export.csv?name=Bluebonnet+1H")
    lines = answer.get_data().decode("utf-8-sig").splitlines()
    assert len(lines) == 2
    assert "Bluebonnet 1H" in lines[1]
    assert "attachment" in answer.headers["Content-Disposition"]
    assert office.alice.get("/register/wells/export.xlsx").get_data().startswith(b"PK")
    assert office.carl.get("/register/wells/export.csv").status_code == 403


def test_a_view_is_kept_shared_and_forgotten(office: Office) -> None:
    sent = {"name": "Producers", "query": "status=producing", "shared": "yes"}
    assert office.alice.post("/register/wells/views", sent).status_code == 303
    page = office.bob.get("/register/wells").get_data(as_text=True)
    assert "Producers · shared" in page
    shown = office.bob.get("/register/wells?status=producing").get_data(as_text=True)
    forget = re.search(r'action="(/register/views/[^"]+/forget)"', shown)
    assert forget is not None
    assert office.bob.post(forget[1]).status_code == 303
    office.alice.get("/register/wells")  # shows once that the view is kept
    assert "Producers" not in read(office.alice.get("/register/wells"))


# ------------------------------------------------------------------------------------------ forms


def test_every_fault_stands_beside_its_field_and_nothing_is_saved(office: Office) -> None:
    before = office.rows("SELECT count(*) FROM wells")
    sent = {"name": "", "api14": "123", "md_ft": "deep", "status": "flying"}
    answer = office.alice.post("/register/wells/new", sent)
    assert answer.status_code == 422
    assert fault_at(answer, "name") == "Name is needed."
    assert "10, 12 or 14 digits" in fault_at(answer, "api14")
    assert "“deep” is not one" in fault_at(answer, "md_ft")
    assert "Status takes one of" in fault_at(answer, "status")
    assert form_of(answer)["md_ft"] == "deep"
    assert office.rows("SELECT count(*) FROM wells") == before


def test_the_databases_own_rule_is_one_sentence(office: Office) -> None:
    answer = office.alice.post("/register/wells/new", {"name": "Bluebonnet 1H"})
    assert answer.status_code == 422
    assert "already" in fault_at(answer, "name")


def test_a_reference_is_found_by_its_words(office: Office) -> None:
    office.add("leases", name="Twin Unit A")
    office.add("leases", name="Twin Unit B")
    sent = {"name": "Twin 1", "lease_id-title": "twin", "md_ft": "x"}
    answer = office.alice.post("/register/wells/new", sent)
    assert "several leases have “twin”" in fault_at(answer, "lease_id")
    assert "is not one" in fault_at(answer, "md_ft")  # all faults at once
    choices = re.findall(r'name="lease_id-choice" value="([^"]+)"', answer.get_data(as_text=True))
    assert len(choices) == 2
    chosen = {"name": "Twin 1", "lease_id-title": "twin", "lease_id-choice": choices[1]}
    made = office.alice.post("/register/wells/new", chosen)
    assert "Twin Unit" in read(office.alice.get(made.location))
    none = office.alice.post("/register/wells/new", {"name": "T 2", "lease_id-title": "nowhere"})
    assert "none has “nowhere”" in fault_at(none, "lease_id")


def test_suggestions_are_of_ones_own_rows(office: Office) -> None:
    page = office.alice.get("/register/wells/suggest?well_id-title=1H").get_data(as_text=True)
    assert "Bluebonnet 1H" in page
    assert "Cimarron" not in page


def test_only_what_was_changed_is_saved_and_the_history_tells(office: Office) -> None:
    path = office.well(1)
    sent = form_of(office.alice.get(f"{path}/edit"))
    answer = office.alice.post(f"{path}/edit", sent | {"md_ft": "19400", "lift_type": "esp"})
    assert answer.status_code == 303
    words = read(office.alice.get(f"{path}/history"))
    assert "Changed Alice" in words
    assert re.search(r"Measured depth .*19,400 ft", words)
    assert "console" in words
    assert "Added" in words


def test_a_lost_update_is_shown_side_by_side(office: Office) -> None:
    path = office.well()
    alices, bobs = (form_of(who.get(f"{path}/edit")) for who in (office.alice, office.bob))
    office.bob.post(f"{path}/edit", bobs | {"site": "Bob's pad", "tvd_ft": "9000"})
    answer = office.alice.post(f"{path}/edit", alices | {"site": "Alice's pad", "md_ft": "18000"})
    assert answer.status_code == 409
    words = read(answer)
    assert "Bob changed this well" in words
    assert words.index("Alice's pad") < words.index("Bob's pad")
    assert office.rows("SELECT site, md_ft FROM wells WHERE site = 'Alice''s pad'") == []
    again = form_of(answer) | {"site": "Alice's pad"}
    assert office.alice.post(f"{path}/edit", again).status_code == 303
    ((site, md_ft, tvd_ft),) = office.rows(
        "SELECT site, md_ft, tvd_ft FROM wells WHERE id = :id", id=office.cast.bluebonnet.wells[0]
    )
    assert (site, int(md_ft), int(tvd_ft)) == ("Alice's pad", 18000, 9000)  # neither is lost


def test_changes_to_other_fields_can_both_stand(office: Office) -> None:
    path = office.well()
    alices, bobs = (form_of(who.get(f"{path}/edit")) for who in (office.alice, office.bob))
    office.bob.post(f"{path}/edit", bobs | {"elevation_ft": "2700"})
    answer = office.alice.post(f"{path}/edit", alices | {"lift_type": "plunger"})
    assert answer.status_code == 409
    assert "both changes can stand" in read(answer)
    assert office.alice.post(f"{path}/edit", form_of(answer)).status_code == 303


def test_a_removed_row_is_gone_and_one_in_use_stays(office: Office) -> None:
    made = office.add("leases", name="Short-lived")
    asked = office.alice.get(f"{made}/remove")
    assert "Remove Short-lived?" in read(asked)
    assert office.alice.post(f"{made}/remove", form_of(asked)).status_code == 303
    assert office.alice.get(made).status_code == 404
    used = f"/register/leases/{office.cast.bluebonnet.lease}"
    answer = office.alice.post(f"{used}/remove", form_of(office.alice.get(f"{used}/remove")))
    assert answer.status_code == 422
    assert "Nothing was changed" in read(answer)
    assert office.alice.get(used).status_code == 200


def test_a_row_shows_what_belongs_to_it(office: Office) -> None:
    words = read(office.alice.get(f"{office.well()}/related"))
    assert "Equipment 1 Jack 1" in words


# --------------------------------------------------------------------------------- sealed values


def test_a_sealed_number_is_revealed_one_at_a_time_and_it_is_kept_who_looked(
    office: Office,
) -> None:
    path = office.add("bank_accounts", **BANK)
    page = read(office.alice.get(path))
    assert "•••• 7731" in page
    assert BANK["account_enc"] not in page
    shown = office.alice.post(f"{path}/reveal/account_enc")
    assert BANK["account_enc"] in read(shown)
    history = office.alice.get(f"{path}/history").get_data(as_text=True)
    assert "Revealed" in history
    assert BANK["account_enc"] not in history
    assert office.bob.post(f"{path}/reveal/account_enc").status_code == 403
    assert office.alice.post(f"{path}/reveal/name").status_code == 404


# ------------------------------------------------------------------------------------------ files

PDF = b"%PDF-1.7\n1 0 obj <<>> endobj\ntrailer <<>>\n%%EOF\n"


def test_a_file_is_kept_about_a_row_in_versions_and_sent_to_who_may_see_it(
    office: Office,
) -> None:
    well = office.well()
    page = office.alice.get(f"{well}/related").get_data(as_text=True)
    form = html.unescape(re.search(r'href="(/documents/new[^"]*)"', page)[1])  # type: ignore[index]
    sent = form_of(office.alice.get(form)) | {"title": "Completion report", "kind": "report"}
    made = office.alice.post("/documents", sent | {"file": (io.BytesIO(PDF), "report.pdf")})
    assert made.status_code == 303, read(made)
    assert "Completion report" in read(office.alice.get(f"{well}/related"))
    key = made.location.rpartition("/")[2]
    got = office.alice.get(f"/documents/{key}/content")
    assert got.get_data() == PDF
    assert got.headers["Content-Disposition"].startswith("attachment")
    version = {"file": (io.BytesIO(PDF + b"2"), "report.pdf")}
    newer = office.alice.post(f"/documents/{key}/version", version)
    assert newer.location != made.location
    assert "Completion report" in read(office.alice.get(newer.location))
    foreign = signed_in(office.app, "dora")
    assert foreign.get(f"/documents/{key}/content").status_code == 404


def test_a_file_that_is_not_kept_says_why(office: Office) -> None:
    sent = {"kind": "other", "file": (io.BytesIO(b"MZ\0\0program"), "setup.exe")}
    answer = office.alice.post("/documents", sent)
    assert answer.status_code == 422
    assert "program" in fault_at(answer, "file")
    assert "Choose a file." in fault_at(office.alice.post("/documents", {"kind": "other"}), "file")


# ----------------------------------------------------------------------------------------- import


def send(office: Office, sheet: str, table: str = "wells") -> str:
    file = {"file": (io.BytesIO(sheet.encode()), "wells.csv")}
    answer = office.alice.post(f"/register/{table}/import", file)
    assert answer.status_code == 303, read(answer)
    return str(answer.location)


def wait(office: Office, path: str) -> str:
    for _ in range(200):
        page = office.alice.get(path).get_data(as_text=True)
        if "<progress" not in page:
            return page
        time.sleep(0.05)
    raise TimeoutError(path)


def test_an_import_is_tried_before_it_is_stored(office: Office) -> None:
    path = send(office, "Well Name,Measured depth,Status\nNova 1,17000,producing\n,1,\nNova 2,x,\n")
    columns = form_of(office.alice.get(path))
    assert (columns["column-0"], columns["column-1"]) == ("name", "md_ft")
    office.alice.post(f"{path}/try", columns)
    page = wait(office, path)
    assert "Nothing is stored yet" in page
    lines = re.findall(r'class="num">(\d+)</th><td[^>]*>([^<]*)</td><td[^>]*>([^<]*)<', page)
    assert [(number, label) for number, label, _ in lines] == [
        ("3", "Name"),
        ("4", "Measured depth"),
    ]
    assert lines[0][2] == "Name is needed."
    assert office.rows("SELECT 1 FROM wells WHERE name LIKE 'Nova%'") == []
    office.alice.post(f"{path}/store")
    assert "Stored" in wait(office, path)
    assert office.rows("SELECT name, md_ft::int FROM wells WHERE name LIKE 'Nova%'") == [
        ("Nova 1", 17000)
    ]
    assert office.rows("SELECT DISTINCT door FROM audit_log WHERE after ->> 'name' = 'Nova 1'") == [
        ("import",)
    ]


def test_any_web_process_knows_a_file_on_its_way(office: Office) -> None:
    """Sent to one, tried by another, stored by the third; each tells how far it is."""
    path = send(office, "Well Name\nMany 1\nMany 2\n")
    other, third = (signed_in(open_console(office.database), "alice") for _ in range(2))
    other.post(f"{path}/try", form_of(other.get(path)))
    assert "Store 2 lines" in wait(office, path)
    third.post(f"{path}/store")
    assert "Stored" in wait(office, path)
    assert "Stored" in read(other.get(path))
    assert len(office.rows("SELECT 1 FROM wells WHERE name LIKE 'Many%'")) == 2


def test_a_file_whose_process_ended_is_said_to_be_lost_and_tried_again(office: Office) -> None:
    path = send(office, "Well Name\nLost 1\n")
    key = path.rpartition("/")[2]
    stuck = (
        "UPDATE import_files SET state = 'storing', seen_at = now() - %s::interval WHERE id = %s"
    )
    with office.database.admin() as connection:
        connection.execute(stuck, ["5 s", key])
        assert "<progress" in office.alice.get(path).get_data(as_text=True)
        connection.execute(stuck, ["2 min", key])
    assert "Nothing of it is stored; try it again" in read(office.alice.get(path))
    columns = form_of(office.alice.get(f"{path}?step=columns"))
    office.alice.post(f"{path}/try", columns)
    assert "Store 1 line" in wait(office, path)


def test_the_lines_of_a_file_are_sealed_and_go_after_an_hour(office: Office) -> None:
    path = send(office, "Well Name\nUnseen 1\n")
    newest = "SELECT content FROM import_files ORDER BY created_at DESC LIMIT 1"
    kept = bytes(office.rows(newest)[0][0])
    assert b"Unseen" not in kept
    with pytest.raises(zlib.error):
        zlib.decompress(kept)
    with office.database.admin() as connection:
        connection.execute("UPDATE import_files SET created_at = now() - interval '3 hours'")
    forget_imports(office.database.engine("work"), settings_for(office.database))
    assert office.alice.get(path).status_code == 404
    assert office.rows("SELECT 1 FROM import_files") == []


def test_a_file_on_its_way_is_its_senders_alone(office: Office) -> None:
    path = send(office, "name\nNobody 1\n")
    for step in ("", "/progress"):
        assert office.bob.get(path + step).status_code == 404
    for step in ("/try", "/store"):
        assert office.bob.post(path + step).status_code == 404
    assert office.alice.get(path.replace("/wells/", "/leases/")).status_code == 404


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "first line of the file must hold the names"),
        (b"name\n", "no lines below it"),
        (b"PK\x03\x04nonsense", "xlsx"),
    ],
)
def test_a_file_that_is_no_table_is_refused(office: Office, content: bytes, said: str) -> None:
    file = {"file": (io.BytesIO(content), "x.csv")}
    answer = office.alice.post("/register/wells/import", file)
    assert answer.status_code == 422
    assert said in read(answer).lower()


def test_a_needed_column_that_is_missing_is_asked_for(office: Office) -> None:
    path = send(office, "Depth of it,Colour\n1,red\n")
    answer = office.alice.post(f"{path}/try", form_of(office.alice.get(path)))
    assert answer.status_code == 422
    assert "Name" in read(answer)


# ------------------------------------------------------------------------------------------ roles


@pytest.mark.parametrize("role", ["pumper", "accountant", "viewer"])
def test_who_may_not_change_sees_no_way_to(office: Office, role: str) -> None:
    set_role(office.database, office.cast.bluebonnet.manager, role)
    try:
        bob = signed_in(office.app, "bob")
        words = bob.get("/register/wells").get_data(as_text=True)
        for sign in ("/register/wells/new", "/register/wells/import"):
            assert sign not in words
        assert ("export.csv" in words) == allowed(role, "wells", "export")
        for method, place in (("get", "new"), ("post", "new"), ("get", "import")):
            answer = getattr(bob, method)(f"/register/wells/{place}")
            assert answer.status_code == 403
            assert f"As {role} you may not add wells." in read(answer)
        seen = bob.get("/register/bank_accounts").status_code == 200
        assert seen == allowed(role, "bank_accounts", "see")
    finally:
        set_role(office.database, office.cast.bluebonnet.manager, "manager")


def test_a_pumper_sees_assigned_leases_only(office: Office) -> None:
    path = office.add("wells", name="Off the route")
    assert office.alice.get(path).status_code == 200
    assert office.carl.get(path).status_code == 404
    assert "Off the route" not in read(office.carl.get("/register/wells"))
    assert office.carl.get(office.well()).status_code == 200


def test_what_a_form_says_it_showed_is_not_trusted(office: Office) -> None:
    path = office.well()
    sent = form_of(office.alice.get(f"{path}/edit"))
    for was in ("", "[]", "{", json.dumps({"organization_id": "x"})):
        assert office.alice.post(f"{path}/edit", sent | {"was": was}).status_code in {303, 422}
