"""A class of 24 for an assignment, as a course folder to grade: `python -m reference.sample_class FOLDER [ASSIGNMENT]`.

Its submissions are made of the reference solution and the known mistakes: right, partly right, blank, late, one with a
syntax error, one that is no notebook, one that never ends. The folder holds all that `autograder grade` and nbgrader
need: nbgrader_config.py, source/, submitted/, and a gradebook in which the due date and the names stand.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import nbformat

from reference.course import ASSIGNMENTS, ROOT, Course, CourseTextError, functions_in
from reference.proofread import BEGIN, END

DUE = datetime(2026, 3, 2, 12, 0)
ESSAY = "Subtracting the column's mean removes whatever constant the bias had added, so its gradient is zero."

Answers = dict[str, str]
"""Text of each solution cell, by its grade id."""


@dataclass(frozen=True)
class Student:
    """One member of the class: id, "last name, first name", what is handed in, how many hours after the due date."""

    id: str
    name: str
    answers: Callable[[Course, Answers], Answers]
    hours_late: float = -5


def right(course: Course, reference: Answers) -> Answers:
    return reference


def blank(course: Course, reference: Answers) -> Answers:
    return {}


def mistaken(*numbers: int) -> Callable[[Course, Answers], Answers]:
    """The reference with some of the known mistakes, by their number in the list (cyclically)."""

    def answers(course: Course, reference: Answers) -> Answers:
        mistakes = course.mistakes
        changed = dict(reference)
        for mistake in (mistakes[number % len(mistakes)] for number in numbers if mistakes):
            changed[mistake.function] = mistake.source(course.solution)
        return changed

    return answers


def unusual(number: int) -> Callable[[Course, Answers], Answers]:
    """A right answer that looks unlike the reference, by its number in the list (cyclically)."""

    def answers(course: Course, reference: Answers) -> Answers:
        if not course.right_answers:
            return reference
        answer = course.right_answers[number % len(course.right_answers)]
        own = functions_in(answer.source)
        home = next(name for name in own if name in reference)
        return {**reference, home: answer.source, **{name: "" for name in own if name in reference and name != home}}

    return answers


def functions(reference: Answers) -> list[str]:
    """The tasks in order, predictions apart."""
    return [name for name in reference if not name.startswith("prediction__")]


def first_only(course: Course, reference: Answers) -> Answers:
    """Who stopped after the first function."""
    first = functions(reference)[0]
    return {first: reference[first]}


def last_missing(course: Course, reference: Answers) -> Answers:
    """Who did not get to the last function."""
    last = functions(reference)[-1]
    return {name: text for name, text in reference.items() if name != last}


def syntax_error(course: Course, reference: Answers) -> Answers:
    name = functions(reference)[0]
    return {**reference, name: reference[name].replace(":", "", 1)}


def never_ends(course: Course, reference: Answers) -> Answers:
    name = functions(reference)[0]
    header = reference[name].partition('"""')[0].rstrip()
    return {**reference, name: f"{header}\n    while True:\n        pass"}


CLASS = (
    Student("abel", "Abel, Niels Henrik", right),
    Student("agnesi", "Agnesi, Maria Gaetana", right, hours_late=-0.5),
    Student("bernoulli", "Bernoulli, Jacob", unusual(4)),
    Student("cantor", "Cantor, Georg", unusual(3)),
    Student("cauchy", "Cauchy, Augustin-Louis", mistaken(0)),
    Student("chatelet", "du Châtelet, Émilie", mistaken(1)),
    Student("descartes", "Descartes, René", mistaken(2)),
    Student("dirichlet", "Dirichlet, Peter Gustav", mistaken(3)),
    Student("euler", "Euler, Leonhard", right, hours_late=0.1),
    Student("fermat", "de Fermat, Pierre", last_missing),
    Student("galois", "Galois, Évariste", right, hours_late=5),
    Student("gauss", "Gauss, Carl Friedrich", mistaken(5, 17)),
    Student("germain", "Germain, Sophie", unusual(7)),
    Student("hilbert", "Hilbert, David", mistaken(8)),
    Student("hypatia", "Hypatia, of Alexandria", right),
    Student("jacobi", "Jacobi, Carl Gustav", mistaken(11), hours_late=30),
    Student("kovalevskaya", "Kovalevskaya, Sofya", right),
    Student("lagrange", "Lagrange, Joseph-Louis", first_only),
    Student("laplace", "Laplace, Pierre-Simon", blank),
    Student("lovelace", "Lovelace, Ada", right, hours_late=24 * 7),
    Student("noether", "Noether, Emmy", unusual(11)),
    Student("pascal", "Pascal, Blaise", syntax_error),
    Student("poincare", "Poincaré, Henri", blank),  # what this student hands in is no notebook at all
    Student("zeno", "Zeno, of Elea", never_ends),
)
NO_NOTEBOOK, NEVER_ENDS = "poincare", "zeno"
SOONER = """
# This class has somebody whose answer never ends; nobody wants to watch that for long.
c.Engine.limits = {"cell_seconds": 12, "total_seconds": 120}
"""


def filled(release: nbformat.NotebookNode, answers: Answers) -> nbformat.NotebookNode:
    """The release notebook with these answers in its solution cells."""
    notebook = nbformat.from_dict(release)
    for cell in notebook.cells:
        marks = cell.metadata.get("nbgrader", {})
        if marks.get("solution") and marks["grade_id"] in answers:
            cell.source = unmarked(answers[marks["grade_id"]])
        elif marks.get("solution") and marks.get("grade") and answers:
            cell.source = ESSAY
    return notebook


def unmarked(source: str) -> str:
    """Without the lines that tell nbgrader where a solution stands, which no student has."""
    return "\n".join(line for line in source.splitlines() if line.strip() not in (BEGIN, END))


def solutions(name: str) -> Answers:
    """The instructor's answer in each solution cell of code, by grade id."""
    source = nbformat.read(ROOT / "source" / name / f"{name}.ipynb", as_version=4)
    return {
        cell.metadata.nbgrader.grade_id: cell.source
        for cell in source.cells
        if cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("solution")
    }


def make_class(folder: Path, name: str) -> None:
    """Write the course folder; it must not exist yet (FileExistsError). CourseTextError where there is no release."""
    course, release = Course(name), ROOT / "release" / name / f"{name}.ipynb"
    if not release.is_file():
        raise CourseTextError(
            f"{release.relative_to(ROOT)} is missing: run `python -m reference.assemble {name}` first."
        )
    (folder / "source").mkdir(parents=True)
    settings = (ROOT / "nbgrader_config.py").read_text(encoding="utf-8")
    (folder / "nbgrader_config.py").write_text(settings + SOONER, encoding="utf-8")
    shutil.copytree(ROOT / "source" / name, folder / "source" / name)
    handed_out, reference = nbformat.read(release, as_version=4), solutions(name)
    for student in CLASS:
        target = folder / "submitted" / student.id / name
        target.mkdir(parents=True)
        stamp = DUE + timedelta(hours=student.hours_late)
        (target / "timestamp.txt").write_text(f"{stamp:%Y-%m-%d %H:%M:%S} UTC\n")
        if student.id == NO_NOTEBOOK:
            (target / f"{name}.ipynb").write_text("My notebook is attached to my mail of yesterday.\n")
        else:
            nbformat.write(filled(handed_out, student.answers(course, reference)), target / f"{name}.ipynb")
    fill_gradebook(folder, name)


def fill_gradebook(folder: Path, name: str) -> None:
    """As `nbgrader db assignment add NAME --duedate` and `nbgrader db student add` do, without the seconds of each."""
    from nbgrader.api import Gradebook

    # nbgrader runs alembic by its name, which lies beside this Python.
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    with Gradebook(f"sqlite:///{folder.resolve()}/gradebook.db", "normalization") as gradebook:
        gradebook.update_or_create_assignment(name, duedate=DUE)
        for student in CLASS:
            last, first = student.name.split(", ")
            gradebook.update_or_create_student(student.id, last_name=last, first_name=first)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m reference.sample_class", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("assignment", nargs="?", default=ASSIGNMENTS[0], choices=ASSIGNMENTS)
    chosen = parser.parse_args(arguments)
    if chosen.folder.exists():
        print(f"{chosen.folder} exists already; remove it or name another folder.", file=sys.stderr)
        return 1
    try:
        make_class(chosen.folder, chosen.assignment)
    except CourseTextError as error:
        print(f"The class cannot be made: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        shutil.rmtree(chosen.folder, ignore_errors=True)  # it was not there before
        print(
            f"The class cannot be written to {chosen.folder}: {error.strerror}; name another folder.", file=sys.stderr
        )
        return 2
    print(f"{len(CLASS)} submissions of {chosen.assignment} in {chosen.folder}/submitted/")
    return 0


if __name__ == "__main__":
    sys.exit(main())
