"""A forged frame is taken, or refused for what it is about: none fails at a slip of its own."""

from __future__ import annotations

import os
import socket
import threading
from contextlib import suppress
from typing import Any

import numpy as np
import pytest

from autograder.exceptions import StudentDied
from autograder.limits import Limits
from autograder.session import Session
from tests.attacks import in_protocol, in_values

FORGED = in_protocol.FORGED | in_values.FORGED
NO_FRAMES = {
    "random bytes everywhere", "half a message", "bytes one by one", "a connection that does not wait",
    "a huge announcement", "closed",
}  # fmt: skip
ALIKE = "that hash alike"
REFUSED = {  # what is said of it; all else is taken
    "a fraction that is a power": "malformed message (ValueError)",
    "a decimal that is a power": "malformed message (ValueError)",
    "a range": "malformed message (ValueError)",
    "times out of time": "malformed message (TypeError)",
    "sets that half collide": ALIKE,
    "keys that collide": ALIKE,
    "numbers that hash alike": ALIKE,
    "numbers skipped": "a malformed callback",  # the numbers come first, and were skipped
    "changes of what was not passed": "malformed changes",
    "a class of errors with every name": "holds too many values",
    "an error that is a handle": "a malformed exception",
    "a mirror of the argument": "malformed message (IndexError)",  # there is none here
    "bulk that is used twice": "a part was used twice",
    "callbacks": "a malformed callback",
}


class Enough(BaseException):
    """One frame was written."""


def frame(source: str, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """What the attack writes first."""
    written: list[bytes] = []

    def write(_: int, data: bytes) -> int:
        written.append(data)
        raise Enough

    names: dict[str, Any] = {"np": np}
    exec(in_values.FORGE + in_protocol.TABLE + in_values.body(source), names)
    with monkeypatch.context() as patched, suppress(Enough):
        patched.setattr(os, "write", write)
        names["target"](np.ones((2, 2)))
    return written[0]


@pytest.mark.parametrize("name", sorted(FORGED.keys() - NO_FRAMES))
def test_a_forged_frame_is_taken_or_refused_for_what_it_is_about(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = frame(FORGED[name], monkeypatch)
    ours, theirs = socket.socketpair()
    sender = threading.Thread(target=theirs.sendall, args=(data,))
    with ours, theirs:
        session = Session(ours, Limits(), lambda items: None)
        for stream in session._streams._all:  # as if it had been told
            stream.remember()
        sender.start()
        with suppress(StudentDied, RuntimeError):  # the error is one of a test's own
            session.request("get", 1, "x")
        assert REFUSED.get(name, "") in (session.dead or "")
        assert bool(session.dead) == (name in REFUSED)
        sender.join()
