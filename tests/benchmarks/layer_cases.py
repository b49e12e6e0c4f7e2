"""The everyday layers on which `layers.py` compares libraries, each at an everyday size.

The library, `keras` or `kerasnb`, is an argument; neither is imported.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["CASES", "LayerCase", "model_of"]


@dataclass(frozen=True)
class LayerCase:
    """A layer, and the batches that it gets.

    Args:
        make: gives the layer, of the module with all layers.
        shape: one row of each input.
        batch: rows a step.
        below: the inputs are whole numbers below it; float32 within [0, 1) if it is 0.
        inputs: how many; more than one go to the layer as a list.
        apart: they go to the layer as arguments of their own.
    """

    make: Callable[[Any], Any]
    shape: tuple[int, ...]
    batch: int = 64
    below: int = 0
    inputs: int = 1
    apart: bool = False

    def data(self, steps: int) -> list[np.ndarray]:
        """So many batches of each input."""
        rng, size = np.random.default_rng(0), (self.batch * steps, *self.shape)
        if self.below:
            return [rng.integers(0, self.below, size, dtype=np.int32) for _ in range(self.inputs)]
        return [rng.random(size, dtype=np.float32) for _ in range(self.inputs)]


def model_of(keras: Any, case: LayerCase) -> Any:
    """The layer alone in a model; before it a weight, so that its input has a gradient, as it has
    in the midst of a network."""

    class Scale(keras.layers.Layer):
        def build(self, input_shape: Any) -> None:
            self.factor = self.add_weight(shape=(), initializer="ones")

        def call(self, x: Any) -> Any:
            return x * self.factor

    dtype = "int32" if case.below else "float32"
    inputs = [keras.Input(case.shape, dtype=dtype) for _ in range(case.inputs)]
    given = inputs if case.below else [Scale()(x) for x in inputs]
    layer = case.make(keras.layers)
    apart = case.apart or case.inputs == 1
    return keras.Model(inputs, layer(*given) if apart else layer(given))


TABLE, WORDS, VOLUME = (256,), (64, 128), (8, 16, 16, 16)
IMAGE, WIDE = (32, 32, 32), (16, 16, 64)

CASES: dict[str, LayerCase] = {
    "Dense": LayerCase(lambda k: k.Dense(256, activation="relu"), TABLE, 128),
    "Dense of words": LayerCase(lambda k: k.Dense(128, activation="gelu"), WORDS),
    "EinsumDense": LayerCase(lambda k: k.EinsumDense("abc,cde->abde", (64, 4, 32)), WORDS),
    "Embedding": LayerCase(lambda k: k.Embedding(5000, 64), (64,), below=5000),
    "Activation": LayerCase(lambda k: k.Activation("tanh"), IMAGE),
    "ReLU": LayerCase(lambda k: k.ReLU(), IMAGE),
    "LeakyReLU": LayerCase(lambda k: k.LeakyReLU(), IMAGE),
    "PReLU": LayerCase(lambda k: k.PReLU(shared_axes=[1, 2]), IMAGE),
    "ELU": LayerCase(lambda k: k.ELU(), IMAGE),
    "Softmax": LayerCase(lambda k: k.Softmax(), (64, 64)),
    "Flatten": LayerCase(lambda k: k.Flatten(), IMAGE),
    "Reshape": LayerCase(lambda k: k.Reshape((32, 1024)), IMAGE),
    "Permute": LayerCase(lambda k: k.Permute((2, 3, 1)), IMAGE),
    "RepeatVector": LayerCase(lambda k: k.RepeatVector(32), TABLE),
    "Dropout": LayerCase(lambda k: k.Dropout(0.5), IMAGE),
    "SpatialDropout2D": LayerCase(lambda k: k.SpatialDropout2D(0.5), IMAGE),
    "GaussianNoise": LayerCase(lambda k: k.GaussianNoise(0.1), IMAGE),
    "GaussianDropout": LayerCase(lambda k: k.GaussianDropout(0.1), IMAGE),
    "BatchNormalization": LayerCase(lambda k: k.BatchNormalization(), IMAGE),
    "LayerNormalization": LayerCase(lambda k: k.LayerNormalization(), WORDS),
    "GroupNormalization": LayerCase(lambda k: k.GroupNormalization(8), IMAGE),
    "RMSNormalization": LayerCase(lambda k: k.RMSNormalization(), WORDS),
    "UnitNormalization": LayerCase(lambda k: k.UnitNormalization(), WORDS),
    "Conv1D": LayerCase(lambda k: k.Conv1D(128, 3, padding="same"), WORDS),
    "Conv2D 3x3": LayerCase(lambda k: k.Conv2D(32, 3, padding="same"), IMAGE, 32),
    "Conv2D 3x3, 64 channels": LayerCase(lambda k: k.Conv2D(64, 3, padding="same"), WIDE, 32),
    "Conv2D of images": LayerCase(lambda k: k.Conv2D(32, 3), (32, 32, 3)),
    "Conv2D 1x1": LayerCase(lambda k: k.Conv2D(64, 1), IMAGE),
    "Conv2D 5x5": LayerCase(lambda k: k.Conv2D(32, 5, padding="same"), IMAGE, 32),
    "Conv2D, strides 2": LayerCase(lambda k: k.Conv2D(64, 3, 2, padding="same"), IMAGE),
    "Conv2D, dilation 2": LayerCase(
        lambda k: k.Conv2D(32, 3, dilation_rate=2, padding="same"), IMAGE, 32
    ),
    "Conv2D, 4 groups": LayerCase(lambda k: k.Conv2D(32, 3, groups=4, padding="same"), IMAGE, 32),
    "Conv3D": LayerCase(lambda k: k.Conv3D(16, 3, padding="same"), VOLUME, 8),
    "Conv1DTranspose": LayerCase(lambda k: k.Conv1DTranspose(64, 3, 2, padding="same"), WORDS),
    "Conv2DTranspose": LayerCase(lambda k: k.Conv2DTranspose(32, 3, 2, padding="same"), WIDE, 32),
    "DepthwiseConv2D": LayerCase(lambda k: k.DepthwiseConv2D(3, padding="same"), IMAGE),
    "SeparableConv2D": LayerCase(lambda k: k.SeparableConv2D(64, 3, padding="same"), IMAGE),
    "MaxPooling1D": LayerCase(lambda k: k.MaxPooling1D(2), WORDS),
    "MaxPooling2D": LayerCase(lambda k: k.MaxPooling2D(2), IMAGE),
    "MaxPooling3D": LayerCase(lambda k: k.MaxPooling3D(2), VOLUME),
    "AveragePooling2D": LayerCase(lambda k: k.AveragePooling2D(2), IMAGE),
    "GlobalAveragePooling1D": LayerCase(lambda k: k.GlobalAveragePooling1D(), WORDS),
    "GlobalAveragePooling2D": LayerCase(lambda k: k.GlobalAveragePooling2D(), IMAGE),
    "GlobalMaxPooling1D": LayerCase(lambda k: k.GlobalMaxPooling1D(), WORDS),
    "GlobalMaxPooling2D": LayerCase(lambda k: k.GlobalMaxPooling2D(), IMAGE),
    "UpSampling2D": LayerCase(lambda k: k.UpSampling2D(2), WIDE, 32),
    "UpSampling2D, bilinear": LayerCase(
        lambda k: k.UpSampling2D(2, interpolation="bilinear"), WIDE, 32
    ),
    "ZeroPadding2D": LayerCase(lambda k: k.ZeroPadding2D(2), IMAGE),
    "Cropping2D": LayerCase(lambda k: k.Cropping2D(2), IMAGE),
    "Add": LayerCase(lambda k: k.Add(), IMAGE, inputs=2),
    "Multiply": LayerCase(lambda k: k.Multiply(), IMAGE, inputs=2),
    "Average": LayerCase(lambda k: k.Average(), IMAGE, inputs=3),
    "Maximum": LayerCase(lambda k: k.Maximum(), IMAGE, inputs=2),
    "Concatenate": LayerCase(lambda k: k.Concatenate(), IMAGE, inputs=2),
    "Dot": LayerCase(lambda k: k.Dot(axes=2), WORDS, inputs=2),
    "SimpleRNN": LayerCase(lambda k: k.SimpleRNN(64), (32, 64), 32),
    "GRU": LayerCase(lambda k: k.GRU(64), (32, 64), 32),
    "LSTM": LayerCase(lambda k: k.LSTM(64), (32, 64), 32),
    "LSTM, sequences": LayerCase(lambda k: k.LSTM(128, return_sequences=True), (32, 64), 32),
    "Bidirectional": LayerCase(lambda k: k.Bidirectional(k.LSTM(64)), (32, 64), 32),
    "ConvLSTM2D": LayerCase(lambda k: k.ConvLSTM2D(16, 3, padding="same"), (8, 16, 16, 8), 8),
    "TimeDistributed": LayerCase(lambda k: k.TimeDistributed(k.Dense(64)), WORDS),
    "MultiHeadAttention": LayerCase(
        lambda k: k.MultiHeadAttention(4, 32), WORDS, 32, inputs=2, apart=True
    ),
    "Attention": LayerCase(lambda k: k.Attention(), WORDS, 32, inputs=2),
    "AdditiveAttention": LayerCase(lambda k: k.AdditiveAttention(), WORDS, 16, inputs=2),
    "Rescaling": LayerCase(lambda k: k.Rescaling(2.0, -1.0), IMAGE),
    "Normalization": LayerCase(lambda k: k.Normalization(mean=0.5, variance=0.1), TABLE, 256),
    "CenterCrop": LayerCase(lambda k: k.CenterCrop(24, 24), IMAGE),
    "Resizing": LayerCase(lambda k: k.Resizing(24, 24), (32, 32, 3)),
    "CategoryEncoding": LayerCase(
        lambda k: k.CategoryEncoding(100, output_mode="multi_hot"), (20,), below=100
    ),
}  # fmt: skip
