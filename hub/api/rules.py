"""Alert rules for programs: listed, made, changed, restored and tried, by the form's own checks."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final, NoReturn

from flask import Blueprint, Response, request
from sqlalchemy import select
from sqlalchemy.orm import Session

from agent.contract.alarm_rules import RuleError
from hub.alerts import replay, watches
from hub.alerts import rules as book
from hub.alerts.backtest import backtest, most_to_suggest, most_to_try, stretch, suggestion
from hub.alerts.rule_checks import Checked, Place, check, refuse_restored
from hub.alerts.rule_reach import to_json
from hub.alerts.rules import EVALUATED
from hub.api import bodies, rule_bodies
from hub.api.answers import Answer, of_body
from hub.api.arguments import Arguments
from hub.api.once import once
from hub.api.parts import caller, records
from hub.api.preconditions import asked_for
from hub.api.problems import MISSING, STALE, Problem, refuse
from hub.api.rows import merged
from hub.api.rule_bodies import CHANGED, PLACED, Values
from hub.permissions import Action
from hub.schema import AlertRule, Tag, Well

TABLE: Final = "alert_rules"
MOST: Final = 200
_SCOPE: Final = ("scope", "measure", "unit", "equipment_class")
LONGEST_DAYS: Final = 366


def serve(blueprint: Blueprint) -> None:
    """Add the addresses of rules."""
    one = f"/{TABLE}/<uuid:rule_id>"
    for path, view, method in (
        (f"/{TABLE}", index, "GET"),
        (f"/{TABLE}", create, "POST"),
        (f"/{TABLE}/backtest", tried, "POST"),
        (one, read, "GET"),
        (one, change, "PATCH"),
        (f"{one}/versions", versions, "GET"),
        (f"{one}/restore", restore, "POST"),
    ):
        blueprint.add_url_rule(path, f"{view.__name__}-{TABLE}", view, methods=[method])


def index() -> Response:
    """Rules in the order in which they were made; `after` the last id of a page."""
    _may_read()
    given = Arguments(request.args, ("limit", "after", "tag", "kind"))
    listed = select(AlertRule).order_by(AlertRule.id)
    limit = given.whole("limit", 50, 1, MOST)
    after, kind = given.one("after"), given.one("kind")
    if after is not None:
        listed = listed.where(AlertRule.id > _id("after", after))
    if given.one("tag") is not None:
        listed = listed.where(AlertRule.tag_id == given.whole("tag", 0, 1, 999_999_999))
    if kind is not None:
        if kind not in rule_bodies.KINDS:
            refuse({"kind": f"kind must be one of {', '.join(rule_bodies.KINDS)}."})
        listed = listed.where(AlertRule.kind == kind)
    with records() as session:
        found = list(session.scalars(listed.limit(limit + 1)))
    rows = [rule_bodies.row(rule) for rule in found[:limit]]
    more = str(found[limit - 1].id) if len(found) > limit else None
    return of_body(bodies.write({"rows": rows, "next": more}), weak=True)


def read(rule_id: uuid.UUID) -> Response:
    """One rule, with what is wrong with it and who would be told."""
    _may_read()
    Arguments(request.args, ())
    with records() as session:
        return _answer(session, _found(session, rule_id)).response()


def create() -> Response:
    """A new rule; it judges from now on."""
    _may_change()
    Arguments(request.args, ())
    sent = bodies.read_object(request.get_data(), request.mimetype, bodies.JSON)
    values = rule_bodies.read(sent, {**PLACED, **CHANGED})
    faults = {n: f"{n} is needed." for n in ("name", "kind", "params") if n not in values}
    if faults | rule_bodies.needs_words(values):
        refuse(faults | rule_bodies.needs_words(values))

    def make(session: Session) -> Answer:
        well = uuid.UUID(values.pop("well_id")) if values.get("well_id") else None
        if well is not None and session.get(Well, well) is None:
            refuse({"well_id": "There is no such well."})
        tag = _tag(session, values.get("tag_id"))
        scope = {name: values[name] for name in _SCOPE if values.get(name) is not None}
        stands = Place(caller().organization_id, well, **scope)
        _judge(session, values["kind"], values["params"], tag, None, stands)
        try:
            rule = book.create(
                session,
                caller().organization_id,
                values.pop("tag_id", None),
                values.pop("name"),
                values.pop("params"),
                by=caller().actor.user_id,
                well_id=well,
                **values,
            )
        except RuleError as fault:
            _refuse_rule(fault.faults)
        place = {"Location": f"{request.path}/{rule.id}"}
        return _answer(session, rule, 201, place)

    return once(make)


def change(rule_id: uuid.UUID) -> Response:
    """A rule changed in what was sent; parameters are merged member by member."""
    _may_change()
    Arguments(request.args, ())
    sent = bodies.read_object(request.get_data(), request.mimetype, bodies.MERGE_PATCH, bodies.JSON)
    values = rule_bodies.read(sent, CHANGED)
    with records() as session:
        rule = _found(session, rule_id)
        _matched(rule)
        if "params" in values:
            values["params"] = merged(rule.params, values["params"])
        after = {name: getattr(rule, name) for name in CHANGED} | values
        if rule_bodies.needs_words(after):
            refuse(rule_bodies.needs_words(after))
        tag = session.get(Tag, rule.tag_id) if rule.tag_id is not None else None
        _judge(session, rule.kind, after["params"], tag, rule.id, Place.of(rule))
        try:
            rule = book.change(session, rule_id, by=caller().actor.user_id, **values)
        except RuleError as fault:
            _refuse_rule(fault.faults)
        return _answer(session, rule).response()


def versions(rule_id: uuid.UUID) -> Response:
    """What a rule said, the newest first."""
    _may_read()
    Arguments(request.args, ())
    with records() as session:
        _found(session, rule_id)
        rows = [
            {"number": one.number, "version": one.version, "said": one.said, "made_at": one.made_at}
            for one in book.versions(session, rule_id)
        ]
    return of_body(bodies.write({"rows": rows}), weak=True)


def restore(rule_id: uuid.UUID) -> Response:
    """An earlier version holds again, as a new one."""
    _may_change()
    Arguments(request.args, ())

    def make(session: Session) -> Answer:
        _found(session, rule_id)  # what is not there is not found, whatever was said to it
        number = _number()
        try:
            refuse_restored(session, rule_id, number, datetime.now(UTC))
            rule = book.restore(session, rule_id, number, by=caller().actor.user_id)
        except book.UnknownRuleError:
            refuse({"number": f"There is no version {number} of it."})
        except RuleError as fault:
            _refuse_rule(fault.faults)
        return _answer(session, rule)

    return once(make)


def _number() -> int:
    """The version that a request names."""
    sent = bodies.read_object(request.get_data(), request.mimetype, bodies.JSON)
    number = {"type": "integer", "minimum": 1, "maximum": 2**31 - 1}
    values = rule_bodies.read(sent, {"number": number})
    if "number" not in values:
        refuse({"number": "number is needed."})
    return int(values["number"])


TRIED: Final[dict[str, dict[str, Any]]] = {
    "rule_id": {"type": "string", "format": "uuid"},
    "kind": {"type": "string", "enum": list(EVALUATED)},
    "params": {"type": "object"},
    "tag_id": {"type": "integer", "minimum": 1, "maximum": 2**31 - 1},
    "days": {"type": "integer", "minimum": 1, "maximum": LONGEST_DAYS, "default": 90},
    "suggest": {"type": "boolean", "default": False},
    "respond_within_s": {"type": "integer", "minimum": 60, "maximum": 2_592_000, "x-unit": "s"},
}


def tried() -> Response:
    """What a rule would have done over stored readings; nothing is written."""
    _may_read()
    Arguments(request.args, ())
    sent = bodies.read_object(request.get_data(), request.mimetype, bodies.JSON)
    values = rule_bodies.read(sent, TRIED)
    with records() as session:
        return Answer(200, bodies.write(_tried(session, values))).response()


def _tried(session: Session, values: Values) -> Values:
    if "rule_id" in values:
        rule = session.get(AlertRule, uuid.UUID(values["rule_id"]))
        if rule is None:
            refuse({"rule_id": "There is no such rule."})
        known: Values = {
            "kind": rule.kind,
            "params": book.judged_params(rule),
            "tag_id": rule.tag_id,
        }
        known["respond_within_s"] = rule.respond_within_s
        values = known | values
    missing = {n: f"{n} is needed." for n in ("kind", "params", "tag_id") if not values.get(n)}
    if missing:
        refuse(missing)
    if values["kind"] not in EVALUATED:
        refuse({"kind": "It is not judged by readings, so there is nothing to replay."})
    tag = _tag(session, values["tag_id"])
    assert tag is not None
    try:
        read_ = watches.tried(session, tag, values["kind"], values["params"])
    except RuleError as fault:
        _refuse_rule(fault.faults)
    now, days = datetime.now(UTC), values.get("days", 90)
    span = stretch(session, tag, now, days, most=most_to_try(read_.rule), tags=read_.several)
    figures = backtest(session, read_.rule, span)
    itself = uuid.UUID(values["rule_id"]) if "rule_id" in values else None
    checked = check(session, values["kind"], values["params"], tag, now, rule_id=itself)
    told: Values = {"tag_id": tag.id, "shortened": span.shortened, **replay.to_json(figures)}
    told |= {"faults": checked.faults, "warnings": checked.warnings}
    told["told"] = to_json(checked.told)
    if values.get("suggest"):
        most = most_to_suggest(read_.rule)
        near = stretch(session, tag, now, days, most=most, tags=read_.several)
        better = suggestion(session, read_.rule, near, values.get("respond_within_s"))
        told["suggestion"] = {
            "levels": better.rule.to_json()["levels"],
            "alarms_before": better.before.alarms,
            "alarms": better.after.alarms,
            "long_alarms_kept": better.kept,
            "reasons": list(better.reasons),
        }
    return told


# ------------------------------------------------------------------------------------- shared


def _may_read() -> None:
    caller().must_read(TABLE, like="alerts")


def _may_change() -> None:
    caller().must_act(Action.EDIT_RULES, TABLE)


def _found(session: Session, rule_id: uuid.UUID) -> AlertRule:
    rule = session.get(AlertRule, rule_id)
    if rule is None:
        raise Problem(MISSING)
    return rule


def _tag(session: Session, tag_id: int | None) -> Tag | None:
    if tag_id is None:
        return None
    tag = session.get(Tag, tag_id)
    if tag is None:
        refuse({"tag_id": f"There is no tag {tag_id}."})
    return tag


def _matched(rule: AlertRule) -> None:
    tag = str(rule.row_version)
    tags = asked_for(tag)
    if not tags.anything and tag not in tags.strong:
        raise Problem(STALE, headers={"ETag": f'"{tag}"'}, more={"current": rule_bodies.row(rule)})


def _judge(
    session: Session,
    kind: str,
    params: Values,
    tag: Tag | None,
    rule_id: uuid.UUID | None,
    place: Place,
) -> None:
    """Refuse what the form would refuse."""
    try:
        book.normal(kind, params)
    except RuleError as fault:
        _refuse_rule(fault.faults)
    now = datetime.now(UTC)
    found = check(session, kind, params, tag, now, rule_id=rule_id, advisory=True, place=place)
    if found.faults:
        _refuse_rule(found.faults)


def _refuse_rule(sentences: Iterable[str]) -> NoReturn:
    refuse({"params": " ".join(sentences)})


def _answer(
    session: Session, rule: AlertRule, status: int = 200, headers: dict[str, str] | None = None
) -> Answer:
    session.flush()
    session.refresh(rule)
    tag = session.get(Tag, rule.tag_id) if rule.tag_id is not None else None
    checked: Checked = check(
        session,
        rule.kind,
        rule.params,
        tag,
        datetime.now(UTC),
        advisory=rule.advisory,
        rule_id=rule.id,
        place=Place.of(rule),
    )
    known = {"ETag": f'"{rule.row_version}"'} | (headers or {})
    return Answer(status, bodies.write(rule_bodies.whole(rule, checked)), known)


def _id(name: str, given: str) -> uuid.UUID:
    try:
        return uuid.UUID(given)
    except ValueError:
        refuse({name: f"{name} must be an id."})
