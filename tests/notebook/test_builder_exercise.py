"""Exercises: goals, rules, hints and results, with a stand-in for what checking reports."""

import json
import math
import re
from types import SimpleNamespace

import numpy as np
import pytest
from builder_documents import random_document

import kerasnb
from kerasnb import layers
from kerasnb.callbacks import History
from kerasnb.errors import ArgumentError, LoadError
from kerasnb.notebook.builder import edits, goals, parts
from kerasnb.notebook.builder.checking import Checker
from kerasnb.notebook.builder.code import to_code
from kerasnb.notebook.builder.data import Data
from kerasnb.notebook.builder.document import Document, Edge, Node
from kerasnb.notebook.builder.entries import entries
from kerasnb.notebook.builder.exercise import Exercise
from kerasnb.notebook.builder.goals import Goal, State
from kerasnb.notebook.builder.parsing import from_code

DENSE = {"units": 10, "activation": "softmax"}


def refused(error, text, function, *args, **kwargs):
    with pytest.raises(error, match=f"^{re.escape(text)}$"):
        function(*args, **kwargs)


def grow(document, kind, name="", branch=False, **settings):
    """The document with a layer before its output, or after nothing."""
    ends = document.outputs()
    after = [ends[0].reads[0]] if ends else []
    return edits.add(document, Node("", type=kind, name=name, settings=settings), after,
                     branch=branch)[0]  # fmt: skip


def started():
    """An input, a convolution, a flattening and a locked end."""
    source = Node("", "input", type="InputLayer", settings={"shape": [8, 8, 1]})
    document, _ = edits.add(Document(), source)
    document, _ = edits.append_output(document, Edge("n1"))
    document = grow(document, "Conv2D", filters=4, kernel_size=3)
    document = grow(document, "Flatten")
    return grow(document, "Dense", name="head", **DENSE)


def before_head(document, kind, **settings):
    head = next(n for n in document if n.name == "head")
    return edits.add(document, Node("", type=kind, settings=settings), head.reads)[0]


def report(document, parameters=1000, cost=5000, complete=True):
    return SimpleNamespace(
        parameters=parameters, cost=cost, complete=complete, live=frozenset(document.nodes)
    )


# Goals


ALL = {
    "val_accuracy >= 0.97": (goals.accuracy(at_least=0.97), "val_accuracy of at least 0.97"),
    "accuracy >= 0.5": (goals.accuracy(0.5, of="training"), "accuracy of at least 0.5"),
    "val_loss <= 0.1": (goals.metric("val_loss", at_most=0.1), "val_loss of at most 0.1"),
    "loss < 2": (Goal("loss", "<", 2.0), "loss of less than 2"),
    "val_mae > 0.25": (Goal("val_mae", ">", 0.25), "val_mae of more than 0.25"),
    "parameters < 20000": (goals.parameters(below=20_000), "fewer than 20,000 parameters"),
    "parameters <= 1": (goals.parameters(at_most=1), "at most 1 parameter"),
    "layers <= 5": (goals.layers(at_most=5), "at most 5 layers"),
    "layers >= 1": (goals.layers(at_least=1), "at least 1 layer"),
    "operations < 1000000": (goals.operations(below=10**6), "fewer than 1,000,000 operations"),
    "epochs <= 10": (goals.epochs(at_most=10), "at most 10 epochs"),
    "epochs > 3": (Goal("epochs", ">", 3), "more than 3 epochs"),
    "uses Conv2D": (goals.uses("Conv2D"), "uses Conv2D"),
    "without Dense": (goals.without(layers.Dense), "without Dense"),
}


@pytest.mark.parametrize("text", ALL)
def test_a_goal_is_read_from_a_text_and_written(text):
    goal, words = ALL[text]
    assert goals.parse(text) == goal
    assert goals.parse(str(goal)) == goal
    assert goals.parse(goal) is goal
    assert goal.text == words


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("val_accuracy ≥ 97 %", "val_accuracy >= 0.97"),
        ("val_accuracy at least .97", "val_accuracy >= 0.97"),
        ("parameters<20,000", "parameters < 20000"),
        ("params below 20_000", "parameters < 20000"),
        ("flops < 1e6", "operations < 1000000"),
        ("  Layers at most 5 ", "layers <= 5"),
        ("acc > 0.5", "accuracy > 0.5"),
        ("use Conv2D", "uses Conv2D"),
        ("no Dense", "without Dense"),
        ("val_mean_squared_error <= -1e-3", "val_mean_squared_error <= -0.001"),
        ("huber <= 1", "huber <= 1.0"),
    ],
)
def test_goals_may_be_written_in_other_ways(text, same):
    assert goals.parse(text.replace("Layers", "layers")) == goals.parse(same)


POSSIBLE = (
    "Possible are 'val_accuracy >= 0.97' (any metric, of validation with val_ before its name), "
    "'parameters < 20000', 'layers <= 5', 'operations < 1000000', 'epochs <= 10', 'uses Conv2D' "
    "and 'without Dense'."
)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("be good", f"Goal 'be good' is not understood. {POSSIBLE}"),
        ("", f"Goal '' is not understood. {POSSIBLE}"),
        (3, f"Goal 3 is not understood. {POSSIBLE}"),
        ("accuracy = 1", f"Goal 'accuracy = 1' is not understood. {POSSIBLE}"),
        ("val_accuracy >= 0,97", f"Goal 'val_accuracy >= 0,97' is not understood. {POSSIBLE}"),
        ("__import__('os') > 1", f'Goal "__import__(\'os\') > 1" is not understood. {POSSIBLE}'),
        ("val_acuracy >= 0.9",
         "Goal 'val_acuracy >= 0.9' is not understood: 'val_acuracy' is no metric. " + POSSIBLE),
        ("val_layers > 3", "Goal 'val_layers > 3' is not understood: 'val_layers' is no metric. "
         + POSSIBLE),
        ("accuracy >= 97", "Goal 'accuracy': accuracy lies between 0 and 1, got 97.0."),
        ("layers < 2.5", "Goal 'layers': expected a whole number as its bound, got 2.5."),
        ("loss < 1e999", "Goal 'loss': expected a number as its bound, got inf."),
        ("uses Conv2d", "Unknown layer 'Conv2d'. Did you mean "),
    ],
)  # fmt: skip
def test_a_goal_that_is_not_understood_is_refused(text, error):
    with pytest.raises(ArgumentError) as caught:
        goals.parse(text)
    assert str(caught.value) == error or (error.endswith("mean ") and error in str(caught.value))


@pytest.mark.parametrize(
    ("make", "values", "error"),
    [
        (goals.parameters, {}, "Goal 'parameters': expected one bound, below or at_most, got 0."),
        (goals.layers, {"at_most": 2, "at_least": 1},
         "Goal 'layers': expected one bound, at_most or at_least, got 2."),
        (goals.accuracy, {"at_least": 97},
         "Goal 'val_accuracy': accuracy lies between 0 and 1, got 97."),
        (goals.accuracy, {"at_least": True},
         "Goal 'val_accuracy': expected a number as its bound, got True."),
        (goals.epochs, {"at_most": 1.5},
         "Goal 'epochs': expected a whole number as its bound, got 1.5."),
        (goals.accuracy, {"at_least": 0.9, "of": "tests"},
         "Unknown data for accuracy 'tests'. Known: training, validation."),
    ],
)  # fmt: skip
def test_a_goal_that_cannot_be_is_refused(make, values, error):
    refused(ArgumentError, error, make, **values)


@pytest.mark.parametrize(
    ("goal", "met", "missed"),
    [
        ("val_accuracy >= 0.9", False, "0.875: 0.025 missing"),
        ("val_accuracy >= 0.875", True, ""),
        ("accuracy > 0.95", False, "0.95: 0 missing"),
        ("loss <= 0.1", False, "0.35: 0.25 too much"),
        ("loss <= 0.35", True, ""),
        ("val_loss <= 1", False, "nan: training has diverged"),
        ("mae <= 1", False, "not measured: add 'mae' to the metrics"),
        ("val_mse <= 1", False, "not measured: train with data for validation"),
        ("val_huber <= 1", False, "not measured: add 'huber' to the metrics"),
        ("parameters < 1000", False, "1,000: 1 too many"),
        ("parameters <= 1000", True, ""),
        ("parameters <= 900", False, "1,000: 100 too many"),
        ("operations < 9", False, "not known yet"),
        ("layers >= 5", False, "3: 2 missing"),
        ("layers > 3", False, "3: 1 missing"),
        ("layers <= 3", True, ""),
        ("epochs <= 3", False, "4: 1 too many"),
        ("uses Conv2D", True, ""),
        ("uses LSTM", False, "there is no LSTM"),
        ("without LSTM", True, ""),
        ("without Conv2D", False, "there is 1 Conv2D"),
        ("without Dense", False, "there are 2 Dense"),
    ],
)
def test_how_far_a_goal_is_reached_is_said(goal, met, missed):
    state = State(
        {"Conv2D": 1, "Dense": 2},
        {"parameters": 1000, "layers": 3, "operations": None, "epochs": 4},
        {"loss": 0.35, "accuracy": 0.95, "val_accuracy": 0.875, "val_loss": math.nan, "mse": 1.0},
    )
    reached = goals.parse(goal).check(state)
    assert (reached.goal, reached.met, reached.missed) == (str(goals.parse(goal)), met, missed)
    json.dumps(reached.data(), allow_nan=False)


def test_before_training_nothing_is_measured():
    state = State({}, {"epochs": 0}, {})
    assert goals.parse("val_accuracy >= 0.9").check(state).missed == "not trained yet"
    assert goals.parse("epochs <= 9").check(state).missed == "not trained yet"


# Start, and what a teacher gets wrong


class Mine(layers.Layer):
    def call(self, x):
        return x


CODE = """
import keras
from keras import layers

model = keras.Sequential([
    keras.Input((8, 8, 1)),
    layers.Flatten(),
    layers.Dense(10, activation="softmax", name="head"),
])
"""


def test_an_exercise_starts_with_code_a_model_or_a_document():
    of_code = Exercise("Build.", CODE, locked=["head"])
    model = kerasnb.Sequential(
        [kerasnb.Input((8, 8, 1)), layers.Flatten(), layers.Dense(10, "softmax", name="head")]
    )
    of_model = Exercise("Build.", model, locked=["head"])
    for exercise in (of_code, of_model):
        types = [n.type for n in exercise.start.ordered() if n.kind == "layer"]
        assert types == ["Flatten", "Dense"]
        assert list(exercise.locked.values()) == ["head"]
    document = started()
    assert Exercise("Build.", document).start is document
    assert Exercise("Build.").start == Document()


def test_code_may_use_layers_that_are_allowed_as_classes():
    source = CODE.replace("layers.Flatten()", "layers.Flatten(), Mine()")
    exercise = Exercise("Build.", source, allowed=[Mine, "Dense"], goals=["uses Mine"])
    assert exercise.allowed == ("Mine", "Dense")
    with pytest.raises(LoadError):
        Exercise("Build.", source)


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"allowed": ["Dens"]}, "Unknown layer 'Dens'. Did you mean "),
        ({"goals": "uses Dense"}, "Exercise: expected goals as a list, got one str."),
        ({"goals": goals.uses("Dense")}, "Exercise: expected goals as a list, got one Goal."),
        ({"hints": "Think."}, "Exercise: expected hints as a list, got one str."),
        ({"locked": "head"}, "Exercise: expected locked as a list, got one str."),
        ({"locked": ["heat"]}, "Unknown locked layer of the start 'heat'. Did you mean 'head'?"),
        ({"goals": ["win"]}, "Goal 'win' is not understood. "),
        ({"data": "digit"}, "Unknown data set 'digit'. Did you mean 'digits'?"),
        ({"data": 3}, "Exercise: expected data as the name of a set or (x, y), got int."),
        ({"start": 3}, "Exercise: expected start as code, a model or a document, got int."),
    ],
)
def test_what_a_teacher_gets_wrong_is_refused(values, error):
    with pytest.raises(ArgumentError) as caught:
        Exercise("Build.", **{"start": started(), **values})
    assert str(caught.value) == error or (error[-1] == " " and str(caught.value).startswith(error))


def test_data_comes_with_the_exercise():
    assert Exercise("Build.").load() is None
    assert Exercise("Build.", data="xor").load().name == "xor"
    x, y = np.zeros((4, 2)), np.zeros(4)
    found = Exercise("Build.", data=(x, y)).load()
    assert isinstance(found, Data)
    assert found.x is x
    assert Exercise("Build.", data=found).load() is found


def test_hints_come_one_after_another():
    exercise = Exercise("Build.", hints=["Think.", "Look."])
    assert [exercise.hint(shown) for shown in range(3)] == ["Think.", "Look.", None]


def test_the_page_is_told_all_but_the_hints():
    exercise = Exercise(
        "Build.", started(), ["Dense"], ["head"], ["layers <= 5"], ["Secret."], "digits"
    )
    described = exercise.description()
    assert described == {
        "task": "Build.",
        "goals": [{"goal": "layers <= 5", "text": "at most 5 layers"}],
        "allowed": ["Dense"],
        "locked": ["n5"],
        "hints": 1,
    }
    json.dumps(described)


# Rules


LOCKED = "'head' is locked in this exercise: it has to stay as it is."
ALLOWED = "Conv2D is not allowed in this exercise. Allowed: Dense, Flatten."
RULES = {
    "add what is allowed": (lambda d: before_head(d, "Dense", units=4), None),
    "add what is not": (lambda d: before_head(d, "Conv2D", filters=2, kernel_size=3), ALLOWED),
    "copy what is not": (lambda d: parts.paste(d, parts.copy(d, ["n3"]), Edge("n3"))[0], ALLOWED),
    "call it once more": (lambda d: edits.again(d, "n3", [Edge("n1")])[0], None),
    "remove it": (lambda d: edits.remove(d, ["n3"]), None),
    "change it": (lambda d: edits.set_setting(d, "n3", "filters", 8), None),
    "within a part": (lambda d: parts.wrap(d, ["n3", "n4"], "repeat", count=2)[0], None),
    "remove the head": (lambda d: edits.remove(d, ["n5"]), LOCKED),
    "change the head": (lambda d: edits.set_setting(d, "n5", "units", 11), LOCKED),
    "take an argument": (lambda d: edits.unset_setting(d, "n5", "activation"), LOCKED),
    "rename the head": (lambda d: edits.rename(d, "n5", "tail"), LOCKED),
    "the default, written": (lambda d: edits.set_setting(d, "n5", "use_bias", True), None),
    "another head": (
        lambda d: grow(edits.remove(d, ["n5"]), "Dense", name="head", units=3), LOCKED,
    ),
    "the same head with another id": (
        lambda d: grow(edits.remove(d, ["n5"]), "Dense", name="head", **DENSE), None,
    ),
    "fold nothing": (lambda d: d, None),
}  # fmt: skip


@pytest.mark.parametrize("case", RULES)
def test_a_change_that_breaks_a_rule_is_refused_in_words(case):
    change, text = RULES[case]
    exercise = Exercise("Build.", started(), allowed=["Dense", "Flatten"], locked=["head"])
    assert exercise.refusal(exercise.start, change(exercise.start)) == text


def test_what_the_start_holds_may_come_back():
    exercise = Exercise("Build.", started(), allowed=["Dense"])
    emptied = edits.remove(exercise.start, ["n3"])
    assert exercise.refusal(emptied, exercise.start) is None
    again = grow(exercise.start, "Conv2D", filters=4, kernel_size=3)
    assert exercise.refusal(emptied, again) == ALLOWED.replace(", Flatten", "")


def test_without_rules_everything_is_allowed():
    exercise = Exercise("Build.", started())
    assert exercise.refusal(exercise.start, Document()) is None


def test_a_locked_part_stays_with_all_that_is_in_it():
    document, key = parts.wrap(started(), ["n3", "n4"], "group", "features")
    exercise = Exercise("Build.", document, locked=["features"])
    text = "'features' is locked in this exercise: it has to stay as it is."
    for change, expected in (
        (edits.fold(document, key, True), None),
        (before_head(document, "Dense", units=4), None),
        (edits.set_setting(document, "n3", "filters", 8), text),
        (edits.remove(document, ["n4"]), text),
        (parts.unwrap(document, key), text),
        (parts.wrap(document, ["n3"], "group", "inner")[0], text),
    ):
        assert exercise.refusal(document, change) == expected
    again = Document.of(json.loads(json.dumps(document.data())))
    assert exercise.refusal(document, again) is None


def test_a_locked_node_without_a_name_of_its_own_is_followed_by_its_id():
    document = started()
    exercise = Exercise("Build.", document, locked=["conv2d", "input"])
    assert exercise.locked == {"n3": "conv2d", "n1": "input"}
    named = edits.rename(before_head(document, "Dense", units=4), "n4", "conv2d")
    assert exercise.refusal(document, named) is None  # the convolution is conv2d_1 now, but n3
    other = edits.set_setting(document, "n1", "shape", [9, 9, 1])
    text = "'input' is locked in this exercise: it has to stay as it is."
    assert exercise.refusal(document, other) == text


@pytest.mark.parametrize("seed", range(30))
def test_locked_nodes_with_names_are_found_again_in_code(seed):
    document = random_document(seed)
    locked = [n.name for n in document if n.name and not n.shares]
    exercise = Exercise("Build.", document, locked=locked)
    assert exercise.refusal(document, from_code(to_code(document), {})) is None


def test_locked_nodes_are_found_again_in_code_or_missed():
    document, _ = parts.wrap(started(), ["n3"], "repeat", "part", 2)
    exercise = Exercise("Build.", document, locked=["part", "head"])
    again = from_code(to_code(document), {})
    assert exercise.refusal(document, again) is None
    repeat = next(n.id for n in again if n.kind == "repeat")
    assert exercise.locked_in(again) == {repeat, next(n.id for n in again if n.name == "head")}
    text = "'part' is locked in this exercise: it has to stay as it is."
    assert exercise.refusal(document, edits.set_count(again, repeat, 3)) == text
    head = next(n.id for n in again if n.name == "head")
    assert exercise.refusal(document, edits.set_setting(again, head, "units", 3)) == LOCKED


# Results


def exercise_with_goals():
    asked = ["val_accuracy >= 0.97", "parameters < 20000", "uses Conv2D", goals.layers(at_most=5)]
    return Exercise("Read digits.", started(), locked=["head"], goals=asked)


@pytest.mark.parametrize("as_object", [True, False])
def test_a_result_says_how_far_each_goal_is_reached(as_object):
    exercise = exercise_with_goals()
    logs = {"loss": [2.0, 1.0], "val_accuracy": [0.99, 0.95]}
    history = logs
    if as_object:
        history = History()
        history.history = logs
    result = exercise.check(report(exercise.start, 26_122), exercise.start, history)
    assert [(g.met, g.missed) for g in result.goals] == [
        (False, "0.95: 0.02 missing"),
        (False, "26,122: 6,123 too many"),
        (True, ""),
        (True, ""),
    ]
    assert result.counts == {"parameters": 26_122, "layers": 3, "operations": 5000, "epochs": 2}
    assert not result.passed
    assert result.text == "2 of 4 goals met."


def test_a_result_is_data_for_grading():
    exercise = exercise_with_goals()
    history = {"val_accuracy": [np.float32(0.98)], "val_loss": [math.nan], "odd": [[1, 2]]}
    result = exercise.check(
        report(exercise.start), exercise.start, history, code="model = ...", edits=7, trainings=2,
        hints=1, times={"started": 1.5, "passed": "2030-01-01"},
    )  # fmt: skip
    assert result.passed
    assert result.text == "All goals are met."
    found = json.loads(json.dumps(result.data(), allow_nan=False))
    assert found["goals"][1] == {
        "goal": "parameters < 20000", "text": "fewer than 20,000 parameters", "met": True,
        "value": 1000, "missed": "",
    }  # fmt: skip
    del found["goals"]
    assert found == {
        "task": "Read digits.", "passed": True, "complete": True, "broken": None,
        "counts": {"parameters": 1000, "layers": 3, "operations": 5000, "epochs": 1},
        "metrics": {"val_accuracy": pytest.approx(0.98), "val_loss": None}, "code": "model = ...",
        "edits": 7, "trainings": 2, "hints": 1,
        "times": {"started": 1.5, "passed": "2030-01-01"},
    }  # fmt: skip


def test_only_a_complete_model_that_keeps_the_rules_passes():
    exercise = Exercise("Build.", started(), locked=["head"])
    assert exercise.check(report(exercise.start), exercise.start).passed
    unfinished = exercise.check(report(exercise.start, complete=False), exercise.start)
    assert (unfinished.passed, unfinished.text) == (False, "The model is not complete yet.")
    document = edits.set_setting(exercise.start, "n5", "units", 3)
    broken = exercise.check(report(document), document)
    assert (broken.passed, broken.text) == (False, LOCKED)


def test_layers_that_no_output_depends_on_do_not_count():
    checker = Checker(entries())
    exercise = Exercise("Build.", started(), locked=["head"], goals=["uses Dropout"])
    dropout = Node("", type="Dropout", settings={"rate": 0.5})
    loose = edits.add(exercise.start, dropout, [Edge("n3")], branch=True)[0]
    document = edits.connect(loose, Edge("n3"), "n2", 0)  # the output, past the head
    result = exercise.check(checker.check(document), document)
    text = "'head' is locked in this exercise: it has to be part of the model."
    assert result.complete
    assert (result.passed, result.text, result.counts["layers"]) == (False, text, 1)
    assert not result.goals[0].met


def test_layers_are_counted_as_the_model_has_them():
    document = started()
    document = before_head(document, "Dense", units=4)
    document, key = parts.wrap(document, ["n6"], "repeat", count=3)
    document, _ = edits.again(document, "n5", [Edge(key)])  # shared: no layer more
    exercise = Exercise("Build.", document)
    result = exercise.check(report(document), document)
    assert result.counts["layers"] == 6  # a convolution, a flattening, three, and the head


def test_a_real_report_has_what_a_check_asks_for():
    exercise = Exercise("Build.", started(), goals=["parameters < 2000", "operations < 10000000"])
    result = exercise.check(Checker(entries()).check(exercise.start), exercise.start)
    # 3*3*4 + 4 of the convolution, 6*6*4*10 + 10 of the head
    assert result.counts["parameters"] == 40 + 1450
    assert result.passed
