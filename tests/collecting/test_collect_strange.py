"""What does not belong into an export is told, and what is known already stays."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from autograder.errors import UsageError
from tests.course_factory import NAME
from tests.exports import GOOD, RECEIPT, run, submitted, zipped

BLACKBOARD = "P_ada_attempt_2026-03-02-11-58-00"
RECEIVED = RECEIPT.format(name="Ada Lovelace", user="ada", zone="UTC", comment="")


@pytest.mark.parametrize(
    "export",
    [
        {"lovelaceada_4711_900_scaling.ipynb": GOOD},
        {"Ada Lovelace_5_assignsubmission_file_/scaling.ipynb": GOOD},
        {f"{BLACKBOARD}_scaling.ipynb": GOOD, f"{BLACKBOARD}.txt": RECEIVED},
        {
            f"ada+{NAME}+2026-03-02 11:58:00.000000 UTC/scaling.ipynb": GOOD,
            "emmy+other+2026-03-02 11:58:00.000000 UTC/other.ipynb": GOOD,
        },
    ],
    ids=["Canvas", "Moodle", "Blackboard", "exchange"],
)
def test_files_that_do_not_fit_the_platform_are_unknown_and_litter_is_not(
    course: Path, export: dict[str, bytes | str]
) -> None:
    strange = ["emmy.ipynb", "rene_14_assignsubmission", "sent by mail/zoe.ipynb"]
    litter = ["__MACOSX/._emmy.ipynb", ".DS_Store", "sent by mail/Thumbs.db", "desktop.ini"]
    found = run(course, zipped(course, export | dict.fromkeys([*strange, *litter], GOOD)))
    assert (found.placed, found.unknown, found.refused) == (["ada"], strange, [])


def test_a_file_named_as_another_platform_names_it_is_unknown(course: Path) -> None:
    files = {f"lovelaceada_4711_{n}_scaling.ipynb": GOOD for n in (1, 2)}
    other = "Emmy Noether_5_assignsubmission_file_/scaling.ipynb"
    assert run(course, zipped(course, files | {other: GOOD})).unknown == [other]


def test_what_a_student_typed_into_canvas_is_told_as_the_students(course: Path) -> None:
    files: dict[str, bytes | str] = {
        "noetheremmy_12_13_scaling.ipynb": GOOD,
        "lovelaceada_LATE_4711_text.html": "<p>my answer</p>",
        "descartesrene_14_link.html": "<p>elsewhere</p>",
        "nobody_15_text.html": "<p>who?</p>",
        "zedzoe_5000_text.html": "<p>the name, but not the number</p>",
    }
    found = run(course, zipped(course, files))
    assert found.refused == [
        "ada handed in text.html, which is not scaling.ipynb",
        "rene handed in link.html, which is not scaling.ipynb",
    ]
    assert found.unknown == ["nobody_15_text.html", "zedzoe_5000_text.html"]


def test_an_upload_that_ends_as_a_text_entry_of_another_stays_its_owners(course: Path) -> None:
    found = run(course, zipped(course, {"noetheremmy_12_13_lovelaceada_4711_text.html": "<p>hers?</p>"}))
    assert found.refused == ["emmy handed in lovelaceada_4711_text.html, which is not scaling.ipynb"]


def timed(course: Path, time: str) -> None:
    (course.parent / "roster.csv").write_text(f"id,lms_id,submitted\nada,4711,{time}\n")


def test_a_known_time_stays_where_the_same_comes_again_without_one(course: Path) -> None:
    path = zipped(course, {"lovelaceada_LATE_4711_99_scaling.ipynb": GOOD})
    timed(course, "2026-03-02 11:58:00 UTC")
    run(course, path)
    timed(course, "")
    found = run(course, path)
    assert (found.placed, found.unchanged) == ([], ["ada"])
    assert (found.late, found.timeless) == (["ada"], [])
    assert submitted(course, "ada", "timestamp.txt") == b"2026-03-02 11:58:00 UTC\n"
    found = run(course, zipped(course, {"lovelaceada_4711_100_scaling.ipynb": b"other"}))
    assert (found.placed, found.unchanged) == (["ada"], [])
    assert not (course / "submitted/ada" / NAME / "timestamp.txt").exists(), "whose time is that?"


def test_the_notebook_of_another_assignment_does_not_stand_in_for_this_one(course: Path) -> None:
    for other in ("shifting", "scaling2"):
        (course / "source" / other).mkdir()
        (course / "source" / other / f"{other}.ipynb").write_bytes(GOOD)
    files = {
        "lovelaceada_4711_1_shifting-2.ipynb": GOOD,
        "noetheremmy_12_2_scaling2.ipynb": GOOD,
        "descartesrene_14_3_scaling-2.ipynb": GOOD,
        "descartesrene_14_4_Shifting.ipynb": GOOD,
        "zedzoe_999_5_my work.ipynb": GOOD,
    }
    found = run(course, zipped(course, files))
    assert found.placed == ["rene", "zoe"], "a copy of this one, and a name that is no assignment's"
    assert found.refused == [
        "ada handed in shifting-2.ipynb, which is not scaling.ipynb",
        "emmy handed in scaling2.ipynb, which is not scaling.ipynb",
    ]


@pytest.mark.parametrize("kind", ["zip", "folder"])
def test_a_source_that_holds_just_a_zip_is_told_to_be_unpacked(course: Path, kind: str) -> None:
    source = inner = zipped(course, {"lovelaceada_4711_99_scaling.ipynb": GOOD}, "inner.zip")
    if kind == "zip":
        source = zipped(course, {"inner.zip": inner.read_bytes()}, "outer.zip")
    else:
        source = course.parent / "downloads"
        source.mkdir()
        inner.rename(source / "inner.zip")
    told = f"holds nothing of 'scaling' but a zip within the {kind}, inner.zip; unpack it and name what was in it"
    with pytest.raises(UsageError, match=told):
        run(course, source)


@pytest.mark.parametrize("folder", ["", "mail/"])
def test_a_students_zip_is_told_as_what_it_is(course: Path, folder: str) -> None:
    canvas = run(course, zipped(course, {"noetheremmy_12_13_scaling.zip": b"PK"}))
    where = course / "submitted" / "emmy" / NAME
    advice = f"(a zip within is not opened; unpack it and put its notebook into {where}), which is not scaling.ipynb"
    assert canvas.refused == [f"emmy handed in scaling.zip {advice}"]
    files = {f"{folder}ada/scaling.ipynb": GOOD, f"{folder}emmy.zip": b"PK", f"{folder}who.zip": b"PK"}
    found = run(course, zipped(course, files))
    assert found.refused == [f"emmy handed in {folder}emmy.zip {advice}"]
    assert (found.placed, found.unknown) == (["ada"], [f"{folder}who.zip"])


@pytest.mark.parametrize("keep", ["last", "best"])
def test_late_work_is_never_on_time_though_putting_it_in_place_was_stopped(
    course: Path, monkeypatch: pytest.MonkeyPatch, keep: str
) -> None:
    with open(course / "nbgrader_config.py", "a") as config:
        config.write(f"\nc.Engine.keep = {keep!r}\n")
    start = "P_ada_attempt_2026-03-0{}-11-58-00_scaling.ipynb"
    run(course, zipped(course, {start.format(1): "on time"}))
    replaced, replace = list[Path](), os.replace

    def stopped(source: Path, target: Path) -> None:
        if replaced:
            raise KeyboardInterrupt
        replace(source, target)
        replaced.append(target)

    with monkeypatch.context() as patched:
        patched.setattr("autograder.placing.os.replace", stopped)
        with pytest.raises(KeyboardInterrupt):
            run(course, zipped(course, {start.format(9): "late"}))
    run(course, zipped(course, {start.format(9): "late"}))
    folders = [course / "submitted" / "ada" / NAME, *(course / ".autograder" / "attempts").glob(f"{NAME}/ada/*")]
    stood = {((each / f"{NAME}.ipynb").read_text(), (each / "timestamp.txt").read_text()[:10]) for each in folders}
    assert ("late", "2026-03-09") in stood
    assert ("late", "2026-03-01") not in stood
    assert (("on time", "2026-03-01") in stood) == (keep == "best")
