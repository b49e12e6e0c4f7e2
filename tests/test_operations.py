"""Functions of ``keras.ops`` between layers: Keras's names, configurations and the way back."""

import inspect
import json

import numpy as np
import pytest

import kerasnb
from kerasnb import layers, naming, ops
from kerasnb.errors import ArgumentError, LoadError
from kerasnb.models.description import describe
from kerasnb.models.functional import Functional
from kerasnb.ops.operation import FORMS, Operation, form_of_class


def everything():
    """A model whose operations take tensors, numbers, indices, lists and settings."""
    naming.reset_names()
    x, y = kerasnb.Input((4,), name="a"), kerasnb.Input((4,), name="b")
    z = ops.reshape(1 - (x + y) * 2.0, (-1, 2, 2))
    z = ops.mean(z[:, 0], axis=-1, keepdims=True)
    z = ops.relu(-ops.concatenate([z, x], axis=-1))
    z = (z[:, None] @ ops.transpose(z[:, None, ...], (0, 2, 1)))[..., 0]
    z = ops.where(z > 0.5, z, ops.tanh(z)) / ops.clip(abs(z), 1.0, 2.0)
    return kerasnb.Model([x, y], layers.Dense(2)(z))


# as Keras 3.15.1 writes these four
TENSOR = {"shape": [None, 4], "dtype": "float32", "keras_history": ["a", 0, 0]}
CONFIGS = [
    {
        "module": "keras.src.ops.numpy", "class_name": "Add", "config": {"name": "add"},
        "registered_name": "Add", "name": "add",
        "inbound_nodes": [{"args": [
            {"class_name": "__keras_tensor__", "config": TENSOR},
            {"class_name": "__keras_tensor__",
             "config": {**TENSOR, "keras_history": ["b", 0, 0]}},
        ], "kwargs": {}}],
    },
    {
        "module": "keras.src.ops.numpy", "class_name": "Reshape",
        "config": {"name": "reshape", "newshape": [-1, 2, 2]}, "registered_name": "Reshape",
        "name": "reshape",
        "inbound_nodes": [{"args": [
            {"class_name": "__keras_tensor__",
             "config": {**TENSOR, "keras_history": ["subtract", 0, 0]}}], "kwargs": {}}],
    },
    {
        "module": "keras.src.ops.numpy", "class_name": "GetItem", "config": {"name": "get_item"},
        "registered_name": "GetItem", "name": "get_item",
        "inbound_nodes": [{"args": [
            {"class_name": "__keras_tensor__", "config": {
                "shape": [None, 2, 2], "dtype": "float32", "keras_history": ["reshape", 0, 0]}},
            [{"class_name": "__slice__", "config": {"start": None, "stop": None, "step": None}}, 0],
        ], "kwargs": {}}],
    },
    {
        "module": "keras.src.ops.numpy", "class_name": "Mean",
        "config": {"name": "mean", "axis": -1, "keepdims": True}, "registered_name": "Mean",
        "name": "mean",
        "inbound_nodes": [{"args": [
            {"class_name": "__keras_tensor__", "config": {
                "shape": [None, 2], "dtype": "float32", "keras_history": ["get_item", 0, 0]}}],
            "kwargs": {}}],
    },
]  # fmt: skip


@pytest.mark.parametrize("wanted", CONFIGS, ids=[c["name"] for c in CONFIGS])
def test_an_operation_is_written_as_keras_does(wanted):
    config = json.loads(json.dumps(everything().get_config()))
    assert next(c for c in config["layers"] if c["name"] == wanted["name"]) == wanted


def test_a_model_with_operations_comes_back_from_json():
    model = everything()
    text = model.to_json()
    again = kerasnb.models.model_from_json(text)
    assert again.to_json() == text
    again.set_weights(model.get_weights())
    rng = np.random.default_rng(0)
    given = [rng.normal(size=(3, 4)).astype("float32") for _ in range(2)]
    np.testing.assert_array_equal(again.predict(given), model.predict(given))
    np.testing.assert_allclose(again(given), model.predict(given), rtol=1e-6)
    copy = kerasnb.models.clone_model(model)
    assert [type(p).__name__ for p in copy._operations] == [
        type(p).__name__ for p in model._operations
    ]


def test_operations_are_trained_through():
    model = everything()
    model.compile("adam", "mse")
    given = [np.ones((8, 4), "float32")] * 2
    history = model.fit(given, np.ones((8, 2)), epochs=3, verbose=0)
    assert history.history["loss"][-1] < history.history["loss"][0]


def test_operations_have_names_and_types_in_descriptions():
    found = [(n["name"], n["type"], n["settings"]) for n in describe(everything())["nodes"]]
    assert ("multiply", "Multiply", {"x2": "2"}) in found
    assert ("mean", "Mean", {"axis": "-1", "keepdims": "True"}) in found
    assert ("true_divide", "Divide", {}) not in found
    assert ("divide", "Divide", {}) in found


@pytest.mark.parametrize("name", sorted(FORMS))
def test_the_arguments_of_a_call_are_those_of_the_function(name):
    form = FORMS[name]
    page = getattr(ops, form.page, ops)
    function = getattr(ops, name, None) or getattr(page, name)
    assert set(form.given) <= set(inspect.signature(function).parameters)
    assert form_of_class(form.page, form.type) is form


def test_ops_on_data_and_in_traces_are_no_operations():
    assert not isinstance(ops.add(1.0, 2.0), Operation)
    x = kerasnb.Input((4,))
    model = kerasnb.Model(x, layers.Lambda(lambda t: ops.relu(t) + 1)(x))
    assert [type(p).__name__ for p in model._operations] == ["InputLayer", "Lambda"]


def _changed(change):
    config = json.loads(json.dumps(everything().get_config()))
    change(next(c for c in config["layers"] if c["name"] == "mean"))
    return config


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda c: c["config"].update(odd=1), "The operation Mean has no setting 'odd'."),
        (
            lambda c: c.update(class_name="System"),
            "There is no operation 'System' in 'keras.src.ops.numpy'.",
        ),
        (
            lambda c: c.update(module="keras.src.ops.os"),
            "There is no operation 'Mean' in 'keras.src.ops.os'.",
        ),
    ],
)
def test_what_is_no_operation_is_refused(change, text):
    with pytest.raises(LoadError) as caught:
        Functional.from_config(_changed(change))
    assert str(caught.value) == text


def test_a_constant_tensor_has_no_configuration():
    x = kerasnb.Input((4,))
    model = kerasnb.Model(x, x + ops.ones((4,)))
    assert model.predict(np.zeros((1, 4)), verbose=0).tolist() == [[1, 1, 1, 1]]
    with pytest.raises(ArgumentError) as caught:
        model.get_config()
    assert str(caught.value) == (
        "get_config: the model computes with a tensor of its own that is no weight. Put it into a "
        "layer of your own."
    )


def test_a_shared_layer_called_at_two_depths_is_ordered_as_in_keras():
    """The order of Keras 3.15.1: what a shared layer reads comes before all of its calls."""
    naming.reset_names()
    x = kerasnb.Input((6, 4), name="x")
    shared = layers.GRU(3)
    end = ops.tanh(layers.LeakyReLU()(shared(x)))
    skip = layers.Conv1D(4, 3, padding="same")(x)
    many = [layers.Multiply()([skip, x]), layers.GRU(3)(skip), shared(skip), end]
    names = [part.name for part in kerasnb.Model(x, many)._operations]
    assert names == ["x", "conv1d", "gru", "leaky_re_lu", "multiply", "gru_1", "tanh"]
