"""What the hub says it has of each agent, against what it was told there is."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from hub.database import tenant_session
from hub.readings import AgentCompleteness, completeness
from tests.cast import Cast
from tests.servers.postgres import Database
from tests.telemetry import store, wave

NOW = datetime.now(UTC).replace(microsecond=0)
MINUTE = timedelta(minutes=1)


class Office:
    """An operator's agent, and what the hub is told of its streams."""

    def __init__(self, database: Database, cast: Cast) -> None:
        self.database, self.cast = database, cast
        self.agent, self.tag = cast.bluebonnet.agents[0], cast.bluebonnet.tags[0]
        self.opened = NOW - timedelta(days=1)

    def stored(self, stream: str, start: datetime, count: int) -> datetime:
        """One message of readings a minute apart; answers the time of the last."""
        points = wave(self.tag, start, count, MINUTE)
        store(self.database, self.cast.bluebonnet, points, stream=stream)
        return points[-1].at

    def stream(self, stream: str, number: int, announced: int, closed: int | None = None) -> None:
        """The stream's row."""
        self.opened += MINUTE
        self._write(
            "INSERT INTO streams (organization_id, agent_id, stream, number, announced, closed,"
            " opened_at) VALUES (:org, :agent, :stream, :number, :announced, :closed, :opened)",
            stream=stream,
            number=number,
            announced=announced,
            closed=closed,
            opened=self.opened,
        )

    def gap(self, stream: str, first: int, last: int, reason: str) -> None:
        """Numbers that will never come."""
        self._write(
            "INSERT INTO stream_gaps (id, organization_id, agent_id, stream, first, last, reason,"
            " readings) VALUES (:id, :org, :agent, :stream, :first, :last, :reason, 12)",
            id=uuid.uuid4(),
            stream=stream,
            first=first,
            last=last,
            reason=reason,
        )

    def said(self) -> AgentCompleteness:
        """What the console would show for the agent."""
        with tenant_session(self.database.engine("app"), self.cast.bluebonnet.id) as session:
            first, second = completeness(session)
        assert first.agent_id == self.agent
        assert second.complete_through is None
        return first

    def _write(self, statement: str, **values: Any) -> None:
        who = {"org": self.cast.bluebonnet.id, "agent": self.agent}
        with self.database.engine("ingest").begin() as connection:
            connection.execute(text(statement), who | values)


@pytest.fixture
def office(database: Database, cast: Cast) -> Office:
    return Office(database, cast)


def test_all_here_is_complete_through_the_newest_reading(office: Office) -> None:
    end = office.stored("s1", NOW - 60 * MINUTE, 50)
    office.stream("s1", 1, 1)
    said = office.said()
    assert (said.complete_through, said.newest, said.missing_blocks) == (end, end, 0)
    assert said.gaps == ()


def test_a_backlog_that_drains_behind_live_data_holds_the_mark_back(office: Office) -> None:
    old_end = office.stored("old", NOW - 600 * MINUTE, 20)
    office.stream("old", 1, 90, closed=90)
    new_end = office.stored("new", NOW - 30 * MINUTE, 30)
    office.stream("new", 1, 1)
    said = office.said()
    assert said.complete_through == old_end
    assert said.newest == new_end
    assert said.missing_blocks == 89


def test_a_stream_of_which_nothing_came_reaches_as_far_as_the_one_before(office: Office) -> None:
    first_end = office.stored("first", NOW - 600 * MINUTE, 20)
    office.stream("first", 1, 1, closed=1)
    office.stream("second", 0, 40, closed=40)
    office.stored("third", NOW - 30 * MINUTE, 30)
    office.stream("third", 1, 1)
    assert office.said().complete_through == first_end


def test_what_went_with_a_disk_is_named_and_no_longer_waited_for(office: Office) -> None:
    end = office.stored("s1", NOW - 60 * MINUTE, 50)
    office.stream("s1", 1, 80, closed=1)
    office.gap("s1", 2, 80, "lost_with_disk")
    said = office.said()
    assert said.complete_through == end
    assert said.missing_blocks == 0
    assert [(gap.reason, gap.first, gap.last) for gap in said.gaps] == [("lost_with_disk", 2, 80)]


def test_gaps_ahead_are_not_missing_and_blocks_that_moved_are_no_gap(office: Office) -> None:
    end = office.stored("s1", NOW - 60 * MINUTE, 50)
    office.stream("s1", 1, 10)
    office.gap("s1", 2, 6, "lost")
    office.gap("s1", 7, 10, "moved")
    said = office.said()
    assert (said.complete_through, said.missing_blocks) == (end, 0)
    assert [gap.reason for gap in said.gaps] == ["lost"]


def test_another_operator_sees_nothing_of_it(office: Office) -> None:
    office.stored("s1", NOW - 60 * MINUTE, 50)
    office.stream("s1", 1, 5)
    with tenant_session(office.database.engine("app"), office.cast.cimarron.id) as session:
        said = completeness(session)
    assert [agent.name for agent in said] == ["cimarron-pad-1", "cimarron-pad-2"]
    assert all(agent.missing_blocks == 0 and agent.newest is None for agent in said)
