"""`autograder validate` grades the grader: what it must find it finds, through the engine that grades students."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from autograder.__main__ import main
from autograder.validate import BLANK, REFERENCE, Validation, misses, validate
from autograder.validation_report import report
from tests import course_factory as factory

GOOD = {
    "right/other_names": (
        "def scale_forward(x, w):\n    return w * x, {'x': x, 'w': w}\n\n\n"
        "def scale_backward(dout, cache):\n    print('noise')\n"
        "    return cache['w'] * dout, (cache['x'] * dout).sum(0)\n"
    ),
    "right/timed": ("import time\n\n\ndef scale_forward(x, w):\n    time.perf_counter()\n    return x * w, (x, w)\n"),
    "wrong/plus": (
        '"""Your output adds where it should do something else."""\ndef scale_forward(x, w):\n'
        "    return x + w, (x, w)\n"
    ),
    "wrong/axis": (
        '"""Your sum runs over the wrong axis."""\ndef scale_backward(dout, cache):\n    x, w = cache\n'
        "    return dout * w, (dout * x).sum(axis=1)\n"
    ),
    "wrong/late": (
        '"""Your output is right for the first call alone."""\ncalls = []\n\n\ndef scale_forward(x, w):\n'
        "    calls.append(1)\n    return x * w if len(calls) == 1 else x, (x, w)\n"
    ),
}
BAD = {
    "right/no_sum": "def scale_backward(dout, cache):\n    return dout * cache[1], dout\n",
    "wrong/nothing": '"""This is the answer itself."""\ndef scale_forward(x, w):\n    return w * x, (x, w)\n',
    "wrong/no_cache": '"""Your cache is empty."""\ndef scale_forward(x, w):\n    return x + w, None\n',
}


def make_course(root: Path, answers: dict[str, str]) -> Path:
    factory.make_course(root, "c.Answers.folder = 'answers'")
    for name, text in answers.items():
        path = root / "answers" / factory.NAME / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Validation:
    root = make_course(tmp_path_factory.mktemp("good"), GOOD)
    return validate(factory.NAME, root, jobs=1)


def test_the_reference_gets_every_point_and_the_blank_release_none(good: Validation) -> None:
    points = {check.name: check.points for check in good.checks}
    assert good.results[REFERENCE].scores == points
    assert set(good.results[BLANK].scores.values()) == {0.0}


def test_each_wrong_answer_loses_points_and_is_named_by_its_own_sentence(good: Validation) -> None:
    assert {answer.name: [check.name for check in good.caught(answer)] for answer in good.wrong} == {
        "wrong/axis": ["scale_backward__gradient"],
        "wrong/late": ["scale_forward__shifted"],
        "wrong/plus": ["scale_forward__values", "scale_forward__shifted"],
    }
    assert good.diagnosed == good.wrong
    assert good.results["wrong/plus"].diagnoses["scale_forward__shifted"].startswith("Your output adds")
    assert good.results["right/other_names"].diagnoses == {}


def test_a_flag_for_a_person_changes_no_score(good: Validation) -> None:
    assert good.results["right/timed"].flags == ["scale_forward reads the clock (time.perf_counter)"]
    assert good.lost("right/timed") == []


def test_a_good_grader_has_no_miss_and_its_table_says_who_caught_what(good: Validation) -> None:
    assert good.misses == []
    lines = list(report(good))
    assert "mistakes      3 of 3 lose points on their own function" in lines
    assert any(line.startswith("scale_forward__shifted   h!") and line.endswith(".##") for line in lines)
    assert any(line.startswith("scale_forward__values       ") and line.endswith("..#") for line in lines)
    assert [check.name for check in good.needed] == ["scale_forward__shifted", "scale_backward__gradient"]
    assert good.untried == []
    assert [answer.name for answer in good.hidden_only] == ["wrong/late"]
    assert lines[-1] == "no miss"


def test_a_table_of_many_mistakes_is_sixty_wide_and_numbers_each(good: Validation) -> None:
    wrong = [replace(good.wrong[number % 3], name=f"wrong/{number}") for number in range(130)]
    many = {answer.name: good.results[good.wrong[number % 3].name] for number, answer in enumerate(wrong)}
    functions = {answer.name: "scale_forward" for answer in wrong}
    lines = list(
        report(replace(good, wrong=wrong, results=good.results | many, function=good.function | functions, misses=[]))
    )
    first = next(number for number, line in enumerate(lines, 1) if line.startswith("Checks (h: hidden, "))
    table = [line[line.rindex("   ") + 3 :] for line in lines[first : first + 16] if "scale" in line]
    width = max(len(check.name) for check in good.checks) + 15
    heads = [line[width:] for line in lines[first : lines.index("   1  scale_forward: wrong/0")] if "scale" not in line]
    assert [len(head) for head in heads] == [60, 60, 60, 60, 60, 10, 10, 10]
    columns = [column for rows in (heads[:2], heads[2:5], heads[5:]) for column in zip(*rows, strict=True)]
    assert [int("".join(column)) for column in columns] == list(range(1, 131))
    assert max(map(len, table)) <= 60


def test_what_mistakes_cost_elsewhere_for_one_reason_is_one_line_with_their_numbers(good: Validation) -> None:
    costs = {"scale_backward": "it takes this for granted"}
    wrong = [replace(answer, also_costs=costs if number else {}) for number, answer in enumerate(good.wrong)]
    lines = list(report(replace(good, wrong=wrong)))
    place = lines.index("Mistakes that cost points on other functions too:")
    assert lines[place + 1 : place + 3] == ["  scale_backward: it takes this for granted (2, 3)", ""]


def test_a_bad_grader_is_told_each_miss_and_exits_with_1(tmp_path: Path) -> None:
    root = make_course(tmp_path, GOOD | BAD)
    notebook = copy.deepcopy(factory.instructor_notebook())
    notebook["cells"][3]["source"] += "\nassert scale_forward.__globals__"  # what cannot cross
    factory.write_source(root, notebook)
    done = CliRunner().invoke(main, ["validate", factory.NAME, "--course-dir", str(root), "--jobs", "1"])
    assert done.exit_code == 1
    for sentence in (
        "scale_forward__values: the reference earns 3 in one process (no error) and 0 through the boundary",
        "right/no_sum, which is right, loses points on scale_backward__gradient",
        "wrong/no_cache loses points on scale_backward__gradient too, and also_costs gives no reason",
    ):
        assert sentence in done.output, done.output
    assert not (root / "gradebook.db").exists()


def test_checks_of_two_notebooks_that_share_their_ids_are_checks_of_each(tmp_path: Path) -> None:
    root = make_course(tmp_path, {"wrong/plus": GOOD["wrong/plus"]})
    second = copy.deepcopy(factory.instructor_notebook())
    second["cells"][4]["source"] = "assert True"  # scale_forward__shifted, which sees nothing here
    (root / "source" / factory.NAME / "second.ipynb").write_text(json.dumps(second))
    found = validate(factory.NAME, root, jobs=1)
    assert next(report(found)) == "reference     18 of 18 points that tests give"
    assert [check.name for check in found.lost("wrong/plus")] == [
        "scaling: scale_forward__values",
        "scaling: scale_forward__shifted",
        "second: scale_forward__values",
    ]
    assert found.misses == ["second: scale_forward__shifted: the blank release earns 2 points."]


def test_a_wrong_answer_that_keeps_its_points_is_a_miss(good: Validation) -> None:
    kept = replace(good, results=good.results | {"wrong/axis": good.results[REFERENCE]})
    assert list(misses(kept)) == ["wrong/axis, which is wrong, loses nothing on scale_backward."]


def test_mistakes_of_an_assignment_without_tests_are_misses(good: Validation) -> None:
    found = replace(good, checks=[])
    assert (
        list(report(replace(found, misses=list(misses(found)))))[-1]
        == "wrong/plus, which is wrong, loses nothing on scale_forward."
    )


def test_a_check_of_what_no_mistake_is_about_is_called_untried_and_not_needed(good: Validation) -> None:
    wrong = [answer for answer in good.wrong if answer.name != "wrong/axis"]
    found = replace(good, wrong=wrong, function={answer.name: "scale_forward" for answer in wrong})
    assert [check.name for check in found.untried] == ["scale_backward__gradient"]
    assert "  scale_backward__gradient" in list(report(found))
    assert found.untried[0] not in found.needed


def test_a_check_that_acts_on_the_tests_process_alone_is_named(tmp_path: Path) -> None:
    notebook = factory.instructor_notebook()
    cell = next(each for each in notebook["cells"] if "scale_forward__values" in str(each["metadata"]))
    own_clock = "import signal, warnings\nsignal.alarm(0)\n"
    cell["source"] = f"{own_clock}with np.errstate(all='raise'), warnings.catch_warnings():\n    {cell['source']}"
    root = make_course(tmp_path, {"wrong/plus": GOOD["wrong/plus"]})
    factory.write_source(root, notebook)
    lines = list(report(validate(factory.NAME, root, jobs=1)))
    place = lines.index("Checks that use what acts on the tests' process alone and asks nothing of a student's:")
    assert lines[place + 1 : place + 3] == ["  scale_forward__values: alarm, catch_warnings, errstate", ""]


def test_answers_that_are_not_where_the_course_says_are_a_course_error(tmp_path: Path) -> None:
    root = factory.make_course(tmp_path, "c.Answers.folder = 'nowhere'")
    done = CliRunner().invoke(main, ["validate", factory.NAME, "--course-dir", str(root)])
    assert done.exit_code == 4
    assert "There is no folder" in done.output
