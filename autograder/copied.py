"""Trusted side: numbers and texts of a class of the student's own.

Here each is a plain one, which is reckoned and compared with as that. What else the class gives it stays in the
student's process and is asked for there; given back, it is the student's object again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from autograder.errors import ProtocolError
from autograder.protocol import as_plain

if TYPE_CHECKING:
    from autograder.session import Session


class Copied:
    """What the classes below have beside their plain kind."""

    _handle: int
    _session: Session

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_"):
            found = self._session.request("get", self._handle, name)
            # NumPy calls methods of such names, and would hand over a test's own values.
            numpys = hasattr(np.ndarray, name) or isinstance(getattr(np, name, None), np.ufunc)
            if not (numpys and callable(found)):
                return found
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __str__(self) -> str:
        return str(self._session.request("text", self._handle))

    def __repr__(self) -> str:
        return str(self._session.request("repr", self._handle))

    def __reduce_ex__(self, _: Any) -> Any:
        """A copy that a test makes is a plain one."""
        plain = as_plain(self)
        return type(plain), (plain,)

    def __del__(self) -> None:
        self._session.freed.append([self._handle, 1])


_KINDS: dict[type, Any] = {kind: type(kind.__name__, (Copied, kind), {}) for kind in (int, float, complex, str, bytes)}


def copied(session: Session, handle: int, content: Any) -> Any:
    """The number or text, with its handle. Raises ProtocolError where it is none."""
    kind = _KINDS.get(type(content))
    if kind is None:
        raise ProtocolError("a copy of what is no array, number or text")
    made = kind(content)
    made._session, made._handle = session, handle
    return made
