"""Documents in a store that speaks S3: Amazon's, MinIO, Ceph, Garage and others."""

from __future__ import annotations

import base64
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from typing import Any, BinaryIO, Final, cast

from hub.documents.store import MissingContentError, Stored, StoreError, place_of, take
from hub.settings import DocumentSettings

try:
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError
except ImportError as fault:
    raise StoreError(
        'documents.store is "s3", but its library is not installed: pip install wellflow[s3]'
    ) from fault

IN_MEMORY: Final = 4 << 20  #: bytes of an upload that are held before they go to a temporary file
_GONE: Final = {"NoSuchKey", "404", "NotFound"}


class S3Store:
    """One organization's shelf in a bucket."""

    def __init__(self, settings: DocumentSettings, organization: uuid.UUID) -> None:
        self._client = _client(settings)
        self._bucket = settings.bucket
        self._shelf = "/".join(filter(None, (settings.prefix, str(organization))))

    def put(self, stream: BinaryIO, limit: int) -> Stored:
        """Keep what a stream holds; the store checks that the bytes are those of the digest."""
        with tempfile.SpooledTemporaryFile(IN_MEMORY) as spooled:
            file = cast(BinaryIO, spooled)
            stored = take(stream, file, limit)
            file.seek(0)
            with self._faults():
                self._client.put_object(
                    Bucket=self._bucket,
                    Key=self._key(stored.sha256),
                    Body=file,
                    ContentType="application/octet-stream",
                    ChecksumSHA256=base64.b64encode(bytes.fromhex(stored.sha256)).decode(),
                )
        return stored

    def open(self, sha256: str) -> BinaryIO:
        """The content; see `Store`."""
        with self._faults():
            got = self._client.get_object(Bucket=self._bucket, Key=self._key(sha256))
            return cast(BinaryIO, got["Body"])

    def exists(self, sha256: str) -> bool:
        """Whether the content is there."""
        try:
            with self._faults():
                self._client.head_object(Bucket=self._bucket, Key=self._key(sha256))
        except MissingContentError:
            return False
        return True

    def delete(self, sha256: str) -> None:
        """Remove the content, if it is there."""
        with self._faults():
            self._client.delete_object(Bucket=self._bucket, Key=self._key(sha256))

    def kept(self, before: datetime) -> Iterator[str]:
        """What was put before an instant."""
        with self._faults():
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=f"{self._shelf}/"
            )
            for page in pages:
                for item in page.get("Contents", ()):
                    if item["LastModified"] < before:
                        yield item["Key"].rpartition("/")[2]

    def _key(self, sha256: str) -> str:
        return f"{self._shelf}/{place_of(sha256)}"

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except ClientError as fault:
            code = fault.response.get("Error", {}).get("Code", "")
            if code in _GONE:
                raise MissingContentError(
                    "The content of this document is not in the store."
                ) from fault
            raise StoreError(
                f"The documents' store refuses bucket {self._bucket}: {code}."
            ) from fault
        except BotoCoreError as fault:
            raise StoreError(f"The documents' store does not answer: {fault}") from fault


@lru_cache(maxsize=4)
def _client(settings: DocumentSettings) -> Any:
    """One client per settings: making one takes a tenth of a second, and it may be shared."""
    session = boto3.session.Session()
    return session.client(
        "s3",
        endpoint_url=settings.endpoint_url,
        region_name=settings.region,
        aws_access_key_id=settings.access_key,
        aws_secret_access_key=settings.secret_key,
        config=Config(
            connect_timeout=5,
            read_timeout=30,
            retries={"max_attempts": 3, "mode": "standard"},
            s3={"addressing_style": "path" if settings.endpoint_url else "auto"},
        ),
    )
