"""Models as pictures in files, and as graphs in Graphviz's language."""

import re
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from PIL import Image

import kerasnb
from kerasnb import layers, screen, utils
from kerasnb.errors import ArgumentError
from kerasnb.models.description import describe
from kerasnb.notebook.model_files import expanded
from kerasnb.notebook.svg_figure import outline


@pytest.fixture
def model():
    inner = kerasnb.Sequential(
        [layers.Dense(4, activation="relu", name="a"), layers.Dense(3, name="b")], name="inner"
    )
    x = kerasnb.Input((8,), name="x")
    start = layers.Dense(8, activation="tanh", name="start")(x)
    side = layers.Dense(3, name="side", trainable=False)(start)
    return kerasnb.Model(x, layers.Add(name="sum")([inner(start), side]), name="net")


def texts(path):
    return [e.text or "" for e in ET.fromstring(path.read_text("utf-8")).findall(".//{*}text")]


def test_by_default_a_picture_shows_classes(model, tmp_path):
    path = tmp_path / "net.svg"
    assert utils.plot_model(model, path) is None
    shown = texts(path)
    assert shown[0] == "Functional 'net'"
    assert {"Input", "Dense", "Sequential", "Add", "Output", "2 layers within"} <= set(shown)
    assert not {"start", "side", "inner"} & set(shown)
    assert not any("None" in text or "relu" in text or "tanh" in text for text in shown)


@pytest.mark.parametrize(
    ("arguments", "seen", "absent"),
    [
        ({"show_shapes": True}, ["(None, 8)", "(None, 3)"], ["float32"]),
        ({"show_dtype": True}, ["float32"], ["(None, 8)"]),
        ({"show_shapes": True, "show_dtype": True}, ["(None, 8) float32"], []),
        ({"show_layer_names": True}, ["start", "side", "inner", "Dense"], ["a"]),
        ({"show_layer_activations": True}, ["8 units, tanh"], []),
        ({"show_trainable": True}, ["8 units, trainable=True", "3 units, trainable=False"], []),
        ({"expand_nested": True, "show_layer_names": True}, ["a", "b", "start"], ["inner"]),
    ],
)
def test_a_picture_shows_what_is_asked_for(model, tmp_path, arguments, seen, absent):
    path = tmp_path / "net.svg"
    utils.plot_model(model, path, **arguments)
    shown = texts(path)
    assert set(seen) <= set(shown)
    assert not set(absent) & set(shown)


@pytest.mark.parametrize("name", ["model.png", "model.jpg", "model"])
def test_a_picture_has_dots(model, tmp_path, name):
    widths = []
    for dpi in (50, 100):
        utils.plot_model(model, tmp_path / name, show_shapes=True, dpi=dpi)
        with Image.open(tmp_path / name) as image:
            assert image.format == ("JPEG" if name.endswith("jpg") else "PNG")
            assert len(np.unique(np.asarray(image.convert("L")))) > 20, "it is no empty sheet"
            widths.append(image.width)
    assert abs(widths[1] - 2 * widths[0]) <= 2


def test_a_picture_goes_to_model_png_and_to_other_kinds(model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    utils.plot_model(model)
    utils.plot_model(model, "net.pdf")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["model.png", "net.pdf"]
    assert (tmp_path / "net.pdf").read_bytes()[:5] == b"%PDF-"


@pytest.mark.parametrize(("name", "kind"), [("m.png", "Image"), ("m.svg", "SVG"), ("m.pdf", None)])
def test_a_notebook_shows_the_picture(model, tmp_path, monkeypatch, name, kind):
    monkeypatch.setattr(screen, "in_notebook", lambda: True)
    found = utils.plot_model(model, tmp_path / name, dpi=40)
    assert (None if found is None else type(found).__name__) == kind


def test_a_picture_may_go_from_left_to_right(model, tmp_path):
    arguments = {"show_shapes": True, "show_layer_names": True, "expand_nested": True}
    places = {}
    for rankdir in ("TB", "LR"):
        utils.plot_model(model, tmp_path / "net.svg", rankdir=rankdir, **arguments)
        found = ET.fromstring((tmp_path / "net.svg").read_text("utf-8"))
        names = found.findall(".//{*}text[@class='n']")
        places[rankdir] = {t.text: (float(t.get("x")), float(t.get("y"))) for t in names[1:]}
    way = ["x", "start", "a", "b", "sum"]
    for rankdir, axis in (("TB", 1), ("LR", 0)):
        along = [places[rankdir][name][axis] for name in way]
        assert along == sorted(set(along)), rankdir
        assert places[rankdir]["side"][axis] == places[rankdir]["a"][axis]
    assert "(None, 8)" in texts(tmp_path / "net.svg"), "whole, beside its box"


def test_models_that_are_not_built_or_are_python_are_drawn(tmp_path):
    class Own(kerasnb.Model):
        def __init__(self):
            super().__init__(name="own")
            self.head = layers.Dense(2)

        def call(self, x):
            return self.head(x)

    utils.plot_model(kerasnb.Sequential([layers.Dense(1)]), tmp_path / "a.png", show_dtype=True)
    utils.plot_model(Own(), tmp_path / "b.svg", expand_nested=True, show_shapes=True)
    assert "Dense" in texts(tmp_path / "b.svg")


@pytest.mark.parametrize(
    ("function", "arguments", "text"),
    [
        (
            utils.plot_model,
            {"to_file": "net.gif"},
            "Unknown kind of file in plot_model: '.gif'. Known: .jpeg, .jpg, .pdf, .png, .svg.",
        ),
        (
            utils.plot_model,
            {"rankdir": "BT"},
            "Unknown rankdir of plot_model: 'BT'. Known: LR, TB.",
        ),
        (utils.model_to_dot, {"rankdir": "DOWN"}, "Unknown rankdir 'DOWN'. Known: BT, LR, RL, TB."),
        (utils.plot_model, {"model": 3}, "plot_model: expected a model, got int."),
        (
            utils.model_to_dot,
            {"model": layers.Dense(1)},
            "model_to_dot: expected a model, got Dense.",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(model, function, arguments, text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ArgumentError, match=rf"\A{re.escape(text)}\Z"):
        function(**{"model": model, **arguments})
    assert list(tmp_path.iterdir()) == []


def test_dot_has_layers_and_lines(model, tmp_path):
    dot = utils.model_to_dot(
        model, show_shapes=True, show_dtype=True, rankdir="LR", show_layer_activations=True,
        show_trainable=True,
    )  # fmt: skip
    lines = dot.to_string().splitlines()
    assert lines[:2] == [
        'digraph "net" {',
        "  graph [rankdir=LR, dpi=200, splines=ortho, concentrate=true];",
    ]
    assert (
        '  n1 [label="{start (Dense)|Activation: tanh|{Input shape: (None, 8)|Output shape: (None, '
        '8)|Output dtype: float32|Trainable}}"];'
    ) in lines
    assert lines[-7:] == [
        *(f"  n{a} -> n{b};" for a, b in ((0, 1), (1, 2), (1, 3), (2, 4), (3, 4), (4, 5))),
        "}",
    ]
    assert str(dot) == dot.source == dot.to_string()
    dot.write(tmp_path / "net.dot")
    assert (tmp_path / "net.dot").read_text("utf-8") == dot.source


def test_dot_has_models_within_as_clusters(model):
    lines = utils.model_to_dot(
        model, expand_nested=True, show_layer_names=False
    ).source.splitlines()
    start = lines.index("  subgraph cluster_n2_n1_0 {")
    assert lines[start : start + 5] == [
        "  subgraph cluster_n2_n1_0 {",
        '    graph [label="inner", labeljust=l, style=dashed];',
        '    n2_n1 [label="{Dense}"];',
        '    n2_n2 [label="{Dense}"];',
        "  }",
    ]
    assert {"  n1 -> n2_n1;", "  n2_n1 -> n2_n2;", "  n2_n2 -> n4;"} <= set(lines)


def test_dot_may_be_part_of_another_graph(model):
    lines = utils.model_to_dot(model, subgraph=True).source.splitlines()
    assert lines[:2] == [
        'subgraph "cluster_net" {',
        '  graph [label="net", labeljust=l, style=dashed];',
    ]


def test_names_cannot_leave_their_place_in_dot():
    x = kerasnb.Input((1,), name="x")
    y = layers.Dense(1, name='evil"];}|{<a>\\')(x)
    source = utils.model_to_dot(kerasnb.Model(x, y, name='net" {')).source
    assert source.splitlines()[0] == 'digraph "net\\" {" {'
    assert '[label="{evil\\"];\\}\\|\\{\\<a\\>\\\\ (Dense)}"];' in source


def test_models_within_models_are_opened():
    core = kerasnb.Sequential(
        [kerasnb.Input((2,)), layers.Dense(2, name="core")], name="core_model"
    )
    shell = kerasnb.Sequential(
        [kerasnb.Input((2,)), core, layers.Dense(2, name="rind")], name="shell"
    )
    x = kerasnb.Input((2,), name="x")
    found = expanded(describe(kerasnb.Model(x, layers.Add(name="sum")([shell(x), x]), name="all")))
    names = {n["id"]: n["name"] for n in found["nodes"]}
    assert {n["name"]: n["within"] for n in found["nodes"] if n["kind"] == "layer"} == {
        "core": ("shell", "core_model"), "rind": ("shell",), "sum": (),
    }  # fmt: skip
    pairs = {(names[e["source"]], names[e["target"]]) for e in found["edges"]}
    assert {("x", "core"), ("core", "rind"), ("rind", "sum"), ("x", "sum")} <= pairs
    assert all(e["source"] in names and e["target"] in names for e in found["edges"])


def test_a_model_with_several_outputs_stays_closed():
    a = kerasnb.Input((2,))
    two = kerasnb.Model(a, [layers.Dense(1)(a), layers.Dense(1)(a)], name="two")
    x = kerasnb.Input((2,))
    found = expanded(describe(kerasnb.Model(x, layers.Add()(two(x)))))
    assert "two" in [n["name"] for n in found["nodes"]]


def test_paths_are_followed():
    points, letters = outline("M0 0q0 6 6 6H10v-2.5C1 2 3 4 5 6z")
    assert letters == ["M", "Q", "Q", "L", "L", "C", "C", "C", "L"]
    assert points[2:6] == [(6, 6), (10, 6), (10, 3.5), (1, 2)]
    assert points[-1] == (0, 0)
