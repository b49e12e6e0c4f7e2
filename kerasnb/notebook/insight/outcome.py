"""`Outcome`: what a model says of examples, beside what is true of them. Plain NumPy.

Imports checks, losses, activations. `judge` finds out from the loss (or, where there is none, from
the last activation and the targets) whether the model chooses among classes or predicts numbers.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasnb import activations, losses, tree
from kerasnb.errors import ArgumentError, GraphError, ShapeError
from kerasnb.losses.base import Loss
from kerasnb.notebook.insight.checks import (
    batch_size_for,
    class_names_for,
    kept_seeds,
    layers_of,
    require_built,
    to_arrays,
)

__all__ = [
    "CannotCompare", "Outcome", "binary_loss", "chances", "judge", "last_activation", "predict",
]  # fmt: skip

_CLASS_LOSSES = {
    losses.categorical_crossentropy, losses.sparse_categorical_crossentropy,
    losses.categorical_hinge, losses.kl_divergence,
}  # fmt: skip
_BINARY_LOSSES = {losses.binary_crossentropy, losses.hinge, losses.squared_hinge}
_MARGINS = {losses.hinge, losses.squared_hinge}  # decide at 0, not at 1/2
# below this, a probability counts as this: the loss of a sure mistake stays finite, as in training
_LEAST = 1e-7


class CannotCompare(ArgumentError):
    """What a model gives cannot be compared with targets, for all that both are as they should be:
    NaN, several outputs, sequences, or several classes at once."""


class Outcome:
    """What a model predicts for examples, and how far off it is.

    Attributes:
        kind: ``"classes"`` or ``"numbers"``.
        x: the inputs as arrays.
        truth: class numbers ``(N,)``, or target numbers ``(N, d)``.
        predicted: the same of the predictions.
        probability: of each class, ``(N, classes)``; None for numbers.
        loss: of each example, ``(N,)``: -log of the probability of the true class, or the
            Euclidean length of the error.
        class_names: one text a class; empty for numbers.
        places: where the examples stand in the data that they were taken from, ``(N,)``.
    """

    def __init__(
        self,
        kind: str,
        x: Any,
        truth: np.ndarray,
        predicted: np.ndarray,
        probability: np.ndarray | None,
        class_names: list[str],
        places: np.ndarray | None = None,
    ):
        self.kind, self.x, self.truth, self.predicted = kind, x, truth, predicted
        self.probability, self.class_names = probability, class_names
        self.places = np.arange(len(truth)) if places is None else places
        if probability is None:
            self.loss = np.linalg.norm(predicted - truth, axis=1)
        else:
            of_truth = probability[np.arange(len(truth)), truth]
            self.loss = -np.log(np.maximum(of_truth, _LEAST))

    def __len__(self) -> int:
        return len(self.truth)

    @property
    def classes(self) -> int:
        """The number of classes; 0 for numbers."""
        return len(self.class_names)

    @property
    def right(self) -> int:
        """How many examples got the class that is true of them."""
        return int((self.truth == self.predicted).sum())

    def matrix(self) -> np.ndarray:
        """How often each class (row) was taken for each class (column).

        Shape:
            ``(classes, classes)``, int64.
        """
        pairs = self.truth * self.classes + self.predicted
        counts = np.bincount(pairs, minlength=self.classes**2)
        return counts.reshape(self.classes, self.classes)  # (C*C,) -> (C, C)

    def where(self, true: int, predicted: int) -> np.ndarray:
        """The places of the examples in one cell of the matrix, the surest first."""
        index = np.flatnonzero((self.truth == true) & (self.predicted == predicted))
        return index[np.argsort(-self.probability[index, predicted], kind="stable")]

    def worst(self, count: int) -> np.ndarray:
        """The places of up to `count` examples with the highest loss, the worst first.

        Of classes only wrong ones, if there are any.
        """
        index = np.arange(len(self))
        if self.kind == "classes":
            wrong = np.flatnonzero(self.truth != self.predicted)
            index = wrong if len(wrong) else index
        return index[np.argsort(-self.loss[index], kind="stable")][:count]


def judge(
    model: Any,
    x: Any,
    y: Any,
    class_names: Any = None,
    function: str = "inspect",
    places: np.ndarray | None = None,
) -> Outcome:
    """Let `model` predict `x`, and compare with `y`.

    Args:
        model: with one output.
        x: inputs as arrays.
        y: targets: class numbers ``(N,)`` or ``(N, 1)``, one-hot rows, or numbers.
        class_names: a text for each class.
        function: who asks, for the errors.
        places: where the examples stand in the data that they were taken from; 0, 1, … if None.

    Raises:
        GraphError: the model is not built.
        ShapeError: lengths differ, or targets do not fit the output.
        ArgumentError: labels are out of range or no whole numbers; names do not fit.
        CannotCompare: the model has several outputs, or gives sequences, NaN or infinite numbers;
            or examples are of several classes at once.
    """
    require_built(model, function)
    if y is None:
        raise ArgumentError(f"{function}: y is None: pass the targets of x.")
    x, y = to_arrays(x, y, function)
    y = _one_array(y, function)
    width = _known_width(model)
    if width is not None:  # what is wrong with the targets is found before any work
        _compare(model, y, width, class_names, function)
    outputs = predict(model, x, function)
    if outputs.ndim == 1:
        outputs = outputs[:, None]
    _require_finite(model, outputs, function)
    kind, truth, names = _compare(model, y, outputs.shape[-1], class_names, function)
    if kind == "numbers":
        return Outcome(kind, x, truth, outputs.astype("float64"), None, [], places)
    probability = chances(model, outputs)
    return Outcome(kind, x, truth, probability.argmax(1), probability, names, places)


def predict(model: Any, x: Any, function: str) -> np.ndarray:
    """The outputs for arrays `x`, in batches that fit; leaves the random states as they were.

    Raises:
        CannotCompare: the model has several outputs, or one with more axes than one for examples
            and one for features.
    """
    with kept_seeds():
        outputs = model.predict(x, batch_size=batch_size_for(x), verbose=0)
    outputs = _one_output(model, outputs, function)
    if outputs.ndim > 2:
        raise CannotCompare(
            f"{function}: expected outputs (examples, classes) or (examples, numbers), but model "
            f"{model.name!r} gives {outputs.shape[1:]} for each example."
        )
    return outputs


def chances(model: Any, outputs: np.ndarray) -> np.ndarray:
    """Outputs of a model that chooses among classes as probabilities.

    Shape:
        ``(N, 1) -> (N, 2)``, of a single unit that stands for the second class; ``(N, classes)``
        as it is.
    """
    outputs = outputs.astype("float64")
    function, logits = _loss_of(model)
    logits = logits or function in _MARGINS
    if outputs.shape[1] == 1:
        inside = outputs.min() >= 0 and outputs.max() <= 1
        p = outputs if inside and not logits else np.exp(-np.logaddexp(0, -outputs))
        return np.concatenate([1 - p, p], axis=1)
    total = outputs.sum(axis=1, keepdims=True)
    if outputs.min() >= 0 and total.min() > 0 and not logits:
        return outputs / total  # as crossentropy does
    e = np.exp(outputs - outputs.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def binary_loss(model: Any) -> bool:
    """Whether the compiled loss takes one output for two classes."""
    return _loss_of(model)[0] in _BINARY_LOSSES


def last_activation(model: Any) -> Any:
    """The activation function of the layer that gives the output; None if it has none."""
    found = layers_of(model)
    layer = found[-1][1] if found else None
    if type(layer).__name__ == "Softmax":
        return activations.softmax
    return getattr(layer, "activation", None)


def _loss_of(model: Any) -> tuple[Any, bool]:
    """The function behind the compiled loss (None for another kind), and whether it takes
    logits."""
    given = tree.flatten(model.loss) if model.loss is not None else []
    if len(given) != 1:
        return None, False
    loss = given[0] if isinstance(given[0], Loss) else losses.as_loss(given[0])
    arguments = getattr(loss, "_kwargs", {})
    return getattr(loss, "fn", None), bool(arguments.get("from_logits", False))


def _compare(
    model: Any, y: np.ndarray, width: int, class_names: Any, function: str
) -> tuple[str, np.ndarray, list[str]]:
    """What kind of task it is, the truth in that kind's form, and the names of the classes."""
    if _is_choice(model, y, width):
        classes = max(width, 2)
        names = class_names_for(class_names, classes, function)
        return "classes", _labels(model, y, width, function), names
    if class_names is not None:
        raise ArgumentError(
            f"{function}: class_names are given, but model {model.name!r} predicts numbers, not "
            "classes. Leave them out, or compile with a loss for classes."
        )
    truth = y.astype("float64").reshape(len(y), -1)  # (N,) -> (N, 1)
    if truth.shape[1] != width:
        raise ShapeError(
            f"{function}: expected y with {width} number{'s' * (width != 1)} an example, as the "
            f"output of model {model.name!r}, got shape {y.shape}."
        )
    if not np.isfinite(truth).all():
        raise ArgumentError(
            f"{function}: y holds {int((~np.isfinite(truth)).sum())} NaN or infinite values. "
            "Remove those examples."
        )
    return "numbers", truth, []


def _is_choice(model: Any, y: np.ndarray, width: int) -> bool:
    """Whether the model chooses among classes: the loss says so, or the last activation does."""
    function, _ = _loss_of(model)
    if function in _CLASS_LOSSES or function in _BINARY_LOSSES:
        return True
    last = last_activation(model)
    if last is activations.softmax and width > 1:
        return True
    binary = width == 1 and last is activations.sigmoid
    if binary and bool(np.isin(y, (0, 1)).all()):
        return True
    # several numbers for one whole number: scores of classes, without a loss that says so
    return width > 1 and y.size == len(y) and y.dtype.kind in "iub"


def _labels(model: Any, y: np.ndarray, width: int, function: str) -> np.ndarray:
    """Targets as class numbers.

    Shape:
        ``(N,)``, ``(N, 1)`` or one-hot ``(N, classes)`` -> ``(N,)``, int64.
    """
    classes = max(width, 2)
    if y.ndim == 2 and y.shape[1] == classes and width > 1:
        return _from_rows(model, y, function)
    if y.size != len(y):
        rows = f", or as one-hot rows (N, {classes})" if width > 1 else ""
        raise ShapeError(
            f"{function}: expected y as class numbers (N,){rows} for the {classes} classes of "
            f"model {model.name!r}, got shape {y.shape}."
        )
    values = y.reshape(-1)  # (N, 1) -> (N,)
    if _loss_of(model)[0] in _MARGINS and values.min() == -1:
        values = np.where(values == -1, 0, values)  # hinge losses take -1 and 1 for 0 and 1
    bad = int((~np.isfinite(values)).sum())
    if bad:
        raise ArgumentError(
            f"{function}: y holds {bad} NaN or infinite values. Remove those examples."
        )
    if not (values == np.rint(values)).all():
        raise ArgumentError(
            f"{function}: expected whole numbers as labels in y, as model {model.name!r} chooses "
            "among classes, got fractions. For a model that predicts numbers, compile with a loss "
            "such as 'mse'."
        )
    labels = values.astype("int64")
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= classes:
        raise ArgumentError(
            f"{function}: labels must lie between 0 and {classes - 1}, as model {model.name!r} "
            f"chooses among {classes} classes, but y goes from {low} to {high}."
        )
    return labels


def _from_rows(model: Any, y: np.ndarray, function: str) -> np.ndarray:
    """One-hot rows (or rows of probabilities) as class numbers."""
    odd = int((~np.isclose(y.astype("float64").sum(axis=1), 1, atol=1e-3)).sum())
    if odd or y.min() < 0:
        # a loss for two classes is trained on several classes at once, another loss is not
        several = _loss_of(model)[0] in _BINARY_LOSSES
        found = f"{odd} of {len(y)} rows do not add up to 1" if odd else "some numbers are below 0"
        raise (CannotCompare if several else ArgumentError)(
            f"{function}: expected each row of y to mark one class, but {found}. Examples of "
            "several classes at once are looked at one column at a time."
        )
    return y.argmax(axis=1).astype("int64")


def _known_width(model: Any) -> int | None:
    """The last axis of the output, where the model knows it in advance."""
    try:
        outputs = model.outputs
    except (AttributeError, GraphError):
        return None
    one = len(outputs) == 1 and outputs[0].ndim == 2
    return outputs[0].shape[-1] if one else None


def _one_array(y: Any, function: str) -> np.ndarray:
    leaves = tree.flatten(y)
    if len(leaves) != 1:
        raise CannotCompare(
            f"{function}: expected one array of targets, got {len(leaves)}. Look at one output at "
            "a time: kerasnb.Model(model.inputs, model.outputs[0])."
        )
    array = leaves[0]
    return array.astype("int64") if array.dtype.kind == "b" else array


def _one_output(model: Any, outputs: Any, function: str) -> np.ndarray:
    leaves = tree.flatten(outputs)
    if len(leaves) != 1:
        raise CannotCompare(
            f"{function}: model {model.name!r} has {len(leaves)} outputs. Look at one at a time: "
            "kerasnb.Model(model.inputs, model.outputs[0])."
        )
    return leaves[0]


def _require_finite(model: Any, outputs: np.ndarray, function: str) -> None:
    bad = int((~np.isfinite(outputs).all(axis=1)).sum())
    if bad:
        raise CannotCompare(
            f"{function}: model {model.name!r} gives NaN or infinite numbers for {bad} of "
            f"{len(outputs)} examples, so there is nothing to compare. health(model, x, y) shows "
            "where they begin."
        )
