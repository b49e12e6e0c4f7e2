"""Variances as native kernels, against float64."""

import numpy as np
import pytest

pytest.importorskip("llvmlite", reason="native code needs llvmlite: pip install llvmlite")

from kerasnb import ops
from kerasnb.autodiff import grad
from kerasnb.compile.native import NativePlan
from kerasnb.compile.variance import CACHED, VARIANCE, without_variance
from kerasnb.graph import Graph
from kerasnb.spec import TensorSpec
from kerasnb.tensor import placeholder

LARGE = [
    ((64, 33, 33, 5), (0, 1, 2)),  # of channels
    ((1041, 65), (0,)),
    ((9, 9001), (1,)),  # of rows that are too long to be kept
    ((70007,), (0,)),
    ((7, 101, 17, 7), (0, 1, 2, 3)),
    ((7, 101, 17, 7), (1, 2)),  # in a kernel after another
    ((641, 129), (1,)),  # of rows
]
SMALL = [((33, 7), (0,)), ((7, 17), (1,)), ((17, 1), (1,)), ((1, 33), (0,)), ((5,), (0,))]


def graph_of(build, *arrays):
    given = [placeholder(TensorSpec(a.shape, str(a.dtype)), f"x{i}") for i, a in enumerate(arrays)]
    return Graph(given, build(*given))


def moments(x, axes):
    graph = graph_of(lambda t: ops.moments(t, axes), x)
    plan = NativePlan(graph)
    assert "NumPy" not in plan.explain()
    return plan([x])


def check(x, axes, tolerance=1e-5):
    mean, variance = moments(x, axes)
    wide = x.astype(float)
    np.testing.assert_allclose(mean, wide.mean(axes), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(variance, wide.var(axes), rtol=tolerance, atol=1e-12)


@pytest.mark.parametrize(("shape", "axes"), LARGE + SMALL)
@pytest.mark.parametrize("middle", [0.0, 1000.0])
def test_variance_is_exact_wherever_the_mean_is(shape, axes, middle):
    x = np.random.default_rng(1).normal(middle, 1, shape).astype("float32")
    check(x, axes)


@pytest.mark.parametrize(("shape", "axes"), [case for case in LARGE if np.prod(case[0]) > CACHED])
def test_a_part_with_another_mean_does_not_spoil_it(shape, axes):
    x = np.random.default_rng(2).normal(1000, 1, shape).astype("float32")
    longest = max(axes, key=lambda a: shape[a])
    part = [slice(None)] * len(shape)
    part[longest] = slice(0, -(-shape[longest] // 32))
    x[tuple(part)] = 0.0  # what the shift is taken from
    check(x, axes, 3e-5)  # some 32 roundings of 6e-8, and those of the sums


def test_constants_have_no_variance():
    mean, variance = moments(np.full((40001, 3), 0.1, "float32"), (0,))
    np.testing.assert_allclose(mean, np.float32(0.1), rtol=1e-6)
    assert (variance >= 0).all()
    assert variance.max() < 1e-15


def test_nan_stays_in_its_column():
    x = np.random.default_rng(3).normal(size=(40001, 3)).astype("float32")
    x[40000, 1] = np.nan
    mean, variance = moments(x, (0,))
    assert np.isnan(mean).tolist() == np.isnan(variance).tolist() == [False, True, False]


def test_mean_and_variance_share_one_pass():
    x = np.zeros((64, 33, 33, 5), "float32")
    plan = NativePlan(graph_of(lambda t: ops.moments(t, (0, 1, 2)), x))
    passes = [call for call in plan.steps if call.kernel.moved >= x.nbytes]
    assert len(passes) == 1


def test_gradient_through_normalization():
    rng = np.random.default_rng(5)
    x, g = rng.normal(100, 1, (2, 1041, 65))
    x, g = x.astype("float32"), g.astype("float32") - 100

    def build(x, g):
        def loss(x):
            mean, variance = ops.moments(x, 0, keepdims=True)
            return ops.sum((x - mean) * ops.rsqrt(variance + 1e-3) * g)

        return [grad(loss)(x)]

    (result,) = NativePlan(graph_of(build, x, g))([x, g])
    wide, g = x.astype(float), g.astype(float)
    centered, factor = wide - wide.mean(0), 1 / np.sqrt(wide.var(0) + 1e-3)
    y = centered * factor
    expected = factor * (g - g.mean(0) - y * (y * g).mean(0))
    # the mean of numbers around 100 is known to 1e-5
    np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-4)


def test_what_has_no_kernel_stays():
    x = np.zeros((5, 3), "float16")
    graph = graph_of(lambda t: ops.moments(t, 0), x)
    assert without_variance(graph) is graph
    assert any(node.op is VARIANCE for node in graph.nodes)
