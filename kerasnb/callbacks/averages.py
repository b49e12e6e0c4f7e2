"""`SwapEMAWeights`. Imports callbacks.base and errors."""

from __future__ import annotations

from typing import Any

from kerasnb.callbacks.base import Callback
from kerasnb.errors import ArgumentError

__all__ = ["SwapEMAWeights"]


class SwapEMAWeights(Callback):
    """Puts the moving averages of the weights in their place while a model is evaluated or used.

    The optimizer must keep them: ``use_ema=True``. Put it before a `ModelCheckpoint` that is to
    save the averages.

    Args:
        swap_on_epoch: put them in place at the end of each epoch too, until the next begins, so
            that callbacks after this one see them.

    Raises:
        ArgumentError: the model's optimizer keeps no averages.
    """

    def __init__(self, swap_on_epoch: bool = False):
        super().__init__()
        self.swap_on_epoch = swap_on_epoch
        self._swapped = False

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        if self.swap_on_epoch:
            self._put(False)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        if self.swap_on_epoch:
            self._put(True)
            if epoch == self.params["epochs"] - 1:
                # the weights are the averages now, and stay it
                self._each(lambda weight, average: average.assign(weight.value))

    def on_test_begin(self, logs: dict | None = None) -> None:
        self._put(True)

    def on_test_end(self, logs: dict | None = None) -> None:
        self._put(False)

    def on_predict_begin(self, logs: dict | None = None) -> None:
        self._put(True)

    def on_predict_end(self, logs: dict | None = None) -> None:
        self._put(False)

    def _put(self, averages: bool) -> None:
        """Let the model have the averages, or its weights again."""
        if averages is not self._swapped:
            self._each(_swap)
            self._swapped = averages

    def _each(self, action: Any) -> None:
        optimizer = self.model.optimizer
        optimizer = getattr(optimizer, "inner_optimizer", optimizer)  # of a LossScaleOptimizer
        if not getattr(optimizer, "use_ema", False):
            raise ArgumentError(
                f"SwapEMAWeights: the optimizer {type(optimizer).__name__} keeps no averages. Make "
                "it with use_ema=True."
            )
        for weight, average in optimizer.averages:
            action(weight, average)


def _swap(weight: Any, average: Any) -> None:
    before = weight.value
    weight.assign(average.value)
    average.assign(before)
