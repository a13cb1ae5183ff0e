"""The late policy: a share of the score for each day begun, through nbgrader's plugin.

nbgrader subtracts a student's extension (gradebook column ``extension``) from the lateness before it asks the plugin.
"""

from __future__ import annotations

import math

from nbgrader.plugins import LateSubmissionPlugin
from traitlets import Float, Integer

__all__ = ["LateDays"]


class LateDays(LateSubmissionPlugin):  # type: ignore[misc]
    """penalty = score * min(1, penalty_per_day * days begun); the whole score after ``last_day`` days."""

    grace_minutes = Float(15.0, min=0.0, help="minutes after the due date that cost nothing").tag(config=True)
    penalty_per_day = Float(0.1, min=0.0, max=1.0, help="share of the score that each day begun costs").tag(config=True)
    last_day = Integer(5, min=0, help="days after which nothing counts").tag(config=True)

    def late_submission_penalty(self, student_id: str, score: float, total_seconds_late: float) -> float:
        """Points to subtract from ``score`` for a notebook handed in ``total_seconds_late`` seconds late."""
        if total_seconds_late <= 60 * self.grace_minutes:
            return 0.0
        days = math.ceil(total_seconds_late / 86_400)
        return score if days > self.last_day else score * min(1.0, self.penalty_per_day * days)
