"""Write `cupy_names.txt`: what CuPy has, with the arguments it takes, one name a line.

    python tests/make_cupy_names.py

Needs CuPy, but neither a GPU nor a driver. Where CuPy is not installed, the file tells the tests
which functions `kerasnb.ops` may use; the stand-in in `cupy_standin.py` checks its calls by it.
"""

import importlib
import inspect
import re
from pathlib import Path
from types import ModuleType
from typing import Any

NAMES = Path(__file__).with_name("cupy_names.txt")
SPACES = (
    "",
    "linalg",
    "lib.stride_tricks",
    "fft",
    "cuda",
    "cuda.runtime",
    "cuda.Device",
    "ndarray",
)
ANY = "*args, **kwargs"


def read() -> dict[str, str | None]:
    """Each name with its parameters as Python writes them; None for what is not called."""
    found: dict[str, str | None] = {}
    for line in NAMES.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            name, bracket, rest = line.partition("(")
            found[name] = rest[:-1] if bracket else None
    return found


def collect(cupy: Any) -> dict[str, str | None]:
    """The same, from the module itself."""
    found: dict[str, str | None] = {}
    for space in SPACES:
        owner = cupy
        for part in filter(None, space.split(".")):
            owner = getattr(owner, part)
        for name in dir(owner):
            value = getattr(owner, name)
            if not name.startswith("_") and not isinstance(value, ModuleType):
                dotted = f"{space}.{name}" if space else name
                found[dotted] = _parameters(value, method=isinstance(owner, type))
                if isinstance(getattr(value, "_scatter_op", None), str):  # `at` works for these
                    found[f"{dotted}.at"] = "a, indices, b=None"
    return found


def _parameters(value: Any, method: bool) -> str | None:
    if not callable(value) or isinstance(value, type):
        return None
    try:
        parameters = list(inspect.signature(value).parameters.values())
    except (TypeError, ValueError):  # compiled: the docstring begins with the signature
        return _from_text(value.__doc__ or "", method)
    return _written(parameters[1:] if method else parameters)


def _from_text(text: str, method: bool) -> str:
    match = re.search(r"^[\w.]+\((.*?)\)(?: ->.*)?$", text, re.MULTILINE)
    if not match:
        return ANY
    inside = match.group(1).replace("\\", "")
    inside = re.sub(r"\b[\w.]+ (?=\w+\s*[,=)]|\w+$)", "", inside)  # C types before names
    inside = re.sub(r"=(?:'[^']*'|[^,]*)", "=None", inside)
    try:
        parameters = list(_signature(inside).parameters.values())
    except SyntaxError:
        return ANY
    return _written(parameters[1:] if method and parameters[:1] else parameters)


def _signature(parameters: str) -> inspect.Signature:
    return inspect.signature(eval(f"lambda {parameters}: None"))


def _written(parameters: list[inspect.Parameter]) -> str:
    """The parameters without annotations, every default as None."""
    plain = [
        p.replace(
            annotation=inspect.Parameter.empty,
            default=p.default if p.default is inspect.Parameter.empty else None,
        )
        for p in parameters
    ]
    return str(inspect.Signature(plain))[1:-1]


def main() -> None:
    """Write the file."""
    cupy = importlib.import_module("cupy")
    lines = [f"# CuPy {cupy.__version__}, written by make_cupy_names.py"]
    for name, parameters in sorted(collect(cupy).items()):
        lines.append(name if parameters is None else f"{name}({parameters})")
    NAMES.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
