"""`model.summary()` prints what Keras prints, character for character."""

import re
from pathlib import Path

import pytest
from summary_cases import CASES, branches, small

import kerasnb
from kerasnb import layers, ops, screen
from kerasnb.errors import ArgumentError

KERAS = dict(
    part.split("\n", 1)
    for part in Path(__file__)
    .with_name("keras_summaries.txt")
    .read_text(encoding="utf-8")
    .split("===== ")[1:]
)


def summary(model, **arguments):
    texts = []
    model.summary(print_fn=texts.append, **arguments)
    (text,) = texts
    return text


@pytest.fixture(autouse=True)
def _wide(monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    kerasnb.backend.clear_session()


@pytest.mark.parametrize("name", CASES)
def test_it_is_what_keras_prints(name):
    make, arguments = CASES[name]
    assert summary(make(kerasnb), **arguments) + "\n" == KERAS[name]


def test_every_summary_of_keras_is_compared():
    assert list(KERAS) == list(CASES)


def test_a_narrow_terminal_makes_it_narrow(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "64")
    small(kerasnb).summary()
    assert {len(line) for line in capsys.readouterr().out.splitlines()[1:-3]} == {60}


def test_a_notebook_is_as_wide_as_any(monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.setattr(screen, "in_notebook", lambda: True)
    assert len(summary(small(kerasnb)).splitlines()[1]) == 88
    kerasnb.backend.clear_session()
    assert len(summary(branches(kerasnb)).splitlines()[1]) == 108


def test_ops_without_names_are_numbered():
    x = kerasnb.Input((4,), name="x")
    model = kerasnb.Model(x, ops.abs(x) + ops.abs(x * 2), name="ops")
    rows = [line.split("│") for line in summary(model).splitlines() if line.startswith("│")]
    assert [(row[1].strip(), row[4].strip()) for row in rows] == [
        ("x (InputLayer)", "-"),
        ("multiply (Multiply)", "x[0][0]"),
        ("abs (Abs)", "x[0][0]"),
        ("abs_1 (Abs)", "multiply[0][0]"),
        ("add (Add)", "abs[0][0], abs_1[0][0]"),
    ]


def test_names_cannot_steer_a_terminal():
    model = kerasnb.Sequential([layers.Dense(1, name="a\x1b[2Jb\nc")], name="m\x1b]0;t\x07")
    text = summary(model)
    assert all(c.isprintable() for line in text.split("\n") for c in line)
    assert "│ a�[2Jb�c (Dense)" in text
    assert text.startswith('Model: "m�]0;t�"\n')


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (
            {"line_length": 8},
            "summary: 8 characters are too few for 3 columns; pass a larger line_length.",
        ),
        (
            {"positions": [0.5, 1.0]},
            "summary: expected 3 numbers as positions, where each column ends, got [0.5, 1.0].",
        ),
        (
            {"layer_range": ["a"]},
            "summary: expected two names (or patterns) of layers as layer_range, got ['a'].",
        ),
        (
            {"layer_range": "ab"},
            "summary: expected two names (or patterns) of layers as layer_range, got 'ab'.",
        ),
        (
            {"layer_range": [1, 2]},
            "summary: expected two names (or patterns) of layers as layer_range, got [1, 2].",
        ),
        (
            {"layer_range": ["dense", "nope"]},
            "summary: no layer has a name that matches 'nope' of layer_range. There are dense, "
            "batch_normalization, dense_1.",
        ),
    ],
)
def test_what_cannot_be_printed_is_refused(arguments, text):
    with pytest.raises(ArgumentError, match=f"^{re.escape(text)}$"):
        summary(small(kerasnb), **arguments)
