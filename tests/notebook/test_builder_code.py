"""A builder's graph as Keras code and back: nothing is lost, and the code is safe and runs."""

import ast
import builtins
import hashlib
import json
import random

import pytest
from builder_documents import random_document, random_edit

import kerasnb
from kerasnb.errors import ArgumentError, LoadError
from kerasnb.layers import LAYERS
from kerasnb.notebook.builder import building, edits, parts
from kerasnb.notebook.builder.code import to_code
from kerasnb.notebook.builder.document import CONTAINERS, Document, Edge, Node
from kerasnb.notebook.builder.entries import entries
from kerasnb.notebook.builder.parsing import from_code

HEADER = "import kerasnb as keras\nfrom kerasnb import layers\n\n"
PALETTE = entries()


# What makes two graphs the same


def digest(*values):
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]


def form(document):
    """A text that two documents have if they are the same but for their ids and for the order of
    nodes that do not depend on each other. Code does not hold names of repeats."""
    calls = {}  # by the id of an owner, what calls its layer
    label = {}  # of each node: all that it is made of, but for who shares what

    def of(key):
        found = [digest("in", place) for place, _ in enumerate(document.inputs(key))]
        label.update({n.id: text for n, text in zip(document.inputs(key), found, strict=True)})
        for node in document.ordered(key):
            if node.kind in ("input", "output"):
                continue
            owner = document.owner(node.id)
            inner = of(owner.id) if node.kind in CONTAINERS else ""
            name = "" if node.kind == "repeat" else owner.name
            reads = [[label[e.source], e.output] for e in node.reads]
            settings = dict(owner.settings)
            given = (list(node.keywords), dict(node.call), node.count)
            what = (node.kind, owner.type, name, settings, *given)
            label[node.id] = digest(what, reads, inner)
            calls.setdefault(owner.id, []).append(label[node.id])
            found.append(label[node.id])
        inputs = [[n.name, n.key, dict(n.settings)] for n in document.inputs(key)]
        ends = [[label[n.reads[0].source], n.reads[0].output, n.key] for n in document.outputs(key)]
        return digest(inputs, sorted(found), ends)

    whole = of("")
    chain = document.type == "Sequential" and document.is_chain()
    return digest(whole, sorted(sorted(group) for group in calls.values()), document.name, chain)


def assert_stays(document, known=None):
    code = to_code(document, known=known)
    again = from_code(code, known or {})
    again.check()
    assert to_code(again, known=known) == code
    assert form(again) == form(document), f"another graph came back from\n{code}"
    return code


@pytest.mark.parametrize("first", range(0, 1000, 50))
def test_a_graph_goes_through_code_and_comes_back(first):
    for seed in range(first, first + 50):
        assert_stays(random_document(seed, size=8 if seed % 5 else 24))


def test_the_form_of_a_graph_tells_what_is_different():
    source = """
inputs = keras.Input((4,))
x = layers.Dense(4)(inputs)
outputs = layers.Add()([x, layers.Dense(4)(inputs)])
model = keras.Model(inputs, outputs)
"""
    others = (
        source,
        source.replace("Dense(4)", "Dense(3)"),
        source.replace("[x, layers.Dense(4)(inputs)]", "[layers.Dense(4)(inputs), x]"),
        source.replace("layers.Dense(4)", "dense").replace("x =", "dense = layers.Dense(4)\nx ="),
        source.replace("Model(inputs, outputs)", "Model(inputs, [outputs, x])"),
        source.replace("Add()", "Add(name='sum')"),
        source.replace("layers.Add()([x, ", "layers.Add()([inputs, "),
    )
    forms = [form(from_code(HEADER + other, {})) for other in others]
    assert forms[0] == forms[2], "which of two equal branches is written first does not matter"
    assert len(set(forms)) == len(forms) - 1


def facts(model):
    """Of a model: its layers with the numbers of their parameters, and the shapes of its ends."""
    layers = sorted((type(layer).__name__, layer.count_params()) for layer in model.layers)
    return layers, model.input_shape, model.output_shape, model.count_params()


def made_by(code):
    variables = {}
    exec(compile(code, "code", "exec"), variables)
    return variables["model"]


@pytest.mark.parametrize("first", range(0, 120, 20))
def test_the_code_makes_the_model_of_the_graph(first):
    for seed in range(first, first + 20):
        document = random_document(seed)
        wanted = facts(building.build(document, PALETTE).model)
        assert facts(made_by(to_code(document))) == wanted, to_code(document)


def test_code_for_keras_differs_in_its_imports_only():
    for seed in range(40):
        document = random_document(seed)
        own, other = to_code(document), to_code(document, "keras")
        assert own.startswith("import kerasnb as keras\nfrom kerasnb import ")
        assert other.startswith("import keras\nfrom keras import ")
        assert own.split("\n")[2:] == other.split("\n")[2:]
        parts = [text.split("\n")[1].split(" import ")[1] for text in (own, other)]
        assert parts[0] == parts[1] in ("layers", "ops", "layers, ops")


def test_a_library_that_is_none_is_refused():
    with pytest.raises(ArgumentError) as error:
        to_code(Document(), "kears")
    assert str(error.value) == "Unknown library 'kears'. Did you mean 'keras' or 'kerasnb'?"


def what_comes_back(code):
    """The code of the graph in some code; None if a random edit gave a layer another's argument."""
    try:
        return to_code(from_code(code, {}))
    except LoadError as error:
        if "Unknown argument of" not in str(error):
            raise
        return None


@pytest.mark.parametrize("first", range(0, 240, 40))
def test_a_graph_in_any_state_has_code_and_what_it_holds_comes_back(first):
    checked = 0
    for seed in range(first, first + 40):
        chance = random.Random(seed)
        document = random_document(seed)
        for _ in range(chance.randint(1, 25)):
            try:
                document = random_edit(document, chance)
            except (ValueError, IndexError):
                continue  # what edits refuse, and how, is not looked at here
        code = to_code(document)
        compile(code, "code", "exec")
        if "model = " not in code:
            continue
        again = what_comes_back(code)
        if again is None:
            continue
        checked += 1
        assert to_code(from_code(again, {})) == again
        assert len(again.split("\n")) <= len(code.split("\n"))
    assert checked > 5


# Texts of documents


ODD = (
    '"); import os; os.system("true") #', "a\nb = 1", "{x}", "{", "\\", "'''", '"""', "é ü", "中",
    "\x00", "\u202e", "\ud800", "import", "print", "x", "model", "keras", "layers", "f", "a" * 200,
    "open", "__import__", "", " ", "name", "self", "inputs", "_", "i", "\U0001d41a", "None",
    "items",
)  # fmt: skip


def odd_document(seed):
    """A random graph with odd texts wherever a document holds texts."""
    chance = random.Random(seed)
    document = random_document(seed)
    for node in document:
        key = node.id
        if chance.random() < 0.5:
            document = document.change(key, name=chance.choice(ODD))
        if node.kind == "layer" and not node.shares and chance.random() < 0.5:
            settings = {**node.settings, chance.choice(ODD): chance.choice(ODD)}
            settings["activation"] = {"class_name": chance.choice(ODD), "config": {
                chance.choice(ODD): [chance.choice(ODD), float("inf"), {chance.choice(ODD): None}],
            }}  # fmt: skip
            document = document.change(key, settings=settings)
        if node.kind == "layer" and chance.random() < 0.2:
            document = document.change(key, call={chance.choice(ODD): chance.choice(ODD)})
        if node.kind == "layer" and not node.shares and chance.random() < 0.2:
            document = document.change(key, type=chance.choice(ODD))
    nodes = [
        document[n.shares].type if n.shares and n.kind == "layer" else n.type for n in document
    ]
    for node, type_ in zip(list(document), nodes, strict=True):
        document = document.change(node.id, type=type_)
    return Document(document.nodes, chance.choice(ODD), document.type, document.serial)


@pytest.mark.parametrize("first", range(0, 300, 50))
def test_no_text_of_a_document_becomes_code(first):
    for seed in range(first, first + 50):
        document = odd_document(seed)
        document.check()
        code = to_code(document)
        tree = ast.parse(code)
        own = {"keras", "layers", *(n.name for n in ast.walk(tree) if hasattr(n, "name"))}
        for node in ast.walk(tree):
            assert not isinstance(node, (ast.Lambda, ast.Await, ast.Delete, ast.Global)), code
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                assert node.lineno <= 2, code
            if isinstance(node, ast.Attribute):
                assert node.attr != "system", code
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                name = node.func.id
                known = name in own or name in ("float", "range")
                assert known or not hasattr(builtins, name), code
        names = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and is_store(n)}
        # but for the last result of a prompt, which some other test may have had
        assert not names & {"keras", "layers", *vars(builtins)} - {"_"}, code


def is_store(node):
    return isinstance(node.ctx, ast.Store)


def test_names_come_back_as_they_were():
    for name in ODD:
        if not name or "/" in name:
            continue
        document = Document()
        document, key = edits.add(document, Node("", "input", settings={"shape": [3]}))
        dense = Node("", type="Dense", settings={"units": 3}, name=name)
        document, key = edits.add(document, dense, [Edge(key)])
        document, _ = edits.append_output(document, Edge(key))
        document = Document(document.nodes, name, "Sequential", document.serial)
        again = from_code(to_code(document), {})
        assert (again.name, again["n2"].name) == (name, name)


# Whole texts


def chain(*nodes, type_="Sequential", shape=(28, 28, 1)):
    """A document of layers one after the other."""
    document = Document(type=type_)
    first = Node("", "input", type="InputLayer", settings={"shape": list(shape)})
    document, key = edits.add(document, first)
    for node in nodes:
        document, key = edits.add(document, node, [Edge(key)])
    return edits.append_output(document, Edge(key))[0]


def layer(type_, name="", **settings):
    return Node("", type=type_, name=name, settings=settings)


L2 = {"class_name": "L2", "config": {"l2": 0.01}}
HE = {"class_name": "HeNormal", "config": {"seed": None}}
HE_SEED = {"class_name": "HeNormal", "config": {"seed": 3}}
CELL = {"class_name": "LSTMCell", "config": {"units": 8, "name": "lstm_cell"}}
MAX_NORM = {"class_name": "MaxNorm", "config": {"max_value": 3, "axis": 0}}

CALLS = [
    (layer("Dense", units=4, activation="relu", use_bias=True),
     'layers.Dense(4, activation="relu")'),
    (layer("Dense", units=4, activation="linear"), "layers.Dense(4)"),
    (layer("Dense", units=4, kernel_regularizer=L2),
     "layers.Dense(4, kernel_regularizer=keras.regularizers.L2(0.01))"),
    (layer("Dense", units=4, kernel_initializer=HE),
     'layers.Dense(4, kernel_initializer="he_normal")'),
    (layer("Dense", units=4, kernel_initializer=HE_SEED),
     "layers.Dense(4, kernel_initializer=keras.initializers.HeNormal(seed=3))"),
    (layer("Dense", units=4, bias_constraint=MAX_NORM),
     "layers.Dense(4, bias_constraint=keras.constraints.MaxNorm(3))"),
    (layer("Dense", units=4, bias_initializer="zeros"), "layers.Dense(4)"),
    (layer("Dense", units=4, dtype={"class_name": "DTypePolicy", "config": {"name": "float16"}}),
     'layers.Dense(4, dtype="float16")'),
    (layer("Dense", units=4, trainable=False, name="head"),
     'layers.Dense(4, trainable=False, name="head")'),
    (layer("Conv2D", filters=8, kernel_size=[3, 1], strides=[1, 1]), "layers.Conv2D(8, (3, 1))"),
    (layer("Conv2D", filters=8, kernel_size=3, strides=[2, 2]),
     "layers.Conv2D(8, 3, strides=(2, 2))"),
    (layer("Reshape", target_shape=[-1]), "layers.Reshape((-1,))"),
    (layer("RNN", cell=CELL, return_sequences=True),
     "layers.RNN(layers.LSTMCell(8), return_sequences=True)"),
    (layer("ReLU", max_value=float("inf")), 'layers.ReLU(max_value=float("inf"))'),
    (layer("Activation", activation={"class_name": "LeakyReLU", "config": {"negative_slope": 0.1}}),
     "layers.Activation(layers.LeakyReLU(negative_slope=0.1))"),
    (layer("Conv2D", kernel_size=3), "layers.Conv2D(kernel_size=3)"),
    (layer("Convolution2D", filters=2, kernel_size=3), "layers.Conv2D(2, 3)"),
    (layer("Scale", factor=2), "Scale(factor=2)"),
    (layer("Dense", units=4, name='say "hi"'), "layers.Dense(4, name='say \"hi\"')"),
]  # fmt: skip


@pytest.mark.parametrize(("node", "text"), CALLS, ids=[text for _, text in CALLS])
def test_arguments_are_written_as_people_do(node, text):
    code = to_code(chain(node))
    assert f"        {text},\n" in code, code


def test_a_chain_is_a_sequential():
    document = chain(
        layer("Conv2D", filters=32, kernel_size=3, activation="relu"),
        layer("Flatten"),
        layer("Dense", units=10, activation="softmax", name="classes"),
    )
    assert (
        assert_stays(document)
        == """\
import kerasnb as keras
from kerasnb import layers

model = keras.Sequential(
    [
        keras.Input(shape=(28, 28, 1)),
        layers.Conv2D(32, 3, activation="relu"),
        layers.Flatten(),
        layers.Dense(10, activation="softmax", name="classes"),
    ]
)
"""
    )


def test_a_graph_that_is_no_chain_is_functional_and_says_what_is_left_out():
    document = chain(layer("Dense", units=4), layer("Dense", units=4), shape=(4,))
    first, second = Edge("n2"), Edge("n3")
    document, _ = edits.add(document, layer("Add"), [first, second], several=True)
    document, _ = edits.add(document, layer("Dropout", rate=0.5, name="lost"), [first], branch=True)
    document, _ = edits.add(document, Node("", type="Flatten"))
    assert (
        to_code(document)
        == """\
import kerasnb as keras
from kerasnb import layers

inputs = keras.Input(shape=(4,))
skip = layers.Dense(4)(inputs)
x = layers.Dense(4)(skip)
outputs = layers.Add()([skip, x])
model = keras.Model(inputs, outputs)

# not connected: lost (Dropout)
# not connected: flatten (Flatten)
"""
    )


def test_nothing_and_what_has_no_output_yet():
    assert to_code(Document()) == (
        f"{HEADER}# Put a layer on the canvas: then the code of the model is here.\n"
    )
    document, _ = edits.add(Document(), Node("", "input", settings={"shape": [4]}, name="a\nb"))
    assert to_code(document, "keras") == (
        "import keras\nfrom keras import layers\n\n"
        "# Connect an output: then the code of the model is here.\n\n"
        "# not connected: a?b (input)\n"
    )


def test_long_calls_are_broken_as_ruff_does():
    name = "a" * 30
    document = chain(
        layer("Dense", units=1, name=name, kernel_regularizer=L2),
        layer("Dense", units=1, name=name + "b", kernel_regularizer=L2, bias_regularizer=L2),
        shape=(4,),
        type_="Functional",
    )
    assert (
        assert_stays(document)
        == HEADER
        + f"""\
inputs = keras.Input(shape=(4,))
x = layers.Dense(
    1, kernel_regularizer=keras.regularizers.L2(0.01), name="{name}"
)(inputs)
outputs = layers.Dense(
    1,
    kernel_regularizer=keras.regularizers.L2(0.01),
    bias_regularizer=keras.regularizers.L2(0.01),
    name="{name}b",
)(x)
model = keras.Model(inputs, outputs)
"""
    )


def test_groups_that_are_equal_have_one_function():
    document = chain(
        layer("Dense", units=4), layer("ReLU"), layer("Dense", units=4), layer("ReLU"),
        layer("Dense", units=5), layer("ReLU"), shape=(4,), type_="Functional",
    )  # fmt: skip
    for keys in (("n2", "n3"), ("n4", "n5"), ("n6", "n7")):
        document, _ = parts.wrap(document, keys, "group", "block")
    code = to_code(document)
    assert code == HEADER + (
        "\ndef block(x):\n    x = layers.Dense(4)(x)\n    x = layers.ReLU()(x)\n    return x\n\n\n"
        "def block_2(x):\n    x = layers.Dense(5)(x)\n    x = layers.ReLU()(x)\n    return x\n\n\n"
        "inputs = keras.Input(shape=(4,))\nx = block(inputs)\nx = block(x)\n"
        "outputs = block_2(x)\nmodel = keras.Model(inputs, outputs)\n"
    )
    assert to_code(from_code(code, {})) == code


def test_names_in_a_repeat_say_which_pass_it_is():
    document = chain(
        layer("Dense", units=4, name="a{b}"), layer("ReLU"), shape=(4,), type_="Functional"
    )
    document, inner = parts.wrap(document, ["n2", "n3"], "group", "block")
    document, outer = parts.wrap(document, [inner], "repeat", count=3)
    document, _ = parts.wrap(document, [outer], "repeat", count=2)
    code = assert_stays(document)
    assert code == HEADER + (
        "\ndef block(x, i, j):\n"
        '    x = layers.Dense(4, name=f"a{{b}}_{i}_{j}")(x)\n'
        "    x = layers.ReLU()(x)\n    return x\n\n\n"
        "inputs = keras.Input(shape=(4,))\nx = inputs\nfor i in range(2):\n"
        "    for j in range(3):\n        x = block(x, i, j)\nmodel = keras.Model(inputs, x)\n"
    )
    names = [layer.name for layer in made_by(code).layers if isinstance(layer, LAYERS["Dense"])]
    assert names == [f"a{{b}}_{i}_{j}" for i in range(2) for j in range(3)]


def test_a_layer_kept_in_a_function_is_seen_by_a_function_in_it():
    source = """
def outer(x):
    def inner(x):
        x = shared(x)
        x = layers.ReLU()(x)
        return x

    shared = layers.Dense(4)
    x = shared(x)
    x = inner(x)
    return x


inputs = keras.Input(shape=(4,))
outputs = outer(inputs)
model = keras.Model(inputs, outputs)
"""
    document = from_code(HEADER + source, {})
    assert assert_stays(document) == HEADER + source
    assert made_by(to_code(document)).count_params() == 20


class Scale(kerasnb.Layer):
    """A layer of a user's own, with a required argument, two inputs and two outputs."""

    def __init__(self, factor, more=1, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, first, second):
        return first * self.factor, second


def test_a_layer_of_ones_own_is_called_as_its_class_says():
    known = {"Scale": Scale}
    source = """
a = keras.Input((4,))
b, c = Scale(3, more=2)(a, a)
model = keras.Model(a, layers.Add()([b, c]))
"""
    document = from_code(HEADER + source, known)
    assert (
        assert_stays(document, known)
        == HEADER
        + """\
inputs = keras.Input(shape=(4,))
x, y = Scale(3, more=2)(inputs, inputs)
outputs = layers.Add()([x, y])
model = keras.Model(inputs, outputs)
"""
    )
