"""Exports of learning platforms come into submitted/ whole, and nothing unsafe does.

The archives here are made by these tests from the documented formats (the sources are named in autograder.platforms);
none was downloaded from a platform.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from autograder.collect import collect
from autograder.course import Course
from autograder.errors import UsageError
from autograder.grade import grade
from autograder.gradebook import Gradebook
from autograder.roster import read_roster
from tests.course_factory import NAME, make_course
from tests.exports import GOOD, RECEIPT, command, run, submitted, zipped

# the platforms


def test_canvas_names_are_matched_by_number_and_name_and_lateness_is_told(course: Path) -> None:
    source = zipped(
        course,
        {
            "somebodyelse_4711_11_scaling.ipynb": GOOD,
            "noetheremmy_LATE_12_13_scaling-1.ipynb": GOOD,
            "descartesrene_14_15_Scaling (2).ipynb": b"garbage",
            "nobody_16_17_scaling.ipynb": GOOD,
        },
    )
    found = run(course, source)
    assert found.placed == ["ada", "emmy", "rene"]
    assert found.late == ["emmy"]
    assert found.missing == ["zoe"]
    assert found.unknown == ["nobody_16_17_scaling.ipynb"]
    assert submitted(course, "emmy") == GOOD
    assert submitted(course, "rene") == b"garbage", "what cannot be read is for the grader to say"
    assert not (course / "submitted/ada" / NAME / "timestamp.txt").exists(), "Canvas tells no time"
    assert any("count as on time" in note for note in found.notes)


def test_a_canvas_number_that_the_roster_does_not_know_is_not_matched_by_name(course: Path) -> None:
    found = run(course, zipped(course, {"zedzoe_5000_1_scaling.ipynb": GOOD}))
    assert found.unknown == ["zedzoe_5000_1_scaling.ipynb"]
    assert not found.placed


def test_of_two_canvas_uploads_the_last_is_kept(course: Path) -> None:
    files = {"lovelaceada_4711_100_scaling-1.ipynb": b"last", "lovelaceada_4711_99_scaling.ipynb": b"first"}
    found = run(course, zipped(course, files))
    assert found.double == ["ada"]
    assert submitted(course, "ada") == b"last"


@pytest.mark.parametrize("place", ["file_/scaling.ipynb", "file/deep/scaling.ipynb", "file_scaling.ipynb"])
def test_moodle_in_folders_and_flat(course: Path, place: str) -> None:
    files: dict[str, bytes | str] = {
        f"Ada Lovelace_1234567_assignsubmission_{place}": GOOD,
        "Rene Descartes_999_assignsubmission_file_/my work.ipynb": b"rene's",
        "Ada Lovelace_1234567_assignsubmission_onlinetext_/onlinetext.html": "hello",
    }
    found = run(course, zipped(course, files))
    assert found.placed == ["ada", "rene"], "999 is a participant's number, not Zoe's"
    assert submitted(course, "rene") == b"rene's"
    assert any("my work.ipynb of rene was renamed" in note for note in found.notes)
    assert found.missing == ["emmy", "zoe"]


def test_an_unpacked_export_is_collected_as_the_zip_is(course: Path) -> None:
    folder = course.parent / "unpacked" / "course-scaling-77" / "Emmy Noether_5_assignsubmission_file"
    folder.mkdir(parents=True)
    (folder / "scaling.ipynb").write_bytes(GOOD)
    assert run(course, course.parent / "unpacked").placed == ["emmy"]


def test_blackboard_attempts_have_times_and_the_last_counts(course: Path) -> None:
    files: dict[str, bytes | str] = {}
    for time, content in (("2026-03-02-11-58-00", b"second"), ("2026-03-01-09-00-00", b"first")):
        start = f"Problem set_1_ada_attempt_{time}"
        files[f"{start}.txt"] = RECEIPT.format(name="Ada Lovelace", user="ada", zone="EST", comment="")
        files[f"{start}_scaling.ipynb"] = content
    found = run(course, zipped(course, files))
    assert found.placed == found.double == ["ada"]
    assert submitted(course, "ada") == b"second"
    assert submitted(course, "ada", "timestamp.txt") == b"2026-03-02 16:58:00 UTC\n"


def test_a_time_of_blackboards_without_a_zone_is_told_to_be_taken_as_utc(course: Path) -> None:
    files: dict[str, bytes | str] = {}
    for student, zone in (("ada", "GMT+01:00"), ("zoe", "PM")):
        start = f"Problem set_1_{student}_attempt_2026-03-02-11-58-00"
        files[f"{start}.txt"] = RECEIPT.format(name="X", user=student, zone=zone, comment="")
        files[f"{start}_scaling.ipynb"] = GOOD
        told = [note for note in run(course, zipped(course, files)).notes if "taken as UTC" in note]
        assert bool(told) == (student == "zoe")
    assert submitted(course, "ada", "timestamp.txt") == b"2026-03-02 10:58:00 UTC\n"


def test_blackboard_without_a_roster_takes_the_receipts_user(course: Path) -> None:
    start = "Problem set_1_a_b_attempt_2026-03-02-11-58-00"
    receipt = RECEIPT.format(name="A B", user="a_b", zone="UTC", comment="Name: Ada (ada)")
    found = run(course, zipped(course, {f"{start}.txt": receipt, f"{start}_scaling.ipynb": GOOD}), roster=False)
    assert found.placed == ["a_b"]


def test_the_exchange_gives_the_last_of_this_assignment(course: Path) -> None:
    inbound = course.parent / "inbound"
    for folder, content in (
        (f"ada+{NAME}+2026-03-02 11:58:00.000000 UTC+Ab-_c1", b"last"),
        (f"ada+{NAME}+2026-03-01 11:58:00.000000 UTC", b"first"),
        ("emmy+other+2026-03-02 11:58:00.000000 UTC", b"other"),
    ):
        (inbound / folder).mkdir(parents=True)
        (inbound / folder / "scaling.ipynb").write_bytes(content)
        (inbound / folder / "timestamp.txt").write_text("1999-01-01 00:00:00 UTC")
    found = run(course, inbound, roster=False)
    assert found.placed == found.double == ["ada"]
    assert submitted(course, "ada") == b"last"
    assert submitted(course, "ada", "timestamp.txt") == b"2026-03-02 11:58:00 UTC\n"


def test_where_the_best_counts_earlier_submissions_are_kept_too(course: Path) -> None:
    with open(course / "nbgrader_config.py", "a") as config:
        config.write("\nc.Engine.keep = 'best'\n")
    start = "P_ada_attempt_2026-03-0{}-11-58-00_scaling.ipynb"
    run(course, zipped(course, {start.format(1): b"first", start.format(2): b"second"}))
    run(course, zipped(course, {start.format(3): b"third"}))
    assert submitted(course, "ada") == b"third"
    kept = (course / ".autograder" / "attempts" / NAME / "ada").iterdir()
    assert sorted((path / "scaling.ipynb").read_bytes() for path in kept) == [b"first", b"second"]


def test_what_fits_no_platform_is_told(course: Path) -> None:
    result = command(course, str(zipped(course, {"scaling.ipynb": GOOD})))
    assert result.exit_code == 2
    assert "named as Canvas, Moodle, Blackboard" in result.output


def test_platforms_without_identifiers_need_a_roster(course: Path) -> None:
    with pytest.raises(UsageError, match="name a --roster"):
        run(course, zipped(course, {"lovelaceada_4711_99_scaling.ipynb": GOOD}), roster=False)


def test_of_students_folders_those_without_the_notebook_are_named_with_what_they_hold(course: Path) -> None:
    (course / "source" / "shifting").mkdir()
    (course / "source" / "shifting" / "shifting.ipynb").write_bytes(GOOD)
    files: dict[str, bytes | str] = {
        "mail/ada/scaling.ipynb": GOOD,
        "mail/ada/notes.txt": "mine",
        "mail/emmy/shifting.ipynb": GOOD,
        "mail/rene/scaling/HAND_IN.md": "done",
        "mail/rene/timestamp.txt": "2026-03-02",
        "mail/zoe/shifting/shifting.ipynb": GOOD,  # where a course's whole submitted/ is named
        "mail/README.txt": "from the mailbox",
    }
    found = run(course, zipped(course, files))
    assert found.placed == ["ada"]
    assert found.missing == ["emmy", "rene", "zoe"]
    assert found.refused == [
        "emmy handed in mail/emmy/shifting.ipynb, which is not scaling.ipynb",
        "rene handed in mail/rene/scaling/HAND_IN.md, which is not scaling.ipynb",
    ]
    assert found.unknown == []


def test_a_notebook_for_a_source_and_a_roster_that_is_not_there_are_told_as_what_they_are(course: Path) -> None:
    alone = course.parent / "scaling.ipynb"
    alone.write_bytes(GOOD)
    told = f"{alone} is a notebook; name a zip file, or a folder that holds <student>/<assignment>.ipynb."
    result = command(course, str(alone))
    assert (result.exit_code, result.output) == (2, f"autograder: {told}\n")
    result = command(course, str(alone), "--roster", "nowhere.csv")
    told = "nowhere.csv cannot be read (No such file or directory); name the CSV file of the roster."
    assert (result.exit_code, result.output) == (2, f"autograder: {told}\n")


def test_collecting_again_changes_nothing_and_a_later_submission_is_never_replaced(course: Path) -> None:
    def export(time: str, content: bytes) -> Path:
        return zipped(course, {f"P_ada_attempt_{time}_scaling.ipynb": content}, f"{time}.zip")

    assert run(course, export("2026-03-02-11-58-00", b"new")).placed == ["ada"]
    assert run(course, export("2026-03-02-11-58-00", b"new")).unchanged == ["ada"]
    old = run(course, export("2026-03-01-11-58-00", b"old"))
    assert old.unchanged == ["ada"]
    assert any("ada keeps what is there" in note for note in old.notes)
    assert submitted(course, "ada") == b"new"
    assert run(course, export("2026-03-03-11-58-00", b"newer")).placed == ["ada"]
    assert submitted(course, "ada") == b"newer"
    assert not list((course / "submitted/ada").glob(".*")), "no part is left"


@pytest.mark.parametrize(
    "time", ["2026-03-02 13:58:00 +0200", "2026-03-02T11:58:00Z", "2026-03-02 11:58", "Mar 2, 2026 6:58 AM EST"]
)
def test_the_roster_can_tell_times(course: Path, time: str) -> None:
    (course.parent / "roster.csv").write_text(f'id,name,submitted\nada,Ada Lovelace,"{time}"\n')
    run(course, zipped(course, {"Ada Lovelace_5_assignsubmission_file_/scaling.ipynb": GOOD}))
    assert submitted(course, "ada", "timestamp.txt") == b"2026-03-02 11:58:00 UTC\n"


def test_lateness_follows_the_gradebook(tmp_path: Path) -> None:
    course = make_course(tmp_path / "course", gradebook=True)
    with closing(Gradebook(f"sqlite:///{course}/gradebook.db")) as gradebook:
        gradebook.save_assignment("course101", NAME, Course.open(course).notebooks(NAME))
    with closing(sqlite3.connect(course / "gradebook.db")) as database, database:
        database.execute("update assignment set duedate = '2026-03-02 12:00:00.000000'")
    start = "P_{}_attempt_2026-03-02-{}-00"
    files: dict[str, bytes | str] = {}
    for student, time in (("ada", "11-58"), ("emmy", "12-01")):
        files[start.format(student, time) + ".txt"] = f"Name: X ({student})\n"
        files[start.format(student, time) + "_scaling.ipynb"] = GOOD
    found = collect(NAME, [zipped(course, files)], course)
    assert found.placed == ["ada", "emmy"]
    assert found.late == ["emmy"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name\nAda\n", "no column id"),
        ("id\nada\nada\n", "is there twice"),
        ("id,lms_id\nada,100\nben,100\n", "the lms_id '100' is there twice"),
        ("id\n../ada\n", "cannot be the name of a folder"),
        (f"id\n{'é' * 150}\n", "cannot be the name of a folder"),
        ("id\nada\u202e\n", "cannot be the name of a folder"),
        ("id\n", "names no student"),
        ("id,submitted\nada,soon\n", "'soon', of ada, is no time"),
    ],
)
def test_a_roster_that_cannot_be_used_is_told(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "roster.csv").write_text(text)
    with pytest.raises(UsageError, match=message):
        read_roster(tmp_path / "roster.csv")


def test_a_student_without_a_notebook_is_named(course: Path) -> None:
    found = run(course, zipped(course, {"lovelaceada_4711_99_essay.pdf": b"%PDF"}))
    assert found.refused == ["ada handed in essay.pdf, which is not scaling.ipynb"]
    assert found.missing is not None
    assert "ada" in found.missing


def test_what_was_collected_is_graded(course: Path) -> None:
    path = zipped(course, {"lovelaceada_4711_99_scaling-2.ipynb": GOOD})
    result = command(course, str(path), "--roster", str(course.parent / "roster.csv"))
    assert result.exit_code == 0, result.output
    assert "1 put in place, 0 unchanged\nmissing: 3\n  emmy\n  rene\n  zoe\nlate: 0" in result.output
    assert grade(NAME, course, jobs=1).scores == {"ada": (9.0, 11.0)}


# folders


def test_a_folder_that_is_named_like_the_assignment_is_no_student(course: Path) -> None:
    found = run(course, zipped(course, {f"{NAME}/{NAME}.ipynb": GOOD, f"ada/{NAME}.ipynb": GOOD}))
    assert (found.placed, found.unknown) == (["ada"], [f"{NAME}/{NAME}.ipynb"])


def test_folders_named_by_students_are_collected_with_their_times(course: Path, tmp_path: Path) -> None:
    files: dict[str, bytes | str] = {
        f"ada/{NAME}.ipynb": GOOD,
        f"emmy/{NAME}/{NAME}.ipynb": GOOD,
        f"emmy/{NAME}/timestamp.txt": "2026-03-02 11:58:00 UTC\n",
        "rene.ipynb": GOOD,
        "somebody.ipynb": GOOD,
        f"{NAME}.ipynb": GOOD,  # whose?
        "zoe/notes.txt": "later",
    }
    found = run(course, zipped(course, files))
    assert found.notes[0].endswith("export.zip: folders named by students.")
    assert found.placed == ["ada", "emmy", "rene"]
    assert found.unknown == [f"{NAME}.ipynb", "somebody.ipynb"]
    assert submitted(course, "emmy", "timestamp.txt") == b"2026-03-02 11:58:00 UTC\n"


def test_a_notebook_that_a_browser_saved_as_text_is_collected_under_its_name(course: Path) -> None:
    found = run(course, zipped(course, {f"ada/{NAME}.ipynb.txt": GOOD}))
    assert found.placed == ["ada"]
    assert submitted(course, "ada") == GOOD


def test_without_a_roster_a_folder_names_its_student_and_a_file_does_not(course: Path) -> None:
    folder = course.parent / "inbox"
    for path in (folder / "kurt" / f"{NAME}.ipynb", folder / "final version.ipynb"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(GOOD)
    found = run(course, folder, roster=False)
    assert (found.placed, found.unknown) == (["kurt"], ["final version.ipynb"])


def test_a_notebook_of_another_assignment_is_not_taken_for_this_one(course: Path) -> None:
    (course / "source" / "other").mkdir()
    (course / "source" / "other" / "other.ipynb").write_bytes((course / "source" / NAME / f"{NAME}.ipynb").read_bytes())
    files = {"ada/other.ipynb": GOOD, "emmy/other/other.ipynb": GOOD, f"rene/{NAME}.ipynb": GOOD}
    assert run(course, zipped(course, files)).placed == ["rene"]


def test_an_empty_source_is_said_to_be_empty(course: Path) -> None:
    (course.parent / "nothing").mkdir()
    for source in (zipped(course, {}), course.parent / "nothing"):
        with pytest.raises(UsageError, match=f"{source.name} is empty; name what the platform exported"):
            run(course, source)


def test_lateness_without_a_time_names_whom_it_concerns_and_what_follows(course: Path) -> None:
    files = {"lovelaceada_LATE_4711_99_scaling.ipynb": GOOD, "noetheremmy_12_13_scaling.ipynb": GOOD}
    found = run(course, zipped(course, files))
    assert (found.late, found.timeless) == (["ada"], ["ada"])
    assert "Late without a time, so that no penalty follows: ada; a roster's" in found.notes[-1]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_roster_is_read_as_spreadsheets_save_it(tmp_path: Path, encoding: str, separator: str) -> None:
    lines = [["id", "name", "email"], ["rene", "René Descartes", "rene@example.org"]]
    (tmp_path / "roster.csv").write_bytes("\r\n".join(map(separator.join, lines)).encode(encoding))
    [student] = read_roster(tmp_path / "roster.csv")
    assert (student.id, student.name, student.email) == ("rene", "René Descartes", "rene@example.org")
