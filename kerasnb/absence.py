"""What a public namespace says of a name that it has not: whether Keras has it, and what is near.

Imports nothing of the package. Keras's names are in ``keras_names.json``, which is read when the
first name is missed.
"""

from __future__ import annotations

import difflib
import json
import sys
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

__all__ = ["REASONS", "guard", "keras_names", "keras_version", "reason", "watch"]

# why something will not come soon, for a name or for all of a namespace
REASONS = {
    "applications": "what makes these models useful is weights of hundreds of megabytes",
    "callbacks.OrbaxCheckpoint": "it writes the files of a library of JAX",
    "distribution": "everything runs on one device",
    "export": "it writes programs for TensorFlow",
    "layers.FlaxLayer": "it runs code of JAX",
    "layers.JaxLayer": "it runs code of JAX",
    "layers.TFSMLayer": "it runs a program of TensorFlow",
    "layers.TorchModuleWrapper": "it runs code of PyTorch",
}


def watch(module: ModuleType) -> None:
    """Let `module` and the namespaces in it say what they lack.

    Those that have a ``__getattr__`` keep it. A module without ``__all__`` shows all it has.
    """
    shown = getattr(module, "__all__", None) or [*vars(module)]
    vars(module).setdefault("__getattr__", guard(module.__name__))
    for name in shown:
        inner = vars(module).get(name)
        if isinstance(inner, ModuleType) and inner.__name__.startswith(f"{module.__name__}."):
            watch(inner)


def guard(module: str) -> Callable[[str], Any]:
    """The ``__getattr__`` of the namespace `module`: an error that helps.

    Args:
        module: the full name, as in ``kerasnb.layers``.
    """

    def missed(name: str) -> Any:
        # what Python itself asks for, of every module
        text = f"module {module!r} has no attribute {name!r}"
        if not name.startswith("_"):
            text = _text(module, name)
        # no object: Python would add a suggestion of its own
        raise AttributeError(text, name=name, obj=None)

    return missed


def keras_names() -> dict[str, dict[str, list[str]]]:
    """Keras's public names: ``{namespace: {"core" | "occasional" | "rest": names}}``.

    The top namespace is called ``keras``. The class says how much public code uses the names.
    """
    return {
        space: {label: names.split() for label, names in classes.items()}
        for space, classes in _file()["names"].items()
    }


def keras_version() -> str:
    """The version of Keras whose names these are: ``"3.15.1"``."""
    return _file()["version"]


def reason(full: str) -> str | None:
    """Why `full`, as in ``"layers.TFSMLayer"``, is absent; None if it is only not there yet."""
    return next((r for what, r in REASONS.items() if f"{full}.".startswith(f"{what}.")), None)


@cache
def _file() -> dict[str, Any]:
    return json.loads(Path(__file__).with_name("keras_names.json").read_text("utf-8"))


@cache
def _spaces() -> dict[str, set[str]]:
    """Keras's names by namespace, with the namespaces within each."""
    spaces = {
        space: {name for names in classes.values() for name in names}
        for space, classes in keras_names().items()
    }
    for space in keras_names().keys() - {"keras"}:
        outer, _, inner = f"keras.{space}".removesuffix(".").rpartition(".")
        spaces.setdefault(outer.removeprefix("keras."), set()).add(inner)
        spaces["keras"].add(space.partition(".")[0])
    return spaces


def _text(module: str, name: str) -> str:
    """What is said where `module` has no `name`."""
    space = module.partition(".")[2] or "keras"
    begin = f"{module} has no {name!r}"
    near = _nearest(name, _present(module))
    if name not in _spaces().get(space, ()):
        if near is None or near.lower() != name.lower():
            near = _elsewhere(name) or near
        return f"{begin}. Did you mean {near!r}?" if near else f"{begin}."
    why = reason(name if space == "keras" else f"{space}.{name}")
    version = ".".join(keras_version().split(".")[:2])
    tail = f": {why}" if why else " yet" + (f"; nearest is {near!r}" if near else "")
    return f"{begin}: it is in Keras {version}, but not in kerasnb{tail}."


def _present(module: str) -> set[str]:
    """The public names that `module` has."""
    having = sys.modules[module]
    wanted = _spaces().get(module.partition(".")[2] or "keras", set())
    return vars(having).keys() & (wanted | {*getattr(having, "__all__", ())})


def _nearest(name: str, choices: Iterable[str]) -> str | None:
    by_lower: dict[str, list[str]] = {}
    for choice in sorted(choices):
        by_lower.setdefault(choice.lower(), []).append(choice)
    close = difflib.get_close_matches(name.lower(), by_lower, 1)
    # of "Huber" and "huber" the one that is a class if a class is asked for
    same = by_lower[close[0]] if close else []
    return max(same, key=lambda one: one[0].isupper() == name[0].isupper(), default=None)


def _elsewhere(name: str) -> str | None:
    """The full name of what another namespace has under this name."""
    for space in sorted(_spaces(), key=lambda space: (space.count("."), space)):
        module = "kerasnb" if space == "keras" else f"kerasnb.{space}"
        having = vars(sys.modules.get(module, ModuleType("")))
        if name in _spaces()[space] and name in having:
            return f"{module}.{name}"
    return None
