"""Make .venv from requirements.lock; with --test, also the system programs that the tests drive.

Runs on the system's Python with nothing installed. Each failure is one sentence that says what to do; a half-made
environment is removed. What is there already and unchanged is left alone.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
SUPPORTED = ((3, 11), (3, 13))
DISK_GB = 3
# What the tests drive, as Debian's packages name it: the program that shows it is there, and the package.
SYSTEM_PROGRAMS = {"chromium": "chromium", "pg_ctlcluster": "postgresql"}


class InstallError(Exception):
    """A sentence for the user: what is wrong and what to do."""


def check_machine() -> None:
    """Python's version and the free disk space, before anything is written."""
    low, high = (".".join(map(str, version)) for version in SUPPORTED)
    if not SUPPORTED[0] <= sys.version_info[:2] <= SUPPORTED[1]:
        found = f"{sys.version_info[0]}.{sys.version_info[1]}"
        raise InstallError(
            f"Python {low} to {high} is needed, but {sys.executable} is {found}; run `make PYTHON=python{high}`."
        )
    free = shutil.disk_usage(ROOT).free / 1e9
    if free < DISK_GB and not VENV.exists():
        raise InstallError(
            f"{DISK_GB} GB of free disk are needed, {free:.1f} are left in {ROOT}; free some, run make again."
        )


def fingerprint() -> str:
    """Changes when the environment has to be made again."""
    parts = [sys.version, str(ROOT), *((ROOT / name).read_text() for name in ("requirements.lock", "pyproject.toml"))]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def install_environment() -> None:
    """.venv with every pinned package, hashes checked, and this checkout on its path."""
    stamp = VENV / "installed"
    if stamp.exists() and stamp.read_text() == fingerprint():
        return
    print("Installing the Python packages into .venv (about two minutes, once) ...", flush=True)
    pip = [str(VENV / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    steps = [
        # Made anew: venv leaves another Python's links as they are, and pip what the lock no longer names.
        [sys.executable, "-m", "venv", "--clear", str(VENV)],
        # The lock is complete; where an older pip resolves, it meets newer releases and refuses them.
        [*pip, "--require-hashes", "--no-deps", "-r", str(ROOT / "requirements.lock")],
        [*pip, "--no-deps", "--no-build-isolation", "-e", str(ROOT)],
    ]
    for step in steps:
        result = subprocess.run(step, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if result.returncode:
            shutil.rmtree(VENV, ignore_errors=True)
            errors = [line for line in result.stderr.splitlines() if line.lower().startswith("error")]
            reason = (errors or result.stderr.splitlines() or [f"{step[0]} failed"])[-1]
            raise InstallError(
                f"Installing failed ({reason.strip()[:300]}); nothing half-made is left: "
                "check the network, or pip's own settings, and run make again."
            )
    stamp.write_text(fingerprint())


def install_venv() -> None:
    """Python's own venv, which Debian has in a package of its own."""
    if not importlib.util.find_spec("ensurepip"):
        package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
        install_packages([package], f"{sys.executable} has no venv")


def install_system_programs() -> None:
    """What the tests need beside Python."""
    missing = [package for program, package in SYSTEM_PROGRAMS.items() if not shutil.which(program)]
    if missing:
        install_packages(missing, f"The tests need {' and '.join(missing)}")


def install_packages(packages: list[str], need: str) -> None:
    """Debian's packages: installed where that needs no question, named where it does."""
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise InstallError(f"{need}: run `sudo {' '.join(command)}`, then the same command again.")
    print(f"Installing {', '.join(packages)} with apt-get ...", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for step in (["apt-get", "update", "-qq"], command):
        result = subprocess.run(step, env=environment, capture_output=True, text=True)
        if result.returncode:
            reason = (result.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise InstallError(f"{need}; `{' '.join(step)}` failed ({reason[:300]}): run it by hand, then try again.")


def main() -> int:
    """0 when all is there; 1 after a sentence on stderr."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--test", action="store_true", help="also Chromium and PostgreSQL, which the tests drive")
    options = parser.parse_args()
    try:
        check_machine()
        install_venv()
        if options.test:
            install_system_programs()
        install_environment()
    except InstallError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
