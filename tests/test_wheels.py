"""The wheels of normlab and autograder hold what each needs alone; `scripts/try_wheels.py` installs and uses them."""

import subprocess
import sys
import tomllib
from email.parser import Parser
from pathlib import Path
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement

import autograder
import normlab

ROOT = Path(__file__).parent.parent
VERSIONS = {"normlab": normlab.__version__, "autograder": autograder.__version__}


@pytest.fixture(scope="module", params=VERSIONS)
def wheel(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ZipFile]:
    """A package's name and its wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    make = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)]
    subprocess.run([*make, str(ROOT / "packaging" / request.param)], check=True, capture_output=True)
    return request.param, ZipFile(next(folder.glob("*.whl")))


def test_a_wheel_holds_its_package_whole_and_nothing_else(wheel: tuple[str, ZipFile]) -> None:
    name, archive = wheel
    listed = subprocess.run(["git", "ls-files", name], cwd=ROOT, capture_output=True, text=True, check=True)
    held = {path for path in archive.namelist() if not path.startswith(f"{name}-{VERSIONS[name]}.dist-info/")}
    tracked = {path for path in listed.stdout.splitlines() if (ROOT / path).exists()}
    assert tracked | {f"{name}/LICENSE"} <= held
    assert [path for path in held if not path.startswith(f"{name}/") or "__pycache__" in path] == []
    assert [path for path in held if path.endswith(".ipynb") or "/solution" in path] == []


def test_a_wheel_names_the_version_and_what_the_project_says_that_it_needs(wheel: tuple[str, ZipFile]) -> None:
    name, archive = wheel
    stored = archive.read(f"{name}-{VERSIONS[name]}.dist-info/METADATA").decode()
    metadata = Parser().parsestr(stored)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    wanted = set(project["dependencies"]) | (set(extras["autograder"]) if name == "autograder" else set())
    needed = {Requirement(line) for line in metadata.get_all("Requires-Dist", []) if "extra ==" not in line}
    assert needed == {Requirement(line) for line in wanted}
    assert metadata["Version"] == VERSIONS[name]
    assert metadata["License-Expression"] == "BSD-3-Clause"


def test_the_engine_alone_has_the_extras_of_the_project() -> None:
    alone = tomllib.loads((ROOT / "packaging" / "autograder" / "pyproject.toml").read_text())["project"]
    whole = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert alone["requires-python"] == whole["requires-python"]
    for extra, needed in alone["optional-dependencies"].items():
        assert needed == whole["optional-dependencies"][extra]
