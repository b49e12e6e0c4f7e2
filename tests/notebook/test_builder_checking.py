"""What the builder says of a graph before there is a model, and what would mend it."""

import ast
import random
import time

import pytest
from builder_documents import random_document, random_edit

import kerasnb
from kerasnb import naming
from kerasnb.errors import ArgumentError
from kerasnb.notebook.builder import calls, edits, parts, walking
from kerasnb.notebook.builder.checking import Checker, check
from kerasnb.notebook.builder.document import Document, Edge, Node
from kerasnb.notebook.builder.entries import entries
from kerasnb.spec import TensorSpec

PALETTE = entries({})


def drawn(text, kind="Functional"):
    """The document of ``"key: Class argument=value < what it reads | ..."``; ids are n1, n2, ...

    A box reads the one before it if nothing else is said; ``-`` is no connection. The last one is
    the output, unless one is written, or a ``-`` stands at the end.
    """
    nodes, keys, parts_ = {}, {}, text.split(" | ")
    if parts_[-1] != "-" and "Output" not in text:
        parts_.append("Output")
    for number, part in enumerate(filter("-".__ne__, parts_), 1):
        said, _, reads = part.partition(" < ")
        key, _, said = said.rpartition(": ")
        name, *settings = said.split()
        reads = reads.split() if reads else [f"n{number - 1}"]
        keys[key] = f"n{number}"
        edges = [_edge(keys.get(r.partition(".")[0], r), r.partition(".")[2]) for r in reads]
        nodes[f"n{number}"] = Node(
            f"n{number}",
            {"Input": "input", "Output": "output"}.get(name, "layer"),
            type={"Input": "InputLayer", "Output": ""}.get(name, name),
            settings=dict(_setting(*each.split("=", 1)) for each in settings),
            reads=() if name == "Input" else tuple(edges),
        )
    return Document(nodes, type=kind, serial=len(nodes) + 1)


def _edge(key, output):
    return None if key == "-" else Edge(key, int(output or 0))


def _setting(name, text):
    try:
        return name, ast.literal_eval(text)
    except ValueError:
        return name, text


def problems(document, palette=PALETTE):
    return [c.problem for c in check(document, palette).nodes.values() if c.problem is not None]


def chain(*layers, shape=(28, 28, 1), **options):
    """An input, layers ``(class, settings)``, and an output."""
    start = Node("n1", "input", type="InputLayer", settings={"shape": list(shape), **options})
    nodes = [start]
    for name, settings in layers:
        reads = (Edge(nodes[-1].id),)
        nodes.append(Node(f"n{len(nodes) + 1}", type=name, settings=settings, reads=reads))
    nodes.append(Node(f"n{len(nodes) + 1}", "output", reads=(Edge(nodes[-1].id),)))
    return Document({n.id: n for n in nodes}, serial=len(nodes) + 1)


# What is wrong, in whole texts, and the fixes that are offered; with each the graph is complete


CASES = [
    (
        "Input shape=[28,28,1] | Conv2D filters=32 kernel_size=3 | Dense units=10",
        "Dense after Conv2D sees (26, 26, 32): insert Flatten.",
        ["Insert Flatten", "Insert GlobalAveragePooling2D"],
    ),
    (
        "Input shape=[28,28] | Dense units=10",
        "Dense on an input sees (28, 28): insert Flatten.",
        ["Insert Flatten"],
    ),
    (
        "Input shape=[784] | Conv2D filters=32 kernel_size=3",
        "Conv2D needs images (height, width, channels), but input gives (784,).",
        ["Insert Reshape((28, 28, 1))"],
    ),
    (
        "Input shape=[28,28] | Conv2D filters=32 kernel_size=3",
        "Conv2D needs images (height, width, channels), but input gives (28, 28).",
        ["Insert Reshape((28, 28, 1))"],
    ),
    (
        "Input shape=[28,28,1] | Flatten | Conv2D filters=32 kernel_size=3",
        "Conv2D needs images (height, width, channels), but flatten gives (784,).",
        ["Remove flatten", "Insert Reshape((28, 28, 1))"],
    ),
    (
        "Input shape=[10,8] | LSTM units=4 | LSTM units=4",
        "LSTM needs a sequence (steps, features), but lstm gives only its last step, (4,).",
        ["Set return_sequences of lstm to True", "Insert Reshape((4, 1))"],
    ),
    (
        "Input shape=[10] dtype=int32 | LSTM units=4",
        "LSTM needs a sequence (steps, features), but input gives (10,).",
        ["Insert Embedding(10000, 64)", "Insert Reshape((10, 1))"],
    ),
    (
        "Input shape=[10] | LSTM units=4",
        "LSTM needs a sequence (steps, features), but input gives (10,).",
        ["Insert Reshape((10, 1))", "Insert Embedding(10000, 64)"],
    ),
    (
        "Input shape=[8,8,3] | LSTM units=4",
        "LSTM needs a sequence (steps, features), but input gives (8, 8, 3).",
        ["Insert Reshape((64, 3))"],
    ),
    (
        "Input shape=[10] | Dense units=7 | LSTM units=4",
        "LSTM needs a sequence (steps, features), but dense gives (7,).",
        ["Insert Reshape((7, 1))"],
    ),
    (
        "Input shape=[3,3,1] | Conv2D filters=2 kernel_size=5",
        "The window reaches over (5, 5) positions, but the padded input has only (3, 3). Use "
        "a smaller window or dilation, padding='same', or a larger input.",
        ["Set padding to same", "Set kernel_size to 3"],
    ),
    (
        "Input shape=[3,3,1] | MaxPooling2D pool_size=4",
        "The window reaches over (4, 4) positions, but the padded input has only (3, 3). Use "
        "a smaller window or dilation, padding='same', or a larger input.",
        ["Set padding to same", "Set pool_size to 3", "Leave out pool_size"],
    ),
    (
        "x: Input shape=[8] | d: Dense units=4 activation=relu | Add < d x",
        "Add needs tensors of one shape, but they are (4,) and (8,).",
        ["Insert Dense(4) after input", "Insert Dense(8) after dense", "Use Concatenate instead"],
    ),
    (
        "x: Input shape=[32,32,3] | c: Conv2D filters=8 kernel_size=3 padding=same | Add < c x",
        "Add needs tensors of one shape, but they are (32, 32, 8) and (32, 32, 3).",
        [
            "Insert Conv2D(8, 1) after input",
            "Insert Conv2D(3, 1) after conv2d",
            "Use Concatenate instead",
        ],
    ),
    (
        "x: Input shape=[32,32,3] | c: Conv2D filters=8 kernel_size=3 padding=same strides=2 "
        "| Add < c x",
        "Add needs tensors of one shape, but they are (16, 16, 8) and (32, 32, 3).",
        ["Insert Conv2D(8, 1, 2) after input"],
    ),
    (
        "x: Input shape=[32,32,8] | c: Conv2D filters=8 kernel_size=3 | Add < c x",
        "Add needs tensors of one shape, but they are (30, 30, 8) and (32, 32, 8).",
        ["Set padding of conv2d to same", "Insert Conv2D(8, 3) after input"],
    ),
    (
        "x: Input shape=[8] | d: Dense units=4 activation=relu | Subtract < d x",
        "Subtract needs tensors of one shape, but they are (4,) and (8,).",
        ["Insert Dense(4) after input", "Insert Dense(8) after dense", "Use Concatenate instead"],
    ),
    (
        "x: Input shape=[32,32,3] | f: Flatten | Concatenate < f x",
        "Concatenate needs tensors that differ in the last axis only, but they are (3072,) "
        "and (32, 32, 3).",
        ["Insert Flatten after input", "Insert GlobalAveragePooling2D after input"],
    ),
    (
        "x: Input shape=[10,8] | y: Input shape=[5,8] | Concatenate < y x",
        "Concatenate needs tensors that differ in the last axis only, but they are (5, 8) and"
        " (10, 8).",
        [
            "Set axis to 1",
            "Insert Conv1D(8, 1, 2) after input",
            'Insert MaxPooling1D(2, padding="same") after input',
        ],
    ),
    (
        "Input shape=[10] | Embedding input_dim=10 output_dim=4",
        "Embedding looks up whole numbers, but input gives fractions.",
        ["Set dtype of input to int32"],
    ),
    (
        "Input shape=[10,8] | MultiHeadAttention num_heads=2 key_dim=4",
        "MultiHeadAttention reads query and value, perhaps key: connect 2 tensors.",
        ["Let it read input once more"],
    ),
    (
        "Input shape=[10] | Dense units=4 | -",
        "The model has no output: let this box be one.",
        ["Let it be an output"],
    ),
    (
        "Input shape=[10] | Dense",
        "Dense needs a value for units.",
        ["Set units to 64"],
    ),
    (
        "x: Input shape=[10,3] | MultiHeadAttention < x x",
        "MultiHeadAttention needs num_heads and key_dim.",
        ["Set num_heads to 4 and key_dim to 16"],
    ),
    (
        "Input shape=[10] | Dense units=0",
        "units must be a whole number of at least 1, got 0.",
        ["Set units to 64", "Set units to 1"],
    ),
    (
        "Input shape=[10] | Dense units=3 activation=rleu",
        "Unknown activation 'rleu'. Did you mean 'relu' or 'relu6'?",
        ["Set activation to relu", "Set activation to relu6", "Leave out activation"],
    ),
    (
        "Input shape=[10] | Dropout rate=2.0 | Dense units=3",
        "rate must be a number from 0 to 1, got 2.0.",
        ["Set rate to 0.5", "Set rate to 1.0"],
    ),
    (
        "Input shape=[10] | Dense units=3 actvation=relu",
        "Unknown argument of Dense: 'actvation'. Did you mean 'activation'?",
        ["Call actvation activation", "Leave out actvation"],
    ),
    (
        "Input shape=[10,10,1] | Conv2D filters=3 kernel_size=3 padding=sam",
        "Unknown padding of Conv2D 'sam'. Did you mean 'same'?",
        ["Set padding to same", "Leave out padding"],
    ),
    (
        "Input shape=[10] | Foo units=0 | Dense units=3",
        "There is no layer 'Foo' here.",
        ["Remove foo"],
    ),
    (
        "Input | Dense units=3",
        "Give this input a shape, such as (28, 28, 1).",
        ["Set shape to (28, 28, 1)", "Set shape to (8,)", "Set shape to (10, 8)"],
    ),
    (
        "Input shape=[-3] | Dense units=3",
        "The lengths of axes must be whole numbers above 0, got -3.",
        ["Set shape to (3,)"],
    ),
    (
        "Input shape=[3] dtype=float33 | Dense units=3",
        "There is no dtype 'float33'. Use float32 or int32.",
        ["Leave out dtype"],
    ),
    (
        "x: Input shape=[10] | Input shape=[4] | Dense units=3 < x",
        "Nothing reads this input.",
        ["Remove input_1"],
    ),
    (
        "Input shape=[10]",
        "There is no layer between input and output.",
        ["Insert Dense(64)"],
    ),
    (
        "Input shape=[10] | d: Dense units=3 | ReLU < d.1",
        "dense has only one output, and this reads number 2.",
        ["Read the first output of dense"],
    ),
    (
        "Input shape=[10] | Dense units=1 activation=softmax",
        "A softmax over one unit is always 1: use sigmoid.",
        ["Set activation to sigmoid"],
    ),
    (
        "Input shape=[10] | Dense units=5 | Dense units=3",
        "Without an activation it does no more than dense_1 alone.",
        ["Set activation to relu"],
    ),
    (
        "Input shape=[10] | Dense units=5 | Dropout rate=0.2",
        "Dropout as the last layer sets predictions to 0 in training.",
        ["Remove dropout"],
    ),
    (
        "Input shape=[10] | Dense units=10 | Add",
        "Add reads only one tensor: connect another one.",
        ["Connect input", "Remove add"],
    ),
    (
        "x: Input shape=[10] | d: Dense units=10 | ReLU < x | Output < d",
        "No output depends on this box, so it is not part of the model.",
        ["Let it be an output", "Remove re_lu"],
    ),
    (
        "Input shape=[10] | Reshape target_shape=[3,5]",
        "A sample of shape (10,) has 10 features, which do not fit into target_shape=(3, 5).",
        ["Set target_shape to (-1, 5)", "Set target_shape to (-1,)"],
    ),
    (
        "Input shape=[10,3,4] | Permute dims=[2,1]",
        "Expected an input with 3 axes for dims=(2, 1), got (None, 10, 3, 4). Reshape it, or "
        "change the preceding layer.",
        ["Set dims to (2, 3, 1)"],
    ),
    (
        "Input shape=[8,8,3] | Conv2D filters=4 kernel_size=3 groups=2",
        "The 3 channels of input (None, 8, 8, 3) must be a multiple of groups=2.",
        ["Set groups to 1", "Leave out groups"],
    ),
    (
        "Input shape=[None,None,3] | Flatten | Dense units=3",
        "The last axis of the input (None, None) must be known. Give its length in "
        "Input(shape=...).",
        ["Use GlobalAveragePooling2D in place of flatten"],
    ),
    (
        "Input shape=[8] | BatchNormalization axis=4 | Dense units=3",
        "axis=4 does not exist in an input of shape (None, 8); expected -2 to 1.",
        ["Leave out axis"],
    ),
    (
        "x: Input shape=[8] | y: Input shape=[4] | Dot axes=1 < x y",
        "Expected axes of one length, got 8 and 4 in inputs of (None, 8) and (None, 4) with "
        "axes=1.",
        ["Insert Dense(4) after input", "Insert Dense(8) after input_1"],
    ),
    (
        "Input shape=[8,3] | RepeatVector n=4",
        "RepeatVector needs a vector (features,), but input gives (8, 3).",
        ["Insert Flatten"],
    ),
    (
        "Input shape=[8] | GlobalAveragePooling2D",
        "GlobalAveragePooling2D needs images (height, width, channels), but input gives (8,).",
        ["Remove global_average_pooling2d"],
    ),
    (
        "Input shape=[8,3] | Attention",
        "Attention reads query and value, perhaps key: connect 2 tensors.",
        ["Let it read input once more"],
    ),
    (
        "Input shape=[8,3] | Dense units=3 "
        "kernel_initializer={'class_name':'HeNormal','config':{'sed':3}}",
        "TypeError in Dense: _NamedScaling.__init__() got an unexpected keyword argument 'sed'",
        ["Leave out kernel_initializer"],
    ),
]


@pytest.mark.parametrize(("drawing", "text", "fixes"), CASES)
def test_a_problem_and_its_fixes(drawing, text, fixes):
    document = drawn(drawing)
    document.check()
    (problem,) = problems(document)
    assert problem.text == text
    assert [fix.text for fix in problem.fixes] == fixes
    for fix in problem.fixes:
        after = fix.apply(document)
        after.check()
        report = check(after, PALETTE)
        left = [c.problem.text for c in report.nodes.values() if c.problem is not None]
        assert text not in left
        assert report.complete or fix.text in ALONE, f"{fix.text}: {report.errors}"


# without these there is no layer left
ALONE = ("Remove attention", "Remove global_average_pooling2d")


def test_levels():
    (advice,) = problems(drawn("Input shape=[9] | Dense units=1 activation=softmax"))
    (error,) = problems(drawn("Input shape=[9] | Dense"))
    assert (advice.level, error.level) == ("advice", "error")


def test_several_problems_stand_on_their_nodes():
    document = drawn("Input shape=[10,8] | Flatten | Dense units=4 < -")
    report = check(document, PALETTE)
    said = {key: c.problem and (c.problem.level, c.problem.text) for key, c in report.nodes.items()}
    assert said == {
        "n1": ("error", "No output depends on this input."),
        "n2": ("advice", "No output depends on this box, so it is not part of the model."),
        "n3": ("error", "Nothing is connected: draw a line to what this is to read."),
        "n4": None,
    }
    assert report.nodes["n4"].specs == ()  # not known, which is no error
    texts = {key: [f.text for f in c.problem.fixes] for key, c in report.nodes.items() if c.problem}
    assert texts == {
        "n1": ["Connect it to dense", "Let flatten be an output"],
        "n2": ["Let it be an output", "Remove flatten"],
        "n3": ["Connect flatten", "Connect input"],
    }


def test_an_empty_document_has_no_problem_and_is_not_complete():
    report = check(Document(), PALETTE)
    assert (report.nodes, report.parameters, report.complete) == ({}, 0, False)


def test_a_sequential_passes_on_one_tensor():
    text = "Input shape=[10,8] | LSTM units=4 return_state=True"
    assert check(drawn(text), PALETTE).complete
    document = drawn(text, "Sequential")
    (problem,) = problems(document)
    assert problem.text == "LSTM gives 3 tensors, but in a Sequential a layer gives one."
    assert [f.text for f in problem.fixes] == [
        "Leave out return_state",
        "Make the model Functional",
    ]
    assert all(check(f.apply(document), PALETTE).complete for f in problem.fixes)


def test_two_names():
    document = chain(("Dense", {"units": 3}), ("ReLU", {}), shape=(4,))
    document = document.change("n2", name="twin").change("n3", name="twin")
    (problem,) = problems(document)
    assert problem.text == "There is another layer named 'twin'."
    assert [f.text for f in problem.fixes] == ["Call it twin_2"]
    assert check(problem.fixes[0].apply(document), PALETTE).complete


# Containers


def wrapped(kind, *layers, count=2, **options):
    document = chain(*layers, **options)
    inside = [n.id for n in document if n.kind == "layer"]
    document, key = parts.wrap(document, inside, kind, count=count)
    return document, key


def test_what_is_repeated_counts_as_often_and_shows_its_first_shapes():
    document, key = wrapped("repeat", ("Dense", {"units": 5}), shape=(3,), count=4)
    report = check(document, PALETTE)
    assert report.nodes["n2"].parameters == 3 * 5 + 5
    assert report.nodes[key].parameters == report.parameters == 3 * 5 + 5 + 3 * (5 * 5 + 5)
    assert report.nodes[key].memory == report.memory == 4 * 5 * 4
    assert report.nodes[key].cost == report.cost == (2 * 3 * 5 + 5) + 3 * (2 * 5 * 5 + 5)
    assert report.nodes["n2"].specs == (TensorSpec((None, 5), "float32"),)


def test_a_problem_in_a_further_repetition_names_it():
    layer = ("Conv2D", {"filters": 2, "kernel_size": 3})
    document, _ = wrapped("repeat", layer, shape=(6, 6, 1), count=3)
    (problem,) = problems(document)
    assert problem.text == (
        "In repetition 3: The window reaches over (3, 3) positions, but the padded input has only "
        "(2, 2). Use a smaller window or dilation, padding='same', or a larger input."
    )
    assert [f.text for f in problem.fixes] == ["Set padding to same"]


def test_many_layers_are_refused_before_they_are_walked():
    document, key = wrapped("repeat", ("Dense", {"units": 5}), shape=(5,), count=900)
    document, _ = parts.wrap(document, [key], "repeat", count=900)
    start = time.perf_counter()
    found = problems(document)
    assert time.perf_counter() - start < 2
    assert {p.text for p in found} == {
        "The model would have 810,000 layers: repeat this less often."
    }


def test_a_model_within_has_its_own_input_or_takes_what_comes():
    document, key = wrapped("model", ("Dense", {"units": 5}), shape=(3,))
    inner = document.inputs(key)[0]
    assert check(document, PALETTE).nodes[inner.id].specs == (TensorSpec((None, 3), "float32"),)
    document = edits.set_setting(document, inner.id, "shape", [4])
    (problem,) = problems(document)
    assert problem.text == "This model takes (4,), but input gives (3,)."
    assert [f.text for f in problem.fixes] == ["Set shape of input_1 to (3,)"]
    assert check(problem.fixes[0].apply(document), PALETTE).complete


def test_a_shared_layer_is_counted_once_and_does_not_suit_everything():
    document = drawn(
        "x: Input shape=[4] | y: Input shape=[5] | Dense units=4 < x | Dense | Output | Output < y"
    ).change("n4", shares="n3")
    report = check(document, PALETTE)
    assert (report.parameters, report.nodes["n4"].parameters, report.complete) == (20, 0, True)
    document = document.change("n4", reads=(Edge("n2"),)).change("n6", reads=(Edge("n3"),))
    (problem,) = problems(document)
    assert problem.text == "dense was made for (4,), so it cannot be called on (5,)."
    assert [f.text for f in problem.fixes] == ["Give it weights of its own"]
    assert check(problem.fixes[0].apply(document), PALETTE).complete


def test_a_model_cannot_hold_itself():
    document, key = wrapped("model", ("Dense", {"units": 3}), shape=(3,))
    own, document = document.new_id()
    inner = document.outputs(key)[0]
    document = document.put(
        Node(own, "model", key, "Functional", reads=(Edge("n2"),), shares=key)
    ).change(inner.id, reads=(Edge(own),))
    assert "A model cannot be within itself." in [p.text for p in problems(document)]


def test_dead_ends_are_not_part_of_the_model():
    document = drawn(
        "x: Input shape=[4] | a: Dense units=4 activation=relu | Dense units=7 < x | Output < a"
    )
    report = check(document, PALETTE)
    assert (report.parameters, report.complete) == (20, True)
    assert report.nodes["n3"].parameters == 35
    assert "n3" not in report.live


# Layers of one's own


class Fails(kerasnb.Layer):
    """Fails in one way or another."""

    def __init__(self, where="call", **kwargs):
        super().__init__(**kwargs)
        self.where = where
        if where == "init":
            raise AssertionError("not like this")

    def build(self, input_shape):
        if self.where == "build":
            raise KeyError("weights")

    def call(self, x):
        if self.where == "ours":
            raise ArgumentError("units: bad")
        return x.shape[9] if self.where == "call" else x


@pytest.mark.parametrize(
    ("where", "text"),
    [
        ("call", "IndexError in Fails: tuple index out of range"),
        ("build", "KeyError in Fails: 'weights'"),
        ("init", "AssertionError in Fails: not like this"),
        ("ours", "ArgumentError in Fails: units: bad"),
    ],
)
def test_an_error_of_a_layer_of_ones_own_stands_on_its_node(where, text):
    document = chain(("Fails", {"where": where}), ("Dense", {"units": 2}), shape=(3,))
    assert [p.text for p in problems(document, entries({"Fails": Fails}))] == [text]


# Without weights


def test_sizes_that_no_machine_has(monkeypatch):
    calls.machine_bytes.cache_clear()
    monkeypatch.setattr(calls, "machine_bytes", lambda: 8 * 10**9)
    document = chain(("Dense", {"units": 10**8}), shape=(784,))
    start = time.perf_counter()
    (problem,) = problems(document)
    assert time.perf_counter() - start < 1
    assert problem.text == "Its weights would take 314 GB of memory; there are 8.0 GB."
    assert problem.fixes[0].text == "Set units to 64"
    (problem,) = problems(chain(("Dense", {"units": 10**18}), shape=(784,)))
    assert problem.text == "Variable 'kernel' cannot have the shape (784, 1000000000000000000)."
    (problem,) = problems(chain(("LSTM", {"units": 10**7}), shape=(10, 8)))
    assert problem.text == "Its weights would take 1,600,001 GB of memory; there are 8.0 GB."


def test_what_fits_alone_may_be_too_large_together(monkeypatch):
    for module in (calls, walking):
        monkeypatch.setattr(module, "machine_bytes", lambda: 5 * 10**9)
    units = {"units": 30_000, "activation": "relu"}
    document = chain(("Dense", units), ("Dense", units), ("Dense", units), shape=(4,))
    (problem,) = problems(document)
    assert problem.text == "All weights would take 7.2 GB of memory; there are 5.0 GB."


def test_checking_leaves_names_and_random_numbers_alone():
    kerasnb.utils.set_random_seed(3)
    expected = random.random()
    kerasnb.utils.set_random_seed(3)
    before = naming._counts.copy()
    layers = ("MultiHeadAttention", {"num_heads": 2, "key_dim": 3, "dropout": 0.5}), ("Dense", {})
    problems(chain(*layers, ("Dropout", {"rate": 0.5}), shape=(4, 3)))
    assert random.random() == expected
    assert naming._counts == before


# Whatever a person does


def allowed(report):
    """Whether nothing is wrong but what a random graph may have: an input read in vain."""
    return all(p.text == "No output depends on this input." for _, p in report.errors)


@pytest.mark.parametrize("seed", range(300))
def test_random_documents_have_no_error(seed):
    report = check(random_document(seed), PALETTE)
    assert allowed(report), report.errors
    assert report.complete == (not report.errors)


@pytest.mark.parametrize("seed", range(40))
def test_no_edit_makes_a_check_fail_and_fixes_keep_a_document_whole(seed):
    chance = random.Random(seed)
    checker = Checker(PALETTE)
    document = random_document(seed)
    for _ in range(40):
        try:
            document = random_edit(document, chance)
        except ArgumentError:
            continue
        if len(document.nodes) > 50:
            document = random_document(seed)
        report = checker.check(document)
        assert set(report.nodes) == set(document.nodes)
        if chance.random() < 0.1:
            for checked in report.nodes.values():
                for fix in checked.problem.fixes if checked.problem is not None else ():
                    fix.apply(document).check()


def test_nodes_that_no_edit_makes_are_problems_too():
    odd = [
        {"shape": "abc"}, {"shape": [True]}, {"shape": [4], "batch_size": 0}, {"shape": [2**40]},
        {"shape": [[4]]}, {"shape": {"a": 1}}, {"shape": [4], "dtype": ["x"]},
    ]  # fmt: skip
    for settings in odd:
        document = chain(("Dense", {"units": 2})).change("n1", settings=settings)
        assert not check(document, PALETTE).complete, settings
    for settings in ({"units": [3]}, {"units": None}, {"units": 1e99}, {"activation": {"a": 3}}):
        document = chain(("Dense", {"units": 3, **settings}), shape=(3,))
        assert not check(document, PALETTE).complete, settings


def test_two_hundred_layers_are_checked_while_a_person_types():
    layers = [("Dense", {"units": 8 + i, "activation": "relu"}) for i in range(200)]
    document, checker = chain(*layers, shape=(8,)), Checker(PALETTE)

    def seconds(document):
        start = time.perf_counter()
        assert checker.check(document).complete
        return time.perf_counter() - start

    first = seconds(document)
    edited = [edits.set_setting(document, "n100", "units", 300 + i) for i in range(5)]
    again = min(map(seconds, edited))
    # 95 ms and 4 ms on two cores of a laptop; busy machines take longer
    assert first < 2
    assert again < 0.05


def test_trials_are_forgotten_in_time(monkeypatch):
    monkeypatch.setattr(calls, "_KEPT", 10)
    checker = Checker(PALETTE)
    for units in range(1, 40):
        checker.check(chain(("Dense", {"units": units}), shape=(3,)))
    assert len(checker._calls._known) == 10
