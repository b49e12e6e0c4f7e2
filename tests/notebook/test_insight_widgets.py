"""The matrix, the pad and the panel: what goes to a page, and what may come from it."""

import base64
import re

import numpy as np
import pytest
from matplotlib.text import Text

pytest.importorskip("anywidget")

import kerasnb
from kerasnb import layers
from kerasnb.errors import ArgumentError, GraphError, ShapeError
from kerasnb.notebook.insight.checks import spread
from kerasnb.notebook.insight.matrix import CLASSES, EXAMPLES, ConfusionMatrix
from kerasnb.notebook.insight.outcome import judge
from kerasnb.notebook.insight.pad import DrawPad, draw_pad, square_side
from kerasnb.notebook.insight.panel import Panel, inspect
from kerasnb.notebook.insight.pictures import pictures_of

ATTACK = '"><img src=x onerror=alert(1)><script>alert(2)</script>'


def refused(error, text, function, *args, **kwargs):
    with pytest.raises(error, match=f"^{re.escape(text)}$"):
        function(*args, **kwargs)


def classifier(shape, classes=3, name="chooser"):
    model = kerasnb.Sequential(
        [kerasnb.Input(shape), layers.Flatten(), layers.Dense(classes, activation="softmax")],
        name=name,
    )
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model


def data(shape, n=30, classes=3):
    rng = np.random.default_rng(0)
    return rng.uniform(size=(n, *shape)).astype("float32"), rng.integers(0, classes, n)


class Sent(list):
    """Takes the place of a widget's `send`."""

    def __call__(self, content, buffers=None):
        self.append((content, buffers))


def matrix(shape, n=30, classes=3, **kwargs):
    x, y = data(shape, n, classes)
    outcome = judge(classifier(shape, classes), x, y)
    widget = ConfusionMatrix(outcome, pictures_of(outcome.x), **kwargs)
    widget.send = Sent()
    return widget, outcome


# The confusion matrix


def test_the_page_gets_the_matrix_as_plain_data():
    widget, outcome = matrix((8, 8))
    assert widget.data["counts"] == outcome.matrix().tolist()
    assert widget.data["totals"] == outcome.matrix().sum(axis=1).tolist()
    assert widget.data["classes"] == ["0", "1", "2"]
    assert widget.data["numbers"] == [0, 1, 2]
    assert widget.data["left_out"] == 0


def test_a_cell_gives_exactly_its_examples_as_pictures():
    widget, outcome = matrix((8, 8))
    for true in range(3):
        for predicted in range(3):
            widget.send.clear()
            widget.handle({"op": "cell", "true": true, "predicted": predicted, "page": 0})
            ((answer, buffers),) = widget.send
            found = [e["place"] for e in answer["examples"]]
            expected = (outcome.truth == true) & (outcome.predicted == predicted)
            assert sorted(found) == np.flatnonzero(expected).tolist()
            assert answer["count"] == len(found)
            assert answer["shape"] == [8, 8, 1]
            pixels = np.frombuffer(buffers[0], "uint8").reshape(-1, 8, 8)
            np.testing.assert_array_equal(pixels, pictures_of(outcome.x).take(found))
            for example in answer["examples"]:
                chance = outcome.probability[example["place"], predicted]
                assert example["probability"] == pytest.approx(chance, abs=1e-4)


def test_many_examples_come_in_pages():
    widget, outcome = matrix((8, 8), n=600)
    true, predicted = np.unravel_index(outcome.matrix().argmax(), (3, 3))
    index = outcome.where(true, predicted)
    found = []
    for page in range(len(index) // EXAMPLES + 1):
        message = {"op": "cell", "true": int(true), "predicted": int(predicted), "page": page}
        widget.handle(message)
        answer, _ = widget.send[-1]
        assert len(answer["examples"]) <= EXAMPLES
        found += [e["place"] for e in answer["examples"]]
    assert found == index.tolist()


def test_colour_pictures_have_three_channels():
    widget, _ = matrix((60, 100, 3))
    widget.handle({"op": "cell", "true": 0, "predicted": 0, "page": 0})
    widget.handle({"op": "cell", "true": 1, "predicted": 0, "page": 0})
    widget.handle({"op": "cell", "true": 0, "predicted": 1, "page": 0})
    for answer, buffers in widget.send:
        height, width, channels = answer["shape"]
        assert (height, width, channels) == (20, 33, 3)
        assert len(buffers[0]) == len(answer["examples"]) * 20 * 33 * 3


def test_other_examples_are_rows_of_a_table():
    widget, outcome = matrix((4,), feature_names=[ATTACK, "b", "c", "d" * 99])
    widget.handle({"op": "cell", "id": "x", "true": 1, "predicted": 0, "page": 0})
    ((answer, buffers),) = widget.send
    assert buffers is None
    assert answer["columns"][1:3] == ["b", "c"]
    assert all(len(name) <= 40 for name in answer["columns"])
    for example in answer["examples"]:
        assert example["values"] == [f"{v:.4g}" for v in outcome.x[example["place"]]]


def test_of_very_many_classes_those_with_most_mistakes_are_shown():
    widget, outcome = matrix((4,), n=400, classes=CLASSES + 20)
    assert widget.data["left_out"] == 20
    counts = outcome.matrix()
    mistakes = counts.sum(0) + counts.sum(1) - 2 * counts.diagonal()
    shown = widget.data["numbers"]
    assert len(shown) == CLASSES
    assert mistakes[shown].min() >= np.delete(mistakes, shown).max()
    assert widget.data["counts"][3][5] == counts[shown[3], shown[5]]


CELL = {"op": "cell", "id": "a", "true": 0, "predicted": 0, "page": 0}


@pytest.mark.parametrize(
    "message",
    [
        None, [], "cell", {}, {**CELL, "op": "open"}, {**CELL, "op": None},
        {**CELL, "true": 3}, {**CELL, "predicted": -1}, {**CELL, "true": 1.0},
        {**CELL, "true": True}, {**CELL, "true": "0"}, {**CELL, "page": -1},
        {**CELL, "page": 10**9}, {**CELL, "page": None}, {**CELL, "id": 7},
        {k: v for k, v in CELL.items() if k != "page"}, {**CELL, "more": "x" * 10**6},
    ],
)  # fmt: skip
def test_the_matrix_drops_what_it_does_not_know(message):
    widget, _ = matrix((4,))
    widget.receive(message)
    assert (widget.dropped, widget.send) == (1, [])
    widget.receive(CELL)
    assert (widget.dropped, len(widget.send)) == (1, 1)


def test_an_example_is_chosen_only_where_that_leads_somewhere():
    chosen = []
    with_choice, _ = matrix((4,), choose=chosen.append)
    without, _ = matrix((4,))
    assert (with_choice.data["choosable"], without.data["choosable"]) == (True, False)
    for place in (29, 0):
        with_choice.receive({"op": "example", "id": f"{place}", "place": place})
    for place in (30, -1, 1.0, True, "1", None):
        with_choice.receive({"op": "example", "place": place})
    without.receive({"op": "example", "place": 0})
    assert chosen == [29, 0]
    assert (with_choice.dropped, without.dropped) == (6, 1)
    assert with_choice.send == without.send == []


# The pad


@pytest.mark.parametrize(
    ("shape", "side"),
    [((28, 28), 28), ((28, 28, 1), 28), ((8, 8), 8), ((8, 8, 1), 8), ((64,), 8), ((784,), 28),
     ((16, 16, 3), 16), ((1, 28, 28), 28), ((64, 64), 64), ((3, 3), None), ((65, 65), None),
     ((28, 27), None), ((63,), None), ((28, 28, 2), None), ((None, None, 1), None), ((None,), None),
     ((2, 8, 8, 1), None), ((), None)],
)  # fmt: skip
def test_which_models_can_be_drawn_for(shape, side):
    assert square_side(shape) == side


@pytest.mark.parametrize("shape", [(8, 8), (8, 8, 1), (8, 8, 3), (1, 8, 8), (3, 8, 8), (64,)])
def test_a_drawing_is_given_to_the_model_in_its_shape(shape):
    model = classifier(shape)
    pad = draw_pad(model, class_names=["a", "b", "c"])
    pad.send = Sent()
    pixels = [round(i / 63, 3) for i in range(64)]
    pad.receive({"op": "draw", "id": "1", "pixels": pixels})
    assert pad.image.shape == shape
    grey = np.array(pixels, "float32").reshape(8, 8)
    if len(shape) == 3:
        channel = pad.image[..., 0] if shape[2] in (1, 3) else pad.image[0]
        np.testing.assert_array_equal(channel, grey)
    expected = model.predict(pad.image[None], verbose=0)[0]
    np.testing.assert_allclose(pad.probability, expected, rtol=1e-5)
    ((answer, _),) = pad.send
    assert answer["op"], answer["id"] == ("prediction", "1")
    assert [name for name, _ in answer["bars"]] == ["a", "b", "c"]
    np.testing.assert_allclose([p for _, p in answer["bars"]], expected, atol=1e-4)


@pytest.mark.parametrize(
    ("given", "paper", "ink"),
    [
        ({}, 0, 1),
        ({"scale": 16}, 0, 16),
        ({"scale": 255.0, "inverted": True}, 255, 0),
        ({"x": "dark"}, 0, 16),
        ({"x": "light"}, 16, 0),
        ({"x": "light", "inverted": False}, 0, 16),
        ({"x": "dark", "scale": 1}, 0, 1),
    ],
)
def test_paper_and_ink_have_the_values_of_the_data(given, paper, ink):
    dark = np.zeros((5, 8, 8))
    dark[:, 3:5, 2:6] = 16
    arrays = {"dark": dark, "light": 16 - dark}
    if "x" in given:
        given = {**given, "x": arrays[given["x"]]}
    pad = draw_pad(classifier((8, 8)), **given)
    pad.receive({"op": "draw", "pixels": [0] * 32 + [1] * 32})
    assert pad.image.ravel()[[0, 63]].tolist() == [paper, ink]


def test_the_page_knows_how_large_and_whether_to_centre():
    small = draw_pad(classifier((8, 8)))
    assert small.settings == {"side": 8, "fill": 1.0, "pen": 0.875 / 8, "centre": True}
    large = draw_pad(classifier((28, 28)), centre=False)
    assert large.settings == {"side": 28, "fill": 20 / 28, "pen": 1.375 / 28, "centre": False}


def test_words_are_left_of_the_pad():
    text = "Paper to draw on for 'chooser'. It needs a kernel: run this cell."
    pad = draw_pad(classifier((8, 8)))
    bundle, _ = pad._repr_mimebundle_()
    assert repr(pad) == bundle["text/plain"] == text
    assert len(draw_pad(classifier((8, 8), name="x" * 99)).__repr__()) < 110  # else it is cut


def test_one_unit_gives_two_bars_and_many_classes_the_likeliest():
    model = kerasnb.Sequential([kerasnb.Input((64,)), layers.Dense(1, activation="sigmoid")])
    pad = draw_pad(model, class_names=["no", "yes"])
    pad.send = Sent()
    pad.receive({"op": "draw", "pixels": [0.5] * 64})
    bars = pad.send[0][0]["bars"]
    assert [name for name, _ in bars] == ["no", "yes"]
    assert sum(p for _, p in bars) == pytest.approx(1, abs=1e-3)
    pad = draw_pad(classifier((64,), 50))
    pad.send = Sent()
    pad.receive({"op": "draw", "pixels": [0.5] * 64})
    bars = pad.send[0][0]["bars"]
    assert len(bars) == 12
    assert [p for _, p in bars] == sorted((p for _, p in bars), reverse=True)


DRAWING = {"op": "draw", "id": "a", "pixels": [0.5] * 64}


@pytest.mark.parametrize(
    "message",
    [
        {**DRAWING, "pixels": [0.5] * 63}, {**DRAWING, "pixels": [0.5] * 65},
        {**DRAWING, "pixels": [0.5] * 10**6}, {**DRAWING, "pixels": None},
        {**DRAWING, "pixels": "0" * 64}, {**DRAWING, "pixels": [True] * 64},
        {**DRAWING, "pixels": [1.01] + [0] * 63}, {**DRAWING, "pixels": [-0.01] + [0] * 63},
        {**DRAWING, "pixels": [float("nan")] + [0] * 63}, {**DRAWING, "pixels": ["1"] * 64},
        {**DRAWING, "pixels": [[0.5]] * 64}, {**DRAWING, "pixels": {str(i): 0 for i in range(64)}},
        {**DRAWING, "op": "erase"}, None,
    ],
)  # fmt: skip
def test_the_pad_drops_what_is_no_drawing(message):
    pad = draw_pad(classifier((8, 8)))
    pad.send = Sent()
    pad.receive(message)
    assert (pad.dropped, pad.send, pad.image) == (1, [], None)
    pad.receive(DRAWING)
    assert (pad.dropped, len(pad.send)) == (1, 1)


def test_drawing_changes_no_seed():
    import random

    pad = draw_pad(classifier((8, 8)))
    random.seed(1)
    expected = random.random()
    random.seed(1)
    pad.receive(DRAWING)
    assert random.random() == expected


def test_draw_pad_refuses():
    refused(
        ShapeError,
        "draw_pad: expected a model of square pictures, 4 to 64 pixels wide, of one or three "
        "channels, but model 'chooser' takes (8, 9).",
        draw_pad, classifier((8, 9)),
    )  # fmt: skip
    number = kerasnb.Sequential([kerasnb.Input((64,)), layers.Dense(1)], name="counter")
    refused(
        ArgumentError,
        "draw_pad: model 'counter' predicts a number. Drawings need a classifier, with one output "
        "for each class.",
        draw_pad, number,
    )  # fmt: skip
    refused(
        ArgumentError,
        "draw_pad: expected 3 class_names, one for each class of the output, got 1.",
        draw_pad, classifier((8, 8)), class_names=["a"],
    )  # fmt: skip
    for scale in (0, -1, float("inf"), float("nan"), True, "1"):
        refused(
            ArgumentError, f"draw_pad: scale must be a number above 0, got {scale!r}.",
            draw_pad, classifier((8, 8)), scale=scale,
        )  # fmt: skip
    refused(
        GraphError,
        "draw_pad: model 'new' has no weights yet. Fit it, or call it on data, first.",
        draw_pad, kerasnb.Sequential([layers.Dense(2)], name="new"),
    )  # fmt: skip


def test_a_model_with_a_call_of_its_own_needs_data():
    class Own(kerasnb.Model):
        def __init__(self):
            super().__init__(name="own")
            self.flat, self.top = layers.Flatten(), layers.Dense(3, activation="softmax")

        def call(self, inputs):
            return self.top(self.flat(inputs))

    model = Own()
    model(np.zeros((1, 8, 8)))
    refused(
        ArgumentError,
        "draw_pad: model 'own' does not tell its input's shape. Pass some data as x.",
        draw_pad, model,
    )  # fmt: skip
    assert isinstance(draw_pad(model, np.zeros((2, 8, 8))), DrawPad)


# The panel


def shown(panel, title):
    """The content of a tab, opened as a reader would."""
    panel.widget.selected_index = panel.titles.index(title)
    (content,) = panel.widget.children[panel.titles.index(title)].children
    return content


def html_of(widget):
    """All HTML within a widget."""
    parts = [widget.value] if type(widget).__name__ == "HTML" else []
    return parts + [part for child in getattr(widget, "children", ()) for part in html_of(child)]


def test_a_panel_for_pictures():
    model, (x, y) = classifier((8, 8)), data((8, 8))
    panel = inspect(model, x, y)
    assert panel.titles == [
        "Confusions", "Worst mistakes", "Weights", "Filters", "Activations", "Health", "Draw",
    ]  # fmt: skip
    assert isinstance(shown(panel, "Confusions"), ConfusionMatrix)
    assert isinstance(shown(panel, "Draw"), DrawPad)
    for title in panel.titles[1:-1]:
        (html,) = html_of(shown(panel, title))[:1]
        found = re.fullmatch(
            r'<img alt="([^"<>]+)" style="max-width: 100%" src="data:image/png;base64,(.+)">', html
        )
        assert base64.b64decode(found[2])[:4] == b"\x89PNG"


def test_tabs_are_worked_out_when_opened(monkeypatch):
    calls = []
    monkeypatch.setattr(Panel, "_health", lambda self: calls.append(1))
    model, (x, y) = classifier((8, 8)), data((8, 8))
    panel = inspect(model, x, y)
    assert all(not box.children for box in panel.widget.children[1:])
    panel._parts["Health"] = lambda: calls.append(1) or ConfusionMatrix(panel.outcome)
    for _ in range(2):
        shown(panel, "Health")
        shown(panel, "Confusions")
    assert calls == [1]


def test_panels_for_other_data():
    x, y = data((2,))
    assert inspect(classifier((2,)), x, y).titles[-1] == "Boundary"
    x, y = data((5,))
    number = kerasnb.Sequential([kerasnb.Input((5,)), layers.Dense(1)])
    number.compile("sgd", "mse")
    panel = inspect(number, x, x[:, 0], feature_names=list("abcde"))
    assert panel.titles == [
        "Predicted and true",
        "Worst mistakes",
        "Weights",
        "Activations",
        "Health",
    ]
    for title in panel.titles:
        assert html_of(shown(panel, title))[0].startswith("<img ")


def test_controls_draw_anew():
    model, (x, y) = classifier((8, 8)), data((8, 8))
    panel = inspect(model, x, y)
    controls, picture = shown(panel, "Activations").children
    place, layer = controls.children
    assert (place.min, place.max) == (0, 29)
    before = html_of(picture)
    place.value = 7
    assert html_of(picture) != before
    layer.value = layer.options[-1]
    assert "for example 7" in html_of(picture)[0]


@pytest.mark.parametrize("opened", [False, True])
def test_an_example_of_a_cell_leads_to_its_activations(opened):
    model, (x, y) = classifier((8, 8)), data((8, 8))
    panel = inspect(model, x, y)
    if opened:
        shown(panel, "Activations")
    shown(panel, "Confusions").receive({"op": "example", "place": 7})
    assert panel.titles[panel.widget.selected_index] == "Activations"
    _, picture = panel.widget.children[panel.widget.selected_index].children[0].children
    assert "What all layers give for example 7" in html_of(picture)[0]


def test_without_activations_no_example_is_chosen():
    one, two = kerasnb.Input((2,)), kerasnb.Input((3,))
    joined = layers.Concatenate()([one, two])
    model = kerasnb.Model([one, two], layers.Dense(2, activation="softmax")(joined))
    panel = inspect(model, [np.ones((4, 2)), np.ones((4, 3))], [0, 1, 0, 1])
    assert not shown(panel, "Confusions").data["choosable"]


def test_what_cannot_be_compared_leaves_the_other_tabs():
    model, (x, y) = classifier((8, 8)), data((8, 8))
    model.layers[-1].set_weights([np.full((64, 3), np.nan), np.zeros(3)])
    panel = inspect(model, x, y)
    assert panel.titles == ["Weights", "Filters", "Activations", "Health"]
    assert "gives NaN or infinite numbers for 30 of 30 examples" in repr(panel)
    assert panel.summary().findobj() != []


def test_why_nothing_is_compared_is_seen_in_a_page(monkeypatch):
    displayed = []
    monkeypatch.setattr(
        "kerasnb.notebook.insight.panel.display", lambda bundle, raw: displayed.append(bundle)
    )
    x, _ = data((8, 8))
    several = np.random.default_rng(0).integers(0, 2, (30, 3))
    model = kerasnb.Sequential(
        [kerasnb.Input((8, 8)), layers.Flatten(), layers.Dense(3, activation="sigmoid")]
    )
    model.compile("sgd", "binary_crossentropy")
    panel = inspect(model, x, several)
    panel._ipython_display_()
    assert panel.titles == ["Weights", "Filters", "Activations", "Health"]
    odd = int((several.sum(axis=1) != 1).sum())
    assert list(displayed[0]) == ["text/plain"]
    assert displayed[0]["text/plain"].replace("\n", " ") == (
        f"inspect: expected each row of y to mark one class, but {odd} of 30 rows "
        "do not add up to 1. Examples of several classes at once are looked at one column at a "
        "time."
    )
    assert set(displayed[1]) == {"image/png", "text/plain"}


def test_many_examples_are_limited():
    model, (x, y) = classifier((4,)), data((4,), 50)
    panel = inspect(model, x, y, limit=20)
    assert len(panel.outcome) == 20
    note = "Of 50 examples 20 were looked at, spread evenly (see limit=)."
    assert repr(panel).splitlines()[1] == note
    assert "looked at" not in repr(inspect(model, x, y, limit=50))


def test_examples_keep_their_places_where_some_are_left_out():
    """Numbers in the panel lead to the reader's own `x[number]`."""
    model, (x, y) = classifier((4,)), data((4,), 50)
    panel = inspect(model, x, y, limit=20)
    widget = panel._matrix()
    widget.send = Sent()
    for true in range(3):
        for predicted in range(3):
            widget.handle({"op": "cell", "true": true, "predicted": predicted, "page": 0})
    examples = [(answer["true"], e) for answer, _ in widget.send for e in answer["examples"]]
    assert sorted(e["place"] for _, e in examples) == spread(50, 20).tolist()
    for true, example in examples:
        assert y[example["place"]] == true
        assert example["values"] == [f"{v:.4g}" for v in x[example["place"]]]
    placed = re.findall(r"#(\d+): true (\d)", repr(panel))
    assert placed
    assert all(y[int(place)] == int(true) for place, true in placed)
    texts = " ".join(t.get_text() for t in panel.summary().findobj(Text))
    named = {int(place) for place in re.findall(r"#(\d+)", texts)}
    assert named
    assert named <= set(spread(50, 20).tolist())
    controls, _ = shown(panel, "Activations").children
    assert controls.children[0].max == 49


def test_what_stays_is_a_picture_and_words(monkeypatch):
    displayed = []
    monkeypatch.setattr(
        "kerasnb.notebook.insight.panel.display", lambda bundle, raw: displayed.append(bundle)
    )
    model, (x, y) = classifier((8, 8)), data((8, 8))
    panel = inspect(model, x, y)
    panel._ipython_display_()
    picture, tabs = displayed
    assert set(picture) == {"image/png", "text/plain"}
    assert picture["image/png"][:4] == b"\x89PNG"
    assert len(picture["image/png"]) < 100_000
    assert picture["text/plain"] == repr(panel)
    assert repr(panel).startswith(f"Inside 'chooser': {panel.outcome.right} of 30 right (")
    assert "application/vnd.jupyter.widget-view+json" in tabs
    assert tabs["text/plain"].replace("\n", " ") == (
        "(Tabs: Confusions, Worst mistakes, Weights, Filters, Activations, Health, Draw. "
        "They need a kernel: run this cell.)"
    )
    assert max(map(len, tabs["text/plain"].splitlines())) <= 88


def test_names_are_text_everywhere():
    x, y = data((4,))
    name = ATTACK.replace("/", "")  # which names of layers may not hold
    model = kerasnb.Sequential(
        [kerasnb.Input((4,)), layers.Dense(3, activation="softmax", name=name)], name=name
    )
    model.compile("sgd", "sparse_categorical_crossentropy")
    panel = inspect(model, x, y, [ATTACK, "$x$", "c"], [ATTACK, "b", "c", "d"])
    for title in panel.titles[1:]:
        for html in html_of(shown(panel, title)):
            tags = re.findall(r"<(/?\w+)", html)
            assert set(tags) <= {"img", "p", "/p", "details", "/details", "summary", "/summary",
                                 "pre", "/pre"}  # fmt: skip
            assert all(
                part.startswith('img alt="') for part in html.split("<") if "img" in part[:3]
            )
            assert html.count('"') == 6 * html.count("<img"), "no quote ends an attribute"


def test_inspect_refuses_before_any_work():
    model, (x, y) = classifier((4,)), data((4,))
    for arguments, error, text in [
        ((x, None), ArgumentError, "inspect: y is None: pass the targets of x."),
        ((x, y[:-1]), ShapeError,
         "Expected as many samples in each array, but x has 30, y has 29."),
        ((x, y + 1), ArgumentError,
         "inspect: labels must lie between 0 and 2, as model 'chooser' chooses among 3 classes, "
         "but y goes from 1 to 3."),
        ((x, y, None, ["a"]), ArgumentError,
         "inspect: expected 4 feature_names, one for each column of x, got 1."),
        ((x, y, None, None, (3, 3)), ShapeError,
         "image_shape: expected (height, width) or (height, width, channels) with 4 numbers, as "
         "each example of x has, got (3, 3)."),
        ((x, y, None, None, None, 0), ArgumentError,
         "inspect: limit must be a whole number from 1, got 0."),
    ]:  # fmt: skip
        refused(error, text, inspect, model, *arguments)


# Where they are found


def test_functions_are_found_in_the_package():
    from kerasnb import notebook

    for name in notebook.__all__:
        found = getattr(notebook, name)
        assert callable(found)
        assert found.__name__ == name
    assert notebook.inspect is inspect
    text = "module 'kerasnb.notebook' has no attribute 'see'"
    refused(AttributeError, text, getattr, notebook, "see")
