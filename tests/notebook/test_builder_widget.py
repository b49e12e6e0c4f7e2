"""`Builder` as Python sees it, what its page asks for, training, playgrounds and exercises."""

import base64
import json
import random
import time

import numpy as np
import pytest

pytest.importorskip("anywidget")

import kerasnb
from kerasnb import layers
from kerasnb.errors import ArgumentError, LoadError
from kerasnb.notebook.builder.data import Data
from kerasnb.notebook.builder.exercise import Exercise
from kerasnb.notebook.builder.keeping import bundle
from kerasnb.notebook.builder.page import MORE, TRAINING
from kerasnb.notebook.builder.playground import Playground
from kerasnb.notebook.builder.session import FIELDS
from kerasnb.notebook.builder.widget import Builder

CODE = """
from keras import Input, Sequential, layers
model = Sequential([Input((4,)), layers.Dense(8, activation="relu"), layers.Dense(3)])
"""


def data(samples=60):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(samples, 4)).astype("float32")
    return {"x": x, "y": rng.integers(0, 3, samples)}


def ask(builder, op, **values):
    """Send what a page would; the answer."""
    values |= {"onto": None} if op == "add" else {}
    sent = []
    page = builder.trainer if op in TRAINING else builder.widget
    page.send = sent.append
    before = page.dropped
    page._times.clear()  # a test is faster than a person
    page.receive({"op": op, **values})
    assert page.dropped == before, f"{op} was dropped"
    (answer,) = sent
    assert answer["refused"] is None, answer["refused"]
    return answer


def node(builder, name):
    (found,) = [n for n in builder.widget.state["nodes"] if n["name"] == name]
    return found


def until(condition, what):
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, f"waited in vain until {what}"
        time.sleep(0.01)


# Both ways


def test_canvas_code_and_model_are_one():
    builder = Builder.from_code(CODE)
    assert builder.model.count_params() == 4 * 8 + 8 + 8 * 3 + 3
    ask(builder, "set", node=node(builder, "dense")["id"], name="units", text="16")
    assert "layers.Dense(16, activation" in builder.to_code()
    assert builder.widget.state["code"] == builder.to_code()
    assert [layer.units for layer in builder.model.layers] == [16, 3]
    builder.model = kerasnb.Sequential([kerasnb.Input((2,)), layers.Dense(1, name="only")])
    assert [n["name"] for n in builder.widget.state["nodes"]] == ["input", "only", "output"]
    builder.from_code(CODE)
    assert len(builder.model.layers) == 2
    builder.undo()
    builder.undo()
    builder.undo()
    assert "layers.Dense(8, activation" in builder.to_code()
    builder.redo()
    assert "layers.Dense(16, activation" in builder.to_code()


def test_code_of_a_builder_runs_and_is_stable():
    code = Builder.from_code(CODE).to_code("keras")
    assert Builder.from_code(code).to_code("keras") == code
    names = {}
    exec(code.replace("import keras\n", "import kerasnb as keras\n").replace(
        "from keras import", "from kerasnb import"), names)  # fmt: skip
    assert names["model"].output_shape == (None, 3)


def test_code_is_read_and_never_run(tmp_path):
    proof = tmp_path / "proof"
    source = CODE + f"open({str(proof)!r}, 'w').close()\n"
    builder = Builder.from_code(source)
    ask(builder, "code", text=source + "__import__('os').system('true')\n")
    assert not proof.exists()


def test_what_is_no_model_is_refused():
    with pytest.raises(ArgumentError) as caught:
        Builder(3)
    assert str(caught.value) == "Builder: expected a model, got int."
    with pytest.raises(LoadError):
        Builder.from_code("print('hello')")
    with pytest.raises(ArgumentError) as caught:
        Builder().model  # noqa: B018
    assert str(caught.value) == "The model is empty: add a layer."


def test_a_layer_of_ones_own_is_in_the_palette():
    class Doubled(kerasnb.Layer):
        """Twice the input."""

        def call(self, inputs):
            return inputs * 2

    builder = Builder(namespace={"Doubled": Doubled})
    (entry,) = [e for e in builder.widget.palette if e["type"] == "Doubled"]
    assert (entry["family"], entry["doc"], entry["custom"]) == (
        "Your own",
        "Twice the input.",
        True,
    )
    ask(builder, "add", type="Dense", after=[], branch=False, parent="")
    ask(builder, "add", type="Doubled", after=[], branch=False, parent="")
    assert type(builder.model.layers[-1]) is Doubled


# Weights stay


def test_trained_weights_stay_where_a_change_allows_it():
    builder = Builder.from_code(CODE)
    first = builder.model
    kernel = first.layers[0].get_weights()[0]
    ask(builder, "add", type="Dropout", after=[[node(builder, "dense")["id"], 0]], branch=False,
        parent="")  # fmt: skip
    second = builder.model
    assert second is not first
    np.testing.assert_array_equal(second.layers[0].get_weights()[0], kernel)
    ask(builder, "set", node=node(builder, "dense")["id"], name="units", text="5")
    third = builder.model
    assert third.layers[0].get_weights()[0].shape == (4, 5)
    np.testing.assert_array_equal(first.layers[0].get_weights()[0], kernel)


# Training


def test_what_makes_sense_is_preset_and_said_why():
    builder = Builder.from_code(CODE)
    builder._panel.namespace = builder._namespace = data()
    ask(builder, "choose", values={"data": "x"})
    training = builder.trainer.training
    assert training["values"]["y"] == "y"
    assert training["values"]["loss"].startswith("SparseCategoricalCrossentropy")
    assert "integer" in training["reasons"]["loss"].lower()
    assert training["problem"] is None
    json.dumps(training, allow_nan=False)


def test_a_network_is_trained_changed_and_trained_on():
    builder = Builder(namespace=data(), _document=Builder.from_code(CODE)._session.document)
    ask(builder, "choose", values={"data": "x"})
    values = {**builder.trainer.training["values"], "epochs": 3}
    ask(builder, "train", values=values)
    assert builder.trainer.live == builder._panel.view.widget.model_id
    until(lambda: builder.trainer.training["state"] == "done", "training is done")
    builder.training.wait(20)
    assert len(builder.history.epoch) == 3
    badge = node(builder, "dense")["badge"]
    assert "gradient" in badge["title"]
    assert max(badge["bars"]) == 1
    kernel = builder.model.layers[0].get_weights()[0]
    ask(builder, "set", node=node(builder, "dense_1")["id"], name="activation", text="softmax")
    np.testing.assert_array_equal(builder.model.layers[0].get_weights()[0], kernel)
    ask(builder, "add", type="Dense", after=[[node(builder, "dense")["id"], 0]], branch=False,
        parent="")  # fmt: skip
    assert node(builder, "dense_2")["fresh"]
    assert not node(builder, "dense")["fresh"]
    ask(builder, "train", values={**builder.trainer.training["values"], "epochs": 2})
    assert not node(builder, "dense_2")["fresh"]
    builder.training.wait(20)


def test_new_weights_are_said_until_they_are_trained():
    builder = Builder(namespace=data(), _document=Builder.from_code(CODE)._session.document)
    builder.train(data="x", epochs=1).wait(20)
    until(lambda: builder.trainer.training["state"] == "done", "training is done")
    assert not any(n["fresh"] for n in builder.widget.state["nodes"])
    after = [[node(builder, "dense")["id"], 0]]
    ask(builder, "add", type="Dense", after=after, branch=False, parent="")
    fresh = [n["name"] for n in builder.widget.state["nodes"] if n["fresh"]]
    assert sorted(fresh) == ["dense_1", "dense_2"]
    ask(builder, "add", type="Dropout", after=after, branch=False, parent="")
    assert node(builder, "dense_2")["fresh"]
    builder.train(epochs=1).wait(20)
    assert not node(builder, "dense_2")["fresh"]


def test_training_is_steered_from_the_page():
    builder = Builder(namespace=data(), _document=Builder.from_code(CODE)._session.document)
    ask(builder, "choose", values={"data": "x"})
    ask(builder, "train", values={**builder.trainer.training["values"], "epochs": 100_000})
    ask(builder, "pause")
    until(lambda: builder.training.paused, "it waits")
    before = int(builder.model.optimizer.iterations)
    ask(builder, "step")
    until(lambda: int(builder.model.optimizer.iterations) == before + 1, "one step is done")
    ask(builder, "resume")
    ask(builder, "stop")
    assert builder.training.wait(20)
    assert builder.training.state == "stopped"


@pytest.mark.parametrize("values", [{"epochs": 0}, {"epochs": None}, {"learning_rate": -1},
                                    {"batch_size": 2.5}, {"validation_split": 7}])  # fmt: skip
def test_numbers_that_make_no_sense_are_refused_before_training(values):
    builder = Builder(namespace=data(), _document=Builder.from_code(CODE)._session.document)
    ask(builder, "choose", values={"data": "x"})
    message = {"op": "train", "values": {**builder.trainer.training["values"], **values}}
    (name,) = values
    assert builder.obey(message).refused.startswith(name.replace("_", " "))
    assert builder.training is None


# Looking


@pytest.mark.parametrize(
    "values",
    [
        {"data": ["x"]}, {"data": "nobody"}, {"data": "set: nothing"}, {"data": "x", "epochs": "3"},
        {"data": "x", "optimizer": "nonsense"}, {"data": "x", "metrics": "accuracy"},
    ],
)  # fmt: skip
def test_a_choice_that_there_is_not_is_refused_and_nothing_of_it_stays(values):
    builder = Builder(namespace=data(), _document=Builder.from_code(CODE)._session.document)
    ask(builder, "choose", values={"data": "x"})
    before = builder.trainer.training
    assert builder.obey({"op": "choose", "values": values}).refused
    builder._show()
    assert builder.trainer.training == before


def test_weights_are_seen_and_one_is_changed_by_hand():
    builder = Builder.from_code(CODE)
    key = node(builder, "dense")["id"]
    seen = ask(builder, "look", node=key)["data"]
    assert base64.b64decode(seen["png"])[1:4] == b"PNG"
    assert seen["text"] == "Weights of dense: kernel (4, 8), bias (8,)."
    assert [w["shape"] for w in seen["weights"]] == [[4, 8], [8]]
    ask(builder, "weight", node=key, number=0, place=9, value=2.5)
    assert builder.model.layers[0].get_weights()[0][1, 1] == 2.5


def test_what_is_done_by_hand_is_undone_too():
    builder = Builder.from_code(CODE)
    key = node(builder, "dense")["id"]
    before = builder.model.layers[0].get_weights()[0]
    ask(builder, "weight", node=key, number=0, place=9, value=2.5)
    assert builder.widget.state["undo"] == "a weight of dense"
    builder.undo()
    np.testing.assert_array_equal(builder.model.layers[0].get_weights()[0], before)
    builder.redo()
    assert builder.model.layers[0].get_weights()[0][1, 1] == 2.5
    drawn = Playground([])
    ask(drawn, "point", x=0.5, y=0.25, label=1)
    drawn.undo()
    assert drawn.trainer.sight["points"] == []
    drawn.redo()
    assert drawn.trainer.sight["points"] == [[0.5, 0.25, 1.0, True]]


@pytest.mark.parametrize("kind", ["code", "keras", "json", "svg", "png"])
def test_a_model_is_shared_as_a_file(kind):
    builder = Builder.from_code(CODE)
    shared = ask(builder, "share", format=kind)["data"]
    assert shared["name"].startswith("model.")
    if kind == "json":
        again = kerasnb.models.model_from_json(shared["text"])
        assert again.get_config() == builder.model.get_config()
        config = json.loads(shared["text"])["config"]
        assert config == json.loads(json.dumps(builder.model.get_config()))
    elif kind == "png":
        assert base64.b64decode(shared["base64"])[1:4] == b"PNG"
    else:
        assert ("<svg" if kind == "svg" else "layers.Dense(8") in shared["text"]


def test_picture_and_code_are_kept_without_any_script():
    builder = Builder.from_code(CODE.replace("Dense(3)", "Dense(3, name='<script>x')"))
    kept = bundle(builder._session)
    assert kept["text/plain"] == builder.to_code()
    assert base64.b64decode(kept["image/png"])[1:4] == b"PNG"
    assert "<script" not in kept["text/html"]
    assert "&lt;script" in kept["text/html"]


# Playgrounds


@pytest.mark.parametrize(("name", "kind"), [("moons", "plane"), ("xor", "plane"),
                                            ("digits", "mistakes")])  # fmt: skip
def test_a_playground_is_ready_to_train_and_shows_what_the_model_makes_of_it(name, kind):
    pytest.importorskip("sklearn")
    builder = Playground(name)
    assert builder.trainer.training["problem"] is None
    ask(builder, "train", values={**builder.trainer.training["values"], "epochs": 3})
    assert builder.training.wait(20)
    sight = builder.trainer.sight
    assert sight["kind"] == kind
    assert " right" in sight["text"]
    json.dumps(sight, allow_nan=False)


def test_points_are_drawn_by_hand():
    builder = Playground([])
    rng = np.random.default_rng(0)
    for i in range(20):
        x, y = rng.normal(size=2) + (3 if i % 2 else 0)
        ask(builder, "point", x=float(x), y=float(y), label=i % 2)
    assert len(builder.trainer.sight["points"]) == 20
    ask(builder, "train", values={**builder.trainer.training["values"], "epochs": 2})
    assert builder.training.wait(20)


# Exercises


def exercise():
    return Exercise(
        "Tell three kinds of flowers apart.", start=CODE, allowed=["Dense", "Dropout"],
        goals=["parameters < 50", "uses Dropout"], hints=["Fewer units.", "See the palette."],
    )  # fmt: skip


def test_an_exercise_checks_its_goals_while_the_model_is_built():
    builder = Builder(exercise=exercise())
    assert [g["met"] for g in builder.widget.exercise["goals"]] == [False, False]
    ask(builder, "set", node=node(builder, "dense")["id"], name="units", text="2")
    ask(builder, "add", type="Dropout", after=[[node(builder, "dense")["id"], 0]], branch=False,
        parent="")  # fmt: skip
    assert builder.widget.exercise["passed"]
    refused = builder.obey({"op": "add", "type": "ReLU", "after": [], "branch": False,
                            "parent": "", "onto": None}).refused  # fmt: skip
    assert refused == "ReLU is not allowed in this exercise. Allowed: Dense, Dropout."
    ask(builder, "hint")
    assert builder.widget.exercise["shown"] == ["Fewer units."]
    result = json.loads(json.dumps(builder.result, allow_nan=False))
    assert result["passed"]
    assert (result["hints"], result["edits"]) == (1, 2)
    ask(builder, "reset")
    assert not builder.result["passed"]


def test_the_data_of_an_exercise_stays():
    rng = np.random.default_rng(0)
    given = Data("flowers", rng.normal(size=(30, 4)).astype("float32"),
                 rng.integers(0, 3, 30).astype("int32"), None, "classes")  # fmt: skip
    task = Exercise("Tell flowers apart.", start=CODE, goals=["epochs >= 1"], data=given)
    builder = Builder(exercise=task, namespace=data())
    for values in ({"data": "x"}, {"validation_split": 0.01}):
        message = {"op": "choose", "values": {**builder.trainer.training["values"], **values}}
        assert builder.obey(message).refused == "The data of this exercise stays as it is."
    builder.train(epochs=2).wait(20)
    until(lambda: builder.widget.exercise["passed"], "the goal is met")


# What nobody asks for

VALUES = [
    None, True, -1, 0, 1, 10**12, 0.5, float("nan"), float("inf"), "", "n1", "n2", "x", "json",
    [], ["n1"], [["n1", 0]], {}, {"data": "x"}, {"data": "__class__", "epochs": 10**9},
    {"data": ["x"]}, {"loss": {"a": 1}}, {"y": "y", "data": "x", "metrics": ["accuracy"]},
    {"data": "set: nonsense"}, {"optimizer": "nonsense"}, "<img src=x onerror=y>",
]  # fmt: skip


@pytest.mark.parametrize("seed", range(8))
def test_odd_messages_raise_nothing_and_change_no_more_than_a_valid_document(seed):
    chance = random.Random(seed)
    builder = Builder(namespace=data(), _document=Builder.from_code(CODE)._session.document)
    pages = builder.widget, builder.trainer
    for page in pages:
        page.send = lambda message: json.dumps(message, allow_nan=False)
    table = {**FIELDS, **MORE, **TRAINING}
    for _ in range(150):
        op = chance.choice([*MORE, *TRAINING, *FIELDS, "x", "_change", "give"])
        message = {"op": op, **{name: chance.choice(VALUES) for name in table.get(op, ())}}
        if op == "train":
            continue  # tested above; a thread for each would take long
        page = chance.choice([*pages, builder.trainer if op in TRAINING else builder.widget])
        page._times.clear()
        page.receive(message)
        builder._session.document.check()
    json.dumps(builder.widget.state, allow_nan=False)
    assert all(page.dropped > 10 for page in pages)


TWO_ENDS = """
from keras import Input, Model, layers
size, shade = Input((3,)), Input((5,))
both = layers.concatenate([layers.Dense(4, activation="relu")(size), shade])
model = Model(
    [size, shade], [layers.Dense(1, activation="sigmoid")(both), layers.Dense(1)(both)]
)
"""


def test_a_model_of_several_inputs_and_outputs_is_trained():
    rng = np.random.default_rng(0)
    sizes, shades = (rng.normal(size=(60, n)).astype("float32") for n in (3, 5))
    variables = {
        "sizes": sizes, "ripe": (sizes[:, 0] > 0).astype(int), "shades": shades,
        "price": sizes.sum(axis=1),
    }  # fmt: skip
    builder = Builder.from_code(TWO_ENDS, namespace=variables)
    assert list(builder.trainer.training["values"])[:1] == ["data"]
    ask(builder, "choose", values={"data": "sizes"})
    training = builder.trainer.training
    chosen = {name: training["values"][name] for name in ("data", "data_2", "y", "y_2")}
    assert chosen == {"data": "sizes", "data_2": "shades", "y": "", "y_2": ""}
    assert training["problem"] == "Choose the targets y of output 1."
    ask(builder, "choose", values={"y": "ripe"})
    assert builder.trainer.training["problem"] == "Choose the targets y of output 2."
    ask(builder, "choose", values={"y_2": "price"})
    training = builder.trainer.training
    assert training["problem"] is None
    assert training["reasons"]["data_2"] == "60 × 5."
    assert training["reasons"]["loss"].startswith("Output 1: Labels 0 and 1 and one unit")
    builder.train(epochs=2).wait(20)
    assert len(builder.history.epoch) == 2
    assert {"loss", "val_loss"} < builder.history.history.keys()

    # the same as dictionaries
    for key in [n.id for n in builder._session.document.inputs()]:
        ask(builder, "key", node=key, name=f"in_{key}")
    ask(builder, "key", node=builder._session.document.outputs()[1].id, name="price")
    assert set(builder.model.input) == {"in_n1", "in_n2"}
    assert set(builder.model.output) == {"output_1", "price"}
    builder.train(epochs=2).wait(20)
    assert len(builder.history.epoch) >= 2

    # one input fewer: its data is not asked for any more
    builder.from_code(CODE)
    assert "data_2" not in builder.trainer.training["values"]
    assert "y_2" not in builder.trainer.training["values"]


def test_data_of_another_input_must_be_there_and_fit():
    variables = {"sizes": np.zeros((60, 3)), "few": np.zeros((7, 5)), "ripe": np.zeros(60, int)}
    builder = Builder.from_code(TWO_ENDS, namespace=variables)
    ask(builder, "choose", values={"data": "sizes", "y": "ripe", "y_2": "ripe"})
    assert builder.trainer.training["problem"] == "Choose the data x of input 2."
    ask(builder, "choose", values={"data_2": "few"})
    problem = "x of input 2 has 7 examples, but y has 60: choose two that belong together."
    assert builder.trainer.training["problem"] == problem
    assert builder.obey({"op": "choose", "values": {"data_2": "gone"}}).refused == (
        "There is no variable 'gone'."
    )


def test_wrappers_are_drawn_and_written_with_what_is_in_them():
    model = kerasnb.Sequential(
        [
            kerasnb.Input((10,)),
            layers.Embedding(50, 8, mask_zero=True),
            layers.Bidirectional(layers.LSTM(4, return_sequences=True)),
            layers.TimeDistributed(layers.Dense(3)),
        ]
    )
    builder = Builder(model)
    code = builder.to_code()
    # as in Keras, which sets it for sequences
    inner = "layers.LSTM(4, return_sequences=True, zero_output_for_mask=True)"
    assert f"    layers.Bidirectional({inner}),\n" in code
    assert "    layers.TimeDistributed(layers.Dense(3)),\n" in code
    again = Builder.from_code(code)
    assert again.to_code() == code
    assert again.model.count_params() == model.count_params()
