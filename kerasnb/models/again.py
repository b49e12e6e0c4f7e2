"""`predict_on_batch` for one more batch of a kind, without what is the same each time.

Imports step, variable and what lies below.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasnb import backends, config
from kerasnb.compile.step import Program, Step
from kerasnb.variable import in_scope, structure

__all__ = ["Again"]


class Again:
    """The program of a model for batches of one shape and type.

    To check a batch, to build its specs and to find its program takes 90 us, and a small model 6.
    All of that holds as long as nothing has changed on which it depends.

    Args:
        batch: an array that has been predicted for.
        program: what ran.
    """

    def __init__(self, batch: np.ndarray, program: Program):
        self._shape, self._dtype, self._program = batch.shape, batch.dtype, program
        self._structure, self._backend = structure(), backends.current()
        self._floatx = config.floatx()

    @classmethod
    def of(cls, model: Any, given: Any, batch: Any, step: Step) -> Again | None:
        """For the kind of batch that was `given` and became `batch`; None if there is more to do
        than to run a program."""
        if type(given) is not np.ndarray or type(batch) is not np.ndarray or step.eager:
            return None
        if given.dtype != batch.dtype or given.dtype.kind != "f" or model._computes_on_host():
            return None
        if step.quiet or any(hasattr(part, "check_indices") for part in model._flatten_layers()):
            return None
        program = step.program()
        if program is None or program.writes or not program.plan.is_native:
            return None
        return cls(given, program) if program.batch_shapes() == [given.shape] else None

    def takes(self, model: Any, batch: Any) -> bool:
        """Whether `batch` is one more of the kind, and nothing has changed since."""
        return (
            type(batch) is np.ndarray
            and batch.shape == self._shape
            and batch.dtype == self._dtype
            and self._structure is structure()
            and self._backend is backends.current()
            and self._floatx == config.floatx()
            and not model.run_eagerly
            and not in_scope()
        )

    def __call__(self, batch: np.ndarray) -> Any:
        """What the model's function gives, as tensors."""
        return self._program.run([batch])
