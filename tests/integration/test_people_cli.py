"""People on the command line: routes, roles, passwords, and who is let go."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hub.__main__ import main
from hub.cli.screen import Exit
from hub.console import sessions
from hub.console.passwords import verify_password
from hub.schema import (
    LeaseAssignment,
    User,
    Well,
)
from tests.servers.postgres import Server
from tests.staff import House, add, open_house


@pytest.fixture(scope="module")
def house(plain_server: Server) -> Iterator[House]:
    with open_house(plain_server) as house:
        yield house


@pytest.fixture
def hub(
    house: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    monkeypatch.setenv("WELLFLOW_DATABASE_URL", house.database.url)
    monkeypatch.setenv("WELLFLOW_MQTT_URL", "mqtt://127.0.0.1:1")
    monkeypatch.setenv("WELLFLOW_SECRET_KEY", base64.b64encode(bytes(32)).decode())

    def run(*words: str) -> tuple[int, str]:
        code = main([*words, "--organization", "bluebonnet"] if words[1] != "password" else words)
        said = capsys.readouterr()
        return code, said.out + said.err

    return run


def test_routes_on_the_command_line(house: House, hub: Callable[..., tuple[int, str]]) -> None:
    code, said = hub("user", "assign", "carl@example.com", "--lease", "far lease")
    assert (code, said) == (Exit.DONE, "On the route of carl@example.com: Far Lease.\n")
    with house.session("pumper") as session:
        assert session.get(Well, house.far["well"]) is not None
    assert hub("user", "assign", "carl@example.com", "--lease", "Far Lease")[0] == Exit.DONE
    with house.session("owner") as session:
        query = select(func.count()).where(LeaseAssignment.lease_id == house.far["lease"])
        assert session.scalar(query) == 1, "a second time changes nothing"
    code, said = hub("user", "assign", "carl@example.com", "--lease", "Far Lease", "--end")
    assert said == "Off the route of carl@example.com: Far Lease.\n"
    with house.session("pumper") as session:
        assert session.get(Well, house.far["well"]) is None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("assign", "carl@example.com"), "name at least one --lease, or say --all"),
        (("assign", "carl@example.com", "--lease", "Nowhere"), "there is no lease 'Nowhere'"),
        (("assign", "who@example.com", "--all"), "nobody here signs in as who@example.com"),
        (("end", "zoe@example.com"), "zoe@example.com does not work for bluebonnet"),
        (("end", "alice@example.com"), "This is the last owner"),
        (("role", "alice@example.com", "--role", "viewer"), "This is the last owner"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    hub: Callable[..., tuple[int, str]], words: tuple[str, ...], said: str
) -> None:
    code, heard = hub("user", *words)
    assert code == Exit.FAILED
    assert said in heard


def test_people_are_listed_given_roles_and_let_go(
    house: House, hub: Callable[..., tuple[int, str]]
) -> None:
    add(house, "hired@example.com")
    assert hub("user", "role", "hired@example.com", "--role", "manager")[0] == Exit.DONE
    assert hub("user", "end", "hired@example.com")[0] == Exit.DONE
    code, said = hub("user", "list", "--json")
    assert code == Exit.DONE
    listed = {row["email"]: row for row in json.loads(said)}
    assert listed["hired@example.com"]["role"] == "manager"
    assert listed["hired@example.com"]["ended"]
    assert listed["carl@example.com"]["leases"] == 1


def test_the_keeper_sets_a_password(
    house: House, hub: Callable[..., tuple[int, str]], tmp_path: Any
) -> None:
    file = tmp_path / "password"
    file.write_text("crown-block-99\n")
    engine = house.database.engine("app")
    token = sessions.open_session(engine, house.cast.cimarron.pumper, 1, "", "")
    assert token
    code, said = hub("user", "password", "finn@example.com", "--password-file", str(file))
    assert code == Exit.DONE
    assert "1 sign-ins were ended" in said
    assert "crown-block" not in said
    assert sessions.lookup(engine, token, used=True) is None
    with Session(house.database.engine("owner")) as session:
        finn = session.get_one(User, house.cast.cimarron.pumper)
        assert verify_password(finn.password_hash, "crown-block-99")
