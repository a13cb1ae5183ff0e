"""A course folder is read as nbgrader reads it: its settings, its students, its times."""

from __future__ import annotations

import os
from dataclasses import fields
from datetime import datetime
from pathlib import Path

import pytest
from nbgrader.api import Student

from autograder.course import DEFAULTS, MAX_ID, Course
from autograder.errors import CourseError, UsageError
from autograder.jobs import version_of
from autograder.limits import MOST, Limits
from autograder.regions import Markers
from autograder.times import parse_timestamp
from autograder.unit import Setup
from tests.course_factory import NAME, make_course


@pytest.fixture
def course(tmp_path: Path) -> Course:
    return Course.open(make_course(tmp_path / "course", gradebook=True))


def test_the_defaults_of_a_course_are_nbgraders() -> None:
    from nbgrader.coursedir import CourseDirectory

    traits = CourseDirectory.class_traits()
    own = {name: default for name, default in DEFAULTS.items() if name != "db_url"}
    assert own == {name: traits[name].default_value for name in own}


def test_a_copied_configuration_names_the_folders_of_the_copy(tmp_path: Path) -> None:
    root = make_course(tmp_path / "a", "c.CourseDirectory.submitted_directory = 'handed/in'")
    (root / "handed" / "in" / "zoë x" / NAME).mkdir(parents=True)
    course = Course.open(root)
    assert list(course.submissions(NAME)) == [("zoë x", root / "handed" / "in" / "zoë x" / NAME)]
    assert course.db_url == f"sqlite:///{root}/gradebook.db"
    assert Course.open(root, "sqlite:///other.db").db_url == f"sqlite:///{root}/other.db"


PLUGIN = "c.AssignLatePenalties.plugin_class = {!r}\n".format
PLUGINS = ["", PLUGIN("autograder.late.LateDays"), PLUGIN("nbgrader.plugins.LateSubmissionPlugin")]


def version(root: Path, config: str) -> str:
    course = Course.open(make_course(root, config))
    return version_of(Setup.of(course, NAME, course.notebooks(NAME)).pack())


@pytest.mark.parametrize("plugin", PLUGINS)
def test_a_moved_course_and_where_it_hands_out_and_in_grade_nobody_again(tmp_path: Path, plugin: str) -> None:
    versions = {version(tmp_path / "a", plugin), version(tmp_path / "b", f"{plugin}c.Exchange.root = '/srv/x'")}
    assert len(versions) == 1


def test_a_setting_that_the_late_plugin_may_read_grades_everybody_again(tmp_path: Path) -> None:
    for number, (plugin, line) in enumerate(
        [
            (PLUGINS[1], "c.LateDays.last_day = 3"),
            (PLUGINS[1], "c.BasePlugin.last_day = 3"),
            (PLUGINS[2], "c.Own.x = 3"),
        ]
    ):
        assert version(tmp_path / f"a{number}", plugin) != version(tmp_path / f"b{number}", plugin + line)
    assert version(tmp_path / "a", "") == version(tmp_path / "b", "c.Own.x = 3")  # nobody is there to read it


@pytest.mark.parametrize("name", ["ann\x1b[31m", "ann\n", "ann\u202ebob", "\u2067ann", "ann\udcff"])
def test_a_folder_whose_name_would_garble_what_is_printed_is_told_and_left_out(tmp_path: Path, name: str) -> None:
    root = make_course(tmp_path / "course")
    for student in (name, "bob"):
        (root / "submitted" / student / NAME).mkdir(parents=True)
    course = Course.open(root)
    assert [student for student, _ in course.submissions(NAME)] == ["bob"]
    ((printed, reason),) = course.misnamed(NAME)
    assert printed.isascii()
    assert printed.isprintable()
    assert reason.endswith("rename it")


def test_a_folder_whose_name_is_longer_than_a_servers_gradebook_takes_is_told_and_left_out(tmp_path: Path) -> None:
    root = make_course(tmp_path / "course")
    for student in ("a" * 129, "b" * 128):
        (root / "submitted" / student / NAME).mkdir(parents=True)
    course = Course.open(root)
    assert [student for student, _ in course.submissions(NAME)] == ["b" * 128]
    reason = "not graded: the folder's name has more than 128 characters; rename it"
    assert course.misnamed(NAME) == [("a" * 129, reason)]
    assert Student.__table__.c.id.type.length == MAX_ID


def test_excluded_students_are_left_out(tmp_path: Path) -> None:
    root = make_course(tmp_path / "a", "c.CourseDirectory.student_id_exclude = 'bob,cyd'")
    for student in ("ann", "bob", "cyd"):
        (root / "submitted" / student / NAME).mkdir(parents=True)
    assert [student for student, _ in Course.open(root).submissions(NAME)] == ["ann"]


@pytest.mark.parametrize("name", ["nothing", "../source", "", "a/b", "*"])
def test_an_unknown_assignment_is_wrong_usage_and_the_known_ones_are_named(course: Course, name: str) -> None:
    with pytest.raises(UsageError, match=NAME):
        course.notebooks(name)


def test_what_is_hidden_in_source_is_no_notebook_and_no_assignment(course: Course) -> None:
    folder = course.root / "source" / NAME
    (folder / f"._{NAME}.ipynb").write_bytes(b"\0\5\x16\7")  # macOS leaves these on other systems' disks
    (folder / ".ipynb_checkpoints").mkdir()
    (folder / ".ipynb_checkpoints" / f"{NAME}-checkpoint.ipynb").write_text("{}")
    assert list(course.notebooks(NAME)) == [NAME]
    assert [path.name for path in course.sources()] == [f"{NAME}.ipynb"]
    (course.root / "source" / "header.ipynb").write_text("{}")  # nbgrader's quickstart puts one there
    with pytest.raises(UsageError, match=rf"there are {NAME}\.$"):
        course.notebooks("nothing")


@pytest.mark.parametrize("name", [b"donn\xe9es.csv", b"donn\xe9es.ipynb"])
def test_a_name_beside_the_notebook_that_is_not_utf8_is_refused_in_printable_form(course: Course, name: bytes) -> None:
    (course.root / "source" / NAME / os.fsdecode(name)).write_text("{}")
    with pytest.raises(CourseError, match=r"donn\\xe9es\.\w+ is not UTF-8; rename it"):
        _ = course.notebooks(NAME), course.files(NAME)


def test_a_course_folder_whose_name_is_not_utf8_is_refused(tmp_path: Path) -> None:
    root = make_course(tmp_path / os.fsdecode(b"caf\xe9"))
    with pytest.raises(CourseError, match=r"caf\\xe9 is not UTF-8; rename it"):
        Course.open(root)


@pytest.mark.parametrize(
    "structure",
    [
        "{nbgrader_step}/{user_id}/{assignment_id}", "{nbgrader_step}/{student_id", "{nbgrader_step}/{assignment_id}",
        "{nbgrader_step}/{student_id}/{student_id}/{assignment_id}", "{nbgrader_step}/{student_id!r}/{assignment_id}",
        "{nbgrader_step}/{student_id}/{assignment_id}/{}",
    ],
)  # fmt: skip
def test_a_directory_structure_that_leads_to_no_student_is_refused(tmp_path: Path, structure: str) -> None:
    root = make_course(tmp_path / "course", f"c.CourseDirectory.directory_structure = {structure!r}")
    with pytest.raises(CourseError, match="needs each of these and no other: "):
        Course.open(root)


def test_a_directory_structure_in_another_order_is_followed(tmp_path: Path) -> None:
    structure = "{assignment_id}/{nbgrader_step} of {assignment_id}/{student_id}"
    root = make_course(tmp_path / "course", f"c.CourseDirectory.directory_structure = {structure!r}")
    (root / NAME / f"submitted of {NAME}" / "ann").mkdir(parents=True)
    assert [student for student, _ in Course.open(root).submissions(NAME)] == ["ann"]


@pytest.mark.parametrize(("language", "stub"), [("python", "raise NotImplementedError"), ("r", Markers.code_stub)])
def test_a_stub_that_is_put_over_nbgraders_is_taken(tmp_path: Path, language: str, stub: str) -> None:
    line = f"c.ClearSolutions.code_stub.update({{{language!r}: 'raise NotImplementedError'}})"
    assert Course.open(make_course(tmp_path / "course", line)).markers == Markers(code_stub=stub)


@pytest.mark.parametrize("name", [each.name for each in fields(Limits)])
def test_no_limit_is_more_than_system_calls_and_msgpack_can_be_told(tmp_path: Path, name: str) -> None:
    for value in ("1e300", "10**30"):
        root = make_course(tmp_path / value, f"c.Engine.limits = {{{name!r}: {value}}}")
        with pytest.raises(
            CourseError, match=rf"limits: The limit {name} (may be [\d,]+ at most, not|must be a positive)"
        ):
            _ = Course.open(root).limits
    assert Limits(total_seconds=MOST["float"], memory_bytes=int(MOST["int"])).total_seconds == 1e6


@pytest.mark.parametrize(
    "line", ["1 / 0", "c.Engine.isolation = 'some'", "c.Engine.limits = {'hours': 1}", "c.Engine.limits = 3"]
)
def test_a_faulty_configuration_is_one_sentence(tmp_path: Path, line: str) -> None:
    root = make_course(tmp_path / "course", line)
    with pytest.raises((CourseError, UsageError), match=r"Zero|isolation|hours|limits"):
        _ = Course.open(root).limits


@pytest.mark.parametrize(
    "text",
    [
        *(
            "2026-11-01 12:30:00.5 UTC",
            "2026-11-01T12:30:00+02:00",
            "2026-11-01 12:30",
            "2026-11-01 12:30 Europe/Berlin",
        ),
        *("2026-11-01 12:30:00 IST", "2026-11-01 12:30:00 EST5EDT"),
    ],
)
def test_timestamps_are_read_as_nbgrader_reads_them(text: str) -> None:
    from nbgrader.utils import parse_utc

    assert parse_timestamp(text) == parse_utc(text)


@pytest.mark.parametrize("zone", ["+0200", "+02:00", "+02"])
def test_numeric_zones_count(zone: str) -> None:
    assert parse_timestamp(f"2026-11-01 12:30:00 {zone}") == datetime(2026, 11, 1, 10, 30)


@pytest.mark.parametrize(
    "text",
    [
        *("Mon Mar  2 11:58:00 UTC 2026", "Mon, 02 Mar 2026 11:58:00 +0000", "2 March 2026 11:58"),
        *("2026-03-02  11:58:00 UTC", "\ufeff2026-03-02 11:58:00 UTC\r\n", "2026/03/02 12:58:00 PM GMT+1"),
    ],
)
def test_a_timestamp_is_read_as_programs_and_people_write_it(text: str) -> None:
    assert parse_timestamp(text) == datetime(2026, 3, 2, 11, 58)


@pytest.mark.parametrize(
    "text",
    [
        "9999-12-31 23:59:59 America/New_York",
        "",
        None,
        "12",
        "11:58",
        "26-03-02 11:58",
        "yesterday",
        "99999999999999999999",
        "2026-13-45",
    ],
)
def test_what_is_no_time_counts_as_none(text: str | None) -> None:
    assert parse_timestamp(text) is None


def test_a_file_beside_the_notebook_that_cannot_be_read_is_one_sentence(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    (course.root / "source" / NAME / "data.csv").write_text("1")

    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(CourseError, match=r"data.csv cannot be read \(Permission denied\)"):
        course.files(NAME)
