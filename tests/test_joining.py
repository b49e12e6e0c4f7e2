"""Concatenation as native code, against NumPy."""

import numpy as np
import pytest

pytest.importorskip("llvmlite", reason="native code needs llvmlite: pip install llvmlite")

from kerasnb import ops
from kerasnb.compile.step import Step


def array(*shape, dtype="float32", seed=1):
    values = np.random.default_rng(seed).normal(size=shape) * 3
    return (values > 0) if dtype == "bool" else values.astype(dtype)


def checked(function, *arrays, native=True):
    """What a native step gives is what NumPy gives, bit for bit; the step."""
    step = Step(function, native=True)
    found, expected = step(*arrays), Step(function, eager=True)(*arrays)
    for a, b in zip(found, expected, strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    assert ("NumPy" not in step.program().plan.explain()) == native
    return step


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "bool"])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_parts_from_outside(dtype, axis):
    shapes = [[3, 5, 7], [3, 5, 7], [3, 5, 7]]
    for n, shape in zip((1, 4, 17), shapes, strict=True):
        shape[axis] = n
    arrays = [array(*s, dtype=dtype, seed=i) for i, s in enumerate(shapes)]
    checked(lambda *a: [ops.concatenate(a, axis)], *arrays)


def test_parts_that_are_computed():
    def function(x, y):
        a, b = x * 2.0, y * 0.5
        total = ops.max(b, 0, keepdims=True)
        parts = [a, b, a, ops.transpose(b)[:3, :7], total[:, :7] * a[:1], a[:1], ops.max(a) + y]
        whole = ops.concatenate(parts, 0)
        return [whole, a, ops.concatenate([whole, whole + 1.0], 1), b[1:]]

    checked(function, array(3, 7), array(33, 7))


def test_parts_within_parts():
    def function(x):
        inner = ops.concatenate([x + 1.0, x - 1.0], 1)
        return [ops.concatenate([inner, inner, x], 1)]

    checked(function, array(4, 6))


def test_many_elements():
    checked(lambda x, y: [ops.concatenate([x + y, x, y], 1)], array(513, 65), array(513, 65))


def test_two_chunks_write_what_one_does():
    x, y = array(700, 65), array(700, 130, seed=2)
    (whole,) = Step(lambda x, y: [ops.concatenate([x * 2.0, y], 1)], native=True)(x, y)
    np.testing.assert_array_equal(whole.numpy(), np.concatenate([x * 2, y], 1))
