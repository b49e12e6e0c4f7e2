"""Elementwise ops as native code, from their formulas, against the same formulas on NumPy."""

import ctypes

import numpy as np
import pytest

pytest.importorskip("llvmlite", reason="native code needs llvmlite: pip install llvmlite")

from kerasnb.compile import llvm
from kerasnb.compile.ir import Declined
from kerasnb.compile.lanes import formula_of
from kerasnb.compile.loops import over_elements
from kerasnb.op import OPS
from kerasnb.spec import TensorSpec

ELEMENTWISE = {name: op for name, op in OPS.items() if op.kind == "elementwise"}
# what runs through NumPy, and why
DECLINED = {
    "floor_divide": "there is no native floor_divide", "mod": "there is no native mod",
    "sine": "there is no native sin", "cosine": "there is no native cos",
    "tan": "there is no native tan", "asin": "there is no native arcsin",
    "acos": "there is no native arccos", "atan": "there is no native arctan",
    "atan2": "there is no native arctan2", "sinh": "there is no native sinh",
    "cosh": "there is no native cosh", "asinh": "there is no native arcsinh",
    "acosh": "there is no native arccosh", "atanh": "there is no native arctanh",
}  # fmt: skip
CASES = [
    pytest.param(op, sample, id=f"{name}-{i}")
    for name, op in ELEMENTWISE.items()
    if name not in DECLINED
    for i, sample in enumerate(op.samples)
]
SIZES = (1, 7, 17, 33)
SPECIAL = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-45, -3e38, 0.5, 1.0, -2.5]


class Case:
    """An op on arrays of one size: natively, and through NumPy."""

    def __init__(self, op, sample, make):
        self.op, self.attrs = op, dict(sample.attrs)
        dtypes = self.dtypes(sample)
        self.arrays = [make(i, d) for i, d in enumerate(d for d in dtypes if isinstance(d, str))]
        made = iter(self.arrays)
        self.inputs = [next(made) if isinstance(d, str) else d for d in dtypes]
        self.specs = tuple(
            TensorSpec(x.shape, str(x.dtype)) if isinstance(x, np.ndarray) else x
            for x in self.inputs
        )
        kinds = tuple(s if isinstance(s, TensorSpec) else type(s) for s in self.specs)
        self.signature = op.signature(kinds, self.attrs)

    def dtypes(self, sample):
        """For each input its dtype, or the number that it is."""
        logical = self.op.name in ("and", "or", "xor", "not")
        return [
            given if isinstance(given, (int, float))
            else str(given.dtype) if isinstance(given, np.ndarray)
            else "bool" if logical or (self.op.name == "select" and i == 0)
            else "float32"
            for i, given in enumerate(sample.inputs)
        ]  # fmt: skip

    def natively(self):
        dtypes = [str(a.dtype) for a in self.arrays]
        output = self.signature.outputs.dtype
        text = over_elements("f", dtypes, output, formula_of(self.op, self.specs, self.attrs))
        addresses = [ctypes.c_void_p] * (len(dtypes) + 1)
        function = llvm.Module(text).function("f", *addresses, ctypes.c_int64)
        result = np.empty(self.arrays[0].shape, output)
        function(*(a.ctypes.data for a in [*self.arrays, result]), result.size)
        return result

    def through_numpy(self):
        casts = self.signature.casts or (None,) * len(self.inputs)
        inputs = [
            x if cast is None else np.asarray(x, cast)
            for x, cast in zip(self.inputs, casts, strict=True)
        ]
        with np.errstate(all="ignore"):
            return np.asarray(self.op.impl(np, *inputs, **self.attrs))


def check(case):
    result, expected = case.natively(), case.through_numpy()
    assert result.dtype == expected.dtype
    np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-37)


@pytest.mark.parametrize(("op", "sample"), CASES)
@pytest.mark.parametrize("size", SIZES)
def test_ops_give_what_they_give_in_numpy(op, sample, size):
    rng = np.random.default_rng(size)

    def make(i, dtype):
        if dtype == "uint32":
            return rng.integers(0, 2**32, size, dtype)
        values = rng.uniform(sample.low, sample.high, size)
        return values > 0 if dtype == "bool" else values.astype(dtype)

    check(Case(op, sample, make))


@pytest.mark.parametrize(("op", "sample"), CASES)
def test_special_numbers_come_out_as_in_numpy(op, sample):
    pairs = np.array(np.meshgrid(SPECIAL, SPECIAL)).reshape(2, -1)

    def make(i, dtype):
        values = pairs[i % 2]
        return values > 0 if dtype == "bool" else values.astype(dtype)

    if op.name == "convert" and sample.attrs["dtype"].startswith("int"):
        pytest.skip("what becomes of NaN as a whole number is the processor's choice")
    if op.name == "shift_right_logical":
        pytest.skip("whole numbers have no special ones")
    check(Case(op, sample, make))


@pytest.mark.parametrize("name", DECLINED)
def test_what_is_declined_says_why(name):
    op = ELEMENTWISE[name]
    dtype = "float32"
    inputs = op.samples[0].inputs
    specs = tuple(s if isinstance(s, (int, float)) else TensorSpec((4,), dtype) for s in inputs)
    arrays = [dtype for s in specs if isinstance(s, TensorSpec)]
    with pytest.raises(Declined) as refusal:
        over_elements("f", arrays, dtype, formula_of(op, specs, dict(op.samples[0].attrs)))
    assert str(refusal.value) == DECLINED[name]
