"""A fault in an assignment's files is told in a sentence with its place."""

from __future__ import annotations

import importlib
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import reference
from reference import assemble
from reference.course import ROOT, Course, CourseTextError
from reference.proofread import FILES

MISSPELT = "    # TODO: and once more\n    ### begin solution\n    ### end solution\n    return out, cache"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder in which reference/groupnorm/ is an assignment, to be broken by a test."""
    shutil.copytree(ROOT / "tests" / "groupnorm", tmp_path / "reference" / "groupnorm")
    monkeypatch.setattr("reference.course.ROOT", tmp_path)
    monkeypatch.setattr(reference, "__path__", [*reference.__path__, str(tmp_path / "reference")])
    importlib.invalidate_caches()
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("reference.groupnorm")]:
        del sys.modules[name]


def change(root: Path, file: str, old: str, new: str) -> int:
    """Replaces the first ``old``; returns the number of its line."""
    path = root / "reference" / "groupnorm" / file
    before, found, after = path.read_text(encoding="utf-8").partition(old)
    assert found
    path.write_text(before + new + after, encoding="utf-8")
    return before.count("\n") + 1


def test_the_example_has_no_fault(root: Path) -> None:
    assemble.write_source(Course("groupnorm"), root)
    assert (root / "source" / "groupnorm" / "groupnorm.ipynb").is_file()


@pytest.mark.parametrize(
    ("file", "old", "new", "complaint"),
    [
        (
            "checks.py",
            "backward__square_batch",
            "backward__gradients",
            "LINE: groupnorm_backward__gradients is defined",
        ),
        (
            "checks.py",
            "np.array([[1.0, 3, 10, 12]])",
            "np.array([[1.0, 3, 10, 12])",
            "checks.py, line LINE: closing parenthesis",
        ),
        (
            "checks.py",
            "@check(points=15, hidden",
            '@check(points="15", hidden',
            "has points='15'; give a number from 0.",
        ),
        ("mistakes.py", "MISTAKES = (", "MISTAKES = ((", "mistakes.py, line LINE: '(' was never closed."),
        ("checks.py", "import numpy as np", "import nump as np", "named 'nump' (checks.py, line LINE)."),
        ("solution.py", "### BEGIN SOLUTION", "### BEGIN SOLUTON", "`### END SOLUTION` has no"),
        ("solution.py", "### END SOLUTION", "### END SOLUTON", "`### BEGIN SOLUTION` has no"),
        ("solution.py", "### END SOLUTION", "### BEGIN SOLUTION", "`### BEGIN SOLUTION` has no"),
        (
            "solution.py",
            "    return out, cache",
            MISSPELT,
            "'### begin solution' is no mark for nbgrader: write `### B",
        ),
        ("right_answers.py", "RIGHT_ANSWERS = (", 'RIGHT_ANSWERS = ("def f(): pass",', "each a RightAnswer(...)."),
        ("mistakes.py", "MISTAKES = (", "MISTAKES = ((),", "each a Mistake(...)."),
        (
            "checks.py",
            "def groupnorm_forward__groups_do_not_meet",
            'def groupnorm_forward__short(groupnorm_forward: Function) -> None: """One line."""\n\n\n@check(points=0)\n'
            "def groupnorm_forward__groups_do_not_meet",
            "groupnorm_forward__short: write the body of a check below its `def`",
        ),
        ("assignment.md", "{prediction} prediction__groups_of_one", "{prediction} class", "can be, and not 'class'."),
        ("solution.py", "# TODO", "# Now", "has no comment above it that begins with TODO."),
        (
            "checks.py",
            '"""The row that the text works out by hand, in two groups, with eps = 3."""',
            "pass",
            "groupnorm_forward__example_by_hand has no docstring",
        ),
        (
            "mistakes.py",
            '"groupnorm_backward",',
            '"groupnorm_bckward",',
            "mistakes.py: mistake backward_mean_path_missing: ",
        ),
        (
            "mistakes.py",
            'along"),),',
            'along")),',
            "mistakes.py: mistake backward_mean_path_missing: its edits are pairs",
        ),
        (
            "mistakes.py",
            "parts = x.reshape(N, 1, D)",
            "parts = x.reshape(N, 1, D",
            "mistakes.py: mistake forward_no_groups is not Python, line ",
        ),
        (
            "right_answers.py",
            "width = x.shape[1]",
            "width = x.shape[1])",
            "right_answers.py: answer group_by_group is not Python, line 3",
        ),
        (
            "assignment.md",
            ":answer: b",
            ":answer: d",
            "the answer of prediction__groups_of_one, 'd', is none of a, b, c",
        ),
        (
            "assignment.md",
            "{written} written__groups",
            "{written}",
            "assignment.md, line LINE: the fence {written} is to",
        ),
        (
            "assignment.md",
            "{written} w",
            "written w",
            "assignment.md, line LINE: '```written written__groups' and wh",
        ),
        (
            "assignment.md",
            "{solution} groupnorm_forward",
            "{solution}",
            "md, line LINE: the fence {solution} is to begin",
        ),
        (
            "assignment.md",
            "{prediction} prediction__groups_of_one",
            "{prediction}",
            "md, line LINE: the fence {predicti",
        ),
        ("assignment.md", "{solution} groupnorm_b", "{solution} groupnrom_b", "and solution.py no such function"),
        (
            "checks.py",
            "@check(points=15)\ndef groupnorm_forward__groups_do_not_meet",
            "def groupnorm_forward__groups_do_not_meet",
            "checks.py, line LINE: groupnorm_forward__groups_do_not_meet is named like a check, and is none",
        ),
        ("solution.py", "    return out, cache", "", "has no `### END SOLUTION` below it, above the last statement of"),
    ],
)
def test_a_fault_is_told_in_a_sentence_with_its_place(
    root: Path, file: str, old: str, new: str, complaint: str
) -> None:
    line = change(root, file, old, new)
    with pytest.raises(CourseTextError, match=re.escape(complaint.replace("LINE", str(line)))) as caught:
        assemble.write_source(Course("groupnorm"), root)
    assert str(caught.value).startswith("reference/groupnorm/")
    assert not (root / "source").exists()


def test_a_function_of_which_nothing_would_be_released_is_refused(root: Path) -> None:
    for mark in ("    ### BEGIN SOLUTION\n", "    ### END SOLUTION\n"):
        change(root, "solution.py", mark, "")
    with pytest.raises(CourseTextError, match=r"solution.py, line \d+: groupnorm_forward has no `### BEGIN SOLUTION`"):
        assemble.write_source(Course("groupnorm"), root)


def test_a_function_that_no_cell_holds_needs_no_marks(root: Path) -> None:
    change(root, "solution.py", "def groupnorm_forward", "def helper():\n    pass\n\n\ndef groupnorm_forward")
    assemble.write_source(Course("groupnorm"), root)


def test_a_text_in_another_encoding_is_told_to_be_saved_as_utf_8(root: Path) -> None:
    path = root / "reference" / "groupnorm" / "assignment.md"
    path.write_bytes(path.read_text(encoding="utf-8").encode("utf-16"))
    with pytest.raises(CourseTextError, match=r"assignment\.md is no UTF-8 \(invalid .*: save it as UTF-8\."):
        assemble.write_source(Course("groupnorm"), root)


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_missing_is_named(root: Path, name: str) -> None:
    (root / "reference" / "groupnorm" / name).unlink()
    with pytest.raises(
        CourseTextError, match=f"^reference/groupnorm/{name} is missing; an assignment has __init__.py, "
    ):
        assemble.write_source(Course("groupnorm"), root)
