"""Verb `import`: spreadsheets as operators have them, and the states' production files."""

from __future__ import annotations

import argparse
import uuid
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hub.cli.register import keeper_session, organization_named
from hub.cli.screen import CommandError, Exit, Screen
from hub.database import Actor, connect
from hub.imports.report import Report
from hub.imports.run import KINDS, Order, run
from hub.schema import Membership, User
from hub.schema.production import RECORD_KINDS
from hub.settings import load

BAR = 24
SHOWN = 50  #: bad lines in words; --json tells all


def options(parser: argparse.ArgumentParser) -> None:
    """What the verb takes."""
    parser.add_argument("kind", choices=KINDS, help="what the file holds")
    parser.add_argument("file", type=Path, help="CSV or XLSX, its first line the headings")
    parser.add_argument("--organization", required=True, metavar="SLUG", help="the operator")
    parser.add_argument(
        "--map",
        action="append",
        default=[],
        metavar="COLUMN=FIELD",
        help="which field a column is, with :UNIT behind where it is not the usual one; FIELD -"
        " leaves the column out (may be repeated)",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="FIELD=VALUE",
        help="what every line has, such as well=NAME of a file that is of one well",
    )
    parser.add_argument("--dry-run", action="store_true", help="tell what would happen, only")
    parser.add_argument("--skip-bad", action="store_true", help="store the good lines beside bad")
    parser.add_argument("--by", metavar="EMAIL", help="the person in whose name it is done")
    parser.add_argument(
        "--add-wells", action="store_true", help="production: make wells that are not known"
    )
    parser.add_argument(
        "--record-kind",
        choices=RECORD_KINDS,
        help="production: how the figures came about, where it is not to be guessed",
    )


def take_in(asked: argparse.Namespace, screen: Screen) -> int:
    """Import a file, all of it or nothing; exit code 1 when a line is bad."""
    settings = load(asked.settings)
    with keeper_session(settings) as session:
        organization = organization_named(session, asked.organization).id
        actor = _actor(session, organization, asked.by, asked.kind)
    order = Order(
        asked.kind, tuple(asked.map), asked.dry_run, asked.skip_bad, asked.add_wells,
        asked.record_kind, tuple(asked.set),
    )  # fmt: skip
    engine = connect(settings.database.url, "app", pool=1)
    bar = Bar()
    try:
        with screen.busy(f"Importing {asked.file.name}", bar.words):
            report = run(
                engine, organization, actor, asked.file, order, settings.secret_key, bar.move
            )
    finally:
        engine.dispose()
    screen.answer(report.to_json(), _in_words(report, order, screen))
    return Exit.FAILED if report.bad else Exit.DONE


def _actor(session: Session, organization: uuid.UUID, email: str | None, kind: str) -> Actor:
    """Who imports; a deck needs a person, for another one approves it."""
    if email is None:
        if kind == "owners":
            raise CommandError(
                "who owns what is approved by another person than the one who entered it; name"
                " the one who enters it with --by EMAIL"
            )
        return Actor(role="owner", door="import")
    found = session.execute(
        select(User.id, Membership.id, Membership.role)
        .join(Membership, Membership.user_id == User.id)
        .where(
            func.lower(User.email) == email.lower(),
            Membership.organization_id == organization,
            Membership.ended_at.is_(None),
        )
    ).first()
    if found is None:
        raise CommandError(f"{email} does not work for this operator")
    user, membership, role = found
    if role not in {"owner", "manager", "accountant"}:
        raise CommandError(f"{email} is a {role}, who may not import")
    return Actor(user, membership, role, "import")


class Bar:
    """How far an import has come."""

    def __init__(self) -> None:
        self._done = self._of = 0

    def move(self, done: int, of: int) -> None:
        """So many lines are settled."""
        self._done, self._of = done, of

    def words(self) -> str:
        """A bar and the numbers; nothing before the first line is settled."""
        if not self._of:
            return ""
        full = BAR * self._done // self._of
        bar = "█" * full + "·" * (BAR - full)
        return f"{bar} {self._done:,} of {self._of:,} lines"


def _in_words(report: Report, order: Order, screen: Screen) -> str:
    taken = (f"{heading} → {field}" for heading, field in report.mapping.items())
    parts = [f"Columns: {', '.join(taken)}"]
    if report.ignored:
        parts.append(f"Not taken: {', '.join(report.ignored)}")
    parts += report.notes
    if report.bad:
        rows = [{"line": bad.line, "why": bad.sentence} for bad in report.bad[:SHOWN]]
        parts += ["", screen.table(rows)]
        if len(report.bad) > SHOWN:
            parts.append(f"… and {len(report.bad) - SHOWN:,} more; --json tells all")
    parts += ["", _outcome(report, order, screen)]
    return "\n".join(parts)


def _outcome(report: Report, order: Order, screen: Screen) -> str:
    counts = (
        f"{report.lines:,} lines: {report.added:,} new, {report.changed:,} changed,"
        f" {report.unchanged:,} as they were, {len(report.bad):,} bad."
    )
    if order.dry_run:
        return f"{counts} Nothing was stored: this was a dry run."
    if report.bad and not order.skip_bad:
        told = "Nothing was stored; correct the file, or use --skip-bad."
        return f"{counts} {screen.paint(told, 'red')}"
    return counts
