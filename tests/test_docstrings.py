"""The examples in normlab's docstrings print what they say."""

import doctest
import importlib
import pkgutil

import pytest

import normlab

MODULES = [f"normlab.{module.name}" for module in pkgutil.iter_modules(normlab.__path__) if module.name != "__main__"]


@pytest.mark.parametrize("name", MODULES)
def test_examples_print_what_they_say(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_the_graph_has_examples() -> None:
    assert doctest.testmod(importlib.import_module("normlab.graph")).attempted >= 5
