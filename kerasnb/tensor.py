"""`Tensor`, the user's handle on data or on a graph node, and `apply`, the one way to run an op.

Imports op, graph, spec, text, backends and errors. Operators find their ops by name when they are
used.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from kerasnb import backends, config, screen
from kerasnb.errors import BackendError, DTypeError, GraphError, ShapeError
from kerasnb.graph import Node, current_level, recorders
from kerasnb.op import OPS, Op, scalar_like
from kerasnb.spec import TensorSpec, check_dtype
from kerasnb.text import is_text, takes_numbers

__all__ = ["Operators", "Tensor", "apply", "as_tensor", "mask_of", "placeholder", "set_mask"]

_DTYPE_NAMES: dict[Any, str] = {}  # NumPy's dtype objects to our names: `dtype.name` is slow


def _is_open(value: Any) -> bool:
    """Whether a value is a tensor without data."""
    return type(value) is Tensor and value.data is None


def _unary(name: str):
    def method(self):
        if _is_open(self):
            found = Operators._operator(name, self)
            if found is not NotImplemented:
                return found
        return apply(OPS[name], self)

    return method


def _binary(name: str):
    def method(self, other):
        if _is_open(self) or _is_open(other):
            found = Operators._operator(name, self, other)
            if found is not NotImplemented:
                return found
        return apply(OPS[name], self, other)

    return method


def _reflected(name: str):
    def method(self, other):
        if _is_open(self):
            found = Operators._operator(name, other, self)
            if found is not NotImplemented:
                return found
        return apply(OPS[name], other, self)

    return method


class Operators:
    """Python's operators as ops, for tensors and variables alike."""

    __slots__ = ()
    __array_ufunc__ = None  # NumPy arrays leave mixed operators to us
    __hash__ = object.__hash__

    __add__, __radd__ = _binary("add"), _reflected("add")
    __sub__, __rsub__ = _binary("subtract"), _reflected("subtract")
    __mul__, __rmul__ = _binary("multiply"), _reflected("multiply")
    __truediv__, __rtruediv__ = _binary("divide"), _reflected("divide")
    __floordiv__, __rfloordiv__ = _binary("floor_divide"), _reflected("floor_divide")
    __mod__, __rmod__ = _binary("mod"), _reflected("mod")
    __pow__, __rpow__ = _binary("power"), _reflected("power")
    __lt__, __le__ = _binary("less"), _binary("less_equal")
    __gt__, __ge__ = _binary("greater"), _binary("greater_equal")
    __eq__, __ne__ = _binary("equal"), _binary("not_equal")
    __and__, __rand__ = _binary("and"), _reflected("and")
    __or__, __ror__ = _binary("or"), _reflected("or")
    __neg__, __abs__, __invert__ = _unary("negate"), _unary("abs"), _unary("not")

    # Set by `kerasnb.ops`: indexing and the matrix product are composites, not single ops; an
    # operator between the layers of a model is a call in the model's graph, or NotImplemented.
    _getitem: Any = None
    _matmul: Any = None
    _operator: Any = None

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict:
        return screen.view("reprs").mimebundle(self, include=include, exclude=exclude)

    def __getitem__(self, key: Any) -> Tensor:
        found = Operators._operator("get_item", self, key) if _is_open(self) else NotImplemented
        return Operators._getitem(self, key) if found is NotImplemented else found

    def __matmul__(self, other: Any) -> Tensor:
        found = Operators._operator("matmul", self, other)
        return Operators._matmul(self, other) if found is NotImplemented else found

    def __rmatmul__(self, other: Any) -> Tensor:
        found = Operators._operator("matmul", other, self)
        return Operators._matmul(other, self) if found is NotImplemented else found


class Tensor(Operators):
    """An array on some backend, or the result of a node in a graph; never both.

    Made by `kerasnb.ops.convert_to_tensor`, by every op, and by `kerasnb.Input`.

    Attributes:
        data: the backend's array, or None for a symbolic tensor.
        spec: shape and data type.
        node: the node that makes a symbolic tensor, else None.
    """

    __slots__ = ("__weakref__", "_keras_mask", "data", "node", "spec")

    def __init__(self, data: Any, spec: TensorSpec | None = None, node: Node | None = None):
        self.data = data
        self.node = node
        self.spec = spec or TensorSpec(data.shape, dtype_name(data.dtype))

    @property
    def shape(self) -> tuple:
        """The dimensions; None where a model under construction does not know one yet."""
        return self.spec.shape

    @property
    def dtype(self) -> str:
        """The data type's name, for example ``"float32"``."""
        return self.spec.dtype

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return len(self.spec.shape)

    @property
    def size(self) -> int | None:
        """The number of elements."""
        size = 1
        for dim in self.spec.shape:
            size = None if dim is None or size is None else size * dim
        return size

    @property
    def T(self) -> Tensor:
        """The tensor with its axes reversed."""
        return apply(OPS["transpose"], self, axes=tuple(range(self.ndim))[::-1])

    @property
    def name(self) -> str:
        """Of a symbolic tensor: the input's name, or that of the layer or op that makes it."""
        self_made = self.node is None or self.node.op is None
        return (self.node.name if self.node else "") if self_made else self.node.op.name

    def numpy(self) -> np.ndarray:
        """The data as a NumPy array on the host.

        Raises:
            GraphError: the tensor is symbolic.
        """
        data = self._require_data("numpy()")
        return backends.backend_of(data).to_numpy(data)

    def item(self) -> Any:
        """The one element as a Python number."""
        return self.numpy().item()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        array = self._require_data("a NumPy conversion")
        array = backends.backend_of(array).to_numpy(array)
        if copy:
            return np.array(array, dtype)
        return array if dtype is None else np.asarray(array, dtype)

    def __float__(self) -> float:
        return float(self._scalar("float()"))

    def __int__(self) -> int:
        return int(self._scalar("int()"))

    def __index__(self) -> int:
        value = self._scalar("an index")
        if self.dtype == "bool" or self.dtype.startswith("float"):
            raise DTypeError(f"Expected an integer tensor as an index, got {self.spec}.")
        return int(value)

    def __bool__(self) -> bool:
        return bool(self._scalar("bool() or `if`"))

    def __format__(self, text: str) -> str:
        if text and self.data is not None and self.ndim == 0:
            return format(self.item(), text)
        return str(self)

    def __len__(self) -> int:
        if not self.shape or self.shape[0] is None:
            raise DTypeError(f"len() needs a known first dimension, got {self.spec}.")
        return self.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        if self.data is None:
            return f"<Tensor {self.spec}, symbolic>"
        body = np.array2string(self.numpy(), separator=", ", threshold=100)
        return f"<Tensor {self.spec}\n{body}>" if "\n" in body else f"<Tensor {self.spec} {body}>"

    def _scalar(self, what: str) -> Any:
        data = self._require_data(what)
        if self.size != 1:
            raise ShapeError(f"{what} needs a tensor of one element, got {self.spec}.")
        return data.item()

    def _require_data(self, what: str) -> Any:
        if self.data is None:
            raise GraphError(
                f"{what} needs a value, but this {self.spec} is symbolic: it stands for data that "
                "comes later. Use kerasnb.ops (for example ops.where or ops.maximum) instead, or "
                "compile(run_eagerly=True) to run step by step on real values."
            )
        return self.data


def mask_of(value: Any) -> Tensor | None:
    """The mask that a layer left on a tensor, true where a step counts; None if there is none."""
    return getattr(value, "_keras_mask", None)  # not set on most tensors


def set_mask(tensor: Tensor, mask: Any) -> Tensor:
    """`tensor` itself, with `mask` on it for the layers and losses that follow."""
    tensor._keras_mask = mask
    return tensor


def dtype_name(dtype: Any) -> str:
    """Our name of an array module's dtype object.

    Raises:
        DTypeError: tensors cannot have this type.
    """
    name = _DTYPE_NAMES.get(dtype)
    if name is None:
        name = _DTYPE_NAMES[dtype] = check_dtype(dtype)
    return name


def as_tensor(value: Any, dtype: str | None = None) -> Tensor:
    """`value` as a tensor: itself, a variable's value, or new data on the current backend.

    Python floats become `floatx`, Python integers int32; arrays keep their dtype. NumPy's arrays
    are host data and go to the current backend; arrays of a device stay where they are.

    Raises:
        DTypeError: `value` holds something that is no number.
    """
    if type(value) is Tensor:
        tensor = value
    elif isinstance(value, Operators):
        tensor = value.value
    elif isinstance(value, (list, tuple)) and _holds_tensors(value):
        tensor = _stacked([as_tensor(v) for v in value])
    elif isinstance(value, np.ndarray) and value.dtype in _DTYPE_NAMES:
        tensor = Tensor(backends.current().asarray(value))
    elif not isinstance(value, np.ndarray) and backends.backend_of(value) is not None:
        tensor = Tensor(value)
    else:
        tensor = Tensor(_new_array(value, dtype))
    if dtype is not None and tensor.dtype != dtype:
        tensor = apply(OPS["convert"], tensor, dtype=check_dtype(dtype))
    return tensor


def _stacked(tensors: list[Tensor]) -> Tensor:
    """Tensors of one shape along a new first axis."""
    rows = [apply(OPS["reshape"], t, shape=(1, *t.shape)) for t in tensors]
    return apply(OPS["concatenate"], *rows, axis=0)


def placeholder(spec: TensorSpec, name: str = "", level: int | None = None) -> Tensor:
    """A symbolic tensor that stands for an input of the innermost trace (or of that at `level`)."""
    level = current_level() if level is None else level
    return Tensor(None, spec, Node(None, level=level, name=name))


def apply(op: Op, *inputs: Any, **attrs: Any) -> Any:
    """Run `op` on `inputs`, or add it to the graph if one of them is symbolic.

    The signature is inferred first, so that a mistake raises the same text before any work either
    way.

    Args:
        op: the declaration.
        inputs: tensors, variables, arrays, lists; Python scalars where the op is elementwise.
        attrs: the op's attributes, hashable.

    Returns:
        The output tensor, or a tuple of them.
    """
    scalars = op.kind == "elementwise"
    tensors, specs, symbolic = [], [], False
    variables: dict[int, Any] = {}  # by place: in a model of layers and ops they stay variables
    for value in inputs:
        kind = type(value)
        if kind is not Tensor:
            if scalars and isinstance(value, np.generic):  # weak, as Python's numbers are
                value = value.item()
                kind = type(value)
            if scalars and (kind is float or kind is int or kind is bool):
                tensors.append(value)
                specs.append(kind)
                continue
            given, value = value, as_tensor(value)
            if isinstance(given, Operators) and value.data is not None:
                variables[len(tensors)] = given
        if value.data is None:
            symbolic = True
        tensors.append(value)
        specs.append(value.spec)
    outputs, casts = op.signature(tuple(specs), attrs)
    if casts is not None:
        pairs = zip(tensors, casts, strict=True)
        tensors = [t if c is None else apply(OPS["convert"], t, dtype=c) for t, c in pairs]
    if symbolic:
        tensors = [variables.get(i, t) for i, t in enumerate(tensors)] if variables else tensors
        return _add_node(op, tuple(tensors), attrs, outputs)
    arrays, array_type = _arrays_of(op, tensors, outputs)
    xp = backends.module_of(array_type)
    result = op.impl(xp, *arrays, **attrs)
    if type(outputs) is TensorSpec:
        result = Tensor(result if type(result) is array_type else xp.asarray(result), outputs)
    else:
        result = tuple(
            Tensor(r if type(r) is array_type else xp.asarray(r), spec)
            for r, spec in zip(result, outputs, strict=True)
        )
    tapes = recorders.get()
    if tapes:
        node = Node(op, tuple(tensors), attrs)
        node.single = type(result) is not tuple
        node.outputs = (result,) if node.single else result
        for tape in tapes:
            tape.append(node)
    return result


def _arrays_of(op: Op, tensors: list, outputs: Any) -> tuple[list, type]:
    """The arrays and scalars in `tensors`, and the class of the arrays, which must be one."""
    array_type, arrays = None, []
    for t in tensors:
        if type(t) is not Tensor:
            arrays.append(t)
            continue
        data = t.data
        arrays.append(data)
        if type(data) is not array_type:
            if array_type is not None:
                raise BackendError(_mixed(op, tensors))
            array_type = type(data)
    if array_type is None:  # only Python scalars: they need an array to have a dtype
        backend = backends.current()
        dtype = outputs.dtype if outputs.dtype != "bool" else None
        arrays = [backend.asarray(a, dtype) for a in arrays]
        array_type = backend.array_type
    return arrays, array_type


def _add_node(op: Op, tensors: tuple, attrs: dict, outputs: Any) -> Any:
    level = max(t.node.level for t in tensors if type(t) is Tensor and t.data is None)
    node = Node(op, tensors, attrs, level)
    if type(outputs) is TensorSpec:
        result = Tensor(None, outputs, node)
        node.outputs = (result,)
    else:
        result = node.outputs = tuple(Tensor(None, spec, node) for spec in outputs)
        node.single = False
    for tape in recorders.get():
        tape.append(node)
    return result


def _mixed(op: Op, tensors: list) -> str:
    found = [backends.backend_of(t.data).name for t in tensors if type(t) is Tensor]
    return (
        f"{op.name}: inputs lie on different backends ({', '.join(found)}). Convert one with "
        "kerasnb.ops.convert_to_tensor after kerasnb.backend.use(...)."
    )


def _new_array(value: Any, dtype: str | None) -> Any:
    backend = backends.current()
    if isinstance(value, (bool, int, float)) and not isinstance(value, np.generic):
        kind = {bool: "bool", int: "int32", float: config.floatx()}.get(type(value))
        return backend.asarray(scalar_like(value, kind), dtype or kind)
    array = np.asarray(value)
    if is_text(array):
        raise takes_numbers("A tensor")
    if array.dtype.name not in _NUMERIC:
        raise DTypeError(
            f"Expected numbers, got {type(value).__name__} with dtype {array.dtype}. Convert text "
            "to "
            "numbers first, and make sure that nested lists are all of one length."
        )
    if dtype is None and not hasattr(value, "dtype"):  # Python numbers take the default types
        dtype = {"float64": config.floatx(), "int64": "int32"}.get(array.dtype.name)
    return backend.asarray(array, dtype)


_NUMERIC = frozenset(
    [
        "bool",
        "int8",
        "int16",
        "int32",
        "int64",
        "uint8",
        "uint16",
        "uint32",
        "uint64",
        "float16",
        "float32",
        "float64",
    ]
)


def _holds_tensors(value: Any) -> bool:
    return any(isinstance(v, Operators) for v in value)
