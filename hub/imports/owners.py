"""Who owns what share of which lease: lines of a division of interest, made into draft decks.

A deck is approved by a second person, in the console; until then an import may correct it.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from hub.imports.lines import Gathered, Line, value
from hub.imports.places import Leases, Partners
from hub.imports.report import Bad, LineError, Report
from hub.imports.words import share
from hub.imports.writing import Step
from hub.register.catalog import resource
from hub.register.changes import refusing, settle
from hub.register.errors import RegisterError
from hub.schema import LeasePartner, OwnershipDeck
from hub.schema.base import uuid7

#: Which deck a column's shares are for, and of which interest where the line does not tell.
SHARES: Final = {"decimal_interest": None, "nri": "revenue", "wi": "billing"}


@dataclass(frozen=True, slots=True)
class _Name:
    """What a deck is found by."""

    lease: str
    lease_id: uuid.UUID
    product: str
    deck_kind: str
    effective_from: date

    def __str__(self) -> str:
        return f"{self.lease} {self.deck_kind} {self.product} from {self.effective_from}"


@dataclass(slots=True)
class _Deck:
    """A deck as the file tells it."""

    lines: list[int] = field(default_factory=list)
    effective_to: date | None = None
    #: Partner and interest -> what else the line says.
    shares: dict[tuple[uuid.UUID, str], dict[str, Any]] = field(default_factory=dict)

    def add(self, number: int, key: tuple[uuid.UUID, str], told: dict[str, Any]) -> None:
        """Add a line; raises `LineError` where one owner's interest stands twice."""
        if self.shares.setdefault(key, told) is not told:
            raise LineError("This owner's interest stands in the deck already.")
        self.lines.append(number)


def take(
    session: Session, organization: uuid.UUID, lines: Iterable[Line], report: Report, step: Step
) -> None:
    """Write the decks of a file as drafts; one is known by lease, product, kind and first day."""
    leases, partners = Leases.known(session), Partners.known(session)
    decks: dict[_Name, _Deck] = {}
    for line in lines:
        with report.line(line.number):
            _read(session, line, leases, partners, decks)
    for name, deck in decks.items():
        if deck.shares:
            _write(session, organization, name, deck, report)
        step(len(deck.lines))


def _read(
    session: Session, line: Line, leases: Leases, partners: Partners, decks: dict[_Name, _Deck]
) -> None:
    gathered = Gathered(session, "ownership_decks")
    for needed in ("lease", "partner", "effective_from"):
        if needed not in line.cells:
            gathered.lack(f"{needed.replace('_', ' ').capitalize()} is needed.")
    whole = gathered.values(line, ("product", "deck_kind", "effective_from", "effective_to"))
    told = gathered.values(line, ("interest_type", "pay_status", "cost_free"), "lease_partners")
    partner = line.cells.get("partner") and gathered.of(partners.find, line.words("partner"))
    lease = line.cells.get("lease") and gathered.of(leases.find, line.words("lease"))
    parts = {column: gathered.of(_share, line, column) for column in SHARES}
    gathered.settle()
    for column, deck_kind in SHARES.items():
        part = parts[column]
        if part is None or partner is None or lease is None:
            continue
        kind = deck_kind or whole.get("deck_kind", "revenue")
        name = _Name(
            line.words("lease"),
            lease,
            whole.get("product", "all"),
            kind,
            whole["effective_from"],
        )
        interest = "WI" if kind == "billing" else told.get("interest_type", "WI")  # costs are WI's
        deck = decks.setdefault(name, _Deck(effective_to=whole.get("effective_to")))
        rest = {key: told[key] for key in ("pay_status", "cost_free") if key in told}
        deck.add(line.number, (partner, interest), {"decimal_interest": part} | rest)


def _share(line: Line, column: str) -> Decimal | None:
    """A line's share in a column; a billing share of nothing is none."""
    if column not in line.cells:
        return None
    part: Decimal = value("lease_partners", "decimal_interest", share(line.cells[column]))
    if column == "wi" and not part:
        return None
    if not 0 < part <= 1:
        raise LineError(
            f"Decimal takes a share of the whole above 0 and at most 1, like 0.125 or 12.5%; "
            f"{line.words(column)} is not one."
        )
    return part


def _write(
    session: Session, organization: uuid.UUID, name: _Name, deck: _Deck, report: Report
) -> None:
    """Make a deck, or bring a draft to what the file tells; an approved one stands."""
    total = sum((told["decimal_interest"] for told in deck.shares.values()), Decimal(0))
    if total != 1:
        report.note(f"{name} sums to {total.normalize():f}; it is approved only at exactly 1.")
    stored = _stored(session, name)
    if stored is not None and _same(session, stored.id, deck):
        report.unchanged += len(deck.lines)
        return
    if stored is not None and stored.status != "draft":
        sentence = f"{name} is approved and stands; a change of ownership is a deck of a later day."
        report.bad += [Bad(number, sentence) for number in deck.lines]
        return
    try:
        with refusing(session, resource("ownership_decks"), {}):
            _replace(session, organization, name, deck, stored.id if stored else None)
            settle(session)
    except RegisterError as fault:
        report.bad += [Bad(number, str(fault)) for number in deck.lines]
        return
    if stored is None:
        report.added += len(deck.lines)
    else:
        report.changed += len(deck.lines)


def _stored(session: Session, name: _Name) -> OwnershipDeck | None:
    return session.scalar(
        select(OwnershipDeck).where(
            OwnershipDeck.lease_id == name.lease_id,
            OwnershipDeck.completion_id.is_(None),
            OwnershipDeck.product == name.product,
            OwnershipDeck.deck_kind == name.deck_kind,
            OwnershipDeck.effective_from == name.effective_from,
            OwnershipDeck.status.in_(("draft", "approved")),
        )
    )


def _same(session: Session, deck_id: uuid.UUID, deck: _Deck) -> bool:
    listed = session.scalars(select(LeasePartner).where(LeasePartner.deck_id == deck_id)).all()
    stored = {(row.partner_id, row.interest_type): row for row in listed}
    return stored.keys() == deck.shares.keys() and all(
        getattr(stored[key], column) == told
        for key, line in deck.shares.items()
        for column, told in line.items()
    )


def _replace(
    session: Session, organization: uuid.UUID, name: _Name, deck: _Deck, known: uuid.UUID | None
) -> None:
    key = known or uuid7()
    if known:
        session.execute(delete(LeasePartner).where(LeasePartner.deck_id == known))
    else:
        row = {
            "lease_id": name.lease_id,
            "product": name.product,
            "deck_kind": name.deck_kind,
            "effective_from": name.effective_from,
            "effective_to": deck.effective_to,
        }
        session.execute(
            insert(OwnershipDeck), [{"id": key, "organization_id": organization, **row}]
        )
    for (partner, interest), told in deck.shares.items():
        row = {"deck_id": key, "partner_id": partner, "interest_type": interest, **told}
        session.execute(insert(LeasePartner), [{"organization_id": organization, **row}])
