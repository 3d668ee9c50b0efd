"""Every table, and nothing else; a leaf of the import graph."""

from hub.schema.accounts import Account, Afe
from hub.schema.alerting import Alert, AlertCheckpoint, AlertEvent, AlertRule, AlertRuleVersion
from hub.schema.analysis import Benchmark, Forecast, ForecastPoint
from hub.schema.assets import Equipment, Lease, Well
from hub.schema.banking import BankAccount, OwnerPayment
from hub.schema.base import Base
from hub.schema.compliance import ComplianceReport, Permit, PermitCondition, PermitLimit, ReportLine
from hub.schema.expenses import Expense, ExpenseAllocation
from hub.schema.holds import AlertHold, AlertPriority, FlowLink
from hub.schema.incidents import (
    Incident,
    IncidentAction,
    IncidentAlert,
    IncidentEvent,
    PromotionRule,
)
from hub.schema.installation import Installation, JobRun
from hub.schema.notifying import (
    ContactChannel,
    DeliveryTurn,
    MessageLink,
    MessageReply,
    Notification,
    NotificationAttempt,
    ProviderBreaker,
)
from hub.schema.obligations import AgencyRule, AgencyRuleVersion, IncidentNotice
from hub.schema.ownership import LeasePartner, OwnershipDeck
from hub.schema.papers import Contract, ContractLease, Document, DocumentLink
from hub.schema.partners import Partner
from hub.schema.places import Completion, Facility, RegulatoryId, WellStatus
from hub.schema.platform import (
    ApiKey,
    AuditEntry,
    AuditProgress,
    AuditSeal,
    FeatureFlag,
    IdempotencyKey,
    ImportFile,
    LeaseAssignment,
    SavedView,
)
from hub.schema.production import AccountingPeriod, ProductionRecord, ProductionRevision
from hub.schema.revenue import RevenueDeduction, RevenueDistribution, RevenueRun, SalesStatement
from hub.schema.statements import JibStatement, JibStatementLine, NumberSeries
from hub.schema.tanks import RunTicket, StrapPoint, StrapTable, Tank, TankGauge
from hub.schema.taxes import TaxRate, TaxRecord
from hub.schema.telemetry import (
    Agent,
    AgentEvent,
    ConfigEpoch,
    ConfigEpochTag,
    IngestBatch,
    IngestEpoch,
    LatestReading,
    Quarantine,
    Reading,
    ReadingAside,
    ReadingsState,
    Stream,
    StreamGap,
    Tag,
)
from hub.schema.tenancy import Membership, Organization, Session, SignInFailure, User
from hub.schema.upkeep import MaintenanceRecord
from hub.schema.welltests import DowntimeEvent, WellTest

__all__ = [
    "Account",
    "AccountingPeriod",
    "Afe",
    "AgencyRule",
    "AgencyRuleVersion",
    "Agent",
    "AgentEvent",
    "Alert",
    "AlertCheckpoint",
    "AlertEvent",
    "AlertHold",
    "AlertPriority",
    "AlertRule",
    "AlertRuleVersion",
    "ApiKey",
    "AuditEntry",
    "AuditProgress",
    "AuditSeal",
    "BankAccount",
    "Base",
    "Benchmark",
    "Completion",
    "ComplianceReport",
    "ConfigEpoch",
    "ConfigEpochTag",
    "ContactChannel",
    "Contract",
    "ContractLease",
    "DeliveryTurn",
    "Document",
    "DocumentLink",
    "DowntimeEvent",
    "Equipment",
    "Expense",
    "ExpenseAllocation",
    "Facility",
    "FeatureFlag",
    "FlowLink",
    "Forecast",
    "ForecastPoint",
    "IdempotencyKey",
    "ImportFile",
    "Incident",
    "IncidentAction",
    "IncidentAlert",
    "IncidentEvent",
    "IncidentNotice",
    "IngestBatch",
    "IngestEpoch",
    "Installation",
    "JibStatement",
    "JibStatementLine",
    "JobRun",
    "LatestReading",
    "Lease",
    "LeaseAssignment",
    "LeasePartner",
    "MaintenanceRecord",
    "Membership",
    "MessageLink",
    "MessageReply",
    "Notification",
    "NotificationAttempt",
    "NumberSeries",
    "Organization",
    "OwnerPayment",
    "OwnershipDeck",
    "Partner",
    "Permit",
    "PermitCondition",
    "PermitLimit",
    "ProductionRecord",
    "ProductionRevision",
    "PromotionRule",
    "ProviderBreaker",
    "Quarantine",
    "Reading",
    "ReadingAside",
    "ReadingsState",
    "RegulatoryId",
    "ReportLine",
    "RevenueDeduction",
    "RevenueDistribution",
    "RevenueRun",
    "RunTicket",
    "SalesStatement",
    "SavedView",
    "Session",
    "SignInFailure",
    "StrapPoint",
    "StrapTable",
    "Stream",
    "StreamGap",
    "Tag",
    "Tank",
    "TankGauge",
    "TaxRate",
    "TaxRecord",
    "User",
    "Well",
    "WellStatus",
    "WellTest",
]
