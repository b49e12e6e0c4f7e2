"""The magics, typed by a person."""

from .live_view import LiveView
from .places import everywhere
from .training import SETUP, fit, rates

LOAD = "%load_ext kerasnb"


@everywhere
def test_the_backend_is_completed_and_switched(notebook):
    notebook.new([LOAD, "%backend", ""])
    assert notebook.run_all().wait(60)
    assert notebook.text(1).startswith("NumPy, ")
    offered = notebook.complete(2, "%backend ")
    # what follows are words of the notebook, which the page offers by itself
    assert offered[:5] == ["auto", "cpu", "gpu", "cupy", "numpy"]
    notebook.page.keyboard.press("ArrowDown")
    notebook.page.keyboard.press("Enter")
    assert notebook.source(2) == "%backend cpu"
    assert notebook.run(2).wait()
    assert notebook.text(2).startswith("Already on NumPy, ")


def test_without_a_gpu_one_sentence_ends_run_all(notebook):
    notebook.new([LOAD, "%backend gpu", "print('after')"])
    assert not notebook.run_all().wait(60)
    (error,) = notebook.outputs(1)
    assert error["output_type"] in ("error", "stream")
    assert notebook.text(1).count("\n") <= 1
    assert "CuPy" in notebook.text(1)
    assert notebook.text(2) == ""


def test_training_beside_cells_goes_on_over_a_switch(notebook):
    notebook.new([SETUP, f"training = {fit(background=True)}", LOAD, "%backend numpy"])
    run = notebook.run_all()
    assert run.wait(60)
    assert notebook.text(3).startswith("Already on NumPy, ")
    before = len(rates(notebook.folder))
    notebook.until(lambda: len(rates(notebook.folder)) > before, "training goes on")
    view = LiveView(notebook, 1)
    view.click("stop")
    notebook.output(1).locator("img").wait_for()
