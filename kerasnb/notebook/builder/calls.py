"""What a layer makes of tensors of given shapes: real layers tried out without weights.

Each trial is remembered, so that a graph in which one layer changed needs one. Imports layers and
models.cost.
"""

from __future__ import annotations

import json
import math
import os
import random
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple

from kerasnb import naming, registry, tree
from kerasnb.compile.memory import limit
from kerasnb.errors import KerasnbError
from kerasnb.layers.base import Layer
from kerasnb.models.cost import CALL_ERRORS, call_cost
from kerasnb.notebook.builder.palette import Entry
from kerasnb.spec import TensorSpec
from kerasnb.tensor import Tensor, placeholder
from kerasnb.variable import weightless

__all__ = [
    "LAYER_ERRORS", "Calls", "Form", "Outcome", "aside", "machine_bytes", "make_layer",
    "too_large",
]  # fmt: skip

# What somebody's layer may raise while it is only being looked at
LAYER_ERRORS = (*CALL_ERRORS, AssertionError, ImportError, MemoryError, OSError, StopIteration)

# The name of a layer on trial; it is taken out of what the layer says
_NAME = "_"
_LONGEST = 300  # characters of an error
_KEPT = 4096  # trials; each takes about 1 kB


class Form(NamedTuple):
    """How a layer is called.

    Attributes:
        specs: of the tensors, in order.
        call: the other arguments, as JSON.
        keywords: the names of the last of the tensors.
    """

    specs: tuple[TensorSpec, ...]
    call: str = "{}"
    keywords: tuple[str, ...] = ()

    @property
    def unnamed(self) -> tuple[TensorSpec, ...]:
        """The specs of the tensors that have no name."""
        return self.specs[: len(self.specs) - len(self.keywords)]


class Outcome(NamedTuple):
    """What came of a trial.

    Attributes:
        specs: of the outputs; none if it failed.
        parameters: how many numbers its weights have, and `trainable` how many of them learn.
        bytes: what its weights would take.
        cost: operations for one sample; None if not known.
        error: what the layer said, for people.
        making: whether it could not even be made: its arguments are wrong.
    """

    specs: tuple[TensorSpec, ...] = ()
    parameters: int = 0
    trainable: int = 0
    bytes: int = 0
    cost: int | None = None
    error: str | None = None
    making: bool = False


class Calls:
    """Trials of layers, the newest of which are remembered."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple, Outcome] = OrderedDict()

    def of(self, entry: Entry, settings: Mapping[str, Any], first: Form, form: Form) -> Outcome:
        """What a call gives.

        Args:
            entry: of the layer.
            settings: its arguments.
            first: how it is called the first time, which decides about its weights.
            form: how it is called this time.
        """
        key = (entry.cls, json.dumps(settings, sort_keys=True), first, form)
        outcome = self._known.get(key)
        if outcome is None:
            outcome = self._known[key] = _tried(entry, settings, first, form)
            if len(self._known) > _KEPT:
                self._known.popitem(last=False)
        else:
            self._known.move_to_end(key)
        return outcome


def make_layer(
    entry: Entry, settings: Mapping[str, Any], name: str, own: Mapping[str, type]
) -> Layer:
    """A new layer.

    Args:
        entry: of its class.
        settings: its arguments.
        name: what it is called.
        own: classes of the user's that its arguments may name.
    """
    with registry.custom_object_scope(own):
        return entry.cls.from_config({**settings, "name": name})


def _tried(entry: Entry, settings: Mapping[str, Any], first: Form, form: Form) -> Outcome:
    layer = None
    with aside(), weightless():
        try:
            layer = make_layer(entry, settings, _NAME, {entry.type: entry.cls})
            layer._build_for(*_arguments(entry, first))
            weights = layer.weights
            size = sum(v.spec.nbytes for v in weights)
            if size > machine_bytes():  # what a call makes may be as large, and be made for real
                return Outcome(error=too_large(size))
            for each in dict.fromkeys((first, form)):
                args, call = _arguments(entry, each)
                outputs = layer(*args, **call)
            cost = call_cost(layer, args, call)
        except LAYER_ERRORS as error:
            return Outcome(error=_words(entry, error), making=layer is None)
    return Outcome(
        tuple(t.spec for t in tree.flatten(outputs) if isinstance(t, Tensor)),
        sum(math.prod(v.shape) for v in weights),
        sum(math.prod(v.shape) for v in weights if v.trainable),
        size,
        cost,
    )


def _arguments(entry: Entry, form: Form) -> tuple[tuple, dict]:
    tensors = [placeholder(spec, "x", level=0) for spec in form.specs]
    args, named = entry.given(tensors, form.keywords)
    return args, {**json.loads(form.call), **named}


def too_large(size: int) -> str:
    """That weights need more memory than there is."""
    there = _gigabytes(machine_bytes())
    return f"Its weights would take {_gigabytes(size)} of memory; there are {there}."


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:,.0f} GB" if size >= 1e10 else f"{size / 1e9:.1f} GB"


@contextmanager
def aside() -> Iterator[None]:
    """Keep what a trial uses up: names of layers, and numbers of Python's random generator."""
    counts, state = naming._counts.copy(), random.getstate()
    try:
        yield
    finally:
        naming._counts.clear()
        naming._counts.update(counts)
        random.setstate(state)


def _words(entry: Entry, error: BaseException) -> str:
    """What an error says, without the name of a layer that was only on trial."""
    kind = entry.cls.__name__
    text = " ".join(str(error).split())
    text = text.replace(f"{kind} {_NAME!r}: ", "").replace(f"{kind} {_NAME!r}", kind)
    text = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
    if entry.custom or not isinstance(error, KerasnbError):
        return f"{type(error).__name__} in {kind}: {text}" if text else type(error).__name__
    first, _, rest = text.partition(" ")
    return f"{first.capitalize()} {rest}" if first in ("a", "expected", "the") else text


@cache
def machine_bytes() -> int:
    """The memory of this machine, or what this process may use of it."""
    reader: Callable = getattr(os, "sysconf", lambda name: 0)
    try:
        physical = reader("SC_PHYS_PAGES") * reader("SC_PAGE_SIZE")
    except (ValueError, OSError):
        physical = 0
    return min(n for n in (physical, limit(), 1 << 60) if n)
