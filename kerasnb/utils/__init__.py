"""Helpers around training: ``kerasnb.utils``."""

from kerasnb.utils.arrays import normalize, pad_sequences, to_categorical
from kerasnb.utils.batches import (
    PyDataset,
    pack_x_y_sample_weight,
    unpack_x_y_sample_weight,
)
from kerasnb.utils.drawing import plot_model
from kerasnb.utils.files import get_file
from kerasnb.utils.seeds import set_random_seed

__all__ = [
    "PyDataset",
    "get_file",
    "normalize",
    "pack_x_y_sample_weight",
    "pad_sequences",
    "plot_model",
    "set_random_seed",
    "to_categorical",
    "unpack_x_y_sample_weight",
]
