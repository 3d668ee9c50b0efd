"""Pages that keep themselves up to date: the whole page, only its live part, or "nothing new".

The live part of a page asks for itself every few seconds and says which version it shows
(``HX-PTag``). When nothing that it shows has changed the answer is 304 and nothing is swapped.
Ages ("8 s ago") do not count as a change: the browser counts them on.
"""

from __future__ import annotations

import hashlib

from flask import Response, make_response, render_template, request

from hub.console.context import visitor
from hub.console.counts import counts
from hub.console.gate import POLL


def show(template: str, state: object, **context: object) -> Response:
    """Answer with what the browser needs; `state` is everything the live part depends on."""
    mark = _mark(template, state, counts(), visitor(), request.full_path)
    if request.headers.get(POLL) == mark:
        return Response(status=304, headers={POLL: mark})
    layout = "part.html" if "HX-Request" in request.headers else "page.html"
    page = render_template(template, layout=layout, mark=mark, counts=counts(), **context)
    response = make_response(page)
    response.headers[POLL] = mark
    return response


def _mark(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:20]


def still(template: str, status: int = 200, **context: object) -> Response:
    """Answer with a page that stands still: a form a person fills in."""
    page = render_template(template, layout="page.html", counts=counts(), **context)
    return make_response(page, status)
