"""What the compiled steps of a model are made of, and how long each part takes. Imports compile."""

from __future__ import annotations

from typing import Any

from kerasnb.boundary import boundary
from kerasnb.compile.profile import Profile
from kerasnb.errors import GraphError
from kerasnb.utils.batches import pack_x_y_sample_weight

__all__ = ["Inspection"]


class Inspection:
    """What a `Trainer` tells about its steps; mixed into it."""

    def has_run(self) -> bool:
        """Whether it has run a compiled step since it was compiled."""
        return any(step.program() is not None for step in self._steps.values())

    def explain(self, kernel: str | None = None) -> str:
        """What the newest step of this model ran on: native kernels, and what had none and why.

        Args:
            kernel: the name of one of these kernels, whose code is given instead.

        Raises:
            GraphError: no step has been traced yet.
            ArgumentError: there is no such kernel.
        """
        return self._newest()[1].program().plan.explain(kernel)

    def profile(self, x: Any = None, y: Any = None, sample_weight: Any = None) -> Profile:
        """Time one step, kernel by kernel, without changing the model.

        Args:
            x: one batch of inputs. Without it the newest step is timed, on random numbers.
            y: its targets: a step of training is timed; without them, one of `predict`.
            sample_weight: the weight of each sample.

        Returns:
            The profile, which prints as a table: time, operations and bytes a second of each
            kernel, and how much that is of what this machine can do.

        Raises:
            GraphError: the model is not compiled, no step has been traced yet, or its steps are not
                native.
        """
        kind, step, batch = self._newest() if x is None else self._step_on(x, y, sample_weight)
        with boundary.inside():
            profile = step.profile(f"{kind} of {self.name}", *batch)
        if profile is None:
            raise GraphError(
                f"profile: the steps of model {self.name!r} are not native. That needs llvmlite, "
                "the NumPy backend, and compile without run_eagerly or jit_compile=False."
            )
        return profile

    def _newest(self) -> tuple[str, Any, tuple]:
        step = self._steps.get(self._newest_kind)
        if step is None or step.program() is None:
            raise GraphError(f"Model {self.name!r} has not run a compiled step yet: fit it first.")
        return f"{self._newest_kind} step", step, ()

    def _step_on(self, x: Any, y: Any, sample_weight: Any) -> tuple[str, Any, tuple]:
        data = self._one_batch(x, y, sample_weight, None)
        if y is None:
            self._check_values(data, self._build_on(data.first()))
            kind, batch = "predict", data.first()[:1]
        else:
            self._require_compiled("profile")
            self._prepare(data, training=True)
            kind, batch = "train", data.first()
        step = self._step(kind, getattr(self, f"{kind}_step"))
        return f"{kind} step", step, (pack_x_y_sample_weight(*batch),)
