"""`EinsumDense`: a `Dense` over any axes, told in letters. Imports base, common and ops."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from kerasnb import activations, constraints, initializers, ops, regularizers
from kerasnb.errors import ArgumentError, ShapeError
from kerasnb.layers.base import Layer
from kerasnb.layers.common import attributes, check_whole, label, refuse_quantization
from kerasnb.tensor import Tensor

__all__ = ["EinsumDense"]

_EQUATION = re.compile(
    r"(?P<left>\.\.\.)?(?P<x>[a-zA-Z]+)(?P<right>\.\.\.)?,(?P<kernel>[a-zA-Z]+)"
    r"->(?P<l>\.\.\.)?(?P<y>[a-zA-Z]+)(?P<r>\.\.\.)?"
)


class EinsumDense(Layer):
    """A product with a trained kernel, summed over the axes that an equation leaves out.

    Args:
        equation: ``"<input>,<kernel>-><output>"``, a letter for each axis; input and output may
            both begin or both end with ``...``, which stands for any axes that stay as they are.
        output_shape: the output's axes without the batch and those of ``...``; None where the input
            tells it. A whole number for one axis.
        activation: a name or a function; none if not given.
        bias_axes: the letters of the output along which a bias differs; no bias if not given.
        kernel_initializer: of the kernel, which has an axis for each of its letters.
        bias_initializer: of the bias.
        kernel_regularizer: a penalty on the kernel.
        bias_regularizer: a penalty on the bias.
        kernel_constraint: applied to the kernel after each update.
        bias_constraint: applied to the bias after each update.
        quantization_config: must be None; accepted because Keras writes it.

    Raises:
        ArgumentError: `equation` is not of this form, or a letter has no length.
        ShapeError: the input does not fit the equation, `output_shape`, or the kernel.

    Shape:
        as the equation says: with ``"abc,cde->abde"`` and ``output_shape=(None, N, H)``,
        ``(B, T, C) -> (B, T, N, H)``.

    Example:
        >>> import kerasnb
        >>> dense = kerasnb.layers.EinsumDense("...x,xy->...y", 4, bias_axes="y")
        >>> dense(kerasnb.ops.ones((2, 5, 3))).shape
        (2, 5, 4)
    """

    def __init__(
        self,
        equation: str,
        output_shape: int | Sequence[int | None],
        activation: Any = None,
        bias_axes: str | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        quantization_config: None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        refuse_quantization(self, quantization_config)
        self.equation = equation
        sizes = [output_shape] if hasattr(output_shape, "__index__") else output_shape
        self.partial_output_shape = tuple(
            None if n is None else check_whole(self, "output_shape", n) for n in sizes
        )
        self.bias_axes = bias_axes
        self._terms = _parsed(self)
        self.activation = activations.get(activation)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)

    def build(self, input_shape: tuple) -> None:
        sizes = _lengths(self, input_shape)
        self.kernel = self.add_weight(
            shape=_of_letters(self, self._terms.kernel, sizes, input_shape),
            initializer=self._fitting_initializer(),
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
            name="kernel",
        )
        self.bias = None
        if self.bias_axes is not None:
            after = self._terms.y[min(self._terms.y.index(c) for c in self.bias_axes) :]
            along = _of_letters(self, self.bias_axes, sizes, input_shape)
            by_letter = dict(zip(self.bias_axes, along, strict=True))
            behind = len(input_shape) - len(self._terms.x) if self._terms.right else 0
            self.bias = self.add_weight(
                shape=[by_letter.get(c, 1) for c in after] + [1] * behind,
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
                name="bias",
            )

    def _fitting_initializer(self) -> Any:
        """The initializer, told which axes of the kernel are summed over."""
        given = self.kernel_initializer
        told = getattr(given, "input_axes", None), getattr(given, "output_axes", None)
        if not isinstance(given, initializers.VarianceScaling) or None not in told:
            return given
        config = {**given.get_config(), "seed": given.seed}
        kept = [c in self._terms.y for c in self._terms.kernel]
        config["input_axes"] = [i for i, is_kept in enumerate(kept) if not is_kept]
        config["output_axes"] = [i for i, is_kept in enumerate(kept) if is_kept]
        return type(given)(**config)

    def call(self, inputs: Tensor) -> Tensor:
        self._check_input(inputs.shape)
        x = ops.einsum(self.equation, inputs, self.kernel)
        if self.bias is not None:
            x = x + self.bias
        return self.activation(x)

    def _check_input(self, shape: tuple) -> None:
        sizes = _lengths(self, shape)
        for letter, length in zip(self._terms.kernel, self.kernel.shape, strict=True):
            if sizes.get(letter) not in (length, None):
                raise ShapeError(
                    f"{label(self)}: expected an input whose axis {letter!r} of {self.equation!r} "
                    f"has length {length}, got {shape}. Change the preceding layer."
                )

    def get_config(self) -> dict:
        own = attributes(
            self,
            "equation",
            "activation",
            "bias_axes",
            "kernel_initializer",
            "bias_initializer",
            "kernel_regularizer",
            "bias_regularizer",
            "activity_regularizer",
            "kernel_constraint",
            "bias_constraint",
        )
        shape = list(self.partial_output_shape)
        return {**super().get_config(), "output_shape": shape, **own, "quantization_config": None}


class _Terms(NamedTuple):
    """An equation's letters.

    Attributes:
        x, kernel, y: of the input, of the kernel and of the output.
        left: whether input and output begin with ``...``.
        right: whether they end with it.
    """

    x: str
    kernel: str
    y: str
    left: bool
    right: bool


def _parsed(layer: EinsumDense) -> _Terms:
    found = _EQUATION.fullmatch(str(layer.equation).replace(" ", ""))
    parts = found.groupdict() if found else {}
    if not parts or any(parts[a] != parts[b] for a, b in (("left", "l"), ("right", "r"))):
        raise ArgumentError(
            f"{label(layer)}: expected an equation such as 'ab,bc->ac', '...b,bc->...c' or "
            f"'ab...,bc->ac...', got {layer.equation!r}."
        )
    terms = _Terms(parts["x"], parts["kernel"], parts["y"], bool(parts["l"]), bool(parts["r"]))
    for letter in terms.kernel:
        if letter not in terms.x + terms.y:
            raise ArgumentError(
                f"{label(layer)}: the kernel's axis {letter!r} is neither in the input nor in the "
                f"output of {layer.equation!r}."
            )
    for letter in terms.y:
        if letter not in terms.x + terms.kernel:
            raise ArgumentError(
                f"{label(layer)}: the output's axis {letter!r} is neither in the input nor in the "
                f"kernel of {layer.equation!r}."
            )
    for letter in layer.bias_axes or ():
        if letter not in terms.y:
            raise ArgumentError(
                f"{label(layer)}: the bias's axis {letter!r} is not in the output of "
                f"{layer.equation!r}."
            )
    return terms


def _lengths(layer: EinsumDense, input_shape: tuple) -> dict[str, int | None]:
    """The length of each letter, None where neither the input nor `output_shape` tells it."""
    terms, given = layer._terms, layer.partial_output_shape
    more = terms.left or terms.right
    if len(input_shape) < len(terms.x) or (len(input_shape) > len(terms.x) and not more):
        raise ShapeError(
            f"{label(layer)}: expected an input with {'at least ' if more else ''}{len(terms.x)} "
            f"axes for the equation {layer.equation!r}, got {tuple(input_shape)}."
        )
    own = input_shape[-len(terms.x) :] if terms.left else input_shape
    sizes = dict(zip(terms.x, own, strict=False))
    named = terms.y if terms.left else terms.y[1:]  # without the batch
    if len(given) != len(named):
        raise ShapeError(
            f"{label(layer)}: expected an output_shape with a length for each of the axes "
            f"{named!r} of {layer.equation!r}, got {given}."
        )
    for letter, length in zip(named, given, strict=True):
        if length is not None and sizes.get(letter) not in (length, None):
            raise ShapeError(
                f"{label(layer)}: axis {letter!r} of {layer.equation!r} has length "
                f"{sizes[letter]} in the input {tuple(input_shape)}, and {length} in output_shape "
                f"{given}."
            )
        if sizes.get(letter) is None:
            sizes[letter] = length
    return sizes


def _of_letters(
    layer: EinsumDense, letters: str, sizes: dict[str, int | None], input_shape: tuple
) -> list[int]:
    for letter in letters:
        if sizes.get(letter) is None:
            raise ShapeError(
                f"{label(layer)}: the length of axis {letter!r} of {layer.equation!r} must be "
                f"known, from the input {tuple(input_shape)} or from output_shape "
                f"{layer.partial_output_shape}."
            )
    return [sizes[letter] for letter in letters]
