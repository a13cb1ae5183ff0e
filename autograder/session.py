"""Trusted side: the conversation with one student process.

Whatever the process answers is checked for its shape here; an answer that breaks the protocol ends the
conversation and costs the task at hand, never the judge.
"""

from __future__ import annotations

import os
import socket
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np
from msgpack import ExtType

from autograder import protocol
from autograder.arguments import Arguments
from autograder.bindings import GONE, Bindings
from autograder.callbacks import Callbacks
from autograder.channel import Channel
from autograder.containers import Container
from autograder.copied import Copied, copied
from autograder.errors import BoundaryError, ProtocolError
from autograder.exceptions import CellTimeout, Raised, StudentDied, exception_class, identifier, rebuild, told
from autograder.limits import Limits
from autograder.mirrors import Mirrors
from autograder.protocol import ARGUMENT, ATOMS, CALLBACK, COPY, GENERATOR, HANDLE, LAZY, MIRROR, reference
from autograder.proxies import CallableProxy, Proxy, proxy_type
from autograder.randomness import Streams, parts_of
from autograder.recording import CHANGED, Recorder
from autograder.wire import Codec, extension

ENDED = "the student's process ended"
# What a test cannot see, or sees by chance.
_UNRECORDED = frozenset({"names", "bind", "unbind", "run", "flush", "describe", "text", "repr", "self-test", "echo"})
# After these no names are followed: the judge's own questions, and those between which nothing may change.
_NOT_FOLLOWED = protocol.LOOKS | {"names", "bind", "unbind", "run", "flush", "self-test", "echo"}
MOST_FREED = 100_000  # handles that one message lets go: it may hold no more than so many numbers


class Session:
    """Requests to one student process, in order, one at a time."""

    def __init__(
        self,
        connection: socket.socket,
        limits: Limits,
        emit: Callable[[Any], None],
        recorder: Recorder | None = None,
        python_random: bool = False,
    ) -> None:
        self.codec = Codec(limits, self._encode_other, self._decode_other)
        self.channel = Channel(connection, self.codec)
        self.dead: str | None = None
        self.freed: list[list[int]] = []
        self.figures_open = False
        self.moment = 0  # goes on wherever student code may have run
        self.bindings: Bindings | None = None  # of the test that runs
        self.follow: Callable[[list[str]], None] = lambda _: None  # takes over what these names stand for
        self.at_boundary: BoundaryError | None = None  # for what the test did that cannot cross
        self._turn = threading.RLock()
        self._emit = emit
        self._recorder = recorder
        self._labels: dict[int, str] = {}  # handle -> the name by which a test got it
        self._results: set[int] = set()  # handles of tuples and lists that calls gave back: their arrays are copies
        self._live: weakref.WeakValueDictionary[int, Proxy] = weakref.WeakValueDictionary()
        self._mirrors = Mirrors(lambda handle: self.freed.append([handle, 1]))
        self._callbacks = Callbacks(self.codec)
        self._arguments = Arguments(limits)  # of the request that runs: what an answer may refer to
        self._exceptions: dict[type, int] = {}  # a class made here for one of the student's -> its handle
        self._reading = False  # a message, of which nothing is believed yet
        self._mirrored: bool  # that message brought a mirror
        self._streams = Streams(known=False, python=python_random)
        self._asserted: AssertionError | None = None  # by a check's function that student code called
        self._moved: list[str] = []  # names that were asked for and stand for something else now

    # what tests and the judge ask

    def request(self, operation: str, *operands: Any) -> Any:
        """The answer to one operation in the student's process; the student's error is raised."""
        with self._asking(operation):
            sent = [self._sent().outgoing(each) for each in operands]
            value = self._recorded(operation, operands, [operation, None, *sent], self._sent())
        if operation == "get" and isinstance(value, Proxy):
            self._labels[object.__getattribute__(value, "_handle")] = operands[1]
        return value

    def call(self, handle: int, arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> Any:
        """What the callable answers; changes it made to arguments are in them, the student's error is raised."""
        sent = self._sent()
        with self._asking("call"):
            positional = [sent.outgoing(value) for value in arguments]
            named = {name: sent.outgoing(value) for name, value in keywords.items()}
            message = ["call", None, handle, positional, named, sent.frozen()]
            value = self._recorded("call", (handle, self._labels.get(handle, "")), message, sent)
        if isinstance(value, Container) and isinstance(value, tuple | list):
            self._results.add(object.__getattribute__(value, "_handle"))
        return value

    def run(self, source: str, number: int) -> None:
        """Run one cell there. Outputs go to ``emit``."""
        self.request("run", source, number)

    def names(self, wanted: list[str]) -> dict[str, Any]:
        """Those of the names that are bound there."""
        answer, found = self.request("names", wanted), dict[str, Any]()
        for pair in answer if type(answer) is list else ():
            if type(pair) is list and len(pair) == 2 and type(pair[0]) is str and pair[0] in wanted:
                found[pair[0]] = pair[1]
                if isinstance(pair[1], Proxy):
                    self._labels[object.__getattribute__(pair[1], "_handle")] = pair[0]
        return found

    def tell_bindings(self) -> None:
        """Have the student's process follow what the test did to the student's global names."""
        for name, value in self.bindings.changes() if self.bindings and not self.dead else ():
            if value is GONE:
                self.request("unbind", name)
                continue
            with suppress(BoundaryError):  # it cannot go over; the test itself has it all the same
                self._exchange(["bind", None, name, self._sent().outgoing(value)], self._sent())

    def settle(self) -> None:
        """End the conversation if the process said more than it was asked: the next question would get that answer."""
        if self.dead:
            return
        word = os.urandom(8)
        try:
            answer = self.request("echo", word)
        except (StudentDied, CellTimeout):
            raise
        except BaseException:  # a forged error
            answer = None
        if type(answer) is not bytes or answer != word:
            self.die("the student's process answered what it was not asked")
            raise StudentDied(self.dead)

    def die(self, reason: str) -> None:
        """The process counts as gone; the first reason is kept."""
        self.dead = self.dead or reason

    # the exchange

    def _recorded(self, operation: str, operands: tuple[Any, ...], message: list[Any], arguments: Arguments) -> Any:
        if self._recorder is None or operation in _UNRECORDED:
            return self._exchange(message, arguments)
        label = f"{operation} {' '.join(repr(each)[:80] for each in operands[1:] if type(each) in ATOMS)}"
        return self._recorder.noted(label, lambda: self._exchange(message, arguments))

    @contextmanager
    def _asking(self, operation: str) -> Iterator[None]:
        if not self._turn.acquire(blocking=False):
            raise BoundaryError("threads of a test cannot call student code at the same time: call it in one of them")
        try:
            yield
        except BoundaryError as error:
            self.at_boundary = error
            raise
        finally:
            try:
                self._follow(operation)
            finally:
                self._turn.release()

    def _follow(self, operation: str) -> None:
        if self._moved and operation not in _NOT_FOLLOWED and not self.dead:
            moved, self._moved = self._moved, []
            self.follow(moved)

    def _exchange(self, message: list[Any], arguments: Arguments) -> Any:
        if self.dead:
            raise StudentDied(self.dead)
        if self._reading:
            raise ProtocolError("a value that is to be asked before its message is read")
        self._asserted = None
        self.tell_bindings()
        message[1], remember = self._changes()
        try:
            buffers = self.codec.encode(message)
        except (TypeError, ValueError, OverflowError) as error:  # before a byte was sent: the test's fault
            self.freed += message[1][0] if message[1] else []
            raise BoundaryError(str(error)) from None
        outer, self._arguments = self._arguments, arguments
        try:
            self.channel.send_encoded(buffers)
            remember()
            of_result = message[0] in protocol.PARTS and message[2] in self._results
            return self._answer(message[0], of_result or message[0] == "call")
        except Raised as raised:
            student_error = raised.error
        except (EOFError, ConnectionError):  # and no TimeoutError, which a test's own alarm may raise here
            self.die(ENDED)
            raise StudentDied(self.dead) from None
        except ProtocolError as problem:
            self.die(f"the student's process sent what it may not: {problem}")
            raise StudentDied(self.dead) from None
        except BaseException as problem:  # a timeout, or memory: the conversation is in the middle of a word
            name = type(problem).__name__
            self.die("timed out" if isinstance(problem, CellTimeout) else f"grading it failed ({name})")
            raise
        finally:
            self._arguments = outer
        raise student_error

    def _changes(self, within: bool = False) -> tuple[Any, Callable[[], None]]:
        """What the student's process is to know, and what is to be called once it does."""
        mirrors, state = self._mirrors.news(), self._streams.changed(within)
        freed, self.freed = self.freed[:MOST_FREED], self.freed[MOST_FREED:]

        def remember() -> None:
            self._mirrors.sent(mirrors)
            if state:
                self._streams.remember(state)

        news = [freed, [[handle, array] for handle, array, _ in mirrors], state]
        return news if any(news) else None, remember

    def _answer(self, operation: str, content_alone: bool) -> Any:
        while True:
            self._mirrored, self._reading = False, True
            try:
                message = self.channel.receive()
            finally:
                self._reading = False
            self.moment += operation not in protocol.LOOKS
            if type(message) is not list or len(message) != 3:
                raise ProtocolError("not an answer")
            kind, news, payload = message
            if self._mirrored and (
                content_alone or kind != protocol.VALUE
            ):  # what a test did to it would go back there
                raise ProtocolError("an array of its own where only the content is asked for")
            self._take_news(news)
            if kind == protocol.VALUE:
                return payload
            if kind == protocol.ERROR:
                error, own, self._asserted = rebuild(payload), self._asserted, None
                # A check's own assertion comes back as it was, of which the student's process had no word.
                raise Raised(own if own and isinstance(error, AssertionError) and not error.args else error)
            if kind != protocol.CALL_BACK:
                raise ProtocolError("an unknown kind of answer")
            self._follow(operation)
            self._call_back(payload)

    def _call_back(self, payload: Any) -> None:
        """Student code calls a function that a test gave it."""
        reply, error = self._callbacks.reply(payload, self._arguments)
        self.tell_bindings()
        self._asserted = error if isinstance(error, AssertionError) else None
        self.at_boundary = error if isinstance(error, BoundaryError) else self.at_boundary
        reply[1], remember = self._changes(within=True)
        try:
            buffers = self.codec.encode(reply)
        except (TypeError, ValueError, OverflowError) as unsendable:
            self.at_boundary = BoundaryError(str(unsendable))
            buffers = self.codec.encode(["raise", reply[1], told(unsendable), []])
        self.channel.send_encoded(buffers)
        remember()

    def _sent(self) -> Arguments:
        return Arguments(self.codec.limits, self._handle_of)

    def _handle_of(self, value: Any) -> int | None:
        if isinstance(value, Copied):
            return value._handle if value._session is self else None
        return self._mirrors.handle_of(value)

    def _take_news(self, news: Any) -> None:
        if news is None:
            return
        if type(news) is not list or len(news) != 6 or {*map(type, (*news[:3], news[5]))} != {list}:
            raise ProtocolError("malformed news")
        changes, mirrors, outputs, advance, figures, moved = news
        self.figures_open, self._moved = figures is True, [name for name in moved if type(name) is str]
        if advance is not None:
            self._streams.advance(advance)
        if outputs:
            self._emit(outputs)
        try:
            for place, change in changes:
                changed = self._arguments.change(place, change)
                if self._recorder is not None:
                    self._recorder.note(f"{CHANGED}{place}", changed)
            self._mirrors.take(mirrors)
        except (TypeError, ValueError, IndexError, KeyError):
            raise ProtocolError("malformed changes") from None

    # values that go out

    def _encode_other(self, value: Any) -> ExtType:
        kind = type(value)
        if issubclass(kind, Proxy):
            if object.__getattribute__(value, "_session") is not self:
                raise BoundaryError("a value of a student's process that has ended was used again")
            return reference(HANDLE, object.__getattribute__(value, "_handle"))
        if isinstance(value, type) and value in self._exceptions:
            return reference(HANDLE, self._exceptions[value])
        if kind is np.random.Generator or kind is np.random.RandomState:  # a copy: what is drawn there stays there
            return extension(GENERATOR, self.codec.pack(parts_of(value)))
        if callable(value) and not isinstance(value, type):
            return self._callbacks.sent(value)
        raise BoundaryError(
            f"a {kind.__name__} cannot be passed to student code: pass numbers, text, arrays, lists, tuples, "
            "dictionaries, functions, or objects of the student's own"
        )

    # values that come in

    def _decode_other(self, code: int, data: bytes) -> Any:
        if code == ARGUMENT:
            own = self._arguments.mutable[int.from_bytes(data, "little")]
            self.codec.own.add(id(own))
            return own
        if code == CALLBACK:
            return self._callbacks[int.from_bytes(data, "little")]
        if code == HANDLE:
            handle, name, flags, names = self.codec.inner_list(data)
            if flags & protocol.IS_EXCEPTION:
                made = exception_class(names)
                self._exceptions[made] = protocol.checked_handle(handle)
                return made
            base = CallableProxy if flags & protocol.IS_CALLABLE else Proxy
            return self._proxy(handle, lambda: proxy_type(identifier(name), base)(self, handle))
        if code == LAZY:
            handle, kind, name = self.codec.inner_list(data)
            container = protocol.TYPE_OF_KIND[kind]
            shown = proxy_type(identifier(name), Container) if name else Container
            return self._proxy(handle, lambda: shown(self, handle, container))
        if code in (MIRROR, COPY):
            handle, content = self.codec.inner_list(data)
            self._mirrored = self._mirrored or code == MIRROR
            if code == COPY and type(content) is not np.ndarray:
                return copied(self, protocol.checked_handle(handle), content)
            keep = self._mirrors.mirror if code == MIRROR else self._mirrors.copy
            return keep(protocol.checked_handle(handle), content, self._arguments.mutable)
        raise ProtocolError(f"unknown type code {code}")

    def _proxy(self, handle: Any, make: Callable[[], Proxy]) -> Proxy:
        proxy = self._live.get(protocol.checked_handle(handle))
        if proxy is None:
            proxy = self._live[handle] = make()
        else:
            object.__setattr__(proxy, "_times", object.__getattribute__(proxy, "_times") + 1)
        return proxy
