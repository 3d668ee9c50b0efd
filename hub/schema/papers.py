"""Papers: documents with what they are about, and the contracts the operator is bound by."""

from __future__ import annotations

import uuid
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Computed,
    Index,
    LargeBinary,
    Numeric,
    SmallInteger,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from hub.schema.amounts import Money, Price, search_text
from hub.schema.base import (
    Authored,
    Base,
    Keyed,
    Owned,
    about,
    of_organization,
    one_of,
    part_of,
    within,
)

DOCUMENT_KINDS = (
    *("lease", "contract", "division_order", "joa", "afe", "permit", "run_ticket_photo"),
    *("gauge_sheet", "jib_pdf", "check_stub", "w9", "strap_table", "sds", "photo", "report"),
    "other",
)
#: Tables whose rows documents can be attached to.
LINKED_TABLES = (
    *("leases", "wells", "equipment", "facilities", "completions", "tanks", "production_records"),
    *("well_tests", "run_tickets", "tank_gauges", "tank_strap_tables", "downtime_events"),
    *("partners", "ownership_decks", "lease_partners", "jib_statements", "compliance_reports"),
    *("maintenance_records", "incidents", "alerts", "permits", "tax_records", "expenses", "afes"),
    *("revenue_distributions", "bank_accounts", "forecasts", "benchmarks", "contracts"),
)
CONTRACT_TYPES = (
    *("mineral_lease", "joa", "copas_exhibit", "farmout", "unit_agreement", "surface_use", "row"),
    *("msa", "service_order", "pumper", "purchase_oil", "gathering_processing_gas"),
    *("saltwater_disposal", "equipment_rental", "insurance", "bond", "other"),
)
CONTRACT_STATUSES = ("draft", "active", "expired", "terminated")

Percent = Numeric(7, 4)


class Document(Base, Keyed, Owned, Authored):
    """A file kept by its content: what is stored is named by its SHA-256 and never changed."""

    __tablename__ = "documents"
    TITLE: ClassVar[str] = "title"
    GROUP: ClassVar[str] = "Compliance"
    LISTED: ClassVar[tuple[str, ...]] = (
        *("title", "kind", "file_name", "size_bytes", "version", "legal_hold", "retention_until"),
        "created_at",
    )
    SEARCHED: ClassVar[tuple[str, ...]] = ("title", "file_name", "note")
    FACETS: ClassVar[tuple[str, ...]] = ("kind", "media_type", "legal_hold")

    title: Mapped[str] = mapped_column(info=about("What it is, in a few words."))
    kind: Mapped[str] = mapped_column(
        server_default="other", default="other", info=about("What it is.", choices=DOCUMENT_KINDS)
    )
    file_name: Mapped[str] = mapped_column(info=about("Name of the file it came as."))
    media_type: Mapped[str] = mapped_column(
        info=about("What the content is, found from the content: application/pdf …")
    )
    size_bytes: Mapped[int] = mapped_column(
        BigInteger, info=about("Size.", unit="bytes", label="Size")
    )
    sha256: Mapped[bytes] = mapped_column(
        LargeBinary, info=about("SHA-256 of the content; it is found and checked by this.")
    )
    storage_key: Mapped[str] = mapped_column(info=about("Where the content lies in the store."))
    version: Mapped[int] = mapped_column(
        SmallInteger, server_default="1", default=1, info=about("1, 2, 3 … as it is replaced.")
    )
    supersedes_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("The version before this one.", label="Supersedes")
    )
    expires_on: Mapped[date | None] = mapped_column(info=about("Day its content runs out."))
    retention_until: Mapped[date | None] = mapped_column(
        info=about("Kept at least until this day; can be extended, not shortened.")
    )
    legal_hold: Mapped[bool] = mapped_column(
        Boolean,
        server_default="false",
        default=False,
        info=about("Kept whatever its retention says, until the hold is lifted."),
    )
    note: Mapped[str | None] = mapped_column(info=about("What else to know."))
    search_text: Mapped[Any] = search_text(*SEARCHED)
    __table_args__ = (
        of_organization(),
        within("supersedes_id", table="documents"),
        UniqueConstraint("organization_id", "id"),
        UniqueConstraint("organization_id", "supersedes_id"),
        Index("documents_title_idx", "organization_id", "title"),
        Index("documents_created_at_idx", "organization_id", "created_at"),
        Index("documents_sha256_idx", "organization_id", "sha256"),
        Index("documents_search_text_idx", "search_text", postgresql_using="gin"),
        CheckConstraint("title <> ''", name="title"),
        CheckConstraint(one_of("kind", *DOCUMENT_KINDS), name="kind"),
        CheckConstraint("size_bytes >= 0", name="size_bytes"),
        CheckConstraint("octet_length(sha256) = 32", name="sha256"),
        CheckConstraint("version > 0", name="version"),
        CheckConstraint("supersedes_id <> id", name="supersedes_id"),
    )


class DocumentLink(Base, Keyed, Owned, Authored):
    """What a document is about: one row of another table, of the same operator.

    Beside the core tables because one paper concerns many wells and one well has many papers; the
    database checks that the row exists and is the operator's own.
    """

    __tablename__ = "document_links"
    TITLE: ClassVar[str] = "table_name"
    GROUP: ClassVar[str] = "Compliance"
    LISTED: ClassVar[tuple[str, ...]] = ("document_id", "table_name", "row_id", "created_at")
    FACETS: ClassVar[tuple[str, ...]] = ("table_name",)

    document_id: Mapped[uuid.UUID] = mapped_column(info=about("The document.", label="Document"))
    table_name: Mapped[str] = mapped_column(
        info=about("Table of the row it is about.", label="About", choices=LINKED_TABLES)
    )
    row_id: Mapped[uuid.UUID] = mapped_column(info=about("The row it is about.", label="Row"))
    __table_args__ = (
        of_organization(),
        part_of("document_id", table="documents"),
        UniqueConstraint("organization_id", "id"),
        UniqueConstraint("document_id", "table_name", "row_id"),
        Index("document_links_row_id_idx", "organization_id", "row_id"),
        CheckConstraint(one_of("table_name", *LINKED_TABLES), name="table_name"),
    )


class Contract(Base, Keyed, Owned, Authored):
    """An agreement the operator is bound by, with its dates and terms."""

    __tablename__ = "contracts"
    TITLE: ClassVar[str] = "contract_no"
    GROUP: ClassVar[str] = "Finance"
    LISTED: ClassVar[tuple[str, ...]] = (
        *("contract_no", "title", "contract_type", "counterparty", "effective", "ends_on"),
        *("notice_on", "status"),
    )
    SEARCHED: ClassVar[tuple[str, ...]] = ("contract_no", "title", "counterparty", "key_terms")
    FACETS: ClassVar[tuple[str, ...]] = ("contract_type", "status")

    contract_no: Mapped[str] = mapped_column(info=about("Its number.", label="Contract number"))
    title: Mapped[str] = mapped_column(info=about("What it is, in a few words."))
    contract_type: Mapped[str] = mapped_column(
        info=about("What kind of agreement.", label="Type", choices=CONTRACT_TYPES)
    )
    status: Mapped[str] = mapped_column(
        server_default="draft",
        default="draft",
        info=about("Where it stands.", choices=CONTRACT_STATUSES),
    )
    counterparty: Mapped[str] = mapped_column(info=about("The other side, as it signs."))
    counterparty_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("The other side among our partners.", label="Partner")
    )
    effective: Mapped[date | None] = mapped_column(info=about("First day."))
    ends_on: Mapped[date | None] = mapped_column(info=about("Last day, unless renewed."))
    auto_renew_months: Mapped[int | None] = mapped_column(
        SmallInteger,
        info=about("Months it goes on for by itself; empty if it just ends.", unit="months"),
    )
    notice_days: Mapped[int | None] = mapped_column(
        SmallInteger, info=about("Days before the end by which notice must be given.", unit="d")
    )
    notice_on: Mapped[date | None] = mapped_column(
        Computed("ends_on - notice_days", persisted=True),
        info=about("Last day to give notice."),
    )
    value: Mapped[Decimal | None] = mapped_column(Money, info=about("Value.", unit="USD"))
    key_terms: Mapped[str | None] = mapped_column(info=about("What matters in it."))
    overhead_drilling: Mapped[Decimal | None] = mapped_column(
        Money, info=about("JOA: overhead for a drilling well and month.", unit="USD")
    )
    overhead_producing: Mapped[Decimal | None] = mapped_column(
        Money, info=about("JOA: overhead for a producing well and month.", unit="USD")
    )
    escalation_month: Mapped[int | None] = mapped_column(
        SmallInteger, info=about("JOA: month in which overhead is adjusted, 4 for April.")
    )
    non_consent_pct: Mapped[Decimal | None] = mapped_column(
        Percent, info=about("JOA: what is recovered first of who does not join.", unit="%")
    )
    payment_days: Mapped[int | None] = mapped_column(
        SmallInteger, info=about("Days in which to pay.", unit="d")
    )
    late_interest_pct: Mapped[Decimal | None] = mapped_column(
        Percent, info=about("Yearly interest on what is late.", unit="%")
    )
    audit_months: Mapped[int | None] = mapped_column(
        SmallInteger, info=about("JOA: months in which accounts can be audited.", unit="months")
    )
    price_index: Mapped[str | None] = mapped_column(
        info=about("Purchase: the posted price it follows.")
    )
    price_differential: Mapped[Decimal | None] = mapped_column(
        Price,
        info=about("Purchase: added to the index; below zero where deducted.", unit="USD/bbl"),
    )
    gravity_bank: Mapped[dict[str, Any] | None] = mapped_column(
        info=about("Purchase: deductions by gravity, as the contract lists them.")
    )
    search_text: Mapped[Any] = search_text(*SEARCHED)
    __table_args__ = (
        of_organization(),
        within("counterparty_id", table="partners"),
        UniqueConstraint("organization_id", "id"),
        UniqueConstraint("organization_id", "counterparty", "contract_no"),
        Index("contracts_counterparty_id_idx", "organization_id", "counterparty_id"),
        Index("contracts_contract_no_idx", "organization_id", "contract_no"),
        Index("contracts_ends_on_idx", "organization_id", "ends_on"),
        Index("contracts_search_text_idx", "search_text", postgresql_using="gin"),
        CheckConstraint("contract_no <> ''", name="contract_no"),
        CheckConstraint("title <> ''", name="title"),
        CheckConstraint(one_of("contract_type", *CONTRACT_TYPES), name="contract_type"),
        CheckConstraint(one_of("status", *CONTRACT_STATUSES), name="status"),
        CheckConstraint("ends_on >= effective", name="ends_on"),
        CheckConstraint("auto_renew_months BETWEEN 1 AND 240", name="auto_renew_months"),
        CheckConstraint("notice_days BETWEEN 0 AND 730", name="notice_days"),
        CheckConstraint("value >= 0", name="value"),
        CheckConstraint("overhead_drilling >= 0", name="overhead_drilling"),
        CheckConstraint("overhead_producing >= 0", name="overhead_producing"),
        CheckConstraint("escalation_month BETWEEN 1 AND 12", name="escalation_month"),
        CheckConstraint("non_consent_pct BETWEEN 0 AND 999", name="non_consent_pct"),
        CheckConstraint("payment_days BETWEEN 0 AND 365", name="payment_days"),
        CheckConstraint("late_interest_pct BETWEEN 0 AND 100", name="late_interest_pct"),
        CheckConstraint("audit_months BETWEEN 0 AND 120", name="audit_months"),
    )


class ContractLease(Base, Keyed, Owned, Authored):
    """A lease a contract is about.

    Beside the core tables because a mineral lease covers several properties, and a property rests
    on several mineral leases.
    """

    __tablename__ = "contract_leases"
    TITLE: ClassVar[str] = "contract_id"
    GROUP: ClassVar[str] = "Finance"
    LISTED: ClassVar[tuple[str, ...]] = ("contract_id", "lease_id", "net_acres", "note")

    contract_id: Mapped[uuid.UUID] = mapped_column(info=about("The contract.", label="Contract"))
    lease_id: Mapped[uuid.UUID] = mapped_column(info=about("The lease.", label="Lease"))
    net_acres: Mapped[Decimal | None] = mapped_column(
        Numeric(12, 4), info=about("Acres of the lease it brings.", unit="acre")
    )
    note: Mapped[str | None] = mapped_column(info=about("What else to know."))
    __table_args__ = (
        of_organization(),
        part_of("contract_id", table="contracts"),
        within("lease_id", table="leases"),
        UniqueConstraint("organization_id", "id"),
        UniqueConstraint("contract_id", "lease_id"),
        Index("contract_leases_lease_id_idx", "organization_id", "lease_id"),
        CheckConstraint("net_acres > 0", name="net_acres"),
    )
