"""What people put into the gradebook for one notebook of one student; grading anew leaves it alone."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Kept:
    """Each by grade id."""

    scores: dict[str, float] = field(default_factory=dict)
    extra_credit: dict[str, float] = field(default_factory=dict)
    comments: dict[str, str] = field(default_factory=dict)
