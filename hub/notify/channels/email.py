"""E-mail over SMTP, with the certificate verified; messages about one alert make one thread."""

from __future__ import annotations

import html
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from typing import Final

from hub.notify import messages
from hub.notify.channels import Parcel, Taken, TransportError
from hub.settings import HubSettings, MailSettings

TIMEOUT_S: Final = 20.0


def send(parcel: Parcel, settings: HubSettings) -> Taken:
    """Hand one message to the mail server.

    Permanent is only what concerns the recipient: a refused address or a refused message. A server
    that is away, busy, or does not like our own account is tried again.
    """
    letter = write(parcel, settings.mail)
    try:
        with _connected(settings.mail) as server:
            server.send_message(letter)
    except smtplib.SMTPRecipientsRefused as fault:
        code, answer = next(iter(fault.recipients.values()))
        raise _refused(f"refuses {parcel.address}", code, answer) from fault
    except smtplib.SMTPDataError as fault:
        raise _refused("refuses the message", fault.smtp_code, fault.smtp_error) from fault
    except smtplib.SMTPResponseException as fault:
        raise TransportError(
            f"mail server answers {fault.smtp_code} {_words(fault.smtp_error)}",
            error=str(fault.smtp_code),
            at_provider=True,
        ) from fault
    except (smtplib.SMTPException, OSError) as fault:
        where = f"{settings.mail.host}:{settings.mail.port}"
        raise TransportError(
            f"mail server {where}: {str(fault) or repr(fault)}",
            error="timeout" if isinstance(fault, TimeoutError) else "unreachable",
            at_provider=True,
        ) from fault
    return Taken(letter["Message-ID"], "taken by the mail server")


def write(parcel: Parcel, mail: MailSettings) -> EmailMessage:
    """Compose the letter; its Message-ID is the same at every attempt."""
    domain = parseaddr(mail.sender)[1].rpartition("@")[2] or "localhost"
    thread = f"<alert-{parcel.alert_id}@{domain}>"
    letter = EmailMessage()
    try:
        letter["From"] = mail.sender
        letter["To"] = Address(addr_spec=parcel.address)
        letter["Subject"] = parcel.subject
    except (ValueError, IndexError) as fault:
        raise TransportError(f"{parcel.address!r} cannot be written to", permanent=True) from fault
    letter["Date"] = format_datetime(datetime.now(UTC))
    letter["Message-ID"] = f"<{parcel.idempotency_key}@{domain}>"
    if parcel.alert_id is not None:
        letter["In-Reply-To"] = thread
        letter["References"] = thread
    letter["Auto-Submitted"] = "auto-generated"
    letter["X-Auto-Response-Suppress"] = "All"
    if parcel.kind in {"raised", "level"} and parcel.body.get("priority") == 1:
        letter["Importance"] = "high"
    body = dict(parcel.body)
    letter.set_content(messages.plain_text(body, parcel.link, parcel.answer))
    letter.add_alternative(_page(body, parcel.link, parcel.answer), subtype="html")
    return letter


@contextmanager
def _connected(mail: MailSettings) -> Iterator[smtplib.SMTP]:
    context = ssl.create_default_context()
    if mail.security == "tls":
        server: smtplib.SMTP = smtplib.SMTP_SSL(
            mail.host, mail.port, timeout=TIMEOUT_S, context=context
        )
    else:
        server = smtplib.SMTP(mail.host, mail.port, timeout=TIMEOUT_S)
    with server:
        if mail.security == "starttls":
            server.starttls(context=context)
        if mail.username:
            server.login(mail.username, mail.password or "")
        yield server


def _refused(what: str, code: int, answer: bytes | str) -> TransportError:
    return TransportError(
        f"mail server {what}: {code} {_words(answer)}",
        permanent=500 <= code < 600,
        error=str(code),
    )


def _words(answer: bytes | str) -> str:
    text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
    return " ".join(text.split())[:300]


def _page(body: dict[str, object], link: str, answer: str | None) -> str:
    """The same as a simple page, for mail programs that prefer one."""
    table = "".join(
        f'<tr><td style="padding:2px 16px 2px 0;color:#616e7c">{html.escape(name)}</td>'
        f"<td>{html.escape(value)}</td></tr>"
        for name, value in messages.rows(body)
    )
    words = "".join(f"<p>{html.escape(said)}</p>" for said in messages.paragraphs(body))
    advice = "".join(
        f"<p><strong>{html.escape(name)}</strong><br>{html.escape(text)}</p>"
        for name, text in messages.advice(body)
    )
    return (
        '<!doctype html><html><body style="font:16px/1.5 system-ui,sans-serif;color:#1f2933">'
        f"<p><strong>{html.escape(messages.headline(body))}</strong></p>"
        f"<table>{table}</table>{words}{advice}"
        + "".join(_invited(said, where) for said, where in messages.ways(body, link, answer))
        + f'<p style="color:#616e7c">{html.escape(str(body["organization"]))}, WellFlow</p>'
        "</body></html>"
    )


def _invited(said: str, where: str) -> str:
    return (
        f'<p>{html.escape(said)}<br><a href="{html.escape(where, quote=True)}">'
        f"{html.escape(where)}</a></p>"
    )
