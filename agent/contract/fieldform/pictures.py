"""Photos in the form: where they are taken, and what is told of them with the entry.

With the script a photo is made small on the phone and follows by itself; what is told of it comes
in fields named ``photo``, one JSON object each. Without, the browser sends the files with the form.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING, Any, Final

from agent.contract.fieldform import frame
from agent.contract.fieldform.frame import Door
from agent.contract.photos import LARGEST_PHOTO, digest, media_of

if TYPE_CHECKING:
    from agent.contract.fieldform.fields import Form

FILES: Final = "photos"  #: the field in which a browser without script sends the files
TOLD: Final = "photo"  #: the field in which the script tells of one
LARGEST_BODY: Final = LARGEST_PHOTO + 256 * 1024  #: bytes of a form with its photos
_KEYS: Final = ("sha256", "name", "bytes", "media", "taken", "caption", "lat", "lon")


def with_files(form: Form, files: Sequence[bytes]) -> Form:
    """The form with what is to be told of the files that came with it."""
    told = [*form.all(TOLD), *(json.dumps(_about(content)) for content in files)]
    return replace(form, fields={**form.fields, TOLD: told}) if told else form


def _about(content: bytes) -> dict[str, Any]:
    """A photo as an entry names it; nothing of what is no picture, so that its field is marked."""
    media = media_of(content)
    if media is None:
        return {}
    return {"sha256": digest(content), "bytes": len(content), "media": media}


def photo_lines(told_of: Sequence[str]) -> Iterator[tuple[dict[str, Any], dict[str, str]]]:
    """The lines of an entry that name its photos, each with the field a fault of it stands at."""
    for text in told_of:
        try:
            told = json.loads(text)
        except (ValueError, RecursionError):
            told = {}
        known = told if isinstance(told, dict) else {}
        values = {key: known[key] for key in _KEYS if key in known}
        yield values, dict.fromkeys((*_KEYS, ""), FILES)


def photo_fields(door: Door, form: str, fault: str = "") -> str:
    """Where photos are added to a form: one big button; the script shows them below it."""
    name = FILES if form == "entry" else f"{form}_{FILES}"
    size = f"{LARGEST_PHOTO // (1024 * 1024)} MB"
    given: dict[str, object] = {"type": "file", "id": name, "name": FILES, "accept": "image/*"}
    given |= {"capture": "environment", "multiple": True, "data-form": form}
    hint = f"<small>{door.say('photo_hint_plain', size=size)}</small>"
    small = f"<small hidden>{door.say('photo_hint')}</small>"
    kind, said = ("fault", escape(fault)) if fault else ("ask", "")
    return (
        f'<div class="photos"><div class="row wide"><label class="shoot" for="{name}">'
        f"<span>{door.say('photo_take')}</span>{hint}{small}</label>"
        f'<input{frame.attributes(given)}><p class="{kind}" id="{name}-says" role="status">{said}'
        '</p></div><ul class="pictures"></ul></div>'
    )
