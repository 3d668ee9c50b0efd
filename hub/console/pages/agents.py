"""Agents: heard, complete through, backlog; and each agent's tags, linked to wells by a person."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from hub.console import agent_state, links
from hub.console.context import console, now, records, visitor
from hub.console.forms import Form
from hub.console.gate import needs
from hub.console.gauges import gauges
from hub.console.live import show, still
from hub.console.pages.fleet import forget_fleet
from hub.permissions import Action
from hub.schema import Agent, Organization, Tag

pages = Blueprint("agents", __name__, url_prefix="/agents")


@pages.get("")
@needs(Action.SEE)
def index() -> ResponseReturnValue:
    """All agents of the operator."""
    with records() as session:
        rows = agent_state.agent_rows(session, now())
        slug = session.get_one(Organization, visitor().organization_id).slug
    standing = [row for row in rows if row.revoked_at is None]
    return show(
        "agents.html",
        rows,
        agents=rows,
        heard=sum(not row.silent for row in standing),
        standing=len(standing),
        slug=slug,
    )


@pages.get("/<uuid:agent_id>")
@needs(Action.SEE)
def page(agent_id: uuid.UUID) -> ResponseReturnValue:
    """One agent: its health, its gaps, its tags."""
    with records() as session:
        found = agent_state.agent_rows(session, now(), Agent.id == agent_id)
        if not found:
            abort(404)
        events = agent_state.happenings(session, agent_id)
        epochs = agent_state.epochs(session, agent_id)
        on_site = agent_state.on_site(session, agent_id)
        tags = tag_table(session, agent_id)
    return show(
        "agent.html",
        (found[0], events, epochs, on_site),
        agent=found[0],
        events=events,
        epochs=epochs,
        on_site=on_site,
        form=None,
        **tags,
    )


def tag_table(session: Session, agent_id: uuid.UUID) -> dict[str, Any]:
    """What the table of tags shows and offers."""
    known = links.targets(session)
    listed = sorted(gauges(session, Tag.agent_id == agent_id), key=lambda g: (g.device, g.name))
    return {
        "tags": listed,
        "targets": known,
        "places": {gauge.tag_id: links.title_of(gauge, known) for gauge in listed},
        "measures": {gauge.tag_id: links.measure_title(gauge) for gauge in listed},
        "linked": agent_state.linked_by(session, [gauge.tag_id for gauge in listed]),
    }


@pages.post("/<uuid:agent_id>/tags")
@needs(Action.LINK_TAGS)
def link(agent_id: uuid.UUID) -> ResponseReturnValue:
    """Link the agent's tags as the table says; nothing is written while a row has a fault."""
    form = Form(request.form)
    with records() as session:
        found = agent_state.agent_rows(session, now(), Agent.id == agent_id)
        if not found:
            abort(404)
        table = tag_table(session, agent_id)
        changed = links.read_links(form, table["tags"], table["targets"])
        if form.faults:
            return still("agent_links.html", 422, agent=found[0], form=form, **table)
        links.write_links(session, changed, visitor().user_id, now())
    forget_fleet()
    console().cache.drop((visitor().organization_id, "bands"))
    flash(f"Saved {len(changed)} of {len(table['tags'])} tags." if changed else "Nothing changed.")
    return redirect(url_for("agents.page", agent_id=agent_id), 303)
