"""Runs the kernels of single operations, for the tests of their families.

Memory that a kernel has to write holds 7 before, and 7 lies on both sides of it, which must stay.
"""

import ctypes

import numpy as np

from kerasnb.compile import llvm
from kerasnb.compile.lowering import lowered
from kerasnb.compile.views import Layout, Workspace
from kerasnb.graph import Graph
from kerasnb.interpret import function_of
from kerasnb.spec import TensorSpec
from kerasnb.tensor import placeholder

KINDS = (ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p)
AROUND = 64


class Memory:
    """An array with something on both sides of it."""

    def __init__(self, size, dtype, data=None):
        self.whole = np.full(size + 2 * AROUND, 7, dtype)
        self.array = self.whole[AROUND : AROUND + size]
        if data is not None:
            self.array[:] = np.ravel(data)

    def check(self):
        assert np.all(self.whole[:AROUND] == self.whole.dtype.type(7))
        assert np.all(self.whole[-AROUND:] == self.whole.dtype.type(7))


def function_in(text, target=None):
    """The compiled kernel."""
    return llvm.Module(text.replace("@kernel", "@k"), target).function("k", *KINDS)


def run(each, function, memory, order=iter):
    """One kernel on `memory`, arrays by the id of what they are for, to which it may add some."""
    addresses = []
    for operand in each.operands:
        root = operand if isinstance(operand, Workspace) else operand.root
        if id(root) not in memory:
            memory[id(root)] = Memory(root.size, root.dtype)
        array = memory[id(root)].array
        addresses.append(array.ctypes.data + getattr(operand, "offset", 0) * array.itemsize)
    operands, scratch = np.array(addresses, np.uintp), np.empty(each.kernel.scratch + 64, np.uint8)
    for chunk in order(range(each.kernel.chunks)):
        function(operands.ctypes.data, chunk, scratch.ctypes.data)
    for array in memory.values():
        array.check()


def call(each, memory, order=iter):
    """Compile and run one kernel."""
    run(each, function_in(each.kernel.text), memory, order)


class Native:
    """A function of tensors, each of whose operations has kernels of its own or is a view.

    Attributes:
        calls: the kernels, in order.
    """

    def __init__(self, build, *arrays, target=None):
        self.given = [placeholder(TensorSpec(a.shape, str(a.dtype))) for a in arrays]
        made = build(*self.given)
        self.graph = Graph(self.given, made if isinstance(made, (list, tuple)) else [made])
        self.arrays, self.layout = arrays, Layout(self.graph)
        self.calls = [c for node in self.layout.nodes for c in lowered(node, self.layout)]
        texts = {each.kernel.text for each in self.calls}
        made = {text: function_in(text, target) for text in texts}
        self.functions = [made[each.kernel.text] for each in self.calls]

    def __call__(self, order=iter):
        """The outputs, with the chunks of each kernel in some order."""
        self.memory = {
            id(t): Memory(a.size, a.dtype, a) for t, a in zip(self.given, self.arrays, strict=True)
        }
        for each, function in zip(self.calls, self.functions, strict=True):
            run(each, function, self.memory, order)
        return [np.array(self._seen(t)) for t in self.graph.outputs]

    def exact(self):
        """What NumPy computes."""
        with np.errstate(all="ignore"):
            return function_of(self.graph, np)(*self.arrays)

    def _seen(self, tensor):
        view = self.layout[tensor]
        start = self.memory[id(view.root)].array[view.offset :]
        steps = [s * start.itemsize for s in view.place.strides]
        return np.lib.stride_tricks.as_strided(start, view.place.shape, steps)


def check(build, *arrays, target=None):
    """The kernels give what NumPy gives, to the last bit, in whatever order their chunks run."""
    native = Native(build, *arrays, target=target)
    results, backwards = native(), native(lambda chunks: reversed(list(chunks)))
    for result, again, value in zip(results, backwards, native.exact(), strict=True):
        assert result.dtype == value.dtype
        np.testing.assert_array_equal(result, value)
        np.testing.assert_array_equal(result, again)
    return native


def assembly_for_arm(text):
    """A kernel in the language of processors that cannot run it here."""
    binding = llvm._binding()
    binding.initialize_all_targets()
    binding.initialize_all_asmprinters()
    triple = "aarch64-unknown-linux-gnu"
    machine = binding.Target.from_triple(triple).create_target_machine(features="+neon", opt=3)
    module = binding.parse_assembly(text)
    module.triple = triple
    return machine.emit_assembly(module)
