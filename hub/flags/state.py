"""Whether a feature is on: for an operator, or for a share of its people."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.flags.features import FEATURES, Feature, feature_named
from hub.schema.platform import FeatureFlag


@dataclass(frozen=True, slots=True)
class FlagState:
    """A feature as it stands for one operator."""

    feature: Feature
    on: bool
    percent: int | None  #: only for this share of the people; None for all
    note: str
    changed_at: datetime | None  #: None while nobody has decided

    @property
    def name(self) -> str:
        """The feature's name in commands."""
        return self.feature.name

    @property
    def title(self) -> str:
        """The feature's name for people."""
        return self.feature.title

    @property
    def help(self) -> str:
        """What it does, in one sentence."""
        return self.feature.help


def enabled(session: Session, name: str, user_id: uuid.UUID | None = None) -> bool:
    """Whether the session's operator uses a feature; with `user_id`, whether that person does.

    Raises `UnknownFeatureError`.
    """
    feature = feature_named(name)
    flag = session.scalar(select(FeatureFlag).where(FeatureFlag.feature == feature.name))
    if flag is None:
        return feature.default
    if flag.percent is None or not flag.enabled:
        return flag.enabled
    return user_id is not None and share_of(user_id, feature.name) < flag.percent


def share_of(user_id: uuid.UUID, feature: str) -> int:
    """Where a person stands among a hundred, for one feature: always the same, and by chance."""
    digest = hashlib.sha256(f"{feature}/{user_id}".encode()).digest()
    return int.from_bytes(digest[:8]) % 100


def listed(session: Session, organization_id: uuid.UUID) -> list[FlagState]:
    """Every feature as it stands for an operator."""
    query = select(FeatureFlag).where(FeatureFlag.organization_id == organization_id)
    known = {flag.feature: flag for flag in session.scalars(query)}
    return [_state(feature, known.get(feature.name)) for feature in FEATURES]


def _state(feature: Feature, flag: FeatureFlag | None) -> FlagState:
    if flag is None:
        return FlagState(feature, feature.default, None, "", None)
    return FlagState(feature, flag.enabled, flag.percent, flag.note, flag.updated_at)


def switch(
    session: Session,
    organization_id: uuid.UUID,
    name: str,
    *,
    on: bool,
    percent: int | None = None,
    note: str = "",
) -> None:
    """Switch a feature on or off; the database lets owners. Raises `UnknownFeatureError`."""
    feature = feature_named(name)
    flag = session.scalar(
        select(FeatureFlag)
        .where(FeatureFlag.organization_id == organization_id, FeatureFlag.feature == feature.name)
        .with_for_update()
    )
    if flag is None:
        flag = FeatureFlag(organization_id=organization_id, feature=feature.name)
        session.add(flag)
    flag.enabled, flag.percent, flag.note = on, percent, note
    session.flush()
