"""Exceptions of the student's code as tests get them, and those of a test's functions as student code does."""

from __future__ import annotations

from typing import Any

import pytest

from autograder import exceptions
from autograder.errors import ProtocolError


@pytest.mark.parametrize(
    "payload",
    [
        None, ([], [], "", ""), [[], [], ""], [[], [], "", "", 1], ["xy", [], "", ""], [[], "xy", "", ""],
        [[], [], 5, ""], [[], [], "", None], [[5], [], "", ""], [["A", b".ValueError"], [], "", ""],
    ],
)  # fmt: skip
def test_a_forged_exception_is_a_protocol_error(payload: Any) -> None:
    with pytest.raises(ProtocolError):
        exceptions.rebuild(payload)


def test_an_exception_has_the_classes_that_the_student_gave_it_up_to_the_built_in_one() -> None:
    names = ["Worse", "Bad", ".ValueError", ".Exception"]
    error = exceptions.rebuild([names, ["bad", 7], "text", "line 3"])
    assert [kind.__name__ for kind in type(error).__mro__[:4]] == ["Worse", "Bad", "ValueError", "Exception"]
    assert (error.args, getattr(error, "student_traceback", "")) == (("bad", 7), "line 3")
    made = exceptions.exception_class
    assert type(error) is made(names)
    assert issubclass(made(names), made(names[1:]))
    assert not issubclass(made(names), made(["Bad", ".KeyError"]))
    assert made([".KeyError"]) is made([".KeyError", ".ValueError"]) is KeyError
    for unknown in ([], [".NoSuch"], [".print"], [".int"]):
        assert made(unknown) is exceptions.StudentError
    assert made(["Own"]).__bases__ == (exceptions.StudentError,)
    assert len(made([f"E{n}" for n in range(99)]).__mro__) == 20 + len(exceptions.StudentError.__mro__)


def test_an_exception_says_what_the_students_class_says_and_keeps_its_arguments() -> None:
    for base in (".ValueError", ".KeyError"):
        error = exceptions.rebuild([["Negative", "Bad", base], [-4], "-4 is negative", ""])
        assert (str(error), error.args) == ("-4 is negative", (-4,))
        made = type(error)("a test's own")
        assert str(made) == str(KeyError("a test's own") if base == ".KeyError" else "a test's own")
    assert str(exceptions.rebuild([["Silent", ".ValueError"], [1, 2], "", ""])) == "(1, 2)"
    assert str(exceptions.rebuild([[".KeyError"], ["k"], "something else", ""])) == "'k'"


def test_an_exception_is_one_of_every_built_in_class_that_the_student_s_has() -> None:
    made = exceptions.exception_class
    both = made(["Both", ".KeyError", ".LookupError", ".ValueError", ".Exception", ".BaseException", ".object"])
    assert (both.__name__, both.__bases__) == ("Both", (KeyError, ValueError))
    assert both is made(["Both", ".KeyError", ".ValueError"])
    assert both is not made(["Both", ".KeyError"])
    impossible = made(["Odd", ".OSError", ".SyntaxError"])
    assert (impossible.__name__, impossible.__bases__) == ("Odd", (OSError,))
    ends = exceptions.rebuild([["Ends", ".KeyError", ".StopIteration"], [], "", ""])
    assert type(ends) is RuntimeError


def test_an_exception_that_cannot_be_made_or_would_end_a_loop_is_another() -> None:
    error = exceptions.rebuild([[".UnicodeDecodeError"], ["x"], "its text", ""])
    assert (type(error), str(error)) == (exceptions.StudentError, "its text")
    for name in ("StopIteration", "StopAsyncIteration"):
        for names in ([f".{name}"], ["Own", f".{name}"]):
            error = exceptions.rebuild([names, [], "", "line 3"])
            assert type(error) is RuntimeError
            assert getattr(error, "student_traceback", "") == "line 3"
            assert names[0].strip(".") in str(error)


def test_classes_of_exceptions_are_kept_not_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exceptions, "_made", {})
    monkeypatch.setattr(exceptions, "_MAX_MADE", 1)
    made = exceptions.exception_class
    assert made(["A"]) is made(["A"])
    assert made(["B"]) is not made(["B"])
    assert len(exceptions._made) == 1
    monkeypatch.setattr(exceptions, "_MAX_MADE", 0)
    assert made(["C"]) is not made(["C"])


def test_a_name_is_one_that_a_class_can_have() -> None:
    given = ["Net", "a" * 100, "a" * 101, "1a", "", "a b", 5, None]
    assert [exceptions.identifier(name) for name in given] == ["Net", "a" * 100, *["object"] * 6]


class Own(KeyError, ValueError):
    pass


def unicode_error(kind: type = UnicodeDecodeError) -> Exception:
    error: Exception = kind("utf-8", b"", 0, 1, "no such")
    return error


class OfText(UnicodeDecodeError):
    pass


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (KeyError("k", 1), ["KeyError", ["k", 1]]),
        (ValueError(), ["ValueError", []]),
        (ValueError(["a list"]), ["ValueError", ["ValueError: ['a list']"]]),
        (type("Plain", (Exception,), {})("x"), ["Exception", ["Plain: x"]]),
        (Own("x"), ["KeyError", ["Own: 'x'"]]),
        (unicode_error(), ["UnicodeDecodeError", ["utf-8", b"", 0, 1, "no such"]]),
        (unicode_error(OfText), ["RuntimeError", [f"OfText: {unicode_error()}"]]),
        (AssertionError("the answer is 5"), ["AssertionError", []]),
        (type("Expected", (AssertionError,), {})("the answer is 5"), ["AssertionError", []]),
        (type("KeyError", (TypeError,), {})("of another name"), ["TypeError", ["KeyError: of another name"]]),
    ],
    ids=repr,
)
def test_an_error_of_a_tests_function_arrives_as_its_built_in_class_and_an_assertion_without_words(
    error: Exception, told: list[Any]
) -> None:
    assert exceptions.told(error) == told
