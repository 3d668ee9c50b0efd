"""The hub's command line as its keeper meets it: enrolling, checking, proving, and plain faults."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from hub.__main__ import VERBS, main, parser
from hub.console.passwords import verify_password
from hub.settings import load
from tests.cast import Cast
from tests.ingest.hub import KEY
from tests.servers.mail import Mailbox
from tests.servers.mosquitto import Mosquitto
from tests.servers.postgres import Database


@pytest.fixture
def environ(monkeypatch: pytest.MonkeyPatch, database: Database, tmp_path: Path) -> dict[str, str]:
    """Settings of an installation, in the environment."""
    values = {
        "WELLFLOW_DATABASE_URL": database.url,
        "WELLFLOW_MQTT_URL": "mqtts://hub:secret@broker.example.com:8883",
        "WELLFLOW_MQTT_ACCOUNTS_FILE": str(tmp_path / "accounts"),
        "WELLFLOW_SECRET_KEY": KEY,
        "WELLFLOW_DOCUMENTS_PATH": str(tmp_path / "documents"),
    }
    for name in os.environ:
        if name.startswith("WELLFLOW_"):
            monkeypatch.delenv(name)
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    return values


def answer(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> Any:
    """Run a verb with --json; its answer."""
    capsys.readouterr()
    assert main([*words, "--json"]) == code
    return json.loads(capsys.readouterr().out)


def refusal(capsys: pytest.CaptureFixture[str], *words: str, code: int = 1) -> str:
    """Run a verb that must fail; its sentence."""
    capsys.readouterr()
    assert main(words) == code
    printed = capsys.readouterr()
    assert printed.out == ""
    return printed.err.strip()


def value(database: Database, query: str, **values: Any) -> Any:
    with database.engine("owner").connect() as connection:
        return connection.scalar(text(query), values)


def test_it_works(
    environ: Mapping[str, str], database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    """From an empty database to an agent's file."""
    org = answer(capsys, "org", "add", "Pecan Bayou Energy LLC", "--slug", "pecan")
    assert org["accounts"] > 30
    assert org["tax_rates"] > 30
    assert org["slug"] == "pecan"
    person = answer(
        capsys,
        *("user", "add", "sam@example.com", "--name", "Sam Whitaker"),
        *("--organization", "pecan", "--role", "manager", "--notify", "2"),
    )
    stored = value(database, "SELECT password_hash FROM users WHERE email = 'sam@example.com'")
    assert verify_password(stored, person["password"])
    told = "SELECT worst_priority FROM contact_channels WHERE address = 'sam@example.com'"
    assert value(database, told) == 2

    made = answer(capsys, "agent", "add", "bravo-pad", "--organization", "pecan")
    assert 'name = "bravo-pad"' in made["toml"]
    assert 'url = "mqtts://broker.example.com:8883"' in made["toml"]
    assert "secret" not in made["toml"]  # the hub's own password is nobody else's business
    accounts = Path(environ["WELLFLOW_MQTT_ACCOUNTS_FILE"])
    assert accounts.read_text().startswith("bravo-pad:$7$")

    assert answer(capsys, "audit")["ok"] is True
    assert answer(capsys, "quarantine", "list") == []
    assert answer(capsys, "agent", "revoke", "bravo-pad") == {"name": "bravo-pad", "revoked": True}
    assert accounts.read_text() == ""


def test_agents_may_reach_the_broker_by_another_name(
    environ: Mapping[str, str], cast: Cast, capsys: pytest.CaptureFixture[str]
) -> None:
    made = answer(
        capsys,
        *("agent", "add", "delta-pad", "--organization", "bluebonnet", "--well", "bluebonnet 1h"),
        *("--broker-url", "mqtts://outside.example.com"),
    )
    assert 'url = "mqtts://outside.example.com"' in made["toml"]
    assert 'well = "Bluebonnet 1H"' in made["toml"]


def test_somebody_known_gets_one_more_membership(
    environ: Mapping[str, str], cast: Cast, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["user", "add", "ALICE@example.com", "--name", "Alice", "--role", "viewer"]
    assert answer(capsys, *words, "--organization", "cimarron")["password"] is None
    count = "SELECT count(*) FROM users WHERE lower(email) = 'alice@example.com'"
    assert value(database, count) == 1
    assert "already works" in refusal(capsys, *words, "--organization", "cimarron")


def test_a_password_comes_from_a_file(
    environ: Mapping[str, str],
    cast: Cast,
    database: Database,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    secret = tmp_path / "password"
    secret.write_text("walking-beam-17\n")
    words = ["--name", "New", "--role", "viewer", "--organization", "bluebonnet", "--password-file"]
    made = answer(capsys, "user", "add", "new@example.com", *words, str(secret))
    assert made["password"] is None
    stored = value(database, "SELECT password_hash FROM users WHERE email = 'new@example.com'")
    assert verify_password(stored, "walking-beam-17")
    nowhere = [*words, str(tmp_path / "none")]
    assert "cannot be read" in refusal(capsys, "user", "add", "other@example.com", *nowhere)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("org add X --slug bluebonnet", "the short name 'bluebonnet' cannot be used"),
        ("org add X --slug Upper", "small letters"),
        ("org add X --slug x1 --timezone Mars/North", "is not a time zone"),
        (
            "user add nobody --name N --organization bluebonnet --role viewer",
            "'nobody' is not an e-mail address",
        ),
        (
            "user add n@example.com --name N --organization none --role viewer",
            "there is no organization 'none'; there are: bluebonnet, cimarron",
        ),
        ("agent add Bad/Name --organization bluebonnet", "cannot be an agent's name"),
        ("agent add x1 --organization none", "there is no organization 'none'"),
        ("agent add x1 --organization bluebonnet --well Nowhere", "has no well 'Nowhere'"),
        ("agent add bluebonnet-pad-1 --organization bluebonnet", "names are never used again"),
        ("agent revoke nobody", "there is no agent 'nobody'"),
        ("quarantine replay 17", "'17' is not an id"),
        ("restore /nowhere/at-all.zip", "cannot be read"),
        ("migrate --logins", "needs an account and a password of its own"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    environ: Mapping[str, str],
    cast: Cast,
    capsys: pytest.CaptureFixture[str],
    words: str,
    sentence: str,
) -> None:
    said = refusal(capsys, *words.split())
    assert sentence in said
    assert said.startswith("wellflow-hub: ")
    assert "Traceback" not in said


def test_wrong_settings_are_told_all_at_once(
    monkeypatch: pytest.MonkeyPatch, environ: Mapping[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WELLFLOW_SECRET_KEY", "short")
    monkeypatch.setenv("WELLFLOW_MQTT_URL", "mqtt://broker.example.com")
    monkeypatch.delenv("WELLFLOW_DATABASE_URL")
    for verb in ("check", "run", "ingest", "work", "serve", "audit"):
        said = refusal(capsys, verb, code=2)
        assert [line.split(": ")[1] for line in said.splitlines()] == [
            "database.url",
            "mqtt.url",
            "secret_key",
        ]


def test_check_lists_every_fault(
    monkeypatch: pytest.MonkeyPatch, environ: Mapping[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WELLFLOW_MQTT_URL", "mqtt://127.0.0.1:1")
    monkeypatch.setenv("WELLFLOW_MAIL_HOST", "127.0.0.1")
    monkeypatch.setenv("WELLFLOW_MAIL_PORT", "1")
    found = answer(capsys, "check", code=1)
    assert {item["what"]: item["ok"] for item in found["findings"]} == {
        "database as app": True,
        "database as ingest": True,
        "database as work": True,
        "database tables": True,
        "documents": True,
        "cache": True,
        "broker": False,
        "mail server": False,
    }


@pytest.mark.mosquitto
def test_check_signs_in_at_the_broker(
    monkeypatch: pytest.MonkeyPatch,
    environ: Mapping[str, str],
    tls_broker: Mosquitto,
    mailbox: Mailbox,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("WELLFLOW_MQTT_URL", tls_broker.url())
    monkeypatch.setenv("WELLFLOW_MAIL_HOST", "127.0.0.1")
    monkeypatch.setenv("WELLFLOW_MAIL_PORT", str(mailbox.port))
    monkeypatch.setenv("WELLFLOW_MAIL_SECURITY", "none")
    stranger = answer(capsys, "check", code=1)["findings"][-2]
    assert "CERTIFICATE_VERIFY_FAILED" in stranger["said"]

    monkeypatch.setenv("WELLFLOW_MQTT_CA_FILE", tls_broker.ca_file or "")
    found = answer(capsys, "check")
    assert found["ok"], found
    assert found["findings"][-2]["said"] == "signed in, MQTT 5"

    wrong = tls_broker.url().replace("hub-secret", "guessed")
    monkeypatch.setenv("WELLFLOW_MQTT_URL", wrong)
    refused = answer(capsys, "check", code=1)["findings"][-2]
    assert "refuses the account" in refused["said"]


def test_a_key_is_what_the_settings_want(capsys: pytest.CaptureFixture[str]) -> None:
    made = answer(capsys, "key")["secret_key"]
    settings = load(
        None,
        {
            "WELLFLOW_DATABASE_URL": "postgresql://x/y",
            "WELLFLOW_MQTT_URL": "mqtts://x",
            "WELLFLOW_SECRET_KEY": made,
        },
    )
    assert len(settings.secret_key) == 32


def test_backup_and_restore(
    environ: Mapping[str, str],
    cast: Cast,
    database: Database,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "monday.zip"
    stock = answer(capsys, "backup", str(path))
    assert stock["tables"]["wells"] == 4
    assert "is not empty" in refusal(capsys, "restore", str(path)).splitlines()[-1]
    database.close()
    assert answer(capsys, "restore", str(path), "--replace") == stock


def test_every_verb_has_help_in_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    for verb in VERBS:
        with pytest.raises(SystemExit) as ended:
            parser().parse_args([*verb.words.split(), "--help"])
        assert ended.value.code == 0
        assert verb.help[0].islower() or not verb.help[0].isalpha()
        assert not verb.help.endswith(".")
    capsys.readouterr()


def test_a_reader_that_has_seen_enough_is_no_fault(environ: Mapping[str, str], cast: Cast) -> None:
    """`wellflow-hub … | head -1`."""
    command = f"{sys.executable} -m hub audit --json | head -c 1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("{", "")
