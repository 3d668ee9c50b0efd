"""Sealed secrets open with their key, for their row, undamaged; and not otherwise."""

from __future__ import annotations

import uuid

import pytest

from hub.seal import SealError, key_id, seal, unseal

KEY, OTHER = bytes(range(32)), bytes(32)
ROW = uuid.UUID(int=1)


def test_it_works() -> None:
    sealed = seal(KEY, b"whsec", "contact_channels", ROW)
    assert b"whsec" not in sealed
    assert unseal(KEY, sealed, "contact_channels", ROW) == b"whsec"


def test_the_same_secret_never_looks_the_same() -> None:
    assert seal(KEY, b"s", "t", ROW) != seal(KEY, b"s", "t", ROW)


def test_another_key_is_named() -> None:
    sealed = seal(KEY, b"whsec", "contact_channels", ROW)
    with pytest.raises(SealError, match=f"sealed with key {key_id(KEY).hex()}, but secret_key"):
        unseal(OTHER, sealed, "contact_channels", ROW)


@pytest.mark.parametrize(("table", "row"), [("users", ROW), ("contact_channels", uuid.UUID(int=2))])
def test_it_does_not_open_for_another_row(table: str, row: uuid.UUID) -> None:
    sealed = seal(KEY, b"whsec", "contact_channels", ROW)
    with pytest.raises(SealError, match="damaged or belongs to another row"):
        unseal(KEY, sealed, table, row)


@pytest.mark.parametrize("place", [5, 20, -1])
def test_damage_is_noticed(place: int) -> None:
    sealed = bytearray(seal(KEY, b"whsec", "contact_channels", ROW))
    sealed[place] ^= 1
    with pytest.raises(SealError, match="damaged"):
        unseal(KEY, bytes(sealed), "contact_channels", ROW)


@pytest.mark.parametrize("sealed", [b"", b"\x02" + bytes(40)])
def test_an_unknown_form_is_named(sealed: bytes) -> None:
    with pytest.raises(SealError, match="a form this version does not know"):
        unseal(KEY, sealed, "contact_channels", ROW)


def test_a_short_one_is_damaged() -> None:
    with pytest.raises(SealError, match="damaged"):
        unseal(KEY, seal(KEY, b"x", "t", ROW)[:8], "t", ROW)
