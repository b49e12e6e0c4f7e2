"""What takes the memory of what it is made of, against the reference."""

import numpy as np
import pytest

pytest.importorskip("llvmlite", reason="native code needs llvmlite: pip install llvmlite")

from kerasnb import ops
from kerasnb.compile.native import NativePlan
from kerasnb.compile.views import Call, View
from kerasnb.graph import Graph
from kerasnb.interpret import function_of
from kerasnb.spec import TensorSpec
from kerasnb.tensor import placeholder

SHAPES = [(7, 17), (33, 33), (401, 401)]  # the last in several pieces


def barrier(x):
    """Something that no kernel goes past, and that does not write over what it reads."""
    return ops.cumsum(x, 0)


def check(build, *arrays):
    """Compare with the reference; gives how many tensors take the memory of another."""
    given = [placeholder(TensorSpec(a.shape, str(a.dtype)), f"x{i}") for i, a in enumerate(arrays)]
    graph = Graph(given, build(*given))
    plan = NativePlan(graph)
    expected = function_of(graph, np)(*arrays)
    for _ in range(2):
        for result, value in zip(plan(list(arrays)), expected, strict=True):
            np.testing.assert_allclose(result, value, rtol=1e-4, atol=1e-4)
    return sum(_is_over(plan, step) for step in plan.steps)


def _is_over(plan, step):
    """How many results of a kernel begin where something that it reads does."""
    assert isinstance(step, Call)
    offsets = plan._place._offsets
    roots = {id(o.root) for o in step.operands if type(o) is View} & offsets.keys()
    return len(roots) - len({offsets[key] for key in roots})


def normal(shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32") * 0.1


@pytest.mark.parametrize("shape", SHAPES)
def test_a_result_takes_the_memory_of_what_ends_there(shape):
    assert check(lambda x: [barrier(ops.exp(barrier(x)))], normal(shape)) == 1
    # and so on
    assert check(lambda x: [barrier(ops.tanh(barrier(ops.tanh(barrier(x)))))], normal(shape)) == 2


@pytest.mark.parametrize("shape", SHAPES)
def test_sums_over_rows_come_along(shape):
    def build(x):
        y = ops.relu(barrier(x))
        return [barrier(y), ops.sum(y, 0)]

    assert check(build, normal(shape)) == 1


@pytest.mark.parametrize("shape", SHAPES)
def test_what_is_read_later_stays(shape):
    def build(x):
        y = barrier(x)
        return [barrier(barrier(ops.exp(y))) + y]

    assert check(build, normal(shape)) == 0


@pytest.mark.parametrize("shape", [(17, 17), (401, 401)])
@pytest.mark.parametrize("turn", [ops.transpose, lambda x: ops.flip(x, 0)])
def test_what_is_read_in_another_order_stays(shape, turn):
    def build(x):
        y = barrier(x)
        return [barrier(y + turn(y)), barrier(ops.exp(turn(barrier(x * 2.0))))]

    assert check(build, normal(shape)) == 0


@pytest.mark.parametrize("shape", SHAPES)
def test_what_is_read_after_a_result_is_written_stays(shape):
    def build(x):
        y = barrier(x)
        first = ops.exp(y)
        second = ops.tanh(first) * y
        return [barrier(first), barrier(second)]

    assert check(build, normal(shape)) == 1  # the second


@pytest.mark.parametrize("shape", SHAPES)
def test_rows_that_are_walked_over_twice_stay(shape):
    def build(x):
        y = barrier(x)
        return [barrier(ops.exp(y)), barrier(y - ops.mean(y, 1, keepdims=True))]

    assert check(build, normal(shape)) == 0


@pytest.mark.parametrize("shape", SHAPES)
def test_other_sizes_stay(shape):
    def build(x):
        wide = ops.cast(barrier(x), "float64")
        return [barrier(wide), barrier(ops.sum(barrier(x * 2.0), 1))]

    assert check(build, normal(shape)) == 0


def test_the_arena_is_smaller_for_it():
    x = normal((401, 401))
    given = placeholder(TensorSpec(x.shape, "float32"), "x")
    plan = NativePlan(Graph([given], [barrier(ops.exp(barrier(given)))]))
    assert x.nbytes <= plan._place.arena.nbytes < 1.1 * x.nbytes
