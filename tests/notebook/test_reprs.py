"""What a notebook shows of models, layers, tensors and variables, and the pictures of models."""

import base64
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from payloads import check_html, check_svg

import kerasnb
from kerasnb import layers, ops, screen
from kerasnb.errors import ArgumentError
from kerasnb.models.description import describe
from kerasnb.notebook.reprs import mimebundle
from kerasnb.notebook.svg import draw, flop, model_svg
from kerasnb.variable import Variable

SPACE = "{http://www.w3.org/2000/svg}"


@pytest.fixture(autouse=True)
def _names_from_the_start(monkeypatch):
    kerasnb.backend.clear_session()
    monkeypatch.setenv("COLUMNS", "160")


def chain():
    return kerasnb.Sequential(
        [
            kerasnb.Input((28, 28, 1)),
            layers.Conv2D(4, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(10),
        ],
        name="chain",
    )


def skip():
    x = kerasnb.Input((8,), name="x")
    y = layers.Dense(8, name="first")(x)
    y = layers.Dense(8, name="second")(y)
    return kerasnb.Model(x, layers.Dense(2, name="last")(layers.Add(name="sum")([x, y])), name="s")


def nested():
    a, b = kerasnb.Input((8,), name="a"), kerasnb.Input((8,), name="b")
    core = kerasnb.Sequential([kerasnb.Input((8,)), layers.Dense(3, name="inner")], name="core")
    return kerasnb.Model([a, b], layers.Concatenate(name="cat")([core(a), core(b)]), name="twins")


class Python(kerasnb.Model):
    def __init__(self):
        super().__init__(name="python")
        self.first, self.second = layers.Dense(3, name="first"), layers.Dense(2, name="second")

    def call(self, x):
        return self.second(self.first(x))


def called():
    model = Python()
    model(np.zeros((1, 4), "float32"))
    return model


def unbuilt():
    return kerasnb.Sequential([layers.Dense(3), layers.Dense(2)], name="unbuilt")


def deep(count):
    return kerasnb.Sequential(
        [kerasnb.Input((4,)), *[layers.Dense(4) for _ in range(count)]], name="deep"
    )


MODELS = {
    "chain": chain, "skip": skip, "nested": nested, "python": Python, "called": called,
    "unbuilt": unbuilt, "empty": lambda: kerasnb.Sequential(name="empty"), "deep": lambda: deep(70),
}  # fmt: skip


def texts(svg):
    """The texts of a picture, in the order in which they are drawn."""
    return [element.text for element in ET.fromstring(svg).iter(f"{SPACE}text")]


def boxes(svg):
    """The texts of each box."""
    groups = ET.fromstring(svg).findall(f".//{SPACE}g/{SPACE}g")
    return [[t.text for t in group.iter(f"{SPACE}text")] for group in groups]


# Bundles


@pytest.mark.parametrize("name", MODELS)
def test_a_model_has_text_and_a_picture_in_html(name):
    model = MODELS[name]()
    bundle = model._repr_mimebundle_()
    assert list(bundle) == ["text/plain", "text/html"]
    assert bundle["text/plain"].startswith(f"{model!r}\n")
    words = check_html(bundle["text/html"])
    assert f"{type(model).__name__} {model.name!r}" in words
    (data,) = re.findall(r"svg\+xml;base64,([^\"]+)", bundle["text/html"])[:1]
    assert base64.b64decode(data).decode() == model_svg(model)


@pytest.mark.parametrize("name", [name for name in MODELS if name != "deep"])
def test_the_text_of_a_model_holds_its_summary(name):
    model, told = MODELS[name](), []
    model.summary(print_fn=told.append)
    assert mimebundle(model)["text/plain"] == f"{model!r}\n{told[0]}"


def test_the_text_of_a_long_model_is_short():
    assert mimebundle(deep(70))["text/plain"] == (
        "<Sequential name=deep, built=True>\n70 layers; summary() lists them"
    )


def test_only_what_is_asked_for_is_given():
    model = skip()
    assert list(mimebundle(model, include=["image/svg+xml"])) == ["image/svg+xml"]
    assert list(mimebundle(model, include=["text/html", "text/plain"])) == [
        "text/plain",
        "text/html",
    ]
    assert list(mimebundle(model, exclude=["text/html"])) == ["text/plain"]
    assert mimebundle(model, include=["image/svg+xml"])["image/svg+xml"] == model_svg(model)


def test_looking_at_a_model_changes_nothing():
    model = unbuilt()
    before = model.get_config()
    mimebundle(model)
    assert not model.built
    assert model.get_config() == before
    assert model.layers[0].weights == []


def test_the_table_tells_what_each_layer_reads():
    words = check_html(mimebundle(skip())["text/html"])
    at = words.index("x, second")
    # no settings, no parameters
    assert words[at - 2 : at + 3] == ["sum", "Add", "x, second", "(None, 8)", "8 FLOP"]


def test_models_within_are_folded_once():
    html = mimebundle(nested())["text/html"]
    assert re.findall("<summary>(.*?)</summary>", html) == [
        "Layers as a table",
        "Within Sequential &#x27;core&#x27;",
    ]
    assert "inner" in check_html(html)


def test_a_thousand_layers_stay_small():
    html = mimebundle(deep(1000))["text/html"]
    assert len(html) < 200_000
    assert "802 more are left out." in check_html(html)


# Objects that cannot be shown in full


class Half(kerasnb.Model):
    """Its `__init__` did not run to the end."""

    def __init__(self):
        raise ArgumentError("no")


class NoLayers(kerasnb.Model):
    @property
    def layers(self):
        raise RuntimeError("no layers yet")


class NoWeights(layers.Layer):
    @property
    def weights(self):
        raise ValueError("no weights yet")


class NoRepr(layers.Layer):
    def __repr__(self):
        raise TypeError("no text yet")


@pytest.mark.parametrize(
    ("make", "bundle"),
    [
        (lambda: Half.__new__(Half), {"text/plain": "<Half, not ready to be shown>"}),
        (lambda: NoLayers(name="n"), {"text/plain": "<NoLayers name=n, built=False>"}),
        (lambda: NoWeights(name="n"), {"text/plain": "<NoWeights name=n, built=False>"}),
        (
            lambda: NoRepr(name="n"),
            {
                "text/plain": "<NoRepr, not ready to be shown>",
                "text/html": "<div><p><strong>n</strong> NoRepr</p></div>",
            },
        ),
    ],
)
def test_an_object_that_fails_has_what_can_be_had(make, bundle):
    assert mimebundle(make()) == bundle


def test_the_text_steers_no_terminal():
    text = mimebundle(layers.Dense(1, name="a\x1b[2Jb\ud800"))["text/plain"]
    assert text == "<Dense name=a\ufffd[2Jb\ufffd, built=False>"


# Layers, tensors, variables


def test_a_layer_lists_its_settings_and_weights():
    layer = chain().layers[0]
    assert check_html(mimebundle(layer)["text/html"]) == [
        "conv2d", " Conv2D",
        "filters=4; kernel_size=(3, 3); activation=relu; gives (None, 26, 26, 4); 40 params",
        "weight", "shape", "dtype", "numbers", "learns",
        "chain/conv2d/kernel", "(3, 3, 1, 4)", "float32", "36", "yes",
        "chain/conv2d/bias", "(4,)", "float32", "4", "yes",
    ]  # fmt: skip


def test_a_layer_before_its_first_call():
    words = check_html(mimebundle(layers.Dense(3))["text/html"])
    assert words == ["dense", " Dense", "units=3; no weights before the first call"]


TENSORS = {
    "scalar": (lambda: ops.ones(()), "float32 ()", "on NumPy", "1."),
    "vector": (
        lambda: ops.convert_to_tensor([1.0, 2.0, 6.0]),
        "float32 (3,)",
        "on NumPy; from 1 to 6, mean 3",
        "[1., 2., 6.]",
    ),
    "none": (lambda: ops.ones((0, 3)), "float32 (0, 3)", "on NumPy", "[]"),
    "truth": (
        lambda: ops.convert_to_tensor([True, False, True]),
        "bool (3,)",
        "on NumPy; 2 of 3 are True",
        "[ True, False,  True]",
    ),
    "not finite": (
        lambda: ops.convert_to_tensor([1.0, np.nan, np.inf, np.nan]),
        "float32 (4,)",
        "on NumPy; 2 NaN; 1 infinite; from 1 to 1, mean 1",
        "[ 1., nan, inf, nan]",
    ),
    "all missing": (
        lambda: ops.convert_to_tensor([np.nan, np.nan]),
        "float32 (2,)",
        "on NumPy; 2 NaN",
        "[nan, nan]",
    ),
}


@pytest.mark.parametrize("name", TENSORS)
def test_a_tensor_shows_type_shape_backend_and_numbers(name):
    make, kind, facts, numbers = TENSORS[name]
    words = check_html(mimebundle(make())["text/html"])
    assert words == ["Tensor", f" {kind}", facts, numbers]


def test_a_symbolic_tensor_tells_who_makes_it():
    x = kerasnb.Input((3,), name="x")
    for tensor, maker in ((x, "x"), (x * 2, "multiply")):
        words = check_html(mimebundle(tensor)["text/html"])
        assert words == [
            "Tensor",
            " float32 (None, 3)",
            f"symbolic: it stands for data that comes later, made by {maker!r}",
        ]


@pytest.mark.parametrize(("trainable", "fact"), [(True, "learns"), (False, "does not learn")])
def test_a_variable_tells_whether_it_learns(trainable, fact):
    words = check_html(mimebundle(Variable([1.0, 2.0], name="v", trainable=trainable))["text/html"])
    assert words == [
        "Variable v", " float32 (2,)", f"{fact}; on NumPy; from 1 to 2, mean 1.5", "[1., 2.]",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("shape", "pictures", "words"),
    [
        ((28, 28), 1, "as a picture"),
        ((28, 28, 3), 1, "as a picture"),
        ((20, 28, 28, 1), 6, "6 of 20 as pictures"),
        ((2, 600, 400, 3), 0, ""),
        ((2, 28, 28, 4), 0, ""),
        ((4, 4), 0, ""),
    ],
)
def test_a_tensor_with_the_shape_of_pictures_is_seen(shape, pictures, words):
    html = mimebundle(ops.convert_to_tensor(np.random.default_rng(0).normal(size=shape)))[
        "text/html"
    ]
    check_html(html)
    assert re.findall('alt="(.*?)"', html) == [words] * pictures


def test_the_pixels_are_right():
    image = pytest.importorskip("PIL.Image")
    import io

    values = np.arange(64 * 64, dtype="float32").reshape(64, 64)
    (data,) = re.findall('base64,([^"]+)', mimebundle(ops.convert_to_tensor(values))["text/html"])
    pixels = np.asarray(image.open(io.BytesIO(base64.b64decode(data))))
    np.testing.assert_array_equal(pixels, (values / values.max() * 255).astype("uint8"))


@pytest.mark.parametrize("lines", ["(200, 200)", "(3, 3, 64, 64)", "(50, 50, 50)"])
def test_many_numbers_become_few_lines(lines):
    shape = tuple(int(n) for n in re.findall(r"\d+", lines))
    values = np.random.default_rng(0).normal(size=shape)
    html = mimebundle(ops.convert_to_tensor(values))["text/html"]
    (numbers,) = re.findall("<pre>(.*?)</pre>", html, re.DOTALL)
    assert 2 <= numbers.count("\n") + 1 <= 17


# Pictures


def test_a_box_says_name_class_settings_parameters_and_cost():
    assert boxes(model_svg(chain())) == [
        ["Input", "input_layer"],
        ["Conv2D", "conv2d", "4 filters, (3, 3), relu", "54.1 kFLOP", "40 params"],
        ["Flatten", "flatten"],
        ["Dense", "dense", "10 units", "54.1 kFLOP", "27,050 params"],
        ["Output", "dense"],
    ]


def test_shapes_are_on_the_lines():
    found = [t for t in texts(model_svg(chain())) if t.startswith("(None")]
    assert found == ["(None, 28, 28, 1)", "(None, 26, 26, 4)", "(None, 2704)", "(None, 10)"]


def test_another_dtype_is_on_the_line():
    x = kerasnb.Input((5,), dtype="int32")
    svg = model_svg(kerasnb.Model(x, layers.Embedding(10, 4)(x)))
    assert "(None, 5) int32" in texts(svg)


def test_the_heading_sums_up():
    assert texts(model_svg(chain()))[:2] == [
        "Sequential 'chain'",
        "3 layers, 27,090 params, 108 kFLOP a sample",
    ]


@pytest.mark.parametrize(
    ("model", "second"),
    [
        (unbuilt, "2 layers, not built yet"),
        (
            Python,
            "2 layers, not built yet. How they are connected is not known, as call is Python",
        ),
        (
            called,
            "2 layers, 23 params, 41 FLOP a sample. How they are connected is not known, as call "
            "is Python",
        ),
        (lambda: kerasnb.Sequential(name="e"), "0 layers, not built yet"),
    ],
)
def test_the_heading_tells_what_is_not_known(model, second):
    assert texts(model_svg(model()))[1] == second


def test_a_frozen_layer_says_so():
    model = chain()
    model.layers[0].trainable = False
    shown = texts(model_svg(model))
    assert "40 params, frozen" in shown
    assert "3 layers, 27,090 params, 27,050 learn, 108 kFLOP a sample" in shown


def test_a_shared_layer_is_a_box_at_each_call():
    cores = [box for box in boxes(model_svg(nested())) if "core" in box]
    assert [box[-1] for box in cores] == ["27 params", "call 2 of 2, shared"]
    assert cores[0][2] == "1 layer within"


def test_of_many_layers_the_first_and_the_last_are_drawn():
    found = boxes(model_svg(deep(1000)))
    assert len(found) == 60
    assert found[44] == ["943 more, not drawn"]
    assert found[0] == ["Input", "input_layer"]
    assert found[-1] == ["Output", "dense_999"]


def test_a_picture_names_itself_for_who_does_not_see_it():
    drawing = draw(describe(skip()))
    root = ET.fromstring(drawing.svg)
    assert root.get("role") == "img"
    words = "Functional 's'. 4 layers, 162 params, 314 FLOP a sample."
    assert root.get("aria-label") == root.find(f"{SPACE}title").text == drawing.words == words
    assert (root.get("width"), root.get("height")) == (str(drawing.width), str(drawing.height))


@pytest.mark.parametrize("name", MODELS)
def test_pictures_are_harmless_and_hold_all_they_draw(name):
    svg = model_svg(MODELS[name]())
    check_svg(svg)
    root = ET.fromstring(svg)
    width, height = float(root.get("width")), float(root.get("height"))
    for box in root.iter(f"{SPACE}rect"):
        assert 0 <= float(box.get("x")) <= width - float(box.get("width"))
        assert 0 <= float(box.get("y")) <= height - float(box.get("height"))


def test_pictures_have_colours_for_dark_themes():
    style = ET.fromstring(model_svg(skip())).find(f"{SPACE}style").text
    light, dark = style.split("@media (prefers-color-scheme:dark)")
    names = [set(re.findall(r"model (\.\w|text)\{(?:fill|font)", part)) for part in (light, dark)]
    assert names[1] <= names[0]
    assert "text" in names[1]


def test_model_svg_refuses_what_is_no_model():
    with pytest.raises(ArgumentError, match=r"^model_svg: expected a model, got Dense\.$"):
        model_svg(layers.Dense(1))


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (None, "? FLOP"),
        (0, "0 FLOP"),
        (999, "999 FLOP"),
        (1000, "1 kFLOP"),
        (1_254_000, "1.25 MFLOP"),
        (3_000_000_000, "3 GFLOP"),
        (7_100_000_000_000, "7.1 TFLOP"),
    ],
)
def test_operations_in_words(count, text):
    assert flop(count) == text


def test_a_terminal_uses_the_text(monkeypatch, capsys):
    display = pytest.importorskip("IPython.core.formatters").DisplayFormatter()
    display.active_types = ["text/plain"]
    data, _ = display.format(unbuilt(), include=["text/plain"])
    assert data["text/plain"].splitlines()[:2] == [
        "<Sequential name=unbuilt, built=False>",
        'Model: "unbuilt"',
    ]
    assert not screen.in_notebook()
