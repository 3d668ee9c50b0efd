"""What a rule as it stands in the form would have done: computed anew at every turn of a slider."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from agent.contract.alarm_rules import RuleError
from hub.alerts import replay
from hub.alerts.backtest import (
    DAYS,
    Stretch,
    backtest,
    most_to_suggest,
    most_to_try,
    stretch,
    suggestion,
)
from hub.alerts.rule_checks import Checked, check
from hub.alerts.rule_reach import first_told
from hub.alerts.suggest import Suggestion
from hub.alerts.watches import Tried, tried
from hub.console.context import now, records
from hub.console.forms import Form
from hub.console.gate import needs
from hub.console.rule_fields import FORMS, RuleForm
from hub.console.rule_form import read_params, values_of
from hub.console.rule_start import LARGEST_TAG
from hub.permissions import Action
from hub.schema import Tag

pages = Blueprint("rule_trial", __name__, url_prefix="/rules")

WIDTH: Final = 720
HEIGHT: Final = 90


@dataclass(frozen=True, slots=True)
class Column:
    """One day of the picture."""

    x: float
    y: float
    width: float
    height: float
    words: str


@pages.post("/trial")
@needs(Action.SEE)
def trial() -> ResponseReturnValue:
    """The rule in the form over the gauge's last 90 days, as a part of the page."""
    form = Form(request.form)
    shape = FORMS.get(form.raw("sort"), FORMS["limit"])
    with records() as session:
        tag = _tag(session, form)
        read = _read(session, form, shape, tag)
        if tag is None or isinstance(read, str):
            return render_template("rule_trial.html", refusal=read)
        most = most_to_try(read.rule)
        span = stretch(session, tag, now(), DAYS, most=most, tags=read.several)
        found = backtest(session, read.rule, span)
        checked = check(
            session,
            shape.kind,
            read_params(form, shape),
            tag,
            now(),
            rule_id=form.identifier("rule"),
            advisory=form.raw("advisory") == "yes",
        )
    return render_template("rule_trial.html", **_picture(found, span, checked), checked=checked)


@pages.post("/suggest")
@needs(Action.EDIT_RULES)
def suggest() -> ResponseReturnValue:
    """Delays and a deadband for the rule in the form, as a part of the page."""
    form = Form(request.form)
    shape = FORMS.get(form.raw("sort"), FORMS["limit"])
    minutes = form.number("respond_within")
    with records() as session:
        tag = _tag(session, form)
        read = _read(session, form, shape, tag)
        if tag is None or isinstance(read, str):
            return render_template("rule_suggestion.html", refusal=read, better=None)
        most = most_to_suggest(read.rule)
        span = stretch(session, tag, now(), DAYS, most=most, tags=read.several)
        better = suggestion(session, read.rule, span, round(minutes * 60) if minutes else None)
    return render_template(
        "rule_suggestion.html", better=better, span=span, fields=_fields(better), refusal=""
    )


def _fields(better: Suggestion) -> Mapping[str, str]:
    """What a click takes over into the form."""
    values = values_of({"levels": better.rule.to_json()["levels"]})
    return {name: words for name, words in values.items() if not name.endswith("-setpoint")}


def _tag(session: Session, form: Form) -> Tag | None:
    words = form.raw("trial_tag") or form.raw("tag")
    known = words.isdigit() and int(words) <= LARGEST_TAG
    return session.get(Tag, int(words)) if known else None


def _read(session: Session, form: Form, shape: RuleForm, tag: Tag | None) -> Tried | str:
    """The rule that the form makes, as it would judge; or why there is none, in a sentence."""
    if not shape.is_tried:
        return f"{shape.title}: it is not judged by readings, so there is nothing to replay."
    params = read_params(form, shape)
    flags = {name: True for name in ("latch", "capture_fleeting") if form.raw(name) == "yes"}
    if form.faults:
        return next(iter(form.faults.values()))
    if tag is None:
        return "Choose a gauge to try the rule on."
    try:
        return tried(session, tag, shape.kind, params | flags)
    except RuleError as fault:
        return fault.faults[0]


def _picture(found: replay.Figures, span: Stretch, checked: Checked) -> dict[str, Any]:
    days = replay.columns(found, span.zone)
    most = max([count for _, count in days], default=0)
    step = WIDTH / max(len(days), 1)
    drawn = [
        Column(
            round(n * step + step * 0.1, 2),
            round(HEIGHT - HEIGHT * count / most, 2),
            round(step * 0.8, 2),
            round(HEIGHT * count / most, 2),
            f"{day:%Y-%m-%d}: {count}",
        )
        for n, (day, count) in enumerate(days)
        if count
    ]
    people = [
        (name, found.of(priorities) / max(found.days, 1 / 24))
        for name, priorities in first_told(checked.told).items()
    ]
    longest = sorted(found.listed, key=lambda one: -one.lasted_ms(found.end))[:8]
    return {
        "sentence": replay.in_words(found),
        "found": found,
        "columns": drawn,
        "most": most,
        "first": days[0][0] if days else None,
        "last": days[-1][0] if days else None,
        "people": sorted(people, key=lambda one: (-one[1], one[0])),
        "longest": [
            (
                datetime.fromtimestamp(one.raised_at / 1000, UTC),
                replay.lasting(one.lasted_ms(found.end)),
                one,
            )
            for one in longest
        ],
        "longest_words": replay.lasting(found.longest_ms),
        "shortened": span.shortened,
        "refusal": "",
    }
