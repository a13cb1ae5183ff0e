"""Whole networks of several classes that are right and unlike the reference, as text."""

__all__ = ["LAYER_OBJECTS", "MIXED"]

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
        first = [pair for layer in self.layers for pair in zip(layer.names, layer.first)]
        self.params = {name: value.astype(dtype) for name, value in first}

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
