"""The benchmark of growing classes, in short; the page on scale shows what it wrote."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))

from benchmark_grading import ROOT
from benchmark_growth import LIGHT, Run, figures, growth, of_a_million

RUN = Run(
    submissions=1000,
    per_second=20.0,
    cpu_seconds_each=0.36,
    grader_cpu_seconds_each=0.009,
    database_seconds=3.6,
    start_up_seconds=2.0,
    peak_mib={"grader": 60.0, "worker": 40.0, "sandbox": 80.0},
    bytes_on_disk={"feedback": 10_000_000, "gradebook.db": 2_000_000},
)


@pytest.mark.slow
def test_the_graders_memory_does_not_grow_with_the_class() -> None:
    """The short form of ``python scripts/benchmark_growth.py``; it buys that each of its figures is taken."""
    small, large = growth(LIGHT, [8, 40], jobs=2)
    assert (small.submissions, large.submissions) == (8, 40)
    assert abs(large.peak_mib["grader"] - small.peak_mib["grader"]) < 50
    assert large.peak_mib.keys() == {"grader", "worker", "sandbox"}
    assert large.database_seconds > 0
    assert 0 < large.grader_cpu_seconds_each < large.cpu_seconds_each
    assert all(size > 0 for size in large.bytes_on_disk.values())


def test_what_a_million_would_need_is_computed_from_the_figures() -> None:
    needed = of_a_million(RUN)
    assert needed["core_hours"] == pytest.approx(100)
    assert needed["cores_that_one_grader_feeds"] == pytest.approx(40)
    assert needed["database_hours"] == pytest.approx(1)
    assert needed["gigabytes"] == pytest.approx(12)
    assert needed["gradebook_gigabytes"] == pytest.approx(2)
    assert needed["dollars_of_cores"] == pytest.approx(5)


def test_the_pages_tables_are_made_of_what_was_measured() -> None:
    folder = ROOT / "chapters" / "_scale"
    results = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    assert (folder / "figures.md").read_text() == figures(results)
    for result in (result for result in results if "sizes" in result):
        first, last = result["sizes"][0], result["sizes"][-1]
        assert first["per_second"] / last["per_second"] < 1.1
        assert last["peak_mib"]["grader"] - first["peak_mib"]["grader"] < 50


def test_a_table_has_a_row_for_each_size() -> None:
    result = {"assignment": "x", "sizes": [asdict(RUN)], "million": of_a_million(RUN)}
    assert "| x | 1,000 | 20.00 | 0.360 | 9.0 | 3.6 | 60, 40, 80 | 12 |" in figures([result])
