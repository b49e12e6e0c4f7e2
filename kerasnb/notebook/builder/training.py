"""Training within the builder: what on and how, with what makes sense preset, and how it goes.

Imports data, presets, building and live. Training goes on in the background, so that the page stays
at work; `TrainingPanel` is asked for all of it by the builder, under its lock.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from kerasnb import losses, metrics, optimizers
from kerasnb.callbacks.base import Callback
from kerasnb.errors import ArgumentError, KerasnbError
from kerasnb.notebook.builder import data as data_sets
from kerasnb.notebook.builder.document import Document
from kerasnb.notebook.builder.edits import set_setting
from kerasnb.notebook.builder.presets import Preset, suggest_for
from kerasnb.notebook.builder.sight import class_names
from kerasnb.notebook.builder.targets import Finding, fits
from kerasnb.notebook.insight.checks import example_count, host, spread, take, to_arrays
from kerasnb.notebook.labels import showable
from kerasnb.notebook.live import LiveView

__all__ = ["TrainingPanel", "is_choice"]

SETS = "set: "  # before the name of a set, which a variable may have, too
SPLIT = 0.2
LOSSES = (
    "binary_crossentropy", "categorical_crossentropy", "sparse_categorical_crossentropy", "mse",
    "mae", "huber", "hinge", "kl_divergence", "poisson",
)  # fmt: skip
OPTIMIZERS = ("adam", "sgd", "rmsprop", "adamw", "adagrad", "nadam")
NUMBERS = ("epochs", "batch_size", "learning_rate", "validation_split", "pace")
METRICS = ("accuracy", "mae", "mse", "binary_accuracy")
FEW = 4  # numbers that are told in a line
MANY = 20  # inputs and outputs that can be chosen data for


def is_choice(values: Any) -> bool:
    """Whether a page may send these values: short texts, numbers and lists of texts by name."""
    if not isinstance(values, dict) or len(values) > 20:
        return False
    return all(isinstance(name, str) and _is_short(value) for name, value in values.items())


def _is_short(value: Any) -> bool:
    if isinstance(value, list):
        return len(value) <= 20 and all(isinstance(v, str) and len(v) <= 100 for v in value)
    if isinstance(value, str):
        return len(value) <= 200
    return value is None or (type(value) in (int, float) and abs(value) < 1e300)


class TrainingPanel:
    """What the page shows and asks for of training.

    Args:
        namespace: the notebook's variables.

    Attributes:
        training: the newest `Training`; None before the first.
        history: of the newest training that began.
        trainings: how often training was started.
        view: of the newest training.
    """

    def __init__(self, namespace: Mapping[str, Any]):
        self.namespace = namespace
        self.training: Any = None
        self.history: Any = None
        self.trainings = 0
        self.view: _EmbeddedView | None = None
        self._chosen: dict[str, Any] = {}  # by hand
        self._inputs: list[tuple] = [()]  # the shape of one example of each; () if not known
        self._outputs = 1
        self._data: data_sets.Data | None = None
        self._fixed = False  # whether the data, and what is held back of it, stays
        self._held_back: tuple[Any, Any] | None = None  # for validation
        self._loaded = ""
        self._preset: Preset | None = None
        self._problem: str | None = None

    # What to train on, and how

    def choose(self, values: Mapping[str, Any], document: Document, report: Any) -> None:
        """Take what a person chose; what else makes sense follows from it.

        Raises:
            ArgumentError: there is no such data, loss, metric or optimizer, or a value is none.
        """
        _require_fit(values)
        shown = self.values()
        own = {n: v for n, v in values.items() if _is_data(n) or n == "validation_split"}
        if self._fixed and any(value != shown.get(name) for name, value in own.items()):
            raise ArgumentError("The data of this exercise stays as it is.")
        before = self._chosen, self._data, self._held_back, self._loaded
        kept = self._chosen
        if values.get("data", shown["data"]) != shown["data"]:
            kept = {}  # what was chosen before depends on the data
        known = {k: v for k, v in values.items() if k in shown or _is_data(k)}
        self._chosen = {**kept, **{k: v for k, v in known.items() if v != shown.get(k)}}
        self._look_at(document, report)
        try:
            self._load()
        except KerasnbError:
            self._chosen, self._data, self._held_back, self._loaded = before
            raise
        self.suggest(document, report)

    def give(self, data: data_sets.Data, fixed: bool = False, **values: Any) -> None:
        """Train on this, with other values than usual, as an exercise or a playground wants it.

        Args:
            data: what to train on.
            fixed: whether a page may not choose other data, or hold back another part of it.
            values: by name, as `values` gives them.
        """
        self._fixed = fixed
        self._data, self._loaded, self._held_back = data, data.name, None
        self._chosen |= {"data": data.name, **values}

    @property
    def data(self) -> data_sets.Data | None:
        """What is trained on; None if nothing was chosen, or not all of it."""
        return self._data if self._data is not None and self._missing() is None else None

    def add_point(self, x: float, y: float, label: int) -> None:
        """Put one more point into data of two features, a copy of which is trained on from now on.

        Raises:
            ArgumentError: the data has not two features and classes.
        """
        data = self.data
        names = None if data is None else class_names(data)
        if names is None or np.shape(data.x)[1:] != (2,):
            raise ArgumentError("Points are added to data with two features and classes.")
        if not 0 <= label < len(names):
            raise ArgumentError("There is no such class.")
        points = np.concatenate([host(data.x), np.array([[x, y]], "float32")])
        targets = np.concatenate([host(data.y), np.array([label], "int32")])
        self.take(data._replace(x=points, y=targets, names=names))

    def take(self, data: data_sets.Data) -> None:
        """Train on other numbers of the same kind."""
        self._data = data

    def suggest(self, document: Document, report: Any) -> None:
        """Find out what makes sense for the graph as it is now."""
        self._preset, self._problem = None, None
        self._look_at(document, report)
        if self._data is None:
            return
        try:
            self._load()
            self._problem = self._missing()
            if self._problem is not None:
                return
            self._preset = suggest_for(document, report, self._data.x, self._data.y)
        except KerasnbError as reason:
            self._problem = str(reason)
            return
        errors = [f for f in self._preset.findings if f.level == "error"]
        self._problem = errors[0].text if errors else None

    def _look_at(self, document: Document, report: Any) -> None:
        """Note the inputs and outputs for which there has to be data."""
        facts = [report.nodes.get(node.id) for node in document.inputs()]
        shapes = [fact.specs[0].shape[1:] if fact and fact.specs else () for fact in facts]
        self._inputs = shapes[:MANY] or [()]
        self._outputs = min(len(document.outputs()), MANY) or 1

    def _missing(self) -> str | None:
        """What of the data is still to be chosen, in words."""
        x, y = self._data.x, self._data.y
        for part, count, words, end in (
            (x, len(self._inputs), "the data x", "input"),
            (y, self._outputs, "the targets y", "output"),
        ):
            parts = part if isinstance(part, list) and count > 1 else [part]
            for number, array in enumerate(parts, 1):
                if array is None:
                    return f"Choose {words}{f' of {end} {number}' * (count > 1)}."
        return None

    def _load(self) -> None:
        """Have the data at hand that was chosen."""
        name = self._chosen.get("data") or ""
        if self._data is not None and self._loaded == name:  # it was given, or is a set
            return
        offered = {c.name: c for c in data_sets.choices(self.namespace) if c.source == "variable"}
        first = offered.get(name)
        if first is not None:
            self._choose_what_belongs_to(first, offered)
        names = [[self._chosen.get(f) or "" for f in part] for part in self._fields_of_data()]
        key = "\n".join([*names[0], *names[1]])
        if key == self._loaded:
            return
        self._data = self._held_back = None
        if name.startswith(SETS):
            self._data, key = data_sets.load(name.removeprefix(SETS)), name
        elif name:
            x, y = ([self._variable(n) for n in part] for part in names)
            x, y = (part[0] if len(part) == 1 else part for part in (x, y))
            self._data = data_sets.Data(name, x, y, None, "")
            if first is not None and first.validation and names == [[name], [first.targets]]:
                self._held_back = tuple(self.namespace[n] for n in first.validation)
        self._loaded = key

    def _variable(self, name: str) -> Any:
        if name and name not in self.namespace:
            raise ArgumentError(f"There is no variable {name!r}.")
        return self.namespace[name] if name else None

    def _choose_what_belongs_to(
        self, first: data_sets.Choice, offered: Mapping[str, data_sets.Choice]
    ) -> None:
        """Fill the fields of data that nobody has filled yet, where the variables tell."""
        chosen = self._chosen
        chosen["y"] = chosen.get("y") or first.targets
        for name, shape in zip(self._fields_of_data()[0][1:], self._inputs[1:], strict=True):
            if name in chosen:
                continue
            used = [value for other, value in chosen.items() if _is_data(other)]
            alike = [
                c.name
                for c in offered.values()
                if c.samples == first.samples and fits(c.shape[1:], shape) and c.name not in used
            ]
            if alike:
                chosen[name] = alike[0]

    def _fields_of_data(self) -> tuple[list[str], list[str]]:
        """The names of the fields for the data of each input and the targets of each output."""
        inputs, outputs = range(2, len(self._inputs) + 1), range(2, self._outputs + 1)
        return ["data", *(f"data_{n}" for n in inputs)], ["y", *(f"y_{n}" for n in outputs)]

    def values(self) -> dict[str, Any]:
        """All that is set, by hand or as it makes sense."""
        preset = self._preset
        of_inputs, of_outputs = self._fields_of_data()
        fields = [*of_inputs, *of_outputs]
        usual = {
            **dict.fromkeys(fields, ""), "loss": "", "optimizer": "adam", "metrics": [],
            "epochs": 10, "batch_size": 32, "learning_rate": None, "validation_split": SPLIT,
            "pace": None,
        }  # fmt: skip
        if preset is not None:
            usual |= {
                "loss": _label(preset.loss.value), "optimizer": preset.optimizer.value,
                "metrics": [_label(m) for m in _flat(preset.metrics.value)],
                "epochs": preset.epochs.value, "batch_size": preset.batch_size.value,
            }  # fmt: skip
        found = {**usual, **self._chosen}
        if found["learning_rate"] is None and found["optimizer"]:
            rate = float(optimizers.get(found["optimizer"]).learning_rate)
            # it is float32, which would be shown as 0.0010000000474974513
            found["learning_rate"] = float(f"{rate:.6g}")
        if found["data"] not in self.namespace:  # a set brings its own targets
            fields = ["data"]
        return {name: v for name, v in found.items() if not _is_data(name) or name in fields}

    def state(self) -> dict[str, Any]:
        """What the page shows, as JSON."""
        values = self.values()
        offered = data_sets.choices(self.namespace)
        variables = [c.name for c in offered if c.source == "variable"]
        names = ["", *variables, *(SETS + c.name for c in offered if c.source == "set")]
        if values["data"] and values["data"] not in names:
            names.append(values["data"])
        if self._fixed:
            names = [values["data"]]
        choices = {
            "data": names,
            "loss": _with(values["loss"], LOSSES),
            "optimizer": _with(values["optimizer"], OPTIMIZERS),
            "metrics": list(dict.fromkeys([*METRICS, *values["metrics"]])),
        }
        for name in values:
            if _is_data(name) and name != "data":
                choices[name] = ["", *variables]
        problem = self._problem if values["data"] else "Choose data to train on."
        return {
            "mends": [showable(f.text) for f in self._mendable()],
            "state": self._state(), "text": showable(self._text()), "choices": choices,
            "values": values, "reasons": self._reasons(values),
            "problem": None if problem is None or self.running else showable(problem),
        }  # fmt: skip

    def _reasons(self, values: Mapping[str, Any]) -> dict[str, str]:
        reasons = {}
        if self._preset is not None:
            for name in ("loss", "metrics", "optimizer", "epochs", "batch_size"):
                if name not in self._chosen:
                    reasons[name] = showable(getattr(self._preset, name).reason)
            advice = [f.text for f in self._preset.findings if f.level != "error"]
            reasons["data"] = showable(" ".join(advice))
        if self._held_back is not None and "validation_split" not in self._chosen:
            reasons["validation_split"] = "The variables for tests are used for validation."
        x = None if self._data is None else self._data.x
        parts = x if isinstance(x, list) and len(self._inputs) > 1 else [x]
        for name, array in zip(self._fields_of_data()[0], parts, strict=False):
            if array is not None:
                size = " × ".join(map(str, np.shape(array)))
                reasons[name] = f"{size}. {reasons.get(name, '')}".strip()
        return reasons

    # Training

    @property
    def running(self) -> bool:
        """Whether training goes on, or waits to go on."""
        return self._state() in ("running", "paused", "stopping")

    def start(self, model: Any, listener: Callable[[], None]) -> None:
        """Train the model in the background as it was chosen.

        Args:
            model: of the graph for which `suggest` was asked last.
            listener: called between two steps, now and then, in the thread that trains.

        Raises:
            ArgumentError: data or a number is missing, or is none.
            KerasnbError: model and data do not fit together.
        """
        if self.running:
            raise ArgumentError("Training goes on already.")
        if self._data is None or self._problem is not None:
            raise ArgumentError(self._problem or "Choose data to train on.")
        values = self.values()
        model.compile(**self._compiled(values))
        epochs, size = (_whole(values, name) for name in ("epochs", "batch_size"))
        split = _number(values, "validation_split", 0.0, 0.9)
        callbacks = [_EmbeddedView()]
        self.view = callbacks[0]
        if values["pace"] is not None:
            callbacks.append(_Slower(1 / _number(values, "pace", 0.1, 1e6)))
        x, y = to_arrays(self._data.x, self._data.y, "Train")
        held_back: dict[str, Any] = {"validation_split": split}
        if self._held_back is not None and "validation_split" not in self._chosen:
            held_back = {"validation_data": to_arrays(*self._held_back, "Train")}
        training = model.fit(x, y, size, epochs, callbacks=callbacks, background=True, **held_back)
        self.training, self.history = training, training.history
        self.trainings += 1
        training.listeners.append(listener)

    def _compiled(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments of `compile`."""
        found = self._preset.arguments() if self._preset is not None else {}
        if "loss" in self._chosen:
            found["loss"] = losses.get(values["loss"])
        if "metrics" in self._chosen:
            found["metrics"] = [metrics.get(name) for name in values["metrics"]]
        rate = _number(values, "learning_rate", 0.0, float("inf"))
        optimizer = optimizers.get(values["optimizer"])
        optimizer.learning_rate = rate
        return {**found, "optimizer": optimizer}

    def examples(self, count: int) -> tuple[Any, Any] | None:
        """Some of the data, spread evenly, for looking inside; None if there is none."""
        if self.data is None:
            return None
        x, y = to_arrays(self.data.x, self.data.y, "builder")
        index = spread(example_count(x), count)
        return take(x, index), take(y, index)

    def mend(self, number: int, document: Document) -> tuple[Document, str]:
        """Change what does not fit the data, as a finding says; the document, and what was done.

        Raises:
            ArgumentError: there is no such finding.
        """
        offered = self._mendable()
        if number >= len(offered):
            raise ArgumentError("This is mended already.")
        for change in offered[number].changes:
            document = set_setting(document, change["node"], change["argument"], change["value"])
        return document, "fit the data"

    def _mendable(self) -> list[Finding]:
        """The findings that a change of arguments would mend."""
        found = [] if self._preset is None else self._preset.findings
        return [f for f in found if f.changes and all(c["node"] for c in f.changes)]

    def _state(self) -> str:
        return "idle" if self.training is None else self.training.state

    def _text(self) -> str:
        if self.training is None:
            return ""
        logs = self.training.logs() if self.running else _last(self.history)
        if len(logs) > FEW:  # of several outputs: the curves tell the rest
            logs = {name: logs[name] for name in ("loss", "val_loss") if name in logs}
        words = ", ".join(f"{name} {value:.4g}" for name, value in logs.items())
        return f"{self.training.state}: {words}" if words else self.training.state


def _is_data(name: str) -> bool:
    """Whether a field is for data: ``"data"``, ``"y"``, or for another input or output."""
    return name.partition("_")[0] in ("data", "y")


def _require_fit(values: Mapping[str, Any]) -> None:
    """See that what a page sends can be what it is sent for, before anything is taken of it."""
    for name, value in values.items():
        kind = {"metrics": list}.get(name, (int, float, type(None)) if name in NUMBERS else str)
        if not isinstance(value, kind):
            raise ArgumentError(f"{name.replace('_', ' ')}: this cannot be chosen.")
    if values.get("optimizer"):
        optimizers.get(values["optimizer"])


class _EmbeddedView(LiveView):
    """The live view as a part of the builder's page, where it stays when training has ended."""

    def _display(self) -> Any:
        return _Nowhere()

    def _leave(self, output: Any, snapshot: Any) -> None:
        pass

    def _keep_picture(self) -> None:
        pass


class _Slower(Callback):
    """Lets an epoch take some time at least, for people to watch."""

    def __init__(self, seconds: float):
        super().__init__()
        self._seconds, self._began = seconds, time.monotonic()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        time.sleep(max(0.0, self._began + self._seconds - time.monotonic()))
        self._began = time.monotonic()


class _Nowhere:
    """The output of a view that has none of its own."""

    def update(self, bundle: Any, **options: Any) -> None:
        """Nothing is to be changed."""


def _label(value: Any) -> str:
    """A loss or metric in a word or two."""
    if isinstance(value, dict) and "class_name" in value:
        logits = (value.get("config") or {}).get("from_logits")
        return value["class_name"] + (" (from logits)" if logits else "")
    return value if isinstance(value, str) else "" if value is None else "one for each output"


def _flat(value: Any) -> list:
    if isinstance(value, dict) and "class_name" not in value:
        value = list(value.values())
    if isinstance(value, list):
        return [item for part in value for item in _flat(part)]
    return [] if value is None else [value]


def _with(value: str, names: tuple[str, ...]) -> list[str]:
    return list(dict.fromkeys([*([value] if value else [""]), *names]))


def _whole(values: Mapping[str, Any], name: str) -> int:
    value = values.get(name)
    if type(value) is not int or not 1 <= value <= 1_000_000:
        raise ArgumentError(f"{name.replace('_', ' ')}: expected a whole number from 1.")
    return value


def _number(values: Mapping[str, Any], name: str, low: float, high: float) -> float:
    value = values.get(name)
    if type(value) not in (int, float) or not low <= value <= high:
        raise ArgumentError(f"{name.replace('_', ' ')}: expected a number from {low:g}.")
    return float(value)


def _last(history: Any) -> dict[str, float]:
    logs = getattr(history, "history", {})
    return {name: values[-1] for name, values in logs.items() if values}
