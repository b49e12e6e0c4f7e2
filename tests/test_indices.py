"""Native kernels that pick and add up by index, against NumPy, to the last bit."""

import ctypes

import numpy as np
import pytest

pytest.importorskip("llvmlite", reason="native code needs llvmlite: pip install llvmlite")

from test_mathematics import runs

from kerasnb import ops
from kerasnb.compile import llvm
from kerasnb.compile.ir import TYPES, Declined
from kerasnb.compile.lowering import lowered
from kerasnb.compile.step import Step
from kerasnb.compile.views import Flags, Layout
from kerasnb.graph import Graph
from kerasnb.op import OPS
from kerasnb.spec import TensorSpec
from kerasnb.tensor import apply, placeholder
from kerasnb.variable import Variable

TARGETS = [pytest.param(t, id=name) for name, t in llvm.TARGETS.items() if runs(t)]
KINDS = (ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p)
GUARD = 64  # bytes beside each array, which must not change


class Compiled:
    """An op on arrays of given specs as a kernel; `turned` inputs lie with their axes reversed.

    Attributes:
        kernel: what runs.
        message: what its flags say after a run, or None.
    """

    def __init__(self, op, specs, attrs, turned=(), target=None):
        self.turned = [i in turned for i in range(len(specs))]
        given = [
            placeholder(TensorSpec(shape[::-1] if turn else shape, dtype), f"x{i}")
            for i, ((shape, dtype), turn) in enumerate(zip(specs, self.turned, strict=True))
        ]
        inputs = [
            ops.transpose(t) if turn else t for t, turn in zip(given, self.turned, strict=True)
        ]
        self.output = apply(OPS[op], *inputs, **attrs)
        graph = Graph(given, [self.output])
        layout = Layout(graph)
        ((self.kernel, operands),) = lowered(graph.nodes[-1], layout)
        assert [v.root for v in operands[:3]] == [*given, self.output]
        self.flags = operands[3]
        assert isinstance(self.flags, Flags)
        assert self.flags.size == self.kernel.chunks
        text = self.kernel.text.replace("@kernel", "@picked")
        self.function = llvm.Module(text, target).function("picked", *KINDS)

    def __call__(self, *arrays, order=range):
        given = [a.T if turn else a for a, turn in zip(arrays, self.turned, strict=True)]
        output = np.empty(self.output.shape, self.output.dtype)
        slots = np.zeros((self.flags.size, 2), np.int64)
        memory, places = [], []
        for array in (*given, output, slots):
            nbytes = array.nbytes
            whole = np.full(nbytes + 2 * GUARD, 7, np.uint8)
            if array is not output:
                whole[GUARD : GUARD + nbytes] = np.frombuffer(array.tobytes(), np.uint8)
            memory.append(whole)
            places.append(whole[GUARD : GUARD + nbytes])
        operands = np.array([p.ctypes.data for p in places], np.uintp)
        for chunk in order(self.kernel.chunks):
            self.function(operands.ctypes.data, chunk, None)
        for whole in memory:
            assert (whole[:GUARD] == 7).all()
            assert (whole[-GUARD:] == 7).all()
        noted = [number for is_set, number in places[3].view(np.int64).reshape(-1, 2) if is_set]
        self.message = self.flags.message.format(noted[0]) if noted else None
        return places[2].view(output.dtype).reshape(output.shape)


def backwards(chunks):
    return range(chunks - 1, -1, -1)


def compiled(op, arrays, attrs, **options):
    return Compiled(op, [(a.shape, str(a.dtype)) for a in arrays], attrs, **options)


def check(op, arrays, attrs, **options):
    """The same bits as NumPy, whatever the order of the chunks; gives the kernel."""
    run = compiled(op, arrays, attrs, **options)
    with np.errstate(invalid="ignore"):  # infinities of both signs
        expected = OPS[op].impl(np, *arrays, **attrs)
    for order in (range, backwards):
        result = run(*arrays, order=order)
        assert run.message is None
        np.testing.assert_array_equal(result, expected)
        if result.dtype.kind == "f":  # 0.0 is not -0.0; the sign of a NaN means nothing
            known = ~np.isnan(expected)
            np.testing.assert_array_equal(np.signbit(result)[known], np.signbit(expected)[known])
    return run.kernel


def data(shape, dtype="float32", seed=0):
    rng = np.random.default_rng(seed)
    if dtype == "bool":
        return rng.integers(0, 2, shape).astype(bool)
    if dtype.startswith("float"):
        x = rng.normal(size=shape).astype(dtype)
        some = x.reshape(-1)[::5]
        some[:] = np.resize(np.array([np.nan, np.inf, -np.inf, -0.0], dtype), some.size)
        return x
    return rng.integers(0, 2**31, shape).astype(dtype)


def positions(shape, length, dtype="int32", seed=1):
    """Indices of either sign, many of them equal."""
    low = 0 if dtype.startswith("u") else -length
    return np.random.default_rng(seed).integers(low, length, shape).astype(dtype)


# shapes of the larger side (`x` of a gather, the result of a scatter) and of the indices, and axis
SLICES = [
    ((7, 33), (17,), 0), ((7, 17), (3, 5), 0), ((20, 1), (4,), 0), ((33,), (7, 3), 0),
    ((3, 7, 17), (5,), 1), ((3, 5, 7), (2, 3), 2), ((2, 3, 7, 5, 16), (33,), 2),
    ((1, 7, 1), (1,), 1), ((4, 3), (), 0), ((5, 100), (6,), 0), ((1,), (1,), 0),
]  # fmt: skip
# shapes likewise, and how many indices a line has
LINES = [
    ((7, 33), 1, 5), ((7, 33), 0, 17), ((33,), 0, 7), ((3, 7, 17), 1, 1), ((3, 5, 7), 2, 9),
    ((2, 3, 7, 5), 1, 4), ((1, 7, 1), 1, 3), ((20, 1), 1, 3),
]  # fmt: skip


def sliced(op, shape, indices, axis, dtype="float32", index="int32"):
    """Arrays and attributes of `gather` or `scatter_add`."""
    attrs, i = {"axis": axis}, positions(indices, shape[axis], index)
    if op == "scatter_add":
        attrs["length"] = shape[axis]
        shape = (*shape[:axis], *indices, *shape[axis + 1 :])
    return [data(shape, dtype), i], attrs


def lined(op, shape, axis, count, dtype="float32", index="int32"):
    """Arrays and attributes of `take_along_axis` or `put_along_axis`."""
    lines = (*shape[:axis], count, *shape[axis + 1 :])
    attrs, i = {"axis": axis}, positions(lines, shape[axis], index)
    if op == "put_along_axis":
        attrs["length"] = shape[axis]
        shape = lines
    return [data(shape, dtype), i], attrs


CASES = [(op, sliced(op, *case)) for op in ("gather", "scatter_add") for case in SLICES]
CASES += [(op, lined(op, *case)) for op in ("take_along_axis", "put_along_axis") for case in LINES]
OPS_OF_INDICES = ("gather", "scatter_add", "take_along_axis", "put_along_axis")


@pytest.mark.parametrize(("op", "case"), CASES)
def test_values_are_those_of_numpy(op, case):
    arrays, attrs = case
    check(op, arrays, attrs)


@pytest.mark.parametrize(("op", "case"), CASES[:: len(CASES) // 9])
def test_inputs_may_lie_in_any_order(op, case):
    arrays, attrs = case
    check(op, arrays, attrs, turned=[i for i, a in enumerate(arrays) if a.ndim > 1])


@pytest.mark.parametrize("op", OPS_OF_INDICES)
def test_samples(op):
    for sample in OPS[op].samples:
        arrays = [data(a) if type(a) is tuple else np.array(a, "int32") for a in sample.inputs]
        check(op, arrays, dict(sample.attrs))


def made(op, dtype):
    if "along" in op:
        return lined(op, (7, 33), 1, 17, dtype)
    return sliced(op, (7, 33), (17,), 0, dtype)


@pytest.mark.parametrize("op", OPS_OF_INDICES)
def test_every_dtype(op):
    for dtype in TYPES:
        if dtype in ("float32", "uint64"):
            continue
        arrays, attrs = made(op, dtype)
        if dtype == "bool" and op in ("scatter_add", "put_along_axis"):
            with pytest.raises(Declined, match="sums of truth values"):
                compiled(op, arrays, attrs)
        else:
            check(op, arrays, attrs)


@pytest.mark.parametrize("index", ["int8", "int16", "int64", "uint8", "uint16", "uint32"])
def test_every_dtype_of_indices(index):
    length = 127 if index == "int8" else 255  # to the last uint8, above every int8
    check("gather", *sliced("gather", (length, 3), (300,), 0, index=index))
    check("put_along_axis", *lined("put_along_axis", (3, length), 1, 300, index=index))


@pytest.mark.parametrize("target", TARGETS)
def test_every_kind_of_vector(target):
    for op in ("gather", "scatter_add"):
        arrays, attrs = sliced(op, (7, 5, 19), (17,), 0, "int32")
        check(op, arrays, attrs, target=target)


LARGE = {
    "rows": ("gather", (700, 33), (3, 401), 0, 2), "within": ("gather", (9, 700), (8001,), 1, 4),
    "table": ("scatter_add", (3001, 33), (2, 17), 0, 6),
    "blocks": ("scatter_add", (5, 700, 17), (301,), 1, 5),
    "many blocks": ("scatter_add", (301, 9, 11), (7,), 1, 3),
    "histogram": ("scatter_add", (10,), (40000,), 0, 1),
}  # fmt: skip


@pytest.mark.parametrize("name", LARGE)
def test_chunks(name):
    op, shape, indices, axis, chunks = LARGE[name]
    assert check(op, *sliced(op, shape, indices, axis)).chunks == chunks


def test_chunks_of_lines():
    for op in ("take_along_axis", "put_along_axis"):
        assert check(op, *lined(op, (401, 100), 1, 99)).chunks > 1


def test_equal_indices_add_up_in_order():
    # any other order gives 0, or 1
    updates = np.float32([1e8, 1, -1e8, 1])
    for order in (range, backwards):
        run = Compiled(
            "scatter_add", [((4,), "float32"), ((4,), "int32")], {"axis": 0, "length": 3}
        )
        result = run(updates, np.int32([2, 2, 2, -1]), order=order)
        np.testing.assert_array_equal(result, np.float32([0, 0, 1]))


def test_no_updates_give_zeros():
    arrays, attrs = sliced("scatter_add", (7, 5), (0,), 0)
    check("scatter_add", arrays, attrs)


def spoiled(op, size, bad):
    """Arrays with indices that are out of bounds, near the start and the end; and the
    attributes."""
    arrays, attrs = (
        lined(op, (size, 33), 1, 17) if "along" in op else sliced(op, (3, size, 5), (40,), 1)
    )
    flat = arrays[1].reshape(-1)
    flat[[7, 9, -3]] = bad
    return arrays, attrs


@pytest.mark.parametrize("op", OPS_OF_INDICES)
@pytest.mark.parametrize("size", [33, 3301])
@pytest.mark.parametrize("bad", [4000, -4000, 2**31 - 1, -(2**31)])
def test_indices_out_of_bounds(op, size, bad):
    arrays, attrs = spoiled(op, size, [bad, 5000, -6000])
    with pytest.raises(IndexError) as error:
        OPS[op].impl(np, *arrays, **attrs)
    run = compiled(op, arrays, attrs)
    result = run(*arrays, order=backwards)
    assert run.message == str(error.value)
    if op in ("gather", "take_along_axis"):  # it went on with the first element
        far = (arrays[1] >= 4000) | (arrays[1] <= -4000)
        safe = np.where(far, 0, arrays[1])
        np.testing.assert_array_equal(result, OPS[op].impl(np, arrays[0], safe, **attrs))


def test_bounds_are_exact():
    x, length = data((7, 3)), 7
    run = Compiled("gather", [((7, 3), "float32"), ((1,), "int64")], {"axis": 0})
    for index, good in ((6, True), (-7, True), (7, False), (-8, False), (2**63 - 1, False)):
        run(x, np.int64([index]))
        expected = f"index {index} is out of bounds for axis 0 with size {length}"
        assert run.message == (None if good else expected)


@pytest.mark.parametrize(
    ("arrays", "reason"),
    [
        ([data((3, 2)), np.zeros(2, "uint64")], "indices of uint64"),
        ([np.zeros((3, 2), "float16"), np.zeros(2, "int32")], "arrays of float16"),
        ([data((0, 2)), np.zeros(2, "int32")], "an axis without elements"),
        ([data((3, 2)), np.zeros(0, "int32")], "there are no elements"),
    ],
)
def test_what_is_declined(arrays, reason):
    with pytest.raises(Declined) as error:
        compiled("gather", arrays, {"axis": 0})
    assert str(error.value) == reason


def test_a_step_raises_and_goes_on():
    table = Variable(np.ones((5, 3), "float32"))

    def function(ids):
        rows = ops.take(table.value, ids, axis=0)
        sums = ops.segment_sum(rows, ids, 4)
        table.assign_add(ops.pad(sums, [(0, 1), (0, 0)]))
        return ops.sum(sums)

    step = Step(function, native=True)
    assert step(np.array([3, 0, 3], "int32")).item() == 9.0
    assert "NumPy   gather" not in step.program().plan.explain()
    for bad, message in (
        ([0, 9, 0], "index 9 is out of bounds for axis 0 with size 5"),  # the first of two kernels
        ([0, 4, 0], "index 4 is out of bounds for axis 0 with size 4"),
    ):
        with pytest.raises(IndexError) as error:
            step(np.array(bad, "int32"))
        assert str(error.value) == message
        assert table.numpy()[:, 0].tolist() == [2, 1, 1, 3, 1]
    assert step(np.array([1, 1, 2], "int32")).item() == 9.0
