"""`Exercise`: a task for students, with goals that are checked while they build.

Imports goals, data, document, naming, palette, parsing and reading. An exercise does not change;
what a student does with it is in the builder, and what came of it in a `Result`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Container, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from kerasnb.errors import ArgumentError, unknown
from kerasnb.models.model import Model
from kerasnb.notebook.builder.data import SETS, Data, load
from kerasnb.notebook.builder.document import CONTAINERS, Document
from kerasnb.notebook.builder.entries import entries
from kerasnb.notebook.builder.goals import Goal, Reached, State, parse, type_name
from kerasnb.notebook.builder.naming import shown_names
from kerasnb.notebook.builder.parsing import from_code
from kerasnb.notebook.builder.reading import from_model

__all__ = ["Exercise", "Result"]


class Result(NamedTuple):
    """What came of an exercise.

    Attributes:
        task: what was asked.
        goals: how far each is reached.
        complete: whether the graph is a model.
        broken: which rule the graph breaks, in words; None if it keeps them all.
        counts: parameters, layers, operations and epochs; None where it is not known.
        metrics: the newest value of each log.
        code: of the model.
        edits: how often something was changed.
        trainings: how often training was started.
        hints: how many were shown.
        times: time stamps, as the caller gave them.
    """

    task: str
    goals: tuple[Reached, ...]
    complete: bool
    broken: str | None
    counts: Mapping[str, int | None]
    metrics: Mapping[str, float]
    code: str = ""
    edits: int = 0
    trainings: int = 0
    hints: int = 0
    times: Mapping[str, Any] = {}

    @property
    def passed(self) -> bool:
        """Whether the model is complete, keeps the rules and meets every goal."""
        return self.complete and not self.broken and all(goal.met for goal in self.goals)

    @property
    def text(self) -> str:
        """How far it is, in a sentence."""
        if self.broken:
            return self.broken
        if not self.complete:
            return "The model is not complete yet."
        met = sum(goal.met for goal in self.goals)
        if met == len(self.goals):
            return "All goals are met." if met else "The model is complete."
        return f"{met} of {len(self.goals)} goal{'s' * (len(self.goals) != 1)} met."

    def data(self) -> dict[str, Any]:
        """It as JSON has it, for grading."""
        return {
            **self._asdict(),
            "passed": self.passed,
            "goals": [goal.data() for goal in self.goals],
            "counts": dict(self.counts),
            "metrics": {k: v if math.isfinite(v) else None for k, v in self.metrics.items()},
            "times": dict(self.times),
        }


class Exercise:
    """A task for students: ``Builder(exercise=Exercise(...))``.

    Args:
        task: what to do, in words.
        start: what the canvas begins with: Keras code with its imports, which is parsed and never
            run, a model, or a document; nothing if None.
        allowed: classes of layers that may be added, or their names; all if None. What `start`
            holds may stay.
        locked: names of layers and parts of `start` that have to stay as they are; what they read
            may change. Give them names of their own, so that they are found again in edited code.
        goals: as texts (``"val_accuracy >= 0.97"``) or from `goals`.
        hints: texts, shown one after another when asked for.
        data: what to train on: the name of a set, ``(x, y)``, or a `Data`.

    Attributes:
        start: the document with which the canvas begins.
        locked: the name of each locked node of `start` by its id.

    Raises:
        ArgumentError: there is no such layer, locked name or set, or a goal is not understood.
        LoadError: `start` is no code that makes a model.
    """

    def __init__(
        self,
        task: str,
        start: Any = None,
        allowed: Sequence[Any] | None = None,
        locked: Sequence[str] = (),
        goals: Sequence[Any] = (),
        hints: Sequence[str] = (),
        data: Any = None,
    ):
        for name, value in (("allowed", allowed), ("locked", locked), ("goals", goals)):
            _require_list(name, value)
        _require_list("hints", hints)
        self.task = str(task)
        custom = {c.__name__: c for c in allowed or () if isinstance(c, type)}
        self.allowed = None if allowed is None else tuple(map(type_name, allowed))
        self.start = _document(start, custom)
        self.locked = self._find(locked)
        self._kept = {key: _form(self.start, key) for key in self.locked}
        self.goals: tuple[Goal, ...] = tuple(parse(goal, tuple(custom)) for goal in goals)
        self.hints = tuple(map(str, hints))
        self._data = _checked_data(data)

    def _find(self, names: Sequence[str]) -> dict[str, str]:
        own = {n: k for k, n in shown_names(self.start).items() if not self.start[k].shares}
        for name in names:
            if name not in own:
                raise unknown("locked layer of the start", name, own)
        return {own[name]: name for name in names}

    def load(self) -> Data | None:
        """The data to train on; None if the student chooses.

        Raises:
            MissingDependency: the set comes with scikit-learn, which is not installed.
        """
        return load(self._data) if isinstance(self._data, str) else self._data

    def hint(self, shown: int) -> str | None:
        """The hint that follows after `shown` were; None if there are no more."""
        return self.hints[shown] if 0 <= shown < len(self.hints) else None

    def description(self) -> dict[str, Any]:
        """What the page shows of it, as JSON has it."""
        return {
            "task": self.task,
            "goals": [{"goal": str(goal), "text": goal.text} for goal in self.goals],
            "allowed": None if self.allowed is None else list(self.allowed),
            "locked": list(self.locked),
            "hints": len(self.hints),
        }

    # Rules

    def refusal(self, before: Document, after: Document) -> str | None:
        """Why a change of the graph is not allowed, in words; None if it is.

        Args:
            before: the graph as it is.
            after: what it would be.
        """
        if self.allowed is not None:
            # what the start holds may come back
            more = _types(after) - (_types(before) | _types(self.start))
            for name in more:
                if name not in self.allowed:
                    choices = ", ".join(sorted(self.allowed)) or "none"
                    return f"{name} is not allowed in this exercise. Allowed: {choices}."
        for key, name in self.locked.items():
            if self._kept_as(after, key) is None:
                return f"{name!r} is locked in this exercise: it has to stay as it is."
        return None

    def locked_in(self, document: Document) -> set[str]:
        """The ids of the locked nodes in a graph, which are others where code was edited."""
        found = {self._kept_as(document, key) for key in self.locked}
        return {key for key in found if key is not None}

    def _kept_as(self, document: Document, key: str) -> str | None:
        """The id of a locked node, which may be another where code was edited; None if it is not as
        it was."""
        named = [k for k, n in shown_names(document).items() if n == self.locked[key]]
        node = self.start[key]
        if not node.name:  # then others may have its name by now
            named.append(key)
        if node.kind == "repeat":  # its name is not in code
            named += [n.id for n in document if n.kind == "repeat"]
        same = (k for k in named if k in document and _form(document, k) == self._kept[key])
        return next(same, None)

    def _broken(self, document: Document, live: Container[str]) -> str | None:
        """Which rule a graph breaks, in words; None if it keeps them all."""
        refusal = self.refusal(self.start, document)
        if refusal is not None:
            return refusal
        for key, name in self.locked.items():
            if self._kept_as(document, key) not in live:
                return f"{name!r} is locked in this exercise: it has to be part of the model."
        return None

    def check(
        self,
        report: Any,
        document: Document,
        history: Any = None,
        *,
        code: str = "",
        edits: int = 0,
        trainings: int = 0,
        hints: int = 0,
        times: Mapping[str, Any] | None = None,
    ) -> Result:
        """How far the goals are reached.

        Args:
            report: what `checking` says of the graph.
            document: the graph.
            history: of the training of this graph, what `fit` gives or its dictionary; None if it
                was changed since, or never trained.
            code: of the graph.
            edits: how often something was changed.
            trainings: how often training was started.
            hints: how many were shown.
            times: time stamps.
        """
        logs = getattr(history, "history", history) or {}
        epochs = max((len(values) for values in logs.values()), default=0)
        newest = {
            name: float(values[-1])
            for name, values in logs.items()
            if len(values) and isinstance(values[-1], (int, float, np.number))
        }
        live = set(report.live if report.complete else document.nodes)
        live |= {document.owner(key).id for key in live}
        counts = {
            "parameters": report.parameters,
            "layers": _count(document, live),
            "operations": report.cost,
            "epochs": epochs,
        }
        state = State(_types(document, live), counts, newest)
        return Result(
            self.task, tuple(goal.check(state) for goal in self.goals), bool(report.complete),
            self._broken(document, live), counts, newest, code, edits, trainings, hints,
            dict(times or {}),
        )  # fmt: skip


def _require_list(name: str, value: Any) -> None:
    if isinstance(value, (str, Goal)):
        raise ArgumentError(f"Exercise: expected {name} as a list, got one {type(value).__name__}.")


def _document(start: Any, custom: Mapping[str, type]) -> Document:
    if start is None:
        return Document()
    if isinstance(start, Document):
        return start
    if isinstance(start, str):
        return from_code(start, custom)
    if isinstance(start, Model):
        return from_model(start)
    raise ArgumentError(
        f"Exercise: expected start as code, a model or a document, got {type(start).__name__}."
    )


def _checked_data(data: Any) -> Any:
    """Data as it is kept: None, the name of a set, or a `Data`."""
    if data is None or isinstance(data, Data):
        return data
    if isinstance(data, str):
        if data not in SETS:
            raise unknown("data set", data, SETS)
        return data
    if isinstance(data, tuple) and len(data) == 2:
        return Data("data of the exercise", *data, None, "")
    raise ArgumentError(
        f"Exercise: expected data as the name of a set or (x, y), got {type(data).__name__}."
    )


def _types(document: Document, live: Container[str] | None = None) -> Counter:
    """How many layers of each class there are; called once more, one is still one.

    Args:
        document: the graph.
        live: the ids of the nodes that count; all if None.
    """
    own = (n for n in document if n.kind == "layer" and not n.shares)
    return Counter(n.type for n in own if live is None or n.id in live)


def _count(document: Document, live: Container[str]) -> int:
    """The number of layers, those of a repeat each time."""
    total = 0
    for node in document:
        if node.kind == "layer" and not node.shares and node.id in live:
            outer = [document[key] for key in document.ancestors(node.id)]
            total += math.prod(box.count for box in outer if box.kind == "repeat")
    return total


def _form(document: Document, key: str) -> tuple:
    """What a locked node is, with all that is in it, but for what it reads."""
    node = document[key]
    own = (node.kind, node.type, node.count, _given(document, key), dict(node.call))
    if node.kind not in CONTAINERS:
        return own
    inside = document.ordered(key)
    places = {child.id: i for i, child in enumerate(inside)}
    parts = [
        (
            _form(document, child.id), child.name, places.get(child.shares),
            [edge and (places[edge.source], edge.output) for edge in child.reads],
        )
        for child in inside
    ]  # fmt: skip
    return (*own, parts)


def _given(document: Document, key: str) -> dict[str, Any]:
    """The arguments of a layer that differ from their defaults."""
    node = document[key]
    entry = entries().get(node.type)
    arguments = {} if entry is None else {a.name: a.default for a in entry.arguments}
    missing = object()
    return {k: v for k, v in node.settings.items() if arguments.get(k, missing) != v}
