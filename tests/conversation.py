"""A session of the judge's with a student's process that says what a test tells it to say."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import msgpack
from msgpack import ExtType

from autograder.channel import Channel
from autograder.containers import Container
from autograder.limits import Limits
from autograder.protocol import CALLBACK, COPY, HANDLE, LAZY, MIRROR
from autograder.recording import Recorder
from autograder.session import Session
from autograder.wire import Codec

LIMITS = Limits(message_bytes=1 << 20)
NO_NEWS: list[Any] = [[], [], [], None, False, []]


def thing(handle: Any, name: Any = "Thing", flags: Any = 0, names: Any = ()) -> ExtType:
    return ExtType(HANDLE, msgpack.packb([handle, name, flags, list(names)]))


def lazy(handle: int, kind: int, name: Any = "") -> ExtType:
    return ExtType(LAZY, msgpack.packb([handle, kind, name]))


def mirror(handle: Any, content: Any) -> ExtType:
    return ExtType(MIRROR, Codec(LIMITS).pack([handle, content]))


def copied(handle: Any, content: Any) -> ExtType:
    return ExtType(COPY, Codec(LIMITS).pack([handle, content]))


class Changed:
    """Stands for the names of a test that changed once."""

    def __init__(self, *changes: tuple[str, Any]) -> None:
        self._changes = list(changes)

    def changes(self) -> Any:
        changes, self._changes = self._changes, []
        return changes


def value(payload: Any, news: Any = None) -> Any:
    return ["value", news, payload]


def number(sent: Any, code: int) -> int:
    assert (sent.code, len(sent.data)) == (code, 8)
    return int.from_bytes(sent.data, "little")


def function(sent: Any) -> list[Any]:
    """Number and name of a function that was sent."""
    assert sent.code == CALLBACK
    named: list[Any] = msgpack.unpackb(sent.data)
    return named


class Conversation:
    """A session, and a student's process that says what it was told to say, in order, and is gone then."""

    def __init__(
        self, *answers: Any, recorder: Recorder | None = None, python: bool = False, fresh: bool = False
    ) -> None:
        self.ours, self.theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)  # one message, one packet
        self.ours.settimeout(5)
        self.shown: list[Any] = []
        self.session = Session(self.ours, LIMITS, self.shown.append, recorder, python)
        if not fresh:  # the process knows the states of the random streams
            for stream in self.session._streams._all:
                stream.remember()
        self.student = Channel(self.theirs, Codec(LIMITS, decode_other=ExtType))
        for answer in answers:
            self.student.send(answer)
        self.theirs.shutdown(socket.SHUT_WR)

    def asked(self) -> Any:
        """The next of the messages that were sent."""
        self.theirs.setblocking(False)
        return self.student.receive()

    def is_silent(self) -> bool:
        try:
            self.asked()
        except BlockingIOError:
            return True
        return False


class Lying:
    """A session whose student's process answers with what it likes."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked: list[tuple[Any, ...]] = []
        self.freed: list[Any] = []
        self.moment = 0

    def request(self, *question: Any) -> Any:
        self.asked.append(question)
        return self.answer


class Holding(Lying):
    """A session with a process that holds one tuple, list or dictionary, and answers as an honest one does."""

    def request(self, *question: Any) -> Any:
        self.asked.append(question)
        operation, held = question[0], self.answer
        if operation == "look up":
            return [question[2] in held, held.get(question[2])]
        if operation == "item":
            return held[question[2]]
        return len(held) if operation == "length" else list(held.values() if operation == "values" else held)


def container(held: Any) -> tuple[Holding, Any]:
    session = Holding(held)
    return session, Container(cast(Session, session), 1, type(held))


Talk = Callable[..., Conversation]


@contextmanager
def conversations() -> Iterator[Talk]:
    """Makes conversations, and closes their connections."""
    made: list[Conversation] = []

    def make(*answers: Any, **options: Any) -> Conversation:
        made.append(Conversation(*answers, **options))
        return made[-1]

    yield make
    for each in made:
        each.ours.close()
        each.theirs.close()
