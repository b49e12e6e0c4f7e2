"""The functions of native code against NumPy's in float64, in units in the last place (ulp).

`pytest -s -m exhaustive tests/test_mathematics.py` goes through all 2**32 numbers of float32, and
prints the largest errors; it takes some minutes a function. Otherwise it is every 1,021st number,
and what is special.
"""

import ctypes

import make_polynomials
import numpy as np
import pytest

pytest.importorskip("llvmlite", reason="native code needs llvmlite: pip install llvmlite")

from kerasnb.compile import llvm, mathematics
from kerasnb.compile.loops import over_elements

# in ulp, on all targets
LIMITS = {"exp": 1.0, "expm1": 1.5, "log": 0.9, "log1p": 0.9, "tanh": 1.5, "rint": 0, "floor": 0}
POINTERS = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)

SPECIAL = np.array(
    [
        0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5, -2.5,
        1e-45, -1e-45, 1.17549435e-38, -1.17549435e-38, 3.4028235e38, -3.4028235e38,  # limits
        88.72283, 88.72284, -87.33655, -103.97207, -103.97209, -104.0,  # where exp ends
        8388607.5, 8388608.0, 8388609.0, -8388607.5, 4194303.5, 4194304.5,  # where fractions end
        0.70710677, 0.70710683, 1.4142135, 1.4142137, 0.54999995, 0.55, 5.9e-8, -1.0000001,
    ],
    np.float32,
)  # fmt: skip


def runs(target: llvm.Target) -> bool:
    """Whether this processor has what code for `target` uses."""
    needed = {"x86-64": (), "x86-64-v3": ("avx2", "fma"), "x86-64-v4": ("avx512f", "avx512dq")}
    features = llvm.host().features.split(",")
    return all(f"+{name}" in features for name in (*needed[target.cpu], "sse2"))


def compiled(name: str, target: llvm.Target | None):
    formula = getattr(mathematics, name)
    text = over_elements(name, ["float32"], "float32", formula)
    function = llvm.Module(text, target).function(name, *POINTERS)

    def call(x: np.ndarray) -> np.ndarray:
        y = np.full_like(x, 7.0)
        function(x.ctypes.data, y.ctypes.data, x.size)
        return y

    return call


def errors(name: str, call, x: np.ndarray) -> np.ndarray:
    """By how many ulp of the exact value each result is off; 0 for equal infinities and NaN."""
    with np.errstate(all="ignore"):
        exact = getattr(np, name)(x.astype(np.float64))
        nearest = exact.astype(np.float32)
        off = np.abs(call(x).astype(np.float64) - exact) / np.spacing(np.abs(nearest))
    result = call(x)
    same = (result == nearest) | (np.isnan(result) & np.isnan(nearest))
    return np.where(same & ~np.isfinite(nearest), 0.0, np.where(np.isfinite(off), off, np.inf))


def every(step: int, start: int = 0) -> np.ndarray:
    """float32 numbers by their bits: every `step`th."""
    return np.arange(start, 2**32, step, dtype=np.uint64).astype(np.uint32).view(np.float32)


@pytest.fixture(params=[*llvm.TARGETS, "host"])
def target(request):
    target = llvm.TARGETS.get(request.param)
    if target is not None and not runs(target):
        pytest.skip(f"this processor has no {request.param}")
    return target


@pytest.mark.parametrize("name", LIMITS)
def test_functions_are_as_exact_as_said(name, target):
    call = compiled(name, target)
    rng = np.random.default_rng(0)
    for x in (SPECIAL, every(1021, rng.integers(1021)), rng.uniform(-2, 2, 500_000),
              rng.uniform(-100, 100, 500_000)):  # fmt: skip
        x = x.astype(np.float32)
        off = errors(name, call, x)
        worst = int(off.argmax())
        assert off[worst] <= LIMITS[name], f"{name}({x[worst]!r}) is {call(x)[worst]!r}"


@pytest.mark.parametrize("name", LIMITS)
def test_signs_of_zero_are_kept(name, target):
    with np.errstate(all="ignore"):
        expected = np.signbit(getattr(np, name)(SPECIAL))
    result = compiled(name, target)(SPECIAL)
    zero = result == 0
    np.testing.assert_array_equal(np.signbit(result)[zero], expected[zero])


@pytest.mark.parametrize("size", [0, 1, 7, 15, 16, 17, 33])
def test_what_is_left_over_comes_out_the_same(size, target):
    x = np.random.default_rng(size).normal(size=64).astype(np.float32)
    call = compiled("tanh", target)
    part = np.full(size + 2, 5.0, np.float32)
    part[:size] = x[:size]
    result = call(part[:size])
    assert result.tobytes() == call(x)[:size].tobytes()
    assert part[size:].tolist() == [5.0, 5.0]


def test_coefficients_are_those_that_are_found():
    for used, found in (
        (mathematics.EXP, make_polynomials.exponential()),
        (mathematics.LOG, make_polynomials.logarithm()),
        (mathematics.TANH, make_polynomials.tangent()),
    ):
        np.testing.assert_allclose(used, found, rtol=1e-6)


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", LIMITS)
def test_functions_are_as_exact_for_every_number(name, target):
    call, largest, where = compiled(name, target), 0.0, 0.0
    for start in range(1024):
        x = every(1024, start)
        off = errors(name, call, x)
        if off.max() > largest:
            largest, where = off.max(), x[off.argmax()]
    print(f"\n{name}: {largest:.3f} ulp at most, at {where!r}")
    assert largest <= LIMITS[name]
