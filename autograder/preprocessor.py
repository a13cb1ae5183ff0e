"""The engine behind nbgrader's own commands and formgrader's buttons.

By configuration alone::

    c.Autograde.exporter_class = "autograder.preprocessor.Unread"
    c.Autograde.sanitize_preprocessors = []
    c.Autograde.autograde_preprocessors = ["autograder.preprocessor.GradeInSandbox"]
    c.GenerateFeedback.exporter_class = "autograder.preprocessor.FeedbackExporter"
"""

from __future__ import annotations

import atexit
import json
import os
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.exporters import Exporter, NotebookExporter
from nbgrader.converters import BaseConverter
from nbgrader.preprocessors import NbGraderPreprocessor

from autograder.attempts import Attempts, best
from autograder.course import Course
from autograder.errors import GradebookError
from autograder.gone import check_none_gone
from autograder.gradebook import Gradebook
from autograder.guard import only_grader
from autograder.jobs import known_answers, make_job, make_record, seconds_late, version_of
from autograder.kept import Kept
from autograder.pages import make_page
from autograder.pool import Warm
from autograder.repair import is_repaired
from autograder.results import Judged
from autograder.submission import read_submission
from autograder.unit import Job, Outcome, Setup

IDLE_SECONDS = 60.0  # that a grading process waits for the next submission, in formgrader's server too


class GradeInSandbox(NbGraderPreprocessor):  # type: ignore[misc]
    """Takes the place of Execute, of the repairs before it, and of SaveAutoGrades and AssignLatePenalties after it."""

    def preprocess(self, notebook: Any, resources: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """nbgrader's: the notebook that our engine graded in place of the one that nbgrader would run."""
        info = resources["nbgrader"]
        student, title, name = info["student"], info["assignment"], info["notebook"]
        course = _course(self, info)
        notebooks = course.notebooks(title)
        submission = read_submission(course.folder("submitted", student, title), list(notebooks), course.limits)
        with only_grader(course.root), closing(Gradebook(course.db_url)) as gradebook:
            gradebook.lock()
            gradebook.save_assignment(course.course_id, title, notebooks)
            # Which submission is the best, all of its notebooks tell.
            graded_now = notebooks if course.engine.keep == "best" else {name: notebooks[name]}
            setup = Setup.of(course, title, graded_now, known_answers(course, title)[0]).pack()
            submissions, _ = Attempts(course, title, list(notebooks)).of(student, submission)
            outcomes = []
            kept, due = gradebook.kept(title, student), gradebook.due(title, student)
            for each in submissions:
                outcomes.append(_grade(setup, make_job(student, each, kept, seconds_late(due, each))))
                outcomes[-1].require()
            counted = best(outcomes, gradebook.kept(title, student))
            graded, submission = outcomes[counted].graded[name], submissions[counted]
            # Without a digest: its feedback page is yet to be made.
            gradebook.write(title, [make_record(student, name, graded, submission, "", version_of(setup))])
        submitted, autograded = (course.folder(step, student, title) for step in ("submitted", "autograded"))
        _drop_followed_links(submitted, autograded, {f"{name}.ipynb" for name in notebooks})
        return nbformat.from_dict(json.loads(graded.notebook)), resources


class Unread(NotebookExporter):  # type: ignore[misc]
    """Opens no submission: GradeInSandbox reads it, and what cannot be read ends nobody's batch."""

    def from_filename(self, filename: str, resources: dict[str, Any] | None = None, **options: Any) -> Any:
        """An empty notebook: what was handed in is opened by the preprocessor, without trust."""
        return self.from_notebook_node(nbformat.v4.new_notebook(), resources, **options)


class FeedbackExporter(Exporter):  # type: ignore[misc]
    """Makes the engine's feedback page of an autograded notebook, with what people entered since."""

    file_extension = ".html"
    output_mimetype = "text/html"

    def from_filename(
        self, filename: str, resources: dict[str, Any] | None = None, **_: Any
    ) -> tuple[str, dict[str, Any]]:
        """The page of one graded notebook; CourseError if it is gone.

        GradebookError where the engine graded none, or another version than what stands in source/ now.
        """
        resources = resources or {}
        info = resources["nbgrader"]
        student, title, name = info["student"], info["assignment"], info["notebook"]
        course = _course(self, info)
        notebooks = course.notebooks(title)
        check_none_gone(title, notebooks, [name])
        with closing(Gradebook(course.db_url)) as gradebook:
            found = next((each for each in gradebook.results(title, student) if each.notebook == name), None)
            kept = gradebook.kept(title, student).get(name, Kept())
        if found is None:
            raise GradebookError(
                f"The notebook {name} of {student} was not graded by this engine; run `autograder grade {title}`."
            )
        result = json.loads(found.result)
        notebook = nbformat.read(filename, as_version=4)
        if not is_repaired(notebooks[name], notebook):  # whose cells are others by now, what is hidden not what it was
            raise GradebookError(
                f"The notebook {name} was changed since {student}'s was graded; run `autograder grade {title}`, which "
                "grades it anew and makes its page."
            )
        page = make_page(
            notebooks[name],
            Judged.from_dict(result | {"notebook": notebook}),
            kept,
            title=title,
            student=student,
            refusal=result["refused"],
            findings=result["findings"],
            late_penalty=found.late_penalty,
            sandboxed=course.engine.isolation != "none",
            show_hidden=course.engine.show_hidden_checks,
        )
        return page, resources | {"output_extension": self.file_extension}


def _drop_followed_links(submitted: Path, autograded: Path, graded: set[str]) -> None:
    """nbgrader copies what a student's links point to, first here and then into the feedback folder: take it away.

    ``graded`` are the files that the engine writes. Of a submission that is a link itself nothing else stays.
    """
    is_link = submitted.is_symlink() or submitted.parent.is_symlink()
    for folder, _, names in os.walk(autograded):
        for path in (Path(folder, name) for name in names):
            place = path.relative_to(autograded)
            if str(place) not in graded and (is_link or (submitted / place).is_symlink()):
                path.unlink()


def _course(part: Any, info: dict[str, Any]) -> Course:
    """The course of the nbgrader command that this part is at work for."""
    converter = part.parent
    while converter is not None and not isinstance(converter, BaseConverter):
        converter = converter.parent
    root = Path(converter.coursedir.root if converter else ".")
    return Course(root.resolve(), part.config, info["db_url"])


class _Warm:
    """The grading process of the last notebook, kept for the next submission."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.warm = Warm()
        self.timer: threading.Timer | None = None

    def grade(self, setup: bytes, job: Job) -> Outcome:
        with self.lock:
            if self.timer is not None:
                self.timer.cancel()
            try:
                return self.warm.grade(setup, job)
            finally:
                self.timer = threading.Timer(IDLE_SECONDS, self.end)
                self.timer.daemon = True
                self.timer.start()

    def end(self) -> None:
        with self.lock:
            self.warm.end()


_warm = _Warm()
_grade = _warm.grade
atexit.register(_warm.end)
