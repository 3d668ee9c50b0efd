"""Puts sealed bytes in place of secrets, and what may be known of them beside them."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any, Final

from hub import seal
from hub.register.errors import Refused
from hub.register.fields import Resource

#: Shown of a secret: its last characters.
SHOWN: Final = 4


def last_shown(resource: Resource, name: str) -> str | None:
    """The field that keeps the last four characters of a sealed one, where the table has it."""
    found = f"{name.removesuffix('_enc').removesuffix('_sealed')}_last4"
    return found if found in resource.fields else None


def sealed(
    resource: Resource, given: Mapping[str, Any], key: Any, secret_key: bytes | None
) -> dict[str, Any]:
    """The values as the table keeps them; raises `Refused` where there is no key to seal with."""
    kept = dict(given)
    for name, value in given.items():
        field = resource.fields.get(name)
        if field is None or not field.sealed:
            continue
        if (last := last_shown(resource, name)) is not None:
            kept[last] = value[-SHOWN:] if value else None
        if value is not None:
            if secret_key is None:
                raise Refused({name: f"{field.label} cannot be kept here: no key seals it."})
            kept[name] = seal.seal(secret_key, value.encode(), resource.name, key)
    if resource.name == "bank_accounts":
        kept |= _fingerprint(given, secret_key)
    return kept


def _fingerprint(given: Mapping[str, Any], secret_key: bytes | None) -> dict[str, bytes]:
    """A keyed digest of a bank's and an account's number, by which the same one is known again."""
    number, routing = given.get("account_enc"), given.get("routing")
    if (number is None) != (routing is None):
        lacking = "routing" if routing is None else "account_enc"
        raise Refused({lacking: "Give the routing and the account number together."})
    if number is None or secret_key is None:
        return {}
    told = f"wellflow bank account {routing}/{number}".encode()
    return {"fingerprint": hmac.digest(secret_key, told, "sha256")}
