"""Untrusted side: serves the judge's requests on the objects that the student's cells made."""

from __future__ import annotations

import builtins
import copy
import inspect
import operator
import os
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from autograder import protocol, selftest
from autograder.channel import Channel
from autograder.limits import Limits
from autograder.objects import EVERYTHING, Objects, exception_names, is_copy
from autograder.randomness import Streams
from autograder.shell import Shell
from autograder.snapshots import snapshot
from autograder.touched import changes, take

_IN_PLACE = {f"i{name.strip('_')}" for name in protocol.ARITHMETIC}
_OPERATORS = {
    name: getattr(operator, name) for name in {*protocol.COMPARISONS, *protocol.ARITHMETIC, *_IN_PLACE, "contains"}
}

DEEP = 60  # calls within one another that it takes to ask and to be answered
_UNBOUND = object()  # in place of what a name stands for
_REPLIES = ("return", "raise")  # to what student code asked; all else is a request


@dataclass
class Request:
    """One of the judge's that is at work: the mutable arguments, as the judge met them, and as they were."""

    received: list[Any] = field(default_factory=list)
    before: list[Any] = field(default_factory=list)
    ended: bool = False  # a call, or what was looped over, and not one step of many


class Student:
    """One submission's process: the loop that answers the judge."""

    def __init__(self, limits: Limits, shell: Shell) -> None:
        self.limits = limits
        self.shell = shell
        self.objects = Objects(limits, self._call_back)
        self.streams = Streams(known=True, python=False)
        self.talking = threading.Condition()  # threads of the student's may call functions that a test passed
        self.ours = False  # the turn to speak: the judge waits for an answer or a question
        self.requests: list[Request] = []  # the innermost last
        self.told: dict[str, Any] = {}  # what each name stood for when the judge asked for it
        self.copies: set[str] = set()  # those of them that may change without being bound anew
        get, live, part = self.objects.__getitem__, self.objects.prepare, self.objects.prepare_part

        def plain(value: Any) -> Any:
            return self.objects.restore(value, [])

        self.operations: dict[str, Callable[..., Any]] = {
            "run": self._run,
            "names": self._names,
            "bind": lambda name, value: operator.setitem(shell.names, name, plain(value)),
            "unbind": lambda name: (shell.names.pop(name, None), None)[1],
            "get": lambda h, name: part(h, getattr(get(h), name)),
            "set": lambda h, name, value: setattr(get(h), name, plain(value)),
            "delete": lambda h, name: delattr(get(h), name),
            "get item": lambda h, key: part(h, get(h)[plain(key)]),
            "set item": lambda h, key, value: operator.setitem(get(h), plain(key), plain(value)),
            "delete item": lambda h, key: operator.delitem(get(h), plain(key)),
            "length": lambda h: _length(get(h)),
            "len": lambda h: len(get(h)),
            "truth": lambda h: bool(get(h)),
            "items": lambda h, start: [part(h, item) for item in get(h)[start : start + protocol.SLICE]],
            "item": lambda h, place: part(h, get(h)[place]),
            "keys": lambda h, start: [self.objects.prepare_key(key) for key in _slice(get(h), start)],
            "values": lambda h, start: [live(value) for value in _slice(get(h).values(), start)],
            "look up": lambda h, key: [True, live(get(h)[plain(key)])] if plain(key) in get(h) else [False, None],
            "iterate": lambda h: live(iter(get(h))),
            "next": self._next,
            "copy": lambda h: live(copy.copy(get(h))),
            "deepcopy": lambda h: live(copy.deepcopy(get(h))),
            "operate": lambda h, name, other: live(_OPERATORS[name](get(h), plain(other))),
            "is instance": lambda h, cls: isinstance(get(h), plain(cls)),
            "is subclass": lambda h, cls: issubclass(get(h), plain(cls)),
            "text": lambda h: str(get(h))[: limits.text_bytes],
            "repr": lambda h: repr(get(h))[: limits.text_bytes],
            "describe": self._describe,
            "enter": lambda h: live(get(h).__enter__()),
            "exit": lambda h: get(h).__exit__(None, None, None) and None,
            "flush": shell.flush,
            "echo": lambda word: word,
            "self-test": selftest.probe,
        }

    def serve(self, connection: socket.socket) -> None:
        """Answer the judge until it is gone. Does not return."""
        self.channel = Channel(connection, self.objects.codec)
        self.shell.capture()
        while True:
            self._answer(*self._receive())

    def _receive(self) -> tuple[Any, Request | None]:
        """The next message; with it, unless it is a reply, the request that it is."""
        try:
            message = self.channel.receive()
        except (EOFError, OSError):
            os._exit(0)  # the judge is gone
        except BaseException:  # too deep, where student code recurses without end: the judge waits all the same
            self._take_turn(None)
            raise
        request = None if message[0] in _REPLIES else Request()
        self._take_turn(request)
        return message, request

    def _take_turn(self, request: Request | None) -> None:
        with self.talking:
            self.requests += [request] if request else []
            self.ours = True
            self.talking.notify_all()

    def _answer(self, message: Any, request: Request | None) -> None:
        operation, news, *operands = message
        value, failure = None, None
        try:
            self._take_news(news)
            if request and operation == "call":
                value = self._call(request, *operands)
            else:
                value = self.operations[operation](*operands)
        except BaseException as error:
            failure = error
        with self.talking:
            # Threads that ask meanwhile come first, and what the judge asked last is answered first.
            self.talking.wait_for(lambda: self.ours and self.requests[-1] is request)
            self.requests[-1].ended = operation == "call" or (operation == "next" and not (value and value[0]))
            answer = self._success(operation, value) if failure is None else self._failure(None, failure)
            self.requests.pop()
            self.objects.arguments = {}
            self.channel.send_encoded(answer)
            self.ours = False

    def _take_news(self, news: Any) -> None:
        if news is not None:
            freed, mirrors, state = news
            with self.talking:
                self.objects.free(freed)
                self.objects.write_mirrors(mirrors)
                if state is not None:
                    self.streams.follow(state)

    def _success(self, operation: str, value: Any) -> list[Any]:
        """The answer that a value is, with what is new; that of an error where it cannot cross."""
        told = None
        try:
            told = self._news()
            if operation == "call":
                value = self.objects.prepare_result(value)
            return self.objects.codec.encode([protocol.VALUE, told, value])
        except BaseException as error:
            return self._failure(told, error)

    def _failure(self, told: Any, error: BaseException) -> list[Any]:
        """The answer that an error is, with what student code did before, as far as it can cross."""
        described, codec = self._describe_error(error), self.objects.codec
        try:
            told = [self._changes(), *told[1:]] if told else self._news()
            return codec.encode([protocol.ERROR, told, described])
        except BaseException:  # a change that cannot
            self.requests[-1] = Request(ended=self.requests[-1].ended)
            return codec.encode([protocol.ERROR, [[], *told[1:]] if told else self._news(), described])

    def _news(self) -> Any:
        """What student code did: changed arguments, mirrors, outputs, numbers drawn, open figures, names that moved."""
        changes = self._changes()
        mirrors = self.objects.changed_mirrors()
        advance = self.streams.moved_by()
        outputs = self.shell.outputs.take() if self.shell.outputs.items else []
        figures = _figures_open()
        # A copy that grows goes over once at the end: at each step, its steps together would take quadratic time.
        moved = [*self.copies] if self.requests[-1].ended else []
        moved += [name for name, value in self.told.items() if self.shell.names.get(name, _UNBOUND) is not value]
        if advance is None and not (changes or mirrors or outputs or figures or moved):
            return None
        return [changes, mirrors, outputs, advance, figures, moved]

    def _changes(self) -> list[list[Any]]:
        request = self._know_arguments()
        return changes(self.objects, request.received, request.before)

    def _know_arguments(self) -> Request:
        """The innermost request, to whose arguments what is prepared from now on refers."""
        request = self.requests[-1]
        self.objects.arguments = {id(value): place for place, value in enumerate(request.received)}
        return request

    def _run(self, source: str, number: int) -> bool:
        self.shell.outputs.take()
        return self.shell.run(source, number)

    def _call(
        self, request: Request, handle: int, arguments: list[Any], keywords: dict[str, Any], frozen: list[int]
    ) -> Any:
        received: list[Any] = []
        positional = [self.objects.restore(value, received) for value in arguments]
        named = {name: self.objects.restore(value, received) for name, value in keywords.items()}
        for place in frozen:
            received[place].flags.writeable = False
        request.received, request.before = received, [*map(snapshot, received)]
        try:
            return self.objects[handle](*positional, **named)
        finally:  # a test may write into them afterwards, and so may the student
            for place in frozen:
                received[place].flags.writeable = True

    def _names(self, wanted: list[str]) -> list[list[Any]]:
        found = {name: self.shell.names[name] for name in wanted if name in self.shell.names}
        sent = self.objects.named(found)
        self.told.update({name: found.get(name, _UNBOUND) for name in wanted})
        self.copies = self.copies.difference(wanted) | {name for name, value in sent if is_copy(value)}
        return sent

    def _next(self, handle: int) -> Any:
        try:
            return [True, self.objects.prepare(next(self.objects[handle]))]
        except StopIteration:
            return [False, None]

    def _describe(self, handle: int) -> Any:
        value = self.objects[handle]
        try:
            parameters = inspect.signature(value).parameters.values()
            signature = [[p.name, int(p.kind), p.default is not p.empty] for p in parameters]
        except (TypeError, ValueError):
            signature = None
        document = getattr(value, "__doc__", None)
        return [str(getattr(value, "__name__", "")), document if type(document) is str else None, signature]

    def _call_back(self, number: int, arguments: Any, keywords: Any) -> Any:
        _require_room(DEEP)
        prepare = self.objects.prepare
        with self.talking:
            self.talking.wait_for(lambda: self.ours)
            request = self._know_arguments()
            values = [prepare(value, EVERYTHING, False) for value in arguments]
            named = {name: prepare(value, EVERYTHING, False) for name, value in keywords.items()}
            question = [number, values, named]
            self.objects.codec.check(question)  # what cannot cross is told before the news is taken
            news = self._news()  # a function of a test may look at what the call changed by now
            self.objects.arguments = {}
            for place, _ in news[0] if news else ():
                request.before[place] = self._as_told(request.received[place])
            self.channel.send([protocol.CALL_BACK, news, question])
            self.ours = False
        while (received := self._receive())[1]:
            self._answer(*received)  # the judge's function calls student code in turn
        kind, news, payload, changed = received[0]
        self._take_news(news)
        if changed:
            take(self.objects, changed, request.received, request.before)
        if kind == "raise":
            name, values = payload
            raise getattr(builtins, name)(*values)
        return self.objects.restore(payload, [*request.received])

    def _as_told(self, value: Any) -> Any:
        """A snapshot of an argument that was told; a container is told again if what it holds may change unseen."""
        seen = {id(each) for each in self.requests[-1].received}

        def known(item: Any) -> Any:
            return item if type(item) in protocol.ATOMS or id(item) in seen else object()

        if type(value) is list:
            return [known(item) for item in value]
        if type(value) is dict:
            return {key: known(item) for key, item in value.items()}
        return snapshot(value)

    def _describe_error(self, error: BaseException) -> Any:
        limit = self.limits.text_bytes
        names = exception_names(type(error))
        try:
            text = str(error)[:limit]
            frames = error.__traceback__
            while frames is not None and str(frames.tb_frame.f_globals.get("__name__")).startswith("autograder."):
                frames = frames.tb_next
            lines = "".join(traceback.format_exception(type(error), error, frames, limit=-12))[-limit:]
            given = [*error.args]
            if isinstance(error, OSError) and error.filename is not None:
                given.append(error.filename)
            plain = len(given) <= 10 and all(type(value) in protocol.ATOMS for value in given)
            arguments = given if plain and len(repr(given)) <= limit else [text]
        except BaseException:  # a __str__ that raises, a number of more digits than Python writes, or worse
            text, lines, arguments = "", names[0], [""]
        return [names, arguments, text, lines]


def _require_room(calls: int) -> None:
    """Raise RecursionError now, where student code recurses without end, and not in the middle of a message."""
    if calls:
        _require_room(calls - 1)


def _slice(values: Iterable[Any], start: int) -> Iterable[Any]:
    return islice(values, start, start + protocol.SLICE)


def _length(container: Any) -> int:
    """Of a tuple, list or dictionary, whatever became of its class since it went over as one."""
    return next(kind.__len__(container) for kind in (tuple, list, dict) if issubclass(type(container), kind))


def _figures_open() -> bool:
    helpers = sys.modules.get("matplotlib._pylab_helpers")
    return bool(helpers is not None and helpers.Gcf.figs)
