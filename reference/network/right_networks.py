"""Whole networks that are right and unlike the reference, as text."""

__all__ = ["BRANCHES", "LAYER_OBJECTS", "MASKS", "MIXED", "RECURSIVE"]

BRANCHES = """
class FullyConnectedNet(object):
    def __init__(self, hidden_dims, input_dim=3 * 32 * 32, num_classes=10, dropout=1, normalization=None, reg=0.0,
                 weight_scale=1e-2, dtype=np.float32, seed=None):
        scale = weight_scale
        dims = [input_dim] + hidden_dims + [num_classes]
        self.normalization, self.reg, self.dtype, self.L = normalization, reg, dtype, len(dims) - 1
        self.params = {}
        for k, (m, n) in enumerate(zip(dims, dims[1:])):
            self.params["W" + str(k + 1)] = scale * np.random.randn(m, n)
            self.params["b" + str(k + 1)] = np.zeros(n)
            if normalization and k + 1 < self.L:
                self.params["gamma" + str(k + 1)] = np.ones(n)
                self.params["beta" + str(k + 1)] = np.zeros(n)
        self.use_dropout = dropout < 1
        self.dropout_param = dict(mode="train", p=dropout) if self.use_dropout else {}
        if self.use_dropout and seed is not None:
            self.dropout_param["seed"] = seed
        self.bn_params = [{"mode": "train"} for _ in hidden_dims]
        for key in self.params:
            self.params[key] = self.params[key].astype(dtype)

    def loss(self, X, y=None):
        out = X.astype(self.dtype)
        p = self.params
        self.dropout_param["mode"] = "train" if y is not None else "test"
        for bn_param in self.bn_params:
            bn_param["mode"] = self.dropout_param["mode"]
        affine, norm, relu, drop = {}, {}, {}, {}
        for k in range(1, self.L):
            i = str(k)
            out, affine[i] = affine_forward(out, p["W" + i], p["b" + i])
            if self.normalization == "batchnorm":
                out, norm[i] = batchnorm_forward(out, p["gamma" + i], p["beta" + i], self.bn_params[k - 1])
            elif self.normalization == "layernorm":
                out, norm[i] = layernorm_forward(out, p["gamma" + i], p["beta" + i], self.bn_params[k - 1])
            out, relu[i] = relu_forward(out)
            if self.use_dropout:
                out, drop[i] = dropout_forward(out, self.dropout_param)
        L = str(self.L)
        scores, affine[L] = affine_forward(out, p["W" + L], p["b" + L])
        if y is None:
            return scores
        grads = {}
        loss, dscores = softmax_loss(scores, y)
        dout, grads["W" + L], grads["b" + L] = affine_backward(dscores, affine[L])
        for k in reversed(range(1, self.L)):
            i = str(k)
            if self.use_dropout:
                dout = dropout_backward(dout, drop[i])
            dout = relu_backward(dout, relu[i])
            if self.normalization == "batchnorm":
                dout, grads["gamma" + i], grads["beta" + i] = batchnorm_backward_alt(dout, norm[i])
            elif self.normalization == "layernorm":
                dout, grads["gamma" + i], grads["beta" + i] = layernorm_backward(dout, norm[i])
            dout, grads["W" + i], grads["b" + i] = affine_backward(dout, affine[i])
        for name in grads:
            if name[0] == "W":
                loss = loss + self.reg / 2 * np.sum(p[name] ** 2)
                grads[name] = grads[name] + self.reg * p[name]
        return loss, grads
""".strip("\n")

LAYER_OBJECTS = '''
class Affine:
    def __init__(self, number, rows, columns, scale):
        self.names = f"W{number}", f"b{number}"
        self.first = scale * np.random.randn(rows, columns), np.zeros(columns)

    def forward(self, x, params, training):
        out, self.cache = affine_forward(x, *(params[name] for name in self.names))
        return out

    def backward(self, dout):
        dx, *gradients = affine_backward(dout, self.cache)
        return dx, dict(zip(self.names, gradients))


class Normalization:
    def __init__(self, number, width, kind):
        self.names, self.kind, self.memory = (f"gamma{number}", f"beta{number}"), kind, {}
        self.first = np.ones(width), np.zeros(width)

    def forward(self, x, params, training):
        gamma, beta = (params[name] for name in self.names)
        if self.kind == "batchnorm":
            self.memory["mode"] = "train" if training else "test"
            out, self.cache = batchnorm_forward(x, gamma, beta, self.memory)
        else:
            out, self.cache = layernorm_forward(x, gamma, beta, {})
        return out

    def backward(self, dout):
        back = batchnorm_backward if self.kind == "batchnorm" else layernorm_backward
        dx, *gradients = back(dout, self.cache)
        return dx, dict(zip(self.names, gradients))


class Relu:
    names = first = ()

    def forward(self, x, params, training):
        self.open = x > 0
        return np.where(self.open, x, 0).astype(x.dtype)

    def backward(self, dout):
        return np.where(self.open, dout, 0).astype(dout.dtype), {}


class Dropout:
    names = first = ()

    def __init__(self, settings):
        self.settings = settings

    def forward(self, x, params, training):
        out, self.cache = dropout_forward(x, {**self.settings, "mode": "train" if training else "test"})
        return out

    def backward(self, dout):
        return dropout_backward(dout, self.cache), {}


class FullyConnectedNet:
    """A list of layers; the loss goes through it and back."""

    def __init__(self, hidden_dims, input_dim=3072, num_classes=10, dropout=1, normalization=None, reg=0.0,
                 weight_scale=1e-2, dtype=np.float32, seed=None):
        self.reg, self.dtype, self.layers = reg, dtype, []
        self.dropout_param = {} if dropout == 1 else {"p": dropout} | ({} if seed is None else {"seed": seed})
        for number, width in enumerate(hidden_dims, 1):
            self.layers.append(Affine(number, input_dim, width, weight_scale))
            if normalization:
                self.layers.append(Normalization(number, width, normalization))
            self.layers.append(Relu())
            if dropout != 1:
                self.layers.append(Dropout(self.dropout_param))
            input_dim = width
        self.layers.append(Affine(len(hidden_dims) + 1, input_dim, num_classes, weight_scale))
        self.params = {name: value.astype(dtype) for layer in self.layers for name, value in zip(layer.names, layer.first)}

    @property
    def bn_params(self):
        return [layer.memory for layer in self.layers if isinstance(layer, Normalization)]

    def loss(self, X, y=None):
        signal = X.astype(self.dtype)
        for layer in self.layers:
            signal = layer.forward(signal, self.params, y is not None)
        if y is None:
            return signal
        loss, gradient = softmax_loss(signal, y)
        grads = {}
        for layer in self.layers[::-1]:
            gradient, found = layer.backward(gradient)
            grads.update(found)
        weights = [name for name in self.params if name.startswith("W")]
        for name in weights:
            grads[name] += self.reg * self.params[name]
        return loss + self.reg * sum(0.5 * (self.params[name] ** 2).sum() for name in weights), grads
'''.strip("\n")

MASKS = '''
class FullyConnectedNet:
    """Draws its own dropout masks, another one in each layer, from a generator of its own."""

    def __init__(self, hidden_dims, input_dim=3 * 32 * 32, num_classes=10, dropout=1, normalization=None, reg=0.0,
                 weight_scale=1e-2, dtype=np.float32, seed=None):
        self.kind, self.reg, self.dtype, self.keep, self.seed = normalization, reg, dtype, dropout, seed
        self.generator = np.random.RandomState(seed)
        sizes = np.array([input_dim, *hidden_dims, num_classes])
        self.depth = len(hidden_dims)
        self.params = {}
        for i in range(self.depth + 1):
            self.params[f"W{i + 1}"] = np.array(np.random.randn(*sizes[i : i + 2]) * weight_scale, dtype=dtype)
            self.params[f"b{i + 1}"] = np.full(sizes[i + 1], 0, dtype=dtype)
        for i in range(self.depth if normalization else 0):
            self.params |= {f"gamma{i + 1}": np.ones_like(self.params[f"b{i + 1}"])}
            self.params |= {f"beta{i + 1}": np.zeros_like(self.params[f"b{i + 1}"])}
        self.bn_params = [dict() for _ in hidden_dims]
        self.dropout_param = {"p": dropout, "seed": seed}

    def mask(self, shape, training):
        if not training or self.keep == 1:
            return 1
        return ((self.generator.uniform(size=shape) <= self.keep) / self.keep).astype(self.dtype)

    def hidden(self, i, x, training):
        w, b = self.params[f"W{i}"], self.params[f"b{i}"]
        if self.kind is None:
            a, c = affine_forward(x, w, b)
            h, r = relu_forward(a)
            return h, lambda d: affine_backward(relu_backward(d, r), c)
        gamma, beta, memory = self.params[f"gamma{i}"], self.params[f"beta{i}"], self.bn_params[i - 1]
        if self.kind == "batchnorm":
            memory["mode"] = "train" if training else "test"
            h, c = affine_bn_relu_forward(x, w, b, gamma, beta, memory)
            return h, lambda d: affine_bn_relu_backward(d, c)
        h, c = affine_ln_relu_forward(x, w, b, gamma, beta, memory)
        return h, lambda d: affine_ln_relu_backward(d, c)

    def loss(self, X, y=None):
        if self.seed is not None:
            self.generator = np.random.RandomState(self.seed)
        signal, ways_back = X.astype(self.dtype), []
        for i in range(1, self.depth + 1):
            signal, back = self.hidden(i, signal, y is not None)
            mask = self.mask(signal.shape, y is not None)
            ways_back.append((back, mask))
            signal = signal * mask
        last = self.depth + 1
        scores = signal @ self.params[f"W{last}"] + self.params[f"b{last}"]
        if y is None:
            return scores
        loss, d = softmax_loss(scores, y)
        grads = {f"W{last}": signal.T @ d, f"b{last}": d.sum(axis=0)}
        d = d @ self.params[f"W{last}"].T
        while ways_back:
            back, mask = ways_back.pop()
            i = len(ways_back) + 1
            d, *found = back(d * mask)
            grads.update(zip((f"W{i}", f"b{i}", f"gamma{i}", f"beta{i}"), found))
        for i in range(1, last + 1):
            loss += 0.5 * self.reg * np.square(self.params[f"W{i}"]).sum()
            grads[f"W{i}"] = grads[f"W{i}"] + self.reg * self.params[f"W{i}"]
        return loss, grads
'''.strip("\n")

RECURSIVE = '''
class FullyConnectedNet:
    """Each layer calls the next one, and gets the gradient of its output back."""

    def __init__(self, hidden_dims, input_dim=3 * 32 * 32, num_classes=10, dropout=1, normalization=None, reg=0.0,
                 weight_scale=1e-2, dtype=np.float32, seed=None):
        self.layers = len(hidden_dims) + 1
        self.normalization, self.reg, self.dtype = normalization, reg, dtype
        self.params, self.bn_params = {}, []
        self.dropout_param = {"p": dropout, "mode": "train"}
        if seed is not None:
            self.dropout_param["seed"] = seed
        self._fill([input_dim, *hidden_dims, num_classes], 1, weight_scale)

    def _fill(self, sizes, i, scale):
        rows, columns, *rest = sizes
        self.params[f"W{i}"] = (scale * np.random.randn(rows, columns)).astype(self.dtype)
        self.params[f"b{i}"] = np.zeros((columns,), self.dtype)
        if rest:
            self.bn_params.append({})
            if self.normalization in ("batchnorm", "layernorm"):
                self.params[f"gamma{i}"] = np.ones((columns,), self.dtype)
                self.params[f"beta{i}"] = np.zeros((columns,), self.dtype)
            self._fill(sizes[1:], i + 1, scale)

    def _through(self, x, y, i, grads):
        """Scores without labels; else (loss, gradient of x)."""
        w = self.params[f"W{i}"]
        a, first = affine_forward(x, w, self.params[f"b{i}"])
        if i == self.layers:
            if y is None:
                return a
            loss, da = softmax_loss(a, y)
        else:
            normalized, second = self._normalize(a, i, y is None)
            out, third = relu_forward(normalized)
            self.dropout_param["mode"] = "test" if y is None else "train"
            if self.dropout_param["p"] < 1:
                out, fourth = dropout_forward(out, self.dropout_param)
            below = self._through(out, y, i + 1, grads)
            if y is None:
                return below
            loss, dout = below
            if self.dropout_param["p"] < 1:
                dout = dropout_backward(dout, fourth)
            da = relu_backward(dout, third)
            if self.normalization:
                back = {"batchnorm": batchnorm_backward, "layernorm": layernorm_backward}[self.normalization]
                da, grads[f"gamma{i}"], grads[f"beta{i}"] = back(da, second)
        dx, dw, grads[f"b{i}"] = affine_backward(da, first)
        grads[f"W{i}"] = dw + self.reg * w
        return loss + self.reg * 0.5 * np.sum(w * w), dx

    def _normalize(self, a, i, testing):
        if self.normalization is None:
            return a, None
        gamma, beta, memory = self.params[f"gamma{i}"], self.params[f"beta{i}"], self.bn_params[i - 1]
        if self.normalization == "layernorm":
            return layernorm_forward(a, gamma, beta, memory)
        memory["mode"] = "test" if testing else "train"
        return batchnorm_forward(a, gamma, beta, memory)

    def loss(self, X, y=None):
        grads = {}
        result = self._through(X.astype(self.dtype), y, 1, grads)
        return result if y is None else (result[0], grads)
'''.strip("\n")

MIXED = '''
from abc import ABC, abstractmethod


class Base(ABC):
    """Parameters and the penalty; what a hidden layer does is left to the classes below."""

    def __init__(self, hidden_dims, input_dim=3 * 32 * 32, num_classes=10, dropout=1, normalization=None, reg=0.0,
                 weight_scale=1e-2, dtype=np.float32, seed=None):
        self.hidden_dims, self.normalization, self.reg, self.dtype = list(hidden_dims), normalization, reg, dtype
        self.dropout_param = {"mode": "train", "p": dropout, **({"seed": seed} if seed is not None else {})}
        self.bn_params = [{"mode": "train"} if normalization == "batchnorm" else {} for _ in hidden_dims]
        self.params = dict(self._fresh([input_dim, *hidden_dims, num_classes], weight_scale))

    def _fresh(self, sizes, scale):
        for i in range(1, len(sizes)):
            yield f"W{i}", np.asarray(np.random.randn(sizes[i - 1], sizes[i]) * scale, dtype=self.dtype)
            yield f"b{i}", np.zeros(sizes[i], dtype=self.dtype)
        for i, width in enumerate(self.hidden_dims if self.normalization else [], start=1):
            yield f"gamma{i}", np.ones(width, dtype=self.dtype)
            yield f"beta{i}", np.zeros(width, dtype=self.dtype)

    @abstractmethod
    def step(self, i, x): ...

    @abstractmethod
    def step_back(self, i, dout): ...

    def loss(self, X, y=None):
        self.training = y is not None
        self.caches = {}
        x = X.astype(self.dtype)
        for i, _ in enumerate(self.hidden_dims, start=1):
            x = self.step(i, x)
        last = len(self.hidden_dims) + 1
        scores, cache = affine_forward(x, self.params[f"W{last}"], self.params[f"b{last}"])
        if not self.training:
            return scores
        loss, dscores = softmax_loss(scores, y)
        self.grads = {}
        dout, self.grads[f"W{last}"], self.grads[f"b{last}"] = affine_backward(dscores, cache)
        for i in range(last - 1, 0, -1):
            dout = self.step_back(i, dout)
        penalties = (self.penalize(f"W{i}") for i in range(1, last + 1))
        return loss + sum(penalties), {name: self.grads[name] for name in self.params}

    def penalize(self, name):
        self.grads[name] = self.grads[name] + self.reg * self.params[name]
        return 0.5 * self.reg * float((self.params[name] ** 2).sum())


class WithDropout:
    def step(self, i, x):
        self.dropout_param["mode"] = "train" if self.training else "test"
        out, self.caches["dropout", i] = dropout_forward(super().step(i, x), self.dropout_param)
        return out

    def step_back(self, i, dout):
        return super().step_back(i, dropout_backward(dout, self.caches["dropout", i]))


class Hidden(Base):
    def step(self, i, x):
        own = [self.params.get(f"{name}{i}") for name in ("W", "b", "gamma", "beta")]
        if self.normalization == "batchnorm":
            self.bn_params[i - 1]["mode"] = "train" if self.training else "test"
            out, self.caches[i] = affine_bn_relu_forward(x, *own, self.bn_params[i - 1])
        elif self.normalization == "layernorm":
            out, self.caches[i] = affine_ln_relu_forward(x, *own, self.bn_params[i - 1])
        else:
            a, first = affine_forward(x, *own[:2])
            out, second = relu_forward(a)
            self.caches[i] = first, second
        return out

    def step_back(self, i, dout):
        if self.normalization is None:
            first, second = self.caches[i]
            found = affine_backward(relu_backward(dout, second), first)
        elif self.normalization == "batchnorm":
            found = affine_bn_relu_backward(dout, self.caches[i])
        else:
            found = affine_ln_relu_backward(dout, self.caches[i])
        for name, gradient in zip(("W", "b", "gamma", "beta"), found[1:]):
            self.grads[f"{name}{i}"] = gradient
        return found[0]


class FullyConnectedNet(WithDropout, Hidden):
    pass
'''.strip("\n")
