"""PINs of people who enter at a site: kept as a slow hash, in the hub and in the signed list.

scrypt takes 8 MiB and some tens of milliseconds for each try, which a box at a site can spare and
somebody who tries a million PINs cannot; the list itself is known to the hub and that site only.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import re
from itertools import pairwise
from typing import Final

from agent.contract.errors import ContractError

N, R, P = 2**13, 8, 2
_MEMORY: Final = 32 * 1024 * 1024
SHORTEST, LONGEST = 6, 12


class PinError(ContractError):
    """A PIN that cannot be used; the text is one sentence."""


def hash_pin(pin: str, salt: bytes | None = None) -> str:
    """What is kept of a PIN; raises `PinError` where it is too simple."""
    _check(pin)
    salt = os.urandom(16) if salt is None else salt
    made = hashlib.scrypt(pin.encode(), salt=salt, n=N, r=R, p=P, maxmem=_MEMORY, dklen=32)
    texts = (base64.b64encode(part).decode() for part in (salt, made))
    return f"scrypt${N}${R}${P}$" + "$".join(texts)


def fits(pin: str, kept: str) -> bool:
    """Whether a PIN is the one that was kept; False for anything that is no such text."""
    try:
        kind, n, r, p, salt, made = kept.split("$")
        if kind != "scrypt" or not pin.isdigit() or len(pin) > LONGEST:
            return False
        tried = hashlib.scrypt(
            pin.encode(),
            salt=base64.b64decode(salt, validate=True),
            n=int(n),
            r=int(r),
            p=int(p),
            maxmem=_MEMORY,
            dklen=32,
        )
        return hmac.compare_digest(tried, base64.b64decode(made, validate=True))
    except (ValueError, binascii.Error, OverflowError):
        return False


def _check(pin: str) -> None:
    if not re.fullmatch(rf"[0-9]{{{SHORTEST},{LONGEST}}}", pin):
        raise PinError(f"A PIN has {SHORTEST} to {LONGEST} digits and nothing else.")
    steps = {(int(b) - int(a)) % 10 for a, b in pairwise(pin)}
    if len(steps) == 1 and steps <= {0, 1, 9}:
        raise PinError("This PIN is the first that anybody tries; choose another.")
