"""The short form of the large class: 60 submissions, one in ten hostile; the long one is tests/attacks/crowd.py.

Slow: half a minute; honest submissions are compared one by one with those of a class without hostile ones.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.attacks.crowd import crowd

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def test_a_class_with_hostile_submissions_is_graded_as_one_without(tmp_path: Path) -> None:
    assert crowd(tmp_path, 60, jobs=2, every=43) == []
    subprocess.run(["rm", "-rf", tmp_path / "course"], check=True)  # deeper than Python's own remover goes
