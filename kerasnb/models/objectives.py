"""What `compile` was given, per output: losses with their weights, and metrics with their names.

Imports losses, metrics and tree.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from kerasnb import losses, metrics, tree
from kerasnb.errors import ArgumentError, ShapeError
from kerasnb.losses.base import Loss
from kerasnb.metrics.base import Mean, Metric
from kerasnb.tensor import Tensor

__all__ = ["Losses", "Metrics", "Objective", "check_names", "per_output"]


def per_output(given: Any, names: Sequence[str], what: str) -> list:
    """`given` (one for all, a list, or a dictionary by output name) as one entry an output.

    Raises:
        ArgumentError: a key names no output, or the number differs.
    """
    if isinstance(given, dict):
        for key in given:
            if key not in names:
                raise ArgumentError(
                    f"compile: {what} names the output {key!r}; the outputs are {', '.join(names)}."
                )
        return [given.get(name) for name in names]
    if isinstance(given, (list, tuple)):
        if len(given) != len(names):
            raise ArgumentError(
                f"compile: expected {what} for {len(names)} outputs ({', '.join(names)}), got "
                f"{len(given)}."
            )
        return list(given)
    return [given] * len(names)


class Losses:
    """The loss of each output, and their weighted sum.

    Args:
        given: as passed to `compile`.
        weights: the weight of each output's loss.
        names: of the outputs.
    """

    def __init__(self, given: Any, weights: Any, names: Sequence[str]):
        self.names = list(names)
        if isinstance(given, (list, tuple)) and len(given) == 1 and len(names) == 1:
            given = given[0]
        self.losses = [losses.as_loss(g) for g in per_output(given, names, "loss")]
        self.weights = (
            [1.0] * len(names) if weights is None else per_output(weights, names, "loss_weights")
        )
        several = len(names) > 1
        self.trackers = [Mean(name=f"{n}_loss") for n in names] if several else []

    @property
    def tracked(self) -> list[Metric]:
        """The mean of each output's loss, of models with several outputs."""
        return [t for t, loss in zip(self.trackers, self.losses, strict=False) if loss is not None]

    def __call__(self, y: Any, y_pred: Any, sample_weight: Any, batch_size: Any) -> Tensor | None:
        """The weighted sum of the losses; None if no output has a loss."""
        predictions = tree.flatten(y_pred)
        targets = align(y, y_pred, self.names, "y")
        weights = _weights(sample_weight, y_pred, self.names)
        total = None
        for i, loss in enumerate(self.losses):
            if loss is None:
                continue
            value = loss(targets[i], predictions[i], sample_weight=weights[i])
            if self.trackers:
                self.trackers[i].update_state(value, sample_weight=batch_size)
            value = value if self.weights[i] in (None, 1.0) else value * self.weights[i]
            total = value if total is None else total + value
        return total

    def check_labels(self, y: Any, y_pred: Any) -> None:
        """Look through class numbers in host arrays for one that no output unit stands for.

        Raises:
            ShapeError: a label is out of range; the text names the loss and the range.
        """
        if y is None:
            return
        for loss, target, output in zip(
            self.losses, align(y, y_pred, self.names, "y"), tree.flatten(y_pred), strict=True
        ):
            if _takes_labels(loss) and isinstance(target, np.ndarray):
                _check_range(loss, target, output.shape[loss._kwargs.get("axis", -1)])


def _takes_labels(loss: Loss | None) -> bool:
    function = getattr(loss, "fn", None)
    return function is losses.sparse_categorical_crossentropy


def _check_range(loss: Loss, target: np.ndarray, classes: int) -> None:
    ignored = getattr(loss, "ignore_class", None)
    labels = target if ignored is None else target[target != ignored]
    if not labels.size:
        return
    low, high = labels.min(), labels.max()
    if low < 0 or high >= classes:
        raise ShapeError(
            f"Loss {loss.name!r}: labels must lie between 0 and {classes - 1}, as the output has "
            f"{classes} units, but they go from {low:g} to {high:g}. Give the last layer "
            f"{int(high) + 1} units, or renumber the labels."
        )


def align(given: Any, y_pred: Any, names: Sequence[str], what: str) -> list:
    """The targets in the order of the outputs."""
    count = len(tree.flatten(y_pred))
    if isinstance(given, dict):
        keys = (
            list(names)
            if set(names) <= set(given) or not isinstance(y_pred, dict)
            else sorted(y_pred)
        )
        missing = [k for k in keys if k not in given]
        if missing:
            raise ArgumentError(
                f"{what}: expected a target for each output ({', '.join(keys)}), got "
                f"{', '.join(sorted(given))}."
            )
        return [given[k] for k in keys]
    leaves = tree.flatten(given)
    if len(leaves) != count:
        raise ArgumentError(
            f"{what}: expected {count} targets ({', '.join(names)}), got {len(leaves)}."
        )
    return leaves


def _weights(sample_weight: Any, y_pred: Any, names: Sequence[str]) -> list:
    count = len(tree.flatten(y_pred))
    if sample_weight is None or not tree.is_nested(sample_weight):
        return [sample_weight] * count
    if isinstance(sample_weight, dict):
        return [sample_weight.get(n) for n in names]
    return align(sample_weight, y_pred, names, "sample_weight")


class Metrics:
    """The metrics of each output, made when the shapes are known.

    Args:
        given: as passed to `compile` as metrics.
        weighted: as passed as weighted_metrics.
        names: of the outputs.
    """

    def __init__(self, given: Any, weighted: Any, names: Sequence[str]):
        self.names = list(names)
        self._plain = _metric_lists(given, names, "metrics")
        self._weighted = _metric_lists(weighted, names, "weighted_metrics")
        self.built = False
        self.metrics: list[list[tuple[Metric, bool]]] = []

    def build(self, y: Any, y_pred: Any) -> None:
        """Make the metrics; ``"accuracy"`` becomes the kind that fits the target's shape."""
        targets, outputs = align(y, y_pred, self.names, "y"), tree.flatten(y_pred)
        self.metrics = []
        for i, (target, output) in enumerate(zip(targets, outputs, strict=True)):
            chosen = [(m, False) for m in self._plain[i]] + [(m, True) for m in self._weighted[i]]
            made = [(_make(m, target, output), weighted) for m, weighted in chosen]
            self.metrics.append([(m, w) for m, w in made if m is not None])
        self.built = True

    @property
    def flat(self) -> list[Metric]:
        """All metrics in order."""
        return [m for group in self.metrics for m, _ in group]

    def update(self, y: Any, y_pred: Any, sample_weight: Any) -> None:
        """Take in one batch."""
        if not self.flat:
            return
        targets, outputs = align(y, y_pred, self.names, "y"), tree.flatten(y_pred)
        weights = _weights(sample_weight, y_pred, self.names)
        for group, target, output, weight in zip(
            self.metrics, targets, outputs, weights, strict=True
        ):
            for metric, weighted in group:
                metric.update_state(target, output, sample_weight=weight if weighted else None)

    def results(self) -> dict[str, Tensor]:
        """The value of each metric by name; with several outputs the output's name comes first."""
        results = {}
        for name, group in zip(self.names, self.metrics, strict=False):
            start = f"{name}_" if len(self.names) > 1 else ""
            for metric, weighted in group:
                key = f"{start}{metric.name}"
                if weighted and key in results:
                    key = f"{start}weighted_{metric.name}"
                number = 1
                while key in results:  # two of one name: the later one gets a number, as in Keras
                    key = f"{key.removesuffix(f'_{number - 1}')}_{number}"
                    number += 1
                results[key] = metric.result()
        return results


class Objective:
    """Losses and metrics as given to `compile`, tied to the outputs once these are known."""

    def __init__(self, loss: Any, loss_weights: Any, metrics: Any, weighted_metrics: Any):
        self._given = (loss, loss_weights, metrics, weighted_metrics)
        self.losses: Losses | None = None
        self.metrics: Metrics | None = None

    def build(self, model: Any, y: Any, y_pred: Any) -> None:
        """Tie to the outputs of `model`, whose specs are `y_pred`."""
        loss, loss_weights, metrics, weighted = self._given
        if self.losses is None and loss is not None:
            self.losses = Losses(loss, loss_weights, model._output_names(y_pred))
        if self.metrics is None and (metrics is not None or weighted is not None):
            self.metrics = Metrics(metrics, weighted, model._output_names(y_pred))
        if self.metrics is not None and not self.metrics.built and y is not None:
            self.metrics.build(y, y_pred)

    def all_metrics(self) -> list[Metric]:
        """Every metric, in the order of the logs."""
        found = list(self.losses.tracked) if self.losses is not None else []
        return found + (self.metrics.flat if self.metrics is not None else [])


def check_names(loss: Any, *measured: Any) -> None:
    """Look up every name now, so that a misspelt one is an error of `compile`."""
    for leaf in tree.flatten(loss):
        if leaf is not None and not isinstance(leaf, Loss):
            losses.get(leaf)
    for leaf in tree.flatten(measured):
        if isinstance(leaf, str) and leaf not in ("accuracy", "acc"):
            metrics.deserialize(leaf)


def _metric_lists(given: Any, names: Sequence[str], what: str) -> list[list]:
    if given is None:
        return [[] for _ in names]
    if isinstance(given, dict) or (len(names) > 1 and len(tree.flatten(given)) != 1):
        return [_as_list(g) for g in per_output(given, names, what)]
    if len(names) > 1:
        return [_as_list(given) for _ in names]
    return [tree.flatten(given)]


def _as_list(given: Any) -> list:
    if given is None:
        return []
    return list(given) if isinstance(given, (list, tuple)) else [given]


def _make(given: Any, target: Any, output: Tensor) -> Metric | None:
    if given is None or isinstance(given, Metric):
        return given
    if given in ("accuracy", "acc"):
        return metrics.accuracy_for(target.shape, output.shape)(name=given)
    found = metrics.get(given)
    if isinstance(found, Metric):
        if isinstance(given, str) and given in metrics.SHORT_NAMES:
            found.name = given  # the logs say "mse" to who asked for "mse"
        return found
    return metrics.MeanMetricWrapper(found, name=found.__name__)
