"""What carriers of SMS and calls tell us: receipts, replies, keys pressed. Each is signed by them.

A call whose signature is wrong is refused before anything is looked up. Nobody is signed in here;
who answers is known by the message's secret, or by the number and the code.
"""

from __future__ import annotations

from datetime import UTC, datetime
from xml.sax.saxutils import escape

from flask import Blueprint, Response, abort, request
from flask.typing import ResponseReturnValue
from sqlalchemy import text

from hub.alerts import answers
from hub.console.context import console
from hub.console.gate import anyone
from hub.notify import carriers, links, texts
from hub.notify.channels import plain, voice
from hub.settings import CarrierSettings

pages = Blueprint("carriers", __name__, url_prefix="/in/carrier")

UNSIGNED = "This did not come from the carrier: its signature does not fit."


@pages.post("/<int:number>/receipt/<token>/<int:attempt>")
@anyone
def receipt(number: int, token: str, attempt: int) -> ResponseReturnValue:
    """What became of a message or call."""
    carrier = _signed_by(number)
    word = _said("MessageStatus") or _said("CallStatus")
    code = _said("ErrorCode")
    values = {
        "hash": links.hashed(token),
        "attempt": min(attempt, 9999),
        "provider": carrier.name,
        "id": _said("MessageSid") or _said("CallSid") or None,
        "receipt": " ".join(part for part in (word, code) if part)[:100],
        "reached": _reached(word),
    }
    statement = "SELECT message_receipt(:hash, :attempt, :provider, :id, :receipt, :reached)"
    with console().engine.begin() as connection:
        connection.execute(text(statement), values)
    return "", 204


def _reached(word: str) -> bool | None:
    """Whether it reached the person; None while that is open.

    A call that a machine answered, or that somebody let run out, reached nobody: only a key counts.
    """
    if word == "completed":
        answered_by = request.form.get("AnsweredBy", "")
        return None if answered_by in {"", "human", "unknown"} else False
    return carriers.ENDS.get(word)


@pages.post("/<int:number>/sms")
@anyone
def sms(number: int) -> ResponseReturnValue:
    """An SMS somebody sent to our number; the answer goes back as one."""
    _signed_by(number)
    answered = answers.take_sms(console().engine, _said("From")[:40], _said("Body")[:480])
    return _twiml(
        '<?xml version="1.0" encoding="UTF-8"?><Response><Message>'
        + escape(texts.gsm(answered.sentence))
        + "</Message></Response>"
    )


@pages.post("/<int:number>/voice/<token>")
@anyone
def call(number: int, token: str) -> ResponseReturnValue:
    """Somebody picked up: what is said to them."""
    _signed_by(number)
    message = answers.opened(console().engine, token)
    refusal = answers.hindrance(message, datetime.now(UTC))
    if refusal is not None:
        return _twiml(voice.farewell(refusal))
    action = f"{console().settings.web.public_url}/in/carrier/{number}/voice/{token}/key"
    return _twiml(voice.script(texts.spoken(message.body), action))


@pages.post("/<int:number>/voice/<token>/key")
@anyone
def key(number: int, token: str) -> ResponseReturnValue:
    """A key was pressed: 1 takes the alert on."""
    _signed_by(number)
    if request.form.get("Digits") != "1":
        return _twiml(voice.farewell("Nothing was changed. Goodbye."))
    said = answers.Said("voice", address=_said("To")[:40])
    answered = answers.take(console().engine, token, said)
    return _twiml(voice.farewell(f"{answered.sentence} Goodbye."))


def _said(name: str) -> str:
    """A field of the call, as a database can hold it."""
    return plain(request.form.get(name, ""))


def _signed_by(number: int) -> CarrierSettings:
    """The carrier that signed this call to us; refuses every other."""
    known = console().settings.carriers
    if number >= len(known):
        abort(404)
    url = console().settings.web.public_url + request.full_path.rstrip("?")
    fields = list(request.form.items(multi=True))
    shown = request.headers.get("X-Twilio-Signature", "")
    if not carriers.is_signed(known[number], url, fields, shown):
        abort(403, UNSIGNED)
    return known[number]


def _twiml(script: str) -> Response:
    return Response(script, content_type="text/xml; charset=utf-8")
