"""Photos of entries at the hub: once by either door, linked to what they are of, nobody else's."""

from __future__ import annotations

import io
import json
import random
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from werkzeug.test import TestResponse

from agent.contract.blocks import Stamp
from agent.contract.photos import cut, digest, part_body
from agent.contract.records import Record, freeze_record, new_id
from hub.ingest import siterecords
from hub.ingest.arrival import Sender
from hub.ingest.link import Link
from hub.production import photoparts, uptake
from hub.settings import HubSettings
from tests.cast import Cast, engage
from tests.console import Visitor, open_console, settings_for, signed_in
from tests.picturing import jpeg
from tests.servers import postgres
from tests.servers.postgres import Database


@dataclass
class Field:
    """Bluebonnet's lease and its agent."""

    database: Database
    cast: Cast
    app: Flask
    settings: HubSettings

    @property
    def lease(self) -> uuid.UUID:
        return self.cast.bluebonnet.lease

    def rows(self, statement: str, **values: Any) -> list[tuple[Any, ...]]:
        with self.database.engine("owner").begin() as connection:
            found = connection.execute(text(statement), values)
            return [tuple(row) for row in found] if found.returns_rows else []

    def form(self, visitor: Visitor, *pictures: bytes, **typed: str) -> dict[str, Any]:
        """A form that names photos, as the script sends it."""
        page = visitor.get(f"/field/stop/{self.lease}?lang=en").text
        hidden = dict(re.findall(r'type="hidden" name="(owner)" value="([^"]+)"', page))
        day = re.search(r'<option value="([^"]+)" selected', page)
        assert day is not None
        told = [
            json.dumps({"sha256": digest(one), "bytes": len(one), "caption": f"Photo {number}"})
            for number, one in enumerate(pictures)
        ]
        form = {**hidden, "id": str(uuid.uuid4()), "day": day[1], "asked": "1", "photo": told}
        return form | typed

    def enter(self, visitor: Visitor, *pictures: bytes, **typed: str) -> str:
        """Save an entry that names photos; answers its id."""
        form = self.form(visitor, *pictures, **typed)
        answer = visitor.post(f"/field/stop/{self.lease}", form, Accept="application/json")
        assert answer.status_code == 200, answer.text
        return str(form["id"])

    def photo(self, visitor: Visitor, entry: str, content: bytes, **headers: str) -> TestResponse:
        place = f"/field/photo/{entry}/{digest(content)}"
        sent = {"Content-Type": "image/jpeg"} | headers
        return visitor.client.post(
            place, data=content, headers={"Origin": visitor.home, **sent}, base_url=visitor.home
        )

    def send_parts(self, entry: str, content: bytes, *, but: int = 0) -> None:
        """Let the agent's parts come in, in any order, one of them twice, `but` one."""
        ours = self.cast.bluebonnet
        sender = Sender(ours.agents[0], ours.id, ours.agent_names[0], 1)
        now = round(datetime.now(UTC).timestamp() * 1000)
        parts = [part for part in cut(uuid.UUID(entry), content) if part.number != but]
        random.Random(5).shuffle(parts)
        with Link(self.database.url, "photos").transaction() as connection:
            for part in (*parts, parts[0]):
                record = Record("photo", new_id(), Stamp(1, "b", 1, now, 1), part_body(part))
                siterecords.take(connection, sender, freeze_record(record), now)

    def take_up(self) -> int:
        return uptake.take_up(self.database.engine("work"), self.settings)

    def documents(self, content: bytes) -> list[tuple[Any, ...]]:
        """Title, media type and what it is about, of the documents of a photo."""
        return self.rows(
            "SELECT d.title, d.media_type, array_agg(k.table_name ORDER BY k.table_name)"
            " FROM documents d LEFT JOIN document_links k ON k.document_id = d.id"
            " WHERE d.sha256 = :s GROUP BY d.id",
            s=bytes.fromhex(digest(content)),
        )


@pytest.fixture(scope="module")
def field(plain_server: postgres.Server) -> Iterator[Field]:
    database = plain_server.fresh(postgres.migrated)
    cast = engage(database.engine("owner"))
    yield Field(database, cast, open_console(database), settings_for(database))
    plain_server.drop(database)


def test_a_photo_follows_its_entry_and_counts_once(field: Field) -> None:
    carl, picture = signed_in(field.app, "carl"), jpeg(seed=11)
    assert field.photo(carl, str(uuid.uuid4()), picture).status_code == 404, "before its entry"
    entry = field.enter(carl, picture, w0_tubing_psig="412")
    page = signed_in(field.app, "alice").get(_page(field, entry)).text
    assert "Not arrived yet" in page
    for _ in range(2):
        answer = field.photo(carl, entry, picture)
        assert (answer.status_code, answer.json) == (
            200,
            {"sha256": digest(picture), "state": "taken"},
        )
    assert field.documents(picture) == [("Photo 0", "image/jpeg", ["leases"])]
    alice = signed_in(field.app, "alice")
    page = alice.get(_page(field, entry)).text
    (shown,) = re.findall(r'<img class="photo" src="([^"]+)"', page)
    assert alice.get(shown).data == picture
    day = field.rows("SELECT production_date FROM field_entries WHERE entry_id = :e", e=entry)[0][0]
    assert _page(field, entry) in alice.get(f"/production?day={day}").text


def _page(field: Field, entry: str) -> str:
    ((key,),) = field.rows("SELECT id FROM field_entries WHERE entry_id = :e", e=entry)
    return f"/production/entries/{key}"


def test_a_photo_is_nobody_elses(field: Field) -> None:
    carl, picture = signed_in(field.app, "carl"), jpeg(seed=12)
    entry = field.enter(carl, picture, w1_tubing_psig="413")
    dora, gus = signed_in(field.app, "dora"), signed_in(field.app, "gus")
    theirs = field.form(carl)["owner"]
    assert field.photo(dora, entry, picture).status_code == 404, "another operator's entry"
    assert field.photo(gus, entry, picture, **{"X-WellFlow-Owner": theirs}).status_code == 401
    assert field.photo(gus, entry, picture).status_code == 422, "another person's entry"
    assert field.photo(Visitor(field.app), entry, picture).status_code in {303, 401}
    assert field.documents(picture) == []
    assert field.photo(carl, entry, picture).status_code == 200
    ((key,),) = field.rows(
        "SELECT id FROM documents WHERE sha256 = :s", s=bytes.fromhex(digest(picture))
    )
    place = f"/documents/{key}/content"
    assert [dora.get(place).status_code, carl.get(place).status_code] == [404, 200]


def test_what_is_no_photo_of_the_entry_is_refused_with_a_reason(field: Field) -> None:
    carl, named = signed_in(field.app, "carl"), b"\xff\xd8 no, a text"
    entry = field.enter(carl, named, note="A photo that is none")
    stranger = field.photo(carl, entry, jpeg(seed=99))
    assert (stranger.status_code, stranger.json["why"]) == (422, "The entry names no such photo.")
    carl.client.set_cookie("wellflow_lang", "es", path="/field/")
    text_file = field.photo(carl, entry, named)
    assert text_file.status_code == 422
    assert text_file.json["why"].startswith("Esto no es una imagen")
    too_large = field.photo(carl, entry, bytes(6 << 20))
    assert too_large.status_code == 413


def test_parts_from_a_site_and_a_phones_upload_make_one_document(field: Field) -> None:
    carl, picture = signed_in(field.app, "carl"), jpeg(side=400, seed=13)
    entry = field.enter(carl, picture, note="By both doors")
    field.send_parts(entry, picture, but=2)
    assert field.take_up() == 0, "a part is missing"
    field.send_parts(entry, picture)
    assert field.take_up() == 1
    assert field.documents(picture) == [("Photo 0", "image/jpeg", ["leases"])]
    assert field.photo(carl, entry, picture).status_code == 200
    field.send_parts(entry, picture)  # the lane again, as after a fork
    assert field.take_up() == 1
    assert len(field.documents(picture)) == 1
    assert field.rows("SELECT count(*) FROM entry_photo_parts") == [(0,)]
    assert field.rows(
        "SELECT u.name FROM documents d JOIN users u ON u.id = d.created_by WHERE d.sha256 = :s",
        s=bytes.fromhex(digest(picture)),
    ) == field.rows("SELECT name FROM users WHERE email = 'carl@example.com'")


def test_a_photo_before_its_entry_waits_and_one_without_is_set_aside(field: Field) -> None:
    carl, early, lost = signed_in(field.app, "carl"), jpeg(seed=14), jpeg(seed=15)
    form = field.form(carl, early, note="Later than its photo")
    field.send_parts(form["id"], early)
    field.send_parts(str(uuid.uuid4()), lost)
    assert field.take_up() == 0
    carl.post(f"/field/stop/{field.lease}", form, Accept="application/json")
    assert field.take_up() == 1
    assert len(field.documents(early)) == 1
    later = datetime.now(UTC) + photoparts.PATIENCE + timedelta(minutes=1)
    assert photoparts.take_up(field.database.engine("work"), field.settings, later) == 1
    ((code, reason, payload),) = field.rows("SELECT code, reason, payload FROM quarantine")
    assert (code, bytes(payload)) == ("photo_refused", lost)
    assert "has not come" in reason
    assert field.documents(lost) == []
    assert "photo" in signed_in(field.app, "alice").get("/quarantine").text


def test_a_photo_of_a_spill_stands_in_the_incidents_timeline(field: Field) -> None:
    carl, picture = signed_in(field.app, "carl"), jpeg(seed=16)
    form = field.form(carl, picture, r0_kind="spill", r0_note="At the load line")
    told = json.loads(form["photo"][0]) | {"lat": "31.9", "lon": "-102.1", "taken": 1795766100000}
    form["photo"] = [json.dumps(told)]
    assert carl.post(f"/field/stop/{field.lease}", form, Accept="application/json").status_code == (
        200
    )
    for _ in range(2):
        assert field.photo(carl, form["id"], picture).status_code == 200
    assert field.rows(
        "SELECT e.note, e.lat::float, e.lon::float FROM incident_events e WHERE e.kind = 'photo'"
    ) == [("Photo 0", 31.9, -102.1)]
    assert field.documents(picture) == [("Photo 0", "image/jpeg", ["incidents", "leases"])]
    ((incident,),) = field.rows("SELECT id FROM incidents")
    page = carl.get(f"/incidents/{incident}").text
    assert len(re.findall(r'<img class="photo"', page)) == 1


def test_without_a_script_photos_come_with_the_form(field: Field) -> None:
    carl, pictures = signed_in(field.app, "carl"), [jpeg(seed=17), jpeg(seed=18)]
    form = field.form(carl, note="No script here", asked="1")
    form["photos"] = [(io.BytesIO(one), "x.jpg") for one in pictures]
    answer = carl.post(f"/field/stop/{field.lease}", form)
    assert answer.status_code == 303, answer.text
    assert [len(field.documents(one)) for one in pictures] == [1, 1]
    form = field.form(carl, note="Not a picture")
    form["photos"] = [(io.BytesIO(b"#!/bin/sh"), "x.jpg")]
    answer = carl.post(f"/field/stop/{field.lease}", form)
    assert answer.status_code == 422
    assert "choose them again" in answer.text


def test_an_entry_that_is_mended_takes_its_photos_along(field: Field) -> None:
    carl, picture = signed_in(field.app, "carl"), jpeg(seed=19)
    month = "date_trunc('month', production_day(organization_id, now()) - 1)"
    locked = (
        "INSERT INTO accounting_periods (organization_id, module, month, state)"
        f" SELECT id, 'production', {month.replace('organization_id', 'id')}, 'soft_closed'"
        " FROM organizations WHERE id = :o"
    )
    field.rows(locked, o=field.cast.bluebonnet.id)
    form = field.form(carl, picture, r0_kind="injury")
    refused = carl.post(f"/field/stop/{field.lease}", form, Accept="application/json")
    assert refused.status_code == 422
    field.rows("UPDATE accounting_periods SET state = 'open'")
    assert field.photo(carl, form["id"], picture).status_code == 200
    mended = form | {"id": str(uuid.uuid4()), "replaces": form["id"], "r0_kind": "", "note": "x"}
    answer = carl.post(f"/field/stop/{field.lease}", mended, Accept="application/json")
    assert answer.status_code == 200, answer.text
    page = signed_in(field.app, "alice").get(_page(field, str(mended["id"]))).text
    assert page.count('<img class="photo"') == 1


def test_a_photo_of_somebody_who_left_is_set_aside(field: Field) -> None:
    carl, picture = signed_in(field.app, "carl"), jpeg(seed=20)
    entry = field.enter(carl, picture, note="The last day")
    person = {"u": field.cast.bluebonnet.pumper}
    field.rows("UPDATE memberships SET ended_at = now() WHERE user_id = :u", **person)
    field.send_parts(entry, picture)
    assert field.take_up() == 1
    field.rows("UPDATE memberships SET ended_at = NULL WHERE user_id = :u", **person)
    ((reason,),) = field.rows("SELECT reason FROM quarantine ORDER BY received_at DESC LIMIT 1")
    assert reason.startswith("Whoever made the entry of this photo does not work here any more")
    assert field.documents(picture) == []
