"""Who gets in: an API key in the Authorization header, else the console's own session."""

from __future__ import annotations

from flask import Blueprint, g, request

from hub import keys
from hub.api.caller import Caller
from hub.api.limits import STRANGER
from hub.api.parts import api
from hub.api.problems import UNKNOWN_CALLER, Problem
from hub.database import Actor

DOOR = "api"
LONGEST_KEY = 200


def guard(blueprint: Blueprint) -> None:
    """Let nobody unknown, and nobody too often, to any endpoint but those that are open."""

    @blueprint.before_request
    def identify() -> None:
        view = request.endpoint or ""
        if view.rpartition(".")[2] in OPEN:
            return
        g.caller = _caller()
        api().rate.spend(api().cache, g.caller.identity)


#: Endpoints that tell nothing of anybody.
OPEN = frozenset({"openapi"})


def _caller() -> Caller:
    header = request.headers.get("Authorization")
    if header is not None:
        return _by_key(header)
    signed_in = api().visitor()
    if signed_in is None:
        raise Problem(UNKNOWN_CALLER)
    actor = Actor(
        signed_in.user_id, signed_in.membership_id, signed_in.role, DOOR, request.remote_addr or ""
    )
    return Caller(signed_in.organization_id, actor, f"user:{signed_in.user_id}")


def _by_key(header: str) -> Caller:
    """The holder of a key; each one that nobody has counts against the address it came from."""
    scheme, _, presented = header.partition(" ")
    holder = None
    if scheme.lower() == "bearer" and len(presented) <= LONGEST_KEY:
        holder = keys.verify(api().engine, presented.strip())
    if holder is None:
        STRANGER.spend(api().cache, "strangers", request.remote_addr or "")
        raise Problem(UNKNOWN_CALLER, "This is no valid API key: it may have ended or expired.")
    actor = holder.actor(request.remote_addr or "")
    return Caller(holder.organization_id, actor, f"key:{holder.key_id}", holder)
