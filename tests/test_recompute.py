"""What later kernels compute again instead of reading it, against the reference."""

import numpy as np
import pytest

pytest.importorskip("llvmlite", reason="native code needs llvmlite: pip install llvmlite")

from kerasnb import ops
from kerasnb.autodiff import grad
from kerasnb.compile import recompute
from kerasnb.compile.fusion import Group, groups_of
from kerasnb.compile.native import NativePlan
from kerasnb.compile.passes import share_common
from kerasnb.compile.rows import refusal
from kerasnb.compile.views import Call, Layout, View
from kerasnb.graph import Graph
from kerasnb.interpret import function_of
from kerasnb.spec import TensorSpec
from kerasnb.tensor import placeholder


@pytest.fixture(autouse=True)
def of_any_size(monkeypatch):
    monkeypatch.setattr(recompute, "LEAST", 0)


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def graph_of(build, *arrays):
    given = [placeholder(TensorSpec(a.shape, str(a.dtype)), f"x{i}") for i, a in enumerate(arrays)]
    return share_common(Graph(given, build(*given)))


def check(build, *arrays, tolerance=1e-5):
    graph = graph_of(build, *arrays)
    plan = NativePlan(graph)
    assert "NumPy" not in plan.explain()
    with np.errstate(all="ignore"):
        expected = function_of(graph, np)(*arrays)
    for result, value in zip(plan(list(arrays)), expected, strict=True):
        np.testing.assert_allclose(result, value, rtol=tolerance, atol=tolerance)
    return plan


def again_in(build, *arrays):
    """How many nodes are computed again."""
    graph = graph_of(build, *arrays)
    layout = Layout(graph)
    units = groups_of(layout, lambda node: refusal(node) is None)
    recompute.recompute(units, layout, {id(layout[t].root) for t in graph.outputs})
    return sum(len(unit.again) for unit in units if isinstance(unit, Group))


def written(plan, shape):
    """How many tensors of a shape lie in memory, inputs and outputs among them."""
    views = [o for c in plan.steps if isinstance(c, Call) for o in c.operands if type(o) is View]
    return len({id(view.root) for view in views if view.root.shape == shape})


def barrier(x):
    """Something that no kernel goes past."""
    return ops.cumsum(x, 0)


def normalized(x, w, g):
    """An output of a normalization with relu, and the gradients of what goes in."""

    def loss(x, w):
        mean, variance = ops.moments(x, 0, keepdims=True)
        return ops.sum(barrier(ops.relu((x - mean) * ops.rsqrt(variance + 0.1) * w)) * g)

    return grad(loss, (0, 1))(x, w)


@pytest.mark.parametrize("rows", [33, 2050])
def test_a_normalization_keeps_only_its_input(rows, monkeypatch):
    arrays = normal(rows, 17), normal(17, seed=1), normal(rows, 17, seed=2)
    plan = check(normalized, *arrays, tolerance=1e-4)
    # x, g, ones, the product of these, the gradient after relu, and that of x
    assert written(plan, (rows, 17)) == 6
    monkeypatch.setattr(recompute, "LEAST", 1 << 30)
    assert written(check(normalized, *arrays, tolerance=1e-4), (rows, 17)) > 6


def test_a_dropout_mask_is_kept_as_bytes():
    def build(state, x, w):
        mask = ops.cast(ops.random_bits(state, x.shape) >= 1 << 30, "float32") * 1.25
        return [ops.matmul(ops.matmul(x * mask, w) * mask, w)]

    arrays = np.array([3, 4], "uint32"), normal(33, 65), normal(65, 65, seed=1)
    plan = check(build, *arrays, tolerance=1e-4)
    views = [o for c in plan.steps for o in c.operands if type(o) is View]
    assert {v.root.dtype for v in views if v.root.shape == (33, 65)} == {"float32", "bool"}


def test_what_a_library_kernel_reads_is_written_once():
    def build(x):
        y = ops.exp(x) + 1.0
        z = y * 2.0
        return [barrier(z) * barrier(z + 1.0) + z]

    check(build, normal(17, 33))


def test_nothing_slow_is_computed_again():
    def build(x):
        y = ops.tanh(x)
        return [barrier(y * y) + y]

    assert again_in(build, normal(17, 33)) == 0


def test_small_tensors_are_left_alone(monkeypatch):
    def build(x):
        y = x + 1.0
        return [barrier(y * y) + y]

    assert again_in(build, normal(17, 33)) == 1
    monkeypatch.setattr(recompute, "LEAST", 17 * 33 * 4 + 1)
    assert again_in(build, normal(17, 33)) == 0


def test_other_orders_are_read_from_memory():
    def build(x):
        y = x + 1.0
        return [barrier(y * y) + ops.transpose(y), barrier(y) * 2.0 + y]

    check(build, normal(17, 17))


def random_graph(rng):
    steps = [(rng.integers(0, 10), rng.integers(0, 1 << 16, 3)) for _ in range(rng.integers(8, 26))]
    wanted = rng.integers(1, 1 << 16, 3)

    def build(*given):
        made = list(given)
        for kind, choice in steps:
            x, y = (made[c % len(made)] for c in choice[:2])
            if kind <= 1:
                made.append(x * 0.5 + y)
            elif kind == 2:
                made.append(ops.relu(x) - y)
            elif kind == 3:
                made.append(ops.where(x > 0.1, y, x - 1.0))
            elif kind == 4:
                made.append(x - ops.mean(x, 0, keepdims=True))
            elif kind == 5:
                made.append(ops.tanh(x) + ops.sum(y * 0.1, 1, keepdims=True))
            elif kind == 6:
                made.append(x - ops.max(y, -1, keepdims=True))
            elif kind == 7:
                made.append(ops.tanh(barrier(x * 0.1)))
            elif kind == 8:
                made.append(x * ops.mean(y, (0, 1)))
            else:
                made.append(ops.reshape(ops.transpose(x), x.shape) * 0.5)
        return [made[-1 - i % len(made)] for i in wanted]

    return build


@pytest.mark.parametrize("seed", range(150))
def test_random_graphs(seed):
    rng = np.random.default_rng(seed)
    rows, columns = (int(rng.choice((1, 2, 7, 17, 33))) for _ in range(2))
    check(random_graph(rng), normal(rows, columns), normal(rows, columns, seed=1), tolerance=1e-4)
