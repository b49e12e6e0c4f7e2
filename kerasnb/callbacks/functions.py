"""`LambdaCallback` and `TerminateOnNaN`. Imports callbacks.base, callbacks.progress and errors."""

from __future__ import annotations

import math
from collections.abc import Callable

from kerasnb.callbacks.base import HOOKS, Callback
from kerasnb.callbacks.progress import say
from kerasnb.errors import ArgumentError, unknown

__all__ = ["LambdaCallback", "TerminateOnNaN"]


class LambdaCallback(Callback):
    """A callback made of functions.

    Args:
        on_epoch_begin: ``(epoch, logs)``.
        on_epoch_end: ``(epoch, logs)``.
        on_train_begin: ``(logs)``.
        on_train_end: ``(logs)``.
        on_train_batch_begin: ``(batch, logs)``.
        on_train_batch_end: ``(batch, logs)``.
        **kwargs: any other method of `Callback`, such as ``on_test_end``.

    Raises:
        ArgumentError: a name is no method of `Callback`, or a value is no function.

    Example:
        >>> callback = LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch, logs["loss"]))
        >>> callback.on_epoch_end(0, {"loss": 0.5})
        0 0.5
    """

    def __init__(
        self,
        on_epoch_begin: Callable | None = None,
        on_epoch_end: Callable | None = None,
        on_train_begin: Callable | None = None,
        on_train_end: Callable | None = None,
        on_train_batch_begin: Callable | None = None,
        on_train_batch_end: Callable | None = None,
        **kwargs: Callable | None,
    ):
        super().__init__()
        functions = {
            "on_epoch_begin": on_epoch_begin,
            "on_epoch_end": on_epoch_end,
            "on_train_begin": on_train_begin,
            "on_train_end": on_train_end,
            "on_train_batch_begin": on_train_batch_begin,
            "on_train_batch_end": on_train_batch_end,
            **kwargs,
        }
        for name, function in functions.items():
            if name not in HOOKS:
                raise unknown("argument of LambdaCallback", name, HOOKS)
            if function is None:
                continue
            if not callable(function):
                raise ArgumentError(
                    f"LambdaCallback: expected a function as {name}, got {type(function).__name__}."
                )
            setattr(self, name, function)


class TerminateOnNaN(Callback):
    """Stops training as soon as the loss is NaN or infinite.

    Args:
        raise_error: whether to raise an error instead.

    Raises:
        RuntimeError: in training, if `raise_error` is set.
    """

    def __init__(self, raise_error: bool = False):
        super().__init__()
        self.raise_error = raise_error

    def on_batch_end(self, batch: int, logs: dict | None = None) -> None:
        loss = (logs or {}).get("loss")
        if loss is None or math.isfinite(loss):
            return
        text = f"TerminateOnNaN: the loss is {loss} after batch {batch}, counted from 0."
        if self.raise_error:
            raise RuntimeError(text)
        say(f"{text} Training stops.")
        self.model.stop_training = True
