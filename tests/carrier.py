"""A carrier of SMS and calls on loopback: keeps what is ordered, answers as told, signs calls."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from flask import Flask
from werkzeug.test import TestResponse

from hub.notify import carriers
from tests.webhooks import Answer, Hook, Receiver

ACCOUNT, TOKEN = "AC0", "carrier-secret"


class Carrier:
    """Listens on loopback; `says` may answer an order in its own way."""

    def __init__(self, says: Callable[[dict[str, str]], Answer | None] | None = None) -> None:
        self.says = says
        self.orders: list[dict[str, str]] = []
        self._lock = threading.Lock()
        self._receiver = Receiver(self._answer)

    @property
    def base_url(self) -> str:
        """Where its REST begins."""
        return self._receiver.url.removesuffix("/hook")

    def environ(self, section: str = "CARRIER", **more: str) -> dict[str, str]:
        """Variables of the environment that set it up."""
        values = {
            "NAME": section.lower(),
            "BASE_URL": self.base_url,
            "ACCOUNT": ACCOUNT,
            "TOKEN": TOKEN,
            "SMS_FROM": "+15550000001",
            "VOICE_FROM": "+15550000002",
        } | more
        return {f"WELLFLOW_{section}_{name}": value for name, value in values.items()}

    @property
    def texts(self) -> list[str]:
        """What the SMS said."""
        return [order["Body"] for order in self.orders if "Body" in order]

    def stop(self) -> None:
        """Close it."""
        self._receiver.stop()

    def _answer(self, hook: Hook) -> Answer:
        fields = {key: values[0] for key, values in parse_qs(hook.payload.decode()).items()}
        with self._lock:
            self.orders.append(fields | {"path": hook.path, "key": hook.headers["Idempotency-Key"]})
            number = len(self.orders)
        told = self.says(fields) if self.says else None
        return told or Answer(201, body=json.dumps({"sid": f"SM{number}"}).encode())


def refusing(status: int, code: int | None = None, **headers: str) -> Answer:
    """A refusal in the carrier's words."""
    said: dict[str, Any] = {"message": "no"} | ({"code": code} if code else {})
    return Answer(status, headers, json.dumps(said).encode())


def call_in(app: Flask, url: str, fields: Mapping[str, str], *, token: str = TOKEN) -> TestResponse:
    """Call an address of the hub as a carrier does, signed with a token."""
    shown = carriers.signature(token, url, fields.items())
    parts = urlsplit(url)
    return app.test_client().post(
        parts.path,
        data=dict(fields),
        headers={"X-Twilio-Signature": shown},
        base_url=f"{parts.scheme}://{parts.netloc}",
    )
