"""What people put into the gradebook for one notebook of one student; grading anew leaves it alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass
class Kept:
    """Each by grade id."""

    scores: dict[str, float] = field(default_factory=dict)
    extra_credit: dict[str, float] = field(default_factory=dict)
    comments: dict[str, str] = field(default_factory=dict)

    def total(self, scores: Mapping[str, float | None]) -> float:
        """Points of a notebook: what checks gave, unless people changed it, and extra credit."""
        entered = {grade_id: score or 0.0 for grade_id, score in scores.items()} | self.scores
        return sum(entered.values()) + sum(self.extra_credit.values())
