"""`predict` and `predict_on_batch`. Imports data, callbacks, compile and what lies below."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasnb import tree
from kerasnb.boundary import boundary
from kerasnb.compile.step import Step
from kerasnb.models.again import Again
from kerasnb.models.arrays import PREDICT, PREDICT_BATCH
from kerasnb.models.preparation import Preparation, batch_spec
from kerasnb.tensor import Tensor
from kerasnb.tracebacks import filtered
from kerasnb.utils.batches import pack_x_y_sample_weight

__all__ = ["Prediction"]


class Prediction(Preparation):
    """How a `Trainer` is used once it is trained; mixed into it."""

    @filtered
    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        steps: int | None = None,
        callbacks: Any = None,
    ) -> Any:
        """The model's outputs for `x` as NumPy arrays, in its output structure.

        Args:
            x: inputs, as for `fit`.
            batch_size: samples a step; 32 if not given.
            verbose: as for `fit`.
            steps: batches to use.
            callbacks: what to call at each stage.
        """
        data = self._make_data(x, batch_size=batch_size, steps=steps, names=PREDICT)
        self._check_values(data, self._build_on(data.first()))
        callbacks = self._callback_list(callbacks, verbose, 1, data.steps)
        step = self._step("predict", self.predict_step)
        outputs: list[Any] = []
        callbacks.on_predict_begin()
        with boundary.inside():
            self._predict(step, data, callbacks, outputs)
        callbacks.on_predict_end()
        return tree.map_structure(lambda *parts: np.concatenate(parts), *outputs)

    def _predict(self, step: Step, data: Any, callbacks: Any, outputs: list) -> None:
        for index, batch in enumerate(data.epoch()):
            callbacks.on_predict_batch_begin(index)
            result = step(pack_x_y_sample_weight(batch[0]))
            outputs.append(tree.map_structure(_on_host, result))
            callbacks.on_predict_batch_end(index, lambda: {"outputs": outputs[-1]})
            boundary.rest()

    @filtered
    def predict_on_batch(self, x: Any) -> Any:
        """The outputs for one batch as NumPy arrays."""
        again = self._again
        if again is not None and again.takes(self, x):
            return tree.map_structure(_on_host, again(x))
        batch = self._one_batch(x, None, None, None, PREDICT_BATCH).first()
        step = self._predict_step_on(batch)
        self._check_indices(batch[0])
        with boundary.inside():
            outputs = step(pack_x_y_sample_weight(batch[0]))
        self._again = Again.of(self, x, batch[0], step)
        return tree.map_structure(_on_host, outputs)

    def _predict_step_on(self, batch: Any) -> Step:
        """The step of prediction; the model is built if batches of this kind are new."""
        step = self._step("predict", self.predict_step)
        key = (tree.form(batch[0]), *(batch_spec(a) for a in tree.flatten(batch[0])))
        if key not in self._built_on:
            self._build_on(batch)
            step = self._step("predict", self.predict_step)  # another, if there are new weights
            self._built_on.add(key)
        return step


def _on_host(tensor: Tensor) -> np.ndarray:
    return tensor.numpy()
