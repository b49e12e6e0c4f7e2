"""The model builder: what a student builds by mouse, by keys and as code, and what stays of it."""

import json
from pathlib import Path

from .builder import SMALL, SMALL_NAMES, BuilderView, open_builder, told
from .places import at

SETUP = """
import json
import kerasnb
from kerasnb import layers, notebook

b = notebook.Builder()
b
"""
LOOK = "print(b.model.count_params())\nprint(b.to_code())"
DOCUMENT = "print(json.dumps(b.document))"

# what is built by mouse and by keys
PARAMETERS = 80 + 3 * 584 + 13530
CODE = """
inputs = keras.Input(shape=(28, 28, 1))
x = layers.Conv2D(8, 3)(inputs)
x = layers.MaxPooling2D()(x)
for _ in range(3):
    y = layers.Conv2D(8, 3, padding="same")(x)
    x = layers.Add()([y, x])
x = layers.Flatten()(x)
outputs = layers.Dense(10, activation="softmax")(x)
model = keras.Model(inputs, outputs)
"""
BEGINNING = ("input", "conv2d", "max_pooling2d")
END = ("flatten", "dense", "output")
ACTIONS = 14


def check_built(notebook, view: BuilderView) -> None:
    """The network is in Python as it was meant; the cells are `LOOK` and `DOCUMENT`."""
    parameters, _, code = told(notebook, 1).partition("\n")
    assert int(parameters) == PARAMETERS
    assert code.strip().endswith(CODE.strip())


def check_undone(notebook, view: BuilderView, undo, redo) -> None:
    """Each action is one step back and forth, and what is there then is what was there."""
    built = told(notebook, 2)
    view.stage.focus()
    assert view.all_of("Undo", undo) == ACTIONS
    assert view.names == []
    assert json.loads(told(notebook, 2))["nodes"] == []
    view.stage.focus()
    assert view.all_of("Redo", redo) == ACTIONS
    assert told(notebook, 2) == built


@at("lab", "dark", "notebook", "lab 4.4")
def test_a_network_is_built_by_mouse(notebook):
    view = open_builder(notebook, SETUP, LOOK, DOCUMENT)
    view.item("Conv2D").click()
    view.wait_for("input", "conv2d", "output")
    view.drag(view.item("MaxPooling2D"), view.box("conv2d"))
    view.wait_for(*BEGINNING, "output")
    view.item("Dense").click()
    view.wait_for(*BEGINNING, "dense", "output")

    # a mistake is told beside the box, with a button that mends it
    assert "Dense after MaxPooling2D sees (13, 13, 32)" in view.problem.inner_text()
    view.fix("Insert Flatten").click()
    view.wait_for(*BEGINNING, *END)

    view.tool("Fit").click()
    view.choose("dense")
    view.write("units", "10")
    view.wait_until_done("units of dense")
    view.write("activation", "softmax")
    view.wait_until_done("activation of dense")
    view.choose("conv2d")
    view.write("filters", "8")
    view.wait_until_done("filters of conv2d")

    # a block with a connection that skips a layer, three times
    view.choose("max_pooling2d")
    view.item("Conv2D").click()
    view.wait_for(*BEGINNING, "conv2d_1", *END)
    view.write("filters", "8")
    view.wait_until_done("filters of conv2d_1")
    view.search.fill("add")
    view.item("Add").click()
    view.wait_for(*BEGINNING, "conv2d_1", "add", *END)
    view.tool("Fit").click()
    view.drag(view.box("max_pooling2d").locator(".dot.out"), view.box("add"))
    view.wait_until_done("connect max_pooling2d to add")
    assert "they are (11, 11, 8) and (13, 13, 8)" in view.problem.inner_text()
    view.fix("Set padding of conv2d_1 to same").click()
    view.wait_until_done("Set padding of conv2d_1 to same")
    view.choose("conv2d_1")
    view.choose("add", "Shift")
    view.tool("Repeat").click()
    view.wait_until_done("repeat 2 boxes")
    view.write("repeat", "3")
    view.wait_until_done("repeat repeat 3 times")

    check_built(notebook, view)
    check_undone(notebook, view, view.tool("Undo").click, view.tool("Redo").click)


@at("lab", "notebook")
def test_the_same_network_is_built_by_keys(notebook):
    view = open_builder(notebook, SETUP, LOOK, DOCUMENT)
    view.stage.focus()
    view.add("conv2d")
    view.wait_for("input", "conv2d", "output")
    view.add("maxp")
    view.wait_for(*BEGINNING, "output")
    view.add("dense")
    view.wait_for(*BEGINNING, "dense", "output")
    view.tab_to(view.fix("Insert Flatten"))
    view.press("Enter")
    view.wait_for(*BEGINNING, *END)

    view.stage.focus()
    view.type_into("units", "10")
    view.wait_until_done("units of dense")
    view.type_into("activation", "softmax")
    view.wait_until_done("activation of dense")
    view.press("ArrowUp", "ArrowUp", "ArrowUp")
    view.wait_until_chosen("conv2d")
    view.type_into("filters", "8")
    view.wait_until_done("filters of conv2d")

    view.press("ArrowDown")
    view.wait_until_chosen("max_pooling2d")
    view.add("conv2d")
    view.wait_for(*BEGINNING, "conv2d_1", *END)
    view.wait_until_chosen("conv2d_1")
    view.type_into("filters", "8")
    view.wait_until_done("filters of conv2d_1")
    view.add("add")
    view.wait_for(*BEGINNING, "conv2d_1", "add", *END)
    view.wait_until_chosen("add")
    view.press("ArrowUp", "ArrowUp", "c", "ArrowDown", "ArrowDown")
    assert view.current == "add"
    view.press("Enter")
    view.wait_until_done("connect max_pooling2d to add")
    view.tab_to(view.fix("Set padding of conv2d_1 to same"))
    view.press("Enter")
    view.wait_until_done("Set padding of conv2d_1 to same")
    view.stage.focus()
    view.press("ArrowUp", "Shift+ArrowDown")
    view.wait_until_chosen("conv2d_1", "add")
    view.press("r")
    view.wait_until_done("repeat 2 boxes")
    view.type_into("repeat", "3")
    view.wait_until_done("repeat repeat 3 times")

    check_built(notebook, view)
    check_undone(
        notebook, view, lambda: view.press("Control+z"), lambda: view.press("Control+Shift+z")
    )


TYPED = """from keras import layers
import keras

model = keras.Sequential([
    keras.Input((8, 8)),
    layers.Flatten(),
    layers.Dense(10, activation="softmax", name="digit"),
])
"""


def test_code_and_canvas_follow_each_other(notebook):
    change = "b.model = kerasnb.Sequential([kerasnb.Input((4,)), layers.Dropout(0.5)])"
    view = open_builder(notebook, SETUP, LOOK, change)
    view.tool("Code").click()
    code = view.region("Code")
    text = code.get_by_role("textbox")
    text.fill(TYPED)
    text.press("Control+Enter")
    view.wait_for("input", "flatten", "digit", "output")
    parameters, _, written = told(notebook, 1).partition("\n")
    assert int(parameters) == 650
    notebook.until(lambda: text.input_value().strip() == written.strip(), "it is put in order")
    assert 'layers.Dense(10, activation="softmax", name="digit")' in written

    view.tool("Share").click()
    with notebook.page.expect_download() as download:
        view.region("Share").get_by_role("button", name="Code for Keras").click()
    assert Path(download.value.path()).read_text().startswith("import keras\n")

    # a mistake is told with its line, and changes nothing
    wrong = TYPED.replace("Flatten()", "Flattten()")
    text.fill(wrong)
    text.press("Control+Enter")
    code.get_by_text("Line 6: Unknown layer 'Flattten'.").wait_for()
    assert text.input_value() == wrong
    marked = "text => text.value.slice(text.selectionStart, text.selectionEnd)"
    assert text.evaluate(marked) == "    layers.Flattten(),"
    assert view.names == ["input", "flatten", "digit", "output"]

    # what is typed stays when the canvas changes, until it is taken back
    assert notebook.run(2).wait()
    view.wait_for("input", "dropout", "output")
    code.get_by_text("The model was changed elsewhere meanwhile.").wait_for()
    assert text.input_value() == wrong
    code.get_by_role("button", name="Take back").click()
    assert "layers.Dropout(0.5)" in text.input_value()


@at("lab", "notebook", "lab 4.4")
def test_picture_and_code_are_left_without_the_kernel(notebook):
    view = open_builder(notebook, SMALL)
    view.wait_for(*SMALL_NAMES)
    view.choose("dense")
    view.write("name", "first")
    view.wait_until_done("rename dense")
    notebook.until(lambda: '"first"' in notebook.text(0), "the code that is kept is new")
    notebook.save()
    notebook.kill_kernel()
    notebook.reopen_without_kernel()  # and without trust
    saved = notebook.saved()
    assert "widgets" not in saved.metadata
    output = notebook.output(0).last
    output.get_by_text("Picture and code of the model").click()  # it is folded
    output.get_by_text('layers.Dense(16, activation="relu", name="first")').wait_for()
    picture = output.locator("img")
    assert picture.evaluate("one => one.complete && one.naturalWidth") > 200


STATES = """
from kerasnb import notebook

SOURCE = '''
from keras import Input, Model, layers, ops

whole, first = Input((6, 4)), Input((6, 4))
made, h, c = layers.LSTM(8, return_sequences=True, return_state=True)(first)
answer = layers.LSTM(8)(whole)
model = Model([whole, first], [ops.mean(made, axis=1) * 0.5, answer])
'''
b = notebook.Builder.from_code(SOURCE)
b
"""


@at("lab", "dark")
def test_states_are_given_by_name_and_functions_and_wrappers_are_put_in(notebook):
    view = open_builder(notebook, STATES, "print(b.to_code())")
    names = {"input", "input_1", "lstm", "lstm_1", "mean", "multiply", "output", "output_1"}
    notebook.until(lambda: set(view.names) == names, f"the boxes are {names}")

    # the decoder begins with the encoder's states: a choice by keys alone
    view.choose("lstm_1")
    give = view.region("Inspector").get_by_role("button", name="Give initial_state…")
    give.focus()
    view.press("Enter")
    view.choose("lstm")
    view.press("Enter")
    view.wait_until_done("give lstm_1 its initial_state")
    assert view.box("lstm_1").locator(".dot.in").count() == 3
    assert view.box("lstm_1").locator(".dot.in[data-port='initial_state']").count() == 1
    ports = view.region("Inspector").get_by_label("lstm is read as")
    assert ports.first.input_value() == "initial_state"

    view.choose("multiply")
    view.write("x2", "0.25")
    view.wait_until_done("x2 of multiply")
    view.item("ops.tanh").click()
    view.wait_until_done("add ops.tanh")
    view.choose("lstm_1")
    view.item("RepeatVector").click()
    view.wait_until_done("add RepeatVector")
    view.item("Bidirectional").click()
    view.wait_until_done("add Bidirectional")
    view.write("layer", "GRU(3)")
    view.wait_until_done("layer of bidirectional")
    code = told(notebook, 1)
    assert "layers.LSTM(8)(input_1, initial_state=[x, y])" in code
    assert "* 0.25" in code
    assert "ops.tanh(" in code
    assert "layers.Bidirectional(layers.GRU(3))" in code
