"""What the documentation shows must run, and what it states must be so."""

import doctest
import importlib
import inspect
import json
import pkgutil
import re
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import kerasnb
from kerasnb import config
from kerasnb.config import settings, switches

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = (
    'pip install -e ".[notebook]" && python -m kerasnb demo',
    'pip install -e ".[test]" && python -m pytest',
)


def public_modules() -> list[ModuleType]:
    """Every module of the package whose path holds no underscore-led name."""
    names = [m.name for m in pkgutil.walk_packages(kerasnb.__path__, "kerasnb.")]
    public = [n for n in names if not any(part.startswith("_") for part in n.split("."))]
    return [kerasnb, *map(importlib.import_module, public)]


def examples() -> list:
    """The docstrings with ``>>>`` lines of all public modules, each once, ready to be run.

    The finder is asked object by object: left to a module it passes over functions made by a
    decorator of another module, which all elementwise ops are.
    """
    finder, parser, found = doctest.DocTestFinder(), doctest.DocTestParser(), []
    for module in public_modules():
        scope, name = vars(module), module.__name__
        found.append(
            parser.get_doctest(module.__doc__ or "", dict(scope), name, module.__file__, 0)
        )
        own = {id(v): (k, v) for k, v in reversed(scope.items()) if k[0] != "_"}  # aliases once
        for key, value in own.values():
            if getattr(value, "__module__", None) == name:
                found += finder.find(value, f"{name}.{key}", module, dict(scope))
    return [pytest.param(test, id=test.name) for test in found if test.examples]


def blocks(language: str) -> list[tuple[int, str]]:
    """The code blocks of the README in `language`: the number of the first line, and the code."""
    pattern = rf"^```{language}\n(.*?)^```$"
    found = re.finditer(pattern, README, re.MULTILINE | re.DOTALL)
    return [(README.count("\n", 0, m.start(1)) + 1, m.group(1)) for m in found]


def table(heading: str) -> list[list[str]]:
    """The cells of the table under a heading of the README, without its head."""
    section = README.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = [line.split("|")[1:-1] for line in section.splitlines() if line[:1] == "|"]
    return [[cell.strip() for cell in row] for row in rows[2:]]


@pytest.mark.parametrize("example", examples())
def test_docstring_example(example):
    runner = doctest.DocTestRunner(
        verbose=False, optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    )
    report: list[str] = []
    runner.run(example, out=report.append)
    assert runner.failures == 0, "".join(report)


def test_public_callables_have_docstrings():
    missing = [
        f"{module.__name__}.{name}"
        for module in public_modules()
        for name in getattr(module, "__all__", ())
        if callable(value := getattr(module, name)) and not inspect.getdoc(value)
    ]
    assert missing == []


def test_readme_blocks_run_in_order(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    namespace = {"__name__": "readme"}
    assert blocks("python")
    for line, code in blocks("python"):
        # blank lines before the code, so that an error names its line of the README
        exec(compile("\n" * (line - 1) + code, str(ROOT / "README.md"), "exec"), namespace)
    # what the text around the blocks says of them
    assert namespace["accuracy"] > 0.9
    assert namespace["rounds"].history["accuracy"][-1] > namespace["rounds"].history["accuracy"][0]


def test_readme_shows_the_two_commands():
    lines = [line for _, code in blocks("bash") for line in code.splitlines()]
    assert all(command in lines for command in COMMANDS)


def test_readme_names_extras_that_exist():
    extras = (ROOT / "pyproject.toml").read_text(encoding="utf-8").split("optional-dependencies")[1]
    named = set(re.findall(r"\.\[(\w+)\]", README))
    assert named == set(re.findall(r"^(\w+) = \[", extras.split("\n[")[0], re.M)) - {"lint"}


def test_readme_links_lead_somewhere():
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", README)
    assert [t for t in targets if not (ROOT / t).exists()] == []


def test_readme_names_files_that_exist():
    names = re.findall(r"(?<![\w./])(?:tests|notebooks|kerasnb)/[\w./-]+", README)
    assert names
    assert [n for n in names if not (ROOT / n).exists()] == []


@pytest.fixture
def clean_config(tmp_path, monkeypatch):
    """No settings file and no environment variable; gives the folder for both files."""
    for name in ("KERASNB_HOME", "KERAS_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    for name in ("KERASNB_BACKEND", "KERAS_BACKEND", "KERASNB_ANNOUNCE"):
        monkeypatch.delenv(name, raising=False)
    config.reload()
    yield tmp_path
    config.reload()


@pytest.mark.usefixtures("clean_config")
def test_readme_states_the_default_settings():
    stated = {row[0].strip("`"): row[2].strip("`") for row in table("Configuration")}
    assert set(stated) == set(config.CHECKS)
    assert stated.pop("image_dim_ordering") == ""
    for key, text in stated.items():
        assert getattr(config, key)() == json.loads(text), key


@pytest.mark.parametrize(
    ("ours", "keras", "environment", "chosen"),
    [
        (None, None, {}, "numpy"),
        (None, "cupy", {}, "cupy"),
        ("numpy", "cupy", {}, "numpy"),
        ("numpy", None, {"KERAS_BACKEND": "cupy"}, "cupy"),
        ("numpy", None, {"KERAS_BACKEND": "numpy", "KERASNB_BACKEND": "cupy"}, "cupy"),
    ],
)
def test_backend_is_chosen_as_the_readme_says(
    clean_config, monkeypatch, ours, keras, environment, chosen
):
    for name, backend in (("kerasnb.json", ours), ("keras.json", keras)):
        if backend is not None:
            (clean_config / name).write_text(json.dumps({"backend": backend}))
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert config.backend() == chosen


def test_readme_names_every_environment_variable():
    source = "".join(map(inspect.getsource, (settings, switches)))
    used = set(re.findall(r'"(KERAS(?:NB)?_[A-Z_]+)"', source))
    assert used == set(re.findall(r"`(KERAS(?:NB)?_[A-Z_]+)", README))


def test_readme_says_only_of_what_is_absent_that_it_is():
    names = [n for row in table("What is not there yet") for n in re.findall(r"`([\w.]+)`", row[0])]
    assert names
    present = []
    for name in names:
        owner = kerasnb
        *path, last = name.split(".")
        for part in path:
            owner = getattr(owner, part, None)
        if hasattr(owner, last):
            present.append(name)
    assert present == [], "take these out of the README's table of what is missing"


def test_readme_states_the_defaults_of_training():
    stated = '`optimizer="rmsprop"`, 32 samples a step, one epoch'
    assert stated in " ".join(README.split())
    model = kerasnb.Sequential([kerasnb.Input((1,)), kerasnb.layers.Dense(1)])
    model.compile(loss="mse")
    history = model.fit(np.zeros((33, 1)), np.zeros((33, 1)), verbose=0)
    assert isinstance(model.optimizer, kerasnb.optimizers.RMSprop)
    assert history.params["steps"] == 2
    assert history.epoch == [0]
