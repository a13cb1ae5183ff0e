"""nbgrader's rule for the score of a test cell, with its faults put right."""

from __future__ import annotations

import math
from contextlib import suppress
from typing import Any

import numpy as np


def score_of(value: Any, points: float) -> tuple[float, str]:
    """The score of a test that raised nothing, and what is wrong with it ("" if nothing is).

    A test gives all its points, unless its last expression is a number: that is the score then (partial credit, as in
    nbgrader). So is a text that reads as one, which gives all points in nbgrader. nan, negative and too large numbers
    are the instructor's error and are clamped to 0..points.
    """
    if isinstance(value, str):
        with suppress(ValueError):  # another text, such as "passed", is no score
            value = float(value)
    if type(value) is bool or not isinstance(value, int | float | np.integer | np.floating):
        return points, ""
    try:
        score = float(value)
    except OverflowError:
        score = math.inf if value > 0 else -math.inf
    if math.isnan(score):
        return 0.0, "the test's score is not a number; it counts as 0"
    if score < 0:
        return 0.0, f"the test's score {score:g} is negative; it counts as 0"
    if score > points:
        return points, f"the test's score {score:g} is over the maximum of {points:g}, which it counts as"
    return score, ""
