"""A class for trying out is written whole or not at all, and what stops it is told in one sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from nbgrader.api import Gradebook

from reference import sample_class
from reference.course import Course


def test_a_folder_that_cannot_be_made_is_named_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("no folder")
    place = tmp_path / "file" / "class"
    assert sample_class.main([str(place)]) == 2
    said = capsys.readouterr().err
    assert said == f"The class cannot be written to {place}: Not a directory; name another folder.\n"


def test_without_a_release_there_is_no_class(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sample_class, "ROOT", tmp_path)
    assert sample_class.main([str(tmp_path / "class"), "layernorm"]) == 1
    missing = "release/layernorm/layernorm.ipynb is missing: run `python -m reference.assemble layernorm` first."
    assert capsys.readouterr().err == f"The class cannot be made: {missing}\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("answers", [sample_class.unusual(3), sample_class.mistaken(5)])
def test_an_assignment_without_known_answers_has_a_class_all_the_same(
    answers: Callable[[Course, dict[str, str]], dict[str, str]],
) -> None:
    course = Course("layernorm")
    course.__dict__.update(mistakes=(), right_answers=())
    assert answers(course, {"layernorm_forward": "text"}) == {"layernorm_forward": "text"}


def test_a_disk_that_fills_leaves_nothing_half_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sample_class, "fill_gradebook", full)
    assert sample_class.main([str(tmp_path / "class"), "layernorm"]) == 2
    assert "No space left on device" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_formgrader_knows_each_student_by_name(tmp_path: Path) -> None:
    sample_class.fill_gradebook(tmp_path, "batchnorm")
    with Gradebook(f"sqlite:///{tmp_path}/gradebook.db", "normalization") as gradebook:
        names = {student.id: f"{student.last_name}, {student.first_name}" for student in gradebook.students}
    assert names == {student.id: student.name for student in sample_class.CLASS}


def test_a_folder_that_is_there_stays_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine").write_text("kept")
    assert sample_class.main([str(tmp_path)]) == 1
    assert "exists already" in capsys.readouterr().err
    assert (tmp_path / "mine").read_text() == "kept"
