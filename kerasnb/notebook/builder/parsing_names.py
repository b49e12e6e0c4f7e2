"""What the names of Keras, and of modules beside it, stand for in code that is read.

Imports parsing_values and signatures; no module that the code names.
"""

from __future__ import annotations

import difflib
from typing import Any

from kerasnb.layers import LAYERS
from kerasnb.layers.base import Layer
from kerasnb.layers.merging import OfSeveral
from kerasnb.notebook.builder.operations import type_of
from kerasnb.notebook.builder.parsing_values import (
    ActivationValue,
    InputFunction,
    LayerClass,
    MergeFunction,
    ModelClass,
    Module,
    ObjectClass,
    OpFunction,
)
from kerasnb.notebook.builder.signatures import FAMILIES, class_of, is_activation
from kerasnb.ops.operation import FORMS, Form

__all__ = ["canonical", "everything", "member", "no_layer"]

_KERAS = ("tensorflow.keras", "tensorflow.python.keras", "keras.api", "kerasnb", "tf_keras")
_MERGES = {
    name.lower(): cls for name, cls in LAYERS.items() if issubclass(cls, OfSeveral)
}  # `layers.add`, `layers.concatenate`, ...
_LAYERS = {name: cls for name, cls in LAYERS.items() if cls is not Layer}


def canonical(path: str) -> str:
    """A module's path, with each of Keras's homes called ``keras``."""
    for prefix in _KERAS:
        if path == prefix or path.startswith(f"{prefix}."):
            return "keras" + path[len(prefix) :]
    return path


def member(path: str, name: str) -> Any:
    """What a module has of this name; a `Module` if nothing is known of it."""
    path = canonical(path)
    parent, _, last = path.rpartition(".")
    found: Any = None
    if path in ("keras", "keras.models") and name in ("Sequential", "Model", "Functional"):
        found = ModelClass("Sequential" if name == "Sequential" else "Model")
    elif path in ("keras", "keras.layers") and name == "Input":
        found = InputFunction()
    elif path == "keras.layers" and name in _LAYERS:
        found = LayerClass(_LAYERS[name])
    elif path == "keras.layers" and name in _MERGES:
        found = MergeFunction(_MERGES[name])
    elif parent == "keras" and last in FAMILIES and class_of(last, name) is not None:
        found = ObjectClass(last, class_of(last, name))
    elif path.startswith("keras.ops") and _form(path, name) is not None:
        found = OpFunction(_form(path, name))
    elif path in ("keras.activations", "tensorflow.nn") and is_activation(name):
        found = ActivationValue(name)
    return found or Module(canonical(f"{path}.{name}"))


def _form(path: str, name: str) -> Form | None:
    """A function of ``keras.ops``, which may be named on a page of its own, too."""
    form = FORMS.get(name)
    page = path.removeprefix("keras.ops").removeprefix(".")
    return form if form is not None and page in ("", form.page) and _is_on(page, form) else None


def _is_on(page: str, form: Form) -> bool:
    return bool(page) or type_of(form).count(".") == 1


def everything(path: str) -> dict[str, Any]:
    """What ``from ... import *`` gives, as far as it matters here."""
    names = {
        "keras.layers": ("Input", *_LAYERS, *_MERGES),
        "keras.models": ("Model", "Sequential"),
        "keras": ("Input", "Model", "Sequential", "activations", "layers", "models", *FAMILIES),
    }
    return {name: member(path, name) for name in names.get(canonical(path), ())}


def no_layer(name: str) -> str:
    """What to say where a layer is called as none is."""
    lower = {known.lower(): known for known in _LAYERS}
    close = [lower[n] for n in difflib.get_close_matches(name.lower(), lower, n=3, cutoff=0.6)]
    if not close:
        return f"There is no layer {name!r} in kerasnb."
    return f"Unknown layer {name!r}. Did you mean {' or '.join(map(repr, close))}?"
