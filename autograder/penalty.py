"""What is taken off a submission that came late, by nbgrader's own plugins."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any, cast

from traitlets.config import Config

from autograder.errors import CourseError

LATE_DAYS = "autograder.late.LateDays"
# That it reads its settings from: of its own class and of those that it is made from.
LATE_SECTIONS = ("Configurable", "LoggingConfigurable", "BasePlugin", "LateSubmissionPlugin", "LateDays")


def plugin_of(config: Config) -> str:
    """The full name of the course's late policy; "" where none is set."""
    plugin = config.AssignLatePenalties.get("plugin_class", "")
    return plugin if isinstance(plugin, str) else f"{plugin.__module__}.{plugin.__qualname__}"


def may_read(plugin: str, section: str) -> bool:
    """Whether a penalty may depend on a section: a change of one that it may read grades everybody anew."""
    if plugin in ("", LATE_DAYS):
        return bool(plugin) and section in LATE_SECTIONS
    return not section.startswith("Exchange")  # where files lie; of all else nobody knows what a course's own reads


def late_penalty(policy: Mapping[str, Any], student: str, score: float, seconds_late: float) -> float | None:
    """What nbgrader's late plugin takes off a notebook's score; None where it is on time or no plugin is set.

    Raises CourseError where the plugin does not work.
    """
    if seconds_late <= 0 or not policy["plugin"]:
        return None
    try:
        penalty = loaded(policy)(student, score, seconds_late)
        return None if penalty is None else min(max(float(penalty), 0.0), score)
    except Exception as error:
        raise CourseError(f"The late plugin {policy['plugin']} failed: {type(error).__name__}: {error}") from error


def loaded(policy: Mapping[str, Any]) -> Callable[[str, float, float], float | None]:
    """The plugin's ``late_submission_penalty``; raises whatever its module and its class raise."""
    if policy["path"] not in sys.path:  # a course may bring its own plugin, beside its configuration
        sys.path.append(policy["path"])
    module, _, name = policy["plugin"].rpartition(".")
    plugin = getattr(importlib.import_module(module), name)(config=Config(policy["config"]))
    return cast(Callable[[str, float, float], float | None], plugin.late_submission_penalty)
