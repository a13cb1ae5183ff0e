"""Every attack in a batch of its own on a warm worker: what it earned, what it left, and who comes after it.

Slow: about a minute on a machine of its own; that is what shows that each case holds, not only the batch as a whole.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attacks.cases import Case, all_cases
from tests.attacks.forms import Alone, Traces, adopt_orphans, faults, harmed, honest, use_private_home
from tests.attacks.lesson import make
from tests.course_factory import NAME

# All cases on a machine that others use, too: minutes.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course folder with the honest work that some attacks reach for."""
    root = make(tmp_path_factory.mktemp("course"))
    for student in ("00-honest", "11-honest", "22-honest"):
        honest(root, student)
    return root


@pytest.fixture(scope="module")
def alone(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Alone, Path]]:
    """The worker, and the folder that it has for its temporary files."""
    home = tmp_path_factory.mktemp("home")
    adopt_orphans(True)
    with pytest.MonkeyPatch.context() as patched:
        use_private_home(patched, home)
        worker = Alone(root)
        worker.grade(root / "submitted" / "00-honest" / NAME)
        yield worker, home
        worker.slot.kill()
    adopt_orphans(False)


@pytest.mark.parametrize("case", list(all_cases()), ids=lambda case: f"row {case.row}: {case.name}")
def test_alone_an_attack_earns_as_much_leaves_nothing_and_harms_nobody_after_it(
    case: Case, root: Path, alone: tuple[Alone, Path]
) -> None:
    worker, home = alone
    case.hand_in(root, case.student)
    traces = Traces([home, root])
    graded = worker.grade(root / "submitted" / case.student / NAME)
    left = traces.left()
    subprocess.run(["rm", "-rf", root / "submitted" / case.student], check=True)  # deeper than shutil goes
    assert faults(case, graded) == []
    assert left == []
    assert harmed(worker.grade(root / "submitted" / "00-honest" / NAME)) == []
