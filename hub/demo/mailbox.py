"""The demo's mailbox page: the mail a manager would have received, newest first."""

from __future__ import annotations

import html
import json
import threading
from datetime import datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

from hub.demo.smtp import Letter, PostOffice

STYLE = """
:root { color-scheme: light dark; --ink: light-dark(#1f2933, #d9dee4);
  --soft: light-dark(#616e7c, #8d99a6); --page: light-dark(#eceef0, #14181c);
  --sheet: light-dark(#f8f9fa, #1c2127); --line: light-dark(#d3d8dd, #2c333b);
  --mark: light-dark(#1d5fa8, #7fb2e8); }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 46rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
h1 { font-size: 1.3rem; margin: 0 0 .25rem; }
p.note, time, .to { color: var(--soft); font-size: .875rem; }
ul { list-style: none; padding: 0; }
li a { display: block; padding: .75rem 1rem; margin: 0 0 .5rem; background: var(--sheet);
  border: 1px solid var(--line); border-radius: 6px; color: inherit; text-decoration: none; }
li a:hover, li a:focus-visible { border-color: var(--mark); outline: none; }
strong { display: block; overflow-wrap: anywhere; }
article { background: var(--sheet); border: 1px solid var(--line); border-radius: 6px;
  padding: 1rem 1.25rem; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; font: inherit; }
a.back { color: var(--mark); }
"""

POLICY = "default-src 'none'; style-src 'self'; form-action 'none'; frame-ancestors 'none'"


class _Page(BaseHTTPRequestHandler):
    """The pages: ``/`` the list, ``/letter/NAME`` one of them, ``/letters.json`` for programs."""

    server: _Server
    server_version = "WellFlowMailbox"

    def do_GET(self) -> None:
        """Answer one request."""
        letters = self.server.office.letters()
        path = unquote(self.path.partition("?")[0])
        if path == "/":
            self._send("text/html", _list_page(letters))
        elif path == "/style.css":
            self._send("text/css", STYLE)
        elif path == "/letters.json":
            self._send("application/json", json.dumps([_as_json(item) for item in letters]))
        elif found := [item for item in letters if path == f"/letter/{item.name}"]:
            self._send("text/html", _letter_page(found[0]))
        else:
            page = _frame("Not here", "<p>There is no such page. <a href='/'>All mail</a></p>")
            self._send("text/html", page, HTTPStatus.NOT_FOUND)

    def _send(self, kind: str, body: str, status: HTTPStatus = HTTPStatus.OK) -> None:
        content = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Content-Security-Policy", POLICY)
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Say nothing: the demo's screen is for people."""


def _frame(title: str, body: str, *, fresh_s: int = 0) -> str:
    fresh = f'<meta http-equiv="refresh" content="{fresh_s}">' if fresh_s else ""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">{fresh}'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="stylesheet" href="/style.css"><title>{html.escape(title)}</title></head>'
        f"<body><main>{body}</main></body></html>"
    )


def _list_page(letters: list[Letter]) -> str:
    rows = "".join(
        f'<li><a href="/letter/{item.name}"><time>{_clock(item)}</time> '
        f'<span class="to">to {_field(item, "To")}</span>'
        f"<strong>{html.escape(item.subject)}</strong></a></li>"
        for item in reversed(letters)
    )
    body = (
        f"<h1>Mailbox ({len(letters)})</h1>"
        '<p class="note">Every e-mail the hub has sent, newest first. Renewed every 5 s.</p>'
        f"{f'<ul>{rows}</ul>' if rows else '<p>Nothing yet.</p>'}"
    )
    return _frame(f"({len(letters)}) Mailbox", body, fresh_s=5)


def _letter_page(letter: Letter) -> str:
    return _frame(
        letter.subject or "Letter",
        '<p><a class="back" href="/">All mail</a></p><article>'
        f"<h1>{html.escape(letter.subject)}</h1>"
        f'<p class="to">{_clock(letter)} · from {_field(letter, "From")} '
        f"to {_field(letter, 'To')}</p><pre>{html.escape(letter.text)}</pre></article>",
    )


def _field(letter: Letter, name: str) -> str:
    return html.escape(str(letter.message[name] or "—"))


def _clock(letter: Letter) -> str:
    return datetime.fromtimestamp(letter.at).astimezone().strftime("%a %d %b %H:%M:%S")


def _as_json(letter: Letter) -> dict[str, object]:
    headers = {name: str(letter.message[name] or "") for name in ("To", "Message-ID")}
    return {
        "name": letter.name,
        "at": letter.at,
        "Subject": letter.subject,
        "text": letter.text,
        **headers,
    }


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port: int, office: PostOffice) -> None:
        super().__init__(("127.0.0.1", port), _Page)
        self.office = office


class Mailbox:
    """The page, served from a thread of its own."""

    def __init__(self, office: PostOffice, *, port: int = 0) -> None:
        self._server = _Server(port, office)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True
        )

    def start(self) -> None:
        """Begin to serve."""
        self._thread.start()

    def stop(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)
