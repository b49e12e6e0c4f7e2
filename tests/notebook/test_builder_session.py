"""What a page may ask a builder for, what comes of it, and that nothing else does anything."""

import json
import random

import pytest
from builder_documents import random_document

from kerasnb.notebook.builder.document import Document
from kerasnb.notebook.builder.entries import entries
from kerasnb.notebook.builder.session import FIELDS, Session, accepts

PALETTE = entries({})


def session(document=None):
    return Session(Document() if document is None else document, PALETTE)


def ask(session, op, **values):
    message = {"op": op, "id": "1", **values}
    assert accepts(message, FIELDS[op]), f"{op} does not take {values}"
    answer = session.obey(message)
    assert answer.refused is None, answer.refused
    return answer


def add(session, kind, after=(), branch=False, parent=""):
    after = [[key, 0] for key in after]
    values = {"after": after, "branch": branch, "parent": parent, "onto": None}
    return ask(session, "add", type=kind, **values).select[0]


def types(session):
    return [node.type or node.kind for node in session.document.ordered()]


# What a person does


def test_a_decoder_begins_with_the_states_of_an_encoder():
    s = session()
    first = add(s, "LSTM")
    ask(s, "set", node=first, name="return_state", text="True")
    second = add(s, "LSTM", after=["n1"], branch=True)
    ask(s, "give", source=first, target=second, name="initial_state")
    node = s.document[second]
    assert [list(e) for e in node.reads] == [["n1", 0], [first, 1], [first, 2]]
    assert node.keywords == ("initial_state", "initial_state")
    assert s.report.nodes[second].problem.level == "advice"
    ask(s, "disconnect", target=second, position=1)
    assert "state" in s.report.nodes[second].problem.text
    ask(s, "undo")
    assert s.document[second] == node
    message = {"op": "give", "source": first, "target": second, "name": "units"}
    assert s.obey(message).refused == "lstm_1 is given nothing as 'units'."


def test_a_tensor_too_many_is_read_by_name_at_a_click():
    s = session()
    add(s, "GRU")
    state = add(s, "Dense", after=["n1"], branch=True)
    flat = add(s, "GlobalAveragePooling1D", after=[state])
    ask(s, "connect", source=flat, output=0, target="n2", position=1)
    problem = s.report.nodes["n2"].problem
    assert problem.text == "GRU reads one tensor, but 2 are connected."
    texts = [fix.text for fix in problem.fixes]
    assert "Read global_average_pooling1d as initial_state" in texts
    ask(s, "fix", node="n2", number=texts.index("Read global_average_pooling1d as initial_state"))
    assert s.document["n2"].keywords == ("initial_state",)
    ask(s, "port", target="n2", position=1, name="")
    assert s.document["n2"].keywords == ()


def test_a_first_layer_brings_an_input_and_an_output():
    s = session()
    add(s, "Conv2D")
    assert types(s) == ["InputLayer", "Conv2D", "output"]
    assert s.report.complete
    assert s.undoable == "add Conv2D"


def test_without_a_choice_a_layer_goes_to_the_end_and_else_behind_what_is_chosen():
    s = session()
    first = add(s, "Dense")
    add(s, "Dropout")
    assert types(s) == ["InputLayer", "Dense", "Dropout", "output"]
    add(s, "ReLU", after=[first])
    assert types(s) == ["InputLayer", "Dense", "ReLU", "Dropout", "output"]


def test_two_chosen_boxes_are_what_a_merging_layer_reads():
    s = session()
    first = add(s, "Dense")
    second = add(s, "Dense")
    add(s, "Add", after=[first, second])
    assert types(s) == ["InputLayer", "Dense", "Dense", "Add", "output"]
    assert [edge.source for edge in s.document.ordered()[3].reads] == [first, second]
    assert s.report.complete


def test_everything_is_undone_step_by_step_and_done_again_to_the_same_json():
    s = session()
    first = add(s, "Conv2D")
    second = add(s, "MaxPooling2D")
    ask(s, "set", node=first, name="filters", text="8")
    ask(s, "wrap", nodes=[first, second], kind="group")
    ask(s, "duplicate", nodes=[s.document.ordered()[1].id])
    ask(s, "rename", node="", name="mine")
    ask(s, "remove", nodes=[n.id for n in s.document])
    last, steps = json.dumps(s.document.data()), 0
    while s.undoable:
        ask(s, "undo")
        steps += 1
    assert steps == 7
    assert not s.document.nodes
    while s.redoable:
        ask(s, "redo")
    assert json.dumps(s.document.data()) == last


def test_an_argument_that_is_typed_is_one_step():
    s = session()
    key = add(s, "Dense")
    for text in ("1", "12", "128"):
        ask(s, "set", node=key, name="units", text=text)
    assert s.document[key].settings["units"] == 128
    ask(s, "undo")
    assert s.undoable == "add Dense"


def test_a_fix_is_an_action():
    s = session()
    add(s, "Conv2D")
    key = add(s, "LSTM")
    problem = s.report.nodes[key].problem
    assert problem is not None
    assert problem.fixes
    ask(s, "fix", node=key, number=0)
    assert s.report.complete
    assert s.undoable == problem.fixes[0].text


def test_copies_go_to_another_builder_as_json():
    s, other = session(), session()
    keys = [add(s, "Dense"), add(s, "Dropout")]
    data = json.loads(json.dumps(ask(s, "copy", nodes=keys).data))
    add(other, "Dense")
    ask(other, "paste", data=data, after=[], parent="")
    assert types(other) == ["InputLayer", "Dense", "Dense", "Dropout", "output"]
    ask(s, "cut", nodes=keys)
    assert types(s) == ["InputLayer", "output"]


def test_code_is_taken_and_its_errors_are_refusals():
    s = session()
    ask(s, "code", text="from keras import layers, Sequential, Input\n"
        "model = Sequential([Input((4,)), layers.Dense(2)])")  # fmt: skip
    assert types(s) == ["InputLayer", "Dense", "output"]
    before = s.document
    answer = s.obey({"op": "code", "text": "model = layers.Nonsense("})
    assert "Line 1" in answer.refused
    assert s.document is before


# What nobody does: odd messages


VALUES = [
    None, True, -1, 0, 3, 10**9, 1.5, float("nan"), "", "n1", "n3", "units", "Dense", "Add",
    "initial_state", "mask", "ops.get_item", "LSTM", "<b>x</b>", "n" * 70,
    [], ["n1"], ["n2", "n3"], [["n1", 0]], [["n2", 5]], [[]], {}, {"op": "x"},
    "group", "repeat", "model", "64", "relu", "__class__", "()" * 500,
    {"name": "", "type": "Sequential", "serial": 2, "nodes": [{"id": "n1", "kind": "layer"}]},
    {"name": "", "type": "Sequential", "serial": 9, "nodes": [
        {"id": "n1", "type": "Dense", "kind": "layer", "reads": [["n2", 0]]},
        {"id": "n2", "type": "Dense", "kind": "layer", "reads": [["n1", 0]]}]},
]  # fmt: skip


def odd_message(chance):
    op = chance.choice([*FIELDS, "_do_add", "", "obey"])
    message = {"op": op, "id": "1"}
    for name in FIELDS.get(op, {"x": None}):
        if chance.random() < 0.97:
            message[name] = chance.choice(VALUES)
    if chance.random() < 0.03:
        message[chance.choice(["x", "__class__", "nodes"])] = chance.choice(VALUES)
    return message


@pytest.mark.parametrize("seed", range(20))
def test_odd_messages_are_dropped_or_refused_and_leave_a_document_that_fits(seed):
    chance = random.Random(seed)
    s = session(random_document(seed))
    taken = 0
    for _ in range(500):
        message = odd_message(chance)
        fields = FIELDS.get(message["op"])
        if fields is None or not accepts(message, fields):
            continue
        before = s.document
        answer = s.obey(message)
        taken += answer.refused is None
        if s.document is not before:
            s.document.check()
            json.dumps(s.document.data(), allow_nan=False)
        if len(s.document.nodes) > 80:
            s = session(random_document(seed))
    assert taken > 5
