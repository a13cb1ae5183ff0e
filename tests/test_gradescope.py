"""The zip makes the engine grade in Gradescope: its two scripts are run here as Gradescope's documentation says.

Slow, since an environment is made: this is what shows that the zip holds all that the engine needs.

Gradescope itself is not at hand. Its layout (source, submission, results, submission_metadata.json) stands in a folder,
which AUTOGRADER_ROOT names in the place of /autograder. Packages are not downloaded: the new environment sees those of
this one, so that pip finds every pinned version there.
"""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyseccomp
import pytest

from autograder import bundle
from autograder.course import Course
from autograder.errors import CourseError
from autograder.export import export
from autograder.gradescope import UNSANDBOXED, seconds_after_due
from tests.course_factory import NAME, RIGHT, Notebook, answered, make_course, submit

# Its environment takes half a minute of a free processor; it shows that the zip really grades where it is sent.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

LATE = """
c.AssignLatePenalties.plugin_class = "autograder.late.LateDays"
c.LateDays.penalty_per_day = 0.5
"""
ON_TIME = {"created_at": "2026-11-01T12:00:00.000000-07:00", "assignment": {"due_date": "2026-11-01T12:00:00-07:00"}}
WRONG = {**RIGHT, "scale_forward": "def scale_forward(x, w):\n    return x + w, (x, w)"}


@pytest.fixture(scope="module")
def container() -> Iterator[Path]:
    """What Gradescope builds of the zip, once: its files in source/, setup.sh run.

    Not in pytest's folder, which none but its owner may enter: student code runs as another user, if the test is root.
    """
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        root.chmod(0o755)
        course = make_course(root / "mine", LATE)
        with zipfile.ZipFile(export(NAME, course, kind="gradescope-autograder")) as made:
            for member in made.infolist():
                path = Path(made.extract(member, root / "autograder" / "source"))
                path.chmod(member.external_attr >> 16 & 0o777)
        shutil.rmtree(course)
        root /= "autograder"
        packages = root / "venv" / "lib" / f"python{sysconfig.get_python_version()}" / "site-packages"
        packages.mkdir(parents=True)
        (packages / "here.pth").write_text(sysconfig.get_path("purelib"))
        script(root, "source/setup.sh", {"PIP_NO_INDEX": "1"})
        shutil.copy(root / "source" / "run_autograder", root / "run_autograder")
        (root / "run_autograder").chmod(0o755)
        yield root


def python() -> Path:
    """The folder of a Python like this one that other users may run, too, as in a container; else of this one."""
    asked = "import sys, venv, ensurepip; print(sys.version_info[:2])"
    system = subprocess.run(["/usr/bin/python3", "-c", asked], capture_output=True, text=True, check=False)
    return Path("/usr/bin") if system.stdout.strip() == str(sys.version_info[:2]) else Path(sys.executable).parent


def script(root: Path, name: str, variables: Mapping[str, str] | None = None, namespaces: bool = True) -> None:
    path = f"{python()}:/usr/bin:/bin"
    environment = {"AUTOGRADER_ROOT": str(root), "PATH": path, "HOME": str(root), **(variables or {})}
    done = subprocess.run(
        [str(root / name)],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        preexec_fn=None if namespaces else forbid_namespaces,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def forbid_namespaces() -> None:
    """As Docker's own filter does for a container without privileges."""
    rules = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    rules.add_rule(pyseccomp.ERRNO(errno.EPERM), "unshare")
    rules.load()


def graded(
    root: Path, work: Notebook | bytes, metadata: Mapping[str, Any] = ON_TIME, *, namespaces: bool = True
) -> dict[str, Any]:
    for name in ("submission", "results"):
        shutil.rmtree(root / name, ignore_errors=True)
    (root / "submission").mkdir()
    data = work if isinstance(work, bytes) else json.dumps(work).encode()
    (root / "submission" / f"{NAME}.ipynb").write_bytes(data)
    (root / "submission_metadata.json").write_text(json.dumps(metadata))
    script(root, "run_autograder", namespaces=namespaces)
    found: dict[str, Any] = json.loads((root / "results" / "results.json").read_text())
    return found


def by_name(found: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {test["name"]: test for test in found["tests"]}


def test_a_right_and_a_wrong_submission_get_their_points(container: Path) -> None:
    right = graded(container, answered(RIGHT))
    assert (right["score"], right["output"], right["stdout_visibility"]) == (9.0, "", "hidden")
    assert [test["status"] for test in right["tests"]] == ["passed"] * 3, "the written answer is for a person"
    wrong = graded(container, answered(WRONG))
    assert wrong["score"] == 4.0
    values = by_name(wrong)["scale_forward: values"]
    assert (values["score"], values["max_score"], values["status"]) == (0.0, 3.0, "failed")
    assert "out is not x * w" in values["output"]


def test_of_a_hidden_check_students_see_the_title_and_later_the_score(container: Path) -> None:
    shifted = by_name(graded(container, answered(WRONG)))["scale_forward: shifted"]
    assert shifted == {
        "name": "scale_forward: shifted",
        "score": 0.0,
        "max_score": 2.0,
        "status": "failed",
        "output": "",
        "visibility": "after_published",
    }


def test_without_namespaces_it_grades_and_says_so(container: Path) -> None:
    found = graded(container, answered(WRONG), namespaces=False)
    assert (found["score"], found["output"]) == (4.0, UNSANDBOXED)


@pytest.mark.parametrize("namespaces", [True, False])
def test_a_student_cannot_read_the_hidden_checks(container: Path, namespaces: bool) -> None:
    """Without namespaces another user's rights hold them back, which root alone can give, of a Python open to all."""
    source = container / "source" / "course" / "source" / NAME / f"{NAME}.ipynb"
    answer = f"def scale_forward(x, w):\n    raise ValueError(open({str(source)!r}).read())"
    text = json.dumps(graded(container, answered({"scale_forward": answer}), namespaces=namespaces))
    apart = os.geteuid() == 0 and python() == Path("/usr/bin")
    assert ("41.5" in text) == (not namespaces and not apart)


@pytest.mark.parametrize(
    ("day", "score", "sentence"),
    [
        ("01", 4.5, "4.5 points are taken off because it was late."),
        ("03", 0.0, "It came so late that all of its 9 points are taken off."),
    ],
)
def test_lateness_is_taken_off_by_gradescopes_dates(container: Path, day: str, score: float, sentence: str) -> None:
    found = graded(container, answered(RIGHT), ON_TIME | {"created_at": f"2026-11-{day}T13:00:00.000000-07:00"})
    assert (found["score"], found["output"]) == (score, sentence)


def test_what_cannot_be_read_is_told(container: Path) -> None:
    found = graded(container, b"garbage")
    assert found["score"] == 0.0
    assert "is not a notebook" in found["output"]


@pytest.mark.parametrize(
    "metadata", ["", "[]", "{}", '{"created_at": "soon", "assignment": {"due_date": null}}', '{"assignment": 3}']
)
def test_metadata_that_tell_no_dates_make_nobody_late(tmp_path: Path, metadata: str) -> None:
    (tmp_path / "m.json").write_text(metadata)
    assert seconds_after_due(tmp_path / "m.json") == seconds_after_due(tmp_path / "none") == 0.0


@pytest.mark.parametrize("told", [{}, {"autograder": ["normalization-from-scratch"]}], ids=["editable", "whole"])
def test_the_zip_names_what_the_engine_needs_however_it_was_installed(
    told: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autograder.bundle.metadata.packages_distributions", lambda: {"numpy": ["numpy"], **told})
    local, pins = bundle._needs({"numpy"})
    names = {pin.partition("==")[0] for pin in pins}
    assert [path.name for path in local] == ["autograder"]
    assert {"nbgrader", "msgpack", "nbconvert", "numpy", "sqlalchemy"} <= {name.lower() for name in names}
    assert "distributed" not in names


@pytest.mark.parametrize(
    "url",
    [
        "'postgresql+psycopg://grader:secret@db.example.org/normalization'",
        "'postgresql+psycopg://grader:%s@db.example.org/normalization' % 's%40cret'",
        "'postgresql+psycopg://grader@db.example.org/normalization?password=secret'",
    ],
)
def test_a_databases_password_goes_into_no_zip(tmp_path: Path, url: str) -> None:
    root = make_course(tmp_path / "course", f"c.CourseDirectory.db_url = {url}")
    with pytest.raises(CourseError, match=r"nbgrader_config\.py holds the password of the gradebook's database"):
        bundle.bundle(Course.open(root), NAME)


def test_a_databases_password_from_elsewhere_keeps_no_zip_from_being_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRADEBOOK", "postgresql+psycopg://grader:grader@db.example.org/normalization")
    root = make_course(
        tmp_path / "course", "import os  # for grader\nc.CourseDirectory.db_url = os.environ['GRADEBOOK']"
    )
    assert bundle.bundle(Course.open(root), NAME)


def test_the_zip_holds_what_gradescope_needs_and_nothing_of_students(tmp_path: Path) -> None:
    course = make_course(tmp_path / "course")
    (course / "source" / NAME / "data.txt").write_text("4 5 6")
    submit(course, "zelda", RIGHT)
    (course / "gradebook.db").write_bytes(b"private")
    (course / "late_at_night.py").write_text("# a late plugin of the course's own, or another configuration")
    path = export(NAME, course, kind="gradescope-autograder")
    with zipfile.ZipFile(path) as made:
        names = made.namelist()
        assert {"setup.sh", "run_autograder", "requirements.txt", "course/nbgrader_config.py"} <= {*names}
        assert "course/late_at_night.py" in names
        assert {f"course/source/{NAME}/{NAME}.ipynb", f"course/source/{NAME}/data.txt"} <= {*names}
        assert not [name for name in names if re.search(r"zelda|gradebook\.db|reference", name)]
        pins = made.read("requirements.txt").decode().split()
        assert [pin for pin in pins if pin.startswith(("numpy==", "msgpack=="))]
        assert all(re.fullmatch(r"[\w.-]+==[\w.+!-]+", pin) for pin in pins)
        assert made.getinfo("run_autograder").external_attr >> 16 & 0o111
    assert path.read_bytes() == export(NAME, course, kind="gradescope-autograder").read_bytes()
