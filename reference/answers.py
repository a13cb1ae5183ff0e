"""All known wrong and right answers as plain data, for whoever grades the grader (``c.Answers.module``)."""

from __future__ import annotations

from typing import Any

from reference.course import ASSIGNMENTS, Course


def answers(assignment: str) -> list[dict[str, Any]]:
    """Each answer: name, right, source; of a wrong one also explanation, function and also_costs.

    None of an assignment that is not made here.
    """
    if assignment not in ASSIGNMENTS:
        return []
    course = Course(assignment)
    wrong = [
        {
            "name": mistake.name,
            "right": False,
            "source": mistake.source(course.solution),
            "explanation": mistake.explanation,
            "function": mistake.function,
            "also_costs": dict(mistake.also_costs),
        }
        for mistake in course.mistakes
    ]
    right = [{"name": answer.name, "right": True, "source": answer.source} for answer in course.right_answers]
    return wrong + right
