"""Mosquitto's password file: what it says, who may read it, and who writes at the same time."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from hub.broker_accounts import AccountsError, hashed, names, new_password, remove, set_password


def test_a_password_is_kept_as_mosquitto_keeps_it() -> None:
    salt = bytes.fromhex("000102030405060708090a0b")
    scheme, rounds, kept_salt, digest = hashed("derrick", salt).split("$")[1:]
    assert (scheme, rounds, kept_salt) == ("7", "101", "AAECAwQFBgcICQoL")
    assert len(digest) == 88
    assert hashed("derrick") != hashed("derrick")


def test_accounts_are_added_changed_and_removed(tmp_path: Path) -> None:
    file = tmp_path / "accounts"
    assert names(file) == []
    set_password(file, "hub", "one")
    set_password(file, "pad-1", "two")
    before = file.read_text()
    set_password(file, "pad-1", "three")
    assert names(file) == ["hub", "pad-1"]
    assert before.splitlines()[0] == file.read_text().splitlines()[0]
    assert before != file.read_text()
    assert remove(file, "pad-1")
    assert not remove(file, "pad-1")
    assert names(file) == ["hub"]


def test_the_file_is_nobody_elses_unless_it_was_opened_on_purpose(tmp_path: Path) -> None:
    file = tmp_path / "accounts"
    set_password(file, "hub", "one")
    assert file.stat().st_mode & 0o777 == 0o600
    file.chmod(0o640)
    set_password(file, "pad-1", "two")
    assert file.stat().st_mode & 0o777 == 0o640


def test_two_who_add_at_the_same_time_lose_nothing(tmp_path: Path) -> None:
    file = tmp_path / "accounts"
    threads = [
        threading.Thread(target=set_password, args=(file, f"pad-{n}", new_password()))
        for n in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(names(file)) == sorted(f"pad-{n}" for n in range(12))


@pytest.mark.parametrize("name", ["", "a:b", "a\nb", "-x", "x" * 64])
def test_what_would_break_the_file_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(AccountsError, match="cannot be an account"):
        set_password(tmp_path / "accounts", name, "p")


def test_a_file_that_cannot_be_read_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "accounts").write_bytes(b"\xff\xfe")
    with pytest.raises(AccountsError, match="cannot be read"):
        names(tmp_path / "accounts")


def test_passwords_are_long_and_differ() -> None:
    assert len({new_password() for _ in range(50)}) == 50
    assert min(len(new_password()) for _ in range(50)) >= 32
