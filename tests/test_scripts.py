"""Scripts as people write them, with only the import changed: each runs, and each learns.

They are in ``scripts/``, say ``import kerasnb as keras`` on one line, and assert what they reach.
Where the environment variable KERASNB_PEER_PYTHON names a Python that has Keras, they also run
there, with ``import keras`` on that line and nothing else changed. What a script loads from
`keras.datasets` is made by ``script_data.py``: the same files in the same layout, but small.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from script_data import write_data

import kerasnb
from kerasnb import absence

FOLDER = Path(__file__).with_name("scripts")
SCRIPTS = sorted(path.name for path in FOLDER.glob("*.py"))
LINE = "import kerasnb as keras\n"
PEER = os.environ.get("KERASNB_PEER_PYTHON")

# what a script waits for: it is skipped as long as the name is absent, and not afterwards
WAITING = {
    "cifar_augmented.py": [
        "datasets.cifar10", "layers.RandomFlip", "layers.RandomRotation", "layers.RandomZoom",
        "layers.RandomCrop", "layers.Resizing", "layers.Rescaling",
    ],
    "fashion_regularized.py": ["datasets.fashion_mnist"],
    "images_from_folders.py": [
        "utils.save_img", "utils.load_img", "utils.img_to_array", "utils.array_to_img",
        "utils.get_file", "utils.image_dataset_from_directory", "layers.Rescaling",
        "ops.image.resize",
    ],
    "imdb_bidirectional.py": ["datasets.imdb", "utils.pad_sequences", "layers.Bidirectional"],
    "mixed_precision.py": ["mixed_precision"],
    "mnist_cnn.py": ["datasets.mnist"],
    "reuters_topics.py": ["datasets.reuters"],
    "saving_models.py": ["saving.load_model"],
    "tabular.py": ["layers.Normalization", "layers.StringLookup", "layers.CategoryEncoding"],
    "tensorboard_logs.py": ["callbacks.TensorBoard"],
    "text_from_folders.py": ["utils.text_dataset_from_directory", "layers.TextVectorization"],
    "weather_forecast.py": ["utils.timeseries_dataset_from_array"],
}  # fmt: skip

# packages that a script needs besides, which are extras of either library
PACKAGES = {"images_from_folders.py": "PIL", "tensorboard_logs.py": "tensorboardX"}
PEER_PACKAGES = {"images_from_folders.py": "PIL", "tensorboard_logs.py": "tensorflow"}


def has_package(python: str, name: str | None) -> bool:
    question = f"import importlib.util as u, sys; sys.exit(u.find_spec({name!r}) is None)"
    return name is None or subprocess.run([python, "-c", question], check=False).returncode == 0


def present(full: str) -> bool:
    owner = kerasnb
    for part in full.split("."):
        owner = getattr(owner, part, None)
    return owner is not None


def absent(script: str) -> list[str]:
    """The names that a script waits for and that are not here."""
    return [name for name in WAITING.get(script, ()) if not present(name)]


@cache
def used(script: str) -> frozenset[str]:
    """The names of Keras in a script's code, as in ``layers.Dense``."""
    tree = ast.parse((FOLDER / script).read_text("utf-8"))
    short = {"keras": ""}  # names that stand for a namespace, as in `ops = keras.ops`
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            path = ast.unparse(node.value)
            if path.removeprefix("keras.") in absence.keras_names():
                short[node.targets[0].id] = path.removeprefix("keras.") + "."
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            head, _, rest = ast.unparse(node).partition(".")
            if head in short:
                found.add(short[head] + rest)
    return frozenset(found)


@pytest.fixture(scope="session")
def data(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_data(folder)
    return folder


def run(command: list[str], code: str, folder: Path, **environment: str) -> None:
    """Run `code` elsewhere than here, and show what it says if it fails."""
    script = folder / "script.py"
    script.write_text(code, encoding="utf-8")
    done = subprocess.run(
        [*command, str(script)],
        cwd=folder, env=os.environ | environment, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", SCRIPTS)
def test_runs_and_learns(name, tmp_path, data):
    if absent(name):
        pytest.skip(f"waits for {', '.join(absent(name))}")
    if not has_package(sys.executable, PACKAGES.get(name)):
        pytest.skip(f"needs a package: pip install {PACKAGES[name]}")
    environment = {"KERASNB_HOME": str(tmp_path), "KERASNB_DATASETS": str(data)}
    paths = os.pathsep.join(
        path for path in (str(FOLDER.parents[1]), os.environ.get("PYTHONPATH")) if path
    )
    code = (FOLDER / name).read_text("utf-8")
    run([sys.executable, "-W", "error"], code, tmp_path, PYTHONPATH=paths, **environment)


@pytest.mark.skipif(PEER is None, reason="KERASNB_PEER_PYTHON names no Python that has Keras")
@pytest.mark.parametrize("name", SCRIPTS)
def test_runs_and_learns_under_keras(name, tmp_path, data):
    if not has_package(PEER, PEER_PACKAGES.get(name)):
        pytest.skip(f"Keras needs {PEER_PACKAGES[name]} for it")
    code = (FOLDER / name).read_text("utf-8").replace(LINE, "import keras\n")
    environment = {"KERAS_HOME": str(tmp_path), "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
    environment["KERAS_BACKEND"] = os.environ.get("KERAS_BACKEND", "torch")
    # Keras would fetch the data sets
    begin = f"import sys; sys.path.insert(0, {str(FOLDER.parent)!r})\n"
    begin += f"import script_data; script_data.give_keras({str(data)!r})\n"
    run([PEER, "-W", "ignore"], begin + code, tmp_path, **environment)


@pytest.mark.parametrize("name", SCRIPTS)
def test_has_the_one_line_and_asserts_something(name):
    text = (FOLDER / name).read_text("utf-8")
    assert text.count(LINE) == 1
    assert text.count("kerasnb") == 1
    assert any(isinstance(node, ast.Assert) for node in ast.walk(ast.parse(text)))


def test_all_core_names_are_in_a_script():
    everywhere = set().union(*map(used, SCRIPTS))
    unused = [
        f"{space}.{name}"
        for space, classes in absence.keras_names().items()
        for name in classes["core"]
        if (name if space == "keras" else f"{space}.{name}") not in everywhere
    ]
    assert unused == []


def test_scripts_wait_for_names_that_they_use():
    assert WAITING.keys() <= set(SCRIPTS)
    for script, names in WAITING.items():
        for name in names:
            assert any(f"{one}.".startswith(f"{name}.") for one in used(script)), (script, name)
