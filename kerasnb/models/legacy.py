"""Whole models in ``.h5`` files of Keras 2. Imports models.cloning and files."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kerasnb.files import hdf5, legacy_h5
from kerasnb.files.legacy_configs import modern
from kerasnb.files.weights import assigned
from kerasnb.files.whole import read_whole
from kerasnb.models.cloning import model_from_json

__all__ = ["load_legacy_model"]


def load_legacy_model(
    filepath: str | os.PathLike,
    custom_objects: dict | None = None,
    build: Callable[[Any], Any] | None = None,
) -> Any:
    """The model in a file that ends in ``.h5`` or ``.hdf5``, with its weights; not compiled.

    Args:
        filepath: the file, of Keras 2 or 3.
        custom_objects: the user's own classes, by name.
        build: makes a model of a configuration as Keras 3 writes it; `model_from_json` if it is not
            given.

    Raises:
        LoadError: it is no such file, was damaged, or its weights do not fit its configuration.
    """
    path = Path(filepath)
    what = f"load_model: {path.name}"
    contents = hdf5.unpack(read_whole(path, "load_model"), what)
    saved = legacy_h5.read_model(contents, what)
    config = modern(saved.config, what)
    model = model_from_json(json.dumps(config), custom_objects) if build is None else build(config)
    assigned(legacy_h5.pairs(model, contents, what), what)
    return model
