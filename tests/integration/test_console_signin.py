"""Signing in and out: who gets in, for how long, and what guessing meets."""

from __future__ import annotations

import hashlib
import statistics
import time
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from hub.console.passwords import hash_password, verify_password
from hub.console.sessions import IDLE
from tests.cast import PASSWORD, Cast
from tests.console import Visitor, open_console, read, signed_in
from tests.servers.postgres import Database


@pytest.fixture
def app(database: Database, cast: Cast) -> Flask:
    return open_console(database)


def rows(database: Database, statement: str, **values: Any) -> list[Any]:
    with database.engine("owner").begin() as connection:
        done = connection.execute(text(statement), values)
        return list(done) if done.returns_rows else []


def test_a_person_signs_in(app: Flask, database: Database) -> None:
    visitor = Visitor(app)
    assert visitor.get("/").headers["Location"] == "/sign-in"
    answer = visitor.sign_in("Alice@example.com")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    crumbs = answer.headers["Set-Cookie"]
    assert "HttpOnly" in crumbs
    assert "SameSite=Lax" in crumbs
    assert "Path=/" in crumbs
    assert "Secure" not in crumbs  # plain http on this machine
    assert "Bluebonnet Energy" in read(visitor.get("/"))


def test_the_database_keeps_only_a_hash_of_the_token(app: Flask, database: Database) -> None:
    visitor = signed_in(app, "alice")
    token = visitor.cookie or ""
    assert len(token) >= 43  # 256 bits in base64
    ((kept,),) = rows(database, "SELECT token_hash FROM sessions")
    assert bytes(kept) == hashlib.sha256(token.encode()).digest()


def test_over_https_the_cookie_never_leaves_it(database: Database, cast: Cast) -> None:
    app = open_console(database, WELLFLOW_WEB_PUBLIC_URL="https://hub.example.com")
    answer = Visitor(app, "https://hub.example.com").sign_in("alice@example.com")
    assert answer.headers["Set-Cookie"].startswith("__Host-wellflow=")
    assert "Secure" in answer.headers["Set-Cookie"]
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=")


@pytest.mark.parametrize("email", ["alice@example.com", "nobody-here@example.com", "", "\0"])
def test_every_refusal_reads_the_same(app: Flask, email: str) -> None:
    answer = Visitor(app).sign_in(email, "not the password")
    assert answer.status_code == 401
    assert "do not belong together" in read(answer)
    assert "Set-Cookie" not in answer.headers


def test_an_unknown_account_takes_as_long_as_a_wrong_password() -> None:
    stored = hash_password(PASSWORD)

    def seconds(kept: str | None) -> float:
        began = time.perf_counter()
        assert not verify_password(kept, "not the password")
        return time.perf_counter() - began

    taken = [(seconds(stored), seconds(None)) for _ in range(7)]
    ratio = statistics.median(known / unknown for known, unknown in taken)
    assert 0.5 < ratio < 2


def test_a_disabled_person_stays_out(app: Flask, database: Database) -> None:
    rows(database, "UPDATE users SET disabled_at = now() WHERE email = 'alice@example.com'")
    assert Visitor(app).sign_in("alice@example.com").status_code == 401


def test_someone_who_works_for_nobody_is_told_so(app: Flask, database: Database) -> None:
    answer = Visitor(app).sign_in("zoe@example.com")
    assert answer.status_code == 403
    assert "You do not work for any operator here." in read(answer)
    assert rows(database, "SELECT id FROM sessions") == []


def test_guessing_one_account_is_stopped_and_others_go_on(app: Flask) -> None:
    guesser = Visitor(app)
    codes = [guesser.sign_in("alice@example.com", "guess").status_code for _ in range(11)]
    assert codes == [401] * 10 + [429]
    refused = guesser.sign_in("ALICE@example.com")
    assert refused.status_code == 429
    assert "Wait 15 minutes" in read(refused)
    assert guesser.sign_in("bob@example.com").status_code == 303


def test_guessing_many_accounts_from_one_address_is_stopped(app: Flask, database: Database) -> None:
    rows(database, "SELECT sign_in_failed('address:127.0.0.1') FROM generate_series(1, 100)")
    assert Visitor(app).sign_in("alice@example.com").status_code == 429


def test_the_right_password_forgets_the_wrong_ones(app: Flask) -> None:
    visitor = Visitor(app)
    for _ in range(9):
        visitor.sign_in("alice@example.com", "guess")
    assert visitor.sign_in("alice@example.com").status_code == 303
    assert visitor.sign_in("alice@example.com", "guess").status_code == 401


def test_each_sign_in_has_a_new_token_and_ends_the_former(app: Flask) -> None:
    visitor = signed_in(app, "alice")
    former = visitor.cookie or ""
    visitor.sign_in("alice@example.com")
    assert visitor.cookie != former
    thief = Visitor(app)
    thief.client.set_cookie("wellflow", former)
    assert thief.get("/").status_code == 303


def test_a_token_chosen_by_somebody_else_is_not_taken_over(app: Flask) -> None:
    visitor = Visitor(app)
    visitor.client.set_cookie("wellflow", "planted")
    visitor.sign_in("alice@example.com")
    assert visitor.cookie != "planted"


def test_signing_out_ends_this_session_and_no_other(app: Flask) -> None:
    office, phone = signed_in(app, "alice"), signed_in(app, "alice")
    kept = office.cookie or ""
    assert office.post("/sign-out").headers["Location"] == "/sign-in"
    office.client.set_cookie("wellflow", kept)
    assert office.get("/").status_code == 303
    assert phone.get("/").status_code == 200


def test_signing_out_everywhere_ends_them_all(app: Flask) -> None:
    office, phone, other = (signed_in(app, name) for name in ("alice", "alice", "bob"))
    office.post("/sign-out-everywhere")
    assert phone.get("/").status_code == 303
    assert other.get("/").status_code == 200


def test_a_session_ends_when_nobody_uses_it(app: Flask, database: Database) -> None:
    visitor = signed_in(app, "alice")
    rows(database, "UPDATE sessions SET last_seen_at = now() - :idle", idle=IDLE)
    assert visitor.get("/").status_code == 303


def test_a_page_that_refreshes_itself_is_no_use(app: Flask, database: Database) -> None:
    visitor = signed_in(app, "alice")
    mark = visitor.get("/").headers["HX-PTag"]
    almost = IDLE - timedelta(minutes=5)
    rows(database, "UPDATE sessions SET last_seen_at = now() - :almost", almost=almost)
    seen = "SELECT now() - last_seen_at FROM sessions"
    visitor.get("/", HX_PTag=mark, HX_Request="true")
    assert rows(database, seen)[0][0] >= almost
    visitor.get("/")
    assert rows(database, seen)[0][0] < timedelta(minutes=1)


def test_a_session_ends_at_its_hour(app: Flask, database: Database) -> None:
    visitor = signed_in(app, "alice")
    ((hours,),) = rows(database, "SELECT expires_at - now() FROM sessions")
    assert timedelta(hours=11) < hours <= timedelta(hours=12)
    rows(database, "UPDATE sessions SET expires_at = now()")
    assert visitor.get("/").status_code == 303


def test_a_poll_without_a_session_sends_the_whole_page_to_the_door(app: Flask) -> None:
    answer = Visitor(app).get("/alerts", HX_Request="true", HX_PTag="x")
    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"] == "/sign-in?next=/alerts"


def test_whose_work_has_ended_is_out_at_once(app: Flask, database: Database, cast: Cast) -> None:
    visitor = signed_in(app, "carl")
    ended = "UPDATE memberships SET ended_at = now() WHERE user_id = :carl"
    rows(database, ended, carl=cast.bluebonnet.pumper)
    assert visitor.get("/").status_code == 303


def test_a_person_of_two_operators_switches_in_one_step(app: Flask, cast: Cast) -> None:
    gus = signed_in(app, "gus")
    page = gus.get("/").get_data(as_text=True)
    assert "Bluebonnet 1H" in page
    assert f'action="/work-for/{cast.cimarron.id}"' in page
    assert gus.post(f"/work-for/{cast.cimarron.id}").headers["Location"] == "/"
    page = read(gus.get("/"))
    assert "Cimarron 1H" in page
    assert "Bluebonnet 1H" not in page


def test_nobody_switches_to_an_operator_they_do_not_work_for(app: Flask, cast: Cast) -> None:
    alice = signed_in(app, "alice")
    assert alice.post(f"/work-for/{cast.cimarron.id}").status_code == 404
    assert "Bluebonnet 1H" in read(alice.get("/"))


def test_sign_in_leads_back_to_where_one_wanted_to_go(app: Flask) -> None:
    visitor = Visitor(app)
    assert (
        visitor.get("/alerts/journal?priority=1").headers["Location"].startswith("/sign-in?next=")
    )
    answer = visitor.sign_in("alice@example.com", next="/alerts/journal?priority=1")
    assert answer.headers["Location"] == "/alerts/journal?priority=1"


@pytest.mark.parametrize(
    "place",
    ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/a\r\nb"],
)
def test_sign_in_leads_nowhere_else(app: Flask, place: str) -> None:
    answer = Visitor(app).sign_in("alice@example.com", next=place)
    assert answer.headers["Location"] == "/"


@pytest.mark.parametrize("password", ["short", "x" * 1025])
def test_a_password_that_cannot_be_kept_is_refused(password: str) -> None:
    with pytest.raises(ValueError, match="10 to 1024 characters"):
        hash_password(password)
