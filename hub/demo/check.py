"""Follows one reading through every hop of the running demo, and measures.

The hops, in order: register, outbox, broker, stream, readings, alert, mailbox, console; then the
proof and the operator's tables. Each must hold before the next is looked at; the first that does
not is named.
"""

from __future__ import annotations

import json
import queue
import re
import ssl
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote, urlsplit

import paho.mqtt.client as paho
import requests
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from sqlalchemy import Row, text
from sqlalchemy.exc import DBAPIError

from agent.contract.blocks import thaw
from agent.contract.errors import WireError
from agent.contract.wire import Address, unpack
from hub import agents
from hub.audit import audit
from hub.demo import files, operator
from hub.demo.stage import Stage

PATIENCE_S = 30.0
LOOK_S = 0.25
SAMPLES = 12
MESSAGES = 3
LISTENER = "wellflow-demo-check"

#: The tables of the product's core, each of which the demo's operator has rows in.
CORE = (
    *("organizations", "users", "leases", "wells", "equipment", "production_records"),
    *("well_tests", "partners", "lease_partners", "jib_statements", "compliance_reports"),
    *("documents", "maintenance_records", "incidents", "alerts", "permits", "tax_records"),
    *("expenses", "revenue_distributions", "bank_accounts", "forecasts", "benchmarks"),
    "contracts",
)

_STREAMS = "SELECT count(*) AS streams, coalesce(sum(number), 0)::int AS blocks FROM streams"
_READINGS = """
    SELECT (SELECT count(*) FROM readings) AS readings,
           (SELECT count(*) FROM readings WHERE quality >= 16) AS without_value,
           (SELECT count(DISTINCT tag_id) FROM readings) AS tags,
           (SELECT sum(readings)::int FROM ingest_batches) AS ledger
"""
_LATEST = """
    SELECT percentile_disc(ARRAY[0.5, 0.95]) WITHIN GROUP (
           ORDER BY extract(epoch FROM received_at - time))
      FROM readings_latest WHERE received_at > now() - interval '3 seconds'
"""
_ALERT = """
    SELECT a.id, a.message, a.level, a.raised_at, a.detected_at, w.id AS well_id, w.name AS well
      FROM alerts a JOIN wells w ON w.id = a.well_id
     WHERE a.detected_at >= :since AND a.origin = 'live'
     ORDER BY a.detected_at LIMIT 1
"""
_SENT = """
    SELECT n.idempotency_key, n.subject, n.sent_at FROM notifications n
     WHERE n.alert_id = :alert AND n.kind = 'raised' AND n.state IN ('sent', 'delivered')
     ORDER BY n.sent_at LIMIT 1
"""


class HopError(Exception):
    """A hop does not hold; the text says what was looked for."""


#: What can go wrong on the way: a part that is not there, or does not answer in time.
FAULTS = (HopError, requests.RequestException, DBAPIError, OSError, subprocess.TimeoutExpired)


class Hops:
    """The check of one running stage."""

    def __init__(self, stage: Stage, say: Callable[[str], None], *, alarm_within_s: float) -> None:
        self._stage, self._say, self._alarm_within_s = stage, say, alarm_within_s
        self._since = datetime.now(UTC)
        self._alert: Row[Any] | None = None
        self.report: dict[str, Any] = {"ok": False}
        self.at = ""  #: the hop that is being looked at

    def follow(self) -> bool:
        """Look at every hop; `report` holds what was seen. Returns whether all hold."""
        begun = time.monotonic()
        for name, hop in (
            ("register", self._register),
            ("outbox", self._outbox),
            ("broker", self._broker),
            ("stream", self._stream),
            ("readings", self._readings),
            ("alert", self._raised),
            ("mailbox", self._mailbox),
            ("console", self._console),
            ("audit", self._audit),
            ("tables", self._tables),
        ):
            self.at = name
            try:
                seen = hop()
            except FAULTS as fault:
                why = " ".join(str(fault).split())
                self.report |= {"failed": name, "why": why}
                self._say(f"  ✗ {name:<10} {why}")
                return False
            self.report[name] = seen
            self._say(f"  ✓ {name:<10} {_words(seen)}")
        self.report |= {"ok": True, "seconds": round(time.monotonic() - begun, 1)}
        return True

    # -------------------------------------------------------------------------------- hops

    def _register(self) -> dict[str, Any]:
        rows = self._agent("read")
        good = [row for row in rows if row["value"] is not None]
        if not good:
            raise HopError("no register of the simulated site could be read")
        return {"gauges": len(rows), "with_value": len(good)}

    def _outbox(self) -> dict[str, Any]:
        figures = self._agent("status")
        if not isinstance(figures, dict) or not figures.get("bytes"):
            raise HopError("the agent's outbox holds nothing")
        return {key: value for key, value in figures.items() if isinstance(value, int)}

    def _broker(self) -> dict[str, Any]:
        try:
            return _overhear(self._stage.mqtt_url, self._stage.broker_ca)
        except (OSError, WireError) as fault:
            raise HopError(f"the broker cannot be listened to: {fault}") from fault

    def _stream(self) -> dict[str, Any]:
        before = self._row(_STREAMS)
        after = self._until(
            lambda: row if (row := self._row(_STREAMS)).blocks > before.blocks else None,
            "the stream's number does not grow",
        )
        return {"streams": after.streams, "blocks": after.blocks}

    def _readings(self) -> dict[str, Any]:
        row = self._row(_READINGS)
        if not row.readings:
            raise HopError("no reading is stored")
        seen = []
        for _ in range(SAMPLES):
            time.sleep(LOOK_S)
            seen += [share for share in self._row(_LATEST) if share and share[0] is not None]
        if not seen:
            raise HopError("the latest readings are not renewed")
        return {
            "stored": row.readings,
            "without_value": row.without_value,
            "in_ledger": row.ledger,
            "tags": row.tags,
            "register_to_row_s_p50": _seconds(statistics.median(share[0] for share in seen)),
            "register_to_row_s_p95": _seconds(max(share[1] for share in seen)),
        }

    def _raised(self) -> dict[str, Any]:
        self._say(f"    waiting for a recorded event (up to {self._alarm_within_s:.0f} s)")
        row = self._until(
            lambda: self._maybe(_ALERT, since=self._since),
            "no live alarm was raised",
            self._alarm_within_s,
        )
        self._alert = row
        return {
            "well": row.well,
            "message": row.message,
            "level": row.level,
            "event_to_alert_s": _between(row.raised_at, row.detected_at),
        }

    def _mailbox(self) -> dict[str, Any]:
        assert self._alert is not None
        alert = self._alert
        sent = self._until(
            lambda: self._maybe(_SENT, alert=alert.id), "no notification was sent", PATIENCE_S
        )
        letter = next(
            (
                letter
                for letter in self._stage.office.letters()
                if sent.idempotency_key in str(letter.message["Message-ID"])
            ),
            None,
        )
        if letter is None:
            raise HopError(f"no letter {sent.subject!r} lies in the mailbox")
        page = requests.get(f"{self._stage.mailbox.url}/letter/{letter.name}", timeout=10)
        if not page.ok or alert.well not in page.text:
            raise HopError(f"the mailbox page does not show it ({page.status_code})")
        arrived = datetime.fromtimestamp(letter.at, UTC)
        return {
            "subject": sent.subject,
            "to": str(letter.message["To"]),
            "alert_to_mail_s": _between(alert.detected_at, arrived),
            "event_to_mail_s": _between(alert.raised_at, arrived),
        }

    def _console(self) -> dict[str, Any]:
        assert self._alert is not None
        alert = self._alert
        with requests.Session() as browser:
            self._sign_in(browser)
            began = time.monotonic()
            self._see(browser, "/", alert.well)
            seconds = time.monotonic() - began
            self._see(browser, f"/wells/{alert.well_id}", alert.well)
            self._see(browser, f"/alerts/{alert.id}", alert.well)
            self._see(browser, "/alerts", alert.well)
            self._see(browser, "/agents", operator.AGENT)
            self._see(browser, "/incidents", "min left", "over by")  # of a demo begun days ago
            answer = browser.post(
                f"{self._stage.console_url}/alerts/{alert.id}/acknowledge",
                data={"note": "seen by the check"},
                headers={"Origin": self._stage.console_url},
                timeout=20,
            )
        state = self._row("SELECT ack FROM alerts WHERE id = :alert", alert=alert.id).ack
        if not answer.ok or state != "acked":
            raise HopError(f"the alert could not be acknowledged ({answer.status_code}, {state})")
        return {"pages": 6, "fleet_s": _seconds(seconds), "acknowledged": True}

    def _audit(self) -> dict[str, Any]:
        report = audit(self._stage.owner, agent=operator.AGENT)
        if not report.ok:
            raise HopError("; ".join(report.sentences))
        figures: dict[str, Any] = report.to_json()["readings"]
        return figures

    def _tables(self) -> dict[str, int]:
        """Rows of each core table; an empty one is a fault."""
        with self._stage.owner.connect() as connection:
            counted = {
                name: int(connection.scalar(text(f"SELECT count(*) FROM {name}")) or 0)  # noqa: S608 - a name of ours
                for name in CORE
            }
        if empty := [name for name, rows in counted.items() if not rows]:
            raise HopError(f"nothing in {', '.join(empty)}")
        return counted

    # ----------------------------------------------------------------------------- details

    def _sign_in(self, browser: requests.Session) -> None:
        person = operator.MANAGER.email
        answer = browser.post(
            f"{self._stage.console_url}/sign-in",
            data={"email": person, "password": self._stage.passwords[person]},
            headers={"Origin": self._stage.console_url},
            timeout=20,
        )
        if not answer.ok or answer.url.endswith("/sign-in"):
            raise HopError(f"{person} cannot sign in ({answer.status_code})")

    def _see(self, browser: requests.Session, path: str, *wanted: str) -> None:
        """Ask for a page; raises `HopError` where it shows none of these words."""
        answer = browser.get(f"{self._stage.console_url}{path}", timeout=20)
        if not answer.ok or not any(words in answer.text for words in wanted):
            told = " or ".join(map(repr, wanted))
            raise HopError(f"page {path} does not show {told} ({answer.status_code})")

    def _agent(self, verb: str) -> Any:
        command = [sys.executable, "-m", "agent", verb, "--json", str(self._stage.agent_file)]
        environ = files.plain_environ()
        done = subprocess.run(
            command, env=environ, capture_output=True, text=True, timeout=60, check=False
        )
        try:
            return json.loads(done.stdout)
        except ValueError as fault:
            words = (done.stderr or done.stdout).strip()
            raise HopError(f"wellflow-agent {verb} answered: {words[-300:]}") from fault

    def _row(self, query: str, **values: Any) -> Row[Any]:
        with self._stage.owner.connect() as connection:
            return connection.execute(text(query), values).one()

    def _maybe(self, query: str, **values: Any) -> Row[Any] | None:
        with self._stage.owner.connect() as connection:
            return connection.execute(text(query), values).first()

    def _until(
        self, look: Callable[[], Row[Any] | None], otherwise: str, patience_s: float = PATIENCE_S
    ) -> Row[Any]:
        until = time.monotonic() + patience_s
        while time.monotonic() < until:
            if (found := look()) is not None:
                return found
            time.sleep(LOOK_S)
        raise HopError(f"{otherwise} within {patience_s:.0f} s")


def _overhear(url: str, ca_file: str | None) -> dict[str, int]:
    """Listen at the broker as the hub, for a few data messages of the agent."""
    address = urlsplit(url)
    heard: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    client = paho.Client(
        CallbackAPIVersion.VERSION2, client_id=LISTENER, protocol=MQTTProtocolVersion.MQTTv311
    )
    if address.username:
        client.username_pw_set(unquote(address.username), unquote(address.password or ""))
    secure = address.scheme == "mqtts"
    if secure:
        client.tls_set_context(ssl.create_default_context(cafile=ca_file))
    shard = agents.shard_of(operator.AGENT)
    topics = [(Address(shard, operator.AGENT, door).topic, 0) for door in ("up/t", "up/h")]
    client.on_connect = lambda connected, *_: connected.subscribe(topics)
    for topic, _ in topics:  # amqtt hands out retained messages of other topics, too
        client.message_callback_add(topic, lambda _c, _u, got: heard.put(bytes(got.payload)))
    client.connect(address.hostname or "", address.port or (8883 if secure else 1883))
    client.loop_start()
    try:
        payloads = [heard.get(timeout=PATIENCE_S) for _ in range(MESSAGES)]
    except queue.Empty as fault:
        raise HopError(
            f"no message of the agent passed the broker in {PATIENCE_S:.0f} s"
        ) from fault
    finally:
        client.disconnect()
        client.loop_stop()
    blocks = [thaw(line) for payload in payloads for line in unpack(payload).lines]
    return {
        "messages": len(payloads),
        "bytes": sum(map(len, payloads)),
        "readings": sum(block.readings for block in blocks),
    }


def _between(earlier: datetime, later: datetime) -> float:
    return _seconds((later - earlier).total_seconds())


def _seconds(value: Any) -> float:
    return round(float(value), 3)


def _words(seen: Mapping[str, Any]) -> str:
    return ", ".join(f"{re.sub('_', ' ', key)} {value}" for key, value in seen.items())
