"""Verb of the secret key: keys rotate."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from hub.cli.screen import Exit, Screen
from hub.database import connect
from hub.reseal import Resealed, rotate
from hub.seal import key_id
from hub.settings import load


def keys_rotate(asked: argparse.Namespace, screen: Screen) -> int:
    """Seal every secret in the database anew, with the key that is set now."""
    settings = load(asked.settings)
    owner = connect(settings.database.admin_url, "owner", pool=1)
    try:
        with screen.progress("Sealing anew") as tell:
            reports = rotate(owner, settings.secret_key, tell)
    finally:
        owner.dispose()
    lost = [sentence for report in reports for sentence in report.lost]
    answer = {
        "ok": not lost,
        "key": key_id(settings.secret_key).hex(),
        "columns": [asdict(report) for report in reports],
    }
    screen.answer(answer, _in_words(reports, lost, screen))
    return Exit.FAILED if lost else Exit.DONE


def _in_words(reports: list[Resealed], lost: list[str], screen: Screen) -> str:
    table = screen.table(
        {
            "table": report.table,
            "column": report.column,
            "sealed anew": report.resealed,
            "not opened": len(report.lost),
        }
        for report in reports
    )
    if lost:
        closing = screen.paint("Some secrets open with no key given:", "red")
        return "\n".join([table, closing, *lost])
    closing = "Everything is sealed with secret_key; former_secret_keys can be left out now."
    return "\n".join([table, screen.paint(closing, "green")])
