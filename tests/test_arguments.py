"""What student code writes into a check's arrays decides nothing: checks give copies, or say that it wrote."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from reference.course import ASSIGNMENTS, Check, Course, run

CHECKS = [(Course(name), check) for name in ASSIGNMENTS for check in Course(name).checks.values()]


def spoiling(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, which leaves other numbers in each array that it was given."""

    def call(*given: Any, **named: Any) -> Any:
        mine, of_name = copy.deepcopy((given, named))
        results = function(*mine, **of_name)
        for old, new in zip((*given, *named.values()), (*mine, *of_name.values()), strict=True):
            if isinstance(old, np.ndarray):
                old[...] = 777.0 if old.dtype.kind == "f" else 0
            elif isinstance(old, dict):  # settings, which it may change
                old.clear()
                old.update(new)
        return results

    return call


def spoiling_network(network: Any) -> Any:
    class Spoiling(network):  # type: ignore[misc]
        def loss(self, *given: Any, **named: Any) -> Any:
            return spoiling(super().loss)(*given, **named)

    return Spoiling


@pytest.mark.parametrize(("course", "check"), CHECKS, ids=[check.name for _, check in CHECKS])
def test_what_is_written_into_an_argument_changes_no_expected_value(course: Course, check: Check) -> None:
    answers = {
        name: spoiling_network(value) if isinstance(value, type) else spoiling(value)
        for name, value in run(course.solution).items()
        if name in check.needs
    }
    said = ""
    try:
        check(**answers)
    except AssertionError as error:
        said = str(error)
    content = not said or "changed by the call" in said or "must not change" in said
    assert content, f"{check.name} must give the call copies of what it reads afterwards; now it says: {said}"
