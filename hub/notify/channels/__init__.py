"""One file per way of reaching a person; each sends one notification or raises `TransportError`."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from hub import seal
from hub.errors import HubError
from hub.settings import HubSettings

#: After these nobody knows whether the message was taken.
UNKNOWN: Final = frozenset({"timeout", "broken off"})


def plain(words: str) -> str:
    """What others said, as a database can hold it: no NUL, no half of a character.

    Whatever could not be recorded would be sent again for ever.
    """
    return words.replace("\0", "").encode("utf-8", "replace").decode()


class TransportError(HubError):
    """A message was not taken; `permanent` when trying this address again cannot help.

    `error` names the kind of failure. `at_provider` says that the fault lies with the provider and
    not with the recipient: another provider of the same kind may do better.
    """

    def __init__(
        self,
        message: str,
        *,
        permanent: bool = False,
        retry_after_s: float | None = None,
        error: str = "refused",
        at_provider: bool = False,
    ) -> None:
        super().__init__(plain(message))
        self.permanent = permanent
        self.retry_after_s = retry_after_s
        self.error = plain(error)
        self.at_provider = at_provider

    @property
    def unknown(self) -> bool:
        """Whether the message may have been taken all the same."""
        return self.error in UNKNOWN


class GoneError(TransportError):
    """The address has ceased to be; its channel is taken away, not only marked broken."""

    def __init__(self, message: str) -> None:
        super().__init__(message, permanent=True, error="gone")


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
    answer: str | None = None  #: where the person answers without signing in
    code: str | None = None  #: four digits to answer by SMS
    token: str = ""  #: the secret in `answer`, also in the addresses of receipts
    provider: str = ""  #: which of several providers is to take it
    attempt: int = 1
    is_test: bool = False

    def unsealed(self, settings: HubSettings) -> bytes:
        """The channel's secret in the clear; raises `TransportError` when there is none."""
        if self.secret is None:
            raise TransportError("the channel has lost its secret; add it again", permanent=True)
        try:
            return seal.unseal(
                settings.secret_key, self.secret, "contact_channels", self.channel_id
            )
        except seal.SealError as fault:
            raise TransportError(str(fault), error="seal") from fault


@dataclass(frozen=True, slots=True)
class Taken:
    """What the provider said when it took a message."""

    provider_id: str
    detail: str
    receipt_within: timedelta | None = None  #: without a receipt by then it counts as failed

    def __post_init__(self) -> None:
        for name in ("provider_id", "detail"):
            object.__setattr__(self, name, plain(getattr(self, name)))


#: Sends one notification; raises `TransportError`.
Sender = Callable[[Parcel, HubSettings], Taken]
