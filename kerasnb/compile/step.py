"""A Python function that reads and assigns variables, traced once per input spec and then run as a
plan.

Imports loop_passes, plan, profile, variable and what lies below; and native, when it is needed.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from operator import attrgetter
from typing import Any

import numpy as np

from kerasnb import backends, config, tree
from kerasnb.compile.loop_passes import improve_loops
from kerasnb.compile.passes import share_common
from kerasnb.compile.plan import ReferencePlan
from kerasnb.compile.profile import Profile
from kerasnb.graph import Graph, inner_level
from kerasnb.tensor import Operators, Tensor, as_tensor, placeholder
from kerasnb.text import is_text
from kerasnb.variable import StateScope, Variable, swap

__all__ = ["Step"]

_value_of = attrgetter("_value")

PROGRAMS = 64  # kept per step: batches of ever new lengths must not fill the memory


class Step:
    """`function` as a compiled step: ``step(*arrays)`` gives what the function returns.

    The function is traced once for each combination of input specs; from then on only the plan
    runs. The variables that it assigns change together, after the whole step has been computed.

    Args:
        function: takes nested structures of tensors and gives one; it may read and assign
            variables.
        eager: run the function op by op on real values instead, for debugging.
        on_trace: called with each new program before it runs.
        native: run native kernels where the backend is NumPy; needs llvmlite.
        quiet: NumPy is not to warn of infinities and NaN, which are expected.
    """

    def __init__(
        self,
        function: Callable,
        eager: bool = False,
        on_trace: Callable[[Program], None] | None = None,
        native: bool = False,
        quiet: bool = False,
    ):
        self.function, self.eager, self.on_trace = function, eager, on_trace
        self.native, self.quiet = native, quiet
        self._programs: dict[tuple, Program] = {}

    def __call__(self, *args: Any) -> Any:
        if self.quiet:
            with np.errstate(over="ignore", invalid="ignore"):
                return self._run(args)
        return self._run(args)

    def _run(self, args: tuple) -> Any:
        if self.eager:
            return self._run_eagerly(args)
        program, arrays = self._program_for(args)
        return program.run(arrays)

    def profile(self, title: str, *args: Any) -> Profile | None:
        """The time of each kernel in a step on `args`; no variable changes. None if the step is not
        native.

        Without `args`, a step on random numbers, in batches of the largest size so far.
        """
        if self.eager:
            return None
        if args:
            program, arrays = self._program_for(args)
        else:
            program, arrays = max(self._programs.values(), key=Program.batch_size), None
        return program.profile(f"{title}, batch of {program.batch_size()}", arrays)

    def _program_for(self, args: tuple) -> tuple[Program, list]:
        """The program for arguments of this kind, traced if it is new; and their arrays."""
        backend = backends.current()
        leaves = tree.flatten(args)
        arrays = [backend.asarray(_array(a)) if a is not None else None for a in leaves]
        specs = [(a.shape, a.dtype) if a is not None else None for a in arrays]
        key = _key(backend, args, specs)
        program = self._programs.pop(key, None)
        if program is None:
            if len(self._programs) >= PROGRAMS:  # the one that was not used for longest goes
                del self._programs[next(iter(self._programs))]
            program = Program(self.function, args, arrays, backend, self.native)
            if self.on_trace is not None:
                self.on_trace(program)
        self._programs[key] = program
        return program, arrays

    def repeat(self, args: tuple, rows: np.ndarray) -> Any:
        """Many steps in one call: each takes some rows of all arrays.

        Args:
            args: what the function takes, but with all rows; arrays of the host.
            rows: int64 (steps, batch): the rows of each step.

        Returns:
            What the function returns in the last step; None if there is no native program for
            batches of this kind, or it cannot do so.
        """
        arrays = tree.flatten(args)
        if self.eager or not all(a is None or isinstance(a, np.ndarray) for a in arrays):
            return None
        size = rows.shape[1]
        specs = [((size, *a.shape[1:]), a.dtype) if a is not None else None for a in arrays]
        program = self._programs.get(_key(backends.current(), args, specs))
        if program is None:
            return None
        if self.quiet:
            with np.errstate(over="ignore", invalid="ignore"):
                return program.repeat(arrays, rows)
        return program.repeat(arrays, rows)

    def _run_eagerly(self, args: tuple) -> Any:
        scope = EagerScope()
        with scope.active():
            result = self.function(*(tree.map_structure(_maybe_tensor, a) for a in args))
        swap(list(scope.writes), [t.data for t in scope.writes.values()])
        return result

    def graph(self) -> Graph:
        """The newest traced graph, for reading."""
        return self.program().graph

    def program(self) -> Program | None:
        """The program that ran last, or None."""
        return next(reversed(self._programs.values()), None)


class EagerScope(StateScope):
    """Real values, but assignments wait for the end of the step, so that an error leaves
    nothing."""

    def read(self, variable: Variable) -> Tensor:
        """The newest value of `variable` in this step."""
        return self.writes.get(variable, variable._value)


class Program:
    """One trace of a function, and the plan that runs it.

    Attributes:
        graph: inputs are the variables read, then the arrays given; outputs the results, then the
            variables assigned.
        reads: the variables that are inputs.
        writes: the variables that are outputs.
        plan: the executable.
    """

    def __init__(
        self, function: Callable, args: tuple, arrays: list, backend: Any, native: bool = False
    ):
        with inner_level():
            scope = StateScope()
            inputs = [
                None if a is None else placeholder(Tensor(a).spec, f"batch{i}")
                for i, a in enumerate(arrays)
            ]
            with scope.active():
                self.result = function(*tree.pack_as(args, inputs))
                outputs = [_maybe_tensor(t) for t in tree.flatten(self.result)]
        self.reads: list[Variable] = list(scope.reads)
        self.writes: list[Variable] = list(scope.writes)
        self._given = [i for i, t in enumerate(inputs) if t is not None]
        self._is_tensor = [isinstance(t, Tensor) for t in outputs]
        tensors = [t for t in outputs if isinstance(t, Tensor)]
        self._results = len(tensors)
        self._is_one = isinstance(self.result, Tensor)
        traced = Graph(
            [*scope.reads.values(), *(inputs[i] for i in self._given)],
            [*tensors, *scope.writes.values()],
        )
        self.graph = improve_loops(share_common(traced))
        self.plan = _plan(self.graph, backend, native)

    def run(self, arrays: list) -> Any:
        """Run the plan, change the variables, and pack the results as the function did."""
        given = [arrays[i] for i in self._given]
        values = self.plan([*self._state(), *given], kept=len(self.reads))
        return self._finished(values)

    def batch_shapes(self) -> list[tuple[int, ...]]:
        """The shapes of the arrays that it is given."""
        return [t.shape for t in self.graph.inputs[len(self.reads) :]]

    def batch_size(self) -> int:
        """The first axis of what it is given, or 0."""
        return max((shape[0] for shape in self.batch_shapes() if shape), default=0)

    def profile(self, title: str, arrays: list | None = None) -> Profile | None:
        """As `Step.profile`, for the batches of this program."""
        if arrays is None:
            given = [_any_numbers(t) for t in self.graph.inputs[len(self.reads) :]]
        else:
            given = [arrays[i] for i in self._given]
        return self.plan.profile(title, [*self._state(), *given])

    def repeat(self, arrays: list, rows: np.ndarray) -> Any:
        """As `Step.repeat`, for the batches of this program."""
        read = len(self.reads)
        sources = {read + i: arrays[number] for i, number in enumerate(self._given)}
        inputs = [*self._state(), *(None for _ in sources)]
        values = self.plan.repeat(inputs, sources, rows, self._carried())
        return None if values is None else self._finished(values)

    def _carried(self) -> list[tuple[int, int]]:
        """Which output is which input of the next step."""
        numbers = {id(variable): i for i, variable in enumerate(self.reads)}
        return [
            (self._results + i, numbers[id(variable)])
            for i, variable in enumerate(self.writes)
            if id(variable) in numbers
        ]

    def _state(self) -> list:
        """The arrays of the variables that are read."""
        # read within C code, so that a swap by another thread comes before or after, never between
        return [t.data for t in list(map(_value_of, self.reads))]

    def _finished(self, values: tuple) -> Any:
        """Change the variables, and pack the results as the function did."""
        if self.writes:
            swap(self.writes, values[self._results :])
        if self._is_one:
            return Tensor(values[0])
        made = iter(values[: self._results])
        leaves = [
            Tensor(next(made)) if is_tensor else leaf
            for leaf, is_tensor in zip(tree.flatten(self.result), self._is_tensor, strict=True)
        ]
        return tree.pack_as(self.result, leaves)


def _plan(graph: Graph, backend: Any, native: bool) -> Any:
    if native and backend.name == "numpy":
        # here and not above: the 40 modules of the engine take 15 ms, which `import kerasnb` and
        # whoever only looks at a model need not wait for
        return import_module("kerasnb.compile.native").NativePlan(graph)
    return ReferencePlan(graph, backend)


def _key(backend: Any, args: tuple, specs: list) -> tuple:
    """What a program is made for."""
    return (backend.name, config.floatx(), tree.form(args), *specs)


def _any_numbers(tensor: Tensor) -> np.ndarray:
    """Numbers that will do for timing: random ones, but indices that are valid everywhere."""
    if tensor.dtype.startswith("float"):
        return np.random.default_rng(0).random(tensor.shape).astype(tensor.dtype)
    return np.zeros(tensor.shape, tensor.dtype)


def _array(value: Any) -> Any:
    if isinstance(value, Operators) or not hasattr(value, "dtype"):
        return as_tensor(value).data
    return value


def _maybe_tensor(value: Any) -> Any:
    if value is None or isinstance(value, str) or is_text(value):
        return value
    return as_tensor(value)
