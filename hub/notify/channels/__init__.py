"""One file per way of reaching a person; each sends one notification or raises `TransportError`."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hub.errors import HubError
from hub.settings import HubSettings


class TransportError(HubError):
    """A message was not taken; `permanent` when trying again cannot help."""

    def __init__(
        self, message: str, *, permanent: bool = False, retry_after_s: float | None = None
    ) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class Parcel:
    """One notification on its way to one channel."""

    channel_id: uuid.UUID
    address: str
    secret: bytes | None  #: as it stands in the database, sealed
    alert_id: uuid.UUID | None
    kind: str
    idempotency_key: str
    subject: str
    body: Mapping[str, Any]
    link: str  #: the alert in the console


@dataclass(frozen=True, slots=True)
class Taken:
    """What the provider said when it took a message."""

    provider_id: str
    detail: str


#: Sends one notification; raises `TransportError`.
Sender = Callable[[Parcel, HubSettings], Taken]
