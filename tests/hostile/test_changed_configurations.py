"""Thousands of `.keras` files with changed configurations: read, or refused with a `LoadError`."""

import copy
import json
import random
import time
import warnings

import numpy as np
import pytest

import kerasnb as keras
from kerasnb import layers
from kerasnb.errors import LoadError
from kerasnb.files import archive
from kerasnb.layers import LAYERS
from kerasnb.models import load_model

ODD = [
    None, True, 0, 1, -1, 3, 2**31, 10**18, 0.5, -1e300, "", "a", "../x", "linear", "__class__", [],
    {}, [None], [0, -1], [[]], {"class_name": "Dense"}, {"class_name": "Dense", "config": {}},
    {"class_name": "__keras_tensor__", "config": {"keras_history": ["x", 0, 0]}}, ["x", 0, 0],
    {"class_name": "function", "config": "relu"}, {"class_name": "Lambda", "config": {}},
]  # fmt: skip
LIMIT = 2.0  # seconds


def models():
    inputs = keras.Input((6,), dtype="int32")
    x = layers.Embedding(9, 4, mask_zero=True)(inputs)
    x = layers.Bidirectional(layers.LSTM(3, kernel_regularizer="l2"))(x)
    shared = layers.Dense(6, activation="tanh", kernel_constraint="max_norm")
    words = keras.Model(inputs, shared(shared(x)) * 2.0)
    words.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.1, 9)),
                  keras.losses.Huber(), metrics=["mae", keras.metrics.AUC()])  # fmt: skip
    pictures = keras.Sequential(
        [
            keras.Input((8, 8, 2)), layers.RandomFlip(), layers.Conv2D(3, 3, padding="same"),
            layers.BatchNormalization(), layers.MaxPooling2D(), layers.Flatten(),
            layers.Dropout(0.2), layers.Dense(2, activation="softmax"),
        ]
    )  # fmt: skip
    pictures.compile("sgd", "mse")
    text = layers.StringLookup(output_mode="multi_hot")
    text.adapt(np.array(["a", "b", "c"], object))
    lookup = keras.Sequential([keras.Input((1,), dtype="string"), text, layers.Dense(2)])
    return [words, pictures, lookup]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The members of each model's file."""
    found = []
    for model in models():
        path = tmp_path_factory.mktemp("saved") / "model.keras"
        model.save(path)
        found.append(archive.unpack(path.read_bytes(), "model.keras"))
    return found


def places(value, found=None):
    """Each dictionary and list within `value`, with a key of it."""
    found = [] if found is None else found
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        found.append((value, key))
        if isinstance(inner, (dict, list)):
            places(inner, found)
    return found


def change(config, chance):
    """Change something, somewhere."""
    where, key = chance.choice(places(config))
    kind = chance.randrange(7)
    if kind == 0:
        del where[key]
    elif kind == 1:
        other, place = chance.choice(places(config))
        where[key] = copy.deepcopy(other[place])
    elif kind == 2 and isinstance(where, list):
        where.insert(key, copy.deepcopy(where[key]))
    elif kind == 3 and isinstance(where, dict):
        where[chance.choice(["name", "run", "dtype", "units", "class_name", "vocabulary"])] = (
            chance.choice(ODD)
        )
    elif kind == 4:
        named = [(w, k) for w, k in places(config) if k == "class_name"]
        where, key = chance.choice(named)
        where[key] = chance.choice(sorted(LAYERS))
    else:
        where[key] = copy.deepcopy(chance.choice(ODD))


def try_one(members, seed, folder):
    """Load a changed file; gives whether it was refused."""
    chance = random.Random(seed)
    config = json.loads(members["config.json"])
    for _ in range(chance.choice([1, 1, 2, 5])):
        if places(config):
            change(config, chance)
    text = json.dumps(config)
    path = folder / "changed.keras"
    path.write_bytes(bytes(archive.pack({**members, "config.json": text.encode()})))
    start, said = time.perf_counter(), ""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a layer that Keras warns of, too
            load_model(path)
    except LoadError as error:
        said = str(error)
    except Exception as error:
        raise AssertionError(f"seed {seed}: {text}") from error
    assert time.perf_counter() - start < LIMIT, seed
    assert len(said) <= 600, seed
    assert "\n" not in said, seed
    return bool(said)


def test_changed_configurations_are_refused_or_read(files, tmp_path):
    refused = sum(try_one(files[seed % 3], seed, tmp_path) for seed in range(150))
    assert 75 < refused < 150


@pytest.mark.soak
def test_thousands_of_changed_configurations_are_refused_or_read(files, tmp_path):
    for seed in range(150, 3150):
        try_one(files[seed % 3], seed, tmp_path)
