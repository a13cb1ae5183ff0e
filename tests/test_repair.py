"""The instructor's notebook is the truth; the student's answers are found in whatever was handed in."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.intake import SubmittedCell
from autograder.repair import repair
from tests.course_factory import RIGHT, Notebook, answered, assignment, cell, instructor_notebook
from tests.repaired import SOURCE, repaired

ORDER = [raw.grade_id for raw in SOURCE.cells if raw.grade_id]


def sources(notebook: Notebook) -> dict[str, str]:
    marks = ((raw, raw["metadata"].get("nbgrader", {})) for raw in notebook["cells"])
    return {mark["grade_id"]: raw["source"] for raw, mark in marks if "grade_id" in mark}


def at(notebook: Notebook, name: str) -> int:
    return next(i for i, raw in enumerate(notebook["cells"]) if raw["id"] == name.replace("_", "-"))


def find(notebook: Notebook, name: str) -> dict[str, Any]:
    found: dict[str, Any] = notebook["cells"][at(notebook, name)]
    return found


def test_an_honest_notebook_keeps_its_answers_and_gets_the_instructors_tests() -> None:
    notebook, findings = repaired(answered(RIGHT))
    assert findings == []
    assert sources(notebook) == {
        raw.grade_id: RIGHT.get(raw.grade_id, raw.source) for raw in SOURCE.cells if raw.grade_id
    }


def test_an_answer_in_the_cell_of_another_is_not_undone_by_what_was_handed_out() -> None:
    both = RIGHT["scale_forward"] + "\n\n" + RIGHT["scale_backward"]
    merged = answered({**RIGHT, "scale_forward": both})
    del merged["cells"][at(merged, "scale_backward")]
    own = {**merged, "cells": [raw for raw in merged["cells"] if raw["id"] != "scale-forward"]}
    own["cells"].insert(2, cell("code", "mine", both))
    for work in (merged, own):
        notebook, findings = repaired(work)
        assert [sources(notebook)[name] for name in ("scale_forward", "scale_backward")] == [both, ""]
        assert findings[-1] == "The answer of scale_backward stands in another cell."


def test_each_instructor_cell_carries_its_index_and_added_cells_carry_none() -> None:
    work = answered(RIGHT)
    work["cells"].insert(3, cell("code", "mine", "helper = 1"))
    notebook, _ = repaired(work)
    indices = [raw["metadata"]["autograder"]["cell"] for raw in notebook["cells"]]
    assert indices == [0, 1, 2, None, 3, 4, 5, 6, 7, 8]


def retype(work: Notebook) -> None:
    find(work, "scale_forward")["cell_type"] = "markdown"


def flip(work: Notebook) -> None:
    for raw in work["cells"]:
        marks = raw["metadata"].get("nbgrader", {})
        marks.update(grade=not marks.get("grade"), solution=not marks.get("solution"), locked=False, points=99)


def strange_metadata(work: Notebook) -> None:
    for raw in work["cells"]:
        raw["metadata"].get("nbgrader", {}).update(schema_version=99, points="many", task=[1], extra={})


def delete_tests(work: Notebook) -> None:
    work["cells"] = [raw for raw in work["cells"] if "assert" not in "".join(raw["source"])]


def edit_tests(work: Notebook) -> None:
    find(work, "scale_forward__values")["source"] = "pass"
    find(work, "imports")["source"] = "import nothing as np"


def double_tests(work: Notebook) -> None:
    work["cells"].insert(0, dict(find(work, "scale_forward__values")))


def reverse(work: Notebook) -> None:
    work["cells"].reverse()


def rename(work: Notebook) -> None:
    for name in ("scale_forward", "scale_backward"):
        raw = find(work, name)
        raw["metadata"]["nbgrader"]["grade_id"] = "my_own_name"
        raw["id"] = f"renamed-{name.replace('_', '-')}"


def lose_ids(work: Notebook) -> None:
    for raw in work["cells"]:
        raw["metadata"] = {}


def other_kernel(work: Notebook) -> None:
    work["metadata"]["kernelspec"] = {"name": "bash", "display_name": "Bash", "language": "bash"}


@pytest.mark.parametrize(
    ("attack", "finding"),
    [
        (retype, "turned back into a code cell"),
        (flip, ""),
        (strange_metadata, ""),
        (delete_tests, "scale_forward__values was not in"),
        (edit_tests, "scale_forward__values had been changed"),
        (double_tests, "2 times"),
        (reverse, "another order"),
        (rename, "found by the function"),
        (lose_ids, "lost its grade id"),
        (other_kernel, ""),
    ],
)
def test_what_was_put_out_of_order_is_put_right(attack: Callable[[Notebook], None], finding: str) -> None:
    work = answered(RIGHT)
    attack(work)
    notebook, findings = repaired(work)
    expected, _ = repaired(answered(RIGHT))
    own = [raw for raw in notebook["cells"] if raw["metadata"]["autograder"]["cell"] is not None]
    assert own == expected["cells"]
    assert notebook["metadata"] == instructor_notebook()["metadata"]
    assert any(finding in sentence for sentence in findings) or not finding


def test_a_blank_copy_of_an_answered_cell_does_not_replace_the_answer() -> None:
    work = answered(RIGHT)
    blank = find(answered({}), "scale_forward")
    work["cells"].append(dict(blank, id="copy"))
    notebook, findings = repaired(work)
    assert sources(notebook)["scale_forward"] == RIGHT["scale_forward"]
    assert [raw["source"] for raw in notebook["cells"]].count(blank["source"]) == 0
    assert "2 times" in findings[0]


def test_an_earlier_version_of_an_answer_is_kept_before_the_last_one() -> None:
    work = answered(RIGHT)
    old = dict(find(work, "scale_forward"), id="old", source="def scale_forward(x, w):\n    return x")
    work["cells"].insert(at(work, "scale_forward"), old)
    notebook, _ = repaired(work)
    texts = [raw["source"] for raw in notebook["cells"]]
    assert texts.index(old["source"]) < texts.index(RIGHT["scale_forward"])
    assert sources(notebook)["scale_forward"] == RIGHT["scale_forward"]


def test_of_two_answers_without_any_id_the_last_is_graded() -> None:
    answers = [f"def scale_forward(x, w):\n    return x * {n}" for n in range(3)]
    notebook, findings = repair(SOURCE, [SubmittedCell("code", text) for text in answers])
    assert sources(notebook)["scale_forward"] == answers[2]
    assert "The answer of scale_forward was found by the function that it defines." in findings


def test_a_given_cell_without_any_id_is_found_by_its_text() -> None:
    work = answered(RIGHT)
    for name in ("intro", "demo"):
        find(work, name)["id"] = None
    assert repaired(work) == repaired(answered(RIGHT))


def test_a_blank_answer_without_any_id_is_missing_and_its_text_a_cell_of_the_students() -> None:
    work = answered(RIGHT)
    blank = find(work, "written__why")
    blank |= {"id": None, "metadata": {}, "source": SOURCE.by_id["written__why"].release}
    notebook, findings = repaired(work)
    assert findings == ["The cell written__why was not in the notebook and was put in."]
    assert [raw["source"] for raw in notebook["cells"]].count(blank["source"]) == 2


def test_an_untouched_copy_does_not_replace_an_edited_demonstration() -> None:
    work = answered(RIGHT)
    work["cells"].append(dict(find(work, "demo"), id="copy"))
    find(work, "demo")["source"] = "print('mine')"
    notebook, _ = repaired(work)
    assert find(notebook, "demo")["source"] == "print('mine')"
    assert find(notebook, "copy")["source"] == SOURCE.cells[5].release


@pytest.mark.parametrize("by", ["id", "text"])
def test_a_given_cell_of_another_kind_is_a_cell_of_the_students(by: str) -> None:
    work = answered(RIGHT)
    for name, kind in (("intro", "code"), ("demo", "markdown")):
        find(work, name)["cell_type"] = kind
    if by == "text":
        for raw in work["cells"]:
            raw["id"] = None
    notebook, findings = repaired(work)
    added = [raw["cell_type"] for raw in notebook["cells"] if raw["metadata"]["autograder"]["cell"] is None]
    assert (added, findings) == (["code", "markdown"], [])


def test_a_given_cell_of_another_kind_hides_no_cell_after_it() -> None:
    work = answered(RIGHT)
    find(work, "intro")["cell_type"] = "code"
    find(work, "demo")["source"] = "print('mine')"
    assert find(repaired(work)[0], "demo")["source"] == "print('mine')"


def test_a_written_answer_that_became_code_is_text_again() -> None:
    work = answered(RIGHT)
    find(work, "written__why")["cell_type"] = "code"
    notebook, findings = repaired(work)
    assert findings == ["The cell written__why was turned back into a markdown cell."]
    assert notebook["cells"] == repaired(answered(RIGHT))[0]["cells"]


def test_added_cells_stay_behind_the_cell_that_they_followed() -> None:
    work = answered(RIGHT)
    work["cells"].insert(0, cell("code", "first", "first = 1"))
    work["cells"].insert(at(work, "scale_backward") + 1, cell("markdown", "note", "My note"))
    notebook, _ = repaired(work)
    texts = [raw["source"] for raw in notebook["cells"]]
    assert texts[0] == "first = 1"
    assert texts[texts.index("My note") - 1] == RIGHT["scale_backward"]


def test_a_missing_answer_is_put_back_blank() -> None:
    work = answered(RIGHT)
    del work["cells"][at(work, "scale_backward")]
    notebook, findings = repaired(work)
    assert sources(notebook)["scale_backward"] == SOURCE.by_id["scale_backward"].release
    assert findings == ["The cell scale_backward was not in the notebook and was put in."]


def test_an_edited_demonstration_is_the_students_and_a_deleted_one_is_the_instructors() -> None:
    work = answered(RIGHT)
    find(work, "demo")["source"] = "print('mine')"
    assert find(repaired(work)[0], "demo")["source"] == "print('mine')"
    del work["cells"][at(work, "demo")]
    assert find(repaired(work)[0], "demo")["source"] == SOURCE.cells[5].source


def test_nothing_handed_in_yields_the_notebook_as_it_was_handed_out() -> None:
    notebook, _ = repair(SOURCE, [])
    answers = [raw for raw in SOURCE.cells if raw.grade_id in RIGHT]
    assert all(sources(notebook)[str(raw.grade_id)] == raw.release for raw in answers)


def test_the_instructors_notebook_is_not_changed() -> None:
    before = json.dumps(SOURCE.notebook)
    notebook, _ = repaired(answered(RIGHT))
    for raw in notebook["cells"]:
        raw["metadata"].clear()
    assert json.dumps(SOURCE.notebook) == before


def test_the_repaired_notebook_is_valid_for_jupyter_and_for_nbgrader() -> None:
    import nbformat
    from nbgrader.nbgraderformat import MetadataValidator

    work = answered(RIGHT)
    work["cells"] += [cell("code", "scale_forward", "again = 1"), cell("raw", "x", "raw")]
    notebook, _ = repaired(work)
    node = nbformat.from_dict(notebook)
    nbformat.validate(node)
    MetadataValidator().validate_nb(node)
    assert (node.nbformat, node.nbformat_minor) == (4, 5), "the first format whose cells have ids"


CELLS = st.builds(
    SubmittedCell,
    cell_type=st.sampled_from(["code", "markdown", "raw"]),
    source=st.sampled_from([raw.release for raw in SOURCE.cells] + list(RIGHT.values())) | st.text(max_size=20),
    grade_id=st.none() | st.sampled_from(ORDER) | st.text("abc-_", min_size=1, max_size=4),
    cell_id=st.none() | st.sampled_from([raw["id"] for raw in SOURCE.notebook["cells"]]),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(CELLS, max_size=25))
def test_any_cells_yield_every_instructor_cell_once_in_order_with_the_tests_untouched(
    submitted: list[SubmittedCell],
) -> None:
    notebook, _ = repair(SOURCE, submitted)
    own = [raw for raw in notebook["cells"] if raw["metadata"]["autograder"]["cell"] is not None]
    assert [raw["metadata"]["autograder"]["cell"] for raw in own] == list(range(len(SOURCE.cells)))
    for raw, truth in zip(own, SOURCE.cells, strict=True):
        assert raw["cell_type"] == truth.cell_type
        assert not truth.locked or raw["source"] == truth.source
    ids = [raw["id"] for raw in notebook["cells"]]
    assert len(ids) == len(set(ids))


def test_images_stay_with_text_and_code_has_none() -> None:
    image = {"a.png": {"image/png": "AAAA"}}
    written, code = ("markdown", "mine", "written__why"), ("code", "x = 1", "scale_forward")
    submitted = [SubmittedCell(kind, text, name, attachments=image) for kind, text, name in (written, code)]
    submitted += [SubmittedCell(kind, f"{text}!", attachments=image) for kind, text, _ in (written, code)]
    notebook, _ = repair(SOURCE, submitted)
    assert {raw["source"] for raw in notebook["cells"] if "attachments" in raw} == {"mine", "mine!"}
    assert find(notebook, "written__why")["attachments"] == image


def test_images_of_the_instructors_text_are_put_back_with_it() -> None:
    image = {"a.png": {"image/png": "AAAA"}}
    source = instructor_notebook()
    find(source, "intro")["attachments"] = find(source, "demo")["attachments"] = image
    notebook, _ = repair(assignment(source), [])
    assert [raw["id"] for raw in notebook["cells"] if "attachments" in raw] == ["intro"]


def test_an_added_cell_keeps_its_id_where_jupyter_allows_it() -> None:
    taken = f"added-{len(SOURCE.cells) + 2}"
    ids = ["a" * 63, taken, "b" * 64, "c" * 65, "b" * 64, "intro", None]
    notebook, _ = repair(SOURCE, [SubmittedCell("code", f"x = {n}", cell_id=name) for n, name in enumerate(ids)])
    kept = {raw["source"]: raw["id"] for raw in notebook["cells"] if raw["source"].startswith("x = ")}
    assert [kept[f"x = {n}"] == name for n, name in enumerate(ids)] == [True] * 3 + [False] * 4
    assert len({raw["id"] for raw in notebook["cells"]}) == len(notebook["cells"])


def test_an_answer_without_its_grade_id_is_found_by_its_cell_id_even_where_another_answer_carries_that_too() -> None:
    submitted = [
        SubmittedCell("markdown", "my answer", cell_id="written--why"),
        SubmittedCell("code", RIGHT["scale_forward"], grade_id="scale_forward", cell_id="written--why"),
    ]
    assert sources(repair(SOURCE, submitted)[0])["written__why"] == "my answer"


def test_a_cell_without_an_id_is_not_taken_for_an_answer_that_has_none() -> None:
    source = instructor_notebook()
    for raw in source["cells"]:
        del raw["id"]
    notebook, _ = repair(assignment(source), [SubmittedCell("markdown", "a note")])
    assert sources(notebook)["written__why"] == SOURCE.by_id["written__why"].release
    assert notebook["cells"][0]["source"] == "a note"


def test_shuffled_submissions_are_graded_alike() -> None:
    expected, _ = repaired(answered(RIGHT))
    for seed in range(20):
        work = answered(RIGHT)
        random.Random(seed).shuffle(work["cells"])
        assert repaired(work)[0] == expected
