"""The late policy: a share of the score for each day begun, through nbgrader's plugin.

nbgrader subtracts a student's extension (gradebook column ``extension``) from the lateness before it asks the plugin.
"""

from __future__ import annotations

import math

from nbgrader.plugins import LateSubmissionPlugin

from autograder import penalty

__all__ = ["LateDays"]


class LateDays(penalty.LateDays, LateSubmissionPlugin):  # type: ignore[misc]
    """penalty = score * min(1, penalty_per_day * days begun); the whole score after ``last_day`` days."""

    def late_submission_penalty(self, student_id: str, score: float, total_seconds_late: float) -> float:
        """Points to subtract from ``score`` for a notebook handed in ``total_seconds_late`` seconds late."""
        if total_seconds_late <= 60 * self.grace_minutes:
            return 0.0
        days = math.ceil(total_seconds_late / 86_400)
        return score if days > self.last_day else score * min(1.0, self.penalty_per_day * days)
