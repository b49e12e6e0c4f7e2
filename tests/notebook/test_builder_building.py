"""Live models of the builder's graphs, the weights that they keep, and graphs of live models."""

import numpy as np
import pytest
from builder_documents import random_document

import kerasnb
from kerasnb import layers, ops, tree
from kerasnb.errors import ArgumentError
from kerasnb.models.description import describe
from kerasnb.notebook.builder import calls, edits, parts
from kerasnb.notebook.builder.building import build
from kerasnb.notebook.builder.checking import Checker
from kerasnb.notebook.builder.document import Document, Edge, Node
from kerasnb.notebook.builder.entries import entries
from kerasnb.notebook.builder.naming import shown_names
from kerasnb.notebook.builder.reading import built_from, from_model, settings_of

PALETTE = entries({})
CHECKER = Checker(PALETTE)


def chain(*boxes, shape=(4,), kind="Sequential"):
    """An input, layers ``(class, settings)`` and an output; ids are n1, n2, ..."""
    nodes = [Node("n1", "input", type="InputLayer", settings={"shape": list(shape)})]
    for name, settings in boxes:
        reads = (Edge(nodes[-1].id),)
        nodes.append(Node(f"n{len(nodes) + 1}", type=name, settings=settings, reads=reads))
    nodes.append(Node(f"n{len(nodes) + 1}", "output", reads=(Edge(nodes[-1].id),)))
    return Document({n.id: n for n in nodes}, type=kind, serial=len(nodes) + 1)


def dense(units=4, **more):
    return "Dense", {"units": units, "activation": "relu", **more}


# What the canvas says is what the model is


def assert_as_checked(document):
    report = CHECKER.check(document)
    built = build(document, PALETTE, report=report)
    model = built.model
    outputs = [report.nodes[node.id].specs[0] for node in document.outputs()]
    assert [t.spec for t in model.outputs] == outputs
    assert model.count_params() == report.parameters
    assert sum(v.size for v in model.trainable_weights) == report.trainable
    assert describe(model)["cost"] == report.cost
    names = shown_names(document)
    for key, own in built.layers.items():
        node, first = document[key], own[0]
        assert first.name == names[key]
        if node.shares:
            continue
        assert tuple(t.spec for t in first._calls[0].outputs) == report.nodes[key].specs, key
        if node.kind == "layer":
            assert first.count_params() == report.nodes[key].parameters, key
    return built


@pytest.mark.parametrize("seed", range(300))
def test_shapes_and_counts_on_the_canvas_are_those_of_the_model(seed):
    document = random_document(seed)
    built = assert_as_checked(document)
    again = built_from(built.model)
    report, other = CHECKER.check(document), CHECKER.check(again.document)
    assert other.complete, other.errors
    assert (other.parameters, other.trainable, other.cost) == (
        report.parameters,
        report.trainable,
        report.cost,
    )
    rebuilt = build(again.document, PALETTE, again)
    assert rebuilt.new == set()
    assert [t.spec for t in rebuilt.model.outputs] == [t.spec for t in built.model.outputs]
    assert built_from(rebuilt.model).document == again.document


@pytest.mark.parametrize("seed", range(0, 300, 15))
def test_a_model_that_was_read_and_built_again_computes_the_same(seed):
    document = random_document(seed)
    model = build(document, PALETTE).model
    again = built_from(model)
    other = build(again.document, PALETTE, again).model
    chance = np.random.default_rng(seed)
    given = [chance.normal(size=(3, *t.shape[1:])).astype("float32") for t in model.inputs]
    given = given if len(given) > 1 else given[0]
    for a, b in zip(_listed(model(given)), _listed(other(given)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def _listed(outputs):
    return tree.flatten(outputs)


@pytest.mark.parametrize(
    ("kind", "expected"), [("Sequential", kerasnb.Sequential), ("Functional", kerasnb.Model)]
)
def test_a_chain_is_what_the_document_says(kind, expected):
    built = assert_as_checked(chain(dense(), ("Dropout", {"rate": 0.1}), dense(2), kind=kind))
    assert isinstance(built.model, expected)
    assert isinstance(built.model, kerasnb.Sequential) == (kind == "Sequential")
    assert [layer.name for layer in built.model.layers][-3:] == ["dense", "dropout", "dense_1"]
    x, y = np.ones((8, 4), "float32"), np.ones((8, 2), "float32")
    built.model.compile("sgd", "mse")
    built.model.fit(x, y, verbose=0)
    assert build(edits.rename(chain(dense()), "", "mine"), PALETTE).model.name == "mine"


def test_what_is_no_chain_is_functional_whatever_the_document_says():
    document, key = edits.add(chain(dense()), Node("", type="ReLU"), [Edge("n1")], branch=True)
    document, _ = edits.append_output(document, Edge(key))
    assert not isinstance(build(document, PALETTE).model, kerasnb.Sequential)


def test_repetitions_have_layers_of_their_own_with_names_of_their_own():
    document, _ = parts.wrap(chain(dense()), ["n2"], "repeat", count=3)
    built = assert_as_checked(document)
    assert [layer.name for layer in built.layers["n2"]] == ["dense", "dense_r2", "dense_r3"]
    assert built.model.count_params() == 3 * 20


def test_models_within_and_what_is_shared():
    document, key = parts.wrap(chain(dense(), dense()), ["n2", "n3"], "model", "inner")
    document, twice = edits.again(document, key, [Edge(key)], branch=False)
    document, once_more = edits.again(document, key, [Edge(twice)], branch=False)
    built = assert_as_checked(document)
    assert built.layers[key] == built.layers[twice] == built.layers[once_more]
    assert built.model.count_params() == 2 * 20
    assert [n.type for n in built_from(built.model).document if n.kind == "model"] == [
        "Functional"
    ] * 3
    frozen = document.change(key, settings={"trainable": False})
    assert CHECKER.check(frozen).trainable == 0
    assert_as_checked(frozen)


def test_arguments_of_calls_reach_the_layer():
    node = Node("n2", type="MultiHeadAttention", settings={"num_heads": 1, "key_dim": 2},
        reads=(Edge("n1"), Edge("n1")), call={"return_attention_scores": True})  # fmt: skip
    document = chain(("ReLU", {}), shape=(3, 4), kind="Functional").put(node)
    document, _ = edits.append_output(document, Edge("n2", 1))
    built = assert_as_checked(document)
    assert [t.shape for t in built.model.outputs] == [(None, 3, 4), (None, 1, 3, 3)]
    read = from_model(built.model)
    assert [dict(n.call) for n in read if n.kind == "layer"] == [{"return_attention_scores": True}]


@pytest.mark.parametrize(
    ("document", "text"),
    [
        (Document(), "The model is empty: add a layer."),
        (
            chain(("Dense", {})),
            "The model is not complete. dense: Dense needs a value for units.",
        ),
        (
            chain(dense()).without(["n1"]),
            "The model is not complete. dense: Nothing is connected: draw a line to what this is "
            "to read.",
        ),
    ],
)
def test_a_document_that_is_not_complete_says_why(document, text):
    with pytest.raises(ArgumentError) as caught:
        build(document, PALETTE)
    assert str(caught.value) == text


# Weights that stay


START = chain(dense(), ("BatchNormalization", {}), dense(6), dense(2))


def apart(document):
    document, key = edits.again(document, "n4", [Edge("n3")], branch=True)
    document, _ = edits.append_output(document, Edge(key))
    return document


EDITS = {
    "nothing": (lambda d: d, set()),
    "an activation": (lambda d: edits.set_setting(d, "n2", "activation", "tanh"), set()),
    "a name": (lambda d: edits.rename(d, "n2", "first"), set()),
    "units": (lambda d: edits.set_setting(d, "n4", "units", 7), {"n4", "n5"}),
    "a bias": (lambda d: edits.set_setting(d, "n4", "use_bias", False), {"n4"}),
    "an initializer": (
        lambda d: edits.set_setting(d, "n4", "kernel_initializer", "he_normal"),
        {"n4"},
    ),
    "a penalty": (lambda d: edits.set_setting(d, "n4", "kernel_regularizer", "l2"), set()),
    "a class": (lambda d: d.change("n3", type="LayerNormalization"), {"n3"}),
    "one more": (lambda d: edits.add(d, Node("", type="Dense", settings={"units": 6}),
        [Edge("n4")])[0], {"n7"}),
    "one less": (lambda d: edits.remove(d, ["n3"]), set()),
    "the kind of model": (lambda d: Document(d.nodes, d.name, "Functional", d.serial), set()),
    "a group": (lambda d: parts.wrap(d, ["n3", "n4"], "group", "block")[0], set()),
    "a model within": (lambda d: parts.wrap(d, ["n3", "n4"], "model")[0], set()),
    "a repeat": (lambda d: parts.wrap(d, ["n2"], "repeat")[0], {"n2"}),
    "a call more": (apart, set()),
}  # fmt: skip


@pytest.mark.parametrize("name", EDITS)
def test_weights_stay_where_an_edit_allows_it(name):
    change, expected = EDITS[name]
    before = build(START, PALETTE)
    for variable in before.model.weights:  # as if it had been trained
        variable.assign(variable.value + 0.5)
    kept = {key: own[0].get_weights() for key, own in before.layers.items()}
    after = build(change(START), PALETTE, before)
    assert after.new == expected
    for key, own in after.layers.items():
        if key in kept and after.document[key].kind == "layer" and own[0].weights:
            same = all(
                a.shape == b.shape and np.array_equal(a, b)
                for a, b in zip(own[0].get_weights(), kept[key], strict=False)
            )
            assert same == (key not in expected or name == "a repeat"), key
    for key, own in before.layers.items():
        assert own[0] is not after.layers.get(key, [None])[0], "a layer went on to the new model"
        for a, b in zip(own[0].get_weights(), kept[key], strict=True):
            np.testing.assert_array_equal(a, b)


def test_an_older_model_keeps_its_own_weights_while_the_newer_is_trained():
    before = build(START, PALETTE)
    after = build(START, PALETTE, before)
    x, y = np.ones((8, 4), "float32"), np.zeros((8, 2), "float32")
    expected = before.model(x).numpy()
    after.model.compile("sgd", "mse")
    after.model.fit(x, y, epochs=3, verbose=0)
    np.testing.assert_array_equal(before.model(x).numpy(), expected)


def test_a_layer_that_shared_another_begins_with_its_weights():
    shared = apart(START)
    key = next(node.id for node in shared if node.shares)
    before = build(shared, PALETTE)
    after = build(parts.apart(shared, key), PALETTE, before)
    assert after.new == set()
    assert after.layers[key] != after.layers["n4"]
    for a, b in zip(after.layers[key][0].get_weights(), before.layers["n4"][0].get_weights(),
                    strict=True):  # fmt: skip
        np.testing.assert_array_equal(a, b)


def test_without_an_earlier_model_all_weights_are_new():
    assert build(START, PALETTE).new == {"n2", "n3", "n4", "n5"}


# Models that are read


def read(model):
    """What was read, as ``class settings`` in order."""
    return [(n.type or n.kind, dict(n.settings)) for n in from_model(model)]


def test_settings_are_what_differs_from_the_defaults():
    model = kerasnb.Sequential([
        kerasnb.Input((8, 8, 1), dtype="float64", name="image"),
        layers.Conv2D(3, (3, 3), padding="same", kernel_initializer="he_normal", name="first"),
        layers.Conv2D(3, (3, 1), kernel_regularizer=kerasnb.regularizers.L2(0.1)),
        layers.MaxPooling2D((2, 2)),
        layers.Flatten(),
        layers.Dense(2, activation="softmax", trainable=False, dtype="float64"),
        layers.Dense(2, bias_initializer=kerasnb.initializers.Constant(0.5)),
    ])  # fmt: skip
    assert read(model) == [
        ("InputLayer", {"shape": [8, 8, 1], "dtype": "float64"}),
        ("Conv2D", {"filters": 3, "kernel_size": 3, "padding": "same",
            "kernel_initializer": "he_normal"}),
        ("Conv2D", {"filters": 3, "kernel_size": [3, 1],
            "kernel_regularizer": {"class_name": "L2", "config": {"l2": 0.1}}}),
        ("MaxPooling2D", {}),
        ("Flatten", {}),
        ("Dense", {"units": 2, "activation": "softmax", "trainable": False, "dtype": "float64"}),
        ("Dense", {"units": 2,
            "bias_initializer": {"class_name": "Constant", "config": {"value": 0.5}}}),
        ("output", {}),
    ]  # fmt: skip
    document = from_model(model)
    assert [n.name for n in document] == ["image", "first", "", "", "", "", "", ""]
    assert (document.type, document.name) == ("Sequential", "")
    assert CHECKER.check(document).parameters == model.count_params()


def test_a_model_that_is_not_built_yet_waits_for_the_shape_of_its_input():
    document = from_model(kerasnb.Sequential([layers.Dense(3), layers.Dense(2)], name="mine"))
    assert document.name == "mine"
    (error,) = [p.text for _, p in CHECKER.check(document).errors]
    assert error == "Give this input a shape, such as (28, 28, 1)."
    document = edits.set_setting(document, "n1", "shape", [5])
    assert CHECKER.check(document).parameters == 5 * 3 + 3 + 3 * 2 + 2


def test_branches_ops_and_several_ends():
    x, y = kerasnb.Input((4,)), kerasnb.Input((4,), name="other")
    a = layers.Dense(4)(x)
    total = ops.concatenate([a + y, ops.maximum(a, y), a - y, a * y], axis=1)
    model = kerasnb.Model({"x": x, "other": y}, [total, a])
    document = from_model(model)
    # the inputs have the keys of the dictionary, by which data is matched
    assert [(n.name, n.key) for n in document.inputs()] == [("", "other"), ("", "x")]
    assert [n.type for n in document if n.kind == "layer"] == [
        "Dense", "ops.add", "ops.maximum", "ops.subtract", "ops.multiply", "ops.concatenate",
    ]  # fmt: skip
    built = assert_as_checked(document)
    assert [t.shape for t in built.model.outputs] == [(None, 16), (None, 4)]


def test_ops_join_along_their_own_axis_and_attention_reads_by_name():
    x, y = kerasnb.Input((3, 4)), kerasnb.Input((5, 4))
    attention = layers.MultiHeadAttention(2, 3)
    answer = attention(value=y, query=x, use_causal_mask=False)
    document = from_model(kerasnb.Model([x, y], ops.concatenate([answer, y], axis=1)))
    reads = {n.type: [e.source for e in n.reads] for n in document if n.kind == "layer"}
    assert reads["MultiHeadAttention"] == ["n1", "n2"]
    assert next(n for n in document if n.type == "ops.concatenate").settings == {"axis": 1}
    assert_as_checked(document)


def test_a_layer_outside_and_within_a_model_is_shared():
    shared = layers.Dense(4)
    x = kerasnb.Input((4,))
    inner = kerasnb.Model(x, shared(layers.ReLU()(x)))
    z = kerasnb.Input((4,))
    document = from_model(kerasnb.Model(z, shared(inner(z))))
    nodes = [n for n in document if n.type == "Dense"]
    assert [(n.parent, bool(n.shares)) for n in nodes] == [("", False), ("n2", True)]
    assert_as_checked(document)


class Script(kerasnb.Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.dense = layers.Dense(2)

    def call(self, x):
        return self.dense(x)


def _functional(make):
    x = kerasnb.Input((4, 3))
    return kerasnb.Model(x, make(x))


def _shared_by_two():
    shared, x = layers.Dense(3, name="dense"), kerasnb.Input((4, 3))
    first, second = (_functional(lambda t: layers.ReLU()(shared(t))) for _ in range(2))
    return kerasnb.Model(x, second(first(x)), name="outer")


OPS = (
    "The model calls the op 'log_add_exp' outside of a layer, which cannot be drawn. Put it into a "
    "layer of your own."
)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (
            lambda: Script(name="mine"),
            "The model 'mine' is a Script whose call is Python, so what is connected with what is "
            "not known. Only sequential and functional models can be drawn.",
        ),
        (
            lambda: _functional(Script(name="inner")),
            "The model 'inner' is a Script whose call is Python, so what is connected with what "
            "is not known. Only sequential and functional models can be drawn.",
        ),
        (lambda: _functional(kerasnb.activations.mish), OPS),
        (
            lambda: _functional(lambda x: x + ops.ones((3,))),
            "The function 'add' is given data of its own, which cannot be drawn.",
        ),
        (
            lambda: _functional(lambda x: layers.Softmax(name="s")(x, mask=ops.ones((1, 4, 3)))),
            "The layer 's' is given tensors with other things, or constants, as mask, which "
            "cannot be drawn.",
        ),
        (
            _shared_by_two,
            "The layer 'dense' is shared by two models within, which cannot be drawn. Call it "
            "outside of them as well, or give each its own.",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_drawn_is_refused_in_words(make, text):
    with pytest.raises(ArgumentError) as caught:
        from_model(make())
    assert str(caught.value) == text


def test_what_a_call_is_given_by_name_comes_back_and_is_computed():
    x, mask = kerasnb.Input((5, 8)), kerasnb.Input((5, 5))
    whole, h, c = layers.LSTM(4, return_sequences=True, return_state=True)(x)
    again = layers.LSTM(8, return_sequences=True)(
        x, initial_state=[layers.Dense(8)(h), layers.Dense(8)(c)]
    )
    y = layers.MultiHeadAttention(2, 4)(again, whole, attention_mask=mask)
    model = kerasnb.Model([x, mask], y)
    document = from_model(model)
    assert [n.keywords for n in document if n.keywords] == [
        ("initial_state", "initial_state"),
        ("attention_mask",),
    ]
    made = build(document, PALETTE).model
    made.set_weights(model.get_weights())
    data = [np.linspace(-1, 1, 80).reshape(2, 5, 8), np.tri(5)[None].repeat(2, 0)]
    np.testing.assert_array_equal(made.predict(data), model.predict(data))
    assert from_model(made) == document


def test_dictionaries_of_inputs_and_outputs_stay_dictionaries():
    a, b = kerasnb.Input((4,), name="first"), kerasnb.Input((3,))
    inner = kerasnb.Model({"v": a, "u": b}, {"two": layers.Dense(2)(a), "one": b}, name="inner")
    x, y = kerasnb.Input((4,)), kerasnb.Input((3,))
    made = inner({"u": y, "v": x})
    model = kerasnb.Model({"y": y, "x": x}, {"q": made["one"], "p": layers.Dense(1)(made["two"])})
    document = from_model(model)
    assert [n.key for n in document.inputs()] == ["x", "y"]
    assert [n.key for n in document.outputs()] == ["p", "q"]
    again = build(document, PALETTE).model
    assert from_model(again) == document
    again.set_weights(model.get_weights())
    given = {"x": np.ones((2, 4), "float32"), "y": np.ones((2, 3), "float32")}
    first, second = model.predict(given), again.predict(given)
    assert first.keys() == second.keys() == {"p", "q"}
    np.testing.assert_array_equal(first["p"], second["p"])
    ends = ("input_layers", "output_layers")
    assert {end: list(again.get_config()[end]) for end in ends} == {
        "input_layers": ["x", "y"],
        "output_layers": ["p", "q"],
    }


def test_nested_inputs_are_refused_in_words():
    a, b = kerasnb.Input((4,)), kerasnb.Input((4,))
    model = kerasnb.Model({"a": [a, b]}, layers.Add()([a, b]), name="m")
    with pytest.raises(ArgumentError) as caught:
        from_model(model)
    assert str(caught.value) == (
        "The inputs or outputs of the model 'm' are nested, which cannot be drawn. Use a list, or "
        "a dictionary with texts as keys."
    )


class Scale(kerasnb.Layer):
    """Scales."""

    def __init__(self, factor, shift=0.0, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def build(self, input_shape):
        self.w = self.add_weight(shape=(input_shape[-1],), initializer="ones", name="w")

    def call(self, x):
        return x * self.w * self.factor


def test_a_layer_of_ones_own_is_read_and_built():
    layer = Scale(2.0)
    assert settings_of(layer) == {"factor": 2.0}
    model = kerasnb.Sequential([kerasnb.Input((4,)), layer, layers.Dense(2)])
    document = from_model(model)
    own = entries({"Scale": Scale})
    first = build(document, own)
    assert type(first.layers["n2"][0]) is Scale
    assert first.model.count_params() == 4 + 10
    again = type("Scale", (Scale,), {"__module__": Scale.__module__})  # the cell was run again
    second = build(document, entries({"Scale": again}), first)
    assert type(second.layers["n2"][0]) is again
    assert second.new == set()


def test_a_cell_within_a_layer_comes_back():
    model = _functional(layers.RNN(layers.LSTMCell(5), return_sequences=True))
    document = from_model(model)
    assert_as_checked(document)
    settings = next(n for n in document if n.type == "RNN").settings
    assert settings["cell"]["class_name"] == "LSTMCell"
    assert "name" not in settings["cell"]["config"]


def test_every_layer_of_the_palette_comes_back_as_it_was_put_in():
    for entry in PALETTE.values():
        if entry.kind != "layer" or not entry.listed or entry.custom:
            continue
        count = max(entry.needed, 2 if entry.takes == "several" else 1)
        start = Node("n1", "input", type="InputLayer", settings=entry.first_input)
        node = Node("n2", type=entry.type, settings=entry.presets, reads=(Edge("n1"),) * count)
        end = Node("n3", "output", reads=(Edge("n2"),))
        document = Document({n.id: n for n in (start, node, end)}, serial=4, type="Functional")
        read = from_model(build(document, PALETTE).model)
        assert read == document, f"{entry.type}: {read['n2'].settings} for {entry.presets}"


def test_weights_that_find_no_memory_are_an_error_in_words(monkeypatch):
    def full(*args, **kwargs):
        raise MemoryError("none left")

    document = chain(dense())
    report = CHECKER.check(document)
    monkeypatch.setattr(kerasnb.initializers.GlorotUniform, "__call__", full)
    with pytest.raises(ArgumentError) as caught:
        build(document, PALETTE, report=report)
    assert str(caught.value) == "There is not enough memory for the weights: none left"
    assert calls.machine_bytes() > 10**8
