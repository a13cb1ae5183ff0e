"""release/ of source/, made by nbgrader with the course's own settings: without solutions and hidden tests."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from reference.course import ROOT, CourseTextError


def write_release(names: Sequence[str], folder: Path) -> None:
    """release/<name>/ under ``folder``, made of its source/; raises CourseTextError with nbgrader's reason."""
    from nbgrader.converters import GenerateAssignment
    from nbgrader.converters.base import NbGraderException
    from nbgrader.coursedir import CourseDirectory
    from traitlets.config import PyFileConfigLoader

    for name in names:
        config = PyFileConfigLoader("nbgrader_config.py", path=str(ROOT)).load_config()
        config.CourseDirectory.root = str(folder)
        config.CourseDirectory.assignment_id = name
        config.GenerateAssignment.no_database = True
        config.SaveCells.enabled = False
        log, reason = logging.Logger(name, logging.ERROR), Reason()
        log.addHandler(reason)
        try:
            GenerateAssignment(coursedir=CourseDirectory(config=config), config=config, log=log).start()
        except (NbGraderException, ValueError) as error:
            raise CourseTextError(f"nbgrader makes no release of {name}: {reason.text or error}") from error


class Reason(logging.Handler):
    """Keeps the last line of a traceback: nbgrader's exception tells nothing but to see the log."""

    text = ""

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage().strip()
        if message.startswith("Traceback"):
            self.text = message.splitlines()[-1]
