"""Native places of extremes and running sums against NumPy, to the last bit."""

import numpy as np
import pytest

pytest.importorskip("llvmlite", reason="native code needs llvmlite: pip install llvmlite")

from native_calls import Native, assembly_for_arm, check
from test_mathematics import runs

from kerasnb import ops
from kerasnb.compile import llvm
from kerasnb.compile.ir import Declined
from kerasnb.compile.kernel import Place
from kerasnb.compile.lines import first_extreme
from kerasnb.op import OPS
from kerasnb.tensor import apply

TARGETS = [pytest.param(t, id=name) for name, t in llvm.TARGETS.items() if runs(t)]


def drawn(shape, dtype="float32", seed=0):
    """Few different numbers, so that the first of several equal ones is asked for."""
    return np.random.default_rng(seed).integers(0, 5, shape).astype(dtype)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", ["argmax", "argmin", "cumsum"])
def test_samples(name, target):
    for sample in OPS[name].samples:
        attrs = sample.attrs
        check(lambda x: apply(OPS[name], x, **attrs), drawn(sample.inputs[0]), target=target)  # noqa: B023


SHAPES = [(1,), (7,), (17, 1), (33, 10), (3, 7, 17), (2, 64), (5, 100), (129,), (70, 3, 4)]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_places(shape, target):
    for axis in range(len(shape)):
        check(lambda x: [ops.argmax(x, axis), ops.argmin(x, axis)], drawn(shape), target=target)  # noqa: B023


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_running_sums(shape, target):
    x = np.random.default_rng(1).normal(size=shape).astype("float32")
    for axis in range(len(shape)):
        for reverse in (False, True):
            attrs = {"axis": axis, "reverse": reverse}
            check(lambda x: apply(OPS["cumsum"], x, **attrs), x, target=target)  # noqa: B023


@pytest.mark.parametrize("dtype", ["float64", "int32", "int64", "uint32", "bool"])
def test_other_dtypes(dtype):
    x = drawn((33, 70), dtype)
    if dtype.startswith("int"):
        x -= 2
    check(lambda x: [ops.argmax(x, 0), ops.argmin(x, 1), ops.argmax(x, 1)], x)
    if dtype != "bool":
        check(lambda x: ops.cumsum(x, 1), x)


@pytest.mark.parametrize("length", [9, 130])
def test_the_first_nan_is_the_extreme(length):
    x = np.random.default_rng(2).normal(size=(40, length)).astype("float32")
    x[np.random.default_rng(3).random(x.shape) < 0.05] = np.nan
    x[3], x[4], x[5] = np.nan, np.inf, -np.inf
    for axis in (0, 1):
        check(lambda x: [ops.argmax(x, axis), ops.argmin(x, axis)], x)  # noqa: B023


def test_many_lines_in_chunks():
    for native in (
        check(lambda x: ops.argmax(x, 1), drawn((3001, 37))),
        check(lambda x: ops.argmax(x, 2), drawn((31, 17, 300))),
        check(lambda x: ops.argmax(x, 0), drawn((9, 13001))),
        check(lambda x: ops.cumsum(x, 1), drawn((300, 17, 20))),
    ):
        assert native.calls[0].kernel.chunks > 3


def test_views():
    x = drawn((33, 40))
    check(lambda x: ops.argmax(ops.transpose(x), 1), x)
    check(lambda x: ops.argmax(ops.flip(x[:, ::3], 1), 1), x)
    check(lambda x: ops.cumsum(ops.broadcast_to(x[:, :1], (33, 9)), 1), x)


def test_dtypes_without_native_code_are_declined():
    with pytest.raises(Declined, match="arrays of float16"):
        Native(lambda x: ops.argmax(x, 0), drawn((3, 3), "float16"))


@pytest.mark.parametrize("length", [10, 100])
def test_code_for_other_processors(length):
    x, y = Place.dense("float32", (50, length)), Place.dense("int32", (50,))
    assembly = assembly_for_arm(first_extreme(x, y, axis=1, largest=True).text)
    assert "fcmge" in assembly
