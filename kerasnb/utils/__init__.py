"""Helpers around training: ``kerasnb.utils``."""

from kerasnb.feature_space import FeatureSpace
from kerasnb.utils.arrays import normalize, pad_sequences, to_categorical
from kerasnb.utils.batches import (
    PyDataset,
    pack_x_y_sample_weight,
    unpack_x_y_sample_weight,
)
from kerasnb.utils.dataset import Dataset
from kerasnb.utils.drawing import model_to_dot, plot_model
from kerasnb.utils.files import get_file
from kerasnb.utils.folders import (
    audio_dataset_from_directory,
    image_dataset_from_directory,
    text_dataset_from_directory,
)
from kerasnb.utils.images import array_to_img, img_to_array, load_img, save_img
from kerasnb.utils.progbar import Progbar
from kerasnb.utils.seeds import set_random_seed
from kerasnb.utils.timeseries import split_dataset, timeseries_dataset_from_array

__all__ = [
    "Dataset",
    "FeatureSpace",
    "Progbar",
    "PyDataset",
    "array_to_img",
    "audio_dataset_from_directory",
    "get_file",
    "image_dataset_from_directory",
    "img_to_array",
    "load_img",
    "model_to_dot",
    "normalize",
    "pack_x_y_sample_weight",
    "pad_sequences",
    "plot_model",
    "save_img",
    "set_random_seed",
    "split_dataset",
    "text_dataset_from_directory",
    "timeseries_dataset_from_array",
    "to_categorical",
    "unpack_x_y_sample_weight",
]
