"""SQLite store-and-forward: everything read is kept here until the hub has it in its database.

`file.py` opens (and if it must, rescues) the file; `intake.py` stages readings and freezes them
into blocks; `outgoing.py` cuts messages and takes receipts; `space.py` holds the size within its
bound; `store.py` is all of it in one class.
"""

from agent.outbox.base import StreamInfo
from agent.outbox.file import Limits, OutboxError
from agent.outbox.store import Outbox, Status

__all__ = ["Limits", "Outbox", "OutboxError", "Status", "StreamInfo"]
