"""Kinds of rules that look at the office's rows: what they ask for and what they find."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hub.alerts.kinds.office import OfficeKind

OFFICE: Final[Mapping[str, OfficeKind]] = {}
