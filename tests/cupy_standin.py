"""CuPy without a GPU: `cupy` behaves as the module does, over NumPy, and refuses what CuPy refuses.

It has only what CuPy has, with CuPy's arguments (`cupy_names.txt`). Its arrays are no NumPy arrays:
they are not converted by accident, host arrays and lists are no operands, and results are always
arrays, never NumPy scalars. What is left uninitialised holds NaN or the largest integer. So code
that runs on it makes no use of a host array where a GPU's is needed, and no call that CuPy lacks.
What it cannot show: the GPU's own arithmetic, and memory that is written twice at once.
"""

import inspect
import operator
from functools import cache
from typing import Any

import numpy as np
from make_cupy_names import read

__all__ = ["cupy"]

NAMES = read()
IMPLICIT = (
    "Implicit conversion to a NumPy array is not allowed. "
    "Please use `.get()` to construct a NumPy array explicitly."
)
TAKES_HOST_ARRAYS = ("array", "asarray", "asanyarray", "ascontiguousarray", "asfortranarray")
# what CUDA can add to atomically
SCATTERED = ("int32", "uint32", "uint64", "float16", "float32", "float64")


class ndarray:
    """An array that lies on the imaginary GPU."""

    __slots__ = ("_host",)

    def __init__(self, host: np.ndarray):
        self._host = host

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        raise TypeError(IMPLICIT)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method != "__call__":
            return NotImplemented
        return getattr(cupy, ufunc.__name__)(*inputs, **kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if function.__name__ not in NAMES:
            return NotImplemented
        return getattr(cupy, function.__name__)(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        dotted = f"ndarray.{name}"
        if dotted not in NAMES:
            raise AttributeError(f"'cupy.ndarray' object has no attribute {name!r}")
        if NAMES[dotted] is None:
            return wrap(getattr(self._host, name))
        method = getattr(self._host, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            signature(dotted).bind(*args, **kwargs)
            return run(method, args, kwargs)

        return call

    @property
    def __cuda_array_interface__(self) -> dict:
        return self._host.__array_interface__

    def get(self) -> np.ndarray:
        """A copy on the host."""
        return self._host.copy()

    def tolist(self) -> Any:
        """Python numbers, nested as the axes are."""
        return self._host.tolist()

    def item(self) -> Any:
        """The one element as a Python number."""
        return self._host.item()

    def __getitem__(self, key: Any) -> Any:
        return wrap(self._host[unwrap(key)])

    def __setitem__(self, key: Any, value: Any) -> None:
        self._host[unwrap(key)] = unwrap_operand(value)

    def __len__(self) -> int:
        return len(self._host)

    def __iter__(self) -> Any:
        return map(wrap, self._host)

    def __bool__(self) -> bool:
        return bool(self._host)

    def __int__(self) -> int:
        return int(self.item())

    def __float__(self) -> float:
        return float(self.item())

    def __index__(self) -> int:
        return operator.index(self.item())

    def __repr__(self) -> str:
        return repr(self._host)


def _operator(name: str, reflected: bool = False, inplace: bool = False) -> Any:
    function = getattr(operator, name)

    def method(self: ndarray, other: Any) -> Any:
        if isinstance(other, (list, tuple)) or other is None:
            return NotImplemented
        other = unwrap_operand(other)
        with np.errstate(all="ignore"):
            result = function(other, self._host) if reflected else function(self._host, other)
        return self if inplace else wrap(result)

    return method


ARITHMETIC = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul")
LOGIC = ("and", "or", "xor", "lshift", "rshift")
COMPARISONS = ("lt", "le", "gt", "ge", "eq", "ne")

for _name in (*ARITHMETIC, *LOGIC):
    setattr(ndarray, f"__{_name}__", _operator(f"__{_name}__"))
    setattr(ndarray, f"__r{_name}__", _operator(f"__{_name}__", reflected=True))
    setattr(ndarray, f"__i{_name}__", _operator(f"__i{_name}__", inplace=True))
for _name in COMPARISONS:
    setattr(ndarray, f"__{_name}__", _operator(f"__{_name}__"))
for _name in ("neg", "pos", "abs", "invert"):
    _function = getattr(operator, _name)
    setattr(ndarray, f"__{_name}__", lambda self, f=_function: wrap(f(self._host)))
ndarray.__hash__ = None  # type: ignore[assignment]


def wrap(value: Any) -> Any:
    """What NumPy gave as what CuPy would give."""
    if isinstance(value, (np.ndarray, np.generic)):
        return ndarray(np.asarray(value))
    if type(value) in (tuple, list):
        return type(value)(map(wrap, value))
    return value


def unwrap(value: Any) -> Any:
    """Arguments for NumPy; host arrays are refused.

    Raises:
        TypeError: as CuPy raises it.
    """
    if type(value) is ndarray:
        return value._host
    if isinstance(value, np.ndarray):
        raise TypeError(f"Unsupported type {type(value)}")
    if type(value) in (tuple, list):
        return type(value)(map(unwrap, value))
    if type(value) is dict:
        return {key: unwrap(item) for key, item in value.items()}
    return value


def unwrap_operand(value: Any) -> Any:
    """The same for an operand, which cannot be a list either."""
    if isinstance(value, (list, tuple)):
        raise TypeError(f"Unsupported type {type(value)}")
    return unwrap(value)


@cache
def signature(name: str) -> inspect.Signature:
    """The parameters that CuPy's function takes."""
    return inspect.signature(eval(f"lambda {NAMES[name]}: None"))


def run(function: Any, args: tuple, kwargs: dict) -> Any:
    """Call NumPy's function on what the arrays hold; silent on overflow, as a GPU is."""
    with np.errstate(all="ignore"):
        result = function(*map(unwrap, args), **unwrap(kwargs))
    out = kwargs.get("out")
    return wrap(result) if out is None else out


class Namespace:
    """CuPy's module or one within it."""

    def __init__(self, prefix: str = "", **own: Any):
        self._prefix = prefix
        vars(self).update(own)

    def __getattr__(self, name: str) -> Any:
        dotted = self._prefix + name
        if dotted not in NAMES:
            raise AttributeError(f"module 'cupy' has no attribute {dotted!r}")
        owner = np
        for part in dotted.split("."):
            owner = getattr(owner, part)
        return owner if NAMES[dotted] is None else Function(dotted, owner)


class Function:
    """One of CuPy's functions, run by NumPy's of the same name."""

    def __init__(self, name: str, function: Any):
        self.__name__ = self._name = name
        self._function = function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        bound = signature(self._name).bind(*args, **kwargs)
        if isinstance(self._function, np.ufunc):
            for operand in args:
                unwrap_operand(operand)
        first = next(iter(bound.arguments), None)
        if first in ("a", "condition") and type(bound.arguments[first]) is not ndarray:
            raise TypeError(f"{self._name}: {type(bound.arguments[first])} is no CuPy array")
        return run(self._function, args, kwargs)

    def at(self, a: ndarray, indices: Any, b: Any = None) -> None:
        """Add in place where `indices` may repeat."""
        if f"{self._name}.at" not in NAMES:
            raise NotImplementedError(f"cupy.{self._name}.at")
        if a.dtype.name not in SCATTERED:
            raise TypeError(f"cupy.{self._name}.at only supports {', '.join(SCATTERED)}")
        self._function.at(a._host, unwrap(indices), unwrap_operand(b))


def _from_anywhere(name: str) -> Any:
    def create(*args: Any, **kwargs: Any) -> ndarray:
        value, *rest = args
        bound = signature(name).bind(*args, **kwargs)
        if type(value) is not ndarray:  # always a copy: it goes to the device
            return wrap(np.array(value, bound.arguments.get("dtype"), order="C"))
        result = getattr(np, name)(value._host, *rest, **kwargs)
        return value if result is value._host else wrap(result)

    return create


def _poisoned(name: str) -> Any:
    def create(*args: Any, **kwargs: Any) -> ndarray:
        signature(name).bind(*args, **kwargs)
        array = run(getattr(np, name), args, kwargs)
        kind = array.dtype.kind
        array._host.fill(np.nan if kind == "f" else kind == "b" or np.iinfo(array.dtype).max)
        return array

    return create


def _take(a: ndarray, indices: Any, axis: int | None = None, out: Any = None) -> Any:
    # where NumPy raises for an index that is out of range, CuPy counts on from the start
    return wrap(np.take(a._host, unwrap(indices), axis, unwrap(out), mode="wrap"))


class CUDARuntimeError(RuntimeError):
    """CUDA's error, with its number."""

    def __init__(self, status: int, text: str = ""):
        super().__init__(text)
        self.status = status


def _device(driver: int = 13020, built: int = 13020, devices: Any = 1) -> Namespace:
    """CUDA's runtime: `devices` is how many there are, or the error that says why not."""

    def count() -> int:
        if isinstance(devices, Exception):
            raise devices
        return devices

    runtime = Namespace(
        "cuda.runtime.",
        CUDARuntimeError=CUDARuntimeError,
        driverGetVersion=lambda: driver,
        runtimeGetVersion=lambda: built,
        getDeviceCount=count,
        getDevice=lambda: 0,
        getDeviceProperties=lambda device: {"name": b"Stand-in", "totalGlobalMem": 8 << 30},
    )
    return Namespace("cuda.", runtime=runtime, Device=lambda: Namespace(synchronize=lambda: None))


def module(**cuda: Any) -> Namespace:
    """A module like CuPy on a machine that `_device` describes."""
    return Namespace(
        __name__="cupy",
        __version__="14.2.0",
        ndarray=ndarray,
        asnumpy=lambda a: a.get(),
        take=_take,
        cuda=_device(**cuda),
        lib=Namespace("lib.", stride_tricks=Namespace("lib.stride_tricks.")),
        linalg=Namespace("linalg."),
        fft=Namespace("fft."),
        **{name: _from_anywhere(name) for name in TAKES_HOST_ARRAYS},
        **{name: _poisoned(name) for name in ("empty", "empty_like")},
    )


cupy = module()
