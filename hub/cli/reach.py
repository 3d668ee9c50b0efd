"""Verb `check`: can the hub reach everything its settings name? Every fault at once."""

from __future__ import annotations

import argparse
import queue
import smtplib
import ssl
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from urllib.parse import unquote, urlsplit

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from hub.cache import open_cache
from hub.cli.flags import check_data
from hub.cli.screen import CommandError, Exit, Screen
from hub.database import DatabaseRole, connect
from hub.documents.store import probe
from hub.errors import HubError
from hub.migrate import check_tier
from hub.settings import HubSettings, MailSettings, MqttSettings, load

ANSWER_S = 5.0
CLIENT = "wellflow-check"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was tried, and what came of it."""

    what: str
    ok: bool
    said: str


def check(asked: argparse.Namespace, screen: Screen) -> int:
    """Read the settings, then try the database in each role, the broker and the mail server; or
    look at one operator's data for what a feature needs.
    """
    if asked.organization:
        return check_data(asked, screen)
    if asked.feature:
        raise CommandError("--feature looks at an operator's data; say which with --organization")
    findings = look(load(asked.settings))
    rows = [{"": "ok" if f.ok else "FAULT", "what": f.what, "said": f.said} for f in findings]
    sound = all(finding.ok for finding in findings)
    answer = {"ok": sound, "findings": [asdict(finding) for finding in findings]}
    screen.answer(answer, screen.table(rows))
    return Exit.DONE if sound else Exit.FAILED


def look(settings: HubSettings) -> list[Finding]:
    """Try everything the settings name, one after the other."""
    database = settings.database
    roles: list[tuple[DatabaseRole, str]] = [
        ("app", database.url),
        ("ingest", database.ingest_url),
        ("work", database.work_url),
    ]
    return [
        *(_try(f"database as {role}", partial(_database, role, url)) for role, url in roles),
        _try("database tables", lambda: _tables(database.url)),
        _try("documents", lambda: probe(settings.documents)),
        _try("cache", lambda: open_cache(settings.cache, settings.secret_key).told()),
        _try("broker", lambda: broker(settings.mqtt)),
        _try("mail server", lambda: _mail(settings.mail)),
    ]


def _try(what: str, attempt: Callable[[], str]) -> Finding:
    try:
        return Finding(what, True, attempt())
    except DBAPIError as fault:
        return Finding(what, False, " ".join(str(fault.orig).split()))
    except (HubError, OSError, smtplib.SMTPException) as fault:
        return Finding(what, False, str(fault))


def _database(role: DatabaseRole, url: str) -> str:
    engine = connect(url, role, pool=1)
    try:
        with engine.connect() as connection:
            return str(connection.scalar(text("SELECT split_part(version(), ' on ', 1)")))
    finally:
        engine.dispose()


def _tables(url: str) -> str:
    engine = connect(url, "app", pool=1)
    try:
        return f"storage tier {check_tier(engine).title}"
    finally:
        engine.dispose()


def broker(settings: MqttSettings) -> str:
    """Sign in at the broker; raises `HubError` with the reason when it does not let us in."""
    for protocol in (MQTTProtocolVersion.MQTTv5, MQTTProtocolVersion.MQTTv311):
        answer = _sign_in(settings, protocol)
        if answer is not None:
            break
    else:
        raise HubError("the broker does not answer; is it a broker, and is the port right?")
    if answer != "Success":
        raise HubError(f"the broker refuses the account: {answer}")
    return f"signed in, {'MQTT 5' if protocol == MQTTProtocolVersion.MQTTv5 else 'MQTT 3.1.1'}"


def _sign_in(settings: MqttSettings, protocol: MQTTProtocolVersion) -> str | None:
    """The broker's answer to our greeting, or None when it gives none."""
    address = urlsplit(settings.url)
    secure = address.scheme == "mqtts"
    answers: queue.SimpleQueue[str] = queue.SimpleQueue()
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id=CLIENT, protocol=protocol)
    client.on_connect = lambda _c, _u, _f, reason, _p: answers.put(str(reason))
    if address.username:
        client.username_pw_set(unquote(address.username), unquote(address.password or ""))
    if secure:
        client.tls_set_context(ssl.create_default_context(cafile=settings.ca_file))
    client.connect(address.hostname or "", address.port or (8883 if secure else 1883), 10)
    client.loop_start()
    try:
        return answers.get(timeout=ANSWER_S)
    except queue.Empty:
        return None
    finally:
        client.disconnect()
        client.loop_stop()


def _mail(settings: MailSettings) -> str:
    kind = smtplib.SMTP_SSL if settings.security == "tls" else smtplib.SMTP
    with kind(settings.host, settings.port, timeout=ANSWER_S) as server:
        if settings.security == "starttls":
            server.starttls(context=ssl.create_default_context())
        if settings.username:
            server.login(settings.username, settings.password or "")
        server.noop()
    return f"{settings.host}:{settings.port} answers"
