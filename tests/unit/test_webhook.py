"""Where webhooks may go, how they are signed, how long to wait before another try."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from hub.notify import pinned, receipts
from hub.notify.channels import TransportError
from hub.notify.channels.webhook import signature
from hub.notify.delivery import retry_delay_s
from hub.notify.pinned import check_url, is_public, resolve


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1"),
        *("0.0.0.0", "255.255.255.255", "224.0.0.1", "240.0.0.1", "192.0.2.1", "198.18.0.1"),
        *("::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1", "2001:db8::1"),
        *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:7f00:1::", "2001::1"),
        *("::127.0.0.1", "::ffff:0:10.0.0.1", "64:ff9b:1::a00:1", "fec0::1"),
    ],
)
def test_an_address_that_is_not_of_the_public_internet(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_an_address_of_the_public_internet(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        *("http://example.com/hook", "ftp://example.com", "https://", "hook", "https://x:99999/"),
        *("https://user:pw@example.com/", "https://example.com:0/", "file:///etc/passwd"),
    ],
)
def test_what_is_not_an_address_to_post_to(address: str) -> None:
    with pytest.raises(TransportError) as caught:
        check_url(address, allow_private=False)
    assert caught.value.permanent


def test_plain_http_is_for_tests_of_ones_own_network() -> None:
    assert check_url("http://127.0.0.1:8000/hook", allow_private=True).port == 8000


def test_a_name_of_our_own_network_is_refused() -> None:
    url = check_url("https://localhost/hook", allow_private=False)
    with pytest.raises(TransportError, match=r"localhost is \S+, an address of a private network"):
        resolve(url, allow_private=False)


def test_a_number_that_means_an_address_is_seen_through() -> None:
    url = check_url("https://2130706433/hook", allow_private=False)
    with pytest.raises(TransportError, match="private network"):
        resolve(url, allow_private=False)


def test_a_name_that_does_not_exist_may_exist_later() -> None:
    url = check_url("https://no-such-host.invalid/", allow_private=False)
    with pytest.raises(TransportError) as caught:
        resolve(url, allow_private=False)
    assert not caught.value.permanent


def test_the_signature_covers_time_and_body() -> None:
    """Computed with: printf '1700000000.{}' | openssl dgst -sha256 -hmac key."""
    assert signature(b"key", 1_700_000_000, b"{}") == (
        "t=1700000000,v1=9d713ed406bb7076d4123f0dc2c39d2df5c654ed4b0cd56b52c8b4c940bd63ae"
    )


def test_what_a_server_says_of_waiting_is_a_number_or_nothing() -> None:
    said = ("7", " 9 ", "9" * 400, "²", "soon", "-1", None)
    assert [pinned.seconds(word) for word in said] == [7, 9, 600, None, None, None, None]
    assert [receipts._code(word) for word in ("failed 30006", "failed ²", None)] == [30006, 0, 0]


def test_waiting_grows_from_five_seconds_to_ten_minutes() -> None:
    waits = [retry_delay_s(attempt) for attempt in range(1, 200)]
    assert 4 <= waits[0] <= 6
    assert 8 <= waits[1] <= 12
    assert all(480 <= wait <= 600 for wait in waits[8:])


def test_a_receiver_may_ask_for_more_time() -> None:
    assert retry_delay_s(1, 120) == 120


def test_the_receiver_of_the_documentation_accepts_what_we_sign() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "notifications.md").read_text("utf-8")
    code = page.split("```python\n")[1].split("```")[0]
    room: dict[str, Any] = {}
    exec(code, room)
    now = int(time.time())
    assert room["is_ours"](signature(b"key", now, b"{}"), b"{}", b"key")
    assert not room["is_ours"](signature(b"key", now, b"{}"), b"{ }", b"key")
    assert not room["is_ours"](signature(b"key", now - 600, b"{}"), b"{}", b"key")
