"""Whole networks in one class that are right and unlike the reference, as text."""

__all__ = ["BRANCHES", "MASKS", "RECURSIVE"]

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
