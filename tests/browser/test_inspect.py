"""Looking inside a network: what a person clicks and draws, and what is left of it."""

import json
import re

from .places import at

SETUP = """
import numpy as np
import kerasnb
from kerasnb import layers, notebook

random = np.random.default_rng(0)
# a bar of three columns, on the left, in the middle or on the right, under much noise
y = random.integers(0, 3, 300)
x = random.uniform(0, 0.7, size=(300, 8, 8)).astype("float32")
for i, place in enumerate((0, 3, 5)):
    x[y == i, :, place:place + 3] += 0.12
kerasnb.utils.set_random_seed(1)
model = kerasnb.Sequential(
    [kerasnb.Input((8, 8)), layers.Flatten(), layers.Dense(3, activation="softmax")], name="bars"
)
model.compile(kerasnb.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
model.fit(x, y, epochs=3, verbose=0)
names = ["left", "middle", "right"]
"""
INSPECT = "panel = notebook.inspect(model, x, y, names)\npanel"
# the place in x of every example in a cell of the matrix
PLACES = "[[panel.outcome.where(i, j).tolist() for j in range(3)] for i in range(3)]"


def open_tab(notebook, title: str):
    """Choose a tab of the panel; its content."""
    output = notebook.output(1).last
    output.get_by_role("tab", name=title).click()
    return output


@at("lab", "dark", "notebook", "lab 4.4")
def test_a_cell_opens_an_example_lights_up_and_a_drawing_is_told(notebook, axe):
    notebook.new([SETUP, INSPECT, f"print({PLACES})"])
    assert notebook.run_all().wait(60)
    places = json.loads(notebook.text(2))
    panel = notebook.output(1).last

    # click a cell: exactly those examples
    for true, predicted in ((0, 0), (0, 1), (2, 1)):
        panel.locator(f'td[data-row="{true}"][data-column="{predicted}"]').click()
        wanted = [f"#{i}" for i in places[true][predicted]][:64]
        assert wanted

        def shown(wanted=wanted):
            words = panel.locator(".pictures .words").all_inner_texts()
            return [re.match(r"#\d+", text).group() for text in words] == wanted

        notebook.until(shown, f"the examples of {true}, {predicted} are shown")
    axe(panel.locator(".kerasnb-confusion"))

    # choose an example: what the layers make of it
    open_tab(notebook, "Activations")
    place = panel.locator("input[type=number]")
    place.fill("7")
    place.press("Enter")
    panel.locator('img[alt="What all layers give for example 7"]').wait_for()

    open_tab(notebook, "Draw")
    panel.get_by_label("centre and scale").uncheck()
    draw_bar(notebook, panel.locator(".paper"))
    panel.get_by_text(re.compile(r"^Looks like right \(")).wait_for()
    axe(panel.locator(".kerasnb-pad"))


def draw_bar(notebook, paper) -> None:
    """Draw three lines on the right with the mouse, from the top to the bottom."""
    paper.scroll_into_view_if_needed()
    box = paper.bounding_box()
    mouse = notebook.page.mouse
    for across in (0.7, 0.8, 0.9):
        mouse.move(box["x"] + across * box["width"], box["y"] + 0.05 * box["height"])
        mouse.down()
        mouse.move(box["x"] + across * box["width"], box["y"] + 0.95 * box["height"], steps=8)
        mouse.up()


@at("kernel 6.31")  # it answers no widget while a cell runs
def test_an_answer_to_a_drawing_may_come_late(notebook):
    busy = "import time\ntime.sleep(9)"
    notebook.new([SETUP, "notebook.draw_pad(model, x, names)", busy])
    assert notebook.run(0).wait(60)
    assert notebook.run(1).wait()
    pad = notebook.output(1).locator(".kerasnb-pad")
    pad.get_by_label("centre and scale").uncheck()
    running = notebook.run(2)
    draw_bar(notebook, pad.locator(".paper"))
    pad.get_by_text("No answer. The kernel is busy").wait_for()
    assert not running.done
    pad.get_by_text(re.compile(r"^Looks like right \(")).wait_for()


@at("lab", "notebook", "lab 4.4")
def test_a_picture_and_words_are_left_without_the_kernel(notebook):
    notebook.new([SETUP, INSPECT, "notebook.draw_pad(model, x, names)"])
    assert notebook.run_all().wait(60)
    notebook.output(2).locator(".paper").wait_for()
    notebook.save()
    notebook.kill_kernel()
    notebook.reopen_without_kernel()
    assert "widgets" not in notebook.saved().metadata
    picture = notebook.output(1).locator("img").first
    picture.wait_for()
    assert picture.evaluate("one => one.complete && one.naturalWidth") > 400
    for cell, words in ((1, "They need a kernel"), (2, "Paper to draw on for 'bars'")):
        notebook.output(cell).get_by_text(words).wait_for()
