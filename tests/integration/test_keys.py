"""Keys: those by which programs come in, and the one that seals secrets."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from hub import keys, reseal
from hub.__main__ import main
from hub.cli.screen import Exit
from hub.database import Actor, tenant_session
from hub.jobs.schedule import forget_answers
from hub.schema import ApiKey, ContactChannel, IdempotencyKey, Organization
from hub.seal import SealError, SecretKey, seal, sealed_with, unseal
from hub.trail import history, recent
from tests import cast as people
from tests.cast import Cast
from tests.console import settings_for
from tests.servers.postgres import Database, Server, migrated


@dataclass
class House:
    """A database with both operators; Alice owns Bluebonnet."""

    database: Database
    cast: Cast

    @property
    def app(self) -> Engine:
        return self.database.engine("app")

    def session(self, role: str = "owner") -> Any:
        who = Actor(self.cast.bluebonnet.owner, None, role, "console", "10.1.2.3")
        return tenant_session(self.app, self.cast.bluebonnet.id, who)

    def key(self, **more: Any) -> keys.MadeKey:
        wanted: dict[str, Any] = {"name": "Accounts", "role": "accountant", "scopes": ["read"]}
        with self.session() as session:
            return keys.make(session, self.cast.bluebonnet.id, **wanted | more)


@pytest.fixture(scope="module")
def house(plain_server: Server) -> Iterator[House]:
    database = plain_server.fresh(migrated)
    cast = people.engage(database.engine("owner"))
    yield House(database, cast)
    plain_server.drop(database)


# ------------------------------------------------------------------------------------ programs


def test_a_key_tells_whose_it_is_and_what_it_may(house: House) -> None:
    made = house.key(scopes=["write:wells", "read"])
    holder = keys.verify(house.app, made.presented)
    assert holder is not None
    assert (holder.organization_id, holder.role) == (house.cast.bluebonnet.id, "accountant")
    assert (holder.organization, holder.prefix) == ("Bluebonnet Energy", made.prefix)
    assert holder.may("read", "partners")
    assert holder.may("write", "wells")
    assert not holder.may("write", "partners")
    actor = holder.actor("192.0.2.7")
    assert (actor.user_id, actor.role, actor.door) == (
        *(house.cast.bluebonnet.owner, "accountant"),
        "api",
    )
    assert actor.membership_id is not None
    assert made.prefix in actor.address


def test_a_scope_for_one_table_reaches_no_other(house: House) -> None:
    holder = keys.verify(house.app, house.key(scopes=["read:wells"]).presented)
    assert holder is not None
    assert holder.may("read", "wells")
    assert not holder.may("read", "leases")
    assert not holder.may("write", "wells")


@pytest.mark.parametrize(
    "change",
    [
        lambda key: key[:-1] + ("A" if key[-1] != "A" else "B"),
        lambda key: "wf_zzzzzzzz_" + key.split("_", 2)[2],
        lambda key: key + "x",
        lambda key: key.upper(),
        lambda _key: "",
        lambda _key: "wf__",
        lambda _key: "\0",
    ],
)
def test_anything_else_opens_nothing(house: House, change: Any) -> None:
    assert keys.verify(house.app, change(house.key().presented)) is None


def test_a_key_ends_when_it_is_revoked_expires_or_its_operator_leaves(house: House) -> None:
    revoked, expired, left = house.key(), house.key(), house.key()
    with house.session() as session:
        assert keys.revoke(session, revoked.id)
        assert not keys.revoke(session, revoked.id)
    with house.database.engine("owner").begin() as connection:
        connection.execute(
            text("UPDATE api_keys SET expires_at = now() - interval '1 s' WHERE id = :id"),
            {"id": expired.id},
        )
    assert keys.verify(house.app, revoked.presented) is None
    assert keys.verify(house.app, expired.presented) is None
    assert keys.verify(house.app, left.presented) is not None
    with house.database.engine("owner").connect() as connection:
        connection.execute(text("UPDATE organizations SET closed_at = now()"))
        found = text("SELECT FROM api_key_lookup(:prefix, :hash)")
        values = {"prefix": left.prefix, "hash": keys.hashed(left.presented)}
        assert connection.execute(found, values).all() == []
        connection.rollback()


def test_the_database_keeps_no_key_and_shows_the_console_no_hash(house: House) -> None:
    made = house.key()
    with house.database.engine("owner").connect() as connection:
        row = connection.execute(text("SELECT * FROM api_keys WHERE id = :id"), {"id": made.id})
        assert made.presented not in str(row.one())
        trail = connection.execute(text("SELECT after FROM audit_log")).all()
    assert keys.hashed(made.presented).hex() not in str(trail)
    with house.session() as session, pytest.raises(DBAPIError, match="permission denied"):
        session.execute(text("SELECT secret_hash FROM api_keys"))


@pytest.mark.parametrize("role", ["manager", "accountant", "pumper", "viewer", ""])
def test_only_an_owner_makes_and_ends_keys(house: House, role: str) -> None:
    made = house.key()
    with pytest.raises(DBAPIError, match="row-level security"), house.session(role) as session:
        keys.make(session, house.cast.bluebonnet.id, name="x", role="owner", scopes=["write"])
    with house.session(role) as session:
        assert not keys.revoke(session, made.id)


def test_nobody_ends_another_operators_key(house: House) -> None:
    made = house.key()
    stranger = Actor(house.cast.cimarron.owner, None, "owner", "console", "")
    with tenant_session(house.app, house.cast.cimarron.id, stranger) as session:
        assert not keys.revoke(session, made.id)
        assert session.get(ApiKey, made.id) is None
    assert keys.verify(house.app, made.presented) is not None


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("name", {"name": " "}),
        ("name", {"name": "x" * 81}),
        ("name", {"name": "a\nb"}),
        ("role", {"role": "king"}),
        ("scopes", {"scopes": []}),
        ("scopes", {"scopes": ["admin"]}),
        ("scopes", {"scopes": ["read", "write:Wells"]}),
        ("expires_at", {"expires_at": datetime.now(UTC) - timedelta(days=1)}),
    ],
)
def test_what_no_key_can_be_is_said(house: House, field: str, wrong: dict[str, Any]) -> None:
    with pytest.raises(keys.KeyRefused) as refused:
        house.key(**wrong)
    assert refused.value.field == field
    assert str(refused.value).endswith(".")


def test_making_and_ending_stands_in_the_trail_using_does_not(house: House) -> None:
    made = house.key()
    for _ in range(3):
        keys.verify(house.app, made.presented)
    with house.session() as session:
        used = session.get_one(ApiKey, made.id)
        assert used.last_used_at is not None
        assert used.row_version == 1
        keys.revoke(session, made.id)
        changes = history(session, "api_keys", made.id)
    assert [change.verb for change in changes] == ["update", "insert"]
    assert changes[1].after["secret_hash"] == "(sealed)"
    assert changes[1].user_name == "Alice"


def test_answers_kept_for_repeats_are_forgotten_after_a_day(house: House) -> None:
    with house.session() as session:
        for name in ("old", "new"):
            session.add(
                IdempotencyKey(
                    organization_id=house.cast.bluebonnet.id,
                    key=name,
                    method="POST",
                    path="/api/v1/wells",
                    body_hash=bytes(32),
                )
            )
        session.flush()
    with house.database.engine("owner").begin() as connection:
        connection.execute(
            text(
                "UPDATE idempotency_keys SET created_at = now() - interval '25 h' WHERE key = 'old'"
            )
        )
    work = house.database.engine("work")
    assert forget_answers(work, settings_for(house.database)) == 1
    with house.session() as session:
        assert session.query(IdempotencyKey.key).all() == [("new",)]


# ------------------------------------------------------------------------------------- secrets

OLD, NEW = bytes(range(32)), bytes(range(32, 64))


def test_a_former_key_still_opens_and_no_longer_seals() -> None:
    row = uuid.uuid4()
    both = SecretKey(NEW, [OLD])
    old = seal(OLD, b"secret", "t", row)
    assert unseal(both, old, "t", row) == b"secret"
    assert sealed_with(seal(both, b"x", "t", row)) == sealed_with(seal(NEW, b"x", "t", row))
    with pytest.raises(SealError, match="former_secret_keys"):
        unseal(SecretKey(NEW), old, "t", row)


def _channels(house: House, count: int) -> list[uuid.UUID]:
    with Session(house.database.engine("owner")) as session, session.begin():
        session.execute(text("DELETE FROM contact_channels WHERE kind = 'webhook'"))
        made = []
        for number in range(count):
            channel = ContactChannel(
                id=uuid.uuid4(),
                organization_id=house.cast.bluebonnet.id,
                kind="webhook",
                address=f"https://example.com/{number}",
            )
            channel.secret = seal(OLD, f"s{number}".encode(), "contact_channels", channel.id)
            session.add(channel)
            made.append(channel.id)
        owner = session.get_one(Organization, house.cast.cimarron.id)
        owner.tax_id_enc = seal(OLD, b"12-3456789", "organizations", owner.id)
    return made


def test_rotation_seals_everything_anew_and_the_old_key_is_needed_no_more(house: House) -> None:
    made = _channels(house, 7)
    owner = house.database.engine("owner")
    told: list[tuple[int, int]] = []
    reports = reseal.rotate(owner, SecretKey(NEW, [OLD]), lambda *s: told.append(s), batch=3)
    counts = {(r.table, r.column): r.resealed for r in reports if r.resealed}
    assert counts == {("contact_channels", "secret"): 7, ("organizations", "tax_id_enc"): 1}
    assert told[-1] == (8, 8)
    with Session(owner) as session:
        for number, key in enumerate(made):
            channel = session.get_one(ContactChannel, key)
            assert channel.secret is not None
            opened = unseal(SecretKey(NEW), channel.secret, "contact_channels", key)
            assert opened == f"s{number}".encode()
            assert channel.row_version == 1, "nobody entered it again"
    again = reseal.rotate(owner, SecretKey(NEW))
    assert sum(report.resealed for report in again) == 0
    with house.session() as session:
        noted = [c for c in recent(session) if c.verb == "note" and c.table == "contact_channels"]
    assert sum(change.after["sealed_anew"] for change in noted) == 7


def test_a_secret_that_no_key_opens_is_named_and_the_others_go_on(house: House) -> None:
    made = _channels(house, 3)
    with house.database.engine("owner").begin() as connection:
        connection.execute(
            text("UPDATE contact_channels SET secret = :other WHERE id = :id"),
            {"id": made[0], "other": seal(bytes(32), b"?", "contact_channels", made[0])},
        )
    reports = reseal.rotate(house.database.engine("owner"), SecretKey(NEW, [OLD]))
    channels = next(report for report in reports if report.table == "contact_channels")
    assert channels.resealed == 2
    assert len(channels.lost) == 1
    assert str(made[0]) in channels.lost[0]


def test_the_command_line_rotates(
    house: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _channels(house, 2)
    monkeypatch.setenv("WELLFLOW_DATABASE_URL", house.database.url)
    monkeypatch.setenv("WELLFLOW_MQTT_URL", "mqtt://127.0.0.1:1")
    monkeypatch.setenv("WELLFLOW_SECRET_KEY", base64.b64encode(NEW).decode())
    assert main(["keys", "rotate"]) == Exit.FAILED
    assert "open with no key given" in capsys.readouterr().out
    former = " ".join(base64.b64encode(key).decode() for key in (bytes(32), OLD))
    monkeypatch.setenv("WELLFLOW_FORMER_SECRET_KEYS", former)
    assert main(["keys", "rotate", "--json"]) == Exit.DONE
    answer = json.loads(capsys.readouterr().out)
    assert sum(column["resealed"] for column in answer["columns"]) == 3
    monkeypatch.delenv("WELLFLOW_FORMER_SECRET_KEYS")
    assert main(["keys", "rotate"]) == Exit.DONE
