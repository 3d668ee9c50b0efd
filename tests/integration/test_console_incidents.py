"""Incidents in the console: report, facts, calls, the file, rules; and who may do what."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import uuid
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from PIL import Image

from hub.incidents.dossier import digest
from hub.trail import seal_due
from tests.api import faults, with_key
from tests.cast import engage
from tests.console import Visitor, open_console, signed_in
from tests.incidenting import NOW, Desk, ago, desk_of
from tests.servers.postgres import Server, migrated


@pytest.fixture(scope="module")
def desk(plain_server: Server) -> Iterator[Desk]:
    database = plain_server.fresh(migrated)
    yield desk_of(database, engage(database.engine("owner")))
    plain_server.drop(database)


@pytest.fixture(scope="module")
def app(desk: Desk) -> Flask:
    return open_console(desk.database)


@pytest.fixture(scope="module")
def bob(app: Flask) -> Visitor:
    return signed_in(app, "bob")


def words(body: str) -> str:
    """A page's text."""
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def report(desk: Desk, who: Visitor, **values: str) -> str:
    """Report a spill in the console; answers the address of its page."""
    fields = {
        "kind": "spill",
        "where": f"lease:{desk.operator.lease}",
        "summary": "Flowline leak at the header",
        "at": ago(hours=1).strftime("%Y-%m-%dT%H:%M:%S+00:00"),
    } | values
    answer = who.post("/incidents/new", fields)
    assert answer.status_code == 303, words(answer.text)
    return answer.headers["Location"]


def tell(who: Visitor, page: str, **facts: str) -> Any:
    """Send the facts form with these fields changed."""
    was = dict.fromkeys(facts, "") if "was" not in facts else {}
    return who.post(f"{page}/facts", {**facts, "was": json.dumps(was)})


def pdf_text(body: bytes) -> str:
    """The words of a PDF as reportlab writes it: compressed streams of shown strings."""
    shown = []
    for stream in re.findall(rb"stream\r?\n(.*?)endstream", body, re.S):
        packed = stream.strip()
        if packed.endswith(b"~>"):
            packed = base64.a85decode(packed[:-2])
        try:
            content = zlib.decompress(packed)
        except zlib.error:
            continue
        shown += re.findall(rb"\((.*?)(?<!\\)\) Tj", content)
    return re.sub(r"\\([()\\])", r"\1", b" ".join(shown).decode("latin-1"))


def picture(width: int, height: int) -> bytes:
    """A photo as a phone would send it."""
    out = io.BytesIO()
    Image.effect_noise((width, height), 40).convert("RGB").save(out, "JPEG")
    return out.getvalue()


def notice_of(who: Visitor, page: str) -> str:
    """The address of the most urgent notice of an incident."""
    found = re.search(rf"{page}/notices/[0-9a-f-]+", who.get(page).text)
    assert found is not None
    return found.group()


def call_the_railroad_commission(bob: Visitor, page: str) -> str:
    """Read the script, try without a reference, record the call and what was filed."""
    script = notice_of(bob, page)
    sheet = words(bob.get(script).text)
    assert "Worksheet for form H-8" in sheet
    assert "RRC district office (24 h line)" in sheet
    assert "not known yet" in sheet  # the cause

    bare = bob.post(script, {"act": "told", "told_to": "Officer Diaz", "method": "phone"})
    assert bare.status_code == 422
    assert "This is needed." in bare.text
    assert "Officer Diaz" in bare.text  # what was typed is still there
    call = {
        "act": "told",
        "told_to": "Officer Diaz",
        "method": "phone",
        "reference": "RRC-1180",
        "done_at": ago(minutes=2).strftime("%Y-%m-%dT%H:%M:%S+00:00"),
    }
    assert bob.post(script, call).status_code == 303
    filed = {"act": "filed", "filed_reference": "H-8/77", "filed_at": call["done_at"]}
    assert bob.post(script, filed).status_code == 303
    return script


def add_photos(bob: Visitor, page: str) -> bytes:
    """One that is damaged, and one as a phone takes it, which is given back."""
    photo = (io.BytesIO(photo_bytes()), "leak.png")
    entry = {"note": "Clamped the flowline", "lat": "31.4", "lon": "-103.5", "photo": photo}
    assert bob.post(f"{page}/entries", entry).status_code == 303
    taken = picture(1600, 1200)
    entry |= {"note": "The clamp, tight", "photo": (io.BytesIO(taken), "clamp.jpg")}
    assert bob.post(f"{page}/entries", entry).status_code == 303
    return taken


def test_from_report_to_closed_with_calls_and_file(desk: Desk, bob: Visitor, app: Flask) -> None:
    page = report(desk, bob)
    assert "perhaps" in bob.get(page).text  # nobody knows how much: Texas counts down
    answer = tell(
        bob,
        page,
        fluid="oil",
        released_low="3",
        released="6",
        released_high="9",
        reached_water="false",
        threatens_water="false",
        inside_containment="true",
    )
    assert answer.status_code == 303, words(answer.text)
    shown = words(bob.get(page).text)
    assert "volume released 6 bbl &gt; 5" in shown
    assert "6 bbl (3 to 9)" in shown

    script = call_the_railroad_commission(bob, page)
    taken = add_photos(bob, page)
    assert bob.post(f"{page}/actions", {"measure": "Replace the flowline"}).status_code == 303
    for status in ("confirmed", "contained", "resolved"):
        bob.post(f"{page}/status", {"status": status})
    bob.post(f"{page}/review", {"root_cause": "Corrosion", "review": "Inspect yearly."})
    bob.post(f"{page}/status", {"status": "reviewed"})
    bob.post(f"{page}/status", {"status": "closed"})
    refused = words(bob.get(page).text)
    assert "a corrective action is not done yet" in refused or "still owed a notice" in refused

    seal_due(desk.database.engine("work"))
    told = json.loads(bob.get(f"{page}/file.json").text)
    check_file(told, hashlib.sha256(photo_bytes()).hexdigest())
    check_paper(bob.get(f"{page}/file.pdf"), told, taken)
    script_paper = pdf_text(bob.get(f"{script}/script.pdf").data)
    assert "Record of the call" in script_paper


def photo_bytes() -> bytes:
    return b"\x89PNG\r\n\x1a\n" + b"\0" * 64


def check_file(told: dict[str, Any], photo: str) -> None:
    """The file holds everything, its own hash, and the head of the audit chain."""
    assert told["format"] == "wellflow-incident-1"
    assert told["sha256"] == digest(told)
    assert told["incident"]["released"] == "6"
    texas = next(o for o in told["obligations"] if "16 TAC 3.20" in o["rule"])
    assert (texas["status"], texas["reference"], texas["told_by_name"]) == (
        "filed",
        "RRC-1180",
        "Bob",
    )
    assert texas["rule_as_judged"]["logic"].startswith("fluid = oil")
    assert told["documents"][0]["sha256"] == photo
    kinds = [entry["kind"] for entry in told["timeline"]]
    assert {"opened", "facts", "notice", "photo", "status", "review"} <= set(kinds)
    assert told["audit_chain_head"]["number"] > 0
    assert len(told["audit_chain_head"]["hash"]) == 64


def check_paper(paper: Any, told: dict[str, Any], taken: bytes) -> None:
    """The paper says what the file says, and shows the photo."""
    assert paper.mimetype == "application/pdf"
    text = pdf_text(paper.data)
    assert paper.data.count(b"/Subtype /Image") == 1
    assert len(paper.data) < len(taken)
    for said in (
        "Photo 1: The clamp, tight",
        "at 31.4, -103.5",
        "photo 1 below",
        "it is damaged, or of a kind that is not printed",
        "Flowline leak at the header",
        "RRC-1180",
        "Officer Diaz",
        "Corrosion",
        "Clamped the flowline",
        "confirm with counsel",
        "Replace the flowline",
        told["audit_chain_head"]["hash"][:20],
    ):
        assert said in text, said


def test_facts_that_cannot_be_taken_lose_no_word(desk: Desk, bob: Visitor) -> None:
    page = report(desk, bob)
    answer = tell(bob, page, fluid="oil", released="much", description="Ran down the lease road")
    assert answer.status_code == 422
    assert "Ran down the lease road" in answer.text
    assert 'value="much"' in answer.text
    tell(bob, page, released="30", fluid="oil")
    milder = bob.post(f"{page}/facts", {"released": "2", "was": json.dumps({"released": "30"})})
    assert milder.status_code == 422
    assert "say why released is made milder" in words(milder.text)
    ok = {
        "released": "2",
        "correction": "Strapped the tank.",
        "was": json.dumps({"released": "30"}),
    }
    assert bob.post(f"{page}/facts", ok).status_code == 303


def test_a_pumper_reports_and_adds_but_decides_nothing(desk: Desk, app: Flask) -> None:
    carl = signed_in(app, "carl")
    page = report(desk, carl)
    assert carl.post(f"{page}/entries", {"note": "Valve shut"}).status_code == 303
    carl.post(f"{page}/status", {"status": "confirmed"})
    assert desk.sql("SELECT status FROM incidents ORDER BY id DESC LIMIT 1") == "suspected"
    assert (
        carl.post(notice_of(carl, page), {"act": "waive", "waived_reason": "x"}).status_code == 403
    )
    assert "Valve shut" in carl.get(page).text


def test_another_operators_incident_is_not_there(desk: Desk, bob: Visitor, app: Flask) -> None:
    page = report(desk, bob)
    emil = signed_in(app, "emil")
    for address in (page, f"{page}/facts", f"{page}/file.json", f"{page}/file.pdf"):
        assert emil.get(address).status_code == 404
    assert emil.post(f"{page}/entries", {"note": "x"}).status_code == 404
    assert "Flowline leak" not in emil.get("/incidents").text


def test_an_alert_is_declared_and_the_board_shows_its_clock(desk: Desk, bob: Visitor) -> None:
    alert = desk.alert(at=ago(days=20), message="Tank 3 level very high")
    offered = bob.get(f"/alerts/{alert}").text
    assert 'value="spill" selected' in offered  # suggested, by the alert's words
    chosen = {"incident_class": "security_theft"}
    assert bob.post(f"/incidents/declare/{alert}", {"incident_class": "fun"}).status_code == 400
    answer = bob.post(f"/incidents/declare/{alert}", chosen)
    assert answer.status_code == 303
    page = bob.get(answer.headers["Location"]).text
    assert "Tank 3 level very high" in page
    assert "Security theft, severity" in page
    assert "Part of incident" in bob.get(f"/alerts/{alert}").text
    board = bob.get("/incidents").text
    assert answer.headers["Location"] in board
    assert "data-until" in board


def test_the_clock_is_chosen_with_a_reason(desk: Desk, bob: Visitor) -> None:
    alert = desk.alert(at=ago(hours=30), message="Separator pressure high")
    page = bob.post(f"/incidents/declare/{alert}").headers["Location"]
    assert "Should have known?" in bob.get(page).text
    bob.post(f"{page}/clock", {"clock_choice": "alarm_raised", "clock_reason": ""})
    assert "say why deadlines are to count from there" in words(bob.get(page).text)
    bob.post(f"{page}/clock", {"clock_choice": "alarm_raised", "clock_reason": "Counsel."})
    assert "chosen because: Counsel." in words(bob.get(page).text)


def test_rules_are_shown_with_their_reading_and_a_broken_condition_is_not_kept(
    desk: Desk, bob: Visitor
) -> None:
    listed = words(bob.get("/incidents/rules?state=TX").text)
    assert "16 TAC 3.20" in listed
    assert "NMAC" not in listed
    assert "No legal advice" in listed
    assert "Any alert of this priority" in listed
    rule: uuid.UUID = desk.sql(
        "SELECT id FROM agency_rules WHERE code = 'tx-rrc-h2s' AND organization_id = :o",
        o=desk.operator.id,
    )
    page = f"/incidents/rules/{rule}"
    broken = bob.post(page, {"logic": "h2s_plan AND", "row_version": "1"})
    assert broken.status_code == 422
    assert "a fact or a number was expected" in words(broken.text)
    assert (
        bob.post(
            page,
            {"logic": "h2s_plan OR h2s_lb > limit", "params": '{"limit": 50}', "row_version": "1"},
        ).status_code
        == 303
    )
    assert bob.post(f"{page}/verified").status_code == 303
    shown = words(bob.get(page).text)
    assert "version 3" in shown
    assert f"last read {NOW.date()}" in shown or "last read" in shown
    assert bob.post(page, {"logic": "fire", "row_version": "1"}).status_code == 422  # stale


RULE = {
    "code": "own-h2s",
    "jurisdiction": "Our lender",
    "agency": "The lender",
    "category": "contract",
    "asks_when": "H2S above our limit",
    "logic": "h2s_ppm >= own_limit",
    "params": {"own_limit": 20},
    "deadline_kind": "hours",
    "deadline_n": 24,
    "contact": "432-555-0100",
    "citation": "Loan agreement 4.2",
}


def test_a_condition_is_read_by_every_door_before_it_is_kept(
    desk: Desk, app: Flask, bob: Visitor
) -> None:
    program = with_key(app, desk.database, desk.operator)
    answer = program.post("/agency_rules", RULE)
    assert answer.status_code == 201, answer.get_data(as_text=True)
    row = f"/agency_rules/{answer.get_json()['id']}"
    for change, field, sentence in (
        ({"logic": "h2s_ppm >"}, "logic", "a fact or a number was expected"),
        ({"logic": "spilled > 5"}, "logic", "the name of a fact"),
        ({"params": {"own_limit": None, "limit": 20}}, "params", "'own_limit'"),
        ({"params": {"own_limit": "a lot"}}, "params", "is not a number"),
        ({"params": {"fire": 1, "own_limit": 2}}, "params", "no name of a fact"),
        ({"deadline_kind": "immediate"}, "deadline_kind", "have none"),
        ({"follow_up_kind": "days", "follow_up_n": 3}, "follow_up", "owed in writing"),
    ):
        told = faults(program.patch(row, change))
        assert sentence in told[field], (change, told)
    assert "the end" in faults(program.post("/agency_rules", RULE | {"logic": "fire AND"}))["logic"]
    form = {k: v for k, v in RULE.items() if k != "params"} | {"code": "own-2", "logic": "fire OR"}
    refused = bob.post("/register/agency_rules/new", form)
    assert "a fact or a number was expected" in words(refused.text)
    desk.sql("UPDATE agency_rules SET logic = 'of old' WHERE code = 'own-h2s'")
    assert program.patch(row, {"enabled": False}).status_code == 200  # what stands is left alone
