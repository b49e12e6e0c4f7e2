"""How pictures of models look: they can be read, stay small, and disturb nothing around them."""

import re
import subprocess
import sys
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from payloads import check_svg

import kerasnb
from kerasnb import layers
from kerasnb.models.description import describe
from kerasnb.notebook import svg
from kerasnb.notebook.labels import settings
from kerasnb.notebook.svg import draw, model_svg


@pytest.fixture(autouse=True)
def _names_from_the_start():
    kerasnb.backend.clear_session()


def chain(n):
    return kerasnb.Sequential(
        [kerasnb.Input((4,)), *(layers.Dense(4) for _ in range(n))], name="chain"
    )


def texts(drawing):
    """The lines of text in a picture, as they are read."""
    return [e.text for e in ET.fromstring(drawing.svg).iter() if e.tag.endswith("}text")]


def test_a_long_chain_goes_on_in_columns_and_tells_a_shape_when_it_changes():
    drawing = draw(describe(chain(50)))
    assert drawing.width < 900
    assert drawing.height < 1100
    assert texts(drawing).count("(None, 4)") == 1


def test_a_short_chain_is_one_column():
    drawing = draw(describe(chain(3)))
    assert drawing.width < 300
    assert texts(drawing).count("(None, 4)") == 4


def test_a_graph_of_many_boxes_keeps_both_ends():
    x = start = kerasnb.Input((4,), name="start")
    for _ in range(50):
        x = layers.Add()([layers.Dense(4)(x), x])
    shown = texts(draw(describe(kerasnb.Model(start, x))))
    assert {"start", "dense", "add_49", "43 more, not drawn"} <= set(shown)
    assert "dense_25" not in shown


@pytest.mark.parametrize(
    "name", ["a_name_that_goes_on_and_on_and_on_for_ever", "W" * 60, "漢字" * 30, "i" * 200]
)
def test_a_name_is_cut_to_its_box_and_whole_in_the_tooltip(name):
    model = kerasnb.Sequential([kerasnb.Input((4,)), layers.Dense(4, name=name)])
    drawing = draw(describe(model))
    for shown in (text for text in texts(drawing) if text.startswith(name[0] * 2)):
        assert shown[-1] == "…"
        assert svg._width(shown, svg.TEXT) < svg.WIDE
    assert f"Dense {name!r}. units=4. (None, 4). 20 params" in check_svg(drawing.svg)


def test_a_class_that_its_name_tells_already_gives_way():
    name = "global_average_pooling2d_12"
    x = kerasnb.Input((4, 4, 2))
    shown = texts(draw(describe(kerasnb.Model(x, layers.GlobalAveragePooling2D(name=name)(x)))))
    assert name in shown
    assert "GlobalAveragePooling2D" not in shown


def test_the_style_is_for_this_picture_only():
    style = ET.fromstring(model_svg(chain(1))).find("{*}style").text
    dark = "@media (prefers-color-scheme:dark){"
    assert dark in style
    rules = re.findall(r"([^{}]+)\{[^{}]*\}", style.replace(dark, ""))
    assert rules
    assert all(rule.startswith(".kerasnb-model ") for rule in rules)


def contrast(a, b):
    """The ratio of two colours as the W3C defines it, from 1 to 21."""

    def luminance(color):
        color = "".join(2 * c for c in color) if len(color) == 3 else color
        parts = np.array([int(color[i : i + 2], 16) for i in (0, 2, 4)]) / 255
        linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("dark", [False, True])
def test_texts_can_be_read(dark):
    rules = svg._STYLE.split("@media")[dark]
    fill = dict(re.findall(r"model (\S+?)\{[^}]*?fill:#(\w+)", rules))
    page = "111111" if dark else "ffffff"  # JupyterLab's
    for ground in (fill[".b"], fill[".i"], fill[".c"], page):
        assert contrast(fill["text"], ground) > 7
        assert contrast(fill[".m"], ground) > 4.5
    (line,) = re.findall(r"model \.e\{[^}]*?stroke:#(\w+)", rules)
    assert contrast(line, page) > 3


@pytest.mark.parametrize(
    ("given", "short"),
    [
        ({"units": "1", "activation": "relu", "rate": "0.5"}, "1 unit, relu, rate=0.5"),
        (
            {"filters": "8", "kernel_size": "(3, 3)", "padding": "same", "strides": "(2, 2)"},
            "8 filters, (3, 3), same, strides=(2, 2)",
        ),
    ],
)
def test_settings_are_short_where_they_are_clear(given, short):
    assert settings({"settings": given}, short=True) == short
    assert settings({"settings": given}) == ", ".join(f"{k}={v}" for k, v in given.items())


def test_showing_a_model_imports_nothing_that_draws():
    code = (
        "import sys, kerasnb; kerasnb.Sequential([kerasnb.layers.Dense(1)])._repr_mimebundle_(); "
        "print(*{'IPython', 'matplotlib', 'PIL', 'anywidget', 'ipywidgets'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
