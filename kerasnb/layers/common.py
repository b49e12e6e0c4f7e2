"""What the layers share: names in errors, checks of arguments and shapes, configuration entries.

Imports errors, registry and text.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

from kerasnb.errors import ArgumentError, ShapeError
from kerasnb.registry import serialize
from kerasnb.text import takes_numbers

__all__ = [
    "attributes", "channels_last", "check_axis", "check_between", "check_rank", "check_whole",
    "label", "refuse_quantization", "text_within",
]  # fmt: skip


def label(layer: Any) -> str:
    """How an error names a layer: ``Dense 'head'``."""
    return f"{type(layer).__name__} {layer.name!r}"


def attributes(layer: Any, *names: str) -> dict:
    """The attributes of a layer as entries of its configuration."""
    return {name: serialize(getattr(layer, name)) for name in names}


def text_within(layer: Any, text: Any) -> Any:
    """Text, or a symbolic tensor that stands for it, if `layer` or one within it takes it.

    Raises:
        DTypeError: none does.
    """
    if not any(part.on_host for part in layer._flatten_layers()):
        raise takes_numbers(label(layer))
    return text


def check_whole(layer: Any, argument: str, value: Any, least: int = 1) -> int:
    """`value` as an int.

    Raises:
        ArgumentError: it is no whole number, or below `least`.
    """
    number = operator.index(value) if hasattr(value, "__index__") else None
    if number is None or isinstance(value, bool) or number < least:
        raise ArgumentError(
            f"{label(layer)}: {argument} must be a whole number of at least {least}, got {value!r}."
        )
    return number


def check_between(layer: Any, argument: str, value: Any, low: float = 0, high: float = 1) -> Any:
    """`value` itself.

    Raises:
        ArgumentError: it is no number from `low` to `high`.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise ArgumentError(
            f"{label(layer)}: {argument} must be a number from {low} to {high}, got {value!r}."
        )
    return value


def check_rank(layer: Any, shape: Sequence, rank: int, meaning: str, more: bool = False) -> None:
    """Nothing, if an input of `shape` has `rank` axes (or, with `more`, at least so many).

    Raises:
        ShapeError: it has not; the text calls the axes `meaning`.
    """
    if len(shape) == rank or (more and len(shape) > rank):
        return
    least = "at least " if more else ""
    raise ShapeError(
        f"{label(layer)}: expected an input with {least}{rank} "
        f"{'axis' if rank == 1 else 'axes'} {meaning}, got {tuple(shape)}. "
        "Reshape it, or change the preceding layer."
    )


def check_axis(layer: Any, argument: str, axis: Any, shape: Sequence) -> int:
    """`axis` counted from the front.

    Raises:
        ArgumentError: it is no whole number.
        ShapeError: `shape` has no such axis.
    """
    if isinstance(axis, bool) or not hasattr(axis, "__index__"):
        raise ArgumentError(f"{label(layer)}: {argument} must be a whole number, got {axis!r}.")
    number, rank = operator.index(axis), len(shape)
    if not -rank <= number < rank:
        raise ShapeError(
            f"{label(layer)}: {argument}={number} does not exist in an input of shape "
            f"{tuple(shape)}; expected {-rank} to {rank - 1}."
        )
    return number % rank


def channels_last(layer: Any, data_format: str) -> bool:
    """Whether the channels come after the space.

    Raises:
        ArgumentError: `data_format` is neither of the two names.
    """
    if data_format not in ("channels_last", "channels_first"):
        raise ArgumentError(
            f"{label(layer)}: data_format must be 'channels_last' or 'channels_first', got "
            f"{data_format!r}."
        )
    return data_format == "channels_last"


def refuse_quantization(layer: Any, quantization_config: Any) -> None:
    """Nothing, if no quantization is asked for.

    Raises:
        ArgumentError: it is.
    """
    if quantization_config is not None:
        raise ArgumentError(
            f"{label(layer)}: quantization_config must be None: quantised layers are not supported."
        )
