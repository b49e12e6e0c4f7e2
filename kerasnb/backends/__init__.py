"""Which array library holds the data: the `Backend` protocol, the registry and the switch.

The backend follows the array: an op runs where its inputs lie. The *current* backend decides only
where new arrays go. A backend is one module of this folder, or an entry point in the group
``kerasnb.backends``, that exports its subclass of `Backend` as ``BACKEND``. Imports config, errors.
"""

from __future__ import annotations

import importlib
import sys
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kerasnb import config
from kerasnb.backends.protocol import Backend
from kerasnb.boundary import boundary
from kerasnb.errors import BackendError, unknown

__all__ = [
    "Backend",
    "Switch",
    "backend_of",
    "current",
    "get",
    "live",
    "models",
    "module_of",
    "use",
    "using",
]

_loaded: dict[str, Backend] = {}
_by_type: dict[type, Backend] = {}
_state: dict[str, Backend | None] = {"current": None}

# Everything that owns arrays between steps (variables) adds itself here, to be moved by `use`.
live: weakref.WeakSet = weakref.WeakSet()

# What a person counts when variables move: models add themselves.
models: weakref.WeakSet = weakref.WeakSet()


class Switch:
    """What `use` did.

    Attributes:
        name: of the backend that is used now.
        models: how many models moved with their optimizers, those within others not counted.
        arrays: how many arrays moved.
        nbytes: their size in bytes.
        seconds: how long it took.
    """

    def __init__(self, name: str, models: int, arrays: int, nbytes: int, seconds: float):
        self.name, self.models, self.arrays = name, models, arrays
        self.nbytes, self.seconds = nbytes, seconds

    def __repr__(self) -> str:
        return (
            f"Now on {get(self.name).title}: {self.models} model{'s' * (self.models != 1)}, "
            f"{self.nbytes / 1e6:.1f} MB, {self.seconds * 1e3:.0f} ms"
        )


def get(name: str) -> Backend:
    """The backend called `name`, ready for use.

    Raises:
        ArgumentError: there is none of this name.
        BackendError: it cannot work on this machine; the text says why.
    """
    if name not in _loaded:
        if not config.has_backend(name):
            raise unknown("backend", name, config.backend_names())
        backend = _import(name).BACKEND()
        if reason := backend.unusable():
            raise BackendError(reason)
        _loaded[name] = backend
        _by_type[backend.array_type] = backend
    return _loaded[name]


def current() -> Backend:
    """The backend on which new arrays are made; chosen by configuration until `use` is called."""
    backend = _state["current"]
    if backend is None:
        backend = _state["current"] = get(config.backend())
        if config.announce():
            print(f"Using {backend.title} backend.", file=sys.stderr)
    return backend


def backend_of(array: Any) -> Backend | None:
    """The loaded backend whose array `array` is, or None."""
    return _by_type.get(type(array))


def module_of(array_type: type) -> Any:
    """The array module of the loaded backend whose arrays are of `array_type`."""
    return _by_type[array_type].xp


def use(name: str) -> Switch:
    """Make `name` the current backend and move every live variable to it.

    Values, optimizer state included, stay as they are, and the next `fit` goes on where it was. If
    anything fails, nothing has moved. While models are trained in other threads, it waits until
    each of them is between two steps.

    Args:
        name: ``"numpy"``, ``"cupy"`` or another backend's name.

    Returns:
        What moved.

    Raises:
        ArgumentError: there is no such backend.
        BackendError: the backend cannot work on this machine; the text says why.
    """
    target, start = get(name), time.perf_counter()
    with boundary.moving():
        moved = _move_all(target)
        _state["current"] = target
    nbytes = sum(moved.values())
    return Switch(name, _count_models(moved), len(moved), nbytes, time.perf_counter() - start)


@contextmanager
def using(name: str) -> Iterator[Switch]:
    """`use(name)` for a block; then the backend of before is used again, after an error too.

    Example:
        >>> with using("numpy") as switch:
        ...     print(switch.name)
        numpy
    """
    before = current().name
    switch = use(name)
    try:
        yield switch
    finally:
        use(before)


def _move_all(target: Backend) -> dict[int, int]:
    """Move every live array; give what each moved owner's id weighs in bytes."""
    moves = [(owner, array, backend_of(array)) for owner in list(live) for array in owner.arrays()]
    copies = [
        (owner, target.asarray(source.to_numpy(array)), array.nbytes)
        for owner, array, source in moves
        if source is not target
    ]
    for owner, copy, _ in copies:
        owner.replace_array(copy)
    return {id(owner): size for owner, _, size in copies}


def _count_models(moved: dict[int, int]) -> int:
    found = [m for m in list(models) if any(id(v) in moved for v in m._state_variables())]
    within = {id(part) for m in found for part in m._flatten_layers() if part is not m}
    return sum(id(m) not in within for m in found)


def _import(name: str) -> Any:
    try:
        return importlib.import_module(f"kerasnb.backends.{name}")
    except ModuleNotFoundError as error:
        if error.name != f"kerasnb.backends.{name}":
            raise
    from importlib import metadata  # slow to import, and rarely needed

    points = metadata.entry_points(group="kerasnb.backends")
    return next(p for p in points if p.name == name).load()
