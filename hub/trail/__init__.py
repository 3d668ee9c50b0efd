"""The audit trail: who changed what, when and from where; chained so that nothing can be undone.

Triggers append to `audit_log` inside the transaction of the change. A sealer chains the entries of
each organization afterwards, so that writers never wait for one another.
"""

from hub.trail.history import Change, history, note, recent, row_key
from hub.trail.sealer import seal_due

__all__ = ["Change", "history", "note", "recent", "row_key", "seal_due"]
