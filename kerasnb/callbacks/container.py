"""`CallbackList`: calls many callbacks, and costs nothing for methods that none of them overrides.

Imports errors and tree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from kerasnb import tree
from kerasnb.callbacks.base import HOOKS, Callback, as_number, read
from kerasnb.callbacks.history import History
from kerasnb.callbacks.progress import progress_display
from kerasnb.errors import ArgumentError

__all__ = ["CallbackList"]

# a callback may override either name; the general one is the fallback
_FALLBACKS = {"on_train_batch_begin": "on_batch_begin", "on_train_batch_end": "on_batch_end"}


class CallbackList:
    """Callbacks in order, with all their methods: `on_epoch_end(...)` calls that of each.

    Which methods do something is found out once, when the list is made. Logs may be a dictionary
    or, at the end of a batch, a function that returns one: it is called at most once a batch, and
    only if a callback reads the logs.

    Args:
        callbacks: a callback, or a list of them.
        add_history: whether to add a `History` if there is none.
        add_progbar: whether to add what shows progress if there is none: a live view of training
            in a notebook, if ``verbose="auto"``; else a `ProgressBar`.
        model: handed to each callback.
        **params: handed to each callback; ``verbose``, ``epochs`` and ``steps``.

    Attributes:
        callbacks: the callbacks.
        history: the `History` among them, or None.
        active: names of the methods that at least one callback overrides.
        wants_batch_logs: whether some callback reads the logs after every training step.
        wants_every_batch: whether some callback is to be called for every single training step.

    Raises:
        ArgumentError: an item is not a callback.
    """

    def __init__(
        self,
        callbacks: Any = None,
        add_history: bool = False,
        add_progbar: bool = False,
        model: Any = None,
        **params: Any,
    ):
        self.callbacks = [] if callbacks is None else tree.flatten(callbacks)
        for position, callback in enumerate(self.callbacks):
            _check(callback, position)
        if add_history and self._first(History) is None:
            self.callbacks.append(History())
        verbose = params.get("verbose")
        if add_progbar and not any(getattr(c, "shows_progress", False) for c in self.callbacks):
            self.callbacks.append(progress_display(live=add_history and verbose == "auto"))
        if verbose == "auto":
            params["verbose"] = 1
        self.history = self._first(History)
        self.model = None
        self._bind()
        self.set_params(params)
        if model is not None:
            self.set_model(model)

    def append(self, callback: Callback) -> None:
        """Add a callback at the end."""
        _check(callback, len(self.callbacks))
        self.callbacks.append(callback)
        self._bind()

    def set_params(self, params: dict) -> None:
        """Hand `params` to each callback."""
        self.params = params
        for callback in self.callbacks:
            callback.set_params(params)

    def set_model(self, model: Any) -> None:
        """Hand `model` to each callback; the history becomes ``model.history``."""
        self.model = model
        if self.history is not None:
            model.history = self.history
        for callback in self.callbacks:
            callback.set_model(model)

    def __iter__(self) -> Iterator[Callback]:
        return iter(self.callbacks)

    def __len__(self) -> int:
        return len(self.callbacks)

    def _first(self, kind: type) -> Any:
        return next((c for c in self.callbacks if isinstance(c, kind)), None)

    def _bind(self) -> None:
        """Make each hook an attribute that calls just the methods that do something."""
        active = set()
        self.wants_batch_logs = self.wants_every_batch = False
        for name in HOOKS:
            methods = [(m, c) for c in self.callbacks if (m := _override(c, name)) is not None]
            if name.startswith("on_train_batch"):
                every = any(getattr(c, "every_batch", True) for _, c in methods)
                self.wants_every_batch = self.wants_every_batch or every
            lazy = [getattr(c, "lazy_logs", False) for _, c in methods]
            methods = [m for m, _ in methods]
            if methods:
                active.add(name)
            if name == "on_train_batch_end":
                self.wants_batch_logs = not all(lazy)
            if not methods:
                setattr(self, name, _nothing)
            elif name.endswith("batch_end"):
                setattr(self, name, _batch_end(list(zip(methods, lazy, strict=True))))
            elif "epoch" in name or "batch" in name:
                setattr(self, name, _numbered(methods))
            else:
                setattr(self, name, _once(methods))
        self.active = frozenset(active)


def _check(callback: Any, position: int) -> None:
    if isinstance(callback, type):
        raise ArgumentError(
            f"callbacks[{position}] is the class {callback.__name__}. "
            f"Pass an instance: {callback.__name__}(...)."
        )
    if not callable(getattr(callback, "set_model", None)):
        raise ArgumentError(
            f"callbacks[{position}]: expected a Callback, got {type(callback).__name__}. "
            "Wrap a function as LambdaCallback(on_epoch_end=function)."
        )


def _override(callback: Any, name: str) -> Callable | None:
    """The callback's method, or None if it is the one of `Callback` that does nothing."""
    method = getattr(callback, name, None)
    if getattr(method, "__func__", method) is getattr(Callback, name):
        fallback = _FALLBACKS.get(name)
        return None if fallback is None else _override(callback, fallback)
    return method


def _nothing(*args: Any, **kwargs: Any) -> None:
    """Stands for a hook that no callback overrides."""


def _once(methods: list) -> Callable:
    def hook(logs: dict | None = None) -> None:
        shared = _numbers(read(logs))
        for method in methods:
            method(shared)

    return hook


def _numbered(methods: list) -> Callable:
    def hook(number: int, logs: dict | None = None) -> None:
        shared = _numbers(read(logs))
        for method in methods:
            method(number, shared)

    return hook


def _batch_end(methods: list) -> Callable:
    def hook(batch: int, logs: dict | Callable[[], dict] | None = None) -> None:
        numbers = None

        def once() -> dict:
            nonlocal numbers
            if numbers is None:
                numbers = _numbers(read(logs))
            return numbers

        for method, lazy in methods:
            method(batch, once if lazy else once())

    return hook


def _numbers(logs: dict) -> dict:
    """A copy with every single number as a Python float; anything else as it is."""
    return {name: as_number(value) for name, value in logs.items()}
