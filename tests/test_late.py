"""The late policy: what a late hour, day and week cost."""

import pytest
from traitlets.config import Config

from autograder.late import LateDays
from autograder.penalty import LATE_SECTIONS

DAY = 86_400.0


@pytest.fixture
def policy() -> LateDays:
    return LateDays(config=Config(LateDays={"grace_minutes": 15, "penalty_per_day": 0.1, "last_day": 5}))


@pytest.mark.parametrize(
    ("seconds", "penalty"),
    [(1, 0), (15 * 60, 0), (15 * 60 + 1, 8), (DAY, 8), (DAY + 1, 16), (5 * DAY, 40), (5 * DAY + 1, 80), (99 * DAY, 80)],
)
def test_each_day_begun_costs_a_tenth_until_nothing_counts(policy: LateDays, seconds: float, penalty: float) -> None:
    assert policy.late_submission_penalty("ada", 80, seconds) == pytest.approx(penalty)


def test_a_penalty_never_exceeds_the_score() -> None:
    steep = LateDays(config=Config(LateDays={"penalty_per_day": 1.0, "last_day": 30}))
    assert steep.late_submission_penalty("ada", 80, 20 * DAY) == 80


def test_the_sections_that_count_are_all_that_the_plugin_reads() -> None:
    assert set(LATE_SECTIONS) == set(LateDays.section_names())
