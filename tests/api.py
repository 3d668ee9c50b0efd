"""Programs at the API: the application on a real database, and callers with keys of their own."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from hub import keys
from hub.database import Actor, tenant_session
from tests.cast import Cast, Operator, engage
from tests.console import HOME, open_console
from tests.servers.postgres import Database, Server, migrated

ROOT = "/api/v1"


def make_key(
    database: Database,
    operator: Operator,
    role: str = "owner",
    scopes: Iterable[str] = ("read", "write"),
    maker: uuid.UUID | None = None,
) -> keys.MadeKey:
    """A key of an operator, made by its owner."""
    actor = Actor(maker or operator.owner, None, "owner", "console", "")
    with tenant_session(database.engine("app"), operator.id, actor) as session:
        return keys.make(session, operator.id, name=f"{role} key", role=role, scopes=scopes)


class Program:
    """A caller with an API key: sends JSON, reads JSON."""

    def __init__(self, app: Flask, presented: str | None) -> None:
        self.client: FlaskClient = app.test_client()
        self.headers = {} if presented is None else {"Authorization": f"Bearer {presented}"}

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> TestResponse:
        """Send a request; `body` is sent as JSON, bytes as they are."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
            named = {"Content-Type": kind} | named
        place = path if path.startswith("/api/") else ROOT + path
        return self.client.open(
            place, method=method, data=body, headers=self.headers | named, base_url=HOME
        )

    def get(self, path: str, **headers: str) -> TestResponse:
        """Read."""
        return self.ask("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> TestResponse:
        """Add."""
        return self.ask("POST", path, body, **headers)

    def patch(self, path: str, body: Any, **headers: str) -> TestResponse:
        """Change; without another If-Match, whatever the row is now."""
        return self.ask("PATCH", path, body, **{"If_Match": "*"} | headers)

    def delete(self, path: str, **headers: str) -> TestResponse:
        """Delete; without another If-Match, whatever the row is now."""
        return self.ask("DELETE", path, **{"If_Match": "*"} | headers)


def with_key(
    app: Flask, database: Database, operator: Operator, role: str = "owner", **more: Any
) -> Program:
    """A program that holds a new key of an operator."""
    return Program(app, make_key(database, operator, role, **more).presented)


def problem(answer: TestResponse, status: int) -> dict[str, Any]:
    """The refusal in an answer, once it is one of this status."""
    assert answer.status_code == status, answer.get_data(as_text=True)
    assert answer.mimetype == "application/problem+json"
    found: dict[str, Any] = answer.get_json()
    assert found["status"] == status
    assert found["type"].startswith("urn:wellflow:problem:")
    assert found["detail"].endswith((".", ":")), found["detail"]
    return found


def faults(answer: TestResponse) -> dict[str, str]:
    """The fields at fault in a refusal of values, each with its sentence."""
    return {fault["field"]: fault["detail"] for fault in problem(answer, 422)["errors"]}


@dataclass
class Office:
    """A database with the cast in it, and the application on it."""

    database: Database
    cast: Cast
    app: Flask

    def program(self, role: str = "owner", **more: Any) -> Program:
        """A program of Bluebonnet's with a key of this role."""
        return with_key(self.app, self.database, self.cast.bluebonnet, role, **more)

    def stranger(self) -> Program:
        """A program of Cimarron's owner."""
        return with_key(self.app, self.database, self.cast.cimarron)

    @property
    def well(self) -> str:
        """Address of Bluebonnet's first well."""
        return f"/wells/{self.cast.bluebonnet.wells[0]}"

    @property
    def lease(self) -> str:
        """Key of Bluebonnet's lease."""
        return str(self.cast.bluebonnet.lease)

    def new_well(self, program: Program, name: str, **more: Any) -> dict[str, Any]:
        """A well made by a program."""
        answer = program.post("/wells", {"name": name, "lease_id": self.lease} | more)
        assert answer.status_code == 201, answer.get_data(as_text=True)
        made: dict[str, Any] = answer.get_json()
        return made


def open_office(server: Server) -> Iterator[Office]:
    """An office of a test module's own."""
    database = server.fresh(migrated)
    yield Office(database, engage(database.engine("owner")), open_console(database))
    server.drop(database)
