"""Ordinary test code of instructors: each case runs plainly and through the boundary, with the same end."""

from __future__ import annotations

HELPERS = """
import copy, datetime, decimal, inspect, math
import numpy as np
import pandas as pd

def rel_error(x, y):
    return np.max(np.abs(x - y) / np.maximum(1e-8, np.abs(x) + np.abs(y)))

def numerical_gradient(f, x, df=1.0, h=1e-5):
    grad = np.zeros_like(x)
    it = np.nditer(x, flags=["multi_index"])
    while not it.finished:
        ix = it.multi_index
        old = x[ix]
        x[ix] = old + h
        plus = np.copy(f(x))
        x[ix] = old - h
        minus = np.copy(f(x))
        x[ix] = old
        grad[ix] = np.sum((plus - minus) * df) / (2 * h)
        it.iternext()
    return grad

def raised(kind, call, *arguments):
    try:
        call(*arguments)
    except kind as error:
        return error
    raise AssertionError("nothing was raised")
"""

# What plainly passes must pass through the boundary.
SAME = {
    "a test's function is one and the same": """
        bus, got = Bus(), []
        bus.on(got.append)
        bus.on(len)
        bus.fire("ab")
        bus.off(got.append)
        assert got == ["ab"] and bus.fire("abc") == [3]""",
    "a test's function that changes arguments of the call": """
        rows, table, names, config = [], {"a": 1}, {"x"}, {"rates": [0.1]}
        def step(*same):
            assert [one is other for one, other in zip(same, (rows, table, names, config))] == [True] * 4
            rows.append([2])
            table.update(b=2)
            names.add("y")
            config["rates"][0] = 0.5
            config["more"] = rows
        append_to(step, rows, table, names, config)
        assert rows == [0, [2, 3], 3] and table == {"a": 1, "b": 2, "c": 2} and names == {"x", "y", "z"}
        assert config["rates"] == [1.0] and config["more"] is rows""",
    "an optimizer of the test's that writes into the weights": """
        w = np.ones(3)
        def update(weights, step):
            assert weights is w
            weights -= step
        optimize(w, update)
        assert w.tolist() == [-2.0] * 3
        frame = pd.DataFrame({"a": [1, 2]})
        call_with(lambda frame: frame.insert(0, "b", 1), frame)
        assert list(frame.columns) == ["b", "a"]""",
    "an optimizer of the test's that writes into the weights and returns them": """
        def in_place(w, step):
            w -= step
            return w
        w = np.ones(3)
        assert stepwise(w, in_place) is w and w.tolist() == [0.0] * 3
        assert stepwise(None, in_place).tolist() == [1.0] * 3
        log = []
        assert stepwise(log, lambda log, step: (log.append(step), log)[1]) is log and log == [0.5, 0.5]""",
    "a test's function that writes into an object made from a dictionary": """
        def halve(config):
            config["lr"] = config["lr"] / 2
        assert call_with(halve, Settings(lr=0.5)) is None
        settings = Settings(lr=0.5)
        call_with(lambda one: halve(one), settings)
        assert settings["lr"] == 0.25""",
    "a tree whose nodes know each other": """
        trunk = {"name": "trunk", "children": []}
        for name in "ab":
            trunk["children"].append({"name": name, "parent": trunk})
        seen = []
        visit_all(trunk, lambda node: seen.append(node["name"]))
        assert seen == ["trunk", "a", "b"] and identity(trunk) is trunk""",
    "large global containers": """
        assert isinstance(SIEVE, list) and len(SIEVE) == 1_100_000 and SIEVE[7] is True
        assert isinstance(NUMBERED, dict) and len(NUMBERED) == 120_000 and NUMBERED[7] == 7""",
    "a copy of what holds a test's function": """
        held = call_with(lambda: {"f": abs})
        assert deep_copy(held)["f"](-3) == 3""",
    "endless recursion that asks a test's function": """
        def f(x):
            return np.ones(3)
        assert depth_of(f)""",
    "the name of a test's function": """
        def half(x):
            return x / 2
        shown = logged(half)
        assert shown(3) == 1.5 and shown.seen == ["half"] and shown.__name__ == "half" """,
    "student code that seeds and asks a test's function": """
        np.random.seed(1)
        assert draws_between(5, lambda: 1) == np.random.RandomState(5).rand(3).tolist()""",
    "a test's function that seeds": """
        drawn = draws_between(5, lambda: np.random.seed(7))
        state = np.random.RandomState
        assert drawn == [state(5).rand(), state(7).rand(), state(7).rand()]""",
    "a test's function that writes into an array of the student's": """
        model = Trained()
        W, times = model.W, []
        def hook():
            times.append(W.tolist())
            if len(times) == 1:
                W[:] = 0
        model.train(hook)
        assert times == [[1, 1], [1, 1], [2, 2]] and W.tolist() == [2, 2]""",
    "a test's function that looks at an array of the student's and lets it go": """
        model, times = Trained(), []
        model.train(lambda: times.append(float(np.sum(model.W))))
        assert times == [2, 4, 6], times""",
    "a test's function that calls student code beside idle threads": """
        assert pooled(lambda x: 2 * x, [1, 2, 3]) == [2, 4, 6]
        assert call_with(lambda values: sum(in_threads(lambda x: 2 * x, values)), [1, 2]) == 6
        assert pooled(lambda x: slowly(x) + 1, [1, 2]) == [11, 21]""",
    "threads whose functions call student code with threads": """
        assert in_threads(lambda n: sum(in_threads(lambda x: n * x, [1, 2, 3])), [1, 2, 3, 4]) == [6, 12, 18, 24]""",
    "student code that ends the program within a test's function": """
        def asks():
            leave(3)
        assert raised(SystemExit, call_with, asks).code == 3""",
    "an error that names a file": """
        error = raised(FileNotFoundError, missing_file, "no/such")
        assert (error.filename, error.errno) == ("no/such", 2) and "'no/such'" in str(error)""",
    "what a call changed before it raised": """
        account, log = {"balance": 3}, [1.0]
        try:
            withdraw(account, 5)
        except ValueError:
            log.append(2.0)
        assert account == {"balance": -2} and log == [1.0, 2.0]""",
    "an error of a test's function is caught by its class": """
        tries = []
        def flaky():
            tries.append(1)
            if len(tries) == 1:
                raise KeyError("the first time")
            return 7
        assert twice(flaky) == 7""",
    "a test's function in threads": """
        assert in_threads(lambda value: 2 * value, [1, 2, 3, 4]) == [2, 4, 6, 8]""",
    "a test's function that looks at what the call changes": """
        x = np.array([2.0])
        assert slope(lambda: x[0] ** 2, x) == 5.0 and x[0] == 2.0""",
    "a list whose class writes in its own way": """
        made = row(1, 2)
        assert made == [1.0, 2.0] and isinstance(made, list)
        made.append(3)
        assert list(made) == [1.0, 2.0, 3.0]""",
    "what cannot be called": """
        assert not callable(inert()) and callable(inert) and callable(Inert)""",
    "large arrays beside numbers and tuples": """
        assert A_LARGE.shape == SHAPE == (50, 100) and SIZE == 5_000 and len(PLACES[0]) == 3_000
        assert call_with(lambda places: len(places[0]), PLACES) == 3_000""",
    "what a test's function puts into an argument that the call changed before": """
        steps, state_of_it = [], {"calls": 0}
        def step():
            steps.append(1)
            state_of_it["calls"] += 1
        train(step, steps, state_of_it)
        assert steps == [0, 1] and state_of_it == {"calls": 1, "done": False}""",
    "a test's function in threads that calls student code": """
        assert in_threads(lambda n: slowly(n) + 1, [1, 2, 3, 4]) == [11, 21, 31, 41]""",
    "what is passed twice counts once": """
        row = [0] * 1_000
        assert call_with(len, [row] * 950) == 950""",
    "global containers of more than a message holds": """
        assert len(MANY) == 150_000 and len(HUGE_PAIR) == 2 and HUGE_PAIR[1] == 1""",
    "what a call puts into its arguments and changes after it asked a test's function": """
        history, params, rows = {}, {"W": np.ones(2)}, [0]
        collect(lambda: params["W"].sum(), history, params, rows)
        assert history == {"loss": [2.0, 0.0]} and rows == [[1, 2]] and not params["W"].any()""",
    "a test's function that calls student code with threads of its own": """
        assert call_with(lambda values: sum(in_threads(lambda value: 2 * value, values)), [1, 2]) == 6""",
    "an error of a test's function has its arguments": """
        def looks_up(key):
            raise KeyError(key, 1)
        assert arguments_of(looks_up, "a") == ["a", 1]""",
    "a test's own assertion in its function comes back": """
        def spy(x):
            assert x == 2, "spy must get 2"
        try:
            call_with(spy, 3)
        except AssertionError as error:
            assert str(error) == "spy must get 2"
        else:
            raise RuntimeError("spy was not called")
        call_with(spy, 2)""",
    "what a call changed though the question that followed could not cross": """
        x = np.zeros(2)
        set_and_ask(x, lambda value: None)
        assert x[0] == 3.0""",
    "an integer of NumPy's other class": """
        assert whole_sum(np.arange(4)) == 6""",
    "tuple result, opaque cache": """
        out, cache = normalize(np.random.randn(5, 3), np.ones(3), np.zeros(3), {})
        assert isinstance(out, np.ndarray) and out.flags.writeable
        grads = normalize_backward(np.ones((5, 3)), cache)
        assert isinstance(grads, tuple) and len(grads) == 3 and grads[0].shape == (5, 3)""",
    "arrays of other classes come back as they were": """
        x = np.array([0.25, 1.0])
        (out, cache), (_, other) = known(x), known(x, 3.0)
        assert type(out) is np.ndarray and np.array_equal(more_of(cache), 2 * x)
        assert np.array_equal(more_of(cache), 2 * x) and np.array_equal(more_of(other), 3 * x)
        assert np.array_equal(read_records(*records(x)), [1.25, 3.0])""",
    "bn_param changed in place over calls": """
        p = {}
        for _ in range(3):
            normalize(np.random.randn(5, 3) + 2, np.ones(3), np.zeros(3), p)
        assert p["running_mean"].shape == (3,) and (p["running_mean"] != 0).all()""",
    "bn_param keeps the arrays that did not change": """
        kept = np.ones(3)
        p = {"kept": kept, "running_mean": np.zeros(3)}
        normalize(np.ones((2, 3)), np.ones(3), np.zeros(3), p)
        assert p["kept"] is kept and np.allclose(p["running_mean"], 0.1)""",
    "lambdas in numerical gradients": """
        np.random.seed(1)
        x, g, b, do = (np.random.randn(*s) for s in ((6, 5), (5,), (5,), (6, 5)))
        numeric = numerical_gradient(lambda x: normalize(x, g, b, {})[0], x, do)
        _, cache = normalize(x, g, b, {})
        assert rel_error(numeric, normalize_backward(do, cache)[0]) < 1e-6
        numeric = numerical_gradient(lambda a: normalize(x, a, b, {})[0], g, do)
        assert rel_error(numeric, normalize_backward(do, cache)[1]) < 1e-6""",
    "object: constructed, attributes set, method, dictionary of gradients": """
        np.random.seed(1)
        X, y = np.random.randn(8, 6), np.random.randint(4, size=8)
        m = FullyConnectedNet(seed=0)
        loss, grads = m.loss(X, y)
        assert np.isscalar(loss) and set(grads) == set(m.params) and sorted(grads) == sorted(m.params.keys())
        m.reg = 3.14
        assert m.loss(X, y)[0] > loss and m.n_params == 6 * 7 + 7 + 7 * 4 + 4 + 14""",
    "gradient check that edits model.params in place": """
        np.random.seed(1)
        X, y = np.random.randn(8, 6), np.random.randint(4, size=8)
        for reg in (0, 3.14):
            m = FullyConnectedNet(reg=reg, seed=0)
            loss, grads = m.loss(X, y)
            for name in sorted(grads):
                numeric = numerical_gradient(lambda _: m.loss(X, y)[0], m.params[name])
                assert rel_error(numeric, grads[name]) < (1e-4 if name != "b1" else 2), name""",
    "assignment into attribute arrays": """
        m = FullyConnectedNet(seed=0)
        m.params["b1"][:] = 5
        assert m.params["b1"].sum() == 35
        m.params["W1"] *= 0
        assert np.abs(m.params["W1"]).sum() == 0
        m.params["W1"] = np.linspace(0, 1, 42).reshape(6, 7)
        assert m.params["W1"][5, 6] == 1
        W = m.params["W2"]
        W[0, 0] = 7
        assert m.params["W2"][0, 0] == 7 and m.params["W2"] is W
        assert m.loss(np.ones((2, 6))).shape == (2, 4)""",
    "assignment into attribute arrays of a class of the student's own": """
        m = FullyConnectedNet(seed=0)
        m.name_parameters()
        W, X, y = m.params["W1"], np.random.RandomState(3).randn(5, 6), [0, 1, 2, 3, 0]
        before, loss = W.copy(), m.loss(X, y)[0]
        m.params["W1"][:] = 0
        assert np.abs(W).sum() == 0 and m.params["W1"] is W and m.name_of(W) == "W1"
        assert m.loss(X, y)[0] != loss
        m.params["W1"][:] = before
        assert m.loss(X, y)[0] == loss""",
    "student code changes an array that the test holds": """
        m = FullyConnectedNet(seed=0)
        W = m.params["W1"]
        before = W.copy()
        sgd(W, np.ones_like(W))
        assert np.allclose(W, before - 1e-2) and np.allclose(m.params["W1"], W)""",
    "an object handed to another of the student's objects": """
        m = FullyConnectedNet(seed=0)
        s = Solver(m)
        W = m.params["W1"]
        before = W.copy()
        loss = s.train(np.random.randn(8, 6), np.arange(8) % 4)
        assert s.steps == 3 and s.model is m and not np.allclose(W, before) and len(m.history) == 3""",
    "built-in exception expected": """
        error = raised(ValueError, raises)
        assert "bad thing" in str(error) and error.args == ("bad thing", 7)""",
    "exception of the student's own class expected": "assert raised(BadInput, raises).args[1] == 7",
    "base class of the student's own expected": """
        raised(BadInput, raises, WorseInput)
        raised(WorseInput, raises, WorseInput)""",
    "text of the student's own exceptions": """
        for call in (root, root_of):
            error = raised(ValueError if call is root else KeyError, call, -4)
            assert "-4 is negative" in str(error) and error.args == (-4,)
        for error in (raised(ValueError, unprintable), raised(ValueError, unprintable, "no")):
            assert identity(3) == 3""",
    "KeyError reads the same": "assert str(raised(KeyError, missing_key)) == \"'a key'\"",
    "RecursionError expected": "raised(RecursionError, deep, 10**5)",
    "wrong number of arguments is a TypeError": "raised(TypeError, normalize, 1)",
    "an exception of another kind is not taken for it": """
        try:
            raised(ZeroDivisionError, raises)
        except ValueError:
            pass""",
    "argument returned is the argument": """
        x, d, l = np.ones(3), {"a": 1}, [1]
        assert identity(x) is x and identity(d) is d and identity(l) is l
        w, c = np.ones((2, 2)), {"learning_rate": 0.5}
        new, config = sgd(w, np.ones((2, 2)), c)
        assert new is w and config is c and np.allclose(w, 0.5)""",
    "list argument sorted in place": "l = [3, 1, 2]; sort_in_place(l); assert l == [1, 2, 3]",
    "dictionary and list arguments edited": """
        d, l, x = {"a": 1, "b": 2, "c": 3}, [1, 2, 3], np.zeros(2)
        edit(d), shorten(l)
        assert d == {"b": 5, "c": 3, "new": [7]} and l == [2, 3]
        n = {"x": x, "l": [x, {"y": x}]}
        fill(n)
        assert x.tolist() == [4, 4] and n["x"] is x and len(n["l"]) == 3 and n["l"][0] is x""",
    "sets changed in place": """
        seen, graph = set(), {1: {2}, 2: {1, 3}, 3: {2}, 4: set()}
        assert visit(graph, 1, seen) is seen and seen == {1, 2, 3} and graph[4] == set()
        connect(graph, 4, 5), connect(graph, 1, 4)
        assert graph[4] == {1, 5} and graph[5] == {4} and graph[1] == {2, 4} and list(graph) == [1, 2, 3, 4, 5]
        words = {("a", 1), "b", frozenset({3})}
        erase_members(words, "b"), erase_members(words, ("a", 1))
        assert words == {frozenset({3})}""",
    "the order of a dictionary's keys": """
        d, kept = {"b": 1, "a": [2], "c": 3}, np.ones(2)
        move_to_end(d, "b")
        assert list(d.items()) == [("a", [2]), ("c", 3), ("b", 1)]
        move_to_end(d, "b"), move_to_end(d, "a")
        assert list(d) == ["c", "b", "a"] and d["a"] == [2]
        d = {"z": kept, "gone": 1, "y": 2}
        sort_keys(d)
        assert list(d) == ["y", "z"] and d["z"] is kept""",
    "what is passed twice is one object": """
        for v in ([1], [[1]], {"a": 1}, {1}, np.ones(2), pd.DataFrame({"a": [1]})):
            assert one_object(v, v) and not one_object(v, copy.copy(v))""",
    "an array that cannot be written keeps its values": """
        x = np.ones(3)
        x.flags.writeable = False
        try:
            erase(x)
        except ValueError:
            pass
        assert x.sum() == 3""",
    "one array passed twice": "x = np.zeros(3); assert first_changes(x, x) == 99 and x[0] == 99",
    "a slice changed in place": """
        X = np.zeros((4, 3))
        sgd(X[1:3], np.ones((2, 3)))
        assert np.allclose(X[1:3], -0.01) and X[0].sum() == 0""",
    "functions of the test passed to student code, and of the student's to NumPy": """
        assert np.vectorize(identity)([1, 2]).tolist() == list(map(identity, [1, 2]))
        assert apply(lambda v: v * 2, 5) == 11 and apply(np.sqrt, 4.0) == 3.0 and apply(math.sqrt, 4) == 3
        assert call_later(lambda x: x + 1)(3) == 8 and apply(identity, 2) == 3""",
    "a function of the test that raises": """
        def bad(x):
            raise ValueError("no")
        assert "no" in str(raised(Exception, apply, bad, 1))""",
    "a test's function that calls student code again": "assert apply(lambda v: apply(lambda u: u * 3, v), 2) == 8",
    "generator": "assert list(squares(4)) == [0, 1, 4, 9] and sum(squares(3)) == 5 and next(iter(squares(2))) == 0",
    "keyword arguments": """
        assert keywords(1, 5, 6, b=3, c=4) == (1, (5, 6), 3, {"c": 4})
        assert keywords(a=1) == (1, (), 2, {})""",
    "seed in the test, draws in student code": """
        np.random.seed(231)
        total = dropout(np.ones(1000), 0.3).sum()
        np.random.seed(231)
        assert total == (np.random.rand(1000) < 0.3).sum()""",
    "the stream goes on after student code drew from it": """
        np.random.seed(5)
        dropout(np.ones(10), 0.5)
        value = np.random.rand()
        np.random.seed(5)
        np.random.rand(10)
        assert value == np.random.rand()""",
    "normal numbers are drawn in pairs": """
        np.random.seed(5)
        mixed = [np.random.randn(), normal_once(), np.random.randn(), normal_once(), normal_once(), np.random.randn()]
        np.random.seed(5)
        assert mixed == [np.random.randn() for _ in range(6)]""",
    "other numbers are drawn after an odd one of a pair": """
        np.random.seed(5)
        noise, kept = noisy_dropout(np.ones((70, 30)), 0.5)
        drawn = noise, kept, np.random.randn(2)
        np.random.seed(5)
        expected = np.random.randn(3), np.random.rand(70, 30) < 0.5, np.random.randn(2)
        assert all(np.array_equal(one, other) for one, other in zip(drawn, expected))""",
    "weights drawn in a constructor": """
        np.random.seed(3)
        m = FullyConnectedNet()
        np.random.seed(3)
        assert np.allclose(m.params["W1"], np.random.randn(6, 7) * 0.5)""",
    "the stream of Python's random": """
        import random
        for seed in (1, 2):
            random.seed(seed)
            got = [python_draws(5), random.random(), python_draws(700), random.gauss(0, 1), python_draws(3)[2]]
            random.seed(seed)
            values = []
            for n in (5, None, 700):
                if n is None:
                    values.append(random.random())
                    continue
                v = list(range(n))
                random.shuffle(v)
                values.append((v, random.random(), random.gauss(0, 1)))
            values.append(random.gauss(0, 1))
            v = [0, 1, 2]
            random.shuffle(v), random.random()
            assert got == [*values, random.gauss(0, 1)]""",
    "student code that seeds Python's random": """
        import random
        assert python_seeds(3) == python_seeds(3) == random.Random(3).random()""",
    "arrays without rows": """
        x = np.ones((4, 3))
        out, (again, total) = empty_rows(x)
        assert out.shape == again.shape == (0, 3) and out.dtype == float and total.tolist() == [0, 0, 0]
        assert empty_rows(np.zeros((0, 5), np.float32))[0].shape == (0, 5)""",
    "what is written into arguments is seen, and only there": """
        x, kept = np.arange(6.0).reshape(2, 3), np.arange(6.0).reshape(2, 3)
        y, big = np.ones(3), np.ones((200, 30))
        assert erase(x, y, big) is x and not x.any() and not y.any() and not big.any() and kept.sum() == 15
        given = kept.copy()
        assert not np.array_equal(erase(given), kept) and np.array_equal(given, 0 * kept)""",
    "nested containers": """
        n = nested()
        assert n["c"] is None and n["a"][1]["b"] == (1, 2.5, "x") and isinstance(n["a"], list) and isinstance(n, dict)
        np.testing.assert_array_equal(n["a"][0], np.arange(3))
        assert "c" in n and n.get("zzz", 4) == 4 and list(n) == ["a", "c"]""",
    "constants": """
        assert EPS == 1e-5 and isinstance(EPS, float) and isinstance(scalar(3), np.floating)
        assert SETTINGS["learning_rate"] == 0.1 and SETTINGS["layers"] == [3, 4]
        assert dict(SETTINGS)["layers"][0] == 3""",
    "isinstance of a student's class": """
        m = FullyConnectedNet(seed=0)
        assert isinstance(m, FullyConnectedNet) and not isinstance(m, Point) and not isinstance(3, Point)
        assert type(m).__name__ == "FullyConnectedNet" """,
    "hasattr, getattr, callable": """
        m = FullyConnectedNet(seed=0)
        assert hasattr(m, "loss") and not hasattr(m, "zzz") and getattr(m, "zzz", 4) == 4
        assert callable(m.loss) and callable(normalize) and m._private == 5""",
    "signature, name, docstring": """
        assert list(inspect.signature(normalize).parameters) == ["x", "gamma", "beta", "bn_param"]
        assert normalize.__name__ == "normalize" and "Forward" in normalize.__doc__
        assert identity.__doc__ is None""",
    "operators between two student objects": """
        assert Point(1) == Point(1) and Point(1) != Point(2) and (Point(1) + Point(2)).x == 3 and Point(1) < Point(2)
        p = Point(1)
        assert p == p and p is not None and p != None and max([Point(2), Point(5)]).x == 5""",
    "len, iteration, items, text of a student object": """
        p = Point(4)
        assert len(p) == 3 and list(p) == [1, 2, 3] and p[2] == 20 and 2 in p
        assert repr(p) == "Point(4)" and f"{p}" == "Point(4)" """,
    "with on a student object": """
        p = Point(1)
        before = Point.total
        with p as q:
            assert q is p and Point.total == before + 1
        assert Point.total == before + 11
        try:
            with p:
                raise KeyError("from the test")
        except KeyError as error:
            assert "from the test" in str(error)""",
    "a method replaced by the test": """
        m = FullyConnectedNet(seed=0)
        m.loss = lambda *a: 5
        assert m.loss() == 5""",
    "cache taken apart": """
        out, cache = normalize(np.random.randn(4, 3), np.ones(3), np.zeros(3), {})
        np.testing.assert_allclose(cache[0].mean(0), 0, atol=1e-7)
        x_hat, gamma, std = cache
        assert x_hat.shape == (4, 3) and len(cache) == 3 and cache[-1].shape == (3,)""",
    "generators and iterators asked for one value at a time": """
        g = squares(3)
        assert [next(g), next(g), next(g)] == [0, 1, 4] and next(g, None) is None
        raised(StopIteration, next, g)
        assert "not an iterator" in str(raised(TypeError, next, Point(1)))""",
    "classes of the student's and their bases": """
        assert issubclass(Spot, Point) and issubclass(Spot, Spot) and not issubclass(Point, Spot)
        assert not issubclass(int, Point)""",
    "operators that change an object in place": """
        v = w = Spot(1)
        v += Spot(2)
        assert v is w and w.x == 3
        v = w = Point(1)
        v += Point(2)
        assert v.x == 3 and w.x == 1""",
    "membership in an object of the student's": """
        b, one = Bag(), Spot(1)
        b.put(one)
        assert one in b and Spot(1) not in b and 3 in Point(1) and 4 not in Point(1)""",
    "tuples, lists and dictionaries of a class of the student's own": """
        p, (_, nested) = pair(), (0, [pair()])
        assert isinstance(p, tuple) and isinstance(p, Pair) and len(p) == 2 and p[0] == p.a == 1 and p.b.sum() == 2
        a, b = p
        assert a == 1 and Pair(1, 2) == Pair(1, 2) < (1, 3) and Pair(1, 2) == (1, 2) and (1, 2) == Pair(1, 2)
        assert Pair(1, 2)._asdict() == {"a": 1, "b": 2} and {Pair(1, 2): 3}[1, 2] == 3
        row, table = Row([3, 1]), Table(a=1)
        row.sort(), row.append(row.total())
        assert isinstance(row, list) and row == [1, 3, 4] and row.total() == 8 and np.mean(row) > 2
        table["b"] = 2
        assert isinstance(table, dict) and table == {"a": 1, "b": 2} and table.a == 1 and dict(**table) == table
        assert Odd()[0] == "odd" and is_row(row) and apply(len, row) == 4""",
    "namedtuple": """
        r = pair()
        assert r[0] == 1 and r.a == 1 and r.b.shape == (2,) and type(r).__name__ == "Pair"
        assert repr(r) == str(r) == f"{r}" == "Pair(a=1, b=array([1., 1.]))" and f"[{r}]" == str([r])""",
    "operators that a class adds": """
        assert list(Vector((3, 2)) - Vector((1, 1))) == [2, 1] and (Tally(a=1) + Tally(b=2))["b"] == 2""",
    "an object whose length fills what it holds": """
        lazy = Filled()
        held = lazy.held
        assert held == [] and len(held) == 0 and len(lazy) == 3 and held == [0, 1, 2] and len(held) == 3""",
    "other dictionaries": """
        o, d, c = ordered()
        assert o["x"] == 1 and d["y"] == [2] and c["a"] == 2 and c == {"a": 2, "b": 1}""",
    "dictionaries that compare and reckon in their own way": """
        from collections import Counter, OrderedDict, defaultdict
        shelf = Shelf()
        for made in (in_order(), shelf.order):
            assert made == OrderedDict([("a", 1), ("b", 2)]) != OrderedDict([("b", 2), ("a", 1)]) != made
            assert made == {"b": 2, "a": 1} and isinstance(made, OrderedDict) and next(reversed(made)) == "b"
            assert repr(made) == repr(OrderedDict([("a", 1), ("b", 2)]))
            made.move_to_end("a")
            assert list(made) == ["b", "a"]
        for made in (letters("aabb"), shelf.counts):
            assert made == Counter("aabb") == made and made != Counter("aab") and made["absent"] == 0
            assert made + Counter("bc") == Counter("aabbbc") and made - made == Counter() and made <= Counter("aabbc")
            assert made.most_common(1) == [("a", 2)] and sum(made.values()) == 4 and made.total() == 4
            made |= Counter("aaa")
            assert made == Counter("aaabb")
            made.subtract("ab")
            assert dict(made) == {"a": 2, "b": 1}
        assert type(letters("a")) is Counter and shelf.counts["b"] == 1
        for made in (grouped(["a", "bb", "c"]), shelf.groups):
            assert made == {1: ["a", "c"], 2: ["bb"]} and isinstance(made, defaultdict) and made[3] == []
            copied = made.copy()
            assert copied["absent"] == [] and "absent" not in made and isinstance(copied, defaultdict)
            assert isinstance(made | {}, defaultdict) and repr(made).startswith("defaultdict(<class 'list'>, {1: ")
        made = kept_in_order(z=1, a=2)
        assert made == OrderedDict(z=1, a=2) and made != OrderedDict(a=2, z=1) and type(made).__name__ == 'Kept'""",
    "Counters that are changed in place": """
        from collections import Counter
        shelf = Shelf()
        for made in (letters("aabb"), shelf.counts):
            assert isinstance(made, Counter) and +made == Counter("aabb") == made and -made == Counter()
            made -= Counter("ab")
            made += Counter("acc")
            made &= Counter("abcd")
            assert made == Counter("abc") and made["d"] == 0
        shelf.counts &= Counter("ac")
        shelf.counts -= Counter("a")
        assert shelf.counts == Counter("c") and isinstance(shelf.counts, Counter) and shelf.counts.total() == 1""",
    "keys that are objects": """
        m = Cells().by
        assert Cell(1) in m and Cell(3) not in m and Cell(1) in m.keys() and (Cell(1), 2) in m and (Cell(2), 2) not in m
        assert m[Cell(1)] == "one" and m.get(Cell(2), 5) == 5 and len(list(m)) == 2 and m[Cell(1), 2] == "two"
        assert sorted(m.values()) == ["one", "two"] and m.get((Cell(1), 2)) == "two" == m.get((Cell(1), 2), 5)""",
    "figure and axes": "f, ax = figure(); assert list(ax.lines[0].get_xdata()) == [0, 1, 2]",
    "list attribute": """
        m = FullyConnectedNet(seed=0)
        m.loss(np.ones((2, 6)), np.zeros(2, int))
        assert len(m.history) == 1 and bool(m.history)
        m.history.append(3)
        assert m.history[-1] == 3 and max(m.history) >= 3 and m.history[:1][0] == m.history[0]""",
    "operators of lists, tuples and dictionaries of an object": """
        h = Holder()
        assert h.items == [3, 1, 2] and not h.items == [3] and h.items != [3] and not h.items != [3, 1, 2]
        assert h.items + [4] == [3, 1, 2, 4] and [4] + h.items == [4, 3, 1, 2] and h.items * 2 == [3, 1, 2] * 2
        assert h.pair + (3,) == (1, 2, 3) and h.pair + h.pair == (1, 2, 1, 2) and h.table | {"a": 0, "c": 3} == {
            "a": 0, "b": [2], "c": 3}
        assert h.pair < (1, 3) and not h.pair < (1, 2) and h.pair <= (1, 2) and not h.pair <= (1, 1)
        assert h.pair <= (1, 3) and h.pair >= (1, 1) and h.pair < (2,) and h.pair > (0,) and h.pair != (1,)
        assert h.pair > (1, 1) and not h.pair > (1, 2) and h.pair >= (1, 2) and not h.pair >= (1, 3)
        assert h.pair == Holder().pair and h.pair <= Holder().pair and bool(h.pair) and not h.empty""",
    "operators of lists, tuples and dictionaries of an object that stands on their right": """
        h = Holder()
        assert 2 * h.items == [3, 1, 2] * 2 and 2 * h.pair == (1, 2, 1, 2)
        assert {"a": 0, "z": 5} | h.table == {"a": 1, "b": [2], "z": 5} and h.table | h.table == h.table
        assert (np.array([3, 0, 2]) == h.items).tolist() == [True, False, True]""",
    "lists and dictionaries of an object changed by operators": """
        h = Holder()
        items, pair, table = h.items, h.pair, h.table
        items += (4,)
        pair += (3,)
        table |= {"c": 4}
        assert h.items == items == [3, 1, 2, 4] and h.pair == (1, 2) and pair == (1, 2, 3)
        assert h.table == table == {"a": 1, "b": [2], "c": 4}
        h.items += h.pair
        assert h.items == [3, 1, 2, 4, 1, 2] and items == h.items""",
    "lists and tuples of an object and of a result in NumPy's hands": """
        h, (numbers, _, _) = Holder(), series()
        assert np.sum(h.items) == 6 and np.min(h.pair) == 1 and np.abs(numbers).max() == 3 and np.all(numbers)
        assert np.clip(h.items, 1, 2).tolist() == [2, 1, 2] and np.mean(numbers) == 2 and np.diff(h.items).size == 2
        assert np.abs(numbers - np.array([1.0, 2.0, 3.0])).max() == 0 and (np.ones(3) / numbers).sum() < 2
        assert (np.array([1.0, 2.0]) - h.pair).tolist() == [0, 0] and np.zeros(h.pair).shape == h.pair
        assert np.less(np.zeros(3), h.items).all() and np.multiply.outer(h.pair, 2)[1] == 4
        assert np.concatenate([numbers, h.pair]).size == 5 and h.table["b"] @ np.ones(1) == 2
        assert "unsupported operand" in str(raised(TypeError, lambda: h.items - 1))""",
    "lists and dictionaries of a result that student code changes": """
        numbers, table, _ = series()
        assert numbers == [1, 2, 3] and len(table["loss"]) == 2
        sort_in_place(table["loss"]), shorten(numbers), numbers.append(4), numbers.sort(reverse=True)
        assert numbers == [4, 3, 2] and numbers[0] == 4 and table["loss"] == [2, 3] and "a" not in table
        table["steps"]["one"] = 1
        edit_later = table["steps"]
        assert edit_later == {"one": 1} and table == {"loss": [2, 3], "steps": {"one": 1}} and len(table) == 2
        del table["steps"]
        assert "steps" not in table and list(table) == ["loss"] and edit_later["one"] == 1""",
    "large dictionaries and lists of the student's": """
        table, many = large()
        assert 5 in table and -1 not in table and table[7] == 49 and table.get(399_999) and len(table) == 400_000
        assert len(many) == 1_200_000 and many[-1] == 1_199_999 and 1_000_001 in many and sum(many[:3]) == 3""",
    "tuples of an object in sets and as keys": """
        h = Holder()
        assert h.pair in {(1, 2)} and {(1, 2): 5}[h.pair] == 5 and len({h.pair, Holder().pair}) == 1
        assert "unhashable type: 'list'" in str(raised(TypeError, hash, h.items))""",
    "views of a dictionary of an object": """
        h = Holder()
        assert h.table.keys() == {"a", "b"} and h.table.keys() - {"a"} == {"b"} and len(h.table.values()) == 2
        assert ("a", 1) in h.table.items()""",
    "what lists, tuples and dictionaries of an object can tell": """
        h = Holder()
        assert list(h.table.keys()) == ["a", "b"] and list(h.table.values()) == [1, [2]]
        assert list(h.table.items()) == [("a", 1), ("b", [2])] and dict(h.table) == {"a": 1, "b": [2]}
        assert h.table.get("a") == 1 and h.table.get("z") is None and h.table.get("z", 5) == 5
        assert h.table.copy() == dict(h.table)
        assert "a" in h.table and 1 not in h.table and 3 in h.items and 9 not in h.items
        assert list(reversed(h.items)) == [2, 1, 3] and str(h.items) == repr(h.items) == "[3, 1, 2]"
        assert f"{h.pair}" == "(1, 2)" and h.items.index(1) == 1 and h.pair.count(2) == 1
        assert np.asarray(h.items).sum() == 6 and np.array(h.pair, "f4").dtype == "f4"
        assert not hasattr(h.items, "keys") and not hasattr(h.items, "_x")
        assert "'tuple' object has no attribute 'append'" in str(raised(AttributeError, getattr, h.pair, "append"))""",
    "methods that change lists and dictionaries of an object": """
        h = Holder()
        h.items.append(5), h.items.extend([0, 7]), h.items.insert(0, 9), h.items.remove(1), h.items.sort()
        h.items.reverse()
        assert h.items.pop() == 0 and h.items == [9, 7, 5, 3, 2]
        h.items.clear(), h.table.update(c=3)
        assert h.items == [] and h.table.setdefault("a", 2) == 1 and h.table.pop("b") == [2]
        assert h.table.popitem() == ("c", 3) and h.table == {"a": 1}""",
    "iteration over a dictionary of arrays": """
        m = FullyConnectedNet(seed=0)
        for name, value in m.params.items():
            value[...] = 0
        assert m.params["W1"].sum() == 0 and "W1" in m.params and len(m.params) == 6
        assert all((value == 0).all() for value in m.params.values())""",
    "attributes and items put in and taken away": """
        h = Holder()
        h.items[0] = 9
        del h.items[1], h.table["a"]
        h.table["z"] = 1
        assert h.items == [9, 2] and h.table == {"b": [2], "z": 1}
        h.note = "new"
        del h.items
        assert h.note == "new" and not hasattr(h, "items")""",
    "copy of a student object": """
        m = FullyConnectedNet(seed=0)
        n = copy.copy(m)
        n.reg = 5
        n.params["b1"][0] = 1
        assert m.reg == 0 and m.params["b1"][0] == 1""",
    "deepcopy of a student object": """
        m = FullyConnectedNet(seed=0)
        n = copy.deepcopy(m)
        n.params["b1"][:] = 1
        assert m.params["b1"].sum() == 0 and n.params["b1"].sum() == 7""",
    "two models do not share arrays": """
        a, b = FullyConnectedNet(seed=0), FullyConnectedNet(seed=0)
        np.testing.assert_array_equal(a.params["W1"], b.params["W1"])
        a.params["W1"][0, 0] += 1
        assert not np.array_equal(a.params["W1"], b.params["W1"])""",
    "arrays keep dtype, shape and order": """
        arrays = [np.ones(3, np.float32), np.arange(3), np.array([True]), np.zeros((0, 3)), np.array(5.0),
                  np.asfortranarray(np.arange(6.0).reshape(2, 3)), np.ones(2, complex), np.float16([1]),
                  np.arange(8)[::2]]
        for a in arrays:
            r = identity([a, 1])[0]
            r2 = talks(a.copy() if a.ndim else a)
            assert r.dtype == a.dtype and r.shape == a.shape and np.array_equal(r, a)""",
    "large arrays": """
        a = np.random.randn(300, 400)
        b = identity((a, 1))[0]
        assert np.array_equal(a, b)
        sgd(a, np.ones_like(a))
        assert not np.array_equal(a, np.zeros_like(a)) and np.isfinite(a).all()""",
    "large arrays of a student object": """
        m = FullyConnectedNet(hidden=400, input_dim=300, seed=0)
        W1, W2 = m.params["W1"], m.params["W2"]
        assert W1.shape == (300, 400) and W2.shape == (400, 4)
        before = W1.copy()
        sgd(m.params["W1"], np.ones_like(W1))
        assert not np.array_equal(m.params["W1"], before)
        W1[...] = 0
        assert m.params["W1"].sum() == 0""",
    "text and time arrays": """
        assert identity((np.array(["a", "b"]),))[0][1] == "b"
        assert identity((np.array(["2020-01-01"], "M8[D]"),))[0][0] == np.datetime64("2020-01-01")""",
    "values of all kinds": """
        for v in (2**100, -(2**70), float("inf"), "héé", b"xx", {1, 2}, frozenset({3}), (1, [2, {"k": 3}]), 1 + 2j,
                  None, True, slice(1, 2), np.float32(2.5), np.float64(2.5), np.complex128(1j),
                  np.int8(3), np.bool_(True), {(1, 2): 3}, {4: 5}):
            assert identity(v) == v and type(identity(v)) is type(v)
        assert math.isnan(identity(float("nan"))) and identity(...) is ...""",
    "keys and members of sets that are text, numbers or tuples of another class": """
        import collections, enum
        for key in (np.str_("a"), np.int64(1), enum.IntEnum("E", "one").one, collections.namedtuple("P", "a b")(1, 2)):
            assert identity({key: 1}) == {key: 1} and identity({key}) == {key}
            assert identity([frozenset({key})]) == [frozenset({key})]
        d = {np.str_("a"): 1, np.str_("b"): 2}
        edit(d)
        assert d == {"b": 5, "new": [7]}""",
    "keys of the student's own": """
        d = {"a": 1, "b": 2}
        count(d), count(d)
        assert d["b"] == 5 and d["c"] == 6 and len(d) == 4 and list(d.values())[-1] == 2
        uncount(d)
        assert d == {"a": 1, "b": 5, "c": 6}""",
    "keys of the student's own of other kinds": """
        d, s = odd_keys()
        assert d[1, "x"] == 3 and list(d.values()) == [1, 2, 3] and len(s) == 3 and (1, "x") in s
        assert are_odd_keys(d, s) and are_odd_keys(dict(d), frozenset(s))""",
    "keys of the student's own that stay there": """
        n = Named()
        n.params["W"][:] = 3
        n.params["W"] = n.params["W"] * 2
        assert "W" in n.params and set(n.params) == {"W", (1, "x")} and n.params[1, "x"] == 2
        assert n.params["W"].sum() == 12 and n.still_named()
        assert n.keep()["W"].sum() == 12 and n.keep()[1, "x"] == 2""",
    "numbers and texts of a class of the student's own": """
        for t in (Temperature(3.5), save(0)[1] + 2):
            assert isinstance(t, float) and t == 3.5 and t - 1 == 2.5 and np.allclose(t, 3.5) and 3 < t < 4
        t = Temperature(3.5)
        assert isinstance(t, Temperature) and t.unit == "K" and str(t) == "3.5 K" and not hasattr(t, "of")
        assert copy.deepcopy({"t": t}) == {"t": 3.5} and np.mean([t, t]) == 3.5
        assert save(1)[1] == "train" and save(1)[1].name == "TRAIN"
        assert {save(1)[1]: 2}["train"] == 2""",
    "a number whose class shows itself in its own way": """
        m = Metres(2.5)
        assert m == 2.5 and m + 1 == 3.5 and repr(m) == "2.5 m" and f"{[m]}" == "[2.5 m]" """,
    "tuples of places, in a result and in a variable": """
        x = np.arange(12.0).reshape(4, 3)
        _, where, found = places(x)
        assert x[where].tolist() == x[x > 1].tolist() and x[found["best"]] == 11
        assert type(where) is tuple and type(CORNER) is tuple and x[CORNER].tolist() == [7, 8]""",
    "state that holds an array of whole numbers, and a cache of two": """
        counter = Counting()
        _, state = counter.look()
        counter.step()
        assert state[0].tolist() == [1, 1] and counter.is_own(counter.look()[1])
        assert counter.marks_are_own(counter.marks) and counter.marks_are_own(counter.give()[1])""",
    "an array that a test froze for one call": """
        x = np.arange(3.0)
        x.flags.writeable = False
        kept = keep_array(x)
        x.flags.writeable = True
        assert write_kept() == [7, 1, 2] """,
    "the truth of an object": """
        assert word("ab") and not word("?") and bool(word("ab")) is True
        q = Queue()
        assert not q and not q.add(1) and q and bool(q) is True""",
    "an array that nobody may write into": """
        x = np.arange(3.0)
        x.flags.writeable = False
        try:
            center(x)
        except ValueError as error:
            assert "read-only" in str(error) and x.tolist() == [0, 1, 2]
        else:
            raise AssertionError
        assert center(x.copy()).tolist() == [-1, 0, 1] and center(np.arange(2.0)).sum() == 0""",
    "an array of the student's that a test froze": """
        WEIGHTS.setflags(write=False)
        grow()
        assert WEIGHTS.tolist() == [1, 2, 3]
        WEIGHTS.setflags(write=True)""",
    "numbers and texts whose class reckons in its own way": """
        m = Money(1.5)
        assert isinstance(m + Money(1.0), Money) and repr(m) == "$1.50"
        assert Code("ab")(2) == "abab" and Code("Ab").lower() == "ab"
        assert Access.READ in Access(3) and len(list(Access(3))) == 2
        t = Token("ab")
        assert t == "ab" and t.size == 7 and t.longer("c") == "abc" """,
    "what is saved for later comes back as it was": """
        for i in range(8):
            cache = save(i)[1]
            assert is_saved(i, cache), i
        assert is_saved_in_set(save_in_set()[1]) == [True]""",
    "arrays in the other order of bytes": """
        s = Swapped()
        w = s.w
        w[0] = 4
        assert np.array_equal(s.w, [4, 1]) and s.double() == 10 and np.array_equal(w, [8, 2])
        assert np.allclose(save(7)[1], [0, 1, 2])""",
    "exceptions with two built-in bases": """
        for expected in (UnknownMode, KeyError, LookupError, ValueError):
            raised(expected, raises, UnknownMode)
        for expected in (WrongMode, TypeError, ValueError):
            raised(expected, raises, WrongMode)""",
    "types of numbers": """
        for v in (float, int, bool, np.float32, np.float64, np.int8):
            assert identity(v) is v
        assert identity(np.dtype("float32")) == np.float32""",
    "dates, decimals, ranges": """
        for v in (datetime.date(2020, 1, 2), datetime.timedelta(1), decimal.Decimal("1.50"), range(3)):
            assert identity(v) == v and type(identity(v)) is type(v)""",
    "tables of pandas": """
        table = pd.DataFrame({"a": [1, 2, 3], "b": [3.0, 4.0, 5.0], "name": ["x", "y", None]})
        got = clean(table)
        assert isinstance(got, pd.DataFrame) and got.total.tolist() == [6, 8] and list(table.columns)[-1] == "total"
        drop_in_place(table)
        assert "b" not in table.columns and table.shape == (3, 3)
        assert identity(table) is table
        pd.testing.assert_series_equal(identity((got.name, 1))[0], got.name)""",
    "an array in another order of bytes": """
        x, w = np.arange(4, dtype=">i4"), np.ones(2, ">f8")
        assert whole_sum(x) == 6 and identity(x) is x and x.dtype == ">i4"
        sgd(w, np.ones(2, ">f8"))
        assert np.allclose(w, 0.99) and w.dtype == '>f8'""",
    "a random generator of the test": """
        for make in (np.random.default_rng, np.random.RandomState):
            x = np.zeros(4)
            assert np.array_equal(with_generator(x, make(3)), make(3).normal(size=4))
        kept, same = np.random.RandomState(3), np.random.RandomState(3)
        kept.randn(3), same.randn(3)  # each has the second number of a pair left
        assert np.array_equal(with_generator(x, kept), same.normal(size=4))""",
    "printing in student code": "assert talks(3) == 3",
    "arithmetic with returned values": """
        out, _ = normalize(np.random.randn(5, 3), np.ones(3), np.zeros(3), {})
        assert np.abs(out.mean(axis=0)).max() < 1e-7 and (2 * out + 1).shape == (5, 3)
        assert scalar(3) + 1 == 4 and round(scalar(2.6)) == 3""",
}

# What a lie could win, or what cannot cross: an error that says so, whatever the student's object answers.
REFUSED = {
    "a value that cannot cross, where a test expects a TypeError": "raised(TypeError, anything, object())",
    "a generator, where a test expects an error": "raised(Exception, anything, (x for x in [1]))",
    "an operator, where a test expects a TypeError": "raised(TypeError, lambda: Vector2() + 3)",
    "a bytearray": "anything(bytearray(b'ab'))",
    "a masked array": "anything(np.ma.array([1.0, 2.0], mask=[True, False]))",
    "a test's function that changes what student code made": "of_its_own(lambda values: values.append(1))",
    "threads of a test": """
        from concurrent.futures import ThreadPoolExecutor
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(slowly, range(20)))""",
    "lists of more values together than a message holds": """
        normalize([0] * 500_000, [0] * 500_000, 0, {})""",
    "a list of more values than a message holds": """
        normalize(list(range(1_500_000)), 1, 0, {})""",
    "a number of more digits than cross": """
        assert HUGE == 10**20_000""",
    "comparison with a trusted value": "Point(1) == 1",
    "order against a trusted value": "Point(1) < 2",
    "arithmetic with a trusted value": "Point(1) + 1",
    "reflected arithmetic with an array": "np.ones(2) * Point(1)",
    "membership of a trusted value in an object that cannot be iterated over": "5 in Bag()",
    "arithmetic in place with a trusted value": "p = Point(1); p += 1",
    "a number": "float(Point(1))",
    "a whole number": "int(Point(1))",
    "a complex number": "complex(Point(1))",
    "an index": "[1, 2][Point(1)]",
    "absolute value": "abs(Point(1))",
    "sign": "-Point(1)",
    "plus": "+Point(1)",
    "rounded": "round(Point(1))",
    "pickled": "import pickle; pickle.dumps(Point(1))",
    "difference from a trusted value": "Point(1) != 1",
    "order against None": "Point(1) < None",
    "comparison with a list that stands for the student's": "Point(1) == Holder().items",
    "arithmetic with a list that stands for the student's": "Point(1) + Holder().items",
    "reflected arithmetic with a number": "1 + Point(1)",
    "an array": "np.asarray(Point(1))",
    "np.allclose": "np.allclose(Point(1), 1)",
    "an argument of an unknown type": "identity(object())",
    "a class of the test": "identity(dict)",
    "a class of the student's as a base": "class Sub(Point): pass",
}
