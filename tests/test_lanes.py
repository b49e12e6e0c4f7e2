"""Elementwise ops as native code, from their formulas, against the same formulas on NumPy."""

import ctypes

import numpy as np
import pytest

pytest.importorskip("llvmlite", reason="native code needs llvmlite: pip install llvmlite")

from element_loops import over_elements
from test_mathematics import runs

from kerasnb.compile import llvm
from kerasnb.compile.ir import Declined
from kerasnb.compile.lanes import formula_of
from kerasnb.op import OPS
from kerasnb.spec import TensorSpec

# which run through NumPy
NOT_NATIVE = {"gcd": "there is no native gcd", "next_after": "there is no native nextafter"}
ELEMENTWISE = {
    name: op for name, op in OPS.items() if op.kind == "elementwise" and name not in NOT_NATIVE
}
CASES = [
    pytest.param(op, sample, id=f"{name}-{i}")
    for name, op in ELEMENTWISE.items()
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

    def natively(self, target=None):
        dtypes = [str(a.dtype) for a in self.arrays]
        output = self.signature.outputs.dtype
        text = over_elements("f", dtypes, output, formula_of(self.op, self.specs, self.attrs))
        addresses = [ctypes.c_void_p] * (len(dtypes) + 1)
        function = llvm.Module(text, target).function("f", *addresses, ctypes.c_int64)
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
    if any(isinstance(x, np.ndarray) and x.dtype.kind in "iu" for x in sample.inputs):
        pytest.skip("whole numbers have no special ones")
    check(Case(op, sample, make))


WHOLE = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64")
DTYPES = ("float32", "float64", "bool", *WHOLE)
EXTREMES = [-(2**63), -(2**31), -128, -7, -1, 0, 1, 2, 3, 5, 100, 2**7, 2**31, 2**32 - 1, 2**64 - 1]
ALL = {  # ops that take whole numbers and floats of both sizes
    "add": {}, "subtract": {}, "multiply": {}, "floor_divide": {}, "mod": {}, "negate": {},
    "abs": {}, "sign": {}, "square": {}, "maximum": {}, "minimum": {}, "relu": {}, "equal": {},
    "not_equal": {}, "less": {}, "less_equal": {}, "greater": {}, "greater_equal": {},
    "stop_gradient": {}, "round_nearest_even": {},
}  # fmt: skip
# for which NumPy has no answer, or one of another dtype
UNDEFINED = {("subtract", "bool"), ("negate", "bool"), ("sign", "bool"), ("floor_divide", "bool"),
             ("mod", "bool"), ("relu", "bool")}  # fmt: skip
UNDEFINED |= {("round_nearest_even", dtype) for dtype in ("bool", *WHOLE)}


def extremes(dtype):
    """Pairs of numbers of a dtype, with its limits."""
    if dtype.startswith("float"):
        return np.array(np.meshgrid(SPECIAL, SPECIAL), dtype).reshape(2, -1)
    if dtype == "bool":
        return np.array([[False, False, True, True] * 5, [False, True] * 10])
    limits = np.iinfo(dtype)
    numbers = [n for n in EXTREMES if limits.min <= n <= limits.max] + [limits.min, limits.max]
    return np.array(np.meshgrid(*[np.array(numbers, dtype)] * 2)).reshape(2, -1)


class Given(Case):
    """An op on these arrays."""

    def __init__(self, op, arrays, **attrs):
        self.op, self.attrs = op, attrs
        self.arrays = [a for a in arrays if isinstance(a, np.ndarray)]
        self.inputs = arrays
        self.specs = tuple(
            TensorSpec(x.shape, str(x.dtype)) if isinstance(x, np.ndarray) else x for x in arrays
        )
        kinds = tuple(s if isinstance(s, TensorSpec) else type(s) for s in self.specs)
        self.signature = op.signature(kinds, attrs)


def same(case):
    """To the last bit, signs of zeros and all."""
    expected = case.through_numpy()
    for target in (None, llvm.TARGETS["SSE2"]):  # this processor, and one with few instructions
        if target is not None and not runs(target):
            continue
        result = case.natively(target)
        assert result.dtype == expected.dtype
        np.testing.assert_array_equal(result, expected)
        if result.dtype.kind == "f":
            np.testing.assert_array_equal(np.signbit(result), np.signbit(expected))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ALL)
def test_numbers_of_every_dtype_come_out_as_in_numpy(name, dtype):
    op = OPS[name]
    arrays = list(extremes(dtype)[: len(op.vjp)])
    if (name, dtype) in UNDEFINED:
        pytest.skip("NumPy has no such result")
    same(Given(op, arrays))


@pytest.mark.parametrize("new", DTYPES)
@pytest.mark.parametrize("old", DTYPES)
def test_conversions(old, new):
    x = extremes(old)[0]
    if old.startswith("float") and new not in ("float32", "float64", "bool"):
        low, high = (max(-100, np.iinfo(new).min), 100)
        x = np.random.default_rng(1).uniform(low, high, 100).astype(old)
    same(Given(OPS["convert"], [x], dtype=new))


@pytest.mark.parametrize("new", ["int32", "int64"])
@pytest.mark.parametrize("old", ["float32", "float64"])
def test_what_is_no_whole_number_of_the_type_becomes_its_lowest(old, new):
    limit = 2.0 ** (np.iinfo(new).bits - 1)
    x = np.array([np.nan, np.inf, -np.inf, limit, -2 * limit, 1e30, -limit, -1.5, 3.99], old)
    lowest = np.iinfo(new).min
    result = Given(OPS["convert"], [x], dtype=new).natively()
    assert result.tolist() == [lowest] * 7 + [-1, 3]


@pytest.mark.parametrize("old", ["float32", "float64"])
def test_large_unsigned_numbers(old):
    x = np.array([0.0, 1.5, 2.0**31, 2.0**32, 2.0**63, 1.5 * 2.0**63], old)
    same(Given(OPS["convert"], [x], dtype="uint64"))
    same(Given(OPS["convert"], [x[:3]], dtype="uint32"))


@pytest.mark.parametrize("exponent", [0, 1, 2, 3, 4, 5, 7, 10])
@pytest.mark.parametrize("dtype", WHOLE)
def test_powers_of_whole_numbers(dtype, exponent):
    same(Given(OPS["power"], [extremes(dtype)[0], exponent]))


@pytest.mark.parametrize("name", ["shift_left", "shift_right"])
@pytest.mark.parametrize("dtype", WHOLE)
def test_shifts_by_tensors(name, dtype):
    x = extremes(dtype)[0]
    bits = np.resize(np.array([0, 1, 7, 8, 15, 31, 32, 63], dtype), x.shape)
    same(Given(OPS[name], [x, bits]))
    same(Given(OPS[name], [x, 3]))


@pytest.mark.parametrize("name", ["bitwise_and", "bitwise_or", "bitwise_xor"])
@pytest.mark.parametrize("dtype", ["bool", *WHOLE])
def test_bits(name, dtype):
    same(Given(OPS[name], list(extremes(dtype))))


@pytest.mark.parametrize("name", NOT_NATIVE)
def test_ops_without_native_code_are_declined(name):
    x = np.ones(3, "float32" if name == "next_after" else "int32")
    with pytest.raises(Declined) as refusal:
        Given(OPS[name], [x, x]).natively()
    assert str(refusal.value) == NOT_NATIVE[name]


@pytest.mark.parametrize("bits", [0, 1, 7, 8, 31, 32, 63])
@pytest.mark.parametrize("dtype", WHOLE)
def test_shifts(dtype, bits):
    # NumPy shifts by an array: a number of more bits than the dtype has is an error
    case, x = Given(OPS["shift_right_logical"], [extremes(dtype)[0]], bits=bits), extremes(dtype)[0]
    np.testing.assert_array_equal(case.natively(), np.right_shift(x, np.array(bits, dtype)))


@pytest.mark.parametrize("name", ["power", "atan2", "floor_divide", "mod", "log_add_exp"])
def test_two_special_numbers(name):
    numbers = [*SPECIAL, -1.0, 2.0, 3.0, -3.0, 1e30, 2.0**24, 2.0**24 + 2, 0.1, -1e-45, 7.25]
    pairs = np.array(np.meshgrid(numbers, numbers), "float32").reshape(2, -1)
    case = Given(OPS[name], list(pairs))
    result, expected = case.natively(), case.through_numpy()
    np.testing.assert_allclose(result, expected, rtol=3e-7, atol=2e-45)
    np.testing.assert_array_equal(np.signbit(result)[~np.isnan(expected)],
                                  np.signbit(expected)[~np.isnan(expected)])  # fmt: skip


@pytest.mark.parametrize("name", ["floor_divide", "mod"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_divisions_with_a_remainder_are_numpys(name, dtype):
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(2, 5000)) * 10.0 ** rng.integers(-3, 4, (2, 5000))
    x[::3], y[::2] = x[::3].round(), y[::2].round()
    same(Given(OPS[name], [x.astype(dtype), y.astype(dtype)]))


@pytest.mark.parametrize(
    ("name", "arrays", "reason"),
    [
        ("sine", [np.ones(3)], "native sin is for float32, not float64"),
        ("atan2", [np.ones(3), np.ones(3)], "native arctan2 is for float32, not float64"),
        ("exponential", [np.ones(3)], "native exp is for float32, not float64"),
        ("add", [np.ones(3, "float16")] * 2, "arrays of float16"),
        ("negate", [np.ones(3, bool)], "sub of truth values"),
        ("floor_divide", [np.ones(3, bool)] * 2, "a division of truth values"),
        ("power", [np.ones(3, int)] * 2, "a power of whole numbers that is not known before"),
        ("power", [np.ones(3, int), -1], "a negative power of whole numbers"),
        ("greater", [np.ones(3, "uint8"), -1], "a number out of the range of uint8"),
    ],
)
def test_what_is_declined_says_why(name, arrays, reason):
    with pytest.raises(Declined) as refusal:
        Given(OPS[name], arrays).natively()
    assert str(refusal.value) == reason
