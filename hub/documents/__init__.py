"""What is kept as files: stored by content, shown only to who may see them."""

from hub.documents.kinds import UnwelcomeError
from hub.documents.shelf import (
    Details,
    NoDocumentError,
    NotYoursError,
    OldVersionError,
    add_document,
    headers,
    open_document,
)
from hub.documents.store import MissingContentError, StoreError, TooLargeError

__all__ = [
    "Details",
    "MissingContentError",
    "NoDocumentError",
    "NotYoursError",
    "OldVersionError",
    "StoreError",
    "TooLargeError",
    "UnwelcomeError",
    "add_document",
    "headers",
    "open_document",
]
