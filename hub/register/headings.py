"""Which column of a file is which field: by its name, its label, or what others call it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from hub.register.fields import Field, Resource

#: By field: what else stands above such a column.
SYNONYMS: Final[Mapping[str, tuple[str, ...]]] = {
    "api14": ("api", "api no", "api number", "api 14", "uwi", "api uwi"),
    "lat": ("latitude", "surface latitude", "surface lat", "shl lat"),
    "lon": ("long", "longitude", "surface longitude", "surface long", "shl long"),
    "lease_id": ("lease name", "property", "unit"),
    "well_id": ("well name",),
    "partner_id": ("owner", "owner name", "partner name"),
    "vendor_id": ("vendor name", "payee"),
    "production_date": ("date", "prod date", "day"),
    "oil_bbl": ("oil", "bbls oil", "oil production", "bopd"),
    "gas_mcf": ("gas", "mcf", "gas production"),
    "water_bbl": ("water", "bbls water", "water production"),
    "tubing_psig": ("tbg", "tubing pressure", "ftp"),
    "casing_psig": ("csg", "casing pressure"),
    "email": ("e mail", "email address", "mail"),
    "phone": ("telephone", "phone number", "tel", "cell"),
    "notes": ("note", "remarks", "comment", "comments"),
    "description": ("text", "memo"),
    "gross": ("amount", "gross amount", "total"),
    "invoice_no": ("invoice", "invoice number"),
}


def plain(heading: str) -> str:
    """A heading in small letters without signs."""
    return " ".join(re.sub(r"[^a-z0-9]+", " ", heading.lower()).split())


def importable(resource: Resource) -> list[Field]:
    """Fields that a file may tell; the id names a row that is here already."""
    return [
        field
        for field in resource.fields.values()
        if field.name == resource.key or field.settable_on_create or field.editable
    ]


def names_of(resource: Resource, field: Field) -> list[str]:
    """What may stand above a field's column, the surest first."""
    label = f"{field.label} {field.unit}" if field.unit else field.label
    bare = field.name.removesuffix("_id")
    own = [field.name, label, field.label, bare, f"{resource.singular} {field.label}"]
    if field.name == resource.title:
        own.append(resource.singular)
    return list(dict.fromkeys(plain(one) for one in (*own, *SYNONYMS.get(field.name, ()))))


def guess(resource: Resource, header: Sequence[str]) -> dict[int, str]:
    """Column's place -> field, for the columns that can be told; each field at most once.

    The surest names of all fields are tried before the next ones of any.
    """
    places = {plain(heading): place for place, heading in reversed(list(enumerate(header)))}
    known = {field.name: names_of(resource, field) for field in importable(resource)}
    found: dict[int, str] = {}
    for rank in range(max((len(names) for names in known.values()), default=0)):
        for name, names in known.items():
            place = places.get(names[rank]) if rank < len(names) else None
            if place is not None and place not in found and name not in found.values():
                found[place] = name
    return found


def lacking(resource: Resource, mapping: Mapping[int, str]) -> list[Field]:
    """Fields that a new row needs and no column tells."""
    told = set(mapping.values())
    if resource.key in told:
        return []
    return [
        field for field in resource.fields.values() if field.required and field.name not in told
    ]
