"""`Snapshot`: the state of everything alive, to go back to. Imports compile, backends and below."""

from __future__ import annotations

import copy
import random
from collections.abc import Sequence
from typing import Any

import numpy as np

from kerasnb import backends
from kerasnb.compile.step import Step

__all__ = ["Snapshot"]


class Snapshot:
    """The state of everything alive, to go back to as often as needed.

    That is: the arrays of all variables; the attributes of all models and of the package's objects
    within them (layers, optimizers, metrics, callbacks), down to the contents of their lists and
    dictionaries; Python's and NumPy's random numbers. The objects stay who they are.
    """

    def __init__(self) -> None:
        self.models = list(backends.models)
        self._arrays = [
            (owner, np.array(backends.backend_of(array).to_numpy(array)))
            for owner in list(backends.live)
            for array in owner.arrays()
        ]
        self._contents = [(item, copy.copy(_contents(item))) for item in _mutable(self.models)]
        self._random = random.getstate(), np.random.get_state()

    def restore(self) -> None:
        """Make everything as it was, with the arrays on the current backend."""
        for item, contents in self._contents:
            _refill(_contents(item), contents)
        asarray = backends.current().asarray
        for owner, array in self._arrays:
            owner.replace_array(asarray(array.copy()))
        random.setstate(self._random[0])
        np.random.set_state(self._random[1])


def _mutable(roots: Sequence[Any]) -> list[Any]:
    """Everything that can be changed and is reached from `roots`, each once."""
    found: dict[int, Any] = {}
    stack: list[Any] = list(roots)
    while stack:
        item = stack.pop()
        if id(item) in found or not (isinstance(item, (list, tuple, dict, set)) or _ours(item)):
            continue
        found[id(item)] = item
        contents = _contents(item)
        stack.extend(contents.values() if isinstance(contents, dict) else contents)
    return [item for item in found.values() if not isinstance(item, tuple)]


def _ours(item: Any) -> bool:
    """Whether it is an object of this package, or of a subclass, with attributes."""
    return (
        hasattr(item, "__dict__")
        and not isinstance(item, (type, Step))
        and any(c.__module__.partition(".")[0] == "kerasnb" for c in type(item).__mro__)
    )


def _contents(item: Any) -> Any:
    return item if isinstance(item, (list, tuple, dict, set)) else vars(item)


def _refill(contents: Any, saved: Any) -> None:
    contents.clear()
    if isinstance(contents, list):
        contents.extend(saved)
    else:
        contents.update(saved)
