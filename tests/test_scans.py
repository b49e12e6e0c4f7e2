"""Scans as native code and after the passes for loops, against float64 and step by step."""

import numpy as np
import pytest

import kerasnb
from kerasnb import layers, ops
from kerasnb.compile.contract import registers_of
from kerasnb.compile.step import Step

try:
    import llvmlite  # noqa: F401

    MODES = (False, True)
except ImportError:
    MODES = (False,)

needs_llvmlite = pytest.mark.skipif(MODES == (False,), reason="native code needs llvmlite")


class Mixed(layers.Layer):
    """A cell of the user's own, with two states of different sizes and a constant step."""

    state_size = (5, 3)

    def build(self, shape):
        self.a = self.add_weight(shape=(shape[-1] + 5, 8), initializer="glorot_uniform", name="a")
        self.b = self.add_weight(shape=(5,), initializer="ones", name="b")

    def call(self, x, states):
        h, k = states
        z = ops.matmul(ops.concatenate([x, h], -1), self.a)
        h = ops.tanh(z[:, :5] * self.b) + ops.sum(k, -1, keepdims=True) * ops.exp(self.b)
        return h, [h, k * 0.5 + z[:, 5:]]


# name: the layer, for a given dtype, and the shape of its input
LAYERS = {
    "lstm": (lambda **k: layers.LSTM(17, **k), (3, 7, 5)),
    "lstm, one step of one unit": (lambda **k: layers.LSTM(1, **k), (1, 1, 1)),
    "lstm, sequences": (lambda **k: layers.LSTM(33, return_sequences=True, **k), (2, 4, 3)),
    "lstm, all": (
        lambda **k: layers.LSTM(
            16, return_sequences=True, return_state=True, go_backwards=True, **k
        ),
        (7, 3, 2),
    ),
    "lstm, other activations": (
        lambda **k: layers.LSTM(6, activation="relu", recurrent_activation="hard_sigmoid", **k),
        (3, 5, 4),
    ),
    "gru": (lambda **k: layers.GRU(17, **k), (3, 7, 5)),
    "gru, sequences": (lambda **k: layers.GRU(32, return_sequences=True, **k), (4, 6, 8)),
    "gru, reset before": (lambda **k: layers.GRU(9, reset_after=False, **k), (3, 5, 4)),
    "gru, backwards": (lambda **k: layers.GRU(5, go_backwards=True, **k), (2, 9, 3)),
    "simple": (lambda **k: layers.SimpleRNN(33, return_state=True, **k), (3, 7, 5)),
    "own cell": (lambda **k: layers.RNN(Mixed(**k), return_sequences=True, **k), (3, 6, 4)),
}  # fmt: skip


def of_layer(layer, mask=None):
    """A function of the input: a number that depends on all outputs, and all its gradients."""

    def function(x):
        def loss(x):
            outputs = layer(x, mask=mask) if mask is not None else layer(x)
            outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
            return sum(ops.sum(ops.sin(o * (i + 1.0))) for i, o in enumerate(outputs))

        value, gradient = kerasnb.value_and_grad(loss)(x)
        _, gradients = kerasnb.value_and_grad(
            lambda: loss(x), variables=layer.trainable_variables
        )()
        return [value, gradient, *gradients]

    return function


def results(function, native, *arrays):
    step = Step(function, native=native)
    return [t.numpy() for t in step(*arrays)], step


def close(found, expected, scale=1.0):
    """Within what sums of float32 over some steps are off."""
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-4 * scale, atol=2e-5 * scale)


@pytest.mark.parametrize("native", MODES)
@pytest.mark.parametrize("name", LAYERS)
def test_layers_and_their_gradients(name, native):
    make, shape = LAYERS[name]
    kerasnb.utils.set_random_seed(1)
    layer, exact = make(), make(dtype="float64")
    x = np.random.default_rng(2).normal(size=shape)
    layer(x.astype("float32")), exact(x)
    exact.set_weights(layer.get_weights())
    found, step = results(of_layer(layer), native, x.astype("float32"))
    expected = [t.numpy() for t in Step(of_layer(exact), eager=True)(x)]
    close(found, expected)
    if native:
        assert "NumPy   scan" not in step.program().plan.explain()


@pytest.mark.parametrize("native", MODES)
@pytest.mark.parametrize("layer", [layers.LSTM, layers.GRU, layers.SimpleRNN])
def test_masked_steps(layer, native):
    kerasnb.utils.set_random_seed(1)
    layer, x = layer(7, return_sequences=True), np.random.default_rng(2).normal(size=(3, 5, 4))
    x = x.astype("float32")
    mask = np.array([[1, 1, 0, 0, 1], [0, 0, 0, 0, 0], [1, 1, 1, 1, 1]], bool)
    layer(x)
    found, _ = results(of_layer(layer, mask), native, x)
    close(found, [t.numpy() for t in Step(of_layer(layer, mask), eager=True)(x)])


@pytest.mark.parametrize("native", MODES)
def test_states_that_are_kept(native):
    kerasnb.utils.set_random_seed(1)
    layer = layers.LSTM(6, stateful=True)
    x = np.random.default_rng(2).normal(size=(2, 3, 4)).astype("float32")
    layer(x)
    layer.reset_state()
    expected = [layer(x).numpy() for _ in range(3)]
    layer.reset_state()
    step = Step(layer, native=native)
    close([step(x).numpy() for _ in range(3)], expected)


@pytest.mark.parametrize("native", MODES)
def test_dropout_is_the_same_in_each_step(native):
    kerasnb.utils.set_random_seed(1)
    layer = layers.LSTM(6, dropout=0.4, recurrent_dropout=0.3)
    x = np.random.default_rng(2).normal(size=(2, 5, 4)).astype("float32")
    layer(x)
    kept = layer.cell.seed_generator.state.numpy()

    def gradients(x):
        loss = lambda: ops.sum(layer(x, training=True) ** 2)  # noqa: E731
        value, found = kerasnb.value_and_grad(loss, variables=layer.trainable_variables)()
        return [value, *found]

    found, _ = results(gradients, native, x)
    layer.cell.seed_generator.state.assign(kept)
    close(found, [t.numpy() for t in Step(gradients, eager=True)(x)])


class Noisy(layers.Layer):
    """A cell that draws other random numbers in each step, and counts its steps."""

    state_size = 5

    def build(self, shape):
        self.w = self.add_weight(shape=(shape[-1], 5), name="w")
        self.count = self.add_weight(shape=(), initializer="zeros", trainable=False, name="count")
        self.generator = kerasnb.random.SeedGenerator(3)

    def call(self, x, states):
        (h,) = states
        self.count.assign_add(1.0)
        h = kerasnb.random.dropout(ops.tanh(x @ self.w + h), 0.4, seed=self.generator)
        return h + self.count, [h]


@pytest.mark.parametrize("native", MODES)
def test_variables_that_change_from_step_to_step(native):
    kerasnb.utils.set_random_seed(1)
    cell, x = Noisy(), np.random.default_rng(2).normal(size=(2, 5, 4)).astype("float32")
    layer = layers.RNN(cell, return_sequences=True)
    layer(x)
    start = cell.generator.state.numpy()

    def gradients(x):
        weights = layer.trainable_variables
        return [*kerasnb.value_and_grad(lambda: ops.sum(layer(x) ** 2), variables=weights)()[1]]

    def run(**how):
        cell.generator.state.assign(start)
        cell.count.assign(0.0)
        found = [t.numpy() for t in Step(gradients, **how)(x)]
        return [*found, cell.count.numpy(), cell.generator.state.numpy()]

    close(run(native=native), run(eager=True))


W = np.random.default_rng(3).normal(size=(4, 4)).astype("float32") * 0.4
XS = np.random.default_rng(4).normal(size=(6, 3, 4)).astype("float32")
H = np.random.default_rng(5).normal(size=(3, 4)).astype("float32")


def both(x, h, w):
    """A carry and what is stacked, of nested structures."""

    def body(carry, x):
        new = {"h": ops.tanh(carry["h"] @ w + x["a"]), "n": carry["n"] + 1}
        return new, (new["h"] * x["b"], carry["n"])

    init = {"h": h, "n": ops.convert_to_tensor(0)}
    last, (ys, n) = ops.scan(body, init, {"a": x, "b": x * 2.0})
    return [last["h"], last["n"], ys, n]


def swapped(x, h, w):
    """Carries that are each other's, unchanged."""
    (a, b, c), ys = ops.scan(lambda c, x: ((c[1], c[0], c[1]), c[0] + x), (h, h * 2.0, h), x)
    return [a, b, c, ys]


def passed(x, h, w):
    """Outputs that are inputs, several times, and outer tensors."""
    last, ys = ops.scan(lambda c, x: (c + x, (x, x, c, c, w, c + x, c + x)), h, x)
    return [last, *ys]


def counted(x, h, w):
    """No xs at all."""
    last, ys = ops.scan(lambda c, _: (ops.sin(c @ w), c), h, None, length=5)
    return [last, ys]


def backwards(x, h, w):
    last, ys = ops.scan(lambda c, x: (c * 0.5 + x, c), h, x, reverse=True)
    return [last, ys[0], ys[-1], ys]


def once(x, h, w):
    last, ys = ops.scan(lambda c, x: (c @ w + x, c), h, x[:1])
    return [last, ys[0]]


def transposed(x, h, w):
    """Rows that lie apart, and a first carry that is a view of another array."""
    rows = ops.transpose(x, (1, 2, 0))  # (6, 3, 4) -> (3, 4, 6)
    init = ops.broadcast_to(ops.transpose(h)[:, :1], (4, 6))
    last, ys = ops.scan(lambda c, x: (c * x, ops.transpose(c)), init, rows)
    return [last, ys]


def constant(x, h, w):
    """What does not depend on the step."""
    last, ys = ops.scan(lambda c, x: (ops.tanh(c @ ops.exp(w @ w) + x), ops.sum(w * 2.0)), h, x)
    return [last, ys]


def nested(x, h, w):
    def body(c, x):
        inner, ys = ops.scan(lambda d, _: (ops.tanh(d @ w + x), d), c, None, length=3)
        return inner, ops.sum(ys, 0)

    last, ys = ops.scan(body, h, x)
    return [last, ys]


def joined(x, h, w):
    """Parts put together that are made in the step, come from outside, and are views."""

    def body(c, x):
        parts = [ops.tanh(c), x[:, 1:3], c, ops.transpose(w)[:3], c @ w]
        z = ops.concatenate(parts, 1)
        return z[:, 2:6] + z[:, -4:], z

    last, ys = ops.scan(body, h, x)
    return [last, ys]


TABLE = ops.convert_to_tensor(np.arange(12.0, dtype="float32").reshape(3, 4) / 12)


def tabled(x, h, w):
    """Constants from outside, of which each step takes parts."""

    def body(c, x):
        table = ops.cast(TABLE, x.dtype)
        a, b = ops.split(x * table + c, 2, axis=1)
        return ops.concatenate([ops.tanh(a), b * table[:, 1:3]], 1), ops.sum(table) * x

    last, ys = ops.scan(body, h, x)
    return [last, ys]


def totals(x, h, w):
    """Carries that only add up."""

    def body(carry, x):
        c, a, b, d = carry
        y = ops.tanh(c @ w + x)
        new = (y, a + ops.transpose(c) @ y, b + ops.sum(y, 0), -ops.sum(x) + d)
        return new, None if d is None else y

    start = (h, ops.zeros((4, 4)), w[0], ops.sum(h))
    last, ys = ops.scan(body, start, x)
    return [*last, ys]


BODIES = [
    both, swapped, passed, counted, backwards, once, transposed, constant, nested, joined, tabled,
    totals,
]  # fmt: skip


def with_gradients(function):
    def loss(x, h, w):
        floats = [t for t in function(x, h, w) if t.dtype.startswith("float")]
        return sum(ops.sum(ops.cos(t)) for t in floats)

    def run(x, h, w):
        value, found = kerasnb.value_and_grad(loss, argnums=(0, 1, 2))(x, h, w)
        return [*function(x, h, w), value, *found]

    return run


@pytest.mark.parametrize("native", MODES)
@pytest.mark.parametrize("function", BODIES, ids=lambda f: f.__name__)
def test_bodies_and_their_gradients(function, native):
    found, step = results(with_gradients(function), native, XS, H, W)
    expected = Step(with_gradients(function), eager=True)(*(a.astype("f8") for a in (XS, H, W)))
    close(found, [t.numpy() for t in expected])
    if native:
        assert "NumPy   scan" not in step.program().plan.explain()
    step.graph().check()


@pytest.mark.parametrize("native", MODES)
def test_second_derivatives(native):
    def second(x, h, w):
        def loss(x, h, w):
            last, _ = ops.scan(lambda c, x: (ops.tanh(c @ w + x), c), h, x)
            return ops.sum(last * last)

        def slope(x, h, w):
            return sum(ops.sum(ops.sin(g)) for g in kerasnb.grad(loss, argnums=(0, 1, 2))(x, h, w))

        return list(kerasnb.grad(slope, argnums=(0, 1, 2))(x, h, w))

    found, _ = results(second, native, XS, H, W)
    expected = Step(second, eager=True)(*(a.astype("f8") for a in (XS, H, W)))
    close(found, [t.numpy() for t in expected], scale=5)  # two sums within each other


def drawn(seed):
    """A loop with a body drawn by chance, of ops that are fused, moved, joined or left."""
    rng = np.random.default_rng(seed)
    lines = rng.integers(0, 1 << 30, (int(rng.integers(3, 14)), 3)).tolist()
    picks = rng.integers(0, 1 << 30, 8).tolist()
    reverse, count = bool(rng.integers(2)), 1 + picks[0] % 2

    def run(x, h, w):
        made = [
            lambda a, b: a + b,
            lambda a, b: a * b * 0.5,
            lambda a, b: ops.tanh(a),
            lambda a, b: ops.sigmoid(a - b),
            lambda a, b: a @ w,
            lambda a, b: ops.concatenate([a[:, :2], ops.tanh(b)[:, 2:]], 1),
            lambda a, b: ops.concatenate([b[:, 1:], a[:, :1] * b[:, 3:]], 1),
            lambda a, b: a - ops.mean(b, axis=-1, keepdims=True),
            lambda a, b: ops.transpose(ops.transpose(b) * 0.5) + ops.sum(a, 0) * 0.1,
            lambda a, b: ops.exp(-a * a) @ ops.exp(-w * w) * 0.2,
        ]

        def body(carry, x):
            pool = [*carry, x, x * w[0]]
            for line, a, b in lines:
                pool.append(made[line % len(made)](pool[a % len(pool)], pool[b % len(pool)]))
            given = [pool[p % len(pool)] for p in picks[: count + picks[5] % 4]]
            return tuple(ops.tanh(t) for t in given[:count]), tuple(given[count:])

        init = tuple(h * (i + 1.0) for i in range(count))
        last, ys = ops.scan(body, init, x, reverse=reverse)
        return [*last, *ys]

    return run


@pytest.mark.parametrize("seed", range(16))
def test_bodies_drawn_by_chance(seed):
    function = with_gradients(drawn(seed))
    expected = Step(function, eager=True)(*(a.astype("f8") for a in (XS, H, W)))
    for native in MODES:
        found, _ = results(function, native, XS, H, W)
        for a, b in zip(found, expected, strict=True):
            assert np.abs(a - b.numpy()).max() < 1e-3 * max(1, np.abs(b.numpy()).max())


def scans(graph):
    return [node for node in graph.nodes if node.op.name == "scan"]


def names(graph):
    return [node.op.name for node in graph.nodes]


@pytest.mark.parametrize("layer", [layers.LSTM, layers.GRU])
def test_a_gradient_reads_what_was_computed(layer):
    layer, x = layer(8), np.ones((2, 5, 3), "float32")
    layer(x)

    def gradients(x):
        loss = lambda: ops.sum(layer(x))  # noqa: E731
        return kerasnb.value_and_grad(loss, variables=layer.trainable_variables)()[1]

    step = Step(gradients)
    step(x)
    forward, backward = scans(step.graph())
    assert names(backward.attrs["body"]).count("dot_general") == 1
    assert not {"tanh", "logistic", "pad"} & set(names(backward.attrs["body"]))
    # the gradients of the weights are no carries
    assert backward.attrs["carries"] == forward.attrs["carries"]
    assert all(t.shape[1:] != (3, 8) for t in backward.outputs)


def test_products_without_a_carry_are_done_at_once():
    """What a cell makes of its input, and the gradient of that input."""

    def gradients(x, h, w):
        def loss(x, h, w):
            def body(c, x):
                other = ops.transpose(ops.transpose(w[2:]) @ ops.transpose(x))
                c = ops.tanh(x @ w[:2] + other + c @ w)
                return c, c @ (w * 0.5)

            last, ys = ops.scan(body, h, x)
            return ops.sum(last) + ops.sum(ys * ys)

        value, found = kerasnb.value_and_grad(loss, argnums=(0, 1, 2))(x, h, w)
        return [value, *found]

    step = Step(gradients)
    found = step(XS[:, :, :2], H, W)
    expected = Step(gradients, eager=True)(*(a.astype("f8") for a in (XS[:, :, :2], H, W)))
    close([t.numpy() for t in found], [t.numpy() for t in expected])
    assert [names(n.attrs["body"]).count("dot_general") for n in scans(step.graph())] == [1, 1]


def test_nothing_is_kept_that_nobody_reads():
    layer, x = layers.LSTM(8), np.ones((2, 5, 3), "float32")
    layer(x)
    step = Step(layer)
    step(x)
    (node,) = scans(step.graph())
    assert len(node.outputs) == 2


@needs_llvmlite
@pytest.mark.parametrize("columns", [32, 48, 96, 17])
@pytest.mark.parametrize("transposed", [False, True])
def test_products_with_packed_matrices(columns, transposed):
    """Summed over two axes, some of them apart, with a matrix that is a part of another."""
    rng = np.random.default_rng(6)
    big = rng.normal(size=(columns, 7, 9) if transposed else (7, 9, columns)).astype("float32")
    x = rng.normal(size=(5, 3, columns)).astype("float32")
    h = rng.normal(size=(3, columns)).astype("float32")
    back = rng.normal(size=(columns, 35)).astype("float32") * 0.1

    def function(x, h, big, back):
        w = ops.transpose(big, (1, 2, 0)) if transposed else big
        w = w[:, 2:7] * 1.0 if columns == 96 else w[:, 2:7]  # (7, 5, columns)

        def body(c, x):
            a = ops.reshape(ops.tanh(c @ back), (3, 7, 5))
            c = ops.tensordot(a, w, axes=((1, 2), (0, 1))) + x
            return c, a

        last, ys = ops.scan(body, h, x)
        return [last, ys]

    found, step = results(function, True, x, h, big, back)
    expected = Step(function, eager=True)(*(a.astype("f8") for a in (x, h, big, back)))
    close(found, [t.numpy() for t in expected])
    explained = step.program().plan.explain()
    lanes = registers_of().lanes
    one = columns in (lanes, 2 * lanes) and not transposed  # panel, which lies as it should
    plain = columns % lanes > 0 or one
    assert ("pack 35x" in explained) != plain


@needs_llvmlite
def test_a_body_without_kernels_says_why():
    def sorting(x):
        return ops.scan(lambda c, x: (ops.sort(c + x), c), x[0], x)[1]

    step = Step(sorting, native=True)
    expected = Step(sorting)(XS).numpy()
    np.testing.assert_array_equal(step(XS).numpy(), expected)
    assert "NumPy   scan: its body has " in step.program().plan.explain()


@needs_llvmlite
def test_infinities_and_nan_go_through():
    x = XS.copy()
    x[2, 0, 0], x[3, 1, 1] = np.nan, np.inf
    found, _ = results(backwards, True, x, H, W)
    expected, _ = results(backwards, False, x, H, W)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)
