"""Variables: the state of models, optimizers and metrics, and how a trace sees it.

Imports tensor and what lies below. While a step is traced, a `StateScope` stands between: the first
read of a variable makes a placeholder, an assignment is noted, and nothing changes until the plan
has run. So a variable changes at step boundaries only.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import repeat
from typing import Any

import numpy as np

from kerasnb import backends, config
from kerasnb.errors import DTypeError, ShapeError
from kerasnb.graph import current_level
from kerasnb.spec import TensorSpec, check_dtype, is_float
from kerasnb.tensor import Operators, Tensor, as_tensor, placeholder

__all__ = [
    "StateScope", "Variable", "autocast", "autocasting", "current_scope", "eager_scope",
    "in_scope", "note_change", "structure", "swap", "weightless",
]  # fmt: skip

_scope: ContextVar[StateScope | None] = ContextVar("state_scope", default=None)
_autocast: ContextVar[str | None] = ContextVar("autocast", default=None)
_weightless: ContextVar[bool] = ContextVar("weightless", default=False)
_structure = {"token": object()}


class Variable(Operators):
    """A tensor that can be assigned to.

    Args:
        initializer: the first value (array-like), or a callable ``(shape, dtype)`` that makes it.
        shape: needed when `initializer` is a callable.
        dtype: data type; `floatx` for a callable, else that of the value.
        trainable: whether optimizers change it.
        name: for people; ``"variable"`` if not given.

    Attributes:
        made_trainable: what `trainable` was at first; unfreezing a layer brings it back.
        autocast: whether a layer that computes in another float type reads it in that type.

    Raises:
        ShapeError: a callable without a shape, or a shape that is not known in full.
    """

    def __init__(
        self,
        initializer: Any,
        shape: Sequence[int] | None = None,
        dtype: str | None = None,
        trainable: bool = True,
        name: str | None = None,
    ):
        self.name = name or "variable"
        self.path = self.name
        self.trainable = self.made_trainable = trainable  # which also notes the change
        self.autocast = True
        self.regularizer = None
        self.constraint = None
        with eager_scope():
            self._value = _first_value(initializer, shape, dtype, self.name)
        if not _weightless.get():
            backends.live.add(self)

    @property
    def spec(self) -> TensorSpec:
        """Shape and data type; they never change."""
        return self._value.spec

    @property
    def shape(self) -> tuple[int, ...]:
        """The dimensions."""
        return self._value.spec.shape

    @property
    def dtype(self) -> str:
        """The data type's name."""
        return self._value.spec.dtype

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return int(np.prod(self.shape))

    @property
    def trainable(self) -> bool:
        """Whether optimizers change it."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = value
        note_change()

    @property
    def value(self) -> Tensor:
        """The present value; symbolic while a step is traced.

        Within the call of a layer that computes in another float type, converted to that type.
        """
        scope, wanted = _scope.get(), _autocast.get()
        value = self._value if scope is None else scope.read(self)
        if wanted is None or wanted == value.spec.dtype:
            return value
        return as_tensor(value, wanted) if self.autocast and is_float(self.dtype) else value

    @property
    def stored(self) -> Tensor:
        """The present value in the variable's own type, wherever it is read."""
        scope = _scope.get()
        return self._value if scope is None else scope.read(self)

    def assign(self, value: Any) -> Tensor:
        """Replace the value.

        Args:
            value: of the variable's shape; converted to its dtype.

        Raises:
            ShapeError: the shapes differ.
        """
        new = as_tensor(value, self.dtype)
        if new.shape != self.shape:
            raise ShapeError(
                f"Variable {self.path!r}: expected a value of shape {self.shape}, got {new.shape}."
            )
        scope = _scope.get()
        if scope is not None:
            scope.write(self, new)
        elif new.data is None:
            raise DTypeError(f"Variable {self.path!r} cannot hold the symbolic tensor {new.spec}.")
        else:
            self._value = _owned(new, value)
        return new

    def assign_add(self, value: Any) -> Tensor:
        """Add `value` to the variable."""
        return self.assign(self.stored + value)

    def assign_sub(self, value: Any) -> Tensor:
        """Subtract `value` from the variable."""
        return self.assign(self.stored - value)

    def numpy(self) -> np.ndarray:
        """A copy of the value as a NumPy array on the host."""
        return np.array(self.stored.numpy())

    def item(self) -> Any:
        """The one element as a Python number."""
        return self.value.item()

    def __setstate__(self, state: dict) -> None:
        self.__dict__.update(state)
        backends.live.add(self)  # a copy moves with the others, too

    def arrays(self) -> list:
        """The arrays it owns (for `backends.use`)."""
        return [self._value.data]

    def replace_array(self, array: Any) -> None:
        """Hold `array`, equal but on another backend (for `backends.use`)."""
        self._value = Tensor(array, self._value.spec)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self.value.__array__(dtype, copy)

    def __float__(self) -> float:
        return float(self.value)

    def __int__(self) -> int:
        return int(self.value)

    def __bool__(self) -> bool:
        return bool(self.value)

    def __len__(self) -> int:
        return len(self.value)

    def __iter__(self) -> Iterator[Tensor]:
        return iter(self.value)

    def __format__(self, text: str) -> str:
        return format(self.value, text) if text else repr(self)

    def __repr__(self) -> str:
        return f"<Variable {self.path} {self.spec}, trainable={self.trainable}>"


class StateScope:
    """What a trace reads from variables and writes to them.

    Attributes:
        reads: each variable read, with the placeholder that stands for its value, in order.
        writes: each variable assigned, with its newest symbolic value.
    """

    def __init__(self) -> None:
        self.reads: dict[Variable, Tensor] = {}
        self.writes: dict[Variable, Tensor] = {}
        self.level = current_level()

    def read(self, variable: Variable) -> Tensor:
        """The value of `variable` at this point of the trace."""
        if variable in self.writes:
            return self.writes[variable]
        if variable not in self.reads:
            self.reads[variable] = placeholder(variable.spec, variable.path, self.level)
        return self.reads[variable]

    def write(self, variable: Variable, value: Tensor) -> None:
        """Note that `variable` is to become `value`."""
        self.writes[variable] = value

    @contextmanager
    def active(self):
        """Send every read and assignment in the block to this scope."""
        token = _scope.set(self)
        try:
            yield self
        finally:
            _scope.reset(token)


def current_scope() -> StateScope | None:
    """The scope to which reads and assignments go now, if there is one."""
    return _scope.get()


def in_scope() -> bool:
    """Whether reads and assignments go to a trace now."""
    return _scope.get() is not None


@contextmanager
def eager_scope():
    """Leave any trace for the block, so that variables are read and changed for real."""
    token = _scope.set(None)
    try:
        yield
    finally:
        _scope.reset(token)


@contextmanager
def autocast(dtype: str | None):
    """Let float variables be read in the type `dtype` in the block; in their own for None."""
    token = _autocast.set(dtype)
    try:
        yield
    finally:
        _autocast.reset(token)


autocasting = _autocast.get
"""Gives the type in which float variables are read now; None for their own."""


@contextmanager
def weightless():
    """Let variables made in the block take no memory: what an initializer would fill reads as 0.

    A layer that is built so tells its shapes and sizes, however large, and is good for nothing
    else. Its variables stay on the host.
    """
    token = _weightless.set(True)
    try:
        yield
    finally:
        _weightless.reset(token)


def structure() -> object:
    """A token that stays the same as long as no variable is made, nothing is frozen or thawed, and
    no layer is adapted: what was found by a walk over layers and variables is still true."""
    return _structure["token"]


def note_change() -> None:
    """From now on, `structure` is another."""
    _structure["token"] = object()


def swap(variables: Sequence[Variable], arrays: Sequence[Any]) -> None:
    """Give each variable its new array, all at once.

    The loop is inside the interpreter's C code, where no signal handler runs: an interrupt comes
    before the swap or after it, so the state is always that after a whole number of steps.
    """
    tensors = [
        Tensor(array, variable._value.spec)
        for variable, array in zip(variables, arrays, strict=True)
    ]
    # `deque(maxlen=0)` drains an iterator without running bytecode of its own
    deque(map(setattr, variables, repeat("_value"), tensors), maxlen=0)


def _first_value(
    initializer: Any, shape: Sequence[int] | None, dtype: str | None, name: str
) -> Tensor:
    if not callable(initializer):
        value = as_tensor(initializer, None if dtype is None else check_dtype(dtype))
        if shape is not None and tuple(shape) != value.shape:
            raise ShapeError(
                f"Variable {name!r}: expected shape {tuple(shape)}, got a value of {value.shape}."
            )
        return _owned(value, initializer)
    if shape is None or any(d is None for d in shape):
        raise ShapeError(f"Variable {name!r} needs a known shape, got {shape}.")
    dtype = check_dtype(dtype or config.floatx())
    if _weightless.get():
        return Tensor(_no_memory(tuple(shape), dtype, name), TensorSpec(tuple(shape), dtype))
    return as_tensor(initializer(tuple(shape), dtype=dtype), dtype)


def _no_memory(shape: tuple, dtype: str, name: str) -> np.ndarray:
    try:
        return np.broadcast_to(np.zeros((), dtype), shape)
    except (ValueError, OverflowError):  # more elements than an address can count
        raise ShapeError(f"Variable {name!r} cannot have the shape {shape}.") from None


def _owned(tensor: Tensor, source: Any) -> Tensor:
    """`tensor`, copied if its memory is the caller's, who could change it under us."""
    if source is tensor or isinstance(source, Operators):
        return tensor
    data = tensor.data
    if isinstance(source, type(data)) and np.may_share_memory(source, data):
        return Tensor(tensor.data.copy(), tensor.spec)
    return tensor
