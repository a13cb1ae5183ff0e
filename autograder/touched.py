"""Untrusted side: which of its arguments a call changed, and how."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from autograder import tables
from autograder.objects import EVERYTHING, Objects
from autograder.snapshots import snapshot


def changes(objects: Objects, values: list[Any], before: list[Any]) -> list[list[Any]]:
    """``[place, change]`` of each argument that is not as it was."""
    return [
        [place, change]
        for place, (value, was) in enumerate(zip(values, before, strict=True))
        if (change := _change(objects, value, was)) is not None
    ]


def take(objects: Objects, changed: list[list[Any]], values: list[Any], before: list[Any]) -> None:
    """Change arguments as a test's function did that the call asked; what it put into them is one from then on."""
    for place, content in changed:
        value, new = values[place], objects.restore(content, values if type(content) is tuple else [])
        if type(value) is np.ndarray:
            value[...] = new
        elif type(value) is list:
            value[:] = new
        elif type(value) in (dict, set):
            value.clear()
            value.update(new)
        else:
            tables.write_back(value, new)
        before[place] = snapshot(value)
    before += map(snapshot, values[len(before) :])


def _change(objects: Objects, value: Any, was: Any) -> Any:
    if type(value) is np.ndarray:
        return None if value.tobytes() == was else value
    if tables.is_table(value):
        return None if value.equals(was) else value
    if type(value) is list:
        if len(value) == len(was) and all(map(operator.is_, value, was)):
            return None
        objects.codec.require_small(value)
        return [objects.prepare(item, EVERYTHING, False) for item in value]
    if type(value) is set:
        return None if value == was else {objects.prepare_key(item) for item in value}
    kept, gone = [key for key in was if key in value], [key for key in was if key not in value]
    if kept != list(value)[: len(kept)]:  # in another order: all are put in anew
        was, gone = {}, [*was]
    new = [
        [key if type(key) is str else objects.prepare_key(key), objects.prepare(item, EVERYTHING, False)]
        for key, item in value.items()
        if key not in was or was[key] is not item
    ]
    return [new, list(map(objects.prepare_key, gone))] if new or gone else None
