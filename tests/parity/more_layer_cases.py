"""Further layers: other convolutions, borders, noise at rest, normalization, recurrence."""

from __future__ import annotations

from typing import Any

from .case import Case
from .draw import real
from .layer_runner import layer

__all__ = ["MORE_LAYERS"]


def _row(kind: str, title: str, shape: tuple[int, ...], *arguments: Any, **options: Any) -> Case:
    return layer(
        f"{kind}/{title}", lambda k: getattr(k.layers, kind)(*arguments, **options), real(*shape)
    )


MORE_LAYERS = [
    _row("Conv3D", "plain", (2, 4, 5, 4, 2), 3, 2),
    _row("Conv3D", "same strided", (1, 5, 4, 5, 2), 3, (3, 2, 2), strides=2, padding="same"),
    _row("Conv3D", "dilated groups", (1, 5, 5, 5, 4), 2, 2, dilation_rate=2, groups=2),
    _row("DepthwiseConv1D", "plain", (2, 7, 3), 3),
    _row("DepthwiseConv1D", "twice same", (2, 8, 2), 3, depth_multiplier=2, padding="same"),
    _row("DepthwiseConv2D", "plain", (2, 6, 5, 3), 3),
    _row("DepthwiseConv2D", "twice strided", (2, 7, 6, 2), 3, 2, "same", depth_multiplier=2),
    _row("DepthwiseConv2D", "dilated no bias", (2, 7, 6, 2), 2, dilation_rate=2, use_bias=False),
    _row("SeparableConv1D", "plain", (2, 7, 3), 4, 3),
    _row("SeparableConv1D", "causal", (2, 7, 3), 4, 3, padding="same", depth_multiplier=2),
    _row("SeparableConv2D", "plain", (2, 6, 5, 3), 4, 3),
    _row("SeparableConv2D", "strided", (2, 7, 7, 2), 4, 3, strides=2, padding="same"),
    _row("Conv1DTranspose", "plain", (2, 5, 3), 4, 3),
    _row("Conv1DTranspose", "strided", (2, 5, 3), 4, 3, strides=2),
    _row("Conv1DTranspose", "strided same", (2, 5, 3), 4, 3, strides=2, padding="same"),
    _row("Conv1DTranspose", "dilated", (2, 5, 3), 4, 3, dilation_rate=2),
    _row("Conv1DTranspose", "short kernel", (2, 5, 3), 2, 2, strides=3),
    _row("Conv2DTranspose", "plain", (2, 4, 5, 3), 4, 3),
    _row("Conv2DTranspose", "strided same", (2, 4, 5, 3), 4, 3, strides=2, padding="same"),
    _row("Conv2DTranspose", "uneven", (2, 4, 5, 2), 3, (2, 3), strides=(2, 1), use_bias=False),
    _row("Conv2DTranspose", "output padding", (2, 4, 4, 2), 3, 3, strides=2, output_padding=1),
    _row("Conv3DTranspose", "strided", (1, 3, 2, 3, 2), 2, 2, strides=2),
    _row("MaxPooling3D", "plain", (2, 4, 5, 4, 2)),
    _row("AveragePooling3D", "strided same", (2, 5, 5, 5, 2), 3, 2, "same"),
    _row("GlobalMaxPooling3D", "plain", (2, 3, 2, 3, 2)),
    _row("GlobalAveragePooling3D", "keepdims", (2, 3, 2, 3, 2), keepdims=True),
    _row("ZeroPadding1D", "one number", (2, 4, 3), 2),
    _row("ZeroPadding1D", "two sides", (2, 4, 3), (1, 3)),
    _row("ZeroPadding2D", "plain", (2, 3, 4, 2)),
    _row("ZeroPadding2D", "four sides", (2, 3, 4, 2), ((1, 0), (2, 3))),
    _row("ZeroPadding2D", "channels first", (2, 2, 3, 4), (1, 2), data_format="channels_first"),
    _row("Cropping1D", "plain", (2, 5, 3)),
    _row("Cropping1D", "two sides", (2, 6, 3), (1, 2)),
    _row("Cropping2D", "four sides", (2, 6, 7, 2), ((1, 2), (0, 3))),
    _row("UpSampling1D", "3", (2, 3, 2), 3),
    _row("UpSampling2D", "plain", (2, 3, 2, 2)),
    _row("UpSampling2D", "uneven", (2, 3, 2, 2), (1, 3)),
    _row("GaussianNoise", "inference", (3, 4), 0.5),
    _row("GaussianDropout", "inference", (3, 4), 0.5),
    _row("SpatialDropout1D", "inference", (2, 3, 4), 0.5),
    _row("SpatialDropout2D", "inference", (2, 3, 4, 2), 0.5),
    _row("ActivityRegularization", "both", (3, 4), l1=0.1, l2=0.2),
    _row("ELU", "plain", (4, 6)),
    _row("ELU", "alpha", (4, 6), alpha=0.5),
    _row("PReLU", "plain", (4, 6)),
    _row("PReLU", "shared", (2, 4, 3), shared_axes=[1]),
    _row("GroupNormalization", "plain", (2, 3, 4, 6), groups=3),
    _row("GroupNormalization", "each channel", (2, 5, 4), groups=-1, center=False),
    _row("GroupNormalization", "axis 1", (2, 6, 4), groups=2, axis=1, scale=False),
    _row("UnitNormalization", "plain", (3, 4)),
    _row("UnitNormalization", "two axes", (2, 3, 4), axis=[1, 2]),
]
MORE_LAYERS += [
    _row(kind, title, (3, 5, 4), 6, **options)
    for kind in ("SimpleRNN", "GRU")
    for title, options in {
        "plain": {},
        "sequences and state": {"return_sequences": True, "return_state": True},
        "backwards": {"go_backwards": True, "return_sequences": True},
        "relu": {"activation": "relu"},
        "no bias": {"use_bias": False},
        "regularized": {"kernel_regularizer": "l2", "bias_regularizer": "l1"},
    }.items()
]
MORE_LAYERS += [
    _row("GRU", "reset before", (3, 5, 4), 6, reset_after=False),
    _row("GRU", "hard gates", (3, 5, 4), 6, recurrent_activation="hard_sigmoid"),
]
MORE_LAYERS += [
    layer(
        f"RNN/{cell}",
        lambda k, cell=cell: k.layers.RNN(
            getattr(k.layers, cell)(3, name="cell"), return_sequences=True
        ),
        real(2, 4, 3),
    )
    for cell in ("SimpleRNNCell", "GRUCell", "LSTMCell")
]
