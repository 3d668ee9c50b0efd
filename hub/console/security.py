"""What protects a signed-in browser: headers on every answer, and the door for changes.

**Content security policy.** Nothing loads but what this server serves; no inline script or style,
no plug-in, no frame around us, no form that posts elsewhere. The pages carry no ``style=`` and no
``on…=`` attributes, so no nonce is needed.

**Cross-site requests.** The cookie is SameSite=Lax, which already keeps it off forms that other
sites post. A change (anything but GET and HEAD) must also say where it comes from, and it must be
from here:

1. ``Sec-Fetch-Site``, which pages cannot forge: ``same-origin`` passes, ``none`` (typed by the
   person) passes, everything else is refused. Browsers send it over https and to localhost.
2. Otherwise ``Origin``: it must be our own address. This is what protects plain http on a local
   network, where browsers leave the first header out.
3. A request with neither is refused: every browser of the last five years sends one of the two.
   A program that posts forms sends ``Origin`` itself.

So there are no tokens in forms: none to leak, to expire under an open page, or to forget.

A program at /api that shows a key is asked for none of this: no browser sends that header for a
page of another site, so such a request is the program's own. Nor is a carrier at /in/carrier: each
of its calls is signed, and looked at no further when it is not.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, Request, Response, abort, request

DIRECTIVES = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "font-src 'self'",
    "manifest-src 'self'",
    "worker-src 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
)
CONTENT_SECURITY_POLICY = "; ".join(DIRECTIVES)

HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
ONE_YEAR = "max-age=31536000"
SAFE_METHODS = frozenset({"GET", "HEAD"})
MAX_FORM = 256 * 1024


def origin_of(url: str) -> str:
    """Scheme, host and port of an address, as browsers write them in ``Origin``."""
    parts = urlsplit(url)
    default = {"http": 80, "https": 443}.get(parts.scheme)
    port = "" if parts.port in (None, default) else f":{parts.port}"
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}{port}"


def comes_from_here(incoming: Request, public_url: str) -> bool:
    """Whether a request that changes something was made by one of our own pages."""
    site = incoming.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in {"same-origin", "none"}
    origin = incoming.headers.get("Origin")
    return origin in {origin_of(public_url), origin_of(incoming.host_url)}


def shows_a_key(incoming: Request) -> bool:
    """Whether a request is a program's, which no page of another site can make."""
    return incoming.path.startswith("/api/") and "Authorization" in incoming.headers


def is_carriers(incoming: Request) -> bool:
    """Whether a request comes in where carriers call, whose signature is checked there."""
    return incoming.path.startswith("/in/carrier/")


def protect(app: Flask, public_url: str) -> None:
    """Guard every request of the application and dress every answer."""
    https = public_url.startswith("https://")
    app.config["MAX_CONTENT_LENGTH"] = MAX_FORM
    app.config["MAX_FORM_MEMORY_SIZE"] = MAX_FORM

    @app.before_request
    def refuse_foreign_changes() -> None:
        changing = request.method not in SAFE_METHODS
        changing = changing and not shows_a_key(request) and not is_carriers(request)
        if changing and not comes_from_here(request, public_url):
            abort(403, "This form was not sent from this site's own page; open the page and retry.")

    @app.after_request
    def dress(response: Response) -> Response:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if https:
            response.headers.setdefault("Strict-Transport-Security", ONE_YEAR)
        response.headers.setdefault("Cache-Control", "no-store")
        return response
