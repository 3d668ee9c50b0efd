"""What people change in the console, and that it is refused with reasons, field by field."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from hub import seal
from hub.alerts import engine
from hub.errors import HubError
from tests import alerting
from tests.cast import Cast
from tests.console import Visitor, furnish, open_console, read, settings_for, signed_in
from tests.servers.postgres import Database


@pytest.fixture
def app(database: Database, cast: Cast) -> Flask:
    return open_console(database)


@pytest.fixture
def alice(app: Flask) -> Visitor:
    return signed_in(app, "alice")


@pytest.fixture
def rows(database: Database) -> Callable[..., list[Any]]:
    def ask(statement: str, **values: Any) -> list[Any]:
        with database.engine("owner").begin() as connection:
            done = connection.execute(text(statement), values)
            return list(done) if done.returns_rows else []

    return ask


Ask = Callable[..., list[Any]]

# -------------------------------------------------------------------------------- acknowledging


@pytest.fixture
def raised(database: Database, cast: Cast) -> uuid.UUID:
    """A live alert with a message queued for Bob."""
    gauge = alerting.watch(database, cast.bluebonnet, datetime.now(UTC) - timedelta(seconds=60))
    gauge.arrive(*[(second, 50.0) for second in range(0, 50, 5)])
    while engine.judge_pending(database.engine("work"), datetime.now(UTC)):
        continue
    found: uuid.UUID = gauge.alert().id
    return found


def test_acknowledging_stops_what_is_still_queued(
    alice: Visitor, rows: Ask, cast: Cast, raised: uuid.UUID
) -> None:
    assert rows("SELECT state FROM notifications") == [("queued",)]
    answer = alice.post(f"/alerts/{raised}/acknowledge", {"note": "On my way"})
    assert answer.headers["Location"] == f"/alerts/{raised}"
    assert rows("SELECT state FROM notifications") == [("cancelled",)]
    ((ack, by, note),) = rows("SELECT ack, acked_by, ack_note FROM alerts")
    assert (ack, by, note) == ("acked", cast.bluebonnet.owner, "On my way")
    words = read(alice.get(f"/alerts/{raised}"))
    assert "Alice · On my way" in words
    assert "cancelled" in words


def test_acknowledging_in_a_live_page_refreshes_it(alice: Visitor, raised: uuid.UUID) -> None:
    assert "(1) Fleet" in alice.get("/").get_data(as_text=True)
    answer = alice.post(f"/alerts/{raised}/acknowledge", {"back": "fleet"}, HX_Request="true")
    assert (answer.status_code, answer.headers["HX-Trigger"]) == (204, "refresh")
    page = alice.get("/").get_data(as_text=True)
    assert "<title>Fleet" in page
    assert "acked · Alice" in page


def test_acknowledging_twice_keeps_the_first(
    app: Flask, alice: Visitor, rows: Ask, cast: Cast, raised: uuid.UUID
) -> None:
    alice.post(f"/alerts/{raised}/acknowledge")
    assert signed_in(app, "bob").post(f"/alerts/{raised}/acknowledge").status_code == 303
    assert rows("SELECT acked_by FROM alerts") == [(cast.bluebonnet.owner,)]


def test_several_are_acknowledged_with_one_note(
    alice: Visitor, rows: Ask, raised: uuid.UUID
) -> None:
    page = alice.get("/alerts").get_data(as_text=True)
    assert f'value="{raised}"' in page
    fields = {"alert": [str(raised), "nonsense", str(uuid.uuid4())], "note": "x" * 600}
    assert alice.post("/alerts/acknowledge", fields).headers["Location"] == "/alerts"
    ((ack, note),) = rows("SELECT ack, ack_note FROM alerts")
    assert (ack, len(note)) == ("acked", 500)


# -------------------------------------------------------------------------------------- linking


@pytest.fixture
def unlinked(rows: Ask, cast: Cast) -> str:
    """The address of an agent whose three tags nobody has linked."""
    rows("UPDATE tags SET well_id = NULL, measure = NULL, linked_at = NULL, linked_by = NULL")
    own = cast.bluebonnet
    rows(
        """UPDATE agents SET config_epoch = 1 WHERE id = :agent""",
        agent=own.agents[0],
    )
    rows(
        """INSERT INTO config_epochs (organization_id, agent_id, epoch, digest, declaration)
           VALUES (:org, :agent, 1, 'x', '{}')""",
        org=own.id,
        agent=own.agents[0],
    )
    rows(
        """INSERT INTO config_epoch_tags (organization_id, agent_id, epoch, number, tag_id)
           SELECT organization_id, agent_id, 1, id, id FROM tags WHERE agent_id = :agent""",
        agent=own.agents[0],
    )
    return f"/agents/{own.agents[0]}"


def test_a_person_links_tags_to_wells_and_equipment(
    alice: Visitor, rows: Ask, cast: Cast, unlinked: str
) -> None:
    own = cast.bluebonnet
    tubing, casing, level = own.tags
    page = alice.get(unlinked).get_data(as_text=True)
    assert "3 not linked: their readings are kept" in page
    assert f'name="measure-{tubing}" list="measures" value="Tubing pressure"' in page
    assert "3 gauges not yet linked" in read(alice.get("/"))
    form = {
        f"place-{tubing}": "bluebonnet 1h",
        f"measure-{tubing}": "Tubing pressure",
        f"place-{level}": "Jack 1 · Bluebonnet 1H",
        f"measure-{level}": "Oil gauge",
        f"place-{casing}": "",
        f"measure-{casing}": "Casing pressure",
    }
    assert alice.post(f"{unlinked}/tags", form).headers["Location"] == unlinked
    found = {
        tag: rest
        for tag, *rest in rows("SELECT id, well_id, equipment_id, measure, linked_by FROM tags")
    }
    assert found[tubing] == [own.wells[0], None, "tubing_pressure", own.owner]
    assert found[level] == [own.wells[0], own.equipment[0], "oil_gauge", own.owner]
    assert found[casing] == [None, None, "casing_pressure", None]
    assert "1 not linked" in read(alice.get(unlinked))


def test_a_name_nobody_knows_is_refused_at_its_field(
    alice: Visitor, rows: Ask, cast: Cast, unlinked: str
) -> None:
    tubing, casing, level = cast.bluebonnet.tags
    form = {
        f"place-{tubing}": "Cimarron 1H",  # another operator's
        f"measure-{tubing}": "Tubing pressure",
        f"place-{casing}": "Bluebonnet 1H",
        f"measure-{casing}": "",
        f"place-{level}": "Bluebonnet 1H",
        f"measure-{level}": "<script>",
    }
    answer = alice.post(f"{unlinked}/tags", form)
    assert answer.status_code == 422
    words = read(answer)
    assert "No well or equipment of that name" in words
    assert "Say what it measures." in words
    assert "Use letters, digits and spaces" in words
    assert 'value="Cimarron 1H"' in answer.get_data(as_text=True)
    assert rows("SELECT count(*) FROM tags WHERE well_id IS NOT NULL") == [(0,)]


def test_tags_of_another_agent_are_left_alone(
    alice: Visitor, rows: Ask, cast: Cast, unlinked: str
) -> None:
    foreign = cast.cimarron.tags[0]
    form = {f"place-{foreign}": "Bluebonnet 1H", f"measure-{foreign}": "Tubing pressure"}
    assert alice.post(f"{unlinked}/tags", form).status_code == 303
    assert rows("SELECT well_id FROM tags WHERE id = :tag", tag=foreign) == [(None,)]


# ---------------------------------------------------------------------------------------- rules


def rule_form(**more: str) -> dict[str, str]:
    return {
        "name": "Casing pressure",
        "enabled": "yes",
        "hi-setpoint": "1,100",
        "hi-deadband": "20",
        "hi-on_delay_s": "30",
        "hi-off_delay_s": "300",
        "hi-priority": "2",
        "lo-priority": "3",
        "action": "Call the foreman.",
        "cause": "A leaking packer.",
        "consequence": "The casing may burst.",
        "respond_within": "30",
    } | more


def test_a_rule_is_made_and_watches(alice: Visitor, rows: Ask, cast: Cast) -> None:
    casing = cast.bluebonnet.tags[1]
    answer = alice.post("/rules/new", rule_form(tag=str(casing)))
    assert answer.status_code == 303
    ((tag, params, version, within, by),) = rows(
        "SELECT tag_id, params, version, respond_within_s, created_by FROM alert_rules"
    )
    assert (tag, version, within, by) == (casing, 1, 1800, cast.bluebonnet.owner)
    assert params["levels"] == {
        "hi": {
            "setpoint": 1100,
            "deadband": 20,
            "on_delay_s": 30,
            "off_delay_s": 300,
            "priority": 2,
        }
    }
    assert "Call the foreman." in read(alice.get(answer.headers["Location"]))
    assert "1,100" in read(alice.get("/rules"))


@pytest.mark.parametrize(
    ("more", "field", "sentence"),
    [
        ({"name": ""}, "name", "This is needed."),
        ({"hi-setpoint": "high"}, "hi-setpoint", "“high” is not a number."),
        ({"hi-setpoint": "nan"}, "hi-setpoint", "“nan” is not a number."),
        ({"hi-deadband": "-1"}, "hi-deadband", "Use a number of at least 0."),
        ({"hi-on_delay_s": "1e9"}, "hi-on_delay_s", "Use a number between 0 and 604800."),
        ({"lo-setpoint": "1200"}, "lo-setpoint", "lo must lie below hi"),
        ({"hi-priority": "9"}, "hi-priority", ""),
    ],
)
def test_a_rule_is_refused_at_the_field_that_is_wrong(
    alice: Visitor, rows: Ask, cast: Cast, more: dict[str, str], field: str, sentence: str
) -> None:
    answer = alice.post("/rules/new", rule_form(tag=str(cast.bluebonnet.tags[1]), **more))
    assert answer.status_code == 422
    page = answer.get_data(as_text=True)
    assert sentence in read(answer)
    if sentence:
        assert f'id="h-{field}">{sentence}' in page
    assert rows("SELECT id FROM alert_rules") == []


def test_a_rule_needs_a_level_and_a_tag_of_ours(alice: Visitor, rows: Ask, cast: Cast) -> None:
    ours, foreign = cast.bluebonnet.tags[0], cast.cimarron.tags[0]
    answer = alice.post("/rules/new", rule_form(tag=str(ours), **{"hi-setpoint": ""}))
    assert "needs at least one level" in read(answer)
    for tag in (str(foreign), "", "x", "99999999999999999999"):
        answer = alice.post("/rules/new", rule_form(tag=tag))
        assert answer.status_code == 422
        assert "Choose one of the list." in read(answer)
    assert rows("SELECT id FROM alert_rules") == []


def test_what_changes_the_judgement_makes_a_new_version(
    app: Flask, alice: Visitor, rows: Ask, cast: Cast
) -> None:
    tag = cast.bluebonnet.tags[1]
    there = alice.post("/rules/new", rule_form(tag=str(tag))).headers["Location"]
    words_only = rule_form(row_version="1", action="Call Bob.")
    assert alice.post(there, words_only).status_code == 303
    assert rows("SELECT version, row_version FROM alert_rules") == [(1, 2)]
    assert (
        alice.post(there, rule_form(row_version="2", **{"hi-setpoint": "1000"})).status_code == 303
    )
    assert rows("SELECT version, row_version FROM alert_rules") == [(2, 3)]
    late = signed_in(app, "bob").post(there, rule_form(row_version="2"))
    assert late.status_code == 422
    assert "Somebody else changed this rule meanwhile." in read(late)


# ------------------------------------------------------------------------------------- channels


def test_an_e_mail_channel_is_added_and_switched_off(alice: Visitor, rows: Ask, cast: Cast) -> None:
    form = {
        "kind": "email",
        "address": "alice@example.com",
        "worst_priority": "2",
        "person": str(cast.bluebonnet.owner),
    }
    assert alice.post("/channels", form).status_code == 303
    ((channel, user, worst),) = rows(
        "SELECT id, user_id, worst_priority FROM contact_channels"
        " WHERE address = 'alice@example.com'"
    )
    assert (user, worst) == (cast.bluebonnet.owner, 2)
    rows("UPDATE contact_channels SET broken_at = now(), fault = 'no such person'")
    assert "broken since" in read(alice.get("/channels"))
    assert alice.post(f"/channels/{channel}", {"worst_priority": "1"}).status_code == 303
    kept = "SELECT enabled, worst_priority, fault FROM contact_channels WHERE id = :id"
    assert rows(kept, id=channel) == [(False, 1, "no such person")]
    alice.post(f"/channels/{channel}", {"worst_priority": "1", "enabled": "yes"})
    assert rows(kept, id=channel) == [(True, 1, None)]


def test_a_webhooks_key_is_shown_once_and_kept_sealed(
    alice: Visitor, rows: Ask, database: Database
) -> None:
    form = {"kind": "webhook", "address": "https://ops.example.com/in", "worst_priority": "3"}
    answer = alice.post("/channels", form)
    shown = re.search(r'<pre class="command">([^<]+)</pre>', answer.get_data(as_text=True))
    assert shown is not None
    ((channel, sealed),) = rows("SELECT id, secret FROM contact_channels WHERE kind = 'webhook'")
    key = settings_for(database).secret_key
    opened = seal.unseal(key, bytes(sealed), "contact_channels", channel)
    assert opened.decode() == shown[1]
    assert shown[1].encode() not in bytes(sealed)
    assert shown[1] not in alice.get("/channels").get_data(as_text=True)


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"kind": "email", "address": "not an address"}, "Write an e-mail address"),
        ({"kind": "email", "address": ""}, "This is needed."),
        ({"kind": "webhook", "address": "http://ops.example.com"}, "is not an https:// address"),
        ({"kind": "webhook", "address": "https://u:p@x.example"}, "must not hold a user"),
        ({"kind": "email", "address": "bob@example.com"}, "This address is here already"),
        ({"kind": "pigeon", "address": "x@example.com"}, "Choose one of the list."),
    ],
)
def test_a_channel_that_cannot_work_is_refused(
    alice: Visitor, rows: Ask, form: dict[str, str], sentence: str
) -> None:
    before = rows("SELECT count(*) FROM contact_channels")
    answer = alice.post("/channels", form | {"worst_priority": "3"})
    assert answer.status_code == 422
    assert sentence in read(answer)
    assert rows("SELECT count(*) FROM contact_channels") == before


def test_a_channel_belongs_to_someone_who_works_here(alice: Visitor, rows: Ask, cast: Cast) -> None:
    form = {
        "kind": "email",
        "address": "dora@example.com",
        "worst_priority": "3",
        "person": str(cast.cimarron.owner),
    }
    assert alice.post("/channels", form).status_code == 422
    assert rows("SELECT id FROM contact_channels WHERE address = 'dora@example.com'") == []


# ----------------------------------------------------------------------------------- quarantine


def test_discarding_keeps_the_bytes_and_says_who(
    alice: Visitor, rows: Ask, database: Database, cast: Cast
) -> None:
    item = furnish(database, cast.bluebonnet)["quarantine"]["id"]
    assert alice.post(f"/quarantine/{item}/discard").headers["Location"] == "/quarantine"
    ((settlement, by, payload),) = rows(
        "SELECT settlement, settled_by, payload FROM quarantine WHERE id = :id", id=item
    )
    assert (settlement, by) == ("discarded", cast.bluebonnet.owner)
    assert payload
    again = alice.post(f"/quarantine/{item}/discard")
    assert again.status_code == 409
    assert "Somebody has settled this already." in read(again)
    assert "discarded" in read(alice.get("/quarantine?show=settled"))


def test_replaying_says_what_came_of_it(database: Database, cast: Cast) -> None:
    asked: list[tuple[uuid.UUID, uuid.UUID]] = []

    def again(item: uuid.UUID, person: uuid.UUID) -> str:
        asked.append((item, person))
        if len(asked) > 1:
            raise HubError("its agent is not known any more")
        return "Taken in: 12 readings stored."

    alice = signed_in(open_console(database, again), "alice")
    item = furnish(database, cast.bluebonnet)["quarantine"]["id"]
    there = alice.post(f"/quarantine/{item}/replay").headers["Location"]
    assert "Taken in: 12 readings stored." in read(alice.get(there))
    alice.post(f"/quarantine/{item}/replay")
    assert "It was not taken in: its agent is not known any more" in read(alice.get(there))
    assert asked == [(item, cast.bluebonnet.owner)] * 2


def test_nobody_replays_another_operators_message(database: Database, cast: Cast) -> None:
    def never(item: uuid.UUID, person: uuid.UUID) -> str:
        raise AssertionError("asked to replay another operator's message")

    alice = signed_in(open_console(database, never), "alice")
    item = furnish(database, cast.cimarron)["quarantine"]["id"]
    assert alice.post(f"/quarantine/{item}/replay").status_code == 404


# ---------------------------------------------------------------------------------------- wells


def test_a_well_is_added_and_changed(alice: Visitor, rows: Ask) -> None:
    form = {
        "name": "Bluebonnet 9H",
        "site": "North pad",
        "well_type": "gas",
        "status": "drilling",
        "lat": "31.5",
        "lon": "\u2212103.25",
        "api14": "42-389-12345-00-00",
    }
    there = alice.post("/wells/new", form).headers["Location"]
    assert "Bluebonnet 9H" in read(alice.get("/"))
    ((api, lon),) = rows("SELECT api14, lon FROM wells WHERE name = 'Bluebonnet 9H'")
    assert (api, float(lon)) == ("42389123450000", -103.25)
    assert (
        alice.post(f"{there}/edit", form | {"row_version": "1", "status": "producing"}).status_code
        == 303
    )
    assert rows("SELECT status, row_version FROM wells WHERE api14 = :api", api=api) == [
        ("producing", 2)
    ]
    late = alice.post(f"{there}/edit", form | {"row_version": "1"})
    assert late.status_code == 422
    assert "Somebody else changed this well meanwhile." in read(late)


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"name": ""}, "This is needed."),
        ({"name": "BLUEBONNET 1h"}, "Another well has this already."),
        ({"api14": "123"}, "An API number has 14 digits"),
        ({"lat": "91", "lon": "0"}, "Latitude takes -90 to 90"),
        ({"lat": "31"}, "give both, or neither."),
        ({"well_type": "volcano"}, "Choose one of the list."),
    ],
)
def test_a_well_that_cannot_be_is_refused(
    alice: Visitor, rows: Ask, more: dict[str, str], sentence: str
) -> None:
    before = rows("SELECT count(*) FROM wells")
    form = {"name": "New", "well_type": "oil", "status": "producing"} | more
    answer = alice.post("/wells/new", form)
    assert answer.status_code == 422
    assert sentence in read(answer)
    assert rows("SELECT count(*) FROM wells") == before
