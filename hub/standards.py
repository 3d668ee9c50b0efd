"""What every operator begins with: accounts, rates of production taxes, and what agencies want to
know of incidents.

They come from files in config/. From then on they are the operator's own: its people change them
and answer for them.
"""

from __future__ import annotations

import json
import tomllib
import uuid
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, select

from hub.schema import Base

Row = dict[str, Any]

#: Rates are those of this day on, unless they say another.
SINCE: Final = date(2025, 1, 1)
#: When the sources of the verified rates were read.
READ_ON: Final = date(2026, 11, 22)


def begin_office(connection: Connection, organization: uuid.UUID) -> tuple[int, int]:
    """Give an operator the accounts and rates it lacks; answers how many of each.

    An account whose code it has, and every rate of a tax it has any rate of, is left to it.
    """
    return (
        _add(connection, "accounts", organization, accounts(), ("code",)),
        _add(connection, "tax_rates", organization, tax_rates(), ("authority", "tax_kind")),
    )


def begin_incidents(connection: Connection, organization: uuid.UUID) -> tuple[int, int]:
    """Give an operator agencies' rules and promotion rules; answers how many of each.

    One who has agencies' rules already is left alone: what it deleted or changed stays so.
    """
    return (
        _add(connection, "agency_rules", organization, agency_rules(), ("code",)),
        _add(connection, "promotion_rules", organization, promotion_rules(), ("name",)),
    )


def agency_rules() -> list[Row]:
    """What agencies want to be told of, as rows without an operator."""
    told = agency_seed()
    read_on = date.fromisoformat(told["as_of"])
    return [
        row | {"verified_on": None if row["verification"] == "unverified" else read_on}
        for row in told["rules"]
    ]


def agency_seed() -> dict[str, Any]:
    """The file of agencies' rules: licence, disclaimer, day it was read, and the rules."""
    seed: dict[str, Any] = json.loads((_folder() / "agency_rules.json").read_text("utf-8"))
    return seed


def promotion_rules() -> list[Row]:
    """When alerts become incidents, as rows without an operator."""
    return list(_read("promotion_rules")["rules"])


def accounts() -> list[Row]:
    """The chart of accounts, as rows without an operator."""
    return [
        {
            "code": code,
            "name": name,
            "kind": group["kind"],
            "billable": group.get("billable", True),
        }
        for group in _read("accounts")["accounts"]
        for code, name in group["codes"].items()
    ]


def tax_rates() -> list[Row]:
    """The rates of production taxes, as rows without an operator."""
    return [row for told in _read("tax_rates")["rates"] for row in _rates(told)]


def _rates(told: Mapping[str, Any]) -> Iterator[Row]:
    """One row for each product and income band of a rate as the file tells it."""
    row = {"valid_from": SINCE} | {
        name: value
        for name, value in told.items()
        if name not in {"products", "product", "bands", "rate"}
    }
    if told["verification"] == "verified":
        row["verified_at"] = READ_ON
    for product in told.get("products", [told.get("product", "all")]):
        for band, rate in told.get("bands", {"0": told.get("rate")}).items():
            yield row | {"product": product, "band_from": Decimal(band), "rate": rate}


def _add(
    connection: Connection, name: str, organization: uuid.UUID, rows: list[Row], by: tuple[str, ...]
) -> int:
    """Insert the rows that are like none the operator has, by the columns named."""
    table = Base.metadata.tables[name]
    there = select(*(table.c[column] for column in by)).where(
        table.c.organization_id == organization
    )
    known = {tuple(found) for found in connection.execute(there)}
    new = [row for row in rows if tuple(row[column] for column in by) not in known]
    for row in new:
        connection.execute(table.insert().values(row | {"organization_id": organization}))
    return len(new)


def _read(name: str) -> dict[str, Any]:
    with (_folder() / f"{name}.toml").open("rb") as file:
        return tomllib.load(file, parse_float=Decimal)


def _folder() -> Path:
    """Where the files lie: beside the package in a checkout, inside it in a wheel."""
    packed = Path(__file__).parent / "_config"
    return packed if packed.is_dir() else Path(__file__).parents[1] / "config"
