"""What is left of training: in the saved file, on another machine, after the kernel is lost."""

import base64
import json
import re

from nbconvert import HTMLExporter

from .live_view import LiveView
from .places import at
from .training import SETUP, fit

MEGABYTE = 1_000_000


def shown(notebook, cell: int) -> list[int]:
    """The widths in pixels that the pictures in a cell's output have, once they are loaded."""
    pictures = notebook.output(cell).locator("img")
    pictures.first.wait_for()
    return pictures.evaluate_all("all => all.map(one => one.complete && one.naturalWidth)")


@at("lab", "notebook", "lab 4.4")
def test_a_picture_is_left_without_the_kernel(notebook):
    notebook.new([SETUP, fit(epochs=3, pace=0.002), "history = _\nhistory.plot()"])
    assert notebook.run_all().wait(60)
    notebook.save()
    notebook.kill_kernel()
    notebook.reopen_without_kernel()
    for cell in (1, 2):
        (width,) = shown(notebook, cell)
        assert width > 200
    assert notebook.page.get_by_text("Loading widget").count() == 0
    assert notebook.page.get_by_text("model not found").count() == 0


KEEPING = """
from kerasnb.notebook import LiveView
view = LiveView(keep=1)
model.fit(x, y, epochs=100_000, callbacks=[Paced(0.01), view], background=True);
"""


def keep_a_picture(notebook) -> LiveView:
    """Train until a picture is kept in case the kernel is lost, and save."""
    notebook.new([SETUP, KEEPING])
    assert notebook.run_all().wait(60)
    view = LiveView(notebook, 1)
    view.wait_for("running")
    notebook.until(lambda: "Kept at" in notebook.text(1), "a picture was kept")
    notebook.save()
    return view


@at("lab", "notebook")
def test_a_picture_is_left_of_training_whose_kernel_was_lost(notebook):
    keep_a_picture(notebook)
    notebook.kill_kernel()
    notebook.reopen_without_kernel()
    notebook.output(1).get_by_text("Kept at").click()  # it is folded
    (width,) = shown(notebook, 1)
    assert width > 200


@at("lab", "notebook")
def test_only_the_last_picture_is_left_after_a_reload(notebook):
    view = keep_a_picture(notebook)
    notebook.reload()
    view.wait_for("running")
    view.click("stop")
    notebook.output(1).locator("img").first.wait_for()
    notebook.until(lambda: "Kept at" not in notebook.text(1), "what was kept is cleared")
    notebook.save()
    outputs = notebook.saved().cells[1].outputs
    assert [set(output["data"]) for output in outputs] == [{"image/png", "text/plain"}, set()]


def test_a_picture_is_left_in_an_export_to_html(notebook):
    notebook.new([SETUP, fit(epochs=3, pace=0.002), f"training = {fit(background=True)}"])
    assert notebook.run_all().wait(60)
    view = LiveView(notebook, 2)
    view.wait_for("running")
    view.click("stop")
    notebook.output(2).locator("img").wait_for()
    notebook.save()
    page, _ = HTMLExporter().from_notebook_node(notebook.saved())
    pictures = re.findall(r'<img[^>]* src="data:image/png;base64,([^"]+)"', page)
    assert len(pictures) == 2
    assert all(base64.b64decode(one).startswith(b"\x89PNG") for one in pictures)
    assert "vnd.jupyter.widget" not in page


def test_ten_fits_are_small_and_hold_no_script(notebook):
    cells = [f"model{i} = network()\nhistory = model{i}.fit(x, y, epochs=30)" for i in range(10)]
    notebook.new([SETUP, *cells])
    assert notebook.run_all().wait(90)
    notebook.save()
    assert notebook.server.size(notebook.path) < MEGABYTE
    content = notebook.saved()
    assert "widgets" not in content.metadata
    stored = json.dumps(content.cells).lower()
    for word in ("vnd.jupyter.widget", "<script", "javascript"):
        assert word not in stored
    assert all(len(cell.outputs) == 1 for cell in content.cells[1:])
