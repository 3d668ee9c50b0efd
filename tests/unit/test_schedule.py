"""When jobs are due: the same for every process, missed ones once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from hub.jobs.schedule import SCHEDULE, Job, latest_due

JOBS = {job.name: job for job in SCHEDULE}
NOON = datetime(2024, 6, 1, 12, 0, 30, tzinfo=UTC)


def test_an_interval_counts_from_a_fixed_instant() -> None:
    assert latest_due(JOBS["roll_up"], NOON) == NOON.replace(second=0)
    assert latest_due(JOBS["make_room"], NOON) == NOON.replace(second=0)


def test_a_daily_job_missed_in_the_night_is_due_in_the_morning() -> None:
    assert latest_due(JOBS["retention"], NOON) == NOON.replace(hour=3, minute=20, second=0)


def test_on_the_instant_it_is_due() -> None:
    exact = NOON.replace(second=0)
    assert latest_due(JOBS["roll_up"], exact) == exact
    assert latest_due(JOBS["roll_up"], exact - timedelta(microseconds=1)) != exact


@pytest.mark.parametrize("job", SCHEDULE, ids=lambda job: job.name)
def test_every_job_comes_up_again_and_again(job: Job) -> None:
    first = latest_due(job, NOON)
    second = latest_due(job, NOON + timedelta(days=1))
    assert first is not None
    assert second is not None
    assert first < second


def test_every_job_says_what_it_does() -> None:
    assert all(job.does for job in SCHEDULE)
    assert len(JOBS) == len(SCHEDULE)
