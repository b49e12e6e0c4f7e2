"""The functions of native code against NumPy's in float64, in units in the last place (ulp).

`pytest -s -m exhaustive tests/test_mathematics.py` goes through all 2**32 numbers of float32, and
prints the largest errors; it takes some minutes a function. Otherwise it is every 1,021st number,
and what is special.
"""

import ctypes
import math

import make_polynomials
import numpy as np
import pytest

pytest.importorskip("llvmlite", reason="native code needs llvmlite: pip install llvmlite")

from element_loops import over_elements

from kerasnb.compile import llvm, mathematics, wide

# in ulp, on all targets
LIMITS = {
    mathematics: {
        "erf": 1.5, "exp": 1.0, "expm1": 1.5, "floor": 0, "log": 0.9, "log1p": 0.9,
        "logistic": 2.0, "rint": 0, "tanh": 1.5,
    },
    wide: {
        "arccos": 0.51, "arccosh": 0.51, "arcsin": 0.51, "arcsinh": 0.51, "arctan": 0.51,
        "arctanh": 0.51, "cosh": 0.51, "sinh": 0.51,
        "cos": 0.6, "sin": 0.6, "tan": 1.3,  # of angles up to 10⁸ 0.51; then it is the C library
    },
}  # fmt: skip
FUNCTIONS = [(module, name) for module, names in LIMITS.items() for name in names]

SPECIAL = np.array(
    [
        0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5, -2.5,
        1e-45, -1e-45, 1.17549435e-38, -1.17549435e-38, 3.4028235e38, -3.4028235e38,  # limits
        88.72283, 88.72284, -87.33655, -103.97207, -103.97209, -104.0,  # where exp ends
        8388607.5, 8388608.0, 8388609.0, -8388607.5, 4194303.5, 4194304.5,  # where fractions end
        0.70710677, 0.70710683, 1.4142135, 1.4142137, 0.54999995, 0.55, 5.9e-8, -1.0000001,
        0.99999994, 1.0000001, 3.9999998, 4.0, 9.765625e-4, 9.765624e-4, 1e8, 1.00000008e8, 200.0,
        1.5707964, 3.1415927, -6.2831855, 16367173.0,  # close to multiples of π/2
    ],
    np.float32,
)  # fmt: skip


def runs(target: llvm.Target) -> bool:
    """Whether this processor has what code for `target` uses."""
    needed = {"x86-64": (), "x86-64-v3": ("avx2", "fma"), "x86-64-v4": ("avx512f", "avx512dq")}
    features = llvm.host().features.split(",")
    return all(f"+{name}" in features for name in (*needed[target.cpu], "sse2"))


def compiled(formula, target: llvm.Target | None, arrays: int = 1):
    text = over_elements("f", ["float32"] * arrays, "float32", formula)
    addresses = [ctypes.c_void_p] * (arrays + 1)
    function = llvm.Module(text, target).function("f", *addresses, ctypes.c_int64)

    def call(*x: np.ndarray) -> np.ndarray:
        y = np.full_like(x[0], 7.0)
        function(*(a.ctypes.data for a in (*x, y)), y.size)
        return y

    return call


def logistic(x: np.ndarray) -> np.ndarray:
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1.0, e) / (1.0 + e)


def errors(name: str, call, *x: np.ndarray) -> np.ndarray:
    """By how many ulp of the exact value each result is off; 0 for equal infinities and NaN."""
    own = {"logistic": logistic, "erf": lambda x: np.fromiter(map(math.erf, x.tolist()), float)}
    result = call(*x)
    with np.errstate(all="ignore"):
        exact = (own.get(name) or getattr(np, name))(*(a.astype(np.float64) for a in x))
        nearest = exact.astype(np.float32)
        off = np.abs(result.astype(np.float64) - exact) / np.spacing(np.abs(nearest))
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


@pytest.mark.parametrize(("module", "name"), FUNCTIONS)
def test_functions_are_as_exact_as_said(module, name, target):
    call = compiled(getattr(module, name), target)
    rng = np.random.default_rng(0)
    for x in (SPECIAL, every(1021, rng.integers(1021)), rng.uniform(-2, 2, 500_000),
              rng.uniform(-100, 100, 500_000)):  # fmt: skip
        x = x.astype(np.float32)
        off = errors(name, call, x)
        worst = int(off.argmax())
        limit = LIMITS[module][name]
        assert off[worst] <= limit, f"{name}({x[worst]!r}) is {call(x)[worst]!r}"


@pytest.mark.parametrize("name", ["sin", "cos", "tan"])
def test_angles_are_exact_up_to_a_bound(name, target):
    rng, call = np.random.default_rng(1), compiled(getattr(wide, name), target)
    near = np.arange(-200_000, 200_000) * (np.pi / 2)  # where the reduction cancels
    for x in (rng.uniform(-1e8, 1e8, 500_000), rng.uniform(-1e4, 1e4, 500_000), near, near * 300):
        assert errors(name, call, x.astype(np.float32)).max() <= 0.51


@pytest.mark.parametrize("name", ["power", "arctan2"])
def test_functions_of_two_numbers(name, target):
    rng, call = np.random.default_rng(2), compiled(getattr(wide, name), target, arrays=2)
    for spread in (1, 3, 30):
        x, y = rng.normal(size=(2, 300_000)) * 10.0 ** rng.uniform(-spread, spread, (2, 300_000))
        if name == "power":
            y[::2] = y[::2].round()
        assert errors(name, call, x.astype(np.float32), y.astype(np.float32)).max() <= 0.51


@pytest.mark.parametrize(
    ("module", "name"), [(m, n) for m, n in FUNCTIONS if n not in ("erf", "logistic")]
)
def test_signs_of_zero_are_kept(module, name, target):
    with np.errstate(all="ignore"):
        expected = np.signbit(getattr(np, name)(SPECIAL))
    result = compiled(getattr(module, name), target)(SPECIAL)
    zero = result == 0
    np.testing.assert_array_equal(np.signbit(result)[zero], expected[zero])


def test_the_sign_of_zero_is_kept_by_erf(target):
    result = compiled(mathematics.erf, target)(np.array([0.0, -0.0], np.float32))
    assert np.signbit(result).tolist() == [False, True]


@pytest.mark.parametrize("size", [0, 1, 7, 15, 16, 17, 33])
@pytest.mark.parametrize("formula", [mathematics.tanh, wide.sin])
def test_what_is_left_over_comes_out_the_same(formula, size, target):
    x = np.random.default_rng(size).normal(size=64).astype(np.float32)
    x[3::9] *= 1e10  # beside angles that take another way
    call = compiled(formula, target)
    part = np.full(size + 2, 5.0, np.float32)
    part[:size] = x[:size]
    result = call(part[:size])
    assert result.tobytes() == call(x)[:size].tobytes()
    assert part[size:].tolist() == [5.0, 5.0]


def test_coefficients_are_those_that_are_found():
    tables = ((mathematics, make_polynomials.FOUND), (wide, make_polynomials.WIDE))
    for module, name, find in ((m, n, f) for m, table in tables for n, f in table.items()):
        np.testing.assert_allclose(getattr(module, name), find(), rtol=1e-5, err_msg=name)


@pytest.mark.exhaustive
@pytest.mark.parametrize(("module", "name"), FUNCTIONS)
def test_functions_are_as_exact_for_every_number(module, name, target):
    call, largest, where = compiled(getattr(module, name), target), 0.0, 0.0
    for start in range(1024):
        x = every(1024, start)
        off = errors(name, call, x)
        if off.max() > largest:
            largest, where = off.max(), x[off.argmax()]
    print(f"\n{name}: {largest:.3f} ulp at most, at {where!r}")
    assert largest <= LIMITS[module][name]
