"""Cases of functions of `keras.ops`: a row is what a function is given, and options.

Drawings become tensors, wherever they stand in lists; anything else is given as it is. Gradients
are taken for the float tensors, of all float results.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .case import Case, weighted_sum
from .draw import bits, fixed, real, uniform, whole
from .record import Record
from .sides import Side

__all__ = ["I8", "SPD", "SPDS", "SPECIAL", "U8", "A", "B", "C", "M", "N", "T"]
__all__ += ["OPS", "Plain", "rows"]

A, B, C = real(3, 5), real(2, 1, 3), uniform(4, 3, low=0.3, high=2.0)
N, M, I8, U8, T = (
    whole(7, high=6),
    whole(2, 3, high=4),
    whole(5, high=9, dtype="int8"),
    whole(3, 2, high=200, dtype="uint8"),
    bits(3, 4, dtype="bool"),
)
SPECIAL = fixed([[np.nan, np.inf, -np.inf], [0.0, -0.0, 1.5], [-2.5, 3.5, -7.0]])
SPD = fixed([[4.0, 1.0, -0.5], [1.0, 3.0, 0.7], [-0.5, 0.7, 2.0]])
SPDS = fixed([[[2.0, 0.5], [0.5, 1.0]], [[3.0, -1.0], [-1.0, 4.0]], [[1.0, 0.2], [0.2, 5.0]]])

OPS: list[Case] = []
"""Every case that `rows` has added."""


# the rows for which Keras on torch fails, or gives other dtypes or numbers than elsewhere
ON_JAX = {
    "argpartition": (1, 2), "average": (7, 8), "average_pool": (2,), "cholesky_inverse": (1, 2, 3),
    "correlate": (5,), "cross": (2, 4, 5, 6), "dot": (2,), "histogram": (2,), "imag": (1, 2, 3),
    "istft": (3,), "layer_normalization": (4,), "linspace": (4, 5), "max": (8,), "meshgrid": (3,),
    "min": (8,), "moments": (4,), "nonzero": (1, 2, 3), "one_hot": (3,),
    "pad": (1, 4), "rms_normalization": (4,), "scatter_update": (5, 6, 7, 8, 9, 10),
    "segment_min": (3,), "sign": (2,), "size": (1, 2, 3), "stft": (3,), "top_k": (1, 2, 3),
    "unique": (2, 3, 4, 5), "vander": (1, 2, 3), "vdot": (2,),
}  # fmt: skip

ON_TORCH = {"erf": (3,), "sigmoid": (3,), "rsqrt": (3,)}  # and for which it fails on jax


def rows(
    name: str,
    *given: list,
    grad: bool = True,
    tolerance: float = 1e-5,
    shown: Callable[[Any, list], Any] | None = None,
    table: list[Case] = OPS,
) -> None:
    """Add a case to `table` for each list of arguments; a dictionary at its end holds options.

    `shown` makes of the results and the arguments what is compared, where the results have a
    freedom: signs of vectors, the order within a part.
    """
    for row in given:
        number = sum(case.name.startswith(f"ops/{name}/") for case in table) + 1
        options = row[-1] if row and isinstance(row[-1], dict) else {}
        arguments = row[:-1] if options else row
        run = _run(name, arguments, options, grad, shown)
        needs = "jax" if number in ON_JAX.get(name, ()) else None
        needs = "torch" if number in ON_TORCH.get(name, ()) else needs
        table.append(Case(f"ops/{name}/{number}", run, tolerance, needs))


def _run(name: str, arguments: list, options: dict, grad: bool, shown: Any) -> Any:
    def run(side: Side, rng: Any, record: Record) -> None:
        with np.errstate(all="ignore"):  # infinities and NaN are meant
            compare(side, rng, record)

    def compare(side: Side, rng: Any, record: Record) -> None:
        function = side.keras.ops
        for part in name.split("."):
            function = getattr(function, part)
        arrays: list[np.ndarray] = []
        form = _drawn(arguments, rng, arrays)
        tensors = [side.tensor(a) for a in arrays]

        def results(tensors: list) -> list:
            given = _filled(form, tensors)
            made = function(*given, **options)
            made = made if shown is None else shown(side.keras.ops, made, given)
            return list(_leaves(made))

        outputs = results(tensors)
        for i, y in enumerate(outputs):
            record.values[f"output {i}"] = side.array(y)
        record.facts["dtypes"] = [side.dtype(y) if hasattr(y, "dtype") else "" for y in outputs]
        floats = [i for i, a in enumerate(arrays) if a.dtype == "float32"]
        which = [i for i, y in enumerate(outputs) if record.facts["dtypes"][i] == "float32"]
        if not (grad and floats and which):
            return
        weights = [side.tensor(real(*outputs[i].shape)(rng)) for i in which]

        def loss(*given: Any) -> Any:
            full = list(tensors)
            for i, tensor in zip(floats, given, strict=True):
                full[i] = tensor
            made = results(full)
            return weighted_sum(side, [made[i] for i in which], weights)

        for i, g in enumerate(side.gradients(loss, [tensors[i] for i in floats])):
            record.values[f"gradient {i}"] = g

    return run


class _Place(int):
    """Stands for a tensor by its number."""


def _drawn(value: Any, rng: Any, arrays: list) -> Any:
    if isinstance(value, (list, tuple)):
        return type(value)(_drawn(v, rng, arrays) for v in value)
    if not callable(value) or isinstance(value, Plain):
        return value
    arrays.append(value(rng))
    return _Place(len(arrays) - 1)


def _filled(form: Any, tensors: list) -> Any:
    if isinstance(form, _Place):
        return tensors[form]
    if isinstance(form, Plain):
        return form.function
    if isinstance(form, (list, tuple)):
        return type(form)(_filled(v, tensors) for v in form)
    return form


def _leaves(made: Any) -> Iterator[Any]:
    if isinstance(made, (list, tuple)):
        for item in made:
            yield from _leaves(item)
    else:
        yield made


class Plain:
    """A function that is an argument, not a drawing."""

    def __init__(self, function: Callable):
        self.function = function

    def __call__(self) -> None:
        """Only so that it is known as something that is called."""
