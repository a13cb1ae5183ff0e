"""Every public function has an example in its docstring, and the examples print what they say."""

import doctest
import importlib
import inspect
import json
import pkgutil
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest

import normlab
from tests import course_factory

PROGRAMS = {"__main__", "runcells"}  # run as processes; nobody imports them
NORMLAB = [f"normlab.{one.name}" for one in pkgutil.iter_modules(normlab.__path__) if one.name not in PROGRAMS]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder of the examples, with the notebook scaling.ipynb: one function written, one not yet."""
    written = {"scale_forward": course_factory.RIGHT["scale_forward"]}
    (tmp_path / "scaling.ipynb").write_text(json.dumps(course_factory.answered(written)))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run_examples(name: str) -> doctest.TestResults:
    with mpl.rc_context():
        results = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    plt.close("all")
    return results


@pytest.mark.parametrize("name", NORMLAB)
@pytest.mark.usefixtures("folder")
def test_examples_print_what_they_say(name: str) -> None:
    results = run_examples(name)
    assert results.attempted > 0
    assert results.failed == 0


@pytest.mark.parametrize("name", NORMLAB)
def test_every_public_function_has_an_example(name: str) -> None:
    module = importlib.import_module(name)
    functions = {one: getattr(module, one) for one in module.__all__ if inspect.isfunction(getattr(module, one))}
    assert [one for one, function in functions.items() if ">>> " not in (inspect.getdoc(function) or "")] == []
