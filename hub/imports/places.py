"""What lines refer to by name or number: leases, wells and their layers, partners."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.imports.report import LineError
from hub.schema import Completion, Lease, Partner, Well


def folded(words: str) -> str:
    """A name as it is compared: without regard to capitals and doubled blanks."""
    return " ".join(words.lower().split())


@dataclass(slots=True)
class Leases:
    """The operator's leases, found by name or property number."""

    by_word: dict[str, uuid.UUID]

    @classmethod
    def known(cls, session: Session) -> Leases:
        """Those there are."""
        listed = session.execute(select(Lease.id, Lease.name, Lease.property_no)).all()
        found = {folded(row.name): row.id for row in listed}
        return cls({folded(row.property_no): row.id for row in listed if row.property_no} | found)

    def find(self, words: str) -> uuid.UUID:
        """A lease; raises `LineError`."""
        found = self.by_word.get(folded(words))
        if found is None:
            raise LineError(f"There is no lease {words!r}; import its wells, or add it, first.")
        return found


@dataclass(slots=True)
class Wells:
    """The operator's wells, found by API number or name, and the layers of each."""

    rows: dict[uuid.UUID, Mapping[str, Any]]
    by_api: dict[str, uuid.UUID] = field(default_factory=dict)
    by_name: dict[str, uuid.UUID] = field(default_factory=dict)
    layers: dict[uuid.UUID, dict[uuid.UUID, set[str]]] = field(default_factory=dict)

    @classmethod
    def known(cls, session: Session) -> Wells:
        """Those there are."""
        listed = session.execute(select(Well.__table__)).mappings().all()
        wells = cls({row["id"]: dict(row) for row in listed})
        for row in listed:
            wells.by_name[folded(row["name"])] = row["id"]
            if row["api14"]:
                wells.by_api[row["api14"]] = row["id"]
        wells.learn_layers(session)
        return wells

    def learn_layers(self, session: Session) -> None:
        """Read the layers of all wells."""
        self.layers = {}
        for row in session.execute(
            select(Completion.well_id, Completion.id, Completion.name, Completion.formation)
        ):
            names = {folded(word) for word in (row.name, row.formation) if word}
            self.layers.setdefault(row.well_id, {})[row.id] = names

    def find(self, api14: str | None, name: str) -> uuid.UUID | None:
        """A well by its API number, sidetracks of the same well included; else by its name."""
        if api14:
            same = self.by_api.get(api14)
            return same or self._of_bore(api14)
        return self.by_name.get(folded(name))

    def _of_bore(self, api14: str) -> uuid.UUID | None:
        """The one well with this API number of ten digits, where the file tells no more."""
        if not api14.endswith("0000"):
            return None
        found = {key for number, key in self.by_api.items() if number[:10] == api14[:10]}
        return found.pop() if len(found) == 1 else None

    def layer(self, well: uuid.UUID, formation: str) -> uuid.UUID:
        """The layer a line speaks of; raises `LineError` where it could be several."""
        layers = self.layers.get(well, {})
        wanted = folded(formation)
        named = [key for key, names in layers.items() if wanted and wanted in names]
        if named or len(layers) == 1:
            return (named or list(layers))[0]
        which = f"none of them is called {formation!r}" if formation else "the line names none"
        raise LineError(f"The well has several completions, and {which}.")


@dataclass(slots=True)
class Partners:
    """The operator's partners, found by code or name."""

    rows: dict[uuid.UUID, Mapping[str, Any]]
    by_code: dict[str, uuid.UUID]
    by_name: dict[str, uuid.UUID]

    @classmethod
    def known(cls, session: Session) -> Partners:
        """Those there are."""
        columns = [c for c in Partner.__table__.c if c.name not in {"tax_id_enc", "search_text"}]
        listed = session.execute(select(*columns)).mappings().all()
        return cls(
            {row["id"]: dict(row) for row in listed},
            {folded(row["code"]): row["id"] for row in listed},
            {folded(row["name"]): row["id"] for row in listed},
        )

    def find(self, words: str) -> uuid.UUID:
        """A partner; raises `LineError`."""
        found = self.by_code.get(folded(words)) or self.by_name.get(folded(words))
        if found is None:
            raise LineError(f"There is no partner {words!r}; import the partners first.")
        return found
