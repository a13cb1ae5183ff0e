"""What `collect` saw is counted, and pages go back under the names by which a platform takes them.

The names are checked as Moodle (mod/assign/feedback/file/importziplib.php) and Canvas (Assignment's
infer_comment_context_from_filename) read them; these readers are written anew here from what those files do.
"""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from autograder.__main__ import main
from autograder.collect import collect
from autograder.course import Course
from autograder.errors import UsageError
from autograder.export import export
from autograder.grade import grade
from autograder.received import Received
from autograder.report import report
from tests.course_factory import NAME, RIGHT, answered, make_course

GOOD = json.dumps(answered(RIGHT)).encode()
OTHER = json.dumps(answered({})).encode()
ROSTER = "id,name,lms_id\nada,Ada Lovelace,4711\nemmy,Emmy Noether,12\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "roster.csv").write_text(ROSTER)
    return make_course(tmp_path / "course", gradebook=True)


def take(root: Path, files: dict[str, bytes]) -> None:
    path = root.parent / "export.zip"
    with zipfile.ZipFile(path, "w") as made:
        for name, content in files.items():
            made.writestr(name, content)
    collect(NAME, [path], root, roster=root.parent / "roster.csv")


def sent_back(root: Path, kind: str) -> dict[str, bytes]:
    with zipfile.ZipFile(export(NAME, root, kind=kind)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def moodle_reads(path: str) -> tuple[int, str]:
    """(participant, file) as Moodle understands a name in the zip."""
    parts = path.split("/")
    while parts:
        info = parts.pop(0).split("_", 4)
        if len(info) < 4 or not info[1].isdigit():
            continue
        assert info[2:4] == ["assignsubmission", "file"]
        parts = ([info[4]] if info[4:] and info[4] else []) + parts
        return int(info[1]), "/".join(parts)
    raise AssertionError(path)


def canvas_reads(path: str) -> tuple[int, int]:
    """(user, file that it comments on) as Canvas understands a name in the zip."""
    numbers = [part for part in path.rpartition("/")[2].split("_") if re.fullmatch(r"\d+", part)]
    return int(numbers[0]), int(numbers[1])


@pytest.mark.parametrize("form", ["{}_assignsubmission_file_/x.ipynb", "{}_assignsubmission_file/x.ipynb"])
def test_moodle_finds_the_participant_of_each_page(root: Path, form: str) -> None:
    take(root, {form.format("Ada Lovelace_5"): GOOD, f"sub/{form.format('Emmy Noether_6')}": OTHER})
    grade(NAME, root, jobs=1)
    pages = sent_back(root, "moodle-feedback")
    assert {moodle_reads(name) for name in pages} == {(5, f"{NAME}.html"), (6, f"{NAME}.html")}
    ada = next(name for name in pages if moodle_reads(name)[0] == 5)
    assert pages[ada] == (root / "feedback" / "ada" / NAME / f"{NAME}.html").read_bytes()


def test_a_file_named_like_anothers_folder_sends_no_page_there(root: Path) -> None:
    take(root, {"Ada Lovelace_5_assignsubmission_file_/Emmy Noether_6_assignsubmission_file_x.ipynb": GOOD})
    grade(NAME, root, jobs=1)
    assert [moodle_reads(name) for name in sent_back(root, "moodle-feedback")] == [(5, f"{NAME}.html")]


def test_canvas_finds_the_file_that_each_page_is_about(root: Path) -> None:
    take(root, {"lovelaceada_LATE_4711_99_scaling-1.ipynb": GOOD, "noetheremmy_12_13_my_work.ipynb": OTHER})
    grade(NAME, root, jobs=1)
    pages = sent_back(root, "canvas-feedback")
    assert sorted(pages) == ["lovelaceada_LATE_4711_99_scaling-1.html", "noetheremmy_12_13_my_work.html"]
    assert {canvas_reads(name) for name in pages} == {(4711, 99), (12, 13)}


def test_who_came_by_another_way_is_left_out_and_named(root: Path) -> None:
    take(root, {"lovelaceada_4711_99_scaling.ipynb": GOOD})
    take(root, {"emmy/scaling.ipynb": OTHER})
    grade(NAME, root, jobs=1)
    said: list[str] = []
    export(NAME, root, kind="canvas-feedback", tell=said.append)
    assert said == [
        "1 page, to be uploaded to Canvas as one zip",
        "left out, since they did not come from Canvas by `autograder collect`: emmy/scaling.html",
    ]
    with pytest.raises(UsageError, match="collect from there and grade first"):
        export(NAME, root, kind="moodle-feedback")


@pytest.mark.parametrize("how", ["by hand", "as a link"])
def test_what_took_the_place_of_a_file_goes_back_to_nobody_under_its_name(root: Path, how: str) -> None:
    take(root, {"lovelaceada_4711_99_scaling.ipynb": GOOD, "noetheremmy_12_13_scaling.ipynb": OTHER})
    path = root / "submitted" / "ada" / NAME / f"{NAME}.ipynb"
    path.unlink()
    if how == "by hand":
        path.write_bytes(OTHER)
    else:
        path.symlink_to(root / "submitted" / "emmy" / NAME / f"{NAME}.ipynb")
    grade(NAME, root, jobs=1)
    said: list[str] = []
    with zipfile.ZipFile(export(NAME, root, kind="canvas-feedback", tell=said.append)) as archive:
        assert archive.namelist() == ["noetheremmy_12_13_scaling.html"]
    assert said[-1].endswith("by `autograder collect`: ada/scaling.html")


def test_the_report_counts_what_collect_saw_where_the_last_counts(root: Path) -> None:
    take(root, {"lovelaceada_4711_99_scaling.ipynb": OTHER, "lovelaceada_4711_100_scaling-1.ipynb": GOOD})
    take(root, {"lovelaceada_4711_101_scaling-2.ipynb": GOOD, "noetheremmy_12_13_scaling.ipynb": GOOD})
    take(root, {"lovelaceada_4711_101_scaling-2.ipynb": GOOD})  # collected again
    grade(NAME, root, jobs=1)
    facts = json.loads(report(NAME, root).with_suffix(".json").read_text())
    assert facts["attempts"] == {"ada": 3, "emmy": 1}


def test_the_report_counts_every_attempt_where_the_best_counts(root: Path) -> None:
    with (root / "nbgrader_config.py").open("a") as file:
        file.write("c.Engine.keep = 'best'\n")
    for work in (GOOD, OTHER):
        folder = root / "submitted" / "ada" / NAME
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{NAME}.ipynb").write_bytes(work)
        grade(NAME, root, jobs=1)
    facts = json.loads(report(NAME, root).with_suffix(".json").read_text())
    assert facts["attempts"] == {"ada": 2}


@pytest.mark.parametrize(
    "content", ["[]", "3", '{"ada": []}', '{"ada": {"scaling": {}}}', '{"ada": {"scaling": 1}}', "{"]
)
def test_a_record_that_somebody_damaged_counts_as_none(root: Path, content: str) -> None:
    take(root, {"lovelaceada_4711_99_scaling.ipynb": GOOD})
    (root / ".autograder" / "received" / f"{NAME}.json").write_text(content)
    assert not any(Received(Course.open(root), NAME).attempts().values())
    take(root, {"lovelaceada_4711_100_scaling-1.ipynb": OTHER, "noetheremmy_12_13_scaling.ipynb": GOOD})
    assert Received(Course.open(root), NAME).attempts() == {"ada": 1, "emmy": 1}


def test_a_folder_where_a_file_is_meant_is_wrong_usage(root: Path) -> None:
    take(root, {"lovelaceada_4711_99_scaling.ipynb": GOOD})
    grade(NAME, root, jobs=1)
    result = CliRunner().invoke(main, ["export", NAME, "--course-dir", str(root), "--to", str(root.parent)])
    assert result.exit_code == 2
    assert "is a folder; name a file, such as" in result.output
