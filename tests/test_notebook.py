"""Reading a student's notebook: damaged, renamed, saved by another tool, or no notebook at all."""

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import pytest

from autograder.limits import Limits
from normlab.__main__ import main
from normlab.check import NotebookError, check
from normlab.notebook import MOST_BYTES, MOST_CELLS, read_notebook
from tests.small_notebooks import ALL_DONE, Raw, Save, at, cell, filled, released, saver, status


@pytest.fixture
def save(tmp_path: Path) -> Save:
    return saver(tmp_path)


def lose(notebook: Raw) -> None:
    notebook["cells"].remove(at(notebook, "square__of_three"))
    notebook["cells"].remove(at(notebook, "written__why"))


def merge(notebook: Raw) -> None:
    notebook["cells"].remove(merged := at(notebook, "double__of_three"))
    at(notebook, "double")["source"] += f"\n\n{merged['source']}"


def merge_into_given(notebook: Raw) -> None:
    notebook["cells"].remove(merged := at(notebook, "double"))
    given = deepcopy(at(notebook, "double__of_three"))
    given["metadata"]["nbgrader"] |= {"grade_id": "imports", "grade": False, "locked": True}
    given["source"] = merged["source"]
    notebook["cells"].insert(0, given)


def lose_given(notebook: Raw) -> None:
    known = notebook["metadata"]["normlab"]
    known |= {"cells": ["imports", *known["cells"]], "given": ["imports"]}


def paste(notebook: Raw) -> None:
    at(notebook, "double")["metadata"] = {}


def paste_lambda(notebook: Raw) -> None:
    at(notebook, "double").update(metadata={}, source="if True:\n    double = lambda x: 2 * x")


def repeat(notebook: Raw) -> None:
    notebook["cells"].append(deepcopy(at(notebook, "double")))


def edit(notebook: Raw) -> None:
    at(notebook, "square__of_three")["source"] = "assert True"


def turn(notebook: Raw) -> None:
    at(notebook, "square__of_three").update(cell_type="markdown")


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lose, "Lost from the notebook: written__why. Points of a lost answer are lost with it"),
        (lose, "Lost from the notebook: square__of_three. The grader puts lost checks back."),
        (merge, "Lost from the notebook: double__of_three. The grader puts lost checks back."),
        (
            merge_into_given,
            "The cell of double was lost; the grader takes the cell that defines it, wherever it stands.",
        ),
        (
            lose_given,
            "Lost from the notebook: imports, given by the course. The grader puts it back; names that are not ",
        ),
        (paste, "The cell of double was lost; the grader takes the cell that defines it, wherever it stands."),
        (paste_lambda, "The cell of double was lost; the grader takes the cell that defines it, wherever it stands."),
        (repeat, "Twice in the notebook: double. The grader takes the last; delete the other."),
        (edit, "The check square__of_three was edited; the grader puts the original back."),
        (turn, "square__of_three was changed from a code cell to a markdown cell; change it back."),
    ],
)
def test_a_damaged_notebook_is_told_so(save: Save, damage: Callable[[Raw], None], sentence: str) -> None:
    notebook = filled()
    damage(notebook)
    report = check(save(notebook))
    assert [notice for notice in report.notices if notice.startswith(sentence)]
    assert len(report.notices) == 1 + (damage in (lose, merge_into_given))
    assert sentence in " ".join(str(report).split())
    assert not report.all_passed


def test_an_old_version_kept_as_text_is_no_damage(save: Save) -> None:
    notebook = filled()
    notebook["cells"].append({**deepcopy(at(notebook, "double")), "cell_type": "raw"})
    report = check(save(notebook))
    assert (status(report), report.notices) == (ALL_DONE, ())


@pytest.mark.parametrize("points", [None, "three", [], 10**400], ids=["none", "a word", "a list", "too much"])
def test_a_check_whose_points_are_no_number_was_edited(save: Save, points: object) -> None:
    notebook = filled()
    at(notebook, "square__of_three")["metadata"]["nbgrader"]["points"] = points
    told = "The check square__of_three was edited; the grader puts the original back."
    assert read_notebook(save(notebook)).notices == [told]


@pytest.mark.parametrize("known", [{"cells": 7}, {"cells": ["double", []], "checks": 5}, {"cells": {}, "checks": None}])
def test_names_of_cells_that_are_no_list_are_not_read(save: Save, known: dict[str, object]) -> None:
    notebook = filled()
    notebook["metadata"]["normlab"] = {"assignment": "numbers", **known}
    assert read_notebook(save(notebook)).notices == []


def test_a_renamed_notebook_is_told_its_name(save: Save) -> None:
    report = check(save(filled(), "my homework.ipynb"))
    assert status(report) == ALL_DONE
    assert report.notices == ("The file is named my homework.ipynb; hand it in as numbers.ipynb, its first name.",)
    report = check(save(filled(), "numbers.ipynb.txt"))
    assert report.notices == ("The file is named numbers.ipynb.txt; hand it in as numbers.ipynb, its first name.",)
    assert not report.all_passed


@pytest.mark.parametrize("name", ["numbers (1).ipynb", "numbers-Copy1.ipynb", "numbers_2.ipynb"])
def test_a_copy_is_told_even_where_the_notebook_does_not_know_its_name(save: Save, name: str) -> None:
    notebook = filled()
    del notebook["metadata"]["normlab"]
    assert "hand it in as numbers.ipynb" in check(save(notebook, name)).notices[0]
    assert check(save(notebook)).notices == ()


def by_vscode(notebook: Raw) -> None:
    """VS Code, from its documented behavior, not from the tool: notebook-level version data, a language id in cells."""
    notebook["metadata"]["language_info"] = {"name": "python", "version": "3.12.1", "pygments_lexer": "ipython3"}
    for one in notebook["cells"]:
        one["source"] = one["source"].splitlines(keepends=True)
        if one["cell_type"] == "code":
            one["metadata"]["vscode"] = {"languageId": "python"}


def by_colab(notebook: Raw) -> None:
    """Google Colab, from its documented format, not from the tool: minor version 0, cell ids in the metadata."""
    notebook["metadata"] |= {"colab": {"provenance": [], "toc_visible": True}, "language_info": {"name": "python"}}
    notebook["nbformat_minor"] = 0
    for one in notebook["cells"]:
        one["metadata"] |= {"id": one.pop("id"), "colab": {"base_uri": "https://localhost:8080/"}}
        one["source"] = one["source"].splitlines(keepends=True)


def by_jupyterlite(notebook: Raw) -> None:
    """JupyterLite, from its documented format, not from the tool: the kernel is Pyodide."""
    notebook["metadata"]["kernelspec"] = {"display_name": "Python (Pyodide)", "language": "python", "name": "python"}
    notebook["metadata"]["language_info"] = {"codemirror_mode": {"name": "python", "version": 3}, "name": "python"}


TOOLS = {"VS Code": by_vscode, "Google Colab": by_colab, "JupyterLite": by_jupyterlite}


@pytest.mark.parametrize("tool", TOOLS)
def test_notebooks_of_other_tools_are_checked_alike(save: Save, tool: str) -> None:
    notebook = filled()
    TOOLS[tool](notebook)
    path = save(notebook)
    report = check(path)
    assert read_notebook(path).saved_by == tool
    assert status(report) == ALL_DONE
    assert report.all_passed


@pytest.mark.parametrize("tool", TOOLS)
def test_a_tool_that_dropped_the_marks_is_named(save: Save, tool: str) -> None:
    notebook = filled()
    TOOLS[tool](notebook)
    for one in notebook["cells"]:
        one["metadata"].pop("nbgrader", None)
    with pytest.raises(
        NotebookError, match=f"has no check cell: {tool} saved it, and the marks .* Download the notebook"
    ):
        check(save(notebook))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("<!DOCTYPE html><html></html>", "it is a web page; download the notebook itself"),
        ('{"cells": [\n<<<<<<< HEAD\n', "marks of a merge conflict"),
        ('{"cells": [', "cut off or was edited by hand"),
        (" \n", "is not a notebook: it is empty; save it again in Jupyter, or download the notebook again."),
        ("[1, 2]", "it holds other data; hand in the .ipynb file"),
        ('{"nbformat": 3, "worksheets": []}', "notebook format 3, format 4 is expected; open it in a current Jupyter"),
        ('{"nbformat": 4, "cells": {}}', "is not a notebook: it has no list of cells; download the notebook again"),
        ('{"nbformat": 4, "cells": [3], "metadata": {}}', "cell 1 is damaged"),
        ('{"nbformat": 4, "cells": [], "metadata": []}', "its metadata is no dictionary"),
        ('{"nbformat": 4, "cells": [], "metadata": {"kernelspec": {"language": "R"}}}', "runs on a kernel for R"),
        ('{"nbformat": 4, "cells": [], "metadata": {}}', "has no check cell: the marks"),
        ("[" * 100_000, "is not a notebook"),
    ],
)
def test_what_is_no_notebook_is_refused_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, words: str
) -> None:
    path = tmp_path / "numbers.ipynb"
    path.write_text(content)
    assert main(["check", str(path)]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.startswith("Cannot check: ")
    assert said.count("\n") == 1


def test_a_name_that_no_file_can_have_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "a" * 300]) == 2
    assert capsys.readouterr().err.endswith("cannot be read: File name too long.\n")


def test_a_file_that_is_no_ipynb_and_a_folder_are_told_what_to_give(save: Save, tmp_path: Path) -> None:
    (tmp_path / "HAND_IN.md").write_text("# How to hand in\n")
    with pytest.raises(NotebookError, match=r"HAND_IN.md is not a notebook: give the .ipynb file that Jupyter saves"):
        check(tmp_path / "HAND_IN.md")
    with pytest.raises(NotebookError, match=r"is a folder; give the .ipynb file itself$"):
        check(tmp_path)
    save(filled())
    with pytest.raises(NotebookError, match=r"is a folder; give the .ipynb file, here numbers.ipynb$"):
        check(tmp_path)


def test_a_file_that_is_not_there_is_answered_with_those_that_are(save: Save, tmp_path: Path) -> None:
    save(filled(), "other.ipynb.txt")
    (tmp_path / ".ipynb_checkpoints").mkdir()
    with pytest.raises(NotebookError, match=r"no file .*numbers.ipynb; in that folder there is other.ipynb.txt$"):
        check(tmp_path / "numbers.ipynb")


def test_the_checksum_is_nbgraders(save: Save) -> None:
    cells = read_notebook(save(released())).cells
    assert [one.number for one in cells if not one.is_as_released] == [0]  # the prose has none


def test_a_blank_copy_of_an_answered_cell_changes_nothing_wherever_it_stands(save: Save) -> None:
    for place in (0, 1, 2, 3, 99):
        notebook = filled()
        notebook["cells"].insert(place, deepcopy(at(released(), "double")))
        report = check(save(notebook))
        assert (status(report), report.notices) == (ALL_DONE, ()), place


def test_cells_in_another_order_are_told(save: Save) -> None:
    notebook = filled()
    moved = at(notebook, "square")
    notebook["cells"].remove(moved)
    notebook["cells"].insert(0, moved)
    (notice,) = check(save(notebook)).notices
    assert notice == "The cells are not in the order in which they were handed out, and the grader runs them in that."


def test_what_is_larger_than_a_grader_reads_is_told(save: Save, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (Limits().notebook_bytes, Limits().notebook_cells) == (MOST_BYTES, MOST_CELLS)
    path = save(filled())
    monkeypatch.setattr("normlab.notebook.MOST_BYTES", path.stat().st_size)
    assert check(path).notices == ()
    monkeypatch.setattr("normlab.notebook.MOST_BYTES", path.stat().st_size - 1)
    (notice,) = check(path).notices
    assert "clear the outputs of large plots" in notice
    monkeypatch.undo()
    monkeypatch.setattr("normlab.notebook.MOST_CELLS", len(filled()["cells"]))
    assert check(path).notices == ()
    monkeypatch.setattr("normlab.notebook.MOST_CELLS", len(filled()["cells"]) - 1)
    (notice,) = check(path).notices
    assert notice.endswith("delete some.")


def test_a_cell_is_indented_and_annotated_as_jupyter_takes_it(save: Save) -> None:
    notebook = filled()
    at(notebook, "double")["source"] = "\n    def double(x):\n        return 2 * x\n"
    report = check(save(notebook))
    assert (status(report), report.notices) == (ALL_DONE, ())
    at(notebook, "double")["source"] = "def double(x: NotImported):\n    return 2 * x"
    report = check(save(notebook))
    assert status(report)["double"] == "failed"
    assert "NotImported" in str(report)
    notebook["cells"].insert(0, cell("from __future__ import annotations"))
    assert status(check(save(notebook))) == ALL_DONE
