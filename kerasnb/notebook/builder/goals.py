"""What an exercise asks for: goals that are data, with a check. Imports layers, metrics, losses.

A goal is made by one of the functions here or read from a short text, ``"val_accuracy >= 0.97"``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from kerasnb import losses, metrics
from kerasnb.errors import ArgumentError, unknown
from kerasnb.layers import LAYERS

__all__ = [
    "Goal", "Reached", "State", "accuracy", "epochs", "layers", "metric", "operations",
    "parameters", "parse", "type_name", "uses", "without",
]  # fmt: skip

COUNTS = ("parameters", "layers", "operations", "epochs")
LAYER_GOALS = ("uses", "without")
SENSES = {">=": "at least", ">": "more than", "<=": "at most", "<": "fewer than"}
POSSIBLE = (
    "Possible are 'val_accuracy >= 0.97' (any metric, of validation with val_ before its name), "
    "'parameters < 20000', 'layers <= 5', 'operations < 1000000', 'epochs <= 10', 'uses Conv2D' "
    "and 'without Dense'."
)


class State(NamedTuple):
    """What goals look at.

    Attributes:
        types: how often a layer of each class is in the model.
        counts: of parameters, layers, operations and epochs; None where it is not known.
        metrics: the newest value of each log; empty before training.
    """

    types: Mapping[str, int]
    counts: Mapping[str, int | None]
    metrics: Mapping[str, float]


class Reached(NamedTuple):
    """How far a goal is reached.

    Attributes:
        goal: as a short text.
        text: the goal in words.
        met: whether it is.
        value: what there is; None if that is not known.
        missed: what is missing, in words; ``""`` if nothing is.
    """

    goal: str
    text: str
    met: bool
    value: float | None
    missed: str

    def data(self) -> dict[str, Any]:
        """It as JSON has it."""
        value = self.value
        return {**self._asdict(), "value": value if _is_finite(value) else None}


class Goal(NamedTuple):
    """Something to reach.

    Attributes:
        measure: one of `COUNTS`, ``"uses"``, ``"without"``, or the name of a log.
        sense: one of `SENSES`; ``""`` for layers.
        value: a number, or the name of a layer's class.
    """

    measure: str
    sense: str
    value: float | str

    def __str__(self) -> str:
        return " ".join(filter(None, [self.measure, self.sense, str(self.value)]))

    @property
    def text(self) -> str:
        """It in words."""
        if self.measure in LAYER_GOALS:
            return f"{self.measure} {self.value}"
        if self.measure not in COUNTS:
            sense = "less than" if self.sense == "<" else SENSES[self.sense]
            return f"{self.measure} of {sense} {self.value:g}"
        name = self.measure if self.value != 1 else self.measure[:-1]
        return f"{SENSES[self.sense]} {self.value:,} {name}"

    def check(self, state: State) -> Reached:
        """How far it is reached."""
        if self.measure in LAYER_GOALS:
            value, missed = self._of_layers(state)
        elif self.measure in COUNTS:
            value = state.counts.get(self.measure)
            missed = "not known yet" if value is None else self._of_count(value)
            if self.measure == "epochs" and not value:
                missed = "not trained yet"
        else:
            value = state.metrics.get(self.measure)
            missed = self._unmeasured(state) if value is None else self._of_metric(value)
        return Reached(str(self), self.text, not missed, value, missed)

    def _of_layers(self, state: State) -> tuple[int, str]:
        count = state.types.get(self.value, 0)
        if self.measure == "uses":
            return count, "" if count else f"there is no {self.value}"
        there = f"there {'is 1' if count == 1 else f'are {count}'} {self.value}"
        return count, there if count else ""

    def _of_count(self, value: int) -> str:
        if _holds(value, self.sense, self.value):
            return ""
        if self.sense in (">=", ">"):
            return f"{value:,}: {self.value - value + (self.sense == '>'):,} missing"
        return f"{value:,}: {value - self.value + (self.sense == '<'):,} too many"

    def _of_metric(self, value: float) -> str:
        if _holds(value, self.sense, self.value):
            return ""
        if not math.isfinite(value):
            return f"{value}: training has diverged"
        off = abs(self.value - value)
        return f"{value:.4g}: {off:.3g} {'missing' if self.sense in ('>=', '>') else 'too much'}"

    def _unmeasured(self, state: State) -> str:
        if not state.metrics:
            return "not trained yet"
        if self.measure.startswith("val_") and self.measure[4:] in state.metrics:
            return "not measured: train with data for validation"
        return f"not measured: add {self.measure.removeprefix('val_')!r} to the metrics"


def _holds(value: float, sense: str, bound: float) -> bool:
    return {
        ">=": value >= bound, ">": value > bound, "<=": value <= bound, "<": value < bound,
    }[sense]  # fmt: skip


def _is_finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


# Making goals


def metric(name: str, at_least: float | None = None, at_most: float | None = None) -> Goal:
    """A log of `fit` after its last epoch, such as ``"val_loss"``, has a value or a better one.

    Raises:
        ArgumentError: not one of the two bounds is given, or it is no number.
    """
    return _bounded(name, {">=": at_least, "<=": at_most})


def accuracy(at_least: float | None = None, of: str = "validation") -> Goal:
    """The accuracy after the last epoch is high enough.

    Args:
        at_least: from 0 to 1.
        of: ``"validation"`` or ``"training"``.

    Raises:
        ArgumentError: a value that cannot be.
    """
    names = {"validation": "val_accuracy", "training": "accuracy"}
    if of not in names:
        raise unknown("data for accuracy", of, names)
    return metric(names[of], at_least=at_least)


def parameters(below: int | None = None, at_most: int | None = None) -> Goal:
    """The model has few numbers to learn."""
    return _bounded("parameters", {"<": below, "<=": at_most})


def operations(below: int | None = None, at_most: int | None = None) -> Goal:
    """The model needs few arithmetic operations for an example."""
    return _bounded("operations", {"<": below, "<=": at_most})


def layers(at_most: int | None = None, at_least: int | None = None) -> Goal:
    """The model has few layers, or enough of them; inputs do not count."""
    return _bounded("layers", {"<=": at_most, ">=": at_least})


def epochs(at_most: int | None = None, at_least: int | None = None) -> Goal:
    """The model was trained for few epochs, or enough of them."""
    return _bounded("epochs", {"<=": at_most, ">=": at_least})


def uses(layer: Any) -> Goal:
    """The model has a layer of a class.

    Args:
        layer: the class, or the name of one of `kerasnb.layers`.
    """
    return Goal("uses", "", type_name(layer))


def without(layer: Any) -> Goal:
    """The model has no layer of a class.

    Args:
        layer: the class, or the name of one of `kerasnb.layers`.
    """
    return Goal("without", "", type_name(layer))


def type_name(layer: Any) -> str:
    """The name of a layer's class.

    Args:
        layer: the class, or the name of one of `kerasnb.layers`.

    Raises:
        ArgumentError: there is none of this name; close matches are listed.
    """
    if isinstance(layer, type):
        return layer.__name__
    if not isinstance(layer, str) or layer not in LAYERS:
        raise unknown("layer", layer, LAYERS)
    return layer


def _bounded(name: str, bounds: Mapping[str, float | None]) -> Goal:
    given = [(sense, value) for sense, value in bounds.items() if value is not None]
    words = {">=": "at_least", "<=": "at_most", "<": "below"}
    if len(given) != 1:
        choices = " or ".join(words[sense] for sense in bounds)
        raise ArgumentError(f"Goal {name!r}: expected one bound, {choices}, got {len(given)}.")
    sense, value = given[0]
    return Goal(name, sense, _number(name, value))


def _number(name: str, value: Any) -> float:
    kinds = int if name in COUNTS else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds) or not math.isfinite(value):
        kind = "whole number" if name in COUNTS else "number"
        raise ArgumentError(f"Goal {name!r}: expected a {kind} as its bound, got {value!r:.40}.")
    if name.removeprefix("val_") == "accuracy" and not 0 <= value <= 1:
        raise ArgumentError(f"Goal {name!r}: accuracy lies between 0 and 1, got {value}.")
    return value


# Reading goals

_BOUND = re.compile(
    r"(?P<name>\w+)\s*(?P<sense>>=|<=|>|<|≥|≤|at least|at most|more than|fewer than|less than|"
    r"below|above)\s*"
    # commas only where thousands end: 0,97 may mean 0.97, and is not understood
    r"(?P<number>-?(?:\d{1,3}(?:,\d{3})+|\d[\d_]*|(?=\.))(?:\.\d+)?(?:e[-+]?\d+)?)"
    r"\s*(?P<percent>%?)",
    re.IGNORECASE,
)
_LAYER = re.compile(r"(?P<goal>uses?|without|no)\s+(?P<layer>\w+)", re.IGNORECASE)
_SAME = {
    "≥": ">=", "at least": ">=", "above": ">", "more than": ">", "≤": "<=", "at most": "<=",
    "below": "<", "less than": "<", "fewer than": "<",
}  # fmt: skip
_NAMES = {"params": "parameters", "flops": "operations", "acc": "accuracy"}


def parse(goal: Any, custom: Sequence[str] = ()) -> Goal:
    """The goal that a short text means; a goal as it is.

    Args:
        goal: such as ``"val_accuracy >= 97 %"``, ``"parameters < 20,000"`` or ``"uses Conv2D"``.
        custom: names of layers that are not in `kerasnb.layers`.

    Raises:
        ArgumentError: it is not understood; the text says what is possible.
    """
    if isinstance(goal, Goal):
        return goal
    text = goal.strip() if isinstance(goal, str) else ""
    found = _LAYER.fullmatch(text)
    if found:
        measure = "uses" if found["goal"].lower().startswith("use") else "without"
        layer = found["layer"]
        return Goal(measure, "", layer if layer in custom else type_name(layer))
    found = _BOUND.fullmatch(text)
    if not found:
        raise ArgumentError(f"Goal {goal!r:.60} is not understood. {POSSIBLE}")
    name = _log_name(found["name"], goal)
    sense = found["sense"].lower()
    number = found["number"].replace(",", "").replace("_", "")
    value = float(number) / (100 if found["percent"] else 1)
    whole = name in COUNTS and value.is_integer()
    return Goal(name, _SAME.get(sense, sense), _number(name, int(value) if whole else value))


def _log_name(name: str, goal: str) -> str:
    """What a text measures."""
    prefix = "val_" if name.startswith("val_") else ""
    bare = name.removeprefix("val_")
    bare = _NAMES.get(bare, bare)
    if bare in COUNTS and not prefix:
        return bare
    if bare not in ("loss", "accuracy"):
        try:
            metrics.deserialize(bare)
        except ArgumentError:
            try:
                losses.deserialize(bare)
            except ArgumentError:
                text = f"Goal {goal!r:.60} is not understood: {name!r:.40} is no metric. {POSSIBLE}"
                raise ArgumentError(text) from None
    return prefix + bare
