"""The roster reaches the gradebook, and an extension can be granted at any time."""

from __future__ import annotations

import csv
import json
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner
from nbgrader.api import Gradebook as Stock

from autograder.__main__ import main
from autograder.changes import history
from autograder.course import Course
from autograder.enrolled import enroll, extend
from autograder.errors import UsageError
from autograder.export import export
from autograder.grade import grade
from autograder.gradebook import Gradebook, Person
from autograder.report import report
from autograder.roster import Student
from tests.course_factory import NAME, RIGHT, make_course, submit

LATE = """
c.AssignLatePenalties.plugin_class = "autograder.late.LateDays"
c.LateDays.penalty_per_day = 0.5
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_course(tmp_path / "course", LATE, gradebook=True)


def people(root: Path) -> dict[str, Person]:
    with closing(Gradebook(Course.open(root).db_url)) as gradebook:
        return gradebook.people()


def command(root: Path, *arguments: str) -> str:
    result = CliRunner().invoke(main, [*arguments, "--course-dir", str(root)])
    assert result.exit_code == 0, result.output
    return result.output


def set_due(root: Path) -> None:
    with Stock(f"sqlite:///{root}/gradebook.db", "course101") as book:
        book.update_or_create_assignment(NAME, duedate="2026-11-01 12:00:00 UTC")


def test_blanks_of_a_roster_take_nothing_away(root: Path) -> None:
    with closing(Gradebook(Course.open(root).db_url)) as gradebook:
        enroll(gradebook, [Student("ada", "Ada King", "ada@x.org", "4711"), Student("bob")])
        enroll(gradebook, [Student("ada", "Lovelace, Ada"), Student("cyd", "Cher")])
    assert people(root) == {
        "ada": Person("ada", "Ada", "Lovelace", "ada@x.org", "4711"),
        "bob": Person("bob", "", "", "", ""),
        "cyd": Person("cyd", "", "Cher", "", ""),
    }


def test_a_name_that_a_roster_corrects_is_corrected_as_a_whole(root: Path) -> None:
    with closing(Gradebook(Course.open(root).db_url)) as gradebook:
        for name in ("Ada Lovelace", "Plato"):
            enroll(gradebook, [Student("p", name, "p@x.org")])
    assert people(root) == {"p": Person("p", "", "Plato", "p@x.org", "")}


def test_names_and_numbers_of_the_roster_are_in_the_exports_and_who_handed_in_nothing_has_0(root: Path) -> None:
    roster = root.parent / "roster.csv"
    roster.write_text("id,name,email,lms_id\nada,Ada Lovelace,ada@x.org,4711\nemmy,Emmy Noether,emmy@x.org,4712\n")
    inbox = submit(root, "ada", RIGHT).rename(root.parent / "inbox")
    (inbox / f"{NAME}.ipynb").rename(inbox / f"lovelaceada_4711_9_{NAME}.ipynb")
    (root / "gradebook.db").unlink()  # collect makes it
    command(root, "collect", NAME, str(inbox), "--roster", str(roster))
    grade(NAME, root, jobs=1)
    output = command(root, "export", NAME, "--format", "canvas")
    assert "handed in nothing (0 points): emmy" in output
    with (root / "exports" / f"{NAME}-canvas.csv").open(newline="") as file:
        assert list(csv.reader(file))[2:] == [
            ["Lovelace, Ada", "4711", "ada", "ada@x.org", "", "9.0"],
            ["Noether, Emmy", "4712", "emmy", "emmy@x.org", "", "0.0"],
        ]
    with export(NAME, root).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["student_id"], row["score"], row["max_score"]) for row in rows] == [
        ("ada", "9.0", "11.0"),
        ("emmy", "0.0", "11.0"),
    ]
    page = report(NAME, root)
    assert json.loads(page.with_suffix(".json").read_text())["absent"] == {"nothing": ["emmy"], "waiting": []}
    assert "handed in nothing (0 points): emmy" in page.read_text()


def test_what_is_handed_in_and_not_graded_is_no_0(root: Path) -> None:
    for student in ("ada", "bob"):
        submit(root, student, RIGHT)
    with closing(Gradebook(Course.open(root).db_url)) as gradebook:
        enroll(gradebook, [Student("ada"), Student("bob")])
    grade(NAME, root, jobs=1, students=["ada"])
    said: list[str] = []
    path = export(NAME, root, tell=said.append)
    assert said[0] == "not graded yet, and left out: bob"
    assert "bob" not in path.read_text()


def test_whoever_handed_in_and_is_not_even_in_the_gradebook_is_told(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for student in ("ada", "bob"):
        submit(root, student, RIGHT)
    (root / "submitted" / "cyd").mkdir()
    known(root, "cyd", "dan")
    grade(NAME, root, jobs=1, students=["ada"])
    monkeypatch.setattr("os.access", lambda path, mode: Path(path).name != "cyd")  # root may enter all
    said: list[str] = []
    export(NAME, root, tell=said.append)
    assert said[:2] == ["handed in nothing (0 points): dan", "not graded yet, and left out: bob, cyd"]


def test_an_export_tells_of_written_answers_that_count_as_0(root: Path) -> None:
    submit(root, "ada", RIGHT)
    grade(NAME, root, jobs=1)
    assert "1 written answer waits for a person's grade, with 0 points here" in command(root, "export", NAME)


def known(root: Path, *students: str) -> None:
    with closing(Gradebook(Course.open(root).db_url)) as gradebook:
        enroll(gradebook, map(Student, students))


def give(root: Path, student: str, points: float) -> None:
    with Stock(f"sqlite:///{root}/gradebook.db", "course101") as book:
        grade_ = book.find_grade("written__why", NAME, NAME, student)
        grade_.manual_score, grade_.needs_manual_grade = points, False
        book.db.commit()


def test_lateness_is_counted_anew_where_a_person_gave_points_since(root: Path) -> None:
    set_due(root)
    submit(root, "ada", RIGHT, "2026-11-02 12:00:00 UTC")  # a day late, half
    submit(root, "bob", RIGHT, "2026-11-01 12:00:00 UTC")
    submit(root, "cyd", {}, "2026-11-30 12:00:00 UTC")  # nothing counts, of which there is nothing yet
    grade(NAME, root, jobs=1)
    assert "counted anew" not in command(root, "export", NAME)
    for student in ("ada", "bob", "cyd"):
        give(root, student, 2)
    sentence = f"lateness was counted; run `autograder grade {NAME}` again, which counts it anew: ada, cyd"
    assert sentence in command(root, "export", NAME)
    summary = grade(NAME, root, jobs=1)
    assert (summary.graded, summary.unchanged) == (2, 1)
    assert str(summary.changed["ada"]) == "6.5 -> 5.5 (-1), lateness counted anew: lateness 4.5 -> 5.5"
    assert "counted anew" not in command(root, "export", NAME)
    with open(root / "exports" / f"{NAME}.csv") as table:
        scores = {row["student_id"]: row["score"] for row in csv.DictReader(table)}
    assert scores == {"ada": "5.5", "bob": "11.0", "cyd": "0.0"}
    assert grade(NAME, root, jobs=1).unchanged == 3


def test_an_extension_can_be_granted_once_the_student_is_known(root: Path) -> None:
    (root / "gradebook.db").unlink()
    for _ in range(2):  # the first is refused as any other
        with pytest.raises(UsageError, match=r"knows no student 'ada'\. .* by `nbgrader db student add ada`"):
            extend(NAME, "ada", 2, root)
    known(root, "ada")
    output = command(root, "extend", NAME, "ada", "--days", "2")
    assert "ada has 2 days more for 'scaling'; no due date is set yet" in output
    set_due(root)
    submit(root, "ada", RIGHT, "2026-11-02 12:00:00 UTC")
    submit(root, "bob", RIGHT, "2026-11-02 12:00:00 UTC")
    assert grade(NAME, root, jobs=1).graded == 2
    with Stock(f"sqlite:///{root}/gradebook.db", "course101") as book:
        assert not book.find_submission(NAME, "ada").late_submission_penalty
        assert book.find_submission(NAME, "bob").late_submission_penalty == 4.5


@pytest.mark.filterwarnings("ignore:Object of type <Submitted")  # nbgrader's own
def test_an_extension_of_who_handed_in_nothing_is_as_nbgrader_makes_it(root: Path) -> None:
    set_due(root)
    known(root, "ada")
    extend(NAME, "ada", 1, root)
    with Stock(f"sqlite:///{root}/gradebook.db", "course101") as book:
        book.update_or_create_student("bob")
        book.update_or_create_submission(NAME, "bob")
        book.grant_extension(NAME, "bob", days=1)
        ada, bob = (book.find_submission(NAME, student).to_dict() for student in ("ada", "bob"))
    for own in ("id", "student"):
        assert ada.pop(own) != bob.pop(own)
    assert ada == bob


def test_an_extension_after_grading_moves_the_score_and_is_in_the_history(root: Path) -> None:
    set_due(root)
    submit(root, "ada", RIGHT, "2026-11-02 12:00:00 UTC")
    grade(NAME, root, jobs=1)
    sentence = "ada has until 2026-11-03 12:00:00 UTC for 'scaling', 2 days more than the others."
    assert command(root, "extend", NAME, "ada", "--days", "2") == f"{sentence}\n"
    summary = grade(NAME, root, jobs=1)
    assert str(summary.changed["ada"]) == "4.5 -> 9 (+4.5), lateness counted anew: lateness 4.5 -> none"
    extend(NAME, "ada", 0.5, root)
    lines = command(root, "history", NAME, "ada").splitlines()
    assert [line.split(maxsplit=1)[1] for line in lines if line.endswith("extension")] == [
        "ada scaling, days more: none -> 2 extension",
        "ada scaling, days more: 2 -> 0.5 extension",
    ]
    assert f"1 score changed, told in {root}/reports/" in command(root, "grade", NAME, "--jobs", "1")


@pytest.mark.parametrize("student", ["", "a/b", ".."])
def test_an_extension_needs_a_students_id(root: Path, student: str) -> None:
    with pytest.raises(UsageError, match="no student's id"):
        extend(NAME, student, 1, root)


def test_an_extension_of_a_misspelt_student_is_refused_with_the_nearest_and_writes_nothing(root: Path) -> None:
    known(root, "anna", "bob")
    before = (root / "gradebook.db").read_bytes()
    with pytest.raises(
        UsageError, match=r"no student 'anan'; do you mean anna\? .* by the --roster of `autograder coll"
    ):
        extend(NAME, "anan", 1, root)
    with pytest.raises(UsageError, match=r"no student 'zelda'\. A new student is enrolled"):
        extend(NAME, "zelda", 0, root)
    assert (root / "gradebook.db").read_bytes() == before
    submit(root, "zelda", RIGHT)  # who handed in is somebody, graded or not
    assert "zelda has 1 day more" in extend(NAME, "zelda", 1, root)


def test_the_history_of_a_misspelt_student_names_the_nearest(root: Path) -> None:
    known(root, "anna")
    with pytest.raises(UsageError, match=r"no student 'anan'; do you mean anna\?"):
        next(history(NAME, root, student="anan"))


def test_what_lateness_takes_off_stands_beside_the_points_of_the_checks(root: Path) -> None:
    set_due(root)
    submit(root, "ada", RIGHT, "2026-11-01 11:00:00 UTC")
    submit(root, "bob", RIGHT, "2026-11-02 11:00:00 UTC")
    lines = command(root, "grade", NAME).splitlines()
    assert [" ".join(line.split()) for line in lines[:2]] == ["ada 9.00 of 11", "bob 9.00 of 11, less 4.5 for lateness"]
