"""A total is shared out so that nothing is left over and nothing is made."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.shares import CENT, SharingError, split

parts = st.dictionaries(
    st.text("abcdef", min_size=1, max_size=3),
    st.decimals("0", "1000000", places=8),
    min_size=1,
    max_size=12,
).filter(lambda made: any(made.values()))
totals = st.decimals("-1000000", "1000000", places=2)


def test_a_purchasers_run_foots_where_rounding_would_lose_a_cent() -> None:
    """Owners of a Texas run, gross 13,143.18: domain golden values, every column to the cent."""
    deck = {
        "RI-Smith": Decimal("0.12500000"),
        "RI-Jones": Decimal("0.06250000"),
        "ORRI-Geo": Decimal("0.02000000"),
        "WI-Op": Decimal("0.59437500"),
        "WI-PartnerA": Decimal("0.19812500"),
    }
    gross = split(Decimal("13143.18"), deck)
    assert sum(gross.values()) == Decimal("13143.18")
    thirds = {"a": Decimal("0.33333333"), "b": Decimal("0.33333333"), "c": Decimal("0.33333334")}
    assert split(Decimal("100.00"), thirds) == {
        "a": Decimal("33.33"),
        "b": Decimal("33.33"),
        "c": Decimal("33.34"),
    }


@given(totals, parts)
def test_the_shares_sum_to_the_total(total: Decimal, of: dict[str, Decimal]) -> None:
    assert sum(split(total, of).values(), Decimal(0)) == total


@given(totals, parts)
def test_no_share_is_a_step_away_from_its_due(total: Decimal, of: dict[str, Decimal]) -> None:
    whole = sum(of.values(), Decimal(0))
    for key, share in split(total, of).items():
        assert abs(share - total * of[key] / whole) < CENT
        assert share % CENT == 0
        assert share == 0 or of[key] > 0


@given(totals, parts)
def test_a_larger_part_never_gets_less(total: Decimal, of: dict[str, Decimal]) -> None:
    shares = split(abs(total), of)
    ranked = sorted(of, key=lambda key: of[key])
    assert all(shares[a] <= shares[b] for a, b in pairwise(ranked))


def test_what_cannot_be_shared_is_refused_in_a_sentence() -> None:
    with pytest.raises(SharingError, match="every part is zero"):
        split(Decimal(1), {"a": Decimal(0)})
    with pytest.raises(SharingError, match="less than nothing"):
        split(Decimal(1), {"a": Decimal(-1), "b": Decimal(2)})
    with pytest.raises(SharingError, match=r"no multiple of 0\.01"):
        split(Decimal("0.005"), {"a": Decimal(1)})
    assert split(Decimal(0), {"a": Decimal(0)}) == {"a": Decimal(0)}
