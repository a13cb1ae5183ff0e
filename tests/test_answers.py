"""A course's right and wrong answers are found by configuration and put into the instructor's notebook."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import reference.answers
from autograder.answers import Answer, answered, blank, own_function, places, read_answers, replaced_sources
from autograder.assignment import Assignment
from autograder.course import Course
from autograder.errors import CourseError
from autograder.jobs import known_answers

SOLUTION = "def double(x):\n    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION"
PAIR = "def half(x):\n    return x / 2\n\n# the sign turned\ndef negative(x):\n    return -x"


def cell(source: str, grade_id: str | None = None, points: int = 0, solution: bool = False) -> dict[str, Any]:
    marks = {"grade_id": grade_id, "solution": solution, "grade": points > 0, "points": points, "locked": not solution}
    made = {"cell_type": "code", "id": grade_id or f"c{len(source)}", "source": source, "outputs": []}
    return made | {"metadata": {"nbgrader": marks} if grade_id else {}, "execution_count": None}


@pytest.fixture
def assignment() -> Assignment:
    cells = [
        cell("import math"),
        cell(SOLUTION, "double", solution=True),
        cell("assert double(2) == 4", "double__two", 2),
        cell(PAIR, "pair", solution=True),
        cell("assert half(double(2)) == 2", "half__two", 2),
        cell("assert negative(half(2)) == -1", "unnamed", 2),
    ]
    return Assignment("a", {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells})


def course(root: Path, config: str) -> Course:
    (root / "nbgrader_config.py").write_text("c = get_config()\n" + config)
    return Course.open(root)


def test_an_answer_replaces_only_the_names_that_it_defines(assignment: Assignment) -> None:
    answer = Answer("n", True, '"""Why."""\nimport cmath\n\n# mine\ndef negative(x):\n    return 0 - x\n')
    sources = replaced_sources(assignment, answer)
    assert list(sources) == [3]
    assert "import cmath" in sources[3]
    assert "# mine\ndef negative(x):\n    return 0 - x" in sources[3]
    assert "def half(x):\n    return x / 2" in sources[3]
    assert "-x" not in sources[3]
    assert "Why." not in sources[3]


def test_helpers_stand_before_the_first_cell_that_needs_them(assignment: Assignment) -> None:
    halves = "def half(x):\n    return _scale(x, 0.5)\n\ndef _scale(x, a):\n    return a * x\n\n"
    text = halves + "def double(x):\n    return _scale(x, 2)\n"
    sources = replaced_sources(assignment, Answer("h", True, text))
    assert sources[1].index("_scale(x, a)") < sources[1].index("def double")
    assert "_scale(x, a)" not in sources[3]


def test_decorators_and_statements_on_one_line_stay_with_their_function(assignment: Assignment) -> None:
    text = "def twice(f):\n    return f\n\n@twice\ndef double(x): return x + x\ndouble.note = 1; half = double\n"
    sources = replaced_sources(assignment, Answer("d", True, text))
    assert "@twice\ndef double(x): return x + x" in sources[1]
    assert "double.note = 1; half = double" in sources[3]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("strange", ["\x0c", "'a\u2028b'"], ids=["form feed", "line separator"])
def test_only_what_ends_a_line_of_python_ends_one_of_an_answer(assignment: Assignment, strange: str, end: str) -> None:
    answer = end.join([strange, "def negative(x):", "    return 0 - x", "def half(x):", "    return 0.5 * x", ""])
    source = replaced_sources(assignment, Answer("n", True, answer))[3]
    assert source.endswith("def negative(x):\n    return 0 - x\ndef half(x):\n    return 0.5 * x")


def test_the_reference_and_the_blank_are_the_instructors_own_texts(assignment: Assignment) -> None:
    assert "return 2 * x" in answered(assignment)[1].source
    assert "return 2 * x" not in blank(assignment)[1].source
    assert [found.grade_id for found in blank(assignment)][1:] == list(assignment.by_id)


def test_demonstrations_can_be_left_out_and_what_others_need_cannot(assignment: Assignment) -> None:
    needed, chained, shown = cell("base = 2"), cell("scale = base"), cell("print(double(21))")
    needed["id"], chained["id"], shown["id"] = "n", "c", "s"
    cells = [needed, chained, shown, cell("def double(x):\n    return scale * x", "double", solution=True)]
    found = Assignment("b", {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells})
    assert [each.source for each in answered(found, demonstrations=False)][:3] == ["base = 2", "scale = base", ""]
    assert answered(found)[2].source == "print(double(21))"


def test_a_test_belongs_to_the_name_in_its_id_and_else_to_the_last_it_reads(assignment: Assignment) -> None:
    owners = [assignment.owner(test) for test in assignment.tests]
    assert owners == ["double", "half", "negative"]


def test_an_answer_that_replaces_nothing_is_the_instructors_error(assignment: Assignment) -> None:
    with pytest.raises(CourseError, match="'lost' defines no name"):
        replaced_sources(assignment, Answer("lost", True, "def other(): pass"))


def test_a_folder_of_files_is_read_with_its_explanations(tmp_path: Path, assignment: Assignment) -> None:
    for side, name, text in [
        ("right", "sum", '"""By addition."""\ndef double(x): return x + x\n'),
        (
            "wrong",
            "triple",
            '"""Times\nthree.\n\nAlso costs half: it halves\na double.\n"""\ndef double(x): return 3 * x\n',
        ),
    ]:
        path = tmp_path / "answers" / "a" / side / f"{name}.py"
        path.parent.mkdir(parents=True)
        path.write_text(text)
    right, wrong = read_answers(course(tmp_path, 'c.Answers.folder = "answers"'), "a")
    assert (right.name, right.right, right.explanation) == ("right/sum", True, "By addition.")
    assert (wrong.right, wrong.explanation) == (False, "Times three.")
    assert wrong.also_costs == {"half": "it halves a double."}
    assert own_function(assignment, wrong) == "double"


FILE = '"""Twicé."""\ndef double(x): return x + x\n'


@pytest.mark.parametrize("data", [FILE.encode("utf-8-sig"), b"# coding: latin-1\n" + FILE.encode("latin-1")])
def test_an_answer_is_read_by_its_mark_and_its_coding_line(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "answers" / "a" / "right" / "sum.py"
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    (found,) = read_answers(course(tmp_path, 'c.Answers.folder = "answers"'), "a")
    assert found.explanation == "Twicé."
    assert found.source.endswith(FILE)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (FILE.encode("latin-1"), r"sum\.py is not Python: .*encoding"),
        (b"\n\n" + FILE.encode("latin-1"), r"sum\.py is not Python: .*utf-8"),
        (b"# coding: klingon\n", r"sum\.py is not Python: .*klingon"),
        (b"x = 1\0", r"sum\.py is not Python"),
        (None, r"sum\.py cannot be read: Is a directory\."),
    ],
)
def test_an_answer_that_cannot_be_read_costs_a_grading_its_name_and_no_more(
    tmp_path: Path, data: bytes | None, sentence: str
) -> None:
    path = tmp_path / "answers" / "a" / "right" / "sum.py"
    path.parent.mkdir(parents=True)
    if data is None:
        path.mkdir()
    else:
        path.write_bytes(data)
    answers, (note,) = known_answers(course(tmp_path, 'c.Answers.folder = "answers"'), "a")
    assert answers == []
    assert re.match(f"Known mistakes are not named in the feedback: Answer .*{sentence}", note)


def test_a_module_is_read_in_a_process_of_its_own(tmp_path: Path) -> None:
    noise = "import atexit\nprint('noise')\natexit.register(print, 'bye')\n"
    text = noise + "def answers(a):\n    return [dict(name=a, right=True, source='x = 1')]\n"
    (tmp_path / "my_answers.py").write_text(text)
    found = read_answers(course(tmp_path, 'c.Answers.module = "my_answers"'), "week1")
    assert [answer.name for answer in found] == ["week1"]
    assert "my_answers" not in __import__("sys").modules


@pytest.mark.parametrize(
    ("returned", "sentence"),
    [
        ("[{'name': 'a'}]", "dictionary with name, right, source"),
        ("[dict(name='a', right='yes', source='')]", "right must be a bool"),
        ("[dict(name='a', right=True, source='x = ')]", "'a' is not Python"),
        ("[dict(name='a', right=True, source='')] * 2", "Two answers of week1 have the name 'a'"),
        ("5", "must return a list"),
        ("1 / 0", "division by zero"),
        ("exit(0)", "must return a list"),
        ("__import__('os').write(2, b'\\xe9') and exit(1)", "cannot be read from mine .*: \ufffd"),
    ],
)
def test_a_broken_list_of_answers_is_named_in_one_sentence(tmp_path: Path, returned: str, sentence: str) -> None:
    (tmp_path / "mine.py").write_text(f"def answers(a):\n    return {returned}\n")
    with pytest.raises(CourseError, match=sentence):
        read_answers(course(tmp_path, 'c.Answers.module = "mine"'), "week1")


def test_an_answers_package_that_a_notebook_imports_is_refused(tmp_path: Path) -> None:
    (tmp_path / "kit").mkdir()
    (tmp_path / "kit" / "answers.py").write_text("")
    opened = course(tmp_path, 'c.Answers.module = "kit.answers"')
    assert places(opened, ["numpy"]) == [tmp_path / "kit"]
    with pytest.raises(CourseError, match="a package of their own"):
        places(opened, ["kit.helpers"])
    assert places(course(tmp_path, 'c.Answers.folder = "answers"'), []) == [tmp_path / "answers"]


def test_answers_in_two_places_are_an_error_that_names_both_settings(tmp_path: Path) -> None:
    both = course(tmp_path, 'c.Answers.folder = "answers"\nc.Answers.module = "known"')
    for read in (lambda: read_answers(both, "a"), lambda: places(both, [])):
        with pytest.raises(CourseError, match=r"c\.Answers\.module and c\.Answers\.folder are both set"):
            read()


def test_an_assignment_that_is_not_of_this_repository_has_no_known_answers() -> None:
    assert reference.answers.answers("ps1") == []


def test_without_configuration_there_are_no_answers(tmp_path: Path) -> None:
    assert read_answers(course(tmp_path, ""), "a") == []
