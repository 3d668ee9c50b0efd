"""The site's web server: route, stops, signing in; plain http on the site's own network.

Few requests at a time, small bodies, short patience: a phone that hangs must not hold up the box.
A form that another site's page sends is refused (its Origin is not ours), and cookies are strict.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import logging
import socket
import sqlite3
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from agent.contract.entry import LARGEST_ENTRY, entry_body
from agent.contract.fieldform import desk as visits
from agent.contract.fieldform import frame, pages
from agent.contract.fieldform.desk import Visit
from agent.contract.fieldform.fields import Form, parse_form, reported
from agent.contract.fieldform.frame import Door
from agent.contract.fieldform.page import stop_page
from agent.contract.fieldform.pictures import LARGEST_BODY, with_files
from agent.contract.fieldwords import LANGUAGES, say
from agent.contract.stopsheet import Stop, StopSheet
from agent.contract.wire import dump
from agent.form import uploads
from agent.form.desk import FormDesk
from agent.form.people import Person, Refusal, SignIn

log = logging.getLogger(__name__)

COOKIE: Final = "wellflow"
TONGUE: Final = "wellflow_lang"
AT_ONCE: Final = 8
MOST_OPEN: Final = 32
PATIENCE_S: Final = 15
LARGEST_FORM: Final = 128 * 1024


@dataclass(frozen=True, slots=True)
class Site:
    """What the pages are made of."""

    desk: FormDesk
    people: SignIn
    since: Callable[[], str]  #: since when the hub is not heard, HH:MM; empty when it is
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: a page, a redirect, a word for the script."""

    status: HTTPStatus
    body: bytes = b""
    kind: str = "text/html; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """One request, as far as the pages look at it."""

    path: str
    language: str
    token: str = ""
    form: Form = field(default_factory=Form)
    script: bool = False  #: it wants JSON
    files: tuple[bytes, ...] = ()  #: photos that came with the form
    photo: bytes = b""  #: a photo that comes by itself


def page(text: str, status: HTTPStatus = HTTPStatus.OK) -> Answer:
    """A page."""
    return Answer(status, text.encode())


def away(to: str, *headers: tuple[str, str]) -> Answer:
    """On to another page."""
    return Answer(HTTPStatus.SEE_OTHER, headers=(("Location", to), *headers))


def told(status: HTTPStatus, **body: object) -> Answer:
    """A word for the script."""
    return Answer(status, json.dumps(body).encode(), "application/json")


class Pages:
    """The pages of the site."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def get(self, request: Request) -> Answer:
        """A page, or a static file."""
        name = request.path.removeprefix("/")
        if name in frame.FILES:
            forever = (("Cache-Control", "public, max-age=31536000, immutable"),)
            return Answer(HTTPStatus.OK, frame.static(name), frame.FILES[name], forever)
        person = self._site.people.who(request.token)
        if person is None:
            return self._sign_in(request)
        door, now = self._door(request, person), self._site.now()
        sheet = self._site.desk.sheet(now, person)
        if name == "order":
            return page(pages.order_page(door, sheet))
        if name == "":
            day = reported(sheet, now).isoformat()
            return page(pages.route_page(door, sheet, self._site.desk.done(day)))
        stop = _stop_of(sheet, name)
        if stop is None:
            return page(pages.message_page(door, door_says(door)), HTTPStatus.NOT_FOUND)
        before = self._site.desk.before(stop.stop, reported(sheet, now).isoformat(), person.id)
        visit = Visit(door, sheet, stop, person.id, now)
        return page(stop_page(visits.blank(visit, replaces=before)))

    def post(self, request: Request) -> Answer:
        """Signing in or out, or an entry."""
        if request.path == "/in":
            return self._enter(request)
        person = self._site.people.who(request.token)
        if person is not None and request.form.get("owner") in {"", str(person.id)}:
            return self._post(request, person)
        # Nobody's, or typed while another person was signed in on this phone.
        if request.script:
            return told(HTTPStatus.UNAUTHORIZED, state="signed out")
        return self._sign_in(request, HTTPStatus.UNAUTHORIZED)

    def _post(self, request: Request, person: Person) -> Answer:
        if request.path == "/out":
            self._site.people.leave(request.token)
            return away("/", ("Set-Cookie", _cookie("", 0)))
        return self._entered(request, person)

    def _entered(self, request: Request, person: Person) -> Answer:
        """Take an entry, or a photo of one."""
        if (place := uploads.place_of(request.path)) is not None:
            return self._photo(request, person, *place)
        now = self._site.now()
        sheet = self._site.desk.sheet(now, person)
        if request.path == "/order":
            form = request.form
            self._site.desk.routes.move(sheet, person, form.get("stop"), form.get("to"))
            return away("/order")
        stop, door = _stop_of(sheet, request.path.removeprefix("/")), self._door(request, person)
        if stop is None:
            return page(pages.message_page(door, door_says(door)), HTTPStatus.NOT_FOUND)
        return self._take(request, Visit(door, sheet, stop, person.id, now))

    def _photo(self, request: Request, person: Person, entry: uuid.UUID, sha256: str) -> Answer:
        """Take a photo of an entry that was saved here before."""
        desk = self._site.desk
        if desk.knows(entry) and not desk.made_by(entry, person.id):
            return told(HTTPStatus.UNAUTHORIZED, state="another person is signed in")
        if not uploads.is_that_picture(request.photo, sha256):
            why = say(request.language, "photo_unreadable")
            return told(HTTPStatus.UNPROCESSABLE_ENTITY, sha256=sha256, why=why)
        if not desk.knows(entry):
            return told(HTTPStatus.NOT_FOUND, sha256=sha256, state="its entry comes first")
        if not desk.photos.take(entry, request.photo):
            return told(HTTPStatus.INSUFFICIENT_STORAGE, sha256=sha256, state="no room")
        return told(HTTPStatus.OK, sha256=sha256, state="taken")

    def _take(self, request: Request, visit: Visit) -> Answer:
        known = _known(request, self._site.desk)
        files = request.files if self._site.desk.photos.has_room(request.files) else ()
        form = with_files(request.form, files)
        outcome = visits.Outcome() if known else visits.receive(visit, form)
        entry = outcome.entry
        faults = dict(outcome.faults)
        if entry is not None and len(dump(entry_body(entry))) > LARGEST_ENTRY:
            faults[""] = say(visit.door.language, "fault_lines", most="50")
        elif entry is not None:
            self._site.desk.save(entry)
            known = str(entry.id)
        if request.script:
            if known:
                return told(HTTPStatus.OK, id=known, state="taken")
            return told(HTTPStatus.UNPROCESSABLE_ENTITY, id=request.form.get("id"), faults=faults)
        if known:
            return self._saved(visit, uuid.UUID(known), files, all_kept=files == request.files)
        if set(faults) == {""} and files != request.files:  # nothing else was entered
            sentence = say(visit.door.language, "photo_no_room")
            return page(pages.message_page(visit.door, sentence), HTTPStatus.INSUFFICIENT_STORAGE)
        if outcome.view is None:
            return page(pages.message_page(visit.door, faults[""], "fault"), HTTPStatus.CONFLICT)
        marked = HTTPStatus.UNPROCESSABLE_ENTITY if faults else HTTPStatus.OK
        return page(stop_page(outcome.view), marked)

    def _saved(
        self, visit: Visit, entry: uuid.UUID, files: tuple[bytes, ...], *, all_kept: bool
    ) -> Answer:
        """On to the next stop; its photos, which came with the form, after the entry."""
        for content in files:
            all_kept = self._site.desk.photos.take(entry, content) and all_kept
        if all_kept:
            return away(_next(visit))
        sentence = say(visit.door.language, "photo_no_room_plain")
        return page(pages.message_page(visit.door, sentence))

    def _sign_in(self, request: Request, status: HTTPStatus = HTTPStatus.OK) -> Answer:
        door = Door("site", language=request.language)
        return page(pages.sign_in_page(door, self._site.people.names), status)

    def _enter(self, request: Request) -> Answer:
        who = request.form.get("person")
        outcome = self._site.people.enter(who, request.form.get("pin"))
        if isinstance(outcome, Refusal):
            door = Door("site", language=request.language)
            fault = say(request.language, outcome.key, **outcome.values)
            text = pages.sign_in_page(door, self._site.people.names, who, fault)
            return page(text, HTTPStatus.FORBIDDEN)
        return away("/", ("Set-Cookie", _cookie(outcome)))

    def _door(self, request: Request, person: Person) -> Door:
        desk = self._site.desk
        return Door(
            "site",
            language=request.language or person.language,
            person=person.name,
            waiting=desk.waiting,
            photos=desk.photos.waiting,
            since=self._site.since(),
            owner=str(person.id),
        )


def door_says(door: Door) -> str:
    """That there is no such stop here."""
    return say(door.language, "fault_unknown_stop")


def _known(request: Request, desk: FormDesk) -> str:
    """The id of an entry that was taken before: a second press, or a lost answer."""
    with contextlib.suppress(ValueError):
        entry = uuid.UUID(request.form.get("id"))
        return str(entry) if desk.knows(entry) else ""
    return ""


def _stop_of(sheet: StopSheet, path: str) -> Stop | None:
    with contextlib.suppress(ValueError):
        kind, _, key = path.partition("/")
        return sheet.find(uuid.UUID(key)) if kind == "stop" else None
    return None


def _next(visit: Visit) -> str:
    stops = [stop.stop for stop in visit.sheet.stops]
    place = stops.index(visit.stop.stop) + 1
    return f"/stop/{stops[place]}" if place < len(stops) else "/"


def _cookie(token: str, age: int | None = None) -> str:
    ends = "" if age is None else f"; Max-Age={age}"
    return f"{COOKIE}={token}; Path=/; HttpOnly; SameSite=Strict{ends}"


class Handler(BaseHTTPRequestHandler):
    """Reads requests and writes answers; the pages decide."""

    server_version, sys_version = "WellFlow", ""
    protocol_version = "HTTP/1.1"
    timeout = PATIENCE_S
    pages: Pages
    gate: threading.Semaphore
    wide: threading.Semaphore  #: large bodies are held one at a time

    def do_GET(self) -> None:
        """Answer a GET."""
        self._answer(lambda: self.pages.get(self._request()))

    def do_POST(self) -> None:
        """Answer a POST that comes from a page of ours."""
        origin = self.headers.get("Origin")
        if origin and urlsplit(origin).netloc != self.headers.get("Host"):
            return self._write(Answer(HTTPStatus.FORBIDDEN, b"another page's form", "text/plain"))
        length = self.headers.get("Content-Length", "")
        kind = self.headers.get("Content-Type", "")
        if not length.isdigit() or int(length) > uploads.largest(kind, LARGEST_FORM):
            return self._refuse(int(length) if length.isdigit() else 0, kind)
        if int(length) <= LARGEST_FORM:
            return self._post(self.rfile.read(int(length)))
        if not self.wide.acquire(timeout=PATIENCE_S):
            return self._refuse(int(length), kind, HTTPStatus.SERVICE_UNAVAILABLE, "photo_busy")
        try:
            return self._post(uploads.read_body(self.rfile, int(length)))
        finally:
            self.wide.release()

    def _post(self, body: bytes) -> None:
        self._answer(lambda: self.pages.post(self._request(body)))

    def _refuse(
        self,
        length: int,
        kind: str,
        status: HTTPStatus = HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        key: str = "photo_too_large",
    ) -> None:
        """Say why a body is not taken; that of photos is read all the same, or nobody hears it."""
        if kind.startswith(("multipart/", "image/")):
            uploads.drain(self.rfile, length)
        self.close_connection = True
        if not kind.startswith("multipart/"):
            return self._write(Answer(status, b"too much", "text/plain"))
        door = Door("site", language=self._request().language)
        size = f"{LARGEST_BODY // (1024 * 1024)} MB"
        return self._write(
            page(pages.message_page(door, say(door.language, key, size=size), "fault"), status)
        )

    def _answer(self, made: Callable[[], Answer]) -> None:
        with self.gate:
            try:
                answer = made()
            except sqlite3.Error as fault:
                log.error("an entry cannot be written to disk (%s); its sender is told", fault)
                answer = self._failed(b"The box cannot write to its disk: not saved. Try again.")
            except ValueError as fault:
                log.warning("a form that is none: %s", fault)
                answer = Answer(HTTPStatus.BAD_REQUEST, b"This is no form.", "text/plain")
        self._write(answer)

    def _failed(self, text: bytes) -> Answer:
        return Answer(HTTPStatus.SERVICE_UNAVAILABLE, text, "text/plain; charset=utf-8")

    def _request(self, body: bytes = b"") -> Request:
        address = urlsplit(self.path)
        kind = self.headers.get("Content-Type", "") if body else ""
        photo = body if kind.startswith("image/") else b""
        sent = uploads.Sent()
        if kind.startswith("multipart/"):
            sent = uploads.read_multipart(body, kind)
        elif body and not photo:
            sent = uploads.Sent(parse_form(body))
        form = sent.form
        cookies: SimpleCookie = SimpleCookie()
        with contextlib.suppress(CookieError):
            cookies.load(self.headers.get("Cookie", ""))
        said = (parse_qs(address.query).get("lang") or [form.get("lang")])[0]
        kept = cookies[TONGUE].value if TONGUE in cookies else ""
        wished = (self.headers.get("Accept-Language") or "en")[:2]
        found = [word for word in (said, kept, wished) if word in LANGUAGES]
        self._spoken = said if said in LANGUAGES and said != kept else ""
        token = cookies[COOKIE].value if COOKIE in cookies else ""
        script = "application/json" in (self.headers.get("Accept") or "")
        language = (found or ["en"])[0]
        return Request(address.path, language, token, form, script, sent.files, photo)

    def _write(self, answer: Answer) -> None:
        self.send_response(answer.status)
        body, headers = answer.body, [("Content-Type", answer.kind)]
        if len(body) > 1000 and "gzip" in (self.headers.get("Accept-Encoding") or ""):
            body = gzip.compress(body, 6)
            headers += [("Content-Encoding", "gzip"), ("Vary", "Accept-Encoding")]
        headers += [
            ("Content-Length", str(len(body))),
            ("Content-Security-Policy", frame.POLICY),
            ("X-Content-Type-Options", "nosniff"),
            ("Referrer-Policy", "same-origin"),
            *answer.headers,
        ]
        if all(name != "Cache-Control" for name, _ in answer.headers):
            headers.append(("Cache-Control", "no-store"))
        if spoken := getattr(self, "_spoken", ""):
            lasting = f"{TONGUE}={spoken}; Path=/; SameSite=Strict; Max-Age=31536000"
            headers.append(("Set-Cookie", lasting))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say what is asked only when everything is said."""
        log.debug("form: %s", format % args)


class Server(ThreadingHTTPServer):
    """Serves the pages from a thread of its own."""

    daemon_threads = True
    request_queue_size = 16

    def __init__(self, host: str, port: int, site: Site) -> None:
        """Take the port; raises OSError when it cannot be had."""
        gate, self._open = threading.Semaphore(AT_ONCE), threading.Semaphore(MOST_OPEN)
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        parts = {"pages": Pages(site), "gate": gate, "wide": threading.Semaphore(1)}
        super().__init__((host, port), type("Bound", (Handler,), parts))

    def begin(self, poll_s: float = 0.5) -> None:
        """Serve from a thread of its own, which looks every `poll_s` whether it is to end."""
        threading.Thread(
            target=self.serve_forever, args=(poll_s,), name="form", daemon=True
        ).start()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection in a thread of its own, or close it where too many are open."""
        if not self._open.acquire(blocking=False):
            return self.shutdown_request(request)
        return super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve a connection to its end."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._open.release()

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002
        """A phone that went away is no fault of ours."""
        log.debug("form: a connection of %s ended early", client_address, exc_info=True)
