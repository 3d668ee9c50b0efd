"""The rules an agent runs, as the hub publishes them: retained on ``dn/cfg``, numbered and signed.

A payload is a codec byte and two lines of JSON: who signed, and what. The signature is HMAC-SHA256
over the second line as it stands, under the key that `wellflow-hub agent add` gave this agent::

    {"v": 1, "k": "rules", "mac": "9f…"}
    {"agent": "bravo-pad", "epoch": 1700000000000, "made": 1700000000000,
     "hub": {"organization": "Bravo Energy", "console": "https://…"},
     "rules": [{"id": "…", "version": 3, "tag": "bravo-1h.tubing_pressure", "kind": "limit",
                "params": {…}, "blind_after_s": 60, "name": "…", "place": "…", "unit": "psi",
                "action": "…"}],
     "acknowledged": ["…"], "people": []}

``epoch`` only rises: ``max(stored + 1, milliseconds now)``, so that a hub restored from a backup
does not repeat one, and a bundle kept by a broker or recorded by somebody does not come back.
``acknowledged`` names the site's alarms that somebody has taken up at the office: their horn stops.
``people`` are those who may enter at the site, ``[{"id": "<user>", "name": "…", "language": "es",
"pin": "scrypt…", "route": ["<lease>"]}]`` (`pins.py`; ``route`` is the order in which that person
drives the stops, where they set one), and ``sheet``, where there is one, is what their form is
drawn from (`stopsheet.py`).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from agent.contract.blocks import parse
from agent.contract.errors import UnknownVersionError, WireError
from agent.contract.wire import MAX_MESSAGE, VERSION, decode, dump, encode

KEY_BYTES: Final = 32
MOST_RULES: Final = 2_000
_SIGNED: Final = b"wellflow rules 1\n"
_LONGEST: Final = 2_000


@dataclass(frozen=True, slots=True)
class SiteRule:
    """One rule of one of the agent's tags, with the words to tell of it on site."""

    id: uuid.UUID
    version: int
    tag: str  #: the tag's name, as the agent's configuration has it
    kind: str
    params: Mapping[str, Any]
    blind_after_s: float
    name: str = ""
    place: str = ""  #: the well, for people
    unit: str = ""
    action: str = ""  #: what to do about it


@dataclass(frozen=True, slots=True)
class Bundle:
    """Everything the hub wants an agent to run; `made` is UTC milliseconds."""

    agent: str
    epoch: int
    made: int
    hub: Mapping[str, str] = field(default_factory=dict)  #: facts anybody on site may know
    rules: tuple[SiteRule, ...] = ()
    acknowledged: tuple[uuid.UUID, ...] = ()  #: alarms taken up at the office
    people: tuple[Mapping[str, Any], ...] = ()  #: who may enter at the site
    sheet: Mapping[str, Any] = field(default_factory=dict)  #: the stops of the site, if any


def read_key(text: str) -> bytes:
    """The key from its written form; raises ValueError with a sentence."""
    try:
        key = base64.urlsafe_b64decode(text.strip() + "=" * (-len(text.strip()) % 4))
    except (binascii.Error, ValueError) as fault:
        raise ValueError("is no key; copy it as `wellflow-hub agent add` printed it") from fault
    if len(key) != KEY_BYTES:
        raise ValueError(f"holds {len(key)} bytes instead of {KEY_BYTES}; copy it whole")
    return key


def write_key(key: bytes) -> str:
    """A key in the form that `read_key` reads."""
    return base64.urlsafe_b64encode(key).decode().rstrip("=")


def seal_bundle(bundle: Bundle, key: bytes) -> bytes:
    """The payload for ``dn/cfg``; raises `WireError` when it is too large for a message."""
    body = dump(
        {
            **({"sheet": dict(bundle.sheet)} if bundle.sheet else {}),
            "agent": bundle.agent,
            "epoch": bundle.epoch,
            "made": bundle.made,
            "hub": dict(bundle.hub),
            "rules": [_rule_body(rule) for rule in bundle.rules],
            "acknowledged": [str(spell) for spell in bundle.acknowledged],
            "people": [dict(person) for person in bundle.people],
        }
    )
    payload = encode(dump({"v": VERSION, "k": "rules", "mac": _mac(key, body)}) + b"\n" + body)
    if len(bundle.rules) > MOST_RULES or len(payload) > MAX_MESSAGE:
        raise WireError(f"{len(bundle.rules)} rules of {len(payload)} bytes are too much to send")
    return payload


def open_bundle(payload: bytes, key: bytes, agent: str) -> Bundle:
    """Read a payload; raises `WireError` in one sentence when it is not for this agent, not signed
    with its key, or not readable.
    """
    head_line, _, body = decode(payload).partition(b"\n")
    head = parse(head_line)
    if head.get("v") != VERSION:
        raise UnknownVersionError(f"rules of version {head.get('v')!r}; update this agent")
    if head.get("k") != "rules" or not hmac.compare_digest(str(head.get("mac")), _mac(key, body)):
        raise WireError(
            "the rules are not signed with this agent's key; put the key that `wellflow-hub agent"
            " key` prints into WELLFLOW_ALARMS_KEY"
        )
    bundle = _bundle(json.loads(body))
    if bundle.agent != agent:
        raise WireError(f"the rules are for agent {bundle.agent!r}, not for {agent!r}")
    return bundle


def _mac(key: bytes, body: bytes) -> str:
    return hmac.new(key, _SIGNED + body, hashlib.sha256).hexdigest()


def _rule_body(rule: SiteRule) -> dict[str, Any]:
    return {
        "id": str(rule.id),
        "version": rule.version,
        "tag": rule.tag,
        "kind": rule.kind,
        "params": dict(rule.params),
        "blind_after_s": rule.blind_after_s,
        "name": rule.name[:_LONGEST],
        "place": rule.place[:_LONGEST],
        "unit": rule.unit,
        "action": rule.action[:_LONGEST],
    }


def _bundle(body: Mapping[str, Any]) -> Bundle:
    try:
        return Bundle(
            str(body["agent"]),
            int(body["epoch"]),
            int(body["made"]),
            {str(key): str(value) for key, value in body.get("hub", {}).items()},
            tuple(_rule(item) for item in body["rules"]),
            tuple(uuid.UUID(spell) for spell in body.get("acknowledged", ())),
            tuple(dict(person) for person in body.get("people", ())),
            dict(body.get("sheet") or {}),
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as fault:
        raise WireError(f"not a bundle of rules: {type(fault).__name__} {fault}") from fault


def _rule(item: Mapping[str, Any]) -> SiteRule:
    texts = (str(item.get(key, "")) for key in ("name", "place", "unit", "action"))
    return SiteRule(
        uuid.UUID(item["id"]),
        int(item["version"]),
        str(item["tag"]),
        str(item["kind"]),
        dict(item["params"]),
        float(item["blind_after_s"]),
        *texts,
    )
