"""Another assignment's notebook is told in one sentence, and one's own functions do not make it another."""

from __future__ import annotations

import json

import pytest

from autograder.intake import parse
from autograder.limits import Limits
from autograder.repair import repair, wrong_notebook
from tests.course_factory import RIGHT, Notebook, answered, assignment, cell, instructor_notebook

SOURCE = assignment()


def made_for(notebook: Notebook, name: str) -> Notebook:
    return notebook | {"metadata": {"normlab": {"assignment": name}}}


def of_marked_cells(notebook: Notebook, count: int) -> Notebook:
    """Its first cells that have a grade id."""
    marked = [raw for raw in notebook["cells"] if "nbgrader" in raw["metadata"]]
    return made_for(notebook | {"cells": marked[:count]}, "scaling")


def told_wrong(work: Notebook, source: Notebook) -> str:
    data = json.dumps(work).encode()
    return wrong_notebook(assignment(source), data, parse(data, Limits()))


@pytest.mark.parametrize(
    ("kept", "name", "told"),
    [
        (9, "scaling", ""),
        (9, "shifting", ""),  # somebody's copy of another file: the answers are here
        (3, "shifting", "This is the notebook shifting, not scaling."),
        (3, "another", "This is the notebook another, not scaling."),
        (3, "scaling", ""),
        (1, "scaling", "This is not the notebook scaling: it holds none of its cells."),
        (3, "a\nb", ""),  # no name of an assignment
    ],
)
def test_another_notebook_lacks_most_cells_and_says_so_or_lacks_all(kept: int, name: str, told: str) -> None:
    work = made_for(answered(RIGHT), name)
    work["cells"] = work["cells"][:kept]
    assert told_wrong(work, made_for(instructor_notebook(), "scaling")) == told


@pytest.mark.parametrize("count", [6, 7])
def test_half_of_the_cells_make_it_this_notebook_whether_marked_or_found_otherwise(count: int) -> None:
    source = of_marked_cells(instructor_notebook(), count)
    told = "This is the notebook shifting, not scaling."
    for kept in range(count + 1):
        work = made_for(of_marked_cells(answered(RIGHT), kept), "shifting")
        half = 2 * kept >= count
        if half:  # what was handed in is not read again
            assert wrong_notebook(assignment(source), b"{", parse(json.dumps(work).encode(), Limits())) == ""
        for raw in work["cells"]:
            if raw["id"] == "scale-forward":
                raw["metadata"] = {}
        assert told_wrong(work, source) == ("" if half else told)


def test_a_notebook_of_ones_own_with_the_functions_asked_for_is_not_another() -> None:
    own = made_for({**answered(RIGHT), "cells": [cell("code", "mine", RIGHT["scale_forward"])]}, "scaling")
    assert told_wrong(own, instructor_notebook()) == ""


def test_of_another_notebook_one_sentence_tells_in_place_of_every_missing_cell() -> None:
    assert repair(SOURCE, [], "This is the notebook shifting, not scaling.")[1] == [
        "This is the notebook shifting, not scaling."
    ]
