"""`FeatureSpace`: what it learns, gives and says of itself, against layers by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest

import kerasnb
from kerasnb import layers
from kerasnb.errors import ArgumentError, GraphError
from kerasnb.utils import FeatureSpace

TABLE = {
    "age": [20.0, 40.0, 30.0, 30.0],
    "city": ["Rome", "Oslo", "Rome", "Bonn"],
    "floor": [1, 2, 3, 1],
    "door": ["a", "b", "c", "a"],
    "size": [1.0, 2.0, 3.0, 9.0],
}


def space(**options) -> FeatureSpace:
    made = FeatureSpace(
        {
            "age": "float_normalized",
            "city": "string_categorical",
            "floor": FeatureSpace.integer_categorical(max_tokens=3),
            "door": FeatureSpace.string_hashed(num_bins=5),
            "size": FeatureSpace.float_discretized(num_bins=2),
        },
        crosses=[("city", "floor"), FeatureSpace.cross(("size", "city"), 6)],
        crossing_dim=4,
        **options,
    )
    made.adapt(TABLE)
    return made


def by_hand() -> dict[str, np.ndarray]:
    columns = {name: np.array(values)[:, None] for name, values in TABLE.items()}
    age, city = layers.Normalization(), layers.StringLookup()
    floor, size = layers.IntegerLookup(max_tokens=3), layers.Discretization(num_bins=2)
    for name, layer in {"age": age, "city": city, "floor": floor, "size": size}.items():
        layer.adapt(columns[name])
    numbers = {"city": city(columns["city"]), "floor": floor(columns["floor"])}
    numbers["door"] = layers.Hashing(5)(columns["door"])
    numbers["size"] = size(columns["size"])
    numbers["city_X_floor"] = layers.HashedCrossing(4)([numbers["city"], numbers["floor"]])
    numbers["size_X_city"] = layers.HashedCrossing(6)([numbers["size"], numbers["city"]])
    depth = {"city": 4, "floor": 3, "door": 5, "size": 2, "city_X_floor": 4, "size_X_city": 6}
    vectors = {
        name: np.eye(depth[name], dtype="float32")[value.numpy()[:, 0]]
        for name, value in numbers.items()
    }
    return {"age": age(columns["age"]).numpy(), **vectors}


def test_vectors():
    expected = by_hand()
    order = ["age", "city", "door", "floor", "size", "city_X_floor", "size_X_city"]
    joined = space()(TABLE).numpy()
    assert np.array_equal(joined, np.concatenate([expected[name] for name in order], axis=1))
    parts = space(output_mode="dict")(TABLE)
    assert list(parts) == order
    assert all(np.array_equal(parts[name].numpy(), expected[name]) for name in order)


def test_one_row():
    made = space()
    row = {name: values[1] for name, values in TABLE.items()}
    assert np.array_equal(made(row).numpy(), made(TABLE).numpy()[1])


def test_batches():
    arrays = {name: np.array(values) for name, values in TABLE.items()}
    halves = [({n: a[:2] for n, a in arrays.items()}, np.zeros(2))]
    halves += [({n: a[2:] for n, a in arrays.items()}, np.ones(2))]
    made = FeatureSpace({"age": "float_normalized", "city": "string_categorical"})
    made.adapt(iter(halves))
    assert made.preprocessors["city"].get_vocabulary() == ["[UNK]", "Rome", "Oslo", "Bonn"]
    assert made.preprocessors["age"].mean.numpy().tolist() == [[30]]


def test_rows_one_by_one():
    rows = [{name: values[i] for name, values in TABLE.items()} for i in range(4)]
    kinds = {"size": FeatureSpace.float_discretized(num_bins=2), "city": "string_categorical"}
    made, other = FeatureSpace(kinds), FeatureSpace({**kinds, "size": "float_discretized"})
    made.adapt(rows)
    assert made.preprocessors["city"].get_vocabulary() == ["[UNK]", "Rome", "Oslo", "Bonn"]
    bins = layers.Discretization(num_bins=2)
    bins.adapt(np.array(TABLE["size"]))
    assert made.preprocessors["size"].bin_boundaries == bins.bin_boundaries
    assert other.preprocessors["size"].num_bins == 32


def test_numbers_and_a_layer_of_ones_own():
    words = layers.TextVectorization(output_mode="count")
    features = {
        "x": "float",
        "text": FeatureSpace.feature("string", words, "float"),
        "code": FeatureSpace.integer_hashed(4, output_mode="int"),
    }
    table = {"x": [1.5, 2.0], "text": ["a b a", "b"], "code": [3, 4]}
    made = FeatureSpace(features, output_mode="dict")
    made.adapt(table)
    parts = made(table)
    assert parts["x"].numpy().tolist() == [[1.5], [2.0]]
    assert parts["text"].numpy().tolist() == [[0, 1, 2], [0, 1, 0]]
    assert np.array_equal(parts["code"].numpy()[:, 0], layers.Hashing(4)([3, 4]).numpy())


def test_a_model_of_a_table():
    kerasnb.utils.set_random_seed(0)
    made = space()
    outputs = layers.Dense(1)(made.get_encoded_features())
    model = kerasnb.Model(made.get_inputs(), outputs)
    model.compile("sgd", "mse")
    table = {name: np.array(values) for name, values in TABLE.items()}
    losses = model.fit(table, np.arange(4.0), epochs=3, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    on_vectors = kerasnb.Sequential([model.layers[-1]])
    assert np.allclose(
        model.predict(table, verbose=0), on_vectors.predict(made(TABLE), verbose=0), atol=1e-6
    )


def test_configuration():
    made = space()
    again = FeatureSpace.from_config(json.loads(json.dumps(made.get_config())))
    again.adapt(TABLE)
    assert np.array_equal(again(TABLE).numpy(), made(TABLE).numpy())
    assert json.dumps(again.get_config()) == json.dumps(made.get_config())


ERRORS = {
    "nothing": (ArgumentError, lambda: FeatureSpace({}),
        "FeatureSpace: features is empty: name at least one column."),
    "kind": (ArgumentError, lambda: FeatureSpace({"x": "string_hash"}),
        "Unknown kind of the feature 'x': 'string_hash'. Did you mean 'string_hashed' or "
        "'integer_hashed'?"),
    "mode": (ArgumentError, lambda: FeatureSpace({"x": "float"}, "dic"),
        "Unknown output_mode of FeatureSpace: 'dic'. Did you mean 'dict'?"),
    "cross": (ArgumentError, lambda: FeatureSpace({"city": "float"}, crosses=[("city", "cit")]),
        "Unknown feature in the cross 'city_X_cit': 'cit'. Did you mean 'city'?"),
    "not adapted": (GraphError, lambda: FeatureSpace({"x": "float_normalized"}, name="f")({}),
        "FeatureSpace 'f': call adapt(table) first; these columns have something to learn: x."),
    "missing": (ArgumentError, lambda: FeatureSpace({"x": "float"}, name="f")({"y": 1}),
        "FeatureSpace 'f': expected the columns x; missing: x."),
    "no table": (ArgumentError, lambda: FeatureSpace({"x": "float"}, name="f").adapt([1]),
        "FeatureSpace 'f': expected a dictionary of columns, got int."),
    "joined numbers": (ArgumentError,
        lambda: FeatureSpace({"x": FeatureSpace.string_hashed(3, "int")}, name="f")({"x": "a"}),
        "FeatureSpace 'f': the feature 'x' gives int64, which cannot be joined with vectors. Use "
        "output_mode='dict', or 'one_hot' for the feature."),
    "one_hot of floats": (ArgumentError,
        lambda: FeatureSpace(
            {"x": FeatureSpace.feature("float32", layers.Identity(), "one_hot")}, name="f"
        )({"x": 1.0}),
        "FeatureSpace 'f': output_mode='one_hot' of the feature 'x' needs a layer that gives "
        "numbers of categories, and says how many there are."),
}  # fmt: skip


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    kind, function, text = ERRORS[name]
    with pytest.raises(kind) as caught:
        function()
    assert str(caught.value) == text
