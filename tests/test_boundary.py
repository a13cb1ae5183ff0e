"""Test cells, run plainly and through the boundary between judge and student; what stands for a student's object."""

from __future__ import annotations

import textwrap

import numpy as np
import pytest

from autograder.assignment import Assignment
from autograder.results import CheckResult, Judged
from autograder.worker import Worker
from tests import course_factory as factory
from tests.boundary_cases import HELPERS, REFUSED, SAME
from tests.student_cases import STUDENT

SECRET = 61.803398


def notebook(student: str, tests: dict[str, str], helpers: str = HELPERS) -> factory.Notebook:
    cells = [
        factory.cell("code", "helpers", helpers),
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


def test_what_a_tests_function_asserts_is_not_told() -> None:
    nosy = "def nosy(f):\n    try:\n        f(0.0)\n    except AssertionError as error:\n        return repr(error)"
    spy = f"import numpy as np\ndef spy(x):\n    np.testing.assert_allclose(x, {SECRET})\n"
    assert graded(nosy, {"asked": f"{spy}assert '{SECRET}' not in nosy(spy)"}).checks["asked"].score == 1


@pytest.mark.parametrize("kind", ["dict", "list"])
def test_a_result_of_more_than_a_message_holds_costs_a_sentence_and_no_process(kind: str) -> None:
    tests = {"asked": f"many({kind!r})", "after": "assert many('int') == 3"}
    large = "{n: n for n in range(150_000)} if kind == 'dict' else [0] * 1_500_000 if kind == 'list' else 3"
    judged = graded(f"def many(kind):\n    return {large}", tests)
    assert "is too large" in judged.checks["asked"].message
    assert judged.checks["after"].score == 1
    assert judged.deaths == []


def test_an_array_of_nine_axes_crosses_and_one_of_more_than_may_is_an_object_and_costs_no_process() -> None:
    student = (
        "import numpy as np\nclass State:\n    psi, far = np.ones((2,) * 9), np.ones((1,) * 33)\nmade = State()\n"
        "def state(n):\n    return np.ones((2,) * n)\ndef norm(psi):\n    return float((abs(psi) ** 2).sum())"
    )
    tests = {
        "nine": "made.psi[0] = 0\nassert norm(state(9)) == norm(np.ones((2,) * 9)) == 2 * norm(made.psi) == 512",
        "more": "assert made.far.ndim == 33 and norm(made.far) == 1",
    }
    judged = graded(student, tests)
    assert (judged.scores, judged.deaths) == ({"nine": 1, "more": 1}, [])


def test_a_tests_function_whose_result_cannot_cross_costs_a_sentence_and_no_process() -> None:
    tests = {"asked": "apply(lambda x: object(), 1)", "after": "assert apply(lambda x: x + 1, 1) == 2"}
    judged = graded("def apply(f, x):\n    return f(x)", tests)
    assert "cannot be passed to student code" in judged.checks["asked"].message
    assert judged.checks["after"].score == 1
    assert judged.deaths == []


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
def objects():
    array = np.empty(2, dtype=object)
    array[0] = array[1] = Liar()  # one by one: np.array would ask them for their memory
    return array
kinds = [Liar, ndarray, lambda: np.zeros(2).view(Array), Number, Text, Items, Keys, Odd,
         objects, lambda: (Liar(), Liar()), lambda: [Liar()] * 2]
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
    judged = graded(LIAR.replace(str(SECRET), "0.0"), cells | {"liar": "made = [answer(k) for k in range(11)]"})
    assert {name for name, check in judged.checks.items() if check.score} == {"liar"}
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


@pytest.mark.parametrize("kind", ["tuple", "Pair", "Row", "lambda items: copy.copy(Pair(items))"])
def test_what_a_test_does_to_what_stands_in_a_result_stays_with_the_test(kind: str) -> None:
    student = f"""
        import copy
        class Pair(tuple):
            first = property(lambda self: self[0])
        class Row(list):
            first = property(lambda self: self[0])
        kept = np.ones(2), np.ones(2)
        def gradients():
            return ({kind})(kept)
        def total():
            return sum(float(each.sum()) for each in kept)"""
    looks = ["first, second = found", "first = found[0]", "first = getattr(found, 'first', found[0])"]
    cells = [f"found = gradients()\n{look}\nfirst -= {SECRET}\nassert total() == 4" for look in looks]
    cells.append("found = gradients()\nassert found[0] is found[0] and gradients()[1].sum() == 2")
    checks = graded(textwrap.dedent(student), {f"look {place}": cell for place, cell in enumerate(cells)}).checks
    assert all(check.status == "passed" for check in checks.values()), checks


TWO_FACED = """
import sys
def sort_and_count(values): return keep(list(values)), len(values)
frame = sys._getframe()
while type(frame.f_locals.get("self")).__name__ != "Student": frame = frame.f_back
objects, operations, kept = frame.f_locals["self"].objects, frame.f_locals["self"].operations, []
def keep(values):
    kept[:] = [values, 0]
    return values
def items(handle, start):
    kept[1] += 1
    return ([0] * 3 if kept[1] == 1 else kept[0])[start:]
operations["items"] = items
"""


def test_a_list_within_a_result_is_no_other_at_the_next_look() -> None:
    """Sorted at the first look, and of the right values at the second."""
    cell = (
        "out, n = sort_and_count([3, 1, 2])\nassert all(a <= b for a, b in zip(out, out[1:])) and set(out) == {1, 2, 3}"
    )
    work, own = (notebook(student, {"test": cell}) for student in (TWO_FACED, TWO_FACED.partition("frame")[0]))
    with Worker(Assignment("boundary", own)) as worker:
        check = worker.grade(work, seed=0).checks["test"]
    assert (check.status, check.score, check.message) == ("failed", 0, "AssertionError")


WITH_PANDAS = """
import pandas as pd
CACHES = [pd.DataFrame({"a": [1.5]}), pd.Series([1, 2]), pd.Series(["x"]), pd.Timestamp("2026-01-01"), pd.NaT, pd.NA]
def save(i): return 0, CACHES[i]
def is_saved(i, cache): return cache is CACHES[i]
def note(d): d["log"], d["log of calls"] = CACHES[0], d.get("log of calls", 0) + (d.get("log") is CACHES[0])
def frame(): return CACHES[0]
"""
KEPT = """
assert [i for i in range(6) if not is_saved(i, save(i)[1])] == []
d = {}
note(d), note(d)
assert d["log of calls"] == 1
assert np.allclose(save(1)[1], [1, 2]) and np.allclose(frame(), 1.5)"""


def graded_with_pandas(test: str) -> CheckResult:
    """Of a student who uses pandas, which the assignment's own solution does not."""
    own, handed_in = (
        notebook(student, {"test": test}, "import numpy as np")
        for student in (WITH_PANDAS.replace("import pandas as pd", ""), WITH_PANDAS)
    )
    with Worker(Assignment("boundary", own)) as worker:
        return worker.grade(handed_in, seed=0).checks["test"]


def test_what_is_of_pandas_comes_back_as_it_was_where_no_test_knows_pandas() -> None:
    check = graded_with_pandas(KEPT)
    assert check.status == "passed", check.message


def test_a_table_is_one_where_a_hidden_test_alone_knows_pandas() -> None:
    hidden = (
        "### BEGIN HIDDEN TESTS\nimport pandas as pd\nassert isinstance(frame(), pd.DataFrame)\n### END HIDDEN TESTS"
    )
    check = graded_with_pandas(hidden)
    assert check.status == "passed", check.message
