"""Names, labels and messages that are scripts come to every display as the text that they are."""

import json
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from payloads import PAYLOADS, check_html, check_svg, words_of

pytest.importorskip("anywidget")

import kerasnb
from kerasnb import layers
from kerasnb.errors import ArgumentError
from kerasnb.notebook import live, magics, stays
from kerasnb.notebook.curves import Run
from kerasnb.notebook.fit_times import FitTimes
from kerasnb.notebook.insight import panel
from kerasnb.notebook.insight.confusion import confusion_matrix
from kerasnb.notebook.insight.matrix import ConfusionMatrix
from kerasnb.notebook.insight.mistakes import mistakes
from kerasnb.notebook.insight.outcome import judge
from kerasnb.notebook.labels import escape
from kerasnb.notebook.plots import plot_history
from kerasnb.notebook.reprs import mimebundle
from kerasnb.notebook.svg import model_svg
from kerasnb.variable import Variable

STATIC = Path(kerasnb.__file__).parent / "notebook" / "static"
# a matplotlib font need not have each character; and a figure's text is no markup
LETTERS = "ignore:Glyph .* missing from:UserWarning"

each_payload = pytest.mark.parametrize("payload", PAYLOADS, ids=range(len(PAYLOADS)))


def test_there_are_enough():
    assert len(set(PAYLOADS)) == len(PAYLOADS) >= 60


@each_payload
def test_escaping_loses_nothing_that_can_be_shown(payload):
    shown = "".join(check_html(f"<p>{escape(payload)}</p>"))
    assert shown == words_of(payload)


def test_the_parsers_refuse_what_is_not_escaped():
    def refused(text):
        try:
            check_html(text)
        except AssertionError:
            return True
        return False

    texts = [words_of(payload) for payload in PAYLOADS]
    assert sum(refused(f"<p>{text}</p>") for text in texts) > 45
    image = '<img alt="{}" src="data:image/png;base64,iVBORw0KGgo=">'
    assert not refused(image.format("x"))
    assert [t for t in texts if refused(image.format(t))] == [t for t in texts if '"' in t]


# Models, layers, tensors


def as_name(payload: str) -> str:
    """The name that a layer can have: names hold no slash."""
    return payload.replace("/", "\N{DIVISION SLASH}")


def class_of(payload: str) -> type:
    """A class of layers with that name, if there can be one."""
    try:
        return type(payload, (layers.Dense,), {})
    except (ValueError, UnicodeEncodeError):
        return layers.Dense


def hostile_model(payload: str):
    """A model with `payload` for names, classes and keys."""
    name = as_name(payload)
    inner = kerasnb.Sequential([kerasnb.Input((3,)), layers.Dense(2, name=name)], name=f"i{name}")
    x = kerasnb.Input((3,), name=f"x{name}")
    y = class_of(payload)(3, name=name)(x)
    return kerasnb.Model(x, {payload: inner(y), "other": y * 2}, name=f"m{name}")


@each_payload
def test_a_model_shows_it_as_text(payload):
    model = hostile_model(payload)
    bundle = mimebundle(model, include=["text/html", "image/svg+xml"])
    words = check_html(bundle["text/html"])
    assert check_svg(bundle["image/svg+xml"]) == check_svg(model_svg(model))
    name = as_name(payload)
    for shown in (name, f"x{name}", f"i{name}", class_of(payload).__name__):
        assert words_of(shown) in words
    assert any(words_of(f"m{name}") in text or "\\" in repr(name) for text in words)


@each_payload
def test_a_model_that_python_runs_shows_it_as_text(payload):
    class Python(kerasnb.Model):
        def __init__(self):
            super().__init__(name=as_name(payload))
            self.parts = [layers.Dense(2, name=as_name(payload))]

    assert words_of(as_name(payload)) in check_html(mimebundle(Python())["text/html"])


@each_payload
def test_a_layer_shows_it_as_text(payload):
    class Own(layers.Layer):
        def __init__(self, text, **kwargs):
            super().__init__(**kwargs)
            self.text = text

    layer = Own(payload, name=as_name(payload))
    layer.add_weight(shape=(2,), name=payload)
    words = check_html(mimebundle(layer)["text/html"])
    assert words_of(as_name(payload)) in words
    assert words_of(f"{as_name(payload)}/{payload}") in words
    assert any(f"text={words_of(payload[:200])}" in text for text in words)


@each_payload
def test_variables_and_tensors_show_it_as_text(payload):
    words = check_html(mimebundle(Variable([1.0, 2.0], name=payload))["text/html"])
    assert words_of(f"Variable {payload}") in words
    check_html(mimebundle(kerasnb.Input((3,), name=as_name(payload)))["text/html"])


@each_payload
def test_a_summary_controls_no_terminal(payload):
    texts = []
    hostile_model(payload).summary(print_fn=texts.append, expand_nested=True, line_length=120)
    lines = texts[0].split("\n")
    assert all(line.isprintable() for line in lines)
    assert {len(line) for line in lines[1:-3]} == {120}


def test_an_object_whose_properties_fail_has_its_text():
    class Broken(layers.Layer):
        @property
        def weights(self):
            raise ValueError("<script>alert(1)</script>")

    assert mimebundle(Broken(name="b")) == {"text/plain": "<Broken name=b, built=False>"}


# Training


def hostile_run(payload: str, *names: str) -> Run:
    run = Run(payload, 1, 2, 3)
    run.begin_epoch(0)
    for name in names:
        run.add_epoch(0, {name: 0.5, f"val_{name}": 0.25})
    run.message = words_of(payload)
    return run


@each_payload
def test_what_stays_of_a_fit_shows_it_as_text(payload):
    run = hostile_run(payload)
    assert list(stays.kept(run, "failed")) == ["text/plain"]
    bundle = stays.snapshot(run, "running")
    (words,) = check_html(bundle["text/html"])
    assert f": {words_of(payload)}: running" in words


@pytest.mark.filterwarnings(LETTERS)
def test_pictures_of_a_fit_write_it_out():
    run = hostile_run("run", *PAYLOADS[::4])
    assert set(stays.kept(run, "done")) == {"text/plain", "image/png"}
    check_html(stays.snapshot(run, "running")["text/html"])
    figure = plot_history({payload: [1.0, 0.5] for payload in PAYLOADS})
    for axes, payload in zip(figure.axes, PAYLOADS, strict=True):
        assert axes.get_title() == words_of(payload).replace("_", " ")
        assert axes.title.get_parse_math() is False


def test_the_page_of_a_live_view_gets_data():
    view = live.LiveView()
    for payload in PAYLOADS:
        view.run, view.identity = hostile_run(payload, payload), "x"
        view._earlier = [view.run]
        sent = view.describe()
        assert json.loads(json.dumps(sent)) == sent
        assert sent["run"]["title"] == sent["earlier"][0]["title"] == words_of(payload)
        assert words_of(payload) in sent["epoch"]["values"]


@each_payload
def test_a_table_of_times_shows_it_as_text(payload):
    row = dict.fromkeys(("first_step", "ms_per_step", "samples_per_second", "loss", "speed"))
    row |= {"backend": payload, "engine": payload, "seconds": 1.0}
    words = check_html(FitTimes([row], {payload: payload})._repr_html_())
    text = words_of(payload)
    assert f"{text}, {text}" in words
    assert f"Left out: {text}. {text}" in words


@each_payload
def test_what_a_magic_prints_controls_no_terminal(payload, capsys):
    magic = magics.KerasnbMagics.__new__(magics.KerasnbMagics)
    magic.shell = SimpleNamespace(user_ns={"model": hostile_model(payload)})
    magic.summary("--nested --trainable")
    printed, shown = capsys.readouterr()
    assert shown == ""
    assert "(InputLayer)" in printed
    assert all(line.isprintable() for line in printed.split("\n"))


# Looking inside


def classifier():
    model = kerasnb.Sequential(
        [kerasnb.Input((3,)), layers.Dense(2, activation="softmax")], name="net"
    )
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model


X, Y = np.eye(3, dtype="float32"), [0, 1, 1]


@each_payload
def test_the_page_of_a_matrix_gets_data(payload):
    outcome = judge(classifier(), X, Y, [f"a{payload}", f"b{payload}"])
    widget = ConfusionMatrix(outcome, None, [f"{c}{payload}" for c in "xyz"])
    assert json.loads(json.dumps(widget.data)) == widget.data
    shown = [" ".join(f"{c}{words_of(payload)}".split())[:59] for c in "ab"]
    assert [name[:59] for name in widget.data["classes"]] == shown


@pytest.mark.filterwarnings(LETTERS)
def test_figures_write_labels_out():
    model = classifier()
    for payload in PAYLOADS[::5]:
        names = [f"a{payload}", f"b{payload}"]
        for figure in (
            confusion_matrix(model, X, Y, names),
            mistakes(model, X, Y, 3, names, [f"{c}{payload}" for c in "xyz"]),
        ):
            figure.canvas.draw()  # a formula that is none would raise here


@each_payload
def test_words_on_a_panel_are_text(payload, monkeypatch):
    assert check_html(panel._words(payload).value) == [words_of(payload)]
    monkeypatch.setattr(panel, "to_png", lambda figure: b"\x89PNG")
    assert check_html(panel._image(None, payload).value) == [words_of(payload)]


def test_errors_on_a_panel_are_text(monkeypatch):
    def fails(*_):
        raise ArgumentError(PAYLOADS[0])

    monkeypatch.setattr(panel, "health", fails)
    shown = panel.inspect(classifier(), X, Y)
    shown.widget.selected_index = shown.titles.index("Health")
    (box,) = shown.widget.children[shown.widget.selected_index].children
    assert check_html(box.value) == [PAYLOADS[0]]


# Scripts


FORBIDDEN = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|createContextualFragment|setHTML|DOMParser|srcdoc"
    r"|document\.write|\beval\b|\bFunction\s*\(|\bimport\s*\(|javascript:|Worker\("
    r"|setTimeout\(\s*[\"'`]|setInterval\(\s*[\"'`]|setAttribute\(\s*[\"'`]on"
)
ADDRESS = re.compile(r"https?://[^\s\"'`]*|[\"'`]//[^\s\"'`]*")


@pytest.mark.parametrize("path", sorted(STATIC.glob("*.js")), ids=lambda p: p.name)
def test_scripts_write_text_only(path):
    text = path.read_text(encoding="utf-8")
    assert FORBIDDEN.findall(text) == []
    assert set(ADDRESS.findall(text)) <= {"http://www.w3.org/2000/svg"}


@pytest.mark.parametrize("path", sorted(STATIC.glob("*.css")), ids=lambda p: p.name)
def test_styles_fetch_nothing(path):
    assert re.findall(r"url\(|@import", path.read_text(encoding="utf-8")) == []


def test_there_are_scripts_and_styles():
    assert {path.suffix for path in STATIC.iterdir()} == {".js", ".css"}
