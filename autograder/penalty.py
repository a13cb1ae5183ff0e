"""What is taken off a submission that came late, by nbgrader's own plugins."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

from traitlets import Float, Integer
from traitlets.config import Config, Configurable

from autograder.errors import CourseError

LATE_DAYS = "autograder.late.LateDays"
PLAIN = bool | int | float | str
# That it reads its settings from: of its own class and of those that it is made from.
LATE_SECTIONS = ("Configurable", "LoggingConfigurable", "BasePlugin", "LateSubmissionPlugin", "LateDays")


class LateDays(Configurable):  # type: ignore[misc]
    """The settings of the plugin ``autograder.late.LateDays``, whose base nbgrader takes long to import."""

    grace_minutes = Float(15.0, min=0.0, help="minutes after the due date that cost nothing").tag(config=True)
    penalty_per_day = Float(0.1, min=0.0, max=1.0, help="share of the score that each day begun costs").tag(config=True)
    last_day = Integer(5, min=0, help="days after which nothing counts").tag(config=True)


def late_plugin(config: Config, path: Path) -> str:
    """The full name of the course's late policy, "" where none is set; CourseError where it is no name and no class."""
    plugin = config.AssignLatePenalties.get("plugin_class", "")
    if isinstance(plugin, str):
        return plugin
    if not isinstance(plugin, type):
        raise CourseError(
            f"{path}: c.AssignLatePenalties.plugin_class is {plugin!r}, but it names a class, such as {LATE_DAYS!r}."
        )
    return f"{plugin.__module__}.{plugin.__qualname__}"


def policy_of(config: Config, path: Path) -> dict[str, Any]:
    """What a worker needs to compute late penalties: the plugin's name and the plain settings that it may read.

    ``path`` is the file that has them.

    CourseError where a setting of the course's own plugin is not plain, or there is no such plugin.
    """
    plugin = late_plugin(config, path)
    section = plugin.rpartition(".")[2]
    for name, value in config.get(section, {}).items():
        if not isinstance(value, PLAIN):
            raise CourseError(
                f"{path}: c.{section}.{name} is {value!r}, "
                "but a late plugin's settings are numbers, texts and truth values here."
            )
    settings = {
        section: {name: value for name, value in values.items() if isinstance(value, PLAIN)}
        for section, values in config.items()
        if isinstance(values, dict) and _may_read(plugin, section)
    }
    found = {"plugin": plugin, "config": settings, "path": str(path.parent)}
    if plugin not in ("", LATE_DAYS):  # of ours it is known that it is there, and importing it takes a second
        try:
            loaded(found)
        except Exception as error:
            why = f"{type(error).__name__}: {error}"
            raise CourseError(f"{path}: the late plugin {plugin} cannot be used ({why}).") from None
    return found


def _may_read(plugin: str, section: str) -> bool:
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
