"""Photos of the pumper's form: a phone sends each after its entry; a form may bring some.

What is answered tells the phone what to do: 200 forget it, 404 its entry comes first, 422 never
send it again and show why; after anything else it is sent again.
"""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Sequence
from typing import Any, Final

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from agent.contract.fieldform.fields import Form, parse_form
from agent.contract.fieldform.pictures import FILES, LARGEST_BODY, with_files
from agent.contract.fieldwords import LANGUAGES, say
from agent.contract.photos import LARGEST_PHOTO, digest
from hub.console.context import console, records, visitor
from hub.console.gate import needs
from hub.errors import HubError
from hub.permissions import Action
from hub.production import photos

pages = Blueprint("field_photos", __name__, url_prefix="/field/photo")

LOG = logging.getLogger(__name__)
OWNER: Final = "X-WellFlow-Owner"
TONGUE: Final = "wellflow_lang"


def owner() -> str:
    """Whose entries a phone keeps apart: this person at this operator."""
    return f"{visitor().user_id}.{visitor().organization_id}"


@pages.post("/<uuid:entry_id>/<sha256>")
@needs(Action.ENTER)
def receive(entry_id: uuid.UUID, sha256: str) -> ResponseReturnValue:
    """Take one photo of an entry that is here."""
    request.max_content_length = LARGEST_PHOTO
    if request.headers.get(OWNER, owner()) != owner():
        return _told(401, state="another person is signed in")
    content, settings = request.get_data(cache=False), console().settings.documents
    try:
        with records() as session:
            photos.receive(session, settings, entry_id, sha256, content)
    except photos.PhotoEarlyError as fault:
        return _told(404, why=str(fault))
    except photos.PhotoBrokenError as fault:
        return _told(409, why=str(fault))
    except photos.PhotoRefusedError as fault:
        return _told(422, sha256=sha256, why=say(_language(), fault.key))
    except HubError as fault:
        LOG.exception("a photo could not be kept; it is sent again")
        return _told(503, why=str(fault))
    return _told(200, sha256=sha256, state="taken")


def _language() -> str:
    """The one the form was last read in, else the phone's own."""
    chosen = request.cookies.get(TONGUE, "")
    return chosen if chosen in LANGUAGES else request.accept_languages.best_match(LANGUAGES, "en")


def _told(status: int, **body: Any) -> Response:
    return Response(json.dumps(body), status, mimetype="application/json")


def sent() -> tuple[Form, Sequence[bytes]]:
    """A form as a browser sends it, and the photos that came with it; raises ValueError."""
    if request.mimetype != "multipart/form-data":
        return parse_form(request.get_data()), ()
    request.max_content_length = LARGEST_BODY
    files = [file.read() for file in request.files.getlist(FILES) if file.filename]
    form = Form(dict(request.form.lists()))
    return with_files(form, files), files


def keep(session: Session, entry_id: uuid.UUID, files: Sequence[bytes]) -> str:
    """Keep what came with an entry's form; gives why one is not taken, empty where all are."""
    why = ""
    for content in files:
        try:
            with session.begin_nested():
                settings = console().settings.documents
                photos.receive(session, settings, entry_id, digest(content), content)
        except photos.PhotoRefusedError as fault:
            why = say(_language(), fault.key)
        except HubError as fault:
            why = str(fault)
    return why
