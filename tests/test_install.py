"""scripts/install.py: each failure is one sentence that says what to do, and nothing half-made stays."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
import install  # noqa: E402


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what the installer reads, and install.py pointed at it."""
    for name in ("requirements.lock", "pyproject.toml"):
        (tmp_path / name).write_text("")
    monkeypatch.setattr(install, "ROOT", tmp_path)
    monkeypatch.setattr(install, "VENV", tmp_path / ".venv")
    return tmp_path


@pytest.mark.parametrize("version", [(3, 10), (3, 14), (3, 7)])
def test_a_wrong_python_is_named_with_the_command_that_helps(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, version: tuple[int, int]
) -> None:
    monkeypatch.setattr(sys, "version_info", version)
    with pytest.raises(install.InstallError, match=r"Python 3.11 to 3.13 is needed.*run `make PYTHON="):
        install.check_machine()


@pytest.mark.parametrize("python", ["no-such-python", "false"])  # "false": as one that cannot read our files
@pytest.mark.parametrize("target", ["install", "test"])
def test_no_python_or_one_too_old_is_one_sentence(python: str, target: str) -> None:
    line = ["make", "--no-print-directory", target, f"PYTHON={python}"]
    alone = {name: value for name, value in os.environ.items() if name != "MAKEFLAGS"}
    result = subprocess.run(line, cwd=Path(__file__).parent.parent, env=alone, capture_output=True, text=True)
    assert result.returncode == 2
    sentence = f"error: `{python}` is no Python 3.11 to 3.13; install one and name it: `make PYTHON=python3.11`."
    assert result.stderr.splitlines()[0] == sentence


def test_a_fitting_python_beside_one_that_does_not_fit_is_taken(tmp_path: Path) -> None:
    for name, status in (("python3", 1), ("python3.13", 1), ("python3.12", 0), ("python3.11", 0)):
        (tmp_path / name).write_text(f"#!/bin/sh\nexit {status}\n")
        (tmp_path / name).chmod(0o755)
    line = ["make", "--no-print-directory", "--eval=told: ; @echo $(PYTHON)", "told"]
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    told = subprocess.run(line, cwd=Path(__file__).parent.parent, env=environment, capture_output=True, text=True)
    assert told.stdout == "python3.12\n"


def test_a_python_without_venv_is_told_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(
        install.InstallError, match=r"has no venv: run `sudo apt-get install .*python3\.\d+-venv`, then"
    ):
        install.install_venv()


def test_root_is_given_what_is_missing_without_a_question(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran: list[list[str]] = []

    def run(step: list[str], **keywords: object) -> subprocess.CompletedProcess[str]:
        ran.append(step)
        return subprocess.CompletedProcess(step, 0, "", "")

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", lambda program: "/usr/bin/apt-get" if program == "apt-get" else None)
    monkeypatch.setattr(subprocess, "run", run)
    install.install_venv()
    install.install_system_programs()
    packages = [step[5:] for step in ran if step[1] == "install"]
    assert packages == [[f"python3.{sys.version_info[1]}-venv"], ["chromium", "postgresql"]]
    assert capsys.readouterr().out.startswith("Installing python3.")


def test_a_full_disk_is_noticed_before_anything_is_written(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10, 10, 1e8))
    with pytest.raises(install.InstallError, match=r"3 GB of free disk are needed, 0.1 are left"):
        install.check_machine()


def test_what_another_python_or_lock_left_does_not_stay(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left = checkout / ".venv" / "lib" / "of_another.py"
    left.parent.mkdir(parents=True)
    left.touch()
    run, stayed = subprocess.run, []

    def no_pip(step: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        if "venv" in step:
            return run([*step, "--without-pip"], **options)
        stayed.append(left.exists())
        return subprocess.CompletedProcess(step, 0)

    monkeypatch.setattr(subprocess, "run", no_pip)
    install.install_environment()
    assert stayed == [False, False]


def test_a_failed_download_leaves_no_environment_and_says_what_to_do(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (checkout / "requirements.lock").write_text("no-such-package==1 --hash=sha256:" + "0" * 64)
    for variable in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_RETRIES", "0")
    with pytest.raises(install.InstallError, match=r"Installing failed .*check the network") as failure:
        install.install_environment()
    assert "\n" not in str(failure.value)
    assert not (checkout / ".venv").exists()


def test_a_missing_system_program_is_named_with_its_command(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda program: None)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(
        install.InstallError, match=r"run `sudo apt-get install .*chromium.*`, then the same command again"
    ):
        install.install_system_programs()


def test_the_command_prints_one_line_and_exits_1(tmp_path: Path) -> None:
    shutil.copytree(Path(install.__file__).parent, tmp_path / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    code = "import sys, runpy; sys.version_info = (3, 9, 0); runpy.run_path('scripts/install.py', run_name='__main__')"
    result = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("error: Python 3.11 to 3.13 is needed")
    assert not (tmp_path / ".venv").exists()


def test_what_make_oldest_runs_imports_nothing_that_it_does_not_install() -> None:
    recipe = (ROOT / "Makefile").read_text().partition("\noldest:")[2].partition("\n\n")[0]
    files = re.findall(r"tests/\S+\.py", recipe)
    assert {"tests/test_checks.py", "tests/test_mistakes.py"} < set(files)
    absent = [
        "IPython",
        "jinja2",
        "jupyter_client",
        "msgpack",
        "nbconvert",
        "nbgrader",
        "psutil",
        "scipy",
        "sqlalchemy",
    ]
    code = f"import pytest, sys; sys.modules.update(dict.fromkeys({absent})); sys.exit(pytest.main(sys.argv[1:]))"
    collect = ["--collect-only", "-q", *(str(path) for pattern in files for path in sorted(ROOT.glob(pattern)))]
    done = subprocess.run([sys.executable, "-c", code, *collect], cwd=ROOT, capture_output=True, text=True, check=False)
    assert len(collect) > 5
    assert "no tests collected" not in done.stdout
    assert done.returncode == 0, done.stdout
