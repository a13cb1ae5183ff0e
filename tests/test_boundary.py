"""Test cells, run plainly and through the boundary between judge and student; what stands for a student's object."""

from __future__ import annotations

import gc
import inspect
import operator
import pickle
import textwrap
import types
from collections.abc import Callable
from typing import Any, cast

import numpy as np
import pytest

from autograder import exceptions, proxies
from autograder.arguments import Arguments
from autograder.assignment import Assignment
from autograder.containers import Container
from autograder.errors import BoundaryError, ProtocolError
from autograder.protocol import ARITHMETIC
from autograder.proxies import proxy_type
from autograder.results import CheckResult, Judged
from autograder.session import Session
from autograder.worker import Worker
from tests import course_factory as factory
from tests.boundary_cases import HELPERS, REFUSED, SAME, STUDENT

SECRET = 61.803398


def notebook(student: str, tests: dict[str, str]) -> factory.Notebook:
    cells = [
        factory.cell("code", "helpers", HELPERS),
        factory.cell("code", "student", student, solution=True),
        *(
            factory.cell("code", name, textwrap.dedent(source).strip(), grade=True, locked=True, points=1)
            for name, source in tests.items()
        ),
    ]
    return {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def graded(student: str, tests: dict[str, str]) -> Judged:
    work = notebook(student, tests)
    with Worker(Assignment("boundary", work)) as worker:
        return worker.grade(work, seed=0)


@pytest.fixture(scope="module")
def same() -> dict[str, CheckResult]:
    return graded(STUDENT, SAME).checks


@pytest.mark.parametrize("case", SAME)
def test_a_test_cell_passes_through_the_boundary_as_it_does_plainly(case: str, same: dict[str, CheckResult]) -> None:
    names: dict[str, object] = {"__name__": "__main__"}
    exec(HELPERS, names)
    exec(STUDENT, names)
    np.random.seed(0)
    exec(textwrap.dedent(SAME[case]).strip(), names)
    assert same[case].status == "passed", same[case].message


@pytest.fixture(scope="module")
def refused() -> Judged:
    return graded(STUDENT, REFUSED)


@pytest.mark.parametrize("case", REFUSED)
def test_what_must_not_cross_is_refused_and_named_for_the_instructor(case: str, refused: Judged) -> None:
    check = refused.checks[case]
    assert (check.status, check.score) == ("failed", 0.0)
    assert check.message.startswith("BoundaryError"), check.message
    assert any(flag.startswith(f"{case}: ") for flag in refused.flags)


LIAR = """
import numpy as np
class Liar:
    shape, dtype, ndim, size = (2,), np.float64, 1, 2
    def yes(self, *a, **k): return True
    __eq__ = __lt__ = __le__ = __gt__ = __ge__ = __bool__ = __contains__ = yes
    __hash__ = None
    def same(self, *a, **k): return self
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __abs__ = __getitem__ = same
    __call__ = __array_function__ = __array_ufunc__ = same
    def __getattr__(self, name): return self
    def __array__(self, *a, **k): return np.full(2, 61.803398)
    def __float__(self): return 61.803398
    def __len__(self): return 2
    def __iter__(self): return iter([self, self])
    @property
    def __class__(self): return np.ndarray
class ndarray(Liar): pass
class Array(np.ndarray):
    def mean(self, *a, **k): return 61.803398
    def __eq__(self, other): return np.True_
    def all(self, *a): return True
class Number(float):
    def __eq__(self, other): return True
    def __sub__(self, other): return 0.0
    __rsub__ = __sub__
class Text(str):
    def __eq__(self, other): return True
    __hash__ = str.__hash__
class Items(list):
    def __eq__(self, other): return True
class Keys(dict):
    def __getitem__(self, key): return Liar()
    def __contains__(self, key): return True
class Fine(type):
    def __instancecheck__(cls, value): return True
class Odd(metaclass=Fine): pass
kinds = [Liar, ndarray, lambda: np.zeros(2).view(Array), Number, Text, Items, Keys, Odd,
         lambda: np.array([Liar(), Liar()], dtype=object), lambda: (Liar(), Liar()), lambda: [Liar()] * 2]
seen = []
def answer(kind, *arguments):
    seen.append(arguments)
    return kinds[kind]()
"""
LOOKS = {
    "equal": "assert answer({k}) == SECRET",
    "equal, the other way round": "assert SECRET == answer({k})",
    "allclose": "assert np.allclose(answer({k}), SECRET)",
    "testing": "np.testing.assert_allclose(answer({k}), np.full(2, SECRET))",
    "difference": "assert abs(answer({k}) - SECRET) < 1e-6",
    "mean": "assert abs(np.mean(answer({k})) - SECRET) < 1e-6",
    "method": "assert abs(answer({k}).mean() - SECRET) < 1e-6",
    "membership": "assert SECRET in answer({k})",
    "array_equal": "assert np.array_equal(answer({k}), np.full(2, SECRET))",
    "text": "assert answer({k}) == 'expected'",
    "list": "assert answer({k}) == [SECRET, SECRET]",
    "item": "assert answer({k})['loss'] == SECRET",
    "is an array": "assert isinstance(answer({k}), np.ndarray) and answer({k})[0] == SECRET",
}


def test_no_lying_object_passes_a_comparison() -> None:
    looks = {f"{name} {k}": text.format(k=k) for name, text in LOOKS.items() for k in range(11)}
    cells = {name: f"SECRET = {SECRET}\n{text}" for name, text in looks.items()}
    judged = graded(LIAR.replace(str(SECRET), "0.0"), cells)
    assert {name for name, check in judged.checks.items() if check.score} == set()
    assert not judged.deaths


def test_the_expected_value_never_travels_to_the_student() -> None:
    watch = """
import gc
class Spy:
    log = []
    def __getattr__(self, name): return Spy.note(name) or Spy()
    def note(*a): Spy.log.append(a)
    def __eq__(self, other): Spy.note(other); return True
    __lt__ = __gt__ = __le__ = __ge__ = __add__ = __radd__ = __sub__ = __rsub__ = __contains__ = __eq__
    def __float__(self): return 1.0
    def __array__(self, *a, **k): return Spy.note(a)
    def __getitem__(self, key): return Spy()
    def __call__(self, *a, **k): return Spy.note(a, k)
spy = Spy()
def report():
    needle = ".".join(["61", "803"])
    kinds = (tuple, list, dict)
    return [repr(v)[:200] for v in gc.get_objects() if type(v) in kinds and needle in repr(v)[:10000]][:3]
"""
    tests = {
        name: f"secret = {SECRET}\n" + text.format(k="").replace("answer()", "spy").replace("SECRET", "secret")
        for name, text in LOOKS.items()
    }
    judged = graded(watch, {**tests, "report": "found = report()\nassert found == [], found"})
    assert judged.checks["report"].status == "passed", judged.checks["report"].message
    assert sum(judged.scores.values()) == 1


def test_student_code_cannot_choose_the_numbers_that_a_test_draws_next() -> None:
    student = """
import random
import numpy as np
def f(how):
    if how == "seed": np.random.seed(0)
    if how == "python seed": random.seed(0)
    if how == "python gauss":
        random.random(), random.random()
        s = random.getstate(); random.setstate((*s[:2], 1e9))
    if how == "zeros": np.random.set_state(("MT19937", np.zeros(624, np.uint32), 624, 0, 0.0))
    if how == "gauss":
        s = np.random.get_state(); np.random.rand(4)
        t = np.random.get_state(); np.random.set_state((*t[:3], 1, 1e9))
"""
    draws = """
        np.random.seed(77)
        expected = np.random.RandomState(77)
        f({how!r})
        {skip}
        assert np.random.randn() == expected.randn()
        assert np.random.rand() == expected.rand()"""
    tests = {
        "seed": draws.format(how="seed", skip=""),
        "zeros": draws.format(how="zeros", skip=""),
        "gauss": draws.format(how="gauss", skip="expected.rand(4)"),
    }
    python_draws = """
        import random
        random.seed(77)
        expected = random.Random(77)
        f({how!r})
        {skip}
        assert [random.gauss(0, 1), random.random()] == [expected.gauss(0, 1), expected.random()]"""
    tests["python seed"] = python_draws.format(how="python seed", skip="")
    tests["python gauss"] = python_draws.format(how="python gauss", skip="expected.random(), expected.random()")
    checks = graded(student, tests).checks
    assert all(check.status == "passed" for check in checks.values()), checks


def test_subclasses_of_plain_kinds_reach_student_code_as_the_plain_kind() -> None:
    cell = """
        import collections, enum
        bases = {"list": [1], "dict": {"a": 1}, "str": "t", "float": 1.5, "bytes": b"b", "complex": 1j, "int": 3}
        made = [(name, type("Sub", (type(v),), {})(v)) for name, v in bases.items()]
        made += [("list", type("Sub", (list,), {})([[1]])), ("int", enum.IntEnum("E", "one").one)]
        made += [("tuple", collections.namedtuple("P", "a")(1)), ("ndarray", np.ones(2).view(np.matrix))]
        made += [("str", np.str_("s")), ("bytes", np.bytes_(b"s")), ("float32", np.float32(1)), ("int8", np.int8(2))]
        assert [kind(v) for _, v in made] == [name for name, _ in made], [kind(v) for _, v in made]
        assert [identity(v) == v for _, v in made[2:10]] == [True] * 8"""
    check = graded(STUDENT, {"kinds": cell}).checks["kinds"]
    assert check.status == "passed", check.message


def test_a_change_of_another_shape_or_kind_is_not_written_into_an_array() -> None:
    arguments, x = Arguments({}), np.zeros((2, 3))
    arguments.outgoing(x)
    for change in (np.ones((3, 2)), np.ones((2, 3, 1)), np.ones((1, 3)), np.ones(3), 5, [1], None):
        assert arguments.change(0, change) is x
        assert not x.any()
    arguments.change(0, np.ones((2, 3)))
    assert x.all()


class Lying:
    """A session whose student's process answers with what it likes."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked: list[tuple[Any, ...]] = []
        self.freed: list[Any] = []

    def request(self, *question: Any) -> Any:
        self.asked.append(question)
        return self.answer


def things(answer: Any, *handles: int) -> tuple[Lying, Any]:
    session = Lying(answer)
    return session, [proxy_type("Thing")(cast(Session, session), handle) for handle in handles]


def test_a_container_that_turns_into_another_kind_is_refused() -> None:
    class Equal(list[int]):
        def __eq__(self, other: object) -> bool:
            return True

    for answer in ((1,), {1: 1}, Equal(), 1, None):
        with pytest.raises(BoundaryError, match="changed its type"):
            assert Container(cast(Session, Lying(answer)), 1, list) == [1]
    assert Container(cast(Session, Lying([1])), 1, list) == [1]


@pytest.mark.parametrize("other", [(1, 1), (1, 2), (1, 3), (1,), (1, 2, 0)])
def test_a_container_compares_as_what_it_holds_does(other: tuple[int, ...]) -> None:
    held = (1, 2)
    container = Container(cast(Session, Lying(held)), 1, tuple)
    for name in ("eq", "ne", "lt", "le", "gt", "ge"):
        compare = getattr(operator, name)
        assert compare(container, other) is compare(held, other)
        assert compare(other, container) is compare(other, held)


@pytest.mark.parametrize(
    ("held", "name", "other"),
    [([1, 2], "add", [3]), ((1, 2), "iadd", (3,)), ((1, 2), "mul", 3), ({"a": 1, "b": 2}, "or_", {"b": 3, "c": 4})],
)
def test_a_container_is_reckoned_with_as_what_it_holds(held: Any, name: str, other: Any) -> None:
    container, reckon = Container(cast(Session, Lying(held)), 1, type(held)), getattr(operator, name)
    assert reckon(container, other) == reckon(held, other)
    assert reckon(other, container) == reckon(other, held)
    if type(other) is type(held):
        assert reckon(container, container) == reckon(held, held)


def test_what_a_class_of_the_students_answers_is_no_more_than_a_name_a_text_and_a_signature() -> None:
    def described(*answer: Any) -> Any:
        return things(list(answer), 1)[1][0]

    thing = described("f", "what it does", [["x", 1, False], ["y", 3, True]])
    assert (thing.__name__, thing.__qualname__, thing.__doc__) == ("f", "f", "what it does")
    assert str(inspect.signature(thing)) == "(x, *, y=None)"
    assert described(5, 5, []).__doc__ is None
    assert described(5, 5, []).__name__ == "5"
    for answer in ([], ["f", "", [], 1]):
        assert not hasattr(described(*answer), "__name__")
    for parameters in (None, [1], [["x", 9, False]], [["x y", 1, False]], [["y", 1, True], ["x", 1, False]]):
        assert not hasattr(described("f", "", parameters), "__signature__")


def test_operators_between_two_objects_of_the_students_are_forwarded_under_their_name() -> None:
    session, (one, other) = things(True, 1, 2)
    for name in ("eq", "ne", "lt", "le", "gt", "ge"):
        assert getattr(operator, name)(one, other) is True
        assert session.asked.pop() == ("operate", 1, name, other)
    for name in ARITHMETIC:
        plain = name.strip("_")
        assert getattr(one, f"__{plain}__")(other) is True
        assert session.asked.pop() == ("operate", 1, name, other)
        assert getattr(one, f"__r{plain}__")(other) is True
        assert session.asked.pop() == ("operate", 2, name, one)
    assert not session.asked


@pytest.mark.parametrize("answer", [False, 1, "yes", [True], None, np.False_, np.int64(1)])
def test_a_comparison_and_a_kind_are_true_where_the_answer_is_true_itself_alone(answer: Any) -> None:
    _, (one, other) = things(answer, 1, 2)
    assert [one == other, one != other, one < other] == [False] * 3
    assert not isinstance(other, one)
    assert not isinstance(3, one)


def test_an_object_is_itself_and_is_not_none_whatever_it_says() -> None:
    session, (one,) = things(False, 1)
    assert [one == one, one != one, one == None, one != None] == [True, False, False, True]  # noqa: E711
    assert not session.asked
    _, (one, other) = things(np.True_, 1, 2)
    assert one == other


REFUSALS: dict[str, Callable[[Any], object]] = {
    "turned into an array": np.asarray,
    "true or false": bool,
    "pickled": pickle.dumps,
    "subclassed": lambda thing: types.new_class("Sub", (thing,)),
    "compared with a value of the test": lambda thing: thing == 1,
    "reckoned with": lambda thing: 1 + thing,
    "used as a number": float,
}


@pytest.mark.parametrize("what", REFUSALS)
def test_a_refusal_names_the_class_of_the_object_and_asks_nothing_of_it(what: str) -> None:
    session, (thing,) = things(True, 1)
    with pytest.raises(BoundaryError, match=f"^'Thing' of the student's cannot be {what} in a test: compare plain"):
        REFUSALS[what](thing)
    assert not session.asked


def test_what_jupyter_and_numpy_look_for_is_not_asked_of_the_student() -> None:
    session, (thing,) = things(1, 1)
    for name in ("__array_interface__", "__fspath__", "_repr_html_", "_ipython_display_"):
        assert not hasattr(thing, name)
    assert not session.asked
    assert thing._mine == 1
    assert session.asked == [("get", 1, "_mine")]


def test_a_handle_is_given_back_with_the_number_of_times_that_it_came() -> None:
    session, made = things(1, 7)
    made.clear()
    gc.collect()
    assert session.freed == [[7, 1]]


def test_types_are_made_once_a_name_and_not_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    assert proxy_type("Thing") is proxy_type("Thing")
    assert proxy_type("Thing").__name__ == "Thing"
    monkeypatch.setattr(proxies, "_MAX_TYPES", len(proxies._types) + 1)
    assert proxy_type("One_more").__name__ == "One_more"
    assert proxy_type("Too_many") is proxies.Proxy
    assert proxy_type("One_more").__name__ == "One_more"
    del proxies._types["One_more"]
    monkeypatch.setattr(proxies, "_MAX_TYPES", 0)
    assert proxy_type("Too_many") is proxies.Proxy


@pytest.mark.parametrize(
    "payload",
    [
        None, ([], [], "", ""), [[], [], ""], [[], [], "", "", 1], ["xy", [], "", ""], [[], "xy", "", ""],
        [[5], [], "", ""], [["A", b".ValueError"], [], "", ""],
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
    assert made([".KeyError"]) is KeyError
    for unknown in ([], [".NoSuch"], [".print"], [".int"]):
        assert made(unknown) is exceptions.StudentError
    assert made(["Own"]).__bases__ == (exceptions.StudentError,)
    assert len(made([f"E{n}" for n in range(99)]).__mro__) == 20 + len(exceptions.StudentError.__mro__)


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
