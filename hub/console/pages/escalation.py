"""Policies: whom to tell in which order; the messages that would follow are shown beforehand."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.console import policy_scope
from hub.console.context import now, records, visitor
from hub.console.forms import Form
from hub.console.gate import needs
from hub.console.live import still
from hub.console.oncall_form import DAYS, known, window_of, window_values
from hub.console.words import SEVERITIES
from hub.notify import coverage, keeping
from hub.notify.keeping import Scope
from hub.notify.people import Crew, crew
from hub.notify.policies import BUILT_IN, Policy, Step, Target
from hub.notify.runs import Chosen
from hub.permissions import Action
from hub.schema import EscalationPolicy
from hub.schema.oncall import CHANNEL_CLASSES

pages = Blueprint("escalation", __name__, url_prefix="/escalation")

STEPS = 6
PRIORITIES = ("1", "2", "3", "4")
CLASSES = (
    ("own", "as they prefer"),
    ("push", "push"),
    ("sms", "SMS"),
    ("voice", "call"),
    ("email", "e-mail"),
    ("all", "all they have"),
)


@pages.get("")
@needs(Action.SEE_CHANNELS)
def index() -> ResponseReturnValue:
    """Every policy in use, with the messages an alert would send now."""
    with records() as session:
        found = crew(session, visitor().organization_id)
        rows = session.scalars(
            select(EscalationPolicy)
            .where(EscalationPolicy.ended_at.is_(None))
            .order_by(EscalationPolicy.name)
        ).all()
        listed = [_shown(session, found, row) for row in rows]
        built_in = [
            (priority, _coming(session, found, Chosen(BUILT_IN, None, None), priority))
            for priority in (1, 2, 3)
        ]
    return still("policies.html", policies=listed, built_in=built_in, zone=found.zone)


def _shown(session: Session, found: Crew, row: EscalationPolicy) -> dict[str, Any]:
    policy, _ = keeping.load_policy(session, row.id)
    chosen = Chosen(policy, row.id, keeping.well_of(session, row))
    priority = min(row.priorities)
    told = _coming(session, found, chosen, priority)
    word = policy_scope.word_of(row)
    place = dict(policy_scope.offered(session, word)).get(word, "a place of another route")
    remarks = coverage.lint_place(session, found.id, row, row.priorities, row.id)
    return {"row": row, "priority": priority, "told": told, "place": place, "remarks": remarks}


def _coming(session: Session, found: Crew, chosen: Chosen, priority: int) -> list[coverage.Told]:
    return coverage.foreseen(session, found, chosen, priority, now())[:6]


@pages.get("/new")
@needs(Action.EDIT_ONCALL)
def new() -> ResponseReturnValue:
    """An empty form; `for` is what it is for, where another page leads here."""
    values = {"rounds": "3", "priority-1": "yes", "priority-2": "yes", "s1-wait": "5"}
    return _page(values | {"scope": request.args.get("for", "")})


@pages.get("/<uuid:policy_id>")
@needs(Action.EDIT_ONCALL)
def edit(policy_id: uuid.UUID) -> ResponseReturnValue:
    """The form as the policy stands."""
    with records() as session, known():
        policy, row = keeping.load_policy(session, policy_id)
        values = _values(policy, row)
        chosen = Chosen(policy, row.id, keeping.well_of(session, row))
        told = _coming(session, crew(session, row.organization_id), chosen, min(row.priorities))
    return _page(values, policy_id, told=told)


@pages.post("/new")
@needs(Action.EDIT_ONCALL)
def create() -> ResponseReturnValue:
    """Save a new policy, or only show what would follow."""
    return _save(None)


@pages.post("/<uuid:policy_id>")
@needs(Action.EDIT_ONCALL)
def change(policy_id: uuid.UUID) -> ResponseReturnValue:
    """Save a policy as its next version, or only show what would follow."""
    return _save(policy_id)


@pages.post("/<uuid:policy_id>/end")
@needs(Action.EDIT_ONCALL)
def end(policy_id: uuid.UUID) -> ResponseReturnValue:
    """Use a policy no longer."""
    with records() as session, known():
        keeping.end_policy(session, policy_id, now())
    flash("The policy is used no longer; alerts on their way keep to it.")
    return redirect(url_for("escalation.index"), 303)


def _insist_known(policy_id: uuid.UUID | None) -> None:
    """What is not there is not found, whatever the form says."""
    with records() as session:
        if policy_id is not None and session.get(EscalationPolicy, policy_id) is None:
            abort(404)


def _save(policy_id: uuid.UUID | None) -> ResponseReturnValue:
    _insist_known(policy_id)
    form = Form(request.form)
    policy, scope = _read(form)
    only_shown = form.raw("do") == "show"
    if form.faults:
        return _page(request.form, policy_id, form.faults, status=422)
    with records() as session:
        found = crew(session, visitor().organization_id)
        well = keeping.well_of(session, scope)
        remarks = [
            *coverage.lint_policy(session, found, policy, scope.priorities, now(), well=well),
            *coverage.lint_place(session, found.id, scope, scope.priorities, policy_id),
        ]
        refused = any(remark.blocks for remark in remarks)
        if not refused and not only_shown:
            with known():
                keeping.save_policy(session, found.id, policy, scope, policy_id, visitor().user_id)
        chosen = Chosen(policy, uuid.UUID(int=0), well)
        told = coverage.foreseen(session, found, chosen, min(scope.priorities), now())
    if refused or only_shown:
        status = 422 if refused and not only_shown else 200
        return _page(request.form, policy_id, {}, remarks, told, status)
    flash(f"{policy.name} is saved. It holds for alerts from now on.")
    return redirect(url_for("escalation.index"), 303)


def _read(form: Form) -> tuple[Policy, Scope]:
    priorities = tuple(int(p) for p in PRIORITIES if form.raw(f"priority-{p}") == "yes")
    if not priorities:
        form.fault("priorities", "Choose at least one priority.")
    steps = [step for n in range(1, STEPS + 1) if (step := _step(form, f"s{n}")) is not None]
    remind = form.number("remind", low=1, high=1440)
    policy = Policy(
        name=form.text("name", required=True, longest=60),
        steps=tuple(steps),
        rounds=int(form.number("rounds", low=1, high=20) or 1),
        remind_every=timedelta(minutes=remind) if remind else None,
        bundle=timedelta(seconds=int(form.number("bundle", low=0, high=900) or 0)),
        fallback=form.identifier("fallback"),
    )
    return policy, _scope(form, priorities or (1,))


def _scope(form: Form, priorities: tuple[int, ...]) -> Scope:
    """For which alerts it is."""
    with records() as session:
        offered = [key for key, _words in policy_scope.offered(session, form.raw("scope"))]
    word = form.choice("scope", offered)
    note = form.text("note", longest=300)
    return policy_scope.read("" if "scope" in form.faults else word, priorities, note)


def _step(form: Form, prefix: str) -> Step | None:
    targets = [_target(word) for word in _words(form, f"{prefix}-target")]
    named = tuple(target for target in targets if target is not None)
    if not named:
        return None
    wait = form.number(f"{prefix}-wait", low=0.5, high=10_080)
    worst = form.raw(f"{prefix}-worst")
    return Step(
        targets=named,
        channel_class=form.choice(f"{prefix}-class", CHANNEL_CLASSES) or "own",
        wait=timedelta(minutes=wait or 5),
        times=int(form.number(f"{prefix}-times", low=1, high=20) or 1),
        window=window_of(form, prefix),
        worst_only=int(worst) if worst in PRIORITIES else 4,
        still_active=form.raw(f"{prefix}-active") == "yes",
    )


def _words(form: Form, name: str) -> list[str]:
    return [form.raw(f"{name}-{n}") for n in (1, 2, 3)]


def _target(word: str) -> Target | None:
    """What an option of the form names: user:…, rotation:…, role:…, site_manager."""
    kind, _, rest = word.partition(":")
    if kind == "role" and rest in {"owner", "manager", "pumper"}:
        return Target("role", role=rest)
    if kind == "site_manager":
        return Target("site_manager")
    if kind in {"user", "rotation"}:
        try:
            return Target(kind, uuid.UUID(rest))
        except ValueError:
            return None
    return None


def _option(target: Target) -> str:
    if target.kind == "site_manager":
        return "site_manager"
    return f"{target.kind}:{target.role or target.id}"


def _values(policy: Policy, row: EscalationPolicy) -> dict[str, str]:
    values = {
        "name": row.name,
        "rounds": str(policy.rounds),
        "remind": str(row.remind_every_s // 60) if row.remind_every_s else "",
        "bundle": str(row.bundle_s or ""),
        "fallback": str(policy.fallback or ""),
        "note": row.note,
        "scope": policy_scope.word_of(row),
    } | {f"priority-{priority}": "yes" for priority in row.priorities}
    for number, step in enumerate(policy.steps, 1):
        values |= {
            f"s{number}-class": step.channel_class,
            f"s{number}-wait": f"{step.wait.total_seconds() / 60:g}",
            f"s{number}-times": str(step.times),
            f"s{number}-worst": str(step.worst_only),
            f"s{number}-active": "yes" if step.still_active else "",
            **window_values(f"s{number}", step.window),
        }
        for place, target in enumerate(step.targets[:3], 1):
            values[f"s{number}-target-{place}"] = _option(target)
    return values


def _page(
    values: Any,
    policy_id: uuid.UUID | None = None,
    faults: dict[str, str] | None = None,
    remarks: Sequence[coverage.Remark] = (),
    told: Sequence[coverage.Told] | None = None,
    status: int = 200,
) -> Response:
    with records() as session:
        found = crew(session, visitor().organization_id)
        scopes = policy_scope.offered(session, values.get("scope") or "")
    targets = [
        ("", "-"),
        ("site_manager", "who looks after the well"),
        *((f"rotation:{key}", f"on call: {name}") for key, name in found.rotation_names.items()),
        *((f"role:{role}", f"every {role}") for role in ("owner", "manager", "pumper")),
        *((f"user:{p.id}", p.name) for p in found.people.values()),
    ]
    return still(
        "policy.html",
        status,
        policy_id=policy_id,
        values=values,
        faults=faults or {},
        remarks=remarks,
        told=told,
        zone=found.zone,
        targets=targets,
        classes=CLASSES,
        steps=range(1, STEPS + 1),
        people=[("", "the owners"), *((str(p.id), p.name) for p in found.people.values())],
        scopes=scopes,
        days=DAYS,
        severities=SEVERITIES,
    )
