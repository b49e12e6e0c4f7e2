"""Native products and convolutions against NumPy in float64, for each kind of vector register."""

import ctypes
import itertools

import numpy as np
import pytest

pytest.importorskip("llvmlite", reason="native code needs llvmlite: pip install llvmlite")

from test_mathematics import runs

from kerasnb.compile import llvm
from kerasnb.compile.contract import Contraction
from kerasnb.compile.convolve import (
    convolution,
    convolution_input_grad,
    convolution_kernel_grad,
)
from kerasnb.compile.ir import Declined
from kerasnb.compile.kernel import Place
from kerasnb.compile.matmul import dot_general, matmul
from kerasnb.op import OPS
from kerasnb.ops.window import window_positions

TARGETS = [pytest.param(t, id=name) for name, t in llvm.TARGETS.items() if runs(t)]
ARM = llvm.Target("generic", "+neon")
KINDS = (ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p)


def place(x: np.ndarray) -> Place:
    return Place(str(x.dtype), x.shape, tuple(s // x.itemsize for s in x.strides))


class Compiled:
    """A contraction that can be run; memory that it has to write before it reads holds NaN."""

    def __init__(self, contraction: Contraction, target: llvm.Target | None = None):
        self.kernels, self.functions = contraction.kernels, []
        for kernel, _ in self.kernels:
            module = llvm.Module(kernel.text.replace("@kernel", "@contraction"), target)
            self.functions.append(module.function("contraction", *KINDS))
        self.workspace = np.full(contraction.workspace, np.nan, np.float32)
        memory = np.full(max(k.scratch for k, _ in self.kernels) // 4 + 32, np.nan, np.float32)
        self.scratch = memory[-memory.ctypes.data % 64 // 4 :]

    def __call__(self, order=range, **arrays: np.ndarray) -> None:
        arrays["workspace"] = self.workspace
        for (kernel, names), function in zip(self.kernels, self.functions, strict=True):
            operands = np.array([arrays[name].ctypes.data for name in names], np.uintp)
            for chunk in order(kernel.chunks):
                function(operands.ctypes.data, chunk, self.scratch.ctypes.data)


def backwards(chunks: int) -> range:
    return range(chunks - 1, -1, -1)


def computed(contraction: Contraction, target, shape: tuple, a, b) -> np.ndarray:
    """The result, which is the same whatever the order of chunks; nothing beside it is written."""
    run, results = Compiled(contraction, target), []
    size = int(np.prod(shape))
    for order in (range, backwards):
        around = np.full(size + 64, 7.0, np.float32)
        around[32:-32] = np.nan
        c = around[32:-32].reshape(shape)
        run(order, a=a, b=b, c=c)
        assert np.all(around[:32] == 7)
        assert np.all(around[-32:] == 7)
        results.append(c)
    np.testing.assert_array_equal(*results)
    return results[0]


def assert_close(found: np.ndarray, exact: np.ndarray, terms: int) -> None:
    # sums of normal numbers: rounding errors of some ulp of the largest partial sum
    np.testing.assert_allclose(found, exact, rtol=1e-5, atol=2e-6 * max(terms, 1))


def normal(shape: tuple, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


# Products


def product(m: int, k: int, n: int, target, batch=(), turned=(False, False)) -> None:
    shapes = [(*batch, m, k), (*batch, k, n)]
    operands = []
    for seed, (shape, turn) in enumerate(zip(shapes, turned, strict=True)):
        shape = (*shape[:-2], shape[-1], shape[-2]) if turn else shape
        x = normal(shape, seed)
        operands.append(x.swapaxes(-1, -2) if turn else x)
    a, b = operands
    shape = (*batch, m, n)
    contraction = matmul(place(a), place(b), Place.dense("float32", shape), target)
    found = computed(contraction, target, shape, a, b)
    assert_close(found, a.astype(float) @ b.astype(float), k)


SIZES = [
    (1, 1, 1), (7, 1, 33), (1, 17, 7), (17, 7, 17), (33, 33, 33), (10, 8, 12), (33, 17, 1),
    (7, 33, 2), (3, 40, 4), (100, 33, 50), (13, 600, 70), (1, 64, 100), (1, 1, 300), (300, 5, 1),
]  # fmt: skip


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_products(size, target):
    for turned in itertools.product((False, True), repeat=2):
        product(*size, target, turned=turned)


@pytest.mark.parametrize("size", [(128, 784, 96), (70, 520, 200), (40, 1024, 256)], ids=str)
def test_large_products(size):
    for turned in itertools.product((False, True), repeat=2):
        product(*size, None, turned=turned)


@pytest.mark.parametrize("target", TARGETS)
def test_products_of_a_batch(target):
    for turned in itertools.product((False, True), repeat=2):
        product(17, 16, 33, target, batch=(3, 2), turned=turned)
    product(4, 20, 1, target, batch=(70,))
    product(64, 9, 16, target, batch=(70,))


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("sample", OPS["dot_general"].samples, ids=str)
def test_products_of_tensors(sample, target):
    a, b = (normal(shape, i) for i, shape in enumerate(sample.inputs))
    exact = OPS["dot_general"].impl(np, a.astype(float), b.astype(float), **sample.attrs)
    place_c = Place.dense("float32", exact.shape)
    contraction = dot_general(place(a), place(b), place_c, **sample.attrs, target=target)
    assert_close(computed(contraction, target, exact.shape, a, b), exact, 16)


def test_long_sums_of_few_results():
    for turned in ((False, False), (True, True)):
        product(64, 4096, 64, None, turned=turned)
    product(16, 3000, 40, None, batch=(3,), turned=(True, False))


def test_products_of_views():
    a, b = normal((6, 40, 5)), normal((40, 80), 1)
    for x, y in (
        (a[1:5, ::2, 2], b[:20, ::3]),
        (a[:, ::-1, 1], b[::-1, 5:38]),
        (a[2, :, 1:4].T, b[:, ::-1]),
        (np.broadcast_to(a[0, :, 0], (9, 40)), b),
    ):
        shape = (x.shape[0], y.shape[1])
        contraction = matmul(place(x), place(y), Place.dense("float32", shape))
        assert_close(computed(contraction, None, shape, x, y), x.astype(float) @ y, 40)


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(("extent", "chunks"), [(48, 8), (49, 2), (50, 4)])
def test_rows_of_several_indices_are_divided(extent, chunks, turned):
    x, y = normal((65, extent, 40)).swapaxes(0, 1), normal((40, 64), 1)
    if turned:
        y = np.ascontiguousarray(y.T).T
    shape = (extent, 65, 64)
    contraction = dot_general(place(x), place(y), Place.dense("float32", shape), ((2,), (0,)))
    found = computed(contraction, None, shape, x, y)
    assert_close(found, x.astype(float) @ y, 40)
    ((kernel, _),) = contraction.kernels
    assert kernel.chunks >= chunks  # 49 is no multiple of 2, 3 or 4


def test_results_with_gaps():
    a, b = normal((9, 12)), normal((12, 20), 1)
    whole = np.zeros((40, 30), np.float32)
    for c in (whole[:20, :9].T, whole[1:10, 3:23], whole[::2, ::3][:9].T[:9, :9].T):
        left, right = a[: c.shape[0]], b[:, : c.shape[1]]
        Compiled(matmul(place(left), place(right), place(c)))(a=left, b=right, c=c)
        assert_close(c, left.astype(float) @ right, 12)
    assert np.all(whole[20:, 9:] == 0)


def test_an_empty_sum_is_zero():
    for m, k, n in ((3, 0, 5), (3, 0, 1), (0, 4, 5), (4, 3, 0)):
        a, b = normal((m, k)), normal((k, n))
        contraction = matmul(place(a), place(b), Place.dense("float32", (m, n)))
        assert np.all(computed(contraction, None, (m, n), a, b) == 0)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_spreads_as_in_numpy(value):
    a, b = normal((20, 37)), normal((37, 50), 1)
    a[3, 36], b[5, 49] = value, value
    contraction = matmul(place(a), place(b), Place.dense("float32", (20, 50)))
    np.testing.assert_allclose(computed(contraction, None, (20, 50), a, b), a @ b, rtol=1e-3)


def test_other_dtypes_are_declined():
    x = Place.dense("float64", (2, 2))
    with pytest.raises(Declined, match="a product of float64 and float64 in float64"):
        matmul(x, x, x)


# Convolutions

OPERATIONS = {
    "convolution": convolution,
    "convolution_input_grad": convolution_input_grad,
    "convolution_kernel_grad": convolution_kernel_grad,
}


def convolved(name: str, a: np.ndarray, b: np.ndarray, attrs: dict, target=None) -> tuple:
    """What the kernels compute, and what the primitive gives in float64."""
    exact = OPS[name].impl(np, a.astype(float), b.astype(float), **attrs)
    attrs = {k: v for k, v in attrs.items() if k not in ("shape", "window")}
    result = Place.dense("float32", exact.shape)
    contraction = OPERATIONS[name](place(a), place(b), result, **attrs, target=target)
    return computed(contraction, target, exact.shape, a, b), exact


def all_three(
    n: int, spatial: tuple, channels: int, window: tuple, filters: int, target=None, *,
    strides=None, padding=None, dilation=None, groups=1,
) -> None:  # fmt: skip
    ones = (1,) * len(spatial)
    strides, dilation = strides or ones, dilation or ones
    padding = padding or ((0, 0),) * len(spatial)
    attrs = {"strides": strides, "padding": padding, "dilation": dilation, "groups": groups}
    positions = window_positions("", spatial, window, strides, padding, dilation)
    x = normal((n, *spatial, channels))
    w = normal((*window, channels // groups, filters), 1)
    g = normal((n, *positions, filters), 2)
    for name, a, b, more, terms in (
        ("convolution", x, w, {}, w.size // filters),
        ("convolution_input_grad", g, w, {"shape": spatial}, w.size // w.shape[-2]),
        ("convolution_kernel_grad", x, g, {"window": window}, g.size // filters),
    ):
        found, exact = convolved(name, a, b, {**attrs, **more}, target)
        assert_close(found, exact, terms)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", OPERATIONS)
def test_samples_of_convolutions(name, target):
    for sample in OPS[name].samples:
        a, b = (normal(shape, i) for i, shape in enumerate(sample.inputs))
        found, exact = convolved(name, a, b, sample.attrs, target)
        assert_close(found, exact, a.size)


SAME, ONE_SIDED, WIDE = ((1, 1), (1, 1)), ((2, 0), (0, 3)), ((5, 4), (3, 6))


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(
    "case",
    [
        ((3, (9, 7), 4, (3, 3), 18), {}),
        ((3, (8, 8), 3, (3, 3), 7), {"padding": SAME}),
        ((2, (12, 26), 1, (3, 3), 33), {"padding": SAME}),
        ((5, (7, 33), 17, (1, 1), 5), {"strides": (2, 2)}),
        ((2, (9, 10), 5, (3, 2), 6), {"strides": (2, 3), "padding": ONE_SIDED}),
        ((2, (9, 9), 4, (2, 3), 4), {"dilation": (3, 2), "padding": WIDE, "groups": 2}),
        ((2, (11, 9), 2, (3, 3), 3), {"strides": (2, 4), "dilation": (2, 2), "padding": SAME}),
        ((2, (11, 9), 2, (2, 2), 3), {"strides": (3, 3), "dilation": (2, 3), "padding": WIDE}),
        ((17, (6, 6), 19, (3, 3), 19), {"groups": 19, "padding": SAME}),
        ((2, (6, 7), 6, (3, 3), 12), {"groups": 6, "strides": (2, 1), "padding": SAME}),
        ((4, (40,), 7, (5,), 17), {"padding": ((4, 0),), "dilation": (1,)}),
        ((2, (5, 6, 4), 3, (2, 3, 1), 17), {"strides": (1, 2, 1), "padding": ((1, 0),) * 3}),
        ((33, (2, 2), 33, (2, 2), 40), {"padding": SAME}),
        ((1, (1, 1), 1, (1, 1), 1), {}),
    ],
    ids=str,
)
def test_convolutions(case, target):
    sizes, attrs = case
    all_three(*sizes, target, **attrs)


def test_convolutions_of_many_images():
    all_three(70, (14, 14), 16, (3, 3), 32, padding=SAME)
    all_three(40, (6, 6), 130, (3, 3), 130)


def test_convolutions_of_one_large_image():
    all_three(1, (45, 40), 16, (3, 3), 32, padding=SAME, strides=(1, 2))
    all_three(1, (45, 40), 20, (3, 3), 32)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_stays_where_it_is_seen(value):
    x, w = normal((2, 8, 8, 3)), normal((3, 3, 3, 17), 1)
    x[1, 4, 4, 2] = value
    attrs = {"strides": (1, 1), "padding": SAME, "dilation": (1, 1), "groups": 1}
    found, _ = convolved("convolution", x, w, attrs)
    seen = np.zeros(found.shape, bool)
    seen[1, 3:6, 3:6] = True
    np.testing.assert_array_equal(np.isfinite(found), ~seen)


def test_arrays_with_gaps_are_declined():
    x, w, y = Place("float32", (1, 4, 4, 2), (64, 16, 4, 2)), (3, 3, 2, 5), (1, 2, 2, 5)
    dense = [Place.dense("float32", shape) for shape in (w, y)]
    with pytest.raises(Declined, match="a convolution of arrays with gaps"):
        convolution(x, *dense, strides=(1, 1), padding=((0, 0),) * 2, dilation=(1, 1))


# Other processors


def test_code_for_other_processors():
    binding = llvm._binding()
    binding.initialize_all_targets()
    binding.initialize_all_asmprinters()
    triple = "aarch64-unknown-linux-gnu"
    machine = binding.Target.from_triple(triple).create_target_machine(features="+neon", opt=3)
    x, w = Place.dense("float32", (2, 8, 8, 5)), Place.dense("float32", (3, 3, 5, 24))
    y = Place.dense("float32", (2, 8, 8, 24))
    attrs = {"strides": (1, 1), "padding": SAME, "dilation": (1, 1)}
    for made in (
        matmul(
            Place.dense("float32", (20, 30)),
            Place("float32", (30, 50), (1, 30)),
            Place.dense("float32", (20, 50)),
            ARM,
        ),
        convolution(x, w, y, **attrs, target=ARM),
        convolution_kernel_grad(x, y, w, **attrs, target=ARM),
    ):
        for kernel, _ in made.kernels:
            module = binding.parse_assembly(kernel.text)
            module.triple = triple
            assembly = machine.emit_assembly(module)
        assert "fmla" in assembly or "fadd" in assembly
