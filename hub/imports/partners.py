"""Owners, purchasers and vendors as the office lists them."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable
from typing import Final

from sqlalchemy.orm import Session

from hub.imports.lines import Gathered, Line
from hub.imports.places import Partners, folded
from hub.imports.report import LineError, Report
from hub.imports.writing import Item, Step, Writer
from hub.schema import Partner

FIELDS: Final = (
    *("code", "name", "kind", "email", "phone", "contact_name", "remit_address"),
    *("billing_address", "min_pay", "pay_method", "notes"),
)
LONGEST_CODE: Final = 12


def take(
    session: Session,
    organization: uuid.UUID,
    lines: Iterable[Line],
    report: Report,
    step: Step,
    *,
    secret_key: bytes,
) -> None:
    """Write the partners of a file; one is known again by its code, else by its name."""
    partners = Partners.known(session)
    codes = set(partners.by_code)
    items = []
    for line in lines:
        with report.line(line.number):
            items.append(_item(session, line, partners, codes))
    fixed = {"organization_id": organization}
    writer = Writer(session, Partner, fixed, report, step, secret_key=secret_key)
    writer.write(items, partners.rows)


def _item(session: Session, line: Line, partners: Partners, codes: set[str]) -> Item:
    gathered = Gathered(session, "partners")
    told = gathered.values(line, FIELDS)
    if "name" not in line.cells:
        gathered.lack("Name is needed.")
    secrets = gathered.of(_tax_id, line) or {}
    gathered.settle()
    found = partners.by_code.get(folded(told.get("code", "")))
    if found is None and "code" not in told:
        found = partners.by_name.get(folded(told["name"]))
    if found is None:
        told.setdefault("code", _code(told["name"], codes))
    if city := " ".join(line.words(part) for part in ("city", "state", "zip")).strip():
        street = told.get("remit_address", "")
        told["remit_address"] = f"{street}, {city}" if street else city
    for digits in secrets.values():
        told["tax_id_last4"] = digits[-4:]
    return Item(line.number, found or folded(told["code"]), told, secrets)


def _tax_id(line: Line) -> dict[str, str]:
    if "tax_id" not in line.cells:
        return {}
    digits = re.sub(r"[-\s]", "", line.words("tax_id"))
    if not re.fullmatch(r"[0-9]{9}", digits):
        raise LineError("Tax id takes the 9 digits of an EIN or SSN.")
    return {"tax_id_enc": digits}


def _code(name: str, taken: set[str]) -> str:
    """A short code from a name, the same for the same list, and not one that is used."""
    bare = re.sub(r"[^A-Z0-9]", "", name.upper())[:LONGEST_CODE] or "PARTNER"
    code, number = bare, 1
    while folded(code) in taken:
        number += 1
        code = f"{bare[: LONGEST_CODE - len(str(number))]}{number}"
    taken.add(folded(code))
    return code
