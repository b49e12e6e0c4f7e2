"""The curves of the live view: what they show, and how a person reads them."""

import re

import pytest

from .live_view import LiveView
from .places import at
from .training import SETUP, fit

STATUS = re.compile(
    r"^Epoch \d+ of 100000, step \d+ of 10, [\d.]+ steps/s, [\d:]+ left, \d+ MB$", re.MULTILINE
)


@pytest.fixture
def view(notebook) -> LiveView:
    """The second run of a kernel, with a few epochs done, as it waits."""
    earlier = "model.fit(x, y, epochs=6, callbacks=[Paced(0.01)], validation_data=(x, y));"
    options = "x, y, epochs=100_000, callbacks=[Paced(0.02)], validation_data=(x, y)"
    notebook.new([SETUP, earlier, f"training = model.fit({options}, background=True)"])
    assert notebook.run_all().wait(60)
    view = LiveView(notebook, 2)
    view.wait_for("running")
    notebook.until(lambda: STATUS.search(view.status()), "the line says where training is")
    spoken = view.part("announce")  # at most every two seconds: of many epochs, it tells few
    late = re.compile(r"Epoch ([4-9]|\d\d+) of")
    notebook.until(lambda: late.match(spoken.text_content()), "an epoch is told")
    view.click("pause")
    view.wait_for("paused")
    return view


def dashes(view: LiveView, kind: str) -> str:
    curve = view.panel("loss").locator(f'.kerasnb-curve[data-curve="{kind}"]')
    return curve.evaluate("one => getComputedStyle(one).strokeDasharray")


def value(view: LiveView, metric: str, curve: str) -> str:
    """The number beside a curve's name in the legend."""
    key = view.panel(metric).locator(".kerasnb-key", has_text=re.compile(f"^{curve}"))
    return key.locator(".kerasnb-value").inner_text()


@at("lab", "dark", "notebook")
def test_curves_are_read(notebook, view, axe):
    announced = view.part("announce").text_content()
    assert re.match(r"Epoch \d+ of 100000: loss [\d.]+, accuracy [\d.]+, val_loss", announced)
    assert view.part("announce").get_attribute("aria-live") == "polite"

    # every metric, over batches and epochs; validation differs by more than colour
    for metric in ("loss", "accuracy"):
        assert view.curves(metric) == ["batch", "train", "validation"]
    assert (dashes(view, "train"), dashes(view, "validation")) == ("none", "6px, 5px")

    # the numbers as a table
    view.part("numbers").locator("summary").click()
    rows = view.part("numbers").locator("tbody tr")
    notebook.until(lambda: rows.count() > 3, "there is a row an epoch")
    table = [row.split("\t") for row in rows.all_inner_texts()]
    assert [row[0] for row in table] == [str(n) for n in range(len(table), 0, -1)]
    head = view.part("numbers").locator("thead th")
    assert head.all_inner_texts() == ["epoch", "loss", "accuracy", "val_loss", "val_accuracy"]

    # hover: the values of the first epoch, in all panels; away: the newest
    plot = view.panel("loss").locator(".kerasnb-plot")
    newest = value(view, "accuracy", "validation")
    assert newest == table[0][4]
    plot.hover(position={"x": 50, "y": 100})
    notebook.until(lambda: value(view, "loss", "training") == table[-1][1], "the values change")
    assert value(view, "accuracy", "validation") == table[-1][4]
    view.part("title").hover()
    notebook.until(lambda: value(view, "accuracy", "validation") == newest, "back to the newest")

    # the same with keys
    plot.focus()
    notebook.page.keyboard.press("Home")
    text = plot.get_attribute("aria-valuetext")
    assert re.match(r"epoch [\d.]+: training [\d.]+, validation [\d.]+, batch [\d.]+$", text)
    notebook.page.keyboard.press("ArrowRight")
    assert plot.get_attribute("aria-valuetext") != text

    # earlier runs of this kernel, smoothing, logarithmic scale
    view.part("compare").check()
    notebook.until(lambda: "earlier" in view.curves("loss"), "the run before is drawn")
    view.part("smoothing").fill("0.9")
    notebook.until(lambda: view.curves("loss").count("batch") == 2, "raw and smoothed")
    line = view.panel("loss").locator('.kerasnb-curve[data-curve="train"]')
    before = line.get_attribute("d")
    view.part("log").check()
    notebook.until(lambda: line.get_attribute("d") != before, "the curve bends")
    axe(view.root)


def test_a_narrow_page_shows_all_of_it(notebook, view):
    notebook.page.set_viewport_size({"width": 640, "height": 900})

    def beyond() -> float:
        """How far the view reaches beyond its place, in pixels."""
        return view.root.evaluate("root => root.scrollWidth - root.clientWidth")

    notebook.until(lambda: beyond() <= 0, "nothing is cut off")
    panels = [view.panel(metric).bounding_box() for metric in ("loss", "accuracy")]
    assert panels[0]["x"] == panels[1]["x"]
    assert panels[0]["y"] + panels[0]["height"] <= panels[1]["y"]


@at("lab", "notebook")
def test_a_view_can_be_left_out(notebook):
    calls = [f"model.fit(x, y, epochs=2, verbose={verbose});" for verbose in (0, 1, 2)]
    notebook.new([SETUP, *calls])
    assert notebook.run_all().wait(60)
    assert notebook.outputs(1) == []
    for cell in (2, 3):
        assert "Epoch 2/2" in notebook.text(cell)
    assert notebook.page.locator(".kerasnb-live, .jp-OutputArea-output img").count() == 0


@at("lab", "notebook")
def test_a_bare_call_shows_one_view_and_its_handle_another(notebook):
    notebook.new([SETUP, fit(background=True), "model.current_training"])
    assert notebook.run_all().wait(60)
    LiveView(notebook, 2).wait_for("running")
    assert notebook.output(1).locator(".kerasnb-live").count() == 1
    LiveView(notebook, 2).click("stop")
    for cell in (1, 2):
        notebook.output(cell).locator("img").wait_for()
    notebook.save()
    stored = [output for cell in notebook.saved().cells for output in cell.outputs]
    assert all("application/vnd.jupyter.widget-view+json" not in one.data for one in stored)
