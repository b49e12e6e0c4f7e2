"""Products of matrices as native kernels, against NumPy's in float64."""

import ctypes
import itertools

import numpy as np
import pytest

pytest.importorskip("llvmlite", reason="native code needs llvmlite: pip install llvmlite")

from kerasnb import ops
from kerasnb.compile import llvm
from kerasnb.compile.ir import Declined
from kerasnb.compile.kernel import Place
from kerasnb.compile.product import product
from kerasnb.compile.step import Step

SIZES = (1, 7, 17, 33)


def place(array):
    return Place(str(array.dtype), array.shape, tuple(s // array.itemsize for s in array.strides))


def multiplied(a, b, order=iter):
    c = np.full((a.shape[0], b.shape[1]), 7, "float32")
    kernel = product(place(a), place(b), place(c))
    module = llvm.Module(kernel.text.replace("@kernel", "@k"))
    function = module.function("k", ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p)
    operands = np.array([x.ctypes.data for x in (a, b, c)], np.uintp)
    for chunk in order(range(kernel.chunks)):
        function(operands.ctypes.data, chunk, None)
    return c


def matrix(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def check(a, b):
    result = multiplied(a, b)
    exact = a.astype("float64") @ b.astype("float64")
    # the sum of k products, each rounded: in proportion to their magnitudes
    bound = 1e-6 * (np.abs(a).astype("float64") @ np.abs(b).astype("float64")) + 1e-30
    assert np.all(np.abs(result - exact) <= bound)
    backwards = multiplied(a, b, lambda chunks: reversed(list(chunks)))
    np.testing.assert_array_equal(backwards, result)


@pytest.mark.parametrize(("m", "k", "n"), list(itertools.product(SIZES, SIZES, SIZES)))
def test_odd_sizes(m, k, n):
    check(matrix(m, k), matrix(k, n, seed=1))


@pytest.mark.parametrize(("m", "k", "n"), [(128, 60, 64), (25, 100, 70), (13, 300, 10)])
def test_the_left_matrix_may_lie_transposed(m, k, n):
    check(matrix(k, m).T, matrix(k, n, seed=1))


def test_parts_of_larger_matrices():
    check(matrix(40, 60)[3:30:2, 5:50], matrix(50, 90)[1:46, 10:43])


def test_nan_and_infinity_stay():
    a, b = matrix(9, 20), matrix(20, 33, seed=1)
    a[2, 3], b[5, 30] = np.nan, np.inf
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(np.isnan(multiplied(a, b)), np.isnan(a @ b))


@pytest.mark.parametrize(
    ("a", "b", "reason"),
    [
        (np.ones((2, 3)), np.ones((3, 2)), "native products are of float32, not float64"),
        (matrix(2, 3), matrix(4, 3).T, "the rows of the right matrix do not lie together"),
        (matrix(2, 0), matrix(0, 3), "there are no elements"),
    ],
)
def test_what_is_declined(a, b, reason):
    with pytest.raises(Declined) as error:
        product(place(a), place(b), Place.dense("float32", (a.shape[0], b.shape[1])))
    assert str(error.value) == reason


def test_a_step_multiplies_natively_where_it_can():
    step = Step(lambda x, w: (x @ w, ops.matmul(x, ops.transpose(w)), x[0] @ w), native=True)
    x, w = matrix(5, 9), matrix(9, 9, seed=2)
    for result, expected in zip(step(x, w), (x @ w, x @ w.T, x[0] @ w), strict=True):
        np.testing.assert_allclose(result.numpy(), expected, rtol=1e-5, atol=1e-5)
    assert step.program().plan.explain().splitlines() == [
        "native  product 5x9x9",
        "NumPy   dot_general: the rows of the right matrix do not lie together",
        "NumPy   dot_general: native products are of two matrices",
    ]
