"""What a namespace says of a name that it has not."""

import importlib
import subprocess
import sys
from types import ModuleType

import pytest

import kerasnb
from kerasnb import absence

SAID = {
    "layers.TFSMLayer": "kerasnb.layers has no 'TFSMLayer': it is in Keras 3.15, but not in "
    "kerasnb: it runs a program of TensorFlow.",
    "applications": "kerasnb has no 'applications': it is in Keras 3.15, but not in kerasnb: what "
    "makes these models useful is weights of hundreds of megabytes.",
    "distribution": "kerasnb has no 'distribution': it is in Keras 3.15, but not in kerasnb: "
    "everything runs on one device.",
    "layers.Dens": "kerasnb.layers has no 'Dens'. Did you mean 'Dense'?",
    "layers.denze": "kerasnb.layers has no 'denze'. Did you mean 'Dense'?",
    "layers.relu": "kerasnb.layers has no 'relu'. Did you mean 'ReLU'?",
    "losses.hubber": "kerasnb.losses has no 'hubber'. Did you mean 'huber'?",
    "losses.Hubber": "kerasnb.losses has no 'Hubber'. Did you mean 'Huber'?",
    "layers.Adam": "kerasnb.layers has no 'Adam'. Did you mean 'kerasnb.optimizers.Adam'?",
    "Dense": "kerasnb has no 'Dense'. Did you mean 'kerasnb.layers.Dense'?",
    "optimizers.schedules.Cosine": "kerasnb.optimizers.schedules has no 'Cosine'. Did you mean "
    "'CosineDecay'?",
    "backend.qqq": "kerasnb.backend has no 'qqq'.",
    "layers._x": "module 'kerasnb.layers' has no attribute '_x'",
}


def asked(full):
    owner = kerasnb
    for part in full.split("."):
        owner = getattr(owner, part)
    return owner


@pytest.mark.parametrize("full", SAID)
def test_says_what_is_wrong(full):
    with pytest.raises(AttributeError) as caught:
        asked(full)
    assert str(caught.value) == SAID[full]
    assert (caught.value.name, caught.value.obj) == (full.rpartition(".")[2], None)


@pytest.fixture
def half_a_namespace(monkeypatch):
    """One that has a name of Keras's layers and lacks the others, whatever kerasnb has."""
    module = ModuleType("kerasnb.layers")
    module.Dense = module.Conv2D = object
    monkeypatch.setitem(sys.modules, "kerasnb.layers", module)
    absence.watch(module)
    return module


def test_says_that_keras_has_a_name_and_which_is_near(half_a_namespace):
    with pytest.raises(AttributeError) as caught:
        _ = half_a_namespace.Conv3D
    assert str(caught.value) == (
        "kerasnb.layers has no 'Conv3D': it is in Keras 3.15, but not in kerasnb yet; "
        "nearest is 'Conv2D'."
    )
    with pytest.raises(AttributeError) as caught:
        _ = half_a_namespace.LSTM
    assert str(caught.value) == (
        "kerasnb.layers has no 'LSTM': it is in Keras 3.15, but not in kerasnb yet."
    )


def test_asking_whether_there_is_a_name_works_as_ever():
    assert not hasattr(kerasnb.layers, "Foo")
    assert getattr(kerasnb.layers, "Foo", 3) == 3
    with pytest.raises(ImportError, match=r"cannot import name 'Foo' from 'kerasnb\.layers'"):
        from kerasnb.layers import Foo  # noqa: F401
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("kerasnb.applications")


def test_every_namespace_of_keras_that_is_here_says_it():
    silent = [
        name
        for name in sys.modules
        if name.removeprefix("kerasnb.") in absence.keras_names()
        and name.startswith("kerasnb.")
        and "__getattr__" not in vars(sys.modules[name])
    ]
    assert silent == [], "list each in the __all__ of the namespace that it is in"


def test_python_adds_no_second_suggestion():
    code = "import kerasnb; kerasnb.layers.Dens"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr.splitlines()[-1] == f"AttributeError: {SAID['layers.Dens']}"


def test_a_reason_is_given_for_names_of_keras_only():
    known = {f"{space}.{name}" for space, names in absence._spaces().items() for name in names}
    spaces = absence.keras_names().keys()
    assert [name for name in absence.REASONS if name not in known | spaces] == []


def test_reasons_are_of_what_is_absent():
    present = []
    for full in absence.REASONS:
        owner = kerasnb
        for part in full.split("."):
            owner = getattr(owner, part, None)
        present += [full] * (owner is not None)
    assert present == []
