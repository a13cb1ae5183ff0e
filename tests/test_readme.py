"""The README's figures are those that were measured, and what it shows of the sample class is that class."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from reference.sample_class import CLASS, SOONER
from tests.attacks.cases import all_cases

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

from compare_graders import OTTER  # noqa: E402

README = (ROOT / "README.md").read_text(encoding="utf-8")
FLAT = " ".join(README.split())


def test_it_fits_on_two_screens() -> None:
    assert len(README.splitlines()) < 120


def test_it_counts_the_attacks_that_there_are() -> None:
    assert f"a suite of {len(list(all_cases()))} attacks" in FLAT


def test_its_figures_of_growth_are_those_of_the_books_page() -> None:
    measured: dict[str, Any] = json.loads((ROOT / "chapters" / "_scale" / "batchnorm.json").read_text())
    first, last = measured["sizes"][0], measured["sizes"][-1]
    compared = measured["compared"]
    assert (
        f"two cores grade {compared['two cores over one']:.1f} times what one does, "
        f"Dask {compared['Dask over the local pool']:.2f} times the local pool, "
        f"{last['submissions']:,} submissions each in {first['per_second'] / last['per_second']:.2f} times "
        f"the time of {first['submissions']} (`batchnorm`)"
    ) in FLAT


def test_the_class_that_it_shows_is_the_sample_class() -> None:
    assert f"\n{len(CLASS)} graded, 0 unchanged, 0 failed, in " in README
    shown = re.findall(r"^look at (\w+): ", README, re.MULTILINE)
    assert len(shown) == 3
    assert set(shown) < {student.id for student in CLASS}
    seconds = re.search(r'"cell_seconds": (\d+)', SOONER)
    assert seconds
    assert f"look at zeno: batchnorm_forward__example_by_hand: the cell ran longer than {seconds[1]} s;" in README


def test_it_compares_with_the_versions_that_are_installed() -> None:
    nbgrader = re.search(r"^nbgrader==(\S+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    assert nbgrader
    assert f"| nbgrader {nbgrader[1]} | {OTTER.replace('==', ' ')} | autograder |" in README
