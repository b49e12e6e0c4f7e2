"""The layers that the builder offers, and values between what is typed and what is kept."""

import gc
import json
from collections.abc import Sequence
from typing import Literal

import pytest

import kerasnb
from kerasnb import layers
from kerasnb.errors import ArgumentError
from kerasnb.notebook.builder.checking import check
from kerasnb.notebook.builder.document import Document, Edge, Node
from kerasnb.notebook.builder.entries import entries
from kerasnb.notebook.builder.palette import Argument, parse, shown
from kerasnb.ops.operation import FORMS

PALETTE = entries({})
OFFERED = [
    name
    for name, entry in PALETTE.items()
    if entry.kind == "layer" and entry.listed and not entry.custom
]


def test_every_public_layer_is_there_once_under_its_own_name():
    names = {cls.__name__ for cls in layers.LAYERS.values()}
    left_out = {"GRUCell", "InputLayer", "LSTMCell", "Layer", "SimpleRNNCell"}
    own = {name for name, entry in PALETTE.items() if entry.custom}
    functions = {name for name in PALETTE if name.startswith("ops.")}
    assert {name.split(".")[-1] for name in functions} == set(FORMS)
    assert set(PALETTE) - own - functions == (names - left_out) | {"Input"}


def test_families_and_what_stands_first_in_them():
    first = {}
    for entry in PALETTE.values():
        first.setdefault(entry.family, entry.type)
    first.pop("Your own", None)
    assert first.pop("Operations") == "ops.add"
    assert first == {
        "Core": "Input",
        "Convolution": "Conv2D",
        "Pooling": "MaxPooling2D",
        "Recurrent": "LSTM",
        "Attention": "MultiHeadAttention",
        "Normalization": "BatchNormalization",
        "Regularization": "Dropout",
        "Activation": "LeakyReLU",
        "Reshaping": "Flatten",
        "Merging": "Add",
        "Images": "Rescaling",
        "Preprocessing": "TextVectorization",
    }
    assert list(PALETTE)[:4] == ["Input", "Dense", "Embedding", "Activation"]


def test_a_layer_says_what_it_is_and_what_it_takes():
    entry = PALETTE["Conv2D"]
    assert (
        entry.doc
        == "The convolution of images with a learned kernel, plus bias, through an activation."
    )
    assert (entry.takes, entry.rank, entry.presets) == ("one", 4, {"filters": 32, "kernel_size": 3})
    assert entry.argument("filters") == Argument(
        "filters", "int", True, None, (), "the number of output channels."
    )
    assert entry.argument("padding").choices == ("valid", "same")
    assert entry.argument("kernel_size").kind == "size"
    assert entry.argument("use_bias").kind == "bool"
    assert entry.argument("kernel_initializer").default == "glorot_uniform"
    assert entry.argument("name") is entry.argument("trainable") is None
    assert PALETTE["Conv1D"].argument("padding").choices == ("valid", "same", "causal")
    assert PALETTE["Reshape"].argument("target_shape").kind == "shape"


@pytest.mark.parametrize(
    ("name", "takes", "ports", "needed"),
    [
        ("Dense", "one", (), 1),
        ("Concatenate", "several", (), 1),
        ("MultiHeadAttention", 3, ("query", "value", "key"), 2),
        ("Attention", "several", ("query", "value", "key"), 2),
        ("LSTM", "one", (), 1),
    ],
)
def test_how_many_tensors_a_layer_takes(name, takes, ports, needed):
    entry = PALETTE[name]
    assert (entry.takes, entry.ports, entry.needed) == (takes, ports, needed)


def test_how_a_layer_is_called_with_tensors():
    assert PALETTE["Dense"].given(["x"], ()) == (("x",), {})
    assert PALETTE["Add"].given(["x"], ()) == ((["x"],), {})
    assert PALETTE["Attention"].given(["x", "y"], ()) == ((["x", "y"],), {})
    assert PALETTE["MultiHeadAttention"].given(["x", "y"], ()) == (("x", "y"), {})
    states = ("initial_state", "initial_state", "mask")
    given = PALETTE["LSTM"].given(["x", "h", "c", "m"], states)
    assert given == (("x",), {"initial_state": ["h", "c"], "mask": "m"})


def test_the_names_of_further_tensors():
    assert PALETTE["Dense"].keywords == ()
    assert PALETTE["GRU"].keywords == ("initial_state", "mask")
    masks = ("query_mask", "value_mask", "key_mask", "attention_mask")
    assert PALETTE["MultiHeadAttention"].keywords == masks
    assert PALETTE["Attention"].keywords == ("mask",)


LSTM = {"class_name": "LSTM", "config": {"units": 32, "return_sequences": True}}


@pytest.mark.parametrize(("name", "argument", "text", "value"), [
    ("Bidirectional", "layer", "LSTM(32, return_sequences=True)", LSTM),
    ("Bidirectional", "layer", "GRU", {"class_name": "GRU", "config": {"units": 64}}),
    ("TimeDistributed", "layer", "layers.Conv2D(8, kernel_size=(3, 1))",
     {"class_name": "Conv2D", "config": {"filters": 8, "kernel_size": [3, 1]}}),
    ("RNN", "cell", "[GRUCell(3), GRUCell(4)]", [
        {"class_name": "GRUCell", "config": {"units": 3}},
        {"class_name": "GRUCell", "config": {"units": 4}}]),
    ("TimeDistributed", "layer", "Bidirectional(LSTM(32, return_sequences=True))",
     {"class_name": "Bidirectional", "config": {"layer": LSTM}}),
])  # fmt: skip
def test_a_layer_within_a_layer_is_typed(name, argument, text, value):
    argument = PALETTE[name].argument(argument)
    assert argument.kind == "layer"
    assert parse(argument, text) == value
    assert parse(argument, shown(value)) == value
    assert PALETTE[name].listed


@pytest.mark.parametrize(("text", "reason"), [
    ("LSTN(3)", "Unknown layer 'LSTN'. Known: ConvLSTM1D, ConvLSTM2D, ConvLSTM3D, GRU, LSTM, "
     "RNN, SimpleRNN."),
    ("3", "layer must be a layer, such as LSTM(64), got '3'."),
    ("LSTM(x)", "layer must be a layer, such as LSTM(64), got 'LSTM(x)'."),
    ("LSTM(1, 2, *a)", "layer must be a layer, such as LSTM(64), got 'LSTM(1, 2, *a)'."),
    ("LSTM(unit=3)", "Unknown argument of LSTM: 'unit'. Did you mean 'units'?"),
    ("__import__('os')", "Unknown layer '__import__'. Known: ConvLSTM1D, ConvLSTM2D, "
     "ConvLSTM3D, GRU, LSTM, RNN, SimpleRNN."),
    ("LSTM(", "layer must be a layer, such as LSTM(64), got 'LSTM('."),
])  # fmt: skip
def test_what_is_no_layer_within_a_layer_is_said_in_words(text, reason):
    with pytest.raises(ArgumentError) as error:
        parse(PALETTE["Bidirectional"].argument("layer"), text)
    assert str(error.value) == reason


def test_arguments_of_calls():
    options = {a.name: a.default for a in PALETTE["MultiHeadAttention"].call}
    assert options == {"return_attention_scores": False, "use_causal_mask": False}
    assert PALETTE["Dense"].call == ()


@pytest.mark.parametrize("name", [*OFFERED, "Input"])
def test_all_of_it_is_json_and_said_in_words(name):
    entry = PALETTE[name]
    json.dumps(entry.data(), allow_nan=False)
    assert entry.doc.endswith((".", ":"))
    missing = [a.name for a in entry.arguments if not a.doc]
    # the docstring says of these that they are as those of Conv2D
    assert all(name.startswith(("depthwise_", "pointwise_")) for name in missing), missing


@pytest.mark.parametrize("name", OFFERED)
def test_a_layer_works_as_it_is_put_in(name):
    entry = PALETTE[name]
    start = Node("n1", "input", type="InputLayer", settings=entry.first_input)
    count = max(entry.needed, 2 if entry.takes == "several" else 1)
    own = Node("n2", type=name, settings=entry.presets, reads=(Edge("n1"),) * count)
    end = Node("n3", "output", reads=(Edge("n2"),))
    report = check(Document({n.id: n for n in (start, own, end)}, serial=4), PALETTE)
    assert report.complete, report.errors


# Layers of one's own


class Blend(kerasnb.Layer):
    """Two tensors, mixed.

    More about it.

    Args:
        share: of the first one.
        mode (str): how to
            mix.
    """

    def __init__(
        self,
        share: float,
        steps: "int | None" = None,
        mode: Literal["sum", "mean"] = "sum",
        sizes: Sequence[int] = (2, 3),
        free=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.share = share

    def call(self, x, y, sharp=False):
        return self.share * x + y


class ABase(kerasnb.Layer):
    def __init__(self, count):
        super().__init__()


def test_a_layer_of_ones_own_appears_with_its_arguments():
    entry = entries({"Blend": Blend})["Blend"]
    assert (entry.family, entry.custom, entry.cls) == ("Your own", True, Blend)
    assert entry.doc == "Two tensors, mixed."
    assert entry.arguments == (
        Argument("share", "float", True, None, (), "of the first one."),
        Argument("steps", "int", False, None),
        Argument("mode", "choice", False, "sum", ("sum", "mean"), "how to mix."),
        Argument("sizes", "shape", False, [2, 3]),
        Argument("free", "any", False, None),
    )
    assert (entry.takes, entry.ports, entry.presets) == (2, ("x", "y"), {"share": 0.5})
    assert [a.name for a in entry.call] == ["sharp"]
    assert "Blend" in entries({})  # found without a namespace as well


def test_what_is_no_layer_to_be_put_into_a_model_does_not_appear():
    class Own(kerasnb.Model):
        def call(self, x):
            return x

    class Dense(kerasnb.Layer):  # code would mean Keras's
        def call(self, x):
            return x

    found = entries({"Own": Own, "Dense": Dense, "ABase": ABase, "x": 3, "layers": layers})
    assert found["Dense"].cls is layers.Dense
    assert "Own" not in found
    assert "ABase" not in found  # it has no call
    del Dense, Own
    gc.collect()


def test_of_two_classes_of_a_name_the_one_in_the_namespace_counts():
    def make(default):
        class Twice(kerasnb.Layer):
            def __init__(self, n=default, **kwargs):
                super().__init__(**kwargs)

            def call(self, x):
                return x

        return Twice

    first, second = make(1), make(2)
    assert entries({"Twice": first})["Twice"].cls is first
    assert entries({})["Twice"].cls is second


# Values


def argument(kind, name="thing", **more):
    return Argument(name, kind, **more)


@pytest.mark.parametrize(
    ("wanted", "text", "value"),
    [
        (argument("int"), " 3 ", 3),
        (argument("int", default=7), "", 7),
        (argument("int"), "None", None),
        (argument("float"), "1e-3", 0.001),
        (argument("float"), "2", 2),
        (argument("bool"), "true", True),
        (argument("bool"), "False", False),
        (argument("choice", choices=("relu", "tanh")), "relu", "relu"),
        (argument("choice", choices=("relu", "tanh")), "'tanh'", "tanh"),
        (argument("size"), "3", 3),
        (argument("size"), "(3, 1)", [3, 1]),
        (argument("size"), "((1, 0), (0, 1))", [[1, 0], [0, 1]]),
        (argument("shape"), "28, 28, 1", [28, 28, 1]),
        (argument("shape"), "8", [8]),
        (argument("shape"), "(None, 3)", [None, 3]),
        (argument("text"), "ab,bc->ac", "ab,bc->ac"),
        (argument("any"), "{'a': 1}", "{'a': 1}"),
        (argument("any"), "[1, 2.5]", [1, 2.5]),
        (argument("object", "kernel_initializer"), "he_normal", "he_normal"),
        (argument("object", "kernel_initializer"), "'zeros'", "zeros"),
        (
            argument("object", "kernel_regularizer"),
            "l2(1e-4)",
            {"class_name": "L2", "config": {"l2": 0.0001}},
        ),
        (
            argument("object", "kernel_regularizer"),
            "keras.regularizers.L1(l1=0.5)",
            {"class_name": "L1", "config": {"l1": 0.5}},
        ),
        (
            argument("object", "bias_constraint"),
            "max_norm(3)",
            {"class_name": "MaxNorm", "config": {"max_value": 3, "axis": 0}},
        ),
    ],
)
def test_what_a_person_types(wanted, text, value):
    assert parse(wanted, text) == value


@pytest.mark.parametrize(
    ("wanted", "text", "message"),
    [
        (argument("int", required=True), " ", "thing needs a value."),
        (argument("int"), "3.5", "thing must be a whole number, got '3.5'."),
        (argument("int"), "3, 4", "thing must be a whole number, got '3, 4'."),
        (argument("int"), "1" * 30, f"thing must be a whole number, got '{'1' * 30}'."),
        (argument("float"), "1e999", "thing must be a number, got '1e999'."),
        (argument("float"), "much", "thing must be a number, got 'much'."),
        (argument("bool"), "maybe", "thing must be True or False, got 'maybe'."),
        (
            argument("choice", choices=("relu", "tanh")),
            "rleu",
            "Unknown thing 'rleu'. Did you mean 'relu'?",
        ),
        (
            argument("size"),
            "(1.5, 2)",
            "thing must be a whole number or several, such as (3, 3), got '(1.5, 2)'.",
        ),
        (argument("shape"), "a", "thing must be a shape, such as (28, 28, 1), got 'a'."),
        (
            argument("object", "kernel_regularizer"),
            "l2(open('x'))",
            "kernel_regularizer must be a regularizer, such as l2(0.001), got \"l2(open('x'))\".",
        ),
        (
            argument("object", "kernel_constraint"),
            "(" * 900,
            f"kernel_constraint must be a constraint, such as max_norm(2), got '{'(' * 59}.",
        ),
        (argument("any"), "x" * 2000, "thing: this is too long."),
        (
            argument("object", "kernel_regularizer"),
            "orthogonal",
            "Unknown regularizer 'orthogonal'. Did you mean 'orthogonal_regularizer'?",
        ),
    ],
)
def test_what_no_value_is(wanted, text, message):
    with pytest.raises(ArgumentError) as caught:
        parse(wanted, text)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("kind", "name", "value", "text"),
    [
        ("int", "n", 3, "3"),
        ("float", "rate", 0.0001, "0.0001"),
        ("bool", "b", True, "True"),
        ("size", "s", [3, 3], "(3, 3)"),
        ("shape", "s", [3], "(3,)"),
        ("shape", "s", [None, 3], "(None, 3)"),
        ("text", "t", "same", "same"),
        ("text", "t", "12", "'12'"),
        ("any", "a", ["x", 1], "('x', 1)"),
        ("any", "a", None, "None"),
        ("object", "k_initializer", "he_normal", "he_normal"),
        ("object", "k_regularizer", {"class_name": "L2", "config": {"l2": 0.01}}, "L2()"),
        (
            "object",
            "k_regularizer",
            {"class_name": "L1L2", "config": {"l1": 0.1, "l2": 0.0}},
            "L1L2(l1=0.1)",
        ),
    ],
)
def test_a_value_is_shown_as_it_is_typed(kind, name, value, text):
    assert shown(value) == text
    assert parse(argument(kind, name), text) == value


def test_a_function_of_ones_own_is_shown_by_its_name():
    value = {"class_name": "function", "config": "wiggle", "registered_name": "own>wiggle"}
    assert shown(value) == "wiggle"


@pytest.mark.parametrize("name", OFFERED)
def test_defaults_come_back_from_what_is_shown(name):
    for each in PALETTE[name].arguments:
        if not each.required:
            assert parse(each, shown(each.default)) == each.default, each.name
