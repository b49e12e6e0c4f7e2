"""Attention, and the products of any axes that it is made of."""

from __future__ import annotations

from typing import Any

from .case import Case
from .draw import Draw, fixed, real
from .layer_runner import layer

__all__ = ["ATTENTION"]


def _product(title: str, equation: str, shape: Any, *sizes: int, **options: Any) -> Case:
    return layer(
        f"EinsumDense/{title}",
        lambda k: k.layers.EinsumDense(equation, shape, **options),
        real(*sizes),
    )


# where the input tells a length, Keras leaves it open in shapes unless output_shape repeats it
PRODUCTS = [
    _product("matrix", "ab,bc->ac", 4, 3, 5, bias_axes="c"),
    _product("sequence", "abc,cd->abd", (4, 3), 2, 4, 5, bias_axes="d", activation="relu"),
    _product("any axes", "...x,xy->...y", 4, 2, 3, 5, bias_axes="y"),
    _product("any axes behind", "ab...,bc->ac...", 4, 2, 3, 5, bias_axes="c"),
    _product("into heads", "abc,cde->abde", (4, 2, 3), 2, 4, 5, bias_axes="de"),
    _product("out of heads", "abcd,cde->abe", (4, 3), 2, 4, 2, 3, bias_axes="e"),
    _product("bias of positions", "abc,cd->abd", (4, 3), 2, 4, 5, bias_axes="b"),
    _product("kernel of positions", "abc,bcd->abd", (4, 3), 2, 4, 5, bias_axes="bd"),
    _product("other order", "abc,dc->adb", (3, 4), 2, 4, 5),
    _product(
        "everything",
        "abc,cd->abd",
        (4, 3),
        *(2, 4, 5),
        bias_axes="d",
        kernel_initializer="he_normal",
        bias_initializer="ones",
        kernel_regularizer="l2",
        bias_regularizer="l1",
        activity_regularizer="l2",
        kernel_constraint="max_norm",
        bias_constraint="non_neg",
    ),
]

X, LONGER, OTHER = real(2, 4, 6), real(2, 5, 6), real(2, 5, 3)
SEEN = fixed([[1, 1, 0, 1, 0], [0, 1, 1, 1, 1]], "bool")
PAIRS = fixed(
    [
        [[1, 0, 1, 0, 1], [0, 0, 0, 1, 0], [1, 1, 1, 1, 1], [1, 1, 0, 0, 0]],
        [[0, 0, 0, 0, 1], [1, 1, 1, 0, 1], [0, 1, 0, 1, 0], [1, 0, 0, 1, 1]],
    ],
    "bool",
)


def _heads(title: str, *inputs: Draw, names: str = "query value", **options: Any) -> Case:
    """A row of `MultiHeadAttention`; options with a capital are those of the call."""
    given = {name.lower(): options.pop(name) for name in [*options] if name[0].isupper()}
    return layer(
        f"MultiHeadAttention/{title}",
        lambda k: k.layers.MultiHeadAttention(2, 3, **options),
        *inputs,
        call=lambda one, *tensors: one(**dict(zip(names.split(), tensors, strict=True)), **given),
        # what all keys have in common changes no weight
        zero_gradients=("key/bias",),
    )


def _itself(
    title: str, shape: tuple[int, ...] = (2, 4, 6), needs: str | None = None, **options: Any
) -> Case:
    given = {name.lower(): options.pop(name) for name in [*options] if name[0].isupper()}
    return layer(
        f"MultiHeadAttention/{title}",
        lambda k: k.layers.MultiHeadAttention(2, 3, **options),
        real(*shape),
        call=lambda one, x: one(x, x, **given),
        zero_gradients=("key/bias",),
        needs=needs,
    )


HEADS = [
    _itself("itself"),
    _itself("causal", Use_causal_mask=True),
    _itself("scores", Return_attention_scores=True),
    _itself("causal scores", Return_attention_scores=True, Use_causal_mask=True),
    _itself("window", sliding_window=2),
    _itself("causal window", sliding_window=2, Use_causal_mask=True),
    _itself("gate", use_gate=True),
    _itself("no bias", use_bias=False, kernel_regularizer="l2"),
    # Keras 3.15 on jax takes values and keys for equally long
    _itself("sizes", value_dim=5, output_shape=7, needs="torch"),
    _itself("output axes", output_shape=(3, 2)),
    _itself("dropout at inference", dropout=0.5, seed=3),
    _itself("first axis", (2, 4, 3, 5), attention_axes=1),
    _itself("last axis", (2, 4, 3, 5), attention_axes=-2),
    _itself("two axes", (2, 4, 3, 5)),
    _itself(
        "everything",
        bias_initializer="ones",
        kernel_initializer="he_uniform",
        kernel_regularizer="l1",
        bias_regularizer="l2",
        activity_regularizer="l2",
        kernel_constraint="max_norm",
        bias_constraint="non_neg",
        name="attend",
    ),
    _heads("other", X, LONGER),
    _heads("keys", X, OTHER, LONGER, names="query value key"),
    _heads("value mask", X, LONGER, SEEN, names="query value value_mask"),
    _heads("key mask", X, LONGER, LONGER, SEEN, names="query value key key_mask"),
    _heads("pairs", X, LONGER, PAIRS, names="query value attention_mask"),
    _heads(
        "pairs scores",
        *(X, LONGER, PAIRS),
        names="query value attention_mask",
        Return_attention_scores=True,
    ),
    _heads(
        "all masks",
        *(X, LONGER, fixed([[1, 1, 1, 1, 1], [1, 0, 1, 0, 1]], "bool")),
        names="query value value_mask",
        Use_causal_mask=True,
    ),
]


def _simple(kind: str, title: str, *inputs: Draw, **options: Any) -> Case:
    return layer(f"{kind}/{title}", lambda k: getattr(k.layers, kind)(**options), *inputs)


def _called(kind: str, title: str, **given: Any) -> Case:
    return layer(
        f"{kind}/{title}",
        lambda k: getattr(k.layers, kind)(),
        *(X, LONGER, fixed([[1, 1, 0, 1], [0, 1, 1, 1]], "bool"), SEEN),
        call=lambda one, q, v, *masks: one([q, v], mask=list(masks), **given),
    )


SIMPLE = [
    case
    for kind in ("Attention", "AdditiveAttention")
    for case in (
        _simple(kind, "two", X, LONGER),
        _simple(kind, "keys", X, OTHER, LONGER),
        _simple(kind, "scaled", X, LONGER, use_scale=True),
        _simple(kind, "not scaled", X, LONGER, use_scale=False),
        _simple(kind, "dropout at inference", X, LONGER, dropout=0.5, seed=2),
        _called(kind, "masks"),
        _called(kind, "causal masks", use_causal_mask=True),
        _called(kind, "scores", return_attention_scores=True),
    )
]
SIMPLE += [
    _simple("Attention", "concat", X, LONGER, score_mode="concat"),
    _simple("Attention", "concat scaled", X, LONGER, score_mode="concat", use_scale=True),
]

ATTENTION = [*PRODUCTS, *HEADS, *SIMPLE]
