"""Attention: `MultiHeadAttention`, `Attention`, `AdditiveAttention`.

Each query is answered with a mean of the values, weighted by how well their keys fit it. Masks come
as arguments only. Imports base, common, einsum_dense, regularization and ops.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce
from string import ascii_lowercase
from typing import Any

from kerasnb import constraints, initializers, ops, random, regularizers
from kerasnb.errors import ArgumentError, ShapeError
from kerasnb.layers.base import Layer
from kerasnb.layers.common import attributes, check_between, check_rank, check_whole, label
from kerasnb.layers.einsum_dense import EinsumDense
from kerasnb.layers.regularization import Dropout
from kerasnb.ops.attention import masked_softmax, seen_positions
from kerasnb.tensor import Operators, Tensor

__all__ = ["AdditiveAttention", "Attention", "MultiHeadAttention"]


class MultiHeadAttention(Layer):
    """Several attentions side by side, each over its own projection of the inputs.

    Args:
        num_heads: how many.
        key_dim: the length of a head's queries and keys.
        value_dim: the length of a head's values; `key_dim` if not given.
        dropout: the share of the attention to drop in training, 0 to 1.
        use_bias: whether the projections add a bias.
        output_shape: the output's last axis, or axes; the query's last axis if not given.
        attention_axes: the axes along which positions are compared; all between the batch and the
            features if not given.
        sliding_window: a position sees those less than so many steps away; all if not given.
        flash_attention: accepted for Keras's sake; the result does not depend on it.
        kernel_initializer: of the projections' kernels, each of which draws its own.
        bias_initializer: of their biases.
        kernel_regularizer: a penalty on each kernel.
        bias_regularizer: a penalty on each bias.
        activity_regularizer: a penalty on the output of each projection.
        kernel_constraint: applied to the kernels after each update.
        bias_constraint: applied to the biases after each update.
        use_gate: whether each head's output is multiplied by ``sigmoid`` of a projection of the
            query.
        seed: an integer makes the dropout repeatable.

    Raises:
        ArgumentError: an argument is out of range.
        ShapeError: the inputs do not fit together, or a mask does not fit them.

    Shape:
        query ``(B, T, C)``, value and key ``(B, S, ...)`` ``-> (B, T, C)``; with
        `return_attention_scores` also ``(B, num_heads, T, S)``.

    Source: Vaswani et al. (2017), "Attention is all you need", arXiv:1706.03762; the gate: Qiu et
        al. (2025), "Gated attention for large language models", arXiv:2505.06708.

    Example:
        >>> import kerasnb
        >>> x = kerasnb.ops.ones((2, 5, 8))
        >>> kerasnb.layers.MultiHeadAttention(num_heads=2, key_dim=4)(x, x).shape
        (2, 5, 8)
    """

    supports_masking = True

    def __init__(
        self,
        num_heads: int,
        key_dim: int,
        value_dim: int | None = None,
        dropout: float = 0.0,
        use_bias: bool = True,
        output_shape: int | Sequence[int] | None = None,
        attention_axes: int | Sequence[int] | None = None,
        sliding_window: int | None = None,
        flash_attention: bool | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        use_gate: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.num_heads = check_whole(self, "num_heads", num_heads)
        self.key_dim = check_whole(self, "key_dim", key_dim)
        self.value_dim = key_dim if value_dim is None else check_whole(self, "value_dim", value_dim)
        self.dropout = check_between(self, "dropout", dropout)
        self.use_bias = use_bias
        self.attention_axes = _axes(self, attention_axes)
        self.sliding_window = (
            None if sliding_window is None else check_whole(self, "sliding_window", sliding_window)
        )
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.use_gate = use_gate
        self.seed = seed
        # of the projections: a penalty on this layer's output as well would count it twice
        self._projections_regularizer = regularizers.get(activity_regularizer)
        self._output_shape = _sizes(self, output_shape)

    def build(self, query_shape: tuple, value_shape: tuple, key_shape: tuple | None = None) -> None:
        key_shape = value_shape if key_shape is None else key_shape
        check_rank(self, query_shape, 3, "(batch, ..., features)", more=True)
        rank = len(query_shape)
        if not rank == len(value_shape) == len(key_shape) or value_shape[1:-1] != key_shape[1:-1]:
            raise ShapeError(
                f"{label(self)}: expected query, value and key of one rank, and value and key that "
                f"differ in their last axis only, got {tuple(query_shape)}, {tuple(value_shape)} "
                f"and {tuple(key_shape)}."
            )
        self.attention_axes = self._axes_of(query_shape)
        self.query_dense = self._projection("query", query_shape, self.key_dim)
        self.key_dense = self._projection("key", key_shape, self.key_dim)
        if self.use_gate:
            self._gate_dense = self._projection("gate", query_shape, self.value_dim, "sigmoid")
        self.value_dense = self._projection("value", value_shape, self.value_dim)
        self.output_dense = self._output_projection(query_shape)
        self._scores_equation, self._means_equation = _equations(rank + 1, self.attention_axes)
        self._dropout_layer = Dropout(self.dropout, seed=self.seed, dtype=self.dtype_policy)

    def _axes_of(self, shape: tuple) -> tuple[int, ...]:
        between = range(1, len(shape) - 1)
        given = between if self.attention_axes is None else self.attention_axes
        axes = tuple(axis + len(shape) if axis < 0 else axis for axis in given)
        if not axes or len(set(axes)) < len(axes) or any(axis not in between for axis in axes):
            raise ShapeError(
                f"{label(self)}: attention_axes must be axes between the batch and the features of "
                f"an input of shape {tuple(shape)}, got {self.attention_axes}."
            )
        return axes

    def _projection(
        self, name: str, shape: tuple, features: int, activation: Any = None
    ) -> EinsumDense:
        """(B, ..., C) -> (B, ..., N, H)"""
        *free, summed, head, feature = ascii_lowercase[: len(shape) + 2]
        kept = "".join(free)
        dense = self._dense(
            f"{kept}{summed},{summed}{head}{feature}->{kept}{head}{feature}",
            (None,) * (len(free) - 1) + (self.num_heads, features),
            head + feature,
            name,
            activation,
        )
        dense.build(shape)
        return dense

    def _output_projection(self, query_shape: tuple) -> EinsumDense:
        """(B, ..., N, H) -> (B, ..., *output_shape)"""
        sizes = self._output_shape or (query_shape[-1],)
        count = len(query_shape) - 1
        kept, summed = ascii_lowercase[:count], ascii_lowercase[count : count + 2]
        made = ascii_lowercase[count + 2 : count + 2 + len(sizes)]
        dense = self._dense(
            f"{kept}{summed},{summed}{made}->{kept}{made}",
            (None,) * (count - 1) + sizes,
            made,
            "attention_output",
        )
        dense.build((*query_shape[:-1], self.num_heads, self.value_dim))
        return dense

    def _dense(
        self, equation: str, shape: tuple, bias_axes: str, name: str, activation: Any = None
    ) -> EinsumDense:
        return EinsumDense(
            equation,
            shape,
            activation,
            bias_axes if self.use_bias else None,
            _another(self.kernel_initializer),
            _another(self.bias_initializer),
            self.kernel_regularizer,
            self.bias_regularizer,
            self.kernel_constraint,
            self.bias_constraint,
            activity_regularizer=self._projections_regularizer,
            trainable=self.trainable,
            dtype=self.dtype_policy,
            name=name,
        )

    def call(
        self,
        query: Tensor,
        value: Tensor,
        key: Tensor | None = None,
        query_mask: Any = None,
        value_mask: Any = None,
        key_mask: Any = None,
        attention_mask: Any = None,
        return_attention_scores: bool = False,
        training: bool = False,
        use_causal_mask: bool = False,
    ) -> Any:
        """The answers, and the weights of the values if wanted.

        Args:
            query: ``(B, T, C)``: what asks.
            value: ``(B, S, ...)``: what is mixed.
            key: what the queries are compared with; `value` if not given.
            query_mask: ``(B, T)``, true where a query counts; the others look nowhere.
            value_mask: ``(B, S)``, true where a value may be looked at.
            key_mask: ``(B, S)``, the same for keys.
            attention_mask: ``(B, T, S)``, or what broadcasts to it, or ``(B, num_heads, T, S)``:
                true where a query may look at a key.
            return_attention_scores: whether to give the weights, too.
            training: whether dropout drops.
            use_causal_mask: whether a position sees only itself and those before it.
        """
        mask = self._compute_attention_mask(
            query, value, query_mask, value_mask, key_mask, attention_mask, use_causal_mask
        )
        q, v = self.query_dense(query), self.value_dense(value)
        k = self.key_dense(value if key is None else key)
        means, weights = self._compute_attention(q, k, v, mask, training, return_attention_scores)
        if self.use_gate:
            means = means * self._gate_dense(query)
        output = self.output_dense(means)
        return (output, weights) if return_attention_scores else output

    def _compute_attention_mask(
        self,
        query: Tensor,
        value: Tensor,
        query_mask: Any = None,
        value_mask: Any = None,
        key_mask: Any = None,
        attention_mask: Any = None,
        use_causal_mask: bool = False,
    ) -> Tensor | None:
        """All masks as one, true where a query may look at a key: ``(B, T, S)``, or 1 for B."""
        masks = []
        if query_mask is not None:
            masks.append(ops.expand_dims(ops.cast(query_mask, "bool"), -1))  # -> (B, T, 1)
        for mask in (value_mask, key_mask):
            if mask is not None:
                masks.append(ops.expand_dims(ops.cast(mask, "bool"), -2))  # -> (B, 1, S)
        lengths = query.shape[1], value.shape[1]
        if use_causal_mask:
            masks.append(ops.expand_dims(seen_positions(*lengths), 0))
        if self.sliding_window is not None:
            masks.append(ops.expand_dims(seen_positions(*lengths, self.sliding_window), 0))
        if attention_mask is not None:
            masks.append(ops.cast(attention_mask, "bool"))
        return reduce(ops.logical_and, masks) if masks else None

    def _compute_attention(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        attention_mask: Tensor | None = None,
        training: bool = False,
        return_attention_scores: bool = False,
    ) -> tuple[Tensor, Tensor]:
        """The attention of projected inputs: the means ``(B, T, N, H)``, and the weights."""
        # (B, T, N, H), (B, S, N, H) -> (B, N, T, S); the scale joins the softmax's walk
        scores = ops.einsum(self._scores_equation, query, key) * (1.0 / math.sqrt(self.key_dim))
        count = len(self.attention_axes)
        if attention_mask is not None:
            attention_mask = self._over_heads(attention_mask, scores.shape)
            if not (return_attention_scores or self._dropout_layer.rate or query.ndim != 4):
                # a query that may look nowhere then looks everywhere alike, as in Keras
                low = -3e4 if scores.dtype == "float16" else -1e9
                scores, attention_mask = ops.where(attention_mask, scores, low), None
        weights = masked_softmax(scores, attention_mask, tuple(range(-count, 0)))
        kept = self._dropout_layer(weights, training=training)
        return ops.einsum(self._means_equation, kept, value), weights  # -> (B, T, N, H)

    def _over_heads(self, mask: Tensor, shape: tuple) -> Tensor:
        """A mask with axes of length 1 where scores of `shape` have the heads."""
        place = -2 * len(self.attention_axes) - 1
        if mask.ndim < len(shape):
            missing = tuple(place - i for i in range(len(shape) - mask.ndim))
            mask = ops.expand_dims(mask, missing)  # (B, T, S) -> (B, 1, T, S)
        fits = mask.ndim == len(shape) and all(
            n in (1, m) or None in (n, m) for n, m in zip(mask.shape, shape, strict=True)
        )
        if not fits:
            raise ShapeError(
                f"{label(self)}: expected masks that broadcast to the scores {shape} (batch, "
                f"heads, queries, keys), got {mask.shape}."
            )
        return mask

    def compute_output_shape(
        self, query_shape: tuple, value_shape: tuple, key_shape: tuple | None = None
    ) -> tuple:
        """The output's shape for inputs of these shapes."""
        return (*query_shape[:-1], *(self._output_shape or query_shape[-1:]))

    def get_config(self) -> dict:
        own = attributes(
            self,
            "num_heads",
            "key_dim",
            "value_dim",
            "dropout",
            "use_bias",
            "use_gate",
            "attention_axes",
            "sliding_window",
            "kernel_initializer",
            "bias_initializer",
            "kernel_regularizer",
            "bias_regularizer",
            "kernel_constraint",
            "bias_constraint",
            "seed",
        )
        shape = self._output_shape and list(self._output_shape)
        regularizer = regularizers.serialize(self._projections_regularizer)
        return {
            **super().get_config(),
            **own,
            "output_shape": shape,
            "activity_regularizer": regularizer,
        }


class Attention(Layer):
    """The values, mixed for each query by how well their keys fit it.

    Args:
        use_scale: whether the scores are multiplied by a trained number.
        score_mode: ``"dot"``, the products of queries and keys; or ``"concat"``, a trained number
            times the sum of ``tanh(query + key)``.
        dropout: the share of the attention to drop in training, 0 to 1.
        seed: an integer makes the dropout repeatable.

    Raises:
        ArgumentError: an argument is out of range, or the inputs are no list of two or three.

    Shape:
        ``[(B, T, C), (B, S, V)] -> (B, T, V)``, or with keys ``(B, S, C)`` as third; with
        `return_attention_scores` also ``(B, T, S)``.

    Source: Luong, Pham and Manning (2015), "Effective approaches to attention-based neural machine
        translation", arXiv:1508.04025.

    Example:
        >>> import kerasnb
        >>> query, value = kerasnb.ops.zeros((1, 1, 2)), kerasnb.ops.eye(2)[None]
        >>> kerasnb.layers.Attention()([query, value]).numpy().tolist()
        [[[0.5, 0.5]]]
    """

    def __init__(
        self,
        use_scale: bool = False,
        score_mode: str = "dot",
        dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if score_mode not in ("dot", "concat"):
            raise ArgumentError(
                f"{label(self)}: score_mode must be 'dot' or 'concat', got {score_mode!r}."
            )
        self.use_scale = use_scale
        self.score_mode = score_mode
        self.dropout = check_between(self, "dropout", dropout)
        self.seed = seed
        if dropout > 0:
            self.seed_generator = random.SeedGenerator(seed)

    def build(self, input_shape: Sequence[tuple]) -> None:
        _check_list(self, "inputs", input_shape, "query, value", "query, value, key")
        self.scale = self.concat_score_weight = None
        if self.use_scale:
            self.scale = self.add_weight(shape=(), initializer="ones", name="scale")
        if self.score_mode == "concat":
            self.concat_score_weight = self.add_weight(
                shape=(), initializer="ones", name="concat_score_weight"
            )

    def call(
        self,
        inputs: Sequence[Tensor],
        mask: Any = None,
        training: bool = False,
        return_attention_scores: bool = False,
        use_causal_mask: bool = False,
    ) -> Any:
        """The mixed values, and their weights if wanted.

        Args:
            inputs: a list of query ``(B, T, C)`` and value ``(B, S, V)``, and the keys if they are
                not the values.
            mask: a list of ``(B, T)`` and ``(B, S)``, true where a query, or a value, counts; each
                may be None. Where a query does not count, the output is 0.
            training: whether dropout drops.
            return_attention_scores: whether to give the weights, too.
            use_causal_mask: whether a position sees only itself and those before it.
        """
        _check_list(self, "inputs", inputs, "query, value", "query, value, key")
        if mask is not None:
            _check_list(self, "mask", mask, "query_mask, value_mask", "..., key_mask")
        query, value, key = (*inputs, inputs[1])[:3]
        query_mask, value_mask = mask[:2] if mask is not None else (None, None)
        scores = self._calculate_scores(query, key)
        weights = ops.softmax(_far_below(scores, value_mask, use_causal_mask))
        kept = weights
        if training and self.dropout > 0:
            kept = random.dropout(weights, self.dropout, seed=self.seed_generator)
        output = ops.matmul(kept, value)  # (B, T, S), (B, S, V) -> (B, T, V)
        if query_mask is not None:
            output = ops.where(ops.expand_dims(ops.cast(query_mask, "bool"), -1), output, 0.0)
        return (output, weights) if return_attention_scores else output

    def compute_mask(self, inputs: Sequence[Tensor], mask: Any = None) -> Tensor | None:
        """The mask of the query."""
        return None if mask is None else mask[0]

    def _calculate_scores(self, query: Tensor, key: Tensor) -> Tensor:
        """How well keys fit queries: (B, T, C), (B, S, C) -> (B, T, S)"""
        if self.score_mode == "dot":
            scores = ops.einsum("...tc,...sc->...ts", query, key)
            return scores if self.scale is None else scores * self.scale
        both = _sums(query, key)
        if self.scale is not None:
            both = both * self.scale
        return self.concat_score_weight * ops.sum(ops.tanh(both), -1)

    def get_config(self) -> dict:
        own = attributes(self, "use_scale", "score_mode", "dropout", "seed")
        return {**super().get_config(), **own}


class AdditiveAttention(Attention):
    """The values, mixed for each query by the sum of ``scale * tanh(query + key)``.

    Args:
        use_scale: whether `scale` is a trained vector, instead of 1.
        dropout: the share of the attention to drop in training, 0 to 1.

    Raises:
        ArgumentError: an argument is out of range, or the inputs are no list of two or three.
        ShapeError: the query's last axis is unknown.

    Shape:
        ``[(B, T, C), (B, S, C)] -> (B, T, C)``, or with keys as third, and values ``(B, S, V)``.

    Source: Bahdanau, Cho and Bengio (2014), "Neural machine translation by jointly learning to
        align and translate", arXiv:1409.0473.
    """

    def __init__(self, use_scale: bool = True, dropout: float = 0.0, **kwargs: Any):
        super().__init__(use_scale=use_scale, dropout=dropout, **kwargs)

    def build(self, input_shape: Sequence[tuple]) -> None:
        _check_list(self, "inputs", input_shape, "query, value", "query, value, key")
        self.scale = None
        features = input_shape[0][-1]
        if self.use_scale:
            if features is None:
                raise ShapeError(
                    f"{label(self)}: the last axis of the query {tuple(input_shape[0])} must be "
                    "known. Give its length in Input(shape=...)."
                )
            self.scale = self.add_weight(
                shape=(features,), initializer="glorot_uniform", name="scale"
            )

    def _calculate_scores(self, query: Tensor, key: Tensor) -> Tensor:
        fits = ops.tanh(_sums(query, key))
        return ops.sum(fits if self.scale is None else self.scale * fits, -1)

    def get_config(self) -> dict:
        config = super().get_config()
        del config["score_mode"]  # Keras does not write it
        return config


def _far_below(scores: Tensor, value_mask: Any, causal: bool) -> Tensor:
    """Scores (B, T, S) from which a large number is taken where a query may not look."""
    masks = []
    if value_mask is not None:
        value_mask = ops.cast(value_mask, "bool")
        # (B, S) -> (B, 1, S)
        masks.append(ops.expand_dims(value_mask, -2) if value_mask.ndim == 2 else value_mask)
    if causal:
        masks.append(seen_positions(*scores.shape[-2:]))
    if not masks:
        return scores
    # not to -inf: where a query may look nowhere, inf - inf would be NaN
    far = 65504.0 if scores.dtype == "float16" else 1e9
    return ops.where(reduce(ops.logical_and, masks), scores, scores - far)


def _sums(query: Tensor, key: Tensor) -> Tensor:
    # (B, T, 1, C) + (B, 1, S, C) -> (B, T, S, C)
    return ops.expand_dims(query, -2) + ops.expand_dims(key, -3)


def _equations(rank: int, axes: tuple[int, ...]) -> tuple[str, str]:
    """The products of queries and keys, and of their weights and values, for projected inputs of
    `rank`: ``"abcd,aBcd->acbB"`` and ``"acbB,aBcd->abcd"`` for rank 4 and axes (1,)."""
    target = ascii_lowercase[:rank]
    source = "".join(c.upper() if i in axes else c for i, c in enumerate(target))
    batch = "".join(c for i, c in enumerate(target[:-1]) if i not in axes)
    scores = "".join([batch, *(target[i] for i in axes), *(source[i] for i in axes)])
    return f"{target},{source}->{scores}", f"{scores},{source}->{target}"


def _axes(layer: Layer, axes: Any) -> tuple[int, ...] | None:
    if axes is None:
        return None
    given = (axes,) if hasattr(axes, "__index__") else axes
    if not isinstance(given, (list, tuple)) or not all(hasattr(a, "__index__") for a in given):
        raise ArgumentError(
            f"{label(layer)}: attention_axes must be a whole number or several, got {axes!r}."
        )
    return tuple(given)


def _sizes(layer: Layer, shape: Any) -> tuple[int, ...] | None:
    if shape is None:
        return None
    given = (shape,) if hasattr(shape, "__index__") else shape
    if not isinstance(given, (list, tuple)):
        raise ArgumentError(
            f"{label(layer)}: output_shape must be a whole number or several, got {shape!r}."
        )
    return tuple(check_whole(layer, "output_shape", n) for n in given)


def _another(initializer: Any) -> Any:
    """An initializer with the same settings that draws its own numbers."""
    return initializer.clone() if isinstance(initializer, initializers.Initializer) else initializer


def _check_list(layer: Layer, what: str, given: Any, two: str, three: str) -> None:
    if isinstance(given, (list, tuple)) and len(given) in (2, 3):
        return
    found = (
        f"{len(given)}" if isinstance(given, (list, tuple)) else
        f"one of shape {given.shape}" if isinstance(given, Operators) else type(given).__name__
    )  # fmt: skip
    raise ArgumentError(f"{label(layer)}: {what} must be a list [{two}] or [{three}], got {found}.")
