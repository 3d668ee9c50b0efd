"""Verb of rules: backtest, what a rule would have done over the readings that are stored."""

from __future__ import annotations

import argparse
import json
import uuid
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from agent.contract.alarm_rules import RuleError
from hub.alerts import replay, rules
from hub.alerts.backtest import DAYS, Stretch, backtest, most_to_suggest, stretch, suggestion
from hub.alerts.suggest import Suggestion
from hub.alerts.watches import Tried, tried
from hub.cli.screen import CommandError, Exit, Screen
from hub.database import Actor, connect, tenant_session
from hub.schema import AlertRule, Organization, Tag
from hub.settings import load

MOST_TAGS = 500
SHOWN = 20


def options(parser: argparse.ArgumentParser) -> None:
    """The verb's options."""
    parser.add_argument("--organization", required=True, metavar="SLUG", help="the operator")
    parser.add_argument("--rule", type=uuid.UUID, metavar="ID", help="a rule as it stands")
    parser.add_argument("--tag", metavar="NAME", help="a tag, by its name or number")
    parser.add_argument("--kind", default="limit", help="kind of a rule that is not saved")
    parser.add_argument(
        "--params", metavar="JSON", help="parameters to try, in place of the rule's own"
    )
    parser.add_argument("--days", type=float, default=DAYS, help="how far back (90)")
    parser.add_argument("--suggest", action="store_true", help="also compute better delays")
    parser.add_argument(
        "--at-most",
        type=float,
        metavar="PER_DAY",
        help="exit with 1 where it would fire more often than this on one tag",
    )


@dataclass(frozen=True, slots=True)
class Trial:
    """One rule tried on one tag."""

    tag: Tag
    span: Stretch
    figures: replay.Figures
    better: Suggestion | None


def run(asked: argparse.Namespace, screen: Screen) -> int:
    """Replay a rule over the stored readings of its tags; nothing is written."""
    if not 0 < asked.days <= 3660:
        raise CommandError(f"--days must be more than 0 and at most 3660, not {asked.days:g}")
    with _operator(asked) as session:
        kind, params, tags, respond = _what(session, asked)
        trials = [_try(session, asked, screen, kind, params, tag, respond) for tag in tags]
        screen.answer([_told(trial) for trial in trials], _in_words(trials, screen))
    limit = asked.at_most
    often = limit is not None and any(trial.figures.per_day > limit for trial in trials)
    return Exit.FAILED if often else Exit.DONE


@contextmanager
def _operator(asked: argparse.Namespace) -> Any:
    """A session that sees one operator's rows, as the console's do."""
    database = load(asked.settings).database
    owner = connect(database.admin_url, "owner", pool=1)
    app = connect(database.url, "app", pool=1)
    try:
        with Session(owner) as session:
            found = session.scalar(
                select(Organization.id).where(Organization.slug == asked.organization)
            )
        if found is None:
            raise CommandError(f"there is no operator {asked.organization!r}")
        with tenant_session(app, found, Actor(door="command line")) as session:
            yield session
    finally:
        owner.dispose()
        app.dispose()


def _what(
    session: Session, asked: argparse.Namespace
) -> tuple[str, dict[str, Any], list[Tag], int | None]:
    """Kind, parameters, tags and time to respond of what is tried."""
    rule = session.get(AlertRule, asked.rule) if asked.rule else None
    if asked.rule and rule is None:
        raise CommandError(f"{asked.organization} has no rule {asked.rule}")
    if rule is None and not (asked.tag and asked.params):
        raise CommandError("name a --rule, or a --tag with --params")
    params = _params(asked.params) if asked.params else rules.judged_params(rule)
    kind = rule.kind if rule else asked.kind
    tags = [_tag(session, asked.tag)] if asked.tag else _tags(session, rule)
    if not tags:
        raise CommandError("the rule watches no tag that has readings to replay")
    return kind, params, tags, rule.respond_within_s if rule else None


def _params(text: str) -> dict[str, Any]:
    try:
        params = json.loads(text)
    except ValueError as fault:
        raise CommandError(f"--params is no JSON: {fault}") from fault
    if not isinstance(params, dict):
        raise CommandError('--params must be an object like {"levels": {"hi": {…}}}')
    return params


def _tag(session: Session, name: str) -> Tag:
    found = Tag.id == int(name) if name.isdigit() else Tag.name == name
    tags = session.scalars(select(Tag).where(found)).all()
    if len(tags) != 1:
        many = f"{len(tags)} tags are named {name!r}: give the number of one" if tags else None
        raise CommandError(many or f"there is no tag {name!r}")
    return tags[0]


def _tags(session: Session, rule: AlertRule | None) -> list[Tag]:
    """The tag of a rule, or those of a parent's children."""
    if rule is None:
        return []
    children = select(AlertRule.tag_id).where(AlertRule.parent_id == rule.id, AlertRule.enabled)
    wanted = Tag.id == rule.tag_id if rule.tag_id is not None else Tag.id.in_(children)
    return list(session.scalars(select(Tag).where(wanted).order_by(Tag.id).limit(MOST_TAGS)))


def _try(
    session: Session,
    asked: argparse.Namespace,
    screen: Screen,
    kind: str,
    params: Mapping[str, Any],
    tag: Tag,
    respond_within_s: int | None,
) -> Trial:
    found = _rule(session, kind, params, tag)
    rule, several = found.rule, found.several
    span = stretch(session, tag, datetime.now(UTC), asked.days, tags=several)
    with screen.progress(f"Replaying {tag.name}") as tell:
        figures = backtest(session, rule, span, tell)
    better = None
    if asked.suggest:
        now = datetime.now(UTC)
        near = stretch(session, tag, now, asked.days, most=most_to_suggest(rule), tags=several)
        with screen.busy(f"Trying other delays on {tag.name}"):
            better = suggestion(session, rule, near, respond_within_s)
    return Trial(tag, span, figures, better)


def _rule(session: Session, kind: str, params: Mapping[str, Any], tag: Tag) -> Tried:
    try:
        return tried(session, tag, kind, params)
    except RuleError as fault:
        raise CommandError(f"the rule cannot be used: {fault}") from fault


def _told(trial: Trial) -> dict[str, Any]:
    told = {"tag": trial.tag.name, "tag_id": trial.tag.id} | replay.to_json(trial.figures)
    if trial.better is not None:
        told["suggestion"] = {
            "params": trial.better.rule.to_json(),
            "alarms": trial.better.after.alarms,
            "long_alarms_kept": trial.better.kept,
            "reasons": list(trial.better.reasons),
        }
    return told


def _in_words(trials: list[Trial], screen: Screen) -> str:
    parts = []
    for trial in trials:
        parts += [screen.paint(trial.tag.name, "bold"), replay.in_words(trial.figures)]
        parts += [trial.span.shortened] if trial.span.shortened else []
        if len(trials) == 1 and trial.figures.alarms:
            parts += ["", screen.table(_line(a, trial.figures) for a in _longest(trial.figures))]
        parts += _better(trial.better)
    lines = [_summary(trial) for trial in trials]
    return "\n".join([*parts, "", screen.table(lines)])


def _longest(figures: replay.Figures) -> list[replay.Alarm]:
    longest = sorted(figures.listed, key=lambda alarm: -alarm.lasted_ms(figures.end))[:SHOWN]
    return sorted(longest, key=lambda alarm: alarm.raised_at)


def _line(alarm: replay.Alarm, figures: replay.Figures) -> dict[str, Any]:
    return {
        "longest alarms": datetime.fromtimestamp(alarm.raised_at / 1000, UTC),
        "lasted": replay.lasting(alarm.lasted_ms(figures.end)),
        "level": alarm.level,
        "worst value": f"{alarm.extreme:.6g}",
    }


def _summary(trial: Trial) -> dict[str, Any]:
    found = trial.figures
    return {
        "tag": trial.tag.name,
        "readings": found.readings,
        "alarms": found.alarms,
        "a day": f"{found.per_day:.2f}",
        "longest": replay.lasting(found.longest_ms) if found.alarms else None,
        "under 60 s": f"{found.fleeting_share:.0%}",
        "most in 10 min": found.fullest,
        "standing": f"{found.standing_share:.1%}",
    }


def _better(better: Suggestion | None) -> list[str]:
    if better is None:
        return []
    lines = [f"  {reason}" for reason in better.reasons]
    if better.helps:
        params = json.dumps({"levels": better.rule.to_json()["levels"]})
        lines.append(
            f"  With {params}: {better.after.alarms:,} alarms in place of"
            f" {better.before.alarms:,}, and all {better.kept:,} long ones stay."
        )
    return ["", "A suggestion:", *lines]
