"""Stop, pause, step, learning rate and interrupt, while `fit` runs in a cell or beside it.

What a click did is read where training is: in the file of steps, in the history, and in the time at
which `fit` came back. All clocks are those of one machine.
"""

import time

import pytest

from .live_view import LiveView
from .places import at, everywhere
from .training import SETUP, fit, rates

SOON = 2  # seconds within which a wish must be fulfilled
BACK = 5  # seconds within which a reloaded page shows the view

REPORT = """
print(ended)
print("stopped by", history.stopped_by, "after", len(history.epoch), "epochs")
"""


def train(notebook, call: str, *cells: str) -> LiveView:
    """Run all of: setup, a cell that trains by `call`, and `cells`."""
    notebook.new([SETUP, call, *cells])
    notebook.running = notebook.run_all()
    view = LiveView(notebook, 1)
    view.wait_for("running", 60)  # the first import in a new kernel
    return view


def in_cell(**options: object) -> str:
    """A `fit` that keeps the cell busy until it is stopped."""
    return f"history = {fit(**options)}\nended = time.time()"


def beside(**options: object) -> str:
    """A `fit` in the background."""
    return f"training = {fit(background=True, **options)}"


RESULT = "history = training.result(5)\nended = time.time()"


def steps(notebook) -> int:
    return len(rates(notebook.folder))


def last_step(notebook) -> float:
    """When training made its last step, as `time.time` tells."""
    return (notebook.folder / "steps").stat().st_mtime


def quiet(notebook) -> bool:
    """Whether no step is made in a time in which about twenty would be."""
    before = steps(notebook)
    notebook.page.wait_for_timeout(400)
    return steps(notebook) == before


def check_report(notebook, cell: int, by: str, asked: float) -> None:
    """`REPORT` in that cell says that `fit` came back soon after a time, with its history."""
    ended, words = notebook.text(cell).splitlines()
    assert 0 <= float(ended) - asked < SOON
    reason, _, epochs = words.partition(" after ")
    assert reason == f"stopped by {by}"
    assert 0 <= int(epochs.split()[0]) < steps(notebook) / 10


def check_pause_and_step(notebook, view: LiveView) -> None:
    """Pause, single steps, the learning rate, and on."""
    asked = view.click("pause")
    view.wait_for("paused")
    assert quiet(notebook)
    assert last_step(notebook) - asked < SOON

    for _ in range(2):
        before = steps(notebook)
        view.click("step")
        notebook.until(lambda before=before: steps(notebook) > before, "a step is made")
        assert quiet(notebook)
        assert steps(notebook) == before + 1

    before = rates(notebook.folder)[-1]
    view.part("lr").focus()
    notebook.page.keyboard.press("ArrowRight")
    view.click("step")
    notebook.until(lambda: rates(notebook.folder)[-1] > before, "the rate is higher")
    view.part("lr-number").fill("0.0125")
    view.part("lr-number").press("Enter")
    view.click("step")
    notebook.until(lambda: rates(notebook.folder)[-1] == 0.0125, "the rate is as typed")
    view.wait_for("paused")

    before = steps(notebook)
    view.click("pause")
    view.wait_for("running")
    notebook.until(lambda: steps(notebook) > before + 5, "training goes on")
    assert rates(notebook.folder)[-1] == 0.0125


@everywhere
def test_a_fit_in_a_cell_is_steered(notebook):
    view = train(notebook, in_cell(), REPORT)
    check_pause_and_step(notebook, view)
    asked = view.click("stop")
    assert notebook.running.wait()
    check_report(notebook, 2, "user", asked)
    (picture,) = notebook.outputs(1)
    assert set(picture["data"]) == {"image/png", "text/plain"}
    assert "stopped at epoch" in picture["data"]["text/plain"]


@everywhere
def test_training_beside_cells_is_steered(notebook):
    view = train(notebook, beside(), "print('at once')", RESULT + REPORT)
    notebook.until(lambda: notebook.text(2) == "at once\n", "the next cell has run")
    check_pause_and_step(notebook, view)
    asked = view.click("stop")
    notebook.output(1).locator("img").wait_for()
    assert notebook.running.wait()
    check_report(notebook, 3, "user", asked)
    (picture,) = notebook.outputs(1)
    assert set(picture["data"]) == {"image/png", "text/plain"}


@everywhere
def test_an_interrupt_is_a_stop(notebook):
    train(notebook, in_cell(), REPORT)
    notebook.until(lambda: steps(notebook) > 0, "a step is made")
    asked = time.time()
    notebook.interrupt()
    assert notebook.running.wait()
    check_report(notebook, 2, "interrupt", asked)


@everywhere
def test_a_fit_in_a_cell_is_steered_after_a_reload(notebook):
    view = train(notebook, in_cell(), REPORT)
    notebook.save()
    notebook.reload()
    assert view.wait_for("running") < BACK
    check_still_steered(notebook, view)
    assert notebook.run(2).wait()
    assert "stopped by user after " in notebook.text(2)


@everywhere
def test_training_beside_cells_is_steered_after_a_reload(notebook):
    view = train(notebook, beside())
    notebook.running.wait()
    notebook.save()
    notebook.reload()
    assert view.wait_for("running") < BACK
    check_still_steered(notebook, view)


def check_still_steered(notebook, view: LiveView) -> None:
    """In a page that was reloaded: numbers move, buttons work, and a picture is left to save."""
    before = view.status()
    notebook.until(lambda: view.status() != before, "the numbers move")
    asked = view.click("pause")
    view.wait_for("paused")
    assert quiet(notebook)
    assert last_step(notebook) - asked < SOON
    view.click("pause")
    view.wait_for("running")
    view.click("stop")
    notebook.output(1).locator("img").wait_for()
    assert quiet(notebook)
    notebook.save()
    (picture,) = notebook.saved().cells[1].outputs
    assert set(picture["data"]) == {"image/png", "text/plain"}


def test_what_a_fit_beside_cells_prints_is_in_its_cell(notebook):
    talking = """
class Talking(kerasnb.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        print(f"heard {epoch}")

options = dict(epochs=3, background=True, verbose=2, callbacks=[Paced(0.02), Talking()])
training = model.fit(x, y, **options)
"""
    notebook.new([SETUP, talking, "print('mine')\ntraining.wait(20)\nprint('mine, too')"])
    assert notebook.run_all().wait(60)
    assert notebook.text(2) == "mine\nmine, too\n"
    notebook.until(lambda: "heard 2" in notebook.text(1), "all is printed")
    for epoch in range(3):
        assert f"heard {epoch}\n" in notebook.text(1)
        assert f"Epoch {epoch + 1}/3" in notebook.text(1)
    assert notebook.page.locator(".kerasnb-live").count() == 0


def test_a_second_fit_is_refused(notebook):
    view = train(notebook, beside(), fit(), "print('after')")
    assert not notebook.running.wait()
    assert notebook.text(2) == (
        "GraphError: Model 'model' is being trained: fit must wait until it has ended "
        "(model.current_training.stop() ends it)."
    )
    assert view.state == "running"
    assert notebook.text(3) == ""


def test_a_fit_that_fails_says_so_and_ends_run_all(notebook):
    broken = """
class Broken(kerasnb.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        if epoch == 2:
            raise ValueError("a mistake in a callback")

model.fit(x, y, epochs=5, callbacks=[Broken()])
"""
    notebook.new([SETUP, broken, "print('after')"])
    assert not notebook.run_all().wait(60)
    picture, error = notebook.outputs(1)
    assert set(picture["data"]) == {"image/png", "text/plain"}
    assert "failed at epoch 3" in picture["data"]["text/plain"]
    assert (error["ename"], error["evalue"]) == ("ValueError", "a mistake in a callback")
    assert notebook.text(2) == ""


@at("lab", "notebook")
def test_the_view_is_steered_by_keys(notebook):
    view = train(notebook, beside())
    cells = notebook.page.locator(".jp-Notebook .jp-Cell").count()
    view.part("pause").focus()
    notebook.page.keyboard.press("Space")
    view.wait_for("paused")
    for key in ("b", "a", "x", "d", "d", "Enter"):  # in the notebook: insert, cut, delete, run
        notebook.page.keyboard.press(key)
    view.wait_for("running")  # Enter pressed the button
    assert notebook.page.locator(".jp-Notebook .jp-Cell").count() == cells
    view.part("stop").focus()
    notebook.page.keyboard.press("Enter")
    notebook.output(1).locator("img").wait_for()


@pytest.mark.parametrize("state", ["running", "paused"])
@at("lab", "dark")
def test_the_view_is_accessible(notebook, axe, state):
    view = train(notebook, beside())
    live = view.root.locator("[aria-live]")
    notebook.until(lambda: "epoch" in live.first.text_content().lower(), "an epoch is announced")
    if state == "paused":
        view.click("pause")
        view.wait_for("paused")
    view.root.locator("table").first.wait_for(state="attached")
    axe(view.root)
