"""The report and the exports tell what stands in the gradebook, and nothing of the students' work."""

from __future__ import annotations

import csv
import json
import re
import sqlite3
from contextlib import closing
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from autograder.__main__ import main
from autograder.changes import Standing, changed, history
from autograder.course import Course
from autograder.errors import CourseError, UsageError
from autograder.export import KINDS, export
from autograder.gradebook import Gradebook, Record
from autograder.report import _discrimination, analyze, render, report
from autograder.results import CheckResult, Judged
from tests.course_factory import NAME, POINTS, answered, assignment, instructor_notebook, make_course

EPS = "Your output equals scaling without the weights."
EVIL = "=cmd|' /C calc'!A0"


def record(student: str, scores: dict[str, float | None], penalty: float | None = None, **known: Any) -> Record:
    checks = {
        name: CheckResult("manual" if score is None else "passed" if score else "failed", POINTS[name], score)
        for name, score in scores.items()
    }
    if not scores["scale_forward__values"]:
        checks["scale_forward__values"].diagnosis = EPS
        checks["scale_forward__values"].message = "their secret work"
    judged = asdict(Judged({}, {}, checks, seconds=0.5)) | {"findings": [], "refused": ""} | known
    return Record(student, NAME, scores, frozenset(), None, penalty, "d", json.dumps(judged))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A class of four, as it stands after grading; one written answer is graded by hand."""
    root = make_course(tmp_path / "course", gradebook=True)
    with closing(Gradebook(Course.open(root).db_url)) as book:
        book.save_assignment("course101", NAME, {NAME: assignment()})
        names = list(POINTS)
        for student, scores, known in (
            ("ann", (3, 2, 4, None), {}),
            ("bob", (0, 0, 4, None), {}),
            ("cyd", (0, 0, 0, 0), {"flags": ["Not read: it is garbage."]}),
            (EVIL, (3, 2, 0, None), {"deaths": ["the cell ran longer than 30 s"]}),
        ):
            penalty = 1.0 if student == "bob" else None
            book.write(NAME, [record(student, dict(zip(names, scores, strict=True)), penalty, **known)])
    with closing(sqlite3.connect(root / "gradebook.db")) as connection, connection:
        connection.execute(
            "UPDATE grade SET manual_score = 1.5, extra_credit = 0.25 WHERE id IN (SELECT g.id FROM grade g JOIN "
            "submitted_notebook n ON n.id = g.notebook_id JOIN submitted_assignment s ON s.id = n.assignment_id "
            "WHERE s.student_id = 'ann' AND g.auto_score IS NULL)"
        )
        connection.execute(
            "UPDATE student SET first_name = 'Ann', last_name = ?, email = 'ann@x.org' WHERE id = 'ann'", [EVIL]
        )
    return root


def test_the_figures_of_the_class_are_those_of_the_gradebook(root: Path) -> None:
    facts = json.loads(report(NAME, root).with_suffix(".json").read_text())
    assert facts["scores"] == {EVIL: 5.0, "ann": 10.75, "bob": 3.0, "cyd": 0.0}
    assert facts["distribution"] == [1, 0, 1, 0, 1, 0, 0, 0, 0, 1]
    assert facts["mean"] == pytest.approx(4.6875)
    checks = {check["name"]: check for check in facts["checks"]}
    assert checks["scale_forward__values"]["statuses"] == {"passed": 2, "failed": 2}
    assert checks["scale_forward__values"]["lost"] == 6.0
    assert checks["scale_forward__values"]["discrimination"] > 0.5
    assert checks["written__why"]["statuses"] == {"partial": 1, "failed": 1}
    assert facts["mistakes"] == {EPS: 2}
    assert facts["needs_help"].keys() == {"bob", "cyd"}
    assert facts["late"] == {"bob": 1.0}
    assert facts["waiting"] == 2
    assert ["cyd", "Not read: it is garbage."] in facts["look_at"]


@pytest.mark.parametrize(("score", "status", "made"), [(3, "passed", 1), (1, "partial", 2), (0, "failed", 2)])
def test_a_check_that_a_person_put_right_counts_as_they_graded_it(
    root: Path, score: int, status: str, made: int
) -> None:
    with closing(sqlite3.connect(root / "gradebook.db")) as connection, connection:
        connection.execute(
            "UPDATE grade SET manual_score = ? WHERE id IN (SELECT g.id FROM grade g "
            "JOIN base_cell c ON c.id = g.cell_id JOIN submitted_notebook n ON n.id = g.notebook_id "
            "JOIN submitted_assignment s ON s.id = n.assignment_id "
            "WHERE s.student_id = 'bob' AND c.name = 'scale_forward__values')",
            [score],
        )
    facts = json.loads(report(NAME, root).with_suffix(".json").read_text())
    [check] = [check for check in facts["checks"] if check["name"] == "scale_forward__values"]
    others = ["passed", "failed", "passed"]
    assert check["statuses"] == {each: [*others, status].count(each) for each in {*others, status}}
    assert check["lost"] == 6.0 - score
    assert facts["mistakes"] == {EPS: made}


def test_extra_credit_changes_no_checks_outcome(root: Path) -> None:
    before = json.loads(report(NAME, root).with_suffix(".json").read_text())
    with closing(sqlite3.connect(root / "gradebook.db")) as connection, connection:
        connection.execute("UPDATE grade SET extra_credit = 3 WHERE auto_score = 0")
    facts = json.loads(report(NAME, root).with_suffix(".json").read_text())
    assert facts["scores"]["bob"] == before["scores"]["bob"] + 6.0
    assert [check["statuses"] for check in facts["checks"]] == [check["statuses"] for check in before["checks"]]
    assert facts["mistakes"] == before["mistakes"] == {EPS: 2}


def test_the_report_tells_when_and_how_often_was_handed_in(root: Path) -> None:
    scores = dict(zip(POINTS, (0.0, 0.0, 0.0, None), strict=True))
    with closing(sqlite3.connect(root / "gradebook.db")) as connection, connection:
        connection.execute("UPDATE assignment SET duedate = '2026-11-02 12:00:00.000000'")
    handed_in = {"ann": ["01 10:00", "02 11:30"], "bob": ["02 14:00"], "cyd": ["02 02:00", "02 02:00", "01 02:00"]}
    with closing(Gradebook(Course.open(root).db_url)) as book:
        for student, stamps in handed_in.items():
            for number, stamp in enumerate(stamps):
                scores["scale_forward__values"] = float(number % 2)
                when = datetime.strptime(f"2026-11-{stamp}", "%Y-%m-%d %H:%M")
                book.write(NAME, [replace(record(student, scores), timestamp=when, submission=f"{student} {stamp}")])
    page = report(NAME, root)
    facts = json.loads(page.with_suffix(".json").read_text())
    assert facts["attempts"] == {"ann": 2, "bob": 1, "cyd": 2}
    assert facts["hours"] == {"ann": 0.5, "bob": -2.0, "cyd": 34.0}
    text = re.sub(r"<[^>]+>|\s+", " ", page.read_text())
    for line in ("more than a day before it was due 1", "in the last hour 1", "after it was due 1"):
        assert line in re.sub(r" +", " ", text)
    assert "nobody knows when 1" in re.sub(r" +", " ", text)
    assert "2 students handed in 2 times" in text
    assert "bob , 0 points, 2 hours late" in re.sub(r" +", " ", text)


def test_students_with_answers_that_are_alike_stand_in_one_line_with_how_alike_they_are(root: Path) -> None:
    long = "".join(f"    step{number} = x * w + {number} - {number}\n" for number in range(20))
    answer = f"def scale_forward(x, w):\n{long}    return x * w, (x, w)"
    for student, text in {"ann": answer, "bob": answer, "cyd": answer.replace("- 7", "- 7 + 0")}.items():
        cells = answered({"scale_forward": text})
        path = root / "autograded" / student / NAME / f"{NAME}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(cells))
    page = report(NAME, root)
    [[task, students, likeness]] = json.loads(page.with_suffix(".json").read_text())["alike"]
    assert (task, students) == ("scale_forward", ["ann", "bob", "cyd"])
    assert 0.98 < likeness < 1
    assert "<li>scale_forward: ann, bob, cyd (at least 99% alike)</li>" in page.read_text()


def test_a_class_too_large_to_compare_answers_is_told_so(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autograder.report.COMPARED", 1)
    assert "They are not looked for in so large a class" in report(NAME, root).read_text()


@pytest.mark.parametrize("content", ["{", "[]", '{"cells": [{}]}', '{"cells": 3}', "\udcff"])
def test_an_autograded_notebook_that_was_cut_is_told_with_what_makes_it_anew(root: Path, content: str) -> None:
    path = root / "autograded" / "ann" / NAME / f"{NAME}.ipynb"
    path.parent.mkdir(parents=True)
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(CourseError, match=f"{path} is not .*; delete it and run `autograder grade {NAME}`"):
        report(NAME, root)


def test_what_is_said_of_many_is_said_once(root: Path) -> None:
    with closing(Gradebook(Course.open(root).db_url)) as gradebook:
        found = analyze(NAME, gradebook.results(NAME))
    found.look_at = [(f"student{n}", "values is at fault itself") for n in range(30)] + [("ann", "reads the clock")]
    page = render(found)
    assert page.count("values is at fault itself") == page.count("reads the clock") == 1
    assert "student0, student1, student2 and 27 more" in page


def test_who_needs_help_is_told_in_one_line_each(root: Path) -> None:
    page = report(NAME, root).read_text()
    assert "<strong>cyd</strong>, 0 points. Without points: scale_forward, 2 of 2 checks; scale_backward" in page


def test_the_page_is_self_contained_and_shows_no_work(root: Path) -> None:
    html = report(NAME, root).read_text()
    assert "their secret work" not in html
    assert EPS in html
    assert re.findall(r'(?:src|href|srcset)="(?!data:)([^"]*)"', html) == []
    assert "default-src 'none'" in html
    assert html == report(NAME, root).read_text()


def test_checks_of_two_notebooks_that_share_their_ids_are_told_apart(tmp_path: Path) -> None:
    root = make_course(tmp_path / "course", gradebook=True)
    second = instructor_notebook()
    second["cells"][3]["metadata"]["nbgrader"]["grade_id"] = "own__values"
    (root / "source" / NAME / "second.ipynb").write_text(json.dumps(second))
    first = dict(zip(POINTS, (3.0, 2.0, 4.0, None), strict=True))
    worse = first | {"scale_forward__shifted": 0.0, "scale_backward__gradient": 1.0}
    with closing(Gradebook(Course.open(root).db_url)) as book:
        book.save_assignment("course101", NAME, Course.open(root).notebooks(NAME))
        for scores in (first, worse):
            other = replace(record("ann", scores), notebook="second")
            renamed = {name.replace("scale_forward__values", "own__values"): score for name, score in scores.items()}
            text = other.result.replace("scale_forward__values", "own__values")
            before = Standing.of(book, NAME)
            book.write(NAME, [record("ann", first), replace(other, scores=renamed, result=text)])
        changes = changed(book, NAME, before)
    rows = dict(zip(*table(export(NAME, root)), strict=True))
    assert {name: rows[name] for name in [*rows][4:6]} == {"score": "13.0", "max_score": "22.0"}
    assert {name: float(rows[name]) for name in [*rows][7:]} == {
        "scale_forward__values": 3.0,
        f"{NAME}: scale_forward__shifted": 2.0,
        f"{NAME}: scale_backward__gradient": 4.0,
        f"{NAME}: written__why": 0.0,
        "own__values": 3.0,
        "second: scale_forward__shifted": 0.0,
        "second: scale_backward__gradient": 1.0,
        "second: written__why": 0.0,
    }
    facts = json.loads(report(NAME, root).with_suffix(".json").read_text())
    assert (facts["points"], facts["scores"], facts["waiting"]) == (22.0, {"ann": 13.0}, 2)
    assert [check["name"] for check in facts["checks"]] == [*rows][7:]
    assert changes["ann"].checks == {"scale_forward__shifted": [2.0, 0.0], "scale_backward__gradient": [4.0, 1.0]}
    lines = [line for line in history(NAME, root) if "gradient" in line]
    assert [line.partition(" auto")[0].split(maxsplit=2)[2] for line in lines] == [
        f"{NAME}: scale_backward__gradient: none -> 4",
        "second: scale_backward__gradient: none -> 4",
        "second: scale_backward__gradient: 4 -> 1",
    ]


def test_a_class_that_is_not_graded_has_no_report_and_no_export(tmp_path: Path) -> None:
    root = make_course(tmp_path / "course", gradebook=True)
    for run in (report, export):
        with pytest.raises(UsageError, match=f"autograder grade {NAME}"):
            run(NAME, root)


def table(path: Path) -> list[list[str]]:
    with path.open(newline="") as file:
        return list(csv.reader(file))


def test_exported_scores_count_what_people_gave_and_what_lateness_costs(root: Path) -> None:
    rows = table(export(NAME, root))
    scores = {row[0]: float(row[4]) for row in rows[1:]}
    assert scores == {f"'{EVIL}": 5.0, "ann": 10.75, "bob": 3.0, "cyd": 0.0}
    assert rows[0][7:] == list(POINTS)


def test_an_answer_with_extra_credit_alone_still_waits_for_its_grade(root: Path) -> None:
    with closing(sqlite3.connect(root / "gradebook.db")) as connection, connection:
        connection.execute("UPDATE grade SET extra_credit = 1 WHERE auto_score IS NULL AND manual_score IS NULL")
    facts = json.loads(report(NAME, root).with_suffix(".json").read_text())
    assert (facts["waiting"], facts["scores"]["bob"]) == (2, 4.0)
    told: list[str] = []
    export(NAME, root, tell=told.append)
    assert any(sentence.startswith("2 written answers wait") for sentence in told)


def test_a_difference_by_rounding_alone_tells_nobody_apart() -> None:
    given = {"ann": {"a": 0.0, "b": 0.3}, "bob": {"a": 1.0, "b": 0.3}}
    assert _discrimination("a", given) is None


@pytest.mark.parametrize("kind", ["csv", "canvas", "moodle"])
def test_no_exported_text_is_a_formula(root: Path, kind: str) -> None:
    rows = table(export(NAME, root, kind=kind))
    assert not any(value.startswith(("=", "+", "-", "@", "\t", "\r")) for row in rows for value in row)
    assert any(EVIL in value for row in rows for value in row)


def test_canvas_gets_its_columns_and_the_possible_points(root: Path) -> None:
    rows = table(export(NAME, root, kind="canvas"))
    assert rows[0] == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", NAME]
    assert rows[1][0].strip() == "Points Possible"
    assert float(rows[1][5]) == sum(POINTS.values())
    assert [f"{EVIL}, Ann", "", "ann", "ann@x.org", "", "10.75"] in [
        [value.lstrip("'") for value in row] for row in rows
    ]


def test_gradescope_gets_a_file_a_student(root: Path) -> None:
    folder = export(NAME, root, kind="gradescope")
    found = json.loads((folder / "ann" / "results.json").read_text())
    assert found["score"] == 10.75
    first = {"name": "scale_forward: values", "score": 3.0, "max_score": 3.0, "status": "passed", "output": ""}
    assert found["tests"][0] == first


def test_the_commands_print_where_they_wrote(root: Path, tmp_path: Path) -> None:
    place = ["--course-dir", str(root)]
    assert CliRunner().invoke(main, ["report", NAME, *place]).output.strip() == str(root / "reports" / f"{NAME}.html")
    to = tmp_path / "out.csv"
    result = CliRunner().invoke(main, ["export", NAME, *place, "--format", "moodle", "--to", str(to)])
    waiting = "2 written answers wait for a person's grade, with 0 points here"
    assert result.output.splitlines() == [str(to), waiting]
    assert to.exists()
    wrong = CliRunner().invoke(main, ["export", NAME, *place, "--format", "excel"])
    assert wrong.exit_code == 2
    assert all(kind in wrong.output for kind in KINDS)


def test_extra_credit_of_an_answer_that_waits_counts_in_every_export(root: Path) -> None:
    with closing(sqlite3.connect(root / "gradebook.db")) as connection, connection:
        connection.execute("UPDATE grade SET extra_credit = 1 WHERE auto_score IS NULL AND manual_score IS NULL")
    folder = export(NAME, root, kind="gradescope")
    scores = {row[0]: row[4] for row in table(export(NAME, root))}
    assert json.loads((folder / "bob" / "results.json").read_text())["score"] == float(scores["bob"]) == 4.0
