"""What is taken off a submission that came late, by nbgrader's own plugins."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from typing import Any

from autograder.errors import CourseError


def late_penalty(policy: Mapping[str, Any], student: str, score: float, seconds_late: float) -> float | None:
    """What nbgrader's late plugin takes off a notebook's score; None where it is on time or no plugin is set.

    Raises CourseError where the plugin does not work.
    """
    if seconds_late <= 0 or not policy["plugin"]:
        return None
    if policy["path"] not in sys.path:  # a course may bring its own plugin, beside its configuration
        sys.path.append(policy["path"])
    module, _, name = policy["plugin"].rpartition(".")
    from traitlets.config import Config

    try:
        plugin = getattr(importlib.import_module(module), name)(config=Config(policy["config"]))
        penalty = plugin.late_submission_penalty(student, score, seconds_late)
    except Exception as error:
        raise CourseError(f"The late plugin {policy['plugin']} failed: {type(error).__name__}: {error}") from error
    return None if penalty is None else min(max(float(penalty), 0.0), score)
