"""Names that are scripts are shown as the text that they are."""

from .live_view import LiveView
from .training import SETUP

PAYLOADS = [
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "</style><script>alert(1)</script>",
    "javascript:alert(1)",
    "{{constructor.constructor('alert(1)')()}}",
]

HOSTILE = """
class Named(kerasnb.metrics.Mean):
    def update_state(self, y_true, y_pred, sample_weight=None):
        super().update_state(y_pred)

payloads = {payloads}
hostile = kerasnb.Sequential(
    [kerasnb.Input((4,)), layers.Dense(1, activation="sigmoid")], name=payloads[0]
)
hostile.compile("adam", "binary_crossentropy", metrics=[Named(name=text) for text in payloads])
training = hostile.fit(x, y, epochs=100_000, callbacks=[Paced(0.02)], background=True)
"""


def test_a_view_shows_hostile_names_as_text(notebook):
    notebook.new([SETUP, HOSTILE.format(payloads=PAYLOADS), "hostile", "training.stop()"])
    for cell in range(3):
        assert notebook.run(cell).wait(60)
    view = LiveView(notebook, 1)
    view.wait_for("running")
    for text in PAYLOADS:
        notebook.until(lambda text=text: text in view.root.text_content(), f"{text} is shown", 10)
    assert view.root.locator("img, script, svg[onload]").count() == 0
    drawn = notebook.output(2)
    assert drawn.locator("script, svg[onload], img:not([src^='data:image/svg+xml'])").count() == 0
    assert drawn.locator("img").count() == 1  # the drawing, in which nothing can run
    assert notebook.run(3).wait()
    notebook.output(1).locator("img").wait_for()
