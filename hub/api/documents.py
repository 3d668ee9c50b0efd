"""The content of documents: sent up as a file's bytes, fetched as a file to save."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, Final, cast

from flask import Blueprint, Response, request

from hub import documents
from hub.api import bodies, problems, strict
from hub.api.answers import Answer
from hub.api.arguments import Arguments
from hub.api.common import ETAG, LOCATION, answer, header, refusals
from hub.api.parts import api, caller, records
from hub.api.problems import Problem, refuse
from hub.api.represent import represent, tag_of
from hub.api.schemas import component, ref
from hub.register import rows
from hub.register.catalog import resource
from hub.register.errors import ValueRefused
from hub.register.values import parse

TABLE: Final = "documents"
#: What may be said of a document beside its bytes.
SAID: Final = ("title", "kind", "note", "expires_on", "retention_until")
BYTES: Final = "application/octet-stream"
LONGEST: Final = 200


def serve(blueprint: Blueprint) -> None:
    """Add the addresses of content."""
    blueprint.add_url_rule(f"/{TABLE}/content", view_func=add, methods=["POST"])
    one = f"/{TABLE}/<key:key>/content"
    blueprint.add_url_rule(one, view_func=replace, methods=["POST"])
    blueprint.add_url_rule(one, view_func=fetch, methods=["GET"])


def add() -> Response:
    """Keep a file as a new document."""
    return _put(None)


def replace(key: str) -> Response:
    """Keep a file as the next version of a document."""
    return _put(_identity(key))


def fetch(key: str) -> Response:
    """A document's bytes."""
    caller().must("see", TABLE)
    Arguments(request.args, ())
    with refusing(), records() as session:
        row, stream = documents.open_document(
            session, caller().actor, api().settings.documents, _identity(key)
        )
        named = documents.headers(row)
    return Response(_pieces(stream), headers=named, direct_passthrough=True)


def _put(supersedes: uuid.UUID | None) -> Response:
    caller().must("add", TABLE)
    given = Arguments(request.args, (*SAID, "file_name"))
    settings = api().settings.documents
    request.max_content_length = settings.max_bytes
    details = _details(given)
    with refusing(), records() as session:
        stream = cast(BinaryIO, request.stream)
        made = documents.add_document(
            session, caller().actor, settings, stream, details, supersedes
        )
        row = rows.get(session, resource(TABLE), made.id)
    place = f"{request.path.rpartition(f'/{TABLE}/')[0]}/{TABLE}/{row['id']}"
    tag = f'"{tag_of(resource(TABLE), row)}"'
    body = bodies.write(represent(resource(TABLE), row))
    return Answer(201, body, {"Location": place, "ETag": tag}).response()


def _details(given: Arguments) -> documents.Details:
    """What the parameters say, read by the rules of the table's fields."""
    values: dict[str, Any] = {}
    faults: dict[str, str] = {}
    for name in SAID:
        raw = given.one(name)
        if raw is None:
            continue
        field = resource(TABLE).fields[name]
        if sentence := strict.text_fault(field, raw):
            faults[name] = sentence
            continue
        try:
            values[name] = parse(field, raw)
        except ValueRefused as fault:
            faults[name] = str(fault)
    file_name = given.one("file_name") or ""
    if len(file_name) > LONGEST:
        faults["file_name"] = f"file_name takes at most {LONGEST} characters."
    if faults:
        refuse(faults)
    return documents.Details(file_name=file_name, **values)


def _identity(key: str) -> uuid.UUID:
    try:
        return uuid.UUID(key)
    except ValueError:
        raise Problem(problems.MISSING) from None


def _pieces(stream: BinaryIO) -> Iterator[bytes]:
    with stream:
        while piece := stream.read(1 << 16):
            yield piece


@contextmanager
def refusing() -> Iterator[None]:
    """Tell what the documents' room refuses as problems."""
    try:
        yield
    except documents.UnwelcomeError as fault:
        raise Problem(problems.MEDIA, str(fault)) from fault
    except documents.TooLargeError as fault:
        raise Problem(problems.TOO_LARGE, str(fault)) from fault
    except (documents.NoDocumentError, documents.MissingContentError) as fault:
        raise Problem(problems.MISSING, str(fault)) from fault
    except documents.NotYoursError as fault:
        raise Problem(problems.FORBIDDEN, str(fault)) from fault
    except documents.OldVersionError as fault:
        raise Problem(problems.CONFLICT, str(fault)) from fault
    except documents.StoreError as fault:
        raise Problem(problems.AWAY, str(fault), headers={"Retry-After": "30"}) from fault


def paths() -> dict[str, Any]:
    """These addresses as the document of the API tells them."""
    said = [_parameter(name) for name in SAID]
    said.append(_text_parameter("file_name", "Name of the file; it ends as its content does."))
    row = ref(component(TABLE))
    made = answer("The document's row.", row, Location=LOCATION, ETag=ETAG)
    body = {
        "required": True,
        "content": {BYTES: {"schema": {"type": "string", "format": "binary"}}},
    }
    send: dict[str, Any] = {
        "tags": [resource(TABLE).group],
        "parameters": said,
        "requestBody": body,
        "responses": {"201": made} | refusals(400, 404, 409, 413, 415, 422),
    }
    add_it = {"operationId": "add_document_content", "summary": "Keep a file as a new document"}
    next_one = {
        "operationId": "replace_document_content",
        "summary": "Keep a file as the next version of a document",
    }
    get = {
        "operationId": "fetch_document_content",
        "summary": "The bytes of a document, as a file to save",
        "tags": [resource(TABLE).group],
        "responses": {"200": _file()} | refusals(404, 422),
    }
    return {
        f"/{TABLE}/content": {"post": add_it | send},
        f"/{TABLE}/{{id}}/content": {
            "parameters": [_id()],
            "post": next_one | send,
            "get": get,
        },
    }


def _file() -> dict[str, Any]:
    return {
        "description": "The file.",
        "headers": {"Content-Disposition": header("attachment, with the file's name.")},
        "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}},
    }


def _id() -> dict[str, Any]:
    schema = {"type": "string", "format": "uuid"}
    told = {"name": "id", "in": "path", "required": True, "schema": schema}
    return told | {"description": "Id of the document."}


def _parameter(name: str) -> dict[str, Any]:
    field = resource(TABLE).fields[name]
    told = _text_parameter(name, field.help)
    if field.choices:
        told["schema"] = {"type": "string", "enum": list(field.choices)}
    elif field.kind == "date":
        told["schema"] = {"type": "string", "format": "date"}
    return told


def _text_parameter(name: str, described: str) -> dict[str, Any]:
    schema = {"type": "string", "maxLength": LONGEST}
    return {"name": name, "in": "query", "description": described, "schema": schema}
