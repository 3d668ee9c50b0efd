"""The pages of who is told: the calendar, policies and what would follow, preferences."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.console import read
from tests.frontdesk import Office, opened
from tests.servers import postgres


@pytest.fixture(scope="module")
def office(
    plain_server: postgres.Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Office]:
    with opened(plain_server, tmp_path_factory.mktemp("documents")) as made:
        owner = made.cast.bluebonnet
        made.rows("UPDATE contact_channels SET proven_at = now(), worst_priority = 4 RETURNING 1")
        for user, name in ((owner.owner, "alice"), (owner.pumper, "carl")):
            made.rows(
                "INSERT INTO contact_channels"
                " (organization_id, user_id, kind, address, proven_at, worst_priority)"
                " VALUES (:o, :u, 'email', :a, now(), 1) RETURNING 1",
                o=owner.id,
                u=user,
                a=f"{name}@reach.example",
            )
        yield made


def rotation(office: Office, **more: str) -> dict[str, str]:
    """The form of a rotation of Bob and Carl, that begins yesterday."""
    return {
        "name": "Field",
        "timezone": "America/Chicago",
        "l1-person-1": str(office.cast.bluebonnet.manager),
        "l1-person-2": str(office.cast.bluebonnet.pumper),
        "l1-starts": (datetime.now(UTC).date() - timedelta(days=1)).isoformat(),
        "l1-handoff": "00:00",
        "l1-every": "7",
    } | more


def test_a_rotation_with_holes_or_unproven_people_is_refused_with_the_reason(
    office: Office,
) -> None:
    assert office.carl.post("/rotations/new", rotation(office)).status_code == 403
    hours = rotation(office, **{"l1-from": "06:00", "l1-to": "18:00"})
    answer = office.bob.post("/rotations/new", hours)
    assert answer.status_code == 422
    assert "Nobody is on call from" in read(answer)
    office.rows("UPDATE contact_channels SET proven_at = NULL RETURNING 1")
    assert "No channel of Carl is proven" in read(
        office.bob.post("/rotations/new", rotation(office))
    )
    office.rows("UPDATE contact_channels SET proven_at = now() RETURNING 1")
    assert office.bob.post("/rotations/new", rotation(office)).status_code == 303
    assert "Bob is on call" in read(office.carl.get("/oncall"))


def test_somebody_stands_in_with_two_taps_and_gives_it_back(office: Office) -> None:
    office.bob.post("/rotations/new", rotation(office, name="Cover"))
    page = office.carl.get("/oncall").get_data(as_text=True)
    links = [html.unescape(link) for link in re.findall(r'href="(/oncall/[^"]+/cover[^"]*)"', page)]
    form = office.carl.get(links[-1]).get_data(as_text=True)
    asked = dict(re.findall(r'name="(from|until)"[^>]*value="([^"]+)"', form))
    path = links[-1].split("?")[0]
    mine = {"person": str(office.cast.bluebonnet.pumper)} | {
        name: html.unescape(value) for name, value in asked.items()
    }
    other = mine | {"person": str(office.cast.bluebonnet.owner)}
    refused = office.carl.post(path, other)
    assert refused.status_code == 422, "Bob's hours are not Carl's to give"
    assert office.carl.post(path, mine).status_code == 303
    shown = read(office.carl.get("/oncall"))
    assert "Carl stands in" in shown
    ((key,),) = office.rows("SELECT id FROM rotation_overrides")
    assert office.carl.post(f"/oncall/overrides/{key}/withdraw").status_code == 303
    assert "stands in" not in read(office.carl.get("/oncall"))


def test_what_is_said_at_the_hand_off_is_kept(office: Office) -> None:
    office.bob.post("/rotations/new", rotation(office, name="Notes"))
    ((key,),) = office.rows("SELECT id FROM rotations WHERE name = 'Notes'")
    assert office.bob.post(f"/oncall/{key}/note", {"note": "Jack 2 squeals"}).status_code == 303
    assert 'value="Jack 2 squeals"' in office.bob.get("/oncall").get_data(as_text=True)


def policy(office: Office, **more: str) -> dict[str, str]:
    """The form of a policy: Bob by mail, then the owner."""
    return {
        "name": "Day and night",
        "priority-1": "yes",
        "priority-2": "yes",
        "rounds": "2",
        "s1-target-1": f"user:{office.cast.bluebonnet.manager}",
        "s1-class": "email",
        "s1-wait": "5",
        "s1-times": "1",
        "s2-target-1": "role:owner",
        "s2-class": "own",
        "s2-wait": "10",
        "s2-times": "1",
    } | more


def test_a_policy_shows_what_would_follow_and_is_saved_as_a_version(office: Office) -> None:
    shown = read(office.bob.post("/escalation/new", policy(office, do="show")))
    assert re.search(r"\d\d:\d\d mail to Bob", shown)
    assert "mail to Alice" in shown
    assert office.rows("SELECT 1 FROM escalation_policies") == []
    assert office.bob.post("/escalation/new", policy(office)).status_code == 303
    ((key,),) = office.rows("SELECT id FROM escalation_policies")
    assert 'value="Day and night"' in office.bob.get(f"/escalation/{key}").get_data(as_text=True)
    office.bob.post(f"/escalation/{key}", policy(office, rounds="4"))
    versions = office.rows("SELECT number, snapshot->>'rounds' FROM policy_versions ORDER BY 1")
    assert [tuple(row) for row in versions] == [(1, "2"), (2, "4")]
    assert "Day and night" in read(office.alice.get("/escalation"))
    assert office.carl.get("/escalation").status_code == 403


def test_a_policy_that_would_fail_is_refused(office: Office) -> None:
    answer = office.bob.post("/escalation/new", policy(office, **{"s2-worst": "1", "name": "x"}))
    assert answer.status_code == 303  # priority 1 is among its priorities
    odd = policy(office, **{"priority-1": "", "s2-worst": "1", "name": "y"})
    answer = office.bob.post("/escalation/new", odd)
    assert answer.status_code == 422
    assert "Step 2 is never reached" in read(answer)
    assert office.bob.post("/escalation/new", {"name": "z", "rounds": "1"}).status_code == 422


def test_everybody_says_for_themselves_how_they_are_told(office: Office) -> None:
    sent = {
        "language": "es",
        "digest": "06:30",
        "quiet_from": "22:00",
        "quiet_to": "06:00",
        "p3-1": "email",
        "most_sms": "10",
    }
    assert office.carl.post("/preferences", sent).status_code == 303
    page = office.carl.get("/preferences").get_data(as_text=True)
    assert 'value="06:30"' in page
    muted = office.carl.post("/preferences", sent | {"p1-1": "sms"})
    assert muted.status_code == 422
    assert "Priority 1 would reach you over no channel you have" in read(muted)
    away = {"away_from": "2026-06-01T07:00", "away_until": "2026-06-08T07:00"}
    assert "who stands in" in read(office.carl.post("/preferences", sent | away))
    away["delegate"] = str(office.cast.bluebonnet.manager)
    assert office.carl.post("/preferences", sent | away).status_code == 303


def test_a_storm_that_is_not_ours_is_not_there(office: Office) -> None:
    assert office.bob.get("/storms/00000000-0000-0000-0000-000000000001").status_code == 404


def test_a_policy_is_for_one_well_and_for_some_days_and_says_so_again(office: Office) -> None:
    well = office.cast.bluebonnet.wells[0]
    days = {f"s1-day-{day}": "yes" for day in (6, 7)}
    form = policy(office, name="Weekends", scope=f"well:{well}", note="Night shift", **days)
    assert office.bob.post("/escalation/new", form).status_code == 303
    ((key, kept),) = office.rows(
        "SELECT p.id, s.window_days FROM escalation_policies p JOIN escalation_steps s"
        " ON s.policy_id = p.id AND s.position = 1 WHERE p.name = 'Weekends' AND p.well_id = :w",
        w=well,
    )
    assert kept == [6, 7]
    page = office.bob.get(f"/escalation/{key}").get_data(as_text=True)
    assert re.findall(r'name="s1-day-(\d)" value="yes" checked', page) == ["6", "7"]
    assert f'value="well:{well}" selected' in page
    assert 's1-from" type="time" value=""' in page  # all day, and not from midnight to midnight
    assert office.bob.post(f"/escalation/{key}", form | {"rounds": "3"}).status_code == 303
    assert "Night shift" in read(office.bob.get("/escalation"))
    foreign = office.cast.cimarron.wells[0]
    refused = office.bob.post("/escalation/new", form | {"scope": f"well:{foreign}", "name": "x"})
    assert refused.status_code == 422
    assert "Choose one of the list" in read(refused)


def test_a_policy_is_for_one_rule_or_piece_of_equipment_and_tells_of_its_like(
    office: Office,
) -> None:
    own = office.cast.bluebonnet
    ((rule,),) = office.rows(
        "INSERT INTO alert_rules (organization_id, tag_id, name, kind, params)"
        " VALUES (:o, :t, 'Casing high', 'limit', '{\"levels\": {}}') RETURNING id",
        o=own.id,
        t=own.tags[0],
    )
    form = policy(office, name="For casing", scope=f"rule:{rule}")
    page = office.bob.get(f"/escalation/new?for=rule:{rule}").get_data(as_text=True)
    assert f'value="rule:{rule}" selected' in page
    assert office.bob.post("/escalation/new", form).status_code == 303
    ((key,),) = office.rows("SELECT id FROM escalation_policies WHERE rule_id = :r", r=rule)
    page = office.bob.get(f"/escalation/{key}").get_data(as_text=True)
    assert f'value="rule:{rule}" selected' in page
    shown = read(office.bob.post("/escalation/new", form | {"name": "Twice", "do": "show"}))
    assert "“For casing” is for the same alerts of priority" in shown
    piece = own.equipment[0]
    office.rows("UPDATE tags SET equipment_id = :e WHERE id = :t", e=piece, t=own.tags[0])
    form = policy(office, name="For the pump", scope=f"equipment:{piece}")
    assert office.bob.post("/escalation/new", form).status_code == 303
    listed = read(office.bob.get("/escalation"))
    assert "Rule Casing high" in listed
    assert "Equipment " in listed
    foreign = office.cast.cimarron.equipment[0]
    refused = office.bob.post("/escalation/new", form | {"scope": f"equipment:{foreign}"})
    assert (refused.status_code, "Choose one of the list" in read(refused)) == (422, True)


def test_a_rotation_has_a_layer_for_some_days(office: Office) -> None:
    layer = {
        "l2-person-1": str(office.cast.bluebonnet.owner),
        "l2-starts": datetime.now(UTC).date().isoformat(),
        "l2-every": "7",
        "l2-day-7": "yes",
    }
    form = rotation(office, name="Sundays", **layer)
    assert office.bob.post("/rotations/new", form).status_code == 303
    ((key, kept),) = office.rows(
        "SELECT r.id, l.window_days FROM rotations r JOIN rotation_layers l"
        " ON l.rotation_id = r.id AND l.position = 2 WHERE r.name = 'Sundays'"
    )
    assert kept == [7]
    page = office.bob.get(f"/rotations/{key}").get_data(as_text=True)
    assert re.findall(r'name="l2-day-(\d)" value="yes" checked', page) == ["7"]
