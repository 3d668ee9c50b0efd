"""What `deploy/` holds is put to use as it stands: broker, certificates, units, containers."""

from __future__ import annotations

import os
import queue
import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
import yaml
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from hub import broker_accounts
from hub.demo.children import Child, start, wait_for
from hub.demo.postgres import free_port, server_user

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
TOOLS = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/bin"


# ------------------------------------------------------------------------ broker and certificates


@pytest.fixture(scope="module")
def prepared(server_folder: Path) -> Path:
    """A copy of `deploy/` in which `deploy/prepare` was run."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed (apt install openssl)")
    deploy = server_folder / "deploy"
    shutil.copytree(DEPLOY, deploy, ignore=shutil.ignore_patterns("secrets", "__pycache__"))
    done = subprocess.run(
        [deploy / "prepare", "localhost", "10.1.2.3"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return deploy


@dataclass
class Broker:
    folder: Path
    port: int
    child: Child
    hub_password: str

    def add(self, name: str) -> str:
        """Enrol an account as `wellflow-hub agent add` does; the broker notices by itself."""
        password = broker_accounts.new_password()
        accounts = self.folder / "accounts" / "passwords"
        broker_accounts.set_password(accounts, name, password)
        wait_for(
            lambda: self.answer_to(name, password) == "Success", self.child, f"letting {name} in"
        )
        return password

    def client(self, name: str, password: str) -> paho.Client:
        client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id=name, protocol=MQTTProtocolVersion.MQTTv5
        )
        client.username_pw_set(name, password)
        authority = str(self.folder / "tls" / "broker_ca.pem")
        client.tls_set_context(ssl.create_default_context(cafile=authority))
        return client

    def answer_to(self, name: str, password: str) -> str:
        answers: queue.SimpleQueue[str] = queue.SimpleQueue()
        client = self.client(name, password)
        client.on_connect = lambda _c, _u, _f, reason, _p: answers.put(str(reason))
        client.connect("localhost", self.port)
        client.loop_start()
        try:
            return answers.get(timeout=10)
        finally:
            client.disconnect()
            client.loop_stop()


@pytest.fixture(scope="module")
def broker(prepared: Path, server_folder: Path) -> Iterator[Broker]:
    """Mosquitto with the configuration, access list and start script of `deploy/mosquitto`."""
    if shutil.which("mosquitto", path=TOOLS) is None:
        pytest.skip("Mosquitto is not installed (apt install mosquitto)")
    folder, port = server_folder / "mosquitto", free_port()
    for name in ("config", "tls", "accounts", "data"):
        (folder / name).mkdir(parents=True)
    text = (prepared / "mosquitto" / "mosquitto.conf").read_text()
    text = text.replace("/mosquitto/", f"{folder}/").replace("listener 8883", f"listener {port}")
    (folder / "config" / "mosquitto.conf").write_text(text)
    shutil.copy(prepared / "mosquitto" / "acl", folder / "config")
    for name in ("broker.pem", "broker.key", "broker_ca.pem", "hub_broker_password"):
        shutil.copy(prepared / "secrets" / name, folder / "tls")
    for path in [folder, *folder.rglob("*")]:
        if (user := server_user()) is not None:
            os.chown(path, user, user)
    environ = {
        "PATH": TOOLS,
        "ACCOUNTS": str(folder / "accounts" / "passwords"),
        "CONFIG": str(folder / "config" / "mosquitto.conf"),
        "HUB_PASSWORD_FILE": str(folder / "tls" / "hub_broker_password"),
        "LOOK_EVERY_S": "0.2",
    }
    script = [str(prepared / "mosquitto" / "run.sh")]
    child = start("broker", script, folder / "log", environ=environ, user=server_user())
    wait_for(lambda: _listens(port), child, "listening")
    yield Broker(folder, port, child, (folder / "tls" / "hub_broker_password").read_text().strip())
    child.stop()
    assert not _listens(port)


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


@pytest.mark.mosquitto
def test_it_works(broker: Broker) -> None:
    """The hub's account is made from its secret; an agent added while it runs comes in."""
    assert broker.answer_to("hub", broker.hub_password) == "Success"
    broker.add("bravo-pad")


@pytest.mark.mosquitto
def test_a_wrong_password_stays_out(broker: Broker) -> None:
    assert broker.answer_to("hub", "guessed") == "Not authorized"


@pytest.mark.mosquitto
def test_it_notices_a_revoked_account(broker: Broker) -> None:
    password = broker.add("delta-pad")
    broker_accounts.remove(broker.folder / "accounts" / "passwords", "delta-pad")
    wait_for(
        lambda: broker.answer_to("delta-pad", password) == "Not authorized",
        broker.child,
        "keeping delta-pad out",
    )


@pytest.mark.mosquitto
def test_without_tls_nobody_is_heard(broker: Broker) -> None:
    with socket.create_connection(("127.0.0.1", broker.port), timeout=5) as plain:
        plain.settimeout(5)
        plain.sendall(b"\x10\x0f\x00\x04MQTT\x04\x02\x00\x3c\x00\x03abc")  # CONNECT, as MQTT 3.1.1
        try:
            answer = plain.recv(64)
        except ConnectionResetError:
            answer = b""
    assert answer[:1] != b"\x20"  # no CONNACK


@pytest.mark.mosquitto
def test_a_stranger_s_certificate_is_refused(broker: Broker) -> None:
    """The certificate is good for the names it was made for, and from this authority only."""
    own = ssl.create_default_context(cafile=str(broker.folder / "tls" / "broker_ca.pem"))
    for context, name in ((ssl.create_default_context(), "localhost"), (own, "elsewhere.example")):
        with (
            socket.create_connection(("127.0.0.1", broker.port), timeout=5) as plain,
            pytest.raises(ssl.SSLCertVerificationError),
        ):
            context.wrap_socket(plain, server_hostname=name)


@pytest.mark.mosquitto
def test_an_agent_can_use_only_its_own_topics(broker: Broker) -> None:
    bravo, charlie = broker.add("bravo-one"), broker.add("charlie-one")
    heard: dict[str, list[str]] = {"hub": [], "charlie-one": []}
    ready: queue.SimpleQueue[str] = queue.SimpleQueue()
    clients = []
    for name, password, wanted in (
        ("hub", broker.hub_password, ["wf/1/+/+/st", "wf/1/+/+/up/+"]),
        ("charlie-one", charlie, ["#", "wf/1/+/bravo-one/dn/+", "wf/1/hub/+"]),
    ):
        client = broker.client(name, password)
        client.on_connect = lambda c, *_, w=wanted: c.subscribe([(topic, 1) for topic in w])
        client.on_subscribe = lambda *_, n=name: ready.put(n)
        client.on_message = lambda _c, _u, got, n=name: heard[n].append(got.topic)
        client.connect("localhost", broker.port)
        client.loop_start()
        clients.append(client)
    assert {ready.get(timeout=10), ready.get(timeout=10)} == {"hub", "charlie-one"}

    _publish(broker, "bravo-one", bravo, "wf/1/5/charlie-one/up/t")  # somebody else's
    _publish(broker, "bravo-one", bravo, "wf/1/5/bravo-one/dn/ack")  # the hub's to say
    _publish(broker, "bravo-one", bravo, "wf/1/hub/ingest")
    _publish(broker, "hub", broker.hub_password, "wf/1/5/bravo-one/dn/ack", client=clients[0])
    _publish(broker, "bravo-one", bravo, "wf/1/5/bravo-one/st")
    _publish(broker, "bravo-one", bravo, "wf/1/5/bravo-one/up/t")
    _publish(broker, "hub", broker.hub_password, "wf/1/hub/ingest", client=clients[0])
    until = time.monotonic() + 10
    while time.monotonic() < until and not (len(heard["hub"]) >= 2 and heard["charlie-one"]):
        time.sleep(0.05)
    for client in clients:
        client.disconnect()
        client.loop_stop()
    assert heard["hub"] == ["wf/1/5/bravo-one/st", "wf/1/5/bravo-one/up/t"]
    assert set(heard["charlie-one"]) == {"wf/1/hub/ingest"}  # by each of its two filters


def _publish(
    broker: Broker, name: str, password: str, topic: str, client: paho.Client | None = None
) -> None:
    """Publish, and wait for the broker's answer, whatever it is (it may hang up on a refusal)."""
    done: queue.SimpleQueue[str] = queue.SimpleQueue()
    publisher = client or broker.client(name, password)
    publisher.on_publish = lambda *_: done.put("answered")
    if client is None:
        publisher.on_connect = lambda c, *_: c.publish(topic, b"x", qos=1)
        publisher.on_disconnect = lambda *_: done.put("hung up")
        publisher.connect("localhost", broker.port)
        publisher.loop_start()
    else:
        publisher.publish(topic, b"x", qos=1)
    done.get(timeout=10)
    if client is None:
        publisher.on_disconnect = None
        publisher.disconnect()
        publisher.loop_stop()


def test_prepare_keeps_what_exists(prepared: Path) -> None:
    secrets = prepared / "secrets"
    before = {path.name: path.read_bytes() for path in secrets.iterdir()}
    subprocess.run([prepared / "prepare", "localhost"], capture_output=True, check=True)
    assert {path.name: path.read_bytes() for path in secrets.iterdir()} == before
    assert (secrets.stat().st_mode & 0o777) == 0o700
    assert ((secrets / "broker_ca.key").stat().st_mode & 0o777) == 0o600


# --------------------------------------------------------------------------------------- systemd


@pytest.mark.parametrize("name", ["wellflow-agent", "wellflow-hub"])
def test_systemd_accepts_the_unit(name: str, tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed (apt install systemd)")
    unit = DEPLOY / "systemd" / f"{name}.service"
    text = unit.read_text()
    program = re.search(r"^ExecStart=(\S+)", text, flags=re.M)
    assert program is not None
    assert program[1] == f"/opt/wellflow/bin/{name}"
    copy = tmp_path / unit.name  # the program is not installed here; anything that runs will do
    copy.write_text(text.replace(program[1], "/bin/true"))
    done = subprocess.run(
        ["systemd-analyze", "verify", str(copy)], capture_output=True, text=True, check=False
    )
    complaints = [line for line in done.stderr.splitlines() if unit.name in line]
    assert (done.returncode, complaints) == (0, [])


# ------------------------------------------------------------------------------------ containers


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yml").read_text())
    return found


def test_compose_names_only_what_it_defines(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert ("image" in service) or ("build" in service), name
        assert set(service.get("secrets", [])) <= set(compose["secrets"]), name
        assert set(service.get("networks", [])) <= set(compose["networks"]), name
        assert set(service.get("depends_on", {})) <= set(compose["services"]), name
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert source.startswith("./") or source in compose["volumes"], (name, volume)


def test_compose_waits_only_for_what_can_be_waited_for(compose: dict[str, Any]) -> None:
    services = compose["services"]
    for name, service in services.items():
        for other, how in service.get("depends_on", {}).items():
            if how["condition"] == "service_healthy":
                assert "healthcheck" in services[other], (name, other)


def test_compose_finds_every_file_it_names(compose: dict[str, Any], prepared: Path) -> None:
    named = [secret["file"] for secret in compose["secrets"].values()]
    for service in compose["services"].values():
        named += [v.split(":")[0] for v in service.get("volumes", []) if v.startswith("./")]
        if "build" in service:
            assert (DEPLOY / service["build"]["context"]).resolve() == ROOT
            assert (ROOT / service["build"]["dockerfile"]).is_file()
    assert not {name for name in named if not (prepared / name).exists()} - {"./agent.toml"}


def test_every_setting_that_compose_gives_is_one(compose: dict[str, Any]) -> None:
    """A slip in a variable's name would silently leave a default in force."""
    keys = set(re.findall(r"^\| `(\w+)`", (ROOT / "docs" / "settings.md").read_text(), flags=re.M))
    for name, service in compose["services"].items():
        for variable in service.get("environment", {}):
            if variable.startswith("WELLFLOW_"):
                key = re.sub(r"^WELLFLOW_((DATABASE|MQTT|MAIL|WEB)_)?", "", variable).lower()
                assert keys & {key, key.removesuffix("_file")}, (name, variable)


def test_our_containers_have_no_rights(compose: dict[str, Any]) -> None:
    ours = {n: s for n, s in compose["services"].items() if s["image"].startswith("wellflow-")}
    assert set(ours) == {"migrate", "ingest", "work", "serve", "keeper", "agent"}
    for name, service in ours.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert not [word for word in service["environment"] if word.endswith("PASSWORD")], name


def test_images_install_only_what_has_a_hash() -> None:
    text = (DEPLOY / "containers" / "Containerfile").read_text()
    installs = re.findall(r"pip install ([^&\\\n]+)", text)
    assert installs
    assert all("--require-hashes" in words or "--no-deps" in words for words in installs)
    stages = re.split(r"^FROM ", text, flags=re.M)
    assert all("USER 10001" in stage for stage in stages if re.search(r" AS (agent|hub)\n", stage))
