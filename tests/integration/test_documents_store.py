"""Content on a real disk and in a store that speaks S3: the same behaviour, crashes included."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from hub.documents.disk import ASIDE, DiskStore
from hub.documents.kinds import UnwelcomeError
from hub.documents.store import (
    MissingContentError,
    Store,
    StoreError,
    TooLargeError,
    probe,
    store_of,
    words_of,
)
from hub.settings import DocumentSettings, load

OURS, THEIRS = (uuid.UUID(int=number) for number in (1, 2))
LIMIT = 1 << 20
NOTE = b"Well shut in at 06:30.\n"
LATER = timedelta(hours=1)


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture(scope="module")
def s3_settings() -> Iterator[DocumentSettings]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    made = DocumentSettings(
        *("s3", Path("/none"), LIMIT, f"http://{host}:{port}", "us-east-1"),
        *("wellflow-documents", "field", "key", "secret"),
    )
    client(made).create_bucket(Bucket=made.bucket)
    yield made
    server.stop()


def client(settings: DocumentSettings) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=settings.endpoint_url,
        region_name=settings.region,
        aws_access_key_id=settings.access_key,
        aws_secret_access_key=settings.secret_key,
    )


@pytest.fixture(params=["disk", "s3"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> DocumentSettings:
    """Settings of either kind of store, empty."""
    shared: DocumentSettings = request.getfixturevalue("s3_settings")
    if request.param == "disk":
        return replace(shared, store="disk", path=tmp_path / "documents")
    return replace(shared, prefix=f"field/{uuid.uuid4()}")


@pytest.fixture
def shelf(settings: DocumentSettings) -> Store:
    return store_of(settings, OURS)


def read(shelf: Store, sha256: str) -> bytes:
    with shelf.open(sha256) as content:
        return content.read()


# ----------------------------------------------------------------------------- either kind


def test_what_is_put_is_found_by_its_content(shelf: Store) -> None:
    stored = shelf.put(io.BytesIO(NOTE), LIMIT)
    assert (stored.sha256, stored.size, stored.media_type) == (
        digest(NOTE),
        len(NOTE),
        "text/plain",
    )
    assert shelf.exists(stored.sha256)
    assert read(shelf, stored.sha256) == NOTE


def test_the_same_content_is_stored_once(shelf: Store) -> None:
    before = datetime.now(UTC) + LATER
    assert shelf.put(io.BytesIO(NOTE), LIMIT) == shelf.put(io.BytesIO(NOTE), LIMIT)
    assert list(shelf.kept(before)) == [digest(NOTE)]


def test_an_operator_neither_reaches_nor_infers_anothers_content(
    settings: DocumentSettings, shelf: Store
) -> None:
    """Not even with the digest in hand; and deleting one's own copy leaves the other's."""
    shelf.put(io.BytesIO(NOTE), LIMIT)
    theirs = store_of(settings, THEIRS)
    assert not theirs.exists(digest(NOTE))
    with pytest.raises(MissingContentError):
        theirs.open(digest(NOTE))
    assert not list(theirs.kept(datetime.now(UTC) + LATER))
    theirs.put(io.BytesIO(NOTE), LIMIT)
    theirs.delete(digest(NOTE))
    assert read(shelf, digest(NOTE)) == NOTE


@pytest.mark.parametrize("asked", ["", "..", "../" * 8 + "etc/passwd", "A" * 64, "0" * 63])
def test_what_is_no_digest_is_nowhere(shelf: Store, asked: str) -> None:
    with pytest.raises(MissingContentError):
        shelf.open(asked)


def test_too_large_is_refused_while_it_comes(shelf: Store) -> None:
    """It is not read to its end: a body without one must not fill the disk."""

    class Endless(io.RawIOBase):
        given = 0

        def read(self, size: int = -1) -> bytes:
            self.given += size
            return b"a" * size

    endless = Endless()
    with pytest.raises(TooLargeError, match="larger than 1 MiB, the most that is taken"):
        shelf.put(endless, LIMIT)  # type: ignore[arg-type]
    assert endless.given <= 3 * LIMIT
    assert not list(shelf.kept(datetime.now(UTC) + LATER))


def test_exactly_the_limit_is_taken(shelf: Store) -> None:
    assert shelf.put(io.BytesIO(b"a" * LIMIT), LIMIT).size == LIMIT


def test_what_is_unwelcome_is_not_kept(shelf: Store) -> None:
    with pytest.raises(UnwelcomeError, match="is a program"):
        shelf.put(io.BytesIO(b"MZ\0\0program"), LIMIT)
    assert not list(shelf.kept(datetime.now(UTC) + LATER))


def test_what_is_deleted_is_gone_and_may_be_deleted_again(shelf: Store) -> None:
    shelf.put(io.BytesIO(NOTE), LIMIT)
    shelf.delete(digest(NOTE))
    shelf.delete(digest(NOTE))
    assert not shelf.exists(digest(NOTE))
    with pytest.raises(MissingContentError, match="not in the store"):
        shelf.open(digest(NOTE))


def test_kept_tells_only_what_is_old_enough(shelf: Store) -> None:
    shelf.put(io.BytesIO(NOTE), LIMIT)
    assert not list(shelf.kept(datetime.now(UTC) - LATER))
    assert list(shelf.kept(datetime.now(UTC) + LATER)) == [digest(NOTE)]


# ------------------------------------------------------------------------------------ disk

CRASH = """
import io, os, sys, uuid
from pathlib import Path
from typing import Any
from hub.documents.disk import DiskStore
setattr(Path, sys.argv[2], lambda *_: os._exit(9))
DiskStore(Path(sys.argv[1]), uuid.UUID(int=1)).put(io.BytesIO(sys.argv[3].encode()), 1 << 20)
"""


def test_a_crash_before_the_rename_leaves_nothing_behind(tmp_path: Path) -> None:
    """Killed when all bytes are written and not yet renamed: not there, swept, and put again."""
    note = NOTE.decode()
    died = subprocess.run([sys.executable, "-c", CRASH, tmp_path, "rename", note], check=False)
    assert died.returncode == 9
    shelf = DiskStore(tmp_path, OURS)
    left = list((tmp_path / str(OURS) / ASIDE).iterdir())
    assert [path.read_bytes() for path in left] == [NOTE]
    assert not shelf.exists(digest(NOTE))
    assert not list(shelf.kept(datetime.now(UTC) + LATER))
    assert not left[0].exists()
    assert shelf.put(io.BytesIO(NOTE), LIMIT).sha256 == digest(NOTE)
    assert read(shelf, digest(NOTE)) == NOTE


def test_bytes_are_on_the_disk_before_they_have_their_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """File, then name, then folder: in any other order a power cut leaves an empty document."""
    seen: list[str] = []
    sync, rename = os.fsync, Path.rename

    def note_sync(handle: int) -> None:
        seen.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file")
        sync(handle)

    def note_rename(path: Path, target: Path) -> Path:
        seen.append("rename")
        return rename(path, target)

    shelf = DiskStore(tmp_path, OURS)
    shelf.put(io.BytesIO(b"the folders are there now\n"), LIMIT)
    monkeypatch.setattr(os, "fsync", note_sync)
    monkeypatch.setattr(Path, "rename", note_rename)
    shelf.put(io.BytesIO(b"the folders are there now\n"), LIMIT)
    assert seen == ["file", "rename", "folder"]


def test_only_the_hub_may_look_into_its_folders(tmp_path: Path) -> None:
    stored = DiskStore(tmp_path / "documents", OURS).put(io.BytesIO(NOTE), LIMIT)
    found = list((tmp_path / "documents").rglob("*"))
    assert {path.name for path in found if path.is_file()} == {stored.sha256}
    assert not [path for path in found if path.stat().st_mode & 0o077]


def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match=r"folder .*file cannot be used: "):
        DiskStore(tmp_path / "file", OURS).put(io.BytesIO(NOTE), LIMIT)


# -------------------------------------------------------------------------------------- s3


def test_what_lies_in_the_bucket(s3_settings: DocumentSettings) -> None:
    shelf = store_of(replace(s3_settings, prefix="seen"), OURS)
    stored = shelf.put(io.BytesIO(NOTE), LIMIT)
    (item,) = client(s3_settings).list_objects_v2(Bucket=s3_settings.bucket, Prefix="seen/")[
        "Contents"
    ]
    name = stored.sha256
    assert item["Key"] == f"seen/{OURS}/{name[:2]}/{name[2:4]}/{name}"


def test_a_bucket_that_is_not_there_is_named(s3_settings: DocumentSettings) -> None:
    shelf = store_of(replace(s3_settings, bucket="elsewhere"), OURS)
    with pytest.raises(StoreError, match="refuses bucket elsewhere: NoSuchBucket"):
        shelf.put(io.BytesIO(NOTE), LIMIT)


def test_a_store_that_is_away_is_said(s3_settings: DocumentSettings) -> None:
    shelf = store_of(replace(s3_settings, endpoint_url="http://127.0.0.1:9"), OURS)
    with pytest.raises(StoreError, match="does not answer"):
        shelf.put(io.BytesIO(NOTE), LIMIT)


# -------------------------------------------------------------------------------- settings

BASE = {
    "WELLFLOW_DATABASE_URL": "postgresql://localhost/x",
    "WELLFLOW_MQTT_URL": "mqtts://localhost",
    "WELLFLOW_SECRET_KEY": "A" * 43 + "=",
}


def test_a_key_of_the_store_comes_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("s3cret\n")
    told = load(
        None,
        BASE
        | {
            "WELLFLOW_DOCUMENTS_STORE": "s3",
            "WELLFLOW_DOCUMENTS_BUCKET": "documents",
            "WELLFLOW_DOCUMENTS_ACCESS_KEY": "hub",
            "WELLFLOW_DOCUMENTS_SECRET_KEY_FILE": str(tmp_path / "key"),
        },
    )
    assert told.documents.secret_key == "s3cret"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"STORE": "s3"}, "documents.bucket: is missing"),
        ({"STORE": "ftp"}, "'ftp' is not one of disk, s3"),
        ({"MAX_BYTES": "12"}, "documents.max_bytes"),
        ({"ACCESS_KEY": "hub"}, "belong together"),
        ({"ENDPOINT_URL": "s3.example.com"}, "must start with http:// or https://"),
        ({"ENDPOINT_URL": "http://s3.example.com"}, "documents.endpoint_url: http:// sends"),
    ],
)
def test_wrong_settings_are_said(wrong: dict[str, str], words: str) -> None:
    environ = {f"WELLFLOW_DOCUMENTS_{name}": text for name, text in wrong.items()}
    with pytest.raises(Exception, match=words):
        load(None, BASE | environ)


def test_sizes_in_words() -> None:
    assert (words_of(50 << 20), words_of(2048)) == ("50 MiB", "2 KiB")


def test_the_check_says_where_documents_go(settings: DocumentSettings, tmp_path: Path) -> None:
    assert probe(settings).startswith(("folder ", "bucket "))
    (tmp_path / "file").write_text("in the way")
    lost = replace(settings, path=tmp_path / "file" / "documents", bucket="elsewhere")
    with pytest.raises(StoreError, match=r"may write to|NoSuchBucket"):
        probe(lost)
