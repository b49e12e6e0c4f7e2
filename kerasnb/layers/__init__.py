"""The layers: ``kerasnb.layers``, under Keras's names.

`LAYERS` lists the classes that a configuration may name.
"""

from typing import Any

from kerasnb import registry
from kerasnb.layers.activations import *
from kerasnb.layers.attention import *
from kerasnb.layers.base import Layer
from kerasnb.layers.conv_lstm import *
from kerasnb.layers.convolutional import *
from kerasnb.layers.core import *
from kerasnb.layers.depthwise import *
from kerasnb.layers.einsum_dense import *
from kerasnb.layers.hashing import *
from kerasnb.layers.image_augmentation import *
from kerasnb.layers.image_preprocessing import CenterCrop, RandomCrop, Rescaling, Resizing
from kerasnb.layers.input import Input, InputLayer
from kerasnb.layers.lookup import *
from kerasnb.layers.merging import *
from kerasnb.layers.normalization import *
from kerasnb.layers.numerical_preprocessing import *
from kerasnb.layers.pooling import *
from kerasnb.layers.recurrent import *
from kerasnb.layers.regularization import *
from kerasnb.layers.reshaping import *
from kerasnb.layers.spectral import *
from kerasnb.layers.text import *
from kerasnb.layers.wrappers import INNER, Bidirectional, TimeDistributed, Wrapper

LAYERS = {
    name: value
    for name, value in globals().items()
    if isinstance(value, type) and issubclass(value, Layer)
}
INNER.update(LAYERS)


def serialize(layer: Layer) -> dict:
    """The layer as data that JSON can hold."""
    return registry.serialize(layer)


def deserialize(config: dict, custom_objects: dict | None = None) -> Any:
    """The layer that `config` describes; weights are new."""
    with registry.custom_object_scope(custom_objects or {}):
        return registry.deserialize(config, LAYERS, "layer")
