"""Notebooks that the instructor renamed or took out of source/: they count no longer, and nothing entered is lost."""

from __future__ import annotations

from collections.abc import Callable, Collection

import sqlalchemy as sa

from autograder.course import Course
from autograder.errors import CourseError, GradebookError
from autograder.schema import Tables, cell_ids, delete_cell, entered_for
from autograder.wording import listed


def take_out(
    connection: sa.Connection,
    tables: Tables,
    assignment: str,
    notebooks: Collection[str],
    clear: Callable[[Collection[str]], object],
) -> list[str]:
    """Delete the assignment's other notebooks from the gradebook and return their names.

    ``clear`` is called with the names before they are forgotten: where it is stopped, the next run calls it again.
    What checks gave is deleted with them: grading makes it anew, where the notebook was renamed under its new name.
    What people entered nothing makes anew: GradebookError, which says how to keep it, and how to let it go.
    """
    assigned, notebook, part, done = (
        tables[name] for name in ("assignment", "notebook", "submitted_notebook", "autograder_result")
    )
    query = (
        sa.select(notebook.c.name, notebook.c.id)
        .join(assigned, assigned.c.id == notebook.c.assignment_id)
        .where(assigned.c.name == assignment, notebook.c.name.not_in(list(notebooks)))
    )
    gone = connection.execute(query).all()
    for name, notebook_id in gone:
        if students := entered_for(connection, tables, notebook_id):
            url = connection.engine.url.render_as_string()  # with *** for a password
            raise GradebookError(
                f"The notebook {name}.ipynb of {assignment!r} is gone, and people entered scores or comments for it "
                f"({listed(students)}). Put it back under this name to keep them. To delete them, run: python -c "
                f'"from nbgrader.api import Gradebook as G; G({url!r}).remove_notebook({name!r}, {assignment!r})"'
            )
    clear([name for name, _ in gone])
    for _, notebook_id in gone:
        for (_, role), cell_id in cell_ids(connection, tables, notebook_id).items():
            delete_cell(connection, tables, role, cell_id)
        connection.execute(part.delete().where(part.c.notebook_id == notebook_id))
        connection.execute(tables["source_cell"].delete().where(tables["source_cell"].c.notebook_id == notebook_id))
        connection.execute(notebook.delete().where(notebook.c.id == notebook_id))
    # Also of what nbgrader took out: were it put back, it would not be graded.
    connection.execute(done.delete().where(done.c.assignment == assignment, done.c.notebook.not_in(list(notebooks))))
    return [name for name, _ in gone]


def clear(course: Course, assignment: str, gone: Collection[str]) -> None:
    """Take away what grading wrote of notebooks that are gone, which would be handed back."""
    for name in gone:
        for student, _ in course.submissions(assignment):
            for step, file in (("autograded", f"{name}.ipynb"), ("feedback", f"{name}.html")):
                (course.folder(step, student, assignment) / file).unlink(missing_ok=True)


def check_none_gone(assignment: str, notebooks: Collection[str], graded: Collection[str]) -> None:
    """Raise CourseError where a notebook that was ``graded`` is gone, so that its points would count on."""
    if gone := sorted({*graded} - {*notebooks}):
        raise CourseError(
            f"{listed([f'{name}.ipynb' for name in gone])} of {assignment!r} was graded and is gone; run `autograder "
            f"grade {assignment}` first, so that it counts no longer."
        )
