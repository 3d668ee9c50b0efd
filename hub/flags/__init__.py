"""Feature flags: what an operator uses already, and what its data lacks before it can.

`features` is the one readable table of features and their rules; `enabled` asks for one feature,
`check` finds the rows that break the rules.
"""

from hub.flags.check import Finding, check
from hub.flags.features import FEATURES, Feature, Rule, UnknownFeatureError, feature_named
from hub.flags.state import FlagState, enabled, listed, switch

__all__ = [
    "FEATURES",
    "Feature",
    "Finding",
    "FlagState",
    "Rule",
    "UnknownFeatureError",
    "check",
    "enabled",
    "feature_named",
    "listed",
    "switch",
]
