"""What the forms of policies and of rotations share: hours, days of the week, what is not there."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import time

from flask import abort

from hub.console.forms import Form
from hub.notify.keeping import UnknownSetupError
from hub.notify.wallclock import Window, window

#: The days of a week as ISO 8601 counts them, and how a form calls them.
DAYS = tuple(enumerate(("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"), 1))
MIDNIGHT = time(0)


@contextlib.contextmanager
def known() -> Iterator[None]:
    """Answer 404 where a policy or a rotation is not there, or is another operator's."""
    try:
        yield
    except UnknownSetupError:
        abort(404)


def wall(form: Form, name: str) -> time | None:
    """A time of day, or None for an empty field."""
    words = form.raw(name)
    if not words:
        return None
    try:
        return time.fromisoformat(words).replace(tzinfo=None)
    except ValueError:
        form.fault(name, "Write a time of day, like 22:00.")
        return None


def window_of(form: Form, prefix: str) -> Window | None:
    """The hours and days a part of the form is limited to; no day ticked means every day."""
    begins, ends = wall(form, f"{prefix}-from"), wall(form, f"{prefix}-to")
    if (begins is None) != (ends is None):
        form.fault(f"{prefix}-to", "Give both hours, or neither.")
        return None
    days = [day for day, _ in DAYS if form.raw(f"{prefix}-day-{day}") == "yes"]
    return window(begins, ends, days)


def window_values(prefix: str, hours: Window | None) -> dict[str, str]:
    """The same as it stands in the form."""
    if hours is None:
        return {}
    whole_day = hours.begins == hours.ends == MIDNIGHT
    values = {f"{prefix}-day-{day}": "yes" for day in hours.days if len(hours.days) < len(DAYS)}
    if not whole_day:
        values |= {f"{prefix}-from": f"{hours.begins:%H:%M}", f"{prefix}-to": f"{hours.ends:%H:%M}"}
    return values
