"""An operator's people at the console: signed-in browsers, and what their forms would send."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import text
from werkzeug.test import TestResponse

from tests import cast as people
from tests.cast import Cast
from tests.console import Visitor, open_console, read, signed_in
from tests.servers import postgres
from tests.servers.postgres import Database


@dataclass
class Office:
    """A console with the cast, Alice the owner, Bob the manager and Carl the pumper signed in."""

    app: Flask
    database: Database
    cast: Cast
    alice: Visitor
    bob: Visitor
    carl: Visitor

    def rows(self, statement: str, **values: Any) -> list[Any]:
        with self.database.engine("owner").begin() as connection:
            done = connection.execute(text(statement), values)
            return list(done) if done.returns_rows else []

    def well(self, number: int = 0) -> str:
        return f"/register/wells/{self.cast.bluebonnet.wells[number]}"

    def add(self, table: str, **fields: str) -> str:
        answer = self.alice.post(f"/register/{table}/new", fields)
        assert answer.status_code == 303, read(answer)
        return str(answer.location)


@contextmanager
def opened(server: postgres.Server, shelf: Path) -> Iterator[Office]:
    """A console with the cast; files are kept in the folder `shelf`."""
    database = server.fresh(postgres.migrated)
    cast = people.engage(database.engine("owner"))
    app = open_console(database, WELLFLOW_DOCUMENTS_PATH=str(shelf))
    three = (signed_in(app, person) for person in ("alice", "bob", "carl"))
    yield Office(app, database, cast, *three)
    server.drop(database)


def form_of(answer: TestResponse) -> dict[str, str]:
    """What a browser would send of the form as it was opened."""
    page = answer.get_data(as_text=True)
    fields = dict(re.findall(r'<input[^>]*? name="([^"]+)"[^>]*? value="([^"]*)"', page))
    for name, options in re.findall(r'<select[^>]* name="([^"]+)"[^>]*>(.*?)</select>', page, re.S):
        chosen = re.search(r'<option value="([^"]*)" selected', options)
        fields[name] = chosen[1] if chosen else ""
    fields |= dict(re.findall(r'<textarea[^>]* name="([^"]+)"[^>]*>(.*?)</textarea>', page, re.S))
    return {name: html.unescape(words) for name, words in fields.items()}


def fault_at(answer: TestResponse, name: str) -> str:
    """The sentence beside a field."""
    page = answer.get_data(as_text=True)
    found = re.search(rf'<p class="fault" id="h-{name}">([^<]*)</p>', page)
    return html.unescape(found[1]) if found else ""
