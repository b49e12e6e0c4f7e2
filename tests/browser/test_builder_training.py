"""Training in the model builder: steered, seen, and gone on with after a change or a reload."""

import json

from .builder import SMALL, SMALL_NAMES, BuilderView, find_builder, open_builder, told
from .places import at

WEIGHTS = "print(json.dumps([w.tolist() for w in b.model.get_weights()]))"
STEPS = "print(int(b.model.optimizer.iterations))"


def open_training(view: BuilderView):
    """The part of the builder that trains; it opens and closes with the tool bar's Train."""
    view.tool("Train").click()
    train = view.root.locator(".kerasnb-training")
    train.wait_for()
    return train


def press(train, name: str) -> None:
    """Click a button of the part that trains; the view of the training has some of its own."""
    train.locator(".bar").get_by_role("button", name=name, exact=True).click()


def wait_for_state(notebook, train, state: str) -> None:
    status = train.locator(".bar").get_by_role("status")
    notebook.until(lambda: status.inner_text().startswith(state), f"training is {state}")


def fresh(view: BuilderView) -> list[str]:
    """The boxes of which it is told that their weights are new."""
    boxes = view.root.locator(".box", has=view.page.locator(".pill:not([hidden])"))
    return boxes.locator(".name").all_text_contents()


@at("lab", "kernel 6.31", "kernel 7.3")
def test_a_model_is_trained_and_changed_and_trained_on(notebook):
    view = open_builder(notebook, SMALL, "print('at once')", WEIGHTS, STEPS)
    view.wait_for(*SMALL_NAMES)
    train = open_training(view)
    train.get_by_label("data x").select_option("set: digits")
    train.get_by_label("epochs", exact=True).fill("100000")
    train.get_by_label("epochs", exact=True).press("Tab")
    press(train, "Train")
    wait_for_state(notebook, train, "running")
    badge = view.box("dense").locator(".badge")
    notebook.until(lambda: badge.is_visible() and badge.inner_text(), "a badge tells of training")
    assert notebook.kernel_status() == "idle"
    assert told(notebook, 1) == "at once\n"

    press(train, "Pause")
    wait_for_state(notebook, train, "paused")
    before = int(told(notebook, 3))
    press(train, "Step")
    notebook.until(lambda: int(told(notebook, 3)) == before + 1, "a step is made")
    wait_for_state(notebook, train, "paused")
    press(train, "Resume")
    wait_for_state(notebook, train, "running")
    press(train, "Stop")
    wait_for_state(notebook, train, "stopped")
    trained = told(notebook, 2)
    assert int(told(notebook, 3)) > before + 1

    # what a change does not concern keeps its weights
    view.choose("dense")
    view.item("Dropout").click()
    view.wait_for("input", "flatten", "dense", "dropout", "dense_1", "output")
    assert told(notebook, 2) == trained
    assert fresh(view) == []
    view.choose("dense_1")
    view.write("units", "12")
    view.wait_until_done("units of dense_1")
    notebook.until(lambda: fresh(view) == ["dense_1"], "it is told whose weights are new")
    assert json.loads(told(notebook, 2))[:2] == json.loads(trained)[:2]
    press(train, "Train")
    wait_for_state(notebook, train, "running")
    press(train, "Stop")
    wait_for_state(notebook, train, "stopped")
    assert fresh(view) == []


def test_points_are_added_and_the_boundary_moves(notebook):
    setup = "from kerasnb import notebook\n\nb = notebook.Playground()\nb"
    view = open_builder(notebook, setup)
    train = open_training(view)
    plot = train.locator(".plot")
    assert plot.get_attribute("aria-label").startswith("400 points in a plane.")
    plot.click()
    notebook.until(
        lambda: plot.get_attribute("aria-label").startswith("401 points in a plane."),
        "there is one more point",
    )
    press(train, "Train")
    wait_for_state(notebook, train, "running")
    colors = plot.locator("canvas")
    colors.wait_for()
    first = colors.evaluate("canvas => canvas.toDataURL()")
    notebook.until(lambda: colors.evaluate("canvas => canvas.toDataURL()") != first, "it moves")
    press(train, "Stop")
    wait_for_state(notebook, train, "stopped")


@at("kernel 6.31")  # it answers no widget while a cell runs
def test_the_builder_works_while_a_cell_runs(notebook):
    view = open_builder(notebook, SMALL, "import time\ntime.sleep(6)")
    view.wait_for(*SMALL_NAMES)
    busy = notebook.run(1)
    view.choose("dense")
    view.item("Dropout").click()
    view.wait_for("input", "flatten", "dense", "dropout", "dense_1", "output")
    assert not busy.done
    assert busy.wait()


@at("lab", "notebook")
def test_canvas_and_training_are_there_after_a_reload(notebook):
    view = open_builder(notebook, SMALL)
    view.choose("dense")
    view.item("Dropout").click()
    view.wait_for("input", "flatten", "dense", "dropout", "dense_1", "output")
    train = open_training(view)
    train.get_by_label("data x").select_option("set: digits")
    train.get_by_label("epochs", exact=True).fill("100000")
    press(train, "Train")
    wait_for_state(notebook, train, "running")
    notebook.save()
    notebook.reload()
    view = find_builder(notebook)
    view.wait_for("input", "flatten", "dense", "dropout", "dense_1", "output")
    train = open_training(view)
    wait_for_state(notebook, train, "running")
    train.locator(".kerasnb-live").wait_for()
    press(train, "Stop")
    wait_for_state(notebook, train, "stopped")
    view.tool("Undo").click()
    view.wait_for(*SMALL_NAMES)


TWO_ENDS = """
SOURCE = '''
from keras import Input, Model, layers

size, shade = Input((3,), name="size"), Input((5,), name="shade")
both = layers.concatenate([layers.Dense(4, activation="relu")(size), shade])
ripe = layers.Dense(1, activation="sigmoid", name="ripe")(both)
price = layers.Dense(1, name="price")(both)
model = Model([size, shade], [ripe, price])
'''
import numpy as np
from kerasnb import notebook

rng = np.random.default_rng(0)
sizes, shades = (rng.normal(size=(100, n)).astype("float32") for n in (3, 5))
is_ripe, prices = (sizes[:, 0] > 0).astype(int), sizes.sum(axis=1)
b = notebook.Builder.from_code(SOURCE)
b
"""


@at("lab")
def test_each_input_and_output_has_its_own_data(notebook):
    view = open_builder(notebook, TWO_ENDS, "print(len(b.history.epoch))")
    train = open_training(view)
    train.get_by_label("data x", exact=True).select_option("sizes")
    second = train.get_by_label("data x 2")
    notebook.until(lambda: second.input_value() == "shades", "what fits is chosen")
    fault = train.locator(".how > .fault")
    notebook.until(lambda: fault.inner_text() == "Choose the targets y of output 1.", "it is asked")
    train.get_by_label("targets y", exact=True).select_option("is_ripe")
    train.get_by_label("targets y 2").select_option("prices")
    notebook.until(lambda: fault.inner_text() == "", "nothing is missing")
    train.get_by_label("epochs", exact=True).fill("3")
    train.get_by_label("epochs", exact=True).press("Tab")
    press(train, "Train")
    wait_for_state(notebook, train, "done")
    assert told(notebook, 1) == "3\n"
