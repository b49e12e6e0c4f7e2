"""Native pooling against the primitives, to the last bit."""

import numpy as np
import pytest

pytest.importorskip("llvmlite", reason="native code needs llvmlite: pip install llvmlite")

from native_calls import check
from test_mathematics import runs

from kerasnb import ops
from kerasnb.compile import llvm
from kerasnb.op import OPS
from kerasnb.ops.window import window_positions
from kerasnb.tensor import apply

TARGETS = [pytest.param(t, id=name) for name, t in llvm.TARGETS.items() if runs(t)]
NAMES = ["max_pool", "max_pool_gather", "max_pool_scatter", "sum_pool", "sum_pool_transpose"]


def numbers(shape, seed=0, dtype="float32"):
    """Few different ones, so that many are equal."""
    drawn = np.random.default_rng(seed).integers(-9, 10, shape)
    return (drawn if dtype != "bool" else drawn > 0).astype(dtype)


def pooled(name, **attrs):
    return lambda *tensors: apply(OPS[name], *tensors, **attrs)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", NAMES)
def test_samples(name, target):
    for sample in OPS[name].samples:
        arrays = [numbers(shape, i) for i, shape in enumerate(sample.inputs)]
        if all(a.size for a in arrays):
            check(pooled(name, **sample.attrs), *arrays, target=target)


def all_five(n, spatial, channels, window, strides=None, padding=None, dtype="float32", spoil=None):
    """The primitives on one input; `spoil` puts something into it."""
    strides = strides or window
    attrs = {"window": window, "strides": strides, "padding": padding or ((0, 0),) * len(window)}
    x = numbers((n, *spatial, channels), 1, dtype)
    if spoil is not None:
        x[np.random.default_rng(2).random(x.shape) < 0.2] = spoil
    y = OPS["max_pool"].impl(np, x, **attrs)
    g, h = numbers(y.shape, 3, dtype), numbers(x.shape, 4, dtype)
    return [
        check(pooled("max_pool", **attrs), x),
        check(pooled("max_pool_gather", **attrs), x, y, h),
        check(pooled("max_pool_scatter", **attrs), x, y, g),
        check(pooled("sum_pool", **attrs), x),
        check(pooled("sum_pool_transpose", shape=spatial, **attrs), g),
    ]


SAME = ((1, 1), (1, 1))
CASES = [
    ((3, (6, 8), 64, (2, 2)), {}),
    ((2, (7, 9), 17, (2, 2)), {}),
    ((2, (7, 9), 33, (3, 3), (2, 2), ((0, 1), (1, 0))), {}),
    ((2, (5, 5), 7, (3, 3), (1, 1), SAME), {}),
    ((2, (9, 8), 1, (2, 3), (3, 4)), {}),
    ((1, (9, 10), 100, (3, 2), (1, 3), ((2, 1), (0, 1))), {}),
    ((2, (11, 3), 3, (5, 3), (1, 2), ((4, 3), (2, 2))), {}),
    ((2, (3, 3), 5, (3, 3), (1, 1)), {}),
    ((3, (33,), 6, (3,), (2,), ((2, 0),)), {}),
    ((2, (17,), 1, (4,), (1,)), {}),
    ((2, (5, 4, 6), 9, (2, 2, 3), (2, 1, 2), ((1, 0), (0, 1), (2, 2))), {}),
    ((1, (1, 1), 1, (1, 1)), {}),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_windows(case):
    sizes, attrs = case
    all_five(*sizes, **attrs)
