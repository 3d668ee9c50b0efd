"""Seals secrets that must stand in the database: AES-256-GCM, bound to the row they belong to.

A sealed secret is one version byte, four bytes naming the key, a 12-byte nonce and the ciphertext.
The table and row are authenticated with it, so a sealed secret copied to another row does not open.
New secrets are sealed with the installation's key; while that is being replaced, the keys before it
still open what they sealed.
"""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Iterable
from typing import Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hub.errors import HubError

VERSION: Final = b"\x01"
_NONCE: Final = 12
_KEY_ID: Final = 4


class SecretKey(bytes):
    """The installation's key; `former` are those it replaced, which open but no longer seal."""

    former: tuple[bytes, ...]

    def __new__(cls, key: bytes, former: Iterable[bytes] = ()) -> Self:
        """A key of 32 bytes."""
        made = super().__new__(cls, key)
        made.former = tuple(former)
        return made


class SealError(HubError):
    """A sealed secret does not open."""


def seal(key: bytes, secret: bytes, table: str, row: uuid.UUID) -> bytes:
    """Seal a secret for one row; `key` is the installation's 32 bytes."""
    nonce = os.urandom(_NONCE)
    head = VERSION + key_id(key)
    return head + nonce + AESGCM(key).encrypt(nonce, secret, _bound_to(head, table, row))


def unseal(key: bytes, sealed: bytes, table: str, row: uuid.UUID) -> bytes:
    """Open a sealed secret; raises `SealError` for another key, another row, or damage."""
    head, rest = sealed[: 1 + _KEY_ID], sealed[1 + _KEY_ID :]
    if head[:1] != VERSION:
        raise SealError(f"{table} {row}: the sealed secret has a form this version does not know")
    former = key.former if isinstance(key, SecretKey) else ()
    fitting = next((one for one in (key, *former) if head[1:] == key_id(one)), None)
    if fitting is None:
        raise SealError(
            f"{table} {row}: sealed with key {head[1:].hex()}, but secret_key is"
            f" {key_id(key).hex()}; put the former key into former_secret_keys, or enter the secret"
            " again"
        )
    try:
        return AESGCM(fitting).decrypt(rest[:_NONCE], rest[_NONCE:], _bound_to(head, table, row))
    except (InvalidTag, ValueError) as fault:
        raise SealError(
            f"{table} {row}: the sealed secret is damaged or belongs to another row;"
            " enter the secret again"
        ) from fault


def key_id(key: bytes) -> bytes:
    """Four bytes that name a key without telling it."""
    return hashlib.sha256(b"wellflow key id" + key).digest()[:_KEY_ID]


def sealed_with(sealed: bytes) -> bytes:
    """The name of the key that a secret was sealed with."""
    return sealed[1 : 1 + _KEY_ID]


def _bound_to(head: bytes, table: str, row: uuid.UUID) -> bytes:
    return head + f"{table}/{row}".encode()
