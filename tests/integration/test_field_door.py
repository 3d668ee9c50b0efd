"""The pumper's form at the hub, and what the hub signs for the form at a site."""

from __future__ import annotations

import gzip
import json
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from agent.contract.pins import fits
from agent.contract.rulebundle import open_bundle
from agent.contract.stopsheet import read_sheet
from agent.form.people import people_of
from hub.__main__ import main
from hub.alerts import sitebundles
from hub.production import siteforms
from hub.seal import seal
from tests.cast import Cast, engage
from tests.console import Visitor, open_console, settings_for, signed_in
from tests.servers import postgres
from tests.servers.postgres import Database


@dataclass
class Field:
    """Bluebonnet's lease, on the route of its pumper."""

    database: Database
    cast: Cast
    app: Flask
    lease: uuid.UUID
    well: uuid.UUID
    tank: uuid.UUID

    def rows(self, statement: str, **values: Any) -> list[Any]:
        with self.database.engine("owner").begin() as connection:
            found = connection.execute(text(statement), values)
            return [tuple(row) for row in found] if found.returns_rows else []

    def form(self, visitor: Visitor, **typed: str) -> dict[str, str]:
        page = visitor.get(f"/field/stop/{self.lease}?lang=en").text
        hidden = dict(re.findall(r'type="hidden" name="(id|owner)" value="([^"]+)"', page))
        day = re.search(r'<option value="([^"]+)" selected', page)
        assert day is not None
        return {**hidden, "id": str(uuid.uuid4()), "day": day[1], "lang": "en", **typed}

    def send(self, visitor: Visitor, form: dict[str, str], **headers: str) -> Any:
        return visitor.post(f"/field/stop/{self.lease}", form, **headers)


@pytest.fixture(scope="module")
def field(plain_server: postgres.Server) -> Iterator[Field]:
    database = plain_server.fresh(postgres.migrated)
    cast = engage(database.engine("owner"))
    ours = cast.bluebonnet
    made = Field(database, cast, open_console(database), ours.lease, ours.wells[0], uuid.uuid4())
    head = {"o": ours.id, "t": made.tank, "l": ours.lease, "s": uuid.uuid4()}
    made.rows(
        "INSERT INTO tanks (id, organization_id, name, contents, lease_id, capacity_bbl, height_in)"
        " VALUES (:t, :o, '1', 'oil', :l, 300, 180)",
        **head,
    )
    made.rows(
        "INSERT INTO tank_strap_tables (id, organization_id, tank_id, valid_from)"
        " VALUES (:s, :o, :t, '2020-01-01')",
        **head,
    )
    made.rows(
        "INSERT INTO tank_strap_points (organization_id, strap_table_id, level_in, volume_bbl)"
        " VALUES (:o, :s, 0, 0), (:o, :s, 180, 300)",
        **head,
    )
    yield made
    plain_server.drop(database)


def test_a_pumper_sees_the_route_and_enters_a_stop(field: Field) -> None:
    carl = signed_in(field.app, "carl")
    route = carl.get("/field/").text
    assert f"/field/stop/{field.lease}" in route
    assert "Cimarron" not in route
    form = field.form(carl, g0_top_ft="8", g0_top_in="2", g0_top_q="1", w0_tubing_psig="412")
    answer = field.send(carl, form)
    assert answer.status_code == 303
    gauges = field.rows("SELECT level_in, volume_bbl, created_by FROM tank_gauges")
    assert [(float(level), float(bbl), who) for level, bbl, who in gauges] == [
        (98.25, 163.75, field.cast.bluebonnet.pumper)
    ]
    assert "done" in carl.get("/field/").text
    twice = field.send(carl, form, Accept="application/json")
    assert (twice.status_code, twice.json["state"]) == (200, "taken")
    assert field.rows("SELECT count(*) FROM field_entries WHERE entry_id = :e", e=form["id"]) == [
        (1,)
    ]
    page = unescape(carl.get(f"/field/stop/{field.lease}").text)
    assert f'name="replaces" value="{form["id"]}"' in page


def test_nobody_enters_in_anothers_name_or_at_anothers_stop(field: Field) -> None:
    carl, gus = signed_in(field.app, "carl"), signed_in(field.app, "gus")
    typed = field.form(carl, w1_tubing_psig="400")
    answer = field.send(gus, typed, Accept="application/json")
    assert answer.status_code == 401
    dora = signed_in(field.app, "dora")
    assert dora.get(f"/field/stop/{field.lease}").status_code == 404
    theirs = typed | {"owner": ""}
    assert field.send(dora, theirs).status_code == 404
    assert field.send(Visitor(field.app), typed, Accept="application/json").status_code == 401
    assert field.rows("SELECT count(*) FROM field_entries WHERE entry_id = :e", e=typed["id"]) == [
        (0,)
    ]


def test_what_the_office_refuses_comes_back_and_is_mended_by_the_next(field: Field) -> None:
    carl = signed_in(field.app, "carl")
    field.rows(
        "INSERT INTO accounting_periods (organization_id, module, month, state)"
        " SELECT :o, 'production', date_trunc('month', d), 'soft_closed' FROM"
        " (VALUES (production_day(:o, now()) - 1)) AS v (d)",
        o=field.cast.bluebonnet.id,
    )
    form = field.form(carl, w1_tubing_psig="433", asked="1")
    answer = field.send(carl, form, Accept="application/json")
    assert answer.status_code == 422
    assert answer.json["faults"].keys() == {"day"}
    again = field.send(carl, form, Accept="application/json")
    assert (again.status_code, again.json) == (422, answer.json)
    field.rows("UPDATE accounting_periods SET state = 'open'")
    mended = form | {"id": str(uuid.uuid4()), "replaces": form["id"]}
    assert field.send(carl, mended, Accept="application/json").status_code == 200
    states = dict(field.rows("SELECT entry_id::text, state FROM field_entries"))
    assert (states[form["id"]], states[mended["id"]]) == ("replaced", "taken")


def test_what_the_office_refuses_comes_back_in_the_pumpers_language(field: Field) -> None:
    carl, ours = signed_in(field.app, "carl"), field.cast.bluebonnet
    field.rows(
        "UPDATE accounting_periods SET state = 'soft_closed' WHERE organization_id = :o", o=ours.id
    )
    form = field.form(carl, w1_tubing_psig="433", asked="1")
    answer = field.send(carl, form | {"lang": "es"}, Accept="application/json")
    assert re.fullmatch(
        r"El mes [\d-]+ se está cerrando: solo la oficina puede cambiarlo.",
        answer.json["faults"]["day"],
    )
    ((kept,),) = field.rows("SELECT faults FROM field_entries WHERE entry_id = :e", e=form["id"])
    assert "is being closed" in kept["day"], "the office reads its own"
    again = field.send(carl, form, Accept="application/json")
    assert again.json["faults"] == kept
    field.rows("UPDATE accounting_periods SET state = 'open'")


def test_the_order_of_stops_is_a_persons_own_and_goes_to_the_site(field: Field) -> None:
    ours = field.cast.bluebonnet
    field.rows(
        "INSERT INTO leases (organization_id, name, state) VALUES (:o, 'Zulu', 'TX')", o=ours.id
    )
    ((zulu,),) = field.rows("SELECT id FROM leases WHERE name = 'Zulu'")
    field.rows(
        "INSERT INTO wells (organization_id, lease_id, name) VALUES (:o, :l, 'Zulu 1')",
        o=ours.id,
        l=zulu,
    )
    bob, alice = signed_in(field.app, "bob"), signed_in(field.app, "alice")
    route = re.compile(r"<b>\d</b> ([^<]+)<")
    before = route.findall(bob.get("/field/").text)
    assert before[-1] == "Zulu"
    page = bob.get("/field/order").text
    owner = re.search(r'name="owner" value="([^"]+)"', page)
    assert owner is not None
    moved = {"stop": str(zulu), "to": "up", "owner": owner[1]}
    assert bob.post("/field/order", moved).status_code == 303
    assert route.findall(bob.get("/field/").text)[-2:] == ["Zulu", before[-2]]
    assert route.findall(alice.get("/field/").text) == before
    assert bob.post("/field/order", moved | {"owner": "another"}).status_code == 401
    assert bob.post("/field/order", moved | {"stop": "?"}).status_code == 400
    carl = signed_in(field.app, "carl")
    assert 'value="' + str(zulu) not in carl.get("/field/order").text, "not on his route"
    asked = field.database.engine("work")
    field.rows(
        "INSERT INTO field_pins (organization_id, membership_id, pin_hash)"
        " SELECT organization_id, id, 'x' FROM memberships WHERE user_id = :u",
        u=ours.manager,
    )
    people = siteforms._people(asked, ours.id, [field.lease, zulu])
    assert [one["route"] for one in people if one["id"] == str(ours.manager)] == [
        [str(zulu), str(field.lease)]
    ]
    field.rows("DELETE FROM field_pins")
    field.rows("DELETE FROM wells WHERE lease_id = :l", l=zulu)
    field.rows("DELETE FROM leases WHERE id = :l", l=zulu)


def test_the_form_is_packed_for_a_slow_link(field: Field) -> None:
    carl = signed_in(field.app, "carl")
    path = f"/field/stop/{field.lease}"
    plain, packed = carl.get(path), carl.get(path, Accept_Encoding="gzip")
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in packed.headers["Vary"]
    assert len(packed.data) < len(plain.data) / 3
    assert gzip.decompress(packed.data).startswith(b"<!doctype html>")
    assert "Content-Encoding" not in carl.get("/", Accept_Encoding="gzip").headers


def test_the_phone_gets_what_it_keeps(field: Field) -> None:
    bob = signed_in(field.app, "bob")
    manifest = json.loads(bob.get("/field/manifest.webmanifest").text)
    assert (manifest["start_url"], manifest["display"]) == ("/field/", "standalone")
    worker = bob.get("/field/worker.js")
    assert worker.headers["Cache-Control"] == "no-cache"
    assert "immutable" in bob.get("/field/form.css").headers["Cache-Control"]
    assert bob.get("/field/settings.py").status_code == 404


def test_only_people_with_a_pin_enter_at_a_site_where_they_pump(
    field: Field, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, settings = field.cast.bluebonnet, settings_for(field.database)
    for name, value in (
        ("DATABASE_URL", field.database.url),
        ("MQTT_URL", "mqtt://hub:secret@127.0.0.1:1883"),
        ("SECRET_KEY", "A" * 43 + "="),
    ):
        monkeypatch.setenv(f"WELLFLOW_{name}", value)
    for person in ("carl", "gus"):
        asked = ["user", "pin", f"{person}@example.com", "--organization", "bluebonnet", "--json"]
        assert main(asked) == 0
    pin = json.loads(capsys.readouterr().out.splitlines()[-1])["pin"]
    key = bytes(range(32))
    with field.database.engine("owner").begin() as connection:
        site = {"o": ours.id, "a": ours.agents[0], "i": uuid.uuid4()}
        sealed = seal(settings.secret_key, key, "site_rules", site["i"])
        connection.execute(
            text(
                "INSERT INTO site_rules (id, organization_id, agent_id, alarm_key)"
                " VALUES (:i, :o, :a, :k)"
            ),
            site | {"k": sealed},
        )
    work = field.database.engine("work")
    assert siteforms.renew(work, settings) == 1
    assert siteforms.renew(work, settings) == 0, "nothing has changed"
    assert sitebundles.renew(work, settings) == 1
    ((payload,),) = field.rows("SELECT bundle FROM site_rules WHERE agent_id = :a", a=site["a"])
    bundle = open_bundle(bytes(payload), key, ours.agent_names[0])
    people = people_of(bundle.people)
    assert set(people) == {ours.pumper, field.cast.both}
    assert fits(pin, people[field.cast.both].pin)
    (stop,) = read_sheet(bundle.sheet).stops
    assert (stop.stop, len(stop.wells), len(stop.tanks)) == (field.lease, 2, 1)
    field.rows("UPDATE memberships SET ended_at = now() WHERE user_id = :u", u=ours.pumper)
    assert siteforms.renew(work, settings) == 1
    field.rows("UPDATE memberships SET ended_at = NULL WHERE user_id = :u", u=ours.pumper)
