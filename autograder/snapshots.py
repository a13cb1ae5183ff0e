"""Values that can be changed, as they are now: to see afterwards whether a call changed them."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograder import tables


def snapshot(value: Any) -> Any:
    """What is compared with the same array, list, dictionary, set or table later; not of what these hold.

    >>> snapshot([1, [2]]), snapshot(np.zeros(1, "u1"))
    ([1, [2]], b'\\x00')
    """
    if isinstance(value, np.ndarray):
        return value.tobytes()
    if tables.is_table(value):
        return value.copy()
    plain = next(kind for kind in (dict, set, list) if isinstance(value, kind))
    return plain(value)
