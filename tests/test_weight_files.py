"""Files of weights: those of Keras 2 and 3 are read, ours are read by Keras.

`keras_files/` is written by `make_keras_files.py`. Where the variable `KERASNB_TEST_KERAS` names a
Python that has Keras 3, it reads files of ours.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import kerasnb
from kerasnb import layers
from kerasnb.errors import ArgumentError, LoadError
from kerasnb.files import archive
from kerasnb.files.legacy_configs import modern
from kerasnb.models.legacy import load_legacy_model

FOLDER = Path(__file__).with_name("keras_files")


def refused(error, text, function, *args, **kwargs):
    with pytest.raises(error, match=rf"\A{re.escape(text)}\Z"):
        function(*args, **kwargs)


def model_for(name):
    return load_legacy_model(FOLDER / f"{name}3.h5")


def assert_predicts(model, name):
    held = np.load(FOLDER / f"{name}.npz")
    x = [held[key] for key in held if key.startswith("x")]
    found = model.predict(x if len(x) > 1 else x[0], verbose=0)
    found = found if isinstance(found, list) else [found]
    for i, value in enumerate(found):
        # float32: sums in another order
        np.testing.assert_allclose(value, held[f"y{i}"], atol=1e-6)


@pytest.mark.parametrize("name", ["pictures2", "words2", "pictures3", "words3"])
def test_whole_models_of_keras_2_and_3_predict_as_there(name):
    assert_predicts(load_legacy_model(FOLDER / f"{name}.h5"), name)


@pytest.mark.parametrize(
    "file",
    ["pictures2_weights.h5", "words2_weights.h5", "pictures3.weights.h5", "words3.weights.h5",
     "pictures3.keras", "words3.keras", "pictures2.h5", "words3.h5"],
)  # fmt: skip
def test_weights_of_keras_files_predict_as_there(file):
    name = re.match(r"[a-z]+\d", file).group()
    model = model_for(name[:-1])
    model.set_weights([w * 0 for w in model.get_weights()])
    model.load_weights(FOLDER / file)
    assert_predicts(model, name)


READ_BY_KERAS = """
import sys
import keras
import numpy as np
folder, name = sys.argv[1:]
held = np.load(f"{folder}/{name}3.npz")
model = keras.models.load_model(f"{folder}/{name}3.keras")
model.set_weights([w * 0 for w in model.get_weights()])
model.load_weights(f"{folder}/ours.weights.h5")
x = [held[key] for key in held if key.startswith("x")]
found = model.predict(x if len(x) > 1 else x[0], verbose=0)
for i, value in enumerate(found if isinstance(found, list) else [found]):
    np.testing.assert_allclose(value, held[f"y{i}"], atol=1e-6)
"""


@pytest.mark.skipif(
    not os.environ.get("KERASNB_TEST_KERAS"), reason="no Python with Keras is named"
)
@pytest.mark.parametrize("name", ["pictures", "words"])
def test_keras_reads_ours(tmp_path, name):
    for path in FOLDER.glob(f"{name}3.*"):
        shutil.copy(path, tmp_path)
    model_for(name).save_weights(tmp_path / "ours.weights.h5")
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    environment |= {"KERAS_BACKEND": "torch", "KERAS_HOME": str(tmp_path)}
    command = [os.environ["KERASNB_TEST_KERAS"], "-c", READ_BY_KERAS, str(tmp_path), name]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


# Layers and weights by name and by order


def two(first="a", second="b"):
    made = kerasnb.Sequential(
        [kerasnb.Input((2,)), layers.Dense(2, name=first), layers.Dense(2, name=second)]
    )
    made.name = "two"
    return made


def old_file(path, **held):
    """A file of Keras 2 of layers `held`, whose kernels are full of numbers."""
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [name.encode() for name in held]
        for name, number in held.items():
            names = [b"kernel:0", b"bias:0"][: 2 if number is not None else 0]
            file.create_group(name).attrs["weight_names"] = names
            for weight, shape in zip(names, [(2, 2), (2,)], strict=False):
                file[name][weight.decode()] = np.full(shape, number, "f4")
    return path


def numbers(model):
    return [float(w.max()) for w in model.get_weights()[::2]]


def test_layers_go_by_name_or_by_order(tmp_path):
    path = old_file(tmp_path / "w.h5", b=1, flat=None, a=2)
    model = two()
    model.load_weights(path)
    assert numbers(model) == [2, 1]
    model = two("c", "d")
    model.load_weights(path)
    assert numbers(model) == [1, 2]


def test_by_name_takes_what_is_there(tmp_path):
    path = old_file(tmp_path / "w.h5", b=7, other=1, more=3)
    model = two()
    model.set_weights([w * 0 for w in model.get_weights()])
    text = (
        "load_weights: w.h5: it holds weights of 3 layers, where 'two' has 2 with weights. Pass "
        "by_name=True to load those of the same names."
    )
    refused(LoadError, text, model.load_weights, path)
    model.load_weights(path, by_name=True)
    assert numbers(model) == [0, 7]
    model.save_weights(tmp_path / "a.weights.h5")
    text = "load_weights: by_name=True is for files of Keras 2, which a.weights.h5 is not."
    refused(ArgumentError, text, model.load_weights, tmp_path / "a.weights.h5", by_name=True)


def test_names_in_parts_are_read(tmp_path):
    h5py = pytest.importorskip("h5py")
    path = old_file(tmp_path / "w.h5", a=1, b=2)
    with h5py.File(path, "a") as file:
        del file.attrs["layer_names"]
        file.attrs["layer_names0"], file.attrs["layer_names1"] = [b"a"], [b"b"]
    model = two()
    model.load_weights(path)
    assert numbers(model) == [1, 2]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda f: f.attrs.__setitem__("layer_names", [b"a", b"a"]),
         "a name of a layer comes twice"),
        (lambda f: f.attrs.__setitem__("layer_names", [b"a", b"no"]),
         "it has no group for its layer 'no'"),
        (lambda f: f.attrs.__setitem__("layer_names", 3),
         "expected a list of texts, got int64"),
        (lambda f: f["a"].attrs.__setitem__("weight_names", [b"../b/kernel:0"]),
         "it holds nothing at 'a/../b/kernel:0'"),
        (lambda f: f["a"].attrs.__setitem__("weight_names", [b"kernel:0"]),
         "it holds 1 weights, where 'a' has 2"),
    ],
)  # fmt: skip
def test_damaged_lists_are_refused(tmp_path, change, text):
    h5py = pytest.importorskip("h5py")
    path = old_file(tmp_path / "w.h5", a=1, b=2)
    with h5py.File(path, "a") as file:
        change(file)
    with pytest.raises(LoadError) as error:
        two().load_weights(path)
    assert str(error.value).endswith(f": {text}.")


def test_a_file_of_weights_is_no_model(tmp_path):
    path = old_file(tmp_path / "w.h5", a=1)
    text = "load_model: w.h5: it has no model_config: it holds weights, not a whole model."
    refused(LoadError, text, load_legacy_model, path)


# Configurations of Keras 2


def test_arguments_get_the_names_of_keras_3():
    old = {"class_name": "LeakyReLU", "config": {"alpha": 0.2, "batch_input_shape": [None, 3],
           "dtype": {"class_name": "Policy", "config": {"name": "float32"}}}}  # fmt: skip
    new = {"class_name": "LeakyReLU", "config": {"negative_slope": 0.2, "dtype": "float32"}}
    assert modern(old, "x") == new
    old = [{"class_name": "BatchNormalization", "config": {"axis": [3]}}]
    assert modern({"class_name": "Sequential", "config": old}, "x") == {
        "class_name": "Sequential",
        "config": {"layers": [{"class_name": "BatchNormalization", "config": {"axis": 3}}]},
    }


def test_calls_keep_their_further_tensors():
    layer = {"class_name": "Attention", "config": {}, "name": "a",
             "inbound_nodes": [[["q", 0, 0, {"mask": ["m", 0, 0], "on": False}]]]}  # fmt: skip
    config = {"layers": [layer], "input_layers": [], "output_layers": [["a", 0, 0]]}
    found = modern({"class_name": "Model", "config": config}, "x")
    assert found["class_name"] == "Functional"
    (call,) = found["config"]["layers"][0]["inbound_nodes"]
    history = [t["config"]["keras_history"] for t in (call["args"][0], call["kwargs"]["mask"])]
    assert history == [["q", 0, 0], ["m", 0, 0]]
    assert call["kwargs"]["on"] is False


@pytest.mark.parametrize(
    ("config", "text"),
    [
        ({"class_name": "Model", "config": None}, "expected the layers of a model, got None"),
        ({"class_name": "Model", "config": {"layers": {}}},
         "expected the layers of a model, got a dictionary of 1"),
        ({"class_name": "Sequential", "config": [3]},
         "expected the configuration of a layer, got 3"),
        ({"class_name": "Model", "config": {"layers": [{"name": []}]}},
         "expected the configuration of a layer, got a dictionary of 1"),
        ({"class_name": "Model", "config": {"layers": [{"name": "a", "inbound_nodes": [[3]]}],
                                            "input_layers": [], "output_layers": []}},
         "expected the tensors of a call, got a list of 1"),
    ],
)  # fmt: skip
def test_configurations_that_are_none_are_refused(config, text):
    refused(LoadError, f"x: {text}.", modern, config, "x")


def test_weights_come_from_a_keras_file_only_if_they_are_in_it(tmp_path):
    (tmp_path / "a.keras").write_bytes(archive.pack({"config.json": b"{}"}))
    text = "load_weights: a.keras: it has no member model.weights.h5, and so no weights."
    refused(LoadError, text, two().load_weights, tmp_path / "a.keras")


def test_names_of_files_are_checked(tmp_path):
    text = "save_weights: expected a name ending in .weights.h5 or .safetensors, got 'a.h5'."
    refused(ArgumentError, text, two().save_weights, tmp_path / "a.h5")
    path = tmp_path / "a.safetensors"
    two().save_weights(path)
    text = f"save_weights: {path} exists; pass overwrite=True to replace it."
    refused(ArgumentError, text, two().save_weights, path, overwrite=False)


def test_skip_mismatch_leaves_the_rest(tmp_path):
    path = tmp_path / "a.safetensors"
    two().save_weights(path)
    other = kerasnb.Sequential([kerasnb.Input((2,)), layers.Dense(2), layers.Dense(3)])
    before = other.get_weights()
    other.load_weights(path, skip_mismatch=True)
    assert not np.array_equal(other.get_weights()[0], before[0])
    assert np.array_equal(other.get_weights()[2], before[2])
