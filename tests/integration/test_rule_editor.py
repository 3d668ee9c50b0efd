"""The editor of rules: what it tries, refuses and tells, for every kind, on a tank and its well."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from agent.contract.rulebundle import open_bundle, read_key
from hub import agents
from hub.alerts import backtest, rules, sitebundles, watches
from hub.database import tenant_session
from hub.schema import AlertRule, Tag
from tests import alerting
from tests.api import Program, faults, problem, with_key
from tests.cast import Operator, engage
from tests.console import Visitor, open_console, read, signed_in
from tests.servers.postgres import Database, Server, migrated
from tests.telemetry import Point, store

NOW = datetime.now(UTC).replace(second=0, microsecond=0)
MINUTES = 2 * 1440
#: Four half hours of low tubing pressure; in two of them the casing is high as well.
DIPS = (400, 1000, 1600, 2200)
FULL = range(2500, 2520)


def shown(tag: int, minute: int) -> float:
    """What each of the three gauges shows."""
    ripple = (minute % 7) * 0.5
    dip = next((start for start in DIPS if start <= minute < start + 30), None)
    return (
        150 + ripple if dip is not None else 300 + ripple,
        1000 + ripple if dip in DIPS[:2] else 700 + ripple,
        230.0 if minute in FULL else 100 + ripple,
    )[tag]


@pytest.fixture(scope="module")
def furnished(plain_server: Server) -> Iterator[tuple[Database, Operator]]:
    """Two days of three gauges; the third stands on a tank 20 feet high."""
    database = plain_server.fresh(migrated)
    own = engage(database.engine("owner")).bluebonnet
    points = [
        Point(tag, NOW - timedelta(minutes=MINUTES - minute), shown(n, minute))
        for n, tag in enumerate(own.tags)
        for minute in range(MINUTES)
    ]
    store(database, own, points)
    with database.engine("owner").begin() as connection:
        connection.execute(text("UPDATE tags SET interval_ms = 60000"))
        connection.execute(
            text(
                "INSERT INTO tanks (organization_id, name, lease_id, equipment_id, capacity_bbl,"
                " height_in) VALUES (:org, 'T-1', :lease, :piece, 400, 240)"
            ),
            {"org": own.id, "lease": own.lease, "piece": own.equipment[0]},
        )
        place = text("UPDATE tags SET equipment_id = :piece WHERE id = :tag")
        connection.execute(place, {"piece": own.equipment[0], "tag": own.tags[2]})
    yield database, own
    plain_server.drop(database)


@pytest.fixture
def house(furnished: tuple[Database, Operator]) -> tuple[Database, Operator]:
    """Without any rule."""
    with furnished[0].admin() as admin:
        admin.execute("TRUNCATE alert_rules CASCADE")
        admin.execute("UPDATE contact_channels SET enabled = true")
    return furnished


@pytest.fixture(scope="module")
def alice(furnished: tuple[Database, Operator]) -> Visitor:
    return signed_in(open_console(furnished[0]), "alice")


def form(tag: int, sort: str = "limit", **fields: str) -> dict[str, str]:
    """A form as it would be sent; `hi_setpoint` stands for hi-setpoint, `set_by` for set-by."""
    levels = {"limit": ("hi", "lo"), "deviation": ("hi", "lo"), "rate": ("hi", "lo")}
    levels |= {"time_to": ("lo",)}
    named = {re.sub(r"^(lolo|lo|hihi|hi|alarm|set)_", r"\1-", k): v for k, v in fields.items()}
    priorities = {f"{level}-priority": "3" for level in levels.get(sort, ("alarm",))}
    words = {"cause": "A leak.", "consequence": "A spill.", "action": "Shut in."}
    place = {"tag": str(tag), "trial_tag": str(tag)}
    always = {"name": "Trouble", "enabled": "yes", "respond_within": "30", "sort": sort}
    return always | words | place | priorities | named


# ------------------------------------------------------------------------------------ the trial


BOTH = '"plc.tubing_pressure" < 200 and "plc.casing_pressure" > 900'

WINDOW = {"set_window_s": "600"}
USUAL = {"set_from": "hampel", "set_window_s": "7200", "set_floor": "5"}


@pytest.mark.parametrize(
    ("gauge", "sort", "fields", "times"),
    [
        (0, "limit", {"lo_setpoint": "200"}, "4 times"),
        (0, "expression", {"set_condition": BOTH}, "2 times"),
        (2, "limit", {"hi_setpoint": "tank_height - 12"}, "once"),
        (2, "time_to", {"set_to": "tank_height - 1", "lo_setpoint": "0.1"} | WINDOW, "once"),
        (0, "deviation", USUAL | {"lo_setpoint": "-6"}, "4 times"),
        (0, "rate", {"set_per": "min", "lo_setpoint": "-10"} | WINDOW, "4 times"),
        (2, "flatline", {"set_tolerance": "0", "alarm_setpoint": "15"}, "once"),
    ],
)
def test_every_kind_and_setting_is_tried(
    house: tuple[Database, Operator],
    alice: Visitor,
    gauge: int,
    sort: str,
    fields: dict[str, str],
    times: str,
) -> None:
    """Conditions over several gauges and limits that follow the tank, like plain ones."""
    tag = house[1].tags[gauge]
    answer = alice.post("/rules/trial", form(tag, sort, **fields))
    words = read(answer)
    assert re.search(f"It would have fired ({times}) in", words), words
    assert "Who would be told" in words
    assert "mail to Bob at once" in words


def test_delays_of_a_condition_are_suggested_and_no_deadband(
    house: tuple[Database, Operator], alice: Visitor
) -> None:
    condition = '"plc.tubing_pressure" > 302'
    chatter = form(house[1].tags[0], "expression", set_condition=condition)
    words = read(alice.post("/rules/suggest", chatter))
    assert "Off-delay in seconds" in words
    assert "Deadband" not in words
    assert "alarms in place of" in words


def test_a_condition_counts_the_readings_of_all_its_gauges(
    house: tuple[Database, Operator],
) -> None:
    database, own = house
    with tenant_session(database.engine("app"), own.id) as session:
        tag = session.get_one(Tag, own.tags[0])
        params = {"condition": BOTH, "levels": {"alarm": {"priority": 2}}}
        found = watches.tried(session, tag, "expression", params)
        span = backtest.stretch(session, tag, NOW, 2, most=1440, tags=found.several)
        assert span.interval_ms == 30_000
        assert span.end - span.start == 1440 * 30_000
        assert "together read every 30 s" in span.shortened


def test_what_cannot_be_tried_says_why(house: tuple[Database, Operator], alice: Visitor) -> None:
    tubing, _, level = house[1].tags
    nobody = form(tubing, "expression", set_condition="nothing_here > 1")
    assert "no gauge of this agent" in read(alice.post("/rules/trial", nobody))
    no_tank = form(tubing, hi_setpoint="tank_height - 1")
    assert "tank height, which is not known here" in read(alice.post("/rules/trial", no_tank))
    crossed = form(level, hi_setpoint="tank_height - 200", lo_setpoint="50")
    assert "lo must lie below hi" in read(alice.post("/rules/trial", crossed))


# ------------------------------------------------------------------------------- what is refused


def refused(alice: Visitor, fields: dict[str, str], sentence: str, at: str = "") -> None:
    answer = alice.post("/rules/new", fields)
    assert answer.status_code == 422, read(answer)
    assert sentence in read(answer)
    assert not at or f'id="h-{at}">' in answer.get_data(as_text=True)


def test_rules_that_do_no_good_are_refused_at_their_field(
    house: tuple[Database, Operator], alice: Visitor
) -> None:
    tubing, _, level = house[1].tags
    refused(alice, form(level, hi_setpoint="tank_height * 20"), "it can never fire", "hi-setpoint")
    refused(alice, form(tubing, hi_setpoint="tank_height - 1"), "not known here", "hi-setpoint")
    slope = form(tubing, "rate", hi_setpoint="5", set_window_s="120", set_per="h")
    refused(alice, slope, "3 readings of this gauge, and 5 are needed", "set-window_s")
    usual = form(tubing, "deviation", hi_setpoint="5", set_window_s="600", set_from="hampel")
    refused(alice, usual, "Use at least 1440 s", "set-window_s")
    both = form(tubing, "expression", set_condition='"plc.tubing_pressure" > 4000')
    refused(alice, both, "contradicts itself: it can never fire", "set-condition")
    refused(alice, form(tubing, "digital", set_states="-3"), "none of the states", "set-states")
    silent = form(tubing, "stale", set_after_s="60")
    refused(alice, silent, "the gauge is read every 60 s, so it would always fire", "set-after_s")


def keep(database: Database, own: Operator, gauge: int, kind: str, params: dict[str, Any]) -> Any:
    with Session(database.engine("owner")) as session, session.begin():
        name = f"{kind.replace('_', ' ')} there"
        return rules.create(session, own.id, own.tags[gauge], name, params, kind=kind).id


def test_two_rules_of_one_gauge_that_contradict_are_refused_whatever_their_kind(
    house: tuple[Database, Operator], alice: Visitor
) -> None:
    database, own = house
    tubing, _, level = own.tags
    priority = {"priority": 3}
    keep(database, own, 2, "limit", {"levels": {"lo": {"setpoint": 220} | priority}})
    # 240 in - 30 in = 210: only with the tank's height is it known to contradict.
    refused(alice, form(level, hi_setpoint="tank_height - 30"), "contradicts “limit there”")
    keep(database, own, 0, "bad_value", {"high": 900, "levels": {"alarm": priority}})
    high = form(tubing, hi_setpoint="950")
    refused(alice, high, "“bad value there” does not believe what lies above 900", "hi-setpoint")
    keep(database, own, 0, "rate", {"per": "min", "levels": {"lo": {"setpoint": 4} | priority}})
    faster = form(tubing, "rate", set_window_s="600", set_per="min", hi_setpoint="3")
    refused(alice, faster, "contradicts “rate there”", "hi-setpoint")
    condition = {"condition": '"plc.tubing_pressure" > 200', "levels": {"alarm": priority}}
    keep(database, own, 0, "expression", condition)
    other = form(tubing, "expression", set_condition='not "plc.tubing_pressure" > 200')
    refused(alice, other, "one of the two stands whatever the gauges show", "set-condition")
    doubt = form(level, "bad_value", set_low="225", set_high="240")
    refused(alice, doubt, "lo of “limit there” could never fire any more")


def test_what_the_gauge_showed_lately_is_told_and_does_not_refuse(
    house: tuple[Database, Operator], alice: Visitor
) -> None:
    fields = form(house[1].tags[1], hi_setpoint="650")
    words = read(alice.post("/rules/trial", fields))
    assert "99% of the recent readings are in alarm" in words
    assert alice.post("/rules/new", fields).status_code == 303


# --------------------------------------------------------------------------------- who is told


def test_a_rule_that_pages_nobody_says_so_by_the_policy_that_holds(
    house: tuple[Database, Operator], alice: Visitor
) -> None:
    database, own = house
    made = alice.post("/rules/new", form(own.tags[1], hi_setpoint="1500", hi_priority="2"))
    there = made.headers["Location"]
    trial = form(own.tags[1], hi_setpoint="1500", hi_priority="2")
    assert "page nobody" not in read(alice.get(there))
    with database.admin() as admin:
        admin.execute("UPDATE contact_channels SET worst_priority = 1")
    try:
        for words in (read(alice.get(there)), read(alice.post("/rules/trial", trial))):
            assert "It would page nobody: no working channel takes alerts of priority 2" in words
        assert "page nobody" not in read(alice.post("/rules/trial", trial | {"advisory": "yes"}))
    finally:
        with database.admin() as admin:
            admin.execute("UPDATE contact_channels SET worst_priority = 4")


# ------------------------------------------------------------------------------------- silence


def test_silence_has_a_form(house: tuple[Database, Operator], alice: Visitor) -> None:
    database, own = house
    page = alice.get(f"/rules/new?sort=stale&tag={own.tags[0]}").get_data(as_text=True)
    assert "Silent for, s" in page
    assert "On after" not in page
    assert "What it would have done" not in page
    fields = form(own.tags[0], "stale", set_after_s="900", alarm_priority="2")
    there = alice.post("/rules/new", fields).headers["Location"]
    with Session(database.engine("owner")) as session:
        (rule,) = session.query(AlertRule)
        assert (rule.kind, rule.params) == (
            "stale",
            {"levels": {"alarm": {"priority": 2}}, "after_s": 900},
        )
    changed = fields | {"row_version": "1", "set-after_s": "", "set-by": "10:00"}
    assert alice.post(there, changed).status_code == 303
    page = alice.get(there).get_data(as_text=True)
    assert 'value="10:00"' in page
    assert "mail to Bob" in page
    refused(alice, fields | {"set-by": "25:00", "set-after_s": ""}, "like 10:00", "set-by")
    refused(alice, fields | {"set-by": "10:00"}, "after_s or by, not both")


# --------------------------------------------------------------------------------- at the site


def test_the_site_gets_numbers_and_follows_the_tank(
    house: tuple[Database, Operator], alice: Visitor
) -> None:
    database, own = house
    agent = f"/agents/{own.agents[0]}"
    assert "Rules on site" not in read(alice.get(agent)), "it has no key"
    full = {"setpoint": {"of": "tank_height", "plus": -12}, "priority": 1}
    soon = {"to": {"of": "tank_height", "times": 0.95}, "window_s": 600}
    keep(database, own, 2, "limit", {"levels": {"hihi": full}})
    keep(database, own, 2, "rate", soon | {"levels": {"lo": {"setpoint": 4, "priority": 2}}})
    settings = alerting.settings(database)
    with Session(database.engine("owner")) as session, session.begin():
        key = agents.renew_key(session, own.agent_names[0], settings.secret_key)

    def sent() -> list[tuple[str, Any, Any]]:
        with database.admin() as admin:
            (payload,) = admin.execute(
                "SELECT bundle FROM site_rules WHERE bundle IS NOT NULL"
            ).fetchone() or (b"",)
        bundle = open_bundle(bytes(payload), read_key(key), own.agent_names[0])
        return sorted(
            (
                rule.kind,
                rule.params["levels"].get("hihi", {}).get("setpoint"),
                rule.params.get("to"),
            )
            for rule in bundle.rules
        )

    assert sitebundles.renew(database.engine("work"), settings) == 1
    assert sent() == [("limit", 228.0, None), ("rate", None, 228.0)]
    words = read(alice.get(agent))
    assert "behind Wanted are 2 rules" in words
    assert "it has not said that it runs any" in words
    assert "limit there plc.oil_level 1" in words
    with database.admin() as admin:
        admin.execute("UPDATE site_rules SET running = epoch, running_at = now()")
    assert "as wanted 2 rules" in read(alice.get(agent))
    with database.admin() as admin:
        admin.execute("UPDATE tanks SET height_in = 200")
    later = datetime.now(UTC) + timedelta(minutes=1)
    assert sitebundles.renew(database.engine("work"), settings, later) == 1, "within a minute"
    assert sent() == [("limit", 188.0, None), ("rate", None, 190.0)]
    assert "behind Wanted are 2 rules" in read(alice.get(agent))
    with database.admin() as admin:
        admin.execute("UPDATE tanks SET height_in = 240")


# ----------------------------------------------------------------------------------- programs


def body(tag: int, **more: Any) -> dict[str, Any]:
    """A rule as a program sends it."""
    full = {"setpoint": {"of": "tank_height", "plus": -12}, "priority": 2}
    words = {"cause": "A stuck valve.", "consequence": "A spill.", "action": "Shut in."}
    shape = {
        "name": "Tank high",
        "kind": "limit",
        "tag_id": tag,
        "params": {"levels": {"hi": full}},
    }
    return shape | words | {"respond_within_s": 1800} | more


@pytest.fixture
def program(house: tuple[Database, Operator]) -> Program:
    app = open_console(house[0])
    return with_key(app, *house)


def test_programs_make_change_restore_and_try_rules(
    house: tuple[Database, Operator], program: Program
) -> None:
    level = house[1].tags[2]
    made = program.post("/alert_rules", body(level))
    assert made.status_code == 201, made.get_json()
    one = made.get_json()
    assert made.headers["Location"].endswith(f"/alert_rules/{one['id']}")
    assert one["told"][0]["turns"][0]["who"] == "Bob"
    assert one["params"]["levels"]["hi"]["setpoint"]["of"] == "tank_height"
    there = f"/alert_rules/{one['id']}"

    delayed = {"params": {"levels": {"hi": {"off_delay_s": 300}}}}
    late = program.patch(there, delayed, If_Match='"99"')
    assert problem(late, 412)["current"]["row_version"] == 1
    changed = program.patch(there, delayed, If_Match=made.headers["ETag"]).get_json()
    level_now = changed["params"]["levels"]["hi"]
    assert (changed["version"], level_now["off_delay_s"]) == (2, 300)
    assert level_now["setpoint"]["of"] == "tank_height", "merged member by member"

    said = program.get(f"{there}/versions").get_json()["rows"]
    assert [one["number"] for one in said] == [2, 1]
    back = program.post(f"{there}/restore", {"number": 1}).get_json()
    assert (back["version"], back["params"]["levels"]["hi"]["off_delay_s"]) == (3, 0)
    assert problem(program.post(f"{there}/restore", {"number": 9}), 422)

    listed = program.get(f"/alert_rules?tag={level}&limit=1").get_json()
    assert ([rule["id"] for rule in listed["rows"]], listed["next"]) == ([one["id"]], None)

    asked = {"rule_id": one["id"], "days": 3, "suggest": True}
    tried = program.post("/alert_rules/backtest", asked).get_json()
    assert (tried["alarms"], tried["over_10_min"]) == (1, 1)
    assert "levels" in tried["suggestion"]
    unsaved = {"kind": "expression", "params": {"condition": BOTH} | ALARM, "days": 3}
    tried = program.post("/alert_rules/backtest", unsaved | {"tag_id": house[1].tags[0]})
    assert tried.get_json()["alarms"] == 2


ALARM = {"levels": {"alarm": {"priority": 3}}}


def test_programs_are_refused_what_the_form_refuses(
    house: tuple[Database, Operator], program: Program
) -> None:
    level = house[1].tags[2]
    bare = {name: value for name, value in body(level).items() if name not in {"action", "cause"}}
    assert set(faults(program.post("/alert_rules", bare))) == {"action", "cause"}
    advice = program.post("/alert_rules", bare | {"advisory": True})
    assert advice.status_code == 201
    hopeless = {"levels": {"hi": {"setpoint": 5000, "priority": 2}}}
    refusal = faults(program.post("/alert_rules", body(level, params=hopeless)))
    assert "it can never fire" in refusal["params"]
    there = f"/alert_rules/{advice.get_json()['id']}"
    assert "it can never fire" in faults(program.patch(there, {"params": hopeless}))["params"]
    assert "is needed" in faults(program.patch(there, {"name": " "}))["name"]
    wrong = body(level, respond_within_s="soon", colour="red", params=[])
    assert set(faults(program.post("/alert_rules", wrong))) == {
        "respond_within_s",
        "colour",
        "params",
    }
    assert "no tag 987654" in faults(program.post("/alert_rules", body(987654)))["tag_id"]
    office = {"kind": "due_date", "params": {}, "tag_id": level}
    assert faults(program.post("/alert_rules/backtest", office))["kind"]
    assert problem(program.get("/alert_rules/nothing"), 404)
    assert "must be one of" in faults(program.get("/alert_rules?kind=limits"))["kind"]


def test_who_may_not_change_rules_may_read_and_try_them(
    house: tuple[Database, Operator], program: Program
) -> None:
    made = program.post("/alert_rules", body(house[1].tags[2])).get_json()
    reader = with_key(program.client.application, *house, "viewer", scopes=("read",))
    there = f"/alert_rules/{made['id']}"
    assert reader.get(there).status_code == 200
    assert reader.post("/alert_rules/backtest", {"rule_id": made["id"]}).status_code == 200
    for answer in (
        reader.post("/alert_rules", body(house[1].tags[2])),
        reader.patch(there, {"name": "Other"}),
        reader.post(f"{there}/restore", {"number": 1}),
    ):
        assert problem(answer, 403)
