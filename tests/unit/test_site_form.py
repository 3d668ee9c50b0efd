"""The pumper's pages at the site, asked as a browser without JavaScript asks them."""

from __future__ import annotations

import gzip
import http.client
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from html import unescape
from urllib.parse import urlencode

import pytest

from agent.contract.fieldform import frame
from agent.form.people import LOCKED_S, TRIES, Refusal, SignIn
from agent.form.routes import Routes
from agent.outbox import Limits, Outbox
from tests.fielding import (
    BRAVO,
    DAY,
    ECHO,
    LEE,
    PEOPLE,
    PIN,
    RAMOS,
    SHEET,
    PumperSite,
    key,
    pumper_site,
    tank,
)

STOP = f"/stop/{BRAVO.stop}"
STATIC = tuple(f"/{name}" for name in frame.FILES)


@dataclass
class Reply:
    status: int
    text: str
    headers: dict[str, str]
    size: int  #: bytes of the body as it travelled

    @property
    def words(self) -> str:
        return unescape(re.sub(r"<[^>]+>", " ", self.text))

    def says(self, name: str) -> str:
        """What stands beside a field."""
        found = re.search(rf'id="{name}-says"[^>]*>([^<]*)', self.text)
        return unescape(found[1]) if found else ""


@dataclass
class Phone:
    """A browser without JavaScript."""

    site: PumperSite
    cookies: dict[str, str] = field(default_factory=dict)

    def ask(self, path: str, form: dict[str, str] | None = None, **headers: str) -> Reply:
        line = http.client.HTTPConnection("127.0.0.1", self.site.port, timeout=10)
        sent = {"Cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items()), **headers}
        if form is None:
            line.request("GET", path, headers=sent)
        else:
            sent["Content-Type"] = "application/x-www-form-urlencoded"
            sent.setdefault("Origin", self.site.url)
            line.request("POST", path, urlencode(form), sent)
        answer = line.getresponse()
        for name, value in answer.getheaders():
            if name == "Set-Cookie":
                self.cookies.update([value.split(";")[0].split("=", 1)])
        body, headers = answer.read(), dict(answer.getheaders())
        text = gzip.decompress(body) if headers.get("Content-Encoding") == "gzip" else body
        reply = Reply(answer.status, text.decode(), headers, len(body))
        line.close()
        return reply

    def sign_in(self, who: uuid.UUID = RAMOS, pin: str = PIN) -> Reply:
        return self.ask("/in", {"person": str(who), "pin": pin})

    def form(self, **typed: str) -> dict[str, str]:
        """A form as it is sent after some fields were filled in."""
        return {"id": str(uuid.uuid4()), "day": DAY, "lang": "en", "do": "save", **typed}


@pytest.fixture
def site() -> Iterator[PumperSite]:
    with pumper_site() as served:
        yield served


@pytest.fixture
def phone(site: PumperSite) -> Phone:
    made = Phone(site)
    assert made.sign_in().status == 303
    return made


def test_a_stop_is_saved_before_it_is_answered(site: PumperSite, phone: Phone) -> None:
    page = phone.ask(f"{STOP}?lang=en")
    assert "stop 1 of 2" in page.words
    assert "14 mi to go" in page.words
    assert "yesterday 7' 4\"" in page.words
    sent = phone.form(g0_top_ft="8", g0_top_in="2", g0_top_q="1", w1_tubing_psig="410")
    answer = phone.ask(STOP, sent)
    assert answer.status == 303
    assert answer.headers["Location"] == f"/stop/{ECHO.stop}"
    (entry,) = site.entries()
    assert entry["gauges"] == [{"tank": str(key(11)), "level_in": "98.25", "kind": "routine"}]
    assert entry["wells"] == [{"well": str(key(22)), "tubing_psig": "410"}]
    assert (entry["person"], entry["day"], entry["id"]) == (str(RAMOS), DAY, sent["id"])
    assert "1 waiting here for the office" in phone.ask("/").words


def test_the_same_form_sent_twice_counts_once(site: PumperSite, phone: Phone) -> None:
    sent = phone.form(w0_tubing_psig="410")
    assert [phone.ask(STOP, sent).status for _ in range(3)] == [303] * 3
    assert len(site.entries()) == 1


def test_what_cannot_be_right_is_said_beside_the_field_and_kept_in_it(
    site: PumperSite, phone: Phone
) -> None:
    sent = phone.form(
        g0_top_ft="16", g1_top_in="14", w0_gas_mcf="-3", w1_hours_down="4", w2_tubing_psig="4l2"
    )
    answer = phone.ask(STOP, sent)
    assert answer.status == 422
    assert not site.entries()
    assert answer.says("g1_top").startswith("0-14-0 is not a level")
    assert answer.says("w0_gas_mcf") == "This cannot be below zero."
    assert answer.says("w2_tubing_psig") == "4l2 is not a number; write digits and one point."
    assert 'value="4l2"' in answer.text
    sound = phone.form(g0_top_ft="16")
    assert phone.ask(STOP, sound).says("g0_top").startswith("16' 0\" is above the top of the tank")
    down = phone.ask(STOP, phone.form(w1_hours_down="4"))
    assert down.says("w1_down_code") == "Choose why the well was down."


def test_an_amber_question_is_asked_once_and_the_answer_kept(
    site: PumperSite, phone: Phone
) -> None:
    sent = phone.form(w0_casing_psig="1182", g1_top_ft="9")
    asked = phone.ask(STOP, sent)
    assert asked.status == 200
    assert not site.entries()
    question = "438 above yesterday; the gauge reads 1,182 too: keep?"
    assert asked.says("w0_casing_psig") == question
    assert asked.says("g1_top") == "20.0 bbl less than yesterday and no ticket: keep?"
    assert "Keep and save" in asked.words
    kept = re.findall(r'name="kept" value="([^"]+)"', asked.text)
    answer = phone.ask(STOP, [*sent.items(), *(("kept", path) for path in kept)])  # type: ignore[arg-type]
    assert answer.status == 303
    assert site.entries()[0]["kept"] == kept == ["gauges.0.level_in", "wells.0.casing_psig"]


def test_barrels_are_computed_without_a_script(phone: Phone) -> None:
    sent = phone.form(g0_top_ft="8", g0_top_in="2", g0_top_q="1", do="compute")
    assert "= 17.1 bbl made since yesterday" in phone.ask(STOP, sent).words


TICKET = {
    "t0_tank": str(key(13)),
    "t0_kind": "oil_sale",
    "t0_ticket_no": "77123",
    "t0_opened": "07:50",
    "t0_closed": "08:20",
    "t0_opening_ft": "14",
    "t0_opening_in": "3",
    "t0_opening_q": "1",
    "t0_closing_ft": "10",
    "t0_closing_in": "2",
    "t0_closing_q": "2",
    "t0_opening_f": "88",
    "t0_closing_f": "86",
    "t0_observed_gravity": "38.5",
    "t0_observed_gravity_f": "60",
    "t0_sediment_water_pct": "0.3",
    "t0_seals_off": "A-1, A-2",
    "t0_seals_on": "A-3",
}


def test_a_run_ticket_is_computed_and_saved(site: PumperSite, phone: Phone) -> None:
    shown = phone.ask(STOP, phone.form(**TICKET, do="compute"))
    assert "80.50 bbl at 60 °F, 80.26 bbl net" in shown.words
    assert phone.ask(STOP, phone.form(**TICKET)).status == 303
    (ticket,) = site.entries()[0]["tickets"]
    assert ticket["seals_off"] == ["A-1", "A-2"]
    assert (ticket["closed"] - ticket["opened"]) == 30 * 60_000
    assert ticket["closed"] == 1795875600000


@pytest.mark.parametrize(
    ("field", "typed", "beside", "says"),
    [
        ("t0_sediment_water_pct", "101", "t0_sediment_water_pct", "101 is not possible here"),
        ("t0_closing_ft", "15", "t0_closing", "The closing gauge is above the opening one"),
        ("t0_ticket_no", "", "t0_ticket_no", "Fill this in."),
        ("t0_opened", "soon", "t0_opened", "This is not a time"),
    ],
    ids=["bsw", "closing", "number", "time"],
)
def test_a_ticket_that_cannot_be_right(
    site: PumperSite, phone: Phone, field: str, typed: str, beside: str, says: str
) -> None:
    answer = phone.ask(STOP, phone.form(**{**TICKET, field: typed}))
    assert answer.status == 422
    assert answer.says(beside).startswith(says)
    assert not site.entries()


@pytest.mark.parametrize(
    ("day", "says"),
    [
        ("2026-11-29", "2026-11-29 has not begun"),
        ("2026-10-31", "The month of 2026-10-31 is closed"),
        ("2026-11-20", "2026-11-20 is too long ago"),
        ("today", "This is not a day"),
    ],
    ids=["future", "locked", "late", "none"],
)
def test_days_that_cannot_be_entered(site: PumperSite, phone: Phone, day: str, says: str) -> None:
    answer = phone.ask(STOP, phone.form(w0_tubing_psig="400") | {"day": day})
    assert answer.status == 422
    assert answer.says("day").startswith(says)
    assert not site.entries()


def test_a_strapping_table_that_falls_makes_no_ticket(site: PumperSite, phone: Phone) -> None:
    bad = replace(tank(13, "88"), strap=((0, 0), (90, 160), (180, 150)))  # type: ignore[arg-type]
    site.desk.use(replace(SHEET, stops=(replace(BRAVO, tanks=(bad,)), ECHO)))
    answer = phone.ask(STOP, phone.form(**TICKET))
    assert answer.status == 422
    assert answer.says("t0_tank").startswith("This tank has no sound strapping table")


def test_a_spill_is_told_by_itself(site: PumperSite, phone: Phone) -> None:
    page = phone.ask(STOP)
    assert re.search(r'name="r0_kind" value="spill"', page.text)
    sent = {"id": str(uuid.uuid4()), "day": DAY, "r0_kind": "spill"}
    assert phone.ask(STOP, sent).status == 303
    assert site.entries()[0]["reports"] == [{"kind": "spill"}]


def test_what_was_saved_here_stands_beside_the_field_the_next_day(
    site: PumperSite, phone: Phone
) -> None:
    phone.ask(STOP, phone.form(g0_top_ft="8", g0_top_in="2", g0_top_q="1"))
    assert "yesterday 7' 4\"" in phone.ask(f"{STOP}?lang=en").words
    site.clock.at = site.clock.at.replace(day=29)
    assert "yesterday 8' 2 1/4\"" in phone.ask(f"{STOP}?lang=en").words


def test_a_second_entry_of_the_day_replaces_the_first(site: PumperSite, phone: Phone) -> None:
    first = phone.form(w0_tubing_psig="410")
    phone.ask(STOP, first)
    page = phone.ask(STOP)
    assert f'name="replaces" value="{first["id"]}"' in page.text
    other = Phone(site)
    other.sign_in(LEE, "739155")
    assert 'name="replaces" value' not in other.ask(STOP).text


def test_pages_speak_the_language_asked_for(phone: Phone) -> None:
    assert "Nivel" in phone.ask(f"{STOP}?lang=es").words
    assert "Nivel" in phone.ask(STOP).words, "it is remembered"
    assert "Top gauge" in phone.ask(f"{STOP}?lang=en").words


def test_nobody_gets_in_without_the_pin(site: PumperSite) -> None:
    stranger = Phone(site)
    assert "Who are you?" in stranger.ask("/").words
    assert stranger.ask(STOP, {"id": str(uuid.uuid4()), "w0_tubing_psig": "1"}).status == 401
    wrong = stranger.sign_in(RAMOS, "111222")
    assert wrong.status == 403
    assert wrong.says("pin") == f"This PIN does not fit; {TRIES - 1} tries are left."
    assert stranger.sign_in(uuid.uuid4(), PIN).status == 403
    assert not site.entries()


def test_tries_are_counted_over_a_restart_and_end_after_a_while() -> None:
    outbox, now = Outbox.in_memory(Limits()), [1000.0]
    people = {who.id: who for who in PEOPLE}

    def started() -> SignIn:
        made = SignIn(outbox, 10, lambda: now[0])
        made.use(people)
        return made

    for _ in range(TRIES):
        assert isinstance(started().enter(str(RAMOS), "000001"), Refusal)
    locked = started().enter(str(RAMOS), PIN)
    assert isinstance(locked, Refusal)
    assert (locked.key, locked.values["minutes"]) == ("pin_locked", "16")
    assert isinstance(started().enter(str(LEE), "739155"), str), "only that person waits"
    now[0] += LOCKED_S
    assert isinstance(started().enter(str(RAMOS), PIN), str)


def test_who_leaves_the_signed_list_is_out_at_once(site: PumperSite, phone: Phone) -> None:
    site.people.use({LEE: PEOPLE[1]})
    assert "Who are you?" in phone.ask("/").words
    site.people.use({who.id: who for who in PEOPLE})
    site.clock.at = site.clock.at.replace(day=29)
    assert phone.sign_in().status == 303


def test_another_pages_form_is_refused(site: PumperSite, phone: Phone) -> None:
    for origin in ("http://evil.example", "null"):
        answer = phone.ask(STOP, phone.form(w0_tubing_psig="410"), Origin=origin)
        assert answer.status == 403
    assert not site.entries()


def test_what_is_no_form_is_answered_in_a_sentence(site: PumperSite, phone: Phone) -> None:
    assert phone.ask(STOP, {f"x{n}": "1" for n in range(1200)}).status == 400
    assert phone.ask(STOP, {"note": "x" * 200_000}).status == 413
    assert phone.ask(f"/stop/{uuid.uuid4()}").status == 404
    assert phone.ask("/../../etc/passwd").status == 404
    assert phone.ask(STOP, phone.form(w0_tubing_psig="410")).status == 303


def test_the_script_is_answered_with_the_id_it_sent(site: PumperSite, phone: Phone) -> None:
    sent = phone.form(w0_casing_psig="1182", asked="1")
    taken = phone.ask(STOP, sent, Accept="application/json")
    assert taken.text == f'{{"id": "{sent["id"]}", "state": "taken"}}'
    assert site.entries()[0]["kept"] == ["wells.0.casing_psig"]
    bad = phone.form(w0_gas_mcf="-1")
    refused = phone.ask(STOP, bad, Accept="application/json")
    assert refused.status == 422
    assert '"faults": {"w0_gas_mcf": "This cannot be below zero."}' in refused.text
    phone.cookies.clear()
    assert phone.ask(STOP, sent, Accept="application/json").status == 401


def test_a_page_is_light_and_runs_nothing_of_others(phone: Phone) -> None:
    page = phone.ask(STOP)
    assert page.headers["Content-Security-Policy"] == frame.POLICY
    assert "style=" not in page.text
    assert "<script>" not in page.text
    sent = [phone.ask(path, **{"Accept-Encoding": "gzip"}) for path in (STOP, *STATIC)]
    assert sum(reply.size for reply in sent) <= 30 * 1024


def test_what_one_person_typed_is_not_saved_as_the_one_who_is_signed_in(
    site: PumperSite, phone: Phone
) -> None:
    typed = phone.form(w0_tubing_psig="410", owner=str(RAMOS))
    phone.sign_in(LEE, "739155")
    assert phone.ask(STOP, typed, Accept="application/json").status == 401
    assert phone.ask(STOP, typed).status == 401
    assert not site.entries()
    phone.sign_in()
    assert phone.ask(STOP, typed).status == 303
    assert site.entries()[0]["person"] == str(RAMOS)


def test_stops_stand_in_the_order_of_who_drives_them(site: PumperSite, phone: Phone) -> None:
    def route(of: Phone) -> list[str]:
        page = of.ask("/?lang=en").text
        return re.findall(r"<b>\d</b> ([^<]+)<", page)

    assert route(phone) == ["Bravo", "Echo State"]
    page = phone.ask("/order?lang=en")
    assert "13.6 mi from the stop before" in page.words
    assert page.text.count("<button") == page.text.count("aria-label") == 4
    moved = {"stop": str(ECHO.stop), "to": "up", "owner": str(RAMOS)}
    assert phone.ask("/order", moved).headers["Location"] == "/order"
    assert phone.ask("/order", moved).status == 303, "the first cannot go further up"
    assert route(phone) == ["Echo State", "Bravo"]
    assert "14 mi to go" in phone.ask(f"/stop/{ECHO.stop}?lang=en").words
    assert "stop 2 of 2" in phone.ask(STOP).words
    lee = Phone(site)
    lee.sign_in(LEE, "739155")
    assert route(lee) == ["Bravo", "Echo State"]
    assert Routes(site.outbox).sheet(SHEET, PEOPLE[0]).stops[0] == ECHO, "also after a restart"
    there = replace(PEOPLE[0], route=(BRAVO.stop, ECHO.stop))
    assert Routes(site.outbox).sheet(SHEET, there).stops[0] == BRAVO, "the office's newer order"
    assert phone.ask("/order", moved | {"stop": "x"}).status == 400


def test_pages_hold_nothing_that_a_name_could_break(site: PumperSite, phone: Phone) -> None:
    name = "<script>alert(1)</script>\"'&"
    site.desk.use(replace(SHEET, stops=(replace(BRAVO, name=name), ECHO)))
    for path in ("/", STOP):
        text = phone.ask(path).text
        assert "<script>alert" not in text
        assert "&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#x27;&amp;" in text
