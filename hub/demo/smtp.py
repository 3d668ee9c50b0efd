"""An SMTP server that keeps every message in a folder: post office of the demo and the tests."""

from __future__ import annotations

import email
import email.policy
import socketserver
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

MAX_BYTES = 10 * 1024 * 1024
LINE = 4096


#: Sees a message's recipients; may answer with an SMTP refusal: code and text.
Judge = Callable[[list[str]], tuple[int, str] | None]


def _welcome(_recipients: list[str]) -> None:
    """Refuse nobody."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One received message: the file's name, when it came (seconds since 1970), its content."""

    name: str
    at: float
    message: EmailMessage

    @property
    def subject(self) -> str:
        """Its subject on one line."""
        return " ".join(str(self.message["Subject"] or "").split())

    @property
    def text(self) -> str:
        """Its plain text."""
        part = self.message.get_body(("plain", "html"))
        return str(part.get_content()) if part else ""


class _Conversation(socketserver.StreamRequestHandler):
    """One client: the commands of RFC 5321 that a sender needs."""

    timeout = 60
    server: _Server

    def handle(self) -> None:
        """Speak until the client leaves."""
        self.recipients: list[str] = []
        self._say(220, "wellflow mailbox")
        while line := self.rfile.readline(LINE):
            verb, _, argument = line.decode("utf-8", "replace").strip().partition(" ")
            if verb.upper() == "QUIT":
                self._say(221, "bye")
                return
            self._answer(verb.upper(), argument)

    def _answer(self, verb: str, argument: str) -> None:
        if verb in {"EHLO", "HELO", "NOOP", "RSET", "MAIL"}:
            if verb != "NOOP":
                self.recipients = []
            self._say(250, "ok")
        elif verb == "RCPT":
            self.recipients.append(argument.partition("<")[2].partition(">")[0])
            self._say(250, "ok")
        elif verb == "DATA" and self.recipients:
            self._say(354, "go on, end with a dot")
            self._take()
        else:
            self._say(503 if verb == "DATA" else 502, "not here")

    def _take(self) -> None:
        lines: list[bytes] = []
        size = 0
        while (line := self.rfile.readline(MAX_BYTES)) not in {b".\r\n", b".\n", b""}:
            size += len(line)
            if size <= MAX_BYTES:
                lines.append(line.removeprefix(b"."))
        if size > MAX_BYTES:
            self._say(552, "too large")
            return
        refusal = self.server.judge(self.recipients)
        if refusal:
            self._say(*refusal)
            return
        self.server.keep(b"".join(lines))
        self._say(250, "kept")

    def _say(self, code: int, text: str) -> None:
        self.wfile.write(f"{code} {text}\r\n".encode())


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, port: int, keep: Callable[[bytes], None], judge: Judge) -> None:
        super().__init__(("127.0.0.1", port), _Conversation)
        self.keep = keep
        self.judge = judge


class PostOffice:
    """Receives mail on loopback and keeps it as files; `port` 0 takes any free one.

    With a `judge` it can play a server that is busy or says no.
    """

    def __init__(
        self,
        folder: Path,
        *,
        port: int = 0,
        judge: Judge = _welcome,
    ) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._server = _Server(port, self._keep, judge)
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True
        )

    def start(self) -> None:
        """Begin to receive."""
        self._thread.start()

    def stop(self) -> None:
        """Stop receiving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    def _keep(self, content: bytes) -> None:
        with self._lock:
            now = time.time()
            path = self.folder / f"{now:.6f}.eml"
            part = path.with_suffix(".part")
            part.write_bytes(content)
            part.rename(path)  # a reader never sees half a letter

    def letters(self) -> list[Letter]:
        """Every kept message, oldest first."""
        return [_read(path) for path in sorted(self.folder.glob("*.eml"))]


def _read(path: Path) -> Letter:
    content = path.read_bytes()
    message = email.message_from_bytes(content, _class=EmailMessage, policy=email.policy.default)
    return Letter(path.stem, float(path.stem), message)
