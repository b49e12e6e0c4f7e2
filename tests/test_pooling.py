"""Native pooling against the primitives, to the last bit."""

import numpy as np
import pytest

pytest.importorskip("llvmlite", reason="native code needs llvmlite: pip install llvmlite")

from native_calls import Native, assembly_for_arm, check
from test_mathematics import runs

from kerasnb import ops
from kerasnb.compile import llvm
from kerasnb.compile.ir import Declined
from kerasnb.compile.kernel import Place
from kerasnb.compile.pooling import max_pool, max_pool_scatter
from kerasnb.op import OPS
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


@pytest.mark.parametrize("target", TARGETS)
def test_each_kind_of_register(target):
    x = numbers((2, 7, 6, 19), 5)
    attrs = {"window": (3, 2), "strides": (2, 1), "padding": SAME}
    y = OPS["max_pool"].impl(np, x, **attrs)
    check(pooled("max_pool", **attrs), x, target=target)
    check(pooled("max_pool_gather", **attrs), x, y, x, target=target)
    check(pooled("max_pool_scatter", **attrs), x, y, y, target=target)
    check(pooled("sum_pool", **attrs), x, target=target)
    check(pooled("sum_pool_transpose", shape=(7, 6), **attrs), y, target=target)


@pytest.mark.parametrize("dtype", ["float64", "int32", "uint8", "bool"])
def test_other_dtypes(dtype):
    attrs = {"window": (3, 2), "strides": (2, 2), "padding": SAME}
    x = numbers((2, 7, 6, 19), 5, dtype)
    check(pooled("max_pool", **attrs), x)
    if dtype != "bool":
        all_five(2, (7, 6), 19, (3, 2), (2, 2), SAME, dtype=dtype)


@pytest.mark.parametrize("spoil", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite(spoil):
    for strides in ((2, 2), (1, 1)):
        all_five(2, (6, 7), 17, (2, 2), strides, ((0, 1), (1, 0)), spoil=spoil)


def test_many_images_in_chunks():
    for native in all_five(40, (12, 12), 20, (2, 2)) + all_five(40, (13, 12), 9, (3, 3), (2, 2)):
        assert native.calls[0].kernel.chunks > 1


@pytest.mark.parametrize("images", [1, 3])
def test_one_large_image_in_bands(images):
    for strides, padding in (((2, 2), ((0, 1), (0, 1))), ((1, 1), SAME), ((3, 3), ((1, 1),) * 2)):
        for native in all_five(images, (67, 40), 33, (3, 3), strides, padding):
            assert native.calls[0].kernel.chunks > 3


def test_views():
    x = numbers((3, 17, 8, 8), 6)  # channels first
    attrs = {"window": (2, 2), "strides": (2, 2), "padding": ((0, 0),) * 2}
    native = check(lambda x: ops.max_pool(x, 2, data_format="channels_first"), x)
    assert [each.kernel.name.split()[0] for each in native.calls] == ["copy", "max_pool"]
    native = check(lambda x: pooled("sum_pool", **attrs)(ops.flip(x[:, 1:, ::2], 1)), x)
    assert [each.kernel.name.split()[0] for each in native.calls] == ["sum_pool"]
    check(
        lambda g: pooled("sum_pool_transpose", shape=(8, 8), **attrs)(
            ops.broadcast_to(g, (3, 4, 4, 17))
        ),
        numbers((3, 1, 1, 1)),
    )


def test_arrays_without_native_code_are_declined():
    attrs = {"window": (2,), "strides": (2,), "padding": ((0, 0),)}
    with pytest.raises(Declined, match="arrays of float16"):
        Native(pooled("max_pool", **attrs), numbers((2, 4, 3), dtype="float16"))
    x = Place("float32", (2, 4, 3), (12, 1, 4))
    with pytest.raises(Declined, match="channels that are not neighbours"):
        max_pool(x, Place.dense("float32", (2, 2, 3)), **attrs)


def test_code_for_other_processors():
    attrs = {"window": (3, 3), "strides": (2, 2), "padding": SAME}
    x, y = Place.dense("float32", (2, 9, 9, 19)), Place.dense("float32", (2, 5, 5, 19))
    assembly = assembly_for_arm(max_pool_scatter(x, y, y, x, **attrs).text)
    assert "fcmgt" in assembly
