"""Static files under an address that holds a hash of all of them: kept by browsers for ever."""

from __future__ import annotations

import hashlib
from pathlib import Path

from flask import Blueprint, Response, abort, send_from_directory

FOLDER = Path(__file__).parent / "static"
FOR_EVER = "public, max-age=31536000, immutable"


class Assets:
    """The static folder, and the hash of everything in it."""

    def __init__(self, folder: Path = FOLDER) -> None:
        digest = hashlib.sha256()
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                digest.update(path.relative_to(folder).as_posix().encode())
                digest.update(path.read_bytes())
        self.folder = folder
        self.digest = digest.hexdigest()[:16]

    def url(self, name: str) -> str:
        """Address of a file; changes whenever any of the files does."""
        return f"/static/{self.digest}/{name}"


def worker(name: str) -> Response:
    """A script that a browser keeps and runs by itself; it looks for a newer one by itself too."""
    response = send_from_directory(FOLDER, name, mimetype="text/javascript")
    response.headers["Cache-Control"] = "no-cache"
    return response


def serve(assets: Assets) -> Blueprint:
    """Make the room that serves them; an outdated hash is gone, never another file's content."""
    room = Blueprint("static", __name__)

    @room.get("/static/<digest>/<path:name>")
    def file(digest: str, name: str) -> Response:
        if digest != assets.digest:
            abort(404)
        response = send_from_directory(assets.folder, name)
        response.headers["Cache-Control"] = FOR_EVER
        return response

    return room
