"""Visitors of the console: the application on a real database, and browsers that are signed in."""

from __future__ import annotations

import base64
import tempfile
import uuid
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from hub.console import create_app
from hub.console.context import Replay
from hub.flags import FEATURES
from hub.settings import HubSettings, load
from tests.cast import PASSWORD, Cast, Operator
from tests.everything import add_everything
from tests.servers.postgres import Database

HOME = "http://localhost"
#: Where the documents of consoles that name no folder go; gone with the tests.
DOCUMENTS = tempfile.TemporaryDirectory(prefix="wellflow-documents-")


def settings_for(database: Database, **more: str) -> HubSettings:
    """Settings of a console on this database; `more` are variables of the environment."""
    environ = {
        "WELLFLOW_DATABASE_URL": database.url,
        "WELLFLOW_MQTT_URL": "mqtt://hub:secret@127.0.0.1:1883",
        "WELLFLOW_SECRET_KEY": base64.b64encode(bytes(32)).decode(),
        "WELLFLOW_WEB_PUBLIC_URL": HOME,
        "WELLFLOW_DOCUMENTS_PATH": DOCUMENTS.name,
    }
    return load(None, environ | more)


def open_console(database: Database, replay: Replay | None = None, **more: str) -> Flask:
    """The console of a database."""
    return create_app(settings_for(database, **more), database.engine("app"), replay)


class Visitor:
    """A browser: keeps its cookie and says, as browsers do, where its forms come from."""

    def __init__(self, app: Flask, home: str = HOME) -> None:
        self.client: FlaskClient = app.test_client()
        self.home = home

    def get(self, path: str, **headers: str) -> TestResponse:
        """Open a page."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.get(path, headers=named, base_url=self.home)

    def post(self, path: str, fields: Any = None, **headers: str) -> TestResponse:
        """Send a form of our own page."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {"Origin": self.home} | named
        return self.client.post(path, data=fields or {}, headers=sent, base_url=self.home)

    def sign_in(self, email: str, password: str = PASSWORD, **more: str) -> TestResponse:
        """Send the sign-in form."""
        return self.post("/sign-in", {"email": email, "password": password} | more)

    @property
    def cookie(self) -> str | None:
        """The session's token, as the browser holds it."""
        for name in ("wellflow", "__Host-wellflow"):
            found = self.client.get_cookie(name)
            if found is not None:
                return found.value
        return None


def signed_in(app: Flask, person: str) -> Visitor:
    """A browser in which one of the cast ("alice") has signed in."""
    visitor = Visitor(app)
    assert visitor.sign_in(f"{person}@example.com").status_code == 303
    return visitor


def set_role(database: Database, user: uuid.UUID, role: str) -> None:
    """Give a person another role, everywhere they work."""
    with database.engine("owner").begin() as connection:
        statement = text("UPDATE memberships SET role = :role WHERE user_id = :user")
        connection.execute(statement, {"role": role, "user": user})


def furnish(database: Database, operator: Operator) -> dict[str, dict[str, Any]]:
    """Give an operator one row of everything; answers the rows by table."""
    with database.engine("owner").begin() as connection:
        rows = add_everything(connection, operator)
        connection.execute(text("UPDATE alerts SET closed_at = NULL, ack = 'unacked'"))
        connection.execute(text("UPDATE quarantine SET settled_at = NULL"))
        levels = """UPDATE alert_rules SET
            params = '{"levels": {"hi": {"setpoint": 900, "priority": 2}}}', fault = NULL,
            faulted_at = NULL"""
        connection.execute(text(levels))
    return rows


def addresses(
    app: Flask, method: str, rows: dict[str, dict[str, Any]]
) -> Iterator[tuple[str, str]]:
    """Every page that takes a method, with its address for the rows of one operator."""
    known = {
        "well_id": rows["wells"]["id"],
        "alert_id": rows["alerts"]["id"],
        "agent_id": rows["agents"]["id"],
        "item_id": rows["quarantine"]["id"],
        "rule_id": rows["alert_rules"]["id"],
        "channel_id": rows["contact_channels"]["id"],
        "organization_id": rows["wells"]["organization_id"],
        "stop": rows["leases"]["id"],
        "field_entry_id": rows["field_entries"]["id"],
        "entry_id": rows["field_entries"]["entry_id"],
        "sha256": "0" * 64,
        "table": "wells",
        "key": rows["wells"]["id"],
        "status": "producing",
        "field": "name",
        "name": FEATURES[0].name,
        "document_id": rows["documents"]["id"],
        "kind": "csv",
        "view_id": rows["saved_views"]["id"],
        "member_id": rows["memberships"]["id"],
        "assignment_id": rows["lease_assignments"]["id"],
        "key_id": rows["api_keys"]["id"],
        "incident_id": rows["incidents"]["id"],
        "notice_id": rows["incident_notices"]["id"],
        "action_id": rows["incident_actions"]["id"],
        "agency_rule_id": rows["agency_rules"]["id"],
        "message_id": rows["notifications"]["id"],
        "token": "a-token-nobody-made",
        "number": 0,
        "attempt": 1,
        "rotation_id": rows["rotations"]["id"],
        "override_id": rows["rotation_overrides"]["id"],
        "policy_id": rows["escalation_policies"]["id"],
        "storm_id": rows["storms"]["id"],
        "hold_id": rows["alert_holds"]["id"],
    }
    for rule in app.url_map.iter_rules():
        other = rule.endpoint == "static.file" or rule.rule.startswith("/api/")
        #: a file on its way in is no row yet, and the made-up document has no bytes
        waiting = "import_id" in rule.arguments or rule.endpoint == "documents.content"
        if method in (rule.methods or ()) and not other and not waiting:
            values = {name: known[name] for name in rule.arguments}
            yield rule.endpoint, app.url_map.bind("localhost").build(rule.endpoint, values)


class Reader(HTMLParser):
    """Reads a page: its words, its attributes, and the code or style that stands in it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.attributes: list[tuple[str, str, str | None]] = []
        self.inline: list[str] = []
        self._open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value) for name, value in attrs]
        self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._open:
            while self._open.pop() != tag:
                continue

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] in {"script", "style"} and data.strip():
            self.inline.append(data)
        elif data.strip():
            self.words.append(data.strip())

    @property
    def text(self) -> str:
        """All words of the page on one line."""
        return " ".join(" ".join(self.words).split())


def read(answer: TestResponse) -> str:
    """The words of a page."""
    return Reader(answer.get_data(as_text=True)).text


def both(database: Database, cast: Cast) -> tuple[dict[str, Any], dict[str, Any]]:
    """One row of everything for each operator."""
    return furnish(database, cast.bluebonnet), furnish(database, cast.cimarron)
