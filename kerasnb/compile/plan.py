"""The reference plan: a graph run through the array module, one call an op.

A plan is called with the list of input arrays and gives the tuple of output arrays, none of which
is an input or a part of another array; other engines offer the same. Imports memory, interpret
and backends.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kerasnb.backends.protocol import Backend
from kerasnb.compile.memory import peak_bytes
from kerasnb.errors import ArgumentError
from kerasnb.graph import Graph
from kerasnb.interpret import function_of, source_of

__all__ = ["ReferencePlan"]


class ReferencePlan:
    """`graph` on `backend`, op by op in straight-line Python.

    Whatever a faster engine cannot do runs here, and what it does is compared with this.
    """

    is_native = False

    def __init__(self, graph: Graph, backend: Backend):
        self.graph, self.backend = graph, backend
        self._function = function_of(graph, backend.xp)
        self._array_type, self._asarray = backend.array_type, backend.xp.asarray

    def __call__(self, arrays: Sequence[Any], kept: int = 0) -> tuple:
        kind, asarray = self._array_type, self._asarray
        given = {id(a) for a in arrays}
        # NumPy gives scalars for 0-d results
        made = [a if type(a) is kind else asarray(a) for a in self._function(*arrays)]
        # a view would keep another array alive, and may be of the caller's own memory
        return tuple([a if a.base is None and id(a) not in given else a.copy() for a in made])

    def nbytes(self) -> int:
        """Bytes that a run needs, beside inputs and what an operation needs for itself."""
        return peak_bytes(self.graph)

    def explain(self, kernel: str | None = None) -> str:
        """What runs how, for people.

        Raises:
            ArgumentError: `kernel` is given, but here are no native kernels.
        """
        if kernel is not None:
            raise ArgumentError(
                f"explain: there is no kernel {kernel!r}: each operation runs through "
                f"{self.backend.title}."
            )
        return f"{len(self.graph.nodes)} operations, each through {self.backend.title}"

    def profile(self, title: str, arrays: Sequence[Any]) -> None:
        """Nothing: here are no kernels to be timed."""

    def repeat(self, *_: Any) -> None:
        """Nothing: each step is a call of its own here."""

    def source(self) -> str:
        """The plan as readable Python."""
        return source_of(self.graph)
