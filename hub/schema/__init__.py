"""Every table, and nothing else; a leaf of the import graph."""

from hub.schema.assets import Equipment, Lease, Well
from hub.schema.base import Base
from hub.schema.operations import (
    Alert,
    AlertCheckpoint,
    AlertEvent,
    AlertRule,
    ContactChannel,
    Installation,
    JobRun,
    Notification,
    NotificationAttempt,
)
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
    Stream,
    StreamGap,
    Tag,
)
from hub.schema.tenancy import Membership, Organization, Session, SignInFailure, User

__all__ = [
    "Agent",
    "AgentEvent",
    "Alert",
    "AlertCheckpoint",
    "AlertEvent",
    "AlertRule",
    "Base",
    "ConfigEpoch",
    "ConfigEpochTag",
    "ContactChannel",
    "Equipment",
    "IngestBatch",
    "IngestEpoch",
    "Installation",
    "JobRun",
    "LatestReading",
    "Lease",
    "Membership",
    "Notification",
    "NotificationAttempt",
    "Organization",
    "Quarantine",
    "Reading",
    "Session",
    "SignInFailure",
    "Stream",
    "StreamGap",
    "Tag",
    "User",
    "Well",
]
