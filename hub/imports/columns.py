"""Which column of somebody's spreadsheet is which field: guessed from its heading, or told.

Headings are those seen in operators' own lists and in the production files that agencies publish,
Colorado's among them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from hub.errors import HubError
from hub.imports.units import UNITS, factor


class MappingError(HubError):
    """A file's columns do not tell what is needed; the text says which, and how to tell."""


#: Per kind of file and field: headings in small letters, without signs. Where a field can be told
#: by several columns, the first that is there counts.
HEADINGS: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "wells": {
        "name": ("well name", "well", "name", "wellname", "well name and number", "lease well"),
        "api14": ("api14", "api number", "api no", "api", "api 14", "api 12", "api 10", "api10",
                  "api12", "api uwi", "uwi", "apinumber"),
        "lease": ("lease name", "lease", "property", "property name", "unit", "lease unit"),
        "state": ("state", "st", "state code"),
        "county": ("county", "county name", "parish", "cnty"),
        "site": ("site", "pad", "battery", "pad name", "tank battery"),
        "well_type": ("well type", "type", "welltype"),
        "status": ("status", "well status", "current status", "state of well"),
        "lift_type": ("lift type", "lift", "artificial lift", "lift method"),
        "formation": ("formation", "zone", "reservoir", "producing formation", "target formation"),
        "lat": ("lat", "latitude", "surface latitude", "surface lat", "shl lat", "lat83",
                "latitude wgs84"),
        "lon": ("lon", "long", "longitude", "surface longitude", "surface lon", "surface long",
                "shl long", "long83", "longitude wgs84"),
        "spud_date": ("spud date", "spud", "spudded"),
        "completion_date": ("completion date", "completed", "date completed", "comp date"),
        "first_production": ("first production", "first prod", "first production date",
                             "first prod date", "date of first production"),
        "plug_date": ("plug date", "plugged", "pa date", "p a date"),
        "md_ft": ("md ft", "md", "measured depth", "total depth", "td", "total depth ft"),
        "tvd_ft": ("tvd ft", "tvd", "true vertical depth"),
        "pump_depth_ft": ("pump depth ft", "pump depth", "pump set depth"),
    },
    "production": {
        "date": ("production date", "date", "day", "prod date", "first of month", "month",
                 "report month", "production month", "report date", "prod month"),
        "well": ("well name", "well", "wellname", "name", "well name and number"),
        "api14": ("api14", "api number", "api no", "api", "api 14", "api 12", "api 10", "api10",
                  "api12", "uwi", "apinumber"),
        "year": ("prfyear", "calendar year", "production year", "year"),
        "month": ("prfmonth", "month number"),
        "day_number": (),
        "first_day": (),
        "commodity": ("commodity",),
        "volume": ("volume",),
        "api_county": ("api county", "api county code"),
        "api_sequence": ("api sequence", "api seq", "api sequence num"),
        "api_sidetrack": ("api sidetrack",),
        "formation": ("formation", "zone", "completion", "pool", "formation code"),
        "well_status": ("well status", "status"),
        "oil_bbl": ("oil bbl", "oil produced", "oil", "oil prod", "oil volume", "bbls oil",
                    "oil production", "net oil", "bo", "bopd", "prfprdoilnetmillsm3"),
        "gas_mcf": ("gas mcf", "gas produced", "gas", "gas prod", "gas volume", "mcf",
                    "gas production", "mcfd", "prfprdgasnetbillsm3"),
        "water_bbl": ("water bbl", "water volume", "water", "water prod", "water produced",
                      "bbls water", "bw", "bwpd", "prfprdproducedwaterinfieldmillsm3"),
        "days_produced": ("days produced", "days", "days prod", "days on", "producing days",
                          "prod days"),
        "hours_on": ("hours on", "hours", "hrs", "hrs on", "hours produced", "on hours"),
        "tubing_psig": ("tubing psig", "tubing pressure", "tbg", "tbg psi", "tp", "ftp", "tubing",
                        "gas tubing pressure"),
        "casing_psig": ("casing psig", "casing pressure", "csg", "csg psi", "cp", "casing",
                        "gas casing pressure"),
        "line_psig": ("line psig", "line pressure", "line psi", "sales line pressure"),
        "choke_64ths": ("choke 64ths", "choke", "choke size"),
        "note": ("note", "notes", "remark", "remarks", "comment", "comments"),
    },
    "partners": {
        "code": ("code", "owner no", "owner number", "owner id", "partner code", "ba number",
                 "ba no", "vendor no", "vendor number", "number", "no", "id"),
        "name": ("name", "owner name", "owner", "partner", "partner name", "company",
                 "company name", "vendor name", "vendor", "legal name"),
        "kind": ("kind", "type", "owner type", "entity type"),
        "tax_id": ("tax id", "ein", "ssn", "tin", "taxpayer id", "federal id", "ein ssn"),
        "email": ("email", "e mail", "email address"),
        "phone": ("phone", "telephone", "phone number", "tel"),
        "contact_name": ("contact name", "contact", "attention", "attn"),
        "remit_address": ("remit address", "address", "mailing address", "address 1",
                          "pay address"),
        "city": ("city", "town"),
        "state": ("state", "st"),
        "zip": ("zip", "zip code", "postal code"),
        "billing_address": ("billing address", "bill to"),
        "min_pay": ("min pay", "minimum pay", "minimum payment", "minimum"),
        "pay_method": ("pay method", "payment method"),
        "notes": ("notes", "note", "remarks", "comment", "comments"),
    },
    "owners": {
        "lease": ("lease name", "lease", "property", "property name", "lease no", "property no",
                  "property number", "unit"),
        "partner": ("partner", "owner", "owner name", "owner no", "owner number", "code",
                    "owner code", "partner code", "name"),
        "interest_type": ("interest type", "interest", "type", "int type", "int"),
        "decimal_interest": ("decimal interest", "decimal", "owner decimal", "share", "ownership",
                             "percent"),
        "nri": ("nri", "net revenue interest", "revenue interest", "revenue decimal"),
        "wi": ("wi", "working interest", "gwi", "cost decimal", "billing decimal"),
        "product": ("product", "product code"),
        "deck_kind": ("deck kind", "deck", "deck type", "doi type"),
        "effective_from": ("effective from", "effective", "effective date", "eff date", "from",
                           "start date"),
        "effective_to": ("effective to", "to", "end date", "expires"),
        "pay_status": ("pay status", "pay code", "status"),
        "cost_free": ("cost free", "cost free royalty"),
    },
}  # fmt: skip

#: Per kind, what a file must tell; of each group one will do.
NEEDED: Final[Mapping[str, tuple[tuple[str, ...], ...]]] = {
    "wells": (("name", "api14"),),
    "production": (("date", "year", "day_number"), ("well", "api14", "api_sequence")),
    "partners": (("name",),),
    "owners": (
        ("lease",),
        ("partner",),
        ("decimal_interest", "nri", "wi"),
        ("effective_from",),
    ),
}


#: Columns that make up a well's name together, after the first.
SEVERAL: Final = tuple(f"well_{number}" for number in range(2, 10))


def plain(heading: str) -> str:
    """A heading in small letters, its signs and units' brackets made blanks."""
    return " ".join(re.sub(r"[^a-z0-9]+", " ", heading.lower()).split())


def match(
    kind: str,
    header: Sequence[str],
    told: Iterable[str] = (),
    given: Collection[str] = (),
) -> dict[str, int]:
    """Field -> place of its column; what is told as ``Column=field`` stands before what is guessed.

    ``Column=-`` leaves a column out; several columns told as the well make up its name, the later
    ones as ``well_2`` and so on. What every line is `given` alike needs no column. Raises
    `MappingError` when something needed is not there.
    """
    fields = HEADINGS[kind]
    places, taken = _told(kind, header, told)
    known = [plain(heading) for heading in header]
    for field, names in fields.items():
        if field in places:
            continue
        found = (known.index(name) for name in names if name in known)
        place = next((place for place in found if place not in taken), None)
        if place is not None:
            places[field] = place
            taken.add(place)
    _require(kind, header, {*places, *given})
    return places


def fixed(kind: str, told: Iterable[str]) -> dict[str, str]:
    """What every line has alike, told as ``field=value``; raises `MappingError`."""
    found = {}
    for pair in told:
        field, mark, value = pair.partition("=")
        if not mark or field not in HEADINGS[kind] or not value.strip():
            raise MappingError(
                f"--set {pair!r} does not tell a field; write field=value. The fields are "
                f"{', '.join(HEADINGS[kind])}"
            )
        found[field] = value.strip()
    return found


def units(header: Sequence[str], places: Mapping[str, int], told: Iterable[str]) -> dict[str, str]:
    """Field -> unit of its column, where told as ``Column=field:unit`` or known of its heading."""
    found = {
        field: UNITS_OF[plain(header[place])]
        for field, place in places.items()
        if plain(header[place]) in UNITS_OF
    }
    for pair in told:
        field, mark, unit = pair.rpartition("=")[2].partition(":")
        if mark and factor(field, unit) is None:
            known = [one for one in UNITS if factor(field, one) is not None]
            raise MappingError(
                f"--map {pair!r}: {unit!r} is no unit of {field}; "
                + (f"they are {', '.join(known)}" if known else "it has none")
            )
        if mark:
            found[field] = unit
    return found


#: Headings that name their unit: the Norwegian Offshore Directorate's.
UNITS_OF: Final = {
    "prfprdoilnetmillsm3": "mill_sm3",
    "prfprdgasnetbillsm3": "bill_sm3",
    "prfprdproducedwaterinfieldmillsm3": "mill_sm3",
}


def _told(kind: str, header: Sequence[str], told: Iterable[str]) -> tuple[dict[str, int], set[int]]:
    places: dict[str, int] = {}
    taken: set[int] = set()
    known = [plain(heading) for heading in header]
    for pair in told:
        heading, mark, field = pair.rpartition("=")
        if not mark or plain(heading) not in known:
            raise MappingError(
                f"--map {pair!r} does not name a column; write Column=field. The columns are "
                f"{', '.join(header)}"
            )
        field = field.partition(":")[0]
        if field not in {*HEADINGS[kind], "-"}:
            raise MappingError(
                f"--map {pair!r}: {field!r} is not a field; they are {', '.join(HEADINGS[kind])}"
            )
        place = known.index(plain(heading))
        taken.add(place)
        if field == "well" and field in places:
            field = next(name for name in SEVERAL if name not in places)
        if field != "-":
            places[field] = place
    return places, taken


def _require(kind: str, header: Sequence[str], places: Collection[str]) -> None:
    for group in NEEDED[kind]:
        if not any(field in places for field in group):
            raise MappingError(
                f"No column tells the {' or '.join(group)}. The columns are "
                f"{', '.join(heading for heading in header if heading) or 'none'}; tell which one "
                f"it is with --map Column={group[0]}"
            )
