"""What the compiled steps of a model are made of, and how long each part takes. Imports compile."""

from __future__ import annotations

from typing import Any

from kerasnb.boundary import boundary
from kerasnb.compile.profile import Profile
from kerasnb.errors import GraphError
from kerasnb.utils import pack_x_y_sample_weight

__all__ = ["Inspection"]


class Inspection:
    """What a `Trainer` tells about its steps; mixed into it."""

    def explain(self, kernel: str | None = None) -> str:
        """What the newest step of this model ran on: native kernels, and what had none and why.

        Args:
            kernel: the name of one of these kernels, whose code is given instead.

        Raises:
            GraphError: no step has been traced yet.
            ArgumentError: there is no such kernel.
        """
        steps = [s for s in self._steps.values() if s.program() is not None]
        if not steps:
            raise GraphError(f"Model {self.name!r} has not run a compiled step yet: fit it first.")
        return steps[-1].program().plan.explain(kernel)

    def profile(self, x: Any, y: Any = None, sample_weight: Any = None) -> Profile:
        """Time one step, kernel by kernel, without changing the model.

        Args:
            x: one batch of inputs.
            y: its targets: a step of training is timed; without them, one of `predict`.
            sample_weight: the weight of each sample.

        Returns:
            The profile, which prints as a table: time, operations and bytes a second of each
            kernel, and how much that is of what this machine can do.

        Raises:
            GraphError: the model is not compiled, or its steps are not native.
        """
        data = self._one_batch(x, y, sample_weight, None)
        if y is None:
            self._check_values(data, self._build_on(data.first()))
            step, batch = self._step("predict", self.predict_step), data.first()[:1]
        else:
            self._require_compiled("profile")
            self._prepare(data, training=True)
            step, batch = self._step("train", self.train_step), data.first()
        with boundary.inside():
            rows = step.profile(pack_x_y_sample_weight(*batch))
        if rows is None:
            raise GraphError(
                f"profile: the steps of model {self.name!r} are not native. That needs llvmlite, "
                "the NumPy backend, and compile without run_eagerly or jit_compile=False."
            )
        kind = "training step" if y is not None else "prediction"
        return Profile(rows, f"{kind} of {self.name}, batch of {data.num_samples}")
