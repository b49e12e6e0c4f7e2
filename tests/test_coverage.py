"""``python -m kerasnb coverage``."""

import json
import re
from pathlib import Path

import pytest
from parity.make_counts import counts, examined

import kerasnb
from kerasnb import __main__ as cli
from kerasnb import absence, coverage


@pytest.fixture
def told(capsys):
    """What the command prints for some words."""

    def tell(*words):
        cli.main(["coverage", *words])
        return capsys.readouterr().out

    return tell


def names_of(space):
    return {name for names in absence.keras_names()[space].values() for name in names}


def test_lists_names_by_use_with_their_cases(told):
    lines = told("regularizers").splitlines()
    assert lines[:2] == ["regularizers", ""]
    assert lines[2] == "  name                    use         here  parity cases"
    rows = [line.split() for line in lines[3 : lines.index("", 3)]]
    assert rows[0][:3] == ["l2", "core", "yes"]
    assert int(rows[0][3]) == counts()["regularizers.L2"]  # l2 is L2
    assert {row[0] for row in rows} == names_of("regularizers")
    assert lines[-4] == "Keras 3.15.1: what is here, by use"
    assert lines[-2].split() == ["namespace", "core", "occasional", "rest", "all", "compared"]
    assert lines[-1].startswith("  regularizers  1 of 1  7 of 7      4 of 4  12 of 12  ")


def test_lists_only_what_is_absent(told):
    names = json.loads(told("distribution", "layers", "--absent", "--json"))["names"]
    assert all(not row["present"] for row in names)
    assert {"namespace": "layers", "name": "TFSMLayer", "use": "occasional", "present": False,
            "cases": 0, "why": "it runs a program of TensorFlow"} in names  # fmt: skip
    assert {row["why"] for row in names if row["namespace"] == "distribution"} == {
        "everything runs on one device"
    }


def test_lists_only_names_of_some_use(told):
    content = json.loads(told("losses", "optimizers", "--use", "core", "--json"))
    assert {row["use"] for row in content["names"]} == {"core"}
    assert [row["name"] for row in content["names"] if row["namespace"] == "optimizers"] == [
        "Adam", "AdamW", "RMSprop", "SGD",
    ]  # fmt: skip
    assert [line["namespace"] for line in content["totals"]] == ["losses", "optimizers", "all"]


def test_writes_markdown(told):
    lines = told("layers", "--absent", "--use", "occasional", "--markdown").splitlines()
    assert lines[:2] == ["## layers", ""]
    assert lines[2:4] == ["| name | use | here | parity cases |", "| --- | --- | --- | --- |"]
    assert "| TFSMLayer | occasional | no | it runs a program of TensorFlow |" in lines


def test_lists_every_namespace_by_itself(told):
    content = json.loads(told("--json"))
    assert content["keras"] == "3.15.1"
    known = {(space, name) for space in absence.keras_names() for name in names_of(space)}
    assert {(row["namespace"], row["name"]) for row in content["names"]} == known
    for row in content["names"]:
        module = kerasnb
        for part in row["namespace"].split(".") if row["namespace"] != "keras" else ():
            module = getattr(module, part, None)
        assert row["present"] == hasattr(module, row["name"]), row


def test_unknown_namespace_is_one_line(capsys):
    with pytest.raises(SystemExit):
        cli.main(["coverage", "layer"])
    text = "ArgumentError: Unknown namespace 'layer'. Did you mean 'layers'?\n"
    assert capsys.readouterr().err == text


def test_the_counts_are_those_of_the_tables():
    written = json.loads(
        (coverage.Path(coverage.__file__).parent / "parity_counts.json").read_text()
    )
    assert written == counts(), "run: python -m tests.parity.make_counts"


@pytest.mark.parametrize(
    ("case", "names"),
    [
        ("layers/Dense/relu", ["layers.Dense"]),
        ("functions/concatenate axis 1", ["layers.concatenate"]),
        ("optimizers/scheduled/CosineDecay/plain", ["optimizers.schedules.CosineDecay"]),
        ("schedules/CosineDecay/plain", ["optimizers.schedules.CosineDecay"]),
        ("layers/RNN/GRUCell", ["layers.RNN", "layers.GRUCell"]),
        ("layers/Input/all", ["keras.Input", "layers.InputLayer"]),
        ("lookups/losses", ["losses.get"]),
        ("fit/plain", ["keras.Model"]),
    ],
)
def test_a_case_names_what_it_examines(case, names):
    assert examined(case) == names


def test_every_case_examines_a_name_of_keras():
    known = {f"{space}.{name}" for space in absence.keras_names() for name in names_of(space)}
    assert sorted(counts().keys() - known) == [], "see NAMES in tests/parity/make_counts.py"


def test_the_readme_tells_the_totals(told):
    *_, core, occasional, _, every, _ = re.split(r"  +", told().splitlines()[-1].strip())
    readme = " ".join((Path(__file__).parents[1] / "README.md").read_text("utf-8").split())
    assert f"Of all names {every} are here" in readme
    assert f"use often {core}, of those that they use now and then {occasional}." in readme
