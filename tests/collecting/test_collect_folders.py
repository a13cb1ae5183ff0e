"""Folders named by students, times, and assignments of two notebooks: nobody is lost without a word, nor another's."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest

from autograder import placing
from autograder.collect import collect, lines
from autograder.placing import Collected
from autograder.times import read_time
from tests.course_factory import NAME
from tests.exports import GOOD, RECEIPT, run, submitted, zipped

SECOND = "second"


@pytest.fixture
def two(course: Path) -> Path:
    """The assignment has a second notebook."""
    source = course / "source" / NAME
    (source / f"{SECOND}.ipynb").write_bytes((source / f"{NAME}.ipynb").read_bytes())
    return course


@pytest.mark.parametrize("roster", [True, False])
def test_nobody_hands_in_as_another_by_a_folder_in_ones_own(course: Path, roster: bool) -> None:
    files: dict[str, bytes | str] = {
        "ada/scaling.ipynb": b"honest",
        "ada/timestamp.txt": "2026-03-02 10:00:00 UTC",
        "emmy/ada/scaling.ipynb": b"not hers",
        "emmy/ada/timestamp.txt": "2026-03-02 11:00:00 UTC",
        **{f"emmy/{number}/scaling.ipynb": b"more" for number in range(20)},
        "zoe/scaling.ipynb": GOOD,
    }
    found = run(course, zipped(course, files), roster=roster)
    assert found.placed == ["ada", "zoe"]
    assert submitted(course, "ada") == b"honest"
    assert "emmy/ada/scaling.ipynb lies deeper than the folders of students" in found.refused


def test_students_folders_are_found_in_folders_of_sections(course: Path) -> None:
    files = {
        f"{path}/scaling.ipynb": path for path in ("mon/ada", "mon/emmy", "tue/rene/scaling", "tue/emmy", "wed/zoe")
    }
    found = run(course, zipped(course, files))
    assert (found.placed, found.double) == (["ada", "emmy", "rene", "zoe"], ["emmy"])
    assert submitted(course, "emmy") == b"tue/emmy"


def test_without_a_roster_two_folders_of_one_name_are_left_to_a_person(course: Path) -> None:
    files = {f"{path}/scaling.ipynb": GOOD for path in ("mon/ada", "mon/emmy", "tue/emmy")}
    found = run(course, zipped(course, files), roster=False)
    assert found.placed == ["ada"]
    words = "may be another person's than emmy's; put the right one by hand under submitted/emmy/<assignment>/"
    assert found.unknown == [f"{section}/emmy/scaling.ipynb {words}" for section in ("mon", "tue")]


def test_folders_of_one_name_in_students_folders_make_nobody_a_student(course: Path) -> None:
    files = {f"{student}/submission/scaling.ipynb": GOOD for student in ("ada", "emmy", "rene")}
    found = run(course, zipped(course, files), roster=False)
    assert (found.placed, len(found.unknown)) == ([], 3)


@pytest.mark.parametrize(
    "name", ["sales_2020_01_data.csv", "Ada Lovelace_1_assignsubmission_file_/x", f"a+{NAME}+2026-03-02 11:58:00/x"]
)
def test_a_file_named_as_a_platform_names_it_stops_nobody_elses_folder(course: Path, name: str) -> None:
    files = {f"{student}/scaling.ipynb": GOOD for student in ("ada", "emmy", "zoe")}
    assert run(course, zipped(course, {**files, f"zoe/{name}": b""})).placed == ["ada", "emmy", "zoe"]


@pytest.mark.parametrize("place", ["", "export/"])
def test_two_notebooks_put_beside_a_platforms_export_do_not_make_it_another(course: Path, place: str) -> None:
    files = {f"{folder}/scaling.ipynb": GOOD for folder in ("old", "blank")}
    canvas = ("lovelaceada_4711_99_scaling.ipynb", "noetheremmy_12_13_scaling.ipynb")
    found = run(course, zipped(course, {**files, **{f"{place}{name}": GOOD for name in canvas}}))
    assert (found.placed, found.unknown) == (["ada", "emmy"], ["blank/scaling.ipynb", "old/scaling.ipynb"])


def test_accents_are_read_however_a_zip_program_wrote_them(course: Path) -> None:
    path = zipped(course, {"René Descartes_5_assignsubmission_file_/scaling.ipynb": GOOD})
    marked = path.read_bytes()
    for mark in (b"PK\x03\x04\x14\x00", b"PK\x01\x02\x14\x03\x14\x00"):
        assert mark + b"\x00\x08" in marked, "the name is marked as UTF-8"
        marked = marked.replace(mark + b"\x00\x08", mark + b"\x00\x00")
    path.write_bytes(marked)
    assert run(course, path).placed == ["rene"]


def test_the_group_that_was_chosen_in_moodle_stands_before_each_name(course: Path) -> None:
    people = {"Ada Lovelace": 5, "Emmy Noether": 6}
    files = {f"Lab-1-{name}_{n}_assignsubmission_file_/scaling.ipynb": GOOD for name, n in people.items()}
    assert run(course, zipped(course, files)).placed == ["ada", "emmy"]


def moodle(course: Path, names: list[str], students: dict[str, str]) -> Collected:
    """What a zip of Moodle's with these names makes of this roster, id to name."""
    lines = [f"{student},{name}" for student, name in students.items()]
    (course.parent / "roster.csv").write_text("\n".join(["id,name", *lines]))
    files = {f"{name}_{n}_assignsubmission_file_/scaling.ipynb": GOOD for n, name in enumerate(names, 5)}
    return run(course, zipped(course, files))


def test_moodles_groups_may_differ_and_an_own_name_with_a_hyphen_is_none(course: Path) -> None:
    students = {
        "al": "Anna-Lena Meier",
        "am": "Anna-Maria Huber",
        "lena": "Lena Meier",
        "bob": "Bob Bar",
        "z": "Zoe Zed",
    }
    names = ["G-1-Anna-Lena Meier", "G-1-Anna-Maria Huber", "G-2-Bob Bar", "G-2-Zoe-Zed", "G-1-x", "Jean-Bob Bar"]
    found = moodle(course, names, students)
    assert (found.placed, found.missing) == (["al", "am", "bob", "z"], ["lena"])
    assert len(found.unknown) == 2
    assert list(lines(found))[-1] == (
        "what belongs to nobody: correct the roster, or put it by hand under submitted/<id>/<assignment>/"
    )


def test_a_first_name_that_two_strangers_share_is_no_group(course: Path) -> None:
    found = moodle(course, ["Anna-Lena Meier", "Anna-Maria Huber"], {"mh": "Maria Huber", "ada": "Ada Lovelace"})
    assert (found.placed, len(found.unknown)) == ([], 2)


def test_who_comes_by_mail_after_a_platform_has_no_other_number(course: Path) -> None:
    assert run(course, zipped(course, {"lovelaceada_4711_11_scaling.ipynb": GOOD})).placed == ["ada"]
    notes = run(course, zipped(course, {"ada/scaling.ipynb": GOOD + b" "})).notes
    assert [note for note in notes if "number" in note] == []


def test_without_a_roster_a_name_that_the_gradebook_does_not_know_is_told(course: Path) -> None:
    run(course, zipped(course, {"ada/scaling.ipynb": GOOD}))
    found = collect("scaling", [zipped(course, {"adda/scaling.ipynb": GOOD, "emmy/scaling.ipynb": GOOD})], course)
    assert "adda is new to the gradebook; do you mean ada?" in found.notes
    assert [note for note in found.notes if "emmy" in note] == []
    assert "missing: not known without a --roster" in lines(found)


def test_in_a_class_too_large_for_it_no_typing_error_is_looked_for(
    course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(course, zipped(course, {"ada/scaling.ipynb": GOOD}))
    monkeypatch.setattr("autograder.collect.COMPARED", 0)
    found = collect("scaling", [zipped(course, {"adda/scaling.ipynb": GOOD})], course)
    assert "adda is new to the gradebook." in found.notes


def test_a_first_name_that_all_have_in_moodle_is_no_group(course: Path) -> None:
    names = {"lena": "Anna-Lena Schmidt", "maria": "Anna-Maria Huber"}
    lines = [f"{student},{name}" for student, name in {**names, "other": "Lena Schmidt"}.items()]
    (course.parent / "roster.csv").write_text("\n".join(["id,name", *lines]))
    files = {f"{name}_{len(name)}_assignsubmission_file_/scaling.ipynb": name for name in names.values()}
    found = run(course, zipped(course, files))
    assert (found.placed, found.missing) == (["lena", "maria"], ["other"])
    assert submitted(course, "lena") == b"Anna-Lena Schmidt"


def test_a_line_of_the_roster_without_an_id_is_told(course: Path) -> None:
    (course.parent / "roster.csv").write_text("id,name\nada,Ada Lovelace\n,Emmy Noether\n")
    notes = run(course, zipped(course, {"ada/scaling.ipynb": GOOD})).notes
    assert f"{course.parent}/roster.csv: Emmy Noether has no id and is left out." in notes


def test_an_id_is_found_in_either_form_of_its_accents(course: Path) -> None:
    (course.parent / "roster.csv").write_text("id\nren\u00e9\n", encoding="utf-8")
    assert run(course, zipped(course, {"rene\u0301/scaling.ipynb": GOOD})).placed == ["ren\u00e9"]


@pytest.mark.parametrize(
    ("zone", "hour"), [("EDT", 15), ("PST", 19), ("BST", 10), ("CEST", 9), ("CET", 10), ("AEDT", 0), ("GMT", 11)]
)
def test_a_receipts_zone_is_that_of_its_name_in_winter_and_in_summer(course: Path, zone: str, hour: int) -> None:
    start = "P_ada_attempt_2026-07-02-11-58-00"
    receipt = RECEIPT.format(name="Ada Lovelace", user="ada", zone=zone, comment="")
    run(course, zipped(course, {f"{start}.txt": receipt, f"{start}_scaling.ipynb": GOOD}))
    assert submitted(course, "ada", "timestamp.txt").decode() == f"2026-07-02 {hour:02d}:58:00 UTC\n"
    assert read_time(f"2026-07-02 11:58 {zone}") == datetime(2026, 7, 2, hour, 58)


def test_a_zone_that_nobody_knows_makes_no_time_and_the_last_attempt_counts(course: Path) -> None:
    files: dict[str, bytes | str] = {}
    for hour in (11, 10):
        start = f"P_ada_attempt_2026-07-02-{hour}-58-00"
        files[f"{start}.txt"] = RECEIPT.format(name="Ada Lovelace", user="ada", zone="XYZ", comment="")
        files[f"{start}_scaling.ipynb"] = f"{hour}"
    found = run(course, zipped(course, files))
    assert found.placed == found.double == ["ada"]
    assert submitted(course, "ada") == b"11"
    assert any(note.startswith("Hand-ins without a known time") for note in found.notes)
    assert read_time("2026-07-02 11:58 XYZ") is None


@pytest.mark.parametrize("name", ["Copy of second.ipynb", "zweites Blatt.ipynb"])
def test_of_two_notebooks_the_one_that_is_named_otherwise_is_taken_for_the_one_missing(two: Path, name: str) -> None:
    run(two, zipped(two, {"ada/scaling.ipynb": b"1", f"ada/{name}": b"2"}))
    assert (submitted(two, "ada"), submitted(two, "ada", f"{SECOND}.ipynb")) == (b"1", b"2")


@pytest.mark.parametrize("at_once", [True, False])
def test_a_notebook_of_another_name_takes_the_place_of_none_that_came_before(two: Path, at_once: bool) -> None:
    start = "P_ada_attempt_2026-03-0{}-11-58-00_{}.ipynb"
    attempts: list[dict[str, bytes | str]] = [
        {start.format(1, NAME): b"first", start.format(1, SECOND): b"2"},
        {start.format(2, NAME): b"last", start.format(2, "scratch"): b"scratch"},
    ]
    for files in [attempts[0] | attempts[1]] if at_once else attempts:
        found = run(two, zipped(two, files))
    assert (submitted(two, "ada"), submitted(two, "ada", f"{SECOND}.ipynb")) == (b"last", b"2")
    assert found.refused == ["ada handed in scratch.ipynb, which is not second.ipynb"]


def test_what_came_in_place_of_one_of_two_notebooks_is_told(two: Path) -> None:
    found = run(two, zipped(two, {"ada/scaling.ipynb": b"1", "ada/a.ipynb": b"2", "ada/b.ipynb": b"3"}))
    assert found.placed == ["ada"]
    assert found.refused == ["ada handed in a.ipynb, b.ipynb, none of which is second.ipynb"]


@pytest.mark.parametrize("at_once", [True, False])
def test_two_notebooks_that_come_apart_are_both_there_whether_collected_at_once_or_not(
    two: Path, at_once: bool
) -> None:
    start = "P_ada_attempt_2026-03-0{}-11-58-00_{}.ipynb"
    attempts: list[dict[str, bytes | str]] = [
        {start.format(1, NAME): b"first", start.format(1, SECOND): b"2"},
        {start.format(2, NAME): b"last"},
    ]
    for files in [attempts[0] | attempts[1]] if at_once else attempts:
        run(two, zipped(two, files))
    assert (submitted(two, "ada"), submitted(two, "ada", f"{SECOND}.ipynb")) == (b"last", b"2")
    assert submitted(two, "ada", "timestamp.txt") == b"2026-03-02 11:58:00 UTC\n"


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
def test_of_two_downloads_in_any_order_no_notebook_is_dropped(two: Path, order: tuple[int, int]) -> None:
    names = {1: NAME, 2: SECOND}
    for day in order:
        found = run(two, zipped(two, {f"P_ada_attempt_2026-03-0{day}-11-58-00_{names[day]}.ipynb": names[day]}))
        assert found.placed == ["ada"]
    assert submitted(two, "ada", f"{NAME}.ipynb") == NAME.encode()
    assert submitted(two, "ada", f"{SECOND}.ipynb") == SECOND.encode()
    assert submitted(two, "ada", "timestamp.txt") == b"2026-03-02 11:58:00 UTC\n"


@pytest.mark.parametrize("at_once", [True, False])
def test_where_the_best_counts_what_stood_after_each_hand_in_is_kept_whole(two: Path, at_once: bool) -> None:
    with open(two / "nbgrader_config.py", "a") as config:
        config.write("\nc.Engine.keep = 'best'\n")
    start = "P_ada_attempt_2026-03-0{}-11-58-00_{}.ipynb"
    attempts: list[dict[str, bytes | str]] = [
        {start.format(1, NAME): "A1", start.format(1, SECOND): "B1"},
        {start.format(2, SECOND): "B2"},
        {start.format(3, NAME): "A3"},
    ]
    for files in [attempts[0] | attempts[1] | attempts[2]] if at_once else attempts:
        run(two, zipped(two, files))
    kept = [*(two / ".autograder" / "attempts" / NAME / "ada").iterdir()]
    stood = {tuple((folder / f"{name}.ipynb").read_text() for name in (NAME, SECOND)) for folder in kept}
    assert stood == {("A1", "B1"), ("A1", "B2")}


def test_where_the_best_counts_a_late_notebook_stays_late(two: Path) -> None:
    with open(two / "nbgrader_config.py", "a") as config:
        config.write("\nc.Engine.keep = 'best'\n")
    start = "P_ada_attempt_2026-03-0{}-11-58-00_{}.ipynb"
    run(two, zipped(two, {start.format(9, NAME): "A9"}))
    run(two, zipped(two, {start.format(1, SECOND): "B1", start.format(2, SECOND): "B2"}))
    [kept] = [
        folder
        for folder in (two / ".autograder" / "attempts" / NAME / "ada").iterdir()
        if (folder / f"{SECOND}.ipynb").exists() and (folder / f"{SECOND}.ipynb").read_text() == "B1"
    ]
    assert (kept / "timestamp.txt").read_text() == "2026-03-09 11:58:00 UTC\n"


def test_a_second_notebook_that_may_be_the_one_that_was_meant_is_told(course: Path) -> None:
    found = run(course, zipped(course, {"ada/scaling.ipynb": b"blank", "ada/scaling_final.ipynb": GOOD}))
    assert found.placed == ["ada"]
    assert found.refused == ["ada handed in scaling_final.ipynb as well, which is not graded"]


def test_where_two_downloads_have_one_time_it_is_told_that_it_does_not_tell_which_came_last(course: Path) -> None:
    (course.parent / "roster.csv").write_text("id,submitted\nada,2026-03-02 11:58 UTC\n")
    for content in (b"new", b"old"):
        found = run(course, zipped(course, {"ada/scaling.ipynb": content}))
    assert "What lay there of ada was replaced; the times do not tell which came last." in found.notes


def test_where_the_best_counts_what_was_handed_in_before_what_is_there_is_kept(course: Path) -> None:
    with open(course / "nbgrader_config.py", "a") as config:
        config.write("\nc.Engine.keep = 'best'\n")
    for day in (2, 1):
        run(course, zipped(course, {f"P_ada_attempt_2026-03-0{day}-11-58-00_scaling.ipynb": f"{day}"}))
    assert submitted(course, "ada") == b"2"
    [kept] = (course / ".autograder" / "attempts" / NAME / "ada").iterdir()
    assert (kept / "scaling.ipynb").read_bytes() == b"1"


def test_who_comes_under_two_numbers_at_once_is_asked_about(course: Path, tmp_path: Path) -> None:
    sources = []
    for number in (123, 999):
        (tmp_path / str(number)).mkdir()
        files = {f"Ada Lovelace_{number}_assignsubmission_file_/scaling.ipynb": GOOD}
        sources.append(zipped(course, files).rename(tmp_path / str(number) / "export.zip"))
    notes = run(course, *sources, zipped(course, {"ada/scaling.ipynb": GOOD})).notes
    assert "ada came under another number of the platform before: another activity, or another person?" in notes


def test_what_lies_there_and_cannot_be_read_costs_nobody_else(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(path: Path) -> bytes | None:
        if "ada" in path.parts:
            raise PermissionError(13, "Permission denied", str(path))
        return None

    monkeypatch.setattr(placing, "_content", denied)
    found = run(course, zipped(course, {"ada/scaling.ipynb": GOOD, "zoe/scaling.ipynb": GOOD}))
    assert found.placed == ["zoe"]
    assert len(found.refused) == 1
    assert found.refused[0].endswith("scaling.ipynb cannot be read (Permission denied)")
    assert json.loads((course / ".autograder" / "received" / f"{NAME}.json").read_text())["zoe"]


def test_the_time_of_what_is_replaced_never_stays_behind(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(course, zipped(course, {"ada/scaling.ipynb": b"old", "ada/timestamp.txt": "2026-03-02 11:58:00 UTC"}))

    def stopped(folder: Path, files: dict[str, bytes]) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(placing, "_write", stopped)
    with pytest.raises(KeyboardInterrupt):
        run(course, zipped(course, {"ada/scaling.ipynb": b"new"}))
    assert not (course / "submitted" / "ada" / NAME / "timestamp.txt").exists()
