"""Of people with one name, of hidden and of exchanged ones, none takes another's place when work is collected."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.exports import GOOD, run, submitted, zipped


def test_namesakes_are_left_to_a_person(course: Path) -> None:
    (course.parent / "roster.csv").write_text("id,name\na1,Ada Lovelace\na2,Lovelace Ada\n")
    found = run(course, zipped(course, {"Ada Lovelace_5_assignsubmission_file_/scaling.ipynb": GOOD}))
    assert found.unknown == [
        "Ada Lovelace_5_assignsubmission_file_/scaling.ipynb fits 2 people of the roster, a1 (Ada Lovelace), a2 "
        "(Lovelace Ada); put the file by hand under submitted/<id>/<assignment>/"
    ]


def test_of_canvas_namesakes_the_number_is_told_that_tells_them_apart(course: Path) -> None:
    (course.parent / "roster.csv").write_text("id,name\na1,Ada Lovelace\na2,Lovelace Ada\n")
    (told,) = run(course, zipped(course, {"lovelaceada_5_9_scaling.ipynb": GOOD})).unknown
    assert told.endswith(
        "; give the right one the lms_id 5 there, or put the file by hand under submitted/<id>/<assignment>/"
    )


def test_namesakes_are_told_apart_by_the_numbers_of_the_roster(course: Path) -> None:
    (course.parent / "roster.csv").write_text("id,name,lms_id\na1,Ada Lovelace,6\na2,Ada Lovelace,5\n")
    files = {f"Ada Lovelace_{n}_assignsubmission_file_/scaling.ipynb": f"{{{n}}}" for n in (5, 6)}
    found = run(course, zipped(course, files))
    assert (found.placed, found.unknown) == (["a1", "a2"], [])
    assert submitted(course, "a2") == b"{5}"


def test_a_participants_number_makes_no_stranger_another_student(course: Path) -> None:
    (course.parent / "roster.csv").write_text("id,name,lms_id\nada,Ada Lovelace,5\n")
    found = run(course, zipped(course, {"Xenia Unknown_5_assignsubmission_file_/scaling.ipynb": GOOD}))
    assert found.unknown == ["Xenia Unknown_5_assignsubmission_file_/scaling.ipynb"]


def test_where_moodle_hides_names_participants_are_found_by_their_numbers(course: Path) -> None:
    (course.parent / "roster.csv").write_text("id,name,lms_id\nada,Ada Lovelace,5\nben,Ben Ali,31\n")
    files = {f"Participant_{number}_assignsubmission_file_/scaling.ipynb": f"{{{number}}}" for number in (5, 31, 7)}
    found = run(course, zipped(course, files))
    assert found.unknown == ["Participant_7_assignsubmission_file_/scaling.ipynb"]
    assert (submitted(course, "ada"), submitted(course, "ben")) == (b"{5}", b"{31}")


def test_a_roster_that_was_corrected_corrects_what_canvas_gave(course: Path) -> None:
    files = {f"name_{number}_1_scaling.ipynb": f"{{{number}}}" for number in (5, 6)}
    for ada, ben in ((6, 5), (5, 6)):
        (course.parent / "roster.csv").write_text(f"id,lms_id\nada,{ada}\nben,{ben}\n")
        found = run(course, zipped(course, files))
    assert found.unknown == []
    assert (submitted(course, "ada"), submitted(course, "ben")) == (b"{5}", b"{6}")


def test_nobody_becomes_another_by_taking_the_name(course: Path) -> None:
    files = {
        "Ada Lovelace_5_assignsubmission_file_/scaling.ipynb": GOOD,
        "Ada Lovelace_6_assignsubmission_file_/scaling.ipynb": b"not hers",
    }
    found = run(course, zipped(course, files))
    assert found.unknown == [
        f"{file} may be another person's than ada's; put the right one by hand under submitted/ada/<assignment>/"
        for file in sorted(files)
    ]
    assert not found.placed


@pytest.mark.parametrize("at_once", [True, False])
def test_nobody_who_is_known_becomes_another_by_taking_the_name_later(course: Path, at_once: bool) -> None:
    first = {
        "Ada Lovelace_5_assignsubmission_file_/scaling.ipynb": GOOD,
        "Emmy Noether_6_assignsubmission_file_/scaling.ipynb": GOOD,
    }
    taken = "Ada Lovelace_6_assignsubmission_file_/scaling.ipynb"
    monday = zipped(course, first).rename(course.parent / "monday.zip")
    friday = zipped(course, {taken: b"not hers"})
    if at_once:
        found = run(course, monday, friday)
        assert [each.partition(" may be another ")[0] for each in found.unknown] == sorted([*first, taken])
        assert not found.placed
        return
    assert run(course, monday).placed == ["ada", "emmy"]
    found = run(course, friday)
    assert found.unknown == [f"{taken} names ada, and its number was that of emmy before"]
    assert submitted(course, "ada") == GOOD
    both = {taken: b"not hers", "Ada Lovelace_5_assignsubmission_file_/scaling.ipynb": b"hers"}
    for number, (name, content) in enumerate(both.items()):
        zipped(course, {name: content}).rename(course.parent / f"{number}.zip")
    assert run(course, course.parent / "0.zip", course.parent / "1.zip").unknown == found.unknown
    assert submitted(course, "ada") == b"hers"


def test_a_number_that_is_new_is_asked_about_and_one_of_nobody_on_the_roster_is_forgotten(course: Path) -> None:
    file = "Ada Lovelace_{}_assignsubmission_file_/scaling.ipynb"
    run(course, zipped(course, {file.format(5): GOOD}))
    asked = "ada came under another number of the platform before: another activity, or another person?"
    assert asked in run(course, zipped(course, {file.format(7): GOOD})).notes
    roster = course.parent / "roster.csv"
    roster.write_text(roster.read_text().replace("\nada,", "\naugusta,"))
    found = run(course, zipped(course, {file.format(7): GOOD}))
    assert (found.placed, found.unknown) == (["augusta"], [])
