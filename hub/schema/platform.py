"""Beside the trade's own tables: the audit trail, routes, keys, saved views, feature flags."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any, ClassVar

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Identity,
    Index,
    LargeBinary,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from hub.schema.base import Authored, Base, Keyed, Owned, about, of_organization, one_of, within
from hub.schema.tenancy import ROLES

#: What the trail can say was done: the first three by trigger, the others by `note_in_trail`.
TRAIL_VERBS = (
    *("insert", "update", "delete"),
    *("reveal", "export", "import", "download", "approve", "sign_in", "sign_out", "note"),
)
#: A spreadsheet is read, tried (all of it taken back), then stored.
IMPORT_STATES = ("read", "trying", "storing", "tried", "stored", "failed")
#: What an API key may do. "read:wells" or "write:wells" narrows it to one table.
SCOPES = ("read", "write")


class AuditEntry(Base):
    """One change of one row, or one act worth keeping: appended in its transaction, never changed.

    Without an organization it is about the installation or about a person as such. No foreign keys:
    an entry outlives what it tells of, and writing it must hold nothing up.
    """

    __tablename__ = "audit_log"
    TITLE: ClassVar[str] = "table_name"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    organization_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("The operator whose row it is; empty for the installation's own.")
    )
    table_name: Mapped[str] = mapped_column(info=about("The table."))
    row_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("The row; a number stands in its last twelve digits.")
    )
    verb: Mapped[str] = mapped_column(info=about("What was done.", choices=TRAIL_VERBS))
    before: Mapped[dict[str, Any] | None] = mapped_column(
        info=about("What was there: the changed columns, or the deleted row.")
    )
    after: Mapped[dict[str, Any] | None] = mapped_column(
        info=about("What came: the changed columns, or the new row.")
    )
    at: Mapped[datetime] = mapped_column(
        server_default=text("now()"), info=about("When its transaction began.")
    )
    user_id: Mapped[uuid.UUID | None] = mapped_column(info=about("Who did it; empty for jobs."))
    door: Mapped[str] = mapped_column(
        server_default="", info=about("Where it came in: console, api, import, command line, …")
    )
    address: Mapped[str] = mapped_column(
        server_default="", info=about("Network address the request came from.")
    )
    xid: Mapped[int] = mapped_column(
        BigInteger,
        server_default=text("((pg_current_xact_id())::text)::bigint"),
        info=about("Its transaction; an entry is sealed once that has ended."),
    )
    __table_args__ = (
        CheckConstraint(one_of("verb", *TRAIL_VERBS), name="verb"),
        Index("audit_log_row_id_id_idx", "row_id", "id"),
        Index("audit_log_organization_id_id_idx", "organization_id", "id"),
        Index("audit_log_xid_idx", "xid"),
    )


class AuditSeal(Base):
    """One link of an organization's chain: the hash of an entry and of all sealed before it.

    Apart from the entries, because they are written at once and chained seconds later; and without
    a reference to them, because a seal must outlive its entry to tell that it is missing.
    """

    __tablename__ = "audit_seals"
    TITLE: ClassVar[str] = "number"

    entry_id: Mapped[int] = mapped_column(
        BigInteger, primary_key=True, autoincrement=False, info=about("The entry it seals.")
    )
    organization_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("Whose chain; empty for the installation's own.")
    )
    number: Mapped[int] = mapped_column(BigInteger, info=about("Place in the chain: 1, 2, 3 …"))
    hash: Mapped[bytes] = mapped_column(
        LargeBinary, info=about("SHA-256 of the hash before it and the entry's canonical JSON.")
    )
    sealed_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    __table_args__ = (
        UniqueConstraint("organization_id", "number", postgresql_nulls_not_distinct=True),
        CheckConstraint("number > 0", name="number"),
        CheckConstraint("octet_length(hash) = 32", name="hash"),
    )


class AuditProgress(Base):
    """How far the sealer has come; no evidence: without it the next pass looks at everything."""

    __tablename__ = "audit_progress"
    TITLE: ClassVar[str] = "xid"

    one: Mapped[bool] = mapped_column(primary_key=True, server_default="true")
    xid: Mapped[int] = mapped_column(
        BigInteger, info=about("Every entry of an earlier transaction is sealed.")
    )
    __table_args__ = (CheckConstraint("one", name="one"),)


class LeaseAssignment(Base, Keyed, Owned, Authored):
    """A lease on somebody's route: a pumper sees only what is assigned, the others see all."""

    __tablename__ = "lease_assignments"
    TITLE: ClassVar[str] = "from_day"
    GROUP: ClassVar[str] = "Company"
    LISTED: ClassVar[tuple[str, ...]] = ("membership_id", "lease_id", "from_day", "to_day")

    membership_id: Mapped[uuid.UUID] = mapped_column(
        info=about("Who looks after the lease.", label="Person")
    )
    lease_id: Mapped[uuid.UUID] = mapped_column(
        info=about("The lease on the route.", label="Lease")
    )
    from_day: Mapped[date] = mapped_column(
        server_default=text("CURRENT_DATE"), info=about("First day.")
    )
    to_day: Mapped[date | None] = mapped_column(
        info=about("Last day; empty for as long as it goes.")
    )
    __table_args__ = (
        of_organization(),
        within("membership_id", table="memberships"),
        within("lease_id", table="leases"),
        UniqueConstraint("organization_id", "id"),
        UniqueConstraint("organization_id", "membership_id", "lease_id", "from_day"),
        Index("lease_assignments_lease_id_idx", "organization_id", "lease_id"),
        CheckConstraint("to_day >= from_day", name="to_day"),
    )


class ApiKey(Base, Keyed, Owned, Authored):
    """A program's way in: acts with one role for one organization, as far as its scopes reach."""

    __tablename__ = "api_keys"

    name: Mapped[str] = mapped_column(info=about("What uses it: the accounts, a spreadsheet …"))
    prefix: Mapped[str] = mapped_column(
        info=about("First part of the key, by which it is found and named.")
    )
    secret_hash: Mapped[bytes] = mapped_column(
        LargeBinary,
        deferred=True,
        info=about("SHA-256 of the whole key; the key itself is shown once."),
    )
    scopes: Mapped[list[str]] = mapped_column(
        ARRAY(Text), info=about("read, write, or read:wells and the like for one table.")
    )
    role: Mapped[str] = mapped_column(
        info=about("What it may see and do, like a person of that role.", choices=ROLES)
    )
    expires_at: Mapped[datetime | None] = mapped_column(info=about("When it stops working."))
    last_used_at: Mapped[datetime | None] = mapped_column(info=about("When it was last used."))
    revoked_at: Mapped[datetime | None] = mapped_column(info=about("When it was ended."))
    __table_args__ = (
        of_organization(),
        UniqueConstraint("organization_id", "id"),
        UniqueConstraint("organization_id", "prefix"),
        Index("api_keys_prefix_idx", "prefix"),
        CheckConstraint("name <> ''", name="name"),
        CheckConstraint("prefix ~ '^[a-z0-9]{8}$'", name="prefix"),
        CheckConstraint("octet_length(secret_hash) = 32", name="secret_hash"),
        CheckConstraint(
            "cardinality(scopes) > 0 AND array_to_string(scopes, ' ', '-')"
            " ~ '^((read|write)(:[a-z_]+)?( |$))+$'",
            name="scopes",
        ),
        CheckConstraint(one_of("role", *ROLES), name="role"),
    )


class IdempotencyKey(Base, Owned):
    """A change asked for once by a program, and what it was answered: a repeat changes nothing."""

    __tablename__ = "idempotency_keys"
    TITLE: ClassVar[str] = "key"

    organization_id: Mapped[uuid.UUID] = mapped_column(
        primary_key=True, info=about("The operator this row belongs to."), sort_order=-1
    )
    key: Mapped[str] = mapped_column(
        primary_key=True, info=about("Who asked, and the Idempotency-Key sent along.")
    )
    method: Mapped[str] = mapped_column(info=about("POST, PATCH …"))
    path: Mapped[str] = mapped_column(info=about("What was asked for."))
    body_hash: Mapped[bytes] = mapped_column(LargeBinary, info=about("SHA-256 of what was sent."))
    status: Mapped[int | None] = mapped_column(
        SmallInteger, info=about("Answered with; empty while it is being done.")
    )
    headers: Mapped[dict[str, Any] | None] = mapped_column(info=about("… these headers"))
    response: Mapped[str | None] = mapped_column(info=about("… and this body."))
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    __table_args__ = (
        of_organization(),
        CheckConstraint("length(key) BETWEEN 1 AND 300", name="key"),
        Index("idempotency_keys_created_at_idx", "created_at"),
    )


class SavedView(Base, Keyed, Owned, Authored):
    """A list as somebody left it: filters, order and search under a name."""

    __tablename__ = "saved_views"

    user_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("Whose it is; empty when everybody may use it.")
    )
    table_name: Mapped[str] = mapped_column(info=about("The table it lists."))
    name: Mapped[str] = mapped_column(info=about("What it is called."))
    query: Mapped[str] = mapped_column(
        server_default="", info=about("As in the address: status=producing&sort=-name.")
    )
    __table_args__ = (
        of_organization(),
        within("user_id", table="memberships", key="user_id"),
        UniqueConstraint("organization_id", "id"),
        UniqueConstraint(
            "organization_id",
            "table_name",
            "user_id",
            "name",
            postgresql_nulls_not_distinct=True,
        ),
        CheckConstraint("length(name) BETWEEN 1 AND 80", name="name"),
        CheckConstraint("length(query) <= 4000", name="query"),
    )


class ImportFile(Base, Keyed, Owned):
    """A spreadsheet on its way into a table, for an hour: its lines, its columns, how far it is.

    In the database because several web processes serve one console, and whichever is asked must
    know it. Its lines are sealed like a secret: they may be bank accounts.
    """

    __tablename__ = "import_files"

    user_id: Mapped[uuid.UUID] = mapped_column(info=about("Who sent it; nobody else finds it."))
    table_name: Mapped[str] = mapped_column(info=about("The table it is for."))
    name: Mapped[str] = mapped_column(info=about("Its name."))
    header: Mapped[list[str]] = mapped_column(JSONB, info=about("The headings of its columns."))
    content: Mapped[bytes] = mapped_column(
        LargeBinary, deferred=True, info=about("Its lines, packed and sealed.")
    )
    lines: Mapped[int] = mapped_column(info=about("Lines below the head."))
    mapping: Mapped[dict[str, Any]] = mapped_column(
        server_default=text("'{}'::jsonb"), info=about("Place of a column, and its field.")
    )
    state: Mapped[str] = mapped_column(
        server_default="read", info=about("How far it is.", choices=IMPORT_STATES)
    )
    done: Mapped[int] = mapped_column(server_default="0", info=about("Lines that are done."))
    report: Mapped[dict[str, Any] | None] = mapped_column(info=about("What came of it."))
    fault: Mapped[str] = mapped_column(server_default="", info=about("Why it failed, if it did."))
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    seen_at: Mapped[datetime] = mapped_column(
        server_default=text("now()"), info=about("When whoever works on it last said so.")
    )
    __table_args__ = (
        of_organization(),
        UniqueConstraint("organization_id", "id"),
        CheckConstraint(one_of("state", *IMPORT_STATES), name="state"),
        CheckConstraint("length(name) BETWEEN 1 AND 120", name="name"),
        CheckConstraint("done >= 0", name="done"),
        Index("import_files_created_at_idx", "created_at"),
    )


class FeatureFlag(Base, Keyed, Owned, Authored):
    """Whether an organization uses a feature yet; without a row the feature's own default holds."""

    __tablename__ = "feature_flags"
    TITLE: ClassVar[str] = "feature"

    feature: Mapped[str] = mapped_column(info=about("Its name; `wellflow-hub flag list`."))
    enabled: Mapped[bool] = mapped_column(server_default="false", default=False)
    percent: Mapped[int | None] = mapped_column(
        SmallInteger, info=about("Only for this share of its people; empty for all.", unit="%")
    )
    note: Mapped[str] = mapped_column(server_default="", default="", info=about("Why."))
    __table_args__ = (
        of_organization(),
        UniqueConstraint("organization_id", "id"),
        UniqueConstraint("organization_id", "feature"),
        CheckConstraint("feature ~ '^[a-z][a-z_]{1,40}$'", name="feature"),
        CheckConstraint("percent BETWEEN 0 AND 100", name="percent"),
    )
