"""Fused groups as native kernels, against the reference plan on the same graph."""

import ctypes
import itertools

import numpy as np
import pytest

pytest.importorskip("llvmlite", reason="native code needs llvmlite: pip install llvmlite")

from kerasnb import ops
from kerasnb.compile import llvm
from kerasnb.compile.fusion import Group, groups_of
from kerasnb.compile.rows import Writer, calls_of, refusal
from kerasnb.compile.views import Layout, Workspace
from kerasnb.compile.walk import Walk
from kerasnb.graph import Graph
from kerasnb.interpret import function_of
from kerasnb.op import OPS
from kerasnb.spec import TensorSpec
from kerasnb.tensor import apply, placeholder

SIZES = (1, 7, 17, 33)


def fusable(node):
    return refusal(node) is None


class Runner:
    """Runs a graph group by group: what is no group runs through NumPy.

    Attributes:
        groups: the groups that ran.
        chunks: how many pieces there were in all.
    """

    def __init__(self, graph, order=iter):
        self.graph, self.layout, self.order = graph, Layout(graph), order
        self.units = groups_of(self.layout, fusable)
        self.groups = [u for u in self.units if isinstance(u, Group)]
        self.chunks = 0

    def __call__(self, *arrays):
        given = [*zip(self.graph.inputs, arrays, strict=True)]
        given += [(t, t.data) for t in self.graph.constants]
        # a root lies row-major
        self.arrays = {id(t): np.ascontiguousarray(a).reshape(np.shape(a)) for t, a in given}
        for unit in self.units:
            if isinstance(unit, Group):
                self.native(unit)
            else:
                inputs = [self.seen(t) if hasattr(t, "spec") else t for t in unit.inputs]
                result = unit.op.impl(np, *inputs, **unit.attrs)
                for t, a in zip(unit.outputs, [result] if unit.single else result, strict=True):
                    self.arrays[id(t)] = np.array(a)
        return [self.seen(t) for t in self.graph.outputs]

    def seen(self, tensor):
        view = self.layout[tensor]
        root = np.ascontiguousarray(self.arrays[id(view.root)]).reshape(-1)
        steps = [s * root.itemsize for s in view.place.strides]
        return np.lib.stride_tricks.as_strided(root[view.offset :], view.place.shape, steps)

    def needed(self, group):
        own = {id(n.outputs[0]) for n in group.nodes}
        readers = [t for u in self.units if u is not group for t in self.inputs(u)]
        return own & {id(self.layout[t].root) for t in [*readers, *self.graph.outputs]}

    def inputs(self, unit):
        nodes = unit.nodes if isinstance(unit, Group) else [unit]
        return [t for n in nodes for t in n.inputs if hasattr(t, "spec")]

    def native(self, group):
        kept = self.needed(group)
        for node in group.nodes:
            output = node.outputs[0]
            if id(output) in kept:
                fill = np.full(output.shape, 7, output.dtype)  # whatever was in memory
                self.arrays[id(output)] = fill
        works = {}
        for call in calls_of(group, self.layout, kept):
            addresses = [self.address(o, works) for o in call.operands]
            self.run(call.kernel, np.array(addresses, np.uintp))

    def address(self, operand, works):
        if isinstance(operand, Workspace):
            if operand not in works:
                works[operand] = np.full(operand.size, 7, operand.dtype)
            return works[operand].ctypes.data
        array = self.arrays[id(operand.root)]
        return array.ctypes.data + operand.offset * array.itemsize

    def run(self, kernel, addresses):
        text = kernel.text.replace("@kernel", "@k")
        function = llvm.Module(text).function("k", ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p)
        scratch = np.full(kernel.scratch + 256, 7, np.uint8)
        self.chunks += kernel.chunks
        for chunk in self.order(range(kernel.chunks)):
            function(addresses.ctypes.data, chunk, scratch.ctypes.data)
        assert (scratch[kernel.scratch :] == 7).all()  # what it has no right to write to


def check(build, *arrays, groups=None, tolerance=1e-5):
    """Build a graph over `arrays`, run it natively and through NumPy, and compare."""
    given = [placeholder(TensorSpec(a.shape, str(a.dtype)), f"x{i}") for i, a in enumerate(arrays)]
    made = build(*given)
    graph = Graph(given, made if isinstance(made, (list, tuple)) else [made])
    runner = Runner(graph)
    results = runner(*arrays)
    with np.errstate(all="ignore"):
        expected = function_of(graph, np)(*arrays)
    for result, value in zip(results, expected, strict=True):
        assert result.dtype == value.dtype
        np.testing.assert_allclose(result, value, rtol=tolerance, atol=tolerance)
    backwards = Runner(graph, lambda r: reversed(list(r)))(*arrays)
    for result, again in zip(results, backwards, strict=True):
        np.testing.assert_array_equal(result, again)  # whatever the order of the pieces
    if groups is not None:
        assert len(runner.groups) == groups
    return runner


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


@pytest.mark.parametrize("size", SIZES)
def test_a_chain_is_one_kernel(size):
    check(lambda x, b: ops.tanh(x + b) * 2.0, normal(5, size), normal(size), groups=1)


@pytest.mark.parametrize(("rows", "size"), list(itertools.product(SIZES, (1, 3, 10, 33, 100))))
def test_softmax_is_one_kernel(rows, size):
    check(lambda x: ops.softmax(x), normal(rows, size) * 5, groups=1)


@pytest.mark.parametrize("size", SIZES)
def test_layer_normalization_over_several_axes(size):
    def build(x, gamma):
        mean = ops.mean(x, (1, 2), keepdims=True)
        deviation = x - mean
        variance = ops.mean(deviation * deviation, (1, 2), keepdims=True)
        return deviation / ops.sqrt(variance + 1e-3) * gamma

    check(build, normal(5, 3, size), normal(3, size), groups=1)


@pytest.mark.parametrize("axes", [(0,), (1,), (2,), (0, 1), (1, 2), (0, 2), (0, 1, 2)])
@pytest.mark.parametrize("name", ["sum", "mean", "max", "min", "prod"])
def test_reductions(axes, name):
    x = normal(7, 5, 17)
    check(lambda x: getattr(ops, name)(x * 0.5, axes), x)


# 16 lanes: up to 79, sums are registers; under 8 columns, the axes are rather moved
@pytest.mark.parametrize("channels", [3, 8, 17, 64, 100])
@pytest.mark.parametrize(("images", "places"), [(1, 33), (7, 1), (5, 17)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_reductions_over_middle_axes(channels, images, places, dtype):
    def build(x, gate):
        y = ops.tanh(x) * gate
        return [y, ops.mean(y, 1), ops.max(y, 1), ops.sum(y * y, 1, keepdims=True)]

    x = normal(images, places, channels).astype(dtype)
    gate = normal(images, 1, channels, seed=1).astype(dtype)
    check(build, x, gate, groups=1 if channels >= 8 or 1 in (images, places) else None)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("axes", [(1,), (2,), (1, 2)])
def test_middle_axes_among_several(axes, size):
    def build(x):
        return [ops.sum(x, axes) * 2.0, ops.sum(x, (0, *axes)), ops.sum(x, (1, 2)), ops.max(x)]

    check(build, normal(5, 7, size, 16))


def test_sums_over_middle_axes_in_pieces():
    def build(x):
        square = x * x
        return [ops.mean(square, (1, 2)), square + 1.0]

    runner = check(build, normal(9, 65, 65, 33), groups=1, tolerance=1e-4)
    assert runner.chunks > 2


# 16 lanes: up to 79, sums are registers
@pytest.mark.parametrize("size", [3, 16, 17, 64, 79, 80, 100])
def test_sums_over_many_rows_in_pieces(size):
    def build(x, mask):
        kept = x * mask
        return [kept, ops.sum(kept, 0), ops.mean(kept), ops.max(kept, 0)]

    # no cancellation: NumPy's own sum over the first axis is one long chain of float32
    x, mask = np.abs(normal(30011, size)), np.abs(normal(30011, 1, seed=1))
    runner = check(build, x, mask, tolerance=1e-4)
    assert runner.chunks > len(runner.groups)


def test_long_vectors_in_pieces():
    runner = check(lambda x, y: [x * y + 1.0, ops.sum(x)], normal(100003), normal(100003, seed=2),
                   tolerance=1e-3)  # fmt: skip
    assert runner.chunks > 2


def test_views_are_read_where_they_lie():
    def build(x, y):
        return ops.transpose(x, (2, 0, 1)) + y[:, ::2, 1:]

    check(build, normal(5, 6, 17), normal(17, 10, 7), groups=1)


def test_broadcasts_and_truth_values():
    def build(x, y):
        mask = ops.logical_and(x > 0, y > 0)
        return [mask, ops.where(mask, x, y), ops.cast(mask, "float32") * 2.0]

    check(build, normal(7, 1, 33), normal(5, 33))


def test_nan_and_infinity_stay():
    x = normal(4, 20)
    x[0, 3], x[1, 17], x[2, 2] = np.nan, np.inf, -np.inf
    check(lambda x: [ops.relu(x), ops.max(x, 1), ops.sum(x, 1), ops.max(x, 0)], x)


INTEGERS = ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"]


@pytest.mark.parametrize("axes", [(0,), (1,), (2,), (0, 2), (0, 1, 2)])
@pytest.mark.parametrize("dtype", ["bool", *INTEGERS, "float64"])
@pytest.mark.parametrize("name", ["sum", "max", "min", "prod"])
def test_reductions_of_every_dtype(name, dtype, axes):
    x = np.random.default_rng(5).integers(0, 2**63, (7, 5, 17)).astype(dtype)
    if dtype == "float64":
        x = np.random.default_rng(5).normal(size=x.shape)
    op = OPS[f"reduce_{name}"]
    runner = check(lambda x: apply(op, x, axes=axes), x, groups=1, tolerance=1e-12)
    assert len(runner.units) == 1


def test_reductions_of_whole_numbers_in_pieces():
    x = np.random.default_rng(6).integers(-(2**31), 2**31, (30011, 3)).astype("int32")

    def build(x):
        return [ops.sum(x, 0), ops.max(x, 0), ops.min(x), ops.any(x > 2**30, 0), ops.all(x < 0)]

    assert check(build, x, tolerance=0).chunks > 2


def test_bytes_become_floats():
    images = np.random.default_rng(7).integers(0, 256, (5, 9, 7), "uint8")
    check(lambda x: ops.cast(x, "float32") / 255.0 - 0.5, images, groups=1)


def test_counters_in_float64():
    def build(x, count):
        total = ops.sum(ops.cast(x, "float64"))
        return [total / ops.cast(count, "float64"), ops.sqrt(total), ops.cast(total, "int64"),
                count + 1]  # fmt: skip

    check(build, np.abs(normal(1000)), np.array(7, "int64"), tolerance=1e-9)


def test_rare_cases_within_a_row():
    x = normal(9, 33) * 10
    x[2, 5], x[3, 32], x[8, 0] = 1e10, np.inf, -3e20
    check(lambda x: [ops.sin(x) + ops.cos(x), ops.sum(ops.tan(x), 1)], x)


@pytest.mark.parametrize(("dtype", "size"), list(itertools.product(("float32", "float64"), (2, 7))))
def test_what_a_later_stage_needs_fits_into_scratch(dtype, size):
    def build(x, y, b):
        binary = ops.all((x == 0.0) | (x == 1.0))
        return ops.where(binary, 2.0 * x - 1.0, x) * (y + b)

    arrays = normal(7, size), normal(7, size, seed=1), normal(size)
    check(build, *(a.astype(dtype) for a in arrays), groups=1)


@pytest.mark.parametrize("size", SIZES)
def test_a_mean_of_all_and_one_of_columns_are_not_one_walk(size):
    def build(x, y):
        z = ops.tanh(x)
        columns, everything = ops.mean(z, 0), ops.mean(y, (0, 1))
        return [columns, z - y * everything]

    check(build, normal(7, size), normal(7, size, seed=1) + 3.0)


def random_graph(rng):
    """A function of three tensors that nests elementwise operations, reductions and views."""
    steps = [(rng.integers(0, 9), rng.integers(0, 1 << 16, 3)) for _ in range(rng.integers(4, 14))]
    wanted = rng.integers(1, 1 << 16, 3)

    def build(*given):
        made = list(given)
        for kind, choice in steps:
            x = made[choice[0] % len(made)]
            others = [t for t in made if t.shape == x.shape or t.shape == x.shape[-1:]]
            y, axis = others[choice[1] % len(others)], int(choice[2])
            if kind <= 1:
                made.append(x * 0.5 + y)
            elif kind == 2:
                made.append(ops.tanh(x) * y)
            elif kind == 3:
                made.append(ops.where(x > 0.1, y, x - 1.0))
            elif kind == 4 and x.ndim > 1:
                made.append(ops.swapaxes(x, 0, axis % x.ndim))
            elif kind == 5 and x.ndim:
                made.append(x - ops.max(x, axis % x.ndim, keepdims=True))
            elif kind == 6 and x.ndim:
                made.append(ops.sum(x, axis % x.ndim) * 0.3)
            elif kind == 7 and x.ndim > 1:
                made.append(ops.mean(x, [i for i in range(x.ndim) if axis >> i & 1]))
            elif x.ndim:
                made.append(ops.reshape(x, (-1,))[min(axis % 2, x.size - 1) :: 2])
        return [made[-1 - i % len(made)] for i in wanted]

    return build


@pytest.mark.parametrize("seed", range(150))
def test_random_graphs(seed):
    rng = np.random.default_rng(seed)
    rows, columns, depth = (int(rng.choice((1, 2, 7, 17, 33))) for _ in range(3))
    arrays = normal(rows, columns), normal(columns, seed=1), normal(depth, rows, columns, seed=2)
    check(random_graph(rng), *arrays, tolerance=1e-4)


def test_walks_of_the_same_form_have_the_same_code():
    for seed in range(300):
        rng = np.random.default_rng(seed)
        rows, columns = (int(rng.choice((1, 2, 17, 400))) for _ in range(2))
        shapes = (rows, columns), (columns,), (2, rows, columns)
        given = [placeholder(TensorSpec(s, "float32"), f"x{i}") for i, s in enumerate(shapes)]
        layout = Layout(Graph(given, random_graph(rng)(*given)))
        for group in groups_of(layout, fusable):
            if isinstance(group, Group):
                kept = {id(n.outputs[0]) for n in group.nodes}
                walk = Walk(group, layout, kept)
                again = Writer(walk).calls()
                for found, call in zip(calls_of(group, layout, kept), again, strict=True):
                    assert found.kernel == call.kernel
                    for a, b in zip(found.operands, call.operands, strict=True):
                        same = a.size == b.size if isinstance(a, Workspace) else a == b
                        assert same


def test_what_is_equal_to_python_has_code_of_its_own():
    x = placeholder(TensorSpec((7,), "float32"), "x")
    texts = set()
    for number in (0.0, -0.0, 1, 1.5):
        layout = Layout(Graph([x], [x * number]))
        (group,) = groups_of(layout, fusable)
        (call,) = calls_of(group, layout, {id(group.nodes[-1].outputs[0])})
        texts.add(call.kernel.text)
    assert len(texts) == 4


def test_equal_walks_share_code_but_no_memory():
    given = [placeholder(TensorSpec((3000, 9), "float32"), f"x{i}") for i in range(2)]
    layout = Layout(Graph(given, [ops.sum(x, 0) for x in given]))
    first, second = (
        calls_of(group, layout, {id(group.nodes[-1].outputs[0])})
        for group in groups_of(layout, fusable)
    )
    assert [c.kernel for c in first] == [c.kernel for c in second]
    (own,) = {o for c in first for o in c.operands if isinstance(o, Workspace)}
    (other,) = {o for c in second for o in c.operands if isinstance(o, Workspace)}
    assert own is not other
    assert own.size == other.size
