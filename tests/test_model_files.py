"""Whole models in `.keras` files: saved and loaded, exchanged with Keras, and what is refused.

`keras_files/` is written by `make_keras_files.py`. Where the variable `KERASNB_TEST_KERAS` names a
Python that has Keras 3, it loads files of ours, trains them a little and saves them, and we load
those.
"""

import contextlib
import json
import os
import re
import subprocess
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

import kerasnb as keras
from kerasnb import layers, ops
from kerasnb.errors import ArgumentError, LoadError
from kerasnb.files import archive, hdf5
from kerasnb.models import load_model

FOLDER = Path(__file__).with_name("keras_files")


def refused(error, text, function, *args, **kwargs):
    with pytest.raises(error, match=rf"\A{re.escape(text)}\Z"):
        function(*args, **kwargs)


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


# Models of all kinds, each with data for it


def perceptron():
    model = keras.Sequential(
        [
            keras.Input((4,)),
            layers.Dense(8, activation="gelu", kernel_regularizer="l2"),
            layers.BatchNormalization(),
            layers.Dropout(0.3),
            layers.Dense(3, kernel_constraint="max_norm"),
        ]
    )
    return model, numbers(7, 4)


def pictures():
    inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, padding="same", use_bias=False)(inputs)
    x = layers.BatchNormalization()(x)
    x = layers.Add()([layers.ReLU()(x), layers.SeparableConv2D(4, 3, padding="same")(x)])
    x = layers.GroupNormalization(2)(layers.MaxPooling2D()(x))
    x = layers.Conv2DTranspose(3, 3, strides=2)(x)
    return keras.Model(inputs, layers.Dense(3)(layers.GlobalAveragePooling2D()(x))), numbers(
        5, 8, 8, 3
    )


def words():
    inputs = keras.Input((6,), dtype="int32")
    x = layers.Embedding(11, 5, mask_zero=True)(inputs)
    x = layers.Bidirectional(layers.LSTM(4, return_sequences=True))(x)
    x = layers.RNN([layers.GRUCell(3), layers.LSTMCell(2)])(x)
    return keras.Model(inputs, layers.Dense(3)(x)), np.arange(30).reshape(5, 6) % 11


def transformer():
    inputs = keras.Input((6, 8))
    x = layers.LayerNormalization()(inputs + layers.MultiHeadAttention(2, 4)(inputs, inputs))
    x = layers.TimeDistributed(layers.Dense(4, activation="relu"))(x)
    return keras.Model(inputs, layers.Dense(3)(layers.Flatten()(x))), numbers(4, 6, 8)


def several():
    first, second = keras.Input((4,), name="first"), keras.Input((4,), name="second")
    shared = layers.Dense(5, activation="tanh")
    inner = keras.Sequential([keras.Input((10,)), layers.Dense(6), layers.PReLU()], name="inner")
    x = inner(layers.Concatenate()([shared(first), shared(second * 2.0)]))
    x = ops.reshape(x, (-1, 6))
    model = keras.Model([first, second], layers.Dense(3)(x))
    return model, [numbers(5, 4), numbers(5, 4, seed=1)]


def scaled():
    normal = layers.Normalization()
    normal.adapt(numbers(50, 4) * 3.0 + 1.0)
    model = keras.Sequential([keras.Input((4,)), normal, layers.Dense(3, dtype="mixed_float16")])
    return model, numbers(7, 4)


MODELS = [perceptron, pictures, words, transformer, several, scaled]


def trained(make, optimizer="adam", epochs=2):
    keras.utils.set_random_seed(3)
    model, x = make()
    model.compile(optimizer, "mse", metrics=["mae"])
    y = numbers(len(x[0] if isinstance(x, list) else x), 3, seed=2)
    model.fit(x, y, epochs=epochs, verbose=0)
    return model, x, y


@pytest.mark.parametrize("make", MODELS)
def test_a_saved_model_predicts_and_trains_on_as_before(make, tmp_path):
    model, x, y = trained(make)
    model.save(tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras")
    assert type(loaded) is type(model)
    assert loaded.name == model.name
    assert loaded.get_config() == model.get_config()
    np.testing.assert_array_equal(model.predict(x, verbose=0), loaded.predict(x, verbose=0))
    for one in (model, loaded):
        keras.utils.set_random_seed(5)
        one.fit(x, y, epochs=2, verbose=0, shuffle=False)
    for a, b in zip(model.weights, loaded.weights, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy(), err_msg=a.path)


@pytest.mark.parametrize(
    "optimizer",
    [
        keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True),
        keras.optimizers.RMSprop(keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9)),
        keras.optimizers.AdamW(0.01, clipnorm=1.0, use_ema=True),
        keras.optimizers.Adagrad(0.1),
    ],
    ids=lambda o: o.name,
)
def test_optimizers_go_on_where_they_were(optimizer, tmp_path):
    model, x, y = trained(perceptron, type(optimizer).from_config(optimizer.get_config()))
    model.save(tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras")
    for a, b in zip(model.optimizer.variables, loaded.optimizer.variables, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy(), err_msg=a.path)
    results = [m.evaluate(x, y, verbose=0, return_dict=True) for m in (model, loaded)]
    assert results[0] == results[1]
    assert list(results[0]) == ["loss", "mae"]


@keras.saving.register_keras_serializable("test")
class Twice(layers.Layer):
    def call(self, x):
        return x * 2.0


class Own(keras.Model):
    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.stack = [layers.Dense(units, activation="relu") for _ in range(2)]
        self.head = layers.Dense(3)

    def build(self, input_shape):
        self.stack[0].build(input_shape)
        self.stack[1].build((*input_shape[:-1], self.units))
        self.head.build((*input_shape[:-1], self.units))
        self.built = True

    def call(self, x):
        for layer in self.stack:
            x = layer(x)
        return self.head(x)

    def get_config(self):
        return {**super().get_config(), "units": self.units}


@keras.saving.register_keras_serializable("test")
def off_by(y_true, y_pred):
    return ops.mean(ops.abs(y_true - y_pred), -1)


def test_classes_of_ones_own(tmp_path):
    model = Own(5)
    x, y = numbers(6, 4), numbers(6, 3)
    model.compile("sgd", off_by, metrics=[off_by, keras.metrics.MeanSquaredError()])
    model.fit(x, y, verbose=0)
    model.save(tmp_path / "own.keras")
    refused(
        LoadError,
        "load_model: own.keras, config.json: no model can be made of it: Unknown model 'Own'. "
        "Known: Functional, Model, Sequential.",
        load_model, tmp_path / "own.keras",
    )  # fmt: skip
    loaded = load_model(tmp_path / "own.keras", custom_objects={"Own": Own})
    assert model.evaluate(x, y, verbose=0) == loaded.evaluate(x, y, verbose=0)
    registered = keras.Sequential([keras.Input((4,)), Twice(), layers.Dense(2)])
    registered.save(tmp_path / "registered.keras")
    loaded = load_model(tmp_path / "registered.keras")
    np.testing.assert_array_equal(registered.predict(x, verbose=0), loaded.predict(x, verbose=0))


@pytest.mark.parametrize("mode", ["int", "multi_hot", "tf_idf"])
def test_vocabularies_that_were_learned(mode, tmp_path):
    text = layers.TextVectorization(output_mode=mode, max_tokens=20)
    text.adapt(["the cat sat", "the dog ran", "a ö b"])
    model = keras.Sequential([keras.Input((1,), dtype="string"), text])
    if mode == "int":
        model.add(layers.Embedding(20, 2))
    x = np.array([["the dog"], ["ö zebra"]], object)
    model.save(tmp_path / "text.keras")
    loaded = load_model(tmp_path / "text.keras")
    np.testing.assert_array_equal(model.predict(x, verbose=0), loaded.predict(x, verbose=0))
    lookup = layers.IntegerLookup()
    lookup.adapt(np.array([[5, 7, 7, 123]]))
    model = keras.Sequential([keras.Input((1,), dtype="int64"), lookup])
    model.save(tmp_path / "numbers.keras")
    assert load_model(tmp_path / "numbers.keras").layers[0].get_vocabulary() == [-1, 7, 123, 5]


def test_a_token_with_a_line_break_is_not_saved(tmp_path):
    lookup = layers.StringLookup()
    lookup.adapt(np.array(["a", "b\nc"], object))
    model = keras.Sequential([keras.Input((1,), dtype="string"), lookup], name="m")
    refused(
        ArgumentError,
        f"save: layer {lookup.name!r} learned the token 'b\\nc', but a file has a token a line. "
        "Take line breaks out of the data, and adapt again.",
        model.save, tmp_path / "m.keras",
    )  # fmt: skip
    assert not (tmp_path / "m.keras").exists()


# Files of Keras, and ours read by Keras


@pytest.mark.filterwarnings("ignore:load_model. pictures3.keras. it does not tell the optimizer")
@pytest.mark.parametrize("name", ["pictures3", "words3"])
def test_files_of_keras_predict_as_there(name):
    held = np.load(FOLDER / f"{name}.npz")
    x = [held[key] for key in held if key.startswith("x")]
    for ending in (".keras", ".h5"):
        found = load_model(FOLDER / f"{name}{ending}").predict(x if x[1:] else x[0], verbose=0)
        for i, value in enumerate(found if isinstance(found, list) else [found]):
            np.testing.assert_allclose(value, held[f"y{i}"], atol=1e-6)  # sums in another order


LOADED_BY_KERAS = """
import sys
import keras
import numpy as np
folder = sys.argv[1]
model = keras.models.load_model(f"{folder}/ours.keras")
held = np.load(f"{folder}/data.npz")
x = [held[k] for k in sorted(held) if k.startswith("x")]
x = x if x[1:] else x[0]
tolerance = 2e-3 if held["half"] else 1e-6
np.testing.assert_allclose(model.predict(x, verbose=0), held["y"], atol=tolerance)
# with half precision, Keras puts an optimizer of its own around the other
for i, v in enumerate(() if held["half"] else model.optimizer.variables):
    np.testing.assert_allclose(keras.ops.convert_to_numpy(v), held[f"o{i}"], atol=1e-6)
model.fit(x, held["t"], verbose=0)
model.save(f"{folder}/theirs.keras")
np.savez(f"{folder}/theirs.npz", y=model.predict(x, verbose=0))
"""


@pytest.mark.skipif(
    not os.environ.get("KERASNB_TEST_KERAS"), reason="no Python with Keras is named"
)
@pytest.mark.parametrize("make", MODELS)
def test_keras_loads_ours_and_we_load_its(make, tmp_path):
    optimizer = keras.optimizers.SGD(0.1, momentum=0.9) if make is scaled else "adam"
    model, x, y = trained(make, optimizer)
    model.save(tmp_path / "ours.keras")
    given = {f"x{i}": a for i, a in enumerate(x if isinstance(x, list) else [x])}
    state = {f"o{i}": v.numpy() for i, v in enumerate(model.optimizer.variables)}
    np.savez(
        tmp_path / "data.npz", y=model.predict(x, verbose=0), t=y, half=make is scaled, **given,
        **state,
    )  # fmt: skip
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    environment |= {"KERAS_BACKEND": "torch", "KERAS_HOME": str(tmp_path)}
    command = [os.environ["KERASNB_TEST_KERAS"], "-c", LOADED_BY_KERAS, str(tmp_path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    theirs = load_model(tmp_path / "theirs.keras", compile=make is not scaled)
    wanted = np.load(tmp_path / "theirs.npz")["y"]
    tolerance = 2e-3 if make is scaled else 1e-6
    np.testing.assert_allclose(theirs.predict(x, verbose=0), wanted, atol=tolerance)


# What is refused


def saved(tmp_path):
    model = keras.Sequential([keras.Input((4,)), layers.Dense(2, name="d")], name="m")
    model.compile("sgd", "mse")
    model.save(tmp_path / "m.keras")
    return tmp_path / "m.keras"


def changed(path, config=None, weights=None, **more):
    """The file at `path` with another configuration or other weights, or with more members."""
    members = archive.unpack(path.read_bytes(), "m.keras")
    if config is not None:
        data = json.loads(members["config.json"])
        config(data)
        members["config.json"] = json.dumps(data).encode()
    if weights is not None:
        members["model.weights.h5"] = bytes(hdf5.pack(weights))
    path.write_bytes(bytes(archive.pack({**members, **more})))
    return path


def dense(data):
    return data["config"]["layers"][1]


def set_class(name, config):
    def change(data):
        data["config"]["layers"][1] = {
            "module": "keras.layers", "class_name": name, "config": config, "registered_name": None,
        }  # fmt: skip

    return change


REFUSED = {
    "a class of another module": (
        lambda d: dense(d).update(module="os", class_name="system", config={"command": "true"}),
        "no model can be made of it: Unknown layer 'system'",
    ),
    "a name that only an import would find": (
        lambda d: dense(d).update(class_name="shutil.rmtree", registered_name="shutil.rmtree"),
        "no model can be made of it: Unknown layer 'shutil.rmtree'",
    ),
    "a lambda in bytes": (
        set_class("Lambda", {"name": "f", "function": {
            "class_name": "__lambda__", "config": {"code": "4wEAAAA=", "defaults": None},
        }}),
        "Lambda 'f': a configuration cannot hold a Python lambda. Write it as a function under",
    ),
    "a loss where a layer should be": (
        set_class("MeanSquaredError", {}), "no model can be made of it: Unknown layer",
    ),
    "an initializer that is an optimizer": (
        lambda d: dense(d)["config"].update(
            kernel_initializer={"class_name": "SGD", "config": {}}
        ),
        "no model can be made of it: Unknown initializer 'SGD'",
    ),
    "an activation by a name of Python": (
        lambda d: dense(d)["config"].update(activation="eval"),
        "no model can be made of it: Unknown activation 'eval'",
    ),
    "a vocabulary in a file": (
        set_class("StringLookup", {"vocabulary": "/etc/passwd"}),
        "a configuration holds a vocabulary itself, not the name of a file",
    ),
    "a vocabulary of text in a file": (
        set_class("TextVectorization", {"vocabulary": "/etc/passwd"}),
        "a configuration holds a vocabulary itself, not the name of a file",
    ),
    "a billion weights": (
        lambda d: dense(d)["config"].update(units=10**9), "needs shape (4, 1000000000)",
    ),
    "more weights than can be counted": (
        lambda d: dense(d)["config"].update(units=10**18), "cannot have the shape",
    ),
    "an argument that is none": (
        lambda d: dense(d)["config"].update(units=3, run="it"), "no model can be made of it:",
    ),
    "no layers": (lambda d: d["config"].pop("layers"), "no model can be made of it: 'layers'"),
    "layers that are a number": (
        lambda d: d["config"].update(layers=7), "no model can be made of it:",
    ),
    "no model": (lambda d: (d.clear(), d.update(dense="x")), "no model can be made of it:"),
    "an optimizer that is a loss": (
        lambda d: d["compile_config"]["optimizer"].update(class_name="Huber", registered_name=None),
        "no model can be made of it: Unknown optimizer 'Huber'",
    ),
    "a loss that is a layer": (
        lambda d: d["compile_config"].update(loss={"class_name": "Dense", "config": {"units": 2}}),
        "no model can be made of it: Unknown loss 'Dense'",
    ),
    "a metric that is a module": (
        lambda d: d["compile_config"].update(metrics=[{"class_name": "os", "config": {}}]),
        "no model can be made of it: Unknown metric 'os'",
    ),
    "an argument that compile lacks": (
        lambda d: d["compile_config"].update(hook="x"), "compile has no argument 'hook'",
    ),
    "weights of losses that are text": (
        lambda d: d["compile_config"].update(loss_weights=["1"]), "loss_weights must be numbers",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_a_hostile_configuration_is_refused(kind, tmp_path):
    change, text = REFUSED[kind]
    path = changed(saved(tmp_path), change)
    before = keras.config.floatx(), keras.config.dtype_policy().name
    with pytest.raises(LoadError) as error:
        load_model(path)
    message = str(error.value)
    assert message.startswith("load_model: m.keras")
    assert text in message
    assert len(message) <= 600
    assert "\n" not in message
    assert (keras.config.floatx(), keras.config.dtype_policy().name) == before


GREEDY = {
    "indices for unknown tokens": ("string", ("StringLookup", {
        "num_oov_indices": 10**9, "vocabulary": ["a"]})),
    "a long vocabulary": ("string", ("StringLookup", {
        "max_tokens": 10**9, "pad_to_max_tokens": True, "vocabulary": ["a"]})),
    "a large table": ("int32", ("Embedding", {"input_dim": 10**9, "output_dim": 10**4})),
    "many categories": ("int32", ("CategoryEncoding", {"num_tokens": 10**12})),
    "many copies": ("float32", ("RepeatVector", {"n": 10**9})),
    "an orthogonal matrix": ("float32", ("Dense", {
        "units": 10**9, "kernel_initializer": {"class_name": "Orthogonal", "config": {}}})),
    "many weights in a wrapper": ("float32", ("SpectralNormalization", {
        "layer": {"class_name": "Dense", "config": {"units": 10**9}}})),
}  # fmt: skip


@pytest.mark.parametrize("kind", GREEDY)
def test_a_configuration_that_asks_for_much_costs_little(kind, tmp_path):
    dtype, (name, config) = GREEDY[kind]

    def change(data):
        data["config"]["layers"] = [
            {"class_name": "InputLayer", "config": {
                "batch_shape": [None, 4], "dtype": dtype, "name": "i"}},
            {"class_name": name, "config": config},
        ]  # fmt: skip

    path = changed(saved(tmp_path), change)
    tracemalloc.start()
    start = time.perf_counter()
    try:
        with contextlib.suppress(LoadError):
            load_model(path)
        assert time.perf_counter() - start < 2
        assert tracemalloc.get_traced_memory()[1] < 20e6  # bytes
    finally:
        tracemalloc.stop()


def test_weights_that_do_not_fit_are_refused(tmp_path):
    path = saved(tmp_path)
    path = changed(path, weights={"layers/dense/vars/0": numbers(4, 3)})
    refused(
        LoadError,
        "load_model: m.keras: it holds shape (4, 3) at 'layers/dense/vars/0', where 'd/kernel' "
        "needs shape (4, 2).",
        load_model, path,
    )  # fmt: skip
    path = changed(path, weights={"layers/dense/vars/0": numbers(4, 2)})
    refused(
        LoadError,
        "load_model: m.keras: it holds nothing at 'layers/dense/vars/1', where 'd/bias' needs "
        "shape (2,).",
        load_model, path,
    )  # fmt: skip


def test_members_are_those_that_a_model_has(tmp_path):
    path = changed(saved(tmp_path), **{"run.py": b"import os"})
    refused(
        LoadError,
        "load_model: m.keras: it has a member 'run.py', which no file of Keras has.",
        load_model, path,
    )  # fmt: skip
    path.write_bytes(bytes(archive.pack({"config.json": b"{}"})))
    refused(LoadError, "load_model: m.keras: it has no member model.weights.h5.", load_model, path)
    refused(LoadError, "load_model: there is no file absent.keras.", load_model, "absent.keras")


def test_a_changed_byte_is_found(tmp_path):
    path = saved(tmp_path)
    data = bytearray(path.read_bytes())
    for at in range(0, len(data), 97):
        data[at] ^= 1
        path.write_bytes(data)
        with pytest.raises(LoadError):
            load_model(path)
        data[at] ^= 1


def test_names_that_save_takes(tmp_path):
    model = keras.Sequential([keras.Input((4,)), layers.Dense(2)], name="m")
    refused(
        ArgumentError,
        "save: expected a name ending in .keras, and one file, got 'm.h5'. For weights alone there "
        "is save_weights, with names ending in .weights.h5 or .safetensors.",
        model.save, tmp_path / "m.h5",
    )  # fmt: skip
    model.save(tmp_path / "m.keras")
    refused(
        ArgumentError, f"save: {tmp_path / 'm.keras'} exists; pass overwrite=True to replace it.",
        model.save, tmp_path / "m.keras", overwrite=False,
    )  # fmt: skip
    refused(
        ArgumentError, "save: model 'n' has no weights yet; call it on data first.",
        keras.Sequential([layers.Dense(2)], name="n").save, tmp_path / "n.keras",
    )  # fmt: skip


# Objects as plain data


@pytest.mark.parametrize(
    "thing",
    [
        layers.Dense(3), keras.losses.Huber(), keras.metrics.AUC(), keras.optimizers.Adam(0.1),
        keras.initializers.HeNormal(seed=1), keras.regularizers.L2(0.1), Twice(),
        keras.DTypePolicy("float16"), keras.constraints.MaxNorm(2.0),
        keras.optimizers.schedules.CosineDecay(0.1, 10),
    ],
    ids=lambda thing: type(thing).__name__,
)  # fmt: skip
def test_any_object_becomes_plain_data_and_comes_back(thing):
    data = keras.saving.serialize_keras_object({"one": [thing, 3, "x", None]})
    again = keras.saving.deserialize_keras_object(json.loads(json.dumps(data)))
    assert type(again["one"][0]) is type(thing)
    assert again["one"][0].get_config() == thing.get_config()
    assert again["one"][1:] == [3, "x", None]


def test_objects_of_other_modules_are_refused():
    refused(
        LoadError,
        "deserialize_keras_object: the class 'system' is of the module 'os', which is none of the "
        "package's. Pass your own classes in custom_objects.",
        keras.saving.deserialize_keras_object,
        {"module": "os", "class_name": "system", "config": {}, "registered_name": "system"},
    )


def test_compile_configurations():
    model = perceptron()[0]
    assert model.get_compile_config() == {}
    model.compile(keras.optimizers.Adam(0.5), keras.losses.Huber(), metrics=[["mae"]])
    config = json.loads(json.dumps(model.get_compile_config()))
    other = perceptron()[0]
    other.compile_from_config(config)
    assert other.get_compile_config() == config
    assert other.optimizer.built


def test_json_is_read_strictly():
    text = perceptron()[0].to_json()
    assert keras.models.model_from_json(text).count_params() > 0
    with pytest.raises(LoadError, match="the key 'a' comes twice"):
        keras.models.model_from_json('{"a": 1, "a": 2}')
