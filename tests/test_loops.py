"""Loops, choices, and gradients of one's own: eager, traced, compiled, and their errors."""

import numpy as np
import pytest

import kerasnb
from kerasnb import GradientTape, grad, ops, value_and_grad
from kerasnb.errors import ArgumentError, GraphError, ShapeError, UnknownDimension
from kerasnb.graph import Graph, inner_level
from kerasnb.interpret import function_of
from kerasnb.ops.control import LoopScope
from kerasnb.tensor import as_tensor, placeholder
from kerasnb.variable import current_scope


def traced(function, *arrays):
    """The results of `function` through a graph."""
    arrays = [np.asarray(a) for a in arrays]
    with inner_level():
        symbols = [placeholder(as_tensor(a).spec) for a in arrays]
        made = function(*symbols)
        made = list(made) if isinstance(made, (list, tuple)) else [made]
    graph = Graph(symbols, made)
    graph.check()
    return [np.asarray(r) for r in function_of(graph, np)(*arrays)]


def both(function, *arrays):
    """The results, which are the same eager and traced."""
    eager = function(*map(as_tensor, arrays))
    eager = list(eager) if isinstance(eager, (list, tuple)) else [eager]
    for a, b in zip(eager, traced(function, *arrays), strict=True):
        np.testing.assert_allclose(a.numpy(), b, rtol=1e-6)
    return [t.numpy().tolist() for t in eager]


# Choices


@pytest.mark.parametrize(("pred", "expected"), [(True, [2.0, 4.0]), (False, [0.0, 1.0])])
def test_cond(pred, expected):
    x = np.float32([1.0, 2.0])
    chosen = both(lambda p, x: ops.cond(p, lambda: x * 2.0, lambda: x - 1.0), np.array(pred), x)
    assert chosen == [expected]


def test_cond_runs_one_function_on_data():
    ran = []
    ops.cond(True, lambda: ran.append("yes"), lambda: ran.append("no"))
    assert ran == ["yes"]


@pytest.mark.parametrize(("index", "expected"), [(-3, 6.0), (0, 6.0), (1, 9.0), (2, 2.0), (7, 2.0)])
def test_switch(index, expected):
    branches = [lambda x: x * 2.0, lambda x: x * x, lambda x: x - 1.0]
    assert both(lambda i, x: ops.switch(i, branches, x), np.int32(index), np.float32(3.0)) == [
        expected
    ]


def test_the_gradient_of_a_choice_is_that_of_the_chosen():
    def f(p, x):
        return grad(lambda x: ops.cond(p, lambda: x * x, lambda: 3.0 * x))(x)

    assert both(f, np.array(True), np.float32(5.0)) == [10.0]
    assert both(f, np.array(False), np.float32(5.0)) == [3.0]


def test_a_branch_assigns_a_variable_only_where_it_is_chosen():
    counter = kerasnb.Variable(1.0, trainable=False)

    def run(pred):
        scope = LoopScope(current_scope(), {})
        with scope.active():
            ops.cond(pred, lambda: counter.assign(counter + 4.0), lambda: counter.value)
            return counter.value

    assert traced(run, True)[0] == 5.0
    assert traced(run, False)[0] == 1.0
    assert float(counter.value) == 1.0


def test_branches_that_do_not_fit():
    with inner_level():
        p = placeholder(as_tensor(True).spec)
        with pytest.raises(ShapeError) as error:
            ops.cond(p, lambda: ops.ones((2,)), lambda: ops.ones((3,)))
        assert str(error.value) == (
            "switch: the branches must give one shape and dtype, got f32[2], f32[3]."
        )
        with pytest.raises(ArgumentError) as error:
            ops.cond(p, lambda: (1.0, 2.0), lambda: 1.0)
        assert str(error.value) == "switch: the branches must give results of one structure."
    with pytest.raises(ArgumentError) as error:
        ops.switch(0, [])
    assert str(error.value) == "switch: expected at least one branch, got none."


# Loops


def test_while_loop():
    def collatz(n):
        return ops.while_loop(
            lambda n, steps: n > 1,
            lambda n, steps: (ops.where(n % 2 == 0, n // 2, 3 * n + 1), steps + 1),
            (n, as_tensor(0)),
        )

    assert both(collatz, np.int32(6)) == [1, 8]


def test_while_loop_of_one_value_reads_what_is_outside():
    def doubled(x, limit):
        return ops.while_loop(lambda x: ops.all(x < limit), lambda x: x * 2.0, x)

    assert both(doubled, np.float32([1.0, 3.0]), np.float32(20.0)) == [[8.0, 24.0]]


@pytest.mark.parametrize(("most", "expected"), [(0, 1.0), (3, 8.0), (99, 32.0)])
def test_while_loop_stops(most, expected):
    def run(x):
        return ops.while_loop(lambda x: x < 30.0, lambda x: [x * 2.0], [x], most)

    assert both(run, np.float32(1.0)) == [expected]


def test_while_loop_assigns_variables():
    total = kerasnb.Variable(0.0, trainable=False)

    def body(i):
        total.assign(total + ops.cast(i, "float32"))
        return (i + 1,)

    def run(n):
        scope = LoopScope(current_scope(), {})
        with scope.active():
            ops.while_loop(lambda i: i < n, body, (as_tensor(0),))
            return total.value

    assert traced(run, np.int32(5))[0] == 10.0


def test_while_loop_has_no_gradient_on_symbols():
    with inner_level():
        x = placeholder(as_tensor(np.float32(1.0)).spec)
        with GradientTape() as tape:
            y = ops.while_loop(lambda x: x < 30.0, lambda x: (x * 2.0,), (x,))[0]
        with pytest.raises(GraphError) as error:
            tape.gradient(y, x)
    assert str(error.value) == (
        "while_loop has no gradient on symbolic tensors: how many steps there will be is not "
        "known. Use ops.fori_loop or ops.scan."
    )
    doubled = grad(lambda x: ops.while_loop(lambda x: x < 30.0, lambda x: x * 2.0, x))
    assert float(doubled(1.0)) == 32.0  # on data there is one


def test_what_a_loop_carries_must_stay_as_it_is():
    with inner_level():
        x = placeholder(as_tensor(np.float32([1.0, 2.0])).spec)
        with pytest.raises(ShapeError) as error:
            ops.while_loop(lambda x: True, lambda x: (x[:1],), (x,))
    assert str(error.value) == (
        "while_loop: a variable starts as f32[2] and becomes f32[1]; the body must keep its shape "
        "and dtype."
    )
    with pytest.raises(ArgumentError) as error:
        ops.while_loop(lambda x: True, lambda x: (x, x), (1.0,))
    assert str(error.value) == "while_loop: the body must give a structure like its arguments."


def test_fori_loop():
    def power(x):
        return ops.fori_loop(0, 4, lambda i, y: y * x, ops.ones_like(x))

    assert both(power, np.float32([2.0, 3.0])) == [[16.0, 81.0]]
    assert both(lambda x: grad(power)(x), np.float32(2.0)) == [32.0]
    assert both(
        lambda n, x: ops.fori_loop(0, n, lambda i, y: y + i, x), np.int32(4), np.int32(1)
    ) == [7]
    assert float(ops.fori_loop(3, 3, lambda i, x: x * 2, 5.0)) == 5.0


def test_map():
    x = np.arange(6, dtype="float32").reshape(3, 2)
    assert both(lambda x: ops.map(lambda row: ops.sum(row * row), x), x) == [[1.0, 13.0, 41.0]]
    assert both(lambda x: ops.vectorized_map(lambda xs: xs[0] - xs[1], (x, x * 2.0)), x) == [
        (-x).tolist()
    ]


def test_vectorize():
    inner = ops.vectorize(lambda a, b: ops.sum(a * b), signature="(n),(n)->()")
    a, b = np.arange(6, dtype="float32").reshape(2, 3), np.float32([1.0, 0.0, 2.0])
    assert both(inner, a, b) == [[4.0, 13.0]]
    scaled = ops.vectorize(lambda x, k: x * k, excluded={1})
    assert both(lambda x: scaled(x, 3.0), a) == [(a * 3.0).tolist()]
    with pytest.raises(ArgumentError) as error:
        ops.vectorize(lambda x: x, signature="n->n")(a)
    assert str(error.value) == "vectorize: 'n->n' cannot be read; expected '(n),(n)->()'."
    with pytest.raises(ArgumentError) as error:
        inner(a)
    assert str(error.value) == "vectorize: '(n),(n)->()' names 2 arguments, got 1."


def test_associative_scan_of_a_structure():
    def affine(a, b):  # y = m x + c, one after the other
        return a[0] * b[0], a[1] * b[0] + b[1]

    m, c = np.float32([2.0, 3.0, 1.0, 2.0, 1.0]), np.float32([1.0, 0.0, 5.0, 1.0, 1.0])
    slopes, offsets = both(lambda m, c: ops.associative_scan(affine, (m, c)), m, c)
    y, expected = 0.0, []
    for slope, offset in zip(m, c, strict=True):
        y = y * slope + offset
        expected.append(float(y))
    assert offsets == expected
    assert slopes == np.cumprod(m).tolist()


def test_associative_scan_needs_one_length():
    with pytest.raises(ShapeError) as error:
        ops.associative_scan(ops.add, (ops.ones(2), ops.ones(3)))
    assert str(error.value) == "associative_scan: expected one length along axis 0, got [2, 3]."
    with pytest.raises(ArgumentError) as error:
        ops.associative_scan(3, ops.ones(2))
    assert str(error.value) == "associative_scan: expected a function, got int."
    with pytest.raises(UnknownDimension) as error:
        ops.cumprod(kerasnb.Input((2,)), 0)
    assert str(error.value) == "associative_scan: the length of axis 0 is not known yet."


# Gradients of one's own


def test_custom_gradient():
    @ops.custom_gradient
    def clipped(x):
        return x * 1.0, lambda g: ops.clip(g, -1.0, 1.0)

    assert both(lambda x: grad(lambda x: clipped(x) * 5.0)(x), np.float32(2.0)) == [1.0]

    @ops.custom_gradient
    def pair(x, y):
        return (x + y, x * y), lambda a, b: (a + b * y, a + b * x)

    def f(x, y):
        one, two = pair(x, y)
        return one * 10.0 + two

    _, (gx, gy) = value_and_grad(f, (0, 1))(2.0, 3.0)
    assert (float(gx), float(gy)) == (13.0, 12.0)


def test_custom_gradient_as_keras_writes_it():
    @ops.custom_gradient
    def log1pexp(x):
        e = ops.exp(x)

        def grad(*args, upstream=None):
            if upstream is None:
                (upstream,) = args
            return ops.multiply(upstream, 1.0 - 1.0 / ops.add(1, e))

        return ops.log(1 + e), grad

    assert float(grad(log1pexp)(100.0 - 50.0)) == 1.0
    assert float(grad(grad(log1pexp))(0.0)) == 0.25


def test_custom_gradient_gives_one_for_each_argument():
    f = ops.custom_gradient(lambda x, y: (x * y, lambda g: g))
    with pytest.raises(ArgumentError) as error:
        value_and_grad(f, (0, 1))(1.0, 2.0)
    assert str(error.value) == (
        "custom_gradient: expected a gradient for each of 2 arguments, got 1."
    )


def test_jvp():
    def f(x, y):
        return ops.sum(x * x) * y, x + 1.0

    x, y = np.float32([1.0, 2.0]), np.float32(3.0)
    (value, _), (moved, other_moved) = ops.jvp(f, (x, y), (np.float32([1.0, 0.5]), np.float32(2.0)))
    assert float(value) == 15.0
    assert float(moved) == (2 * 1.0 + 2 * 2 * 0.5) * 3.0 + 5.0 * 2.0
    assert other_moved.numpy().tolist() == [1.0, 0.5]
    *_, aux = ops.jvp(lambda x: (x * 2.0, "more"), (x,), (x,), has_aux=True)
    assert aux == "more"
    assert both(lambda x: ops.jvp(ops.tanh, (x,), (ops.ones_like(x),))[1], x)[0] == pytest.approx(
        (1 - np.tanh(x) ** 2).tolist(), rel=1e-6
    )
    with pytest.raises(ShapeError) as error:
        ops.jvp(ops.tanh, (x,), (y,))
    assert str(error.value) == "jvp: expected tangents of the shapes [(2,)], got [()]."


# In a compiled step


class Mixed(kerasnb.Layer):
    """Makes use of ops without native code: a loop, a transform, a decomposition, a choice."""

    def call(self, x):
        real, _ = ops.fft((x, ops.zeros_like(x)))
        x = (
            ops.while_loop(
                lambda x: ops.max(x) > 100.0, lambda x: (x * 0.5,), (ops.stop_gradient(x),)
            )[0]
            + real
        )
        x = ops.cond(ops.sum(x) > 0.0, lambda: x * 2.0, lambda: x)
        gram = ops.matmul(ops.transpose(x), x) + 10.0 * ops.eye(x.shape[-1])
        return x + ops.sum(ops.logdet(gram)) + ops.quantile(x, 0.5)


def test_a_model_of_such_ops_trains():
    def trained(eagerly):
        kerasnb.utils.set_random_seed(3)
        model = kerasnb.Sequential([kerasnb.layers.Dense(4), Mixed(), kerasnb.layers.Dense(1)])
        model.compile("sgd", "mse", run_eagerly=eagerly)
        x = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
        options = {"epochs": 2, "batch_size": 8, "verbose": 0, "shuffle": False}
        history = model.fit(x, x[:, :1] * 0.01, **options)
        return history.history["loss"], model.predict(x, verbose=0)

    (losses, outputs), (eager_losses, eager_outputs) = trained(False), trained(True)
    assert losses == pytest.approx(eager_losses, rel=1e-4)
    # gradients of a determinant lose some digits of float32
    np.testing.assert_allclose(outputs, eager_outputs, rtol=1e-3, atol=1e-5)
