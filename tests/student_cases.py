"""What the student of ``boundary_cases`` handed in: something of each kind that an instructor's test may meet."""

from __future__ import annotations

STUDENT = '''
import collections
import enum
import random
import re

import numpy as np


def normalize(x, gamma, beta, bn_param):
    """Forward pass of batch normalization."""
    eps, momentum = bn_param.get("eps", 1e-5), bn_param.get("momentum", 0.9)
    running = bn_param.get("running_mean", np.zeros(x.shape[1]))
    mean, var = x.mean(axis=0), x.var(axis=0)
    x_hat = (x - mean) / np.sqrt(var + eps)
    bn_param["running_mean"] = momentum * running + (1 - momentum) * mean
    return gamma * x_hat + beta, (x_hat, gamma, np.sqrt(var + eps))


def normalize_backward(dout, cache):
    x_hat, gamma, std = cache
    n = len(dout)
    g = dout * gamma
    dx = (n * g - g.sum(axis=0) - x_hat * (g * x_hat).sum(axis=0)) / (n * std)
    return dx, (dout * x_hat).sum(axis=0), dout.sum(axis=0)


class Parameter(np.ndarray):
    pass


class FullyConnectedNet:
    """Two layers with batch normalization between."""

    def __init__(self, hidden=7, input_dim=6, num_classes=4, reg=0.0, seed=None):
        r = np.random.RandomState(seed) if seed is not None else np.random
        self.params = {
            "W1": r.randn(input_dim, hidden) * 0.5, "b1": np.zeros(hidden),
            "W2": r.randn(hidden, num_classes) * 0.5, "b2": np.zeros(num_classes),
            "gamma1": np.ones(hidden), "beta1": np.zeros(hidden),
        }
        self.reg, self.bn_param, self.history, self._private = reg, {}, [], 5

    def loss(self, X, y=None):
        p = self.params
        a, cache = normalize(X @ p["W1"] + p["b1"], p["gamma1"], p["beta1"], self.bn_param)
        hidden = np.maximum(0, a)
        scores = hidden @ p["W2"] + p["b2"]
        if y is None:
            return scores
        e = np.exp(scores - scores.max(axis=1, keepdims=True))
        probs, n = e / e.sum(axis=1, keepdims=True), len(y)
        loss = -np.log(probs[np.arange(n), y]).mean() + 0.5 * self.reg * (np.sum(p["W1"] ** 2) + np.sum(p["W2"] ** 2))
        ds = probs.copy()
        ds[np.arange(n), y] -= 1
        ds /= n
        grads = {"W2": hidden.T @ ds + self.reg * p["W2"], "b2": ds.sum(axis=0)}
        da, grads["gamma1"], grads["beta1"] = normalize_backward(ds @ p["W2"].T * (a > 0), cache)
        grads["W1"], grads["b1"] = X.T @ da + self.reg * p["W1"], da.sum(axis=0)
        self.history.append(loss)
        return loss, grads

    def name_parameters(self):
        for name, value in self.params.items():
            self.params[name] = value.view(Parameter)
            self.params[name].name = name

    def name_of(self, parameter):
        return parameter.name

    @property
    def n_params(self):
        return sum(value.size for value in self.params.values())


class BadInput(ValueError):
    pass


class WorseInput(BadInput):
    pass


def raises(kind=BadInput):
    raise kind("bad thing", 7)


class Negative(ValueError):
    def __init__(self, value):
        self.value = value

    def __str__(self):
        return f"{self.value} is negative"


class NegativeKey(KeyError):
    __init__, __str__ = Negative.__init__, Negative.__str__


def root(x, kind=Negative):
    raise kind(x)


def root_of(x):
    root(x, NegativeKey)


def unprintable(*text):
    raise ValueError(*text, 10**5000)


def missing_key():
    return {}["a key"]


def deep(n):
    return 1 if n == 0 else deep(n - 1)


def sgd(w, dw, config=None):
    if config is None:
        config = {}
    config.setdefault("learning_rate", 1e-2)
    w -= config["learning_rate"] * dw
    return w, config


def sort_in_place(values):
    values.sort()


def apply(f, x):
    return f(x) + 1


def squares(n):
    for i in range(n):
        yield i * i


def dropout(x, keep):
    return x * (np.random.rand(*x.shape) < keep)


def normal_once():
    return np.random.randn()


def noisy_dropout(x, keep):
    noise = np.random.randn(3)
    return noise, dropout(x, keep)


def python_draws(n):
    values = list(range(n))
    random.shuffle(values)
    return values, random.random(), random.gauss(0, 1)


def python_seeds(n):
    random.seed(n)
    return random.random()


def empty_rows(x):
    return x[:0], (x[:0], x[:0].sum(axis=0))


def erase(x, *others):
    x *= 0
    for other in others:
        other[...] = 0
    return x


def edit(d):
    d.pop("a")
    d["b"] = 5
    d["new"] = [7]


def shorten(values):
    del values[0]


def fill(d):
    d["l"][1]["y"][:] = 4
    d["l"].append("more")


def one_object(a, b):
    return a is b


def kind(x):
    return type(x).__name__


def nested():
    return {"a": [np.arange(3), {"b": (1, 2.5, "x")}], "c": None}


def first_changes(a, b):
    a[0] = 99
    return b[0]


def visit(graph, node, seen):
    seen.add(node)
    for other in sorted(graph[node] - seen):
        visit(graph, other, seen)
    return seen


def connect(graph, one, other):
    graph[one].add(other)
    graph.setdefault(other, set()).add(one)


def erase_members(members, *gone):
    members.difference_update(gone)


def move_to_end(d, key):
    d[key] = d.pop(key)


def sort_keys(d):
    for key in sorted(d):
        move_to_end(d, key)
    d.pop("gone", None)


def keywords(a, *rest, b=2, **others):
    return a, rest, b, others


def identity(x):
    return x


def scalar(x):
    return np.float64(x).sum()


class Point:
    total = 0

    def __init__(self, x):
        self.x = x

    def __eq__(self, other):
        return isinstance(other, Point) and self.x == other.x

    def __lt__(self, other):
        return self.x < other.x

    def __add__(self, other):
        return Point(self.x + other.x)

    def __len__(self):
        return 3

    def __iter__(self):
        return iter([1, 2, 3])

    def __getitem__(self, index):
        return index * 10

    def __enter__(self):
        Point.total += 1
        return self

    def __exit__(self, *exception):
        Point.total += 10
        return False

    def __repr__(self):
        return f"Point({self.x})"


class Spot(Point):
    def __iadd__(self, other):
        self.x += other.x
        return self


class Bag:
    def __init__(self):
        self.kept = []

    def put(self, value):
        self.kept.append(value)

    def __contains__(self, value):
        return any(value is each for each in self.kept)


class Row(list):
    def total(self):
        return sum(self)


class Table(dict):
    __getattr__ = dict.__getitem__


class Odd(list):
    def __getitem__(self, index):
        return "odd"


def is_row(value):
    return type(value) is Row


def figure():
    import matplotlib.pyplot as plt

    f, ax = plt.subplots()
    ax.plot([1, 2, 3])
    plt.close(f)
    return f, ax


def talks(x):
    print("working on", x)
    return x


class Vector(tuple):
    def __sub__(self, other):
        return Vector(a - b for a, b in zip(self, other))

class Tally(dict):
    def __add__(self, other):
        return Tally({**self, **other})


Pair = collections.namedtuple("Pair", "a b")


def pair():
    return Pair(1, np.ones(2))


class Cell:
    def __init__(self, place):
        self.place = place

    def __eq__(self, other):
        return isinstance(other, Cell) and self.place == other.place

    def __hash__(self):
        return hash(self.place)


class Cells:
    def __init__(self):
        self.by = {Cell(1): "one", (Cell(1), 2): "two"}


def ordered():
    return collections.OrderedDict(x=1), collections.defaultdict(list, y=[2]), collections.Counter("aab")


def in_order():
    return collections.OrderedDict(a=1, b=2)


def letters(text):
    counts = collections.Counter(text)
    counts["c"] += 0
    return counts


def grouped(words):
    groups = collections.defaultdict(list)
    for word in words:
        groups[len(word)].append(word)
    return groups


class Shelf:
    def __init__(self):
        self.order, self.counts, self.groups = in_order(), letters("aabb"), grouped(["a", "bb", "c"])


class Filled:
    def __init__(self):
        self.held = []

    def __len__(self):
        self.held += range(len(self.held), 3)
        return 3


class Kept(collections.OrderedDict):
    pass


def kept_in_order(**items):
    return Kept(**items)


def call_later(f):
    return lambda x: f(x) * 2


class Holder:
    def __init__(self):
        self.items, self.pair, self.table, self.empty = [3, 1, 2], (1, 2), {"a": 1, "b": [2]}, []


def series():
    return [1.0, 2.0, 3.0], {"loss": [3.0, 2.0], "steps": {}}, (1.0, 2.0)


def large():
    return {n: n * n for n in range(400_000)}, list(range(1_200_000))


class Solver:
    def __init__(self, model, rule=None):
        self.model, self.rule, self.steps = model, rule, 0

    def train(self, X, y, steps=3):
        for _ in range(steps):
            loss, grads = self.model.loss(X, y)
            for name, value in self.model.params.items():
                value -= 0.1 * grads[name]
            self.steps += 1
        return loss


def clean(table):
    table["total"] = table.a + table.b
    return table[table.total > 4].reset_index(drop=True)


def drop_in_place(table):
    del table["b"]


def with_generator(x, rng):
    return x + rng.normal(size=x.shape)


class Known(np.ndarray):
    """An array that carries more than its numbers."""


def known(x, more=2.0):
    made = x.view(Known)
    made.more = more
    return x + 0, made


def more_of(cache):
    return np.asarray(cache * cache.more)


def records(x):
    made = np.rec.array(np.zeros(len(x), [("first", float)]))
    made.first = x
    return made, np.ma.masked_less(x, 0.5), x.astype(np.longdouble)


def read_records(record, masked, long):
    return record.first + masked.filled(0.0) + (long.dtype == np.longdouble)



class Key(str):
    pass


class State(enum.Enum):
    CALLS = 1


class Mode(enum.StrEnum):
    TRAIN = "train"


class Temperature(float):
    unit = "K"

    def __str__(self):
        return f"{float(self)} {self.unit}"


class Metres(float):
    def __repr__(self):
        return f"{float(self)} m"


def word(text):
    return re.fullmatch("[a-z]+", text)


def places(x):
    return x, np.where(x > 1), {"best": np.unravel_index(x.argmax(), x.shape)}


class Queue:
    def __init__(self):
        self.items = []

    def add(self, item):
        self.items.append(item)

    def __len__(self):
        return len(self.items)


class Counting:
    def __init__(self):
        self.count = np.zeros(2, int)
        self.state = (self.count, 5)
        self.marks = (np.arange(2), np.array([True, False]))

    def step(self):
        self.count += 1

    def look(self):
        return 1.0, self.state

    def give(self):
        return 1.0, self.marks

    def is_own(self, state):
        return state is self.state

    def marks_are_own(self, marks):
        return all(map(lambda one, other: one is other, marks, self.marks))


KEPT = []


def keep_array(x):
    KEPT.append(x)


def write_kept():
    KEPT[-1][0] = 7
    return KEPT[-1].tolist()


WEIGHTS = np.arange(3.0)


def grow():
    global WEIGHTS
    WEIGHTS.flags.writeable = True
    WEIGHTS += 1
    WEIGHTS.flags.writeable = False


CORNER = np.array(2)[()], slice(1, None), ...


def center(x):
    x -= x.mean()
    return x


class Money(float):
    def __add__(self, other):
        return Money(float(self) + other)

    def __repr__(self):
        return f"${float(self):.2f}"


class Code(str):
    def __eq__(self, other):
        return self.lower() == str(other).lower()

    def __hash__(self):
        return hash(self.lower())

    def __call__(self, n):
        return self * n


class Token(str):
    def __init__(self, text):
        self.size = 7

    def longer(self, more):
        return str(self) + more


class Access(enum.IntFlag):
    READ = 1
    WRITE = 2


def count(d):
    d[Key("b")], d[np.str_("c")] = 5, 6
    d[State.CALLS] = d.get(State.CALLS, 0) + 1


def uncount(d):
    del d[State.CALLS]


class Named:
    def __init__(self):
        self.params = {Key("W"): np.ones(2), (1, Key("x")): 2}

    def keep(self):
        return self.params

    def still_named(self):
        return type(next(iter(self.params))) is Key


class Answering(type):
    def __getattr__(cls, name):
        return name


class Saved(metaclass=Answering):
    pass


class Swapped:
    def __init__(self):
        self.w = np.ones(2, np.dtype(float).newbyteorder())

    def double(self):
        self.w *= 2
        return float(self.w.sum())


CACHES = [
    Temperature(1.5), Mode.TRAIN, Key("a"), Temperature(2.5), np.datetime64("2026-01-02"), Saved(), Saved,
    np.arange(3.0).astype(np.dtype(float).newbyteorder()),
]


def save(i):
    return 0, CACHES[i]


def is_saved(i, cache):
    return cache is CACHES[i]


def save_in_set():
    return 0, frozenset({CACHES[5]})


def is_saved_in_set(cache):
    return [member is CACHES[5] for member in cache]


ODD_KEYS = {np.datetime64("2026-01-02"): 1, (np.datetime64("2026-01-02"), State.CALLS): 2, Pair(1, Key("x")): 3}


def odd_keys():
    return ODD_KEYS, frozenset(ODD_KEYS)


def are_odd_keys(d, s):
    return d == ODD_KEYS and s == frozenset(ODD_KEYS)


class UnknownMode(KeyError, ValueError):
    pass


class WrongMode(TypeError, ValueError):
    pass


EPS = 1e-5
SETTINGS = {"learning_rate": 0.1, "layers": [3, 4]}


def withdraw(account, amount):
    account["balance"] -= amount
    if account["balance"] < 0:
        raise ValueError("overdrawn")


def twice(call):
    try:
        return call()
    except KeyError:
        return call()


def in_threads(function, values):
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(function, values))


def slope(loss, x):
    x[0] += 1.0
    up = loss()
    x[0] -= 1.0
    return up - loss()


class Floats(list):
    def append(self, item):
        super().append(float(item))


def row(*values):
    made = Floats()
    for value in values:
        made.append(value)
    return made


def whole_sum(x):
    return np.sum(x, dtype=np.longlong)


class Inert:
    pass


def inert():
    return Inert()


MANY = set(range(150_000))
HUGE = 10**20_000


def many(kind):
    return {n: -n for n in range(150_000)} if kind == "dict" else [*range(1_500_000)]


HUGE_PAIR = (10**20_000, 1)


def call_with(function, *values):
    return function(*values)


def collect(loss, history, params, rows):
    history["loss"] = []
    rows[0] = [1]
    for _ in range(2):
        params["W"] = params["W"] - 0
        history["loss"].append(loss())
        params["W"] -= 1
    rows[0].append(2)
    params["W"] += 1


def arguments_of(function, value):
    try:
        function(value)
    except KeyError as error:
        return list(error.args)


def set_and_ask(x, function):
    x[0] = 3
    try:
        function(10**20_000)
    except ValueError:
        pass


A_LARGE = np.ones((50, 100))
SHAPE, SIZE = A_LARGE.shape, A_LARGE.size
PLACES = np.where(np.ones(3_000))


def train(step, seen, count):
    seen.append(0)
    count["done"] = False
    step()


def slowly(n):
    import time

    time.sleep(0.02)
    return 10 * n


class Bus:
    def __init__(self):
        self.handlers = []

    def on(self, handler):
        self.handlers.append(handler)

    def off(self, handler):
        self.handlers.remove(handler)

    def fire(self, value):
        return [handler(value) for handler in self.handlers]


def logged(function):
    import functools

    @functools.wraps(function)
    def wrapper(*values):
        wrapper.seen.append(function.__name__)
        return function(*values)

    wrapper.seen = []
    return wrapper


def draws_between(seed, ask):
    np.random.seed(seed)
    return [(np.random.rand(), ask())[0] for _ in range(3)]


class Trained:
    def __init__(self):
        self.W = np.zeros(2)

    def train(self, hook):
        for _ in range(3):
            self.W += 1
            hook()


POOL = []


def pooled(function, values):
    from concurrent.futures import ThreadPoolExecutor

    if not POOL:
        POOL.append(ThreadPoolExecutor(2))
    return list(POOL[0].map(function, values))


def leave(code):
    raise SystemExit(code)


def missing_file(name):
    open(name)


def append_to(step, rows, table, names, config):
    rows.append(0)
    step(rows, table, names, config)
    rows[1].append(3)
    rows.append(3)
    table["c"] = len(table)
    names.add("z")
    config["rates"][0] *= 2


def optimize(w, update):
    for _ in range(3):
        update(w, 1.0)


def of_its_own(call):
    values = [1]
    call(values)
    return values


def anything(value):
    return 0


class Vector2:
    def __add__(self, other):
        return self


def stepwise(w, update):
    w = np.full(3, 2.0) if w is None else w
    for _ in range(2):
        w = update(w, 0.5)
    return w


class Settings(dict):
    pass


def visit_all(node, visit):
    visit(node)
    for child in node.get("children", ()):
        visit_all(child, visit)


SIEVE = [True] * 1_100_000
NUMBERED = {number: number for number in range(120_000)}


def deep_copy(value):
    import copy

    return copy.deepcopy(value)


def depth_of(f, levels=0):
    try:
        f(1.0)
        return depth_of(f, levels + 1)
    except Exception:
        return levels > 10
'''
