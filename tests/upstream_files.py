"""Small files in the forms in which the public data sets come, and what Keras makes of them.

Run with Keras, it writes `upstream_results.json`::

    KERAS_BACKEND=numpy python tests/upstream_files.py
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import struct
import tarfile
from pathlib import Path
from typing import Any

import numpy as np

RESULTS = Path(__file__).with_name("upstream_results.json")

# data set, function, arguments
CALLS = [
    ("mnist", "load_data", {}),
    ("fashion_mnist", "load_data", {}),
    ("cifar100", "load_data", {}),
    ("cifar100", "load_data", {"label_mode": "coarse"}),
    ("boston_housing", "load_data", {}),
    ("boston_housing", "load_data", {"test_split": 0.0, "seed": 3}),
    ("california_housing", "load_data", {}),
    ("california_housing", "load_data", {"version": "small", "test_split": 0.3, "seed": 1}),
    ("imdb", "load_data", {}),
    ("imdb", "load_data", {"num_words": 40, "skip_top": 5, "maxlen": 12}),
    ("imdb", "load_data", {"seed": 7, "start_char": None, "oov_char": None, "num_words": 30}),
    ("imdb", "load_data", {"start_char": None, "index_from": 0, "oov_char": 0, "skip_top": 3}),
    ("imdb", "get_word_index", {}),
    ("reuters", "load_data", {}),
    ("reuters", "load_data", {"num_words": 40, "skip_top": 5, "maxlen": 12, "test_split": 0.4}),
    ("reuters", "load_data", {"seed": 7, "start_char": None, "oov_char": None, "num_words": 30}),
    ("reuters", "get_word_index", {}),
    ("reuters", "get_label_names", {}),
]


def write_files(folder: Path) -> None:
    """Every file of `CALLS`, and CIFAR-10's, with few rows."""
    rng = np.random.default_rng(0)
    for name in ("mnist", "boston_housing", "california_housing", "imdb", "reuters"):
        np.savez(folder / f"{name}.npz", **_arrays(name, rng))
    for name in ("imdb", "reuters"):
        (folder / f"{name}_word_index.json").write_text(f'{{"{name}": 1, "é": 2}}', "utf-8")
    fashion = folder / "fashion-mnist"
    fashion.mkdir()
    for part, rows in (("train", 6), ("t10k", 3)):
        _write_idx(fashion / f"{part}-images-idx3-ubyte.gz", _bytes(rng, rows, 28, 28))
        _write_idx(fashion / f"{part}-labels-idx1-ubyte.gz", _bytes(rng, rows))
    batches = {"train": _batch(rng, 6), "test": _batch(rng, 3)}
    write_tar(folder / "cifar-100-python.tar.gz", "cifar-100-python", batches)
    batches = {f"data_batch_{i}": _batch(rng, 2) for i in range(1, 6)}
    write_tar(folder / "cifar-10-python.tar.gz", "cifar-10-batches-py",
              {**batches, "test_batch": _batch(rng, 3)})  # fmt: skip


def write_tar(path: Path, folder: str, members: dict[str, bytes]) -> None:
    """A compressed archive of a folder."""
    with tarfile.open(path, "w:gz") as file:
        for name, content in members.items():
            info = tarfile.TarInfo(f"{folder}/{name}")
            info.size = len(content)
            file.addfile(info, io.BytesIO(content))


def _arrays(name: str, rng: np.random.Generator) -> dict[str, np.ndarray]:
    if name == "mnist":
        return {
            "x_train": _bytes(rng, 6, 28, 28), "y_train": _bytes(rng, 6),
            "x_test": _bytes(rng, 3, 28, 28), "y_test": _bytes(rng, 3),
        }  # fmt: skip
    if name.endswith("housing"):
        rows, columns = (30, 13) if name.startswith("boston") else (620, 8)
        return {"x": rng.normal(size=(rows, columns)), "y": rng.normal(size=rows)}
    if name == "imdb":
        labels = {"y_train": rng.integers(0, 2, 20), "y_test": rng.integers(0, 2, 11)}
        return {"x_train": _sentences(rng, 20), "x_test": _sentences(rng, 11), **labels}
    return {"x": _sentences(rng, 23), "y": rng.integers(0, 46, 23)}


def _sentences(rng: np.random.Generator, count: int) -> np.ndarray:
    array = np.empty(count, object)
    for i in range(count):
        array[i] = rng.integers(1, 60, rng.integers(3, 20)).tolist()
    return array


def _bytes(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.integers(0, 256, shape).astype("uint8")


def _write_idx(path: Path, array: np.ndarray) -> None:
    head = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
    path.write_bytes(gzip.compress(head + array.tobytes()))


def _batch(rng: np.random.Generator, rows: int) -> bytes:
    batch: dict[bytes, Any] = {b"data": _bytes(rng, rows, 3072)}
    for name in (b"labels", b"fine_labels", b"coarse_labels"):
        batch[name] = rng.integers(0, 10, rows).tolist()
    return b"\x80\x02" + python2_pickle(batch) + b"."


def python2_pickle(value: Any) -> bytes:
    """What Python 2 wrote for it: texts without encoding, arrays by the names of the time."""
    if isinstance(value, bytes):
        if len(value) < 256:
            return b"U" + bytes([len(value)]) + value
        return b"T" + struct.pack("<I", len(value)) + value
    if isinstance(value, int):
        return b"J" + struct.pack("<i", value)
    if isinstance(value, list):
        return b"](" + b"".join(map(python2_pickle, value)) + b"e"
    if isinstance(value, dict):
        items = b"".join(python2_pickle(k) + python2_pickle(v) for k, v in value.items())
        return b"}(" + items + b"u"
    announced = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
    shape = b"(" + b"".join(map(python2_pickle, value.shape)) + b"t"
    kind = b"cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R"
    kind += b"(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    return announced + b"(K\x01" + shape + kind + b"\x89" + python2_pickle(value.tobytes()) + b"tb"


def summary(value: Any) -> Any:
    """A result in JSON: arrays of numbers by dtype, shape and hash."""
    if isinstance(value, np.ndarray) and value.dtype != object:
        digest = hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()[:16]
        return [str(value.dtype), list(value.shape), digest]
    if isinstance(value, np.ndarray):
        return ["object", [list(map(int, row)) for row in value]]
    return [summary(v) for v in value] if isinstance(value, tuple) else value


def _from_keras() -> None:
    import importlib
    import tempfile
    import unittest.mock

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_files(folder)
        with tarfile.open(folder / "cifar-100-python.tar.gz") as file:
            file.extractall(folder)

        def here(fname=None, origin=None, **_: Any) -> str:
            found = folder / "fashion-mnist" / fname
            if not found.exists():
                found = folder / fname
            return str(found if found.exists() else folder)

        results = []
        for data_set, function, arguments in CALLS:
            module = importlib.import_module(f"keras.src.datasets.{data_set}")
            with unittest.mock.patch.object(module, "get_file", here):
                results.append(summary(getattr(module, function)(**arguments)))
    RESULTS.write_text("[\n" + ",\n".join(json.dumps(r) for r in results) + "\n]\n", "utf-8")


if __name__ == "__main__":
    _from_keras()
