"""The native plan: a graph as kernels over one arena, and NumPy for what has none.

Imports schedule, placement, job and what lies below.
"""

from __future__ import annotations

import itertools
import os
import threading
import time
import weakref
from collections.abc import Sequence

import numpy as np

from kerasnb.compile import library
from kerasnb.compile.job import Job
from kerasnb.compile.kernel import Kernel
from kerasnb.compile.peaks import peaks
from kerasnb.compile.placement import Placement
from kerasnb.compile.profile import Profile, Row
from kerasnb.compile.recycling import Recycled
from kerasnb.compile.repeat import Repeated
from kerasnb.compile.schedule import Fallback, steps_of
from kerasnb.compile.variance import without_variance
from kerasnb.compile.views import Call, Layout
from kerasnb.errors import unknown
from kerasnb.graph import Graph, Node
from kerasnb.tensor import Tensor

__all__ = ["NativePlan"]


class NativePlan:
    """`graph` as native kernels; what has none runs through its implementation in between.

    It is called as `ReferencePlan` is: with the list of input arrays, for the tuple of outputs,
    which are new arrays. Calls from several threads wait for each other.

    Attributes:
        graph: what it computes.
        steps: kernels with their operands, and nodes that run through NumPy, in order.
    """

    is_native = True

    def __init__(self, graph: Graph):
        graph = without_variance(graph)
        self.graph, self.layout = graph, Layout(graph)
        self.steps = steps_of(graph, self.layout, aligned=True)
        self._lock = threading.Lock()
        _plans.add(self)
        self._prepare()

    def __call__(self, arrays: Sequence[np.ndarray], kept: int = 0) -> tuple:
        """The outputs for these inputs.

        Args:
            arrays: the inputs.
            kept: so many, from the first on, are a variable's: they never get other memory, so that
                their addresses are looked up once.
        """
        with self._lock:
            try:
                return self._run(arrays, kept)
            finally:
                if self._place.flags.size:
                    self._place.flags.fill(0)

    def repeat(
        self,
        arrays: Sequence[np.ndarray | None],
        sources: dict[int, np.ndarray],
        rows: np.ndarray,
        state: Sequence[tuple[int, int]],
    ) -> tuple | None:
        """Run many steps in one call.

        Args:
            arrays: of the inputs, by number; None where there is a source.
            sources: for the other inputs, by number, the array of which each step takes some rows.
            rows: int64 (steps, batch): which.
            state: pairs of an output and the input, by number, that it is for the next step.

        Returns:
            The outputs of the last step; None if this plan cannot do so, because something in it
            runs through NumPy, or an output of `state` is a part of another array.
        """
        place = self._place
        pairs = [(place.outputs[output], given) for output, given in state]
        if any(isinstance(s, Fallback) for s in self.steps) or None in dict(pairs):
            return None
        with self._lock:
            try:
                inputs = [a if a is None else np.ascontiguousarray(a) for a in arrays]
                made = self._repeated(sources, pairs).run(inputs, rows)
                place.check_flags()
                return self._outputs(made)
            finally:
                place.flags.fill(0)

    def _repeated(
        self, sources: dict[int, np.ndarray], state: Sequence[tuple[int, int]]
    ) -> Repeated:
        last = self._last_repeated
        if last is None or not _are_same(last.sources, sources):
            last = Repeated(self._place, self.steps, sources, self._recycled, state)
            self._last_repeated = last
        return last

    def profile(self, title: str, arrays: Sequence[np.ndarray], runs: int = 5) -> Profile:
        """Time each kernel, and each operation through NumPy, in its place among the others.

        Args:
            title: what is timed, for people.
            arrays: of the inputs.
            runs: of the whole plan; of each part the median counts.
        """
        with self._lock:
            moving, row = self._with_addresses(arrays)
            values = np.array([row, row], np.int64)  # the first wakes the threads
            parts = self._jobs(apart=True)
            times = np.array([self._seconds(parts, values, moving) for _ in range(runs)])
            self._place.flags.fill(0)
        rows = []
        for step, seconds in zip(self.steps, np.median(times, 0).tolist(), strict=True):
            if isinstance(step, Fallback):
                rows.append(Row(step.node.op.name, False, 1, seconds, 0, 0))
            else:
                kernel = step.kernel
                rows.append(Row(kernel.name, True, 1, seconds, kernel.flops, kernel.moved))
        return Profile(rows, title, peaks())

    def _seconds(self, parts: list[Job | Node], values: np.ndarray, moving: list) -> list[float]:
        """How long each step took in one run of the plan."""
        seconds: list[float] = []
        for part in parts:
            if isinstance(part, Job):
                seconds += part.seconds(values).tolist()
            else:
                start = time.perf_counter()
                self._run_part(part, values, moving)
                seconds.append(time.perf_counter() - start)
        return seconds

    def nbytes(self) -> int:
        """Bytes of the arena, and of the results of one run."""
        results = self._place.moving[len(self.graph.inputs) :]
        return self._place.arena.nbytes + sum(t.spec.nbytes for t in results)

    def explain(self, kernel: str | None = None) -> str:
        """What runs how, for people: a line for each kernel, and for each operation without one
        why that is.

        Args:
            kernel: the name of a kernel, whose code is given instead, in LLVM's language.

        Raises:
            ArgumentError: there is none of that name (the closest ones are listed).
        """
        if kernel is not None:
            return library.text(self._kernel(kernel))
        lines: dict[str, int] = {}
        for step in self.steps:
            if isinstance(step, Fallback):
                line = f"NumPy   {step.node.op.name}: {step.reason}"
            else:
                line = f"native  {step.kernel.name}"
            lines[line] = lines.get(line, 0) + 1
        return "\n".join(f"{k} ({n} times)" if n > 1 else k for k, n in lines.items())

    def _kernel(self, name: str) -> Kernel:
        kernels = {s.kernel.name: s.kernel for s in self.steps if isinstance(s, Call)}
        if name not in kernels:
            raise unknown("kernel", name, kernels)
        return kernels[name]

    # Running

    def _prepare(self) -> None:
        """Put everything into place, and calls that follow each other into jobs."""
        steps = [s.node if isinstance(s, Fallback) else s for s in self.steps]
        place = self._place = Placement(self.graph, self.layout, steps)
        self._inputs = len(self.graph.inputs)
        self._row = np.empty((1, len(place.moving)), np.int64)
        self._last_repeated: Repeated | None = None
        self._seen: list[tuple] = [(_nothing, 0)] * self._inputs  # weak, as memory is used again
        self._recycled = [Recycled(t.dtype, t.shape) for t in place.moving[self._inputs :]]
        self._parts = self._jobs()

    def _jobs(self, apart: bool = False) -> list[Job | Node]:
        """Calls that follow each other as jobs, and the nodes between them; `apart` as there."""
        place, jobs = self._place, []
        start, base = 0, place.pointers.ctypes.data
        patches = place.patches  # the first job makes them for all
        for native, group in itertools.groupby(self.steps, lambda s: isinstance(s, Call)):
            if not native:
                jobs += [s.node for s in group]
                continue
            calls = list(group)
            starts = place.starts[start : start + len(calls)]
            start += len(calls)
            operands = [base + s * place.pointers.itemsize for s in starts]
            jobs.append(Job(calls, operands, place.pointers, patches, apart))
            patches = patches[:0]
        return jobs

    def _run(self, arrays: Sequence[np.ndarray], kept: int) -> tuple:
        arrays, row = self._with_addresses(arrays, kept)
        self._row[0] = row
        for part in self._parts:
            self._run_part(part, self._row, arrays)
        self._place.check_flags()
        return self._outputs(arrays)

    def _run_part(self, part: Job | Node, values: np.ndarray, arrays: Sequence[np.ndarray]) -> None:
        if isinstance(part, Job):
            part.run(values)
        else:
            self._through_numpy(part, arrays)

    def _with_addresses(
        self, arrays: Sequence[np.ndarray], kept: int = 0
    ) -> tuple[list, list[int]]:
        """The arrays of all that moves, those of the results new; and where they lie."""
        found, row = [], []
        for number, array in enumerate(arrays):
            if number < kept and self._seen[number][0]() is array:
                address = self._seen[number][1]
            else:
                array = np.asarray(array, order="C")  # NumPy's numbers have no lasting memory
                address = array.__array_interface__["data"][0]  # half the time of ctypes.data
                if number < kept:
                    self._seen[number] = weakref.ref(array), address
            found.append(array)
            row.append(address)
        for recycled in self._recycled:
            array, address = recycled.take()
            found.append(array)
            row.append(address)
        return found, row

    def _outputs(self, arrays: Sequence[np.ndarray]) -> tuple:
        place = self._place
        return tuple(
            [
                arrays[number] if number is not None else np.array(place.array(tensor, arrays))
                for tensor, number in zip(self.graph.outputs, place.outputs, strict=True)
            ]
        )

    def _through_numpy(self, node: Node, arrays: Sequence[np.ndarray]) -> None:
        place = self._place
        inputs = [place.array(t, arrays) if type(t) is Tensor else t for t in node.inputs]
        result = node.op.impl(np, *inputs, **node.attrs)
        for tensor, value in zip(node.outputs, [result] if node.single else result, strict=True):
            np.copyto(place.array(tensor, arrays), value)


def _nothing() -> None:
    """What a weak reference to nothing would give."""


def _unlock() -> None:
    """In a new process, no thread is left that held a lock."""
    for plan in _plans:
        plan._lock = threading.Lock()


_plans: weakref.WeakSet[NativePlan] = weakref.WeakSet()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_unlock)


def _are_same(a: dict[int, np.ndarray], b: dict[int, np.ndarray]) -> bool:
    return a.keys() == b.keys() and all(a[key] is b[key] for key in a)
