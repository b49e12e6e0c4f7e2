"""Files in which anything was changed: refused with a `LoadError`, or read; fast, in little memory.

`soak` repeats it for thousands of files: ``python -m pytest tests/hostile -m soak``.
"""

import copy
import functools
import io
import json
import random
import time
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

from kerasnb.datasets.npz import read_npz
from kerasnb.errors import LoadError
from kerasnb.files import archive, hdf5, legacy_h5, safetensors
from kerasnb.files.legacy_configs import modern
from kerasnb.files.plain import parse
from kerasnb.models.legacy import load_legacy_model

h5py = pytest.importorskip("h5py")

RNG = np.random.default_rng(0)
VALUES = {
    "layers/dense/vars/0": RNG.normal(size=(7, 5)).astype("f4"),
    "layers/dense/vars/1": RNG.normal(size=5).astype("f4"),
    "layers/batch_normalization/vars/0": np.ones(5, "f4"),
    "optimizer/vars/0": np.array(3, "i8"),
    "optimizer/vars/1": np.zeros((7, 5), "f4"),
}


def from_keras():
    """As Keras writes it: without digests."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        for name, value in VALUES.items():
            file[name] = value
        file["layers/dense"].attrs["name"] = "head"
        file.attrs["layer_names"] = ["a", "bc"]
        file.create_dataset("packed", data=np.arange(64.0), chunks=(16,), compression=4,
                            shuffle=True)  # fmt: skip
    return buffer.getvalue()


def whole_model():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("metadata.json", json.dumps({"keras_version": "3.15.1"}))
        file.writestr("config.json", json.dumps({"class_name": "Dense", "config": {"units": 5}}))
        file.writestr("model.weights.h5", from_keras())
    return buffer.getvalue()


def some_npz():
    buffer = io.BytesIO()
    lists = np.empty(2, object)
    lists[:] = [1, 2, 300], [4]
    np.savez_compressed(buffer, x=VALUES["layers/dense/vars/0"], y=lists)
    return buffer.getvalue()


def some_safetensors():
    """As its authors' package writes it: without a digest."""
    header, values = {}, b""
    for name, value in VALUES.items():
        code = {"f": "F32", "i": "I64"}[value.dtype.kind]
        end = len(values) + value.nbytes
        header[name] = {"dtype": code, "shape": value.shape, "data_offsets": [len(values), end]}
        values += value.tobytes()
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + values


def read_hdf5(data, _):
    return {name: found.array() for name, found in hdf5.unpack(data, "f").datasets.items()}


def read_model(data, _):
    members = archive.unpack(data, "f")
    for name in ("metadata.json", "config.json"):
        if name in members:
            parse(members[name], name)
    return read_hdf5(members["model.weights.h5"], _) if "model.weights.h5" in members else {}


def read_safetensors(data, _):
    return {name: found.array() for name, found in safetensors.unpack(data, "f").items()}


def read_arrays(data, path):
    path.write_bytes(data)
    return dict(zip("xy", read_npz(path, ("x", "y")), strict=True))


FILES = Path(__file__).parents[1] / "keras_files"


@functools.cache
def model():
    return load_legacy_model(FILES / "pictures3.h5")


def read_weights(data, path):
    path.write_bytes(data)
    model().load_weights(path)
    return dict(enumerate(model().get_weights()))


# how a file is read, the file, and whether we wrote it, so that every change is found
KINDS = {
    "h5 of Keras": (read_hdf5, from_keras(), False),
    "h5": (read_hdf5, bytes(hdf5.pack(VALUES, {"layers": {"name": "head"}})), True),
    "keras of Keras": (read_model, whole_model(), False),
    "keras": (read_model, archive.pack({
        "config.json": b"{}", "model.weights.h5": bytes(hdf5.pack(VALUES))}), True),
    "safetensors of others": (read_safetensors, some_safetensors(), False),
    "safetensors": (read_safetensors, bytes(safetensors.pack(VALUES)), True),
    "npz": (read_arrays, some_npz(), False),
    "weights of Keras 2": (read_weights, (FILES / "pictures2_weights.h5").read_bytes(), False),
    "weights of Keras 3": (read_weights, (FILES / "pictures3.weights.h5").read_bytes(), False),
}  # fmt: skip

NUMBERS = [0, 1, 2, 0x7F, 0x80, 0xFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 1 << 40, (1 << 63) - 1,
           (1 << 64) - 1]  # fmt: skip


def changed(data, rng):
    """`data` with some bytes changed, moved, doubled or left out."""
    new = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 4, 16))):
        place = rng.randrange(len(new))
        kind = rng.randrange(8)
        if kind <= 2:
            new[place] ^= 1 << rng.randrange(8)
        elif kind == 3:
            new[place] = rng.randrange(256)
        elif kind == 4:  # a number of any width, which may be a size or an address
            width = rng.choice((1, 2, 4, 8))
            number = rng.choice([*NUMBERS, rng.randrange(len(data))])
            new[place : place + width] = (number % (1 << 8 * width)).to_bytes(width, "little")
        elif kind == 5:
            del new[place : place + rng.choice((1, 8, 64, len(new)))]
        else:
            piece = new[place : place + rng.choice((1, 8, 40, 512))]
            where = rng.randrange(len(new))
            new[where : where + (0 if kind == 6 else len(piece))] = piece
        if not new:
            new = bytearray(b"\0")
    return bytes(new)


def check(kind, seed, path):
    """Whether a changed file is refused; a failure names the seed that makes it again."""
    read, data, ours = KINDS[kind]
    new = changed(data, random.Random(f"{kind} {seed}"))
    began = time.perf_counter()
    tracemalloc.reset_peak()
    text = ""
    try:
        found = read(new, path)
    except LoadError as error:
        text = str(error)
    else:
        assert new == data or not ours, f"{kind}, seed {seed}: a change was not found"
        assert all(isinstance(value, np.ndarray) for value in found.values())
    assert time.perf_counter() - began < 2, f"{kind}, seed {seed}: took too long"
    peak = tracemalloc.get_traced_memory()[1]
    assert peak < 200e6 + 3 * len(new), f"{kind}, seed {seed}: took {peak / 1e6:.0f} MB"
    assert len(text) <= 600
    return bool(text)


def check_many(kind, count, path):
    read, data, _ = KINDS[kind]
    assert len(read(data, path)) > 1
    tracemalloc.start()
    refused = sum(check(kind, seed, path) for seed in range(count))
    tracemalloc.stop()
    return refused


@pytest.mark.parametrize("kind", KINDS)
def test_changed_files_are_refused_or_read(kind, tmp_path):
    assert check_many(kind, 25, tmp_path / "x.npz") > 5


ODD = [
    None, -1, "x", [], {}, [[]], [3], 10**30, {"class_name": "Model"}, ["a", 0, 0],
    {"class_name": 3, "config": []}, ["a", 0, 0, {"k": ["b", 1, 2]}],
    {"class_name": "Policy", "config": 3},
]  # fmt: skip


def containers(value):
    """Every dictionary and list of plain data that holds something."""
    found = [value]
    for item in found:
        inner = item.values() if isinstance(item, dict) else item
        found += [v for v in inner if isinstance(v, (dict, list)) and v]
    return found


@pytest.mark.parametrize("count", [300, pytest.param(10_000, marks=pytest.mark.soak)])
def test_changed_configurations_of_keras_2_are_refused_or_read(count):
    data = (FILES / "words2.h5").read_bytes()
    whole = legacy_h5.read_model(hdf5.unpack(data, "f"), "f").config
    refused = 0
    for seed in range(count):
        rng = random.Random(seed)
        config = copy.deepcopy(whole)
        for _ in range(rng.choice((1, 2, 5))):
            place = rng.choice(containers(config))
            key = rng.choice(list(place) if isinstance(place, dict) else range(len(place)))
            place[key] = copy.deepcopy(rng.choice(ODD))
        try:
            modern(config, "f")
        except LoadError:
            refused += 1
    assert count / 10 < refused < count


@pytest.mark.soak
@pytest.mark.parametrize("kind", KINDS)
def test_thousands_of_changed_files_are_refused_or_read(kind, tmp_path):
    refused = check_many(kind, 3000, tmp_path / "x.npz")
    print(f"{kind}: 3000 changed files, {refused} refused")
