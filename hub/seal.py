"""Seals secrets that must stand in the database: AES-256-GCM, bound to the row they belong to.

A sealed secret is one version byte, four bytes naming the key, a 12-byte nonce and the ciphertext.
The table and row are authenticated with it, so a sealed secret copied to another row does not open.
"""

from __future__ import annotations

import hashlib
import os
import uuid
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hub.errors import HubError

VERSION: Final = b"\x01"
_NONCE: Final = 12
_KEY_ID: Final = 4


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
    if head[1:] != key_id(key):
        raise SealError(
            f"{table} {row}: sealed with key {head[1:].hex()}, but secret_key is"
            f" {key_id(key).hex()}; put the former key back, or enter the secret again"
        )
    try:
        return AESGCM(key).decrypt(rest[:_NONCE], rest[_NONCE:], _bound_to(head, table, row))
    except (InvalidTag, ValueError) as fault:
        raise SealError(
            f"{table} {row}: the sealed secret is damaged or belongs to another row;"
            " enter the secret again"
        ) from fault


def key_id(key: bytes) -> bytes:
    """Four bytes that name a key without telling it."""
    return hashlib.sha256(b"wellflow key id" + key).digest()[:_KEY_ID]


def _bound_to(head: bytes, table: str, row: uuid.UUID) -> bytes:
    return head + f"{table}/{row}".encode()
